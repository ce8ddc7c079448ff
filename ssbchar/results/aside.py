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
    lost: tuple[str, ...] = ()
    """Measurements that have no result because of it."""
    partial: tuple[str, ...] = ()
    """Measurements whose results do without it."""


def asides(labels: Iterable[Mapping[str, Any]]) -> list[Aside]:
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
            names = users.setdefault((str(fault["where"]), str(fault["problem"]), str(fault["remedy"])), {})
            names[name] = names.get(name, False) or fault == lost
    found = [
        Aside(
            *key, tuple(n for n, fatal in names.items() if fatal), tuple(n for n, fatal in names.items() if not fatal)
        )
        for key, names in users.items()
    ]
    return sorted(found, key=lambda a: not a.lost)
