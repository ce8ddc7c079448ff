"""Seconds this process has spent on parts of its work: what a step's log tells apart from its computing."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

BLOCKS, FIGURES = "reading and writing blocks", "rendering figures"
_seconds: defaultdict[str, float] = defaultdict(float)


def on(part: str) -> float:
    """Return the seconds spent on a part so far."""
    return _seconds[part]


@contextmanager
def counting(part: str) -> Iterator[None]:
    """Count the time of a ``with`` block as spent on a part."""
    start = time.monotonic()
    try:
        yield
    finally:
        _seconds[part] += time.monotonic() - start
