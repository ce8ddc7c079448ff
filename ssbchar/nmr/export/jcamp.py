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

BITS = 40
"""Of the largest number; the rest is rounded."""
PER_LINE = 8


@dataclass(frozen=True)
class Axis:
    """The even axis of a data set."""

    first: float
    last: float
    count: int
    name: str
    """TIME or FREQUENCY."""
    units: str
    """SECONDS or HZ."""


def text(
    title: str, kind: str, axis: Axis, y: NDArray[np.complex128], records: Mapping[str, object]
) -> str:
    """Return one block.

    Parameters
    ----------
    title : str
        First line.
    kind : str
        ``NMR FID`` or ``NMR SPECTRUM``.
    axis : Axis
        Of the points.
    y : ndarray, shape (point,)
        Real and imaginary part.
    records : mapping
        Further labelled data records by name, such as ``.OBSERVE FREQUENCY`` [MHz].
    """
    factor = _factor(y)
    real, imag = (
        np.rint(y.real / factor).astype(np.int64),
        np.rint(y.imag / factor).astype(np.int64),
    )
    part = kind.split()[-1]
    step = (axis.last - axis.first) / (axis.count - 1)

    def row(name: str, *values: object) -> str:
        return f"##{name}= " + ", ".join(_word(v) for v in values)

    head = [
        f"##TITLE= {title}",
        "##JCAMP-DX= 5.00 $$ ssbchar",
        f"##DATA TYPE= {kind}",
        "##DATA CLASS= NTUPLES",
        *(f"##{k}= {_word(v)}" for k, v in records.items()),
        f"##NPOINTS= {axis.count}",
        f"##NTUPLES= {kind}",
        row("VAR_NAME", axis.name, f"{part}/REAL", f"{part}/IMAG", "PAGE NUMBER"),
        row("SYMBOL", "X", "R", "I", "N"),
        row("VAR_TYPE", "INDEPENDENT", "DEPENDENT", "DEPENDENT", "PAGE"),
        row("VAR_FORM", "AFFN", "AFFN", "AFFN", "AFFN"),
        row("VAR_DIM", axis.count, axis.count, axis.count, 2),
        row("UNITS", axis.units, "ARBITRARY UNITS", "ARBITRARY UNITS", ""),
        row("FACTOR", step, factor, factor, 1),
        row("FIRST", axis.first, factor * float(real[0]), factor * float(imag[0]), 1),
        row("LAST", axis.last, factor * float(real[-1]), factor * float(imag[-1]), 2),
        row(
            "MIN",
            min(axis.first, axis.last),
            factor * float(real.min()),
            factor * float(imag.min()),
            1,
        ),
        row(
            "MAX",
            max(axis.first, axis.last),
            factor * float(real.max()),
            factor * float(imag.max()),
            2,
        ),
    ]
    pages = []
    offset = round(axis.first / step)
    for number, (symbol, values) in enumerate((("R", real), ("I", imag)), 1):
        pages += [f"##PAGE= N={number}", f"##DATA TABLE= (X++({symbol}..{symbol})), XYDATA"]
        pages += [
            f"{offset + i} " + " ".join(map(str, values[i : i + PER_LINE].tolist()))
            for i in range(0, axis.count, PER_LINE)
        ]
    return "\n".join([*head, *pages, f"##END NTUPLES= {kind}", "##END="]) + "\n"


def _factor(y: NDArray[np.complex128]) -> float:
    """Return the power of two whose multiples the numbers are written in: one for small
    integers."""
    parts = np.concatenate([y.real, y.imag])
    most = float(np.abs(parts).max()) or 1.0
    exponent = int(np.frexp(most)[1]) - BITS
    for power in range(max(exponent, -20), 21):
        if np.array_equal(np.rint(parts / 2.0**power), parts / 2.0**power) and np.any(
            (parts / 2.0**power) % 2
        ):
            return 2.0**power
    return 2.0**exponent


def _word(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
