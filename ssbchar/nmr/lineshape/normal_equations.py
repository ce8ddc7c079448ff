"""Normal equations of the line shapes, with the slices' own areas and phases eliminated."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ssbchar.nmr.lineshape.amplitudes import Inverse, invert_matrix, solve_areas_and_phases
from ssbchar.nmr.lineshape.gram_sums import GramSums, build_derivatives, sum_over_time
from ssbchar.nmr.lineshape.shapes import PER_REGION, SHARED, LineshapeProblem, LineShapes
from ssbchar.typing import Array, Complex, Index

REGULAR = 1e8
"""A scaled matrix whose inverse has no larger diagonal element is far from singular."""


@dataclass(frozen=True)
class LineshapeState:
    """The sums at one set of shapes, and the areas and phases that go with it."""

    shapes: LineShapes
    sums: GramSums
    area: Array
    phase: Array
    """(slice, line)."""
    chi2_slice: Array
    chi2: float
    inverse: Inverse
    """(line, line) inverse Gram matrix of the areas (`areas_and_phases`)."""
    known: dict[bytes, NormalEquations] = field(default_factory=dict, repr=False)
    """Normal equations already made for this state, by the parameters wanted."""


def evaluate_state(
    problem: LineshapeProblem, shapes: LineShapes, made: GramSums | None = None
) -> LineshapeState:
    """Return the best areas and phases for given shapes, and chi-square; `made` are the sums where
    known."""
    found, n = made or sum_over_time(problem, shapes), shapes.n
    area, phase, explained, inverse = solve_areas_and_phases(
        problem, shapes, found.gram[:n, :n], found.data[:, :n]
    )
    per_slice = np.maximum(problem.power - explained, 0.0) / problem.sigma**2
    prior = (shapes.origin / problem.origin_prior) ** 2 if problem.phases != PER_REGION else 0.0
    return LineshapeState(
        shapes, found, area, phase, per_slice, float(per_slice.sum()) + prior, inverse
    )


@dataclass(frozen=True)
class NormalEquations:
    """Normal equations of the shared parameters, the slices' own (areas, phases) eliminated."""

    matrix: Array
    slope: Array
    own: Inverse
    """(slice, own, own) inverse of the slices' own block."""
    link: Inverse
    """(slice, own, shared): d(own)/d(shared) with the sign reversed."""


def build_normal_equations(
    problem: LineshapeProblem, at: LineshapeState, free: Index, exact: bool = False
) -> NormalEquations:
    """Return the reduced normal equations: shared columns are shape derivatives, own ones areas and
    group phases.

    Parameters
    ----------
    problem : LineshapeProblem
        Noise and phase model.
    at : LineshapeState
        Where.
    free : ndarray
        Shared parameters wanted: nu, width, gauss2 of all lines, the time origin, the common phase.
    exact : bool
        Keep areas held at zero, and invert by eigenvalues (for the covariance).
    """
    key = b"" if exact else free.tobytes()
    if key in at.known:
        return at.known[key]
    of, by = build_derivatives(at.shapes, at.sums.early)
    by = by[:, free]
    parts: tuple[Array, Array, Inverse, Inverse]
    if problem.phases == SHARED:
        parts = _shared_phase(at, of, by, exact)
    elif not exact and problem.phases == PER_REGION and problem.apart(at.shapes):
        parts = _phase_per_line(at, of, by)
    else:
        parts = _own_phases(problem, at, of, by, exact)
    matrices, slopes_, inverse, link = parts
    weight = 1 / problem.sigma**2
    matrix, slope = (
        (weight @ matrices.reshape(weight.size, -1)).reshape(free.size, -1),
        weight @ slopes_,
    )
    place = int(free.searchsorted(3 * at.shapes.n))
    if place < free.size and free[place] == 3 * at.shapes.n:
        matrix[place, place] += 1 / problem.origin_prior**2
        slope[place] -= at.shapes.origin / problem.origin_prior**2
    found = NormalEquations(matrix, slope, inverse / weight[:, None, None], link)
    if key:
        at.known[key] = found
    return found


def _shared_phase(
    at: LineshapeState, of: Index, by: Complex, exact: bool
) -> tuple[Array, Array, Array, Array]:
    """Return matrices and slopes of each slice, the inverse of its own block (areas), and how its
    areas follow."""
    n, gram, area = at.shapes.n, at.sums.gram, at.area
    residual = at.sums.data * np.exp(-1j * at.phase[:, :1]) - area @ gram[:, :n].T
    shared = area[:, of, None] * by
    across = gram @ shared
    own, mine = across[:, :n].real, residual[:, :n].real
    if exact:
        inverse = invert_by_eigenvalues(gram[None, :n, :n].real)
    elif area.min() > 0:
        inverse = at.inverse.real[None]
    else:
        kept = (area > 0).astype(float)
        inverse = invert_with_ridge(gram[:n, :n].real * (kept[:, :, None] * kept[:, None, :]))
        own, mine = own * kept[:, :, None], mine * kept
    link = inverse @ own
    shared_h = shared.conj().swapaxes(1, 2)
    slope = (shared_h @ residual[:, :, None]).real - link.swapaxes(1, 2) @ mine[:, :, None]
    return (shared_h @ across).real - own.swapaxes(1, 2) @ link, slope[:, :, 0], inverse, link


def _phase_per_line(
    at: LineshapeState, of: Index, by: Complex
) -> tuple[Array, Array, Inverse, Inverse]:
    """Return the same where each line has a phase of its own: a slice's own are then complex
    amplitudes."""
    n, gram = at.shapes.n, at.sums.gram
    amplitude = at.area * np.exp(1j * at.phase)
    residual = at.sums.data - amplitude @ gram[:, :n].T
    shared = amplitude[:, of, None] * by
    across = gram @ shared
    own, shared_h = across[:, :n], shared.conj().swapaxes(1, 2)
    link = at.inverse @ own
    matrix = shared_h @ across - own.conj().swapaxes(1, 2) @ link
    return matrix.real, (shared_h @ residual[:, :, None])[:, :, 0].real, at.inverse[None], link


def _own_phases(
    problem: LineshapeProblem, at: LineshapeState, of: Index, by: Complex, exact: bool
) -> tuple[Array, Array, Array, Array]:
    """Return the same with areas and the phases of line groups in the slices' own block."""
    n, gram, area = at.shapes.n, at.sums.gram, at.area
    if problem.phases == PER_REGION:
        turn = np.exp(1j * at.phase[:, of])
        gram, data = turn.conj()[:, :, None] * gram * turn[:, None, :], turn.conj() * at.sums.data
        residual = data - np.einsum("skj,sj->sk", gram[:, :, :n], area)
    else:
        residual = at.sums.data * np.exp(-1j * at.phase[:, :1]) - area @ gram[:, :n].T
        gram = gram[None]
    shared = area[:, of, None] * by
    across = gram @ shared
    own_h = _own(area, problem.groups(at.shapes), exact).conj().swapaxes(1, 2)
    block = np.real(own_h @ gram[:, :n, :n] @ own_h.conj().swapaxes(1, 2))
    own, mine = np.real(own_h @ across[:, :n]), np.real(own_h @ residual[:, :n, None])
    inverse = invert_by_eigenvalues(block) if exact else invert_with_ridge(block)
    link = inverse @ own
    shared_h = shared.conj().swapaxes(1, 2)
    slope = np.real(shared_h @ residual[:, :, None]) - link.swapaxes(1, 2) @ mine
    return np.real(shared_h @ across) - own.swapaxes(1, 2) @ link, slope[:, :, 0], inverse, link


def _own(area: Array, group: Index, exact: bool) -> Complex:
    """Return the slices' own columns, (slice, line, area or phase): one per area, one per phase
    group."""
    line = np.arange(area.shape[1])
    own = np.zeros((*area.shape, area.shape[1] + int(group.max()) + 1), complex)
    own[:, line, line] = exact or (area > 0)
    own[:, line, area.shape[1] + group] = 1j * area
    return own


def _scaling(many: Array) -> tuple[Array, Array]:
    diagonal = np.diagonal(many, axis1=-2, axis2=-1)
    positive = diagonal > 0
    scale = np.where(positive, 1 / np.sqrt(np.where(positive, diagonal, 1.0)), 0.0)
    return scale, scale[..., :, None] * scale[..., None, :]


def invert_by_eigenvalues(many: Array) -> Array:
    """Return inverses of scaled symmetric matrices; rows that are all zero stay zero.

    By eigenvalues, without those that are rounding, unless it is one matrix far from singular.
    """
    scale, outer = _scaling(many)
    scaled = many * outer
    if scale.size == many.shape[-1] and scale.min(initial=1.0) > 0:
        plain = invert_matrix(scaled.reshape(scale.size, -1))
        if plain.diagonal().max(initial=0.0) < REGULAR:
            return np.asarray(plain * outer)
    value, vector = np.linalg.eigh(scaled)
    size = np.abs(value)
    kept = size > 1e-13 * size.max(axis=-1, keepdims=True, initial=0.0)
    inverse = np.where(kept, 1 / np.where(kept, value, 1.0), 0.0)
    return np.asarray((vector * inverse[..., None, :]) @ vector.swapaxes(-1, -2) * outer)


def invert_with_ridge(many: Array) -> Array:
    """Return the same with a ridge of 1e-12 in place of eigenvalues, enough for a step."""
    scale, outer = _scaling(many)
    ridge = np.where(scale > 0, 1e-12, 1.0)[..., :, None] * np.eye(many.shape[-1])
    return np.asarray(np.linalg.inv(many * outer + ridge) * outer)
