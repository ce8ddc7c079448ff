"""Images whose pixels do not lie where an even grid puts them: distorted ones, and those of several
panels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.typing import Array, Bool, Index

SMALLEST_PANEL = 0.01
"""Share of the pixels in use below which what gaps surround is no panel [1]."""


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """How far beside its place in the stored image each pixel lies on the detector plane."""

    down: Array
    """Along the rows' axis, shape (row, column) [pixel]."""
    right: Array
    """Along the columns' axis, shape (row, column) [pixel]."""

    def bin(self, factor: int) -> Distortion:
        """Return the distortion of larger pixels, in their unit.

        Parameters
        ----------
        factor : int
            Pixels along each axis that become one; what is left over at the far edges is dropped.
        """
        rows, columns = (size // factor for size in self.down.shape)
        inside = (slice(rows * factor), slice(columns * factor))

        def average(values: Array) -> Array:
            """Return the mean over the pixels that become one, shape (row, column) [pixel]."""
            blocks = values[inside].reshape(rows, factor, columns, factor)
            return np.asarray(blocks.mean(axis=(1, 3)) / factor)

        return Distortion(down=average(self.down), right=average(self.right))


def place_pixels(
    row: NDArray[np.integer], column: NDArray[np.integer], distortion: Distortion | None
) -> tuple[Array, Array]:
    """Return where the centres of pixels lie on the detector plane.

    Parameters
    ----------
    row, column : ndarray of int, any shape
        Indices into the stored image.
    distortion : Distortion, optional
        None puts each in its place.

    Returns
    -------
    row, column : ndarray, shape of `row`
        [pixel from the outer corner of the first pixel]
    """
    down, right = np.asarray(row + 0.5, float), np.asarray(column + 0.5, float)
    if distortion is None:
        return down, right
    return down + distortion.down[row, column], right + distortion.right[row, column]


def place_oriented_pixels(
    shape: tuple[int, ...], orientation: int, distortion: Distortion | None
) -> tuple[Array, Array]:
    """Return where the centres of the pixels of an oriented image lie on the detector plane.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the oriented image.
    orientation : int
        One of `ssbchar.hexrd.images.geometry.Orientation`.
    distortion : Distortion, optional
        Of the stored image.

    Returns
    -------
    row, column : ndarray, shape (row, column)
        [pixel from the outer corner of the oriented image]
    """
    if distortion is None:
        row, column = np.indices(shape) + 0.5
        return row, column
    stored = (distortion.down.shape[0], distortion.down.shape[1])
    down, right = np.indices(stored)
    turned = geo.orient_points(*place_pixels(down, right, distortion), stored, orientation)
    row, column = (np.asarray(geo.orient_image(one, orientation), float) for one in turned)
    return row, column


def add_distortions(one: Distortion | None, other: Distortion) -> Distortion:
    """Return the sum of two distortions [pixel], the first of which may be none."""
    if one is None:
        return other
    return Distortion(down=one.down + other.down, right=one.right + other.right)


def find_panels(valid: Bool) -> Index:
    """Return the panels of a detector: what gaps of pixels without a measurement separate.

    Parameters
    ----------
    valid : ndarray of bool, shape (row, column)
        Pixels used.

    Returns
    -------
    ndarray of int, shape (row, column)
        Number of each pixel's panel, from 1; 0 in gaps and in pieces smaller than
        `SMALLEST_PANEL`.
    """
    from scipy.ndimage import label

    pieces, _ = label(valid)
    size = np.bincount(pieces.ravel())
    size[0] = 0
    large = np.flatnonzero(size > SMALLEST_PANEL * np.sum(size))
    number = np.zeros(size.size, np.int64)
    number[large] = np.arange(1, large.size + 1)
    return np.asarray(number[pieces])
