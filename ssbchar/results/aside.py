"""What was set aside and why: whole measurements and single frames, scans or slices, each said once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Aside:
    """One thing that was left out."""

    where: str
    """File (and line, frame or scan)."""
    problem: str
    """What is wrong with it."""
    remedy: str
    """What to do."""
    used_by: tuple[str, ...] = ()
    """Measurements whose results do without it."""
    whole: bool = False
    """Whether a measurement has no result at all because of it."""


def asides(labels: Iterable[Mapping[str, Any]]) -> list[Aside]:
    """Return what was set aside, each fault once, lost measurements first.

    Parameters
    ----------
    labels : iterable of mapping
        Labels of conclusions and figures: ``measurement``, ``set_aside`` and ``lost`` (JSON texts).
    """
    users: dict[tuple[str, str, str], list[str]] = {}
    fatal: set[tuple[str, str, str]] = set()
    for about in labels:
        faults = json.loads(about.get("set_aside", "[]"))
        lost = json.loads(about["lost"]) if about.get("lost") else None
        for fault in [*faults, *([lost] if lost else [])]:
            key = (str(fault["where"]), str(fault["problem"]), str(fault["remedy"]))
            names = users.setdefault(key, [])
            name = str(about.get("measurement", ""))
            if name and name not in names:
                names.append(name)
            if fault is lost:
                fatal.add(key)
    found = [Aside(*key, tuple(names), key in fatal) for key, names in users.items()]
    return sorted(found, key=lambda a: not a.whole)
