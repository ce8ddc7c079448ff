"""Pixels beside their places, and the panels that gaps separate."""

import numpy as np
import pytest

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import (
    Distortion,
    add_distortions,
    find_panels,
    place_oriented_pixels,
    place_pixels,
)

SHAPE = (6, 8)
ROW, COLUMN = np.indices(SHAPE)
MADE = Distortion(down=0.01 * ROW, right=-0.02 * COLUMN)


def test_places_are_those_of_the_centres():
    row, column = place_pixels(np.array([3]), np.array([5]), None)
    assert (row[0], column[0]) == (3.5, 5.5)
    row, column = place_pixels(np.array([3]), np.array([5]), MADE)
    assert (row[0], column[0]) == pytest.approx((3.53, 5.4))


def test_larger_pixels_have_the_mean_of_theirs_in_their_own_unit():
    found = MADE.bin(3)
    assert found.down.shape == (2, 2)
    assert found.down[1, 0] == pytest.approx(0.04 / 3)
    assert found.right[0, 1] == pytest.approx(-0.08 / 3)


def test_distortions_add_up():
    both = add_distortions(MADE, MADE)
    assert np.allclose(both.down, 2 * MADE.down) and np.allclose(both.right, 2 * MADE.right)
    assert add_distortions(None, MADE) is MADE


@pytest.mark.parametrize("orientation", list(geo.Orientation))
def test_an_oriented_image_takes_its_distortion_with_it(orientation):
    """Each pixel of the oriented image lies where its own point is turned to."""
    number = geo.orient_image(np.arange(ROW.size).reshape(SHAPE), orientation)
    row, column = place_oriented_pixels(number.shape, orientation, MADE)
    stored_row, stored_column = place_pixels(*np.divmod(number, SHAPE[1]), MADE)
    expected = geo.orient_points(stored_row, stored_column, SHAPE, orientation)
    np.testing.assert_allclose([row, column], expected)
    zero = Distortion(down=np.zeros(SHAPE), right=np.zeros(SHAPE))
    even = place_oriented_pixels(number.shape, orientation, None)
    np.testing.assert_allclose(place_oriented_pixels(number.shape, orientation, zero), even)


def test_panels_are_what_gaps_separate():
    valid = np.ones((100, 120), bool)
    valid[48:52] = valid[:, 60] = False
    valid[10:14, 10:14] = False
    valid[11:13, 11:13] = True
    found = find_panels(valid)
    corners = [found[0, 0], found[0, -1], found[-1, 0], found[-1, -1]]
    assert sorted(corners) == [1, 2, 3, 4] and found.max() == 4
    assert found[50, 5] == 0, "a gap"
    assert found[12, 12] == 0, "four pixels are no panel"


def test_a_whole_image_and_none_at_all():
    assert np.all(find_panels(np.ones((5, 5), bool)) == 1)
    assert not find_panels(np.zeros((5, 5), bool)).any()
