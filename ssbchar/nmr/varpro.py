"""Variable projection: line shapes shared by all slices, with areas and phases solved for given shapes.

A slice is y_s(t) = sum_j exp(i phi_sg) a_sj f_j(t + t0) with real a_sj >= 0, g the phase group of line j, and

    f_j(tau) = exp(2 pi i nu_j tau - pi w_j |tau| - (pi g_j tau)^2 / (4 ln 2)),

w the Lorentzian and g the Gaussian full width at half maximum. For given shapes the areas are linear and the phases
closed or nearly so (G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413); the shapes follow by
Levenberg-Marquardt with the Jacobian of L. Kaufman, BIT 15 (1975) 49. All sums over time enter through the
Gram matrix of the shapes and their derivatives, so a series costs little more than one slice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.shapes import (
    ORIGIN_LIMIT,
    PER_REGION,
    PER_SLICE,
    SHARED,
    Complex,
    Index,
    Problem,
    Real,
    Shapes,
    basis,
    derivatives,
)


@dataclass(frozen=True)
class Solution:
    """A fit: shapes with covariance, areas and phases per slice."""

    shapes: Shapes
    area: Real
    """(slice, line)."""
    free_area: Real
    """(slice, line) for the same shapes and phases without the bound at zero: unbiased where the signal is gone."""
    phase: Real
    """(slice, line) [rad]."""
    chi2: float
    """Sum of squared residuals over sigma^2, with the prior."""
    chi2_slice: Real
    parameters: int
    points: int
    """Number of real data."""
    covariance: Real
    """Of (free shape parameters, then the areas slice by slice)."""
    free: Index
    """Which of (nu, width, gauss2, origin, phase) are free, as indices into their concatenation."""
    steps: int = 0

    @property
    def bic(self) -> float:
        """Bayesian information criterion (G. Schwarz, Ann. Stat. 6 (1978) 461)."""
        return self.chi2 + self.parameters * float(np.log(self.points))


@dataclass(frozen=True)
class _State:
    """The lines at one set of shapes, and the areas and phases that go with it."""

    shapes: Shapes
    f: Complex
    """(line, time)."""
    area: Real
    phase: Real
    """(slice, line)."""
    chi2_slice: Real
    chi2: float


def _state(problem: Problem, shapes: Shapes) -> _State:
    f = problem.cleaned(basis(shapes, problem.time))
    gram, data = f.conj() @ f.T, (f.conj() @ problem.y.T).T
    area, phase = _areas(problem, shapes, gram, data)
    amplitude = area * np.exp(1j * phase)
    explained = np.real(np.sum((2 * data - amplitude @ gram.T).conj() * amplitude, axis=1))
    per_slice = np.maximum(problem.power - explained, 0.0) / problem.sigma**2
    prior = (shapes.origin / problem.origin_prior) ** 2 if problem.phases != PER_REGION else 0.0
    return _State(shapes, f, area, phase, per_slice, float(per_slice.sum()) + prior)


def _areas(problem: Problem, shapes: Shapes, gram: Complex, b: Complex) -> tuple[Real, Real]:
    """Return areas and phases (slice, line) for given shapes; `b` (slice, line) is <f_j, y_s>."""
    gram = gram + 1e-12 * np.trace(gram).real / shapes.n * np.eye(shapes.n)
    if problem.phases != PER_REGION:
        phase = _common_phase(problem, gram.real, b)
        turned = np.real(b * np.exp(-1j * phase)[:, None])
        return _nonnegative(gram.real, turned), np.repeat(phase[:, None], shapes.n, axis=1)
    same = problem.groups(shapes)[:, None] == problem.groups(shapes)[None, :]
    amplitude = np.linalg.solve(gram, b.T).T
    phase = np.angle(amplitude @ same)
    for _ in range(4):
        turn = np.exp(1j * phase)
        area = _nonnegative(np.real(turn.conj()[:, :, None] * gram * turn[:, None, :]), np.real(turn.conj() * b))
        others = b - (area * turn) @ np.where(same, 0.0, gram).T
        phase = np.angle((area * others) @ same)
    return area, phase


def _common_phase(problem: Problem, gram: Real, b: Complex) -> Real:
    """Return the phase per slice (all alike where shared) that explains most, before areas are kept positive.

    The explained power is a quadratic form of (cos phi, sin phi), so the best phase is that of its first eigenvector.
    """
    solved = np.linalg.solve(gram, np.concatenate([b.real, b.imag]).T).T
    sr, si = solved[: len(b)], solved[len(b) :]
    rr, ii, ri = (np.sum(p * q, axis=1) for p, q in ((b.real, sr), (b.imag, si), (b.real, si)))
    if problem.phases == SHARED:
        weight = 1 / problem.sigma**2
        rr, ii, ri = (np.full(len(b), np.sum(v * weight)) for v in (rr, ii, ri))
    phase = 0.5 * np.arctan2(2 * ri, rr - ii)
    total = np.sum(np.cos(phase)[:, None] * sr + np.sin(phase)[:, None] * si, axis=1)
    negative = total < 0 if problem.phases == PER_SLICE else np.full(len(b), total.sum() < 0)
    return np.asarray(np.where(negative, phase + np.pi, phase))


def _nonnegative(gram: Real, b: Real) -> Real:
    """Return non-negative least-squares areas (slice, line) from normal equations (one matrix, or one per slice)."""
    many = np.broadcast_to(gram, (len(b), *gram.shape[-2:]))
    area = np.linalg.solve(many, b[:, :, None])[:, :, 0]
    bad = np.flatnonzero((area < 0).any(axis=1))
    if bad.size:
        from scipy.optimize import nnls

        for s in bad:
            root = np.linalg.cholesky(many[s])
            area[s] = nnls(root.T, np.linalg.solve(root, b[s]))[0]
    return np.asarray(area)


@dataclass(frozen=True)
class _Normal:
    """Normal equations of the shared parameters, the slices' own (areas, phases) eliminated."""

    matrix: Real
    slope: Real
    own: Real
    """(slice, own, own) inverse of the slices' own block."""
    link: Real
    """(slice, own, shared): d(own)/d(shared) with the sign reversed."""


def _normal(problem: Problem, state: _State, free: Index, all_areas: bool = False) -> _Normal:
    """Return the reduced normal equations: shared columns are shape derivatives, own ones areas and group phases.

    Areas held at zero are left out, unless `all_areas` (for the covariance).
    """
    shapes, n, slices = state.shapes, state.shapes.n, len(state.area)
    group, line = problem.groups(shapes), np.arange(n)
    columns, of_line, of_parameter = derivatives(shapes, problem.time, basis(shapes, problem.time), free)
    b = np.concatenate([state.f, problem.cleaned(columns)])
    turn = np.exp(1j * state.phase[:, np.concatenate([line, of_line])])
    gram = turn.conj()[:, :, None] * (b.conj() @ b.T) * turn[:, None, :]
    residual = turn.conj() * (b.conj() @ problem.y.T).T - np.einsum("sij,sj->si", gram[:, :, :n], state.area + 0j)
    shared = np.zeros((slices, len(b), free.size), complex)
    shared[:, n + np.arange(of_line.size), np.searchsorted(free, of_parameter)] = state.area[:, of_line]
    if problem.phases == SHARED:
        shared[:, line, -1] = 1j * state.area
    phases = 0 if problem.phases == SHARED else int(group.max()) + 1
    own = np.zeros((slices, len(b), n + phases), complex)
    own[:, line, line] = all_areas or (state.area > 0)
    if phases:
        own[:, line, n + group] = 1j * state.area
    weight = 1 / problem.sigma[:, None, None] ** 2
    own_h, shared_h = own.conj().swapaxes(1, 2), shared.conj().swapaxes(1, 2)
    oo, os = weight * np.real(own_h @ gram @ own), weight * np.real(own_h @ gram @ shared)
    inverse = _inverses(oo)
    link = inverse @ os
    matrix = np.sum(weight * np.real(shared_h @ gram @ shared) - os.swapaxes(1, 2) @ link, axis=0)
    pull = weight[:, :, 0] * np.real(np.einsum("sik,si->sk", shared.conj(), residual))
    mine = weight[:, :, 0] * np.real(np.einsum("sik,si->sk", own.conj(), residual))
    slope = np.sum(pull - np.einsum("sok,so->sk", link, mine), axis=0)
    at = np.flatnonzero(free == 3 * n)
    if at.size:
        matrix[at[0], at[0]] += 1 / problem.origin_prior**2
        slope[at[0]] -= shapes.origin / problem.origin_prior**2
    return _Normal(matrix, slope, inverse, link)


def _inverses(many: Real) -> Real:
    """Return inverses of scaled symmetric matrices; rows that are all zero stay zero."""
    size = np.sqrt(np.einsum("...ii->...i", many))
    scale = np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)
    outer = scale[..., :, None] * scale[..., None, :]
    return np.asarray(np.linalg.pinv(many * outer, rcond=1e-13, hermitian=True) * outer)


def _packed(shapes: Shapes) -> Real:
    return np.concatenate([shapes.nu, shapes.width, shapes.gauss2, [shapes.origin, 0.0]])


def _unpacked(shapes: Shapes, values: Real) -> Shapes:
    n = shapes.n
    return replace(
        shapes, nu=values[:n], width=values[n : 2 * n], gauss2=values[2 * n : 3 * n], origin=float(values[3 * n])
    )


def _bounds(problem: Problem, shapes: Shapes) -> tuple[Real, Real]:
    span = problem.time[-1] - problem.time[0]
    broad = min(0.25 * (problem.time.size - 1) / span, problem.max_width)
    n = shapes.n
    narrow = np.where(shapes.voigt, 0.0, 0.05 / span)
    low = np.concatenate([shapes.low, narrow, np.zeros(n), [-ORIGIN_LIMIT, -np.inf]])
    high = np.concatenate([shapes.high, np.full(n, broad), np.full(n, broad**2), [ORIGIN_LIMIT, np.inf]])
    return low, high


def solve(
    problem: Problem, start: Shapes, max_steps: int = 60, least_gain: float = 1e-4, final: bool = True
) -> Solution:
    """Return the least-squares fit from given starting shapes.

    Parameters
    ----------
    problem : Problem
        Data, noise, phase model.
    start : Shapes
        Where to begin; which lines are Voigt.
    max_steps : int
        Most Levenberg-Marquardt steps.
    least_gain : float
        Fall of chi-square below which the fit has converged.
    final : bool
        Whether the covariance is wanted.
    """
    if not problem.power.size:
        problem = replace(problem, power=np.sum(np.abs(problem.y) ** 2, axis=1))
    low, high = _bounds(problem, start)
    held = np.concatenate([start.held, start.held, ~start.voigt | start.held, [problem.phases == PER_REGION]])
    held = np.append(held, problem.phases != SHARED)
    state = _state(problem, _unpacked(start, np.clip(_packed(start), low, high)))
    floor = 1e-13 * float(np.sum(problem.power / problem.sigma**2))
    damping, steps = 1e-3, 0
    while steps < max_steps:
        steps += 1
        trial, damping = _step(problem, state, low, high, held, damping)
        if trial is None:
            break
        gain, state = state.chi2 - trial.chi2, trial
        if gain < max(least_gain, floor):
            break
    return _finish(problem, state, low, high, held, steps, final)


def _step(
    problem: Problem, state: _State, low: Real, high: Real, held: NDArray[np.bool_], damping: float
) -> tuple[_State | None, float]:
    """Return the next, better state (None where there is none) and the damping to go on with."""
    at = _packed(state.shapes)
    free = np.flatnonzero(~held)
    normal = _normal(problem, state, free)
    stuck = ((at[free] <= low[free]) & (normal.slope < 0)) | ((at[free] >= high[free]) & (normal.slope > 0))
    free, matrix, slope = free[~stuck], normal.matrix[np.ix_(~stuck, ~stuck)], normal.slope[~stuck]
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)
    for _ in range(8):
        tilted = matrix * np.outer(scale, scale) + damping * np.eye(free.size)
        trial = at.copy()
        trial[free] += scale * np.linalg.solve(tilted, scale * slope)
        found = _state(problem, _unpacked(state.shapes, np.clip(trial, low, high)))
        if found.chi2 < state.chi2:
            return found, damping / 10
        damping = max(damping, 1e-6) * 10
    return None, damping


def _finish(
    problem: Problem, state: _State, low: Real, high: Real, held: NDArray[np.bool_], steps: int, final: bool
) -> Solution:
    """Return the solution with the covariance of shapes and areas."""
    n, slices = state.shapes.n, len(state.area)
    at = _packed(state.shapes)
    free = np.flatnonzero(~held & (at > low) & (at < high))
    covariance = _covariance(problem, state, free) if final else np.empty((0, 0))
    phases = {SHARED: 0, PER_SLICE: slices}.get(problem.phases, slices * (int(problem.groups(state.shapes).max()) + 1))
    return Solution(
        state.shapes, state.area, _free_area(problem, state), state.phase, state.chi2, state.chi2_slice,
        int((~held).sum()) + slices * n + phases, 2 * problem.y.size, covariance, free, steps,
    )  # fmt: skip


def _covariance(problem: Problem, state: _State, free: Index) -> Real:
    """Return the covariance of the free shape parameters, then the areas slice by slice."""
    n, slices = state.shapes.n, len(state.area)
    normal = _normal(problem, state, free, all_areas=True)
    shape_covariance = _inverses(normal.matrix)
    chain = -normal.link[:, :n].reshape(slices * n, free.size)
    covariance = np.zeros((free.size + slices * n,) * 2)
    blocks = covariance[free.size :, free.size :].reshape(slices, n, slices, n)
    blocks[np.arange(slices), :, np.arange(slices), :] = normal.own[:, :n, :n]
    covariance[: free.size, : free.size] = shape_covariance
    covariance[free.size :, : free.size] = chain @ shape_covariance
    covariance[: free.size, free.size :] = covariance[free.size :, : free.size].T
    covariance[free.size :, free.size :] += chain @ shape_covariance @ chain.T
    return covariance


def _free_area(problem: Problem, state: _State) -> Real:
    turn = np.exp(1j * state.phase)
    gram = np.real(turn.conj()[:, :, None] * (state.f.conj() @ state.f.T) * turn[:, None, :])
    b = np.real(turn.conj() * (state.f.conj() @ problem.y.T).T)
    gram += 1e-12 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(state.shapes.n)
    return np.asarray(np.linalg.solve(gram, b[:, :, None])[:, :, 0])


def model(solution: Solution, time: Real) -> Complex:
    """Return each line's signal, shape (slice, line, time), as fitted."""
    f = basis(solution.shapes, time)
    return np.asarray((solution.area * np.exp(1j * solution.phase))[:, :, None] * f[None])
