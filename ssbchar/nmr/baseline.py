"""A polynomial through the signal-free parts of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def baseline(values: Real, ppm: Real, signal: NDArray[np.bool_], order: int) -> Real:
    """Return the polynomial least-squares fit through the parts without signal, shape of `values`.

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
    x = (ppm - ppm.mean()) / np.ptp(ppm) * 2
    design = np.ascontiguousarray(np.polynomial.legendre.legvander(x, order).T)
    outside = design * ~signal
    return np.asarray(np.linalg.solve(outside @ design.T, outside @ values.T).T @ design)
