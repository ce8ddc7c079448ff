"""A process that opens HDF5 files before this one does.

The HDF5 library may crash over a damaged file, or search it for ever. Then only that process ends,
and the file is told. It is forked once and asked file by file, so that a series of small files
costs little.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ssbchar.errors import BadInput
from ssbchar.runtime.forking import forks_safely
from ssbchar.storage import reading
from ssbchar.storage.options import ReadingLimits

Opener = Callable[[Path, ReadingLimits], None]
"""Opens a file and reads what may be damaged in it; exceptions do not matter."""
PATIENCE = 60.0
"""Time on the clock over processor time after which the process is given up."""
PROBE_SHARE = 0.2
"""Time for looking at an empty file over that for reading it."""
DONE = b"."
"""Answer of the process."""
REMEDY = "copy it again from the beamline, or leave it out"


@dataclass(kw_only=True)
class _Prober:
    """The process, and the pipes to it."""

    owner: int
    """The process that asks; a fork of it has a prober of its own."""
    process: int
    requests: IO[bytes]
    answers: IO[bytes]

    def ask(self, path: Path, patience: float) -> bool:
        """Return whether the process lived through a file, within a time [s]."""
        with contextlib.suppress(BrokenPipeError):
            self.requests.write(os.fsencode(os.path.abspath(path)) + b"\0")
            self.requests.flush()
            # Processor time is limited by the process itself; this is for a file system that hangs.
            ready, _, _ = select.select([self.answers], [], [], patience)
            if not ready:
                os.kill(self.process, signal.SIGPROF)
            return self.answers.read(1) == DONE
        return False

    def end(self) -> int:
        """Return by which signal the process ended, 0 for none."""
        self.answers.close()
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()
        status = os.waitpid(self.process, 0)[1]
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


_probers: dict[Opener, _Prober] = {}
_sound: set[tuple[Path, int, int]] = set()
"""Files that were opened without harm: path, size [byte], time of the last change [ns]."""


def probe_file(path: Path, opener: Opener, limits: ReadingLimits) -> None:
    """Let another process open a file first.

    Parameters
    ----------
    path : Path
    opener : callable
        A function of a module.
    limits : ReadingLimits
        Those of the first file asked for hold for all that follow.

    Raises
    ------
    BadInput
        The process crashed over it, or took more time than allowed.
    """
    if not forks_safely():
        # A fork that the system ends would count as a damaged file.
        return
    found = path.stat()
    key = (path.absolute(), found.st_size, found.st_mtime_ns)
    if key in _sound:
        return
    prober = _probers.get(opener)
    if prober is None or prober.owner != os.getpid():
        prober = _probers[opener] = _fork_prober(opener, limits)
    if prober.ask(path, PATIENCE * limits.time):
        _sound.add(key)
        return
    number = _probers.pop(opener).end()
    timed = number == signal.SIGPROF
    if timed:
        seconds = allow_time(limits, found.st_size)
        problem = f"looking at it did not end within {seconds:.3g} s of processor time"
    elif number == signal.SIGKILL:
        raise MemoryError(f"the process that looked at {path} was killed")
    else:
        name = signal.Signals(number).name if number else "an error"
        problem = f"it is damaged: the library that reads it crashes ({name})"
    raise BadInput(path, problem, f"{REMEDY}, or raise {limits.PLACE}.time" if timed else REMEDY)


def allow_time(limits: ReadingLimits, size: float) -> float:
    """Return the processor time [s] that looking at a file of a size [byte] may take: less than
    reading it, as most of it is not read."""
    return reading.allow_time(limits, size) - (1 - PROBE_SHARE) * limits.time


def _fork_prober(opener: Opener, limits: ReadingLimits) -> _Prober:
    """Start the process."""
    # Loaded before the fork: another thread may hold the import's lock, which nobody would release.
    import h5py  # noqa: F401

    requests, answers = os.pipe(), os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        try:
            os.close(requests[1])
            os.close(answers[0])
            _serve(requests[0], answers[1], opener, limits)
        finally:
            os._exit(0)
    os.close(requests[0])
    os.close(answers[1])
    return _Prober(
        owner=os.getpid(),
        process=process,
        requests=os.fdopen(requests[1], "wb"),
        answers=os.fdopen(answers[0], "rb"),
    )


def _serve(requests: int, answers: int, opener: Opener, limits: ReadingLimits) -> None:
    """Open the files asked for until there is nobody to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()
    # The system ends this process when its time is up, also in machine code.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    # The library's last words on its way down are said by the fault.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    used = reading.measure_address_space()
    if used:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        allowed = int(used + limits.memory * reading.MEGABYTE)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    left = b""
    while block := os.read(requests, 65536):
        *paths, left = (left + block).split(b"\0")
        for path in paths:
            with contextlib.suppress(Exception):
                size = os.path.getsize(path)
                signal.setitimer(signal.ITIMER_PROF, allow_time(limits, size))
                opener(Path(os.fsdecode(path)), limits)
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(answers, DONE)
