"""CSV and TSV patterns: a named axis column, intensity and, where given, its sigma.

Notes on file structure
-----------------------
Lines that start with ``#`` are header. The axis is the column named ``two_theta`` (``2theta``,
``tth``, ``2th_deg``), ``q`` or ``d``; the intensity ``intensity`` (``counts``, ``I``); sigma
``sigma`` (``stderr``, ``esd``, ``error``). A column ``monitor`` (``i0``) that is constant is the
pattern's incident flux. Without names the order is axis, intensity, sigma.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.formats.columns import monitor_from_header
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.options import AxisUnit, StatedAxisUnit

_AXES: tuple[tuple[AxisUnit, re.Pattern[str]], ...] = (
    ("degree", re.compile(r"^(2_?-?th|two_?theta|tth|ttheta|angle)", re.I)),
    ("1/nm", re.compile(r"^q.*nm", re.I)),
    ("1/angstrom", re.compile(r"^q\b|^q_|^q$", re.I)),
    ("angstrom", re.compile(r"^d$|^d_?spacing|^d\b", re.I)),
)
_INTENSITY = re.compile(r"^(intensity|counts?|i|y|i_?obs|yobs)\b(?!.*(err|esd|sig|std))", re.I)
_MONITOR = re.compile(r"^(monitor|i0|ion_?chamber)\b", re.I)
_SIGMA = re.compile(r"(sigma|std|esd|err)", re.I)


@dataclass(frozen=True, kw_only=True)
class ColumnPlaces:
    """Which columns of a table hold the pattern, counted from 0."""

    axis: int
    unit: StatedAxisUnit
    intensity: int
    sigma: int | None
    monitor: int | None


def extract(path: Path) -> PatternFile:
    """Return the pattern of a table with a comma, semicolon or tab between its columns.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PatternFile
        Axis of shape (points,) in the unit of its name, intensity [counts] of shape (1, points).

    Raises
    ------
    BadInput
        No axis or intensity column, or a cell that is no number.
    """
    import pandas as pd

    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    header = "\n".join(line for line in lines if line.startswith("#"))
    body = [line for line in lines if not line.startswith("#")]
    if not body:
        raise BadInput(path, "the file is empty", "copy it again from the beamline")
    # The separator is the one that the first line has most of.
    separator = max("\t;,", key=body[0].count)
    first = body[0].split(separator)
    # A first line of numbers is a row, not names.
    has_names = not all(_is_number(word) for word in first)
    names = [word.strip().strip('"') for word in first] if has_names else []
    places = _find_columns(path, names)
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            comment="#",
            header=0 if has_names else None,
            encoding="utf-8-sig",
        )
        used = [places.axis, places.intensity]
        if places.sigma is not None and places.sigma < table.shape[1]:
            used.append(places.sigma)
        values = table.iloc[:, used].to_numpy(dtype=float)
        flux = np.array([])
        if places.monitor is not None:
            flux = np.unique(table.iloc[:, places.monitor].to_numpy(dtype=float))
    except (ValueError, IndexError) as error:
        raise BadInput(path, f"a cell is no number ({error})", "correct it") from error
    return PatternFile(
        x=values[:, 0],
        unit=places.unit,
        intensity=values[None, :, 1],
        stderr=values[None, :, 2] if values.shape[1] > 2 else None,
        header="\n".join([header, *names]),
        wavelength=bragg.wavelength_from_header(header),
        monitor=flux if flux.size == 1 else np.array([monitor_from_header(header)]),
    )


def _find_columns(path: Path, names: list[str]) -> ColumnPlaces:
    """Return which columns hold the pattern; without names the first, second and third."""
    if not names:
        return ColumnPlaces(axis=0, unit="", intensity=1, sigma=2, monitor=None)
    axes = [
        (unit, place)
        for unit, pattern in _AXES
        for place, name in enumerate(names)
        if pattern.search(name)
    ]
    intensity = _find_first(names, _INTENSITY)
    if not axes or intensity is None:
        what = "intensity" if axes else "axis (two_theta, q or d)"
        problem = f"no {what} column among {', '.join(names)[:80]}"
        raise BadInput(path, problem, "name the columns two_theta, intensity")
    unit, axis = axes[0]
    return ColumnPlaces(
        axis=axis,
        unit=unit,
        intensity=intensity,
        sigma=_find_first(names, _SIGMA),
        monitor=_find_first(names, _MONITOR),
    )


def _find_first(names: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((place for place, name in enumerate(names) if pattern.search(name)), None)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
