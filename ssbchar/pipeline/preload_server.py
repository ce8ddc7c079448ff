"""Steps forked from one process that has the libraries loaded: each begins in a hundredth of the
time of loading them.

``ssbchar run`` `kept` such a process beside a workflow on this machine; ``ssbchar step`` finds it
by the environment and `hand_over` itself: words, environment, folder and open files go there, an
exit code comes back. Killing either of the two ends the other. Where there is no such process (jobs
of a cluster, Snakemake by itself, other systems than Linux) a step runs where it was called, and
its output is the same.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOCKET_VARIABLE = "SSBCHAR_PRELOAD"
"""Environment variable: where the process's socket is, and which Python (``sys.prefix``) it
runs."""
LIBRARIES = (
    "ssbchar.pipeline.step",
    "xarray",
    "h5netcdf",
    "scipy.signal",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_agg",
    "pymatgen.core",
    "pymatgen.io.cif",
    "nmrglue.fileio.bruker",
    "jinja2",
    "rocrate.rocrate",
)
"""What steps import, in the order in which a run needs it."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to one where libraries are loaded, as in every step: they read it then."""
SIZE, BEGUN = struct.Struct("!q"), b"+"
Command = Callable[[Sequence[str]], int]
"""The command line: takes its words, returns its exit code."""
KILLED = 137
"""Exit code where the process with the step is gone without one, as a shell gives it."""


def is_supported() -> bool:
    """Return whether this system has what it takes: forks, descriptors of processes, sockets that
    pass files on."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


@contextmanager
def running(wanted: bool = True) -> Iterator[dict[str, str]]:
    """Keep a process with the libraries loaded while the block lasts; give the environment in which
    steps find it."""
    import subprocess

    if not (wanted and is_supported()):
        yield dict(os.environ)
        return
    with tempfile.TemporaryDirectory(prefix="ssbchar-") as folder:
        place = os.path.join(folder, "socket")
        command, one = (
            [sys.executable, "-m", "ssbchar", "preload", place],
            dict.fromkeys(ONE_THREAD, "1"),
        )
        with subprocess.Popen(command, env={**os.environ, **one}, stdin=subprocess.PIPE) as process:
            try:
                yield {**os.environ, SOCKET_VARIABLE: place + os.pathsep + sys.prefix}
            finally:
                if process.stdin:
                    process.stdin.close()


def submit(words: Sequence[str]) -> int | None:
    """Run ``ssbchar`` with these words in a fork of the process kept warm; return its exit code,
    None without one."""
    place, _, prefix = os.environ.get(SOCKET_VARIABLE, "").partition(os.pathsep)
    if not place or prefix != sys.prefix or not is_supported():
        return None
    environment = {k: v for k, v in os.environ.items() if k != SOCKET_VARIABLE}
    asked = json.dumps(
        {"words": list(words), "environment": environment, "folder": os.getcwd()}
    ).encode()
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(place)
            socket.send_fds(connection, [SIZE.pack(len(asked))], [0, 1, 2])
            connection.sendall(asked)
            begun = connection.recv(len(BEGUN))
        except OSError:
            begun = b""
        if not begun:
            return None
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends this process, and the fork with it
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(SIZE.size)
    return SIZE.unpack(answer)[0] if answer else KILLED


@dataclass
class ForkedStep:
    """A fork at work."""

    process: int
    asked_by: socket.socket | None
    """Who waits for it; None once gone."""


def serve(place: Path, command: Command) -> int:
    """Fork a step for everyone who asks at a socket, until standard input ends; load libraries when
    nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libraries, steps = list(LIBRARIES), dict[int, ForkedStep]()  # by descriptor of the process
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.fspath(place))
        door.listen(128)
        watched: list[Any] = [door, sys.stdin]
        while watched or steps:
            waiting = {step.asked_by: number for number, step in steps.items() if step.asked_by}
            idle = bool(libraries and watched)
            ready, _, _ = select.select([*watched, *waiting, *steps], [], [], 0 if idle else None)
            if not ready:
                _load(libraries.pop(0))
            for one in ready:
                if one is sys.stdin:
                    watched = []
                    door.close()
                elif one is door and watched:
                    connection = door.accept()[0]
                    process = _forked(connection, door, steps, command)
                    if process:
                        steps[os.pidfd_open(process)] = ForkedStep(process, connection)
                elif one in waiting:  # gone: nobody says anything more
                    signal.pidfd_send_signal(waiting[one], signal.SIGTERM)
                    one.close()
                    steps[waiting[one]].asked_by = None
            for number in [n for n in ready if n in steps]:
                _ended(number, steps.pop(number))
    return 0


def _load(library: str) -> None:
    """Import a library, if it is there; let forks share its memory."""
    with contextlib.suppress(ImportError):
        importlib.import_module(library)
    gc.freeze()


def _ended(number: int, step: ForkedStep) -> None:
    """Tell who asked how a step ended."""
    code = os.waitstatus_to_exitcode(os.waitpid(step.process, 0)[1])
    if step.asked_by:
        with step.asked_by, contextlib.suppress(OSError):
            step.asked_by.sendall(SIZE.pack(code if code >= 0 else 128 - code))
    os.close(number)


def _forked(
    connection: socket.socket,
    door: socket.socket,
    steps: Mapping[int, ForkedStep],
    command: Command,
) -> int:
    """Fork the step that is asked for at a connection; return its process, 0 where who asked is
    gone already."""
    head, files, _, _ = socket.recv_fds(connection, SIZE.size, 3)
    with connection.makefile("rb") as content:
        said = content.read(SIZE.unpack(head)[0]) if len(head) == SIZE.size else b""
    if not said or len(said) < SIZE.unpack(head)[0]:
        connection.close()
        return 0
    process = os.fork()
    if process:
        for file in files:
            os.close(file)
        with contextlib.suppress(OSError):
            connection.sendall(BEGUN)
        return process
    code = 1
    try:
        for number, other in steps.items():
            os.close(number)
            if other.asked_by:
                other.asked_by.close()
        door.close()
        connection.close()
        code = _step(json.loads(said), files, command)
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _step(asked: dict[str, Any], files: Sequence[int], command: Command) -> int:
    """Become what is asked for: its open files, environment, folder and words."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    time.tzset()
    tempfile.tempdir = None  # found anew from this environment
    return command(asked["words"])
