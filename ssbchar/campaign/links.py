"""Columns of the sample sheet that only some rows use, and those that name other rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ssbchar.campaign.row import LINK_COLUMNS, OPTIONAL_COLUMNS, Row, split_names
from ssbchar.runtime.options import suggest_word
from ssbchar.technique import Technique

Columns = Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
"""By technique and role: the columns it uses, with the roles that a link may name."""
SINGLE_COLUMNS = ("compare_to", "calibrant")
"""Columns that name one measurement."""


def check_links(row: Row, rows: Mapping[str, Row], columns: Columns) -> Iterator[str]:
    """Yield what is wrong with the columns of a row that only some rows use.

    Parameters
    ----------
    row : Row
        The row.
    rows : mapping
        All rows of the sheet by their measurement.
    columns : mapping
        What each technique and role uses; a technique that is left out may use all.

    Yields
    ------
    str
        Problem and remedy, one line each.
    """
    used = columns.get(row.technique, {}).get(row.role)
    for column in OPTIONAL_COLUMNS:
        cell = getattr(row, column)
        if cell and used is not None and column not in used:
            yield _describe_unused(row, column, columns)
        elif cell and column in LINK_COLUMNS:
            yield from _check_link(row, column, rows, (used or {}).get(column, ()))
    if used is not None:
        yield from _check_needs(row, rows)


def _describe_unused(row: Row, column: str, columns: Columns) -> str:
    users = [
        f"{technique} {role}"
        for technique, roles in columns.items()
        for role, used in roles.items()
        if column in used
    ]
    return (
        f"{column} is not used by {row.technique} rows of role {row.role} "
        f"(given: '{getattr(row, column)}'); leave it empty (used by {', '.join(users)})"
    )


def _check_link(
    row: Row, column: str, rows: Mapping[str, Row], allowed: Sequence[str]
) -> Iterator[str]:
    names = split_names(getattr(row, column))
    if column in SINGLE_COLUMNS and allowed and len(names) > 1:
        yield f"{column} names {len(names)} measurements ({', '.join(names)}); name one"
    for name in names:
        other = rows.get(name)
        if other is None:
            near = suggest_word(name, list(rows)).partition("known are")[0].strip()
            hint = f" ({near})" if near else ""
            yield (
                f"{column} '{name}' is no measurement of this sheet{hint}; "
                "add its row or correct it"
            )
        elif name == row.measurement:
            yield f"{column} names the row itself; name another measurement"
        elif allowed and other.technique != row.technique:
            yield (
                f"{column} '{name}' is an {other.technique} measurement (line {other.line}), "
                f"this row is {row.technique}; name one of the same technique"
            )
        elif allowed and other.role not in allowed:
            yield (
                f"{column} '{name}' (line {other.line}) has the role {other.role}; "
                f"name one of role {' or '.join(allowed)}"
            )


def _check_needs(row: Row, rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield what a row lacks, or names where another column decides."""
    if row.technique == Technique.HEXRD and row.role == "images" and not row.calibrant:
        yield "calibrant is empty; name the row of the calibrant's image, which these images need"
    if row.technique == Technique.XAS and len(split_names(row.phases)) > 1:
        yield f"phases '{row.phases}' of an absorption measurement; name the one to fit"
    earlier = rows.get(row.compare_to)
    is_repeat = row.role == "repeat" and earlier is not None and earlier.technique == Technique.NMR
    if is_repeat and earlier is not None and earlier.sample != row.sample:
        yield (
            f"compare_to '{row.compare_to}' (line {earlier.line}) is of sample '{earlier.sample}', "
            f"this row of '{row.sample}'; a repeat is of the same sample"
        )


def drop_links(row: Row, rows: Mapping[str, Row], columns: Columns) -> Row:
    """Return a row that is set aside without the links that cannot be followed."""
    used = columns.get(row.technique, {}).get(row.role, {})
    kept: dict[str, Any] = {}
    for column in LINK_COLUMNS:
        names = split_names(getattr(row, column))
        good = [
            name
            for name in names
            if name in rows
            and name != row.measurement
            and rows[name].technique == row.technique
            and rows[name].role in used.get(column, ())
        ]
        kept[column] = ",".join(good[:1] if column in SINGLE_COLUMNS else good)
    phases = row.phases if "phases" in used else ""
    return replace(row, phases=phases, **kept)
