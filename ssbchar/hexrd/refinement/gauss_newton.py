"""Normal equations of cells, widths and zero with the linear part projected out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.intensities import Linear, dense_part
from ssbchar.hexrd.refinement.model import Layout, Model, inflations_of, pull_of, values_of
from ssbchar.hexrd.refinement.state import Series, State
from ssbchar.typing import Array


@dataclass(frozen=True)
class System:
    """Normal equations of the non-linear parameters, linear ones projected out."""

    matrix: Array
    gradient: Array
    penalty: Array
    derivatives: Array
    cross: Array
    inverse: Array
    """Of matrix and penalty."""
    stderr: Array
    """Raw standard errors times the parameters' inflation."""


def projected(
    series: Series,
    model: Model,
    solved: Linear,
    y: Array,
    weight: Array,
    state: State,
    present: tuple[int, ...],
    layout: Layout,
) -> System:
    """Return the normal equations at a state, with the directions of the linear part projected
    out."""
    derivatives = _derivatives(series, model, solved, state, present, layout)
    weighted = weight[:, None] * derivatives
    dense = dense_part(series, model, solved, len(present))
    parts = [dense.T @ weighted]
    if solved.free is not None:
        parts.insert(0, solved.free.T @ weighted)  # type: ignore[attr-defined]
    cross = np.vstack(parts)
    inner = solved.inverse(cross)
    matrix = derivatives.T @ weighted - cross.T @ inner
    penalty = pull_of(layout, state)
    gradient = weighted.T @ solved.residual - penalty * (values_of(layout, state) - layout.mean)
    inverse = _inverse(matrix, penalty)
    stderr = np.sqrt(np.maximum(np.diagonal(inverse), 1e-300)) * inflations_of(layout, state)
    return System(matrix, gradient, penalty, derivatives, inner, inverse, stderr)


def _inverse(matrix: Array, penalty: Array) -> Array:
    """Return the inverse of a positive matrix with `penalty` (> 0) on its diagonal."""
    full = matrix + np.diag(penalty)
    scale = 1 / np.sqrt(np.maximum(np.diagonal(full), 1e-300))
    return np.asarray(np.linalg.inv(full * scale[:, None] * scale) * scale[:, None] * scale)


def _derivatives(
    series: Series,
    model: Model,
    solved: Linear,
    state: State,
    present: tuple[int, ...],
    layout: Layout,
) -> Array:
    """Return d model / d parameter at fixed linear part, shape (points, parameter)."""
    profiles, c = model.profiles, solved.intensity
    form = np.concatenate([series.phases[p].form for p in present])[profiles.order]
    which, theta = np.array(present)[model.owner], np.radians(model.angle) / 2
    rows = layout.rows
    out = np.empty((series.x.size, len(layout.kind)))
    moved, slot = layout.phase[rows["strain"]], layout.slot[rows["strain"]]
    along = np.array(
        [series.phases[p].directions[k] for p, k in zip(moved, slot, strict=True)]
    ).reshape(-1, 6)
    shifts = (c * model.slope)[:, None] * (form @ along.T) * (which[:, None] == moved)
    every = np.column_stack([*[c] * rows["zero"].size, shifts])
    out[:, [*rows["zero"], *rows["strain"]]] = profiles.by_position @ every
    broad = [
        np.where(which == p, c * np.exp(getattr(state, kind)[p]) * law, 0.0)
        for kind, law in (("size", 1 / np.cos(theta)), ("micro", np.tan(theta)))
        for p in layout.phase[rows[kind]]
    ]
    if broad:
        out[:, [*rows["size"], *rows["micro"]]] = profiles.by_lorentz @ np.column_stack(broad)
    for i in rows["gauss"]:
        out[:, i] = profiles.by_gauss @ c
    follows = np.where(model.is_free, 0.0, c) if solved.free is not None else c
    for i in rows["overall_b"]:
        out[:, i] = profiles.shape @ np.where(which == layout.phase[i], follows * model.log_b, 0.0)
    return out


def gauss_newton_step(system: System, damping: float) -> Array:
    """Return the step of the parameters, shortened by `damping` (Levenberg-Marquardt)."""
    if not system.matrix.size:
        return np.empty(0)
    full = system.matrix + np.diag(system.penalty)
    diagonal = np.maximum(np.diagonal(full), 1e-300)
    full = full + np.diag(diagonal * (damping + 1e-12))
    scale = 1 / np.sqrt(diagonal)
    return np.asarray(
        scale * np.linalg.solve(full * scale[:, None] * scale, scale * system.gradient)
    )
