"""Checks that patterns of every format pass before they are used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.storage import row_file
from ssbchar.typing import Array

LARGEST = float(np.finfo(np.float32).max)
"""Intensities are stored in single precision [counts]."""


def refuse_what_overflows(path: Path, pattern: PatternFile) -> None:
    """Raise where an intensity or its error is beyond what is stored.

    Parameters
    ----------
    path : Path
        For messages.
    pattern : PatternFile
        Intensities [counts] of shape (frames, points).

    Raises
    ------
    BadInput
        A number is infinite or above 3.4e38.
    """
    for values in (pattern.intensity, pattern.stderr):
        if values is None:
            continue
        # One block at a time: a long series is on disk.
        parts = row_file.split_rows(values.shape)
        worst = next((w for part in parts if (w := find_overflow(values[part])) is not None), None)
        if worst is not None:
            problem = f"an intensity of {worst:g} counts is beyond single precision"
            raise BadInput(path, problem, "correct it, or write intensities in smaller units")


def find_overflow(values: Array) -> float | None:
    """Return a number that single precision cannot hold, None where there is none.

    Parameters
    ----------
    values : ndarray, shape (...)
        [counts]; NaN is left out.
    """
    if not values.size:
        return None
    low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    worst = high if high > -low else low
    return worst if abs(worst) > LARGEST else None
