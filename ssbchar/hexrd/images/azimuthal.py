"""Azimuthal integration of stacks of images as one sparse product, with the variance beside the
mean.

pyFAI splits every pixel over the bins it covers (G. Ashiotis et al., J. Appl. Cryst. 48 (2015)
510); the coefficients are the same for a whole series, so they are calculated once and multiply
blocks of pixels of many frames at a time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, place_oriented_pixels
from ssbchar.hexrd.images.geometry import Plane
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Bool, Index

BLOCK = 65536
"""Pixels multiplied at once; a block of a chunk of frames fits into the processor's cache."""
LEAST_RESPONSE = 1e-6
"""Share of the largest response below which a bin has seen nothing."""
GRAIN_SIGMAS = 4.0
"""Spreads above the median beyond which a sector is excluded as a single grain."""


@dataclass(frozen=True, kw_only=True)
class PixelBlock:
    """Some pixels of the stored image and their part of the matrix of bins by pixels."""

    pixels: slice
    """Into the flat image."""
    shares: Any
    """Share of each pixel in each bin, scipy CSC, shape (sector x bin, pixel)."""
    squares: Any
    """Those shares squared, for the variance."""


@dataclass(frozen=True, kw_only=True)
class PixelNoise:
    """How the counts of a pixel scatter: variance gain x counts + readout^2."""

    gain: float = 1.0
    """Counts for one detected photon [1]; 1 where photons are counted one by one."""
    readout: float = 0.0
    """Standard deviation of a pixel without a photon [counts]."""


COUNTED = PixelNoise()
"""Noise of a detector that counts photons."""


@dataclass(frozen=True, kw_only=True)
class Integrator:
    """The detector as a matrix of bins by pixels of the stored image."""

    two_theta: Array
    """Centres of the bins [degree]."""
    sectors: int
    """Azimuthal sectors; the bins of the first come first in the rows of the matrix."""
    blocks: tuple[PixelBlock, ...]
    response: Array
    """Flat x solid angle x polarisation, shape (pixel,); 0 where masked."""
    seen: Array
    """Response summed over each bin, shape (sector x bin,): the denominator of the mean."""
    single: Array
    """Variance of a single count in each bin, shape (sector x bin,)."""
    dark: Array | None
    """Counts without beam, shape (pixel,)."""
    noise: PixelNoise = COUNTED


@dataclass(frozen=True, kw_only=True)
class BinSums:
    """Sums over the pixels of each bin, shape (frame, sector, bin)."""

    total: Array
    """Counts less dark."""
    variance: Array
    """Variance of `total`."""
    seen: Array
    """Response."""
    single: Array
    """Variance of a single count, shape (sector, bin)."""

    def sum_over_sectors(self, keep: Bool | None = None) -> BinSums:
        """Return the sums over all sectors as one sector.

        Parameters
        ----------
        keep : ndarray of bool, shape (frame, sector, bin), optional
            Sectors to sum over; None takes all.

        Returns
        -------
        BinSums
            [counts], shape (frame, 1, bin).
        """
        used = np.ones(self.total.shape, bool) if keep is None else keep

        def add_up(values: Array) -> Array:
            """Return the sum over the sectors used, shape (frame, 1, bin)."""
            return np.asarray(np.sum(np.where(used, values, 0.0), axis=1, keepdims=True))

        return BinSums(
            total=add_up(self.total),
            variance=add_up(self.variance),
            seen=add_up(self.seen),
            single=np.max(self.single, axis=0, keepdims=True),
        )

    def average(self) -> tuple[Array, Array]:
        """Return the mean and its standard error.

        Returns
        -------
        mean, stderr : ndarray, shape (frame, sector, bin)
            [counts per pixel] at full response; NaN where nothing was seen. A bin without a count
            has the standard error of a single one.
        """
        good = self.seen > LEAST_RESPONSE * np.max(self.seen, initial=1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self.total / self.seen
            stderr = np.sqrt(np.maximum(self.variance, self.single)) / self.seen
        return np.where(good, mean, np.nan), np.where(good, stderr, np.nan)


def build_integrator(
    plane: Plane,
    orientation: int,
    valid: Bool,
    *,
    points: int = 0,
    two_theta: tuple[float, float] | None = None,
    polarisation: float | None = None,
    flat: Array | None = None,
    dark: Array | None = None,
    noise: PixelNoise = COUNTED,
    sectors: int = 1,
    distortion: Distortion | None = None,
) -> Integrator:
    """Return the matrix that integrates stored images.

    Parameters
    ----------
    plane : Plane
        The detector as seen by images put into `orientation`.
    orientation : int
        One of `geometry.Orientation`.
    valid : ndarray of bool, shape (row, column)
        Pixels of the stored image that are used.
    points : int
        Number of bins; 0 takes two per pixel of the longest radius.
    two_theta : tuple of float, optional
        Range [degree].
    polarisation : float, optional
        Degree of horizontal linear polarisation (dimensionless).
    flat : ndarray, shape (row, column), optional
        Flat field of the stored image (dimensionless).
    dark : ndarray, shape (row, column), optional
        Dark image [counts].
    noise : PixelNoise
        Of a frame, and of the dark image.
    sectors : int
        Azimuthal sectors, counted from -180 degree of azimuth; a pixel belongs to the one that
        contains its centre.
    distortion : Distortion, optional
        Where the pixels of the stored image lie on the plane; each keeps its size.

    Returns
    -------
    Integrator
        Rows of the matrix are bins [degree of 2theta] of each sector, columns are pixels.
    """
    import scipy.sparse
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    # pyFAI takes the image as it is, so the matrix is made for the oriented one and its columns are
    # put back into the order of the stored pixels: frames then need not be turned one by one
    oriented = np.ascontiguousarray(geo.orient_image(valid, orientation))
    detector = AzimuthalIntegrator(
        dist=plane.distance,
        poni1=plane.poni1,
        poni2=plane.poni2,
        rot1=plane.rot1,
        rot2=plane.rot2,
        rot3=plane.rot3,
        pixel1=plane.pixel1,
        pixel2=plane.pixel2,
        # pyFAI wants one, the angles do not depend on it
        wavelength=1e-10,
    )
    row, column = place_oriented_pixels(oriented.shape, orientation, distortion)
    if distortion is not None:
        _set_corners(detector, plane, row, column)
    bins = points or _count_natural_bins(plane, oriented.shape)
    ends = None
    if two_theta is not None:
        ends = (float(np.radians(two_theta[0])), float(np.radians(two_theta[1])))
    engine = detector.setup_sparse_integrator(
        oriented.shape,
        bins,
        mask=~oriented,
        pos0_range=ends,
        unit="2th_rad",
        split="full",
        algo="CSC",
        scale=False,
    )
    sector = _find_sectors(plane, row, column, sectors)
    # a pixel adds to the bins of its own sector alone
    first_bins = bins * np.repeat(sector, np.diff(engine.indptr))
    rows = engine.indices + first_bins.astype(engine.indices.dtype)
    shares = scipy.sparse.csc_matrix(
        (np.asarray(engine.data, float), rows, engine.indptr), shape=(sectors * bins, valid.size)
    )
    numbers = np.arange(valid.size).reshape(valid.shape)
    stored_order = np.argsort(geo.orient_image(numbers, orientation).ravel())
    if orientation != geo.Orientation.AS_STORED:
        shares = shares[:, stored_order].tocsc()
    squares = shares.multiply(shares).tocsc()
    response = detector.solidAngleArray(oriented.shape)
    if polarisation is not None:
        response = response * detector.polarization(oriented.shape, polarisation)
    response = np.asarray(response, float).ravel()[stored_order]
    response = response * (1.0 if flat is None else flat.ravel())
    response = np.where(valid.ravel(), response, 0.0)
    sum_of_squares = np.asarray(squares.sum(axis=1)).ravel()
    sum_of_shares = np.asarray(shares.sum(axis=1)).ravel()
    return Integrator(
        two_theta=np.degrees(np.asarray(engine.bin_centers, float)),
        sectors=sectors,
        blocks=_cut_into_blocks(shares, squares),
        response=response,
        seen=shares @ response,
        single=noise.gain**2 * sum_of_squares / np.maximum(sum_of_shares, 1e-12),
        dark=None if dark is None else np.asarray(dark, float).ravel(),
        noise=noise,
    )


def _cut_into_blocks(shares: Any, squares: Any) -> tuple[PixelBlock, ...]:
    """Return the matrix in blocks of `BLOCK` pixels."""
    size = shares.shape[1]
    cuts = [slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    return tuple(
        PixelBlock(pixels=cut, shares=shares[:, cut], squares=squares[:, cut]) for cut in cuts
    )


def _count_natural_bins(plane: Plane, shape: tuple[int, ...]) -> int:
    """Return two bins per pixel of the longest distance from the direct beam to a corner."""
    _, row, column = geo.direct_beam_from_plane(plane)
    corners = [(r, c) for r in (0, shape[0]) for c in (0, shape[1])]
    longest = max(np.hypot(r - row, c - column) for r, c in corners)
    return int(np.ceil(2 * longest))


def _set_corners(detector: Any, plane: Plane, row: Array, column: Array) -> None:
    """Give pyFAI's detector the corners of its pixels, whose centres are at `row`, `column`
    [pixel]."""
    corners = np.zeros((*row.shape, 4, 3), np.float32)
    # In the order of pyFAI, along the two axes.
    for place, (down, right) in enumerate([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]):
        corners[:, :, place, 1] = (row + down) * plane.pixel1
        corners[:, :, place, 2] = (column + right) * plane.pixel2
    detector.detector.max_shape = detector.detector.shape = row.shape
    detector.detector.set_pixel_corners(corners)


def _find_sectors(plane: Plane, row: Array, column: Array, sectors: int) -> Index:
    """Return the sector of each pixel of an oriented image, shape (pixel,)."""
    if sectors == 1:
        return np.zeros(row.size, np.int64)
    _, azimuth = geo.angles_from_pixels(plane, row, column)
    turns = (azimuth.ravel() + np.pi) / (2 * np.pi)
    # an azimuth of exactly +180 degree is that of the first sector
    return (turns * sectors).astype(np.int64) % sectors


def sum_bins(integrator: Integrator, stack: NDArray[Any], bad: Bool | None = None) -> BinSums:
    """Return the sums over the pixels of every bin of every frame.

    Counts sum_p c_bp (N_p - D_p), variance sum_p c_bp^2 (g (N_p + D_p) + r^2), response
    sum_p c_bp R_p with counts N (g per photon, Poisson), dark D, readout noise r (of frame and dark
    image, once each), response R and shares c of pixel p in bin b.

    Parameters
    ----------
    integrator : Integrator
        From `build_integrator`.
    stack : ndarray, shape (frame, row, column)
        Raw counts.
    bad : ndarray of bool, shape (frame, row, column), optional
        Pixels of single frames that are not used.

    Returns
    -------
    BinSums
        [counts], shape (frame, sector, bin).
    """
    frames = stack.shape[0]
    counts = stack.reshape(frames, -1)
    total = np.zeros((integrator.seen.size, frames))
    variance = np.zeros_like(total)
    seen = np.repeat(integrator.seen[:, None], frames, axis=1)
    gain, readout = integrator.noise.gain, integrator.noise.readout
    # Frame and dark image are read out once each.
    constant = readout**2 * (1 if integrator.dark is None else 2)
    for block in integrator.blocks:
        signal = np.ascontiguousarray(counts[:, block.pixels].T, dtype=float)
        noise = signal
        if integrator.dark is not None:
            dark = integrator.dark[block.pixels, None]
            signal, noise = signal - dark, signal + dark
        if gain != 1.0 or constant:
            noise = gain * noise + constant
        if bad is not None:
            excluded = bad.reshape(frames, -1)[:, block.pixels].T
            if excluded.any():
                signal = np.where(excluded, 0.0, signal)
                noise = np.where(excluded, 0.0, noise)
                # the matrix is that of the whole series: what these pixels would have seen is taken
                # off the denominator
                seen -= block.shares @ (excluded * integrator.response[block.pixels, None])
        total += block.shares @ signal
        variance += block.squares @ noise
    shape = (integrator.sectors, integrator.two_theta.size, frames)

    def put_frames_first(values: Array) -> Array:
        """Return sums of shape (sector x bin, frame) as (frame, sector, bin)."""
        return np.moveaxis(values.reshape(shape), -1, 0)

    return BinSums(
        total=put_frames_first(total),
        variance=put_frames_first(variance),
        seen=put_frames_first(seen),
        single=integrator.single.reshape(shape[:2]),
    )


def integrate_stack(
    integrator: Integrator, stack: NDArray[Any], bad: Bool | None = None
) -> tuple[Array, Array]:
    """Return the patterns of a stack of images over all azimuths.

    Parameters
    ----------
    integrator : Integrator
        From `build_integrator`.
    stack : ndarray, shape (frame, row, column)
        Raw counts.
    bad : ndarray of bool, shape (frame, row, column), optional
        Pixels of single frames that are not used.

    Returns
    -------
    mean, stderr : ndarray, shape (frame, bin)
        Intensity and its standard error [counts per pixel].
    """
    mean, stderr = sum_bins(integrator, stack, bad).sum_over_sectors().average()
    return mean[:, 0], stderr[:, 0]


def average_without_grains(sums: BinSums, cut: float = GRAIN_SIGMAS) -> tuple[Array, Array, Array]:
    """Return the mean over sectors without those that single grains dominate.

    A sector is excluded from a bin where it lies more than `cut` spreads above the median of all;
    the spread is the larger of its own counting error and 1.4826 times the median absolute
    deviation. Grains are removed; texture, which spreads over many sectors, stays.

    Parameters
    ----------
    sums : BinSums
        Of several sectors.
    cut : float
        Number of spreads.

    Returns
    -------
    mean, stderr : ndarray, shape (frame, bin)
        Intensity and its standard error [counts per pixel].
    excluded_share : ndarray, shape (frame, bin)
        Excluded sectors over those that saw the bin (dimensionless).
    """
    value, stderr = sums.average()
    known = np.isfinite(value)
    median = _median_over_sectors(value)
    deviation = _median_over_sectors(np.abs(value - median))
    # where counts are few the deviation of a handful of sectors may vanish by chance
    spread = np.maximum(stderr, MAD_TO_SIGMA * deviation)
    with np.errstate(invalid="ignore"):
        keep = known & (value - median <= cut * spread)
        excluded_share = 1 - keep.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean, error = sums.sum_over_sectors(keep).average()
    return mean[:, 0], error[:, 0], excluded_share


def _median_over_sectors(values: Array) -> Array:
    """Return the median of the finite values, shape (frame, 1, bin)."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return np.asarray(np.nanmedian(values, axis=1, keepdims=True))
