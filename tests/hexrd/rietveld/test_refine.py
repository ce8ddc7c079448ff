"""Structures with known coordinates, displacement factors, occupancies and shares of the mass are
recovered within their errors; the patterns are synthetic."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_series import call
from hexrd.rietveld.made_structure import TABLE, Truth, make_series, make_truth

from ssbchar.decision import find_all_contradictions
from ssbchar.errors import BadInput
from ssbchar.hexrd.rietveld import conclude, export, program, refine
from ssbchar.hexrd.rietveld.options import Rietveld

needs_rietx = pytest.mark.skipif(
    importlib.util.find_spec("rietx") is None,
    reason="rietx is not installed (extra 'rietveld')",
)
LIMIT = 4.0
"""Standard errors within which a value must lie; of some sixty values one in a thousand series has
one beyond."""


def truths() -> tuple[Truth, ...]:
    """Return two phases whose atoms are not where, and not as stiff as, the phases file says."""
    corundum = make_truth(
        "Al2O3",
        0.5,
        changes={
            0: {"position": (0.0, 0.0, 0.3530), "b_iso": 0.45},
            1: {"position": (0.3030, 0.0, 0.25), "b_iso": 0.55},
        },
    )
    triphylite = make_truth(
        "LFP",
        0.5,
        changes={
            1: {"position": (0.2810, 0.25, 0.9760), "b_iso": 0.5},
            2: {"position": (0.0960, 0.25, 0.4190), "b_iso": 0.7},
            5: {"position": (0.1670, 0.0450, 0.2860), "b_iso": 1.0},
        },
    )
    return corundum, triphylite


@pytest.fixture(scope="module")
def made() -> tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset]:
    """Two frames of the two phases, the first refined."""
    if importlib.util.find_spec("rietx") is None:
        pytest.skip("rietx is not installed (extra 'rietveld')")
    both = truths()
    series = make_series(both, seeds=(11, 12), temperatures=(25.0, 600.0))
    found = call(
        "hexrd.rietveld.refine_structures", {"frames": ["first"]}, {}, table=TABLE, **series
    )
    return both, series, found


def pulls(found: xr.Dataset, both: tuple[Truth, ...]) -> Iterator[tuple[str, float]]:
    """Yield each refined value's distance from the truth in its standard errors."""
    at = found.isel(frame=0)
    for p, truth in enumerate(both):
        for k in np.flatnonzero(at["cell_stderr"].values[p] > 0):
            value, stderr = at["cell"].values[p, k], at["cell_stderr"].values[p, k]
            yield f"cell {truth.known.name} {k}", (value - truth.cell[k]) / stderr
        yield (
            f"weight {truth.known.name}",
            (at["weight_fraction"].values[p] - truth.weight)
            / at["weight_fraction_stderr"].values[p],
        )
        own = np.flatnonzero(at["site_phase"].values == truth.known.name)
        for s, site in zip(own, truth.sites, strict=True):
            known = {
                "position": np.array(site.position),
                "b_iso": np.array(site.b_iso),
                "occupancy": np.array(site.occupancy),
            }
            alone = np.sum(at["b_group"].values == at["b_group"].values[s]) == 1
            for name, true in known.items():
                value, stderr = at[name].values[s], at[f"{name}_stderr"].values[s]
                for k in np.ndindex(true.shape):
                    if np.isfinite(stderr[k]) and (name != "b_iso" or alone):
                        yield f"{name} {truth.known.name} {s} {k}", (value[k] - true[k]) / stderr[k]


@needs_rietx
def test_known_structures_are_recovered_within_their_errors(
    made: tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset],
) -> None:
    both, _, found = made
    assert found["status"].values.tolist() == ["ok"]
    all_pulls = dict(pulls(found, both))
    assert len(all_pulls) > 20, "the data carry coordinates and displacement factors"
    for name in ("position LFP 7", "position Al2O3 0", "b_iso LFP", "weight Al2O3"):
        assert any(key.startswith(name) for key in all_pulls), name
    assert {n: round(p, 2) for n, p in all_pulls.items() if abs(p) > LIMIT} == {}
    assert 0.5 < np.std(list(all_pulls.values())) < 1.6, "errors are honest"
    np.testing.assert_allclose(found["weight_fraction"].sum("phase").values, 1.0, atol=1e-9)


@needs_rietx
def test_atoms_where_symmetry_holds_them_stay(
    made: tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset],
) -> None:
    _, _, found = made
    at = found.isel(frame=0)
    is_held = ~np.isfinite(at["position_stderr"].values)
    np.testing.assert_allclose(
        at["position"].values[is_held], at["position_listed"].values[is_held], atol=1e-12
    )
    assert "occupancies of sites with one element" in at["held"].item()
    assert not np.isfinite(at["occupancy_stderr"].values).any()


@needs_rietx
def test_rows_say_what_was_found_and_the_weighed_mixture_agrees(
    made: tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset],
) -> None:
    _, _, found = made
    rows = conclude.conclude_structures(
        found, Rietveld(frames=("first",), known_mix={"Al2O3": 0.5, "LFP": 0.5})
    )
    assert not find_all_contradictions(rows)
    by_name = {(row.quantity, row.subject): row for row in rows}
    weight = by_name["rietveld_weight_fraction", "LFP"]
    assert weight.verdict == "agrees" and weight.reference == 50 and weight.bound == 5
    assert weight.unit == "percent" and weight.stderr and weight.stderr < 2
    assert {row.condition for row in rows} == {"frame 1 (25 degC)"}
    assert by_name["rietveld_rwp", ""].verdict == "ok"
    assert all(row.stderr for row in rows if row.quantity != "rietveld_rwp")
    assert by_name["rietveld_a", "LFP"].systematic == pytest.approx(10.334e-4, rel=1e-3)
    wrong = conclude.conclude_structures(
        found, Rietveld(frames=("first",), known_mix={"Al2O3": 0.3, "LFP": 0.7})
    )
    assert {r.verdict for r in wrong if r.quantity == "rietveld_weight_fraction"} == {"differs"}
    # shares add up to one: one structure that is not trusted leaves none that is
    doubted = found.assign(refinable=("phase", np.array([0, 1])))
    rows = conclude.conclude_structures(
        doubted, Rietveld(frames=("first",), known_mix={"Al2O3": 0.5, "LFP": 0.5})
    )
    weights = [r for r in rows if r.quantity == "rietveld_weight_fraction"]
    assert {r.verdict for r in weights} == {"doubtful"}
    assert "does not trust the atoms of Al2O3" in weights[1].reason


@needs_rietx
def test_a_pattern_that_is_not_described_is_a_misfit(
    made: tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset],
) -> None:
    _, _, found = made
    off = found.assign(intensity_scatter=("frame", [np.inf]))
    rows = conclude.conclude_structures(off, Rietveld(frames=("first",)))
    assert {r.verdict for r in rows if r.quantity == "rietveld_rwp"} == {"misfit"}
    assert {r.verdict for r in rows if r.subject} == {"doubtful"}
    lost = found.assign(status=("frame", np.array(["not_converged"], object)))
    rows = conclude.conclude_structures(lost, Rietveld(frames=("first",)))
    assert {r.verdict for r in rows if r.quantity == "rietveld_rwp"} == {"failed"}
    assert all("did not converge" in r.reason for r in rows if r.subject)


@needs_rietx
def test_cifs_are_read_by_pymatgen_with_the_refined_structure(
    made: tuple[tuple[Truth, ...], dict[str, xr.Dataset], xr.Dataset], tmp_path: Path
) -> None:
    from pymatgen.core import Structure

    both, series, found = made
    files = export.export_structures(found, series["furnace"], TABLE, {"sample": "made"})
    assert set(files) == {"Al2O3_frame0001.cif", "LFP_frame0001.cif"}
    for truth in both:
        text = files[f"{truth.known.name}_frame0001.cif"]
        assert "(synthetic)" in text.splitlines()[0]
        path = tmp_path / f"{truth.known.name}.cif"
        path.write_text(text, encoding="utf-8")
        read = Structure.from_file(path)
        np.testing.assert_allclose(read.lattice.abc, truth.cell[:3], rtol=3e-4)
        moved = truth.sites[1].position
        nearest = min(
            read.lattice.get_distance_and_image(site.frac_coords, moved)[0]
            for site in read
            if site.specie.symbol == truth.sites[1].element
        )
        assert nearest < 0.02


@needs_rietx
def test_few_grains_widen_the_errors_and_nothing_else() -> None:
    both = truths()
    series = make_series(both, seeds=(21,), temperatures=(25.0,), grain=0.06)
    asked = {"frames": ["first"], "displacement": "phase", "occupancies": "off"}
    found = {
        scatter: call(
            "hexrd.rietveld.refine_structures",
            {**asked, "intensity_scatter": scatter},
            {},
            table=TABLE,
            **series,
        )
        for scatter in ("auto", "off")
    }
    assert 0.03 < found["auto"]["intensity_scatter"].item() < 0.12
    assert found["off"]["intensity_scatter"].item() == 0
    spread = {name: np.std(list(dict(pulls(ds, both)).values())) for name, ds in found.items()}
    assert spread["auto"] < 1.6 < spread["off"], spread


@needs_rietx
def test_what_the_data_do_not_carry_stays_as_listed() -> None:
    series = make_series(truths(), seeds=(3,), temperatures=(25.0,))
    limits = {"coordinate_esd": 1e-6, "displacement_esd": 1e-6}
    found = call(
        "hexrd.rietveld.refine_structures",
        {"frames": [1], **limits},
        {},
        table=TABLE,
        **series,
    ).isel(frame=0)
    assert int(found["structure_parameters"]) == 0
    np.testing.assert_array_equal(found["position"].values, found["position_listed"].values)
    np.testing.assert_array_equal(found["b_iso"].values, found["b_iso_listed"].values)
    assert np.all(found["b_group"].values == -1)
    assert "Al2O3: coordinates of all sites, B of all sites" in found["held"].item()


@needs_rietx
def test_two_elements_on_a_site_share_it_and_move_together() -> None:
    mixed = make_truth(
        "LAGP",
        1.0,
        changes={
            1: {"occupancy": 0.60, "position": (0.0, 0.0, 0.1380)},
            2: {"occupancy": 0.40, "position": (0.0, 0.0, 0.1380)},
        },
    )
    series = make_series((mixed,), seeds=(5,), temperatures=(25.0,))
    found = call(
        "hexrd.rietveld.refine_structures",
        {"frames": ["last"], "displacement": "phase", "bond_sigma": 0.05},
        {},
        table=TABLE,
        **series,
    )
    at = found.isel(frame=0)
    np.testing.assert_allclose(at["occupancy"].values[1:3].sum(), 1.0, atol=1e-9)
    stderr = at["occupancy_stderr"].values[1]
    assert stderr < 0.05 and abs(at["occupancy"].values[1] - 0.60) < LIMIT * stderr
    np.testing.assert_array_equal(at["position"].values[1], at["position"].values[2])
    assert abs(at["position"].values[1, 2] - 0.1380) < LIMIT * at["position_stderr"].values[1, 2]
    assert int(at["restraints"]) > 0 and np.isfinite(at["restraint_misfit"])
    assert np.isnan(at["weight_fraction"].values[0]), "of one phase alone nothing is measured"
    rows = conclude.conclude_structures(found, Rietveld(frames=("last",)))
    assert {r.verdict for r in rows if r.subject} == {"doubtful"}
    assert all("refinable: false" in r.reason for r in rows if r.subject)


def test_a_missing_program_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "PACKAGE", "no_such_program")
    series = make_series(truths(), seeds=(1,), temperatures=(25.0,))
    with pytest.raises(BadInput) as fault:
        refine.refine_structures(**series, table=TABLE, options=Rietveld(frames=("first",)))
    assert "install the extra 'rietveld'" in str(fault.value)
    assert "\n" not in str(fault.value)
    assert program.find_version() == ""
