"""The sample sheet: one row per raw measurement."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from ssbchar.runtime.options import suggest_word
from ssbchar.storage.raw_files import expand_path

LINK_COLUMNS = ("compare_to", "reference", "calibrant")
"""Columns that name another measurement."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One raw measurement, as the sheet gives it; paths may hold ``$NAME`` or
    ``${NAME:-default}``."""

    measurement: str
    """Unique name; letters, digits, ``-``, ``_``, ``.`` and ``+``."""
    sample: str
    """What was measured; measurements of one sample are joined in the report."""
    technique: str
    """``hexrd``, ``xas`` or ``nmr``."""
    role: str
    """What the measurement is for; each technique lists its roles."""
    path: str
    """The raw file, folder or glob, relative to where the workflow runs."""
    log: str = ""
    """HEXRD: the furnace log."""
    phases: str = ""
    """HEXRD: candidate phases, named as in the phases file, with commas. XAS: the phase whose FEFF
    paths are fitted to the first shells (roles pristine and cycled)."""
    calibrant: str = ""
    """HEXRD: the measurement of the calibrant that belongs to these images."""
    compare_to: str = ""
    """XAS: the pristine measurement to compare with; NMR: the earlier one."""
    reference: str = ""
    """XAS: foil or reference measurements (with commas); NMR: the pure-Li measurement."""
    options: dict[str, Any] = field(default_factory=dict)
    """Columns named ``stage.option``: departures from the config for this row alone."""
    line: int = 0
    """Line in the sheet, for messages."""


PLAIN_COLUMNS = tuple(f.name for f in fields(Row) if f.name not in ("options", "line"))
REQUIRED_COLUMNS = PLAIN_COLUMNS[:5]
"""Columns that every row fills."""
Roles = Mapping[str, Mapping[str, str]]
"""The roles of each technique, with their meanings."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The lines of a sample sheet, split into cells."""

    path: Path
    header: Sequence[str]
    header_line: int
    """Line of the header, from 1."""
    lines: Sequence[tuple[int, Sequence[str]]]
    """Line number and cells of each row."""


def split_names(cell: str) -> list[str]:
    """Return the names in a cell, which are separated by commas."""
    return [name.strip() for name in cell.split(",") if name.strip()]


def read_sheet(path: Path | str, roles: Roles) -> tuple[list[Row], list[str]]:
    """Return the rows of a tab-separated sample sheet, and its faults, one line each.

    Parameters
    ----------
    path : path
        The sheet; lines that start with ``#`` are comments.
    roles : mapping
        The roles of each technique.
    """
    path = Path(path)
    if not path.is_file():
        return [], [f"{path}: the sample sheet does not exist; set 'samples' in the config"]
    sheet = _split_cells(path)
    if sheet is None:
        return [], [f"{path}: the sample sheet is empty; give one row per measurement"]
    faults = _check_header(sheet)
    if faults:
        return [], faults
    rows = []
    for line, cells in sheet.lines:
        if len(cells) > len(sheet.header):
            faults.append(
                f"{path}:{line}: {len(cells)} cells for {len(sheet.header)} columns; "
                "columns are separated by one tab"
            )
            continue
        given = dict(zip(sheet.header, (cell.strip() for cell in cells), strict=False))
        faults += [
            f"{path}:{line}: '{name}' is empty; fill it"
            for name in REQUIRED_COLUMNS
            if not given.get(name)
        ]
        rows.append(_make_row(given, line))
    for row in rows:
        faults += _check_row(row, rows, path, roles)
    return rows, faults


def _split_cells(path: Path) -> Sheet | None:
    """Return the cells of a sheet; None if it has no line but comments."""
    texts = path.read_text(encoding="utf-8-sig").splitlines()
    numbered = [
        (number, text)
        for number, text in enumerate(texts, 1)
        if text.strip() and not text.startswith("#")
    ]
    if not numbered:
        return None
    header_line, header = numbered[0]
    cells = csv.reader((text for _, text in numbered[1:]), delimiter="\t")
    numbers = [number for number, _ in numbered[1:]]
    return Sheet(
        path=path,
        header=[name.strip() for name in header.split("\t")],
        header_line=header_line,
        lines=list(zip(numbers, cells, strict=True)),
    )


def _check_header(sheet: Sheet) -> list[str]:
    place, header = f"{sheet.path}:{sheet.header_line}", sheet.header
    unknown = [name for name in header if name not in PLAIN_COLUMNS and "." not in name]
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    twice = {name for name in header if header.count(name) > 1}
    return [
        *(f"{place}: column '{name}' is unknown; {_suggest_column(name)}" for name in unknown),
        *(f"{place}: column '{name}' is missing; add it" for name in missing),
        *(f"{place}: column '{name}' stands twice; keep one" for name in twice),
    ]


def _suggest_column(name: str) -> str:
    return suggest_word(name, [*PLAIN_COLUMNS, "stage.option"])


def _make_row(given: Mapping[str, str], line: int) -> Row:
    options: dict[str, Any] = {}
    for name, text in given.items():
        if "." in name and text:
            stage, option = name.split(".", 1)
            options.setdefault(stage, {})[option] = yaml.safe_load(text)
    plain = {name: given.get(name, "") for name in PLAIN_COLUMNS}
    plain["path"], plain["log"] = expand_path(plain["path"]), expand_path(plain["log"])
    return Row(**plain, options=options, line=line)


def _check_row(row: Row, rows: Sequence[Row], path: Path, roles: Roles) -> list[str]:
    faults = [
        *_check_name(row, rows),
        *_check_role(row, roles),
        *_check_paths(row),
        *_check_links(row, rows),
    ]
    return [f"{path}:{row.line}: {fault}" for fault in faults]


def _check_name(row: Row, rows: Sequence[Row]) -> Iterator[str]:
    name = row.measurement
    if not re.fullmatch(r"[\w.+-]+", name):
        yield f"measurement '{name}' is no file name; use letters, digits and - _ . +"
    first = next(other for other in rows if other.measurement == name)
    if first is not row:
        yield f"measurement '{name}' stands already in line {first.line}; rename one"


def _check_role(row: Row, roles: Roles) -> Iterator[str]:
    if row.technique not in roles:
        yield f"technique '{row.technique}' is unknown; use {', '.join(roles)}"
    elif row.role not in roles[row.technique]:
        known = ", ".join(roles[row.technique])
        yield f"role '{row.role}' is not known for {row.technique}; use {known}"


def _check_paths(row: Row) -> Iterator[str]:
    for column, given in (("path", row.path), ("log", row.log)):
        is_glob = any(character in given for character in "*?[")
        if given and not is_glob and not Path(given).exists():
            here = Path.cwd().name
            yield f"{column} '{given}' does not exist; check it (relative to {here}/)"


def _check_links(row: Row, rows: Sequence[Row]) -> Iterator[str]:
    names = {other.measurement for other in rows}
    for column in LINK_COLUMNS:
        for name in split_names(getattr(row, column)):
            if name not in names:
                yield (
                    f"{column} '{name}' is no measurement of this sheet; add its row or correct it"
                )
            elif name == row.measurement:
                yield f"{column} names the row itself; name another measurement"
