"""Least squares of windows with a few peaks: variable projection with Levenberg-Marquardt steps,
analytic derivatives, in compiled loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops, exp_from_polynomial
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
AT_BOUND = 1e-12
"""A parameter is at a bound within this share of what its bounds leave."""
RIDGE = 1e-12
"""Added to a unit diagonal."""
LN2 = math.log(2)
GAUSS_PEAK = 2 * math.sqrt(LN2 / math.pi)
"""Peak of a Gaussian of unit area and full width."""
LORENTZ_PEAK = 2 / math.pi
"""Peak of a Lorentzian of unit area and full width."""


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


class Window(NamedTuple):
    """One window, arrays of shape (m,)."""

    x: Array
    """[degree]."""
    y: Array
    """[counts]."""
    root: Array
    """Square root of the weight [1/counts]."""


class State(NamedTuple):
    """Model, residuals and normal equations of one window at some non-linear parameters."""

    linear: Array
    """As a row of `WindowFits.linear`, as the next three."""
    chi2: float
    residual: Array
    normal: Array
    gradient: Array
    """-d(chi2 / 2) / d(non-linear parameter), shape (2 k + 1,)."""


class Iterate(NamedTuple):
    """Where the fit of a window stands."""

    q: Array
    """Non-linear parameters, shape (2 k + 1,), as a row of `WindowFits.shape`."""
    state: State
    damping: float
    """Share of the diagonal that is added to it [1]."""


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
    q = np.clip(start, lower, upper)
    shape, linear, chi2, converged, residual, normal = _fit_every_window(
        (data.x, data.y, np.sqrt(data.weight)), (q, lower, upper), iterations
    )
    return WindowFits(
        shape=shape,
        linear=linear,
        chi2=chi2,
        converged=converged,
        residual=residual,
        normal=normal,
    )


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
    return _evaluate_every_jacobian((data.x, np.sqrt(data.weight)), shape, linear)


@compile_loops
def _evaluate_every_jacobian(points: tuple[Array, Array], shape: Array, linear: Array) -> Array:
    """Return `evaluate_jacobian` of windows given as x and root of the weight, shape (n, m)
    each."""
    x, root = points
    k = (shape.shape[1] - 1) // 2
    rows = np.empty((len(x), 3 * k + 3, x.shape[1]))
    for n in range(len(x)):
        window = Window(x[n], x[n], root[n])
        rows[n] = differentiate_model(window, evaluate_peaks(window, shape[n]), linear[n])
    return rows


Fits = tuple[Array, Array, Array, Bool, Array, Array]
"""The arrays of `WindowFits`, in their order."""


@compile_loops
def _fit_every_window(
    data: tuple[Array, Array, Array], parameters: tuple[Array, Array, Array], iterations: int
) -> Fits:
    """Return the fits of windows x, y and root of the weight, shape (n, m) each, from a start
    between lower and upper bounds, shape (n, 2 k + 1) each."""
    (x, y, root), (start, lower, upper) = data, parameters
    count, points = x.shape
    k = (start.shape[1] - 1) // 2
    shape, linear = np.empty(start.shape), np.empty((count, k + 2))
    chi2, converged = np.empty(count), np.empty(count, np.bool_)
    residual, normal = np.empty((count, points)), np.empty((count, 3 * k + 3, 3 * k + 3))
    for n in range(count):
        window = Window(x[n], y[n], root[n])
        found, converged[n] = fit_window(window, start[n], (lower[n], upper[n]), iterations)
        shape[n], linear[n], chi2[n] = found.q, found.state.linear, found.state.chi2
        residual[n], normal[n] = found.state.residual, found.state.normal
    return shape, linear, chi2, converged, residual, normal


@compile_loops
def fit_window(
    window: Window, start: Array, bounds: tuple[Array, Array], iterations: int
) -> tuple[Iterate, bool]:
    """Return the best fit of one window, and whether it is converged.

    Parameters
    ----------
    window : Window
        `m` points [degree, counts].
    start : ndarray, shape (2 k + 1,)
        Non-linear parameters to start from.
    bounds : tuple of ndarray, shape (2 k + 1,)
        Lower and upper ones.
    iterations : int
        Steps at most.
    """
    at = Iterate(start, evaluate_window(window, start), FIRST_DAMPING)
    for _ in range(iterations):
        step, gain = propose_step(at, bounds)
        if gain <= TOLERANCE * at.state.chi2 or at.damping > STUCK:
            return at, True
        at = try_step(window, at, step, bounds)
    _, gain = propose_step(at, bounds)
    return at, gain <= NEAR * at.state.chi2


@compile_loops
def try_step(window: Window, at: Iterate, step: Array, bounds: tuple[Array, Array]) -> Iterate:
    """Return where a fit stands after a step (2 k + 1,) in the unit of each parameter: taken, and
    damped less, where it lowers chi-square; else left, and damped more."""
    lower, upper = bounds
    trial = at.q + limit_step(at.q, step) * step
    for i in range(trial.size):
        # half a share from a half is a bound: rounding does not decide whether it is reached
        margin = AT_BOUND * (upper[i] - lower[i])
        if trial[i] <= lower[i] + margin:
            trial[i] = lower[i]
        elif trial[i] >= upper[i] - margin:
            trial[i] = upper[i]
    tried = evaluate_window(window, trial)
    if tried.chi2 < at.state.chi2:
        return Iterate(trial, tried, max(at.damping / 8, LEAST_DAMPING))
    return Iterate(at.q, at.state, at.damping * 6)


@compile_loops
def evaluate_window(window: Window, q: Array) -> State:
    """Return the state of a window at non-linear parameters `q` (2 k + 1,), the linear ones solved;
    units as in `WindowFits`."""
    peaks = evaluate_peaks(window, q)
    k = len(peaks)
    weighted = window.y * window.root
    design = np.empty((k + 2, weighted.size))
    design[:k] = peaks[:, 0]
    fill_background(design[k:], window)
    linear = multiply_rows_by(design, weighted)
    solve_symmetric(multiply_rows(design), linear.reshape(-1, 1))
    rows = differentiate_model(window, peaks, linear)
    residual = weighted.copy()
    for i in range(k + 2):
        for j in range(residual.size):
            residual[j] -= linear[i] * rows[i, j]
    chi2 = 0.0
    for j in range(residual.size):
        chi2 += residual[j] ** 2
    gradient = multiply_rows_by(rows[k + 2 :], residual)
    return State(linear, chi2, residual, multiply_rows(rows), gradient)


@compile_loops
def evaluate_peaks(window: Window, q: Array) -> Array:
    """Return each peak of unit area and its derivatives by position, ln(fwhm) and eta, all times
    root, shape (k, 4, m)."""
    k = (q.size - 1) // 2
    peaks = np.empty((k, 4, window.x.size))
    for j in range(k):
        peaks[j] = differentiate_pseudo_voigt(window.x, q[j], math.exp(q[k + j]), q[2 * k])
        for i in range(4):
            for m in range(window.root.size):
                peaks[j, i, m] *= window.root[m]
    return peaks


@compile_loops
def differentiate_pseudo_voigt(x: Array, position: float, fwhm: float, eta: float) -> Array:
    """Return the pseudo-Voigt of unit area and its derivatives by position, ln(fwhm) and eta, shape
    (4, m).

    phi = eta L + (1 - eta) G, L = 2 / (pi w) / (1 + 4 u^2), G = (2 / w) sqrt(ln 2 / pi) exp(-4 ln 2
    u^2), u = (x - x0) / w (G. K. Wertheim et al., Rev. Sci. Instrum. 45 (1974) 1369).

    Parameters
    ----------
    x : ndarray, shape (m,)
        [degree, or any one unit].
    position, fwhm : float
        In that unit.
    eta : float
        Share of the Lorentzian [1].
    """
    out = np.empty((4, x.size))
    value, by_position, by_log_width, by_eta = out[0], out[1], out[2], out[3]
    # exponentials first: loops of a few arrays each are vectorised, one of all of them is not
    for i in range(x.size):
        by_eta[i] = exp_from_polynomial(-4 * LN2 * ((x[i] - position) / fwhm) ** 2)
    for i in range(x.size):
        u = (x[i] - position) / fwhm
        fall = 1 / (1 + 4 * u**2)
        lorentz, gauss = LORENTZ_PEAK / fwhm * fall, GAUSS_PEAK / fwhm * by_eta[i]
        # d phi / d(ln u), which is even in u
        slope = -8 * u**2 * (eta * fall * lorentz + (1 - eta) * LN2 * gauss)
        value[i] = eta * lorentz + (1 - eta) * gauss
        by_position[i] = 8 * u / fwhm * (eta * fall * lorentz + (1 - eta) * LN2 * gauss)
        # phi is a function of u, over w
        by_log_width[i] = -(value[i] + slope)
        by_eta[i] = lorentz - gauss
    return out


@compile_loops
def fill_background(rows: Array, window: Window) -> None:
    """Write the two background terms of a window times root: 1, and -1 to 1 from end to end, shape
    (2, m)."""
    first, last = window.x[0], window.x[-1]
    for i in range(window.x.size):
        rows[0, i] = window.root[i]
        rows[1, i] = (window.x[i] - (first + last) / 2) / ((last - first) / 2) * window.root[i]


@compile_loops
def differentiate_model(window: Window, peaks: Array, linear: Array) -> Array:
    """Return the derivatives of the model times root, shape (3 k + 3, m): by areas and background,
    positions, ln(fwhm) and eta.

    Parameters
    ----------
    window : Window
        Positions in degree.
    peaks : ndarray, shape (k, 4, m)
        From `evaluate_peaks`.
    linear : ndarray, shape (k + 2,)
        Areas and background.
    """
    k = len(peaks)
    rows = np.empty((3 * k + 3, window.x.size))
    fill_background(rows[k : k + 2], window)
    rows[3 * k + 2] = 0.0
    for j in range(k):
        area = linear[j]
        for m in range(window.x.size):
            rows[j, m] = peaks[j, 0, m]
            rows[k + 2 + j, m] = area * peaks[j, 1, m]
            rows[2 * k + 2 + j, m] = area * peaks[j, 2, m]
            rows[3 * k + 2, m] += area * peaks[j, 3, m]
    return rows


@compile_loops
def propose_step(at: Iterate, bounds: tuple[Array, Array]) -> tuple[Array, float]:
    """Return the damped step of the non-linear parameters (2 k + 1,), and by how much a full step
    should lower chi-square [1]; a parameter at a bound, pushed outwards, is held."""
    (lower, upper), q, state = bounds, at.q, at.state
    p, count = state.linear.size, q.size
    cross = state.normal[:p, p:]
    eliminated = cross.copy()
    solve_symmetric(state.normal[:p, :p].copy(), eliminated)
    matrix, gradient = state.normal[p:, p:].copy(), state.gradient.copy()
    held, largest = np.zeros(count, np.bool_), 0.0
    for i in range(count):
        for j in range(count):
            for m in range(p):
                matrix[i, j] -= cross[m, i] * eliminated[m, j]
        # a bound holds a parameter only while chi-square would fall beyond it
        held[i] = (q[i] <= lower[i] and gradient[i] < 0) or (q[i] >= upper[i] and gradient[i] > 0)
        if not held[i]:
            largest = max(largest, matrix[i, i])
    for i in range(count):
        # rounding can leave a direction without curvature, or with a negative one
        matrix[i, i] = max(matrix[i, i], 1e-12 * largest + 1e-300)
        if held[i]:
            matrix[i] = matrix[:, i] = gradient[i] = 0.0
            matrix[i, i] = 1.0
    full, step = gradient.copy(), gradient.copy()
    solve_symmetric(matrix.copy(), full.reshape(-1, 1))
    gain = 0.0
    for i in range(count):
        gain += full[i] * gradient[i]
        if not held[i]:
            matrix[i, i] *= 1 + at.damping
    solve_symmetric(matrix, step.reshape(-1, 1))
    return step, abs(gain)


@compile_loops
def limit_step(q: Array, step: Array) -> float:
    """Return the factor [1] that keeps a step within half a width in position, and half in ln(fwhm)
    and eta, (2 k + 1,) both."""
    k = (q.size - 1) // 2
    largest = 0.0
    for i in range(q.size):
        largest = max(largest, abs(step[i]) / (math.exp(q[k + i]) if i < k else 1.0))
    return 1 / max(2 * largest, 1.0)


@compile_loops
def multiply_rows(rows: Array) -> Array:
    """Return the products of rows (n, m) with each other, shape (n, n), in their unit squared."""
    products = np.empty((len(rows), len(rows)))
    for i in range(len(rows)):
        products[i, : i + 1] = multiply_rows_by(rows[: i + 1], rows[i])
        products[: i + 1, i] = products[i, : i + 1]
    return products


@compile_loops
def multiply_rows_by(rows: Array, curve: Array) -> Array:
    """Return the products of rows (n, m) with a curve (m,), shape (n,), in the units of both."""
    products = np.empty(len(rows))
    for i in range(len(rows)):
        row = rows[i]
        total = 0.0
        for m in range(curve.size):
            total += row[m] * curve[m]
        products[i] = total
    return products


@compile_loops
def solve_symmetric(matrix: Array, right: Array) -> None:
    """Replace `right` (n, columns) by the solution of a small symmetric system, by elimination with
    row pivots on the scale of a unit diagonal, slightly regularised: peaks may coincide.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        Positive but for rounding, in any unit; used up.
    right : ndarray, shape (n, columns)
        In any unit.
    """
    count, columns = right.shape
    scale = np.empty(count)
    for i in range(count):
        scale[i] = 1 / math.sqrt(matrix[i, i]) if matrix[i, i] > 0 else 1.0
    for i in range(count):
        for j in range(count):
            matrix[i, j] *= scale[i] * scale[j]
        matrix[i, i] += RIDGE
        for c in range(columns):
            right[i, c] *= scale[i]
    for i in range(count):
        pivot = i + np.argmax(np.abs(matrix[i:, i]))
        if pivot != i:
            for j in range(count):
                matrix[i, j], matrix[pivot, j] = matrix[pivot, j], matrix[i, j]
            for c in range(columns):
                right[i, c], right[pivot, c] = right[pivot, c], right[i, c]
        for j in range(i + 1, count):
            factor = matrix[j, i] / matrix[i, i]
            for m in range(i + 1, count):
                matrix[j, m] -= factor * matrix[i, m]
            for c in range(columns):
                right[j, c] -= factor * right[i, c]
    for i in range(count - 1, -1, -1):
        for c in range(columns):
            for j in range(i + 1, count):
                right[i, c] -= matrix[i, j] * right[j, c]
            right[i, c] /= matrix[i, i]
    for i in range(count):
        for c in range(columns):
            right[i, c] *= scale[i]
