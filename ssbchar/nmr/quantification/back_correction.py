"""Fractions at the first echo brought back to zero delay, with their full covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ssbchar.typing import Array
from ssbchar.uncertain import differentiate, stderr_from_covariance

RELATIVE_STEP = 1e-3
"""Of the central differences, over the value of a parameter."""


@dataclass(frozen=True, kw_only=True)
class RegionDecays:
    """Decay laws exp(-(t / T)^b) of the regions."""

    t2: Array
    """(region,) T [s]."""
    exponent: Array
    """(region,) b."""
    covariance: Array
    """(region, 2, 2), of (T, b)."""


def read_decays(decay: xr.Dataset) -> RegionDecays:
    """Return the decay laws of ``decay.nc``.

    Parameters
    ----------
    decay : Dataset
        From `ssbchar.nmr.decay.fit_decay`; T2* of each region [s], shape (region,).
    """
    return RegionDecays(
        t2=decay["t2_star"].values,
        exponent=decay["exponent"].values,
        covariance=decay["covariance"].values[:, 1:, 1:],
    )


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
        Shares, sum 1 [dimensionless].
    """
    growth = np.exp((time / np.asarray(t2, float)) ** np.asarray(exponent, float))
    back = np.asarray(area, float) * growth
    return np.asarray(back / back.sum(axis=-1, keepdims=True))


def propagate_fractions(
    area: Array, covariance: Array, decays: RegionDecays, time: float
) -> tuple[Array, Array]:
    """Return shares and their standard errors, with the covariance of areas and of each region's
    (T, b).

    Parameters
    ----------
    area : ndarray, shape (region,)
        Signal at delay `time`.
    covariance : ndarray, shape (region, region)
        Of the areas.
    decays : RegionDecays
        Decay laws.
    time : float
        Delay to go back over [s].

    Returns
    -------
    tuple of ndarray, shape (region,)
        Shares and standard errors [dimensionless].
    """
    n = area.size
    t2, exponent = decays.t2, decays.exponent
    at = np.concatenate([area, t2, exponent])
    whole = np.zeros((3 * n, 3 * n))
    whole[:n, :n] = covariance
    for r in range(n):
        law = [n + r, 2 * n + r]
        whole[np.ix_(law, law)] = decays.covariance[r]
    # Areas step by the largest one: the share of an empty region has a slope, too.
    step = RELATIVE_STEP * np.concatenate([np.full(n, np.abs(area).max()), t2, exponent])
    value = fractions_from_areas(area, t2, exponent, time)
    stderr = np.empty(n)
    for r in range(n):

        def evaluate_share(p: Array, r: int = r) -> float:
            return float(fractions_from_areas(p[:n], p[n : 2 * n], p[2 * n :], time)[r])

        stderr[r] = stderr_from_covariance(differentiate(evaluate_share, at, step), whole)
    return value, stderr
