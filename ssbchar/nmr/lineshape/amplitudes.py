"""Areas and phases for given line shapes: linear, and the phase closed or nearly so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgesv, zgesv

from ssbchar.linalg import solve_non_negative
from ssbchar.nmr.lineshape.shapes import PER_REGION, PER_SLICE, SHARED, LineshapeProblem, LineShapes
from ssbchar.typing import Array, Complex, Index

Inverse = NDArray[Any]
"""Real, or complex where lines have phases of their own."""
RIDGE = 1e-12
"""Of each line's own norm, so that lines that coincide can be told from nothing."""


def solve_areas_and_phases(
    problem: LineshapeProblem, shapes: LineShapes, gram: Complex, data: Complex
) -> tuple[Array, Array, Array, Inverse]:
    """Return non-negative areas, phases, both (slice, line), the power (slice,) they explain, and
    an inverse of `gram`.

    The inverse is of its real part unless phases go by region.

    Parameters
    ----------
    problem : LineshapeProblem
        Noise and phase model.
    shapes : LineShapes
        Lines, for their phase groups.
    gram : ndarray, shape (line, line)
        <f_i, f_j>.
    data : ndarray, shape (slice, line)
        <f_j, y_s>.
    """
    if problem.phases != PER_REGION:
        return _common_phase(problem, gram.real, data)
    if problem.apart(shapes):
        inverse = invert_matrix(_ridged(gram))
        free = data @ inverse.T
        explained = ((2 * data - free @ gram.T).conj() * free).sum(axis=1).real
        return np.abs(free), np.angle(free), explained, inverse
    return _phase_per_group(problem.groups(shapes), gram, data)


def invert_matrix(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the inverse of a small square matrix, by LAPACK without numpy's wrapper, whose checks
    take longer."""
    solver = zgesv if matrix.dtype.kind == "c" else dgesv
    found, failed = solver(matrix, np.eye(len(matrix)))[2:]
    if failed:
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(found)


def solve_system(matrix: Array, right: Array) -> Array:
    """Return the solution of a small real system, as `inverted` does."""
    found, failed = dgesv(matrix, right)[2:]
    if failed:
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(found)


def _ridged(gram: NDArray[Any]) -> NDArray[Any]:
    out = gram.copy()
    out.flat[:: len(out) + 1] *= 1 + RIDGE
    return out


def _common_phase(
    problem: LineshapeProblem, gram: Array, data: Complex
) -> tuple[Array, Array, Array, Array]:
    """Return what `areas_and_phases` does for one phase per slice, or one for all.

    Turned by phi the data <f, y> = b explain Re(b exp(-i phi))' G^-1 Re(b exp(-i phi)), which is
    largest where phi is half the argument of b' G^-1 b.
    """
    inverse = invert_matrix(_ridged(gram))
    free = data @ inverse
    power = (data * free).sum(axis=1, keepdims=True)
    if problem.phases == SHARED:
        power = (1 / problem.sigma**2) @ power
    phase = 0.5 * np.angle(power)
    turn = np.exp(-1j * phase)
    area = (free * turn).real
    backward = area.sum(axis=1 if problem.phases == PER_SLICE else None, keepdims=True) < 0
    if backward.any():
        phase, turn, area = (
            phase + np.pi * backward,
            np.where(backward, -turn, turn),
            np.where(backward, -area, area),
        )
    turned = (data * turn).real
    if area.min() < 0:
        area = solve_non_negative(_ridged(gram), turned, area)
    explained = ((2 * turned - area @ gram) * area).sum(axis=1)
    return area, phase + np.zeros(area.shape), explained, inverse


def _phase_per_group(
    group: Index, gram: Complex, data: Complex
) -> tuple[Array, Array, Array, Complex]:
    same = group[:, None] == group[None, :]
    ridged = _ridged(gram)
    inverse = np.linalg.inv(ridged)
    free = data @ inverse.T
    phase = np.angle(free @ same)
    area = np.abs(free)
    for _ in range(4):
        turn = np.exp(1j * phase)
        turned = np.real(turn.conj()[:, :, None] * ridged * turn[:, None, :])
        area = solve_non_negative(turned, np.real(turn.conj() * data))
        others = data - (area * turn) @ np.where(same, 0.0, gram).T
        phase = np.angle((area * others) @ same)
    amplitude = area * np.exp(1j * phase)
    explained = np.real(np.sum((2 * data - amplitude @ gram.T).conj() * amplitude, axis=1))
    return area, phase, explained, inverse
