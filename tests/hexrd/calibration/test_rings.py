"""Rings in noise-free images: centre and distance come back, the smooth background goes."""

import numpy as np
import pytest

from ssbchar.hexrd.calibration import rings
from ssbchar.hexrd.calibration.refine_geometry import plane_from_beam
from ssbchar.hexrd.images import geometry as geo

SHAPE = (160, 180)
RADII = np.array([30.0, 41.0, 57.0, 70.0, 88.0])
EVERYWHERE = np.ones(SHAPE, bool)


def draw(centre, radii=RADII, height=200.0, shape=SHAPE):
    row, column = np.indices(shape) + 0.5
    radius = np.hypot(row - centre[0], column - centre[1])
    peaks = np.exp(-0.5 * ((radius[..., None] - radii) / 1.5) ** 2).sum(axis=-1)
    return 50.0 + 0.2 * row + height * peaks


def noisy(image, seed=0):
    return np.random.default_rng(seed).poisson(image).astype(float)


@pytest.mark.parametrize("level", [30, 3000])
def test_flattened_noise_is_one_on_any_level(level):
    flat = rings.flatten_image(noisy(np.full(SHAPE, float(level))), EVERYWHERE)
    assert np.std(flat) == pytest.approx(1.0, abs=0.05) and abs(np.mean(flat)) < 0.02


def test_flattening_cuts_grains_and_leaves_out_masked_pixels():
    image = noisy(np.full(SHAPE, 100.0))
    image[20, 30], image[50, 60], image[90, 90] = 10_000.0, 0.0, 500.0
    valid = EVERYWHERE.copy()
    valid[90, 90] = valid[:, 0] = False
    flat = rings.flatten_image(image, valid)
    assert flat[20, 30] == 6.0 and flat[50, 60] == -2.0 == flat.min()
    assert flat[90, 90] == 0.0 and np.all(flat[:, 0] == 0.0)


def test_flattening_does_not_depend_on_the_exposure():
    image = noisy(draw((80, 90)))
    one, two = (
        rings.flatten_image(factor * (image + 0.375) - 0.375, EVERYWHERE) for factor in (1, 9)
    )
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def test_negative_counts_are_taken_as_none():
    image = noisy(np.full(SHAPE, 1.0))
    below = np.where(image == 0, -3.0, image)
    np.testing.assert_array_equal(
        rings.flatten_image(image, EVERYWHERE), rings.flatten_image(below, EVERYWHERE)
    )


def test_far_inside_a_mask_nothing_is_known():
    """Where less than a fifth of the neighbourhood is valid, the background is not known."""
    valid = EVERYWHERE.copy()
    valid[:, :150] = False
    valid[80, 75] = True
    image = noisy(draw((80, 90)))
    image[80, 75] = 3000.0
    assert rings.flatten_image(image, valid)[80, 75] == 0.0


@pytest.mark.parametrize(
    ("centre", "error"), [((80.3, 90.7), 0.1), ((61.2, 110.4), 0.1), ((75.0, -12.3), 0.8)]
)
def test_the_centre_is_found_to_a_fraction_of_a_pixel(centre, error):
    flat = rings.flatten_image(noisy(draw(centre, np.arange(25.0, 240.0, 14.0))), EVERYWHERE)
    found = rings.find_centre(flat, EVERYWHERE)
    assert np.hypot(found[0] - centre[0], found[1] - centre[1]) < error


def test_the_centre_does_not_mind_gaps():
    valid = EVERYWHERE.copy()
    valid[:, 70:78] = valid[40:47] = False
    image = np.where(valid, noisy(draw((80.3, 90.7))), -1.0)
    found = rings.find_centre(rings.flatten_image(image, valid), valid)
    assert np.hypot(found[0] - 80.3, found[1] - 90.7) < 0.15


def test_normals_of_whole_rings_meet_in_their_centre():
    flat = rings.flatten_image(draw((80.3, 90.7)), EVERYWHERE)
    np.testing.assert_allclose(rings._intersect_normals(flat, EVERYWHERE), (80.3, 90.7), atol=0.06)


def test_normals_meet_within_a_pixel():
    """The rough centre alone, from the directions of the ring pieces."""
    for centre in ((80.3, 90.7), (61.2, 110.4)):
        flat = rings.flatten_image(draw(centre), EVERYWHERE)
        found = rings._intersect_normals(flat, EVERYWHERE)
        assert np.hypot(found[0] - centre[0], found[1] - centre[1]) < 0.5


DISTANCE = 400.0
"""[pixel]"""
ANGLES = np.arctan(RADII / DISTANCE)


def find_distance(image, rough, tolerance=0.15, angles=ANGLES):
    flat = rings.flatten_image(image, EVERYWHERE)
    return rings.find_distance(
        flat, EVERYWHERE, centre=(80.0, 90.0), ring_angles=angles, rough=rough, tolerance=tolerance
    )


@pytest.mark.parametrize("rough", [355.0, 400.0, 455.0])
def test_the_distance_is_that_of_the_rings(rough):
    distance, correlation = find_distance(draw((80, 90)), rough)
    assert distance == pytest.approx(DISTANCE, rel=6e-4) and correlation > 0.93


def test_the_distance_stays_within_its_tolerance():
    for rough in (300.0, 520.0):
        distance, correlation = find_distance(draw((80, 90)), rough, tolerance=0.1)
        assert 0.9 * rough - 1e-9 <= distance < 1.1 * rough + 0.5 and correlation < 0.8


def test_distances_are_tried_in_steps_of_half_a_permille():
    found = find_distance(draw((80, 90)), 400.0, tolerance=0.0012)[0]
    assert found in [pytest.approx(400.0 * (1 - 0.0012 + 5e-4 * n), abs=1e-9) for n in range(5)]


def test_rings_beyond_eighty_degrees_change_nothing():
    more = np.append(ANGLES, np.radians([81.0, 89.9]))
    assert find_distance(draw((80, 90)), 390.0, angles=more) == find_distance(draw((80, 90)), 390.0)


def test_without_a_ring_in_reach_the_rough_distance_stays():
    far = np.arctan(np.array([5000.0]) / DISTANCE)
    assert find_distance(draw((80, 90)), 400.0, angles=far) == (400.0, -1.0)


@pytest.mark.parametrize("width", [2.0, 4.0, 9.0, 15.0])
def test_the_width_of_rings(width):
    shape, centre = (420, 440), (201.3, 228.7)
    row, column = np.indices(shape) + 0.5
    radius = np.hypot(row - centre[0], (column - centre[1]) * 1.01)
    peaks = np.exp(
        -4 * np.log(2) * ((radius[..., None] - np.array([60.0, 120.0, 180.0])) / width) ** 2
    )
    image = noisy(40.0 + 400 * peaks.sum(axis=-1))
    found = rings.measure_ring_width(image, np.ones(shape, bool), centre)
    assert found == pytest.approx(width, rel=0.25, abs=0.6)


def test_no_ring_has_no_width():
    assert rings.measure_ring_width(np.zeros(SHAPE), EVERYWHERE, (80.0, 90.0)) == 0.0


def explained(radii_drawn, radii_known):
    plane = plane_from_beam(np.array([0.04, 80.0, 90.0, 0.0, 0.0]), 1e-4, 1e-4)
    flat = rings.flatten_image(draw((80, 90), radii_drawn), EVERYWHERE)
    angles = np.arctan(np.asarray(radii_known) * 1e-4 / 0.04)
    return rings.measure_explained_share(flat, EVERYWHERE, plane, angles)


def test_all_of_the_rings_are_explained_by_themselves():
    assert explained(RADII, RADII) > 0.98


def test_a_ring_too_many_is_not_explained():
    extra = np.append(RADII, 49.0)
    share = explained(extra, RADII)
    assert share == pytest.approx(5 / 6, abs=0.06)
    assert explained(extra, extra) > 0.98


@pytest.mark.parametrize(("off", "least", "most"), [(2.0, 0.9, 1.0), (8.0, 0.0, 0.1)])
def test_a_ring_is_explained_within_four_pixels(off, least, most):
    assert least <= explained(np.array([50.0, 76.0]), np.array([50.0, 76.0]) + off) <= most


def test_geometry_of_the_drawing():
    """The plane of these tests sees the drawn rings at their radii."""
    plane = plane_from_beam(np.array([0.04, 80.0, 90.0, 0.0, 0.0]), 1e-4, 1e-4)
    two_theta, _ = geo.angles_from_pixels(plane, 80.0, 90.0 + 57.0)
    assert two_theta == pytest.approx(np.arctan(57.0 / 400))


def test_the_background_is_what_is_smooth_over_twelve_pixels():
    """A wave of 60 pixels is smoothed to exp(-2 pi^2 12^2 / 60^2) = 0.454 of itself."""
    _, column = np.indices(SHAPE)
    fast, slow = np.cos(np.pi * column), np.cos(2 * np.pi * column / 60)
    root = 20 + fast + slow
    flat = rings.flatten_image(root**2 - 0.375, EVERYWHERE)[:, 40:140]
    parts = np.stack([fast[:, 40:140].ravel(), slow[:, 40:140].ravel()], axis=1)
    (of_fast, of_slow), *_ = np.linalg.lstsq(parts, flat.ravel(), rcond=None)
    assert of_slow / of_fast == pytest.approx(1 - np.exp(-2 * (np.pi * 12 / 60) ** 2), rel=0.03)


def test_no_count_and_one_count_are_told_apart():
    """A chessboard of 0 and 1: sqrt(0.375) and sqrt(1.375) about their mean, over 1.4826 times half
    their difference."""
    row, column = np.indices(SHAPE)
    one = (row + column) % 2 == 1
    flat = rings.flatten_image(one.astype(float), EVERYWHERE)[40:-40, 40:-40]
    np.testing.assert_allclose(flat, np.where(one[40:-40, 40:-40], 1.0, -1.0) / 1.4826, rtol=0.01)


def test_of_distances_that_agree_equally_the_shortest_is_taken(monkeypatch):
    monkeypatch.setattr(rings.np, "corrcoef", lambda a, b: np.full((2, 2), 0.5))
    distance, correlation = find_distance(draw((80, 90)), 400.0, tolerance=0.01)
    assert (distance, correlation) == (pytest.approx(400.0 * 0.99), 0.5)
