"""Variable projection: line shapes shared by all slices, with areas and phases solved for given
shapes.

A slice is y_s(t) = sum_j exp(i phi_sg) a_sj f_j(t + t0) with real a_sj >= 0, g the phase group of
line j, and f_j a line of `ssbchar.nmr.lineshape.shapes`. For given shapes the areas are linear and
the phases closed or nearly so (G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413); the
shapes follow by Levenberg-Marquardt with the Jacobian of L. Kaufman, BIT 15 (1975) 49. All sums
over time enter through the Gram matrix of the shapes and their derivatives, so a series costs
little more than one slice.

This is the solver for a given number of lines; `ssbchar.nmr.lineshape.model_selection`, which
decides on that number, stands above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.lineshape.amplitudes import solve_system
from ssbchar.nmr.lineshape.normal_equations import (
    LineshapeState,
    build_normal_equations,
    evaluate_state,
    invert_by_eigenvalues,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes
from ssbchar.nmr.powder.parameters import bound_patterns
from ssbchar.typing import Array, Bool, Index

ORIGIN_LIMIT = 60e-6
"""Largest time origin looked for [s]."""
BROADEST = 0.25
"""Largest width of a line, over the sampling rate."""
NARROWEST = 0.05
"""Smallest width of a Lorentzian, over the inverse length of the decay."""
TRIALS = 8
"""Dampings tried for one step."""
FIRST_DAMPING = 1e-3
LAST_FIT_DAMPING = 1e-9
"""Of a fit that begins near its end."""
RIDGE = 1e-12
"""Share of the trace added to the Gram matrix of areas without the bound at zero."""


@dataclass(frozen=True, kw_only=True)
class FitControl:
    """How far a fit goes, and what is made of it."""

    max_steps: int = 60
    """Most Levenberg-Marquardt steps."""
    least_gain: float = 1e-6
    """Fall of chi-square below which, foreseen, no further step is taken; 1e-6 is 1e-3 standard
    errors. A step that gained less than ten times as much is the last."""
    goal: float = float("inf")
    """Chi-square that makes the fit worth having: it is given up where a step gains too little of
    what lacks."""
    least_share: float = 0.01
    """That share of what lacks to `goal`."""
    excess_share: float = 0.0
    """Share of chi-square in excess of the number of data that may be left to be gained, whatever
    `least_gain`."""
    final: bool = True
    """Whether the covariance is wanted; such a fit begins near its end, with hardly any damping."""


FINAL = FitControl()
"""A fit whose result is reported."""


@dataclass(frozen=True, kw_only=True)
class LineFit:
    """A fit: shapes with covariance, areas and phases per slice."""

    problem: LineshapeProblem
    """What was fitted."""
    state: LineshapeState
    """Shapes, areas and phases, chi-square with the prior."""
    free_area: Array
    """(slice, line) for the same shapes and phases without the bound at zero: unbiased where the
    signal is gone."""
    parameters: int
    """Number of free parameters, areas and phases counted."""
    points: int
    """Number of real data."""
    covariance: Array
    """Of the free shape parameters, then the areas slice by slice; empty unless the fit is
    final."""
    free: Index
    """Which shape parameters are free, as positions in `LineShapes.pack_parameters`."""
    rival: LineFit | None = None
    """The next best fit of the same decay with another time origin."""
    rival_gain: float = float("nan")
    """How much higher the criterion is there, with what the time origin itself adds to it."""

    @property
    def shapes(self) -> LineShapes:
        """The lines."""
        return self.state.shapes

    @property
    def area(self) -> Array:
        """Areas, shape (slice, line), in the unit of the data."""
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

    @property
    def area_covariance(self) -> Array:
        """Covariance of the areas, shape (slice, line, slice, line)."""
        slices, lines = self.area.shape
        block = self.covariance[self.free.size :, self.free.size :]
        return block.reshape(slices, lines, slices, lines)


@dataclass(frozen=True, kw_only=True)
class _Bounds:
    """Bounds of the parameters of `LineShapes.pack_parameters`."""

    low: Array
    high: Array

    def clip(self, values: Array) -> Array:
        """Return the values within the bounds."""
        return np.minimum(np.maximum(values, self.low), self.high)


def fit_shapes(
    problem: LineshapeProblem,
    start: LineShapes,
    control: FitControl = FINAL,
    at: LineshapeState | None = None,
) -> LineFit:
    """Return the least-squares fit from given starting shapes.

    Parameters
    ----------
    problem : LineshapeProblem
        Data, noise, phase model.
    start : LineShapes
        Where to begin [Hz, s]; which lines are Voigt.
    control : FitControl
        How far to go.
    at : LineshapeState, optional
        The state at `start`, where known.
    """
    problem = problem.prepare()
    bounds = _bound_parameters(problem, start)
    free = np.flatnonzero(_choose_free(problem, start))
    if at is None:
        inside = start.unpack_parameters(bounds.clip(start.pack_parameters()))
        at = evaluate_state(problem, inside)
    # What is less than this is rounding in the sum of squares.
    floor = 1e-13 * float(np.sum(problem.power / problem.sigma**2))
    damping = LAST_FIT_DAMPING if control.final else FIRST_DAMPING
    for _ in range(control.max_steps):
        excess = at.chi2 - 2 * problem.y.size
        least = max(control.least_gain, control.excess_share * excess)
        step = _take_step(problem, at, bounds, free, damping=damping, least=least)
        damping = step.damping
        if step.state is None:
            break
        gain, at = at.chi2 - step.state.chi2, step.state
        lacking = control.least_share * (at.chi2 - control.goal)
        if gain < max(10 * control.least_gain, floor, lacking):
            break
    return _conclude_fit(problem, at, bounds, free, final=control.final)


def _bound_parameters(problem: LineshapeProblem, shapes: LineShapes) -> _Bounds:
    n = shapes.n
    span = problem.time[-1] - problem.time[0]
    broad = min(BROADEST * (problem.time.size - 1) / span, problem.max_width)
    # A Voigt line may be all Gaussian; a Lorentzian without width would be one point.
    narrow = np.where(shapes.voigt, 0.0, NARROWEST / span)
    ends = np.array([ORIGIN_LIMIT, np.inf])
    lowest, highest = bound_patterns(shapes.fitted)
    return _Bounds(
        low=np.concatenate([shapes.low, narrow, np.zeros(n), -ends, lowest]),
        high=np.concatenate([shapes.high, np.full(n, broad), np.full(n, broad**2), ends, highest]),
    )


def _choose_free(problem: LineshapeProblem, shapes: LineShapes) -> Bool:
    """Return which parameters of `LineShapes.pack_parameters` are fitted.

    A time origin and phases of every region describe the same turn, so that one of them is enough.
    """
    seen = ~shapes.held
    has_origin = problem.phases != PhaseModel.PER_REGION
    has_common_phase = problem.phases == PhaseModel.SHARED
    of_patterns = np.ones(int(shapes.fitted.sum()), bool)
    of_lines = [seen, seen, shapes.voigt & seen, [has_origin, has_common_phase]]
    return np.concatenate([*of_lines, of_patterns])


@dataclass(frozen=True, kw_only=True)
class _Step:
    state: LineshapeState | None
    """None where no more than the least gain is to be had."""
    damping: float
    """To go on with."""


def _take_step(
    problem: LineshapeProblem,
    at: LineshapeState,
    bounds: _Bounds,
    free: Index,
    *,
    damping: float,
    least: float,
) -> _Step:
    """Return the next, better state."""
    values = at.shapes.pack_parameters()
    equations = build_normal_equations(problem, at, free)
    matrix, slope = equations.matrix, equations.slope
    here, low, high = values[free], bounds.low[free], bounds.high[free]
    stuck = ((here <= low) & (slope < 0)) | ((here >= high) & (slope > 0))
    # A parameter at its bound that would go beyond is left out of this step.
    if stuck.any():
        free, matrix, slope = free[~stuck], matrix[np.ix_(~stuck, ~stuck)], slope[~stuck]
    diagonal = matrix.diagonal()
    scale = np.sqrt(np.divide(1.0, diagonal, out=np.zeros(free.size), where=diagonal > 0))
    scaled, slope = matrix * scale * scale[:, None], scale * slope
    # The equations stay, the damping grows, until a step lowers chi-square.
    for _ in range(TRIALS):
        damped, trial = scaled.copy(), values.copy()
        damped.flat[:: free.size + 1] += damping
        move = solve_system(damped, slope)
        foreseen = move @ slope + damping * (move @ move)
        if foreseen < least:
            break
        trial[free] += scale * move
        tried = evaluate_state(problem, at.shapes.unpack_parameters(bounds.clip(trial)))
        if tried.chi2 < at.chi2:
            return _Step(state=tried, damping=damping / 10)
        damping = max(damping, 1e-6) * 10
    return _Step(state=None, damping=damping)


def _conclude_fit(
    problem: LineshapeProblem, at: LineshapeState, bounds: _Bounds, free: Index, *, final: bool
) -> LineFit:
    """Return the fit, with the covariance of shapes and areas where it is final."""
    parameters = free.size + at.area.size + _count_phases(problem, at)
    points = 2 * problem.y.size
    if not final:
        return LineFit(
            problem=problem,
            state=at,
            free_area=at.area,
            parameters=parameters,
            points=points,
            covariance=np.empty((0, 0)),
            free=free,
        )
    # A parameter at its bound has no error by the curvature; the others' are taken without it.
    here, low, high = at.shapes.pack_parameters()[free], bounds.low[free], bounds.high[free]
    inside = free[(here > low) & (here < high)]
    return LineFit(
        problem=problem,
        state=at,
        free_area=_solve_free_areas(at),
        parameters=parameters,
        points=points,
        covariance=_build_covariance(problem, at, inside),
        free=inside,
    )


def _count_phases(problem: LineshapeProblem, at: LineshapeState) -> int:
    """Return the number of phases beside the common one, which counts with the shapes."""
    slices = len(at.area)
    if problem.phases == PhaseModel.SHARED:
        return 0
    if problem.phases == PhaseModel.PER_SLICE:
        return slices
    return slices * (int(problem.group_phases(at.shapes).max()) + 1)


def _build_covariance(problem: LineshapeProblem, at: LineshapeState, free: Index) -> Array:
    """Return the covariance of the free shape parameters, then the areas slice by slice."""
    n, slices = at.shapes.n, len(at.area)
    equations = build_normal_equations(problem, at, free, exact=True)
    of_shapes = invert_by_eigenvalues(equations.matrix)
    follow = -equations.link[:, :n].reshape(slices * n, free.size)
    # Areas vary by their own noise, and with the shapes that all slices share.
    covariance = np.zeros((free.size + slices * n,) * 2)
    blocks = covariance[free.size :, free.size :].reshape(slices, n, slices, n)
    blocks[np.arange(slices), :, np.arange(slices), :] = equations.own[:, :n, :n]
    covariance[: free.size, : free.size] = of_shapes
    covariance[free.size :, : free.size] = follow @ of_shapes
    covariance[: free.size, free.size :] = covariance[free.size :, : free.size].T
    covariance[free.size :, free.size :] += follow @ of_shapes @ follow.T
    return covariance


def _solve_free_areas(at: LineshapeState) -> Array:
    """Return the areas without the bound at zero, shape (slice, line)."""
    n = at.shapes.n
    turn = np.exp(1j * at.phase)
    gram = np.real(turn.conj()[:, :, None] * at.sums.gram[:n, :n] * turn[:, None, :])
    gram += RIDGE * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(n)
    data = np.real(turn.conj() * at.sums.data[:, :n])
    return np.asarray(np.linalg.solve(gram, data[:, :, None])[:, :, 0])
