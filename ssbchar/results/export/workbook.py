"""A workbook of a run: its conclusions, and the table of each measurement."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ssbchar.conclusion import COLUMNS, Conclusion, convert_to_rows
from ssbchar.results.export.run_tables import ExportTable
from ssbchar.storage.spreadsheet import escape_cell

LONGEST_TITLE = 31
"""Characters of a sheet's name that a workbook takes."""
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")


def write_workbook(rows: Sequence[Conclusion], tables: Sequence[ExportTable]) -> bytes:
    """Return a workbook (.xlsx): the sheet ``summary`` and one per table.

    Parameters
    ----------
    rows : sequence of Conclusion
        Of ``summary.csv``.
    tables : sequence of ExportTable
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    summary = book.create_sheet("summary")
    summary.append(list(COLUMNS))
    for row in convert_to_rows(rows):
        summary.append([_show(row[name]) for name in COLUMNS])
    taken = {"summary"}
    for table in tables:
        sheet = book.create_sheet(_name_sheet(table.name, taken))
        for part in ("name", "unit", "remark"):
            sheet.append([_show(getattr(column, part)) for column in table.columns])
        for values in zip(*(column.values for column in table.columns), strict=True):
            sheet.append([_show(float(value)) for value in values])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _show(value: Any) -> Any:
    """Return what a cell holds: a number, text that no spreadsheet runs, or nothing."""
    if isinstance(value, str):
        return escape_cell(value)
    return value if value is not None and np.isfinite(value) else None


def _name_sheet(name: str, taken: set[str]) -> str:
    plain = FORBIDDEN.sub("_", name)[:LONGEST_TITLE] or "table"
    title, number = plain, 2
    while title.lower() in taken:
        end = f" {number}"
        title, number = plain[: LONGEST_TITLE - len(end)] + end, number + 1
    taken.add(title.lower())
    return title
