"""Normal equations of cells, widths and zero with the linear part projected out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_linear import Linear, dense_part
from ssbchar.hexrd.refine_model import Layout, Model, inflations_of, pull_of, values_of
from ssbchar.hexrd.refine_state import Series, State


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
    series: Series, model: Model, solved: Linear, y: Array, weight: Array, state: State,
    present: tuple[int, ...], layout: Layout,
) -> System:  # fmt: skip
    """Return the normal equations at a state, with the directions of the linear part projected out."""
    derivatives = _derivatives(series, model, solved, state, present, layout)
    weighted = weight[:, None] * derivatives
    dense = dense_part(series, model, solved, len(present))
    parts = [dense.T @ weighted]
    if solved.free is not None:
        parts.insert(0, solved.free.T @ weighted)  # type: ignore[attr-defined]
    cross = np.vstack(parts)
    from scipy.linalg import cho_solve

    inner = solved.scale[:, None] * cho_solve(solved.factor, solved.scale[:, None] * cross, check_finite=False)
    matrix = derivatives.T @ weighted - cross.T @ inner
    penalty = pull_of(layout, state)
    gradient = weighted.T @ solved.residual - penalty * (values_of(layout, state) - layout.mean)
    inverse = np.linalg.pinv(matrix + np.diag(penalty), hermitian=True) if matrix.size else matrix
    stderr = np.sqrt(np.maximum(np.diagonal(inverse), 1e-300)) * inflations_of(layout, state)
    return System(matrix, gradient, penalty, derivatives, inner, inverse, stderr)


def _derivatives(
    series: Series, model: Model, solved: Linear, state: State, present: tuple[int, ...], layout: Layout
) -> Array:
    """Return d model / d parameter at fixed linear part, shape (points, parameter)."""
    c = solved.intensity
    theta = np.radians(model.angle) / 2
    order = model.profiles.order
    form = np.concatenate([series.phases[p].form for p in present])[order]
    which = np.array(present)[model.owner]
    shift, broad, other = [], [], {}
    for i, (kind, p, k) in enumerate(zip(layout.kind, layout.phase, layout.slot, strict=True)):
        mine = c * (which == p)
        if kind == "zero":
            shift.append((i, c))
        elif kind == "strain":
            shift.append((i, mine * model.slope * (form @ series.phases[p].directions[k])))
        elif kind == "size":
            broad.append((i, mine * np.exp(state.size[p]) / np.cos(theta)))
        elif kind == "micro":
            broad.append((i, mine * np.exp(state.micro[p]) * np.tan(theta)))
        elif kind == "gauss":
            other[i] = model.profiles.by_gauss @ c
        else:
            scale = (mine if solved.free is None else np.where(model.is_free, 0.0, mine)) * model.log_b
            other[i] = model.profiles.shape @ scale
    out = np.empty((series.x.size, len(layout.kind)))
    for rows, matrix in ((shift, model.profiles.by_position), (broad, model.profiles.by_lorentz)):
        if rows:
            out[:, [i for i, _ in rows]] = matrix @ np.stack([v for _, v in rows], axis=1)
    for i, column in other.items():
        out[:, i] = column
    return out


def gauss_newton_step(system: System, damping: float) -> Array:
    """Return the step of the parameters, shortened by `damping` (Levenberg-Marquardt)."""
    if not system.matrix.size:
        return np.empty(0)
    full = system.matrix + np.diag(system.penalty)
    diagonal = np.maximum(np.diagonal(full), 1e-300)
    full = full + np.diag(diagonal * (damping + 1e-12))
    scale = 1 / np.sqrt(diagonal)
    return np.asarray(scale * np.linalg.solve(full * scale[:, None] * scale, scale * system.gradient))
