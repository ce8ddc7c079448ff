"""A reaction: intensity that leaves its first level for good, by share and by sigma."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.expansion import reaction
from ssbchar.hexrd.furnace.segments import Segment, SegmentKind


def segment(*frames: int) -> Segment:
    return Segment(name="heating", kind=SegmentKind.HEATING, frames=np.array(frames))


def flags(
    intensity: list[float],
    stderr: float = 0.1,
    share: float = 0.1,
    present: list[int] | None = None,
    segments: list[Segment] | None = None,
) -> list[int]:
    count = len(intensity)
    dims = ("frame", "phase")
    lattice = xr.Dataset(
        {
            "intensity": (dims, np.array([intensity], float).T),
            "intensity_stderr": (dims, np.full((count, 1), stderr)),
            "present": (dims, np.array([present or [1] * count]).T),
        }
    )
    found = reaction.flag_reacting(lattice, segments or [segment(*range(count))], share)
    assert found.dtype == np.int8
    return found[:, 0].tolist()


STEADY = [100.0] * 6


def test_a_level_that_is_left_for_good() -> None:
    assert flags([*STEADY, 95, 85, 80]) == [0] * 7 + [1, 1]
    assert flags([*STEADY, 85, 100, 80]) == [0] * 8 + [1]
    assert flags([*STEADY, 120, 130]) == [0] * 6 + [1, 1]
    assert flags([*STEADY, 85, 80, 100]) == [0] * 9


@pytest.mark.parametrize(
    ("last", "share", "flag"), [(90.0, 0.1, 0), (89.9, 0.1, 1), (89.9, 0.2, 0)]
)
def test_the_share_from_both_sides(last: float, share: float, flag: int) -> None:
    assert flags([*STEADY, last], share=share) == [0] * 6 + [flag]


@pytest.mark.parametrize(("stderr", "flag"), [(4.9, 1), (5.1, 0)])
def test_four_sigma_from_both_sides(stderr: float, flag: int) -> None:
    assert flags([*STEADY, 80.0], stderr=stderr)[-1] == flag


def test_scatter_of_the_first_frames_counts() -> None:
    """Three first frames of 100 +- 4: 1.4826 times 4 is the sigma, four of them 23.7."""
    first = [96.0, 100.0, 104.0, 100, 100, 100]
    assert flags([*first, 76.0])[-1] == 1
    assert flags([*first, 77.0])[-1] == 0


def test_the_first_fifth_is_the_level() -> None:
    """Of twenty frames the first four: their median is 101.5."""
    rows = [100.0, 101, 102, 103, *[100.0] * 15, 112.0]
    assert flags(rows, stderr=0.01)[-1] == 1
    assert flags([*rows[:-1], 111.0], stderr=0.01)[-1] == 0


def test_frames_without_the_phase_do_not_count() -> None:
    assert flags([*STEADY, 50.0, 80.0], present=[1] * 6 + [0, 1]) == [0] * 7 + [1]
    assert flags([*STEADY, np.nan, 80.0]) == [0] * 7 + [1]
    assert flags([100.0] * 4 + [50.0]) == [0] * 5, "five frames show no level"
    assert flags([100.0] * 5 + [50.0]) == [0] * 5 + [1]


def test_each_segment_has_its_own_level() -> None:
    up, down = segment(*range(6)), segment(*range(6, 13))
    assert flags([*STEADY, *[50.0] * 6, 60.0], segments=[up, down]) == [0] * 12 + [1]


def test_the_first_flagged_temperature() -> None:
    at = np.array([25.0, 50.0, 75.0])
    find = reaction.find_reaction_temperature
    assert find(np.array([0, 1, 1], np.int8), at) == 50.0
    assert np.isnan(find(np.zeros(3, np.int8), at))
