"""A polynomial through the signal-free parts of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array


def fit_baseline(values: Array, ppm: Array, signal: NDArray[np.bool_], order: int) -> Array:
    """Return the polynomial least-squares fit through the parts without signal, shape of `values`.

    Legendre polynomials over the axis: (n + 1) P_n+1 = (2 n + 1) x P_n - n P_n-1.

    Parameters
    ----------
    values : ndarray, shape (..., ppm)
        Real parts.
    ppm : ndarray, shape (ppm,)
        Even axis.
    signal : ndarray of bool, shape (ppm,)
        Where signal is.
    order : int
        Degree.
    """
    x = (ppm - (ppm[0] + ppm[-1]) / 2) * (2 / (ppm[-1] - ppm[0]))
    design = np.ones((order + 1, ppm.size))
    design[1:2] = x
    for n in range(1, order):
        design[n + 1] = ((2 * n + 1) * x * design[n] - n * design[n - 1]) / (n + 1)
    outside = design * (~signal).astype(float)
    return np.asarray(np.linalg.solve(outside @ design.T, outside @ values.T).T @ design)
