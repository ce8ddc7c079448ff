"""Normal equations of cells, widths and zero with the linear part projected out, and their
Gauss-Newton step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.frame.intensities import LinearSolution
from ssbchar.hexrd.refinement.frame.lines import ZERO, differentiate_lines
from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    select_inflations,
    weigh_priors,
)
from ssbchar.hexrd.refinement.frame.profiles import differentiate_pattern
from ssbchar.typing import Array, Index


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
    """d model / d parameter at a fixed linear part, shape (parameter, points)."""
    by_zero: Array
    """d model / d zero, which may be held [counts/degree], shape (points,)."""
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
    # that by the zero first, refined or not: its error passes into the cells
    place = np.concatenate([[ZERO], layout.place])
    by_zero, jacobian = np.split(differentiate_model(problem, model, solved, place), [1])
    weighted = problem.pattern.weight * jacobian
    cross = solved.project(problem, model, weighted)
    linear_response = solved.solve(cross)
    matrix = jacobian @ weighted.T - cross.T @ linear_response
    prior_weight = weigh_priors(layout, parameters)
    missed = model.values[layout.place] - layout.prior_mean
    covariance = _invert(matrix, prior_weight)
    raw_stderr = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    return NormalEquations(
        matrix=matrix,
        gradient=weighted @ solved.residual - prior_weight * missed,
        prior_weight=prior_weight,
        jacobian=jacobian,
        by_zero=by_zero[0],
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


def differentiate_model(
    problem: FrameProblem, model: FrameModel, solved: LinearSolution, place: Index
) -> Array:
    """Return d model / d value at a fixed linear part, for the values that stand at `place`, shape
    (value, points) [counts over the unit of each]."""
    follows = np.ones(model.owner.size, bool)
    follows[solved.free] = False
    changes = differentiate_lines(model.reflections, model.predicted, model.values, place, follows)
    return differentiate_pattern(
        problem.series.two_theta, model.lines, model.profiles, solved.intensity, changes
    )


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
