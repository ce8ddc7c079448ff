"""Scattering angles against pyFAI, the way back, and the eight orientations against numpy's own."""

import numpy as np
import pytest
from hexrd.made_images import plane, pyfai_parameters
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd.images import geometry as geo

angle = st.floats(-0.3, 0.3)


@given(rot1=angle, rot2=angle, rot3=st.floats(-3, 3), seed=st.integers(0, 1000))
def test_there_and_back(rot1, rot2, rot3, seed):
    detector = plane(0.3, 0.05, -0.02, rot1, rot2, rot3, 2e-4, 1.5e-4)
    row, column = np.random.default_rng(seed).uniform(0, 1000, (2, 20))
    back = geo.pixels_from_angles(detector, *geo.angles_from_pixels(detector, row, column))
    np.testing.assert_allclose(back, (row, column), atol=1e-8)


def test_angles_as_pyfai():
    from pyFAI.geometry import Geometry

    detector = plane(0.21, 0.087, 0.08, -0.12, 0.07, 0.3, 1.72e-4, 1.5e-4)
    theirs = Geometry(**pyfai_parameters(detector))
    row, column = np.random.default_rng(1).uniform(0, 1000, (2, 50))
    two_theta, azimuth = geo.angles_from_pixels(detector, row, column)
    np.testing.assert_allclose(two_theta, theirs.tth(row - 0.5, column - 0.5), rtol=1e-12)
    np.testing.assert_allclose(azimuth, theirs.chi(row - 0.5, column - 0.5), atol=1e-12)


def test_direct_beam_is_fit2d_of_the_published_poni():
    detector = plane(
        0.208651380603,
        0.0872948482846,
        0.0799601126306,
        -0.0184422457059,
        0.00413760084465,
        -2.77645988275e-08,
        1.72e-4,
        1.72e-4,
    )
    length, row, column = geo.direct_beam_from_plane(detector)
    assert length * 1e3 == pytest.approx(208.689, abs=5e-4)
    assert (column, row) == (pytest.approx(487.259, abs=5e-4), pytest.approx(512.548, abs=5e-4))


def test_a_ray_that_misses_is_nan():
    detector = plane(0.2, 0, 0, 0, 0, 0, 1e-4, 1e-4)
    assert np.isnan(geo.pixels_from_angles(detector, np.radians(100), 0.0)[0])


@pytest.mark.parametrize("orientation", range(8))
def test_points_follow_their_image(orientation):
    image = np.arange(35).reshape(5, 7)
    turned = geo.orient_image(image, orientation)
    row, column = np.indices(image.shape) + 0.5
    r, c = geo.orient_points(row, column, image.shape, orientation)
    np.testing.assert_array_equal(turned[(r - 0.5).astype(int), (c - 0.5).astype(int)], image)


def test_eight_different_orientations():
    image = np.arange(16).reshape(4, 4)
    assert (
        len({geo.orient_image(image, k).tobytes() for k in range(8)}) == 8 == len(geo.ORIENTATIONS)
    )
