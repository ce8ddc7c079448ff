"""From the last step of a frame to its result: intensities, cells and their corrected errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement.gauss_newton import System
from ssbchar.hexrd.refinement.intensities import Linear, dense_part, inflations, spread_of
from ssbchar.hexrd.refinement.model import Layout, Model
from ssbchar.hexrd.refinement.state import Fit, Series, State
from ssbchar.typing import Array


def finished(
    series: Series,
    best: tuple[float, State, Model, Linear, System],
    y: Array,
    weight: Array,
    present: tuple[int, ...],
    layout: Layout,
    converged: bool,
    zero_error: float,
) -> Fit:
    """Return the result of a frame from its best step (objective, state, model, linear part, normal
    equations)."""
    _, state, model, solved, system = best
    misfit = float(np.dot(weight, solved.residual**2))
    count = len(present)
    inflation = inflations(
        model.profiles.shape, model.owner, solved.intensity, solved.residual, weight, count
    )
    state = replace(state, inflation=_set(state.inflation, present, inflation))
    response = (
        _response(series, model, solved, system, weight, count)
        if zero_error
        else np.zeros(len(layout.kind))
    )
    covariance = system.inverse
    columns = solved.columns.size if solved.free is not None else 0
    terms = series.splines.shape[1]
    sums = np.zeros((columns + terms + count, count))
    if columns:
        sums[np.arange(columns), model.owner[solved.columns]] = 1.0
        rest = np.bincount(model.owner, np.where(model.is_free, 0.0, model.expected), count).astype(
            float
        )
    else:
        rest = np.ones(count)
    sums[columns + terms + np.arange(count), np.arange(count)] = rest
    inner = solved.inverse(sums)
    through = system.cross.T @ sums
    fixed = np.einsum("ij,ij->j", sums, inner)
    variance = fixed + np.einsum("ij,ik,kj->j", through, covariance, through)
    fitted = (
        np.bincount(model.owner, model.is_free, count) > 0
    )  # free intensities: cell and widths follow anything
    fixed = np.where(fitted, variance, fixed)
    intensity: Array = np.bincount(model.owner, solved.intensity, count).astype(float)
    shares, covariances, common = [], [], []
    for i, p in enumerate(present):
        mine = model.owner == i
        share = np.zeros(len(series.phases[p].form))
        share[model.profiles.order[mine] - _offset(series, present, i)] = solved.intensity[mine]
        shares.append(share)
        rows = np.flatnonzero((layout.phase == p) & (np.array(layout.kind) == "strain"))
        common.append(response[rows] * zero_error)
        covariances.append(
            covariance[np.ix_(rows, rows)] * inflation[i] ** 2 + np.outer(common[i], common[i])
        )
    zero = [i for i, kind in enumerate(layout.kind) if kind == "zero"]
    zero_stderr = (
        float(np.sqrt(covariance[zero[0], zero[0]]) * np.median(inflation)) if zero else 0.0
    )
    amount = _set(state.amount, present, np.maximum(intensity, 1e-4 * np.max(np.abs(intensity))))
    phases = model.profiles.shape @ spread_of(model, count)
    return Fit(
        replace(state, amount=amount),
        present,
        intensity,
        np.sqrt(np.maximum(variance, 0)) * inflation,
        tuple(shares),
        tuple(covariances),
        zero_stderr,
        solved.background,
        y - solved.residual,
        columns + terms + count + len(layout.kind),
        converged,
        misfit,
        (series.splines, phases, system.derivatives),
        tuple(common),
        np.sqrt(np.maximum(fixed, 0)) * inflation,
    )


def _response(
    series: Series, model: Model, solved: Linear, system: System, weight: Array, count: int
) -> Array:
    """Return d parameter / d zero at the optimum, for a zero that is held, shape (parameter,)."""
    column = model.profiles.by_position @ solved.intensity
    dense = dense_part(series, model, solved, count)
    parts = [dense.T @ (weight * column)]
    if solved.free is not None:
        parts.insert(0, solved.free.T @ (weight * column))  # type: ignore[attr-defined]
    mixed = system.derivatives.T @ (weight * column) - system.cross.T @ np.concatenate(parts)
    return np.asarray(-system.inverse @ mixed)


def _set(values: Array, at: tuple[int, ...], new: Array) -> Array:
    out = values.copy()
    out[list(at)] = new
    return out


def _offset(series: Series, present: tuple[int, ...], i: int) -> int:
    return int(sum(len(series.phases[p].form) for p in present[:i]))
