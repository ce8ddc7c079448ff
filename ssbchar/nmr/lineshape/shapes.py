"""Shapes of lines in the time domain: their parameters, and their values on a time axis.

A line of unit area is

    f_j(tau) = exp(2 pi i nu_j tau - pi w_j |tau| - (pi g_j tau)^2 / (4 ln 2)),

w the Lorentzian and g the Gaussian full width at half maximum, and tau = t + t0 the time since the
echo's top. A site with quadrupolar satellites or anisotropic shift has this times its powder
pattern P_j(tau) (`ssbchar.nmr.powder.patterns`), P_j(0) = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    COUPLING,
    FOUR_LN2,
    PARAMETERS,
    SCATTER,
)
from ssbchar.nmr.transform.exponentials import build_exponentials
from ssbchar.typing import Array, Bool, Complex, Index

if TYPE_CHECKING:
    from ssbchar.nmr.powder.patterns import Pattern

PER_LINE = ("nu", "width", "gauss2", "voigt", "region", "low", "high", "held", "pattern", "fitted")
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
    pattern: Array = field(default_factory=lambda: np.empty((0, PARAMETERS)))
    """(line, parameter) of each line's powder pattern, as `ssbchar.nmr.powder.parameters` names
    them; zero for a plain line."""
    fitted: Bool = field(default_factory=lambda: np.empty((0, PARAMETERS), bool))
    """(line, parameter) which of them are fitted."""

    def __post_init__(self) -> None:
        if len(self.pattern) != self.nu.size:
            object.__setattr__(self, "pattern", np.zeros((self.nu.size, PARAMETERS)))
            object.__setattr__(self, "fitted", np.zeros((self.nu.size, PARAMETERS), bool))

    @property
    def n(self) -> int:
        """Number of lines."""
        return int(self.nu.size)

    @cached_property
    def powder(self) -> Bool:
        """Which lines are powder patterns, shape (line,)."""
        if not self.pattern.any():
            return np.zeros(self.n, bool)
        marks = self.pattern[:, [COUPLING, ANISOTROPY, SCATTER]]
        return np.asarray((marks != 0).any(axis=1))

    def evaluate_pattern(self, line: int, tau: Array) -> Pattern:
        """Return the powder pattern of one line.

        Parameters
        ----------
        line : int
            Its position.
        tau : ndarray, shape (time,)
            Even axis, since the echo's top [s].
        """
        # Compiled loops are loaded where there is a pattern.
        from ssbchar.nmr.powder import patterns

        widths = float(self.width[line]), float(self.gauss2[line])
        return patterns.evaluate_pattern(self.pattern[line], self.fitted[line], widths, tau)

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
            pattern=np.concatenate([self.pattern, np.zeros((1, PARAMETERS))]),
            fitted=np.concatenate([self.fitted, np.zeros((1, PARAMETERS), bool)]),
        )

    def pack_parameters(self) -> Array:
        """Return nu, width and gauss2 of all lines, the time origin, the common phase, and what is
        fitted of the patterns, line by line, in one row of shape (3 line + 2 + fitted,) [Hz, Hz,
        Hz^2, s, rad, as they are].

        The common phase is solved for given shapes; it has its place here, as zero, because its
        derivative is wanted with theirs.
        """
        of_lines = [self.nu, self.width, self.gauss2, [self.origin, 0.0]]
        return np.concatenate([*of_lines, self.pattern[self.fitted]])

    def unpack_parameters(self, values: Array) -> LineShapes:
        """Return the shapes with the parameters of such a row.

        Parameters
        ----------
        values : ndarray, shape (3 line + 2 + fitted,)
            As `pack_parameters` gives them [Hz, Hz, Hz^2, s, rad, as they are].
        """
        after = 3 * self.n + 2
        nu, width, gauss2 = values[: after - 2].reshape(3, -1)
        pattern = self.pattern
        if values.size > after:
            pattern = pattern.copy()
            pattern[self.fitted] = values[after:]
        origin = float(values[after - 2])
        return replace(self, nu=nu, width=width, gauss2=gauss2, origin=origin, pattern=pattern)


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
    f = evaluate_widths(shapes, time, more)
    for line in np.flatnonzero(shapes.powder).tolist():
        f[line] *= shapes.evaluate_pattern(line, time + shapes.origin).signal
    return f


def evaluate_widths(shapes: LineShapes, time: Array, more: int = 0) -> Complex:
    """Return the lines without their powder patterns, as `evaluate_shapes`.

    Parameters
    ----------
    shapes : LineShapes
        Lines.
    time : ndarray, shape (time,)
        Even axis [s].
    more : int
        Rows below the shapes that the caller fills.
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


def width_from_parts(lorentz: float, gauss: float) -> float:
    """Return the full width at half maximum of a Voigt line, 0.5346 L + sqrt(0.2166 L^2 + G^2).

    To 0.02 % (J. J. Olivero & R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977)
    233).

    Parameters
    ----------
    lorentz, gauss : float
        Full widths L and G of its parts [Hz].

    Returns
    -------
    float
        [Hz].
    """
    return 0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss**2)
