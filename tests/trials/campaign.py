"""A campaign: each case in a process of its own, one line of a results file when it has ended.

A case that raises, dies or takes too long is one line ``crashed`` or ``hung``; the campaign goes
on. A restart leaves out the cases that the file holds.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import threadpoolctl

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_all_contradictions
from ssbchar.pipeline import preload_server

from .cases import ROOT, Case, write_case
from .chain import describe_rows, run_case

DONE, CRASHED, HUNG = "done", "crashed", "hung"
TIME_LIMIT = 600.0
"""Of one case [s]."""
POLL = 0.5
"""How often the time limit is looked at [s]."""
NOT_NEEDED = (
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_agg",
    "jinja2",
    "rocrate.rocrate",
)
"""What only figures and reports need."""
MORE_LIBRARIES = (
    "pandas",
    "scipy.interpolate",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "scipy.stats",
    "ssbchar.hexrd.refinement.refine",
    "ssbchar.nmr.lineshape.fit",
    "ssbchar.xas.comparison.compare",
)
"""Further ones that take long."""
LONGEST_ERROR = 2000
"""Characters of a traceback that are kept."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A case that has ended: one line of the results file."""

    case: Case
    status: str
    """``done``, ``crashed`` or ``hung``."""
    truth: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    contradictions: Sequence[str] = ()
    """Rows whose verdict contradicts their own limits."""
    error: str = ""
    seconds: float = 0.0
    """From files to verdict, of processors [s]; the generator is not in it."""
    commit: str = ""

    @classmethod
    def from_line(cls, line: str) -> Finished:
        """Return what `to_line` wrote.

        Raises
        ------
        ValueError
            The line is cut.
        """
        content = json.loads(line)
        lists = {name: tuple(content[name]) for name in ("rows", "contradictions")}
        return cls(**{**content, **lists, "case": Case(**content["case"])})

    def to_line(self) -> str:
        """Return the line of a results file."""
        return json.dumps(asdict(self), allow_nan=False) + "\n"


def describe_commit() -> str:
    """Return the commit that the project is at; ``-dirty`` where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return said.stdout.strip() or "unknown"


def read_results(path: Path) -> list[Finished]:
    """Return the cases of a results file; of a case that stands twice, the last.

    A line that was cut when the campaign was killed is left out.

    Parameters
    ----------
    path : Path
        It need not exist.
    """
    found: dict[str, Finished] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                finished = Finished.from_line(line)
            except (ValueError, TypeError, KeyError):
                continue
            found[finished.case.name] = finished
    return list(found.values())


def preload_libraries() -> None:
    """Import once what the steps of every case import: the processes of the cases are forked."""
    libraries = [name for name in preload_server.LIBRARIES if name not in NOT_NEEDED]
    for name in [*libraries, *MORE_LIBRARIES]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()


def run_campaign(
    cases: Iterable[Case],
    path: Path,
    folder: Path,
    *,
    workers: int = 2,
    time_limit: float = TIME_LIMIT,
    retry: bool = False,
    run: Callable[[Case, Path, Path], Finished] | None = None,
) -> Iterator[Finished]:
    """Run the cases that a results file does not hold yet; yield each when it has ended.

    Parameters
    ----------
    cases : iterable of Case
    path : Path
        The results file; a line is added for each case.
    folder : Path
        Of the generators.
    workers : int
        Cases side by side.
    time_limit : float
        Of one case [s].
    retry : bool
        Run those again that crashed or hung.
    run : callable, optional
        What is done with a case in its process; by default `run_one`.
    """
    known = {f.case.name for f in read_results(path) if not retry or f.status == DONE}
    waiting = [case for case in cases if case.name not in known]
    path.parent.mkdir(parents=True, exist_ok=True)
    _end_last_line(path)
    if waiting and run is None:
        preload_libraries()
    pool = _Pool(folder=folder, time_limit=time_limit, run=run or run_one)
    try:
        while waiting or pool.active:
            while waiting and len(pool.active) < workers:
                pool.start(waiting.pop(0))
            for finished in pool.collect():
                with path.open("a", encoding="utf-8") as file:
                    file.write(finished.to_line())
                yield finished
    finally:
        # Cases have sessions of their own: an interrupt of the campaign does not reach them.
        for running in list(pool.active):
            pool.end(running)


def _end_last_line(path: Path) -> None:
    """Begin a new line where the last was cut."""
    if path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


@dataclass(kw_only=True)
class _Running:
    case: Case
    process: BaseProcess
    receiver: Connection
    deadline: float
    work: tempfile.TemporaryDirectory[str]


@dataclass(kw_only=True)
class _Pool:
    """The cases that are running, each in a process of its own."""

    folder: Path
    time_limit: float
    run: Callable[[Case, Path, Path], Finished]
    commit: str = field(default_factory=describe_commit)
    active: list[_Running] = field(default_factory=list)

    def start(self, case: Case) -> None:
        """Start a case."""
        # Forked: imports are done once.
        context = multiprocessing.get_context("fork")
        work = tempfile.TemporaryDirectory(prefix="trial_")
        receiver, sender = context.Pipe(duplex=False)
        arguments = (self.run, case, Path(work.name), self.folder, sender)
        process = context.Process(target=_run_and_send, args=arguments)
        process.start()
        sender.close()
        deadline = time.monotonic() + self.time_limit
        self.active.append(
            _Running(case=case, process=process, receiver=receiver, deadline=deadline, work=work)
        )

    def collect(self) -> list[Finished]:
        """Wait a little; return the cases that have ended."""
        ready = wait([running.receiver for running in self.active], timeout=POLL)
        ended = []
        for running in list(self.active):
            if running.receiver in ready:
                finished = _receive(running)
            elif time.monotonic() > running.deadline:
                error = f"longer than {self.time_limit:g} s"
                finished = Finished(case=running.case, status=HUNG, error=error)
            else:
                continue
            self.end(running)
            ended.append(_replace_commit(finished, self.commit))
        return ended

    def end(self, running: _Running) -> None:
        """End the process of a case with all that it started, and remove its files."""
        try:
            os.killpg(running.process.pid or 0, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            running.process.kill()
        running.process.join()
        running.receiver.close()
        running.work.cleanup()
        self.active.remove(running)


def _replace_commit(finished: Finished, commit: str) -> Finished:
    return Finished(**{**vars(finished), "commit": commit})


def _receive(running: _Running) -> Finished:
    """Return what a process sent, or how it ended without."""
    try:
        return Finished.from_line(running.receiver.recv())
    except EOFError:
        running.process.join(timeout=5)
        code = running.process.exitcode
        error = f"the process ended without a result (exit code {code})"
        return Finished(case=running.case, status=CRASHED, error=error)


def _run_and_send(
    run: Callable[[Case, Path, Path], Finished],
    case: Case,
    work: Path,
    folder: Path,
    sender: Connection,
) -> None:
    """Run a case and send the line of it; in the process of the case."""
    os.setsid()
    os.chdir(ROOT)
    os.environ["SSBCHAR_CORES"] = "1"
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    try:
        # One thread per case, as in every step: cases run side by side.
        with threadpoolctl.threadpool_limits(1):
            line = run(case, work, folder).to_line()
    except Exception as error:
        told = f"{type(error).__name__}: {error}\n{traceback.format_exc()[-LONGEST_ERROR:]}"
        line = Finished(case=case, status=CRASHED, error=told).to_line()
    sender.send(line)
    sender.close()


def run_one(case: Case, work: Path, folder: Path) -> Finished:
    """Write the files of a case, run its steps and return its rows.

    Parameters
    ----------
    case : Case
    work : Path
        An empty folder.
    folder : Path
        Of the generators.
    """
    raw = work / "raw"
    truth = write_case(case, raw, folder)
    begin = _measure_processor()
    conclusions = run_case(raw / "config.yaml", work / "results")
    return Finished(
        case=case,
        status=DONE,
        truth=truth,
        rows=tuple(describe_rows(conclusions)),
        contradictions=tuple(check_rows(conclusions)),
        seconds=round(_measure_processor() - begin, 2),
    )


def _measure_processor() -> float:
    """Return the processor time of this process and its children [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def check_rows(conclusions: Sequence[Conclusion]) -> list[str]:
    """Return the rows whose verdict contradicts their own limits, one line each.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one case.
    """
    return [
        f"{row.subject} / {row.condition} / {row.quantity}: {problem}"
        for row, problem in find_all_contradictions(conclusions)
    ]
