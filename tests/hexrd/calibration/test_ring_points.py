"""Rings located sector by sector in images whose rings are known."""

import numpy as np
import pytest

from ssbchar.hexrd.calibration import ring_points
from ssbchar.hexrd.calibration.refine_geometry import plane_from_beam
from ssbchar.hexrd.images import geometry as geo

SHAPE = (200, 200)
PIXEL = 1e-4
LENGTH = 0.04
TRUE = plane_from_beam(np.array([LENGTH, 100.0, 100.0, 0.0, 0.0]), PIXEL, PIXEL)
RADII = np.array([40.0, 60.0, 84.0])
ANGLES = np.arctan(RADII * PIXEL / LENGTH)
EVERYWHERE = np.ones(SHAPE, bool)
WIDTH = 1.4


def draw(radii=RADII, height=400.0, level=40.0, slope=0.0, width=WIDTH):
    row, column = np.indices(SHAPE) + 0.5
    radius = np.hypot(row - 100, column - 100)
    peaks = np.exp(-0.5 * ((radius[..., None] - radii) / width) ** 2).sum(axis=-1)
    return level + slope * radius + height * peaks


def locate(image, plane=TRUE, angles=ANGLES, reach=8.0, valid=EVERYWHERE, width=WIDTH):
    return ring_points.locate_rings(image, valid, plane, angles, reach=reach, width=width)


def radii_of(points):
    return np.hypot(points.row - 100, points.column - 100)


def test_every_ring_is_located_in_every_sector():
    points = locate(draw())
    assert points.ring.size == 3 * ring_points.SECTORS and points.ring.dtype == np.int64
    assert np.bincount(points.ring).tolist() == [72, 72, 72]
    np.testing.assert_allclose(radii_of(points), RADII[points.ring], atol=0.03)


@pytest.mark.parametrize("slope", [0.0, 0.7])
def test_rings_off_their_expected_place_are_found(slope):
    points = locate(draw(RADII + np.array([1.7, -2.2, 0.6]), slope=slope))
    np.testing.assert_allclose(
        radii_of(points), (RADII + np.array([1.7, -2.2, 0.6]))[points.ring], atol=0.06
    )


def test_points_lie_in_the_middle_of_their_sectors():
    points = locate(draw())
    azimuth = np.degrees(np.arctan2(points.row - 100, points.column - 100))
    steps = (azimuth + 180) / 5 - 0.5
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert sorted(np.round(steps[points.ring == 1]).astype(int)) == list(range(72))


def test_errors_are_those_of_counting():
    rng = np.random.default_rng(1)
    rate = draw(height=120.0, level=60.0)
    pulls = []
    for _ in range(4):
        points = locate(rng.poisson(rate).astype(float))
        found, _ = geo.angles_from_pixels(TRUE, points.row, points.column)
        pulls.append((found - ANGLES[points.ring]) / points.stderr)
    assert np.std(np.concatenate(pulls)) == pytest.approx(1.0, abs=0.12)


def test_errors_fall_with_the_root_of_the_counts():
    few, many = locate(draw()), locate(9 * draw())
    np.testing.assert_allclose(few.stderr / many.stderr, 3.0, rtol=1e-6)
    np.testing.assert_allclose(radii_of(few), radii_of(many), rtol=1e-9)


def test_without_rings_nothing_is_located():
    noise = np.random.default_rng(2).poisson(np.full(SHAPE, 50.0)).astype(float)
    assert locate(noise).ring.size < 3
    assert locate(draw(height=0.0, slope=0.5)).ring.size == 0
    assert locate(draw(height=-30.0)).ring.size == 0, "a dark ring is none"


def test_the_window_ends_half_way_to_the_next_ring():
    """Rings 6 pixels apart leave 3 to each, too little for a width of 1.4 but enough for 1.2."""
    radii = np.array([80.0, 86.0])
    angles = np.arctan(radii * PIXEL / LENGTH)
    image = draw(radii, width=1.2)
    assert locate(image, angles=angles).ring.size == 0
    close = locate(image, angles=angles, width=1.2)
    assert np.bincount(close.ring).tolist() == [72, 72]
    np.testing.assert_allclose(radii_of(close), radii[close.ring], atol=0.2)


@pytest.mark.parametrize(("reach", "located"), [(2.2 * WIDTH - 0.02, False), (4.0, True)])
def test_a_window_narrower_than_the_ring_locates_nothing(reach, located):
    assert (locate(draw(), reach=reach).ring.size > 0) == located


def test_a_ring_far_from_its_place_is_left_out():
    assert locate(draw(RADII + 7.5)).ring.size == 0
    assert locate(draw(RADII + 5.0)).ring.size > 150


def test_masked_sectors_have_no_points():
    valid = EVERYWHERE.copy()
    valid[:100] = False
    points = locate(np.where(valid, draw(), 1e6), valid=valid)
    assert np.bincount(points.ring).tolist() == [36, 36, 36] and np.all(points.row > 100)


def test_cells_with_few_pixels_are_left_out():
    """A ring of 8 pixels radius has 11 pixels per sector in a window of 8."""
    small = np.array([8.0, 60.0])
    points = locate(draw(small), angles=np.arctan(small * PIXEL / LENGTH), reach=7.0)
    assert np.bincount(points.ring, minlength=2).tolist() == [0, 72]


def test_some_of_the_points():
    points = locate(draw())
    some = points.select(points.ring == 2)
    assert np.all(some.ring == 2) and some.row.size == some.stderr.size == 72
    np.testing.assert_array_equal(some.column, points.column[points.ring == 2])
    np.testing.assert_array_equal(some.row, points.row[points.ring == 2])


def pixels(offset, counts, cell, size):
    return ring_points._CellPixels(
        offset=np.asarray(offset, float),
        counts=np.asarray(counts, float),
        cell=np.asarray(cell),
        size=size,
    )


def test_centroids_by_hand():
    """Level 2 from the edges beyond 3; net counts 0, 4, 8 at -1, 0, 1 have their centroid at
    2/3."""
    cell = pixels([-4, -1, 0, 1, 4], [2, 1, 6, 10, 2], [0] * 5, 2)
    assert ring_points._estimate_centroids(cell, 3.0).tolist() == [pytest.approx(2 / 3), 0.0]


def test_pixels_on_the_border_of_the_edge_are_inside():
    cell = pixels([-3, 0, 3, 4], [6, 2, 2, 2], [0] * 4, 1)
    assert ring_points._estimate_centroids(cell, 3.0)[0] == pytest.approx(-3.0)


def test_shifts_of_a_gaussian_on_a_slope():
    offset = np.linspace(-6, 6, 61)
    counts = 20 + 1.5 * offset + 300 * np.exp(-0.5 * ((offset - 0.8) / 1.4) ** 2)
    shift, stderr, significance = ring_points._fit_shifts(
        pixels(offset, counts, np.zeros(61, int), 1), 6.0, 1.4
    )
    assert shift[0] == pytest.approx(0.8, abs=5e-3)
    assert 0 < stderr[0] < 0.1 and significance[0] > 30


@pytest.mark.parametrize(("number", "located"), [(29, False), (30, True)])
def test_thirty_pixels_are_needed(number, located):
    offset = np.linspace(-6, 6, number)
    counts = 20 + 300 * np.exp(-0.5 * (offset / 1.4) ** 2)
    cell = pixels(offset, counts, np.zeros(number, int), 1)
    _, stderr, significance = ring_points._fit_shifts(cell, 6.0, 1.4)
    assert np.isfinite(stderr[0]) == located and (significance[0] > 0) == located


@pytest.mark.parametrize(("level", "misfit"), [(40.0, 0.0), (0.5, 0.0), (40.0, 20.0)])
def test_errors_of_one_ring_by_least_squares(level, misfit):
    """Weights 1 / counts, at most 1; errors grow with reduced chi-square above 1, four
    parameters."""
    offset = np.linspace(-6, 6, 61)
    gauss = np.exp(-0.5 * (offset / 1.4) ** 2)
    counts = level + 300 * gauss + misfit * (-1.0) ** np.arange(61)
    _, stderr, significance = ring_points._fit_shifts(
        pixels(offset, counts, np.zeros(61, int), 1), 6.0, 1.4
    )
    u = offset / 1.4
    root = 1 / np.sqrt(np.maximum(counts, 1.0))
    design = np.stack([np.ones(61), u, gauss, gauss * u], axis=1) * root[:, None]
    solution, left, *_ = np.linalg.lstsq(design, counts * root, rcond=None)
    reduced = max(float(left[0]) / (61 - 4), 1.0)
    assert (reduced > 2) == (misfit > 0)
    sigma = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * reduced)
    assert stderr[0] == pytest.approx(1.4 * sigma[3] / solution[2], rel=1e-6)
    assert significance[0] == pytest.approx(solution[2] / sigma[2], rel=1e-6)
