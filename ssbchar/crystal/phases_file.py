"""The phases file: name, CIF or cell, source and expansion of each candidate phase (YAML)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.storage.strict_yaml import load_yaml


def read_entries(table: Path | str) -> dict[str, Any]:
    """Return the entries of a phases file by the names of the phases, which are text.

    Parameters
    ----------
    table : path
        The file.

    Raises
    ------
    BadInput
        The file is no YAML, or a key is given twice.
    """
    entries = load_yaml(table)
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        raise BadInput(table, "holds no phases", "write 'name:' lines with keys under each")
    return dict(entries)


def find_cif(table: Path | str, entry: Any) -> Path | None:
    """Return the path of a phase's CIF; None for a phase that names none.

    Parameters
    ----------
    table : path
        The phases file, which ``cif:`` is relative to.
    entry : mapping
        The phase's entry; whatever else stands there names none.
    """
    return _find_path(table, entry, "cif")


def find_feff_folder(table: Path | str, entry: Any) -> Path | None:
    """Return the folder of a phase's own FEFF paths (``feff:``); None for a phase that names none.

    Parameters
    ----------
    table, entry
        As for `find_cif`.
    """
    return _find_path(table, entry, "feff")


def _find_path(table: Path | str, entry: Any, key: str) -> Path | None:
    given = entry.get(key) if isinstance(entry, Mapping) else None
    return Path(table).parent / str(given) if given else None
