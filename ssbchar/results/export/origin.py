"""Tables with three lines of heading, as Origin reads them: long names, units, comments."""

from __future__ import annotations

import csv
import io

import numpy as np

from ssbchar.results.export.run_tables import ExportTable
from ssbchar.storage.spreadsheet import escape_cell


def write_table(table: ExportTable) -> str:
    """Return a table as CSV; empty cells where there is no number.

    Parameters
    ----------
    table : ExportTable
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([escape_cell(column.name) for column in table.columns])
    writer.writerow([escape_cell(column.unit) for column in table.columns])
    writer.writerow([escape_cell(column.remark) for column in table.columns])
    for row in zip(*(column.values for column in table.columns), strict=True):
        writer.writerow([f"{value:.9g}" if np.isfinite(value) else "" for value in row])
    return out.getvalue()
