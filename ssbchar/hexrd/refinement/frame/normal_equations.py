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
from ssbchar.hexrd.refinement.frame.windows import sum_windows
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
    """d model / d parameter at a fixed linear part, shape (parameter, points)."""
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
    weighted = problem.pattern.weight * jacobian
    cross = solved.project(problem, model, weighted)
    linear_response = solved.solve(cross)
    matrix = jacobian @ weighted.T - cross.T @ linear_response
    prior_weight = weigh_priors(layout, parameters)
    missed = vector_from_parameters(layout, parameters) - layout.prior_mean
    covariance = _invert(matrix, prior_weight)
    raw_stderr = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    return NormalEquations(
        matrix=matrix,
        gradient=weighted @ solved.residual - prior_weight * missed,
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
    """Return d model / d parameter at a fixed linear part, shape (parameter, points).

    By the chain rule a parameter q changes the pattern by sum_r c_r (d phi/d position d position/dq
    + d phi/d width d width/dq) + phi_r dc_r/dq, each kind of parameter by one of these terms.
    """
    profiles, rows = model.profiles, problem.layout.rows
    intensity, points = solved.intensity, problem.pattern.weight.size
    out = np.empty((problem.layout.size, points))
    for row in rows[ParameterKind.ZERO]:
        out[row] = sum_windows(profiles.by_position, intensity[None], points)[0]
    for row in rows[ParameterKind.GAUSS]:
        out[row] = sum_windows(profiles.by_gauss, intensity[None], points)[0]
    positions = intensity * _differentiate_positions(problem, model)
    out[rows[ParameterKind.STRAIN]] = sum_windows(profiles.by_position, positions, points)
    widths = np.concatenate([rows[ParameterKind.SIZE], rows[ParameterKind.MICROSTRAIN]])
    if widths.size:
        factors = intensity * _differentiate_widths(problem, model, parameters)
        out[widths] = sum_windows(profiles.by_lorentz, factors, points)
    intensities = rows[ParameterKind.OVERALL_B]
    if intensities.size:
        factors = _differentiate_intensities(problem, model, solved)
        out[intensities] = sum_windows(profiles.phi, factors, points)
    return out


def _differentiate_positions(problem: FrameProblem, model: FrameModel) -> Array:
    """Return d(2theta) / d(strain) [degree], shape (strain, reflection)."""
    layout = problem.layout
    rows = layout.rows[ParameterKind.STRAIN]
    out = np.zeros((rows.size, model.owner.size))
    for phase, own in zip(problem.present, model.ranges, strict=True):
        mine = layout.phase[rows] == phase
        lattice = problem.series.phases[phase]
        directions = lattice.directions[layout.strain_index[rows[mine]]]
        by_strain = directions @ lattice.form.T  # of 1/d^2
        out[mine, own] = by_strain * model.slope[own]
    return out


def _differentiate_widths(
    problem: FrameProblem, model: FrameModel, parameters: FrameParameters
) -> Array:
    """Return d(Lorentzian width) / d(log width) [degree] of widths by size and by microstrain,
    shape (width, reflection)."""
    layout = problem.layout
    theta = np.radians(model.two_theta) / 2
    by_angle = {ParameterKind.SIZE: 1 / np.cos(theta), ParameterKind.MICROSTRAIN: np.tan(theta)}
    entries = [(kind, p) for kind in by_angle for p in layout.phase[layout.rows[kind]]]
    out = np.zeros((len(entries), theta.size))
    for n, (kind, phase) in enumerate(entries):
        own = model.ranges[problem.present.index(phase)]
        out[n, own] = np.exp(getattr(parameters, kind)[phase]) * by_angle[kind][own]
    return out


def _differentiate_intensities(
    problem: FrameProblem, model: FrameModel, solved: LinearSolution
) -> Array:
    """Return d(intensity) / d(displacement factor), shape (displacement factor, reflection); free
    intensities do not follow it."""
    inverse_length = np.sin(np.radians(model.two_theta) / 2) / problem.series.wavelength
    following = -2 * inverse_length**2 * solved.intensity
    following[solved.free] = 0.0
    phases = problem.layout.phase[problem.layout.rows[ParameterKind.OVERALL_B]]
    is_own = np.array(problem.present)[model.owner] == phases[:, None]
    return np.where(is_own, following, 0.0)


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
