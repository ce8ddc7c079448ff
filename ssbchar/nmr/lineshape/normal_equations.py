"""Normal equations of the line shapes, with the slices' own areas and phases eliminated.

A slice's own parameters p (areas, and phases of groups) and the shared shape parameters q have the
blocks A = p'p, B = p'q and D = q'q of the normal matrix. The shared parameters alone have D - B'
A^-1 B, summed over slices with their weights 1/sigma^2 (G. H. Golub & V. Pereyra, SIAM J. Numer.
Anal. 10 (1973) 413).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ssbchar.nmr.lineshape.amplitudes import Inverse, invert_matrix, solve_areas_and_phases
from ssbchar.nmr.lineshape.gram_sums import (
    GramSums,
    ShapeDerivatives,
    build_derivatives,
    sum_over_time,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes
from ssbchar.typing import Array, Complex, Index

REGULAR = 1e8
"""A scaled matrix whose inverse has no larger diagonal element is far from singular."""
ROUNDING = 1e-13
"""Eigenvalues below this share of the largest are rounding."""
RIDGE = 1e-12
"""Added to a unit diagonal, in place of eigenvalues."""


@dataclass(frozen=True, kw_only=True)
class LineshapeState:
    """The sums at one set of shapes, and the areas and phases that go with it."""

    shapes: LineShapes
    sums: GramSums
    area: Array
    """(slice, line)."""
    phase: Array
    """(slice, line) [rad]."""
    chi2_slice: Array
    """(slice,) sum of squared residuals over sigma^2."""
    chi2: float
    """Their sum, with the prior of the time origin."""
    inverse: Inverse
    """(line, line) inverse Gram matrix of the areas (`solve_areas_and_phases`)."""
    known: dict[bytes, NormalEquations] = field(default_factory=dict, repr=False)
    """Normal equations already made for this state, by the parameters wanted."""

    @property
    def amplitude(self) -> Complex:
        """Complex amplitudes, shape (slice, line), in the unit of the data."""
        return np.asarray(self.area * np.exp(1j * self.phase))


@dataclass(frozen=True, kw_only=True)
class NormalEquations:
    """Normal equations of the shared parameters, the slices' own (areas, phases) eliminated."""

    matrix: Array
    """(shared, shared)."""
    slope: Array
    """(shared,) half the fall of chi-square by each parameter."""
    own: Inverse
    """(slice, own, own) inverse of the slices' own block."""
    link: Inverse
    """(slice, own, shared): d(own)/d(shared) with the sign reversed."""


def evaluate_state(
    problem: LineshapeProblem, shapes: LineShapes, sums: GramSums | None = None
) -> LineshapeState:
    """Return the best areas and phases for given shapes, and chi-square.

    Parameters
    ----------
    problem : LineshapeProblem
        From `LineshapeProblem.prepare`.
    shapes : LineShapes
        Lines.
    sums : GramSums, optional
        The sums over time [s] of these shapes, where known.
    """
    sums = sums or sum_over_time(problem, shapes)
    n = shapes.n
    best = solve_areas_and_phases(problem, shapes, sums.gram[:n, :n], sums.data[:, :n])
    per_slice = np.maximum(problem.power - best.explained, 0.0) / problem.sigma**2
    has_origin = problem.phases != PhaseModel.PER_REGION
    prior = problem.penalise_origin(shapes.origin)[0] if has_origin else 0.0
    return LineshapeState(
        shapes=shapes,
        sums=sums,
        area=best.area,
        phase=best.phase,
        chi2_slice=per_slice,
        chi2=float(per_slice.sum()) + prior,
        inverse=best.inverse,
    )


def compute_residual(problem: LineshapeProblem, at: LineshapeState) -> Complex:
    """Return data less model, without the nuisance.

    Parameters
    ----------
    problem : LineshapeProblem
        Data.
    at : LineshapeState
        Model.

    Returns
    -------
    ndarray, shape (slice, time)
        In the unit of the data.
    """
    model = at.amplitude @ evaluate_shapes(at.shapes, problem.time)
    return problem.clean(problem.y - model)


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
    free : ndarray of int, shape (shared,)
        Shared parameters wanted, as rising positions in `LineShapes.pack_parameters` [Hz, Hz, Hz^2,
        s, rad].
    exact : bool
        Keep areas held at zero, and invert by eigenvalues (for the covariance).
    """
    key = b"" if exact else free.tobytes()
    # A step that fails is tried again with more damping, from the same equations.
    if key in at.known:
        return at.known[key]
    derivatives = build_derivatives(at.shapes, at.sums.early)
    derivatives = ShapeDerivatives(line=derivatives.line, share=derivatives.share[:, free])
    one_phase_each = problem.phases == PhaseModel.PER_REGION and problem.has_phase_per_line(
        at.shapes
    )
    if problem.phases == PhaseModel.SHARED:
        blocks = _reduce_areas(at, derivatives, exact)
    elif one_phase_each and not exact:
        blocks = _reduce_amplitudes(at, derivatives)
    else:
        blocks = _reduce_areas_and_phases(problem, at, derivatives, exact)
    weight = 1 / problem.sigma**2
    matrix = (weight @ blocks.matrix.reshape(weight.size, -1)).reshape(free.size, -1)
    slope = weight @ blocks.slope
    origin = 3 * at.shapes.n
    place = int(free.searchsorted(origin))
    if place < free.size and free[place] == origin:
        _, downwards, curvature = problem.penalise_origin(at.shapes.origin)
        matrix[place, place] += curvature
        slope[place] += downwards
    equations = NormalEquations(
        matrix=matrix,
        slope=slope,
        own=blocks.inverse / weight[:, None, None],
        link=blocks.link,
    )
    if key:
        at.known[key] = equations
    return equations


@dataclass(frozen=True, kw_only=True)
class _SliceBlocks:
    """Reduced normal equations slice by slice, before they are weighted and summed."""

    matrix: Array
    """(slice, shared, shared)."""
    slope: Array
    """(slice, shared)."""
    inverse: Inverse
    """(slice or 1, own, own) inverse of the own block."""
    link: Inverse
    """(slice, own, shared)."""


def _reduce_areas(at: LineshapeState, derivatives: ShapeDerivatives, exact: bool) -> _SliceBlocks:
    """Return the blocks where areas alone are the slices' own (one phase for all)."""
    n, gram, area = at.shapes.n, at.sums.gram, at.area
    residual = at.sums.data * np.exp(-1j * at.phase[:, :1]) - area @ gram[:, :n].T
    shared = area[:, derivatives.line, None] * derivatives.share
    across = gram @ shared
    own, own_slope = across[:, :n].real, residual[:, :n].real
    if exact:
        inverse = invert_by_eigenvalues(gram[None, :n, :n].real)
    elif area.min() > 0:
        inverse = at.inverse.real[None]
    else:
        # An area held at zero stays there whatever the shapes do: it has no row of its own.
        kept = (area > 0).astype(float)
        inverse = invert_with_ridge(gram[:n, :n].real * (kept[:, :, None] * kept[:, None, :]))
        own, own_slope = own * kept[:, :, None], own_slope * kept
    link = inverse @ own
    shared_h = shared.conj().swapaxes(1, 2)
    slope = (shared_h @ residual[:, :, None]).real - link.swapaxes(1, 2) @ own_slope[:, :, None]
    return _SliceBlocks(
        matrix=(shared_h @ across).real - own.swapaxes(1, 2) @ link,
        slope=slope[:, :, 0],
        inverse=inverse,
        link=link,
    )


def _reduce_amplitudes(at: LineshapeState, derivatives: ShapeDerivatives) -> _SliceBlocks:
    """Return the blocks where each line has a phase of its own: complex amplitudes are then the
    slices' own."""
    n, gram, amplitude = at.shapes.n, at.sums.gram, at.amplitude
    residual = at.sums.data - amplitude @ gram[:, :n].T
    shared = amplitude[:, derivatives.line, None] * derivatives.share
    across = gram @ shared
    own = across[:, :n]
    shared_h = shared.conj().swapaxes(1, 2)
    link = at.inverse @ own
    matrix = shared_h @ across - own.conj().swapaxes(1, 2) @ link
    return _SliceBlocks(
        matrix=matrix.real,
        slope=(shared_h @ residual[:, :, None])[:, :, 0].real,
        inverse=at.inverse[None],
        link=link,
    )


def _reduce_areas_and_phases(
    problem: LineshapeProblem, at: LineshapeState, derivatives: ShapeDerivatives, exact: bool
) -> _SliceBlocks:
    """Return the blocks where areas and the phases of line groups are the slices' own."""
    n, gram, area = at.shapes.n, at.sums.gram, at.area
    if problem.phases == PhaseModel.PER_REGION:
        turn = np.exp(1j * at.phase[:, derivatives.line])
        gram = turn.conj()[:, :, None] * gram * turn[:, None, :]
        data = turn.conj() * at.sums.data
        residual = data - np.einsum("skj,sj->sk", gram[:, :, :n], area)
    else:
        residual = at.sums.data * np.exp(-1j * at.phase[:, :1]) - area @ gram[:, :n].T
        gram = gram[None]
    shared = area[:, derivatives.line, None] * derivatives.share
    across = gram @ shared
    columns = _build_own_columns(area, problem.group_phases(at.shapes), exact)
    own_h = columns.conj().swapaxes(1, 2)
    block = np.real(own_h @ gram[:, :n, :n] @ own_h.conj().swapaxes(1, 2))
    own = np.real(own_h @ across[:, :n])
    own_slope = np.real(own_h @ residual[:, :n, None])
    inverse = invert_by_eigenvalues(block) if exact else invert_with_ridge(block)
    link = inverse @ own
    shared_h = shared.conj().swapaxes(1, 2)
    slope = np.real(shared_h @ residual[:, :, None]) - link.swapaxes(1, 2) @ own_slope
    return _SliceBlocks(
        matrix=np.real(shared_h @ across) - own.swapaxes(1, 2) @ link,
        slope=slope[:, :, 0],
        inverse=inverse,
        link=link,
    )


def _build_own_columns(area: Array, group: Index, exact: bool) -> Complex:
    """Return the slices' own columns, (slice, line, area or phase): one per area, one per phase
    group."""
    lines = area.shape[1]
    line = np.arange(lines)
    own = np.zeros((*area.shape, lines + int(group.max()) + 1), complex)
    own[:, line, line] = exact or (area > 0)
    own[:, line, lines + group] = 1j * area
    return own


def invert_by_eigenvalues(matrices: Array) -> Array:
    """Return inverses of symmetric matrices scaled to a unit diagonal; rows that are all zero stay
    zero.

    By eigenvalues, without those that are rounding, unless it is one matrix far from singular.

    Parameters
    ----------
    matrices : ndarray, shape (..., n, n)
        Symmetric, in any unit.

    Returns
    -------
    ndarray, shape (..., n, n)
        In the inverse unit.
    """
    scale, outer = _scale_to_unit_diagonal(matrices)
    scaled = matrices * outer
    is_one_matrix = scale.size == matrices.shape[-1]
    if is_one_matrix and scale.min(initial=1.0) > 0:
        plain = invert_matrix(scaled.reshape(scale.size, -1))
        if plain.diagonal().max(initial=0.0) < REGULAR:
            return np.asarray(plain * outer)
    value, vector = np.linalg.eigh(scaled)
    size = np.abs(value)
    kept = size > ROUNDING * size.max(axis=-1, keepdims=True, initial=0.0)
    inverse = np.where(kept, 1 / np.where(kept, value, 1.0), 0.0)
    return np.asarray((vector * inverse[..., None, :]) @ vector.swapaxes(-1, -2) * outer)


def invert_with_ridge(matrices: Array) -> Array:
    """Return inverses of symmetric matrices scaled to a unit diagonal with a small ridge, enough
    for a step; rows that are all zero stay zero.

    Parameters
    ----------
    matrices : ndarray, shape (..., n, n)
        Symmetric, in any unit.

    Returns
    -------
    ndarray, shape (..., n, n)
        In the inverse unit.
    """
    scale, outer = _scale_to_unit_diagonal(matrices)
    ridge = np.where(scale > 0, RIDGE, 1.0)[..., :, None] * np.eye(matrices.shape[-1])
    return np.asarray(np.linalg.inv(matrices * outer + ridge) * outer)


def _scale_to_unit_diagonal(matrices: Array) -> tuple[Array, Array]:
    """Return 1/sqrt of the diagonals (zero where they are not positive), and their outer
    products."""
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1)
    positive = diagonal > 0
    scale = np.where(positive, 1 / np.sqrt(np.where(positive, diagonal, 1.0)), 0.0)
    return scale, scale[..., :, None] * scale[..., None, :]
