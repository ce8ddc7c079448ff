"""Time this process has spent on parts of its work: what a step's log tells apart from its
computing."""

from __future__ import annotations

import builtins
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

BLOCKS, FIGURES, IMPORTS = "reading and writing blocks", "rendering figures", "importing libraries"


class TimeSpan(NamedTuple):
    """A span of time."""

    wall: float
    """[s]"""
    processor: float
    """Of this process and its children that have ended [s]: the same on a busy machine."""

    def since(self, before: TimeSpan) -> TimeSpan:
        """Return the time from another one to this."""
        return TimeSpan(self.wall - before.wall, self.processor - before.processor)

    def and_(self, more: TimeSpan) -> TimeSpan:
        """Return both together."""
        return TimeSpan(self.wall + more.wall, self.processor + more.processor)


_spent: dict[str, TimeSpan] = {}


def measure_now() -> TimeSpan:
    """Return the time since some moment before this process began."""
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return TimeSpan(time.monotonic(), sum(u.ru_utime + u.ru_stime for u in used))


def on(part: str) -> TimeSpan:
    """Return the time spent on a part so far."""
    return _spent.get(part, TimeSpan(0.0, 0.0))


@contextmanager
def counting(part: str) -> Iterator[None]:
    """Count the time of a ``with`` block as spent on a part."""
    start = measure_now()
    try:
        yield
    finally:
        _spent[part] = on(part).and_(measure_now().since(start))


@contextmanager
def counting_imports() -> Iterator[None]:
    """Count the time in which a ``with`` block imports what is not loaded yet as `IMPORTS`."""
    load, inside = builtins.__import__, False

    def timed(name: str, *more: Any, **named: Any) -> Any:
        nonlocal inside
        if inside or name in sys.modules:
            return load(name, *more, **named)
        inside = True
        try:
            with counting(IMPORTS):
                return load(name, *more, **named)
        finally:
            inside = False

    builtins.__import__ = timed
    try:
        yield
    finally:
        builtins.__import__ = load
