"""The image of a calibrant over scattering angle and azimuth: on a right geometry its rings are
straight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, place_oriented_pixels
from ssbchar.typing import Array, Bool

AZIMUTHS = 120
"""Rows of the map."""
MOST_ANGLES = 800
"""Columns of the map at most."""
PIXELS = 1.5
"""Width of a column at least [pixel], so that few fields of the map are empty."""


@dataclass(frozen=True, kw_only=True)
class RingMap:
    """Mean counts over azimuth and scattering angle."""

    azimuth: Array
    """Middles of the rows, shape (azimuth,) [degree]."""
    two_theta: Array
    """Middles of the columns, shape (angle,) [degree]."""
    counts: Array
    """Mean counts, shape (azimuth, angle); NaN where there are no pixels."""


def map_rings(
    counts: NDArray[np.generic],
    valid: Bool,
    plane: geo.Plane,
    orientation: int = 0,
    distortion: Distortion | None = None,
) -> RingMap:
    """Return an image averaged over fields of azimuth and angle.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        Image as stored [count].
    valid : ndarray of bool, shape (row, column)
        Pixels that are used.
    plane : Plane
        The detector, for the image put into this orientation.
    orientation : int
        One of `ssbchar.hexrd.images.geometry.Orientation`.
    distortion : Distortion, optional
        Of the stored image.
    """
    image = geo.orient_image(counts, orientation)
    used = np.nonzero(geo.orient_image(valid, orientation))
    row, column = place_oriented_pixels(image.shape, orientation, distortion)
    angle, azimuth = geo.angles_from_pixels(plane, row[used], column[used])
    beyond = float(np.max(angle))
    across_pixels = plane.distance * np.tan(beyond) / max(plane.pixel1, plane.pixel2)
    columns = int(np.clip(across_pixels / PIXELS, 10, MOST_ANGLES))
    borders = np.linspace(0.0, beyond, columns + 1)
    turn = np.linspace(-np.pi, np.pi, AZIMUTHS + 1)
    across = np.clip(np.searchsorted(borders, angle, side="right") - 1, 0, columns - 1)
    around = np.clip(np.searchsorted(turn, azimuth, side="right") - 1, 0, AZIMUTHS - 1)
    place = around * columns + across
    size = AZIMUTHS * columns
    total = np.bincount(place, weights=image[used].astype(float), minlength=size)
    pixels = np.bincount(place, minlength=size)
    with np.errstate(invalid="ignore"):
        mean = np.where(pixels > 0, total / np.maximum(pixels, 1), np.nan)
    return RingMap(
        azimuth=np.degrees((turn[1:] + turn[:-1]) / 2),
        two_theta=np.degrees((borders[1:] + borders[:-1]) / 2),
        counts=mean.reshape(AZIMUTHS, columns),
    )
