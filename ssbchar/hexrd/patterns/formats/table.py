"""CSV and TSV patterns: a named axis column, intensity and, where given, its sigma.

Notes on file structure
-----------------------
What stands before the names of the columns is header, with ``#`` or without (PANalytical's
``[Measurement conditions]``). The axis is the column named as `axis_name` understands; the
intensity ``intensity`` (``counts``, ``I``); sigma ``sigma`` (``stderr``, ``esd``, ``error``). A
column ``monitor`` (``i0``) that is constant is the pattern's incident flux. Without names the order
is axis, intensity, sigma. With a semicolon or a tab between columns numbers may have a decimal
comma.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.axis_name import Axis, axis_from_label
from ssbchar.hexrd.patterns.formats.checks import refuse_what_overflows
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.formats.header_values import read_header
from ssbchar.hexrd.patterns.options import AxisUnit
from ssbchar.number_text import decode_text, ends_within_number, number_from_text
from ssbchar.typing import Array

_INTENSITY = re.compile(r"^(intensity|counts?|i|y|i_?obs|yobs)\b(?!.*(err|esd|sig|std))", re.I)
_MONITOR = re.compile(r"^(monitor|i0|ion_?chamber)\b", re.I)
_SIGMA = re.compile(r"(sigma|std|esd|err)", re.I)
_ORDER: tuple[AxisUnit, ...] = ("degree", "1/nm", "1/angstrom", "angstrom")
"""Axes in order of preference, where a table has several."""


@dataclass(frozen=True, kw_only=True)
class ColumnPlaces:
    """Which columns of a table hold the pattern, counted from 0."""

    axis: int
    named: Axis
    """The axis as its name says."""
    intensity: int
    sigma: int | None
    monitor: int | None


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A table taken apart."""

    header: str
    names: list[str]
    """Of the columns, empty where they have none."""
    body: list[str]
    separator: str
    """Regular expression of what parts the columns where it is no single sign."""


def extract(path: Path) -> PatternFile:
    """Return the pattern of a table with a comma, semicolon, tab or blanks between its columns.

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
    text = decode_text(path.read_bytes())
    parts = _take_apart(path, text)
    _refuse_cut_number(path, text, parts)
    places = _find_columns(path, parts.names)
    width = len(_split(parts.body[0], parts.separator))
    columns = [places.axis, places.intensity]
    if places.sigma is not None and places.sigma < width:
        columns.append(places.sigma)
    values = _read_body(path, parts, columns)
    flux = np.array([])
    if places.monitor is not None:
        flux = np.unique(_read_body(path, parts, [places.monitor]))
    pattern = PatternFile(
        x=values[:, 0] * places.named.factor,
        unit=places.named.unit,
        intensity=values[None, :, 1],
        stderr=values[None, :, 2] if values.shape[1] > 2 else None,
        header="\n".join([parts.header, *parts.names]),
        axis_name=places.named.name,
        assumed=(places.named.assumed,) if places.named.assumed else (),
        misread=(places.named.misread,) if places.named.misread else (),
    )
    pattern.take_header(read_header(parts.header))
    if flux.size == 1:
        pattern.monitor = flux
    refuse_what_overflows(path, pattern)
    return pattern


def _refuse_cut_number(path: Path, text: str, parts: _Parts) -> None:
    """Raise where a table without a last line feed ends within a number."""
    if text.endswith(("\n", "\r")):
        return
    ends = [_split(line, parts.separator)[-1] for line in parts.body]
    if ends_within_number(ends):
        raise BadInput(path, f"it ends within a number ('{ends[-1]}')", "copy the file again")


def _take_apart(path: Path, text: str) -> _Parts:
    """Return header, names and rows of a table."""
    # Blanks and tabs at the end of a line part nothing.
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    plain = [line for line in lines if not line.lstrip().startswith("#")]
    if not plain:
        raise BadInput(path, "the file is empty", "copy it again from the beamline")
    first = next((n for n, line in enumerate(plain) if _is_row(line)), None)
    if first is None:
        # No row is whole: the first line has the names, and a cell below it is told.
        has_names = np.isnan(number_from_text(plain[0]))
        first = 1 if has_names and len(plain) > 1 else 0
    separator = _find_separator(plain[first])
    comments = [line for line in lines if line.lstrip().startswith("#")]
    names = _split(plain[first - 1], separator) if first else _names_from_comment(lines, separator)
    header = [*comments, *(_as_statement(line, separator) for line in plain[: max(first - 1, 0)])]
    return _Parts(
        header="\n".join(header),
        names=[name.strip().strip('"') for name in names],
        body=plain[first:],
        separator=separator,
    )


def _is_row(line: str) -> bool:
    """Return whether a line is two or more numbers, with or without others."""
    separator = _find_separator(line)
    cells = _split(line, separator)
    comma = separator != ","
    numbers = [np.isfinite(number_from_text(cell, decimal_comma=comma)) for cell in cells[:2]]
    return len(numbers) == 2 and all(numbers)


def _find_separator(line: str) -> str:
    """Return what parts the columns: a comma only where nothing else can, for it may be decimal."""
    found = next((sign for sign in "\t;," if sign in line), "")
    return found or r"\s+"


def _split(line: str, separator: str) -> list[str]:
    return re.split(separator, line.strip()) if separator == r"\s+" else line.split(separator)


def _names_from_comment(lines: list[str], separator: str) -> list[str]:
    """Return the names in the comment right before the rows (``# q_A^-1,I``), if it has any."""
    before = []
    for line in lines:
        if not line.lstrip().startswith("#"):
            break
        before.append(line.lstrip().lstrip("#").strip())
    names = _split(before[-1], separator) if before else []
    is_axis = bool(names) and any(axis_from_label(name) for name in names)
    return names if len(names) > 1 and is_axis else []


def _as_statement(line: str, separator: str) -> str:
    """Return a line ``name;value`` of the header as ``name: value``."""
    name, found, value = line.partition(separator)
    return f"{name.strip()}: {value.strip()}" if found and not re.search("[:=]", name) else line


def _read_body(path: Path, parts: _Parts, columns: list[int]) -> Array:
    """Return the numbers of some columns of a table, shape (rows, columns)."""
    import pandas as pd

    text = "\n".join(parts.body)
    comma = parts.separator != "," and "," in text
    if comma and re.search(r"\d\.\d", text):
        problem = "numbers have decimal points and decimal commas"
        raise BadInput(path, problem, "write all of them with a point")
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=parts.separator,
            comment="#",
            header=None,
            decimal="," if comma else ".",
            skipinitialspace=True,
        )
        return table.iloc[:, columns].to_numpy(dtype=float)
    except (ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(path, f"a cell is no number ({reason})", "correct it") from error


def _find_columns(path: Path, names: list[str]) -> ColumnPlaces:
    """Return which columns hold the pattern; without names the first, second and third."""
    if not names:
        return ColumnPlaces(axis=0, named=Axis(), intensity=1, sigma=2, monitor=None)
    axes = [(n, axis) for n, name in enumerate(names) if (axis := axis_from_label(name))]
    intensity = _find_first(names, _INTENSITY)
    if not axes or intensity is None:
        what = "intensity" if axes else "axis (two_theta, q or d)"
        problem = f"no {what} column among {', '.join(names)[:80]}"
        raise BadInput(path, problem, "name the columns two_theta, intensity")

    def rank(found: tuple[int, Axis]) -> int:
        unit = found[1].unit
        return _ORDER.index(unit) if unit else len(_ORDER)

    place, named = min(axes, key=rank)
    return ColumnPlaces(
        axis=place,
        named=named,
        intensity=intensity,
        sigma=_find_first(names, _SIGMA),
        monitor=_find_first(names, _MONITOR),
    )


def _find_first(names: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((place for place, name in enumerate(names) if pattern.search(name)), None)
