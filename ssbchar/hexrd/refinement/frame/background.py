"""The splines of the background."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array


def build_background_splines(x: Array, terms: int) -> Array:
    """Return cubic B-splines on an ascending axis; their sum is one everywhere.

    Knots are equally spaced in the square root of x: air, container and amorphous halos change
    fastest at low angles.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    terms : int
        Number of splines, 4 or more.

    Returns
    -------
    ndarray, shape (terms, points)
        [1].
    """
    from scipy.interpolate import BSpline

    low, high = max(float(x[0]), 0.0), max(float(x[-1]), 1e-9)
    inner = np.linspace(np.sqrt(low), np.sqrt(high), terms - 2)[1:-1] ** 2
    knots = np.concatenate([[x[0]] * 4, inner, [x[-1]] * 4])
    splines = BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray()
    return np.ascontiguousarray(splines.T)
