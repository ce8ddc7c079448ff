"""What lines are fitted to: decays, their noise, and which lines share a phase."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from ssbchar.nmr.lineshape.shapes import LineShapes
from ssbchar.typing import Array, Complex, Index


class PhaseModel(StrEnum):
    """Which lines share a phase."""

    SHARED = "shared"
    """One phase and one time origin for all lines of all slices."""
    PER_SLICE = "slice"
    """One phase per slice, one time origin for all."""
    PER_REGION = "region"
    """One phase per slice and region; each line outside the regions has its own. No time origin."""


@dataclass(frozen=True, kw_only=True)
class LineshapeProblem:
    """Decays to be fitted, and what is known beforehand."""

    y: Complex
    """(slice, time) decays."""
    time: Array
    """(time,) even axis [s]."""
    sigma: Array
    """(slice,) standard deviation of the real and of the imaginary part."""
    origin_prior: float = 5e-6
    """Standard deviation of the time origin about zero [s]."""
    max_width: float = 3e4
    """Largest width of a line [Hz]."""
    phases: PhaseModel = PhaseModel.SHARED
    """Which lines share a phase."""
    regions: int = 2
    """Number of named regions; lines of a higher region lie elsewhere."""
    nuisance: Complex = field(default_factory=lambda: np.empty((0, 0), complex))
    """(column, time) orthonormal signals of no interest, taken out of the data and of every
    shape."""
    power: Array = field(default_factory=lambda: np.empty(0))
    """(slice,) sum of |y|^2; from `prepare`."""
    known: Complex = field(default_factory=lambda: np.empty((0, 0), complex))
    """(time, column + slice) nuisance columns and data, side by side; from `prepare`."""

    def prepare(self) -> LineshapeProblem:
        """Return the problem with `power` and `known`, which do not change during a fit."""
        if self.power.size:
            return self
        rows = np.concatenate([self.nuisance, self.y]) if self.nuisance.size else self.y
        power = np.sum(self.y.real**2 + self.y.imag**2, axis=1)
        return replace(self, power=power, known=np.ascontiguousarray(rows.T))

    def clean(self, rows: Complex) -> Complex:
        """Return signals without their part along the nuisance columns.

        Parameters
        ----------
        rows : ndarray, shape (..., time)
            Signals, in any unit.

        Returns
        -------
        ndarray, shape (..., time)
            In the same unit.
        """
        if not self.nuisance.size:
            return rows
        along = rows @ self.nuisance.conj().T
        return np.asarray(rows - along @ self.nuisance)

    def has_phase_per_line(self, shapes: LineShapes) -> bool:
        """Return whether no two lines share a phase where phases go by region.

        Parameters
        ----------
        shapes : LineShapes
            Lines, with their regions.
        """
        named = shapes.region[shapes.region < self.regions].tolist()
        return len(set(named)) == len(named)

    def group_phases(self, shapes: LineShapes) -> Index:
        """Return the phase group of each line, counted from zero as they first occur.

        Parameters
        ----------
        shapes : LineShapes
            Lines [Hz].

        Returns
        -------
        ndarray of int, shape (line,)
            The same number where lines share a phase.
        """
        if self.phases != PhaseModel.PER_REGION:
            return np.zeros(shapes.n, np.int64)
        numbers: dict[int, int] = {}
        groups = []
        for line, region in enumerate(shapes.region.tolist()):
            # Negative keys are of lines outside, each a group of its own.
            key = region if region < self.regions else -1 - line
            groups.append(numbers.setdefault(key, len(numbers)))
        return np.array(groups)
