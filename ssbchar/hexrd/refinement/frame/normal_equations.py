"""Normal equations of cells, widths and zero with the linear part projected out, and their
Gauss-Newton step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.refinement.frame.bordered_band import respond
from ssbchar.hexrd.refinement.frame.intensities import LinearSolution
from ssbchar.hexrd.refinement.frame.lines import ZERO, differentiate_lines
from ssbchar.hexrd.refinement.frame.model import FrameData, FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    select_inflations,
    weigh_priors,
)
from ssbchar.hexrd.refinement.frame.profiles import differentiate_pattern
from ssbchar.hexrd.refinement.frame.windows import project_on_linear_part
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
    full, response, matrix, gradient = project_out_linear_part(
        problem.data, model, solved, layout.place
    )
    prior_weight = weigh_priors(layout, parameters)
    missed = model.values[layout.place] - layout.prior_mean
    covariance = _invert(matrix, prior_weight)
    raw_stderr = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    return NormalEquations(
        matrix=matrix,
        gradient=gradient - prior_weight * missed,
        prior_weight=prior_weight,
        jacobian=full[1:],
        by_zero=full[0],
        linear_response=response,
        covariance=covariance,
        stderr=raw_stderr * select_inflations(layout, parameters),
    )


@compile_loops
def project_out_linear_part(
    data: FrameData, model: FrameModel, solved: LinearSolution, place: Index
) -> tuple[Array, Array, Array, Array]:
    """Return derivatives of the model and normal equations without priors.

    Parameters
    ----------
    data : FrameData
    model : FrameModel
    solved : LinearSolution
        Of that model.
    place : ndarray of int, shape (parameter,)
        Where the parameters stand among the values.

    Returns
    -------
    derivatives : ndarray, shape (1 + parameter, points)
        By the zero, which may be held, and by each parameter [counts over its unit].
    response : ndarray, shape (unknown, parameter)
        Minus the derivatives of the linear unknowns.
    matrix : ndarray, shape (parameter, parameter)
    gradient : ndarray, shape (parameter,)
        Downhill.
    """
    follows = np.ones(model.reflections.owner.size, np.bool_)
    follows[solved.free] = False
    with_zero = np.full(1 + place.size, ZERO)
    with_zero[1:] = place
    changes = differentiate_lines(
        model.reflections, model.predicted, model.values, with_zero, follows
    )
    derivatives = differentiate_pattern(
        data.two_theta, model.lines, model.profiles, solved.intensity, changes
    )
    jacobian = derivatives[1:]
    weighted = data.weight * jacobian
    cross = project_on_linear_part(
        model.profiles.phi, solved.free, data.splines, solved.scale_curves, weighted
    )
    response = respond(solved.factor, solved.at_bound, cross)
    matrix = jacobian @ weighted.T - cross.T @ response
    return derivatives, response, matrix, weighted @ solved.residual


def _invert(matrix: Array, prior_weight: Array) -> Array:
    """Return the inverse of a matrix with positive weights added to its diagonal."""
    full = matrix + np.diag(prior_weight)
    # angles, logarithms and strains differ by orders of magnitude: a unit diagonal keeps digits
    scale = 1 / np.sqrt(np.maximum(np.diagonal(full), 1e-300))
    return np.asarray(np.linalg.inv(full * scale[:, None] * scale) * scale[:, None] * scale)


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
