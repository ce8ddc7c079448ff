"""One function on several parts, side by side on the cores a step has; the answers do not depend on
how many."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from ssbchar.runtime.forking import forks_safely

Part = TypeVar("Part")
Answer = TypeVar("Answer")
Shared = TypeVar("Shared")
CORES_VARIABLE = "SSBCHAR_CORES"
"""Environment variable with the number of processes a step may use; the workflow sets it to the
rule's threads."""

_task: tuple[Callable[[Any, Any], Any], Any] | None = None
"""What the parts of a worker process are given to: a function and what all parts share."""


def map_parts(
    call: Callable[[Shared, Part], Answer], shared: Shared, parts: Sequence[Part]
) -> Iterator[Answer]:
    """Yield ``call(shared, part)`` for every part, in order.

    Parameters
    ----------
    call : callable
        A function of a module, without side effects: other processes find it by its name.
    shared : object
        Given to all calls; copied to each process once, at no cost where processes fork.
    parts : sequence
        Each one is worked on by one process.
    """
    cores = min(int(os.environ.get(CORES_VARIABLE, "1")), len(parts))
    if cores < 2:
        for part in parts:
            yield call(shared, part)
        return
    context = multiprocessing.get_context("fork" if forks_safely() else "spawn")
    with ProcessPoolExecutor(cores, context, _set_task, (call, shared)) as pool:
        yield from pool.map(_run_part, parts)


def _set_task(call: Callable[[Any, Any], Any], shared: Any) -> None:
    global _task
    _task = call, shared


def _run_part(part: Any) -> Any:
    assert _task is not None
    call, shared = _task
    return call(shared, part)
