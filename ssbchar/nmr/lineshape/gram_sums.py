"""Sums over time: the lines' shapes times powers of time, against each other and against the data.

The derivatives of f_j by its frequency, width, squared Gaussian width and time origin are
combinations of f, tau f and tau^2 f (and of |tau| f, sign(tau) f where the axis begins before the
origin). Once their inner products are known nothing else of the fit runs over time.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_widths
from ssbchar.nmr.powder.parameters import FOUR_LN2
from ssbchar.typing import Complex, Index


@dataclass(frozen=True, kw_only=True)
class GramSums:
    """Inner products of the columns f, tau f, ...; the first n columns are the shapes."""

    gram: Complex
    """(column, column), of columns without their part along the nuisance."""
    data: Complex
    """(slice, column) <column, y>."""
    early: bool
    """Whether the axis begins before the time origin."""


@dataclass(frozen=True, kw_only=True)
class ShapeDerivatives:
    """Derivatives of the shapes as combinations of the columns."""

    line: Index
    """(column,) the line that each column belongs to."""
    share: Complex
    """(column, parameter) share of each column in the derivative by each parameter of
    `LineShapes.pack_parameters`."""


def sum_over_time(problem: LineshapeProblem, shapes: LineShapes) -> GramSums:
    """Return the inner products for given shapes.

    Parameters
    ----------
    problem : LineshapeProblem
        From `LineshapeProblem.prepare`; times in s.
    shapes : LineShapes
        Lines.
    """
    columns, early = _evaluate_columns(problem, shapes)
    conjugate = columns.conj()
    gram = conjugate @ columns.T
    # One product for nuisance and data: the columns are read from memory once.
    known = conjugate @ problem.known
    nuisances = len(problem.nuisance)
    if nuisances:
        along = known[:, :nuisances]
        gram -= along @ along.conj().T
    return GramSums(gram=gram, data=known[:, nuisances:].T, early=early)


def build_derivatives(shapes: LineShapes, early: bool) -> ShapeDerivatives:
    """Return how the derivatives by all parameters are made of the columns.

    Parameters
    ----------
    shapes : LineShapes
        Lines.
    early : bool
        Whether the axis begins before the time origin.

    Returns
    -------
    ShapeDerivatives
        Parameters: nu, width, gauss2 of all lines, the time origin, the common phase [1/Hz, 1/Hz,
        1/Hz^2, 1/s, 1/rad], and what is fitted of the patterns.
    """
    n, voigt = shapes.n, np.flatnonzero(shapes.voigt)
    powder = tuple(np.flatnonzero(shapes.powder).tolist())
    fitted = tuple(tuple(row) for row in shapes.fitted[list(powder)].tolist())
    pattern = _build_pattern(n, tuple(voigt.tolist()), early, powder, fitted)
    share, origin = pattern.share.copy(), 3 * n
    share[:n, origin] = 2j * np.pi * shapes.nu
    share[pattern.sign_rows, origin] -= np.pi * shapes.width
    share[n : 2 * n, origin] = -2 * np.pi**2 / FOUR_LN2 * shapes.gauss2
    return ShapeDerivatives(line=pattern.line, share=share)


def _evaluate_columns(problem: LineshapeProblem, shapes: LineShapes) -> tuple[Complex, bool]:
    """Return the columns, and whether the axis begins before the time origin.

    From the top: f, tau f, tau^2 f of Voigt lines, and, where the axis begins early, |tau| f and
    sign(tau) f; last, of each powder pattern, the derivatives by what is fitted of it and by time.
    """
    n, tau = shapes.n, problem.time + shapes.origin
    voigt, early = np.flatnonzero(shapes.voigt), bool(tau[0] < 0)
    powder = np.flatnonzero(shapes.powder).tolist()
    plain = 2 * n + voigt.size + 2 * n * early
    size = plain + int(shapes.fitted.sum()) + len(powder)
    columns = evaluate_widths(shapes, problem.time, size - n)
    f = columns[:n]
    row = plain
    for line in powder:
        pattern = shapes.evaluate_pattern(line, tau)
        for derivative in [*pattern.derivatives, pattern.by_time]:
            np.multiply(f[line], derivative, out=columns[row])
            row += 1
        f[line] *= pattern.signal
    early_rows = columns[plain - 2 * n : plain]
    np.multiply(f, tau, out=columns[n : 2 * n])
    if voigt.size:
        np.multiply(columns[n + voigt], tau, out=columns[2 * n : 2 * n + voigt.size])
    if early:
        np.multiply(f, np.abs(tau), out=early_rows[:n])
        np.multiply(f, np.sign(tau), out=early_rows[n:])
    return columns, early


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    """What the derivatives of any shapes with these lines have in common."""

    line: Index
    sign_rows: slice
    """Rows of sign(tau) f; those of f where tau is never negative."""
    share: Complex


@functools.cache
def _build_pattern(
    n: int,
    voigt: tuple[int, ...],
    early: bool,
    powder: tuple[int, ...],
    fitted: tuple[tuple[bool, ...], ...],
) -> _Pattern:
    """Return the shares that do not depend on the shapes' values."""
    every, size, origin = np.arange(n), 2 * n + len(voigt), 3 * n
    plain = [every, every, np.array(voigt, int), *((every, every) if early else ())]
    # Of each powder pattern: its fitted parameters, and time.
    of_patterns = [np.full(sum(row) + 1, j) for j, row in zip(powder, fitted, strict=True)]
    line = np.concatenate([*plain, *of_patterns])
    share = np.zeros((line.size, origin + 2 + sum(map(sum, fitted))), complex)
    place, parameter = sum(part.size for part in plain), origin + 2
    for row in fitted:
        for _ in range(sum(row)):
            share[place, parameter] = 1.0
            place, parameter = place + 1, parameter + 1
        share[place, origin] = 1.0
        place += 1
    if early:
        width_rows, sign_rows = slice(size, size + n), slice(size + n, size + 2 * n)
    else:
        width_rows, sign_rows = slice(n, 2 * n), slice(n)
    share[n + every, every] = 2j * np.pi
    share[np.arange(size + 2 * n)[width_rows][:n], n + every] = -np.pi
    share[np.arange(2 * n, size), [2 * n + i for i in voigt]] = -(np.pi**2) / FOUR_LN2
    share[:n, origin + 1] = 1j
    return _Pattern(line=line, sign_rows=sign_rows, share=share)
