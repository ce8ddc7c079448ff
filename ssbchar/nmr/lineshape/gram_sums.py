"""Sums over time: the lines' shapes times powers of time, against each other and against the data.

The derivatives of f_j by its frequency, width, squared Gaussian width and time origin are
combinations of f, tau f and tau^2 f (and of |tau| f, sign(tau) f where the axis begins before the
origin). Once their inner products are known nothing else of the fit runs over time.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.lineshape.shapes import LN2_4, LineshapeProblem, LineShapes, evaluate_shapes
from ssbchar.typing import Complex, Index


@dataclass(frozen=True)
class GramSums:
    """Inner products of the columns; the first n columns are the shapes themselves."""

    gram: Complex
    """(column, column), of cleaned columns."""
    data: Complex
    """(slice, column) <column, y>."""
    early: bool
    """Whether the axis begins before the time origin."""


def sum_over_time(problem: LineshapeProblem, shapes: LineShapes) -> GramSums:
    """Return the sums for given shapes.

    Parameters
    ----------
    problem : LineshapeProblem
        From `Problem.prepared`.
    shapes : LineShapes
        Lines.
    """
    columns, early = _columns(problem, shapes)
    conjugate = columns.conj()
    gram = conjugate @ columns.T
    known = conjugate @ problem.known
    own = len(problem.nuisance)
    if own:
        part = known[:, :own]
        gram -= part @ part.conj().T
    return GramSums(gram, known[:, own:].T, early)


def _columns(problem: LineshapeProblem, shapes: LineShapes) -> tuple[Complex, bool]:
    """Return the columns, and whether the axis begins before the time origin."""
    n, tau = shapes.n, problem.time + shapes.origin
    bent, early = np.flatnonzero(shapes.voigt), bool(tau[0] < 0)
    columns = evaluate_shapes(shapes, problem.time, n + bent.size + 2 * n * early)
    f = columns[:n]
    np.multiply(f, tau, out=columns[n : 2 * n])
    if bent.size:
        np.multiply(columns[n + bent], tau, out=columns[2 * n : 2 * n + bent.size])
    if early:
        np.multiply(f, np.abs(tau), out=columns[-2 * n : -n])
        np.multiply(f, np.sign(tau), out=columns[-n:])
    return columns, early


def build_derivatives(shapes: LineShapes, early: bool) -> tuple[Index, Complex]:
    """Return the line of each column, and what share it has in the derivative by each parameter.

    Returns
    -------
    tuple of ndarray
        (column,) and (column, parameter): nu, width, gauss2 of all lines, the time origin, the
        common phase.
    """
    n, bent = shapes.n, np.flatnonzero(shapes.voigt)
    line, sign_rows, slope = _pattern(n, tuple(bent.tolist()), early)
    slope, last = slope.copy(), 3 * n
    slope[:n, last] = 2j * np.pi * shapes.nu
    slope[sign_rows, last] -= np.pi * shapes.width
    slope[n : 2 * n, last] = -2 * np.pi**2 / LN2_4 * shapes.gauss2
    return line, slope


@functools.cache
def _pattern(n: int, bent: tuple[int, ...], early: bool) -> tuple[Index, slice, Complex]:
    """Return the line of each column, the rows of sign(tau) f, and the shares that do not depend on
    the shapes."""
    every, size, last = np.arange(n), 2 * n + len(bent), 3 * n
    line = np.concatenate([every, every, np.array(bent, int), *((every, every) if early else ())])
    slope = np.zeros((line.size, last + 2), complex)
    width_rows, sign_rows = (
        (slice(size, size + n), slice(size + n, None)) if early else (slice(n, 2 * n), slice(n))
    )
    slope[n + every, every] = 2j * np.pi
    slope[np.arange(line.size)[width_rows], n + every] = -np.pi
    slope[np.arange(2 * n, size), [2 * n + i for i in bent]] = -(np.pi**2) / LN2_4
    slope[:n, last + 1] = 1j
    return line, sign_rows, slope
