"""Shapes of lines in the time domain: their parameters, and their values on a time axis.

A line of unit area is

    f_j(tau) = exp(2 pi i nu_j tau - pi w_j |tau| - (pi g_j tau)^2 / (4 ln 2)),

w the Lorentzian and g the Gaussian full width at half maximum, and tau = t + t0 the time since the
echo's top.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.transform.exponentials import build_exponentials
from ssbchar.typing import Array, Bool, Complex, Index

FOUR_LN2 = 4.0 * np.log(2.0)
"""Of the Gaussian's full width at half maximum."""
PER_LINE = ("nu", "width", "gauss2", "voigt", "region", "low", "high", "held")
"""Fields of `LineShapes` with one element per line."""


@dataclass(frozen=True, kw_only=True)
class LineShapes:
    """Nonlinear parameters of lines, and what bounds them."""

    nu: Array
    """(line,) frequency against the carrier [Hz]."""
    width: Array
    """(line,) Lorentzian full width at half maximum [Hz]."""
    gauss2: Array
    """(line,) squared Gaussian full width at half maximum [Hz^2]."""
    voigt: Bool
    """(line,) whether the Gaussian width is free."""
    region: Index
    """(line,) region each line belongs to; the last one is everywhere else."""
    low: Array
    """(line,) lowest frequency [Hz]."""
    high: Array
    """(line,) highest frequency [Hz]."""
    held: Bool
    """(line,) whether the shape is not fitted (a region without a visible line)."""
    origin: float = 0.0
    """Time origin t0, added to the time axis [s]."""

    @property
    def n(self) -> int:
        """Number of lines."""
        return int(self.nu.size)

    def select(self, lines: Index) -> LineShapes:
        """Return these lines, in this order.

        Parameters
        ----------
        lines : ndarray of int, shape (line,)
            Positions.
        """
        return replace(self, **{name: getattr(self, name)[lines] for name in PER_LINE})

    def sort(self) -> LineShapes:
        """Return the lines by region, then by falling frequency."""
        key = list(zip(self.region.tolist(), (-self.nu).tolist(), strict=True))
        order = sorted(range(self.n), key=key.__getitem__)
        return self if order == list(range(self.n)) else self.select(np.array(order))

    def add_line(
        self,
        *,
        nu: float,
        width: float,
        region: int,
        low: float,
        high: float,
        held: bool = False,
    ) -> LineShapes:
        """Return the shapes with one more Lorentzian at the end.

        Parameters
        ----------
        nu, width : float
            Frequency and full width at half maximum [Hz].
        region : int
            Region it belongs to.
        low, high : float
            Bounds of its frequency [Hz].
        held : bool
            Whether its shape is not fitted.
        """

        def append(old: NDArray[Any], new: float) -> NDArray[Any]:
            return np.concatenate([old, [new]])

        return replace(
            self,
            nu=append(self.nu, nu),
            width=append(self.width, width),
            gauss2=append(self.gauss2, 0.0),
            voigt=append(self.voigt, False),
            region=append(self.region, region),
            low=append(self.low, low),
            high=append(self.high, high),
            held=append(self.held, held),
        )

    def pack_parameters(self) -> Array:
        """Return nu, width and gauss2 of all lines, the time origin, and the common phase, in one
        row of shape (3 line + 2,) [Hz, Hz, Hz^2, s, rad].

        The common phase is solved for given shapes; it has its place here, as zero, because its
        derivative is wanted with theirs.
        """
        return np.concatenate([self.nu, self.width, self.gauss2, [self.origin, 0.0]])

    def unpack_parameters(self, values: Array) -> LineShapes:
        """Return the shapes with the parameters of such a row.

        Parameters
        ----------
        values : ndarray, shape (3 line + 2,)
            As `pack_parameters` gives them [Hz, Hz, Hz^2, s, rad].
        """
        nu, width, gauss2 = values[: 3 * self.n].reshape(3, -1)
        return replace(self, nu=nu, width=width, gauss2=gauss2, origin=float(values[-2]))


def make_empty_shapes() -> LineShapes:
    """Return shapes without any line."""
    none = np.empty(0)
    return LineShapes(
        nu=none,
        width=none,
        gauss2=none,
        voigt=np.empty(0, bool),
        region=np.empty(0, np.int64),
        low=none,
        high=none,
        held=np.empty(0, bool),
    )


def evaluate_shapes(shapes: LineShapes, time: Array, more: int = 0) -> Complex:
    """Return the lines' shapes f_j(t + t0) on an even time axis.

    Parameters
    ----------
    shapes : LineShapes
        Lines.
    time : ndarray, shape (time,)
        Even axis [s].
    more : int
        Rows below the shapes that the caller fills.

    Returns
    -------
    ndarray, shape (line + more, time)
        Lines of area one [dimensionless], and `more` uninitialised rows.
    """
    n, start, count = shapes.n, float(time[0]) + shapes.origin, time.size
    step = float(time[-1] - time[0]) / max(count - 1, 1)
    rate = np.pi * (2j * shapes.nu - shapes.width)
    f = build_exponentials(rate, start, step, count, more)
    if start < 0:
        # Before the echo's top the Lorentzian rises: exp(-pi w |tau|) has the other sign there.
        early = time[time < -shapes.origin] + shapes.origin
        f[:n, : early.size] *= np.exp(2 * np.pi * shapes.width[:, None] * early)
    gaussian = np.flatnonzero(shapes.gauss2)
    if gaussian.size:
        rate2 = -(np.pi**2) / FOUR_LN2 * shapes.gauss2[gaussian, None]
        f[gaussian] *= np.exp(rate2 * (time + shapes.origin) ** 2)
    return f
