"""Uncertainty that travels: propagation by gradient . covariance . gradient, and means that know
their scatter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.typing import Array


def stderr_from_covariance(gradient: ArrayLike, covariance: ArrayLike) -> Array:
    """Return sqrt(g C g), the first-order standard error of a scalar function.

    Parameters
    ----------
    gradient : array_like, shape (..., n)
        Derivatives of the function by each parameter.
    covariance : array_like, shape (..., n, n)
        Covariance of the parameters.

    Returns
    -------
    ndarray, shape (...)
        Standard error, in the unit of the function (JCGM 100:2008, eq. 13).
    """
    g, c = np.asarray(gradient, float), np.asarray(covariance, float)
    return np.asarray(np.sqrt(np.maximum(np.einsum("...i,...ij,...j->...", g, c, g), 0.0)))


def differentiate(function: Callable[[Array], float], at: ArrayLike, step: ArrayLike) -> Array:
    """Return central differences of a scalar function.

    Parameters
    ----------
    function : callable
        Takes an array of shape (n,), returns a float.
    at, step : array_like, shape (n,)
        Where, and the half-width in each parameter (a fraction of its standard error is a good
        choice).
    """
    x, h = np.asarray(at, float), np.broadcast_to(np.asarray(step, float), np.shape(at))
    out = np.empty(x.size)
    for i in range(x.size):
        e = np.zeros(x.size)
        e[i] = h[i] or 1e-8
        out[i] = (function(x + e) - function(x - e)) / (2 * e[i])
    return out


def average_by_weight(values: ArrayLike, stderrs: ArrayLike) -> tuple[float, float, float]:
    """Return weighted mean, its standard error, and reduced chi-square of the scatter.

    The standard error is scaled by sqrt(reduced chi-square) where the scatter exceeds the stated
    errors (Birge ratio; R. T. Birge, Phys. Rev. 40 (1932) 207), never below the stated one.
    """
    v, s = np.asarray(values, float), np.asarray(stderrs, float)
    w = 1.0 / s**2
    mean = float(np.sum(w * v) / np.sum(w))
    chi2 = float(np.sum(w * (v - mean) ** 2) / (v.size - 1)) if v.size > 1 else 1.0
    return mean, float(np.sqrt(max(chi2, 1.0) / np.sum(w))), chi2


def inflation_from_residuals(residuals: ArrayLike) -> float:
    """Return the factor by which esds grow when neighbouring residuals are correlated.

    For standardised residuals r the estimated standard deviations of least squares are too small by
    sqrt((1 + rho) / (1 - rho)), rho the lag-one autocorrelation, AR(1) model (J.-F. Berar & P.
    Lelann, J. Appl. Cryst. 24 (1991) 1, treat the same effect in Rietveld refinement). Negative rho
    gives 1.
    """
    r = np.asarray(residuals, float)
    r = r[np.isfinite(r)]
    power = float(np.dot(r, r))
    if r.size < 3 or power == 0.0:
        return 1.0
    return float(_inflation_from_autocorrelation(float(np.dot(r[1:], r[:-1])) / power))


def serial_inflations(residuals: Array) -> Array:
    """Return `serial_inflation` of every row.

    Parameters
    ----------
    residuals : ndarray, shape (rows, points)
        Standardised residuals [1], all finite.

    Returns
    -------
    ndarray, shape (rows,)
        Factors [1].
    """
    power = np.einsum("nm,nm->n", residuals, residuals)
    lagged = np.einsum("nm,nm->n", residuals[:, 1:], residuals[:, :-1])
    return _inflation_from_autocorrelation(lagged / np.maximum(power, 1e-300))


def _inflation_from_autocorrelation(rho: ArrayLike) -> Array:
    """Return sqrt((1 + rho) / (1 - rho)), rho between 0 and 0.98."""
    limited = np.clip(rho, 0.0, 0.98)
    return np.asarray(np.sqrt((1 + limited) / (1 - limited)))
