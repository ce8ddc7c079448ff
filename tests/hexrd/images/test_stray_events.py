"""Stray events are pixels that stand out in one frame alone; grains, rings and noise are kept."""

import numpy as np
import pytest

from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.stray_events import (
    FrameBesideOthers,
    find_stray_events,
    pair_with_others,
)

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


def beside(
    value: float,
    *,
    others: tuple[float, float] = (100.0, 100.0),
    risen: tuple[float, ...] = (),
    place: tuple[int, int] = (5, 5),
    excluded: tuple[tuple[int, int], ...] = (),
) -> bool:
    """Whether one pixel is an event: 100 counts everywhere, some neighbours risen to others."""
    row, column = place
    counts = np.full((11, 11), 100.0, np.float32)
    around = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
    for (down, right), level in zip(around, risen, strict=False):
        counts[row + down, column + right] = level
    counts[place] = value
    one, two = (np.full((11, 11), 100.0, np.float32) for _ in range(2))
    one[place], two[place] = others
    unused = np.zeros((11, 11), bool)
    for pixel in excluded:
        unused[pixel] = True
    frame = FrameBesideOthers(
        image=Image(source="a", counts=counts), counts=counts, others=(one, two)
    )
    found = find_stray_events(frame, unused, 10.0)
    assert not np.delete(found.ravel(), row * 11 + column).any()
    return bool(found[place])


@pytest.mark.parametrize(("value", "is_event"), [(300.0, False), (301.0, True)])
def test_ten_errors_of_counting_above_both_others(value: float, is_event: bool) -> None:
    """x - 100 = 10 sqrt(x + 101) at 300.3."""
    assert beside(value) == is_event


def test_the_higher_of_both_others_counts() -> None:
    for others in ((100.0, 400.0), (400.0, 100.0)):
        assert not beside(450.0, others=others)
        assert beside(1000.0, others=others)
    assert beside(260.0, others=(-50.0, -50.0)) and beside(260.0, others=(0.0, 0.0))


def test_two_neighbours_may_belong_to_the_event_and_a_third_makes_a_spot() -> None:
    """A third that rises by 200 counts for 200 / 0.08 = 2500."""
    assert beside(2000.0, risen=(300.0, 300.0))
    assert not beside(2000.0, risen=(300.0, 300.0, 300.0))
    # 3000 - 100 - 200 - 10 sqrt(3000 + 100 + 200 + 1) = 2125; 3600: 2700
    assert not beside(3200.0, risen=(300.0,) * 3)
    assert beside(3600.0, risen=(300.0,) * 3)
    # all eight alike are another exposure, not a spot: nothing but their level
    # x - 300 = 10 sqrt(x + 301) at 600.2
    assert beside(610.0, risen=(300.0,) * 8)
    assert not beside(590.0, risen=(300.0,) * 8)


def test_three_neighbours_in_use_tell_an_event() -> None:
    assert beside(1000.0, place=(0, 0)) and beside(1000.0, place=(10, 10))
    assert not beside(1000.0, place=(0, 0), excluded=((0, 1),))
    assert not beside(1000.0, excluded=((5, 5),))
    five = ((4, 4), (4, 5), (4, 6), (5, 4), (5, 6))
    assert beside(1000.0, excluded=five) and not beside(1000.0, excluded=(*five, (6, 4)))


@pytest.mark.parametrize(
    ("shape", "count", "kept"),
    [((60, 50), 10, 10), ((60, 50), 11, 0), ((400, 500), 20, 20), ((400, 500), 21, 0)],
)
def test_how_many_may_be_stray(shape: tuple[int, int], count: int, kept: int) -> None:
    """Ten on any detector, one pixel in ten thousand of a large one."""
    still = np.full(shape, 20.0, np.float32)
    counts = still.copy()
    counts[5 * (np.arange(count) // 5) + 3, 5 * (np.arange(count) % 5) + 3] = 3000.0
    image = Image(source="a", counts=counts)
    frame = FrameBesideOthers(image=image, counts=counts, others=(still, still))
    assert find_stray_events(frame, np.zeros(shape, bool), 10.0).sum() == kept
