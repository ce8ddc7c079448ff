"""Noise of a spectrum from itself: how far each point lies from the cubic through its
neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array


def calculate_neighbour_weights(energy: Array) -> Array:
    """Return, per point, weights of its four neighbours that give the cubic through them at that
    point.

    Parameters
    ----------
    energy : array, shape (n,)

    Returns
    -------
    array, shape (n, 5)
        Lagrange weights for points i-2, i-1, i (zero), i+1, i+2; NaN at the two points of each
        end.
    """
    n = energy.size
    out = np.full((n, 5), np.nan)
    middle = np.arange(2, n - 2)
    places = [-2, -1, 1, 2]
    x = {j: energy[middle + j] - energy[middle] for j in places}
    for j in places:
        weight = np.ones(middle.size)
        for other in places:
            if other != j:
                weight *= -x[other] / (x[j] - x[other])
        out[middle, j + 2] = weight
    out[middle, 2] = 0.0
    return out


def measure_jumps(energy: Array, values: Array) -> Array:
    """Return how far each point lies from its neighbours' cubic, in units of one point's noise
    (spectrum, energy)."""
    weights = calculate_neighbour_weights(energy)
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    expected = sum(weights[:, j] * padded[:, j : j + energy.size] for j in range(5))
    return np.asarray((values - expected) / np.sqrt(1 + np.nansum(weights**2, axis=1)))


def calculate_jump_scale(energy: Array, own: Array) -> Array:
    """Return the standard deviation of `jumps` on `energy` of white noise 1 on points `own`,
    interpolated by a spline.

    Half-way between its points an interpolated spectrum jumps less than its noise is: slow wiggles,
    which alone matter for fits over many points, pass unharmed, fast ones do not.
    """
    from scipy.interpolate import CubicSpline

    if own.size == energy.size and np.abs(own - energy).max() < 1e-6:
        return np.ones(energy.size)
    moved = np.asarray(CubicSpline(own, np.eye(own.size))(energy)).T
    return np.asarray(np.sqrt((measure_jumps(energy, moved) ** 2).sum(axis=0)))


def estimate_point_noise(
    energy: Array, values: Array, e0: float, scale: Array, width: int = 81
) -> Array:
    """Return one standard deviation of each point of each spectrum, from itself.

    1.4826 times the running median of |jump| / `scale` (from `jump_scale`) over `width` points;
    across the edge (E0 - 15 to + 30 eV), where structure is as sharp as noise, interpolated from
    both sides. Oscillations wider than four points do not count as noise.
    """
    free = (energy < e0 - 15) | (energy > e0 + 30)
    return _interpolated(
        energy, _running(np.abs(measure_jumps(energy, values) / scale)[:, free], width), free
    )


def estimate_repeat_noise(energy: Array, deviations: Array, scale: Array, width: int = 81) -> Array:
    """Return one standard deviation of a point of one repeat, from the repeats' deviations from
    their mean.

    The jumps of the deviations carry the noise of a point and nothing smooth, such as a difference
    of baselines.

    Parameters
    ----------
    energy : array, shape (energy,)
    deviations : array, shape (repeat, energy)
        Repeats minus their mean; at least three.
    scale : array, shape (repeat, energy)
        Of each repeat, from `jump_scale`.

    Returns
    -------
    array, shape (energy,)
    """
    n = len(deviations)
    square = np.nan_to_num(scale, nan=1.0) ** 2
    expected = np.sqrt((1 - 2 / n) * square + square.mean(axis=0) / n)
    found = np.abs(measure_jumps(energy, deviations) / expected)[:, 2:-2]
    inside = np.ones(energy.size, bool)
    inside[:2] = inside[-2:] = False
    pooled = _running(found.T.reshape(1, -1), width * n)[:, n // 2 :: n]
    return np.asarray(_interpolated(energy, pooled, inside)[0])


def _running(found: Array, width: int) -> Array:
    from scipy.ndimage import median_filter

    filled = np.where(np.isfinite(found), found, np.nanmedian(found, axis=1, keepdims=True))
    return np.asarray(
        MAD_TO_SIGMA * median_filter(filled, size=(1, min(width, found.shape[1])), mode="reflect")
    )


def _interpolated(energy: Array, rows: Array, where: NDArray[np.bool_]) -> Array:
    return np.array([np.interp(energy, energy[where], row) for row in rows])
