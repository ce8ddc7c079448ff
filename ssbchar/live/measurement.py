"""What every live measurement has: what was set aside, how long frames took, options, the journal's
head."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import ssbchar
from ssbchar.campaign.config import ConfiguredRun
from ssbchar.campaign.row import Row, split_names
from ssbchar.crystal import phases_file
from ssbchar.errors import BadInput
from ssbchar.live.journal import FOLDER, Journal
from ssbchar.pipeline import source_digest
from ssbchar.runtime import options as opts

SHOWN_FAULTS = 50
"""Faults of one measurement that the page lists, the last ones."""
REMEMBERED = 10_000
"""Latencies that median and quantiles are of, the last ones."""

Plain = dict[str, Any]


class LiveMeasurement(Protocol):
    """A measurement whose files are taken as they come."""

    row: Row

    @property
    def count(self) -> int:
        """Frames, scans or experiments that were taken or set aside."""

    def advance(self, now: float) -> bool:
        """Take what is there, for a short while; return whether anything changed.

        Parameters
        ----------
        now : float
            `time.monotonic()` [s].
        """

    def describe(self) -> Plain:
        """Return what the page shows, as plain data."""

    def close(self) -> None:
        """Let another process go on."""


class Latencies:
    """How long after it was there each frame was done [s]."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=REMEMBERED)
        self.largest = 0.0
        """[s]"""

    def add(self, seconds: float) -> None:
        """Add a frame."""
        self._last.append(seconds)
        self.largest = max(self.largest, seconds)

    def describe(self) -> Plain:
        """Return last, median, 95 % quantile and largest [s]; empty without any."""
        if not self._last:
            return {}
        ordered = sorted(self._last)
        return {
            "last": self._last[-1],
            "median": statistics.median(ordered),
            "most": ordered[math.ceil(0.95 * len(ordered)) - 1],
            "largest": self.largest,
            "frames": len(ordered),
        }


class SetAside:
    """What was set aside and why, by the file or frame it is of."""

    def __init__(self) -> None:
        self._faults: dict[str, dict[str, str]] = {}

    def add(self, of: str, fault: Mapping[str, str]) -> None:
        """Note why a file or frame is set aside, in place of what was said of it before."""
        self._faults.pop(of, None)
        self._faults[of] = {key: str(fault[key]) for key in ("where", "problem", "remedy")}

    def remove(self, of: str) -> None:
        """Forget what was said of a file, and of its frames, that are taken after all."""
        for key in [k for k in self._faults if k == of or k.startswith(f"{of}#")]:
            del self._faults[key]

    def replace_all(self, faults: list[dict[str, str]]) -> None:
        """Note all faults of a measurement that is read as a whole."""
        self._faults = {}
        for number, fault in enumerate(faults):
            self.add(str(number), fault)

    def __len__(self) -> int:
        return len(self._faults)

    def describe(self) -> Plain:
        """Return how many there are, and the last of them."""
        return {
            "count": len(self._faults),
            "last": list(self._faults.values())[-SHOWN_FAULTS:][::-1],
        }


def build_options(run: ConfiguredRun, stage: str, measurement: str) -> Any:
    """Return the options of a stage for a measurement, as its step gets them.

    Parameters
    ----------
    run : ConfiguredRun
    stage : str
        ``hexrd.refine``.
    measurement : str
    """
    technique, _, name = stage.partition(".")
    kind = type(getattr(getattr(run.config, technique), name))
    return opts.build_options(kind, run.options(stage, measurement), stage)


def open_journal(run: ConfiguredRun, row: Row, step: str) -> Journal:
    """Return the journal of a measurement, empty where what it was made with has changed.

    Parameters
    ----------
    run : ConfiguredRun
    row : Row
    step : str
        The step whose sources its entries depend on.

    Raises
    ------
    BadInput
        Another process has it open.
    """
    entries = phases_file.read_entries(run.config.phases) if row.phases else {}
    about = {key: value for key, value in dataclasses.asdict(row).items() if key != "line"}
    belongs_to = {
        "version": ssbchar.__version__,
        "code": source_digest.digest_sources(step),
        "row": about,
        "options": run.raw.get(row.technique) or {},
        "phases": {name: str(entries.get(name)) for name in split_names(row.phases)},
    }
    path = FOLDER / run.config.run / row.technique / f"{row.measurement}.jsonl"
    return Journal(path, belongs_to)


def list_or_none(list_paths: Any) -> list[Path]:
    """Return what a function lists, nothing where there is nothing yet."""
    try:
        return list(list_paths())
    except BadInput:
        return []
