"""The result of a refined frame: intensities and cells with standard errors corrected for misfit,
serial correlation and a held zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.refinement.frame.bordered_band import respond
from ssbchar.hexrd.refinement.frame.intensities import (
    LinearSolution,
    bound_amounts,
    estimate_inflations,
)
from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.normal_equations import Iterate
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    ParameterKind,
    find_median_inflation,
    replace_entry,
)
from ssbchar.typing import Array


@dataclass(frozen=True, kw_only=True)
class FrameFit:
    """A refined frame. Arrays and tuples over (present,) are in the order of `present`."""

    parameters: FrameParameters
    present: tuple[int, ...]
    """Phases in the model."""
    intensity: Array
    """Scattered intensity of each phase [counts degree], shape (present,)."""
    intensity_stderr: Array
    """Corrected standard error, shape (present,)."""
    intensity_stderr_fixed: Array
    """Corrected standard error for tests of presence, shape (present,): of a phase with a structure
    at fixed cell, widths and displacement factor (one that is not there has none of these); of a
    phase with free intensities the whole error."""
    reflection_intensity: tuple[Array, ...]
    """Intensity of every reflection of each phase [counts degree]."""
    strain_covariance: tuple[Array, ...]
    """Corrected covariance of the free strains of each phase, shape (free, free)."""
    strain_shared: tuple[Array, ...]
    """Part of their errors that all frames share (held zero): one sigma, signed, shape (free,)."""
    zero_stderr: float
    """[degree]; 0 where the zero is held."""
    background: Array
    """[counts], shape (points,)."""
    calculated: Array
    """[counts], shape (points,)."""
    phase_curves: Array
    """Pattern of each phase [1/degree], shape (present, points)."""
    jacobian: Array
    """d calculated / d non-linear parameter, shape (parameter, points)."""
    parameter_count: int
    converged: bool
    misfit: float
    """Weighted squares of the residual."""

    def get_index(self, phase: int) -> int:
        """Return where a phase of the model stands in `present`, an int without unit."""
        return self.present.index(phase)

    def get_significance(self, phase: int) -> float:
        """Return a phase's intensity over its corrected standard error at fixed shape [1]."""
        i = self.get_index(phase)
        stderr = self.intensity_stderr_fixed[i]
        return float(self.intensity[i] / stderr) if stderr > 0 else 0.0

    def drop_curves(self) -> FrameFit:
        """Return the fit without its curves, as it is kept of a whole series."""
        none = np.empty(0)
        no_curves = np.empty((0, 0))
        return replace(
            self, background=none, calculated=none, phase_curves=no_curves, jacobian=no_curves
        )


FitsByFrame = dict[int, FrameFit]
"""Fits of a pass by frame; frames that cannot be used have none."""


def propagate_errors(
    problem: FrameProblem, best: Iterate, *, converged: bool, held_zero_stderr: float
) -> FrameFit:
    """Return the result of a frame from its best step.

    Parameters
    ----------
    problem : FrameProblem
    best : Iterate
    converged : bool
    held_zero_stderr : float
        Standard error of a zero that is held [degree]; 0 where it is refined.
    """
    model, solved, equations = best.model, best.solved, best.equations
    count, layout = problem.phase_count, problem.layout
    inflation = estimate_inflations(problem, model, solved)
    intensity = model.sum_intensities(solved.intensity)
    variance, fixed_variance = _compute_intensity_variances(problem, best)
    covariance, shared = _propagate_to_strains(problem, best, inflation, held_zero_stderr)
    rows = list(problem.present)
    return FrameFit(
        parameters=replace(
            best.parameters,
            inflation=replace_entry(best.parameters.inflation, rows, inflation),
            amount=replace_entry(best.parameters.amount, rows, bound_amounts(intensity)),
        ),
        present=problem.present,
        intensity=intensity,
        intensity_stderr=np.sqrt(np.maximum(variance, 0)) * inflation,
        intensity_stderr_fixed=np.sqrt(np.maximum(fixed_variance, 0)) * inflation,
        reflection_intensity=tuple(solved.intensity[own] for own in model.ranges),
        strain_covariance=covariance,
        strain_shared=shared,
        zero_stderr=_compute_zero_stderr(problem, best, inflation),
        background=solved.background,
        calculated=problem.pattern.intensity - solved.residual,
        phase_curves=model.sum_by_phase(model.expected, problem.pattern.weight.size),
        jacobian=equations.jacobian,
        parameter_count=solved.free_count + problem.term_count + count + layout.size,
        converged=converged,
        misfit=float(np.dot(problem.pattern.weight, solved.residual**2)),
    )


def _compute_intensity_variances(problem: FrameProblem, best: Iterate) -> tuple[Array, Array]:
    """Return the variances of the phases' intensities, not inflated: whole, and as
    `FrameFit.intensity_stderr_fixed` needs them, shape (present,) each."""
    equations = best.equations
    return propagate_to_intensities(
        best.model, best.solved, equations.linear_response, equations.covariance
    )


@compile_loops
def propagate_to_intensities(
    model: FrameModel, solved: LinearSolution, response: Array, covariance: Array
) -> tuple[Array, Array]:
    """Return the variances of the phases' intensities, not inflated: whole, and at fixed cell and
    widths where no intensity is free, shape (phase,) each [(counts degree)^2].

    Parameters
    ----------
    model : FrameModel
    solved : LinearSolution
        Of that model.
    response : ndarray, shape (unknown, parameter)
        Minus the derivatives of the linear unknowns by the parameters.
    covariance : ndarray, shape (parameter, parameter)
    """
    edge = model.reflections.edge
    count, free, unknowns = edge.size - 1, solved.free, len(response)
    # how each phase's intensity is summed from the linear unknowns: free ones and its scale
    sums, has_free = np.zeros((unknowns, count)), np.zeros(count, np.bool_)
    following = model.predicted.expected.copy()
    following[free] = 0.0
    for n in range(free.size):
        sums[n, model.reflections.owner[free[n]]] = 1.0
    for p in range(count):
        sums[unknowns - count + p, p] = following[edge[p] : edge[p + 1]].sum()
        has_free[p] = model.reflections.is_free[edge[p] : edge[p + 1]].any()
    moved, through = respond(solved.factor, solved.at_bound, sums), response.T @ sums
    fixed = np.sum(sums * moved, axis=0)
    variance = fixed + np.sum(through * (covariance @ through), axis=0)
    # cell and widths of a phase with free intensities follow anything, noise too
    return variance, np.where(has_free, variance, fixed)


def _propagate_to_strains(
    problem: FrameProblem, best: Iterate, inflation: Array, held_zero_stderr: float
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Return the corrected covariance of each phase's strains and the part of their errors that a
    held zero gives to all frames alike."""
    # a zero that is refined has its error in the covariance already
    response = np.zeros(problem.layout.size)
    if held_zero_stderr:
        response = _differentiate_by_zero(problem, best)
    covariances, shared = [], []
    for i, phase in enumerate(problem.present):
        rows = problem.layout.select_strains(phase)
        of_zero = response[rows] * held_zero_stderr
        own = best.equations.covariance[rows, rows] * inflation[i] ** 2
        covariances.append(own + np.outer(of_zero, of_zero))
        shared.append(of_zero)
    return tuple(covariances), tuple(shared)


def _differentiate_by_zero(problem: FrameProblem, best: Iterate) -> Array:
    """Return d parameter / d zero at the optimum, for a zero that is held, shape (parameter,)."""
    solved, equations = best.solved, best.equations
    by_zero = (problem.pattern.weight * equations.by_zero)[None]
    linear = solved.project(problem, best.model, by_zero)[:, 0]
    mixed = equations.jacobian @ by_zero[0] - equations.linear_response.T @ linear
    return np.asarray(-equations.covariance @ mixed)


def _compute_zero_stderr(problem: FrameProblem, best: Iterate, inflation: Array) -> float:
    rows = problem.layout.rows[ParameterKind.ZERO]
    if not rows.size:
        return 0.0
    variance = best.equations.covariance[rows[0], rows[0]]
    return float(np.sqrt(variance)) * find_median_inflation(inflation)
