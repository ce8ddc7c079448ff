"""Files and folders that are whole or not there at all, whatever kills the writer; what to say when
a disk fails."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REMEDIES = {
    errno.ENOSPC: "free space there",
    errno.EDQUOT: "free space within the quota",
    errno.EROFS: "write somewhere else, or have the file system mounted for writing",
    errno.EACCES: "give the user of this run the right to it",
    errno.EPERM: "give the user of this run the right to it",
    errno.EIO: "the disk or the network file system cannot be read: mend it, or copy the data elsewhere",
    errno.ESTALE: "the network file system went away: have it mounted again",
    errno.ENOTCONN: "the network file system went away: have it mounted again",
    errno.ETIMEDOUT: "the network file system does not answer: have it mounted again",
}
"""What mends a fault of the machine; these are no faults of the data, so nothing is set aside for
them."""


def find_machine_fault(error: BaseException | None) -> OSError | None:
    """Return the fault of the machine that an exception is, or that caused it; None where it is
    something else."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in REMEDIES:
            return error
        error = error.__cause__ or error.__context__
    return None


def raise_machine_fault(error: BaseException) -> None:
    """Raise the fault of the machine behind an error that is about to be told as wrong data, if
    there is one."""
    machine = find_machine_fault(error)
    if machine is not None:
        raise machine


def describe_machine_fault(error: OSError) -> str:
    """Return one line: which file, what the system said, what to do."""
    code = error.errno or 0
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{os.strerror(code)}; {REMEDIES.get(code, 'mend it')}, then run again: finished steps are kept"


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path`, synced, once the block ends well.

    A file or a folder. What a killed writer of the same output left behind is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{_escaped(path.name)}.*.part"):
        _remove(left)
    part = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}.part")
    try:
        yield part
        for written in sorted(part.rglob("*")) if part.is_dir() else [part]:
            _sync(written)
        if part.is_dir():
            _sync(part)
            _remove(path)
        os.replace(part, path)
        _sync(path.parent)
    except OSError as error:
        error.filename = error.filename or os.fspath(path)
        raise
    finally:
        _remove(part)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
