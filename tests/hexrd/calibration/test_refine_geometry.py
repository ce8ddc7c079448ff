"""The plane from points on rings: exact points give it back, errors are those of their scatter."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_images import plane
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd.calibration import refine_geometry as cal
from ssbchar.hexrd.calibration.ring_points import RingPoints
from ssbchar.hexrd.images import geometry as geo

ANGLES = np.radians([3.0, 5.0, 7.5, 9.0, 11.0, 14.0])
BEAM = np.array([0.3, 211.6, 187.3, 0.012, -0.017])
PIXEL = 2e-4
TRUE = cal.plane_from_beam(BEAM, PIXEL, PIXEL)
AROUND = np.radians(np.arange(-177.5, 180, 5))


def points(noise=0.0, by_ring=0.0, seed=0, beam=BEAM, angles=ANGLES, grow=0.0):
    """Points on rings of a plane, with scatter [radian] of points and of whole rings."""
    rng = np.random.default_rng(seed)
    ring = np.repeat(np.arange(angles.size), AROUND.size)
    two_theta = angles[ring] * (1 + grow) + noise * rng.standard_normal(ring.size)
    two_theta += (by_ring * rng.standard_normal(angles.size))[ring]
    detector = cal.plane_from_beam(beam, PIXEL, PIXEL)
    row, column = geo.pixels_from_angles(detector, two_theta, np.tile(AROUND, angles.size))
    return RingPoints(row=row, column=column, ring=ring, stderr=np.full(ring.size, 1e-6))


@given(
    length=st.floats(0.05, 2.0),
    row=st.floats(-500, 2000),
    column=st.floats(-500, 2000),
    rot1=st.floats(-0.3, 0.3),
    rot2=st.floats(-0.3, 0.3),
)
def test_beam_and_plane_are_the_same_thing(length, row, column, rot1, rot2):
    beam = np.array([length, row, column, rot1, rot2])
    detector = cal.plane_from_beam(beam, 2e-4, 1e-4)
    assert detector.rot3 == 0 and (detector.pixel1, detector.pixel2) == (2e-4, 1e-4)
    np.testing.assert_allclose(cal.beam_from_plane(detector), beam, rtol=1e-9, atol=1e-9)


def test_an_untilted_plane_by_hand():
    detector = cal.plane_from_beam(np.array([0.2, 100.0, 50.0, 0.0, 0.0]), 1e-4, 2e-4)
    assert detector == plane(0.2, 0.01, 0.01, 0.0, 0.0, 0.0, 1e-4, 2e-4)


def start(**moves):
    """A rough plane: the true one moved."""
    names = dict(zip(cal.BEAM_PARAMETERS, BEAM, strict=True))
    moved = [names[name] + moves.get(name, 0.0) for name in cal.BEAM_PARAMETERS]
    return cal.plane_from_beam(np.array(moved), PIXEL, PIXEL)


ROUGH = start(direct_distance=2e-3, beam_row=3.0, beam_column=-2.0, tilt1=0.01, tilt2=0.01)


def test_exact_points_give_the_plane_back():
    fit = cal.refine_beam(points(), ANGLES, ROUGH)
    np.testing.assert_allclose(fit.beam, BEAM, rtol=1e-7, atol=1e-7)
    assert np.max(np.abs(fit.residual)) < 1e-9


def test_residuals_are_observed_minus_expected():
    shifted = points(grow=1e-3)
    fit = cal.refine_beam(shifted, ANGLES, TRUE)
    again, _ = geo.angles_from_pixels(
        cal.plane_from_beam(fit.beam, PIXEL, PIXEL), shifted.row, shifted.column
    )
    np.testing.assert_allclose(fit.residual, again - ANGLES[shifted.ring], atol=1e-12)


@pytest.mark.parametrize("ratio", [0.998, 1.003])
def test_a_free_wavelength_is_found_from_wide_rings(ratio):
    wide = np.radians([10.0, 20.0, 30.0, 40.0, 50.0])
    stretched = 2 * np.arcsin(ratio * np.sin(wide / 2))
    made = points(angles=stretched)
    fit = cal.refine_beam(made, wide, TRUE, free_wavelength=True)
    assert fit.beam.size == 6 and fit.covariance.shape == (6, 6)
    assert np.exp(fit.beam[5]) == pytest.approx(ratio, abs=2e-6)
    np.testing.assert_allclose(fit.beam[:5], BEAM, atol=1e-5)


def test_pulls_of_the_parameters():
    pulls = []
    for seed in range(25):
        fit = cal.refine_beam(points(noise=2e-5, seed=seed), ANGLES, TRUE)
        pulls.append((fit.beam - BEAM) / np.sqrt(np.diag(fit.covariance)))
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.7)
    assert 0.7 < np.std(pulls) < 1.35


def test_rings_that_err_together_enlarge_the_error_of_the_distance():
    alone = cal.refine_beam(points(noise=2e-5, seed=3), ANGLES, TRUE)
    together = cal.refine_beam(points(noise=2e-5, by_ring=1e-4, seed=3), ANGLES, TRUE)
    one, two = (np.sqrt(np.diag(fit.covariance)) for fit in (alone, together))
    assert two[0] > 4 * one[0]


def test_outliers_hardly_move_the_plane():
    made = points(noise=2e-5, seed=4)
    row = made.row.copy()
    row[::40] += 5.0
    clean, spoilt = (cal.refine_beam(p, ANGLES, TRUE) for p in (made, replace(made, row=row)))
    moved = (spoilt.beam - clean.beam) / np.sqrt(np.diag(clean.covariance))
    assert np.all(np.abs(moved) < 1.5)
    far = np.abs(spoilt.residual) > 5e-4
    assert far.sum() > 5 and np.all(spoilt.weight[far] < 0.1 * np.median(spoilt.weight))


def test_weights_of_the_soft_l1_loss_by_hand():
    residual, sigma = np.array([0.0, 3.0, -3.0, 8.0]), np.array([2.0, 4.0, 4.0, 6.0])
    expected = [1 / 4, 1 / (16 * 1.25), 1 / (16 * 1.25), 1 / (36 * 5 / 3)]
    np.testing.assert_allclose(cal._weigh_robustly(residual, sigma), expected, rtol=1e-12)


def test_the_jackknife_of_a_mean_by_hand():
    """One parameter, the mean of three rings: (n - 1) / n times the sum of the squared moves."""
    slope, weight = np.ones((6, 1)), np.ones(6)
    residual, ring = np.array([1.0, 1.0, -2.0, -2.0, 1.0, 1.0]), np.array([0, 0, 1, 1, 2, 2])
    moves = np.array([2.0, -4.0, 2.0]) / 4
    found = cal._jackknife_rings(slope, weight, residual, ring)
    assert found[0, 0] == pytest.approx(2 / 3 * np.sum(moves**2))
    weighted = cal._jackknife_rings(slope, np.array([1.0, 1, 1, 1, 2, 2]), residual, ring)
    moves = np.array([2.0 / 6, -4.0 / 6, 4.0 / 4])
    assert weighted[0, 0] == pytest.approx(2 / 3 * np.sum(moves**2))


def test_the_covariance_of_a_mean_by_hand():
    """Sum of squares over n^2 where the jackknife is smaller, the jackknife where it is larger."""
    slope, weight = np.ones((4, 1)), np.ones(4)
    alternating = np.array([1.0, -1.0, 1.0, -1.0])
    found = cal._estimate_covariance(slope, weight, alternating, np.array([0, 0, 1, 1]))
    assert found[0, 0] == pytest.approx(4 / 16)
    found = cal._estimate_covariance(slope, weight, alternating, np.array([0, 1, 0, 1]))
    assert found[0, 0] == pytest.approx(0.5 * (1.0 + 1.0))


def test_offsets_of_rings_by_hand():
    ring = np.array([1, 1, 3, 3])
    residual = np.array([1e-5, 3e-5, -2e-5, -2e-5])
    weight = np.array([1.0, 3.0, 2.0, 2.0])
    found = cal.average_ring_offsets(ring, residual, weight, ANGLES)
    assert found.ring.tolist() == [1, 3]
    scale = -1e6 / (2 * np.tan(ANGLES[[1, 3]] / 2))
    np.testing.assert_allclose(found.offset, scale * np.array([2.5e-5, -2e-5]), rtol=1e-12)
    error = np.sqrt((1.5e-5) ** 2 + 9 * (0.5e-5) ** 2) / 4
    np.testing.assert_allclose(found.stderr, np.abs(scale) * np.array([error, 0.0]), atol=1e-12)


def test_a_longer_d_has_a_smaller_angle():
    longer = 2 * np.arcsin(np.sin(ANGLES / 2) / (1 + 1e-4))
    ring = np.arange(ANGLES.size)
    found = cal.average_ring_offsets(ring, longer - ANGLES, np.ones(ring.size), ANGLES)
    np.testing.assert_allclose(found.offset, 100.0, rtol=1e-3)


def test_rings_are_predicted_by_the_others():
    """A ring 100 ppm off is seen 100 ppm off, the ones that are right are not."""
    angles = np.radians(np.arange(3.0, 15.0))
    wrong = angles.copy()
    wrong[4] = 2 * np.arcsin(np.sin(angles[4] / 2) / (1 + 3e-4))
    found = cal.predict_held_out_rings(points(angles=wrong, noise=1e-7), angles, TRUE)
    assert found.shape == (12,)
    assert found[4] == pytest.approx(300.0, abs=1.0)
    odd = np.arange(12) % 2 == 1
    assert np.all(np.abs(found[~odd][np.arange(6) != 2]) < 5), "predicted by rings that are right"


@pytest.mark.parametrize(("rings", "known"), [(5, [True, False] * 2 + [True]), (6, [True] * 6)])
def test_three_rings_are_needed_to_predict_the_others(rings, known):
    angles = ANGLES[:rings]
    found = cal.predict_held_out_rings(points(angles=angles), angles, TRUE)
    held = np.isfinite(found).tolist()
    assert held == [not k for k in known] if rings == 5 else held == known


def test_the_given_plane_fits_in_its_own_orientation():
    shape = (400, 420)
    made = points(noise=1e-6)
    fits = cal.compare_orientations(made, shape, TRUE, ANGLES)
    assert [fit.orientation for fit in fits] == list(range(8))
    assert fits[0].doubling < 0.02 and all(fit.doubling > 3 for fit in fits[1:])
    assert abs(fits[0].cell_offset) < 3 and 0 < fits[0].cell_offset_stderr < 2


def test_doubling_is_the_peak_to_peak_shift_in_pixels():
    """A centre off by one pixel along the rows moves a ring by +1 and by -1 pixel."""
    flat = np.array([0.3, 200.0, 200.0, 0.0, 0.0])
    off = cal.plane_from_beam(flat + np.array([0, 1.0, 0, 0, 0]), PIXEL, PIXEL)
    fit = cal.compare_orientations(points(beam=flat), (400, 400), off, ANGLES)[0]
    assert fit.doubling == pytest.approx(2.0, rel=2e-3)


def test_cell_offset_is_that_of_a_wrong_distance():
    """A distance too long by 1 per mille makes angles small and d long by 1000 ppm near the
    beam."""
    small = np.radians([0.6, 0.8, 1.0, 1.2])
    flat = np.array([0.3, 200.0, 200.0, 0.0, 0.0])
    longer = cal.plane_from_beam(flat * np.array([1.001, 1, 1, 1, 1]), PIXEL, PIXEL)
    fit = cal.compare_orientations(points(beam=flat, angles=small), (400, 400), longer, small)[0]
    assert fit.cell_offset == pytest.approx(1000.0, rel=2e-3)
    deviation = np.array([fit.cell_offset_stderr])
    assert deviation < 1.0


def test_rings_with_few_points_are_not_followed_around():
    made = points()
    few = made.select((made.ring != 2) & (np.arange(made.ring.size) % 72 < 11))
    fit = cal.compare_orientations(few, (400, 400), TRUE, ANGLES)[0]
    assert np.isnan(fit.doubling) and np.isnan(fit.cell_offset)
    enough = made.select(np.arange(made.ring.size) % 72 < 12)
    assert np.isfinite(cal.compare_orientations(enough, (400, 400), TRUE, ANGLES)[0].doubling)


@pytest.mark.parametrize(("rings", "known"), [(2, False), (3, True)])
def test_three_rings_have_a_scatter(rings, known):
    made = points(noise=1e-6, angles=ANGLES[:rings])
    fit = cal.compare_orientations(made, (400, 400), TRUE, ANGLES[:rings])[0]
    assert np.isfinite(fit.cell_offset) and np.isfinite(fit.cell_offset_stderr) == known


def test_harmonics_without_their_outliers():
    true = np.array([2.0, -1.0, 0.5, 0.25, -0.75])
    value = cal._harmonics_from_azimuth(AROUND) @ true
    np.testing.assert_allclose(cal._fit_harmonics(AROUND, value), true, atol=1e-9)
    value = value + 0.01 * np.random.default_rng(0).standard_normal(72)
    value[10] += 50.0
    np.testing.assert_allclose(cal._fit_harmonics(AROUND, value), true, atol=0.02)


def test_spread_is_that_of_the_middle():
    assert cal._estimate_spread(np.array([1.0, 2.0, 3.0, 4.0, 100.0])) == pytest.approx(1.4826)
    assert cal._estimate_spread(np.zeros(4)) == 1e-9


def test_the_beam_of_a_refined_geometry():
    fit = cal.refine_beam(points(), ANGLES, TRUE)
    refined = cal.RefinedGeometry(plane=TRUE, fit=fit, points=points())
    assert (refined.beam_row, refined.beam_column) == (fit.beam[1], fit.beam[2])


def test_a_geometry_in_the_pixels_of_the_image_as_stored():
    coarse = points()
    fit = cal.refine_beam(coarse, ANGLES, TRUE)
    found = cal.RefinedGeometry(plane=TRUE, fit=fit, points=coarse).unbin(3)
    fine = replace(coarse, row=3 * coarse.row, column=3 * coarse.column)
    plane = replace(TRUE, pixel1=TRUE.pixel1 / 3, pixel2=TRUE.pixel2 / 3)
    again = cal.refine_beam(fine, ANGLES, plane)
    assert found.plane == plane
    assert np.allclose(found.fit.beam, again.beam, rtol=1e-6, atol=1e-6)
    assert np.allclose(found.points.row, fine.row)
    exact = cal.plane_from_beam(found.fit.beam, plane.pixel1, plane.pixel2)
    assert exact.poni1 == pytest.approx(TRUE.poni1, abs=1e-7)


def test_windows_narrow_from_search_to_search():
    reaches = [window.reach for window in cal.SEARCH_WINDOWS]
    assert reaches == sorted(reaches, reverse=True) and reaches[0] == 2 * reaches[-1]


@pytest.mark.parametrize("azimuths", [(0, 360), (80, 175)], ids=["whole rings", "a corner"])
def test_a_right_plane_fits_rings_seen_in_part(azimuths):
    """Harmonics are judged where a ring is seen: elsewhere they are extrapolated without end."""
    begin, end = np.radians(azimuths)
    seen = points(noise=2e-5, seed=3)
    around = np.tile(AROUND, ANGLES.size) % (2 * np.pi)
    seen = seen.select((around >= begin) & (around < end))
    fit, *_ = cal.compare_orientations(seen, (400, 400), TRUE, ANGLES)
    assert fit.doubling < 0.2 and abs(fit.cell_offset) < 60
    moved = replace(TRUE, poni1=TRUE.poni1 + 3 * PIXEL)
    fit, *_ = cal.compare_orientations(seen, (400, 400), moved, ANGLES)
    assert fit.doubling > 1.0


def offsets(scatter, stderr, rings=12, seed=0):
    """Offsets of rings [ppm] with errors and a scatter beyond them."""
    rng = np.random.default_rng(seed)
    drawn = np.hypot(scatter, stderr) * rng.standard_normal(rings)
    return cal.RingOffsets(ring=np.arange(rings), offset=drawn, stderr=np.full(rings, stderr))


@pytest.mark.parametrize("scatter", [30.0, 376.0])
def test_rings_off_their_places_are_a_scatter(scatter):
    found = [cal.estimate_ring_scatter(offsets(scatter, 20.0, seed=seed)) for seed in range(200)]
    # One of the twelve freedoms is the distance's: drawn offsets have all twelve.
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(scatter, rel=0.15)


def test_a_ring_in_a_corner_is_no_scatter_of_all():
    """One sector of the image has no scatter that its error could come from."""
    one = cal.average_ring_offsets(
        np.array([0, 1, 1]), np.array([2e-5, 1e-5, -1e-5]), np.array([1e10, 1.0, 1.0]), ANGLES
    )
    assert one.stderr[0] == pytest.approx(1e6 * 1e-5 / (2 * np.tan(ANGLES[0] / 2)))
    made = offsets(0.0, 20.0)
    corner = replace(
        made, offset=np.append(made.offset[:-1], 2000.0), stderr=np.append(made.stderr[:-1], 1.0)
    )
    sectors = np.append(np.full(11, 72), 3)
    assert cal.estimate_ring_scatter(corner) > 200
    assert cal.estimate_ring_scatter(corner, sectors) < 15
    assert cal.estimate_ring_scatter(corner, np.append(sectors[:-1], 4)) > 200


def test_what_their_errors_explain_is_no_scatter():
    assert cal.estimate_ring_scatter(offsets(0.0, 20.0, rings=200)) < 6.0
    for few in (0, 1):
        assert cal.estimate_ring_scatter(offsets(50.0, 1.0, rings=few)) == 0.0
    unknown = cal.RingOffsets(ring=np.arange(3), offset=np.full(3, np.nan), stderr=np.ones(3))
    assert cal.estimate_ring_scatter(unknown) == 0.0
