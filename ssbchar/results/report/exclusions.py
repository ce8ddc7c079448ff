"""What was excluded and why: whole measurements and single frames, scans or slices, each once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssbchar.storage import store
from ssbchar.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """What was excluded for one reason."""

    where: tuple[str, ...]
    """Files (and lines, frames or scans)."""
    problem: str
    """What is wrong with it."""
    remedy: str
    """What to do."""
    lost: tuple[str, ...] = ()
    """Measurements that have no result because of it."""
    partial: tuple[str, ...] = ()
    """Measurements whose results do without it."""


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """One fault of one file."""

    where: str
    problem: str
    remedy: str


@dataclass(kw_only=True)
class _Effect:
    """What a fault cost."""

    lost: set[str] = field(default_factory=set)
    used: dict[str, None] = field(default_factory=dict)
    """Measurements with the fault, in order."""

    def split(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the measurements that are lost, and those that do without it."""
        lost = tuple(name for name in self.used if name in self.lost)
        partial = tuple(name for name in self.used if name not in self.lost)
        return lost, partial


def collect_exclusions(labels: Iterable[Mapping[str, Any]]) -> list[Exclusion]:
    """Return what was excluded, each fault once, those first that cost a whole measurement.

    Parameters
    ----------
    labels : iterable of mapping
        Labels of conclusions and figures: ``measurement``, ``set_aside`` and ``lost`` (JSON texts).
    """
    effects: dict[_Fault, _Effect] = {}
    for label in labels:
        measurement = str(label.get("measurement", ""))
        faults = [_read_fault(entry) for entry in json.loads(label.get("set_aside", "[]"))]
        for fault in faults:
            effects.setdefault(fault, _Effect()).used[measurement] = None
        if label.get("lost"):
            fault = _read_fault(json.loads(label["lost"]))
            effect = effects.setdefault(fault, _Effect())
            effect.used[measurement] = None
            effect.lost.add(measurement)
    # Files with the same problem and the same cost are one entry.
    places: dict[tuple[Any, ...], list[str]] = {}
    for fault, effect in effects.items():
        key = (fault.problem, fault.remedy, *effect.split())
        places.setdefault(key, []).append(fault.where)
    exclusions = [
        Exclusion(where=tuple(where), problem=problem, remedy=remedy, lost=lost, partial=partial)
        for (problem, remedy, lost, partial), where in places.items()
    ]
    return sorted(exclusions, key=lambda one: not one.lost)


def _read_fault(entry: Mapping[str, Any]) -> _Fault:
    return _Fault(
        where=str(entry["where"]), problem=str(entry["problem"]), remedy=str(entry["remedy"])
    )


def list_failed(labels: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the measurements (and phases) of which a step failed, each once.

    Parameters
    ----------
    labels : iterable of mapping
        As for `collect_exclusions`.
    """
    failed: dict[str, None] = {}
    for label in labels:
        for fault in json.loads(label.get("set_aside", "[]")):
            if fault.get("verdict") == Verdict.FAILED:
                failed[str(fault.get("measurement") or fault["where"])] = None
    return list(failed)


def read_folder_labels(folders: Iterable[Path]) -> list[Mapping[str, Any]]:
    """Return the labels of folders of figures or exports without a result.

    Parameters
    ----------
    folders : iterable of Path
        They may be missing.
    """
    notes = (folder / store.PROVENANCE_FILE for folder in folders)
    labels = [store.read_json(note)["labels"] for note in notes if note.is_file()]
    return [label for label in labels if label.get("lost")]


def describe_exclusion(exclusion: Exclusion) -> str:
    """Return one line for the terminal.

    Parameters
    ----------
    exclusion : Exclusion
    """
    where, count = exclusion.where[0], len(exclusion.where)
    more = f" and {count - 1} more" if count > 1 else ""
    if exclusion.lost:
        cost = f"all of {', '.join(exclusion.lost)}"
    else:
        cost = f"part of {', '.join(exclusion.partial)}"
    return f"{cost}: {where}{more}: {exclusion.problem}; {exclusion.remedy}"
