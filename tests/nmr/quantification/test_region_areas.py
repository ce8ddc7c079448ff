"""Areas of the first slice, their shares, and whether there is a line at all."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.quantification.region_areas import (
    RegionSignal,
    conclude_route_share,
    explain_absence,
    select_first_slice,
)
from ssbchar.nmr.regions import Regions


def lines(
    metal: float,
    stderr: float,
    width: float = 900.0,
    seen: int = 1,
    total: float = 1.0,
    status: str = "line",
) -> xr.Dataset:
    """One line per region; 100 Hz are one ppm."""
    data = {
        "area": (("slice", "component"), [[metal, total - metal]]),
        "shift": ("component", [260.0, 10.0]),
        "fwhm_lorentz": ("component", [width, 3000.0]),
        "fwhm_gauss": ("component", [0.0, 0.0]),
        "region_of": ("component", ["li_metal", "li_si"]),
        "seen": ("component", [seen, 1]),
        "line_status": ("component", [status, "line"]),
        "area_stderr": (("slice", "component"), [[stderr, stderr]]),
        "region_area": (("slice", "region"), [[metal, total - metal]]),
        "region_area_stderr": (("slice", "region"), [[stderr, stderr]]),
    }
    return xr.Dataset(data, coords={"region": ["li_metal", "li_si"]}, attrs={"sf": 100.0})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lines(0.1, 0.033), None),
        (lines(0.1, 0.034), "no li_metal line above three standard errors (10.00 +- 3.40 %)"),
        (lines(0.3, 0.1, total=2.0), "above three standard errors (15.00 +- 5.00 %)"),
        (lines(0.1, 0.01, seen=0), "above three standard errors (10.00 +- 1.00 %)"),
        (lines(0.1, 0.01, width=3990.0), None),
        (lines(0.1, 0.01, width=4100.0), "has 49 % of its area inside the window"),
        (lines(0.5, 0.01, status="at the largest width"), "there is at the largest width"),
        (lines(0.5, 0.01, status="at the edge of its region"), "at the edge of its region"),
    ],
)
def test_a_line_is_significant_and_inside_its_window(given, reason) -> None:
    found = explain_absence(given, "li_metal", Regions())
    assert found is None if reason is None else found.endswith(reason)


def test_shares_and_their_errors_for_given_areas() -> None:
    """d(a / (a + b)) = (b da - a db) / (a + b)^2."""
    signal = RegionSignal(
        area=np.array([1.0, 3.0]), covariance=np.array([[0.01, 0.002], [0.002, 0.04]])
    )
    share, stderr = signal.compute_shares()
    gradient = np.array([3.0, -1.0]) / 16
    expected = float(np.sqrt(gradient @ signal.covariance @ gradient))
    assert share == pytest.approx([0.25, 0.75])
    assert stderr == pytest.approx([expected, expected], rel=1e-5)


def test_the_first_slice_is_taken() -> None:
    area = np.array([[1.0, 2.0], [3.0, 4.0]])
    given = xr.Dataset(
        {
            "window_area": (("slice", "region"), area),
            "window_area_stderr": (("slice", "region"), area / 10),
        }
    )
    found = select_first_slice(given)
    assert found.area.tolist() == [1.0, 2.0]
    assert found.covariance == pytest.approx(np.diag([0.01, 0.04]))


@pytest.mark.parametrize(("own", "is_there"), [(0.031, True), (0.029, False)])
def test_a_component_at_a_bound_does_not_count_as_the_metals_line(
    own: float, is_there: bool
) -> None:
    """Of 40 % in the metal's region 37 % lie in a component at its largest width."""
    given = lines(own, 0.01)
    broad = given.isel(component=[0]).copy(deep=True)
    broad["area"][:] = 0.37
    broad["line_status"][:] = "at the largest width"
    given = xr.concat([broad, given.drop_dims("region")], "component", data_vars="minimal")
    given["region_area"] = (("slice", "region"), [[0.4, 0.6]])
    given["region_area_stderr"] = (("slice", "region"), [[0.02, 0.02]])
    given["fwhm_lorentz"][0] = 900.0
    found = explain_absence(given, "li_metal", Regions())
    assert (found is None) == is_there


def test_lines_that_overlap_have_the_error_of_their_sum() -> None:
    """Two lines of 20 +- 30 %, whose sum is known to 1 %."""
    given = lines(0.2, 0.3)
    twin = given.isel(component=[0]).copy(deep=True)
    given = xr.concat([twin, given.drop_dims("region")], "component", data_vars="minimal")
    given["region_area"] = (("slice", "region"), [[0.4, 0.6]])
    given["region_area_stderr"] = (("slice", "region"), [[0.01, 0.01]])
    assert explain_absence(given, "li_metal", Regions()) is None


@pytest.mark.parametrize(
    ("share", "stderr", "value", "lower", "upper", "verdict"),
    [
        (0.3, 0.01, 30.0, 28.04, 31.96, ""),
        (-0.003, 0.004, 0.0, 0.0, 0.484, ""),
        (1.002, 0.004, 100.0, 99.416, 100.0, ""),
        # Five errors below zero is no share: cut to zero it would read as one.
        (-0.05, 0.01, -5.0, -6.96, -3.04, "undetermined"),
        (1.05, 0.01, 105.0, 103.04, 106.96, "undetermined"),
    ],
)
def test_a_share_by_one_route_is_possible_or_said_not_to_be(
    share: float, stderr: float, value: float, lower: float, upper: float, verdict: str
) -> None:
    row = conclude_route_share("li_metal", "raw, windows", share, stderr)
    assert (row.value, row.lower95, row.upper95) == pytest.approx((value, lower, upper), abs=1e-3)
    assert row.stderr == pytest.approx(100 * stderr)
    assert row.verdict == verdict
    assert bool(row.reason) == bool(verdict)
