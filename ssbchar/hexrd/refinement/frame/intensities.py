"""The linear part of a frame: background and non-negative intensities solved exactly, with their
priors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, replace_entry
from ssbchar.hexrd.refinement.frame.profiles import replace_sparse_values
from ssbchar.typing import Array, Index

FADED = 1e-3
"""Correlation below which residuals count as uncorrelated."""
LARGEST_CORRELATION = 0.97
"""Upper bound of the lag-one correlation of residuals."""
SMALLEST_SHARE = 0.05
"""Share of the mean expected intensity below which the prior of a free intensity gets no
narrower."""
RIDGE = 1e-10
"""Added to the scaled normal matrix, so that overlaps stay solvable."""
PASSES = 8
"""Most times that negative intensities are set to zero and the others solved again."""


@dataclass(frozen=True, kw_only=True)
class LinearEquations:
    """Normal equations of the linear part: free intensities first, then background terms, then the
    phases' scales."""

    normal: Array
    """Shape (unknown, unknown)."""
    target: Array
    """Shape (unknown,)."""
    owner: Index
    """Phase (index into `present`) of each free intensity."""
    expected: Array
    """Share of each free intensity by its phase's pattern."""
    prior_weight: Array
    """1/variance of each free intensity about its phase's pattern."""


@dataclass(frozen=True, kw_only=True)
class LinearSolution:
    """The linear part solved at one set of non-linear parameters."""

    intensity: Array
    """Of every column of the model [counts degree]."""
    background: Array
    """[counts], shape (points,)."""
    residual: Array
    """Observed minus calculated [counts], shape (points,)."""
    misfit: float
    """Weighted squares of the residual plus those of the intensities' priors."""
    columns: Index
    """Columns with an intensity of their own that is not at its bound."""
    free_profiles: Any
    """Profiles of those (sparse), shape (points, columns); None where each phase has its pattern
    and one scale."""
    factor: Array
    """Cholesky factor of the scaled normal matrix."""
    scale: Array
    """Scale of each unknown that is not at its bound."""

    @property
    def free_count(self) -> int:
        """Number of free intensities that are not at their bound."""
        return self.columns.size if self.free_profiles is not None else 0

    def solve(self, right: Array) -> Array:
        """Return the inverse of the normal matrix times `right`, shape (unknown, ...), in units of
        right over matrix."""
        return np.asarray(
            self.scale[:, None] * _solve_cholesky(self.factor, self.scale[:, None] * right)
        )

    def project(self, problem: FrameProblem, model: FrameModel, curves: Array) -> Array:
        """Return the products of the linear part's profiles with weighted curves (points, ...),
        shape (unknown, ...), unknowns in the order and unit of `LinearEquations`."""
        products = [stack_dense_profiles(problem, model, self).T @ curves]
        if self.free_profiles is not None:
            products.insert(0, self.free_profiles.T @ curves)
        return np.concatenate(products)


def _factor_cholesky(matrix: Array) -> Array:
    """Return the Cholesky factor of a symmetric matrix (its memory is used)."""
    from scipy.linalg.lapack import dpotrf

    factor, failed = dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"leading minor {failed} of the normal matrix is not positive")
    return np.asarray(factor)


def _solve_cholesky(factor: Array, right: Array) -> Array:
    from scipy.linalg.lapack import dpotrs

    return np.asarray(dpotrs(factor, right, lower=1)[0])


def build_equations(
    problem: FrameProblem, model: FrameModel, parameters: FrameParameters
) -> LinearEquations:
    """Return the normal equations of background and intensities at given parameters, with the
    priors of the intensities in them.

    Minimised are the weighted squares sum_i w_i (y_i - sum_k b_k B_k - sum_r c_r phi_r)^2 and, for
    each free intensity, (c_r - scale expected_r)^2 / variance_r.

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
    series, weight = problem.series, problem.pattern.weight
    weighted_intensity = weight * problem.pattern.intensity
    rows = list(problem.present)
    amount = parameters.amount[rows]
    if np.isnan(amount).any():
        n = 0
        patterns = model.profiles.shape @ model.spread_patterns(problem.phase_count)
        dense = np.hstack([series.background_terms, patterns])
    else:
        n = model.free_profiles.shape[1]
        dense = model.dense
    owner, expected = model.owner[:n], model.expected[:n]
    # only the corner of dense columns is a dense product; free profiles are short windows
    weighted = weight[:, None] * dense
    corner = dense.T @ weighted
    prior_weight = np.empty(0)
    size = n + dense.shape[1]
    normal, target = np.empty((size, size)), np.empty(size)
    if n:
        free = model.free_profiles
        across = free.T
        weighted_free = replace_sparse_values(free, free.data * weight[free.indices])
        normal[:n, :n] = (across @ weighted_free).toarray()
        normal[:n, n:] = across @ weighted
        target[:n] = across @ weighted_intensity
        spread = _compute_prior_spread(expected, owner, series.intensity_freedom[rows], amount)
        prior_weight = (parameters.inflation[rows][owner] / spread) ** 2
        # (c_r - scale * expected_r)^2 / variance, in the unknowns c_r and scale
        of_scale = problem.term_count + owner
        normal[np.arange(n), np.arange(n)] += prior_weight
        normal[np.arange(n), n + of_scale] -= prior_weight * expected
        np.add.at(corner, (of_scale, of_scale), prior_weight * expected**2)
    normal[n:, :n] = normal[:n, n:].T
    normal[n:, n:] = corner
    target[n:] = weighted.T @ problem.pattern.intensity
    return LinearEquations(
        normal=normal, target=target, owner=owner, expected=expected, prior_weight=prior_weight
    )


def _compute_prior_spread(expected: Array, owner: Index, freedom: Array, amount: Array) -> Array:
    """Return the prior standard deviation of each free intensity [counts degree]."""
    mean = np.bincount(owner, expected) / np.bincount(owner)
    share = np.maximum(expected, SMALLEST_SHARE * mean[owner])
    return np.asarray(freedom[owner] * share * np.maximum(amount[owner], 1e-9))


def solve_linear(
    problem: FrameProblem, model: FrameModel, parameters: FrameParameters
) -> LinearSolution:
    """Return background and intensities at given parameters.

    Intensities that would be negative are zero: they are taken out and the others solved again,
    until none is negative.

    Parameters
    ----------
    problem : FrameProblem
    model : FrameModel
        At these parameters.
    parameters : FrameParameters
        Their amounts [counts degree] and inflations, shape (phase,), weigh the priors.
    """
    equations = build_equations(problem, model, parameters)
    normal, target = equations.normal, equations.target
    size, n, terms = target.size, equations.owner.size, problem.term_count
    keep = np.ones(size, bool)
    # an active set that only grows: enough here, as scattering rarely turns positive again
    for _ in range(PASSES):
        inside = normal if keep.all() else normal[np.ix_(keep, keep)]
        # counts and splines differ by orders of magnitude: a unit diagonal keeps digits
        scale = 1 / np.sqrt(np.maximum(np.diagonal(inside), 1e-300))
        core = inside * scale[:, None] * scale
        np.einsum("ii->i", core)[...] += RIDGE
        factor = _factor_cholesky(core)
        solution = np.zeros(size)
        solution[keep] = scale * _solve_cholesky(factor, scale * target[keep])
        negative = np.flatnonzero(solution[:n] < 0)
        if not negative.size:
            break
        keep[negative] = False
    free = np.maximum(solution[:n], 0.0)
    scales = solution[n + terms :]
    intensity = scales[model.owner] * model.expected
    intensity[:n] = free
    background = problem.series.background_terms @ solution[n : n + terms]
    calculated = background + model.profiles.shape @ intensity
    residual = problem.pattern.intensity - calculated
    misfit = float(np.dot(problem.pattern.weight * residual, residual))
    if n:
        missed = free - scales[equations.owner] * equations.expected
        misfit += float(np.sum(equations.prior_weight * missed**2))
    columns = np.flatnonzero(keep[:n])
    return LinearSolution(
        intensity=intensity,
        background=background,
        residual=residual,
        misfit=misfit,
        columns=columns,
        free_profiles=_select_profiles(model, columns) if n else None,
        factor=factor,
        scale=scale,
    )


def _select_profiles(model: FrameModel, columns: Index) -> Any:
    free = model.free_profiles
    return free if columns.size == free.shape[1] else free[:, columns]


def stack_dense_profiles(problem: FrameProblem, model: FrameModel, solved: LinearSolution) -> Array:
    """Return background terms [1] and the profiles that follow each phase's scale [1/degree], shape
    (points, terms + present)."""
    if solved.free_profiles is None:
        patterns = model.profiles.shape @ model.spread_patterns(problem.phase_count)
        return np.hstack([problem.series.background_terms, patterns])
    return model.dense


def update_amounts(
    problem: FrameProblem,
    model: FrameModel,
    solved: LinearSolution,
    parameters: FrameParameters,
) -> FrameParameters:
    """Return the parameters with amounts [counts degree] and goodness as solved here, and with
    inflations, shape (phase,), where amounts were unknown."""
    rows = list(problem.present)
    total: Array = np.bincount(model.owner, solved.intensity, problem.phase_count).astype(float)
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
    own peaks, shape (present,), dimensionless.

    The variance of sum_i s_i z_i, with the phase's weighted profile s and residuals z that
    correlate as rho^k at a lag of k points, is chi2 sum s_i^2 (1 + 2 sum_k rho^k c_k) with the
    profile's own autocorrelation c_k: lines narrower than the correlation are averaged over their
    width only. Both chi2 (1 or more) and the lag-one correlation rho are means over the points with
    s^2 as weight (compare J.-F. Berar & P. Lelann, J. Appl. Cryst. 24 (1991) 1, whose factor is the
    limit of wide lines).
    """
    count = problem.phase_count
    spread = np.zeros((model.owner.size, count))
    spread[np.arange(model.owner.size), model.owner] = np.maximum(solved.intensity, 0)
    root = np.sqrt(problem.pattern.weight)
    profile = (model.profiles.shape @ spread) * root[:, None]
    square = profile**2
    z = solved.residual * root
    total = np.maximum(square.sum(axis=0), 1e-300)
    chi2 = square.T @ z**2 / total
    later = square[1:].T
    rho = later @ (z[1:] * z[:-1]) / np.maximum(later @ z[1:] ** 2, 1e-300)
    # anticorrelation would make errors smaller: it is not trusted to
    rho = np.clip(rho, 0, LARGEST_CORRELATION)
    # beyond these lags what is left of the correlation is below FADED
    lags = int(np.ceil(np.log(FADED) / np.log(max(float(rho.max()), FADED))))
    sums = np.zeros(count)
    for lag in range(1, 1 + lags):
        sums += rho**lag * np.einsum("ij,ij->j", profile[lag:], profile[:-lag])
    return np.asarray(np.sqrt(np.maximum(chi2, 1.0) * (1 + 2 * np.maximum(sums, 0) / total)))
