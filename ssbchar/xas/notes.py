"""What a reader must know of the scans: remarks and doubts on those in use, and why others are left
out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypedDict


class Level(StrEnum):
    """How much a note matters."""

    REMARK = "remark"
    """Something was done to the scan: points averaged, glitches masked."""
    DOUBT = "doubt"
    """Something may make the scan's numbers wrong: it is too thick, or saturated."""


class Note(TypedDict):
    """A note on a scan that is used all the same."""

    where: str
    note: str
    level: str


class Exclusion(TypedDict):
    """Why a scan is left out, and what to do about it."""

    where: str
    problem: str
    remedy: str


def make_remark(where: str, text: str) -> Note:
    """Return a note on what was done to a scan.

    Parameters
    ----------
    where : str
        The scan.
    text : str
        What was done.
    """
    return {"where": where, "note": text, "level": str(Level.REMARK)}


def make_doubt(where: str, text: str) -> Note:
    """Return a note on what may make a scan's numbers wrong.

    Parameters
    ----------
    where : str
        The scan, or the measurement.
    text : str
        What is doubtful.
    """
    return {"where": where, "note": text, "level": str(Level.DOUBT)}


def is_doubt(note: Note) -> bool:
    """Return whether a note says that numbers may be wrong."""
    return note["level"] == Level.DOUBT


def read_notes(attrs: Mapping[Any, Any]) -> list[Note]:
    """Return the notes that a Dataset carries in its attribute ``notes``."""
    return list(json.loads(str(attrs.get("notes", "[]"))))


def read_notes_of_other(attrs: Mapping[Any, Any]) -> list[Note]:
    """Return the notes of a measurement that another one is compared with, its name beside each
    scan's."""
    name = str(attrs.get("measurement", ""))
    return [_add_measurement(note, name) for note in read_notes(attrs)]


def _add_measurement(note: Note, name: str) -> Note:
    if note["where"] == name:
        return note
    return {**note, "where": f"{note['where']} ({name})"}


def join_notes(notes: Iterable[Note]) -> str:
    """Return notes as one line: doubts first, each text once with the scans that it holds for."""
    places: dict[tuple[str, str], list[str]] = {}
    for note in sorted(notes, key=lambda one: not is_doubt(one)):
        file_name = note["where"].rpartition("/")[2]
        places.setdefault((note["level"], note["note"]), []).append(file_name)
    return "; ".join(
        f"{where[0]}{_count_more(where)}: {text}" for (_, text), where in places.items()
    )


def _count_more(where: list[str]) -> str:
    return f" and {len(where) - 1} more" if len(where) > 1 else ""


def make_exclusion(where: str, problem: str, remedy: str) -> Exclusion:
    """Return why a scan is left out.

    Parameters
    ----------
    where : str
        The scan.
    problem, remedy : str
        What is wrong with it, and what to do.
    """
    return {"where": where, "problem": problem, "remedy": remedy}


def read_exclusions(attrs: Mapping[Any, Any]) -> list[Exclusion]:
    """Return what a Dataset says of scans that were left out, in its attribute ``set_aside``."""
    return list(json.loads(str(attrs.get("set_aside", "[]"))))
