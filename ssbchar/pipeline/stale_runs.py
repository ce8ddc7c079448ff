"""What a killed run leaves behind: Snakemake's lock on the folder, and steps that still work in
it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = Path(".snakemake/ssbchar.pipeline.run")
"""File that exists while a run is at work, with the name of its machine."""
PROCESSES = Path("/proc")
SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def mark_run() -> Iterator[None]:
    """Mark this folder as worked in while the block lasts; a killed process leaves its mark."""
    if MARK.is_file() and find_processes("snakemake"):
        # Another run is at work here: the mark is its own.
        yield
        return
    MARK.parent.mkdir(parents=True, exist_ok=True)
    MARK.write_text(socket.gethostname(), encoding="utf-8")
    try:
        yield
    finally:
        MARK.unlink(missing_ok=True)


def was_killed() -> bool:
    """Return whether a run on this machine began here and did not end.

    It was killed if no process of it is left (`find_processes`). Where processes cannot be listed
    (no ``/proc``: not Linux) the answer is no.
    """
    can_list = (PROCESSES / "self").exists()
    return can_list and MARK.is_file() and MARK.read_text(encoding="utf-8") == socket.gethostname()


def find_processes(word: str) -> list[int]:
    """Return the processes in this folder with a program or argument of that name, in order of
    their number (Linux; elsewhere none)."""
    found = []
    for entry in PROCESSES.glob("[0-9]*"):
        try:
            is_here = os.path.samefile(entry / "cwd", ".")
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            # The process has ended, or belongs to another user.
            continue
        names = [given.rpartition(b"/")[2] for given in words]
        if is_here and word.encode() in names and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return sorted(found)


def wait_for_steps() -> Iterator[str]:
    """Wait until no step of a killed run works here any more; yield messages for the user."""
    if left := find_processes("step"):
        listed = ", ".join(map(str, left))
        yield (
            f"waiting for steps of the killed run to end (processes {listed}; "
            "kill them to wait no more)"
        )
    while find_processes("step"):
        time.sleep(SECONDS_BETWEEN_LOOKS)
