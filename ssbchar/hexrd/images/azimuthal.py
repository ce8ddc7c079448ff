"""Azimuthal integration of whole stacks of images as one sparse product, variance beside the mean.

pyFAI splits every pixel over the bins it covers (G. Ashiotis et al., J. Appl. Cryst. 48 (2015)
510); the coefficients do not change during a series, so they are worked out once and multiply
blocks of pixels of many frames at a time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array

BLOCK = 65536
"""Pixels multiplied at once; a block of a chunk of frames stays in the processor's cache."""


@dataclass(frozen=True)
class Integrator:
    """The detector folded into a matrix of bins by pixels (of the stored image)."""

    two_theta: Array
    """Centres of the bins [degree]."""
    sectors: int
    """Azimuthal sectors; the bins of the first come first in the rows of the matrix."""
    parts: tuple[tuple[slice, Any, Any], ...]
    """Blocks of pixels of the stored image, the share of each pixel in each bin (scipy CSC, shape
    (sector x bin, pixel)), and the shares squared for the variance."""
    response: Array
    """Flat x solid angle x polarisation of each pixel; 0 where masked."""
    seen: Array
    """Response gathered by each bin: the denominator of the mean."""
    single: Array
    """Variance of a single count in each bin."""
    dark: Array | None
    """Counts of no beam of each pixel."""


class BinSums(NamedTuple):
    """What bins gathered, shape (frame, sector, bin)."""

    total: Array
    """Counts less dark."""
    variance: Array
    """Of `total`."""
    seen: Array
    """Response."""
    single: Array
    """Variance of a single count, shape (sector, bin)."""

    def over_sectors(self, keep: NDArray[np.bool_] | None = None) -> BinSums:
        """Return the sums over all sectors, or those kept (shape (frame, sector, bin)), as one
        sector."""
        use = np.ones(self.total.shape, bool) if keep is None else keep
        total, variance, seen = (
            np.sum(np.where(use, x, 0.0), axis=1, keepdims=True) for x in self[:3]
        )
        return BinSums(total, variance, seen, np.max(self.single, axis=0, keepdims=True))

    def mean(self) -> tuple[Array, Array]:
        """Return counts per pixel at full response, and their standard error; NaN where nothing was
        seen.

        A bin without a count has the error of a single one.
        """
        good = self.seen > 1e-6 * np.max(self.seen, initial=1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(good, self.total / self.seen, np.nan)
            stderr = np.where(
                good, np.sqrt(np.maximum(self.variance, self.single)) / self.seen, np.nan
            )
        return value, stderr


def build_integrator(
    plane: geo.Plane,
    orientation: int,
    valid: NDArray[np.bool_],
    points: int = 0,
    two_theta: tuple[float, float] | None = None,
    polarisation: float | None = None,
    flat: Array | None = None,
    dark: Array | None = None,
    sectors: int = 1,
) -> Integrator:
    """Return the matrix that integrates stored images.

    Parameters
    ----------
    plane : geometry.Plane
        The detector as seen by images put into `orientation`.
    orientation : int
        Index into `geometry.ORIENTATIONS`.
    valid : ndarray of bool, shape (row, column)
        Pixels of the stored image that count.
    points : int
        Bins; 0 takes two per pixel of the longest radius.
    two_theta : tuple of float, optional
        Range [degree].
    polarisation : float, optional
        Degree of horizontal linear polarisation.
    flat, dark : ndarray, shape (row, column), optional
        Of the stored image.
    sectors : int
        Azimuthal sectors, counted from -180 degree of azimuth; a pixel belongs to the one its
        centre lies in.

    Returns
    -------
    Integrator
    """
    import scipy.sparse
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    seen = np.ascontiguousarray(geo.orient_image(valid, orientation))
    detector = AzimuthalIntegrator(
        *plane[:6], pixel1=plane.pixel1, pixel2=plane.pixel2, wavelength=1e-10
    )
    bins = points or _natural_points(plane, seen.shape)
    ends = (
        None
        if two_theta is None
        else (float(np.radians(two_theta[0])), float(np.radians(two_theta[1])))
    )
    engine = detector.setup_sparse_integrator(
        seen.shape,
        bins,
        mask=~seen,
        pos0_range=ends,
        unit="2th_rad",
        split="full",
        algo="CSC",
        scale=False,
    )
    response = detector.solidAngleArray(seen.shape)
    if polarisation is not None:
        response = response * detector.polarization(seen.shape, polarisation)
    place = geo.orient_image(np.arange(valid.size).reshape(valid.shape), orientation).ravel()
    stored = np.argsort(place)
    sector = _sectors(plane, seen.shape, sectors)
    rows = engine.indices + bins * np.repeat(sector, np.diff(engine.indptr)).astype(
        engine.indices.dtype
    )
    shares = scipy.sparse.csc_matrix(
        (np.asarray(engine.data, float), rows, engine.indptr), shape=(sectors * bins, valid.size)
    )
    shares = shares if orientation == 0 else shares[:, stored].tocsc()
    squares = shares.multiply(shares).tocsc()
    weight = np.asarray(response, float).ravel()[stored] * (1.0 if flat is None else flat.ravel())
    weight = np.where(valid.ravel(), weight, 0.0)
    cuts = [slice(start, min(start + BLOCK, valid.size)) for start in range(0, valid.size, BLOCK)]
    return Integrator(
        two_theta=np.degrees(np.asarray(engine.bin_centers, float)),
        sectors=sectors,
        parts=tuple((cut, shares[:, cut], squares[:, cut]) for cut in cuts),
        response=weight,
        seen=shares @ weight,
        single=np.asarray(squares.sum(axis=1)).ravel()
        / np.maximum(np.asarray(shares.sum(axis=1)).ravel(), 1e-12),
        dark=None if dark is None else np.asarray(dark, float).ravel(),
    )


def _natural_points(plane: geo.Plane, shape: tuple[int, ...]) -> int:
    """Return two bins per pixel of the longest distance from the direct beam to a corner."""
    _, row, column = geo.direct_beam_from_plane(plane)
    far = [np.hypot(r - row, c - column) for r in (0, shape[0]) for c in (0, shape[1])]
    return int(np.ceil(2 * max(far)))


def _sectors(plane: geo.Plane, shape: tuple[int, ...], sectors: int) -> NDArray[np.int64]:
    """Return the sector of each pixel of an oriented image, flat."""
    if sectors == 1:
        return np.zeros(shape[0] * shape[1], np.int64)
    row, column = np.indices(shape) + 0.5
    _, azimuth = geo.angles_from_pixels(plane, row, column)
    return ((azimuth.ravel() + np.pi) / (2 * np.pi) * sectors).astype(np.int64) % sectors


def sum_bins(by: Integrator, stack: NDArray[Any], bad: NDArray[np.bool_] | None = None) -> BinSums:
    """Return what every bin of every frame gathers.

    Counts sum_p c_bp (N_p - D_p), variance sum_p c_bp^2 (N_p + D_p), response sum_p c_bp R_p with
    counts N (Poisson), dark D, response R and shares c of pixel p in bin b.

    Parameters
    ----------
    by : Integrator
        From `integrator`.
    stack : ndarray, shape (frame, row, column)
        Raw counts.
    bad : ndarray of bool, shape (frame, row, column), optional
        Pixels of single frames that do not count.
    """
    frames = stack.shape[0]
    counts = stack.reshape(frames, -1)
    total = np.zeros((by.seen.size, frames))
    variance = np.zeros_like(total)
    seen = np.repeat(by.seen[:, None], frames, axis=1)
    for part, shares, squares in by.parts:
        block = np.ascontiguousarray(counts[:, part].T, dtype=float)
        noise = block
        if by.dark is not None:
            block, noise = block - by.dark[part, None], block + by.dark[part, None]
        if bad is not None:
            out = bad.reshape(frames, -1)[:, part].T
            if out.any():
                block, noise = np.where(out, 0.0, block), np.where(out, 0.0, noise)
                seen -= shares @ (out * by.response[part, None])
        total += shares @ block
        variance += squares @ noise
    shape = (by.sectors, by.two_theta.size, frames)
    by_frame = [np.moveaxis(x.reshape(shape), -1, 0) for x in (total, variance, seen)]
    return BinSums(by_frame[0], by_frame[1], by_frame[2], by.single.reshape(shape[:2]))


def integrate_stack(
    by: Integrator, stack: NDArray[Any], bad: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Return mean counts per pixel and their standard error, shape (frame, bin), for all azimuths
    (see `sums`)."""
    mean, stderr = sum_bins(by, stack, bad).over_sectors().mean()
    return mean[:, 0], stderr[:, 0]


def average_without_grains(gathered: BinSums, cut: float = 4.0) -> tuple[Array, Array, Array]:
    """Return the mean over sectors without those that single grains rule, its standard error, and
    the share left out.

    A sector is left out of a bin where it lies more than `cut` spreads above the median of all; the
    spread is the larger of its own counting error and 1.4826 times the median absolute deviation.
    Grains go; texture, which spreads over many sectors, stays.

    Parameters
    ----------
    gathered : Sums
        Of several sectors.
    cut : float
        In spreads.

    Returns
    -------
    intensity, stderr, share : ndarray, shape (frame, bin)
        The share is that of sectors that saw the bin.
    """
    value, stderr = gathered.mean()
    known = np.isfinite(value)
    middle = _median(value)
    spread = np.maximum(stderr, MAD_TO_SIGMA * _median(np.abs(value - middle)))
    with np.errstate(invalid="ignore"):
        keep = known & (value - middle <= cut * spread)
        share = 1 - keep.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean, error = gathered.over_sectors(keep).mean()
    return mean[:, 0], error[:, 0], share


def _median(values: Array) -> Array:
    """Return the median over sectors of those that are finite, kept as an axis."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return np.asarray(np.nanmedian(values, axis=1, keepdims=True))
