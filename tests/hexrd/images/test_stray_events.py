"""Stray events are pixels that stand out in one frame alone; grains, rings and noise are kept."""

import numpy as np
import pytest

from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.stray_events import find_stray_events, pair_with_others

SHAPE = (60, 50)
LEVEL = 20.0


def make_frames(number: int = 5, seed: int = 1, level: float = LEVEL) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    row, column = np.indices(SHAPE)
    ring = level + 400 * np.exp(-0.5 * ((np.hypot(row + 5, column + 5) - 40) / 1.5) ** 2)
    return [random.poisson(ring).astype(np.uint16) for _ in range(number)]


def find_all(frames, excluded=None, sigma: float = 10.0) -> list[np.ndarray]:
    images = (Image(source=str(i), counts=counts) for i, counts in enumerate(frames))
    unused = np.zeros(SHAPE, bool) if excluded is None else excluded
    return [find_stray_events(frame, unused, sigma) for frame in pair_with_others(images)]


def places(events) -> list[list[list[int]]]:
    return [np.argwhere(one).tolist() for one in events]


@pytest.mark.parametrize("frame", range(5))
@pytest.mark.parametrize("pixels", [[[10, 12]], [[10, 12], [11, 13]], [[0, 0]], [[59, 49]]])
def test_an_event_of_one_frame(frame: int, pixels: list[list[int]]) -> None:
    frames = make_frames()
    for row, column in pixels:
        frames[frame][row, column] = 3000
    expected: list[list[list[int]]] = [[] for _ in frames]
    expected[frame] = pixels
    assert places(find_all(frames)) == expected


def test_an_event_on_a_ring() -> None:
    frames = make_frames()
    frames[2][23, 23] += 2000
    assert places(find_all(frames))[2] == [[23, 23]]


def test_a_spot_that_stays_or_that_covers_pixels_is_a_grain() -> None:
    frames = make_frames(8)
    # The spot of a grain in reflecting position for two frames, on one pixel.
    frames[3][10, 12] = frames[4][10, 12] = 3000
    # Spots in one frame, as wide as a detector's response makes them.
    row, column = np.indices(SHAPE)
    spot = 3000 * np.exp(-0.5 * ((row - 50) ** 2 + (column - 10.3) ** 2) / 0.7**2)
    frames[5] = (frames[5] + spot).astype(np.uint16)
    assert places(find_all(frames)) == [[]] * 8


def test_noise_makes_no_events() -> None:
    for level in (0.02, 1.0, 300.0):
        assert not any(one.any() for one in find_all(make_frames(40, 3, level)))


def test_what_rises_everywhere_is_no_event() -> None:
    frames = make_frames()
    frames[2] = (20 * frames[2]).astype(np.uint16)
    assert places(find_all(frames)) == [[]] * 5


def test_spots_that_are_many_are_no_stray_events() -> None:
    frames = make_frames()
    # 1e-4 of 3000 pixels is less than one.
    big = [np.tile(counts, (5, 5)) for counts in frames]
    unused = np.zeros(big[0].shape, bool)
    random = np.random.default_rng(2)
    for count, kept in ((5, 5), (40, 0)):
        spotted = [counts.copy() for counts in big]
        rows, columns = random.integers(0, 300, count), random.integers(0, 250, count)
        spotted[2][rows, columns] = 5000
        images = (Image(source=str(i), counts=counts) for i, counts in enumerate(spotted))
        found = [find_stray_events(frame, unused, 10.0) for frame in pair_with_others(images)]
        assert [int(one.sum()) for one in found] == [0, 0, kept, 0, 0]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_too_few_frames_tell_nothing(number: int) -> None:
    frames = make_frames(number)
    for counts in frames[:1]:
        counts[10, 12] = 60000
    assert places(find_all(frames)) == [[]] * number


def test_gaps_and_excluded_pixels() -> None:
    frames = make_frames()
    excluded = np.zeros(SHAPE, bool)
    excluded[:, 20:24] = True
    for counts in frames:
        counts[excluded] = 65535
    frames[1][30, 19] = 4000
    frames[1][30, 22] = 4000
    assert places(find_all(frames, excluded))[1] == [[30, 19]]
    assert places(find_all(frames, excluded, sigma=0.0)) == [[]] * 5


def test_frames_come_in_order_with_the_two_nearest() -> None:
    frames = [np.full((1, 1), i, np.uint16) for i in range(4)]
    images = (Image(source=str(i), counts=counts) for i, counts in enumerate(frames))
    found = [
        (int(one.counts[0, 0]), [int(other[0, 0]) for other in one.others])
        for one in pair_with_others(images)
    ]
    assert found == [(0, [1, 2]), (1, [0, 2]), (2, [1, 3]), (3, [1, 2])]
