"""Steps forked from one process that has the libraries loaded: a step then starts in a hundredth of
the time that loading them takes.

``ssbchar run`` keeps such a process beside a workflow on this machine (`running`); ``ssbchar step``
finds it by the environment and passes its words, environment, folder and open files on to it
(`submit`); an exit code comes back. Killing either of the two ends the other. Where there is no
such process (jobs of a cluster, Snakemake by itself, other systems than Linux) a step runs where it
was called, and its output is the same.
"""

from __future__ import annotations

import contextlib
import functools
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssbchar.runtime.forking import forks_safely
from ssbchar.storage import temporary

SOCKET_VARIABLE = "SSBCHAR_PRELOAD"
"""Environment variable: where the process's socket is, and which Python (``sys.prefix``) it
runs."""
LIBRARIES = (
    "ssbchar.pipeline.step",
    "xarray",
    "h5netcdf",
    "scipy.signal",
    "ssbchar.pipeline.compiler_ready",
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
SIZE = struct.Struct("!q")
"""How lengths and exit codes are sent."""
BEGUN = b"+"
"""Sent when the fork exists."""
Command = Callable[[Sequence[str]], int]
"""The command line: takes its words, returns its exit code."""
KILLED = 137
"""Exit code of a process that was killed, as a shell gives it."""


@functools.cache
def is_supported() -> bool:
    """Return whether this system has safe forks, descriptors of processes, and sockets that pass
    files on."""
    if not (forks_safely() and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")):
        return False
    try:
        # Python knows the call; a kernel before 5.3, or a container that forbids it, does not.
        own = os.pidfd_open(os.getpid())
    except OSError:
        return False
    os.close(own)
    return True


@contextmanager
def running(wanted: bool = True) -> Iterator[dict[str, str]]:
    """Run the server while the block lasts; give the environment in which steps find it."""
    import subprocess

    if not (wanted and is_supported()):
        yield dict(os.environ)
        return
    with temporary.make_folder() as folder:
        place = os.path.join(folder, "socket")
        command = [sys.executable, "-m", "ssbchar", "preload", place]
        environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        # The pipe to its standard input closes with this process, however it ends.
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
            try:
                yield {**os.environ, SOCKET_VARIABLE: place + os.pathsep + sys.prefix}
            finally:
                if process.stdin:
                    process.stdin.close()


def submit(words: Sequence[str]) -> int | None:
    """Run ``ssbchar`` with these words in a fork of the server; return its exit code, or None if
    there is no server."""
    place, _, prefix = os.environ.get(SOCKET_VARIABLE, "").partition(os.pathsep)
    if not place or prefix != sys.prefix or not is_supported():
        return None
    environment = {k: v for k, v in os.environ.items() if k != SOCKET_VARIABLE}
    request = json.dumps(
        {"words": list(words), "environment": environment, "folder": os.getcwd()}
    ).encode()
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(place)
            socket.send_fds(connection, [SIZE.pack(len(request))], [0, 1, 2])
            connection.sendall(request)
            begun = connection.recv(len(BEGUN))
        except OSError:
            begun = b""
        if not begun:
            return None
        # An interrupt ends this process, and the fork with it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(SIZE.size)
    return SIZE.unpack(answer)[0] if answer else KILLED


@dataclass(kw_only=True)
class ForkedStep:
    """A fork at work; its client is cleared when it goes."""

    process: int
    client: socket.socket | None
    """Who waits for the step; None once gone."""


@dataclass(kw_only=True)
class Server:
    """The state of the server; filled as steps come and go."""

    door: socket.socket
    """Where clients connect."""
    command: Command
    steps: dict[int, ForkedStep] = field(default_factory=dict)
    """Steps at work, by the descriptor of their process."""
    libraries: list[str] = field(default_factory=lambda: list(LIBRARIES))
    """Libraries not loaded yet."""
    is_open: bool = True
    """New steps are accepted; ends with standard input."""

    def run(self) -> None:
        """Serve until standard input has ended and the last step is done."""
        while self.is_open or self.steps:
            listening: list[Any] = [self.door, sys.stdin] if self.is_open else []
            clients = {step.client: number for number, step in self.steps.items() if step.client}
            is_idle = bool(self.libraries and self.is_open)
            watched = [*listening, *clients, *self.steps]
            ready, _, _ = select.select(watched, [], [], 0 if is_idle else None)
            if not ready:
                _load_library(self.libraries.pop(0))
            for one in ready:
                if one is sys.stdin:
                    self.is_open = False
                    self.door.close()
                elif one is self.door:
                    self.accept()
                elif one in clients:
                    self.end_abandoned(clients[one])
            for number in [n for n in ready if n in self.steps]:
                self.report_end(number)

    def accept(self) -> None:
        """Fork the step of a new client."""
        if not self.is_open:
            return
        client = self.door.accept()[0]
        process = _fork_step(client, self)
        if process:
            self.steps[os.pidfd_open(process)] = ForkedStep(process=process, client=client)

    def end_abandoned(self, number: int) -> None:
        """End a step whose client is gone: a client says nothing more, so it is ready only then."""
        signal.pidfd_send_signal(number, signal.SIGTERM)
        step = self.steps[number]
        if step.client:
            step.client.close()
        step.client = None

    def report_end(self, number: int) -> None:
        """Send the exit code of a step to its client."""
        step = self.steps.pop(number)
        code = os.waitstatus_to_exitcode(os.waitpid(step.process, 0)[1])
        if step.client:
            # A shell gives a process that a signal ended 128 and the signal's number.
            with step.client, contextlib.suppress(OSError):
                step.client.sendall(SIZE.pack(code if code >= 0 else 128 - code))
        os.close(number)

    def close_all(self) -> None:
        """Close, in a fork, what belongs to the server and to other steps."""
        for number, step in self.steps.items():
            os.close(number)
            if step.client:
                step.client.close()
        self.door.close()


def serve(place: Path, command: Command) -> int:
    """Fork a step for each client at a socket until standard input ends; load libraries while
    nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.fspath(place))
        door.listen(128)
        Server(door=door, command=command).run()
    return 0


def _load_library(library: str) -> None:
    """Import a library, if it is there; let forks share its memory."""
    with contextlib.suppress(ImportError):
        importlib.import_module(library)
    gc.freeze()


def _read_request(client: socket.socket) -> tuple[bytes, list[int]]:
    """Return what a client asks for and its open files; no content if it is gone already."""
    head, files, _, _ = socket.recv_fds(client, SIZE.size, 3)
    if len(head) < SIZE.size:
        return b"", files
    size = SIZE.unpack(head)[0]
    with client.makefile("rb") as stream:
        content = stream.read(size)
    return (content if len(content) == size else b""), files


def _fork_step(client: socket.socket, server: Server) -> int:
    """Fork the step that a client asks for; return its process, 0 if the client is gone already."""
    content, files = _read_request(client)
    if not content:
        client.close()
        return 0
    process = os.fork()
    if process:
        for file in files:
            os.close(file)
        with contextlib.suppress(OSError):
            client.sendall(BEGUN)
        return process
    code = 1
    try:
        server.close_all()
        client.close()
        code = _become_step(json.loads(content), files, server.command)
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        # The fork must not go on as a second server, whatever ends the step.
        traceback.print_exc()
    finally:
        os._exit(code)


def _become_step(request: Mapping[str, Any], files: Sequence[int], command: Command) -> int:
    """Take the open files, environment and folder of the client, and run its words."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    tempfile.tempdir = None  # found anew from this environment
    return command(request["words"])
