"""Logger plugin of Snakemake: its events as lines that ``ssbchar run`` understands, all else as
Snakemake's usual text."""

from __future__ import annotations

import logging
import sys
from typing import Any

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from ssbchar.pipeline.workflow_progress import Event, EventKind, format_event


class LogHandler(LogHandlerBase):
    """Writes one line per event to standard error; Snakemake finds the class by this name."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as an event, or as Snakemake's text if it is none of ours."""
        try:
            event = read_event(record, dry_run=bool(self.common_settings.dryrun))
            line = format_event(event) if event else self.format(record)
            if line not in ("", "None"):
                # One write: steps write to the same pipe.
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
        except BrokenPipeError:
            raise
        except Exception:  # as logging's own handlers do: a record that fails must not end the run
            self.handleError(record)

    @property
    def writes_to_stream(self) -> bool:
        """Return True: this handler takes the place of Snakemake's own."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Return False."""
        return False

    @property
    def has_filter(self) -> bool:
        """Return False: Snakemake's filter applies."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Return False: Snakemake's formatter makes the text."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Return False."""
        return False


def read_event(record: logging.LogRecord, *, dry_run: bool = False) -> Event | None:
    """Return what a log record says of the progress; None if nothing.

    Parameters
    ----------
    record : LogRecord
    dry_run : bool
        Each step that would run is an event; in a run the steps speak for themselves.
    """
    about: dict[str, Any] = record.__dict__
    match about.get("event"):
        case LogEvent.RUN_INFO:
            return Event(kind=EventKind.PLANNED, total=int(about["stats"]["total"]))
        case LogEvent.JOB_INFO if dry_run:
            found = about.get("wildcards") or {}
            subject = str(found.get("measurement") or found.get("phase") or "")
            reason = str(about["reason"])
            return Event(
                kind=EventKind.STEP, rule=str(about["rule_name"]), subject=subject, reason=reason
            )
        case LogEvent.PROGRESS:
            return Event(kind=EventKind.DONE, done=int(about["done"]), total=int(about["total"]))
        case LogEvent.JOB_ERROR:
            logs = tuple(map(str, about["log"]))
            return Event(kind=EventKind.FAILED, rule=str(about["rule_name"]), logs=logs)
    if record.msg == NOTHING_TO_BE_DONE_MSG:
        return Event(kind=EventKind.UP_TO_DATE)
    return None
