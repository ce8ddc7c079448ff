"""Sums, means and their errors in bins done by hand; the matrix on planes that are easy to see."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hexrd.made_images import PLANE, SHAPE, plane

from ssbchar.hexrd.images import azimuthal
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.azimuthal import BinSums, Integrator

SHARES = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
"""Two bins of three pixels; the middle one is shared."""


def by_hand(block=2, dark=None, noise=azimuthal.COUNTED):
    shares = scipy.sparse.csc_matrix(SHARES)
    response = np.array([1.0, 2.0, 0.5])
    cuts = [slice(start, min(start + block, 3)) for start in range(0, 3, block)]
    squares = shares.multiply(shares).tocsc()
    return Integrator(
        two_theta=np.array([1.0, 2.0]),
        sectors=1,
        blocks=tuple(
            azimuthal.PixelBlock(pixels=c, shares=shares[:, c], squares=squares[:, c]) for c in cuts
        ),
        response=response,
        seen=shares @ response,
        single=np.array([0.9, 0.7]),
        dark=dark,
        noise=noise,
    )


STACK = np.array([[[4, 8, 6]], [[1, 0, 2]]])


@pytest.mark.parametrize("block", [1, 2, 3])
def test_sums_by_hand(block):
    sums = azimuthal.sum_bins(by_hand(block), STACK)
    assert sums.total.shape == (2, 1, 2)
    assert sums.total[:, 0].tolist() == [[8.0, 10.0], [1.0, 2.0]]
    assert sums.variance[:, 0].tolist() == [[6.0, 8.0], [1.0, 2.0]]
    assert sums.seen[:, 0].tolist() == [[2.0, 1.5], [2.0, 1.5]]
    assert sums.single.tolist() == [[0.9, 0.7]]


def test_dark_counts_are_subtracted_and_add_noise():
    sums = azimuthal.sum_bins(by_hand(dark=np.array([1.0, 2.0, 3.0])), STACK[:1])
    assert sums.total[0, 0].tolist() == [3 + 0.5 * 6, 0.5 * 6 + 3]
    assert sums.variance[0, 0].tolist() == [5 + 0.25 * 10, 0.25 * 10 + 9]


def test_gain_and_readout_noise_are_variance():
    noise = azimuthal.PixelNoise(gain=3.0, readout=2.0)
    sums = azimuthal.sum_bins(by_hand(noise=noise), STACK[:1])
    assert sums.total[0, 0].tolist() == [8.0, 10.0]
    assert sums.variance[0, 0].tolist() == [3 * 6.0 + 4 * 1.25, 3 * 8.0 + 4 * 1.25]
    dark = azimuthal.sum_bins(by_hand(dark=np.array([1.0, 2.0, 3.0]), noise=noise), STACK[:1])
    assert dark.variance[0, 0].tolist() == [3 * 7.5 + 8 * 1.25, 3 * 11.5 + 8 * 1.25]


def test_a_bad_pixel_takes_its_counts_and_its_response_away():
    bad = np.zeros((2, 1, 3), bool)
    bad[0, 0, 1] = True
    sums = azimuthal.sum_bins(by_hand(dark=np.array([0.0, 5.0, 0.0])), STACK, bad)
    assert sums.total[0, 0].tolist() == [4.0, 6.0] == sums.variance[0, 0].tolist()
    assert sums.seen[:, 0].tolist() == [[1.0, 0.5], [2.0, 1.5]]


def test_means_and_errors_by_hand():
    sums = azimuthal.sum_bins(by_hand(), STACK)
    mean, stderr = sums.average()
    np.testing.assert_allclose(mean[:, 0], [[4.0, 10 / 1.5], [0.5, 2 / 1.5]])
    np.testing.assert_allclose(
        stderr[:, 0],
        [[np.sqrt(6) / 2, np.sqrt(8) / 1.5], [1 / 2, np.sqrt(2) / 1.5]],
    )
    empty = azimuthal.sum_bins(by_hand(), np.zeros((1, 1, 3), int)).average()
    assert empty[0].tolist() == [[[0.0, 0.0]]]
    np.testing.assert_allclose(empty[1][0, 0], np.sqrt([0.9, 0.7]) / [2.0, 1.5])


def test_what_was_hardly_seen_is_nan():
    sums = azimuthal.sum_bins(by_hand(), STACK)
    for share, known in ((1e-6, False), (1.01e-6, True)):
        seen = sums.seen.copy()
        seen[..., 1] = share * 2.0
        mean, stderr = replace(sums, seen=seen).average()
        assert np.all(np.isfinite(mean[..., 1]) == known)
        assert np.all(np.isfinite(stderr[..., 1]) == known) and np.all(np.isfinite(mean[..., 0]))


def four_sectors(values, stderr=1.0):
    """Sums of one frame and one bin over sectors that saw as much."""
    total = np.asarray(values, float)[None, :, None]
    return BinSums(
        total=total,
        variance=np.full(total.shape, stderr**2),
        seen=np.ones(total.shape),
        single=np.full(total.shape[1:], 0.5),
    )


def test_sectors_add_up():
    sums = four_sectors([1, 2, 3, 4]).sum_over_sectors()
    assert (sums.total.item(), sums.variance.item(), sums.seen.item()) == (10.0, 4.0, 4.0)
    assert sums.single.item() == 0.5 and sums.total.shape == (1, 1, 1)
    keep = np.array([True, False, False, True])[None, :, None]
    some = four_sectors([1, 2, 3, 4]).sum_over_sectors(keep)
    assert (some.total.item(), some.variance.item(), some.seen.item()) == (5.0, 2.0, 2.0)


def test_the_variance_of_a_single_count_is_the_largest_of_the_sectors():
    sums = four_sectors([1, 2])
    single = np.array([[0.2], [0.9]])
    assert replace(sums, single=single).sum_over_sectors().single.tolist() == [[0.9]]


@pytest.mark.parametrize(("grain", "excluded"), [(14.0, 0), (14.01, 1)])
def test_a_grain_lies_four_spreads_above_the_median(grain, excluded):
    """Median 10, counting error 1: 14 stays, more goes."""
    values = [10, 10, 10, 10, grain]
    mean, stderr, share = azimuthal.average_without_grains(four_sectors(values))
    assert share.item() == pytest.approx(excluded / 5)
    kept = 5 - excluded
    assert mean.item() == pytest.approx(np.sum(values[:kept]) / kept)
    assert stderr.item() == pytest.approx(np.sqrt(kept) / kept)


def test_texture_widens_the_spread():
    """Deviations of 2 from the median are a spread of 2.9652: four of them reach to 21.86."""
    for grain, excluded in ((21.8, 0.0), (21.9, 0.2)):
        values = [8, 10, 12, 12, grain]
        sums = four_sectors([8, 8, 10, 12, grain], stderr=0.1)
        assert azimuthal.average_without_grains(sums)[2].item() == pytest.approx(excluded), values


def test_dark_sectors_are_no_grains():
    assert azimuthal.average_without_grains(four_sectors([10, 10, 10, 10, -50]))[2].item() == 0


def test_sectors_that_saw_nothing_do_not_count():
    sums = four_sectors([10, 10, 10, 99])
    seen = sums.seen.copy()
    seen[0, 0] = 0.0
    mean, _, share = azimuthal.average_without_grains(replace(sums, seen=seen))
    assert mean.item() == 10.0 and share.item() == pytest.approx(1 / 3)


FLAT = plane(0.2, 0.01, 0.009, 0.0, 0.0, 0.0, 1e-4, 1e-4)
"""Direct beam at row 100, column 90 of the 200 x 180 pixels of `SHAPE`."""


def test_two_bins_per_pixel_of_the_longest_radius():
    assert azimuthal._count_natural_bins(FLAT, SHAPE) == np.ceil(2 * np.hypot(100, 90))
    beside = plane(0.2, 0.001, 0.002, 0.0, 0.0, 0.0, 1e-4, 1e-4)
    assert azimuthal._count_natural_bins(beside, SHAPE) == np.ceil(2 * np.hypot(190, 160))
    small = plane(0.2, 0.001, 0.001, 0.0, 0.0, 0.0, 1e-4, 1e-4)
    by = azimuthal.build_integrator(small, 0, np.ones((20, 20), bool))
    assert by.two_theta.size == np.ceil(2 * np.hypot(10, 10))


def test_sectors_are_counted_from_minus_180_degrees():
    sector = azimuthal._find_sectors(FLAT, *np.indices(SHAPE) + 0.5, 4).reshape(SHAPE)
    assert [sector[5, 5], sector[5, 170], sector[190, 170], sector[190, 5]] == [0, 1, 2, 3]
    assert not azimuthal._find_sectors(FLAT, *np.indices(SHAPE) + 0.5, 1).any()
    assert azimuthal._find_sectors(FLAT, *np.indices((3, 4)) + 0.5, 1).shape == (12,)


def test_an_azimuth_of_180_degrees_belongs_to_the_first_sector():
    through = plane(0.2, 0.01005, 0.009, 0.0, 0.0, 0.0, 1e-4, 1e-4)
    sector = azimuthal._find_sectors(through, *np.indices(SHAPE) + 0.5, 6).reshape(SHAPE)
    assert set(sector[100, :80]) <= {0, 5} and sector.max() == 5 and sector.min() == 0


def test_every_pixel_is_shared_out_once():
    by = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=70)
    shares = scipy.sparse.hstack([block.shares for block in by.blocks])
    assert shares.shape == (70, SHAPE[0] * SHAPE[1])
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, rtol=1e-4)
    squares = scipy.sparse.hstack([block.squares for block in by.blocks])
    np.testing.assert_allclose(squares.toarray(), shares.toarray() ** 2, rtol=1e-12)
    np.testing.assert_allclose(
        by.single, squares.sum(axis=1).A1 / shares.sum(axis=1).A1, rtol=1e-12
    )


def test_blocks_follow_each_other(monkeypatch):
    whole = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=70)
    monkeypatch.setattr(azimuthal, "BLOCK", 10_000)
    parts = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=70)
    assert [block.pixels.start for block in parts.blocks] == [0, 10_000, 20_000, 30_000]
    assert parts.blocks[-1].pixels.stop == 36_000 and len(whole.blocks) == 1
    stack = np.random.default_rng(0).poisson(9, (2, *SHAPE))
    for one, two in zip(
        azimuthal.integrate_stack(whole, stack),
        azimuthal.integrate_stack(parts, stack),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-9)


@pytest.mark.parametrize("orientation", list(geo.Orientation))
def test_the_stored_image_is_integrated_as_the_oriented_one(orientation):
    rng = np.random.default_rng(3)
    oriented = rng.poisson(50, SHAPE)
    flat, valid = rng.uniform(0.8, 1.2, SHAPE), rng.uniform(size=SHAPE) > 0.1
    undo = {5: 6, 6: 5}.get(int(orientation), orientation)

    def store(image):
        return np.ascontiguousarray(geo.orient_image(image, undo))

    here = azimuthal.build_integrator(PLANE, 0, valid, points=60, flat=flat)
    there = azimuthal.build_integrator(
        PLANE, orientation, store(valid), points=60, flat=store(flat)
    )
    one = azimuthal.integrate_stack(here, oriented[None])
    two = azimuthal.integrate_stack(there, store(oriented)[None])
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_even_counts_stay_what_they_are_near_the_beam():
    """Solid angle and polarisation are one where the beam meets the detector."""
    by = azimuthal.build_integrator(FLAT, 0, np.ones(SHAPE, bool), points=100, polarisation=0.99)
    mean, _ = azimuthal.integrate_stack(by, np.full((1, *SHAPE), 7))
    np.testing.assert_allclose(mean[0, 1:10], 7.0, rtol=1e-4)
    half = azimuthal.build_integrator(
        FLAT, 0, np.ones(SHAPE, bool), points=100, flat=np.full(SHAPE, 0.5)
    )
    assert azimuthal.integrate_stack(half, np.full((1, *SHAPE), 7))[0][0, 5] == pytest.approx(
        14.0, rel=1e-3
    )


def test_the_range_of_two_theta_is_that_asked_for():
    by = azimuthal.build_integrator(FLAT, 0, np.ones(SHAPE, bool), points=40, two_theta=(0.5, 2.5))
    np.testing.assert_allclose(by.two_theta, 0.525 + 0.05 * np.arange(40), rtol=1e-4)


def test_the_centre_of_a_pixel_tells_its_sector():
    """The beam meets the detector between rows 99 and 100 and between columns 89 and 90."""
    sector = azimuthal._find_sectors(FLAT, *np.indices(SHAPE) + 0.5, 4).reshape(SHAPE)
    assert [sector[99, 5], sector[100, 5]] == [0, 3]
    assert [sector[5, 89], sector[5, 90]] == [0, 1]
    assert [sector[99, 170], sector[100, 170]] == [1, 2]


def test_pixels_are_cut_into_blocks_of_a_number(monkeypatch):
    monkeypatch.setattr(azimuthal, "BLOCK", 4)
    shares = scipy.sparse.csc_matrix(np.eye(9))
    blocks = azimuthal._cut_into_blocks(shares, shares)
    assert [(b.pixels.start, b.pixels.stop) for b in blocks] == [(0, 4), (4, 8), (8, 9)]
    assert [b.shares.shape for b in blocks] == [(9, 4), (9, 4), (9, 1)]
