"""Linear combination of references, all spectra at once: weights and one energy shift per spectrum by least squares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.xas.options import Mixture

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Combined:
    """Result of `combine`; arrays over spectra, `columns` the derivatives of the model by (weights, shift)."""

    weight: Array
    shift: Array
    columns: list[Array]
    fitted: Array
    r_factor: Array
    chi2: Array


GRID = 0.1
"""Step of the grid of shifts that the search starts from [eV]."""
CELL = 0.02
"""Width of the cells of shifts within which references are Taylor series [eV]."""


def combine(
    energy: Array, norm: Array, stderr: Array, references: list[tuple[Array, Array]], options: Mixture
) -> Combined:
    """Return weights w and shift s of norm(E) = sum_i w_i ref_i(E - s), by weighted least squares, all spectra at once.

    The weights follow from the shift (variable projection), so a grid of shifts, whose normal matrices all spectra
    share, finds the lowest minimum (`start`); Gauss-Newton in (w, s) ends in it. References are cubic splines through
    their points.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, stderr : array, shape (spectrum, energy)
    references : list of (energies, norm)
    options : Mixture
    """
    shifted = Shifted(energy, references)
    m = len(references)
    tied = m if options.sum_to_one else 0
    power = 1 / np.maximum(stderr, 1e-12) ** 2
    shift, weight = np.zeros(len(norm)), np.zeros((len(norm), m))
    if options.shift:
        shift, weight = start(norm, power, shifted, options)
    weight[:, -1] += bool(tied) and not options.shift
    for _ in range(25):
        basis = shifted.basis(shift) if options.shift else [r[None] for r in shifted.table(0)[:, 0]]
        columns = [*basis, -shifted.slope(weight, shift)] if options.shift else basis
        step = least_squares(columns, norm - _sum(weight, basis), power, tied)
        weight = weight + step[:, :m]
        if not options.shift:
            break
        moved = np.clip(shift + np.clip(step[:, -1], -0.5, 0.5), -options.max_shift, options.max_shift)
        furthest, shift = np.abs(moved - shift).max(), moved
        if furthest < 3e-4:
            break
    if options.shift:
        basis = shifted.basis(shift)
    fitted = _sum(weight, basis)
    residual = norm - fitted
    free = m + int(options.shift) - int(options.sum_to_one)
    chi2 = np.einsum("ne,ne,ne->n", residual, residual, power) / max(energy.size - free, 1)
    misfit = np.einsum("ne,ne->n", residual, residual) / np.einsum("ne,ne->n", norm, norm)
    return Combined(weight, shift, columns, fitted, misfit, chi2)


class Shifted:
    """References at E - s for many shifts s, by Taylor series about the nearest multiple of CELL.

    Within a cell the series of a cubic spline ends with its third derivative; where a knot lies between, the error is
    below CELL**3 / 48 times the jump of that derivative.
    """

    def __init__(self, energy: Array, references: list[tuple[Array, Array]]) -> None:
        from scipy.interpolate import CubicSpline

        self.energy = energy
        self.splines = [CubicSpline(x, y) for x, y in references]
        self.tables: dict[int, Array] = {}

    def table(self, cell: int) -> Array:
        """Return (-1)**q / q! times the q-th derivatives at E - cell CELL, shape (reference, q = 0..3, energy)."""
        if cell not in self.tables:
            x = self.energy - cell * CELL
            scale = (1.0, -1.0, 0.5, -1 / 6)
            self.tables[cell] = np.array([[f * s(x, q) for q, f in enumerate(scale)] for s in self.splines])
        return self.tables[cell]

    def basis(self, shift: Array) -> list[Array]:
        """Return each reference at E - s of each spectrum, arrays (spectrum, energy)."""
        out = [np.empty((shift.size, self.energy.size)) for _ in self.splines]
        for rows, table, d in self._cells(shift):
            powers = d[:, None] ** np.arange(4)
            for one, part in zip(out, table, strict=True):
                one[rows] = powers @ part
        return out

    def slope(self, weight: Array, shift: Array) -> Array:
        """Return sum_i w_i ref_i'(E - s) of each spectrum."""
        out = np.empty((shift.size, self.energy.size))
        for rows, table, d in self._cells(shift):
            powers = -np.arange(1, 4) * d[:, None] ** np.arange(3)
            terms = weight[rows][:, :, None] * powers[:, None, :]
            out[rows] = terms.reshape(d.size, -1) @ table[:, 1:].reshape(-1, self.energy.size)
        return out

    def _cells(self, shift: Array) -> Iterator[tuple[NDArray[np.int_], Array, Array]]:
        """Yield the spectra of each cell, its table and their distance from its middle [eV]."""
        cell = np.round(shift / CELL).astype(int)
        order = np.argsort(cell, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
            if rows.size:
                middle = int(cell[rows[0]])
                yield rows, self.table(middle), shift[rows] - middle * CELL


def start(norm: Array, power: Array, shifted: Shifted, options: Mixture) -> tuple[Array, Array]:
    """Return shift and weights of each spectrum near its lowest minimum over a grid of shifts, shapes (s,), (s, m).

    At each shift of the grid chi^2(s) = y'Py - b(s)' N(s)^-1 b(s), with N(s) = R P R', b(s) = R P y and R the
    shifted references; a parabola through the lowest point and its neighbours gives the shift. P is the spectra's
    mean weight.
    """
    energy, splines = shifted.energy, shifted.splines
    limit, m, n = options.max_shift, len(splines), len(norm)
    grid = np.linspace(-limit, limit, 2 * max(round(limit / GRID), 1) + 1)
    common = power.mean(axis=0)
    bank = np.stack([[np.asarray(s(energy - g)) for s in splines] for g in grid])
    chosen = _chosen(m, m if options.sum_to_one else 0)
    fixed = bank[:, -1] if options.sum_to_one else np.zeros((grid.size, energy.size))
    free = np.einsum("ij,gie->gje", chosen, bank)
    inverse = np.linalg.inv(np.einsum("gie,gje->gij", free * common, free))
    weighted = free * common
    right = (norm @ weighted.reshape(-1, energy.size).T).reshape(n, grid.size, -1)
    right = right - np.einsum("gie,ge->gi", weighted, fixed)
    inner = np.einsum("gij,ngj->ngi", inverse, right)
    gain = np.einsum("ngi,ngi->ng", inner, right) + 2 * norm @ (fixed * common).T - (fixed**2 @ common)
    best = np.argmax(gain, axis=1)
    at, every = np.clip(best, 1, grid.size - 2), np.arange(n)
    low, middle, high = gain[every, at - 1], gain[every, at], gain[every, at + 1]
    bend = low - 2 * middle + high
    move = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    shift = np.clip(grid[at] + np.clip(move, -1, 1) * (grid[1] - grid[0]), -limit, limit)
    weight = inner[every, best] @ chosen.T
    weight[:, -1] += float(options.sum_to_one)
    return shift, weight


def _sum(weight: Array, columns: list[Array]) -> Array:
    total = weight[:, :1] * columns[0]
    for i, column in enumerate(columns[1:], 1):
        total += weight[:, i, None] * column
    return np.asarray(total)


def least_squares(columns: list[Array], target: Array, power: Array, tied: int) -> Array:
    """Return the weighted least-squares coefficients of each spectrum, shape (spectrum, column).

    Parameters
    ----------
    columns : list of array, shape (spectrum or 1, energy)
    target, power : array, shape (spectrum, energy)
        `power` is 1/sigma**2.
    tied : int
        The first so many coefficients keep the sum 0; 0 leaves all free.
    """
    n, size = len(target), len(columns)
    normal, right = np.empty((n, size, size)), np.empty((n, size))
    for i, column in enumerate(columns):
        scaled = power * column
        right[:, i] = np.einsum("ne,ne->n", scaled, target)
        for j in range(i + 1):
            other = np.broadcast_to(columns[j], scaled.shape)
            normal[:, i, j] = normal[:, j, i] = np.einsum("ne,ne->n", scaled, other)
    chosen = _chosen(size, tied)
    inner = np.linalg.solve(chosen.T @ normal @ chosen, (right @ chosen)[:, :, None])
    return np.asarray((chosen @ inner)[:, :, 0])


def _chosen(size: int, tied: int) -> Array:
    """Return the matrix from free coefficients to all, where the first `tied` sum to nothing."""
    chosen = np.eye(size)
    if tied:
        chosen = np.delete(chosen, tied - 1, axis=1)
        chosen[tied - 1, : tied - 1] = -1
    return chosen


def gain(columns: list[Array], power: Array, tied: int) -> Array:
    """Return the matrices (spectrum, column, energy) that give `least_squares` of a target."""
    chosen = _chosen(len(columns), tied)
    basis = np.stack([np.broadcast_to(c, power.shape) for c in columns], axis=2) @ chosen
    weighted = np.swapaxes(basis * power[:, :, None], 1, 2)
    return np.asarray(chosen @ np.linalg.solve(weighted @ basis, weighted))
