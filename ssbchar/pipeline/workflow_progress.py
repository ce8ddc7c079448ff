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
TARGET_RULES = ("everything", "all", "selected")
"""Rules that make nothing: they ask for what others make."""
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
    STEP = "step"
    """A step that a dry run would run."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a running workflow."""

    kind: EventKind
    done: int = 0
    """Number of steps done."""
    total: int = 0
    """Number of steps of this run."""
    rule: str = ""
    """The rule that failed or would run."""
    logs: tuple[str, ...] = ()
    """Its log files."""
    subject: str = ""
    """The measurement or phase it is for; empty for all."""
    reason: str = ""
    """Why it would run, in Snakemake's words."""


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
        subject=str(content["subject"]),
        reason=str(content["reason"]),
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
    would_run: int = 0
    """Number of steps that a dry run would run."""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines of text."""

    planned: bool = False
    """Whether Snakemake made a plan or found nothing to do: False after words by which it does
    something else (``--unlock``, ``--summary``)."""
    unplanned: list[str] = field(default_factory=list)
    """Lines of text before any plan."""

    def follow(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield what a user wants to see of Snakemake's output with that of the steps in it."""
        for line in map(str.rstrip, lines):
            event = parse_event(line)
            if event:
                yield from self.take_event(event)
            else:
                self.last_lines.append(line)
                if not self.planned:
                    self.unplanned.append(line)
                yield from self.take_text(line)

    def take_event(self, event: Event) -> Iterator[str]:
        """Yield the lines shown for an event."""
        self.planned = True
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
            case EventKind.STEP if event.rule not in TARGET_RULES:
                self.would_run += 1
                step = " ".join(filter(None, (event.rule, event.subject)))
                yield f"  {step}: {describe_reason(event.reason)}"

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


REASONS = (
    ("Forced execution", "asked for"),
    ("Missing output files", "not made yet"),
    ("Incomplete output files", "its last run did not end"),
    ("Updated input files", "newer than its result"),
    ("Input files updated by another job", "needs what is made anew"),
    ("Set of input files has changed", "needs other files than before"),
    ("Code has changed", "its rule changed"),
    ("Software environment definition", "its environment changed"),
)
"""How Snakemake's reasons begin, and what they mean to a user."""
WITH_FILES = (
    "Missing output files",
    "Updated input files",
    "Input files updated by another job",
)
"""Reasons that name files."""
LISTED_FILES = 3
"""So many files of a reason are listed."""


def describe_reason(reason: str) -> str:
    """Return why a step would run in a user's words, from Snakemake's.

    Parameters
    ----------
    reason : str
        Several are separated by semicolons.
    """
    told = []
    for part in reason.split("; "):
        begin = part.partition(":")[0]
        if begin.startswith("Params have changed"):
            told.append(_describe_changed_params(part))
            continue
        words = next((words for known, words in REASONS if begin.startswith(known)), part)
        files = part.partition(": ")[2].split(", ") if begin in WITH_FILES else []
        shown = ", ".join(files[:LISTED_FILES])
        more = f" and {len(files) - LISTED_FILES} more" if len(files) > LISTED_FILES else ""
        told.append(f"{words} ({shown}{more})" if shown else words)
    return "; ".join(filter(None, told)) or "its results are asked for"


def _describe_changed_params(text: str) -> str:
    """Return what changed of a step's parameters, which are told apart by their look."""
    changed = text.partition(": ")[2]
    kinds = []
    if re.search(r"\{", changed):
        kinds.append("options or sample sheet")
    if re.search(r"\['[0-9a-f]{16}'", changed):
        kinds.append("raw files")
    if re.search(r"(: |,)'[0-9a-f]{16}'", changed):
        kinds.append("the program's sources")
    return f"{' and '.join(kinds) or 'how it is called'} changed"


def format_duration(seconds: float) -> str:
    """Return a time span for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
