"""Variable projection: line shapes shared by all slices, with areas and phases solved in closed form.

A slice is y_s(t) = exp(i phi_s) sum_j a_sj f_j(t + t0) with real a_sj >= 0 and

    f_j(tau) = exp(2 pi i nu_j tau - pi w_j |tau| - (pi g_j tau)^2 / (4 ln 2)),

w the Lorentzian and g the Gaussian full width at half maximum. For given shapes the phase and the areas are
linear or closed (G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413); the shapes follow
by Levenberg-Marquardt with the Jacobian of L. Kaufman, BIT 15 (1975) 49. All sums over time enter through the
Gram matrix of the shapes and their derivatives, so a series costs little more than one slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
LN2_4 = 4.0 * np.log(2.0)
SHARED, PER_SLICE, PER_LINE = "shared", "slice", "line"
"""How phases go: one for all, one per slice, one per slice and line."""


@dataclass(frozen=True)
class Shapes:
    """Nonlinear parameters: frequency, width [Hz], squared Gaussian width [Hz^2] per line, time origin [s]."""

    nu: Real
    width: Real
    gauss2: Real
    voigt: NDArray[np.bool_]
    """Lines whose Gaussian width is free."""
    region: NDArray[np.int64]
    """Region each line belongs to."""
    origin: float = 0.0

    @property
    def n(self) -> int:
        """Number of lines."""
        return int(self.nu.size)


@dataclass(frozen=True)
class Problem:
    """Data and what is known beforehand."""

    y: Complex
    """(slice, time)."""
    time: Real
    """(time,) [s]."""
    sigma: Real
    """(slice,) standard deviation of the real and of the imaginary part."""
    low: Real
    """(region,) lowest frequency of a line [Hz]."""
    high: Real
    """(region,) highest frequency of a line [Hz]."""
    origin_prior: float = 5e-6
    """Standard deviation of the time origin about zero [s]."""
    phases: str = SHARED
    power: Real = field(default_factory=lambda: np.empty(0))
    """(slice,) sum of |y|^2."""


@dataclass(frozen=True)
class Solution:
    """A fit: shapes with covariance, areas and phases per slice."""

    shapes: Shapes
    area: Real
    """(slice, line)."""
    phase: Real
    """(slice,) or (slice, line) [rad]."""
    chi2: float
    """Sum of squared residuals over sigma^2, with the prior."""
    chi2_slice: Real
    parameters: int
    points: int
    """Number of real data."""
    covariance: Real
    """Of (free shape parameters, then the areas slice by slice)."""
    free: NDArray[np.int64]
    """Which of (nu, width, gauss2, origin) are free, as indices into their concatenation."""
    steps: int = 0

    @property
    def bic(self) -> float:
        """Bayesian information criterion (G. Schwarz, Ann. Stat. 6 (1978) 461)."""
        return self.chi2 + self.parameters * float(np.log(self.points))


def basis(shapes: Shapes, time: Real) -> tuple[Complex, Complex]:
    """Return the shapes (line, time) and their derivatives (4, line, time) by nu, width, gauss2 and origin."""
    tau = time + shapes.origin
    size, square = np.abs(tau), tau**2
    nu, width, gauss2 = shapes.nu[:, None], shapes.width[:, None], shapes.gauss2[:, None]
    f = np.exp(2j * np.pi * nu * tau - np.pi * width * size - np.pi**2 * gauss2 * square / LN2_4)
    by_origin = 2j * np.pi * nu - np.pi * width * np.sign(tau) - 2 * np.pi**2 * gauss2 * tau / LN2_4
    return f, np.stack([2j * np.pi * tau * f, -np.pi * size * f, -(np.pi**2) * square / LN2_4 * f, by_origin * f])


@dataclass(frozen=True)
class _Sums:
    """Everything the fit needs from the data at one set of shapes."""

    gram: Complex
    """(5 line, 5 line)."""
    data: Complex
    """(5 line, slice)."""


def _sums(problem: Problem, shapes: Shapes) -> _Sums:
    f, derivatives = basis(shapes, problem.time)
    b = np.concatenate([f[None], derivatives]).reshape(5 * shapes.n, -1)
    return _Sums(b.conj() @ b.T, b.conj() @ problem.y.T)


def _linear(problem: Problem, shapes: Shapes, sums: _Sums) -> tuple[Complex, Real, Real]:
    """Return amplitudes (slice, line), phases, and chi-square per slice for given shapes."""
    n = shapes.n
    gram, b = sums.gram[:n, :n], sums.data[:n].T
    if problem.phases == PER_LINE:
        amplitude: Complex = np.asarray(np.linalg.solve(gram + _ridge(gram), b.T).T, complex)
        phase: Real = np.angle(amplitude)
        explained = np.real(np.sum(np.conj(b) * amplitude, axis=1))
        return amplitude, phase, (problem.power - explained) / problem.sigma**2
    g = gram.real + _ridge(gram)
    solved = np.linalg.solve(g, np.concatenate([b.real, b.imag]).T).T
    sr, si = solved[: len(b)], solved[len(b) :]
    rr, ii, ri = (np.sum(p * q, axis=1) for p, q in ((b.real, sr), (b.imag, si), (b.real, si)))
    if problem.phases == SHARED:
        weight = 1 / problem.sigma**2
        rr, ii, ri = (np.full(len(b), np.sum(v * weight)) for v in (rr, ii, ri))
    phase = 0.5 * np.arctan2(2 * ri, rr - ii)
    area = np.cos(phase)[:, None] * sr + np.sin(phase)[:, None] * si
    flip = np.sum(area, axis=1) < 0 if problem.phases == PER_SLICE else np.full(len(b), np.sum(area) < 0)
    phase, area = np.where(flip, phase + np.pi, phase), np.where(flip[:, None], -area, area)
    turned = np.cos(phase)[:, None] * b.real + np.sin(phase)[:, None] * b.imag
    for s in np.flatnonzero((area < 0).any(axis=1)):
        area[s] = _nonnegative(g, turned[s])
    explained = 2 * np.sum(turned * area, axis=1) - np.einsum("si,ij,sj->s", area, gram.real, area)
    return area.astype(complex), phase, (problem.power - explained) / problem.sigma**2


def _ridge(gram: Complex) -> Real:
    return np.asarray(1e-12 * np.trace(gram).real / len(gram) * np.eye(len(gram)))


def _nonnegative(gram: Real, b: Real) -> Real:
    """Return the non-negative least-squares solution from normal equations."""
    from scipy.optimize import nnls

    root = np.linalg.cholesky(gram)
    return np.asarray(nnls(root.T, np.linalg.solve(root, b))[0])


def _normal(
    problem: Problem, shapes: Shapes, sums: _Sums, amplitude: Complex, phase: Real, free: NDArray[np.int64]
) -> tuple[Real, Real, list[Real], list[Real]]:
    """Return the reduced normal matrix and gradient of the free shape parameters, and what gives the areas' covariance.

    Each slice has local columns (areas, phase) and shared columns (shape derivatives); the local ones are
    eliminated (Schur complement).
    """
    n = shapes.n
    total, slope = np.zeros((free.size, free.size)), np.zeros(free.size)
    inverses, links = [], []
    gram = sums.gram
    for s in range(len(amplitude)):
        a = amplitude[s]
        shared = np.zeros((5 * n, 3 * n + 1), complex)
        for k in range(3):
            shared[(k + 1) * n + np.arange(n), k * n + np.arange(n)] = a
        shared[4 * n :, 3 * n] = a
        shared = shared[:, free]
        if problem.phases == PER_LINE:
            keep, turn = np.arange(n), 1.0
            local = np.zeros((5 * n, 2 * n), complex)
            local[:n, :n], local[:n, n:] = np.eye(n), 1j * np.eye(n)
        else:
            keep, turn = np.flatnonzero(a.real > 0), np.exp(-1j * phase[s])
            local = np.zeros((5 * n, keep.size + 1), complex)
            local[keep, np.arange(keep.size)] = 1.0
            local[:n, -1] = 1j * a
        weight = 1 / problem.sigma[s] ** 2
        residual = turn * sums.data[:, s] - gram[:, :n] @ a
        ll = weight * np.real(local.conj().T @ gram @ local)
        ls = weight * np.real(local.conj().T @ gram @ shared)
        ss = weight * np.real(shared.conj().T @ gram @ shared)
        scale = np.sqrt(np.maximum(np.diag(ll), 1e-300))
        inverse = np.linalg.pinv(ll / np.outer(scale, scale), rcond=1e-13, hermitian=True) / np.outer(scale, scale)
        total += ss - ls.T @ inverse @ ls
        slope += weight * np.real(shared.conj().T @ residual) - ls.T @ inverse @ (
            weight * np.real(local.conj().T @ residual)
        )
        inverses.append(inverse)
        links.append(inverse @ ls)
    if problem.origin_prior > 0 and 3 * n in free:
        at = int(np.flatnonzero(free == 3 * n)[0])
        total[at, at] += 1 / problem.origin_prior**2
        slope[at] -= shapes.origin / problem.origin_prior**2
    return total, slope, inverses, links


def _packed(shapes: Shapes) -> Real:
    return np.concatenate([shapes.nu, shapes.width, shapes.gauss2, [shapes.origin]])


def _unpacked(shapes: Shapes, values: Real) -> Shapes:
    n = shapes.n
    return replace(
        shapes, nu=values[:n], width=values[n : 2 * n], gauss2=values[2 * n : 3 * n], origin=float(values[3 * n])
    )


def _bounds(problem: Problem, shapes: Shapes) -> tuple[Real, Real]:
    span = problem.time[-1] - problem.time[0]
    step = span / (problem.time.size - 1)
    narrow, broad = 0.05 / span, 0.25 / step
    n = shapes.n
    low = np.concatenate([problem.low[shapes.region], np.full(n, narrow), np.zeros(n), [-20e-6]])
    high = np.concatenate([problem.high[shapes.region], np.full(n, broad), np.full(n, broad**2), [20e-6]])
    low[n : 2 * n] = np.where(shapes.voigt, 0.0, narrow)
    return low, high


def _chi2(problem: Problem, shapes: Shapes, chi2_slice: Real) -> float:
    prior = (shapes.origin / problem.origin_prior) ** 2 if problem.origin_prior > 0 else 0.0
    return float(chi2_slice.sum()) + prior


def solve(problem: Problem, start: Shapes, max_steps: int = 60) -> Solution:
    """Return the least-squares fit from given starting shapes.

    Parameters
    ----------
    problem : Problem
        Data, noise, regions, phase model.
    start : Shapes
        Where to begin; which lines are Voigt.
    max_steps : int
        Most Levenberg-Marquardt steps.
    """
    if not problem.power.size:
        problem = replace(problem, power=np.sum(np.abs(problem.y) ** 2, axis=1))
    low, high = _bounds(problem, start)
    n = start.n
    held = np.concatenate([np.zeros(2 * n, bool), ~start.voigt, [problem.phases == PER_LINE]])
    shapes = _unpacked(start, np.clip(_packed(start), low, high))
    sums = _sums(problem, shapes)
    amplitude, phase, per_slice = _linear(problem, shapes, sums)
    chi2, damping, steps = _chi2(problem, shapes, per_slice), 1e-3, 0
    floor = 1e-13 * float(np.sum(problem.power / problem.sigma**2))
    while steps < max_steps:
        steps += 1
        at = _packed(shapes)
        free = np.flatnonzero(~held)
        total, slope, _, _ = _normal(problem, shapes, sums, amplitude, phase, free)
        stuck = ((at[free] <= low[free]) & (slope < 0)) | ((at[free] >= high[free]) & (slope > 0))
        free, total, slope = free[~stuck], total[np.ix_(~stuck, ~stuck)], slope[~stuck]
        scale = np.sqrt(np.maximum(np.diag(total), 1e-300))
        better = False
        for _ in range(8):
            move = np.linalg.solve(total / np.outer(scale, scale) + damping * np.eye(free.size), slope / scale) / scale
            trial = at.copy()
            trial[free] += move
            next_shapes = _unpacked(shapes, np.clip(trial, low, high))
            next_sums = _sums(problem, next_shapes)
            found = _linear(problem, next_shapes, next_sums)
            next_chi2 = _chi2(problem, next_shapes, found[2])
            if next_chi2 < chi2:
                better = True
                break
            damping = max(damping, 1e-6) * 10
        if not better:
            break
        gain = chi2 - next_chi2
        shapes, sums, chi2, damping = next_shapes, next_sums, next_chi2, damping / 10
        amplitude, phase, per_slice = found
        if gain < max(1e-4, floor):
            break
    return _finish(problem, shapes, sums, amplitude, phase, per_slice, held, steps)


def _finish(
    problem: Problem, shapes: Shapes, sums: _Sums, amplitude: Complex, phase: Real, per_slice: Real,
    held: NDArray[np.bool_], steps: int,
) -> Solution:  # fmt: skip
    n, slices = shapes.n, len(amplitude)
    low, high = _bounds(problem, shapes)
    at = _packed(shapes)
    free = np.flatnonzero(~held & (at > low) & (at < high))
    total, _, inverses, links = _normal(problem, shapes, sums, amplitude, phase, free)
    scale = np.sqrt(np.maximum(np.diag(total), 1e-300))
    shape_covariance = np.linalg.pinv(total / np.outer(scale, scale), rcond=1e-12, hermitian=True) / np.outer(
        scale, scale
    )
    if problem.phases == PER_LINE:
        angle = np.angle(_region_sum(amplitude, shapes.region))
        area = np.maximum(np.real(amplitude * np.exp(-1j * angle)), 0.0)
    else:
        area = amplitude.real
    chain = np.zeros((slices * n, free.size))
    covariance = np.zeros((free.size + slices * n,) * 2)
    for s in range(slices):
        if problem.phases == PER_LINE:
            turn = np.concatenate([np.diag(np.cos(angle[s])), np.diag(np.sin(angle[s]))], axis=1)
            rows = np.arange(n)
        else:
            rows = np.flatnonzero(area[s] > 0)
            turn = np.eye(rows.size + 1)[: rows.size]
        where = s * n + rows
        chain[where] = -turn @ links[s]
        covariance[np.ix_(free.size + where, free.size + where)] = turn @ inverses[s] @ turn.T
    covariance[: free.size, : free.size] = shape_covariance
    covariance[free.size :, : free.size] = chain @ shape_covariance
    covariance[: free.size, free.size :] = covariance[free.size :, : free.size].T
    covariance[free.size :, free.size :] += chain @ shape_covariance @ chain.T
    phases = {SHARED: 1, PER_SLICE: slices, PER_LINE: slices * n}[problem.phases]
    return Solution(
        shapes, area, phase, _chi2(problem, shapes, per_slice), per_slice, int((~held).sum()) + slices * n + phases,
        2 * problem.y.size, covariance, free, steps,
    )  # fmt: skip


def _region_sum(amplitude: Complex, region: NDArray[np.int64]) -> Complex:
    """Return, for each line, the sum of its region's amplitudes."""
    same = (region[:, None] == region[None, :]).astype(float)
    return np.asarray(amplitude @ same)


def model(solution: Solution, time: Real, phases: str) -> Complex:
    """Return each line's signal, shape (slice, line, time), as fitted."""
    f, _ = basis(solution.shapes, time)
    phase = solution.phase if phases == PER_LINE else solution.phase[:, None]
    return np.asarray((solution.area * np.exp(1j * phase))[:, :, None] * f[None])
