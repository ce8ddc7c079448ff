"""Where each powder ring passes through each azimuthal sector of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, place_pixels
from ssbchar.typing import Array, Bool, Index

SECTORS = 72
"""Azimuthal pieces of a ring that are located one by one."""
FEWEST_PIXELS = 30
"""Pixels of a cell below which nothing is located."""
LEAST_SIGNIFICANCE = 5.0
"""Height of a ring in a cell, in its standard errors, below which the cell is left out."""
WORST_STDERR = 0.5
"""Standard error of a ring's position in a cell above which the cell is left out [pixel]."""


@dataclass(frozen=True, kw_only=True)
class RingPoints:
    """Points on rings; one entry per ring and sector."""

    row: Array
    """Position in the stored image [pixel from its outer corner]."""
    column: Array
    """Position in the stored image [pixel from its outer corner]."""
    ring: Index
    """Index into the calibrant's d spacings."""
    stderr: Array
    """Standard error of the radial position [radian of 2theta]."""
    panel: Index | None = None
    """Number of the panel; None where they were not located panel by panel."""

    def select(self, keep: Bool) -> RingPoints:
        """Return some of the points.

        Parameters
        ----------
        keep : ndarray of bool, shape (point,)
            Those wanted.

        Returns
        -------
        RingPoints
            Positions in [pixel], errors in [radian].
        """
        return RingPoints(
            row=self.row[keep],
            column=self.column[keep],
            ring=self.ring[keep],
            stderr=self.stderr[keep],
            panel=None if self.panel is None else self.panel[keep],
        )


@dataclass(frozen=True, kw_only=True)
class _CellPixels:
    """Pixels near a ring, each in the cell of its ring and sector."""

    offset: Array
    """Radial distance from the expected ring [pixel]."""
    counts: Array
    cell: NDArray[np.intp]
    """ring x `SECTORS` + sector; of several panels one after the other, those with pixels."""
    size: int
    """Number of cells."""

    def sum(self, values: Array) -> Array:
        """Return the sum of a value per pixel, in its unit, over each cell, shape (cell,)."""
        return np.asarray(np.bincount(self.cell, values, self.size), float)


def locate_rings(
    counts: Array,
    valid: Bool,
    plane: geo.Plane,
    ring_angles: Array,
    *,
    reach: float,
    width: float,
    distortion: Distortion | None = None,
    panels: Index | None = None,
) -> RingPoints:
    """Return where each ring passes through each azimuthal sector.

    In a window about the expected ring the model b0 + b1 t + A g(t) - A s g'(t), with g a Gaussian
    of given width, is linear in its four coefficients, so that every cell (ring, sector) is solved
    at once; the shift s is iterated.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The image [counts].
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    plane : Plane
        The detector as known so far.
    ring_angles : ndarray, shape (ring,)
        2theta of the rings [radian], ascending.
    reach : float
        Half-width of the window [pixel]; less where rings are closer together.
    width : float
        Standard deviation of the ring's profile [pixel].
    distortion : Distortion, optional
        Where the pixels lie on the plane.
    panels : ndarray of int, shape (row, column), optional
        From `find_panels`: rings are located on each panel apart, at the mean azimuth of its
        pixels.

    Returns
    -------
    RingPoints
        On the plane, without the distortion. One point for each cell with a clear ring.
    """
    row, column = np.nonzero(valid if panels is None else valid & (panels > 0))
    two_theta, azimuth = geo.angles_from_pixels(plane, *place_pixels(row, column, distortion))
    radian_per_pixel = plane.pixel1 * np.cos(ring_angles) ** 2 / plane.distance
    gap = np.diff(ring_angles, prepend=-np.inf, append=np.inf)
    half_window = np.minimum(reach * radian_per_pixel, 0.5 * np.minimum(gap[:-1], gap[1:]))
    # a window of less than about two standard deviations cannot tell ring from background
    usable = half_window > 2.2 * width * radian_per_pixel
    ring = np.searchsorted(0.5 * (ring_angles[1:] + ring_angles[:-1]), two_theta)
    near = usable[ring] & (np.abs(two_theta - ring_angles[ring]) < half_window[ring])
    ring, azimuth, two_theta = ring[near], azimuth[near], two_theta[near]
    sector = ((azimuth + np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    cell, size = ring * SECTORS + sector, ring_angles.size * SECTORS
    names = np.arange(size)
    if panels is not None:
        # Most rings cross few of many panels.
        names, cell = np.unique(panels[row[near], column[near]] * size + cell, return_inverse=True)
    pixels = _CellPixels(
        offset=(two_theta - ring_angles[ring]) / radian_per_pixel[ring],
        counts=counts[row[near], column[near]],
        cell=cell,
        size=names.size,
    )
    shift, stderr, significance = _fit_shifts(pixels, reach, width)
    clear = (
        (significance > LEAST_SIGNIFICANCE)
        & (np.abs(shift) < 0.8 * reach)
        & (stderr < WORST_STDERR)
    )
    cell = np.nonzero(clear)[0]
    ring = names[cell] % size // SECTORS
    middle = (names[cell] % SECTORS + 0.5) / SECTORS * 2 * np.pi - np.pi
    if panels is not None:
        # A panel may hold a part of a sector alone.
        middle = (pixels.sum(azimuth) / np.maximum(pixels.sum(np.ones_like(azimuth)), 1.0))[cell]
    found = ring_angles[ring] + shift[cell] * radian_per_pixel[ring]
    ring_row, ring_column = geo.pixels_from_angles(plane, found, middle)
    return RingPoints(
        row=ring_row,
        column=ring_column,
        ring=ring.astype(np.int64),
        stderr=stderr[cell] * radian_per_pixel[ring],
        panel=None if panels is None else names[cell] // size,
    )


def _fit_shifts(pixels: _CellPixels, reach: float, width: float) -> tuple[Array, Array, Array]:
    """Return the shift of the ring [pixel], its standard error [pixel], and the ring's height over
    its standard error, shape (cell,)."""
    # the linear model converges only from nearby
    shift = _estimate_centroids(pixels, 0.6 * reach)
    number = np.bincount(pixels.cell, minlength=pixels.size)
    weight = 1.0 / np.maximum(pixels.counts, 1.0)
    for _ in range(5):
        u = (pixels.offset - shift[pixels.cell]) / width
        gauss = np.exp(-0.5 * u**2)
        terms = (np.ones_like(u), u, gauss, gauss * u)
        normal = np.empty((pixels.size, 4, 4))
        right = np.empty((pixels.size, 4))
        for i, term in enumerate(terms):
            right[:, i] = pixels.sum(weight * term * pixels.counts)
            for j in range(i, 4):
                normal[:, i, j] = normal[:, j, i] = pixels.sum(weight * term * terms[j])
        # cells without pixels have no inverse; they are dropped below
        inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
        coefficients = np.einsum("nij,nj->ni", inverse, right)
        height, slope = coefficients[:, 2], coefficients[:, 3]
        explained = np.einsum("ni,ni->n", coefficients, right)
        chi2 = pixels.sum(weight * pixels.counts**2) - explained
        reduced = np.maximum(chi2 / np.maximum(number - 4, 1), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(height > 0, width * slope / height, 0.0)
            stderr = width * np.sqrt(inverse[:, 3, 3] * reduced) / np.abs(height)
            significance = height / np.sqrt(inverse[:, 2, 2] * reduced)
        # the model is linear in the shift only within about one width
        shift = shift + np.clip(step, -0.7 * width, 0.7 * width)
    located = (number >= FEWEST_PIXELS) & np.isfinite(stderr) & (stderr > 0)
    stderr = np.where(located, stderr, np.inf)
    significance = np.where(located & np.isfinite(significance), significance, 0.0)
    return shift, stderr, significance


def _estimate_centroids(pixels: _CellPixels, inner: float) -> Array:
    """Return the centroid [pixel] of the counts above those at the window's edges, shape (cell,).

    Pixels further out than `inner` [pixel] give the level at the edges.
    """
    edge = np.abs(pixels.offset) > inner
    number = np.bincount(pixels.cell[edge], minlength=pixels.size)
    total = np.bincount(pixels.cell[edge], pixels.counts[edge], pixels.size)
    level = total / np.maximum(number, 1)
    net = np.where(edge, 0.0, np.maximum(pixels.counts - level[pixels.cell], 0.0))
    moment = pixels.sum(net * pixels.offset)
    return np.asarray(moment / np.maximum(pixels.sum(net), 1e-9))
