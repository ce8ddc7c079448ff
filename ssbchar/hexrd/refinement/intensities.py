"""The linear part of a frame: background and non-negative intensities solved exactly, with their
priors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.model import Model
from ssbchar.hexrd.refinement.state import Series, State
from ssbchar.typing import Array, Index

FADED = 1e-3
"""Correlation from which on residuals no longer correlate."""


@dataclass(frozen=True)
class Linear:
    """The linear part solved at one set of non-linear parameters."""

    intensity: Array
    """Of every column."""
    amount: Array
    """Scale of each phase's pattern, shape (present,)."""
    background: Array
    residual: Array
    misfit: float
    """Weighted squares of the residual plus the intensities' prior."""
    columns: Index
    """Columns with an intensity of their own that is not at its bound."""
    free: object
    """Their profiles, sparse (points, columns)."""
    factor: Array
    """Cholesky factor of the scaled normal matrix."""
    scale: Array

    def inverse(self, right: Array) -> Array:
        """Return the inverse of the normal matrix times `right` (parameters, ...)."""
        return np.asarray(self.scale[:, None] * _solved(self.factor, self.scale[:, None] * right))


def _factored(core: Array) -> Array:
    """Return the Cholesky factor of a symmetric matrix (its memory is used)."""
    from scipy.linalg.lapack import dpotrf

    factor, failed = dpotrf(core.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"leading minor {failed} of the normal matrix is not positive")
    return np.asarray(factor)


def _solved(factor: Array, right: Array) -> Array:
    from scipy.linalg.lapack import dpotrs

    return np.asarray(dpotrs(factor, right, lower=1)[0])


@dataclass(frozen=True)
class Equations:
    """The normal equations of the linear part: free columns first, then background, then the
    phases' scales."""

    normal: Array
    target: Array
    owner: Index
    """Phase (index into present) of each free column."""
    expected: Array
    penalty: Array
    """Weight of the prior of each column's intensity, 1/variance."""


def equations(
    series: Series, model: Model, y: Array, weight: Array, state: State, present: tuple[int, ...]
) -> Equations:
    """Return the normal equations of background and intensities at a state, the intensities' prior
    in them.

    Where an amount is not known yet, each phase has its pattern and one scale.
    """
    terms = series.splines.shape[1]
    n, rows = model.own.shape[1], list(present)
    amount = state.amount[rows]
    if np.isnan(amount).any():
        n = 0
        dense = np.hstack([series.splines, model.profiles.shape @ spread_of(model, len(present))])
    else:
        dense = model.dense
    owner, expected = model.owner[:n], model.expected[:n]
    weighted = weight[:, None] * dense
    corner, right, penalty = dense.T @ weighted, weighted.T @ y, np.empty(0)
    normal, target = np.empty((n + dense.shape[1],) * 2), np.empty(n + dense.shape[1])
    if n:
        across = model.own.T
        scaled = profile_model.like(model.own, model.own.data * weight[model.own.indices])
        normal[:n, :n] = (across @ scaled).toarray()
        normal[:n, n:] = across @ weighted
        target[:n] = across @ (weight * y)
        share = np.maximum(
            expected, 0.05 * (np.bincount(owner, expected) / np.bincount(owner))[owner]
        )
        width = series.freedom[rows][owner] * share * np.maximum(amount[owner], 1e-9)
        penalty = (state.inflation[rows][owner] / width) ** 2
        normal[np.arange(n), np.arange(n)] += penalty
        normal[np.arange(n), n + terms + owner] -= penalty * expected
        np.add.at(corner, (terms + owner, terms + owner), penalty * expected**2)
    normal[n:, :n], normal[n:, n:], target[n:] = normal[:n, n:].T, corner, right
    return Equations(normal, target, owner, expected, penalty)


def solve_linear(
    series: Series, model: Model, y: Array, weight: Array, state: State, present: tuple[int, ...]
) -> Linear:
    """Return background and intensities at a state; those that would be negative are zero."""
    system = equations(series, model, y, weight, state, present)
    normal, target, owner = system.normal, system.target, system.owner
    size, n, terms = target.size, owner.size, series.splines.shape[1]
    keep = np.ones(size, bool)
    for _ in range(8):
        inside = normal if keep.all() else normal[np.ix_(keep, keep)]
        scale = 1 / np.sqrt(np.maximum(np.diagonal(inside), 1e-300))
        core = inside * scale[:, None] * scale
        np.einsum("ii->i", core)[...] += 1e-10
        factor = _factored(core)
        solution = np.zeros(size)
        solution[keep] = scale * _solved(factor, scale * target[keep])
        negative = np.flatnonzero(solution[:n] < 0)
        if not negative.size:
            break
        keep[negative] = False
    solution[:n] = np.maximum(solution[:n], 0.0)
    kept = np.flatnonzero(keep[:n])
    scales = solution[n + terms :]
    intensity = scales[model.owner] * model.expected
    intensity[:n] = solution[:n]
    background = series.splines @ solution[n : n + terms]
    calculated = background + model.profiles.shape @ intensity
    residual = y - calculated
    misfit = float(np.dot(weight * residual, residual))
    if n:
        misfit += float(
            np.sum(system.penalty * (solution[:n] - scales[owner] * system.expected) ** 2)
        )
    used = None if not n else model.own if kept.size == n else model.own[:, kept]
    return Linear(intensity, scales, background, residual, misfit, kept, used, factor, scale)


def spread_of(model: Model, count: int) -> Array:
    """Return each phase's pattern over the columns, shape (columns, present)."""
    out = np.zeros((model.owner.size, count))
    out[np.arange(model.owner.size), model.owner] = model.expected
    return out


def dense_part(series: Series, model: Model, solved: Linear, count: int) -> Array:
    """Return background terms and the profiles that follow each phase's scale, shape (points, terms
    + present)."""
    if solved.free is None:
        return np.hstack([series.splines, model.profiles.shape @ spread_of(model, count)])
    return model.dense


def with_amounts(
    state: State, present: tuple[int, ...], solved: Linear, model: Model, y: Array, weight: Array
) -> State:
    """Return the state with the phases' amounts as they are here, and inflations where amounts were
    unknown."""
    amount, inflation, at = state.amount.copy(), state.inflation.copy(), list(present)
    total = np.bincount(model.owner, solved.intensity, len(present))
    amount[at] = np.maximum(total, 1e-4 * np.max(np.abs(total)))
    if np.isnan(state.amount[at]).any():
        shape = model.profiles.shape
        inflation[at] = inflations(
            shape, model.owner, solved.intensity, solved.residual, weight, len(present)
        )
    goodness = max(1.0, float(np.sqrt(np.dot(weight, solved.residual**2) / y.size)))
    return replace(state, amount=amount, inflation=inflation, goodness=goodness)


def inflations(
    shape: object, owner: Index, intensity: Array, residual: Array, weight: Array, count: int
) -> Array:
    """Return the factor on each phase's standard errors for misfit and serial correlation under its
    own peaks.

    The variance of sum_i s_i z_i, with the phase's weighted profile s and residuals z that
    correlate as rho^k at a lag of k points, is chi2 sum s_i^2 (1 + 2 sum_k rho^k c_k) with the
    profile's own autocorrelation c_k: lines narrower than the correlation are averaged over their
    width only. Both chi2 (1 or more) and the lag-one correlation rho are means over the points with
    s^2 as weight (compare J.-F. Berar & P. Lelann, J. Appl. Cryst. 24 (1991) 1, whose factor is the
    limit of wide lines).
    """
    spread = np.zeros((owner.size, count))
    spread[np.arange(owner.size), owner] = np.maximum(intensity, 0)
    root = np.sqrt(weight)
    profile = (shape @ spread) * root[:, None]  # type: ignore[operator]
    part = profile**2
    z = residual * root
    total = np.maximum(part.sum(axis=0), 1e-300)
    chi2 = part.T @ z**2 / total
    rho = np.clip(
        part[1:].T @ (z[1:] * z[:-1]) / np.maximum(part[1:].T @ z[1:] ** 2, 1e-300), 0, 0.97
    )
    sums = np.zeros(count)
    for lag in range(1, 1 + int(np.ceil(np.log(FADED) / np.log(max(float(rho.max()), FADED))))):
        sums += rho**lag * np.einsum("ij,ij->j", profile[lag:], profile[:-lag])
    return np.asarray(np.sqrt(np.maximum(chi2, 1.0) * (1 + 2 * np.maximum(sums, 0) / total)))
