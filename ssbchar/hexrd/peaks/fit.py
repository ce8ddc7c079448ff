"""Least squares of many windows at once: variable projection with Levenberg-Marquardt steps,
analytic derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt_derivatives
from ssbchar.linalg import solve_scaled
from ssbchar.typing import Array, Bool, Index

TOLERANCE = 1e-6
"""A window has converged where a full step would lower its chi-square by less than this share."""
NEAR = 1e-3
"""A window out of steps counts as converged where a full step would lower its chi-square by less
than this share."""
FIRST_DAMPING = 1e-3
"""Share of the diagonal that the first step adds to it."""
LEAST_DAMPING = 1e-12
STUCK = 1e9
"""Damping at which no direction lowers chi-square any more."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Data of `n` windows of `m` points each, holding `k` peaks each."""

    x: Array
    """[degree], shape (n, m)."""
    y: Array
    """[counts], shape (n, m)."""
    weight: Array
    """1 / variance [1/counts^2], shape (n, m); 0 where a point is not used."""

    def take(self, rows: Any) -> Windows:
        """Return some of the windows; `rows` is an index of shape (some,), x stays in degree."""
        return Windows(x=self.x[rows], y=self.y[rows], weight=self.weight[rows])


@dataclass(frozen=True, kw_only=True)
class WindowFits:
    """Fits of `n` windows of `k` peaks: position and ln(fwhm) per peak, one eta, areas and a linear
    background. The arrays are filled in place."""

    shape: Array
    """Non-linear parameters, shape (n, 2 k + 1): positions [degree], ln(fwhm / degree), eta."""
    linear: Array
    """Shape (n, k + 2): areas [counts degree], background at the centre of the window and its
    slope over half the width [counts]."""
    chi2: Array
    """Sum of squared weighted residuals, shape (n,)."""
    converged: Bool
    """Shape (n,)."""
    residual: Array
    """(y - model) sqrt(weight), shape (n, m)."""
    normal: Array
    """Normal matrix J W J^T, shape (n, 3 k + 3, 3 k + 3), linear parameters first."""

    def take(self, rows: Any) -> WindowFits:
        """Return some of the fits; `rows` is an index of shape (some,), positions stay in
        degree."""
        return WindowFits(**{f.name: getattr(self, f.name)[rows] for f in fields(WindowFits)})

    def improve(self, rows: Index, other: WindowFits) -> None:
        """Take over in `rows`, shape (some,), the fits of `other` that have the lower chi-square
        [1]."""
        better = other.chi2 < self.chi2[rows]
        for f in fields(WindowFits):
            getattr(self, f.name)[rows[better]] = getattr(other, f.name)[better]


@dataclass(frozen=True, kw_only=True)
class _State:
    """Model, residuals and normal equations at some non-linear parameters."""

    linear: Array
    chi2: Array
    residual: Array
    normal: Array
    gradient: Array
    """-d(chi2 / 2) / d(non-linear parameter), shape (n, 2 k + 1)."""

    def take(self, rows: Any) -> _State:
        """Return some of the windows; `rows` is an index of shape (some,) [1]."""
        return _State(**{f.name: getattr(self, f.name)[rows] for f in fields(_State)})

    def update(self, other: _State, rows: Bool) -> None:
        """Take over some windows of `other`, in place; `rows` has shape (n,) [1]."""
        for f in fields(_State):
            getattr(self, f.name)[rows] = getattr(other, f.name)[rows]


@dataclass(frozen=True, kw_only=True)
class _Running:
    """Windows that have not converged yet."""

    row: Index
    """Their numbers among all windows."""
    data: Windows
    lower: Array
    upper: Array
    q: Array
    """Non-linear parameters."""
    damping: Array
    state: _State

    def take(self, rows: Bool) -> _Running:
        """Return some of the windows; `rows` has shape (n,) [1]."""
        return _Running(
            row=self.row[rows],
            data=self.data.take(rows),
            lower=self.lower[rows],
            upper=self.upper[rows],
            q=self.q[rows],
            damping=self.damping[rows],
            state=self.state.take(rows),
        )


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
        `n` windows of `m` points.
    start, lower, upper : ndarray, shape (n, 2 k + 1)
        Non-linear parameters (see `WindowFits.shape`) and their bounds.
    iterations : int
        Steps at most.

    Returns
    -------
    WindowFits
        Positions in degree, areas in counts degree.
    """
    count = start.shape[0]
    best = _make_empty_fits(data, start)
    q = np.clip(start, lower, upper)
    running = _Running(
        row=np.arange(count),
        data=data,
        lower=lower,
        upper=upper,
        q=q,
        damping=np.full(count, FIRST_DAMPING),
        state=_evaluate(data, q),
    )
    for _ in range(iterations):
        step, gain = _propose_step(running)
        done = (gain <= TOLERANCE * running.state.chi2) | (running.damping > STUCK)
        if done.any():
            _store(best, running.take(done), np.ones(int(done.sum()), bool))
            running, step = running.take(~done), step[~done]
            if not running.row.size:
                return best
        _try_step(running, step)
    _, gain = _propose_step(running)
    _store(best, running, gain <= NEAR * running.state.chi2)
    return best


def fit_from_starts(
    data: Windows, starts: Sequence[Array], lower: Array, upper: Array, iterations: int
) -> WindowFits:
    """Return row by row the best of the fits from several starts, all fitted at once.

    Parameters
    ----------
    data, lower, upper, iterations
        As for `fit_windows`.
    starts : sequence of ndarray, each of shape (n, 2 k + 1)

    Returns
    -------
    WindowFits
        Of `n` windows; positions in degree, areas in counts degree.
    """
    n, many = starts[0].shape[0], len(starts)
    every = np.tile(np.arange(n), many)
    found = fit_windows(
        data.take(every), np.concatenate(starts), lower[every], upper[every], iterations
    )
    best = np.argmin(found.chi2.reshape(many, n), axis=0) * n + np.arange(n)
    return found.take(best)


def evaluate_jacobian(data: Windows, shape: Array, linear: Array) -> Array:
    """Return the derivatives of the model times sqrt(weight).

    Parameters
    ----------
    data : Windows
    shape, linear : ndarray, shapes (n, 2 k + 1) and (n, k + 2)
        As in `WindowFits`, positions in degree.

    Returns
    -------
    ndarray, shape (n, 3 k + 3, m)
        By the linear parameters first, then by positions, ln(fwhm) and eta.
    """
    return _evaluate_model(data, shape, linear)[0]


def _evaluate_model(data: Windows, q: Array, linear: Array | None) -> tuple[Array, Array]:
    """Return the weighted derivatives, and the linear parameters (solved where None is given)."""
    n, m = data.x.shape
    k = _count_peaks(q)
    root = np.sqrt(data.weight)
    value, by_position, by_log_width, by_eta = pseudo_voigt_derivatives(
        data.x[:, None, :], q[:, :k, None], np.exp(q[:, k : 2 * k, None]), q[:, 2 * k, None, None]
    )
    rows = np.empty((n, 3 * k + 3, m))
    first, last = data.x[:, :1], data.x[:, -1:]
    rows[:, :k] = value
    rows[:, k] = 1.0
    rows[:, k + 1] = (data.x - (first + last) / 2) / ((last - first) / 2)
    rows[:, : k + 2] *= root[:, None, :]
    if linear is None:
        design = rows[:, : k + 2]
        right = (design @ (data.y * root)[:, :, None])[:, :, 0]
        linear = _solve(design @ design.transpose(0, 2, 1), right)
    areas = linear[:, :k, None] * root[:, None, :]
    np.multiply(by_position, areas, out=rows[:, k + 2 : 2 * k + 2])
    np.multiply(by_log_width, areas, out=rows[:, 2 * k + 2 : 3 * k + 2])
    rows[:, 3 * k + 2] = np.sum(by_eta * areas, axis=1)
    return rows, linear


def _count_peaks(q: Array) -> int:
    return int(q.shape[1] - 1) // 2


def _make_empty_fits(data: Windows, start: Array) -> WindowFits:
    """Return fits that any other is better than."""
    count, k = start.shape[0], _count_peaks(start)
    return WindowFits(
        shape=start.copy(),
        linear=np.zeros((count, k + 2)),
        chi2=np.full(count, np.inf),
        converged=np.zeros(count, bool),
        residual=np.zeros_like(data.x),
        normal=np.zeros((count, 3 * k + 3, 3 * k + 3)),
    )


def _evaluate(data: Windows, q: Array) -> _State:
    """Return the state at non-linear parameters `q`, the linear ones solved."""
    p = _count_peaks(q) + 2
    rows, linear = _evaluate_model(data, q, None)
    residual = data.y * np.sqrt(data.weight) - (linear[:, None, :] @ rows[:, :p])[:, 0]
    return _State(
        linear=linear,
        chi2=np.einsum("nm,nm->n", residual, residual),
        residual=residual,
        normal=rows @ rows.transpose(0, 2, 1),
        gradient=(rows[:, p:] @ residual[:, :, None])[:, :, 0],
    )


def _propose_step(running: _Running) -> tuple[Array, Array]:
    """Return the damped step of the non-linear parameters, and by how much a full step should lower
    chi-square."""
    state, q = running.state, running.q
    p = state.linear.shape[1]
    cross = state.normal[:, :p, p:]
    eliminated = _solve(state.normal[:, :p, :p], cross)
    projected = state.normal[:, p:, p:] - cross.transpose(0, 2, 1) @ eliminated
    gradient = state.gradient
    # a bound holds a parameter only while chi-square would fall beyond it
    held = ((q <= running.lower) & (gradient < 0)) | ((q >= running.upper) & (gradient > 0))
    gradient = np.where(held, 0.0, gradient)
    matrix = projected * (~held[:, :, None] & ~held[:, None, :])
    diagonal = np.einsum("nii->ni", matrix)
    size = diagonal.copy()
    # rounding can leave a direction without curvature, or with a negative one
    size = np.maximum(size, 1e-12 * np.max(size, axis=1, keepdims=True) + 1e-300)
    # the matrix is damped in place below: the gain is that of the full step
    diagonal[...] = np.where(held, 1.0, size)
    gain = np.einsum("ni,ni->n", _solve(matrix, gradient), gradient)
    diagonal[...] = np.where(held, 1.0, size * (1 + running.damping[:, None]))
    return _solve(matrix, gradient), np.abs(gain)


def _try_step(running: _Running, step: Array) -> None:
    """Take the step where it lowers chi-square and damp less; stay and damp more elsewhere."""
    trial = running.q + step * _limit_step(running.q, step)[:, None]
    trial = np.clip(trial, running.lower, running.upper)
    tried = _evaluate(running.data, trial)
    better = tried.chi2 < running.state.chi2
    damping = running.damping
    damping[...] = np.where(better, np.maximum(damping / 8, LEAST_DAMPING), damping * 6)
    running.q[better] = trial[better]
    running.state.update(tried, better)


def _limit_step(q: Array, step: Array) -> Array:
    """Return the factor that keeps a step within half a width in position, and half in ln(fwhm) and
    eta."""
    k = _count_peaks(q)
    size = np.abs(step)
    size[:, :k] /= np.exp(q[:, k : 2 * k])
    return np.asarray(1.0 / np.maximum(2.0 * np.max(size, axis=1), 1.0))


def _solve(matrix: Array, right: Array) -> Array:
    """Solve many small symmetric systems, slightly regularised: peaks may coincide."""
    return solve_scaled(matrix, right, ridge=1e-12)


def _store(best: WindowFits, done: _Running, converged: Bool) -> None:
    """Write windows that are finished to their rows."""
    best.shape[done.row] = done.q
    best.linear[done.row] = done.state.linear
    best.chi2[done.row] = done.state.chi2
    best.residual[done.row] = done.state.residual
    best.normal[done.row] = done.state.normal
    best.converged[done.row] = converged
