"""The same work on several parts, side by side where cores are given; the answers do not depend on
how many."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")
Shared = TypeVar("Shared")
CORES_VARIABLE = "SSBCHAR_CORES"
"""Environment variable with the number of processes a step may use; the workflow sets it to the
rule's threads."""

_given: tuple[Callable[[Any, Any], Any], Any] | None = None


def map_parts(
    call: Callable[[Shared, Part], Answer], shared: Shared, parts: Sequence[Part]
) -> Iterator[Answer]:
    """Yield ``call(shared, part)`` for every part, in order.

    Parameters
    ----------
    call : callable
        A function of a module (it is named to other processes), without side effects.
    shared : object
        Given to all; copied to each process once, at no cost where processes fork.
    parts : sequence
        One is worked on by one process at a time.
    """
    cores = min(int(os.environ.get(CORES_VARIABLE, "1")), len(parts))
    if cores < 2:
        for part in parts:
            yield call(shared, part)
        return
    way = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(way)
    with ProcessPoolExecutor(cores, context, _take, (call, shared)) as pool:
        yield from pool.map(_do, parts)


def _take(call: Callable[[Any, Any], Any], shared: Any) -> None:
    global _given
    _given = call, shared


def _do(part: Any) -> Any:
    assert _given is not None
    call, shared = _given
    return call(shared, part)
