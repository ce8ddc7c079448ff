"""Pixel masks: each limit is met from both sides with numbers done by hand."""

import numpy as np
import pytest

from ssbchar.hexrd.images import masks

NAN = float("nan")


@pytest.mark.parametrize(
    ("dtype", "stated", "given", "limit"),
    [
        ("i4", 1097223.0, None, 1097223.0),
        ("u2", NAN, None, 65535.0),
        ("u2", NAN, 4000.0, 4000.0),
        ("u2", 100.0, 4000.0, 4000.0),
        ("u2", 1e6, None, 65535.0),
        ("i2", NAN, None, 32767.0),
        ("f4", NAN, None, np.inf),
        ("f4", 500.0, None, 500.0),
    ],
)
def test_option_then_header_then_type_limit_the_counts(dtype, stated, given, limit):
    assert masks.choose_saturation_limit(np.dtype(dtype), stated, given) == limit


@pytest.mark.parametrize(
    ("counts", "gaps"),
    [
        (np.array([-1.0, 0.0, 5.0, NAN, np.inf, -np.inf]), [1, 0, 0, 1, 1, 1]),
        (np.array([0, 5, 65534, 65535], np.uint16), [0, 0, 0, 1]),
        (np.array([-2, -1, 0, 7], np.int32), [1, 1, 0, 0]),
    ],
)
def test_gaps_of_each_type(counts, gaps):
    assert masks.find_gaps(counts).tolist() == [bool(gap) for gap in gaps]


def find(samples, sigma=10.0, known=None):
    shape = samples[0].shape
    return masks.find_defects(samples, np.zeros(shape, bool) if known is None else known, sigma)


def frame(centre, around, odd=None, shape=(5, 5)):
    counts = np.full(shape, around)
    counts[2, 2] = centre
    if odd is not None:
        counts[1, 1] = odd
    return counts


@pytest.mark.parametrize(
    ("around", "odd", "least_hot"),
    [
        # c > 10 sqrt(c + 1)
        (0, None, 101),
        # c - 100 > 10 sqrt(c + 101)
        (100, None, 301),
        # one neighbour of ten counts: c > 10 sqrt(c + 1) + 2 x 10
        (0, 10, 138),
    ],
)
def test_hot_begins_at_ten_errors_and_two_spreads(around, odd, least_hot):
    counts = np.arange(least_hot - 3, least_hot + 3)
    hot = [bool(find([frame(c, around, odd)])[2, 2]) for c in counts]
    assert hot == [False] * 3 + [True] * 3


def test_hot_must_be_hot_in_every_sample():
    assert find([frame(5000, 10), frame(5000, 10)]).sum() == 1
    assert not find([frame(5000, 10), frame(10, 10)]).any()


@pytest.mark.parametrize(
    ("levels", "is_dead"), [((34,), False), ((35,), True), ((17, 17), False), ((17, 18), True)]
)
def test_dead_where_chance_is_below_the_limit(levels, is_dead):
    """exp(-34) is above 1e-15 and exp(-35) below."""
    found = find([frame(0, level) for level in levels])
    assert found[2, 2] == is_dead and found.sum() == is_dead


def test_one_count_in_one_sample_is_alive():
    assert not find([frame(0, 50), frame(1, 50)]).any()


def test_nothing_is_looked_for_without_sigma_or_samples():
    assert not find([frame(5000, 0)], sigma=0).any()
    assert not masks.find_defects([], np.zeros((4, 4), bool), 10.0).any()


def test_known_pixels_are_neither_reported_nor_compared_with():
    counts = frame(5000, 10)
    counts[2, 3] = 9000
    known = np.zeros(counts.shape, bool)
    known[2, 3] = True
    assert np.argwhere(find([counts], known=known)).tolist() == [[2, 2]]


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_corners_have_three_neighbours(corner):
    counts = np.full((6, 4), 10)
    counts[corner] = 5000
    found = find([counts])
    assert found[corner] and found.sum() == 1


def test_grains_are_no_hot_pixels():
    row, column = np.indices((60, 60))
    spot = 5000 * np.exp(-0.5 * ((row - 30.3) ** 2 + (column - 29.6) ** 2))
    counts = np.random.default_rng(8).poisson(20 + spot)
    counts[10, 10] = 4000
    found = find([counts])
    assert found[10, 10] and found.sum() == 1


NOISE = 3 + 6 * np.random.default_rng(3).standard_normal((200, 180))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int16])
def test_noise_about_a_dark_that_was_subtracted_is_kept(dtype):
    """Mean 3, noise 6: to leave out a third of the pixels for their sign would give 6.0."""
    counts = NOISE.astype(np.float64 if np.dtype(dtype).kind == "f" else float)
    counts = (counts if np.dtype(dtype).kind == "f" else np.rint(counts)).astype(dtype)
    kept = ~masks.find_gaps(counts)
    assert kept.all()
    assert counts[kept].mean() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("marker", [-10, -20, -1000, -32768])
def test_a_marker_among_noise_is_a_gap(dtype, marker):
    counts = NOISE if np.dtype(dtype).kind == "f" else np.rint(NOISE)
    counts = counts.astype(dtype)
    counts[:, 90:97] = marker
    gaps = masks.find_gaps(counts)
    assert gaps[:, 90:97].all()
    # Whole noise has the marker's value by chance in a few places.
    assert gaps.mean() <= 7 / 180 + (0.03 if np.dtype(dtype).kind == "i" else 0)


def test_markers_without_noise():
    counts = np.random.default_rng(4).poisson(5, (50, 60)).astype(np.float32)
    counts[10], counts[:, 20], counts[3, 3], counts[4, 4] = -1, -2, -3, np.nan
    expected = (counts < 0) | np.isnan(counts)
    assert np.array_equal(masks.find_gaps(counts), expected)
    assert np.array_equal(masks.find_gaps(np.nan_to_num(counts, nan=9).astype(int)), counts < 0)


def test_a_negative_value_that_is_no_whole_number_marks_nothing():
    counts = np.full((20, 20), 50.0)
    counts[3, 3] = -0.7
    assert not masks.find_gaps(counts).any()
    counts[3, 3] = -1.0
    assert masks.find_gaps(counts).sum() == 1


def sampled(*frames):
    """Five frames spread over a series; those that are not given are even."""
    return [*frames, *(frame(10, 10) for _ in range(5 - len(frames)))]


@pytest.mark.parametrize(("times", "is_hot"), [(2, False), (3, True), (5, True)])
def test_a_pixel_that_becomes_hot_is_hot(times, is_hot):
    """A spot that stays for two frames is a grain's; in most of them none is as sharp."""
    found = find(sampled(*[frame(5000, 10)] * times))
    assert np.argwhere(found).tolist() == ([[2, 2]] if is_hot else [])


def test_hot_pixels_beside_each_other_are_hot():
    pair = sampled(*[frame(5000, 10, odd=3000)] * 5)
    assert np.argwhere(find(pair)).tolist() == [[1, 1], [2, 2]]
    assert not find(pair[:2]).any(), "of two frames nothing is told"


def test_a_pixel_stands_out_of_the_third_highest_of_its_neighbours():
    """c - 22 > 10 sqrt(c + 23) + (22 - 10) / 0.08 from c = 371 on."""
    counts = np.full((5, 5), 10.0)
    counts[1, 1:4] = [22, 300, 300]
    for centre, is_hot in ((370, False), (372, True)):
        counts[2, 2] = centre
        assert bool(find([counts] * 5)[2, 2]) is is_hot


@pytest.mark.parametrize("width", [1.0, 1.5, 3.0])
def test_no_pixel_of_a_spot_or_a_ring_stands_out(width):
    """As wide at half maximum as a detector's response makes them, anywhere between pixels."""
    row, column = np.indices((60, 60))
    ring = 400 * np.exp(-0.5 * ((np.hypot(row + 5, column + 5) - 40) / 1.2) ** 2)
    parts = [(i, j) for i in np.arange(-0.4, 0.5, 0.2) for j in np.arange(-0.4, 0.5, 0.2)]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        r, c = rng.uniform(20, 40, 2)
        sigma = width / 2.355
        spot = sum(
            320 * np.exp(-0.5 * ((row + i - r) ** 2 + (column + j - c) ** 2) / sigma**2)
            for i, j in parts
        )
        counts = rng.poisson(20 + ring + spot).astype(float)
        assert not masks._stand_out(counts, masks._stack_neighbours(counts), 10.0).any()
