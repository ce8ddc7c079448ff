"""The linear part of a frame: background and non-negative intensities solved exactly, with their
priors."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.refinement.frame.bordered_band import (
    BorderedBand,
    BorderedFactor,
    respond,
    solve_non_negative,
)
from ssbchar.hexrd.refinement.frame.model import FrameData, FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, replace_entry
from ssbchar.hexrd.refinement.frame.residuals import inflation_from_residual
from ssbchar.hexrd.refinement.frame.windows import (
    multiply_linear_part,
    project_on_linear_part,
    sum_windows,
    sum_windows_by_owner,
)
from ssbchar.typing import Array, Bool, Index

SMALLEST_SHARE = 0.05
"""Share of the mean expected intensity below which the prior of a free intensity gets no
narrower."""
SMALLEST_SPREAD = 1e-9
"""Lower bound of the spread of a phase's intensity [counts degree]."""


class LinearEquations(NamedTuple):
    """Normal equations of the linear part: free intensities first, then background terms, then the
    phases' scales."""

    normal: BorderedBand
    """The free intensities are its band: lines overlap with their neighbours alone."""
    target: Array
    """Shape (unknown,)."""
    free: Index
    """Reflection of each free intensity."""
    prior_weight: Array
    """1/variance of each free intensity about its phase's pattern."""
    scale_curves: Array
    """What follows each phase's scale [1/degree], shape (present, points)."""


class LinearSolution(NamedTuple):
    """The linear part solved at one set of non-linear parameters."""

    intensity: Array
    """Of every reflection [counts degree]."""
    background: Array
    """[counts], shape (points,)."""
    residual: Array
    """Observed minus calculated [counts], shape (points,)."""
    misfit: float
    """Weighted squares of the residual plus those of the intensities' priors."""
    free: Index
    """Reflection of each free intensity; none where each phase has its pattern and one scale."""
    at_bound: Bool
    """Whether a free intensity is held at zero, shape (free,)."""
    scale_curves: Array
    """What follows each phase's scale [1/degree], shape (present, points)."""
    factor: BorderedFactor
    """Of the normal matrix; free intensities at their bound are held there."""

    @property
    def free_count(self) -> int:
        """Number of free intensities that are not at their bound."""
        return int(np.sum(~self.at_bound))

    def solve(self, right: Array) -> Array:
        """Return the inverse of the normal matrix times `right`, shape (unknown, columns), in units
        of right over matrix; unknowns at their bound do not respond."""
        return respond(self.factor, self.at_bound, right)

    def project(self, problem: FrameProblem, model: FrameModel, curves: Array) -> Array:
        """Return the products of the linear part with weighted curves (curve, points), shape
        (unknown, curve), unknowns in the order and unit of `LinearEquations`."""
        return project_on_linear_part(
            model.profiles.phi, self.free, problem.series.splines, self.scale_curves, curves
        )


def build_equations(
    problem: FrameProblem, model: FrameModel, parameters: FrameParameters
) -> LinearEquations:
    """Return the normal equations of background and intensities at given parameters, with the
    priors of the intensities in them.

    Minimised are the weighted squares sum_i w_i (y_i - sum_k b_k B_k - sum_r c_r phi_r)^2 and, for
    each free intensity, (c_r - scale * expected_r)^2 / variance_r.

    Parameters
    ----------
    problem : FrameProblem
    model : FrameModel
    parameters : FrameParameters
        Where the amount [counts degree] of a phase is NaN, each phase has its pattern and one
        scale, and no intensity is free.

    Returns
    -------
    LinearEquations
        Of shape (unknown, unknown), unknowns in the order free intensities [counts degree],
        background terms [counts], scales [counts degree].
    """
    rows = list(problem.present)
    return assemble_equations(
        problem.data, model, parameters.amount[rows], parameters.inflation[rows]
    )


@compile_loops
def assemble_equations(
    data: FrameData, model: FrameModel, amount: Array, inflation: Array
) -> LinearEquations:
    """Return the equations of `build_equations` for the amount [counts degree] and inflation [1] of
    each phase, shape (phase,)."""
    expected, owner = model.predicted.expected, data.reflections.owner
    free, following = model.free, np.where(data.reflections.is_free, 0.0, expected)
    if np.isnan(amount).any():
        free, following = free[:0], expected
    scale_curves = sum_windows_by_owner(
        model.profiles.phi, following, data.reflections.edge, data.weight.size
    )
    band, border, corner, target = multiply_linear_part(
        model.profiles.phi, free, data.splines, scale_curves, (data.intensity, data.weight)
    )
    normal = BorderedBand(band, border, corner)
    expected, owner = expected[free], owner[free]
    prior_weight = weigh_intensities(expected, owner, data.freedom * amount, inflation)
    add_intensity_priors(normal, expected, data.splines.start.size + owner, prior_weight)
    return LinearEquations(normal, target, free, prior_weight, scale_curves)


@compile_loops
def add_intensity_priors(
    normal: BorderedBand, expected: Array, of_scale: Index, prior_weight: Array
) -> None:
    """Add (c_r - scale * expected_r)^2 / variance_r of each free intensity c_r to normal equations
    [1/(counts degree)^2]; its phase's scale is unknown `of_scale` of the dense ones. Arrays of
    shape (free,)."""
    for r in range(expected.size):
        scale, weight = of_scale[r], prior_weight[r]
        normal.band[r, 0] += weight
        normal.border[r, scale] -= weight * expected[r]
        normal.corner[scale, scale] += weight * expected[r] ** 2


@compile_loops
def weigh_intensities(expected: Array, owner: Index, spread: Array, inflation: Array) -> Array:
    """Return the weight of each free intensity's prior, 1/variance over the squared inflation of
    its phase's errors, shape (free,) [1/(counts degree)^2].

    Parameters
    ----------
    expected : ndarray, shape (free,)
        Share by the phase's pattern [1].
    owner : ndarray of int, shape (free,)
        Phase.
    spread : ndarray, shape (phase,)
        Standard deviation of the phase's whole intensity at its freedom [counts degree].
    inflation : ndarray, shape (phase,)
        [1].
    """
    total, count = np.zeros(spread.size), np.zeros(spread.size)
    for r in range(owner.size):
        total[owner[r]] += expected[r]
        count[owner[r]] += 1
    weight = np.empty(owner.size)
    for r in range(owner.size):
        p = owner[r]
        share = max(expected[r], SMALLEST_SHARE * total[p] / count[p])
        weight[r] = (inflation[p] / (share * max(spread[p], SMALLEST_SPREAD))) ** 2
    return weight


def solve_linear(
    problem: FrameProblem, model: FrameModel, parameters: FrameParameters
) -> LinearSolution:
    """Return background and intensities at given parameters.

    Intensities that would be negative are zero: they are held there and the others solved again,
    until none is negative.

    Parameters
    ----------
    problem : FrameProblem
    model : FrameModel
        At these parameters.
    parameters : FrameParameters
        Their amounts [counts degree] and inflations, shape (phase,), weigh the priors.
    """
    rows = list(problem.present)
    return solve_equations(problem.data, model, parameters.amount[rows], parameters.inflation[rows])


@compile_loops
def solve_equations(
    data: FrameData, model: FrameModel, amount: Array, inflation: Array
) -> LinearSolution:
    """Return the solution of `solve_linear` for the amount [counts degree] and inflation [1] of
    each phase, shape (phase,)."""
    equations = assemble_equations(data, model, amount, inflation)
    free, points = equations.free, data.weight.size
    # an active set that only grows: enough here, as scattering rarely turns positive again
    solution, at_bound, factor = solve_non_negative(equations.normal, equations.target)
    n, terms = free.size, data.splines.start.size
    own, scales = np.maximum(solution[:n], 0.0), solution[n + terms :]
    following = scales[data.reflections.owner] * model.predicted.expected
    missed = own - following[free]
    intensity = following
    intensity[free] = own
    background = sum_windows(data.splines, solution[n : n + terms].reshape(1, -1), points)[0]
    pattern = sum_windows(model.profiles.phi, intensity.reshape(1, -1), points)[0]
    residual = data.intensity - background - pattern
    misfit = np.sum(data.weight * residual**2) + np.sum(equations.prior_weight * missed**2)
    return LinearSolution(
        intensity, background, residual, misfit, free, at_bound, equations.scale_curves, factor
    )


def sum_background(problem: FrameProblem, factors: Array) -> Array:
    """Return the background [counts] of factors (terms,) [counts], shape (points,)."""
    points = problem.pattern.weight.size
    return np.asarray(sum_windows(problem.series.splines, factors[None], points)[0])


def sum_pattern(problem: FrameProblem, model: FrameModel, intensity: Array) -> Array:
    """Return the pattern of all reflections together [counts], shape (points,), from intensities
    (reflection,) [counts degree]."""
    points = problem.pattern.weight.size
    return np.asarray(sum_windows(model.profiles.phi, intensity[None], points)[0])


def update_amounts(
    problem: FrameProblem,
    model: FrameModel,
    solved: LinearSolution,
    parameters: FrameParameters,
) -> FrameParameters:
    """Return the parameters with amounts [counts degree] and goodness as solved here, and with
    inflations, shape (phase,), where amounts were unknown."""
    rows = list(problem.present)
    total = model.sum_intensities(solved.intensity)
    inflation = parameters.inflation
    if np.isnan(parameters.amount[rows]).any():
        inflation = replace_entry(inflation, rows, estimate_inflations(problem, model, solved))
    squares = np.dot(problem.pattern.weight, solved.residual**2)
    return replace(
        parameters,
        amount=replace_entry(parameters.amount, rows, bound_amounts(total)),
        inflation=inflation,
        goodness=max(1.0, float(np.sqrt(squares / solved.residual.size))),
    )


def bound_amounts(total: Array) -> Array:
    """Return the phases' amounts [counts degree], shape (present,), kept positive: each at least
    1e-4 of the largest."""
    return np.asarray(np.maximum(total, 1e-4 * np.max(np.abs(total))))


def estimate_inflations(problem: FrameProblem, model: FrameModel, solved: LinearSolution) -> Array:
    """Return the factor on each phase's standard errors for misfit and serial correlation under its
    own peaks, shape (present,), dimensionless (see `inflation_from_residual`)."""
    root = np.sqrt(problem.pattern.weight)
    patterns = model.sum_by_phase(np.maximum(solved.intensity, 0), root.size)
    return inflation_from_residual(patterns * root, solved.residual * root)
