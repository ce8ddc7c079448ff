"""Side by side with the field's other programs: each module here has ``cases()``, run by ``python
-m benchmarks``.

``cases()`` yields mappings with the keys of `KEYS` except ``ratio``. ``peer`` names the program
compared with, ``peer_s`` is None where it is not installed; ``agreement`` says in words, with
numbers, how far the results agree.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Cases = Iterator[Mapping[str, Any]]
KEYS = ("case", "ours_s", "peer", "peer_version", "peer_s", "ratio", "agreement")


def timed(call: Callable[[], T], repeats: int = 3) -> tuple[float, T]:
    """Return the shortest of some wall times of a call [s], after one call to warm up, and what it
    returned."""
    result = call()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def version(package: str) -> str:
    """Return the installed version of a package, or an empty string."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
