"""Wavelength: what is wrong is found with its size, and what was not checked is said."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict import cell_scale_check
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell


def at(scale: float) -> ReferenceCell:
    value = np.array([5.0 * scale] * 3 + [90.0] * 3 + [125.0 * scale**3])
    return ReferenceCell(
        value=value,
        stderr=value * 1e-5,
        common=value * 0,
        systematic=value * 0,
        frames=4,
        scatter=1.0,
    )


KNOWN = {n: xr.Dataset(attrs={"volume": 125.0}) for n in ("A", "B", "C")}


def test_a_wavelength_off_by_a_percent_is_found_with_a_standard() -> None:
    told = cell_scale_check.check_cell_scale({"A": at(1.01)}, KNOWN, Stability(standard="A"), 0.0)
    assert (
        told.verdict == "off"
        and told.value == pytest.approx(1.01)
        and "0.990099 times" in told.reason
    )
    assert (
        cell_scale_check.check_cell_scale(
            {"A": at(1.00005)}, KNOWN, Stability(standard="A"), 0.0
        ).verdict
        == "checked"
    )
    assert (
        cell_scale_check.check_cell_scale(
            {"B": at(1.0)}, KNOWN, Stability(standard="A"), 0.0
        ).verdict
        == "not_checked"
    )


def test_without_a_standard_all_cells_off_alike_tell() -> None:
    off = cell_scale_check.check_cell_scale(
        {"A": at(1.010), "B": at(1.0105)}, KNOWN, Stability(), 0.0
    )
    assert off.verdict == "off" and "0.9899 times" in off.reason
    apart = cell_scale_check.check_cell_scale(
        {"A": at(1.012), "B": at(0.999), "C": at(1.0)}, KNOWN, Stability(), 0.0
    )
    assert apart.verdict == "not_checked"


def test_what_was_not_checked_is_said_with_its_systematic() -> None:
    told = cell_scale_check.check_cell_scale({"A": at(1.0)}, KNOWN, Stability(), 2e-4)
    assert told.verdict == "not_checked" and "include 200 ppm" in told.reason
    assert (
        "its error is not stated"
        in cell_scale_check.check_cell_scale({}, KNOWN, Stability(), 0.0).reason
    )


@pytest.mark.parametrize(
    ("scale", "verdict"),
    [(1.0002, "checked"), (1.000206, "checked"), (1.000208, "off"), (0.99979, "off")],
)
def test_the_tolerance_of_a_standard_and_twice_its_error(scale: float, verdict: str) -> None:
    """Tolerance 2e-4, error of a length a third of 1e-5."""
    check = cell_scale_check.judge_scale({"A": at(scale)}, KNOWN, Stability(standard="A"), 0.0)
    assert check.verdict == verdict
    assert check.stderr == pytest.approx(1e-5 / 3) and check.tolerance == pytest.approx(2e-4)


@pytest.mark.parametrize(
    ("scales", "verdict"),
    [
        ((1.0051,), "off"),
        ((1.0049,), "not_checked"),
        ((0.9949,), "off"),
        ((1.006, 1.0119), "off"),
        ((1.006, 1.0181), "not_checked"),
    ],
)
def test_all_alike_beyond_the_tolerance(scales: tuple[float, ...], verdict: str) -> None:
    """Half the spread must be below half the deviation: 1.006 and 1.018 are as far apart as off."""
    cells = dict(zip("ABC", map(at, scales), strict=False))
    check = cell_scale_check.judge_scale(cells, KNOWN, Stability(), 0.0)
    assert check.verdict == verdict
    assert check.value == pytest.approx(np.median(scales))


def test_phases_without_a_known_cell_do_not_count() -> None:
    known = {"A": xr.Dataset(), "B": KNOWN["B"]}
    check = cell_scale_check.judge_scale(
        {"A": at(1.5), "B": at(1.0), "D": at(2.0)}, known, Stability(), 0.0
    )
    assert set(check.phases) == {"B"} and check.value == pytest.approx(1.0)


def test_the_tolerance_is_given_as_a_share() -> None:
    found = cell_scale_check.judge_scale({"A": at(1.0)}, KNOWN, Stability(), 1e-4)
    assert found.tolerance == pytest.approx(0.005, rel=1e-12)
    assert found.wavelength_stderr == 1e-4 and found.stderr is None
    assert found.phases["A"].stderr == pytest.approx(1e-5 / 3)
