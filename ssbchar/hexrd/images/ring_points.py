"""Where each powder ring passes through each azimuthal sector of an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.typing import Array

SECTORS = 72
"""Azimuthal pieces of a ring that are located one by one."""


class RingPoints(NamedTuple):
    """Where rings pass, in pixels of the stored image from its outer corner; one entry per ring and
    sector."""

    row: Array
    column: Array
    ring: NDArray[np.int64]
    """Index into the calibrant's d spacings."""
    stderr: Array
    """Of the radial position [radian of 2theta]."""


def locate_rings(
    counts: Array,
    valid: NDArray[np.bool_],
    plane: geo.Plane,
    angles: Array,
    reach: float,
    width: float,
) -> RingPoints:
    """Return where each ring passes through each azimuthal sector.

    In a window about the expected ring the model b0 + b1 t + A g(t) - A s g'(t), g a Gaussian of
    given width, is linear in its four coefficients, so every (ring, sector) is solved at once; the
    shift s is iterated.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The image.
    valid : ndarray of bool
        Pixels that count.
    plane : Plane
        The detector as known so far.
    angles : ndarray
        2theta of the rings [radian], ascending.
    reach : float
        Half-width of the window [pixel]; less where rings are closer together.
    width : float
        Standard deviation of the ring's profile [pixel].
    """
    row, column = np.nonzero(valid)
    two_theta, azimuth = geo.angles_from_pixels(plane, row + 0.5, column + 0.5)
    per_pixel = plane.pixel1 * np.cos(angles) ** 2 / plane.distance
    gap = np.diff(angles, prepend=-np.inf, append=np.inf)
    half = np.minimum(reach * per_pixel, 0.5 * np.minimum(gap[:-1], gap[1:]))
    usable = half > 2.2 * width * per_pixel
    ring = np.searchsorted(0.5 * (angles[1:] + angles[:-1]), two_theta)
    near = usable[ring] & (np.abs(two_theta - angles[ring]) < half[ring])
    ring, azimuth, two_theta = ring[near], azimuth[near], two_theta[near]
    sector = ((azimuth + np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    cell = ring * SECTORS + sector
    t = (two_theta - angles[ring]) / per_pixel[ring]
    shift, stderr, height = _shifts(
        t, counts[row[near], column[near]], cell, angles.size * SECTORS, reach, width
    )
    good = np.nonzero((height > 5.0) & (np.abs(shift) < 0.8 * reach) & (stderr < 0.5))[0]
    ring = good // SECTORS
    around = (good % SECTORS + 0.5) / SECTORS * 2 * np.pi - np.pi
    r, c = geo.pixels_from_angles(plane, angles[ring] + shift[good] * per_pixel[ring], around)
    return RingPoints(r, c, ring.astype(np.int64), stderr[good] * per_pixel[ring])


def _shifts(
    t: Array, counts: Array, cell: NDArray[np.int64], size: int, reach: float, width: float
) -> tuple[Array, Array, Array]:
    """Return shift, its standard error and the height over its own error, for every cell."""
    shift = _centroids(t, counts, cell, size, 0.6 * reach)
    spread = width
    for _ in range(5):
        u = (t - shift[cell]) / spread
        g = np.exp(-0.5 * u**2)
        terms = (np.ones_like(t), u, g, g * u)
        weight = 1.0 / np.maximum(counts, 1.0)
        normal = np.empty((size, 4, 4))
        right = np.empty((size, 4))
        for i, left in enumerate(terms):
            right[:, i] = np.bincount(cell, weight * left * counts, size)
            for j in range(i, 4):
                normal[:, i, j] = normal[:, j, i] = np.bincount(
                    cell, weight * left * terms[j], size
                )
        number = np.bincount(cell, minlength=size)
        inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
        found = np.einsum("nij,nj->ni", inverse, right)
        square = np.bincount(cell, weight * counts**2, size) - np.einsum("ni,ni->n", found, right)
        chi2 = np.maximum(square / np.maximum(number - 4, 1), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(found[:, 2] > 0, spread * found[:, 3] / found[:, 2], 0.0)
            stderr = spread * np.sqrt(inverse[:, 3, 3] * chi2) / np.abs(found[:, 2])
            height = found[:, 2] / np.sqrt(inverse[:, 2, 2] * chi2)
        shift = shift + np.clip(step, -0.7 * spread, 0.7 * spread)
    fine = (number >= 30) & np.isfinite(stderr) & (stderr > 0)
    return shift, np.where(fine, stderr, np.inf), np.where(fine & np.isfinite(height), height, 0.0)


def _centroids(t: Array, counts: Array, cell: NDArray[np.int64], size: int, inner: float) -> Array:
    """Return the centroid of what stands above the window's edges, for every cell."""
    edge = np.abs(t) > inner
    level = np.bincount(cell[edge], counts[edge], size) / np.maximum(
        np.bincount(cell[edge], minlength=size), 1
    )
    net = np.where(edge, 0.0, np.maximum(counts - level[cell], 0.0))
    total = np.bincount(cell, net, size)
    return np.asarray(np.bincount(cell, net * t, size) / np.maximum(total, 1e-9))
