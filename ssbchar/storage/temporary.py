"""Temporary folders that do not outlive a kill: the next start removes those whose owner is gone.

An owner holds a lock on a file in its folder, which the system releases when the process ends,
however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "ssbchar-"
LOCK = ".in_use"
"""File whose lock says that the folder is in use."""


@contextmanager
def make_folder() -> Iterator[Path]:
    """Give a new temporary folder; it is removed when the block ends."""
    remove_left_folders()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        # Under its name the lock file is locked from the first moment.
        with open(folder / f"{LOCK}.new", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.rename(lock.name, folder / LOCK)
            yield folder


def remove_left_folders() -> list[Path]:
    """Remove the temporary folders that killed processes of this user left; return them."""
    removed = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        # One that is just being made has no lock file yet: it is left alone.
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with open(folder / LOCK, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed.append(folder)
    return removed
