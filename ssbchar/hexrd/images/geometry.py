"""Detector geometry: pixel coordinates to scattering angles and back, and the eight orientations of
a stored image.

The detector plane is described by the parameters of pyFAI (G. Ashiotis et al., J. Appl. Cryst. 48
(2015) 510): length and foot of the normal from the sample to the plane (PONI), and three rotations.
Powder rings cannot determine the third rotation, about the beam; it is kept for geometry files that
state one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssbchar.typing import Array


class Orientation(IntEnum):
    """What must be done to the stored image: the symmetry group of a square."""

    AS_STORED = 0
    FLIPPED_UP_DOWN = 1
    FLIPPED_LEFT_RIGHT = 2
    ROTATED_180 = 3
    TRANSPOSED = 4
    ROTATED_COUNTERCLOCKWISE = 5
    ROTATED_CLOCKWISE = 6
    TRANSPOSED_ACROSS = 7


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
"""Each `Orientation` in words, in the same order."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A flat detector in space."""

    distance: float
    """Length of the normal from the sample to the detector plane [m]."""
    poni1: float
    """Foot of that normal along the rows' axis [m]."""
    poni2: float
    """Foot of that normal along the columns' axis [m]."""
    rot1: float
    """Rotation about axis 1 [radian]."""
    rot2: float
    """Rotation about axis 2 [radian]."""
    rot3: float
    """Rotation about the beam [radian]."""
    pixel1: float
    """Pixel size along the rows' axis [m]."""
    pixel2: float
    """Pixel size along the columns' axis [m]."""


PLANE_PARAMETERS = tuple(field.name for field in fields(Plane))
"""Names of the parameters of a `Plane`."""


def rotation_from_angles(rot1: float, rot2: float, rot3: float) -> Array:
    """Return the matrix that turns detector coordinates (1, 2, 3) into laboratory ones.

    R = R3(rot3) R2(-rot2) R1(rot1), in the order and with the signs of pyFAI: axis 3 along the
    beam, axis 1 along increasing rows, axis 2 along increasing columns.

    Parameters
    ----------
    rot1, rot2, rot3 : float
        Angles [radian].

    Returns
    -------
    ndarray, shape (3, 3)
        Rotation matrix.
    """
    c1, s1 = np.cos(rot1), np.sin(rot1)
    c2, s2 = np.cos(rot2), np.sin(rot2)
    c3, s3 = np.cos(rot3), np.sin(rot3)
    about1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    about2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    about3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    return np.asarray(about3 @ about2 @ about1, float)


def angles_from_pixels(plane: Plane, row: ArrayLike, column: ArrayLike) -> tuple[Array, Array]:
    """Return scattering angle and azimuth of points on the detector.

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
    two_theta, azimuth : ndarray, shape of `row`
        [radian]
    """
    rotation = rotation_from_angles(plane.rot1, plane.rot2, plane.rot3)
    p1 = np.asarray(row, float) * plane.pixel1 - plane.poni1
    p2 = np.asarray(column, float) * plane.pixel2 - plane.poni2
    x1, x2, x3 = (
        rotation[i, 0] * p1 + rotation[i, 1] * p2 + rotation[i, 2] * plane.distance
        for i in range(3)
    )
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
    row, column : ndarray, shape of `azimuth`
        Position [pixel] from the outer corner of the first pixel; NaN where the ray never meets the
        plane.
    """
    two_theta, azimuth = np.asarray(two_theta, float), np.asarray(azimuth, float)
    rotation = rotation_from_angles(plane.rot1, plane.rot2, plane.rot3)
    ray1 = np.sin(two_theta) * np.sin(azimuth)
    ray2 = np.sin(two_theta) * np.cos(azimuth)
    # the azimuth does not matter here but gives the shape
    ray3 = np.cos(two_theta) + 0 * azimuth
    d1, d2, d3 = (
        rotation[0, i] * ray1 + rotation[1, i] * ray2 + rotation[2, i] * ray3 for i in range(3)
    )
    # a ray away from the plane would meet it behind the sample
    scale = plane.distance / np.where(d3 > 0, d3, np.nan)
    row = (d1 * scale + plane.poni1) / plane.pixel1
    column = (d2 * scale + plane.poni2) / plane.pixel2
    return row, column


def direct_beam_from_plane(plane: Plane) -> tuple[float, float, float]:
    """Return the length of the direct beam and where it meets the detector.

    Parameters
    ----------
    plane : Plane
        The detector.

    Returns
    -------
    length : float
        Sample to detector along the beam, distance / (cos rot1 cos rot2) [m].
    row, column : float
        Position in pixels from the outer corner of the first pixel.
    """
    row, column = pixels_from_angles(plane, 0.0, 0.0)
    length = plane.distance / (np.cos(plane.rot1) * np.cos(plane.rot2))
    return length, float(row), float(column)


def orient_image(image: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Return the stored image put into one of the eight orientations.

    Parameters
    ----------
    image : ndarray, shape (row, column)
        As stored, in any unit.
    orientation : int
        One of `Orientation`.

    Returns
    -------
    ndarray, shape (row, column) or (column, row)
        A view of the image.
    """
    match Orientation(orientation):
        case Orientation.AS_STORED:
            return image
        case Orientation.FLIPPED_UP_DOWN:
            return image[::-1]
        case Orientation.FLIPPED_LEFT_RIGHT:
            return image[:, ::-1]
        case Orientation.ROTATED_180:
            return image[::-1, ::-1]
        case Orientation.TRANSPOSED:
            return image.T
        case Orientation.ROTATED_COUNTERCLOCKWISE:
            return np.rot90(image)
        case Orientation.ROTATED_CLOCKWISE:
            return np.rot90(image, -1)
        case Orientation.TRANSPOSED_ACROSS:
            return image[::-1, ::-1].T


def orient_points(
    row: ArrayLike, column: ArrayLike, shape: tuple[int, int], orientation: int
) -> tuple[Array, Array]:
    """Return where points of the stored image lie after `orient_image`.

    Parameters
    ----------
    row, column : array_like
        Position in the stored image [pixel from its outer corner].
    shape : tuple of int
        Rows and columns of the stored image.
    orientation : int
        One of `Orientation`.

    Returns
    -------
    row, column : ndarray
        Position in the oriented image [pixel from its outer corner].
    """
    row, column = np.asarray(row, float), np.asarray(column, float)
    rows, columns = shape
    match Orientation(orientation):
        case Orientation.AS_STORED:
            return row, column
        case Orientation.FLIPPED_UP_DOWN:
            return rows - row, column
        case Orientation.FLIPPED_LEFT_RIGHT:
            return row, columns - column
        case Orientation.ROTATED_180:
            return rows - row, columns - column
        case Orientation.TRANSPOSED:
            return column, row
        case Orientation.ROTATED_COUNTERCLOCKWISE:
            return columns - column, row
        case Orientation.ROTATED_CLOCKWISE:
            return column, rows - row
        case Orientation.TRANSPOSED_ACROSS:
            return columns - column, rows - row
