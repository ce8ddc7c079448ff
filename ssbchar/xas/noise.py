"""Noise of a spectrum from itself: how far each point lies from the cubic through its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def neighbour_weights(energy: Array) -> Array:
    """Return, per point, weights of its four neighbours that give the cubic through them at that point.

    Parameters
    ----------
    energy : array, shape (n,)

    Returns
    -------
    array, shape (n, 5)
        Lagrange weights for points i-2, i-1, i (zero), i+1, i+2; NaN at the two points of each end.
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


def jumps(energy: Array, values: Array) -> Array:
    """Return how far each point lies from its neighbours' cubic, in units of one point's noise (spectrum, energy)."""
    weights = neighbour_weights(energy)
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    expected = sum(weights[:, j] * padded[:, j : j + energy.size] for j in range(5))
    return np.asarray((values - expected) / np.sqrt(1 + np.nansum(weights**2, axis=1)))


def point_noise(energy: Array, values: Array, above: float) -> Array:
    """Return one standard deviation of a point of each spectrum, robust, from the points above an energy [eV].

    1.4826 median |jump|; oscillations wider than four points do not count as noise.
    """
    use = energy > above
    found = jumps(energy, values)[:, use]
    return np.asarray(1.4826 * np.nanmedian(np.abs(found), axis=1))
