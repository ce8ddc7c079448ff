"""Areas and phases for given line shapes: linear, and the phase closed or nearly so."""

from __future__ import annotations

import numpy as np

from ssbchar.nmr.shapes import PER_REGION, PER_SLICE, SHARED, Complex, Problem, Real, Shapes


def areas_and_phases(problem: Problem, shapes: Shapes, gram: Complex, data: Complex) -> tuple[Real, Real, Real]:
    """Return non-negative areas and phases, both (slice, line), that fit best, and the power (slice,) they explain.

    Parameters
    ----------
    problem : Problem
        Noise and phase model.
    shapes : Shapes
        Lines, for their phase groups.
    gram : ndarray, shape (line, line)
        <f_i, f_j>.
    data : ndarray, shape (slice, line)
        <f_j, y_s>.
    """
    ridge = 1e-12 * np.trace(gram).real / shapes.n * np.eye(shapes.n)
    if problem.phases != PER_REGION:
        real = gram.real + ridge
        phase, area = _common_phase(problem, real, data)
        turned = np.cos(phase)[:, None] * data.real + np.sin(phase)[:, None] * data.imag
        if area.min() < 0:
            area = nonnegative(real, turned, area)
        explained = np.sum((2 * turned - area @ gram.real) * area, axis=1)
        return area, np.repeat(phase[:, None], shapes.n, axis=1), explained
    group = problem.groups(shapes)
    same = group[:, None] == group[None, :]
    free = np.linalg.solve(gram + ridge, data.T).T
    phase = np.angle(free @ same)
    alone = bool(same.sum() == group.size)
    area = np.abs(free)
    for _ in range(0 if alone else 4):
        turn = np.exp(1j * phase)
        turned = np.real(turn.conj()[:, :, None] * gram * turn[:, None, :]) + ridge
        area = nonnegative(turned, np.real(turn.conj() * data))
        others = data - (area * turn) @ np.where(same, 0.0, gram).T
        phase = np.angle((area * others) @ same)
    amplitude = area * np.exp(1j * phase)
    explained = np.real(np.sum((2 * data - amplitude @ gram.T).conj() * amplitude, axis=1))
    return area, phase, explained


def _common_phase(problem: Problem, gram: Real, b: Complex) -> tuple[Real, Real]:
    """Return the phase per slice (all alike where shared) that explains most, and the areas without bounds.

    The explained power is a quadratic form of (cos phi, sin phi), so the best phase is that of its first eigenvector.
    """
    solved = np.linalg.solve(gram, np.concatenate([b.real, b.imag]).T).T
    sr, si = solved[: len(b)], solved[len(b) :]
    even, odd = (b.real * sr - b.imag * si).sum(axis=1), (b.real * si).sum(axis=1)
    if problem.phases == SHARED:
        weight = 1 / problem.sigma**2
        even, odd = np.atleast_1d(even @ weight), np.atleast_1d(odd @ weight)
    phase = 0.5 * np.arctan2(2 * odd, even)
    area = np.cos(phase)[:, None] * sr + np.sin(phase)[:, None] * si
    total = area.sum(axis=1) if problem.phases == PER_SLICE else area.sum(keepdims=True)[0]
    sign = np.where(total < 0, -1.0, 1.0)
    phase = phase + np.where(total < 0, np.pi, 0.0)
    return np.broadcast_to(phase, len(b)), area * sign[:, None]


def nonnegative(gram: Real, b: Real, free: Real | None = None) -> Real:
    """Return non-negative least-squares areas (slice, line) from normal equations.

    Areas below zero are held there and the rest solved again, for all slices at once; slices that then want one of them
    back are left to the active-set method (C. L. Lawson & R. J. Hanson, Solving Least Squares Problems, 1974).

    Parameters
    ----------
    gram : ndarray, shape (line, line) or (slice, line, line)
        Symmetric, positive definite.
    b : ndarray, shape (slice, line)
        Right-hand sides.
    free : ndarray, shape (slice, line), optional
        The solution without bounds, where known.
    """
    many = np.broadcast_to(gram, (len(b), *gram.shape[-2:]))
    area = np.linalg.solve(many, b[:, :, None])[:, :, 0] if free is None else free.copy()
    bad = np.flatnonzero((area < 0).any(axis=1))
    if not bad.size:
        return np.asarray(area, float)
    held, matrix = np.zeros((bad.size, b.shape[1]), bool), many[bad]
    value = area[bad]
    for _ in range(b.shape[1]):
        held |= value < 0
        if not (value < 0).any():
            break
        kept = np.where(held[:, :, None] | held[:, None, :], 0.0, matrix) + held[:, :, None] * np.eye(b.shape[1])
        value = np.linalg.solve(kept, np.where(held, 0.0, b[bad])[:, :, None])[:, :, 0]
    wanted = b[bad] - np.einsum("sij,sj->si", matrix, value)
    area[bad] = np.where(held, 0.0, value)
    wrong = bad[(held & (wanted > 1e-12 * np.abs(b[bad]).max(axis=1, keepdims=True))).any(axis=1)]
    if wrong.size:
        from scipy.optimize import nnls

        for s in wrong:
            root = np.linalg.cholesky(many[s])
            area[s] = nnls(root.T, np.linalg.solve(root, b[s]))[0]
    return np.asarray(area, float)
