"""What lines are fitted to: decays, their noise, which lines share a phase, the time origin
expected."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from ssbchar.nmr.lineshape.shapes import LineShapes
from ssbchar.typing import Array, Complex, Index

ORIGIN_TAIL = 4.0
"""The prior of a time origin is Student's t with one degree of freedom less: near what is expected
it is Gaussian, and far from it improbable, never impossible."""


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
    """Standard deviation of the time origin about what is expected [s]."""
    origin_expected: float = 0.0
    """Time origin that the sequence gives [s]: zero for an echo, the delay before the first point
    for a decay that is taken right after a pulse."""
    origin_range: tuple[float, float] = (0.0, 0.0)
    """Time origins between which those that turn the lines alike are tried [s]; none by default."""
    origin_slack: float = 0.0
    """How much lower the information criterion must be for a time origin that is not the nearest to
    what is expected; above zero where the first points are not described exactly [1]."""
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

    def penalise_origin(self, origin: float) -> tuple[float, float, float]:
        """Return -2 ln(prior) of a time origin [s], half its slope downwards [1/s], and half its
        curvature as the weighted least squares have it [1/s^2]."""
        apart = (origin - self.origin_expected) / self.origin_prior
        weight = 1 / (1 + apart**2 / ORIGIN_TAIL)
        penalty = ORIGIN_TAIL * math.log1p(apart**2 / ORIGIN_TAIL)
        curvature = weight / self.origin_prior**2
        return penalty, -apart * weight / self.origin_prior, curvature

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
