"""Stacks of small symmetric systems: normal equations scaled to a unit diagonal, with or without
the bound that solutions are not negative."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array, Bool


def invert_scaled(matrix: Array, *, ridge: float = 0.0) -> Array:
    """Return the inverses of normal matrices, by way of a unit diagonal.

    With D = diag(sqrt(N_ii)) the inverse is D^-1 (D^-1 N D^-1 + ridge I)^-1 D^-1, so that
    parameters of different units do not spoil the conditioning (A. van der Sluis, Numer. Math. 14
    (1969) 14). A parameter that nothing depends on (a row of zeros) has inverse 1.

    Parameters
    ----------
    matrix : ndarray, shape (..., n, n)
        Symmetric, positive semi-definite.
    ridge : float
        Added to the unit diagonal [1].

    Returns
    -------
    ndarray, shape (..., n, n)
        In the inverse unit of the matrix.
    """
    scaled, size = _scale_to_unit_diagonal(matrix)
    diagonal = np.einsum("...ii->...i", scaled)
    diagonal[...] = np.where(diagonal > 0, 1.0 + ridge, 1.0)
    return np.asarray(np.linalg.inv(scaled) / (size[..., :, None] * size[..., None, :]))


def solve_scaled(matrix: Array, right: Array, *, ridge: float = 0.0) -> Array:
    """Return the solutions of normal equations, by way of a unit diagonal (see `invert_scaled`).

    Parameters
    ----------
    matrix : ndarray, shape (..., n, n)
        Symmetric, positive semi-definite.
    right : ndarray, shape (..., n) or (..., n, columns)
        Right-hand sides: one per matrix, or several as columns.
    ridge : float
        Added to the unit diagonal [1]; keeps singular systems solvable.

    Returns
    -------
    ndarray, shape of `right`
    """
    scaled, size = _scale_to_unit_diagonal(matrix)
    np.einsum("...ii->...i", scaled)[...] += ridge
    if right.ndim == matrix.ndim - 1:
        return np.asarray(np.linalg.solve(scaled, (right / size)[..., None])[..., 0] / size)
    return np.asarray(np.linalg.solve(scaled, right / size[..., :, None]) / size[..., :, None])


def _scale_to_unit_diagonal(matrix: Array) -> tuple[Array, Array]:
    """Return the scaled matrices, and the roots of their diagonals (1 where that is not
    positive)."""
    diagonal = np.einsum("...ii->...i", matrix)
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return matrix / (size[..., :, None] * size[..., None, :]), size


def solve_non_negative(matrix: Array, right: Array, free: Array | None = None) -> Array:
    """Return the non-negative x of least x'Nx / 2 - b'x for a stack of normal equations.

    Values below zero are held there and the others solved again, for the whole stack at once; the
    rows that then want a held value back are left to the active-set method (C. L. Lawson & R. J.
    Hanson, Solving Least Squares Problems, 1974).

    Parameters
    ----------
    matrix : ndarray, shape (n, n) or (rows, n, n)
        Symmetric, positive definite; one for all rows, or one each.
    right : ndarray, shape (rows, n)
        Right-hand sides b.
    free : ndarray, shape (rows, n), optional
        The solutions without the bound, where they are known.

    Returns
    -------
    ndarray, shape (rows, n)
        In the unit of `right` / `matrix`.
    """
    count = right.shape[1]
    stack = np.broadcast_to(matrix, (len(right), count, count))
    if free is None:
        solution = np.asarray(np.linalg.solve(stack, right[:, :, None])[:, :, 0], float)
    else:
        solution = free.copy()
    bad = np.flatnonzero((solution < 0).any(axis=1))
    if not bad.size:
        return np.asarray(solution, float)
    value, held = _hold_negative(stack[bad], right[bad], solution[bad])
    solution[bad] = np.where(held, 0.0, value)
    # where the descent from zero is still uphill, holding was too rash: the bound is not active
    wanted = right[bad] - np.einsum("sij,sj->si", stack[bad], value)
    rounding = 1e-12 * np.abs(right[bad]).max(axis=1, keepdims=True)
    for row in bad[(held & (wanted > rounding)).any(axis=1)]:
        solution[row] = _solve_active_set(stack[row], right[row])
    return np.asarray(solution, float)


def _hold_negative(matrix: Array, right: Array, value: Array) -> tuple[Array, Bool]:
    """Return solutions with values held at zero until none is negative, and which are held."""
    held = np.zeros(right.shape, bool)
    unit = np.eye(right.shape[1])
    for _ in range(right.shape[1]):
        negative = value < 0
        held |= negative
        if not negative.any():
            break
        kept = np.where(held[:, :, None] | held[:, None, :], 0.0, matrix)
        kept = kept + held[:, :, None] * unit
        value = np.linalg.solve(kept, np.where(held, 0.0, right)[:, :, None])[:, :, 0]
    return value, held


def _solve_active_set(matrix: Array, right: Array) -> Array:
    """Return the non-negative solution of one system: with N = L L', that of min |L'x - L^-1 b|."""
    from scipy.optimize import nnls

    root = np.linalg.cholesky(matrix)
    return np.asarray(nnls(root.T, np.linalg.solve(root, right))[0])
