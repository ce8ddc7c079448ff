"""Line shapes in the time domain, their derivatives, and the data they are fitted to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.transform.exponentials import build_exponentials
from ssbchar.typing import Array, Complex, Index

LN2_4 = 4.0 * np.log(2.0)
SHARED, PER_SLICE, PER_REGION = "shared", "slice", "region"
"""How phases go: one for all, one per slice, one per slice and region (there each line outside has
its own)."""
ORIGIN_LIMIT = 20e-6
"""Largest time origin looked for [s]."""


@dataclass(frozen=True)
class LineShapes:
    """Nonlinear parameters: frequency, width [Hz], squared Gaussian width [Hz^2] per line, time
    origin [s]."""

    nu: Array
    width: Array
    gauss2: Array
    voigt: NDArray[np.bool_]
    """Lines whose Gaussian width is free."""
    region: Index
    """Region each line belongs to; the last one is everywhere else."""
    low: Array
    """Lowest frequency of each line [Hz]."""
    high: Array
    """Highest frequency of each line [Hz]."""
    held: NDArray[np.bool_]
    """Lines whose shape is not fitted (a region without a visible line)."""
    origin: float = 0.0

    @property
    def n(self) -> int:
        """Number of lines."""
        return int(self.nu.size)

    def taken(self, order: Index) -> LineShapes:
        """Return the shapes with these lines in this order."""
        lines = (
            self.nu[order],
            self.width[order],
            self.gauss2[order],
            self.voigt[order],
            self.region[order],
        )
        return LineShapes(*lines, self.low[order], self.high[order], self.held[order], self.origin)

    def ordered(self) -> LineShapes:
        """Return the shapes by region, then by falling frequency."""
        key = list(zip(self.region.tolist(), (-self.nu).tolist(), strict=True))
        order = sorted(range(self.n), key=key.__getitem__)
        return self if order == list(range(self.n)) else self.taken(np.array(order))

    def joined(
        self, nu: float, width: float, region: int, low: float, high: float, held: bool = False
    ) -> LineShapes:
        """Return the shapes with one more Lorentzian."""

        def more(old: NDArray[Any], new: float) -> NDArray[Any]:
            return np.concatenate([old, [new]])

        return LineShapes(
            more(self.nu, nu),
            more(self.width, width),
            more(self.gauss2, 0.0),
            more(self.voigt, False),
            more(self.region, region),
            more(self.low, low),
            more(self.high, high),
            more(self.held, held),
            self.origin,
        )


def make_empty_shapes() -> LineShapes:
    """Return shapes without any line."""
    e = np.empty(0)
    return LineShapes(e, e, e, np.empty(0, bool), np.empty(0, np.int64), e, e, np.empty(0, bool))


@dataclass(frozen=True)
class LineshapeProblem:
    """Data and what is known beforehand."""

    y: Complex
    """(slice, time)."""
    time: Array
    """(time,) [s]."""
    sigma: Array
    """(slice,) standard deviation of the real and of the imaginary part."""
    origin_prior: float = 5e-6
    """Standard deviation of the time origin about zero [s]."""
    max_width: float = 3e4
    """Largest width of a line [Hz]."""
    phases: str = SHARED
    regions: int = 2
    """Number of named regions; lines of a higher region lie elsewhere."""
    nuisance: Complex = field(default_factory=lambda: np.empty((0, 0), complex))
    """(column, time) orthonormal signals that nobody wants to know, taken out of the data and of
    every shape."""
    power: Array = field(default_factory=lambda: np.empty(0))
    """(slice,) sum of |y|^2."""
    known: Complex = field(default_factory=lambda: np.empty((0, 0), complex))
    """(time, column + slice) nuisance columns and data, side by side."""

    def prepared(self) -> LineshapeProblem:
        """Return the problem with what does not change during a fit."""
        if self.power.size:
            return self
        known = np.concatenate([self.nuisance, self.y]).T if self.nuisance.size else self.y.T
        power = np.sum(self.y.real**2 + self.y.imag**2, axis=1)
        return replace(self, power=power, known=np.ascontiguousarray(known))

    def cleaned(self, rows: Complex) -> Complex:
        """Return signals (.., time) without their part along the nuisance columns."""
        if not self.nuisance.size:
            return rows
        return np.asarray(rows - (rows @ self.nuisance.conj().T) @ self.nuisance)

    def apart(self, shapes: LineShapes) -> bool:
        """Return whether no two lines share a phase group where phases go by region."""
        named = shapes.region[shapes.region < self.regions].tolist()
        return len(set(named)) == len(named)

    def groups(self, shapes: LineShapes) -> Index:
        """Return the phase group of each line."""
        if self.phases != PER_REGION:
            return np.zeros(shapes.n, np.int64)
        seen: dict[int, int] = {}
        keys = [r if r < self.regions else -1 - i for i, r in enumerate(shapes.region.tolist())]
        return np.array([seen.setdefault(key, len(seen)) for key in keys])


def evaluate_shapes(shapes: LineShapes, time: Array, more: int = 0) -> Complex:
    """Return the lines' shapes f_j(t + t0) on an even time axis, shape (line + more, time), `more`
    rows not yet filled.

    Parameters
    ----------
    shapes : LineShapes
        Lines.
    time : ndarray, shape (time,)
        [s].
    more : int
        Rows below the shapes that the caller fills.
    """
    n, start, count = shapes.n, float(time[0]) + shapes.origin, time.size
    rate = np.pi * (2j * shapes.nu - shapes.width)
    f = build_exponentials(rate, start, float(time[-1] - time[0]) / max(count - 1, 1), count, more)
    if start < 0:
        early = time[time < -shapes.origin] + shapes.origin
        f[:n, : early.size] *= np.exp(2 * np.pi * shapes.width[:, None] * early)
    bent = np.flatnonzero(shapes.gauss2)
    if bent.size:
        f[bent] *= np.exp(
            -(np.pi**2) / LN2_4 * shapes.gauss2[bent, None] * (time + shapes.origin) ** 2
        )
    return f
