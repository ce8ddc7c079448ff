"""One pattern refined: linear intensities and background eliminated, cells, widths and zero by
Gauss-Newton.

With profiles phi_r(p) of every reflection, the model y(x) = sum_k b_k B_k(x) + sum_r c_r phi_r(x;
p) is linear in the background b and the intensities c >= 0, and non-linear in p (cells, widths,
zero). At every p the linear part is solved exactly and its directions are projected out of the
derivatives by p (variable projection, G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413,
with the simplification of L. Kaufman, BIT 15 (1975) 49). Pawley's free intensities (G. S. Pawley,
J. Appl. Cryst. 14 (1981) 357) have a prior around their phase's pattern, which regularises overlaps
and leaves a weak phase with one intensity alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.refinement.frame.fit import FrameFit, propagate_errors
from ssbchar.hexrd.refinement.frame.intensities import (
    LinearSolution,
    solve_linear,
    sum_background,
    sum_pattern,
    update_amounts,
)
from ssbchar.hexrd.refinement.frame.lines import is_within_range
from ssbchar.hexrd.refinement.frame.model import FrameProblem, build_model
from ssbchar.hexrd.refinement.frame.normal_equations import (
    Iterate,
    build_normal_equations,
    solve_gauss_newton_step,
)
from ssbchar.hexrd.refinement.frame.parameters import (
    OF_SHAPE,
    FrameParameters,
    FramePrior,
    ParameterKind,
    build_layout,
    find_median_inflation,
    move_parameters,
    sum_prior_squares,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.typing import Array

FIRST_DAMPING = 1e-3
"""Damping of the first step that is tried again because it made the fit worse."""
LARGEST_DAMPING = 1e3
"""Damping beyond which no step, however short, is better."""
SMALLEST_DAMPING = 1e-4
"""Damping below which there is none."""
SLACK = 0.1
"""Rise of the objective that counts as no worse, beside the squared inflation."""
LOOSER = 5
"""Factor on the tolerance of widths and displacement factors, which no result depends on as
closely."""


@dataclass(frozen=True, kw_only=True)
class LinearRange:
    """Changes over which the model is linear [Gaussian widths]: steps up to these are taken without
    looking at the pattern again."""

    position: float
    """Of a line's position."""
    width: float
    """Of a Lorentzian width."""


ROUGH = LinearRange(position=0.05, width=0.05)
"""For the first pass."""
FINE = LinearRange(position=0.03, width=0.02)
"""For the last passes."""
STRICT = LinearRange(position=0.002, width=0.002)
"""For frames on which others rest."""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """When a frame is done."""

    iterations: int
    """Largest number of Gauss-Newton steps."""
    tolerance: float
    """Converged when no parameter moves by more than this share of its standard error."""
    linear_range: LinearRange = FINE


def refine_frame(
    series: SeriesModel,
    pattern: FramePattern,
    present: tuple[int, ...],
    *,
    start: FrameParameters,
    prior: FramePrior,
    convergence: Convergence,
) -> FrameFit:
    """Return a frame refined from given parameters with the phases `present`.

    Parameters
    ----------
    series : SeriesModel
    pattern : FramePattern
        Intensity [counts] and weight [1/counts^2], shape (points,).
    present : tuple of int
        Indices of the phases in the model, ascending.
    start : FrameParameters
        Where to start from.
    prior : FramePrior
    convergence : Convergence

    Returns
    -------
    FrameFit
        Of the best step, converged or not.
    """
    if not present:
        return _fit_background(series, pattern, start)
    layout = build_layout(series, present, prior)
    problem = FrameProblem(series=series, pattern=pattern, present=present, layout=layout)
    best, converged = _iterate(problem, prior.apply_holds(start), convergence)
    zero_is_free = ParameterKind.ZERO in layout.kinds
    return propagate_errors(
        problem,
        best,
        converged=converged,
        held_zero_stderr=0.0 if zero_is_free else prior.held_zero_stderr,
    )


def _iterate(
    problem: FrameProblem, parameters: FrameParameters, convergence: Convergence
) -> tuple[Iterate, bool]:
    """Return the best step by damped Gauss-Newton, and whether it is converged."""
    rows = list(problem.present)
    damping = 0.0
    best: Iterate | None = None
    for count in range(convergence.iterations + 1):
        model = build_model(problem.series, parameters, problem.present)
        solved = solve_linear(problem, model, parameters)
        amounts_unknown = bool(np.isnan(parameters.amount[rows]).any())
        # amounts set the priors of intensities: they stay during a frame, or objectives would not
        # be comparable
        if count == 0 or amounts_unknown:
            parameters = update_amounts(problem, model, solved, parameters)
        objective = solved.misfit + sum_prior_squares(problem.layout, parameters)
        # the first two objectives have different priors of the intensities: not to be compared
        if best is not None and count > 1:
            if objective > best.objective + _estimate_slack(problem, parameters):
                damping = max(10 * damping, FIRST_DAMPING)
                if damping > LARGEST_DAMPING:
                    return best, True
                parameters = _take_step(problem, best, damping)
                continue
        best = Iterate(
            objective=objective,
            parameters=parameters,
            model=model,
            solved=solved,
            equations=build_normal_equations(problem, model, solved, parameters),
        )
        damping = damping / 10 if damping > SMALLEST_DAMPING else 0.0
        moved = _take_step(problem, best, damping)
        step = _measure_step(problem, moved, best)
        # the last step is taken without another look at the pattern
        if not amounts_unknown and _is_last_step(problem, best, step, convergence):
            return replace(
                best, parameters=moved, solved=_update_linear_part(problem, best, step)
            ), True
        if count < convergence.iterations:
            parameters = moved
    assert best is not None
    return best, False


def _estimate_slack(problem: FrameProblem, parameters: FrameParameters) -> float:
    """Return the rise of the objective that is still no worse: small beside one on the scale of the
    errors."""
    inflation = parameters.inflation[list(problem.present)]
    return SLACK * find_median_inflation(inflation) ** 2


def _take_step(problem: FrameProblem, best: Iterate, damping: float) -> FrameParameters:
    step = solve_gauss_newton_step(best.equations, damping)
    return move_parameters(best.parameters, problem.layout, step)


def _measure_step(problem: FrameProblem, after: FrameParameters, best: Iterate) -> Array:
    """Return the step that was taken, within bounds, shape (parameter,)."""
    place = problem.layout.place
    return np.asarray(after.take_values(problem.present)[place] - best.model.values[place])


def _is_last_step(
    problem: FrameProblem, best: Iterate, step: Array, convergence: Convergence
) -> bool:
    """Return whether a step is the last: within its errors, or so short that the model is linear
    over it."""
    if step.size == 0:
        return True
    shape = problem.layout.select(*OF_SHAPE)
    tolerance = np.where(shape, LOOSER * convergence.tolerance, convergence.tolerance)
    if np.all(np.abs(step) < tolerance * best.equations.stderr):
        return True
    return _is_linear(problem, best.parameters, step, convergence.linear_range)


def _is_linear(
    problem: FrameProblem, parameters: FrameParameters, step: Array, allowed: LinearRange
) -> bool:
    """Return whether a step moves and widens all lines by less than the model is linear over;
    intensities are nearly linear in displacement factors."""
    tangent = math.tan(math.radians(problem.series.two_theta[-1]) / 2)  # of the line moved most
    values = parameters.take_values(problem.present)
    return is_within_range(
        problem.layout.place, values, step, tangent, (allowed.position, allowed.width)
    )


def _update_linear_part(problem: FrameProblem, best: Iterate, step: Array) -> LinearSolution:
    """Return the linear part after a short step, to first order."""
    model, solved = best.model, best.solved
    if step.size == 0:
        return solved
    change = -best.equations.linear_response @ step
    free, scales = solved.free, change[solved.free.size + problem.term_count :]
    background = sum_background(problem, change[free.size : free.size + problem.term_count])
    by_reflection = scales[model.owner] * model.expected
    by_reflection[free] = change[: free.size]
    moved: Array = step @ best.equations.jacobian + background
    moved = moved + sum_pattern(problem, model, by_reflection)
    return solved._replace(
        intensity=solved.intensity + by_reflection,
        background=solved.background + background,
        residual=solved.residual - moved,
    )


def _fit_background(
    series: SeriesModel, pattern: FramePattern, parameters: FrameParameters
) -> FrameFit:
    """Return the background alone, for a frame without any phase."""
    terms = series.background_terms
    weighted = pattern.weight * terms
    # so that a term all of whose points are left out does not make the matrix singular
    normal = terms @ weighted.T + 1e-12 * np.eye(len(terms))
    solution = np.linalg.solve(normal, weighted @ pattern.intensity)
    background = solution @ terms
    none = np.empty(0)
    return FrameFit(
        parameters=parameters,
        present=(),
        intensity=none,
        intensity_stderr=none,
        intensity_stderr_fixed=none,
        reflection_intensity=(),
        strain_covariance=(),
        strain_shared=(),
        zero_stderr=0.0,
        background=background,
        calculated=background.copy(),
        phase_curves=np.empty((0, background.size)),
        jacobian=np.empty((0, background.size)),
        parameter_count=solution.size,
        converged=True,
        misfit=float(np.dot(pattern.weight, (pattern.intensity - background) ** 2)),
    )
