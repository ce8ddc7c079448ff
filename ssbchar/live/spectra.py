"""Absorption scans and NMR experiments at the instrument: with each new file the measurement they
belong to is processed anew, in a process beside that of the frames."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from ssbchar.campaign.config import ConfiguredRun
from ssbchar.campaign.row import Row
from ssbchar.live.arrivals import Arrival, Arrivals
from ssbchar.live.measurement import Latencies, Plain, SetAside, list_or_none, open_journal
from ssbchar.live.process_spectra import Outcome, Tables, list_needed, process
from ssbchar.storage.raw_files import find_files
from ssbchar.technique import Technique

STEPS = {
    "xas": "xas.comparison.conclude_measurement",
    "nmr": "nmr.quantification.quantify_fractions",
}
"""The last step of each technique, on whose sources the journal depends."""


class SpectraProcess:
    """The process that scans and experiments are processed in, so that frames need not wait for
    them, and the last tables of each measurement."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._tables: dict[str, Tables] = {}
        self._version: dict[str, int] = {}

    def submit(
        self, run: ConfiguredRun, row: Row, paths: Sequence[Path], needs: Iterable[str]
    ) -> Future[Outcome]:
        """Begin to process a measurement.

        Parameters
        ----------
        run : ConfiguredRun
        row : Row
        paths : sequence of Path
            Files that are whole.
        needs : iterable of str
            Measurements whose tables it needs.
        """
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, _prepare_process)
        others: Mapping[str, Tables] = {
            name: self._tables[name] for name in needs if name in self._tables
        }
        # Faults of rows are exceptions, which do not pass between processes.
        return self._pool.submit(process, replace(run, set_aside={}), row, paths, others)

    def set_tables(self, measurement: str, tables: Tables) -> None:
        """Put tables of a measurement in place of those before."""
        self._tables[measurement] = tables
        self._version[measurement] = self._version.get(measurement, 0) + 1

    def get_versions(self, measurements: Iterable[str]) -> tuple[int, ...]:
        """Return numbers that change when one of the measurements does."""
        return tuple(self._version.get(name, 0) for name in measurements)

    def close(self) -> None:
        """End the process; what it is at is given up."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for one in processes:
                one.terminate()


def _prepare_process() -> None:
    """Let the process end with the one that started it, however that ends, and use one core."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()


class SpectraMeasurement:
    """The scans, or the experiment, of one row of the sample sheet."""

    def __init__(self, run: ConfiguredRun, row: Row, steady: float, beside: SpectraProcess) -> None:
        """Open the journal; what is there is processed anew, which takes no longer than a scan.

        Parameters
        ----------
        run : ConfiguredRun
        row : Row
            Of absorption or NMR.
        steady : float
            How long a file must be the same [s].
        beside : SpectraProcess
            Shared by all measurements.

        Raises
        ------
        BadInput
            Another process follows the measurement.
        """
        self._run, self.row, self._beside = run, row, beside
        self._journal = open_journal(run, row, STEPS[row.technique])
        self._set_aside, self._latencies = SetAside(), Latencies()
        for entry in self._journal.read():
            if entry.get("latency") is not None:
                self._latencies.add(entry["latency"])
        self._needs = list_needed(run, row)
        self._seen_versions: tuple[int, ...] = ()
        self._files: list[Path] = []
        self._given: list[Path] = []
        self._ready: list[Arrival] = []
        self._job: Future[Outcome] | None = None
        self._begun = 0.0
        self._shown = Outcome(tables={}, rows=[], notes=[], set_aside=[], spectrum={})
        self._arrivals = Arrivals(lambda: list_or_none(lambda: find_files(row.path)), steady)

    @property
    def count(self) -> int:
        """Scans, or experiments, that were taken or set aside."""
        if self.row.technique == Technique.XAS:
            return len(self._files)
        # A packed file of experiments counts as one.
        return sum(path.name == "acqus" for path in self._files) or int(bool(self._files))

    def advance(self, now: float) -> bool:
        """Begin to process the measurement where a file, or what it is compared with, is new; take
        over what was processed. Return whether anything changed.

        Parameters
        ----------
        now : float
            `time.monotonic()` [s].
        """
        if self._job is not None:
            if not self._job.done():
                return False
            outcome, self._job = self._job.result(), None
            self._take(outcome)
            return True
        before = set(self._arrivals.waiting)
        ready = self._arrivals.look(now)
        waiting = set(self._arrivals.waiting)
        if self.row.technique == Technique.NMR and len(waiting) > len(ready):
            # An experiment is many files: it is whole when none of them is being written.
            return before != waiting
        versions = self._beside.get_versions(self._needs)
        if ready or (self._files and versions != self._seen_versions):
            fresh, taken = {arrival.path for arrival in ready}, set(self._arrivals.taken)
            listed = list_or_none(lambda: find_files(self.row.path))
            self._given = [path for path in listed if path in fresh or path in taken]
            self._ready, self._seen_versions, self._begun = ready, versions, now
            self._job = self._beside.submit(self._run, self.row, self._given, self._needs)
        return before != waiting

    def _take(self, outcome: Outcome) -> None:
        """Show what came of the files, or put off those that cannot be read yet."""
        now, ready = time.monotonic(), self._ready
        self._shown = outcome
        if outcome.fault is not None:
            # All of them, not only the first.
            if any([self._arrivals.put_off(one, now) for one in ready]):
                return
            self._set_aside.replace_all([outcome.fault])
        else:
            self._beside.set_tables(self.row.measurement, outcome.tables)
            self._set_aside.replace_all(outcome.set_aside)
        for arrival in ready:
            self._arrivals.accept(arrival)
        self._files = self._given
        waited = [now - one.since for one in ready if not one.was_there]
        for seconds in waited:
            self._latencies.add(seconds)
        self._journal.append(
            {
                "files": [one.path.as_posix() for one in ready],
                "latency": max(waited, default=None),
                "seconds": now - self._begun,
                "set_aside": outcome.set_aside,
                "rows": outcome.rows,
            }
        )

    def describe(self) -> Plain:
        """Return what the page shows, as plain data."""
        fault = self._shown.fault
        return {
            "kind": "spectra",
            "unit": "scans" if self.row.technique == Technique.XAS else "experiments",
            "taken": self.count,
            "waiting": len(self._arrivals.waiting),
            "waits_for": f"{fault['where']}: {fault['problem']}" if fault else "",
            "set_aside": self._set_aside.describe(),
            "latency": self._latencies.describe(),
            "notes": self._shown.notes,
            "rows": self._shown.rows,
            "spectrum": self._shown.spectrum,
        }

    def close(self) -> None:
        """Let another process go on."""
        self._journal.close()
