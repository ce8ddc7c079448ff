"""Readings that no furnace has are found, and nothing that a furnace does is."""

import numpy as np
import pytest

from ssbchar.hexrd.furnace.wild_readings import find_wild_readings


def wild(values: object, *, is_dense: bool = True) -> list[int]:
    found = find_wild_readings(np.array(values, float), is_dense=is_dense)
    return np.flatnonzero(found.wild).tolist()


HOLD = 25 + 0.1 * np.random.default_rng(1).standard_normal(60)
RAMP = 25 + 5.0 * np.arange(60)


@pytest.mark.parametrize("value", [9999, -200, 2.5, 250, 3276.7, -300])
@pytest.mark.parametrize("place", [1, 5, 30, 58])
def test_one_reading_of_a_hold(value: float, place: int) -> None:
    readings = HOLD.copy()
    readings[place] = value
    assert wild(readings) == [place]


@pytest.mark.parametrize("value", [9999, -200, 17.5])
def test_one_reading_of_a_ramp(value: float) -> None:
    readings = RAMP.copy()
    readings[30] = value
    assert wild(readings) == [30]


def test_up_to_three_in_a_row() -> None:
    readings = HOLD.copy()
    readings[[10, 11, 12]] = 300
    readings[[30, 40]] = 9999
    assert wild(readings) == [10, 11, 12, 30, 40]


@pytest.mark.parametrize(
    "readings",
    [
        HOLD,
        RAMP,
        np.r_[HOLD, 800 + HOLD],
        np.r_[HOLD, 800 + HOLD, HOLD],
        np.r_[HOLD, [400, 700, 800]],
        np.r_[25, 100 * np.arange(1, 9), 100 * np.arange(8, 0, -1)],
        25 + 400 * np.exp(-0.5 * ((np.arange(60) - 30) / 4) ** 2),
        np.round(HOLD + np.where(np.arange(60) % 2, 1, 0)),
        -196 + 0.1 * HOLD,
        [25, 800],
    ],
)
def test_what_a_furnace_does(readings: np.ndarray) -> None:
    assert wild(readings) == []


def test_a_log_by_file_loses_damage_alone() -> None:
    hot = [25, 25, 25, 300, 25, 25, 25, 25, 25, 25]
    assert wild(hot, is_dense=False) == [] and wild(hot) == [3]
    for value in (2.5, 250, 9999, -200):
        assert wild([25, 25, 25, value, 25, 25, 25, 25], is_dense=False) == [3]


def test_short_logs() -> None:
    assert wild([25, 9999, 26]) == [1]
    assert wild([25, -200, 26]) == [1]
    assert wild([-195, -200, -196]) == []
    assert wild([np.nan]) == [] and wild([]) == []


def test_too_many_are_no_single_ones() -> None:
    readings = HOLD.copy()
    readings[::3] = 60
    found = find_wild_readings(readings, is_dense=True)
    assert not found.wild.any() and found.too_many > 15


def test_a_jump_from_both_sides() -> None:
    readings = np.full(40, 25.0)
    for jump, found in ((5.0, []), (5.1, [20])):
        readings[20] = 25 + jump
        assert wild(readings) == found
