"""Least squares of many windows at once: variable projection with Levenberg-Marquardt steps,
analytic derivatives."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt_derivatives
from ssbchar.linalg import solve_scaled
from ssbchar.typing import Array

TOLERANCE = 1e-6
"""A window has converged where a full step would lower its chi-square by less than this share."""
NEAR = 1e-3
"""A window out of steps counts as converged where a full step would lower its chi-square by less
than this share."""
STUCK = 1e9
"""Damping at which no direction lowers chi-square any more."""


@dataclass
class Windows:
    """Data of `n` windows of `m` points each, holding `k` peaks each; weights are 0 where a point
    is not used."""

    x: Array
    """[degree], shape (n, m)."""
    y: Array
    """[counts], shape (n, m)."""
    weight: Array
    """1 / variance, shape (n, m)."""

    def take(self, rows: Any) -> Windows:
        """Return some of the windows."""
        return Windows(self.x[rows], self.y[rows], self.weight[rows])


@dataclass
class WindowFits:
    """Parameters of `n` windows of `k` peaks: position, ln(fwhm) per peak, one eta; areas and a
    linear background."""

    shape: Array
    """Non-linear parameters, shape (n, 2 k + 1): positions, ln(fwhm), eta."""
    linear: Array
    """Shape (n, k + 2): areas, background at the centre of the window, background slope over its
    half width."""
    chi2: Array
    """Shape (n,)."""
    converged: Any
    """Shape (n,), bool."""
    residual: Array
    """(y - model) sqrt(weight), shape (n, m)."""
    normal: Array
    """Normal matrix J W J^T, shape (n, 3 k + 3, 3 k + 3), linear parameters first."""

    def replace(self, rows: Any, other: WindowFits) -> None:
        """Take over in `rows` what fits better in `other`."""
        better = other.chi2 < self.chi2[rows]
        for f in fields(WindowFits):
            getattr(self, f.name)[rows[better]] = getattr(other, f.name)[better]


def fit_windows(
    data: Windows, start: Array, lower: Array, upper: Array, iterations: int
) -> WindowFits:
    """Return the least-squares fit of every window.

    At each step the linear parameters are solved exactly and the others take a Levenberg-Marquardt
    step in the projected problem (G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413; L.
    Kaufman, BIT 15 (1975) 49). A parameter at a bound, pushed outwards, is held for that step.

    Parameters
    ----------
    data : Windows
    start, lower, upper : ndarray, shape (n, 2 k + 1)
        Non-linear parameters and their bounds.
    iterations : int
        Steps at most.
    """
    count, k = start.shape[0], (start.shape[1] - 1) // 2
    best = WindowFits(
        start.copy(),
        np.zeros((count, k + 2)),
        np.full(count, np.inf),
        np.zeros(count, bool),
        np.zeros_like(data.x),
        np.zeros((count, 3 * k + 3, 3 * k + 3)),
    )
    active, now = np.arange(count), data
    low, high = lower, upper
    q = np.clip(start, low, high)
    state = _evaluate(now, q)
    damping = np.full(count, 1e-3)
    for _ in range(iterations):
        step, gain = _step(q, state, low, high, damping)
        done = (gain <= TOLERANCE * state.chi2) | (damping > STUCK)
        if done.any():
            _keep(best, active, done, q, state, True)
            left = ~done
            active, q, step, damping = active[left], q[left], step[left], damping[left]
            low, high, state = low[left], high[left], state.take(left)
            now = Windows(now.x[left], now.y[left], now.weight[left])
            if not active.size:
                return best
        trial = np.clip(q + step * _leash(q, step)[:, None], low, high)
        tried = _evaluate(now, trial)
        better = tried.chi2 < state.chi2
        damping = np.where(better, np.maximum(damping / 8, 1e-12), damping * 6)
        q = np.where(better[:, None], trial, q)
        state.update(tried, better)
    _, gain = _step(q, state, low, high, damping)
    _keep(best, active, np.ones(active.size, bool), q, state, gain <= NEAR * state.chi2)
    return best


def fit_from_starts(
    data: Windows, starts: list[Array], lower: Array, upper: Array, iterations: int
) -> WindowFits:
    """Return row by row the best of the fits from several starts, all fitted at once (see
    `fit`)."""
    n, many = starts[0].shape[0], len(starts)
    every = np.tile(np.arange(n), many)
    found = fit_windows(
        data.take(every), np.concatenate(starts), lower[every], upper[every], iterations
    )
    best = np.argmin(found.chi2.reshape(many, n), axis=0) * n + np.arange(n)
    return WindowFits(*(getattr(found, f.name)[best] for f in fields(WindowFits)))


def evaluate_jacobian(data: Windows, q: Array, linear: Array) -> Array:
    """Return the derivatives of the model times sqrt(weight), shape (n, 3 k + 3, m), linear
    parameters first."""
    return _jacobian(data, q, linear)[0]


def _jacobian(data: Windows, q: Array, linear: Array | None) -> tuple[Array, Array]:
    """Return the weighted derivatives, and the linear parameters (solved where None is given)."""
    n, m = data.x.shape
    k = (q.shape[1] - 1) // 2
    root = np.sqrt(data.weight)
    value, by_x, by_w, by_eta = pseudo_voigt_derivatives(
        data.x[:, None, :], q[:, :k, None], np.exp(q[:, k : 2 * k, None]), q[:, 2 * k, None, None]
    )
    rows = np.empty((n, 3 * k + 3, m))
    rows[:, :k] = value
    rows[:, k] = 1.0
    middle, half = (data.x[:, :1] + data.x[:, -1:]) / 2, (data.x[:, -1:] - data.x[:, :1]) / 2
    rows[:, k + 1] = (data.x - middle) / half
    rows[:, : k + 2] *= root[:, None, :]
    if linear is None:
        design = rows[:, : k + 2]
        linear = _solve(
            design @ design.transpose(0, 2, 1), (design @ (data.y * root)[:, :, None])[:, :, 0]
        )
    areas = linear[:, :k, None] * root[:, None, :]
    np.multiply(by_x, areas, out=rows[:, k + 2 : 2 * k + 2])
    np.multiply(by_w, areas, out=rows[:, 2 * k + 2 : 3 * k + 2])
    rows[:, 3 * k + 2] = np.sum(by_eta * areas, axis=1)
    return rows, linear


@dataclass
class _State:
    """Model, residuals and normal equations at some non-linear parameters."""

    linear: Array
    chi2: Array
    residual: Array
    normal: Array
    gradient: Array

    def take(self, rows: Any) -> _State:
        return _State(*(getattr(self, f)[rows] for f in _FIELDS))

    def update(self, other: _State, rows: Any) -> None:
        for f in _FIELDS:
            getattr(self, f)[rows] = getattr(other, f)[rows]


_FIELDS = ("linear", "chi2", "residual", "normal", "gradient")


def _evaluate(data: Windows, q: Array) -> _State:
    """Return the state at non-linear parameters `q`, the linear ones solved."""
    p = (q.shape[1] - 1) // 2 + 2
    rows, linear = _jacobian(data, q, None)
    residual = data.y * np.sqrt(data.weight) - (linear[:, None, :] @ rows[:, :p])[:, 0]
    normal = rows @ rows.transpose(0, 2, 1)
    gradient = (rows[:, p:] @ residual[:, :, None])[:, :, 0]
    return _State(linear, np.einsum("nm,nm->n", residual, residual), residual, normal, gradient)


def _step(q: Array, state: _State, low: Array, high: Array, damping: Array) -> tuple[Array, Array]:
    """Return the damped step of the non-linear parameters, and by how much a full step should lower
    chi-square."""
    p = state.linear.shape[1]
    cross = state.normal[:, :p, p:]
    projected = state.normal[:, p:, p:] - cross.transpose(0, 2, 1) @ _solve(
        state.normal[:, :p, :p], cross
    )
    g = state.gradient
    held = ((q <= low) & (g < 0)) | ((q >= high) & (g > 0))
    g = np.where(held, 0.0, g)
    matrix = projected * (~held[:, :, None] & ~held[:, None, :])
    diagonal = np.einsum("nii->ni", matrix)
    size = diagonal.copy()
    floor = 1e-12 * np.max(size, axis=1, keepdims=True) + 1e-300
    diagonal[...] = np.where(held, 1.0, np.maximum(size, floor))
    gain = np.einsum("ni,ni->n", _solve(matrix, g), g)
    diagonal[...] = np.where(held, 1.0, np.maximum(size, floor) * (1 + damping[:, None]))
    return _solve(matrix, g), np.abs(gain)


def _leash(q: Array, step: Array) -> Array:
    """Return the factor that keeps a step within half a width in position, and half in ln(fwhm) and
    eta."""
    k = (q.shape[1] - 1) // 2
    size = np.abs(step)
    size[:, :k] /= np.exp(q[:, k : 2 * k])
    return np.asarray(1.0 / np.maximum(2.0 * np.max(size, axis=1), 1.0))


def _solve(matrix: Array, right: Array) -> Array:
    """Solve many small symmetric systems, slightly regularised: peaks may coincide."""
    return solve_scaled(matrix, right, ridge=1e-12)


def _keep(
    best: WindowFits, active: Any, rows: Any, q: Array, state: _State, converged: Any
) -> None:
    at = active[rows]
    best.shape[at], best.linear[at], best.chi2[at] = q[rows], state.linear[rows], state.chi2[rows]
    best.residual[at], best.normal[at], best.converged[at] = (
        state.residual[rows],
        state.normal[rows],
        converged,
    )
