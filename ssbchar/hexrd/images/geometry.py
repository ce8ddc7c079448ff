"""Where a pixel looks: pixel coordinates to scattering angles and back, and the eight ways an image
can be stored.

The detector plane is described by the five numbers of pyFAI (G. Ashiotis et al., J. Appl. Cryst. 48
(2015) 510): distance and foot of the normal dropped from the sample (PONI), two tilts; the third
rotation, about the beam, cannot be seen by powder rings and is kept for files that give it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssbchar.typing import Array

PLANE_UNITS = ("m", "m", "m", "radian", "radian", "radian", "m", "m")
"""Units of a `Plane`."""
ORIENTATIONS = (
    "as stored",
    "flipped up-down",
    "flipped left-right",
    "rotated by 180 degrees",
    "transposed",
    "rotated by 90 degrees counterclockwise",
    "rotated by 90 degrees clockwise",
    "transposed across the other diagonal",
)
"""The symmetry group of a square: what must be done to the stored image."""


class Plane(NamedTuple):
    """A flat detector; lengths in metres, angles in radians, pixel sizes along rows (1) and columns
    (2)."""

    distance: float
    poni1: float
    poni2: float
    rot1: float
    rot2: float
    rot3: float
    pixel1: float
    pixel2: float


def rotation_from_angles(rot1: float, rot2: float, rot3: float) -> Array:
    """Return the matrix that turns detector coordinates (1, 2, 3) into laboratory ones.

    R = R3(rot3) R2(-rot2) R1(rot1), the order and senses of pyFAI: axis 3 along the beam, 1 up the
    rows, 2 along the columns.

    Parameters
    ----------
    rot1, rot2, rot3 : float
        Angles [radian].

    Returns
    -------
    ndarray, shape (3, 3)
    """
    c1, s1, c2, s2, c3, s3 = (
        np.cos(rot1),
        np.sin(rot1),
        np.cos(rot2),
        np.sin(rot2),
        np.cos(rot3),
        np.sin(rot3),
    )
    about1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    about2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    about3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    return np.asarray(about3 @ about2 @ about1, float)


def angles_from_pixels(plane: Plane, row: ArrayLike, column: ArrayLike) -> tuple[Array, Array]:
    """Return scattering angle and azimuth of points of the detector.

    tan 2theta = sqrt(x1^2 + x2^2) / x3, azimuth = atan2(x1, x2), x = R (p1 - poni1, p2 - poni2,
    distance).

    Parameters
    ----------
    plane : Plane
        The detector.
    row, column : array_like
        Position in pixels from the outer corner of the first pixel (its centre is at 0.5).

    Returns
    -------
    two_theta, azimuth : ndarray
        In radians.
    """
    turn = rotation_from_angles(plane.rot1, plane.rot2, plane.rot3)
    p1 = np.asarray(row, float) * plane.pixel1 - plane.poni1
    p2 = np.asarray(column, float) * plane.pixel2 - plane.poni2
    x1, x2, x3 = (turn[i, 0] * p1 + turn[i, 1] * p2 + turn[i, 2] * plane.distance for i in range(3))
    return np.arctan2(np.hypot(x1, x2), x3), np.arctan2(x1, x2)


def pixels_from_angles(
    plane: Plane, two_theta: ArrayLike, azimuth: ArrayLike
) -> tuple[Array, Array]:
    """Return where a scattered ray meets the detector: the inverse of `angles_from_pixels`.

    Parameters
    ----------
    plane : Plane
        The detector.
    two_theta, azimuth : array_like
        Direction of the ray [radian].

    Returns
    -------
    row, column : ndarray
        Position in pixels from the outer corner of the first pixel; NaN where the ray never meets
        the plane.
    """
    angle, around = np.asarray(two_theta, float), np.asarray(azimuth, float)
    turn = rotation_from_angles(plane.rot1, plane.rot2, plane.rot3)
    ray = (
        np.sin(angle) * np.sin(around),
        np.sin(angle) * np.cos(around),
        np.cos(angle) + 0 * around,
    )
    d1, d2, d3 = (turn[0, i] * ray[0] + turn[1, i] * ray[1] + turn[2, i] * ray[2] for i in range(3))
    scale = plane.distance / np.where(d3 > 0, d3, np.nan)
    return (d1 * scale + plane.poni1) / plane.pixel1, (d2 * scale + plane.poni2) / plane.pixel2


def direct_beam_from_plane(plane: Plane) -> tuple[float, float, float]:
    """Return the direct beam's path to the detector [m] and where it meets it (row, column)
    [pixel]."""
    row, column = pixels_from_angles(plane, 0.0, 0.0)
    return plane.distance / (np.cos(plane.rot1) * np.cos(plane.rot2)), float(row), float(column)


def orient_image(image: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Return the stored image put into one of the `ORIENTATIONS` (a view; rows and columns may
    swap)."""
    turned = image[::-1] if orientation in (1, 3) else image
    turned = turned[:, ::-1] if orientation in (2, 3) else turned
    if orientation == 4:
        return image.T
    if orientation == 5:
        return np.rot90(image)
    if orientation == 6:
        return np.rot90(image, -1)
    return image[::-1, ::-1].T if orientation == 7 else turned


def orient_points(
    row: ArrayLike, column: ArrayLike, shape: tuple[int, int], orientation: int
) -> tuple[Array, Array]:
    """Return where points of the stored image come to lie in `oriented`, in pixels from the outer
    corner.

    Parameters
    ----------
    row, column : array_like
        Position in the stored image.
    shape : tuple of int
        Rows and columns of the stored image.
    orientation : int
        Index into `ORIENTATIONS`.
    """
    r, c = np.asarray(row, float), np.asarray(column, float)
    rows, columns = shape
    return (
        (r, c),
        (rows - r, c),
        (r, columns - c),
        (rows - r, columns - c),
        (c, r),
        (columns - c, r),
        (c, rows - r),
        (columns - c, rows - r),
    )[orientation]
