"""Panels and radial distortions from rings: what was put in is found, and what was not is not."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.calibration.test_refine_geometry import AROUND, BEAM, TRUE
from hexrd.made_images import (
    TRUE as DETECTOR,
)
from hexrd.made_images import (
    WAVELENGTH,
    calibrant_counts,
    panel_shift,
    radial_shift,
    tiff,
    write_spline,
)

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import refine_distortion as dis
from ssbchar.hexrd.calibration.calibrate import calibrate_detector
from ssbchar.hexrd.calibration.conclude import conclude_calibration
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.calibration.ring_points import RingPoints
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.integrate import integrate_images
from ssbchar.hexrd.images.options import Integration

ANGLES = np.radians([2.0, 3.0, 4.5, 5.5, 7.0, 8.0, 9.0, 10.0])
QUARTERS = np.repeat(np.repeat([[1, 2], [3, 4]], 200, axis=0), 200, axis=1)
SHIFT = np.array([[0.4, -0.2], [-0.3, 0.5], [0.3, 0.1], [-0.4, -0.4]])


def points(terms, value, noise=2e-6, seed=0):
    """Points on rings of a plane, stored where terms of these values move them from."""
    rng = np.random.default_rng(seed)
    ring = np.repeat(np.arange(ANGLES.size), AROUND.size)
    angle = ANGLES[ring] + noise * rng.standard_normal(ring.size)
    right_row, right_column = geo.pixels_from_angles(TRUE, angle, np.tile(AROUND, ANGLES.size))
    row, column = right_row, right_column
    for _ in range(20):
        panel = 1 + 2 * (row > 200) + (column > 200)
        down, right = terms.evaluate(row, column, panel)
        row, column = right_row - value @ down, right_column - value @ right
    return RingPoints(
        row=row, column=column, ring=ring, stderr=np.full(ring.size, 2e-6), panel=panel
    )


def make_terms(number=4, *, is_radial=False):
    return dis.Terms(panels=QUARTERS, number=number, is_radial=is_radial)


def test_terms_by_hand():
    terms = make_terms(is_radial=True)
    down, right = terms.evaluate(
        np.array([200.0, 400.0]), np.array([300.0, 400.0]), np.array([2, 4])
    )
    assert terms.size == 10 and down.shape == right.shape == (10, 2)
    assert down[:8, 0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert right[:8, 1].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]
    # at the farthest corner one pixel outwards, half way along a row by (100 / 283)^3 and ^5
    assert np.hypot(down[8:, 1], right[8:, 1]) == pytest.approx([1.0, 1.0])
    assert right[8:, 0] == pytest.approx([(100 / 80_000**0.5) ** n for n in (3, 5)])
    assert down[8:, 0] == pytest.approx(0.0)


def test_shifts_of_panels_are_found_with_the_plane():
    terms = make_terms()
    fit = dis.fit_terms(points(terms, SHIFT.ravel()), ANGLES, TRUE, terms)
    found = fit.value.reshape(-1, 2)
    np.testing.assert_allclose(found - found.mean(axis=0), SHIFT - SHIFT.mean(axis=0), atol=0.01)
    assert np.abs(found.mean(axis=0)).max() < 1e-3, "a common shift is that of the beam"
    mean = SHIFT.mean(axis=0)
    for place, true in ((0, BEAM[0]), (1, BEAM[1] - mean[0]), (2, BEAM[2] - mean[1])):
        assert abs(fit.beam[place] - true) < 4 * fit.stderr[place]


def test_pulls_of_the_distance():
    terms, pulls = make_terms(), []
    for seed in range(20):
        shift = 0.4 * np.random.default_rng(100 + seed).standard_normal(8)
        fit = dis.fit_terms(points(terms, shift, 1e-5, seed), ANGLES, TRUE, terms)
        pulls.append((fit.beam[0] - BEAM[0]) / fit.stderr[0])
    assert abs(np.mean(pulls)) < 0.7 and 0.5 < np.std(pulls) < 1.5


def test_a_radial_distortion_is_found():
    terms, value = make_terms(0, is_radial=True), np.array([3.0, -0.8])
    fit = dis.fit_terms(points(terms, value), ANGLES, TRUE, terms)
    np.testing.assert_allclose(fit.beam, BEAM, atol=2e-2)
    np.testing.assert_allclose(fit.value, value, atol=0.3)
    freed = dis.fit_terms(points(terms, value), ANGLES, TRUE, terms, free_wavelength=True)
    assert freed.stderr[5] > 0.003, "it may stand for another wavelength"


def test_a_pixel_is_evaluated_as_its_point_is():
    terms = make_terms(is_radial=True)
    value = np.append(SHIFT.ravel(), [2.0, 1.0])
    found = dis._evaluate_pixels(terms, value, None)
    down, right = terms.evaluate(np.array([50.5]), np.array([300.5]), np.array([2]))
    assert found.down[50, 300] == pytest.approx(float((value @ down)[0]))
    assert found.right[50, 300] == pytest.approx(float((value @ right)[0]))


# From here on whole images. Lengths of a second cubic substance show what the shifts do.
LARGE = replace(DETECTOR, size=400, column=201.3, row=195.6, tilt=0.5)
SETUP = Geometry(wavelength=WAVELENGTH, wavelength_stderr=1e-7, distance=310.0, pixel_size=200.0)
D_SAMPLE = 4.15683 / np.sqrt([1, 2, 3, 4, 5, 6, 8, 9, 10])
WIDTH = 4e-4


def make_image(path, seed, shift, gaps=None, d_spacings=None):
    more = {} if d_spacings is None else {"d_spacings": d_spacings}
    counts = calibrant_counts(seed, LARGE, width=WIDTH, shift=shift, **more)
    if gaps is not None:
        counts[gaps] = 65535
    return tiff(path, counts)


def measure_lines(pattern):
    """Offsets in d of the sample's lines [ppm]: centroids above the line through their feet."""
    x, y = pattern["two_theta"].values, pattern["intensity"].values[0]
    offsets = []
    for d in D_SAMPLE:
        place = 2 * np.degrees(np.arcsin(WAVELENGTH / 2 / d))
        near = np.abs(x - place) < 0.11
        if x[-1] < place + 0.2:
            continue
        foot = np.median(np.sort(y[near])[: near.sum() // 4])
        for _ in range(30):
            # within a symmetric window about itself a centroid has no bias by the background
            inner = np.abs(x - place) < 0.09
            place = float(np.average(x[inner], weights=np.maximum(y[inner] - foot, 0)))
        offsets.append(1e6 * (WAVELENGTH / 2 / np.sin(np.radians(place / 2)) / d - 1))
    return np.array(offsets)


def calibrate(folder, shift, gaps=None, **options):
    """The geometry, the offsets of the sample's lines [ppm], and the error stated [ppm]."""
    make_image(folder / "ceo2.tif", 1, shift, gaps)
    make_image(folder / "sample.tif", 2, shift, gaps, D_SAMPLE)
    found = calibrate_detector(folder / "ceo2.tif", replace(SETUP, **options))
    pattern = integrate_images(folder / "sample.tif", found, Integration(polarisation=None))
    return found, measure_lines(pattern), 1e6 * float(pattern["length_scale_stderr"])


PLACED = [[[0.9, -0.6], [-0.8, 0.7]], [[0.5, 0.9], [-0.9, -0.9]]]


def test_panels_off_their_places_are_found(tmp_path):
    shift, gaps = panel_shift(PLACED)
    found, lines, stated = calibrate(tmp_path, shift, gaps)
    true = np.reshape(PLACED, (4, 2))
    np.testing.assert_allclose(found["panel_shift"], true - true.mean(axis=0), atol=0.06)
    assert found.attrs["distortion"] == "4 panels on the rings"
    assert abs(float(found["direct_distance"]) - 0.3) < 3 * float(
        found["direct_distance_systematic"]
    )
    assert np.sqrt(np.mean(lines**2)) < stated < 250
    reason = conclude_calibration(found)[0].method
    assert reason.endswith("pixels placed by 4 panels on the rings")
    even, worse, _ = calibrate(tmp_path, shift, gaps, panels=False)
    assert "shift_down" not in even
    assert np.sqrt(np.mean(worse**2)) > 3 * np.sqrt(np.mean(lines**2))


def test_panels_in_their_places_are_left_there(tmp_path):
    shift, gaps = panel_shift(np.zeros((2, 2, 2)))
    found, _, _ = calibrate(tmp_path, shift, gaps)
    even, _, _ = calibrate(tmp_path, shift, gaps, panels=False)
    assert "panel_shift" not in found and "distortion" not in found.attrs
    assert found.identical(even)


def test_another_wavelength_is_not_taken_for_panels(tmp_path):
    _, gaps = panel_shift(np.zeros((4, 4, 2)))
    path = make_image(tmp_path / "ceo2.tif", 1, None, gaps)
    wrong = replace(SETUP, wavelength=WAVELENGTH * 1.01)
    found = calibrate_detector(path, wrong)
    assert "panel_shift" not in found


@pytest.mark.parametrize("how", ["file", "rings"])
def test_a_radial_distortion_is_taken_out(tmp_path, how):
    """4 pixels at the edges: refused where nothing is known of it."""
    given = {"distortion": str(write_spline(tmp_path / "a.spline", most=4.0))}
    options = given if how == "file" else {"radial_distortion": True}
    found, lines, stated = calibrate(tmp_path, radial_shift(4.0), **options)
    assert np.sqrt(np.mean(lines**2)) < stated < 250
    assert float(found["direct_distance"]) == pytest.approx(0.3, rel=4e-4)
    named = {"file": "the file a.spline", "rings": "a radial one on the rings"}
    assert found.attrs["distortion"] == named[how]
    assert np.ptp(found["shift_down"].values) == pytest.approx(16.0, abs=0.8)
    with pytest.raises(
        BadInput, match=r"left-out rings are .*; of a distorted image its distortion"
    ):
        calibrate_detector(tmp_path / "ceo2.tif", SETUP)


def test_a_small_radial_distortion_is_in_the_error_of_all_lengths(tmp_path):
    found, lines, stated = calibrate(tmp_path, radial_shift(0.15))
    assert "shift_down" not in found
    assert 60 < np.sqrt(np.mean(lines**2)) < 1.5 * stated


def test_a_distortion_of_another_detector_is_refused(tmp_path):
    path = make_image(tmp_path / "ceo2.tif", 1, None)
    spline = write_spline(tmp_path / "a.spline", most=4.0)
    with pytest.raises(BadInput, match=r"with the file a.spline its rings are .* without it 0\.0"):
        calibrate_detector(path, replace(SETUP, distortion=str(spline)))


def test_the_pixel_size_of_a_spline_stands_in_for_that_of_the_header(tmp_path):
    path = make_image(tmp_path / "ceo2.tif", 1, radial_shift(1.0))
    spline = write_spline(tmp_path / "a.spline", most=1.0)
    found = calibrate_detector(path, replace(SETUP, pixel_size=None, distortion=str(spline)))
    assert float(found["pixel1"]) == pytest.approx(2e-4)
