"""What a user sees of a running workflow: steps begun, done and to go, failures, the time left.

Snakemake's events come from its logger plugin (`snakemake_plugins`) as lines of JSON behind a mark;
the steps' own lines come as text in the same stream.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

EVENT_MARK = "ssbchar-event "
"""Begins the line of an event."""
KEPT_LINES = 60
"""Number of last lines shown if the workflow itself fails."""
STEP_LINE = re.compile(r"[\w.]+( [\w.+-]+)?: (begun|\d+/\d+ )|set aside: |failed: |stopped: ")
"""Lines of steps that are shown: begun, how far (``ssbchar.runtime.progress``), set aside,
failed."""
EXCEPTION_LINE = re.compile(r"(?!CalledProcess)(\w+\.)*\w+(Error|Exception|Interrupt)( in .*)?: ")
"""Last line of a traceback. The error of the shell that ran the step adds nothing to it."""


class EventKind(StrEnum):
    """What happened in the workflow."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"
    UP_TO_DATE = "up_to_date"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a running workflow."""

    kind: EventKind
    done: int = 0
    """Number of steps done."""
    total: int = 0
    """Number of steps of this run."""
    rule: str = ""
    """The rule that failed."""
    logs: tuple[str, ...] = ()
    """Its log files."""


def format_event(event: Event) -> str:
    """Return an event as one line, without its end."""
    return EVENT_MARK + json.dumps(asdict(event))


def parse_event(line: str) -> Event | None:
    """Return the event of a line; None for a line of text."""
    if not line.startswith(EVENT_MARK):
        return None
    content = json.loads(line.removeprefix(EVENT_MARK))
    return Event(
        kind=EventKind(content["kind"]),
        done=int(content["done"]),
        total=int(content["total"]),
        rule=str(content["rule"]),
        logs=tuple(content["logs"]),
    )


@dataclass(kw_only=True)
class WorkflowProgress:
    """The state of a run; filled line by line."""

    start: float
    """When the run began (``time.monotonic``) [s]."""
    done: int = 0
    total: int = 0
    failed: int = 0
    """Number of failures of steps; a step that is tried again may fail several times."""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines of text."""

    def follow(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield what a user wants to see of Snakemake's output with that of the steps in it."""
        for line in map(str.rstrip, lines):
            event = parse_event(line)
            if event:
                yield from self.take_event(event)
            else:
                self.last_lines.append(line)
                yield from self.take_text(line)

    def take_event(self, event: Event) -> Iterator[str]:
        """Yield the lines shown for an event."""
        match event.kind:
            case EventKind.PLANNED:
                self.total = event.total
            case EventKind.DONE:
                self.done, self.total = event.done, event.total
                if self.done == self.total:
                    yield f"[{self.done}/{self.total} steps] all done"
            case EventKind.FAILED:
                self.failed += 1
                yield f"FAILED: rule {event.rule}"
                yield f"        log: {', '.join(event.logs)}"
            case EventKind.UP_TO_DATE:
                yield "nothing to do: every result is up to date"

    def take_text(self, line: str) -> Iterator[str]:
        """Yield a line of a step as it is shown, or nothing."""
        if STEP_LINE.match(line):
            yield f"[{self.done}/{self.total or '?'} steps{self.describe_time_left()}] {line}"
        elif EXCEPTION_LINE.match(line):
            yield line

    def describe_time_left(self) -> str:
        """Return the time to go, taken as that of the steps done; empty before the first."""
        if not self.done:
            return ""
        elapsed = time.monotonic() - self.start
        left = elapsed * (self.total - self.done) / self.done
        return f", about {format_duration(left)} to go"


def format_duration(seconds: float) -> str:
    """Return a time span for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
