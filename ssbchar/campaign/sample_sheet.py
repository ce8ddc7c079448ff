"""The sample sheet: one row per raw measurement."""

from __future__ import annotations

import csv
import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

LINK_COLUMNS = ("compare_to", "reference", "calibrant")
"""Columns that name another measurement."""


@dataclass(frozen=True)
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


def expand_path(path: str) -> str:
    """Return a path with ``$NAME`` and ``${NAME:-default}`` replaced from the environment."""
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: os.environ.get(m[1]) or m[2], path)
    return os.path.expandvars(filled)


def read_sheet(
    path: Path | str, roles: Mapping[str, Mapping[str, str]]
) -> tuple[list[Row], list[str]]:
    """Return the rows of a tab-separated sample sheet, and its faults, one line each.

    Parameters
    ----------
    path : path
        The sheet; lines that start with ``#`` are comments.
    roles : mapping
        Technique to its roles.
    """
    path = Path(path)
    if not path.is_file():
        return [], [f"{path}: the sample sheet does not exist; set 'samples' in the config"]
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    numbered = [
        (n, text) for n, text in enumerate(lines, 1) if text.strip() and not text.startswith("#")
    ]
    if not numbered:
        return [], [f"{path}: the sample sheet is empty; give one row per measurement"]
    header = [h.strip() for h in numbered[0][1].split("\t")]
    faults = [
        f"{path}:{numbered[0][0]}: column '{h}' is unknown; {_hint(h)}"
        for h in header
        if h not in PLAIN_COLUMNS and "." not in h
    ]
    faults += [
        f"{path}:{numbered[0][0]}: column '{h}' is missing; add it"
        for h in PLAIN_COLUMNS[:5]
        if h not in header
    ]
    faults += [
        f"{path}:{numbered[0][0]}: column '{h}' stands twice; keep one"
        for h in {h for h in header if header.count(h) > 1}
    ]
    if faults:
        return [], faults
    rows = []
    for number, cells in zip(
        (n for n, _ in numbered[1:]),
        csv.reader((t for _, t in numbered[1:]), delimiter="\t"),
        strict=True,
    ):
        place = f"{path}:{number}"
        if len(cells) > len(header):
            faults.append(
                f"{place}: {len(cells)} cells for {len(header)} columns; columns are separated by one tab"
            )
            continue
        given = dict(zip(header, (c.strip() for c in cells), strict=False))
        faults += [
            f"{place}: '{name}' is empty; fill it"
            for name in PLAIN_COLUMNS[:5]
            if not given.get(name)
        ]
        options: dict[str, Any] = {}
        for name, text in given.items():
            if "." in name and text:
                stage, option = name.split(".", 1)
                options.setdefault(stage, {})[option] = yaml.safe_load(text)
        plain = {name: given.get(name, "") for name in PLAIN_COLUMNS}
        plain["path"], plain["log"] = expand_path(plain["path"]), expand_path(plain["log"])
        rows.append(Row(**plain, options=options, line=number))
    return rows, faults + [fault for row in rows for fault in _row_faults(row, rows, path, roles)]


def _row_faults(
    row: Row, rows: list[Row], path: Path, roles: Mapping[str, Mapping[str, str]]
) -> list[str]:
    place = f"{path}:{row.line}"
    faults = []
    if not re.fullmatch(r"[\w.+-]+", row.measurement):
        faults.append(
            f"{place}: measurement '{row.measurement}' is no file name; use letters, digits and - _ . +"
        )
    first = next(r for r in rows if r.measurement == row.measurement)
    if first is not row:
        faults.append(
            f"{place}: measurement '{row.measurement}' stands already in line {first.line}; rename one"
        )
    if row.technique not in roles:
        faults.append(f"{place}: technique '{row.technique}' is unknown; use {', '.join(roles)}")
    elif row.role not in roles[row.technique]:
        known = ", ".join(roles[row.technique])
        faults.append(f"{place}: role '{row.role}' is not known for {row.technique}; use {known}")
    for column in ("path", "log"):
        value = getattr(row, column)
        if value and not (Path(value).exists() or any(c in value for c in "*?[")):
            faults.append(
                f"{place}: {column} '{value}' does not exist; check it (relative to {Path.cwd().name}/)"
            )
    names = {r.measurement for r in rows}
    for column in LINK_COLUMNS:
        for name in filter(None, (n.strip() for n in getattr(row, column).split(","))):
            if name not in names:
                faults.append(
                    f"{place}: {column} '{name}' is no measurement of this sheet; add its row or correct it"
                )
            elif name == row.measurement:
                faults.append(f"{place}: {column} names the row itself; name another measurement")
    return faults


def _hint(column: str) -> str:
    close = difflib.get_close_matches(column, PLAIN_COLUMNS, n=1)
    return (
        f"did you mean '{close[0]}'?"
        if close
        else f"known are {', '.join(PLAIN_COLUMNS)} and 'stage.option'"
    )
