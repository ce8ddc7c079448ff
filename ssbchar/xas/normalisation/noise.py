"""Noise of a spectrum from itself: how far each point lies from the cubic through its
neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Bool

WIDE_NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
"""Of the polynomial that tells how the cubic is bent."""
NEIGHBOURS = (-2, -1, 1, 2)
"""Places of the four neighbours whose cubic a point is compared with."""
RUNNING = 81
"""Points of the running median of the noise."""


def calculate_neighbour_weights(energy: Array, neighbours: Sequence[int] = NEIGHBOURS) -> Array:
    """Return weights of each point's neighbours that give the polynomial through them at the point.

    Parameters
    ----------
    energy : array, shape (n,)
        [eV]
    neighbours : sequence of int
        Their places, the point's own being 0; four give a cubic.

    Returns
    -------
    array, shape (n, 2 m + 1)
        Lagrange weights for points i-m to i+m, zero for i; NaN at the m points of each end.
    """
    n, reach = energy.size, max(neighbours)
    out = np.full((n, 2 * reach + 1), np.nan)
    middle = np.arange(reach, n - reach)
    x = {j: energy[middle + j] - energy[middle] for j in neighbours}
    for j in neighbours:
        weight = np.ones(middle.size)
        for other in neighbours:
            if other != j:
                weight *= -x[other] / (x[j] - x[other])
        out[middle, j + reach] = weight
    out[middle, reach] = 0.0
    return out


def measure_structure(energy: Array, values: Array) -> Array:
    """Return by how much the polynomial through six neighbours differs at each point from that
    through four: what a smooth curve bends between points, or noise.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    values : array, shape (spectrum, energy)

    Returns
    -------
    array, shape (spectrum, energy)
        Zero at the three points of each end.
    """
    near = np.pad(calculate_neighbour_weights(energy), ((0, 0), (1, 1)))
    weights = np.nan_to_num(calculate_neighbour_weights(energy, WIDE_NEIGHBOURS) - near)
    padded = np.pad(values, ((0, 0), (3, 3)), mode="edge")
    return np.asarray(sum(weights[:, j] * padded[:, j : j + energy.size] for j in range(7)))


def measure_jumps(energy: Array, values: Array) -> Array:
    """Return how far each point lies from its neighbours' cubic, in units of one point's noise.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    values : array, shape (spectrum, energy)

    Returns
    -------
    array, shape (spectrum, energy)
        Of white noise of standard deviation 1, the standard deviation is 1; NaN at the two points
        of each end.
    """
    weights = calculate_neighbour_weights(energy)
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    expected = sum(weights[:, j] * padded[:, j : j + energy.size] for j in range(5))
    # Noise of the point and of the cubic add: 1 + sum of the squared weights.
    return np.asarray((values - expected) / np.sqrt(1 + np.nansum(weights**2, axis=1)))


def calculate_jump_scale(energy: Array, own: Array) -> Array:
    """Return the standard deviation of jumps on `energy` of white noise 1 on a scan's own points.

    Half-way between its points an interpolated spectrum jumps less than its noise is: slow wiggles,
    which alone matter for fits over many points, pass the spline unharmed, fast ones do not.

    Parameters
    ----------
    energy : array, shape (energy,)
        The axis that the scan is interpolated to [eV].
    own : array, shape (point,)
        The scan's own points [eV].

    Returns
    -------
    array, shape (energy,)
        1 everywhere where the axes are the same.
    """
    from scipy.interpolate import CubicSpline

    if own.size == energy.size and np.abs(own - energy).max() < 1e-6:
        return np.ones(energy.size)
    moved = np.asarray(CubicSpline(own, np.eye(own.size))(energy)).T
    return np.asarray(np.sqrt((measure_jumps(energy, moved) ** 2).sum(axis=0)))


def estimate_point_noise(
    energy: Array, values: Array, e0: float, scale: Array, width: int = RUNNING
) -> Array:
    """Return one standard deviation of each point of each spectrum, from itself.

    1.4826 times the running median of |jump| / scale over `width` points; across the edge (E0 - 15
    to + 30 eV), where structure is as sharp as noise, interpolated from both sides. Oscillations
    wider than four points do not count as noise.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    values : array, shape (spectrum, energy)
    e0 : float
        [eV]
    scale : array, shape (energy,) or (spectrum, energy)
        From `calculate_jump_scale`.
    width : int
        Points of the running median.

    Returns
    -------
    array, shape (spectrum, energy)
        In the unit of the values.
    """
    free = (energy < e0 - 15) | (energy > e0 + 30)
    jumps = np.abs(measure_jumps(energy, values) / scale)
    return _interpolate_rows(energy, _smooth_by_median(jumps[:, free], width), free)


def estimate_repeat_noise(
    energy: Array, deviations: Array, scale: Array, width: int = RUNNING
) -> Array:
    """Return one standard deviation of a point of one repeat, from the repeats' deviations from
    their mean.

    The jumps of the deviations carry the noise of a point and nothing smooth, such as a difference
    of baselines.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    deviations : array, shape (repeat, energy)
        Repeats minus their mean; at least three.
    scale : array, shape (repeat, energy)
        Of each repeat, from `calculate_jump_scale`.
    width : int
        Points of the running median.

    Returns
    -------
    array, shape (energy,)
        In the unit of the deviations.
    """
    n = len(deviations)
    square = np.nan_to_num(scale, nan=1.0) ** 2
    # Independent repeats: var(x_i - mean(x)) = (1 - 2/n) s_i**2 + mean(s**2)/n.
    expected = np.sqrt((1 - 2 / n) * square + square.mean(axis=0) / n)
    found = np.abs(measure_jumps(energy, deviations) / expected)[:, 2:-2]
    inside = np.ones(energy.size, bool)
    inside[:2] = inside[-2:] = False
    # All repeats of a point side by side, so that one running median sees them together.
    pooled = _smooth_by_median(found.T.reshape(1, -1), width * n)[:, n // 2 :: n]
    return np.asarray(_interpolate_rows(energy, pooled, inside)[0])


def _smooth_by_median(found: Array, width: int) -> Array:
    """Return the standard deviation that a running median of absolute deviations stands for."""
    from scipy.ndimage import median_filter

    filled = np.where(np.isfinite(found), found, np.nanmedian(found, axis=1, keepdims=True))
    size = (1, min(width, found.shape[1]))
    return np.asarray(MAD_TO_SIGMA * median_filter(filled, size=size, mode="reflect"))


def _interpolate_rows(energy: Array, rows: Array, where: Bool) -> Array:
    return np.array([np.interp(energy, energy[where], row) for row in rows])
