"""A polynomial baseline through the signal-free parts of a spectrum."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array, Bool


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
        Degree, at least 0.

    Returns
    -------
    ndarray, shape (..., ppm)
        The baseline on the whole axis, in the unit of `values`.
    """
    middle = (ppm[0] + ppm[-1]) / 2
    x = (ppm - middle) * (2 / (ppm[-1] - ppm[0]))
    design = np.ones((order + 1, ppm.size))
    design[1:2] = x
    for n in range(1, order):
        design[n + 1] = ((2 * n + 1) * x * design[n] - n * design[n - 1]) / (n + 1)
    outside = design * (~signal).astype(float)
    coefficients = np.linalg.solve(outside @ design.T, outside @ values.T).T
    return np.asarray(coefficients @ design)
