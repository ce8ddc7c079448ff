"""Rings over azimuth and angle: straight on the right geometry, bent on another."""

from dataclasses import replace

import numpy as np
import pytest

from ssbchar.hexrd.calibration.ring_map import map_rings
from ssbchar.hexrd.images import geometry as geo

PLANE = geo.Plane(
    distance=0.3, poni1=0.02, poni2=0.018, rot1=0.01, rot2=-0.015, rot3=0.0,
    pixel1=2e-4, pixel2=2e-4,
)  # fmt: skip
SHAPE = (200, 180)
RING = 3.0


def image_of_a_ring(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    row, column = np.indices(shape) + 0.5
    angle, _ = geo.angles_from_pixels(PLANE, row, column)
    return np.rint(10 + 1000 * np.exp(-0.5 * ((np.degrees(angle) - RING) / 0.05) ** 2))


def locate(found, azimuths: slice = slice(None)) -> np.ndarray:
    """Return the centroid of each row whose pixels cover the ring [degree]."""
    near = np.abs(found.two_theta - RING) < 0.3
    rows = found.counts[azimuths][:, near]
    whole = np.isfinite(rows).all(axis=1)
    weight = rows[whole] - 10
    return weight @ found.two_theta[near] / weight.sum(axis=1)


def test_a_ring_is_straight_and_at_its_place() -> None:
    found = map_rings(image_of_a_ring(), np.ones(SHAPE, bool), PLANE)
    places = locate(found)
    assert places.size > 60
    assert places == pytest.approx(RING, abs=0.02)


def test_a_wrong_centre_bends_it() -> None:
    moved = replace(PLANE, poni1=PLANE.poni1 + 5e-4)
    places = locate(map_rings(image_of_a_ring(), np.ones(SHAPE, bool), moved))
    # 0.5 mm at 0.3 m is 0.095 degree, up on one side and down on the other.
    assert np.ptp(places) == pytest.approx(2 * np.degrees(5e-4 / 0.3), rel=0.15)


@pytest.mark.parametrize("orientation", range(8))
def test_the_stored_image_is_turned_first(orientation: int) -> None:
    upright = image_of_a_ring()
    back = {5: 6, 6: 5}.get(orientation, orientation)
    stored = geo.orient_image(upright, back)
    assert np.array_equal(geo.orient_image(stored, orientation), upright)
    found = map_rings(stored, np.ones(stored.shape, bool), PLANE, orientation)
    assert locate(found) == pytest.approx(RING, abs=0.02)


def test_pixels_that_are_not_used_leave_holes() -> None:
    valid = np.ones(SHAPE, bool)
    valid[:, :60] = False
    counts = np.where(valid, image_of_a_ring(), 1e9)
    found = map_rings(counts, valid, PLANE)
    assert np.isnan(found.counts).any()
    assert np.nanmax(found.counts) < 1100
    # Counts are kept: each field is a mean of whole counts between 10 and 1010.
    assert np.nanmin(found.counts) >= 10
