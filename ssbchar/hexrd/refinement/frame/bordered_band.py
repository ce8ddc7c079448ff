"""Symmetric matrices that are a band with dense rows after it, as are the normal equations of lines
that overlap with their neighbours alone beside unknowns that overlap with all."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array, Bool

RIDGE = 1e-10
"""Share of itself that is added to each diagonal element, so that overlaps stay solvable."""
PASSES = 8
"""Most times that negative unknowns are set to zero and the others solved again."""


class BorderedBand(NamedTuple):
    """A symmetric matrix N of unknowns 0 to n, which form a band, and n to n + m, which are dense;
    in any unit."""

    band: Array
    """N[i, i + k] at [i, k], shape (n, neighbours); 0 where i + k is n or more."""
    border: Array
    """N[i, n + j] at [i, j], shape (n, m)."""
    corner: Array
    """N[n + i, n + j] at [i, j], shape (m, m)."""


class BorderedFactor(NamedTuple):
    """Cholesky factor U of a `BorderedBand`, N = U'U with U = [[R, S], [0, C]]."""

    band: Array
    """R[i, i + k] at [i, k], shape (n, neighbours)."""
    border: Array
    """S = R'^-1 B of the border B, shape (n, m)."""
    corner: Array
    """C[i, i + k] at [i, k]: the factor of what the band leaves of the corner, shape (m, m)."""


@compile_loops
def expand_to_dense(matrix: BorderedBand) -> Array:
    """Return the whole matrix, shape (n + m, n + m), in its unit."""
    n, m = matrix.border.shape
    dense = np.zeros((n + m, n + m))
    for i in range(n):
        for k in range(min(matrix.band.shape[1], n - i)):
            dense[i, i + k] = dense[i + k, i] = matrix.band[i, k]
        for j in range(m):
            dense[i, n + j] = dense[n + j, i] = matrix.border[i, j]
    dense[n:, n:] = matrix.corner
    return dense


@compile_loops
def hold_at_zero(matrix: BorderedBand, held: Bool) -> BorderedBand:
    """Return the matrix of the problem in which some unknowns of the band are zero, as `held` of
    shape (n,) says: their rows and columns are those of the unit matrix [1]."""
    band, border = matrix.band.copy(), matrix.border.copy()
    for i in range(held.size):
        for k in range(min(band.shape[1], held.size - i)):
            if held[i] or held[i + k]:
                band[i, k] = 0.0
        if held[i]:
            band[i, 0] = 1.0
            border[i] = 0.0
    return BorderedBand(band, border, matrix.corner)


@compile_loops
def factor_cholesky(matrix: BorderedBand) -> BorderedFactor:
    """Return the Cholesky factor of a matrix, its diagonal raised by `RIDGE`.

    The band is factored as R'R, and the corner is what is left of it, C'C = D - S'S with S = R'^-1
    B (G. H. Golub & C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins 2013, ch. 4.3). An
    unknown that nothing depends on (a row of zeros) has 1 on its diagonal.

    Parameters
    ----------
    matrix : BorderedBand
        Of shape (n + m, n + m), in any unit.

    Raises
    ------
    numpy.linalg.LinAlgError
        It is not positive definite.
    """
    band, border = matrix.band.copy(), matrix.border.copy()
    for i in range(len(band)):
        band[i, 0] = raise_diagonal(band[i, 0])
    factor_band(band)
    solve_forward(band, border)
    rest = matrix.corner - border.T @ border
    corner = np.zeros(rest.shape)
    for i in range(len(rest)):
        for k in range(len(rest) - i):
            corner[i, k] = rest[i, i + k]
        diagonal = matrix.corner[i, i]
        corner[i, 0] += raise_diagonal(diagonal) - diagonal
    factor_band(corner)
    return BorderedFactor(band, border, corner)


@compile_loops
def solve_cholesky(factor: BorderedFactor, right: Array) -> Array:
    """Return N^-1 times `right`, shape (n + m, columns), in units of right over N."""
    n = len(factor.border)
    solution = right.copy()
    first, last = solution[:n], solution[n:]
    solve_forward(factor.band, first)
    last -= factor.border.T @ first
    solve_forward(factor.corner, last)
    solve_backward(factor.corner, last)
    first -= factor.border @ last
    solve_backward(factor.band, first)
    return solution


@compile_loops
def respond(factor: BorderedFactor, held: Bool, right: Array) -> Array:
    """Return N^-1 times `right`, shape (n + m, columns), where unknowns of the band that are held,
    shape (n,), stay at zero; in units of right over N."""
    moving = right.copy()
    for i in range(held.size):
        if held[i]:
            moving[i] = 0.0
    return solve_cholesky(factor, moving)


@compile_loops
def solve_non_negative(matrix: BorderedBand, target: Array) -> tuple[Array, Bool, BorderedFactor]:
    """Return the solution of N x = t in which no unknown of the band is negative.

    Those that would be are held at zero and the others solved again, until none is negative, at
    most `PASSES` times: a set that only grows.

    Parameters
    ----------
    matrix : BorderedBand
        N, shape (n + m, n + m), in any unit.
    target : ndarray, shape (n + m,)
        t.

    Returns
    -------
    solution : ndarray, shape (n + m,)
        x, in units of t over N.
    held : ndarray of bool, shape (n,)
        Which unknowns of the band were held in the last solution.
    factor : BorderedFactor
        Of N with those unknowns held.
    """
    n = len(matrix.border)
    held, right = np.zeros(n, np.bool_), target.copy().reshape(-1, 1)
    factor = factor_cholesky(matrix)
    solution = solve_cholesky(factor, right)
    for _ in range(PASSES - 1):
        if n == 0 or solution[:n].min() >= 0:
            break
        for i in range(n):
            if solution[i, 0] < 0:
                held[i] = True
                right[i] = 0.0
        factor = factor_cholesky(hold_at_zero(matrix, held))
        solution = solve_cholesky(factor, right)
    return solution[:, 0].copy(), held, factor


@compile_loops
def raise_diagonal(element: float) -> float:
    """Return an element of the diagonal as it is factored, in its unit."""
    return element * (1 + RIDGE) if element > 0 else 1.0


@compile_loops
def factor_band(band: Array) -> None:
    """Replace a band by its Cholesky factor, N = R'R.

    Row i of R is that of N over the root of its diagonal; its products then leave the rows below.

    Parameters
    ----------
    band : ndarray, shape (n, neighbours)
        N[i, i + k] at [i, k], in any unit; R in the same order after it.

    Raises
    ------
    numpy.linalg.LinAlgError
        It is not positive definite.
    """
    count, neighbours = band.shape
    for i in range(count):
        if not band[i, 0] > 0:
            raise LinAlgError("the normal matrix is not positive definite")
        root = math.sqrt(band[i, 0])
        for k in range(neighbours):
            band[i, k] /= root
        for k in range(1, min(neighbours, count - i)):
            factor = band[i, k]
            for j in range(neighbours - k):
                band[i + k, j] -= factor * band[i, k + j]


@compile_loops
def solve_forward(band: Array, right: Array) -> None:
    """Replace `right` (n, columns) by R'^-1 times it, R as from `factor_band`; in units of right
    over R."""
    count, neighbours = band.shape
    for i in range(count):
        for j in range(right.shape[1]):
            right[i, j] /= band[i, 0]
        for k in range(1, min(neighbours, count - i)):
            factor = band[i, k]
            for j in range(right.shape[1]):
                right[i + k, j] -= factor * right[i, j]


@compile_loops
def solve_backward(band: Array, right: Array) -> None:
    """Replace `right` (n, columns) by R^-1 times it, R as from `factor_band`; in units of right
    over R."""
    count, neighbours = band.shape
    for i in range(count - 1, -1, -1):
        for k in range(1, min(neighbours, count - i)):
            factor = band[i, k]
            for j in range(right.shape[1]):
                right[i, j] -= factor * right[i + k, j]
        for j in range(right.shape[1]):
            right[i, j] /= band[i, 0]
