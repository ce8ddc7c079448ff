"""Cells of tables that a spreadsheet opens: text that it would run as a formula is marked with an
apostrophe, which is taken off where a table is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MARK = "'"
"""Put before a cell; spreadsheets take what follows as text."""
FORMULA = re.compile(r"[\s']*[=+\-@＝＋－＠]|'*[\t\r\n]")
"""Begin of a cell that may be run (the list of OWASP's *CSV injection*), marked already or not."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""A number runs nothing."""


def escape_cell(text: str) -> str:
    """Return a cell's text so that no spreadsheet runs it; a number as it is."""
    if FORMULA.match(text) and not NUMBER.fullmatch(text):
        return MARK + text
    return text


def unescape_cell(text: str) -> str:
    """Return what `escape_cell` was given."""
    if text.startswith(MARK) and FORMULA.match(text) and not NUMBER.fullmatch(text[1:]):
        return text[1:]
    return text


def escape_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its names of columns and cells of text escaped."""
    return _change_table(table, escape_cell)


def unescape_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return what `escape_table` was given."""
    return _change_table(table, unescape_cell)


def _change_table(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    def change_text(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    changed = table.rename(columns=change_text)
    for place, kind in enumerate(table.dtypes):
        if kind.kind not in "biufcmM":
            changed.isetitem(place, table.iloc[:, place].map(change_text).to_numpy())
    return changed
