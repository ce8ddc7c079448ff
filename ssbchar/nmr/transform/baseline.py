"""A polynomial baseline through the signal-free parts of a spectrum."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array, Bool

LEAST_FREE = 0.02
"""Share of the axis that must be free of signal for a baseline."""
LEAST_SPAN = 0.5
"""Share of the axis that the signal-free parts must span for a sloping baseline: a line through
one end of a spectrum says nothing of the other."""


def find_baseline_order(ppm: Array, signal: Bool, order: int) -> int:
    """Return the degree that the signal-free parts of a spectrum support.

    Parameters
    ----------
    ppm : ndarray, shape (ppm,)
        Even axis [ppm].
    signal : ndarray of bool, shape (ppm,)
        Where signal is.
    order : int
        Degree wanted, -1 for none.

    Returns
    -------
    int
        0 where the free parts span too little of the axis, -1 where there are hardly any.
    """
    free = ppm[~signal]
    if free.size <= max(LEAST_FREE * ppm.size, order + 1):
        return -1
    if np.ptp(free) < LEAST_SPAN * abs(ppm[0] - ppm[-1]):
        return min(order, 0)
    return order


def fit_baseline(values: Array, ppm: Array, signal: Bool, order: int) -> Array:
    """Return the polynomial least-squares fit through the parts without signal.

    Legendre polynomials over the axis: (n + 1) P_n+1 = (2 n + 1) x P_n - n P_n-1.

    Parameters
    ----------
    values : ndarray, shape (..., ppm)
        Real parts of the spectra, in any unit.
    ppm : ndarray, shape (ppm,)
        Even axis [ppm].
    signal : ndarray of bool, shape (ppm,)
        Where signal is.
    order : int
        Degree; -1 for none.

    Returns
    -------
    ndarray, shape (..., ppm)
        The baseline on the whole axis, in the unit of `values`.
    """
    if order < 0:
        return np.zeros_like(values)
    middle = (ppm[0] + ppm[-1]) / 2
    x = (ppm - middle) * (2 / (ppm[-1] - ppm[0]))
    design = np.ones((order + 1, ppm.size))
    design[1:2] = x
    for n in range(1, order):
        design[n + 1] = ((2 * n + 1) * x * design[n] - n * design[n - 1]) / (n + 1)
    outside = design * (~signal).astype(float)
    coefficients = np.linalg.solve(outside @ design.T, outside @ values.T).T
    return np.asarray(coefficients @ design)
