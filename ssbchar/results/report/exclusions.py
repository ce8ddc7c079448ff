"""What was set aside and why: whole measurements and single frames, scans or slices, each said
once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exclusion:
    """What was left out for one reason."""

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


def collect_exclusions(labels: Iterable[Mapping[str, Any]]) -> list[Exclusion]:
    """Return what was set aside, each fault once, those first that cost a whole measurement.

    Parameters
    ----------
    labels : iterable of mapping
        Labels of conclusions and figures: ``measurement``, ``set_aside`` and ``lost`` (JSON texts).
    """
    users: dict[tuple[str, str, str], dict[str, bool]] = {}
    for about in labels:
        name = str(about.get("measurement", ""))
        lost = json.loads(about["lost"]) if about.get("lost") else None
        for fault in [*json.loads(about.get("set_aside", "[]")), *([lost] if lost else [])]:
            names = users.setdefault(
                (str(fault["where"]), str(fault["problem"]), str(fault["remedy"])), {}
            )
            names[name] = names.get(name, False) or fault == lost
    groups: dict[tuple[Any, ...], list[str]] = {}
    for (where, problem, remedy), names in users.items():
        lost_for = tuple(n for n, whole in names.items() if whole)
        partial = tuple(n for n, whole in names.items() if not whole)
        groups.setdefault((problem, remedy, lost_for, partial), []).append(where)
    return sorted(
        (Exclusion(tuple(where), *about) for about, where in groups.items()),
        key=lambda a: not a.lost,
    )


def describe_exclusion(a: Exclusion) -> str:
    """Return one line for the terminal."""
    more = f" and {len(a.where) - 1} more" if len(a.where) > 1 else ""
    cost = f"all of {', '.join(a.lost)}" if a.lost else f"part of {', '.join(a.partial)}"
    return f"{cost}: {a.where[0]}{more}: {a.problem}; {a.remedy}"
