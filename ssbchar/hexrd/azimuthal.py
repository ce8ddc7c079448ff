"""Azimuthal integration of whole stacks of images as one sparse product, variance beside the mean.

pyFAI splits every pixel over the bins it covers (G. Ashiotis et al., J. Appl. Cryst. 48 (2015) 510); the coefficients
do not change during a series, so they are worked out once and multiply blocks of pixels of many frames at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd import geometry as geo

Array = NDArray[np.float64]

BLOCK = 65536
"""Pixels multiplied at once; a block of a chunk of frames stays in the processor's cache."""


@dataclass(frozen=True)
class Integrator:
    """The detector folded into a matrix of bins by pixels (of the stored image)."""

    two_theta: Array
    """Centres of the bins [degree]."""
    parts: tuple[tuple[slice, Any, Any], ...]
    """Blocks of pixels of the stored image, the share of each pixel in each bin (scipy CSC, shape (bin, pixel)), and
    the shares squared for the variance."""
    response: Array
    """Flat x solid angle x polarisation of each pixel; 0 where masked."""
    seen: Array
    """Response gathered by each bin: the denominator of the mean."""
    single: Array
    """Variance of a single count in each bin."""
    dark: tuple[Array, Array] | None
    """Counts of no beam gathered by each bin, and their variance."""


def integrator(
    plane: geo.Plane,
    orientation: int,
    valid: NDArray[np.bool_],
    points: int = 0,
    two_theta: tuple[float, float] | None = None,
    polarisation: float | None = None,
    flat: Array | None = None,
    dark: Array | None = None,
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

    Returns
    -------
    Integrator
    """
    import scipy.sparse
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    seen = np.ascontiguousarray(geo.oriented(valid, orientation))
    detector = AzimuthalIntegrator(*plane[:6], pixel1=plane.pixel1, pixel2=plane.pixel2, wavelength=1e-10)
    bins = points or _natural_points(plane, seen.shape)
    ends = None if two_theta is None else (float(np.radians(two_theta[0])), float(np.radians(two_theta[1])))
    engine = detector.setup_sparse_integrator(
        seen.shape, bins, mask=~seen, pos0_range=ends, unit="2th_rad", split="full", algo="CSC", scale=False
    )
    response = detector.solidAngleArray(seen.shape)
    if polarisation is not None:
        response = response * detector.polarization(seen.shape, polarisation)
    place = geo.oriented(np.arange(valid.size).reshape(valid.shape), orientation).ravel()
    stored = np.argsort(place)
    shares = scipy.sparse.csc_matrix(
        (np.asarray(engine.data, float), engine.indices, engine.indptr), shape=(bins, valid.size)
    )
    shares = shares if orientation == 0 else shares[:, stored].tocsc()
    squares = shares.multiply(shares).tocsc()
    weight = np.asarray(response, float).ravel()[stored] * (1.0 if flat is None else flat.ravel())
    weight = np.where(valid.ravel(), weight, 0.0)
    cuts = [slice(start, min(start + BLOCK, valid.size)) for start in range(0, valid.size, BLOCK)]
    return Integrator(
        two_theta=np.degrees(np.asarray(engine.bin_centers, float)),
        parts=tuple((cut, shares[:, cut], squares[:, cut]) for cut in cuts),
        response=weight,
        seen=shares @ weight,
        single=np.asarray(squares.sum(axis=1)).ravel() / np.maximum(np.asarray(shares.sum(axis=1)).ravel(), 1e-12),
        dark=None if dark is None else (shares @ dark.ravel(), squares @ dark.ravel()),
    )


def _natural_points(plane: geo.Plane, shape: tuple[int, ...]) -> int:
    """Return two bins per pixel of the longest distance from the direct beam to a corner."""
    _, row, column = geo.direct_beam(plane)
    far = [np.hypot(r - row, c - column) for r in (0, shape[0]) for c in (0, shape[1])]
    return int(np.ceil(2 * max(far)))


def integrate(by: Integrator, stack: NDArray[Any], bad: NDArray[np.bool_] | None = None) -> tuple[Array, Array]:
    """Return mean counts per pixel and their standard error for every bin of every frame.

    I_b = sum_p c_bp (N_p - D_p) / sum_p c_bp R_p and var I_b = sum_p c_bp^2 (N_p + D_p) / (sum_p c_bp R_p)^2 with
    counts N (Poisson), dark D, response R and shares c. A bin without a count has the error of a single one.
    NaN where nothing was seen.

    Parameters
    ----------
    by : Integrator
        From `integrator`.
    stack : ndarray, shape (frame, row, column)
        Raw counts.
    bad : ndarray of bool, shape (frame, row, column), optional
        Pixels of single frames that do not count.

    Returns
    -------
    intensity, stderr : ndarray, shape (frame, bin)
        [counts per pixel at full response].
    """
    frames = stack.shape[0]
    counts = stack.reshape(frames, -1)
    total = np.zeros((by.seen.size, frames))
    variance = np.zeros_like(total)
    seen = np.repeat(by.seen[:, None], frames, axis=1)
    for part, shares, squares in by.parts:
        block = np.ascontiguousarray(counts[:, part].T, dtype=float)
        if bad is not None:
            out = bad.reshape(frames, -1)[:, part].T
            if out.any():
                block[out] = 0.0
                seen -= shares @ (out * by.response[part, None])
        total += shares @ block
        variance += squares @ block
    if by.dark is not None:
        total -= by.dark[0][:, None]
        variance += by.dark[1][:, None]
    good = seen > 1e-6 * np.max(seen, initial=1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(good, total / seen, np.nan)
        stderr = np.where(good, np.sqrt(np.maximum(variance, by.single[:, None])) / seen, np.nan)
    return mean.T, stderr.T
