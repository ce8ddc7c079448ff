"""The text of a furnace log as a table: encoding, preamble, separator, decimal comma, row of units.

Notes on file structure
-----------------------
A preamble of any kind (Eurotherm's, LabVIEW's, comments), one line of names, perhaps one of units,
rows. Columns are parted by tabs, semicolons, commas or blanks; with anything but commas between
them numbers may have a decimal comma.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.number_text import (
    DECIMAL_COMMA,
    decode_text,
    ends_within_number,
    number_from_text,
)
from ssbchar.statistics import find_runs
from ssbchar.timestamps import AmbiguousDate, parse_clock, parse_date
from ssbchar.units import Dimension, find_unit

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ("\t", ";", ",", " ")
"""What may part columns, in order: a comma may be decimal, blanks may stand inside a date."""
MOSTLY = 0.7
"""Share of the lines that must have as many cells as the usual one."""
MOST_LINES = 400
"""Lines at the end of a file in which the usual number of cells is counted."""
UNREADABLE = (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, SyntaxError)
"""What openpyxl raises of a damaged workbook; its XML errors are syntax errors."""
_ZIP = b"PK\x03\x04"
"""Beginning of an .xlsx file."""
_REMEDY = "give CSV with one header line"


@dataclass(frozen=True, kw_only=True)
class LogTable:
    """A log taken apart."""

    columns: pd.DataFrame
    """Numbers where a column has nothing else, else texts."""
    units: dict[str, str]
    """Unit of a column by its name, where a row or a column of units states it."""
    preamble: str
    """Text before the names of the columns."""
    decimal_comma: bool
    notes: tuple[str, ...] = ()
    """What was left out."""


def read_table(log: Path) -> LogTable:
    """Return a log as a table; times [any], temperatures [any unit] and all else it holds.

    Parameters
    ----------
    log : Path

    Raises
    ------
    BadInput
        No table, or no rows below its names.
    """
    raw = Path(log).read_bytes()
    is_workbook = raw.startswith(_ZIP)
    text = _text_from_workbook(log, raw) if is_workbook else decode_text(raw)
    # Blanks and tabs at the end of a line part nothing.
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    plain = [line for line in lines if not line.lstrip().startswith("#")]
    separator, width = _find_separator(plain)
    rows = [_split(line, separator) for line in plain]
    found = _find_first_row(rows, width, decimal_comma=separator != ",")
    if found is None:
        problem = "holds no readings" if rows else "no table (it is empty)"
        raise BadInput(log, problem, "copy it again from the furnace")
    place, first = found
    before = rows[: place or 0]
    names = _make_unique(rows[place]) if place is not None else []
    if place is None:
        names = _names_from_comments(
            lines[: lines.index(plain[first])], len(rows[first]), separator
        )
    if not names:
        raise BadInput(log, "no line names its columns", _REMEDY)
    units_row = rows[place + 1] if place is not None and first == place + 2 else []
    head = rows[place] if place is not None else []
    # The names of a logger that was started anew are no readings.
    rows = [row for row in rows[first:] if row != head]
    body = [row for row in rows if any(cell for cell in row)]
    if separator == " " and len(names) == width - 1:
        body = [_join_clock(row) for row in body]
    notes: list[str] = []
    may_be_cut = not is_workbook and not text.endswith(("\n", "\r"))
    if may_be_cut and _is_cut(body):
        notes = [f"the last line is cut ('{plain[-1][:40]}') and left out"]
        body = body[:-1]
    elif may_be_cut and len(body) == 1:
        notes = [f"the only reading ends the file without a line feed: cut? ('{plain[-1][:40]}')"]
    # A comma at the end of a line makes one cell more, or less, than there are names.
    body = [_fit_width(row, len(names)) for row in body]
    cut = [row for row in body if len(row) > len(names)]
    if cut:
        problem = f"a row has {len(cut[0])} cells where there are {len(names)} names"
        raise BadInput(log, f"no table ({problem})", _REMEDY)
    comma = separator != "," and _has_decimal_commas(log, body)
    columns = _build_columns(names, body, decimal_comma=comma)
    stated = [cell.strip("[]() ") for cell in units_row]
    units = {name: unit for name, unit in zip(names, stated, strict=False) if unit}
    comments = [line for line in lines if line.lstrip().startswith("#")]
    return LogTable(
        columns=columns,
        units=units | _read_unit_columns(columns),
        preamble="\n".join([*comments, *map(_as_statement, before)]),
        decimal_comma=comma,
        notes=tuple(notes),
    )


def _is_cut(body: list[list[str]]) -> bool:
    """Return whether the last row, which no line feed ends, has fewer cells than any other, or ends
    in a number of fewer decimals than any other of its column."""
    if not body:
        return False
    *others, last = body
    if others and len(last) < min(map(len, others)):
        return True
    return ends_within_number([row[-1] for row in body if len(row) == len(last)])


def _text_from_workbook(log: Path, content: bytes) -> str:
    """Return the only filled sheet of an .xlsx file, cells parted by tabs.

    Raises
    ------
    BadInput
        No workbook, or several sheets with cells.
    """
    import openpyxl

    try:
        # openpyxl judges a file by its name, but not an open one.
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = {
            sheet.title: [
                "\t".join(_text_from_cell(cell) for cell in row)
                for row in sheet.iter_rows(values_only=True)
            ]
            for sheet in book.worksheets
        }
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:80]
        raise BadInput(log, f"no readable workbook ({reason})", _REMEDY) from error
    filled = {name: lines for name, lines in sheets.items() if any(map(str.strip, lines))}
    if len(filled) != 1:
        listed = ", ".join(filled) or "none"
        problem = f"needs one sheet with readings, has {listed}"
        raise BadInput(log, problem, "save the sheet of the furnace as a file of its own")
    return "\n".join(next(iter(filled.values())))


def _text_from_cell(cell: Any) -> str:
    """Return the text of a cell; a date in ISO 8601."""
    if cell is None:
        return ""
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell).replace("\t", " ")


def _as_statement(cells: list[str]) -> str:
    """Return a line of the preamble, with a colon behind its name where a separator stood."""
    filled = [cell for cell in cells if cell]
    if len(filled) < 2 or re.search("[:=]", filled[0]):
        return " ".join(filled)
    return f"{filled[0]}: {' '.join(filled[1:])}"


def _find_separator(lines: list[str]) -> tuple[str, int]:
    """Return what parts the columns and how many there are; a comma and one where nothing does."""
    last = lines[-MOST_LINES:]
    for separator in SEPARATORS:
        counts = Counter(len(_split(line, separator)) for line in last)
        if not counts:
            continue
        # Of two equally usual numbers the larger one: a preamble has few cells.
        width, number = max(counts.items(), key=lambda item: (item[1], item[0]))
        if separator == " ":
            # Blanks stand in names and dates: every line has to agree.
            is_table = width > 1 and len(last) > 1 and number >= MOSTLY * len(last)
            return (separator, width) if is_table else (",", 1)
        close = sum(n for cells, n in counts.items() if abs(cells - width) <= 1)
        if width > 1 and (number >= MOSTLY * len(last) or (len(last) < 12 and close > 1)):
            return separator, width
        wide = {cells: n for cells, n in counts.items() if cells > 1}
        if wide and len(last) < 12 and sum(wide.values()) >= 2:
            return separator, max(wide, key=lambda cells: (wide[cells], cells))
    return ",", 1


def _split(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without blanks and quotation marks around them."""
    if separator == " ":
        # "Time (s)" is one name.
        return re.findall(r"[^\s()\[\]]+(?:\s*[\[(][^\])]*[\])])?", line)
    cells = next(csv.reader([line.strip(" ")], delimiter=separator, skipinitialspace=True))
    return [cell.strip().strip('"').strip() for cell in cells]


def _find_first_row(
    rows: list[list[str]], width: int, *, decimal_comma: bool
) -> tuple[int | None, int] | None:
    """Return the places of the names and of the first row; no names where comments must have them,
    None where there is no row.

    Names stand right before a row, perhaps with one line of units between. Of several such lines
    the one before the longest run of rows counts: a preamble may look like a table too.
    """
    is_row = [_is_row(cells, width, decimal_comma=decimal_comma) for cells in rows]
    runs = find_runs(np.array(is_row, bool)) if rows else []
    if not runs:
        return None
    longest = max(runs, key=lambda run: (run[1] - run[0], run[0]))

    def may_name(place: int) -> bool:
        cells = rows[place]
        fits = abs(len(cells) - width) <= 1 and len(cells) >= min(width, 2)
        return fits and any(cells) and _are_names(cells)

    names = next((place for place in range(longest[0] - 1, -1, -1) if may_name(place)), None)
    if names is not None:
        # A line of units stands between names and rows.
        first = names + 1
        if names > 0 and _is_units_row(rows[names]) and may_name(names - 1):
            names -= 1
        # A logger that was started anew writes its names again: the first ones count.
        same = rows.index(rows[names])
        return same, same + (first - names)
    return (None, runs[0][0]) if runs[0][0] == 0 else None


def _is_row(cells: list[str], width: int, *, decimal_comma: bool) -> bool:
    """Return whether a line is a reading: cells in the usual number, and not words alone."""
    if abs(len(cells) - width) > 1:
        return False
    values = [_is_value(cell, decimal_comma=decimal_comma) for cell in cells]
    return any(values) or not _are_names(cells)


def _is_value(cell: str, *, decimal_comma: bool) -> bool:
    """Return whether a cell is a number, with a unit or without."""
    bare = re.sub(r"\s*(?:°|deg)?\s*[CKF]$", "", cell)
    return bool(np.isfinite(number_from_text(bare, decimal_comma=decimal_comma)))


def _are_names(cells: list[str]) -> bool:
    """Return whether no cell is a number, a date or a time of day."""

    def is_data(cell: str) -> bool:
        if np.isfinite(number_from_text(cell, decimal_comma=True)) or parse_clock(cell):
            return True
        try:
            return bool(re.search(r"\d", cell)) and parse_date(cell) is not None
        except AmbiguousDate:
            return True

    return not any(is_data(cell) for cell in cells)


def _names_from_comments(before: list[str], width: int, separator: str) -> list[str]:
    """Return the names of the last comment before the rows (``# time,T`` or SPEC's ``#L``)."""
    comments = [line.lstrip().lstrip("#").strip() for line in before]
    for comment in reversed(comments):
        cells = re.split(r"\s{2,}", comment[1:].strip()) if comment[:2] == "L " else []
        cells = cells or _split(comment, separator)
        if len(cells) == width:
            return _make_unique(cells)
    return []


def _make_unique(names: list[str]) -> list[str]:
    """Return names of columns, those that occur twice or are empty with their place."""
    counts = Counter(names)
    return [
        name if name and counts[name] == 1 else f"{name or 'column'} {place}".strip()
        for place, name in enumerate(names, 1)
    ]


def _is_units_row(cells: list[str]) -> bool:
    """Return whether the cells of a line are units, or none."""
    stated = [cell.strip("[]() ") for cell in cells if cell.strip("[]() -")]
    dimensions = (Dimension.TEMPERATURE, Dimension.TIME)
    known = [any(find_unit(cell, one) for one in dimensions) for cell in stated]
    return bool(stated) and any(known) and all(len(cell) <= 8 for cell in stated)


def _join_clock(row: list[str]) -> list[str]:
    """Return a row whose date and time of day, parted by a blank, are one cell."""
    for place, cell in enumerate(row[1:], 1):
        if parse_clock(cell) is not None:
            return [*row[: place - 1], f"{row[place - 1]} {cell}", *row[place + 1 :]]
    return row


def _fit_width(row: list[str], width: int) -> list[str]:
    """Return a row with as many cells as there are names, empty ones added or taken off its end."""
    while len(row) > width and not row[-1]:
        row = row[:-1]
    return [*row, *[""] * (width - len(row))]


def _has_decimal_commas(log: Path, body: list[list[str]]) -> bool:
    """Return whether numbers have a decimal comma.

    Raises
    ------
    BadInput
        Some have a point, and others a comma.
    """
    commas = any(DECIMAL_COMMA.fullmatch(cell) for row in body for cell in row)
    points = any(re.fullmatch(r"[-+]?\d+\.\d+", cell) for row in body for cell in row)
    if commas and points:
        problem = "numbers have decimal points and decimal commas"
        raise BadInput(log, problem, "write all of them with a point")
    return commas


def _build_columns(names: list[str], body: list[list[str]], *, decimal_comma: bool) -> pd.DataFrame:
    """Return the cells by column, as numbers where a column has nothing else."""
    import pandas as pd

    made = {}
    for place, name in enumerate(names):
        cells = pd.Series([row[place] for row in body], dtype=object)
        plain = cells.str.replace(",", ".", regex=False) if decimal_comma else cells
        numbers = pd.to_numeric(plain, errors="coerce")
        is_number = numbers.notna() | cells.isin(("", "nan", "NaN", "NAN"))
        made[name] = numbers if is_number.all() and numbers.notna().any() else cells
    return pd.DataFrame(made)


def _read_unit_columns(columns: pd.DataFrame) -> dict[str, str]:
    """Return the units in columns of their own (``T,unit``), by the name of the column before."""
    found = {}
    names = [str(name) for name in columns.columns]
    for before, name in itertools.pairwise(names):
        if not re.fullmatch(r"(?:.*[ _])?units?", name, re.I):
            continue
        values = {str(value) for value in columns[name] if str(value)}
        if len(values) == 1:
            found[before] = values.pop()
        elif values:
            found[before] = " and ".join(sorted(values)[:3])
    return found
