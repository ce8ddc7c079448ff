"""Variable projection: line shapes shared by all slices, with areas and phases solved for given
shapes.

A slice is y_s(t) = sum_j exp(i phi_sg) a_sj f_j(t + t0) with real a_sj >= 0, g the phase group of
line j, and

    f_j(tau) = exp(2 pi i nu_j tau - pi w_j |tau| - (pi g_j tau)^2 / (4 ln 2)),

w the Lorentzian and g the Gaussian full width at half maximum. For given shapes the areas are
linear and the phases closed or nearly so (G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973)
413); the shapes follow by Levenberg-Marquardt with the Jacobian of L. Kaufman, BIT 15 (1975) 49.
All sums over time enter through the Gram matrix of the shapes and their derivatives, so a series
costs little more than one slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.lineshape.amplitudes import solve_system
from ssbchar.nmr.lineshape.normal_equations import (
    LineshapeState,
    build_normal_equations,
    evaluate_state,
    invert_by_eigenvalues,
)
from ssbchar.nmr.lineshape.shapes import (
    ORIGIN_LIMIT,
    PER_REGION,
    PER_SLICE,
    SHARED,
    LineshapeProblem,
    LineShapes,
    evaluate_shapes,
)
from ssbchar.typing import Array, Complex, Index


@dataclass(frozen=True)
class LineFit:
    """A fit: shapes with covariance, areas and phases per slice."""

    state: LineshapeState
    """Shapes, areas and phases, chi-square with the prior."""
    free_area: Array
    """(slice, line) for the same shapes and phases without the bound at zero: unbiased where the
    signal is gone."""
    parameters: int
    points: int
    """Number of real data."""
    covariance: Array
    """Of (free shape parameters, then the areas slice by slice)."""
    free: Index
    """Which of (nu, width, gauss2, origin, phase) are free, as indices into their concatenation."""

    @property
    def shapes(self) -> LineShapes:
        """The lines."""
        return self.state.shapes

    @property
    def area(self) -> Array:
        """Areas, shape (slice, line)."""
        return self.state.area

    @property
    def phase(self) -> Array:
        """Phases, shape (slice, line) [rad]."""
        return self.state.phase

    @property
    def chi2(self) -> float:
        """Sum of squared residuals over sigma^2, with the prior."""
        return self.state.chi2

    @property
    def bic(self) -> float:
        """Bayesian information criterion (G. Schwarz, Ann. Stat. 6 (1978) 461)."""
        return self.chi2 + self.parameters * float(np.log(self.points))


def _packed(shapes: LineShapes) -> Array:
    return np.concatenate([shapes.nu, shapes.width, shapes.gauss2, [shapes.origin, 0.0]])


def _unpacked(shapes: LineShapes, values: Array) -> LineShapes:
    nu, width, gauss2 = values[: 3 * shapes.n].reshape(3, -1)
    kept = (shapes.voigt, shapes.region, shapes.low, shapes.high, shapes.held)
    return LineShapes(nu, width, gauss2, *kept, float(values[-2]))


def _bounds(problem: LineshapeProblem, shapes: LineShapes) -> tuple[Array, Array]:
    span = problem.time[-1] - problem.time[0]
    broad = min(0.25 * (problem.time.size - 1) / span, problem.max_width)
    n = shapes.n
    narrow = np.where(shapes.voigt, 0.0, 0.05 / span)
    low = np.concatenate([shapes.low, narrow, np.zeros(n), [-ORIGIN_LIMIT, -np.inf]])
    high = np.concatenate(
        [shapes.high, np.full(n, broad), np.full(n, broad**2), [ORIGIN_LIMIT, np.inf]]
    )
    return low, high


def fit_shapes(
    problem: LineshapeProblem,
    start: LineShapes,
    max_steps: int = 60,
    least_gain: float = 1e-6,
    final: bool = True,
    goal: float = float("inf"),
    at: LineshapeState | None = None,
    loose: float = 0.0,
) -> LineFit:
    """Return the least-squares fit from given starting shapes.

    Parameters
    ----------
    problem : LineshapeProblem
        Data, noise, phase model.
    start : Shapes
        Where to begin; which lines are Voigt.
    max_steps : int
        Most Levenberg-Marquardt steps.
    least_gain : float
        Fall of chi-square below which, foreseen, no further step is taken; 1e-6 is 1e-3 standard
        errors. A step that gained less than ten times as much is the last.
    final : bool
        Whether the covariance is wanted; such a fit begins near its end, with hardly any damping.
    goal : float
        Chi-square that makes the fit worth having: it is given up where a step gains less than 1 %
        of what lacks.
    at : LineshapeState, optional
        The state at `start`, where known.
    loose : float
        Share of chi-square in excess of the number of data that may be left to be gained, whatever
        `least_gain`.
    """
    problem = problem.prepared()
    low, high = _bounds(problem, start)
    free = np.flatnonzero(_wanted(problem, start))
    at = at or evaluate_state(
        problem, _unpacked(start, np.minimum(np.maximum(_packed(start), low), high))
    )
    floor = 1e-13 * float(np.sum(problem.power / problem.sigma**2))
    damping = 1e-9 if final else 1e-3
    for _ in range(max_steps):
        least = max(least_gain, loose * (at.chi2 - 2 * problem.y.size))
        trial, damping = _step(problem, at, low, high, free, damping, least)
        if trial is None:
            break
        gain, at = at.chi2 - trial.chi2, trial
        if gain < max(10 * least_gain, floor, 0.01 * (at.chi2 - goal)):
            break
    return _finish(problem, at, low, high, free, final)


def _wanted(problem: LineshapeProblem, shapes: LineShapes) -> NDArray[np.bool_]:
    """Return which of (nu, width, gauss2, origin, phase) are fitted."""
    seen, ends = ~shapes.held, [problem.phases != PER_REGION, problem.phases == SHARED]
    return np.concatenate([seen, seen, shapes.voigt & seen, ends])


def would_gain_by_gaussian(
    problem: LineshapeProblem, at: LineshapeState, line: int, left: Complex
) -> bool:
    """Return whether a Gaussian width of a line, now zero, would lower chi-square to first order.

    Its derivative is -pi^2 / (4 ln 2) tau^2 A f; where the fit has converged what is left is at
    right angles to all other derivatives, so that they need not be asked.

    Parameters
    ----------
    problem : LineshapeProblem
        Data.
    at : LineshapeState
        A fit that has converged.
    line : int
        Which line.
    left : ndarray, shape (slice, time)
        Data less model (`left_over`).
    """
    bent = (problem.time + at.shapes.origin) ** 2 * evaluate_shapes(
        at.shapes.taken(np.array([line])), problem.time
    )[0].conj()
    return bool(
        (complex_amplitudes(at)[:, line].conj() * (left @ bent)).real @ problem.sigma**-2 < 0
    )


def _step(
    problem: LineshapeProblem,
    at: LineshapeState,
    low: Array,
    high: Array,
    free: Index,
    damping: float,
    least: float,
) -> tuple[LineshapeState | None, float]:
    """Return the next, better state (None where no more than `least` is to be gained) and the
    damping to go on with."""
    values = _packed(at.shapes)
    found = build_normal_equations(problem, at, free)
    matrix, slope, here = found.matrix, found.slope, values[free]
    stuck = ((here <= low[free]) & (slope < 0)) | ((here >= high[free]) & (slope > 0))
    if stuck.any():
        free, matrix, slope = free[~stuck], matrix[np.ix_(~stuck, ~stuck)], slope[~stuck]
    diagonal = matrix.diagonal()
    scale = np.sqrt(np.divide(1.0, diagonal, out=np.zeros(free.size), where=diagonal > 0))
    scaled, slope = matrix * scale * scale[:, None], scale * slope
    for _ in range(8):
        damped, trial = scaled.copy(), values.copy()
        damped.flat[:: free.size + 1] += damping
        move = solve_system(damped, slope)
        if move @ slope + damping * (move @ move) < least:
            break
        trial[free] += scale * move
        tried = evaluate_state(
            problem, _unpacked(at.shapes, np.minimum(np.maximum(trial, low), high))
        )
        if tried.chi2 < at.chi2:
            return tried, damping / 10
        damping = max(damping, 1e-6) * 10
    return None, damping


def _finish(
    problem: LineshapeProblem, at: LineshapeState, low: Array, high: Array, free: Index, final: bool
) -> LineFit:
    """Return the solution, with the covariance of shapes and areas where it is final."""
    slices = len(at.area)
    phases = {SHARED: 0, PER_SLICE: slices}.get(problem.phases)
    if phases is None:
        phases = slices * (int(problem.groups(at.shapes).max()) + 1)
    count, points = free.size + at.area.size + phases, 2 * problem.y.size
    if not final:
        return LineFit(at, at.area, count, points, np.empty((0, 0)), free)
    values = _packed(at.shapes)
    inside = free[(values[free] > low[free]) & (values[free] < high[free])]
    return LineFit(at, _free_area(at), count, points, _covariance(problem, at, inside), inside)


def _covariance(problem: LineshapeProblem, at: LineshapeState, free: Index) -> Array:
    """Return the covariance of the free shape parameters, then the areas slice by slice."""
    n, slices = at.shapes.n, len(at.area)
    found = build_normal_equations(problem, at, free, exact=True)
    shape_covariance = invert_by_eigenvalues(found.matrix)
    chain = -found.link[:, :n].reshape(slices * n, free.size)
    covariance = np.zeros((free.size + slices * n,) * 2)
    blocks = covariance[free.size :, free.size :].reshape(slices, n, slices, n)
    blocks[np.arange(slices), :, np.arange(slices), :] = found.own[:, :n, :n]
    covariance[: free.size, : free.size] = shape_covariance
    covariance[free.size :, : free.size] = chain @ shape_covariance
    covariance[: free.size, free.size :] = covariance[free.size :, : free.size].T
    covariance[free.size :, free.size :] += chain @ shape_covariance @ chain.T
    return covariance


def _free_area(at: LineshapeState) -> Array:
    n = at.shapes.n
    turn = np.exp(1j * at.phase)
    gram = np.real(turn.conj()[:, :, None] * at.sums.gram[:n, :n] * turn[:, None, :])
    gram += 1e-12 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(n)
    return np.asarray(
        np.linalg.solve(gram, np.real(turn.conj() * at.sums.data[:, :n])[:, :, None])[:, :, 0]
    )


def complex_amplitudes(at: LineshapeState) -> Complex:
    """Return the lines' complex amplitudes, shape (slice, line)."""
    return np.asarray(at.area * np.exp(1j * at.phase))


def compute_residual(problem: LineshapeProblem, at: LineshapeState) -> Complex:
    """Return data less model, shape (slice, time)."""
    return problem.cleaned(
        problem.y - complex_amplitudes(at) @ evaluate_shapes(at.shapes, problem.time)
    )
