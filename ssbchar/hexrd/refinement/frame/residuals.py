"""What residuals say of the errors: misfit and serial correlation under the lines of each phase."""

from __future__ import annotations

import math

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array

LARGEST_CORRELATION = 0.97
"""Upper bound of the lag-one correlation of residuals."""
TINY = 1e-300
"""In place of a sum of squares that is zero."""


@compile_loops
def inflation_from_residual(profiles: Array, residual: Array) -> Array:
    """Return the factor on standard errors for misfit and serial correlation of the residual under
    given profiles, shape (profile,), dimensionless.

    The variance of sum_i s_i z_i, with the weighted profile s and residuals z that correlate as
    rho^k at a lag of k points, is chi2 sum s_i^2 (1 + 2 sum_k rho^k c_k) with the profile's own
    autocorrelation c_k: lines narrower than the correlation are averaged over their width only.
    Both chi2 (1 or more) and the lag-one correlation rho are means over the points with s^2 as
    weight (compare J.-F. Berar & P. Lelann, J. Appl. Cryst. 24 (1991) 1, whose factor is the limit
    of wide lines).

    Parameters
    ----------
    profiles : ndarray, shape (profile, points)
        s [standard errors].
    residual : ndarray, shape (points,)
        z [standard errors].
    """
    inflation = np.empty(len(profiles))
    for p in range(len(profiles)):
        s = profiles[p]
        total = squares = later_squares = products = 0.0
        for i in range(s.size):
            total += s[i] ** 2
            squares += s[i] ** 2 * residual[i] ** 2
        for i in range(1, s.size):
            later_squares += s[i] ** 2 * residual[i] ** 2
            products += s[i] ** 2 * residual[i] * residual[i - 1]
        chi2 = squares / max(total, TINY)
        # anticorrelation would make errors smaller: it is not trusted to
        rho = min(max(products / max(later_squares, TINY), 0.0), LARGEST_CORRELATION)
        correlated = max(sum_correlated_products(s, rho), 0.0)
        inflation[p] = math.sqrt(max(chi2, 1.0) * (1 + 2 * correlated / max(total, TINY)))
    return inflation


@compile_loops
def sum_correlated_products(curve: Array, rho: float) -> float:
    """Return sum_k rho^k sum_i s_i s_(i+k) over all lags k > 0 of a curve s (points,), in its unit
    squared.

    What a point has of those before it, t_i = sum_k rho^k s_(i-k), follows from one point to the
    next: t_i = rho (t_(i-1) + s_(i-1)).
    """
    total = before = 0.0
    for i in range(1, curve.size):
        before = rho * (before + curve[i - 1])
        total += before * curve[i]
    return total
