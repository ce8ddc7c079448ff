"""How far a long step is, on the terminal and in its log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0
"""Seconds between two lines."""


def report_progress(
    items: Iterable[T], what: str, unit: str = "frames", size: int = 1, total: int | None = None
) -> Iterator[T]:
    """Yield items, and print now and then how many are done and how long the rest will take.

    Parameters
    ----------
    items : iterable
        What is worked through; chunks of `size` units each.
    what : str
        The step's name, as printed.
    unit : str
        What is counted.
    size : int
        Units per item.
    total : int, optional
        Units in all, where ``len(items) * size`` is not it.
    """
    listed = list(items)
    total = total or len(listed) * size
    start = said = time.monotonic()
    for n, item in enumerate(listed, 1):
        yield item
        now = time.monotonic()
        if now - said > SECONDS_BETWEEN_LINES:
            done = min(n * size, total)
            left = (now - start) * (total - done) / done
            print(f"{what}: {done}/{total} {unit}, {left:.0f} s to go", file=sys.stderr, flush=True)
            said = now
