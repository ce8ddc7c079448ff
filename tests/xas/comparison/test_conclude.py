"""Rows of a measurement and of a pair by hand: values, limits, verdicts and what each needs."""

import json
import math

import numpy as np
import pytest
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate
from ssbchar.xas import notes
from ssbchar.xas.comparison import conclude
from ssbchar.xas.comparison.options import Comparison


def normalised(alignment: str = "foil", error: float = 0.02, step: float = 1e-3) -> xr.Dataset:
    columns = {
        "e0_half": 7120.0,
        "e0_derivative": 7121.0,
        "white_line": 1.5,
        "edge_step": 0.8,
    }
    ds = xr.Dataset(attrs={"element": "Fe", "edge": "K", "alignment": alignment})
    ds.attrs.update(alignment_error=error, alignment_source="made")
    for name, value in columns.items():
        ds[name] = ("spectrum", [0.0, value])
        ds[f"{name}_stderr"] = ("spectrum", [9.0, step if name == "edge_step" else 0.01])
    return ds


def comparison(
    shift: float = 0.0, white: float = 0.0, ratios: tuple[float, ...] = (1.0,), **attrs: str
) -> xr.Dataset:
    """Return an ensemble of three choices: the value, 0.001 less and 0.001 more."""
    about = np.array([0.0, -1e-3, 1e-3])
    ds = xr.Dataset(attrs={"alignment": "foil", "alignment_source": "made", **attrs})
    ds["edge_shift"] = ("choice", shift + about)
    ds["white_line_change"] = ("choice", white + about)
    ds["ratio"] = (("choice", "shell"), np.array(ratios)[None] + about[:, None])
    ds["ratio_stderr"] = ("shell", [0.01] * len(ratios))
    ds["ratio_sampling"] = ("shell", [0.0] * len(ratios))
    ds["ratio_dof"] = ("shell", [1e9] * len(ratios))
    ds["inflection_shift"], ds["inflection_shift_stderr"] = ((), shift), ((), 0.01)
    ds["whole_edge_shift"] = ((), shift)
    scalars = {"edge_shift_stderr": 0.01, "edge_shift_systematic": 0.02, "edge_shift_dof": 4.0}
    scalars |= {"white_line_systematic": 0.0, "amplitude_systematic": 0.0}
    scalars |= {"white_line_stderr": 0.005, "white_line_dof": 1e9, "white_line_before": 1.5}
    for name, value in scalars.items():
        ds[name] = ((), value)
    for name, value in (("r_low", 1.0), ("r_high", 1.8)):
        ds[name] = ("shell", [value] * len(ratios))
    for name, number in (("kmin", 3.0), ("kmax", 12.0)):
        ds[name] = ("choice", [number, 0.0, 0.0])
    ds["window"], ds["kweight"] = ("choice", ["kaiser", "hanning", "hanning"]), ((), 1)
    return ds


SPREAD = 1e-3 * (0.8413 - 0.1587) / 1.0
"""Half the central 68 % of three numbers 0.001 apart: linear interpolation."""


def rows(found: list[Conclusion]) -> dict[str, Conclusion]:
    return {row.quantity: row for row in found}


def pair(ds: xr.Dataset, **options: float) -> dict[str, Conclusion]:
    return rows(conclude.conclude_pair(ds, "Fe K", Comparison(**options)))  # type: ignore[arg-type]


def test_median_and_half_the_central_68_percent() -> None:
    """Of 0 to 10000: 5000 and half of 8413 - 1587."""
    values = np.append(np.arange(10001.0), np.nan)
    assert conclude.summarise_ensemble(values) == (5000.0, pytest.approx(3413.0))
    skewed = np.array([0.0, 1.0, 100.0])
    assert conclude.summarise_ensemble(skewed)[0] == 1.0


@pytest.mark.parametrize(
    ("alignment", "verdict"),
    [
        ("foil", "ok"),
        ("repeatability", "ok"),
        ("project", "not calibrated"),
        ("none", "not calibrated"),
    ],
)
def test_an_edge_energy_is_calibrated_or_not(alignment: str, verdict: str) -> None:
    found = conclude.conclude_measurement(normalised(alignment), None, None, Comparison())
    half, steepest = (row for row in found if row.quantity == "edge_energy")
    assert (half.value, half.stderr, half.systematic) == (7120.0, 0.01, 0.02)
    assert (half.condition, steepest.condition) == ("half step", "inflection")
    assert steepest.value == 7121.0
    assert half.verdict == steepest.verdict == verdict
    assert half.subject == "Fe K" and half.unit == "eV"


def test_the_error_of_the_origin_is_of_energies_alone() -> None:
    ds = normalised()
    ds.attrs["alignment_origin_error"] = 0.2
    found = rows(conclude.conclude_measurement(ds, comparison(), None, Comparison()))
    assert found["edge_energy"].systematic == pytest.approx(math.hypot(0.02, 0.2))
    plain = rows(conclude.conclude_measurement(normalised(), comparison(), None, Comparison()))
    assert found["edge_shift"].systematic == plain["edge_shift"].systematic


def test_an_unknown_error_of_the_axis_is_none() -> None:
    found = conclude.conclude_measurement(normalised(error=math.nan), None, None, Comparison())
    assert rows(found)["edge_energy"].systematic is None
    bare = normalised()
    del bare.attrs["alignment_error"], bare.attrs["alignment"]
    row = rows(conclude.conclude_measurement(bare, None, None, Comparison()))["edge_energy"]
    assert row.systematic is None and row.verdict == "not calibrated"


def test_what_came_normalised_has_no_step() -> None:
    found = rows(conclude.conclude_measurement(normalised(), None, None, Comparison()))
    assert (found["edge_step"].value, found["edge_step"].stderr) == (0.8, 1e-3)
    assert (found["white_line"].value, found["white_line"].verdict) == (1.5, "ok")
    given = conclude.conclude_measurement(normalised(step=0.0), None, None, Comparison())
    assert "edge_step" not in rows(given)


def test_doubts_make_the_quality_doubtful_and_stand_once() -> None:
    remark, doubt = notes.make_remark("a", "averaged"), notes.make_doubt("b", "thick")
    one, other = xr.Dataset(), xr.Dataset()
    one.attrs["notes"], other.attrs["notes"] = json.dumps([remark]), json.dumps([remark, doubt])
    assert conclude.conclude_quality("Fe K", one, None).verdict == "ok"
    assert conclude.conclude_quality("Fe K", one, None).reason == "a: averaged"
    both = conclude.conclude_quality("Fe K", one, None, other)
    assert (both.verdict, both.reason) == ("doubtful", "b: thick; a: averaged")
    assert conclude.conclude_quality("Fe K", xr.Dataset()).reason == "nothing noticed"


def test_the_notes_of_exafs_stand_for_those_it_carries() -> None:
    exafs = xr.Dataset(attrs={"notes": json.dumps([notes.make_doubt("b", "low")])})
    found = conclude.conclude_measurement(normalised(), None, None, Comparison(), exafs)
    assert rows(found)["quality"].verdict == "doubtful"


def test_an_edge_shift_by_hand() -> None:
    """Systematic: spread of the choices and of the axes; limits with t of 4 degrees of freedom."""
    row = pair(comparison(shift=0.015))["edge_shift"]
    assert row.value == pytest.approx(0.015)
    assert row.stderr == pytest.approx(0.01 * 2.776445 / 1.959964, rel=1e-6)
    assert row.systematic == pytest.approx(math.hypot(0.02, SPREAD), rel=1e-3)
    half = math.hypot(0.01 * 2.776445, row.systematic * 1.959964)
    assert row.upper95 == pytest.approx(0.015 + half, rel=1e-6)
    assert row.lower95 == pytest.approx(0.015 - half, rel=1e-6)
    assert row.verdict == "retained" and "0.08 eV would matter" in row.reason
    assert pair(comparison(shift=0.032))["edge_shift"].verdict == "inconclusive"
    assert pair(comparison(shift=0.3))["edge_shift"].verdict == "changed"


def test_a_white_line_by_hand() -> None:
    row = pair(comparison(white=0.01))["white_line_change"]
    assert (row.stderr, row.systematic) == (0.005, pytest.approx(SPREAD, rel=1e-3))
    sigma = math.hypot(0.005, SPREAD)
    assert row.upper95 == pytest.approx(0.01 + 1.959964 * sigma, rel=1e-4)
    assert row.lower95 == pytest.approx(0.01 - 1.959964 * sigma, rel=1e-3)
    assert row.verdict == "retained"
    assert pair(comparison(white=-0.05))["white_line_change"].verdict == "changed"


def test_shell_ratios_by_hand() -> None:
    """Limits of the ratio; 4.5 % of the first and 10 % of all that follow would matter."""
    found = pair(comparison(ratios=(0.98, 0.95, 0.89)))
    first = found["shell_1_ratio"]
    sigma = math.hypot(0.01, SPREAD)
    assert first.value == pytest.approx(0.98)
    assert first.upper95 == pytest.approx(0.98 + 1.959964 * sigma, rel=1e-6)
    assert first.lower95 == pytest.approx(0.98 - 1.959964 * sigma, rel=1e-6)
    assert (first.bound, first.reference) == (0.045, 1.0)
    assert (first.stderr, first.systematic) == (0.01, pytest.approx(SPREAD, rel=1e-3))
    words = [found[f"shell_{i}_ratio"].verdict for i in (1, 2, 3)]
    assert words == ["retained", "retained", "changed"]
    assert "4.5 % would matter" in first.reason
    assert "10 % would matter" in found["shell_3_ratio"].reason
    assert first.method == (
        "|chi(R)|, R 1.00-1.80 angstrom, k 3-12, kw 1, kaiser; median of 3 paired choices"
    )


def test_every_test_counts_for_the_family() -> None:
    """Three more shells: a change must be larger to be one."""
    shift = 0.0
    few = pair(comparison(shift, white=0.0148, ratios=(1.0,)), max_white_line=0.001)
    many = pair(comparison(shift, white=0.0128, ratios=(1.0,) * 4), max_white_line=0.001)
    assert few["white_line_change"].verdict == "changed"
    assert many["white_line_change"].verdict == "inconclusive"
    one = pair(comparison(shift, white=0.0124, ratios=(1.0,)), max_white_line=0.001)
    assert one["white_line_change"].verdict == "changed"


def test_without_an_axis_the_shift_is_not_testable() -> None:
    found = pair(comparison(shift=0.03, alignment="none"), reduced_shift=-3.0)
    row = found["edge_shift"]
    assert (row.value, row.verdict) == (None, "inconclusive")
    assert "edge shift not testable (made); apparent shift +0.030 eV" in row.reason
    assert "reduced_fraction" not in found
    assert found["structure"].verdict == "inconclusive"


@pytest.mark.parametrize(("shift", "verdict"), [(-0.3, "detected"), (-0.045, "not detected")])
def test_a_reduced_fraction_is_the_shift_by_that_of_full_reduction(
    shift: float, verdict: str
) -> None:
    found = pair(comparison(shift=shift), reduced_shift=-3.0)
    row, edge = found["reduced_fraction"], found["edge_shift"]
    assert row.value == pytest.approx(shift / -3)
    assert row.lower95 == pytest.approx(edge.upper95 / -3)
    assert row.upper95 == pytest.approx(edge.lower95 / -3)
    assert row.lower95 < row.upper95
    assert row.stderr == pytest.approx(edge.stderr / 3)
    assert row.systematic == pytest.approx(edge.systematic / 3)
    assert row.verdict == verdict
    assert "reduced_fraction" not in pair(comparison(shift=shift))


def test_the_structure_is_the_tests_together() -> None:
    assert pair(comparison())["structure"].verdict == "retained"
    assert pair(comparison(ratios=(0.8,)))["structure"].verdict == "changed"
    assert list(pair(comparison(ratios=(1.0, 1.0)))) == [
        "edge_shift",
        "white_line_change",
        "shell_1_ratio",
        "shell_2_ratio",
        "structure",
    ]


def mixture(weight: float = 0.1, stderr: float = 0.03, reduced: str = "metal") -> xr.Dataset:
    ds = xr.Dataset(attrs={"reduced": reduced, "method": "window"})
    ds["reference"] = ("reference", ["oxide", "metal"])
    ds["weight"] = (("spectrum", "reference"), [[0.5, 0.5], [1 - weight, weight]])
    ds["weight_stderr"] = (("spectrum", "reference"), [[9.0, 9.0], [0.01, stderr]])
    ds["weight_systematic"] = ("reference", [0.02, 0.04])
    ds["r_factor"] = ("spectrum", [9.0, 1.5e-4])
    ds["verdict"] = ("spectrum", ["at_edge", "ok"])
    return ds


def test_fractions_are_those_of_the_merged_spectrum() -> None:
    found = conclude.conclude_measurement(normalised(), None, mixture(), Comparison())
    oxide, metal = (row for row in found if row.quantity == "reference_fraction")
    assert (oxide.condition, metal.condition) == ("oxide", "metal")
    assert (metal.value, metal.stderr, metal.systematic) == (0.1, 0.03, 0.04)
    assert metal.reason == "R factor 0.00015"
    assert metal.verdict == "ok"
    assert metal.method == "linear combination of oxide, metal, window"


@pytest.mark.parametrize(
    ("weight", "verdict"),
    [
        (0.1501, "detected"),
        (0.1499, "inconclusive"),
        (0.0981, "inconclusive"),
        (0.0979, "not detected"),
    ],
)
def test_a_reduced_reference_is_detected_where_it_stands_out(weight: float, verdict: str) -> None:
    """3 times hypot(0.03, 0.04) = 0.15; 1.645 times that error more would be seen in 95 of 100."""
    found = conclude.conclude_measurement(normalised(), None, mixture(weight), Comparison())
    row = rows(found)["reduced_fraction"]
    assert row.verdict == verdict
    assert (row.value, row.stderr, row.systematic) == (weight, 0.03, 0.04)
    assert row.lower95 == pytest.approx(weight - 1.959964 * 0.05, abs=1e-6)
    assert row.upper95 == pytest.approx(weight + 1.959964 * 0.05, abs=1e-6)
    assert "a fraction of 0.2322 would have been seen" in row.reason


def test_one_reference_or_an_unknown_one_is_no_reduced_fraction() -> None:
    for ds in (mixture().isel(reference=[1]), mixture(reduced="other")):
        found = conclude.conclude_measurement(normalised(), None, ds, Comparison())
        assert "reduced_fraction" not in rows(found)


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(-0.3001, "detected"), (-0.1961, "inconclusive"), (-0.1959, "not detected")],
)
def test_a_reduced_fraction_that_may_be_nothing_is_not_detected(shift: float, verdict: str) -> None:
    """Reduction moves the edge down, by 3 eV in full: the error is a thirtieth."""
    row = conclude._conclude_reduced(
        Estimate(value=shift, stderr=0.06, systematic=0.08), "Fe K", -3.0
    )
    assert row.verdict == verdict
    assert (row.value, row.stderr) == (pytest.approx(-shift / 3), pytest.approx(0.02))
    assert row.systematic == pytest.approx(0.08 / 3)
    assert row.upper95 == pytest.approx((-shift + 0.1959964) / 3)


@pytest.mark.parametrize(
    ("inflection", "whole", "verdict", "told"),
    [
        (0.3, 0.3, "changed", ""),
        (0.081, 0.3, "changed", ""),
        (0.079, 0.3, "inconclusive", "but the inflection moves by +0.079 eV"),
        (-0.3, 0.3, "inconclusive", "but the inflection moves by -0.300 eV"),
        (0.3, 0.07, "inconclusive", "but the whole edge moves by +0.070 eV"),
        (0.0, math.nan, "inconclusive", "and the whole edge moves by +nan eV"),
    ],
)
def test_an_edge_has_changed_where_inflection_and_whole_edge_agree(
    inflection: float, whole: float, verdict: str, told: str
) -> None:
    """What would matter is 0.08 eV."""
    ds = comparison(shift=0.3)
    ds["inflection_shift"], ds["whole_edge_shift"] = ((), inflection), ((), whole)
    row = pair(ds)["edge_shift"]
    assert row.verdict == verdict
    assert told in row.reason and (" but " in row.reason) == (verdict != "changed")
    down = comparison(shift=-0.3)
    down["inflection_shift"], down["whole_edge_shift"] = ((), -inflection), ((), -whole)
    assert pair(down)["edge_shift"].verdict == verdict


def test_half_step_and_whole_edge_apart_are_a_systematic() -> None:
    """0.05 eV apart, of which two standard errors of 0.01 may be noise: half of 0.03."""
    ds = comparison(shift=0.015)
    ds["whole_edge_shift"] = ((), 0.065)
    row, plain = pair(ds)["edge_shift"], pair(comparison(shift=0.015))["edge_shift"]
    assert row.systematic == pytest.approx(math.hypot(plain.systematic, 0.015), rel=1e-6)
    ds["whole_edge_shift"] = ((), 0.034)
    assert pair(ds)["edge_shift"].systematic == pytest.approx(plain.systematic)


def test_few_repeats_widen_a_shells_limits() -> None:
    ds = comparison(ratios=(1.0,))
    ds["ratio_dof"] = ("shell", [4.0])
    row = pair(ds)["shell_1_ratio"]
    half = math.hypot(2.776445 * 0.01, 1.959964 * SPREAD)
    assert row.upper95 == pytest.approx(1 + half, rel=1e-5)
    assert (row.bound, row.reference) == (0.045, 1.0)
