"""Patterns whose axis is a start and a step: GSAS STD and ESD, FullProf's free format.

Notes on file structure
-----------------------
- GSAS ``BANK 1 5000 500 CONS 1000.0 2.0 0 0 STD``: start and step in hundredths of a degree, then
  ten fields of eight characters per line, each the number of counters (two characters) and their
  mean (six); ``ESD``: pairs of intensity and standard error in such fields.
- FullProf (INSTRM = 0): a line ``start step stop`` in degree, then intensities in lines.

The number of intensities must be the one announced: a file that is cut short is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array

FIELD = 8
"""Characters of one field of GSAS."""
COUNTERS = 2
"""Characters of the number of counters in a field of type STD."""
_BANK = re.compile(
    r"^[ \t]*BANK[ \t]+\d+[ \t]+(?P<points>\d+)[ \t]+\d+[ \t]+CONST?[ \t]+(?P<start>[\d.+-]+)[ \t]+"
    r"(?P<step>[\d.]+)(?P<rest>[^\n]*)$",
    re.M | re.I,
)
_NUMBERS = re.compile(rb"[\d.eE+\-\s]+")


def read_evenly_spaced(path: Path, header: str, body: bytes) -> Array | None:
    """Return the rows x, intensity and, of GSAS, standard error, None of another format.

    Parameters
    ----------
    path : Path
    header : str
        Lines before the first row of numbers.
    body : bytes
        From that row on, columns parted by blanks.

    Returns
    -------
    ndarray, shape (points, 2 or 3), or None
        x in hundredths of a degree (GSAS) or degree (FullProf), intensity and error [counts].

    Raises
    ------
    BadInput
        A GSAS file holds fewer intensities than it announces, or a field that is no number.
    """
    bank = _BANK.search(header)
    if bank is None:
        return _read_fullprof(body)
    kind = bank["rest"].split()[-1].upper() if bank["rest"].split() else ""
    if kind in ("FXYE", "FXY", "ALT"):
        return None
    points = int(bank["points"])
    values = _read_fields(path, body, by_counter=kind != "ESD")
    found = values.shape[0]
    if found < points:
        problem = f"announces {points} points and holds {found}: it is cut short"
        raise BadInput(path, problem, "copy the file again")
    x = float(bank["start"]) + float(bank["step"]) * np.arange(points)
    # The last line is filled up with zeros.
    return np.column_stack([x, values[:points]])


def _read_fields(path: Path, body: bytes, *, by_counter: bool) -> Array:
    """Return intensity and standard error [counts] of the fields of GSAS, shape (points, 2)."""
    fields = [
        line[place : place + FIELD]
        for line in body.decode("utf-8", "replace").splitlines()
        for place in range(0, len(line.rstrip()), FIELD)
    ]
    try:
        if not by_counter:
            numbers = [float(field) for field in fields]
            return np.array(numbers[: len(numbers) // 2 * 2], float).reshape(-1, 2)
        counters = np.array([float(field[:COUNTERS].strip() or 1) for field in fields])
        means = np.array([float(field[COUNTERS:].strip() or 0) for field in fields])
    except ValueError as error:
        raise BadInput(
            path, f"a field of its GSAS data is no number ({error})", "correct it"
        ) from (error)
    # The mean of n counters that each counted has variance mean / n.
    return np.column_stack([means, np.sqrt(np.maximum(means, 1) / np.maximum(counters, 1))])


def _read_fullprof(body: bytes) -> Array | None:
    """Return x and intensity of ``start step stop`` and intensities, None of something else.

    Nothing but the count tells this format: it has to be exact.
    """
    first, _, rest = body.partition(b"\n")
    words = first.split()[:3]
    if len(words) != 3 or len(rest.partition(b"\n")[0].split()) in (2, 3):
        return None
    try:
        start, step, stop = (float(word) for word in words)
        if not 0 < step < stop - start or not _NUMBERS.fullmatch(rest):
            return None
        values = np.array(rest.split(), float)
    except ValueError:
        return None
    points = round((stop - start) / step) + 1
    if values.size != points:
        return None
    return np.column_stack([start + step * np.arange(points), values])
