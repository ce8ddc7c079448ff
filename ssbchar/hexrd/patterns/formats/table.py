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
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.formats.columns import monitor_from_header
from ssbchar.hexrd.patterns.formats.extracted import PatternFile

_AXES = (
    ("degree", re.compile(r"^(2_?-?th|two_?theta|tth|ttheta|angle)", re.I)),
    ("1/nm", re.compile(r"^q.*nm", re.I)),
    ("1/angstrom", re.compile(r"^q\b|^q_|^q$", re.I)),
    ("angstrom", re.compile(r"^d$|^d_?spacing|^d\b", re.I)),
)
_INTENSITY = re.compile(r"^(intensity|counts?|i|y|i_?obs|yobs)\b(?!.*(err|esd|sig|std))", re.I)
_MONITOR = re.compile(r"^(monitor|i0|ion_?chamber)\b", re.I)
_SIGMA = re.compile(r"(sigma|std|esd|err)", re.I)


def extract(path: Path) -> PatternFile:
    """Return the pattern of a table with a comma, semicolon or tab between its columns.

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
    separator = max("\t;,", key=body[0].count)
    named = not all(_is_number(word) for word in body[0].split(separator))
    names = [w.strip().strip('"') for w in body[0].split(separator)] if named else []
    axis, unit, intensity, sigma = _columns(path, names)
    try:
        table = pd.read_csv(
            path, sep=separator, comment="#", header=0 if named else None, encoding="utf-8-sig"
        )
        used = [axis, intensity] + ([sigma] if sigma is not None and sigma < table.shape[1] else [])
        values = table.iloc[:, used].to_numpy(dtype=float)
        flux = [n for n, name in enumerate(names) if _MONITOR.search(name)]
        constant = np.unique(table.iloc[:, flux[0]].to_numpy(dtype=float)) if flux else np.array([])
    except (ValueError, IndexError) as error:
        raise BadInput(path, f"a cell is no number ({error})", "correct it") from error
    return PatternFile(
        x=values[:, 0],
        unit=unit,
        intensity=values[None, :, 1],
        stderr=values[None, :, 2] if values.shape[1] > 2 else None,
        header="\n".join([header, *names]),
        wavelength=bragg.wavelength_from_header(header),
        monitor=constant if constant.size == 1 else np.array([monitor_from_header(header)]),
    )


def _columns(path: Path, names: list[str]) -> tuple[int, str, int, int | None]:
    """Return the places of axis, intensity and sigma, and the axis unit."""
    if not names:
        return 0, "", 1, 2
    found = [
        (unit, n) for unit, pattern in _AXES for n, name in enumerate(names) if pattern.search(name)
    ]
    intensity = [n for n, name in enumerate(names) if _INTENSITY.search(name)]
    sigma = [n for n, name in enumerate(names) if _SIGMA.search(name)]
    if not found or not intensity:
        what = "axis (two_theta, q or d)" if not found else "intensity"
        raise BadInput(
            path,
            f"no {what} column among {', '.join(names)[:80]}",
            "name the columns two_theta, intensity",
        )
    return found[0][1], found[0][0], intensity[0], sigma[0] if sigma else None


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)) or True)
    except ValueError:
        return False
