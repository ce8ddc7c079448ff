r"""Text in columns x, intensity, sigma: xy, xye, FIT2D chi, GSAS fxye, FullProf XYDATA.

Notes on file structure
-----------------------
Everything before the first line of two or more numbers is the header, comments in ``/* */``, ``#``,
``!`` or ``;`` included. What the header may state:

- TOPAS-style heads of 17-BM: ``/*``, ``# name.tif Azm= 180.00``, ``*/``;
- FIT2D ``.chi``: title, axis name (``2-Theta Angle (Degrees)``, ``Q-Space (Inverse Nanometres)``),
  ordinate, count;
- pyFAI: ``# Wavelength: 4.066e-11 m``, ``# 2th_deg  I  sigma``;
- GSAS ``BANK 1 5000 5000 CONS 50.0 0.5 0 0 FXYE``: the axis is in hundredths of a degree;
- FullProf ``XYDATA``: ``TEMP 295.0`` [K], ``! Calibrated wavelength = 0.413671``;
- ``# time: 2019-03-04T08:05:00-06:00`` (ISO 8601; without a time zone the time stays unknown),
  ``# monitor: 0.998``.

Uncertainties: the third column, where there is one.
"""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.options import AxisUnit, StatedAxisUnit
from ssbchar.typing import Array

_FLOAT = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_FIRST_ROW = re.compile(
    rb"^[ \t]*" + _FLOAT + rb"[ \t,;]+(?:" + _FLOAT + rb"|nan)(?:[ \t,;]+[^\s]+)*[ \t]*\r?$",
    re.M | re.I,
)
_GSAS_BANK = re.compile(r"^BANK\s.*\bFXYE?\b", re.M)
_TEMPERATURE_K = re.compile(r"^(?:!\s*Temp(?:erature)?\s*\(K\)\s*=|TEMP\b)\s*([\d.]+)", re.M | re.I)
_TEMPERATURE_C = re.compile(r"\bTemp(?:erature)?\s*(?:\(C\)|\[degC\]|_C)\s*[=:]\s*([-\d.]+)", re.I)
_TIME = re.compile(r"^\W*time\s*[:=]\s*(\d{4}-\d\d-\d\dT\S+(?:Z|[+-]\d\d:?\d\d))\s*$", re.M | re.I)
_MONITOR = re.compile(
    r"^\W*(?:monitor|i0|ion_?chamber)\s*[:=]\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)",
    re.M | re.I,
)
_UNITS: tuple[tuple[re.Pattern[str], AxisUnit], ...] = (
    (re.compile(r"2-?_?(?:th|tth|theta)|two.?theta|2θ", re.I), "degree"),
    (re.compile(r"q_nm|inverse nano", re.I), "1/nm"),
    (re.compile(r"q_a\^?-|inverse ang|q.?\(?1/a", re.I), "1/angstrom"),
    (re.compile(r"^.{0,8}d-?spac", re.I | re.M), "angstrom"),
)
CENTIDEGREE = 100
"""GSAS writes 2theta in hundredths of a degree."""


def extract(path: Path) -> PatternFile:
    """Return the pattern of a text file of two or more columns.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PatternFile
        Axis of shape (points,) in the unit stated, intensity [counts] of shape (1, points).

    Raises
    ------
    BadInput
        The file is empty, holds no columns of numbers, or a row that is not numbers.
    """
    raw = path.read_bytes()
    if not raw.strip():
        raise BadInput(path, "the file is empty", "copy it again from the beamline")
    first = _FIRST_ROW.search(raw)
    if not first:
        raise BadInput(
            path,
            "no line holds two numbers (x and intensity)",
            "give x, intensity and sigma in columns",
        )
    start = first.start()
    header = raw[:start].decode("utf-8", "replace")
    rows = _parse_rows(path, raw[start:], lines_before=raw.count(b"\n", 0, start))
    # Only the bank line tells centidegrees from degrees.
    is_gsas = _GSAS_BANK.search(header) is not None
    return PatternFile(
        x=rows[:, 0] / CENTIDEGREE if is_gsas else rows[:, 0].copy(),
        unit="degree" if is_gsas else _unit_from_header(header),
        intensity=rows[None, :, 1].copy(),
        stderr=rows[None, :, 2].copy() if rows.shape[1] > 2 else None,
        header=header,
        wavelength=bragg.wavelength_from_header(header),
        temperature=np.array([_temperature_from_header(header)]),
        time=np.array([_time_from_header(header)]),
        monitor=np.array([monitor_from_header(header)]),
    )


def _parse_rows(path: Path, body: bytes, *, lines_before: int) -> Array:
    """Return the rows of numbers of a file's body, at once where it is regular, else line by
    line."""
    plain = _replace_separators(body)
    columns = len(plain.partition(b"\n")[0].split())
    with warnings.catch_warnings():
        # NumPy warns where text follows the numbers; such a file is read line by line.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(plain, sep=" ")
        except (DeprecationWarning, ValueError):
            return _parse_lines(path, plain, columns=columns, lines_before=lines_before)
    if values.size != columns * (plain.strip().count(b"\n") + 1):
        return _parse_lines(path, plain, columns=columns, lines_before=lines_before)
    return np.asarray(values.reshape(-1, columns))


def _replace_separators(body: bytes) -> bytes:
    if b"," in body or b";" in body:
        return body.replace(b",", b" ").replace(b";", b" ")
    return body


def _parse_lines(path: Path, body: bytes, *, columns: int, lines_before: int) -> Array:
    """Return the rows of numbers, past trailing comments and blank lines; name the line that is
    wrong."""
    rows = []
    lines = body.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, lines_before + 1):
        words = re.split(r"[#!]", line)[0].split()
        if not words:
            continue
        try:
            # Fortran writes 1.0D+3 where others write 1.0E+3.
            rows.append([float(word.replace("D", "E")) for word in words])
        except ValueError as error:
            problem = f"'{line.strip()[:40]}' is no row of numbers"
            raise BadInput(f"{path}:{number}", problem, "correct it") from error
        if len(words) != columns:
            problem = f"{len(words)} columns where the others have {columns}"
            raise BadInput(f"{path}:{number}", problem, "copy the file again")
    return np.array(rows, dtype=float)


def _unit_from_header(header: str) -> StatedAxisUnit:
    for pattern, unit in _UNITS:
        if pattern.search(header):
            return unit
    return ""


def _temperature_from_header(header: str) -> float:
    """Return the temperature [degC] that a header states, NaN where it states none."""
    # FullProf states kelvin without a unit.
    kelvin = _TEMPERATURE_K.search(header)
    if kelvin:
        return float(kelvin[1]) + ABSOLUTE_ZERO_C
    celsius = _TEMPERATURE_C.search(header)
    return float(celsius[1]) if celsius else np.nan


def _time_from_header(header: str) -> float:
    """Return seconds since 1970 UTC of a header's time stamp, NaN where it has none or no time
    zone."""
    found = _TIME.search(header)
    if not found:
        return np.nan
    try:
        return datetime.fromisoformat(found[1]).timestamp()
    except ValueError:
        return np.nan


def monitor_from_header(header: str) -> float:
    """Return the incident monitor [counts] that a header states, NaN where it states none.

    Parameters
    ----------
    header : str
        Lines such as ``# monitor: 0.998``.
    """
    found = _MONITOR.search(header)
    return float(found[1]) if found else np.nan
