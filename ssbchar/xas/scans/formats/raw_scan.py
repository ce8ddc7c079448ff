"""One scan as its file gives it, before any column has a meaning."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssbchar.typing import Array

PER_SCAN = "per scan "
"""Before the name of a header field that holds what a stack has once for each scan."""


@dataclass(frozen=True, kw_only=True)
class RawScan:
    """One scan as its file gives it."""

    where: str
    """File, and group within it."""
    columns: dict[str, Array]
    """Columns by the file's own names, in its order; of HDF5 also arrays of two dimensions."""
    header: dict[str, str] = field(default_factory=dict)
    """Header fields, keys in lower case."""
    text: str = ""
    """Everything the header says."""
    remarks: tuple[str, ...] = ()
    """What was noticed while reading."""
    fault: str = ""
    """Why it cannot be used; empty where it can."""
