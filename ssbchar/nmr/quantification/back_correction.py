"""Fractions at the first echo brought back to zero delay, with their full covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.typing import Array
from ssbchar.uncertain import differentiate, stderr_from_covariance


def fractions_from_areas(area: ArrayLike, t2: ArrayLike, exponent: ArrayLike, time: float) -> Array:
    """Return f_r = A_r exp((t/T_r)^b_r) / sum over regions, the shares at zero delay.

    With t = TR and b = 1 this gives every corrected value of Table 3.1 of the dissertation behind
    Y. Ham et al., Nat. Commun. 15 (2024) 2991, to the printed digit; t = 0 leaves the raw shares.

    Parameters
    ----------
    area : array_like, shape (..., region)
        Signal at delay `time`.
    t2, exponent : array_like, shape (..., region)
        Decay constant [s] and stretching exponent.
    time : float
        Delay to go back over [s], on the axis of the decay fit.

    Returns
    -------
    ndarray, shape (..., region)
        Shares, sum 1.
    """
    back = np.asarray(area, float) * np.exp(
        (time / np.asarray(t2, float)) ** np.asarray(exponent, float)
    )
    return np.asarray(back / back.sum(axis=-1, keepdims=True))


def propagate_fractions(
    area: Array,
    area_covariance: Array,
    t2: Array,
    exponent: Array,
    law_covariance: Array,
    time: float,
) -> tuple[Array, Array]:
    """Return shares and their standard errors, with the covariance of areas and of each region's
    (T, b).

    Parameters
    ----------
    area : ndarray, shape (region,)
        Signal at delay `time`.
    area_covariance : ndarray, shape (region, region)
        Its covariance.
    t2, exponent : ndarray, shape (region,)
        Decay laws.
    law_covariance : ndarray, shape (region, 2, 2)
        Covariance of (T [s], b) of each region.
    time : float
        Delay to go back over [s].
    """
    n = area.size
    at = np.concatenate([area, t2, exponent])
    covariance = np.zeros((3 * n, 3 * n))
    covariance[:n, :n] = area_covariance
    for r in range(n):
        pick = np.ix_([n + r, 2 * n + r], [n + r, 2 * n + r])
        covariance[pick] = law_covariance[r]
    step = 1e-3 * np.concatenate([np.full(n, np.abs(area).max()), t2, exponent])
    value = fractions_from_areas(area, t2, exponent, time)
    stderr = np.empty(n)
    for r in range(n):

        def share(p: Array, r: int = r) -> float:
            return float(fractions_from_areas(p[:n], p[n : 2 * n], p[2 * n :], time)[r])

        stderr[r] = stderr_from_covariance(differentiate(share, at, step), covariance)
    return value, stderr
