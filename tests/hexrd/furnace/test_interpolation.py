"""Temperatures between readings, with their errors by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import interpolation
from ssbchar.hexrd.furnace.interpolation import LogReadings
from ssbchar.hexrd.furnace.log import FurnaceLog
from ssbchar.hexrd.furnace.options import Furnace

LOG = Path("log.csv")
AT = 100.0 * np.arange(6)


def between(
    time: list[float], value: np.ndarray, at: np.ndarray = AT, **options: float
) -> interpolation.InterpolatedTemperatures:
    readings = LogReadings(time=at, temperature=value)
    return interpolation.interpolate_temperatures(LOG, readings, np.array(time), Furnace(**options))


def test_linear_between_readings() -> None:
    found = between([0.0, 25.0, 100.0, 500.0, -1.0, 501.0, np.nan], 25.0 + AT / 10)
    np.testing.assert_allclose(found.temperature, [25, 27.5, 35, 75, np.nan, np.nan, np.nan])
    assert found.inside.tolist() == [True] * 4 + [False] * 3
    assert np.isnan(found.stderr).tolist() == [False] * 4 + [True] * 3


def test_the_error_of_rounding() -> None:
    """Whole degrees: 1 / sqrt(12) at a reading, 1 / sqrt(24) midway between two."""
    found = between([100.0, 150.0, 125.0], 25.0 + AT)
    expected = np.array([1.0, np.sqrt(0.5), np.sqrt(0.0625 + 0.5625)]) / np.sqrt(12)
    np.testing.assert_allclose(found.stderr, expected, rtol=1e-9)


def test_the_error_of_a_bent_curve() -> None:
    """T = t^2 / 10^4: a chord of 100 s lies 0.25 above its middle, of which b / sqrt(3)."""
    found = between([250.0, 225.0], AT**2 / 1e4)
    bend = np.array([0.25, 0.1875])
    # central differences of central differences see T'' in full inside
    share = np.array([0.5, 0.0625 + 0.5625])
    whole = 1 / 12 + _noise(AT**2 / 1e4) ** 2
    np.testing.assert_allclose(found.stderr, np.sqrt(whole * share + bend**2 / 3), rtol=1e-9)


def _noise(values: np.ndarray) -> float:
    """Each reading lies 1 below the chord of its neighbours."""
    return 1.4826 * 1.0 / np.sqrt(1.5)


def test_a_stated_error_is_added_where_readings_do_not_show_it() -> None:
    plain = between([150.0], 25.0 + AT).stderr[0]
    assert between([150.0], 25.0 + AT, thermocouple_stderr=0.2).stderr[0] == plain
    stated = between([150.0], 25.0 + AT, thermocouple_stderr=1.0).stderr[0]
    assert stated == pytest.approx(np.sqrt(0.5 / 12 + 1 - 1 / 12))


def test_gaps() -> None:
    at = np.array([0.0, 100.0, 500.0, 600.0])
    found = between([50.0, 100.0, 300.0, 500.0, 550.0], at.copy(), at, largest_gap=100.0)
    assert found.inside.tolist() == [True, True, False, True, True]
    assert between([300.0], at.copy(), at, largest_gap=400.0).inside.all()


def test_two_readings_are_enough() -> None:
    found = between([50.0], np.array([20.0, 30.0]), np.array([0.0, 100.0]))
    assert found.temperature[0] == 25.0
    assert found.stderr[0] == pytest.approx(10 / np.sqrt(24), rel=0.9)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ([4100.0, 9000.0], "it ends 1.00 h before them"),
        ([-3600.0, -7200.0], "it begins 1.00 h after them"),
        ([np.nan], "carry no time"),
        ([150.0], "its readings leave gaps"),
    ],
)
def test_a_log_that_covers_no_frame(time: list[float], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        between(time, AT.copy(), largest_gap=50.0)


def table(time: list[float], temperature: list[float]) -> FurnaceLog:
    return FurnaceLog(
        time=np.array(time), temperature=np.array(temperature), columns=pd.DataFrame()
    )


def test_readings_in_order_on_the_clock_of_the_frames() -> None:
    log = table([30.0, 10.0, np.nan, 20.0, 10.0, 40.0], [3.0, 1.0, 9.0, 2.0, 8.0, np.nan])
    found = interpolation.select_readings(LOG, log, 5.0)
    np.testing.assert_array_equal(found.time, [15.0, 25.0, 35.0])
    np.testing.assert_array_equal(found.temperature, [1.0, 2.0, 3.0])
    with pytest.raises(BadInput, match="fewer than two readings"):
        interpolation.select_readings(LOG, table([1.0, 1.0], [1.0, 2.0]), 0.0)
    interpolation.select_readings(LOG, table([1.0, 2.0], [1.0, 2.0]), 0.0)


def test_the_larger_curvature_of_both_readings_counts() -> None:
    """A kink of 0.005 K/s^2 at the third reading, half of it beside it; b = T'' gap^2 / 8."""
    value = np.array([0.0, 0.0, 0.0, 100.0, 200.0, 300.0])
    curvature = interpolation._estimate_curvature(AT, value)
    np.testing.assert_allclose(curvature, [0.0, 0.0025, 0.005, 0.0025, 0.0, 0.0], atol=1e-12)
    kink, right, far, left = between([250.0, 350.0, 450.0, 50.0], value).stderr ** 2
    assert kink - far == pytest.approx((0.005 * 1e4 / 8) ** 2 / 3)
    assert right - far == pytest.approx((0.0025 * 1e4 / 8) ** 2 / 3)
    assert left == pytest.approx(right)


def test_two_readings_have_no_curvature_and_three_have() -> None:
    assert interpolation._estimate_curvature(AT[:2], AT[:2] ** 2).tolist() == [0.0, 0.0]
    assert interpolation._estimate_curvature(AT[:3], AT[:3] ** 2).max() > 0


@pytest.mark.parametrize(("offset", "hours"), [(1800.0, "0.50"), (36.0, "0.01")])
def test_a_distance_is_told_in_hours(offset: float, hours: str) -> None:
    with pytest.raises(BadInput, match=f"it ends {hours} h before them"):
        between([500.0 + offset], AT.copy())
    with pytest.raises(BadInput, match=f"it begins {hours} h after them"):
        between([-offset], AT.copy())
