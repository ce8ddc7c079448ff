"""The law of one decay: simple or stretched exponential, or two exponentials, with its verdict."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass, replace
from typing import get_args

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


BIEXPONENTIAL = 4
"""Number of free parameters of two exponentials."""
LEAST_RATIO = 1.5
"""Decay times of two parts that are closer than this factor are one [1]."""
SLOW_SHARES = (0.005, 0.98)
"""A second part with a smaller or a larger share at zero delay is none [1]."""
STARTS = ((0.5, 0.2, 4.0), (0.8, 0.05, 10.0), (0.3, 0.5, 2.0))
"""Where fits of two exponentials begin: fast time, share of the slow part, slow time; times over
that of one exponential."""
LARGEST_LOG = 60.0
"""Logarithms of parameters are kept within this during a fit."""
NOTICEABLE = 0.01
"""A systematic error below this share of the standard error is none [1]."""


@dataclass(frozen=True, kw_only=True)
class DecayLaw:
    """I(t) = amplitude [(1 - p) exp(-(t / t2)^exponent) + p exp(-t / slow_t2)], fitted or not."""

    amplitude: float = np.nan
    """I at t = 0, in the unit of the areas."""
    t2: float = np.nan
    """T2* [s]."""
    exponent: float = 1.0
    """Stretching exponent b; 1 for a simple exponential."""
    slow_share: float = 0.0
    """Share p, at t = 0, of a second part that decays more slowly."""
    slow_t2: float = np.nan
    """Its decay time [s]; NaN where there is none."""
    covariance: Array | None = None
    """(5, 5), of (amplitude, t2, exponent, slow_share, slow_t2)."""
    model_systematic: float = 0.0
    """What the other laws that the areas admit make of the time to 1/e, weighed with their
    probability [s]."""
    growth_systematic: float = 0.0
    """What they make of the logarithm of the amplitude, by which a signal is carried back to
    t = 0 [1]."""
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

    def evaluate(self, time: Array, amplitude: float | None = None) -> Array:
        """Return the areas at times [s], shape (time,), with another amplitude where one is
        given."""
        i0 = self.amplitude if amplitude is None else amplitude
        return evaluate_decay(time, i0, self.t2, self.exponent, (self.slow_share, self.slow_t2))

    def judge(self, verdict: Verdict, reason: str) -> DecayLaw:
        """Return the law with a verdict and why (str)."""
        return replace(self, verdict=verdict, reason=reason)


def evaluate_decay(
    time: Array,
    i0: float,
    t2: float,
    exponent: float,
    slow: tuple[float, float] = (0.0, np.nan),
) -> Array:
    """Return I0 [(1 - p) exp(-(t/T)^b) + p exp(-t/T')], without a second part the stretched
    exponential (b = 1: simple).

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
    slow : tuple of float
        Share p of a second part, and its T' [s].

    Returns
    -------
    ndarray, shape (time,)
        In the unit of `i0`.
    """
    positive = np.maximum(time, 0.0)
    first = i0 * np.exp(-((positive / t2) ** exponent))
    share, slow_t2 = slow
    if share == 0:
        return np.asarray(first)
    return np.asarray((1 - share) * first + share * i0 * np.exp(-positive / slow_t2))


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
    tried = []
    # Simplest first: it is the others that must earn their parameters.
    for model in sorted(options.models, key=get_args(DecayModel).index):
        law = fit_model(time, area, covariance, model)
        if law is None:
            continue
        # Two parts of which one has gone before the first slice are a guess, not a law.
        if law.slow_share > 0 and law.amplitude > options.max_extrapolation * area[0]:
            continue
        tried.append(law)
        if best is None or law.bic + options.min_gain < best.bic:
            best = law
    if best is not None:
        best = _weigh_other_laws(best, tried)
    return _judge_law(best or unfitted, area, options)


def _weigh_other_laws(best: DecayLaw, tried: list[DecayLaw]) -> DecayLaw:
    """Return the best law with what the others that the areas admit make of it.

    A law counts with the square root of its probability by the information criterion.
    """
    if best.covariance is None:
        return best
    of_t2 = of_growth = 0.0
    for law in tried:
        odds = 1 / (1 + np.exp(np.clip((law.bic - best.bic) / 2, -500, 500)))
        moved = abs(_find_time_to_e(law) - _find_time_to_e(best))
        grown = abs(np.log(law.amplitude / best.amplitude))
        if law is not best and np.isfinite(moved) and np.isfinite(grown):
            of_t2 = max(of_t2, float(np.sqrt(odds) * min(moved, best.t2)))
            of_growth = max(of_growth, float(np.sqrt(odds) * min(grown, 1.0)))
    stderr = np.sqrt(np.diag(best.covariance))
    return replace(
        best,
        model_systematic=of_t2 if of_t2 > NOTICEABLE * stderr[1] else 0.0,
        growth_systematic=of_growth if of_growth * best.amplitude > NOTICEABLE * stderr[0] else 0.0,
    )


def _find_time_to_e(law: DecayLaw) -> float:
    """Return the time at which a law has fallen to 1/e of its amplitude [s]."""
    from scipy.optimize import brentq

    if law.slow_share == 0:
        return law.t2

    # At the faster part's time less than 1/e is lost, at the slower part's more.
    def measure_excess(time: float) -> float:
        return float(law.evaluate(np.asarray(time), 1.0)) - 1 / np.e

    return float(brentq(measure_excess, law.t2, law.slow_t2))


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
        case "biexponential":
            return BIEXPONENTIAL
        case _ as unknown:
            typing.assert_never(unknown)


def fit_model(time: Array, area: Array, covariance: Array, model: DecayModel) -> DecayLaw | None:
    """Return the generalised least-squares fit of a law, None where there are too few points or,
    of two exponentials, one is none.

    Scatter beyond the stated errors is taken as relative (pulses, receiver), of the size that makes
    the areas most likely; it is then enlarged by points / degrees of freedom in the variance, and
    the variance of the law by Student's factor dof / (dof - 2).
    """
    free = _count_parameters(model)
    is_double = free == BIEXPONENTIAL
    if time.size < free + is_double:
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
    amplitude, t2, exponent, slow_share, slow_t2 = (float(value) for value in fit.parameters)
    lowest, highest = SLOW_SHARES
    is_apart = slow_t2 > LEAST_RATIO * t2 and lowest < slow_share < highest
    if is_double and not is_apart:
        return None
    # The fit is of logarithms: d p = p d ln p, and of a share's odds, d p = p (1 - p) d ln(odds).
    scale = np.array([amplitude, t2, exponent, slow_share * (1 - slow_share), slow_t2])
    places = [0, 1, 3, 4] if is_double else list(range(free))
    full = np.zeros((5, 5))
    full[np.ix_(places, places)] = log_covariance * np.outer(scale[places], scale[places])
    return DecayLaw(
        amplitude=amplitude,
        t2=t2,
        exponent=exponent,
        slow_share=slow_share,
        slow_t2=slow_t2,
        covariance=full,
        chi2=chi2,
        scatter=scatter,
        bic=minus2 + free * float(np.log(time.size)) + _correct_for_few_points(scatter, free, dof),
        points=time.size,
    )


def _correct_for_few_points(scatter: float, free: int, dof: int) -> float:
    """Return what a criterion lacks where the scatter is a parameter, too, and points are few:
    2 k (k + 1) / (n - k - 1) (C. M. Hurvich & C.-L. Tsai, Biometrika 76 (1989) 297)."""
    if scatter == 0:
        return 0.0
    parameters = free + 1
    return 2 * parameters * (parameters + 1) / max(dof - 2, 0.5)


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
    """A fit of (amplitude, T, b, share of a slow part, its T)."""

    parameters: Array
    """(5,)."""
    log_covariance: Array
    """(free, free), of the logarithms of the free ones, and of the share's odds."""
    chi2: float

    def evaluate(self, time: Array) -> Array:
        """Return the areas of the law at times [s], shape (time,)."""
        i0, t2, exponent, share, slow_t2 = self.parameters
        return evaluate_decay(time, i0, t2, exponent, (share, slow_t2))


def _fit_least_squares(time: Array, area: Array, covariance: Array, free: int) -> _LeastSquares:
    from scipy.optimize import least_squares

    # The ridge keeps areas that share their errors fully from spoiling the Cholesky factor.
    ridge = 1e-12 * np.trace(covariance) / time.size * np.eye(time.size)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance + ridge))
    span = float(np.ptp(time))
    decayed = np.flatnonzero(area < area[0] / np.e)
    t2 = float(time[decayed[0]] - time[0]) if decayed.size else span
    start = np.array([np.log(area[0]), np.log(max(t2, 1e-3 * span)), 0.0])

    def compute_residual(logs: Array) -> Array:
        i0, t2, exponent, share, slow_t2 = _expand_logs(logs, free)
        return np.asarray(
            whiten @ (evaluate_decay(time, i0, t2, exponent, (share, slow_t2)) - area)
        )

    if free < BIEXPONENTIAL:
        found = least_squares(compute_residual, start[:free], method="lm")
    else:
        single = _fit_least_squares(time, area, covariance, 2).parameters
        starts = [
            np.log([single[0], fast * single[1], share / (1 - share), slow * single[1]])
            for fast, share, slow in STARTS
        ]
        fits = [least_squares(compute_residual, one, method="lm") for one in starts]
        found = min(fits, key=lambda fit: float(fit.cost))
    parameters = _expand_logs(found.x, free)
    jacobian = found.jac
    if parameters[4] < parameters[1]:
        # The slower part is named second, whichever the fit found first.
        jacobian = jacobian[:, [0, 3, 2, 1]] * np.array([1.0, 1.0, -1.0, 1.0])
        parameters = parameters[[0, 4, 2, 3, 1]]
        parameters[3] = 1 - parameters[3]
    return _LeastSquares(
        parameters=parameters,
        log_covariance=np.linalg.pinv(jacobian.T @ jacobian),
        chi2=float(2 * found.cost),
    )


def _expand_logs(logs: Array, free: int) -> Array:
    """Return all five parameters from the logarithms of the free ones, and of the share's odds."""
    values = np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG))
    if free < BIEXPONENTIAL:
        return np.concatenate([values, np.ones(3 - free), [0.0, np.nan]])
    i0, t2, odds, slow_t2 = values
    return np.array([i0, t2, 1.0, odds / (1 + odds), slow_t2])


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
            "no simple, stretched or double exponential"
        )
        return law.judge(Verdict.MISFIT, reason)
    if np.sqrt(law.covariance[1, 1]) > MAX_RELATIVE_STDERR * law.t2:
        return law.judge(Verdict.UNDETERMINED, "standard error of T2* above half its value")
    if law.slow_share > 0:
        part = f"{100 * law.slow_share:.0f} % of it with {1e6 * law.slow_t2:.0f} us"
        return replace(law, reason=f"decays in two parts, {part}")
    return law
