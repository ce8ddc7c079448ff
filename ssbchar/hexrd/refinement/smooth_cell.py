"""The smooth cell(T) of a phase over a whole series: weak frames are held to it, strong ones
compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool, Index

DEGREES = (1, 2, 3)
"""Degrees tried beside a constant."""
HOLD_RANGE = 15.0
"""Temperature range [K] below which a segment is smoothed by frame, not by temperature."""
FEWEST = 3
"""Frames with a value below which a segment has no curve of its own."""
FRAMES_FOR_DEGREE = {1: 6, 2: 18, 3: 24}
"""Frames from which a polynomial may have a degree."""
BENDING = 4.0
"""Prior standard deviation of a polynomial's coefficients: in what the largest expected slope makes
over half the range."""
SLOPE_DOUBT = 0.5
"""Standard deviation of the expected slope, relative."""
END = 0.1
"""Share of the range over which the slope at its ends is taken."""
FLOOR = 0.2
"""Smallest standard error that counts, beside the median."""
PASSES = 8
"""Reweighted fits of one polynomial."""
HUBER = 2.5
"""Standard deviations beyond which a value's weight falls (P. J. Huber, Ann. Math. Stat. 35 (1964)
73)."""


def split_segments(segment: NDArray[np.object_]) -> list[Index]:
    """Return the frames (indices, no unit) of each run of one segment (heating, hold, cooling), in
    order, from the segment of each frame, shape (frame,)."""
    edges = np.flatnonzero(segment[1:] != segment[:-1]) + 1
    return [part for part in np.split(np.arange(segment.size), edges) if part.size]


def smooth_strain(
    temperature: Array,
    segment: NDArray[np.object_],
    values: Array,
    stderr: Array,
    *,
    expected_slope: float,
    largest_slope: float = np.inf,
) -> tuple[Array, Array]:
    """Return a smooth curve of one strain over all frames, and its standard deviation.

    In each segment the expected slope and a robust weighted polynomial (degree 0 to 3 by BIC) in
    temperature, on a hold a polynomial in the frame's order; so a segment of few frames still
    expands. Beyond the frames that have values it goes on with the expected slope, its uncertainty
    growing by half of that and by how far the slope there is from it (a cell can expand along one
    axis and shrink along another). Segments without values take the nearest one's edge.

    Parameters
    ----------
    temperature : ndarray, shape (frame,)
        [degC], finite.
    segment : ndarray of str, shape (frame,)
    values, stderr : ndarray, shape (frame,)
        Strain and its standard error; NaN where there is none.
    expected_slope : float
        d(strain)/dT by the literature [1/K].
    largest_slope : float
        Largest size of the expected slopes of a phase's strains [1/K]: differences from
        `expected_slope` are of this order (0: of any).

    Returns
    -------
    mean, sigma : ndarray, shape (frame,)
        [1]; all NaN where no segment has enough values.
    """
    mean, sigma = np.full(temperature.size, np.nan), np.full(temperature.size, np.nan)
    for frames in split_segments(segment):
        has_value = np.isfinite(values[frames]) & (stderr[frames] > 0)
        if has_value.sum() < FEWEST:
            continue
        is_hold = bool(np.ptp(temperature[frames]) < HOLD_RANGE)
        points = _SegmentPoints(
            axis=frames.astype(float) if is_hold else temperature[frames],
            is_hold=is_hold,
            has_value=has_value,
            values=values[frames],
            stderr=stderr[frames],
        )
        mean[frames], sigma[frames] = _smooth_segment(points, expected_slope, largest_slope)
    _continue_into_empty_segments(mean, sigma, temperature, expected_slope)
    return mean, sigma


@dataclass(frozen=True, kw_only=True)
class _SegmentPoints:
    """One strain in the frames of one segment, arrays of shape (frame,)."""

    axis: Array
    """Temperature [degC]; on a hold the frames' numbers."""
    is_hold: bool
    has_value: Bool
    values: Array
    stderr: Array


def _smooth_segment(
    points: _SegmentPoints, expected_slope: float, largest_slope: float
) -> tuple[Array, Array]:
    """Return the smooth curve in one segment and its standard deviation, shape (frame,) each."""
    axis = points.axis
    measured = axis[points.has_value]
    low, high = measured.min(), measured.max()
    nearest = np.clip(axis, low, high)
    if points.is_hold:
        # along a hold nothing is known of the slope: what was seen last stays
        expected, beyond = np.zeros_like(axis), np.zeros_like(axis)
        bending = np.inf
    else:
        expected = expected_slope * (nearest - measured.mean())
        beyond = axis - nearest
        bending = float(BENDING * largest_slope * (high - low) / 2) or np.inf
    end = END * (high - low)
    # four places more, to take the slopes at both ends
    places = np.concatenate([nearest, [low, low + end, high - end, high]])
    curve, spread = _fit_polynomial(
        measured,
        points.values[points.has_value] - expected[points.has_value],
        points.stderr[points.has_value],
        places,
        bending=bending,
    )
    # how far the slope at each end is from the expected one
    first, last = np.diff(curve[-4:])[::2] / max(end, 1e-9)
    doubt = SLOPE_DOUBT * expected_slope
    slope_sigma = np.where(beyond < 0, np.hypot(doubt, first), np.hypot(doubt, last))
    mean = curve[:-4] + expected + expected_slope * beyond
    return mean, np.hypot(spread[:-4], slope_sigma * beyond)


def _continue_into_empty_segments(
    mean: Array, sigma: Array, temperature: Array, expected_slope: float
) -> None:
    """Fill frames of segments without a curve from the nearest frame that has one, in place."""
    known = np.flatnonzero(np.isfinite(mean))
    if known.size == 0:
        return
    for i in np.flatnonzero(~np.isfinite(mean)):
        nearest = known[np.argmin(np.abs(known - i))]
        change = temperature[i] - temperature[nearest]
        mean[i] = mean[nearest] + expected_slope * change
        sigma[i] = np.hypot(sigma[nearest], SLOPE_DOUBT * expected_slope * change)


def _fit_polynomial(
    x: Array, values: Array, stderr: Array, places: Array, *, bending: float
) -> tuple[Array, Array]:
    """Return a robust weighted polynomial and its standard deviation (with the scatter about it).

    Of the degrees that the number of values allows, the one with the smallest BIC (G. Schwarz, Ann.
    Stat. 6 (1978) 461). Its coefficients but the constant are expected within `bending` of zero:
    what weak frames leave open, and gaps between frames, are bridged without a swing.

    Parameters
    ----------
    x, values, stderr : ndarray, shape (n,)
    places : ndarray, shape (m,)
        Where the polynomial is wanted.
    bending : float
        In the unit of `values`.

    Returns
    -------
    curve, spread : ndarray, shape (m,)
    """
    middle, half = (x.max() + x.min()) / 2, max(np.ptp(x) / 2, 1e-9)
    powers = np.vander((x - middle) / half, 4)
    best: tuple[float, Array, Array] | None = None
    for degree in (0, *DEGREES):
        if degree and x.size < FRAMES_FOR_DEGREE[degree]:
            break
        design = powers[:, 3 - degree :]
        coefficient, normal, scatter = _fit_robustly(design, values, stderr, bending)
        bic = x.size * np.log(scatter**2) + (degree + 1) * np.log(x.size)
        if best is None or bic < best[0]:
            rows = np.vander((places - middle) / half, degree + 1)
            variance = np.einsum("ij,jk,ik->i", rows, np.linalg.pinv(normal), rows)
            best = (bic, rows @ coefficient, np.sqrt(variance + scatter**2))
    assert best is not None
    return best[1], best[2]


def _fit_robustly(
    design: Array, values: Array, stderr: Array, bending: float
) -> tuple[Array, Array, float]:
    """Return coefficients, their normal matrix and the robust scatter of a polynomial.

    `design` (n, degree + 1) has the constant last. Values are weighted by their errors and the
    scatter together, and less beyond `HUBER` of both.
    """
    degree = design.shape[1] - 1
    # a few very precise frames must not decide alone: their errors are floored
    floored = np.maximum(stderr, FLOOR * float(np.median(stderr)))
    weight = 1 / floored
    for _ in range(PASSES):
        weighted = design * weight[:, None]
        normal = weighted.T @ weighted
        normal[np.arange(degree), np.arange(degree)] += bending**-2.0
        ridge = 1e-14 * np.trace(normal) * np.eye(degree + 1)
        coefficient = np.linalg.solve(normal + ridge, weighted.T @ (values * weight))
        missed = values - design @ coefficient
        scatter = max(sigma_from_deviations(missed), 1e-9)
        allowed = HUBER * np.hypot(stderr, scatter)
        downweight = np.sqrt(np.minimum(1.0, allowed / np.maximum(np.abs(missed), 1e-15)))
        weight = 1 / np.hypot(floored, scatter) * downweight
    return coefficient, normal, scatter
