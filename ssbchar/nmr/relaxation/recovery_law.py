"""The law of a recovery: I(t) = E - (E - S) exp(-(t / T)^b), with T1 = T.

S is the amplitude at zero delay: 0 after perfect saturation, -E after perfect inversion. Both are
fitted, so that neither need be perfect, and which of both was measured need not be known. A spin
lock is the same law with E = 0, and T = T1rho.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.relaxation.options import RecoveryModel, RelaxationOptions
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

TIMES = 240
"""Times T tried between a fifth of the shortest delay and ten times the longest."""
SPAN = (0.2, 10.0)
"""The ends of these, over the shortest and the longest delay [1]."""
EXPONENTS = np.linspace(0.3, 1.0, 29)
"""Stretching exponents tried [1]."""
LEAST_SIGNAL = 3.0
"""Standard errors by which an amplitude must change in all."""
ROUNDS = 4
"""Rounds of fit and scatter in turn."""
MAX_RELATIVE_STDERR = 0.3
"""Of T: else verdict ``undetermined`` [1]."""
LEAST_DOF, FEW_POINTS_FACTOR = 2, 3.0
"""Degrees of freedom above which Student's variance exists, and the factor taken below."""
STEPS = 30
"""Newton steps of the fit at most."""
CONVERGED = 1e-8
"""Relative change of T that ends the fit [1]."""


@dataclass(frozen=True, kw_only=True)
class RecoveryLaw:
    """The law of one region with its verdict."""

    equilibrium: float = np.nan
    """E, in the unit of the amplitudes; 0 of a spin lock."""
    start: float = np.nan
    """S."""
    time: float = np.nan
    """T [s]."""
    exponent: float = 1.0
    """b."""
    covariance: Array | None = None
    """(4, 4), of (equilibrium, start, time, exponent); zero where not fitted."""
    scatter: float = 0.0
    """Relative scatter beyond the stated errors [1]."""
    systematic: float = 0.0
    """What the other law makes of the time to 1/e, weighed with its probability [s]."""
    criterion: float = np.inf
    verdict: Verdict = Verdict.OK
    reason: str = ""

    def evaluate(self, delay: Array) -> Array:
        """Return the amplitudes at delays [s], shape (slice,)."""
        return evaluate_recovery(delay, self.equilibrium, self.start, self.time, self.exponent)

    def propagate(self, delay: Array) -> Array:
        """Return the variance of the law at delays [s], shape (slice,)."""
        if self.covariance is None:
            return np.full(delay.shape, np.nan)
        slopes = differentiate_recovery(
            delay, self.equilibrium, self.start, self.time, self.exponent
        )
        return np.asarray(np.einsum("si,ij,sj->s", slopes, self.covariance, slopes))

    def judge(self, verdict: Verdict, reason: str) -> RecoveryLaw:
        """Return the law with a verdict and why (str)."""
        return replace(self, verdict=verdict, reason=reason)


def evaluate_recovery(
    delay: Array, equilibrium: float, start: float, time: float, exponent: float = 1.0
) -> Array:
    """Return E - (E - S) exp(-(t / T)^b).

    Parameters
    ----------
    delay : ndarray, shape (slice,)
        t [s].
    equilibrium, start : float
        E and S, in any unit.
    time : float
        T [s].
    exponent : float
        b.

    Returns
    -------
    ndarray, shape (slice,)
        In the unit of E.
    """
    left = np.exp(-((delay / time) ** exponent))
    return np.asarray(equilibrium + (start - equilibrium) * left)


def differentiate_recovery(
    delay: Array, equilibrium: float, start: float, time: float, exponent: float = 1.0
) -> Array:
    """Return the derivatives with respect to E, S, T and b, shape (slice, 4), in the unit of E over
    that of each; parameters as `evaluate_recovery` [s]."""
    reduced = delay / time
    power = reduced**exponent
    left = np.exp(-power)
    of_time = (start - equilibrium) * left * power * exponent / time
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.where(reduced > 0, np.log(np.where(reduced > 0, reduced, 1.0)), 0.0)
    of_exponent = -(start - equilibrium) * left * power * logarithm
    return np.stack([1 - left, left, of_time, of_exponent], axis=1)


def fit_recovery_law(
    delay: Array,
    amplitude: Array,
    stderr: Array,
    options: RelaxationOptions,
    *,
    spin_lock: bool,
    least_scatter: float = 0.0,
) -> RecoveryLaw:
    """Return the law of one region with its verdict.

    Parameters
    ----------
    delay, amplitude, stderr : ndarray, shape (slice,)
        Delays [s], signed amplitudes, and their standard errors in the same unit.
    options : RelaxationOptions
        Laws and gates.
    spin_lock : bool
        The amplitudes fall to zero.
    least_scatter : float
        Relative scatter that is known to be there, from the other region of the same slices [1].
    """
    free = 2 if spin_lock else 3
    times = np.unique(delay).size
    if times < free + 1:
        reason = f"{times} different delays; {free + 1} are needed"
        return RecoveryLaw().judge(Verdict.TOO_FEW, reason)
    weight = 1 / stderr**2
    mean = 0.0 if spin_lock else float(weight @ amplitude / weight.sum())
    seen = np.abs(amplitude - mean) / stderr
    if np.sort(seen)[-2:].min() < LEAST_SIGNAL:
        reason = "the amplitude does not change by three standard errors"
        return RecoveryLaw().judge(Verdict.NO_SIGNAL, reason)
    tried = [
        law
        for model in options.models
        if (law := _fit_model(delay, amplitude, stderr, model, (spin_lock, least_scatter)))
        is not None
    ]
    if not tried:
        reason = "no time between the shortest and the longest delay describes the amplitudes"
        return RecoveryLaw().judge(Verdict.UNDETERMINED, reason)
    best = tried[0]
    for law in tried[1:]:
        if law.criterion + options.min_gain < best.criterion:
            best = law
    return _judge_law(_weigh_other_laws(best, tried), delay, options)


def _weigh_other_laws(best: RecoveryLaw, tried: Sequence[RecoveryLaw]) -> RecoveryLaw:
    """Return the law with what the others make of its time: one counts with the square root of its
    probability by the criterion."""
    systematic = 0.0
    for law in tried:
        odds = 1 / (1 + np.exp(np.clip((law.criterion - best.criterion) / 2, -500, 500)))
        if law is not best:
            moved = min(abs(law.time - best.time), best.time)
            systematic = max(systematic, float(np.sqrt(odds)) * moved)
    error = 0.0 if best.covariance is None else float(np.sqrt(best.covariance[2, 2]))
    # A stretched law whose exponent is one differs from the simple one by noise, which is counted.
    return replace(best, systematic=systematic if systematic > error else 0.0)


def _judge_law(law: RecoveryLaw, delay: Array, options: RelaxationOptions) -> RecoveryLaw:
    error = np.inf if law.covariance is None else float(np.sqrt(law.covariance[2, 2]))
    if not error < MAX_RELATIVE_STDERR * law.time:
        longest = float(delay.max())
        reason = (
            f"the delays (up to {longest:.3g} s) leave it open: {law.time:.2g} +- {error:.1g} s"
        )
        return law.judge(Verdict.UNDETERMINED, reason)
    if law.exponent < options.min_exponent:
        return law.judge(Verdict.STRETCHED, f"exponent b = {law.exponent:.2f}: no single time")
    if law.scatter > options.max_scatter:
        reason = f"the amplitudes scatter by {100 * law.scatter:.0f} % about the law"
        return law.judge(Verdict.MISFIT, reason)
    return law


def _fit_model(
    delay: Array,
    amplitude: Array,
    stderr: Array,
    model: RecoveryModel,
    known: tuple[bool, float],
) -> RecoveryLaw | None:
    """Return the fit of a law, None where none lies between the delays or too few points are there.

    `known` is whether it is a spin lock, and the least scatter. Scatter beyond the stated errors is
    taken as relative to the larger of E and S (pulses, gain),
    of the size that makes chi-square equal its degrees of freedom; the variance of the law is then
    enlarged by Student's factor dof / (dof - 2).
    """
    spin_lock, least_scatter = known
    is_stretched = model == "stretched"
    free = 2 + (not spin_lock) + is_stretched
    dof = delay.size - free
    if dof < 1:
        return None
    exponents = EXPONENTS if is_stretched else np.ones(1)
    shortest = float(delay[delay > 0].min())
    grid = np.geomspace(SPAN[0] * shortest, SPAN[1] * float(delay.max()), TIMES)
    scatter = 0.0
    law = _fit_weighted(delay, amplitude, stderr, grid, exponents, spin_lock)
    for _ in range(ROUNDS):
        if law is None:
            return None
        least = least_scatter * max(abs(law.equilibrium), abs(law.start))
        scatter = max(_find_scatter(amplitude - law.evaluate(delay), stderr, dof), least)
        if scatter == 0:
            break
        total = np.sqrt(stderr**2 + scatter**2)
        law = _fit_weighted(delay, amplitude, total, grid, exponents, spin_lock)
    if law is None:
        return None
    size = max(abs(law.equilibrium), abs(law.start))
    total = np.sqrt(stderr**2 + scatter**2)
    residual = amplitude - law.evaluate(delay)
    chi2 = float(np.sum((residual / total) ** 2) + 2 * np.sum(np.log(total / stderr)))
    points = delay.size
    left = points - free - 1
    few = 2 * free * (free + 1) / left if left > 0 else np.inf
    covariance = law.covariance
    if scatter > 0 and covariance is not None:
        # The scatter of few points is itself uncertain: Student's variance.
        covariance = covariance * (dof / (dof - 2) if dof > LEAST_DOF else FEW_POINTS_FACTOR)
    return replace(
        law,
        covariance=covariance,
        scatter=scatter / size,
        criterion=chi2 + free * np.log(points) + few,
    )


def _find_scatter(residual: Array, stderr: Array, dof: int) -> float:
    """Return the scatter, in the unit of the residuals, that makes chi-square its degrees of
    freedom; zero where it is no more."""
    if np.sum((residual / stderr) ** 2) <= dof:
        return 0.0
    low, high = 0.0, float(np.abs(residual).max()) * np.sqrt(residual.size)
    for _ in range(60):
        middle = (low + high) / 2
        chi2 = np.sum(residual**2 / (stderr**2 + middle**2))
        low, high = (middle, high) if chi2 > dof else (low, middle)
    return float((low + high) / 2)


def _fit_weighted(
    delay: Array,
    amplitude: Array,
    stderr: Array,
    grid: Array,
    exponents: Array,
    spin_lock: bool,
) -> RecoveryLaw | None:
    """Return the law of least chi-square: E and S are linear for a given time and exponent, which a
    grid and then Gauss-Newton steps find."""
    scaled = amplitude / stderr
    best, place = np.inf, (0, 0)
    for k, exponent in enumerate(exponents):
        left = np.exp(-((delay / grid[:, None]) ** exponent))
        chi2 = _scan_linear(left / stderr, (1 - left) / stderr, scaled, spin_lock)
        i = int(chi2.argmin())
        if chi2[i] < best:
            best, place = float(chi2[i]), (k, i)
    k, i = place
    if i in (0, grid.size - 1):
        return None
    start = np.array([*_solve_linear(delay, scaled, stderr, grid[i], exponents[k], spin_lock)])
    at = np.array([*start, grid[i], exponents[k]])
    free = np.array([not spin_lock, True, True, exponents.size > 1])
    at, covariance = _refine(delay, amplitude, stderr, at, free)
    if not np.all(np.isfinite(at)) or not grid[0] < at[2] < grid[-1]:
        return None
    if at[3] > 1:
        # No distribution of times compresses a recovery: it is scatter.
        return None
    equilibrium, first, time, exponent = map(float, at)
    return RecoveryLaw(
        equilibrium=equilibrium,
        start=first,
        time=time,
        exponent=exponent,
        covariance=covariance,
    )


def _scan_linear(left: Array, grown: Array, scaled: Array, spin_lock: bool) -> Array:
    """Return chi-square of each time, shape (time,), for columns of shape (time, slice)."""
    ss, sy = np.sum(left * left, axis=1), left @ scaled
    total = float(scaled @ scaled)
    if spin_lock:
        return np.asarray(total - sy**2 / np.maximum(ss, 1e-300))
    ee, es, ey = np.sum(grown * grown, axis=1), np.sum(left * grown, axis=1), grown @ scaled
    determinant = ee * ss - es**2
    sound = determinant > 1e-12 * ee * ss
    safe = np.where(sound, determinant, 1.0)
    gain = (ss * ey**2 - 2 * es * ey * sy + ee * sy**2) / safe
    return np.where(sound, total - gain, total)


def _solve_linear(
    delay: Array, scaled: Array, stderr: Array, time: float, exponent: float, spin_lock: bool
) -> tuple[float, float]:
    """Return E and S for a time and an exponent."""
    left = np.exp(-((delay / time) ** exponent))
    columns = np.stack([1 - left, left], axis=1)[:, int(spin_lock) :] / stderr[:, None]
    found = np.linalg.lstsq(columns, scaled, rcond=None)[0]
    return (0.0, float(found[0])) if spin_lock else (float(found[0]), float(found[1]))


def _refine(
    delay: Array, amplitude: Array, stderr: Array, at: Array, free: Array
) -> tuple[Array, Array]:
    """Return the parameters after Gauss-Newton steps that never raise chi-square, and their
    covariance."""

    def misfit(parameters: Array) -> tuple[float, Array]:
        residual = (amplitude - evaluate_recovery(delay, *parameters)) / stderr
        return float(residual @ residual), residual

    chosen = np.flatnonzero(free)
    chi2, residual = misfit(at)
    for _ in range(STEPS):
        slopes = differentiate_recovery(delay, *at)[:, chosen] / stderr[:, None]
        step = np.zeros(4)
        step[chosen] = np.linalg.lstsq(slopes, residual, rcond=None)[0]
        while np.abs(step[2]) > 0.5 * at[2] or at[3] + step[3] <= 0:
            step = step / 2
        better = at + step
        new, new_residual = misfit(better)
        while not new <= chi2 and np.abs(step[2]) > CONVERGED * at[2]:
            step = step / 2
            better = at + step
            new, new_residual = misfit(better)
        if not new <= chi2:
            break
        is_done = np.abs(step[2]) < CONVERGED * at[2]
        at, chi2, residual = better, new, new_residual
        if is_done:
            break
    slopes = differentiate_recovery(delay, *at)[:, chosen] / stderr[:, None]
    covariance = np.zeros((4, 4))
    covariance[np.ix_(chosen, chosen)] = np.linalg.pinv(slopes.T @ slopes, hermitian=True)
    return at, covariance
