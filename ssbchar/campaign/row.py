"""A row of the sample sheet: one raw measurement."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

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
    """HEXRD: the measurement of the calibrant that belongs to these images (of the roles pristine
    and cycled it says that there are images)."""
    compare_to: str = ""
    """HEXRD and XAS: the pristine measurement to compare with; NMR: the earlier one."""
    reference: str = ""
    """XAS: foil or reference measurements (with commas); NMR: the pure-Li measurement."""
    options: dict[str, Any] = field(default_factory=dict)
    """Columns named ``stage.option``: departures from the config for this row alone."""
    line: int = 0
    """Line in the sheet, for messages."""


PLAIN_COLUMNS = tuple(f.name for f in fields(Row) if f.name not in ("options", "line"))
REQUIRED_COLUMNS = PLAIN_COLUMNS[:5]
"""Columns that every row fills."""
OPTIONAL_COLUMNS = PLAIN_COLUMNS[5:]
"""Columns that some rows fill."""


def split_names(cell: str) -> list[str]:
    """Return the names in a cell, which are separated by commas."""
    return [name.strip() for name in cell.split(",") if name.strip()]
