"""Wall and processor time of this process."""

from __future__ import annotations

import resource
import time
from typing import NamedTuple


class TimeSpan(NamedTuple):
    """A span of time."""

    wall: float
    """Time on the clock [s]."""
    processor: float
    """Processor time of this process and its ended children [s]: the same on a busy machine."""

    def since(self, before: TimeSpan) -> TimeSpan:
        """Return the time from another one to this."""
        return TimeSpan(self.wall - before.wall, self.processor - before.processor)

    def plus(self, more: TimeSpan) -> TimeSpan:
        """Return both together."""
        return TimeSpan(self.wall + more.wall, self.processor + more.processor)


def measure_now() -> TimeSpan:
    """Return the time since a fixed moment before this process began."""
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return TimeSpan(time.monotonic(), sum(u.ru_utime + u.ru_stime for u in used))
