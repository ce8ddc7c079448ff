r"""Text in columns x, intensity, sigma: xy, xye, FIT2D chi, GSAS fxye, FullProf XYDATA.

Notes on file structure
-----------------------
Everything before the first line of two or more numbers is the header, comments in ``/* */``, ``#``, ``!`` or
``;`` included. What the header may say:

- TOPAS-style heads of 17-BM: ``/*``, ``# name.tif Azm= 180.00``, ``*/``;
- FIT2D ``.chi``: title, axis name (``2-Theta Angle (Degrees)``, ``Q-Space (Inverse Nanometres)``), ordinate, count;
- pyFAI: ``# Wavelength: 4.066e-11 m``, ``# 2th_deg  I  sigma``;
- GSAS ``BANK 1 5000 5000 CONS 50.0 0.5 0 0 FXYE`` : the axis is in hundredths of a degree;
- FullProf ``XYDATA``: ``TEMP 295.0`` [K], ``! Calibrated wavelength = 0.413671``;
- ``# time: 2019-03-04T08:05:00-06:00`` (ISO 8601 with a zone, else left unknown), ``# monitor: 0.998``.

Uncertainties: the third column where there is one.
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
from ssbchar.typing import Array

_FLOAT = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_FIRST = re.compile(
    rb"^[ \t]*" + _FLOAT + rb"[ \t,;]+(?:" + _FLOAT + rb"|nan)(?:[ \t,;]+[^\s]+)*[ \t]*\r?$",
    re.M | re.I,
)
_TEMPERATURE_K = re.compile(r"^(?:!\s*Temp(?:erature)?\s*\(K\)\s*=|TEMP\b)\s*([\d.]+)", re.M | re.I)
_TEMPERATURE_C = re.compile(r"\bTemp(?:erature)?\s*(?:\(C\)|\[degC\]|_C)\s*[=:]\s*([-\d.]+)", re.I)
_TIME = re.compile(r"^\W*time\s*[:=]\s*(\d{4}-\d\d-\d\dT\S+(?:Z|[+-]\d\d:?\d\d))\s*$", re.M | re.I)
_MONITOR = re.compile(
    r"^\W*(?:monitor|i0|ion_?chamber)\s*[:=]\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)",
    re.M | re.I,
)
_UNITS = (
    (re.compile(r"2-?_?(?:th|tth|theta)|two.?theta|2θ", re.I), "degree"),
    (re.compile(r"q_nm|inverse nano", re.I), "1/nm"),
    (re.compile(r"q_a\^?-|inverse ang|q.?\(?1/a", re.I), "1/angstrom"),
    (re.compile(r"^.{0,8}d-?spac", re.I | re.M), "angstrom"),
)


def extract(path: Path) -> PatternFile:
    """Return the pattern of a text file of two or more columns.

    Raises
    ------
    BadInput
        The file is empty, holds no columns of numbers, or a row that is not numbers.
    """
    raw = path.read_bytes()
    if not raw.strip():
        raise BadInput(path, "the file is empty", "copy it again from the beamline")
    start = _FIRST.search(raw)
    if not start:
        raise BadInput(
            path,
            "no line holds two numbers (x and intensity)",
            "give x, intensity and sigma in columns",
        )
    header = raw[: start.start()].decode("utf-8", "replace")
    rows = _numbers(path, raw[start.start() :], raw.count(b"\n", 0, start.start()))
    gsas = re.search(r"^BANK\s.*\bFXYE?\b", header, re.M)
    temperature = _temperature(header)
    return PatternFile(
        x=rows[:, 0] / 100 if gsas else rows[:, 0].copy(),
        unit="degree" if gsas else _unit(header),
        intensity=rows[None, :, 1].copy(),
        stderr=rows[None, :, 2].copy() if rows.shape[1] > 2 else None,
        header=header,
        wavelength=bragg.wavelength_from_header(header),
        temperature=np.array([temperature]),
        time=np.array([_time(header)]),
        monitor=np.array([monitor_from_header(header)]),
    )


def _count(line: bytes) -> int:
    return len(line.replace(b",", b" ").replace(b";", b" ").split())


def _numbers(path: Path, body: bytes, line: int) -> Array:
    """Return the rows of numbers of a file's body; `line` is how many lines stand before it."""
    columns = _count(body[: body.find(b"\n")] if b"\n" in body else body)
    plain = body.replace(b",", b" ").replace(b";", b" ") if b"," in body or b";" in body else body
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(plain, sep=" ")
        except (DeprecationWarning, ValueError):
            return _careful(path, plain, columns, line)
    if values.size != columns * (plain.strip().count(b"\n") + 1):
        return _careful(path, plain, columns, line)
    return np.asarray(values.reshape(-1, columns))


def _careful(path: Path, body: bytes, columns: int, line: int) -> Array:
    """Read line by line, past trailing comments and blank lines, and say which line is wrong."""
    rows = []
    for number, text in enumerate(body.decode("utf-8", "replace").splitlines(), line + 1):
        words = re.split(r"[#!]", text)[0].split()
        if not words:
            continue
        try:
            rows.append([float(w.replace("D", "E")) for w in words])
        except ValueError as error:
            raise BadInput(
                f"{path}:{number}", f"'{text.strip()[:40]}' is no row of numbers", "correct it"
            ) from error
        if len(words) != columns:
            raise BadInput(
                f"{path}:{number}",
                f"{len(words)} columns where the others have {columns}",
                "copy the file again",
            )
    return np.array(rows, dtype=float)


def _unit(header: str) -> str:
    for pattern, unit in _UNITS:
        if pattern.search(header):
            return unit
    return ""


def _temperature(header: str) -> float:
    kelvin = _TEMPERATURE_K.search(header)
    if kelvin:
        return float(kelvin[1]) + ABSOLUTE_ZERO_C
    celsius = _TEMPERATURE_C.search(header)
    return float(celsius[1]) if celsius else np.nan


def _time(header: str) -> float:
    """Return seconds since 1970 UTC of a header's time stamp, NaN where it has none or no zone."""
    found = _TIME.search(header)
    if not found:
        return np.nan
    try:
        return datetime.fromisoformat(found[1]).timestamp()
    except ValueError:
        return np.nan


def monitor_from_header(header: str) -> float:
    """Return the incident monitor a header states, NaN where it states none."""
    found = _MONITOR.search(header)
    return float(found[1]) if found else np.nan
