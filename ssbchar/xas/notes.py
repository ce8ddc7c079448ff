"""What was noticed on data that is used all the same: remarks, and doubts a reader must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Note = dict[str, str]


def make_remark(where: str, text: str) -> Note:
    """Return a note on what was done to a scan: points averaged, glitches masked."""
    return {"where": where, "note": text, "level": "remark"}


def make_doubt(where: str, text: str) -> Note:
    """Return a note on what may make a scan's numbers wrong: too thick, saturated."""
    return {"where": where, "note": text, "level": "doubt"}


def read_notes(attrs: Mapping[Any, Any]) -> list[Note]:
    """Return the notes a Dataset carries."""
    return list(json.loads(str(attrs.get("notes", "[]"))))


def read_notes_of_other(attrs: Mapping[Any, Any]) -> list[Note]:
    """Return the notes of a measurement another one is held against, its name beside each
    scan's."""
    name = str(attrs.get("measurement", ""))
    return [
        n if n["where"] == name else {**n, "where": f"{n['where']} ({name})"}
        for n in read_notes(attrs)
    ]


def join_notes(notes: list[Note]) -> str:
    """Return notes as one line, doubts first, each text once with the scans it holds for."""
    places: dict[tuple[str, str], list[str]] = {}
    for note in sorted(notes, key=lambda n: n["level"] != "doubt"):
        places.setdefault((note["level"], note["note"]), []).append(
            note["where"].rpartition("/")[2]
        )
    return "; ".join(f"{where[0]}{_more(where)}: {said}" for (_, said), where in places.items())


def _more(where: list[str]) -> str:
    return f" and {len(where) - 1} more" if len(where) > 1 else ""
