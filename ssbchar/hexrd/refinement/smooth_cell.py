"""The smooth cell(T) of a phase over a whole series: weak frames are held to it, strong ones
compared with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

DEGREES = (1, 2, 3)
RANGE = 15.0
"""Temperature range [K] below which a stretch is taken as a hold and followed by frame."""
ENOUGH = {1: 6, 2: 18, 3: 24}
"""Frames from which a polynomial may have a degree."""
BENDING = 4.0
"""Prior standard deviation of a polynomial's coefficients: in what the usual slope makes over half
the range."""


def branches(temperature: Array, segment: NDArray[np.object_]) -> list[NDArray[np.int64]]:
    """Return the frames of each stretch of one segment (heating, hold, cooling), in order."""
    edges = np.flatnonzero(segment[1:] != segment[:-1]) + 1
    return [part for part in np.split(np.arange(temperature.size), edges) if part.size]


def smooth(
    temperature: Array,
    segment: NDArray[np.object_],
    values: Array,
    stderr: Array,
    slope: float,
    usual: float = np.inf,
) -> tuple[Array, Array]:
    """Return a smooth course of one strain over all frames, and its standard deviation.

    In each stretch the literature slope and a robust weighted polynomial (degree 0 to 3 by BIC) in
    temperature, on a hold a polynomial in the frame's order; so a ramp of few frames still expands.
    Beyond the frames that have values it goes on with the literature slope, its uncertainty growing
    by half of that and by how far the slope there is from it (a cell can expand along one axis and
    shrink along another). Stretches without values take the nearest one's edge.

    Parameters
    ----------
    temperature : ndarray, shape (frame,)
        [degC], finite.
    segment : ndarray of str, shape (frame,)
    values, stderr : ndarray, shape (frame,)
        Strain and its standard error; NaN where there is none.
    slope : float
        Expected d(strain)/dT [1/K].
    usual : float
        Largest size of the expected slopes of a phase's strains [1/K]: departures from `slope` are
        of this order (0: of any).
    """
    mean, sigma = np.full(temperature.size, np.nan), np.full(temperature.size, np.nan)
    for frames in branches(temperature, segment):
        good = frames[np.isfinite(values[frames]) & (stderr[frames] > 0)]
        if good.size < 3:
            continue
        hold = np.ptp(temperature[frames]) < RANGE
        axis = frames.astype(float) if hold else temperature[frames]
        inside = np.isin(frames, good)
        low, high = axis[inside].min(), axis[inside].max()
        clipped = np.clip(axis, low, high)
        expected = np.zeros_like(axis) if hold else slope * (clipped - axis[inside].mean())
        size = np.inf if hold else float(BENDING * usual * (high - low) / 2) or np.inf
        tenth = 0.1 * (high - low)
        at = np.concatenate([clipped, [low, low + tenth, high - tenth, high]])
        course, spread = _polynomial(
            axis[inside], values[good] - expected[inside], stderr[good], at, size
        )
        first, last = np.diff(course[-4:])[::2] / max(
            tenth, 1e-9
        )  # slopes at both ends beside the expected one
        beyond = np.zeros_like(axis) if hold else axis - clipped
        mean[frames] = course[:-4] + expected + slope * beyond
        doubt = np.where(beyond < 0, np.hypot(0.5 * slope, first), np.hypot(0.5 * slope, last))
        sigma[frames] = np.hypot(spread[:-4], doubt * beyond)
    known = np.flatnonzero(np.isfinite(mean))
    if known.size == 0:
        return mean, sigma
    for i in np.flatnonzero(~np.isfinite(mean)):
        near = known[np.argmin(np.abs(known - i))]
        change = temperature[i] - temperature[near]
        mean[i] = mean[near] + slope * change
        sigma[i] = np.hypot(sigma[near], 0.5 * slope * change)
    return mean, sigma


def _polynomial(
    x: Array, values: Array, stderr: Array, at: Array, size: float = np.inf
) -> tuple[Array, Array]:
    """Return a robust weighted polynomial at `at` and its standard deviation (with the scatter
    about it).

    Its coefficients but the constant are expected within `size` of zero: what weak frames leave
    open, and gaps between frames, are bridged without a swing.
    """
    middle, half = (x.max() + x.min()) / 2, max(np.ptp(x) / 2, 1e-9)
    u, v = (x - middle) / half, (at - middle) / half
    best: tuple[float, Array, Array] | None = None
    floor = 0.2 * float(np.median(stderr))
    powers = np.vander(u, 4)
    for degree in (0, *DEGREES):
        if degree and x.size < ENOUGH[degree]:
            break
        weight = 1 / np.maximum(stderr, floor)
        for _ in range(8):
            design = powers[:, 3 - degree :] * weight[:, None]
            inner = design.T @ design
            inner[np.arange(degree), np.arange(degree)] += size**-2.0
            coefficient = np.linalg.solve(
                inner + 1e-14 * np.trace(inner) * np.eye(degree + 1), design.T @ (values * weight)
            )
            miss = values - powers[:, 3 - degree :] @ coefficient
            scatter = max(sigma_from_deviations(miss), 1e-9)
            weight = 1 / np.hypot(np.maximum(stderr, floor), scatter)
            weight = weight * np.sqrt(
                np.minimum(1.0, 2.5 * np.hypot(stderr, scatter) / np.maximum(np.abs(miss), 1e-15))
            )
        bic = x.size * np.log(scatter**2) + (degree + 1) * np.log(x.size)
        covariance = np.linalg.pinv(inner)
        rows = np.vander(v, degree + 1)
        spread = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows) + scatter**2)
        if best is None or bic < best[0]:
            best = (bic, rows @ coefficient, spread)
    assert best is not None
    return best[1], best[2]
