"""Neutrons taken for X-rays, and the phases of another sample: said from the misfit, never fitted
to a positive word. The same series with the right model has one."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_profiles import Lines, simulate_pattern
from hexrd.made_series import PHASES, call

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import reflections
from ssbchar.decision import find_all_contradictions

NEUTRON = {"Li": -1.90, "Fe": 9.45, "P": 5.13, "O": 5.803}
"""Coherent scattering lengths [fm]: V. F. Sears, Neutron News 3 (1992) 26."""
LINES = Lines(counts=2e4)
FRAMES = 8
POSITIVE = {
    "stable",
    "unchanged",
    "reversible",
    "partly",
    "reacts",
    "retained",
    "returned",
    "changed",
}


def write_series(folder: Path, pattern: np.ndarray) -> None:
    """Write frames of one specimen, three minutes apart at 25 degC."""
    folder.mkdir()
    x, rng = np.arange(*LINES.axis), np.random.default_rng(3)
    for i in range(FRAMES):
        counts = rng.poisson(pattern)
        header = [
            f"# wavelength: {LINES.wavelength} angstrom",
            f"# time: 2025-05-06T09:{3 * i:02d}:00+00:00",
            "# temperature: 25.0 C",
        ]
        sigma = np.sqrt(np.maximum(counts, 1))
        rows = [f"{a:.4f} {b} {s:.2f}" for a, b, s in zip(x, counts, sigma, strict=True)]
        (folder / f"m_{i + 1:04d}.xye").write_text("\n".join(header + rows) + "\n")


def conclude(folder: Path, phase: str, mode: str) -> list[Conclusion]:
    about = {"measurement": "m", "sample": "S", "role": "series"}
    patterns = call("hexrd.patterns.read_patterns", None, about, source=folder)
    both = {
        "patterns": patterns,
        "furnace": call(
            "hexrd.furnace.join_temperatures", None, about, patterns=patterns, log=None
        ),
        "phases": [call("crystal.tabulate_reflections", None, {"phase": phase}, table=PHASES)],
    }
    refining = {"mode": mode, "background_terms": 8}
    after = {
        **both,
        "peaks": call("hexrd.peaks.fit_known_lines", None, about, **both),
        "lattice": call("hexrd.refinement.refine_series", refining, about, **both),
    }
    after["tracks"] = call("hexrd.unindexed.follow_lines", None, about, **after)
    after["expansion"] = call("hexrd.expansion.fit_expansion", None, about, **after)
    after["onset"] = call("hexrd.onset.find_onsets", None, about, **after)
    found = call("hexrd.verdict.conclude_series", None, about, candidates=[], **after)
    assert find_all_contradictions(found) == []
    return list(found)


def of_mixture(rows: list[Conclusion]) -> dict[str, Conclusion]:
    return {row.quantity: row for row in rows if row.subject == "S"}


def tabulate(name: str):
    options = reflections.ReflectionListing(d_min=1.15)
    return reflections.tabulate_reflections(PHASES, options, {"phase": name})


@pytest.fixture
def neutron_table(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            reflections, "form_factor_from_s", lambda element, s: NEUTRON[element] * np.ones_like(s)
        )
        return tabulate("LFP")


def test_x_rays_and_the_right_phase_are_stable(tmp_path: Path) -> None:
    table = tabulate("LFP")
    write_series(tmp_path / "p", simulate_pattern(table, np.array(table.attrs["cell"]), LINES))
    rows = conclude(tmp_path / "p", "LFP", "rietveld")
    found = of_mixture(rows)
    assert found["line_area_explained"].verdict == "ok"
    assert found["phase_stability"].verdict == "stable", found["phase_stability"].reason


def test_neutrons_are_no_x_rays(tmp_path: Path, neutron_table) -> None:
    pattern = simulate_pattern(neutron_table, np.array(neutron_table.attrs["cell"]), LINES)
    write_series(tmp_path / "p", pattern)
    rows = conclude(tmp_path / "p", "LFP", "rietveld")
    found = of_mixture(rows)
    assert found["line_area_explained"].verdict == "misfit"
    assert "neutrons" in found["line_area_explained"].reason
    assert not [row for row in rows if row.verdict in POSITIVE]
    cells = [row for row in rows if row.quantity in "abc" and row.subject == "LFP"]
    assert not [row for row in cells if row.verdict == "ok"]


@pytest.mark.parametrize("mode", ["rietveld", "pawley"])
def test_the_phases_of_another_sample_are_not_fitted(tmp_path: Path, mode: str) -> None:
    table = tabulate("NCM811")
    write_series(tmp_path / "p", simulate_pattern(table, np.array(table.attrs["cell"]), LINES))
    rows = conclude(tmp_path / "p", "LFP", mode)
    found = of_mixture(rows)
    assert not [row for row in rows if row.verdict in POSITIVE]
    assert found["line_area_explained"].verdict in ("misfit", "not_measured")
    if found["line_area_explained"].verdict == "misfit":
        assert "another compound" in found["line_area_explained"].reason
    assert not [row for row in rows if row.quantity in "abc" and row.verdict == "ok"]
