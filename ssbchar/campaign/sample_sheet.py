"""The sample sheet: one row per raw measurement."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssbchar.campaign import option_cells
from ssbchar.campaign.links import Columns, check_links, drop_links
from ssbchar.campaign.names import describe_bad_file_name, describe_bad_name, shorten
from ssbchar.campaign.row import LINK_COLUMNS, PLAIN_COLUMNS, REQUIRED_COLUMNS, Row, split_names
from ssbchar.errors import BadInput
from ssbchar.runtime.options import suggest_word
from ssbchar.storage.raw_files import expand_path, holds_files
from ssbchar.storage.sheet_file import SEPARATORS, SheetFile, read_sheet_file

__all__ = [
    "LINK_COLUMNS",
    "PLAIN_COLUMNS",
    "REQUIRED_COLUMNS",
    "Row",
    "SampleSheet",
    "read_sheet",
    "split_names",
]
LONGEST_PATH = 4096
"""Longest path that file systems take."""
Roles = Mapping[str, Mapping[str, str]]
"""The roles of each technique, with their meanings."""


@dataclass(frozen=True, kw_only=True)
class SampleSheet:
    """What a sample sheet says, and what is wrong with it."""

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Faults for which nothing can be run, one line each."""
    row_faults: dict[str, list[BadInput]] = field(default_factory=dict)
    """By measurement, faults of its row alone: a run sets it aside and goes on."""
    notes: list[str] = field(default_factory=list)
    """What was assumed about the file."""

    @property
    def all_faults(self) -> list[str]:
        """Every fault, one line each."""
        return [*self.faults, *(str(f) for found in self.row_faults.values() for f in found)]


def read_sheet(
    path: Path | str,
    roles: Roles,
    columns: Columns | None = None,
    kinds: Mapping[str, type] | None = None,
    *,
    look: bool = False,
) -> SampleSheet:
    """Return the rows of a sample sheet with its faults.

    Parameters
    ----------
    path : path
        The sheet: text with tabs, commas or semicolons between cells, or ``.xlsx``; lines that
        start with ``#`` are comments.
    roles : mapping
        The roles of each technique.
    columns : mapping, optional
        The columns that each technique and role uses; by default all are.
    kinds : mapping, optional
        The option dataclass of each technique, by which cells of ``stage.option`` are read.
    look : bool
        Look into folders and globs for files.
    """
    path = Path(path)
    if not os.path.exists(path):  # False, too, for a name that no file system can hold
        return _refuse(f"{path}: the sample sheet does not exist; set 'samples' in the config")
    try:
        sheet = read_sheet_file(path, PLAIN_COLUMNS)
    except BadInput as fault:
        return _refuse(str(fault))
    if sheet is None:
        return _refuse(f"{path}: the sample sheet is empty; give one row per measurement")
    faults = _check_header(sheet)
    if faults:
        return SampleSheet(faults=faults, notes=_place_notes(sheet))
    rows, faults = _read_rows(sheet, kinds or {})
    by_name = {row.measurement: row for row in reversed(rows)}  # of two alike the first
    for row in rows:
        faults += [f"{path}:{row.line}: {fault}" for fault in _check_row(row, by_name, roles)]
    row_faults = {}
    for row in rows:
        found = [*_check_paths(row, look=look), *check_links(row, by_name, columns or {})]
        if found:
            row_faults[row.measurement] = [_make_fault(path, row, fault) for fault in found]
    rows = [
        drop_links(row, by_name, columns) if columns and row.measurement in row_faults else row
        for row in rows
    ]
    return SampleSheet(rows=rows, faults=faults, row_faults=row_faults, notes=_place_notes(sheet))


def _refuse(fault: str) -> SampleSheet:
    return SampleSheet(faults=[fault])


def _place_notes(sheet: SheetFile) -> list[str]:
    return [f"{sheet.path}: {note}" for note in sheet.notes]


def _make_fault(path: Path, row: Row, fault: str) -> BadInput:
    problem, _, remedy = fault.rpartition("; ")
    return BadInput(f"{path}:{row.line}", problem, remedy)


def _read_rows(sheet: SheetFile, kinds: Mapping[str, type]) -> tuple[list[Row], list[str]]:
    """Return the rows that have as many cells as there are columns, and the faults of cells."""
    rows, faults = [], []
    for line, cells in sheet.lines:
        place = f"{sheet.path}:{line}"
        if fault := _check_length(sheet, cells):
            faults.append(f"{place}: {fault}")
            continue
        given = dict(zip(sheet.header, cells, strict=False))
        faults += [f"{place}: {fault}" for fault in _find_hidden_characters(given)]
        faults += [
            f"{place}: '{name}' is empty; fill it"
            for name in REQUIRED_COLUMNS
            if not given.get(name)
        ]
        if given.get(""):
            faults.append(f"{place}: '{given['']}' stands in a column without a name; name it")
        kind = kinds.get(given.get("technique", ""))
        options, wrong = _read_options(given, kind, sheet.separator == ";")
        faults += [f"{place}.{fault}" for fault in wrong]
        plain = {name: given.get(name, "") for name in PLAIN_COLUMNS}
        plain["path"], plain["log"] = expand_path(plain["path"]), expand_path(plain["log"])
        rows.append(Row(**plain, options=options, line=line))
    return rows, faults


def _find_hidden_characters(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each cell with a character that nobody sees."""
    for column, text in given.items():
        hidden = next((c for c in text if not c.isprintable()), None)
        if hidden is not None:
            yield f"'{column}' holds the hidden character U+{ord(hidden):04X}; type the cell again"


def _check_length(sheet: SheetFile, cells: Sequence[str]) -> str:
    """Return what is wrong with the number of cells in a line; empty if nothing is."""
    given, wanted = len(cells), len(sheet.header)
    if sheet.separator == "\t":
        # Editors cut the tabs at the end of a line.
        too_many = f"{given} cells for {wanted} columns; columns are separated by one tab"
        return too_many if given > wanted else ""
    if given == wanted:
        return ""
    mark = SEPARATORS.get(sheet.separator, "cells")
    return f"{given} cells for {wanted} columns; quote a cell that holds {mark}, and fill the line"


def _check_header(sheet: SheetFile) -> list[str]:
    place, header = f"{sheet.path}:{sheet.header_line}", sheet.header
    unknown = [n for n in header if n and n not in PLAIN_COLUMNS and "." not in n]
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    twice = dict.fromkeys(name for name in header if name and header.count(name) > 1)
    if len(missing) == len(REQUIRED_COLUMNS):
        return [
            f"{place}: no column of a sample sheet is found in '{' '.join(header)[:60]}'; separate "
            f"{', '.join(REQUIRED_COLUMNS)} by tabs, commas or semicolons"
        ]
    return [
        *(f"{place}: column '{name}' is unknown; {_suggest_column(name)}" for name in unknown),
        *(f"{place}: column '{name}' is missing; add it" for name in missing),
        *(f"{place}: column '{name}' stands twice; keep one" for name in twice),
    ]


def _suggest_column(name: str) -> str:
    return suggest_word(name, [*PLAIN_COLUMNS, "stage.option"])


def _read_options(
    given: Mapping[str, str], kind: type | None, decimal_comma: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the options that a row sets, by section, and the cells that hold no value of their
    option."""
    options: dict[str, Any] = {}
    faults = []
    for column, text in given.items():
        if "." not in column or not text:
            continue
        names = column.split(".")
        try:
            hint = option_cells.find_type(kind, tuple(names))
            value = option_cells.parse_cell(text, hint, decimal_comma)
        except ValueError as fault:
            faults.append(f"{column}: {fault}")
            continue
        except BadInput:  # of an option that no room knows: refused by its name later
            value = text
        if not _put(options, names, value):
            faults.append(f"{column}: another column sets an option around it; keep one")
    return options, faults


def _put(options: dict[str, Any], names: Sequence[str], value: Any) -> bool:
    """Put a value under the keys that lead to it; return whether nothing stands in its way."""
    section: Any = options
    for name in names[:-1]:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            return False
    if names[-1] in section:
        return False
    section[names[-1]] = value
    return True


def _check_row(row: Row, by_name: Mapping[str, Row], roles: Roles) -> Iterator[str]:
    yield from _check_name(row, by_name)
    yield from _check_role(row, roles)


def _check_name(row: Row, by_name: Mapping[str, Row]) -> Iterator[str]:
    name = row.measurement
    if name and (fault := describe_bad_file_name(name)):
        yield f"measurement {shorten(name)} {fault}"
    if row.sample and (fault := describe_bad_name(row.sample)):
        yield f"sample {shorten(row.sample)} {fault}"
    first = by_name[name]
    if name and first is not row:
        yield f"measurement '{name}' stands already in line {first.line}; rename one"


def _check_role(row: Row, roles: Roles) -> Iterator[str]:
    if row.technique not in roles:
        if row.technique:
            yield f"technique '{row.technique}' is unknown; use {', '.join(roles)}"
    elif row.role and row.role not in roles[row.technique]:
        known = ", ".join(roles[row.technique])
        yield f"role '{row.role}' is not known for {row.technique}; use {known}"


def _check_paths(row: Row, *, look: bool) -> Iterator[str]:
    """Yield what is wrong with the paths of a row; `look` into folders and globs for files."""
    here = f"check it (relative to {Path.cwd().name}/)"
    for column, given in (("path", row.path), ("log", row.log)):
        if "\0" in given or len(given) > LONGEST_PATH:
            yield f"{column} '{given[:60]}...' is no path: {len(given)} characters; correct it"
            continue
        if not given or os.path.isfile(given):
            continue
        is_glob = any(character in given for character in "*?[") and not os.path.exists(given)
        if not is_glob and not os.path.exists(given):
            yield f"{column} '{given}' does not exist; {here}"
        elif look and column == "log":
            yield f"log '{given}' is no file; name one"
        elif look and not holds_files(given):
            kind = "glob" if is_glob else "folder"
            yield f"{column} '{given}' is a {kind} without files; {here}"
