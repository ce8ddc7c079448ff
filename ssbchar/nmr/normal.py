"""Normal equations of the line shapes, with the slices' own areas and phases eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.linear import areas_and_phases
from ssbchar.nmr.shapes import PER_REGION, SHARED, Complex, Index, Problem, Real, Shapes
from ssbchar.nmr.sums import Sums, slopes, sums


@dataclass(frozen=True)
class State:
    """The sums at one set of shapes, and the areas and phases that go with it."""

    shapes: Shapes
    sums: Sums
    area: Real
    phase: Real
    """(slice, line)."""
    chi2_slice: Real
    chi2: float


def state(problem: Problem, shapes: Shapes) -> State:
    """Return the best areas and phases for given shapes, and chi-square."""
    found, n = sums(problem, shapes), shapes.n
    gram, data = found.gram[:n, :n], found.data[:, :n]
    area, phase, explained = areas_and_phases(problem, shapes, gram, data)
    per_slice = np.maximum(problem.power - explained, 0.0) / problem.sigma**2
    prior = (shapes.origin / problem.origin_prior) ** 2 if problem.phases != PER_REGION else 0.0
    return State(shapes, found, area, phase, per_slice, float(per_slice.sum()) + prior)


@dataclass(frozen=True)
class Normal:
    """Normal equations of the shared parameters, the slices' own (areas, phases) eliminated."""

    matrix: Real
    slope: Real
    own: Real
    """(slice, own, own) inverse of the slices' own block."""
    link: Real
    """(slice, own, shared): d(own)/d(shared) with the sign reversed."""


def normal(problem: Problem, at: State, free: Index, exact: bool = False) -> Normal:
    """Return the reduced normal equations: shared columns are shape derivatives, own ones areas and group phases.

    Parameters
    ----------
    problem : Problem
        Noise and phase model.
    at : State
        Where.
    free : ndarray
        Shared parameters wanted: nu, width, gauss2 of all lines, the time origin, the common phase.
    exact : bool
        Keep areas held at zero, and invert by eigenvalues (for the covariance).
    """
    n, gram = at.shapes.n, at.sums.gram
    area = at.area
    of, by = slopes(at.shapes, at.sums.early)
    if problem.phases == PER_REGION:
        turn = np.exp(1j * at.phase[:, of])
        gram, data = turn.conj()[:, :, None] * gram * turn[:, None, :], turn.conj() * at.sums.data
        residual = data - np.einsum("skj,sj->sk", gram[:, :, :n], area)
    else:
        residual = at.sums.data * np.exp(-1j * at.phase[:, :1]) - area @ gram[:, :n].T
        gram = gram[None]
    shared = area[:, of, None] * by[:, free]
    across = gram @ shared
    weight = 1 / problem.sigma[:, None, None] ** 2
    if problem.phases == SHARED:
        kept = np.ones(area.shape) if exact else (area > 0).astype(float)
        oo = gram[:, :n, :n].real * (kept[:, :, None] * kept[:, None, :])
        os, mine = across[:, :n].real * kept[:, :, None], residual[:, :n].real * kept
    else:
        own_h = _own(area, problem.groups(at.shapes), exact).conj().swapaxes(1, 2)
        oo = np.real(own_h @ gram[:, :n, :n] @ own_h.conj().swapaxes(1, 2))
        os, mine = np.real(own_h @ across[:, :n]), np.real(own_h @ residual[:, :n, None])[:, :, 0]
    inverse = inverses(oo) if exact else _quick_inverses(oo)
    link = inverse @ os
    shared_h = shared.conj().swapaxes(1, 2)
    linked = link.swapaxes(1, 2)
    slope = np.sum(weight * (np.real(shared_h @ residual[:, :, None]) - linked @ mine[:, :, None]), axis=0)[:, 0]
    matrix = np.sum(weight * (np.real(shared_h @ across) - os.swapaxes(1, 2) @ link), axis=0)
    place = np.flatnonzero(free == 3 * n)
    if place.size:
        matrix[place[0], place[0]] += 1 / problem.origin_prior**2
        slope[place[0]] -= at.shapes.origin / problem.origin_prior**2
    return Normal(matrix, slope, inverse / weight, link)


def _own(area: Real, group: Index, exact: bool) -> Complex:
    """Return the slices' own columns, (slice, line, area or phase): one per area, one per phase group."""
    line = np.arange(area.shape[1])
    own = np.zeros((*area.shape, area.shape[1] + int(group.max()) + 1), complex)
    own[:, line, line] = exact or (area > 0)
    own[:, line, area.shape[1] + group] = 1j * area
    return own


def _scaling(many: Real) -> tuple[Real, Real]:
    size = np.sqrt(np.maximum(np.einsum("...ii->...i", many), 0.0))
    scale = np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)
    return scale, scale[..., :, None] * scale[..., None, :]


def inverses(many: Real) -> Real:
    """Return inverses of scaled symmetric matrices; rows that are all zero stay zero."""
    _, outer = _scaling(many)
    return np.asarray(np.linalg.pinv(many * outer, rcond=1e-13, hermitian=True) * outer)


def _quick_inverses(many: Real) -> Real:
    """Return the same with a ridge of 1e-12 in place of eigenvalues, enough for a step."""
    scale, outer = _scaling(many)
    ridge = np.where(scale > 0, 1e-12, 1.0)[..., :, None] * np.eye(many.shape[-1])
    return np.asarray(np.linalg.inv(many * outer + ridge) * outer)
