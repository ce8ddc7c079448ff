"""Normal equations of cells, widths and zero with the linear part projected out, and their
Gauss-Newton step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.frame.intensities import LinearSolution
from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    ParameterKind,
    select_inflations,
    vector_from_parameters,
    weigh_priors,
)
from ssbchar.typing import Array


@dataclass(frozen=True, kw_only=True)
class NormalEquations:
    """Normal equations of the non-linear parameters at one set of them."""

    matrix: Array
    """J'W J with the directions of the linear part projected out, shape (parameter, parameter)."""
    gradient: Array
    """Of half the weighted squares, downhill, that of the priors in it, shape (parameter,)."""
    prior_weight: Array
    """Weight of each parameter's prior, shape (parameter,)."""
    jacobian: Array
    """d model / d parameter at a fixed linear part, shape (points, parameter)."""
    linear_response: Array
    """Minus d linear unknown / d parameter, shape (unknown, parameter)."""
    covariance: Array
    """Inverse of matrix and priors: not inflated, shape (parameter, parameter)."""
    stderr: Array
    """Standard errors times the parameters' inflations, shape (parameter,)."""


@dataclass(frozen=True, kw_only=True)
class Iterate:
    """All that is known of a frame at one set of parameters."""

    objective: float
    """Weighted squares with those of all priors."""
    parameters: FrameParameters
    model: FrameModel
    solved: LinearSolution
    equations: NormalEquations


def build_normal_equations(
    problem: FrameProblem,
    model: FrameModel,
    solved: LinearSolution,
    parameters: FrameParameters,
) -> NormalEquations:
    """Return the normal equations at given parameters.

    With the Jacobian J of the non-linear parameters, the profiles B of the linear part and weights
    W, the projected matrix is J'WJ - J'WB (B'WB)^-1 B'WJ (L. Kaufman, BIT 15 (1975) 49).

    Parameters
    ----------
    problem : FrameProblem
    model : FrameModel
    solved : LinearSolution
        Of that model.
    parameters : FrameParameters
        Those of the model.

    Returns
    -------
    NormalEquations
        Of shape (parameter, parameter), entries in the order of the layout and the unit of their
        kind.
    """
    layout = problem.layout
    jacobian = _differentiate(problem, model, solved, parameters)
    weighted = problem.pattern.weight[:, None] * jacobian
    cross = solved.project(problem, model, weighted)
    linear_response = solved.solve(cross)
    matrix = jacobian.T @ weighted - cross.T @ linear_response
    prior_weight = weigh_priors(layout, parameters)
    missed = vector_from_parameters(layout, parameters) - layout.prior_mean
    covariance = _invert(matrix, prior_weight)
    raw_stderr = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    return NormalEquations(
        matrix=matrix,
        gradient=weighted.T @ solved.residual - prior_weight * missed,
        prior_weight=prior_weight,
        jacobian=jacobian,
        linear_response=linear_response,
        covariance=covariance,
        stderr=raw_stderr * select_inflations(layout, parameters),
    )


def _invert(matrix: Array, prior_weight: Array) -> Array:
    """Return the inverse of a matrix with positive weights added to its diagonal."""
    full = matrix + np.diag(prior_weight)
    # angles, logarithms and strains differ by orders of magnitude: a unit diagonal keeps digits
    scale = 1 / np.sqrt(np.maximum(np.diagonal(full), 1e-300))
    return np.asarray(np.linalg.inv(full * scale[:, None] * scale) * scale[:, None] * scale)


def _differentiate(
    problem: FrameProblem,
    model: FrameModel,
    solved: LinearSolution,
    parameters: FrameParameters,
) -> Array:
    """Return d model / d parameter at a fixed linear part, shape (points, parameter)."""
    rows = problem.layout.rows
    zero, strain = rows[ParameterKind.ZERO], rows[ParameterKind.STRAIN]
    size, microstrain = rows[ParameterKind.SIZE], rows[ParameterKind.MICROSTRAIN]
    profiles = model.profiles
    out = np.empty((problem.series.two_theta.size, problem.layout.size))
    shifts = _differentiate_by_strain(problem, model, solved.intensity)
    by_position = np.column_stack([*[solved.intensity] * zero.size, shifts])
    # one sparse product for all that moves lines, one for all that widens them
    out[:, [*zero, *strain]] = profiles.by_position @ by_position
    if size.size + microstrain.size:
        broadening = _differentiate_by_width(problem, model, solved.intensity, parameters)
        out[:, [*size, *microstrain]] = profiles.by_lorentz @ broadening
    for i in rows[ParameterKind.GAUSS]:
        out[:, i] = profiles.by_gauss @ solved.intensity
    for i in rows[ParameterKind.OVERALL_B]:
        change = _differentiate_by_overall_b(problem, model, solved, problem.layout.phase[i])
        out[:, i] = profiles.shape @ change
    return out


def _differentiate_by_strain(problem: FrameProblem, model: FrameModel, intensity: Array) -> Array:
    """Return intensity times d(2theta)/d(strain), shape (column, strain)."""
    layout, series = problem.layout, problem.series
    rows = layout.rows[ParameterKind.STRAIN]
    form = np.concatenate([series.phases[p].form for p in problem.present])[model.profiles.order]
    phase_of_column = np.array(problem.present)[model.owner]
    phase, index = layout.phase[rows], layout.strain_index[rows]
    directions = [series.phases[p].directions[k] for p, k in zip(phase, index, strict=True)]
    change = form @ np.array(directions).reshape(-1, 6).T  # of 1/d^2
    own = phase_of_column[:, None] == phase
    return np.asarray((intensity * model.slope)[:, None] * change * own)


def _differentiate_by_width(
    problem: FrameProblem, model: FrameModel, intensity: Array, parameters: FrameParameters
) -> Array:
    """Return intensity times d(Lorentzian width)/d(log width), shape (column, width)."""
    layout = problem.layout
    phase_of_column = np.array(problem.present)[model.owner]
    theta = np.radians(model.two_theta) / 2
    columns = []
    for kind, by_angle in (
        (ParameterKind.SIZE, 1 / np.cos(theta)),
        (ParameterKind.MICROSTRAIN, np.tan(theta)),
    ):
        for p in layout.phase[layout.rows[kind]]:
            width = np.exp(getattr(parameters, kind)[p])
            columns.append(np.where(phase_of_column == p, intensity * width * by_angle, 0.0))
    return np.column_stack(columns)


def _differentiate_by_overall_b(
    problem: FrameProblem, model: FrameModel, solved: LinearSolution, phase: int
) -> Array:
    """Return d(intensity)/d(displacement factor) of a phase, shape (column,); free intensities do
    not follow it."""
    intensity = solved.intensity
    if solved.free_profiles is not None:
        intensity = np.where(model.is_free, 0.0, intensity)
    phase_of_column = np.array(problem.present)[model.owner]
    return np.where(phase_of_column == phase, intensity * model.log_by_overall_b, 0.0)


def solve_gauss_newton_step(equations: NormalEquations, damping: float) -> Array:
    """Return the step of the parameters, shape (parameter,), shortened by `damping` [1] on the
    scale of the diagonal (D. W. Marquardt, J. Soc. Indust. Appl. Math. 11 (1963) 431)."""
    if not equations.matrix.size:
        return np.empty(0)
    full = equations.matrix + np.diag(equations.prior_weight)
    diagonal = np.maximum(np.diagonal(full), 1e-300)
    # a little damping always: the projection can leave a direction with nothing in it
    full = full + np.diag(diagonal * (damping + 1e-12))
    scale = 1 / np.sqrt(diagonal)
    scaled = np.linalg.solve(full * scale[:, None] * scale, scale * equations.gradient)
    return np.asarray(scale * scaled)
