"""Patterns from outside, from files to verdict: nothing may say more than one pattern knows."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hexrd.made_series import PHASES, call

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_all_contradictions
from ssbchar.errors import BadInput

STANDARDS = """
Si:
  cif: {folder}/Si_640d.cif
  refinable: true
  source: "NIST SRM 640d, sites of another origin"
Al2O3:
  cif: {folder}/Al2O3_676a.cif
  refinable: true
  source: "NIST SRM 676a, sites of another setting"
"""
POSITIVE = {"stable", "unchanged", "reversible", "retained", "returned"}


def conclude(folder: Path, phase: str, table: Path, **reading: float) -> dict[str, Conclusion]:
    """Return the mixture's rows of patterns in a folder, one phase refined."""
    about = {"measurement": "m", "sample": "S", "role": "series"}
    patterns = call("hexrd.patterns.read_patterns", reading, about, source=folder)
    both = {
        "patterns": patterns,
        "furnace": call(
            "hexrd.furnace.join_temperatures", None, about, patterns=patterns, log=None
        ),
        "phases": [
            call("crystal.tabulate_reflections", None, {"phase": phase}, table=table),
        ],
    }
    after = {
        **both,
        "peaks": call("hexrd.peaks.fit_known_lines", None, about, **both),
        "lattice": call("hexrd.refinement.refine_series", None, about, **both),
    }
    after["tracks"] = call("hexrd.unindexed.follow_lines", None, about, **after)
    after["expansion"] = call("hexrd.expansion.fit_expansion", None, about, **after)
    after["onset"] = call("hexrd.onset.find_onsets", None, about, **after)
    found = call("hexrd.verdict.conclude_series", None, about, candidates=[], **after)
    assert find_all_contradictions(found) == []
    assert not [row for row in found if row.verdict in POSITIVE]
    return {row.quantity: row for row in found if row.subject == "S"}


def test_single_patterns_have_nothing_to_compare_with(
    trials_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pristine pellet, a second one, and two whose cell has changed: each is one pattern."""
    pytest.importorskip("pymatgen")
    monkeypatch.setattr(sys, "path", [str(trials_folder / "hexrd"), *sys.path])
    spec = importlib.util.spec_from_file_location("ex_situ", trials_folder / "hexrd/ex_situ.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(str(tmp_path), 5)
    for name in ("pristine", "same", "cycled25", "cycled80"):
        rows = conclude(tmp_path / name, "LAGP", PHASES)
        assert rows["phase_stability"].verdict == "inconclusive"
        assert "one pattern" in rows["phase_stability"].reason
        assert "compare_to" in rows["phase_stability"].reason
        assert rows["line_area_explained"].value > 95


@pytest.mark.parametrize(("name", "phase"), [("Si_640d", "Si"), ("Al2O3_676a", "Al2O3")])
def test_a_calculated_pattern_about_zero_concludes_nothing(
    name: str, phase: str, real_data: Path, tmp_path: Path
) -> None:
    """Sites of another origin or setting, taken as they stand: Rwp 70-81 %, cells of no meaning."""
    source = real_data / "hexrd" / "aps11bm_standards"
    table = tmp_path / "phases.yaml"
    table.write_text(STANDARDS.format(folder=source.resolve()), encoding="utf-8")
    patterns = tmp_path / "patterns"
    patterns.mkdir()
    (patterns / f"{name}.xy").write_bytes((source / f"{name}.xy").read_bytes())
    try:
        rows = conclude(patterns, phase, table, wavelength=0.413)
    except BadInput as refused:  # a CIF that contradicts itself may be refused
        assert name in str(refused) or phase in str(refused)
        return
    explained = rows["line_area_explained"]
    assert rows["phase_stability"].verdict == "inconclusive"
    assert explained.verdict == "ok" or explained.value < 50
