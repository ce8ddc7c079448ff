"""Fractions at the first echo brought back to zero delay, with their full covariance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ssbchar.typing import Array
from ssbchar.uncertain import differentiate, stderr_from_covariance

RELATIVE_STEP = 1e-3
"""Of the central differences, over the value of a parameter."""


@dataclass(frozen=True, kw_only=True)
class RegionDecays:
    """Decay laws (1 - p) exp(-(t / T)^b) + p exp(-t / T') of the regions."""

    t2: Array
    """(region,) T [s]."""
    exponent: Array
    """(region,) b."""
    covariance: Array
    """(region, 2, 2) of (T, b), or (region, 4, 4) of (T, b, p, T')."""
    slow_share: Array | None = None
    """(region,) p; None where no region has two parts."""
    slow_t2: Array | None = None
    """(region,) T' [s]; not used where p is zero."""

    def pack(self) -> Array:
        """Return T, b, p and T' of all regions in one row, shape (4 region,)."""
        share = np.zeros_like(self.t2) if self.slow_share is None else self.slow_share
        slow = self.t2 if self.slow_t2 is None else np.where(share > 0, self.slow_t2, self.t2)
        return np.concatenate([self.t2, self.exponent, share, slow])

    def change_t2(self, t2: Array) -> RegionDecays:
        """Return the laws with another T of each region, shape (region,) [s]."""
        return replace(self, t2=t2)


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
        slow_share=decay["slow_share"].values if "slow_share" in decay else None,
        slow_t2=decay["slow_t2"].values if "slow_t2" in decay else None,
    )


def shares_from_decays(area: Array, decays: RegionDecays, time: float) -> Array:
    """Return the shares at zero delay, as `fractions_from_areas`, for laws of two parts, too.

    Parameters
    ----------
    area : ndarray, shape (region,)
        Signal at delay `time`.
    decays : RegionDecays
        Decay laws [s].
    time : float
        Delay to go back over [s].

    Returns
    -------
    ndarray, shape (region,)
        Shares, sum 1 [dimensionless].
    """
    return _shares_from_row(area, decays.pack(), time)


def _shares_from_row(area: Array, row: Array, time: float) -> Array:
    t2, exponent, share, slow_t2 = row.reshape(4, -1)
    first = np.exp(-((time / t2) ** exponent))
    left = (1 - share) * first + share * np.exp(-time / slow_t2)
    back = np.asarray(area, float) / left
    return np.asarray(back / back.sum())


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
    laws = decays.pack()
    at = np.concatenate([area, laws])
    whole = np.zeros((5 * n, 5 * n))
    whole[:n, :n] = covariance
    known = decays.covariance.shape[-1]
    for r in range(n):
        law = [n + r, 2 * n + r, 3 * n + r, 4 * n + r][:known]
        whole[np.ix_(law, law)] = decays.covariance[r]
    # Areas step by the largest one: the share of an empty region has a slope, too. Parameters that
    # are zero, and have no error, step by one thousandth.
    of_laws = np.where(laws == 0, 1.0, laws)
    step = RELATIVE_STEP * np.concatenate([np.full(n, np.abs(area).max()), of_laws])
    value = shares_from_decays(area, decays, time)
    stderr = np.empty(n)
    for r in range(n):

        def evaluate_share(p: Array, r: int = r) -> float:
            return float(_shares_from_row(p[:n], p[n:], time)[r])

        stderr[r] = stderr_from_covariance(differentiate(evaluate_share, at, step), whole)
    return value, stderr
