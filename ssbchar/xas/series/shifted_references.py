"""References at many shifts of the energy axis, by Taylor series from a few cells of shifts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array

CELL = 0.02
"""Width of the cells of shifts within which references are Taylor series [eV]."""
TERMS = 4
"""Terms of the series; the fourth derivative of a cubic spline is zero."""


@dataclass(frozen=True, kw_only=True)
class CellOfShifts:
    """The spectra whose shift lies in one cell."""

    rows: NDArray[np.int_]
    """Their indices, shape (n,)."""
    table: Array
    """Taylor coefficients of the references, shape (reference, TERMS, energy)."""
    offset: Array
    """Distance of each shift from the middle of the cell, shape (n,) [eV]."""


class ShiftedReferences:
    """References at E - s for many shifts s, by Taylor series about the nearest multiple of CELL.

    Within a cell the series of a cubic spline ends with its third derivative; where a knot lies
    between, the error is below CELL**3 / 48 times the jump of that derivative.

    Parameters
    ----------
    energy : array, shape (energy,)
        Where the references are evaluated [eV].
    references : sequence of (energies, norm)
        Each on its own axis [eV].
    """

    def __init__(self, energy: Array, references: Sequence[tuple[Array, Array]]) -> None:
        from scipy.interpolate import CubicSpline

        self.energy = energy
        self.splines = [CubicSpline(x, y) for x, y in references]
        self._tables: dict[int, Array] = {}

    def tabulate_cell(self, cell: int) -> Array:
        """Return (-1)**q / q! times the q-th derivatives at E - cell CELL, q = 0..3.

        Parameters
        ----------
        cell : int
            Multiple of CELL.

        Returns
        -------
        array, shape (reference, TERMS, energy)
            Unit eV^-q.
        """
        if cell not in self._tables:
            x = self.energy - cell * CELL
            scale = (1.0, -1.0, 0.5, -1 / 6)
            self._tables[cell] = np.array(
                [[f * spline(x, q) for q, f in enumerate(scale)] for spline in self.splines]
            )
        return self._tables[cell]

    @property
    def unshifted(self) -> Array:
        """The references without a shift, shape (reference, energy)."""
        return self.tabulate_cell(0)[:, 0]

    def shift_each(self, shift: Array) -> list[Array]:
        """Return each reference at E - s of each spectrum.

        Parameters
        ----------
        shift : array, shape (spectrum,)
            [eV]

        Returns
        -------
        list of array, shape (spectrum, energy)
        """
        shifted = [np.empty((shift.size, self.energy.size)) for _ in self.splines]
        for cell in self.group_by_cell(shift):
            powers = cell.offset[:, None] ** np.arange(TERMS)
            for one, coefficients in zip(shifted, cell.table, strict=True):
                one[cell.rows] = powers @ coefficients
        return shifted

    def combine(self, weight: Array, shift: Array) -> Array:
        """Return sum_i w_i ref_i(E - s) of each spectrum.

        Parameters
        ----------
        weight : array, shape (spectrum, reference)
        shift : array, shape (spectrum,)
            [eV]

        Returns
        -------
        array, shape (spectrum, energy)
        """
        combined = np.empty((shift.size, self.energy.size))
        for cell in self.group_by_cell(shift):
            powers = cell.offset[:, None] ** np.arange(TERMS)
            terms = weight[cell.rows][:, :, None] * powers[:, None, :]
            flat = terms.reshape(cell.offset.size, -1)
            combined[cell.rows] = flat @ cell.table.reshape(-1, self.energy.size)
        return combined

    def differentiate(self, weight: Array, shift: Array) -> Array:
        """Return sum_i w_i ref_i'(E - s) of each spectrum, the derivative by energy.

        Parameters
        ----------
        weight : array, shape (spectrum, reference)
        shift : array, shape (spectrum,)
            [eV]

        Returns
        -------
        array, shape (spectrum, energy)
            [1/eV]
        """
        slope = np.empty((shift.size, self.energy.size))
        for cell in self.group_by_cell(shift):
            # d/dE = -d/ds of the series, term by term.
            powers = -np.arange(1, TERMS) * cell.offset[:, None] ** np.arange(TERMS - 1)
            terms = weight[cell.rows][:, :, None] * powers[:, None, :]
            flat = terms.reshape(cell.offset.size, -1)
            slope[cell.rows] = flat @ cell.table[:, 1:].reshape(-1, self.energy.size)
        return slope

    def group_by_cell(self, shift: Array) -> Iterator[CellOfShifts]:
        """Yield the spectra of each cell of shifts, with its table.

        Parameters
        ----------
        shift : array, shape (spectrum,)
            [eV]
        """
        cell = np.round(shift / CELL).astype(int)
        order = np.argsort(cell, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
            if rows.size:
                middle = int(cell[rows[0]])
                yield CellOfShifts(
                    rows=rows,
                    table=self.tabulate_cell(middle),
                    offset=shift[rows] - middle * CELL,
                )


def measure_offset(shift: Array) -> Array:
    """Return the distance of each shift from the middle of its cell [eV].

    Parameters
    ----------
    shift : array, shape (spectrum,)
        [eV]
    """
    return np.asarray(shift - np.round(shift / CELL) * CELL)
