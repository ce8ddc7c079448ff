"""Files and folders that are written whole or not at all, and messages for a failing disk."""

from __future__ import annotations

import errno
import io
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NO_RIGHT = "give the user of this run permission"
_GONE = "the network file system went away: have it mounted again"
_TOO_MANY = "let this user open more files at once (ulimit -n)"
_NO_MEMORY = "use fewer cores (--cores), or a machine with more memory"
REMEDIES = {
    errno.ENOSPC: "free space there",
    errno.EDQUOT: "free space within the quota",
    errno.EROFS: "write somewhere else, or have the file system mounted for writing",
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EIO: (
        "the disk or the network file system cannot be read: repair it, or copy the data elsewhere"
    ),
    errno.ESTALE: _GONE,
    errno.ENOTCONN: _GONE,
    errno.EMFILE: _TOO_MANY,
    errno.ENFILE: _TOO_MANY,
    errno.ENOMEM: _NO_MEMORY,
    errno.ETIMEDOUT: "the network file system does not answer: have it mounted again",
}
"""Remedy of each fault of the machine. These are no faults of the data: no measurement is set aside
for them."""

MachineFault = OSError | MemoryError | BrokenExecutor
"""A fault of the machine."""


def find_machine_fault(error: BaseException | None) -> MachineFault | None:
    """Return the fault of the machine that an exception is or was caused by; None for any other.

    These are the errors of `REMEDIES`, memory that is used up, and a process of a step that was
    killed.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in REMEDIES:
            return error
        if isinstance(error, MemoryError | BrokenExecutor):
            return error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)
    return None


def raise_machine_fault(error: BaseException) -> None:
    """Raise the fault of the machine behind an error, if there is one, before the error is reported
    as a fault of the data."""
    machine = find_machine_fault(error)
    if machine is not None:
        raise machine


def describe_machine_fault(error: MachineFault) -> str:
    """Return one line: the file, the system's message, the remedy."""
    if isinstance(error, MemoryError | BrokenExecutor):
        memory = isinstance(error, MemoryError)
        what = "the memory is used up" if memory else "a process of the step was killed"
        return f"{what} ({error}); {_NO_MEMORY}, then run again: finished steps are kept"
    code = error.errno or 0
    where = f"{error.filename}: " if error.filename else ""
    remedy = REMEDIES.get(code, "repair it")
    return f"{where}{os.strerror(code)}; {remedy}, then run again: finished steps are kept"


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path`, synced, when the block ends well.

    The block makes a file or a folder of that name. What a killed writer of the same output left
    behind is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{_escape_glob(path.name)}.*.part"):
        _remove(left)
    # The name holds host and process: two machines may write to one network folder.
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


def _escape_glob(name: str) -> str:
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


class FaultKeepingFile(io.RawIOBase):
    """A file for the HDF5 library that keeps the first fault of a write instead of raising it.

    The library crashes its process if a write fails. After a fault, writes are ignored and
    `raise_fault` raises it.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)
        self._fault: OSError | None = None

    def raise_fault(self) -> None:
        """Raise the first fault, if there was one."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: Any) -> int:
        """Write everything, or keep the fault; return the number of bytes given."""
        view = memoryview(data).cast("B")
        size = len(view)
        try:
            while self._fault is None and view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._fault = error
        return size

    def readinto(self, data: Any) -> int:
        """Read as a file does."""
        return int(self._file.readinto(data) or 0)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position [byte]."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position [byte]."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file to a size [byte], or keep the fault."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._fault = self._fault or error
            return size or 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
