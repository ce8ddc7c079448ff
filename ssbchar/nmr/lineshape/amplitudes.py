"""Areas and phases for given line shapes: the areas are linear, the phases closed or nearly so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgesv, zgesv

from ssbchar.linalg import solve_non_negative
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes
from ssbchar.typing import Array, Complex, Index

Inverse = NDArray[Any]
"""Real, or complex where lines have phases of their own."""
RIDGE = 1e-12
"""Of each line's own norm, so that the matrix of lines that coincide can be inverted."""
PHASE_ROUNDS = 4
"""Rounds of areas and phases in turn where several lines share a phase group."""


@dataclass(frozen=True, kw_only=True)
class Amplitudes:
    """Areas and phases of all slices."""

    area: Array
    """(slice, line), not negative."""
    phase: Array
    """(slice, line) [rad]."""
    explained: Array
    """(slice,) power of the data that the lines explain."""
    inverse: Inverse
    """(line, line) inverse of the Gram matrix; of its real part unless phases go by region."""


def solve_areas_and_phases(
    problem: LineshapeProblem, shapes: LineShapes, gram: Complex, data: Complex
) -> Amplitudes:
    """Return the areas and phases that explain most of the data.

    Parameters
    ----------
    problem : LineshapeProblem
        Noise and phase model.
    shapes : LineShapes
        Lines, for their phase groups.
    gram : ndarray, shape (line, line)
        <f_i, f_j> [dimensionless].
    data : ndarray, shape (slice, line)
        <f_j, y_s>, in the unit of the data.
    """
    if problem.phases != PhaseModel.PER_REGION:
        return _solve_common_phase(problem, gram.real, data)
    if problem.has_phase_per_line(shapes):
        return _solve_phase_per_line(gram, data)
    return _solve_phase_per_group(problem.group_phases(shapes), gram, data)


def invert_matrix(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the inverse of a small square matrix, by LAPACK without numpy's wrapper, whose checks
    take longer.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        Real or complex, in any unit.

    Raises
    ------
    LinAlgError
        The matrix is singular.
    """
    solver = zgesv if matrix.dtype.kind == "c" else dgesv
    inverse, failed = solver(matrix, np.eye(len(matrix)))[2:]
    if failed:
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(inverse)


def solve_system(matrix: Array, right: Array) -> Array:
    """Return the solution of a small real system, as `invert_matrix` does.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        In any unit.
    right : ndarray, shape (n,)
        Right-hand side.

    Raises
    ------
    LinAlgError
        The matrix is singular.
    """
    solution, failed = dgesv(matrix, right)[2:]
    if failed:
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(solution)


def _add_ridge(gram: NDArray[Any]) -> NDArray[Any]:
    out = gram.copy()
    out.flat[:: len(out) + 1] *= 1 + RIDGE
    return out


def _solve_common_phase(problem: LineshapeProblem, gram: Array, data: Complex) -> Amplitudes:
    """Return areas and phases for one phase per slice, or one for all.

    Turned by phi the data <f, y> = b explain Re(b exp(-i phi))' G^-1 Re(b exp(-i phi)), which is
    largest where phi is half the argument of b' G^-1 b.
    """
    inverse = invert_matrix(_add_ridge(gram))
    free = data @ inverse
    power = (data * free).sum(axis=1, keepdims=True)
    if problem.phases == PhaseModel.SHARED:
        power = (1 / problem.sigma**2) @ power
    phase = 0.5 * np.angle(power)
    turn = np.exp(-1j * phase)
    area = (free * turn).real
    # Half an argument leaves the sign open: areas that are negative in sum want half a turn more.
    over = 1 if problem.phases == PhaseModel.PER_SLICE else None
    backward = area.sum(axis=over, keepdims=True) < 0
    if backward.any():
        phase = phase + np.pi * backward
        turn = np.where(backward, -turn, turn)
        area = np.where(backward, -area, area)
    turned = (data * turn).real
    if area.min() < 0:
        area = solve_non_negative(_add_ridge(gram), turned, area)
    explained = ((2 * turned - area @ gram) * area).sum(axis=1)
    return Amplitudes(
        area=area, phase=phase + np.zeros(area.shape), explained=explained, inverse=inverse
    )


def _solve_phase_per_line(gram: Complex, data: Complex) -> Amplitudes:
    """Return areas and phases where each line has a phase of its own: complex amplitudes, whose
    size is never negative."""
    inverse = invert_matrix(_add_ridge(gram))
    free = data @ inverse.T
    explained = ((2 * data - free @ gram.T).conj() * free).sum(axis=1).real
    return Amplitudes(area=np.abs(free), phase=np.angle(free), explained=explained, inverse=inverse)


def _solve_phase_per_group(group: Index, gram: Complex, data: Complex) -> Amplitudes:
    """Return areas and phases where groups of lines share a phase: areas for given phases, then the
    phase of each group for given areas of the others, in turn."""
    same = group[:, None] == group[None, :]
    ridged = _add_ridge(gram)
    inverse = np.linalg.inv(ridged)
    free = data @ inverse.T
    phase = np.angle(free @ same)
    area = np.abs(free)
    for _ in range(PHASE_ROUNDS):
        turn = np.exp(1j * phase)
        turned = np.real(turn.conj()[:, :, None] * ridged * turn[:, None, :])
        area = solve_non_negative(turned, np.real(turn.conj() * data))
        others = data - (area * turn) @ np.where(same, 0.0, gram).T
        phase = np.angle((area * others) @ same)
    amplitude = area * np.exp(1j * phase)
    explained = np.real(np.sum((2 * data - amplitude @ gram.T).conj() * amplitude, axis=1))
    return Amplitudes(area=area, phase=phase, explained=explained, inverse=inverse)
