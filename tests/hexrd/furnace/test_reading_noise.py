"""How exact readings are: the printed step and the scatter, by hand and by law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd.furnace.reading_noise import (
    estimate_noise,
    estimate_reading_stderr,
    find_resolution,
)

rng = np.random.default_rng(2)
TIME = np.cumsum(rng.uniform(5, 15, 4000))
SCATTER = rng.normal(0, 0.7, TIME.size)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([25.0, 30.0], 1.0),
        ([25.1, 30.0], 0.1),
        ([25.25, 30.1], 0.01),
        ([25.123456, 30.1], 1e-6),
        ([25.12345678], 1e-7),
        ([np.nan, 25.1], 0.1),
        ([np.nan], 0.0),
        ([], 0.0),
    ],
)
def test_the_printed_step(values: list[float], step: float) -> None:
    assert find_resolution(np.array(values)) == pytest.approx(step, rel=1e-12)


def test_a_number_next_to_a_round_one_is_round() -> None:
    assert find_resolution(np.array([25.0 + 5e-10])) == 1.0
    assert find_resolution(np.array([25.0 + 5e-9])) == 1e-7


def test_noise_is_that_of_one_reading() -> None:
    assert estimate_noise(TIME, 0.1 * TIME + SCATTER) == pytest.approx(0.7, rel=0.05)


@given(st.floats(-5, 5), st.floats(-500, 500))
def test_noise_ignores_a_line(slope: float, start: float) -> None:
    t, y = TIME[:50], SCATTER[:50]
    plain = estimate_noise(t, y)
    assert estimate_noise(t, y + start + slope * t) == pytest.approx(plain, rel=1e-6)
    assert estimate_noise(t, 3 * y) == pytest.approx(3 * plain, rel=1e-9)


def test_noise_by_hand() -> None:
    """One reading of five off by 1: of three deviations (-1/2, 1, -1/2), scaled by sqrt(1.5), the
    median is 0.5 / sqrt(1.5)."""
    found = estimate_noise(np.arange(5.0), np.array([0, 0, 1.0, 0, 0]))
    assert found == pytest.approx(1.4826 * 0.5 / np.sqrt(1.5), rel=1e-9)


def test_noise_by_hand_on_uneven_times() -> None:
    """Between neighbours 1 s and 2 s away w = 1/3; all deviations but one have that weight."""
    time = np.array([0.0, 1.0, 3.0, 4.0, 6.0])
    values = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    # deviations: 1 - 0; 0 - 1; 1 - 0, each with w = 1/3 or 2/3
    assert estimate_noise(time, values) == pytest.approx(
        1.4826 / np.sqrt(1 + 1 / 9 + 4 / 9), rel=1e-9
    )


def test_four_readings_have_no_noise() -> None:
    assert estimate_noise(np.arange(4.0), np.array([0.0, 1, 0, 1])) == 0
    assert estimate_noise(np.arange(5.0), np.full(5, np.nan)) == 0
    assert estimate_noise(np.arange(5.0), np.array([0.0, 1, 0, 1, 0])) > 0


def test_rounding_is_the_least_error() -> None:
    t = np.arange(20.0)
    assert estimate_reading_stderr(t, 25 + 0 * t) == pytest.approx(1 / np.sqrt(12))
    assert estimate_reading_stderr(TIME, SCATTER) == estimate_noise(TIME, SCATTER)
