"""The law of one decay: simple or stretched exponential, with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.typing import Array

SCATTERS = np.concatenate([[0.0], np.geomspace(1e-4, 2.0, 80)])
"""Relative scatters tried."""


@dataclass(frozen=True)
class DecayLaw:
    """I(t) = amplitude exp(-(t / t2)^exponent), fitted or not."""

    amplitude: float = np.nan
    t2: float = np.nan
    exponent: float = 1.0
    covariance: Array | None = None
    """Of (amplitude, t2, exponent)."""
    chi2: float = np.nan
    scatter: float = 0.0
    """Relative scatter about the law beyond the stated errors."""
    bic: float = np.inf
    """Bayesian information criterion, -2 ln(likelihood) + parameters ln(points), with this
    scatter."""
    verdict: str = "ok"
    reason: str = ""
    points: int = 0


def evaluate_decay(time: Array, i0: float, t2: float, exponent: float) -> Array:
    """Return I0 exp(-(t/T)^b), the stretched exponential (b = 1: simple)."""
    return np.asarray(i0 * np.exp(-((np.maximum(time, 0.0) / t2) ** exponent)))


def mean_time_from_t2(t2: float, exponent: float) -> float:
    """Return the mean decay time (T/b) Gamma(1/b) of a stretched exponential [s]."""
    from math import gamma

    return t2 / exponent * gamma(1 / exponent)


def fit_decay_law(time: Array, area: Array, covariance: Array, options: DecayOptions) -> DecayLaw:
    """Return the decay law of one region with its verdict.

    Parameters
    ----------
    time, area : ndarray, shape (slice,)
        Decay times [s] and areas.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    options : DecayOptions
        Laws and gates.
    """
    good = np.isfinite(time) & np.isfinite(area)
    time, area, covariance = time[good], area[good], covariance[np.ix_(good, good)]
    order = np.argsort(time, kind="stable")
    time, area, covariance = time[order], area[order], covariance[np.ix_(order, order)]
    stderr = np.sqrt(np.diag(covariance))
    if np.unique(time).size < 3:
        return DecayLaw(
            verdict="too_few",
            reason=f"{np.unique(time).size} decay times; three are needed",
            points=time.size,
        )
    if not area[0] > 3 * stderr[0]:
        return DecayLaw(
            verdict="no_signal",
            reason="the first slice is below 3 standard errors",
            points=time.size,
        )
    rise = _rise(area, covariance, options.max_rise)
    if rise:
        return DecayLaw(verdict="not_decaying", reason=rise, points=time.size)
    best: DecayLaw | None = None
    for model in options.models:
        law = _least_squares(time, area, covariance, model == "stretched")
        if law and (best is None or law.bic + options.min_gain < best.bic):
            best = law
    return _gated(best, area, options, time.size)


def _rise(area: Array, covariance: Array, limit: float) -> str:
    """Return what rises against the decay, empty where nothing does."""
    variance = np.diag(covariance)
    change = area[None, :] - area[:, None]
    spread = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 1e-300))
    later = np.triu(np.ones_like(change, bool), 1)
    bad = later & (change > limit * spread) & (change > 0.05 * area[0])
    if not bad.any():
        return ""
    i, j = np.unravel_index(np.where(bad, change, -np.inf).argmax(), bad.shape)
    return f"rises from {area[i] / area[0]:.2f} to {area[j] / area[0]:.2f} of the first between slices {i + 1} and {j + 1}"


def _least_squares(time: Array, area: Array, covariance: Array, stretched: bool) -> DecayLaw | None:
    """Return the generalised least-squares fit of a simple or stretched exponential.

    Scatter beyond the stated errors is taken as relative (pulses, receiver), of the size that makes
    the areas most likely; it is then enlarged by points / degrees of freedom in the variance, and
    the variance of the law by Student's factor dof / (dof - 2).
    """
    free = 3 if stretched else 2
    if time.size < free:
        return None
    p, logs, chi2 = _fitted(time, area, covariance, free)
    dof, scatter = time.size - free, 0.0
    minus2, _ = _likelihood(area, evaluate_decay(time, *p), covariance, np.zeros(1))
    for _ in range(4 if dof > 0 and chi2 > dof else 0):
        before = scatter
        minus2, scatter = _likelihood(area, evaluate_decay(time, *p), covariance, SCATTERS)
        if scatter == before:
            break
        p, logs, _ = _fitted(
            time, area, _scattered(covariance, evaluate_decay(time, *p), scatter), free
        )
    if scatter > 0:
        scatter *= float(np.sqrt(time.size / dof))
        p, logs, _ = _fitted(
            time, area, _scattered(covariance, evaluate_decay(time, *p), scatter), free
        )
        logs = logs * (dof / (dof - 2) if dof > 2 else 3.0)
    scale = np.diag(p[:free])
    full = np.zeros((3, 3))
    full[:free, :free] = scale @ logs @ scale
    bic = minus2 + free * float(np.log(time.size))
    return DecayLaw(
        float(p[0]), float(p[1]), float(p[2]), full, chi2, scatter, bic, points=time.size
    )


def _scattered(covariance: Array, model: Array, scatter: float) -> Array:
    return np.asarray(covariance + np.diag((scatter * model) ** 2))


def _likelihood(
    area: Array, model: Array, covariance: Array, scatters: Array
) -> tuple[float, float]:
    """Return the least -2 ln(likelihood) over relative scatters, and the scatter there."""
    whole = covariance + (scatters[:, None, None] * model[None, :, None]) ** 2 * np.eye(area.size)
    residual = area - model
    solved = np.linalg.solve(
        whole, np.broadcast_to(residual, (len(scatters), area.size))[..., None]
    )[..., 0]
    minus2 = np.linalg.slogdet(whole)[1] + solved @ residual
    best = int(minus2.argmin())
    return float(minus2[best]), float(scatters[best])


def _fitted(time: Array, area: Array, covariance: Array, free: int) -> tuple[Array, Array, float]:
    """Return (amplitude, T, b), the covariance of the logarithms of the free ones, and
    chi-square."""
    from scipy.optimize import least_squares

    ridge = 1e-12 * np.trace(covariance) / time.size * np.eye(time.size)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance + ridge))
    span = float(np.ptp(time))
    half = np.flatnonzero(area < area[0] / np.e)
    t2 = float(time[half[0]] - time[0]) if half.size else span
    start = np.array([np.log(area[0]), np.log(max(t2, 1e-3 * span)), 0.0])[:free]

    def all_three(logs: Array) -> Array:
        return np.asarray(np.exp(np.append(logs, [0.0] * (3 - free))))

    found = least_squares(
        lambda logs: whiten @ (evaluate_decay(time, *all_three(logs)) - area), start, method="lm"
    )
    return all_three(found.x), np.linalg.pinv(found.jac.T @ found.jac), float(2 * found.cost)


def _gated(law: DecayLaw | None, area: Array, options: DecayOptions, points: int) -> DecayLaw:
    if law is None or law.covariance is None:
        return DecayLaw(verdict="failed", reason="the fit did not converge", points=points)
    if law.exponent < options.min_exponent:
        return replace(
            law, verdict="stretched", reason=f"exponent {law.exponent:.2f} < {options.min_exponent}"
        )
    if law.amplitude > options.max_extrapolation * area[0]:
        ratio = law.amplitude / area[0]
        return replace(
            law, verdict="far", reason=f"extrapolates to {ratio:.2f} times the first slice"
        )
    dof = points - 2
    if law.scatter > options.max_scatter and law.chi2 > dof + 5 * np.sqrt(2 * dof):
        reason = f"areas scatter by {100 * law.scatter:.0f} % about the best law: no simple or stretched exponential"
        return replace(law, verdict="misfit", reason=reason)
    if np.sqrt(law.covariance[1, 1]) > 0.5 * law.t2:
        return replace(
            law, verdict="undetermined", reason="standard error of T2* above half its value"
        )
    return law
