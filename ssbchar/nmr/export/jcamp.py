"""JCAMP-DX text of a decay or a spectrum with real and imaginary part.

NTUPLES of A. N. Davies & P. Lampen, Appl. Spectrosc. 47 (1993) 1093 (JCAMP-DX 5.00 for NMR): two
pages of plain numbers (AFFN), integers times a power of two, so that what was read from an int32
file is written exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Complex

BITS = 40
"""Bits of the largest number that are written; the rest is rounded."""
PER_LINE = 8
"""Numbers in a line of a page."""
POWERS = 20
"""Powers of two from 2^-20 to 2^20 are tried as the unit in which all numbers are whole."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The even axis of a data set."""

    first: float
    last: float
    count: int
    name: str
    """TIME or FREQUENCY."""
    units: str
    """SECONDS or HZ."""

    @property
    def step(self) -> float:
        """From one point to the next [`units`]."""
        return (self.last - self.first) / (self.count - 1)


def format_block(
    title: str, kind: str, axis: Axis, y: Complex, records: Mapping[str, object]
) -> str:
    """Return one JCAMP-DX block.

    Parameters
    ----------
    title : str
        First line.
    kind : str
        ``NMR FID`` or ``NMR SPECTRUM``.
    axis : Axis
        Axis of the points [s or Hz].
    y : ndarray, shape (point,)
        Complex points [arbitrary unit].
    records : mapping
        Further labelled data records by name, such as ``.OBSERVE FREQUENCY`` [MHz].
    """
    factor = _choose_factor(y)
    real = np.rint(y.real / factor).astype(np.int64)
    imag = np.rint(y.imag / factor).astype(np.int64)
    lines = [
        f"##TITLE= {title}",
        "##JCAMP-DX= 5.00 $$ ssbchar",
        f"##DATA TYPE= {kind}",
        "##DATA CLASS= NTUPLES",
        *(f"##{name}= {_format_value(value)}" for name, value in records.items()),
        f"##NPOINTS= {axis.count}",
        f"##NTUPLES= {kind}",
        *_format_variables(kind.split()[-1], axis, factor, real, imag),
        *_format_page(1, "R", axis, real),
        *_format_page(2, "I", axis, imag),
        f"##END NTUPLES= {kind}",
        "##END=",
    ]
    return "\n".join(lines) + "\n"


def _format_variables(
    part: str, axis: Axis, factor: float, real: NDArray[np.int64], imag: NDArray[np.int64]
) -> list[str]:
    """Return the table of variables: axis, real part, imaginary part, page."""

    def values(index: int) -> tuple[float, float]:
        return factor * float(real[index]), factor * float(imag[index])

    smallest = factor * float(real.min()), factor * float(imag.min())
    largest = factor * float(real.max()), factor * float(imag.max())
    table: dict[str, tuple[object, ...]] = {
        "VAR_NAME": (axis.name, f"{part}/REAL", f"{part}/IMAG", "PAGE NUMBER"),
        "SYMBOL": ("X", "R", "I", "N"),
        "VAR_TYPE": ("INDEPENDENT", "DEPENDENT", "DEPENDENT", "PAGE"),
        "VAR_FORM": ("AFFN", "AFFN", "AFFN", "AFFN"),
        "VAR_DIM": (axis.count, axis.count, axis.count, 2),
        "UNITS": (axis.units, "ARBITRARY UNITS", "ARBITRARY UNITS", ""),
        "FACTOR": (axis.step, factor, factor, 1),
        "FIRST": (axis.first, *values(0), 1),
        "LAST": (axis.last, *values(-1), 2),
        "MIN": (min(axis.first, axis.last), *smallest, 1),
        "MAX": (max(axis.first, axis.last), *largest, 2),
    }
    return [
        f"##{name}= " + ", ".join(_format_value(value) for value in row)
        for name, row in table.items()
    ]


def _format_page(number: int, symbol: str, axis: Axis, values: NDArray[np.int64]) -> list[str]:
    """Return a page: whole numbers, each line begun by the index of its first point."""
    offset = round(axis.first / axis.step)
    lines = [f"##PAGE= N={number}", f"##DATA TABLE= (X++({symbol}..{symbol})), XYDATA"]
    for start in range(0, axis.count, PER_LINE):
        row = values[start : start + PER_LINE].tolist()
        lines.append(f"{offset + start} " + " ".join(map(str, row)))
    return lines


def _choose_factor(y: Complex) -> float:
    """Return the power of two whose multiples the numbers are written in: one for small integers.

    The largest power in which all numbers are whole, or the one that leaves `BITS` bits.
    """
    parts = np.concatenate([y.real, y.imag])
    largest = float(np.abs(parts).max()) or 1.0
    exponent = int(np.frexp(largest)[1]) - BITS
    for power in range(max(exponent, -POWERS), POWERS + 1):
        scaled = parts / 2.0**power
        whole = np.array_equal(np.rint(scaled), scaled)
        if whole and np.any(scaled % 2):
            return 2.0**power
    return 2.0**exponent


def _format_value(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
