"""Rows of a fit of paths: changes by hand, errors from the whole covariance."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.paths import conclude


def made_fit(parts: int = 2, verdict: str = "ok") -> xr.Dataset:
    """One shell: N 6 -> 4.5, R 2.00 -> 2.05, s2 shared."""
    names = ["pristine", "cycled"][-parts:]
    ds = xr.Dataset(
        {
            "number": (("part", "shell"), [[6.0], [4.5]][-parts:]),
            "distance": (("part", "shell"), [[2.0], [2.05]][-parts:]),
            "displacement": (("part", "shell"), [[0.005], [0.005]][-parts:]),
            "number_place": (("part", "shell"), [[0], [3]][-parts:]),
            "distance_place": (("part", "shell"), [[1], [4]][-parts:]),
            "displacement_place": (("part", "shell"), [[2], [2]][-parts:]),
            "crystal_number": ("shell", [6.0]),
            "crystal_distance": ("shell", [2.01]),
            "r_factor": ("part", [0.01, 0.02][-parts:]),
            "parameter": ("parameter", list("abcde")),
            "shell": ("shell", ["O 2.01"]),
            "part": ("part", names),
            "s02": ((), 0.9),
            "independent_points": ((), 12.5),
            "reduced_chi_square": ((), 30.0),
        }
    )
    for kind, stderr in (("number", 0.3), ("distance", 0.01), ("displacement", 0.001)):
        ds[f"{kind}_stderr"] = (("part", "shell"), np.full((parts, 1), stderr))
    covariance = np.diag([0.09, 1e-4, 1e-6, 0.04, 4e-4])
    covariance[0, 3] = covariance[3, 0] = 0.03
    covariance[1, 4] = covariance[4, 1] = 1e-4
    ds["covariance"] = (("parameter", "parameter2"), covariance)
    ranges = {"fit_kmin": 3.0, "fit_kmax": 12.0, "fit_kweight": 2, "fit_rmin": 1.0, "fit_rmax": 3.0}
    bounds = {"max_number": 0.1, "max_distance": 0.02, "max_displacement": 0.002}
    ds.attrs = {**ranges, **bounds, "verdict": verdict, "reason": "", "made": "Feff 6L.02"}
    return ds


def test_changes_by_hand() -> None:
    number, distance = conclude.list_changes(made_fit())
    assert (number.kind, number.shell, number.change) == ("number", "O 2.01", -0.25)
    gradient = np.array([-4.5 / 36, 1 / 6])
    variance = gradient @ np.array([[0.09, 0.03], [0.03, 0.04]]) @ gradient
    assert number.stderr == pytest.approx(np.sqrt(variance))
    assert distance.change == pytest.approx(0.05)
    assert distance.stderr == pytest.approx(np.sqrt(1e-4 + 4e-4 - 2e-4))


def test_numbers_are_stated_as_a_ratio_and_the_others_as_a_change() -> None:
    number, distance = conclude.conclude_changes(made_fit(), "Fe K")
    assert (number.quantity, number.value, number.unit) == ("coordination_ratio", 0.75, "1")
    assert number.lower95 == pytest.approx(0.75 - 1.959964 * number.stderr, abs=1e-6)
    assert number.upper95 == pytest.approx(0.75 + 1.959964 * number.stderr, abs=1e-6)
    assert (distance.quantity, distance.unit) == ("shell_distance_change", "angstrom")
    assert distance.value == pytest.approx(0.05)
    assert (number.verdict, distance.verdict) == ("changed", "changed")
    assert number.condition == "O 2.01" and number.subject == "Fe K"


def test_a_doubtful_fit_judges_no_change() -> None:
    rows = conclude.conclude_changes(made_fit(verdict="doubtful"), "Fe K")
    assert {row.verdict for row in rows} == {"inconclusive"}


def test_rows_of_a_pair_and_of_one_spectrum() -> None:
    rows = conclude.conclude_paths(made_fit(), "Fe K")
    assert [row.quantity for row in rows] == [
        "path_fit_r_factor",
        "coordination_number",
        "shell_distance",
        "shell_displacement",
        "coordination_ratio",
        "shell_distance_change",
    ]
    assert (rows[0].value, rows[1].value, rows[2].value) == (0.02, 4.5, 2.05)
    assert rows[1].reason == "6 in the crystal; S02 0.9 fixed"
    assert rows[1].method == "Feff 6L.02; k 3-12, kw 2, R 1-3 angstrom"
    assert len(conclude.conclude_paths(made_fit(parts=1), "Fe K")) == 4


def test_an_unknown_s02_is_stated() -> None:
    ds = made_fit(parts=1)
    ds["s02"] = ((), 1.0)
    assert "the number is N S02" in conclude.conclude_paths(ds, "Fe K")[1].reason


def test_a_fit_that_was_skipped_says_why() -> None:
    (row,) = conclude.conclude_paths(xr.Dataset(attrs={"skipped": "no FEFF"}), "Fe K")
    assert (row.verdict, row.reason, row.value) == ("skipped", "no FEFF", None)
