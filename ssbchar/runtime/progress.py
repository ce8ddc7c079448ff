"""How far a long step is: lines on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0
"""Time between two lines [s]."""


def report_progress(
    items: Iterable[T], what: str, unit: str = "frames", size: int = 1, total: int | None = None
) -> Iterator[T]:
    """Yield items, and print now and then how many are done and how long the rest will take.

    Parameters
    ----------
    items : iterable
        The work; chunks of `size` units each.
    what : str
        The step's name, as printed.
    unit : str
        What is counted.
    size : int
        Units per item.
    total : int, optional
        Units in all, if it is not ``len(items) * size``.
    """
    listed = list(items)
    total = total or len(listed) * size
    start = last_line = time.monotonic()
    for number, item in enumerate(listed, 1):
        yield item
        now = time.monotonic()
        if now - last_line > SECONDS_BETWEEN_LINES:
            done = min(number * size, total)
            left = (now - start) * (total - done) / done
            print_line(f"{what}: {done}/{total} {unit}, {left:.0f} s to go")
            last_line = now


def print_line(text: str) -> None:
    """Print a line on the standard error in one write.

    Steps side by side share it. `print` writes the text and the end of the line apart where the
    output is not buffered (``PYTHONUNBUFFERED``), and another step's line falls between the two.

    Parameters
    ----------
    text : str
        The line, without its end.
    """
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
