"""The law of one decay: simple or stretched exponential, with its verdict."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.decay.options import DecayModel, DecayOptions
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

SCATTERS = np.concatenate([[0.0], np.geomspace(1e-4, 2.0, 80)])
"""Relative scatters tried."""
LEAST_TIMES = 3
"""Different decay times that a law needs."""
LEAST_SIGNAL = 3.0
"""Standard errors that the first slice must exceed."""
LEAST_RISE = 0.05
"""Smaller rises, over the first slice, are let pass."""
SCATTER_ROUNDS = 4
"""Rounds of fit and scatter in turn."""
FEW_POINTS_FACTOR = 3.0
"""Of the variance where Student's dof / (dof - 2) does not exist."""
MISFIT_SIGMA = 5.0
"""Excess of chi-square, in its standard deviations, that makes scatter a misfit."""
MAX_RELATIVE_STDERR = 0.5
"""Of T2*: else verdict ``undetermined``."""


@dataclass(frozen=True, kw_only=True)
class DecayLaw:
    """I(t) = amplitude exp(-(t / t2)^exponent), fitted or not."""

    amplitude: float = np.nan
    """I at t = 0, in the unit of the areas."""
    t2: float = np.nan
    """T2* [s]."""
    exponent: float = 1.0
    """Stretching exponent b; 1 for a simple exponential."""
    covariance: Array | None = None
    """(3, 3), of (amplitude, t2, exponent)."""
    chi2: float = np.nan
    """Of the fit with the stated errors."""
    scatter: float = 0.0
    """Relative scatter about the law beyond the stated errors."""
    bic: float = np.inf
    """Bayesian information criterion, -2 ln(likelihood) + parameters ln(points), with this
    scatter."""
    verdict: Verdict = Verdict.OK
    reason: str = ""
    points: int = 0

    def judge(self, verdict: Verdict, reason: str) -> DecayLaw:
        """Return the law with a verdict and why (str)."""
        return replace(self, verdict=verdict, reason=reason)


def evaluate_decay(time: Array, i0: float, t2: float, exponent: float) -> Array:
    """Return I0 exp(-(t/T)^b), the stretched exponential (b = 1: simple).

    Parameters
    ----------
    time : ndarray, shape (time,)
        Decay times [s]; zero is taken for negative ones.
    i0 : float
        Amplitude, in any unit.
    t2 : float
        T [s].
    exponent : float
        b.

    Returns
    -------
    ndarray, shape (time,)
        In the unit of `i0`.
    """
    return np.asarray(i0 * np.exp(-((np.maximum(time, 0.0) / t2) ** exponent)))


def mean_time_from_t2(t2: float, exponent: float) -> float:
    """Return the mean decay time (T/b) Gamma(1/b) of a stretched exponential.

    Parameters
    ----------
    t2 : float
        T [s].
    exponent : float
        b.

    Returns
    -------
    float
        [s].
    """
    return t2 / exponent * math.gamma(1 / exponent)


def fit_decay_law(time: Array, area: Array, covariance: Array, options: DecayOptions) -> DecayLaw:
    """Return the decay law of one region with its verdict.

    Parameters
    ----------
    time, area : ndarray, shape (slice,)
        Decay times [s] and areas; slices with NaN are left out.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    options : DecayOptions
        Laws and gates.
    """
    # The gates and the start of the fit look at the first slice: it must be the earliest.
    good = np.isfinite(time) & np.isfinite(area)
    time, area, covariance = time[good], area[good], covariance[np.ix_(good, good)]
    order = np.argsort(time, kind="stable")
    time, area, covariance = time[order], area[order], covariance[np.ix_(order, order)]
    unfitted = DecayLaw(points=time.size)
    times = np.unique(time).size
    if times < LEAST_TIMES:
        return unfitted.judge(Verdict.TOO_FEW, f"{times} different decay times; three are needed")
    stderr = np.sqrt(np.diag(covariance))
    if not area[0] > LEAST_SIGNAL * stderr[0]:
        return unfitted.judge(Verdict.NO_SIGNAL, "the first slice is below three standard errors")
    rise = _find_rise(area, covariance, options.max_rise)
    if rise is not None:
        return unfitted.judge(Verdict.NOT_DECAYING, rise.describe(area))
    best: DecayLaw | None = None
    for model in options.models:
        law = _fit_model(time, area, covariance, model)
        if law is not None and (best is None or law.bic + options.min_gain < best.bic):
            best = law
    return _judge_law(best or unfitted, area, options)


@dataclass(frozen=True, kw_only=True)
class _Rise:
    """Two slices between which a signal grows that should decay."""

    first: int
    second: int

    def describe(self, area: Array) -> str:
        """Return the rise in words."""
        before, after = area[self.first] / area[0], area[self.second] / area[0]
        return (
            f"rises from {before:.2f} to {after:.2f} of the first "
            f"between slices {self.first + 1} and {self.second + 1}"
        )


def _find_rise(area: Array, covariance: Array, limit: float) -> _Rise | None:
    """Return the largest significant rise against the decay, None where there is none."""
    variance = np.diag(covariance)
    change = area[None, :] - area[:, None]
    of_change = variance[:, None] + variance[None, :] - 2 * covariance
    spread = np.sqrt(np.maximum(of_change, 1e-300))
    later = np.triu(np.ones_like(change, bool), 1)
    rises = later & (change > limit * spread) & (change > LEAST_RISE * area[0])
    if not rises.any():
        return None
    first, second = np.unravel_index(np.where(rises, change, -np.inf).argmax(), rises.shape)
    return _Rise(first=int(first), second=int(second))


def _count_parameters(model: DecayModel) -> int:
    match model:
        case "exponential":
            return 2
        case "stretched":
            return 3
        case _ as unknown:
            typing.assert_never(unknown)


def _fit_model(time: Array, area: Array, covariance: Array, model: DecayModel) -> DecayLaw | None:
    """Return the generalised least-squares fit of a simple or stretched exponential, None where
    there are too few points.

    Scatter beyond the stated errors is taken as relative (pulses, receiver), of the size that makes
    the areas most likely; it is then enlarged by points / degrees of freedom in the variance, and
    the variance of the law by Student's factor dof / (dof - 2).
    """
    free = _count_parameters(model)
    if time.size < free:
        return None
    fit = _fit_least_squares(time, area, covariance, free)
    chi2, dof, scatter = fit.chi2, time.size - free, 0.0
    minus2, _ = _minimise_likelihood(area, fit.evaluate(time), covariance, np.zeros(1))
    for _ in range(SCATTER_ROUNDS if dof > 0 and chi2 > dof else 0):
        # The model that scatter is relative to moves with the weights: a few rounds settle both.
        before = scatter
        model_area = fit.evaluate(time)
        minus2, scatter = _minimise_likelihood(area, model_area, covariance, SCATTERS)
        if scatter == before:
            break
        widened = _add_scatter(covariance, fit.evaluate(time), scatter)
        fit = _fit_least_squares(time, area, widened, free)
    log_covariance = fit.log_covariance
    if scatter > 0:
        scatter *= float(np.sqrt(time.size / dof))
        widened = _add_scatter(covariance, fit.evaluate(time), scatter)
        fit = _fit_least_squares(time, area, widened, free)
        student = dof / (dof - 2) if dof > 2 else FEW_POINTS_FACTOR
        log_covariance = fit.log_covariance * student
    # The fit is of logarithms: d p = p d ln p.
    scale = np.diag(fit.parameters[:free])
    full = np.zeros((3, 3))
    full[:free, :free] = scale @ log_covariance @ scale
    amplitude, t2, exponent = (float(value) for value in fit.parameters)
    return DecayLaw(
        amplitude=amplitude,
        t2=t2,
        exponent=exponent,
        covariance=full,
        chi2=chi2,
        scatter=scatter,
        bic=minus2 + free * float(np.log(time.size)),
        points=time.size,
    )


def _add_scatter(covariance: Array, model: Array, scatter: float) -> Array:
    return np.asarray(covariance + np.diag((scatter * model) ** 2))


def _minimise_likelihood(
    area: Array, model: Array, covariance: Array, scatters: Array
) -> tuple[float, float]:
    """Return the least -2 ln(likelihood) over relative scatters, and the scatter there."""
    added = (scatters[:, None, None] * model[None, :, None]) ** 2 * np.eye(area.size)
    whole = covariance + added
    residual = area - model
    right = np.broadcast_to(residual, (len(scatters), area.size))[..., None]
    solved = np.linalg.solve(whole, right)[..., 0]
    minus2 = np.linalg.slogdet(whole)[1] + solved @ residual
    best = int(minus2.argmin())
    return float(minus2[best]), float(scatters[best])


@dataclass(frozen=True, kw_only=True)
class _LeastSquares:
    """A fit of (amplitude, T, b)."""

    parameters: Array
    """(3,)."""
    log_covariance: Array
    """(free, free), of the logarithms of the free ones."""
    chi2: float

    def evaluate(self, time: Array) -> Array:
        """Return the areas of the law at times [s], shape (time,)."""
        i0, t2, exponent = self.parameters
        return evaluate_decay(time, i0, t2, exponent)


def _fit_least_squares(time: Array, area: Array, covariance: Array, free: int) -> _LeastSquares:
    from scipy.optimize import least_squares

    # The ridge keeps areas that share their errors fully from spoiling the Cholesky factor.
    ridge = 1e-12 * np.trace(covariance) / time.size * np.eye(time.size)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance + ridge))
    span = float(np.ptp(time))
    decayed = np.flatnonzero(area < area[0] / np.e)
    t2 = float(time[decayed[0]] - time[0]) if decayed.size else span
    start = np.array([np.log(area[0]), np.log(max(t2, 1e-3 * span)), 0.0])[:free]

    def expand_logs(logs: Array) -> Array:
        return np.asarray(np.exp(np.append(logs, [0.0] * (3 - free))))

    def compute_residual(logs: Array) -> Array:
        i0, t2, exponent = expand_logs(logs)
        return np.asarray(whiten @ (evaluate_decay(time, i0, t2, exponent) - area))

    found = least_squares(compute_residual, start, method="lm")
    return _LeastSquares(
        parameters=expand_logs(found.x),
        log_covariance=np.linalg.pinv(found.jac.T @ found.jac),
        chi2=float(2 * found.cost),
    )


def _judge_law(law: DecayLaw, area: Array, options: DecayOptions) -> DecayLaw:
    """Return the law with the verdict of the first gate that it does not pass."""
    if law.covariance is None:
        return law.judge(Verdict.FAILED, "the fit did not converge")
    if law.exponent < options.min_exponent:
        reason = f"exponent {law.exponent:.2f} < {options.min_exponent}"
        return law.judge(Verdict.STRETCHED, reason)
    if law.amplitude > options.max_extrapolation * area[0]:
        ratio = law.amplitude / area[0]
        return law.judge(Verdict.FAR, f"extrapolates to {ratio:.2f} times the first slice")
    dof = law.points - 2
    too_large = law.chi2 > dof + MISFIT_SIGMA * np.sqrt(2 * dof)
    if law.scatter > options.max_scatter and too_large:
        reason = (
            f"areas scatter by {100 * law.scatter:.0f} % about the best law: "
            "no simple or stretched exponential"
        )
        return law.judge(Verdict.MISFIT, reason)
    if np.sqrt(law.covariance[1, 1]) > MAX_RELATIVE_STDERR * law.t2:
        return law.judge(Verdict.UNDETERMINED, "standard error of T2* above half its value")
    return law
