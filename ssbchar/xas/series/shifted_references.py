"""References at many shifts of the energy axis, by Taylor series from a few cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array

CELL = 0.02
"""Width of the cells of shifts within which references are Taylor series [eV]."""


class ShiftedReferences:
    """References at E - s for many shifts s, by Taylor series about the nearest multiple of CELL.

    Within a cell the series of a cubic spline ends with its third derivative; where a knot lies
    between, the error is below CELL**3 / 48 times the jump of that derivative.
    """

    def __init__(self, energy: Array, references: list[tuple[Array, Array]]) -> None:
        from scipy.interpolate import CubicSpline

        self.energy = energy
        self.splines = [CubicSpline(x, y) for x, y in references]
        self.tables: dict[int, Array] = {}

    def table(self, cell: int) -> Array:
        """Return (-1)**q / q! times the q-th derivatives at E - cell CELL, shape (reference, q =
        0..3, energy)."""
        if cell not in self.tables:
            x = self.energy - cell * CELL
            scale = (1.0, -1.0, 0.5, -1 / 6)
            self.tables[cell] = np.array(
                [[f * s(x, q) for q, f in enumerate(scale)] for s in self.splines]
            )
        return self.tables[cell]

    def basis(self, shift: Array) -> list[Array]:
        """Return each reference at E - s of each spectrum, arrays (spectrum, energy)."""
        out = [np.empty((shift.size, self.energy.size)) for _ in self.splines]
        for rows, table, d in self.cells(shift):
            powers = d[:, None] ** np.arange(4)
            for one, part in zip(out, table, strict=True):
                one[rows] = powers @ part
        return out

    def combined(self, weight: Array, shift: Array) -> Array:
        """Return sum_i w_i ref_i(E - s) of each spectrum."""
        out = np.empty((shift.size, self.energy.size))
        for rows, table, d in self.cells(shift):
            terms = weight[rows][:, :, None] * (d[:, None] ** np.arange(4))[:, None, :]
            out[rows] = terms.reshape(d.size, -1) @ table.reshape(-1, self.energy.size)
        return out

    def offset(self, shift: Array) -> Array:
        """Return how far each shift lies from the middle of its cell [eV]."""
        return np.asarray(shift - np.round(shift / CELL) * CELL)

    def slope(self, weight: Array, shift: Array) -> Array:
        """Return sum_i w_i ref_i'(E - s) of each spectrum."""
        out = np.empty((shift.size, self.energy.size))
        for rows, table, d in self.cells(shift):
            powers = -np.arange(1, 4) * d[:, None] ** np.arange(3)
            terms = weight[rows][:, :, None] * powers[:, None, :]
            out[rows] = terms.reshape(d.size, -1) @ table[:, 1:].reshape(-1, self.energy.size)
        return out

    def cells(self, shift: Array) -> Iterator[tuple[NDArray[np.int_], Array, Array]]:
        """Yield the spectra of each cell, its table and their distance from its middle [eV]."""
        cell = np.round(shift / CELL).astype(int)
        order = np.argsort(cell, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
            if rows.size:
                middle = int(cell[rows[0]])
                yield rows, self.table(middle), shift[rows] - middle * CELL
