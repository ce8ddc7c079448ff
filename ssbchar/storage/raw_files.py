"""Raw files: which ones a path means, in natural order, and their sha256."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd


HASH_BLOCK_BYTES = 2**22
"""Bytes hashed at once: few enough for memory, enough that a thread beside it is seldom waited
for."""


def natural_sort_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``2.xye`` before ``10.xye``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", path.as_posix())
    ]


def find_files(source: Path | str, suffixes: Sequence[str] = ()) -> list[Path]:
    """Return the files meant by a path: a file, every file under a folder, or a glob, in natural
    order.

    Parameters
    ----------
    source : path
        A file, a folder (searched to any depth, hidden files left out) or a glob pattern.
    suffixes : sequence of str
        Where given, only files whose name ends so (``.xye``), in any case.

    Raises
    ------
    BadInput
        Nothing is there.
    """
    source = Path(source)
    if source.is_file():
        return [source]
    if source.is_dir():
        found = [
            Path(root) / name
            for root, folders, names in os.walk(source)
            for name in names
            if not name.startswith(".")
            and not any(p.startswith(".") for p in Path(root).relative_to(source).parts)
        ]
    else:
        found = [Path(p) for p in glob.glob(str(source), recursive=True) if Path(p).is_file()]
    wanted = tuple(s.lower() for s in suffixes)
    found = [p for p in found if not wanted or p.name.lower().endswith(wanted)]
    if not found:
        what = f"no file ending in {', '.join(suffixes)}" if suffixes else "no file"
        raise BadInput(source, what, "check the path in the sample sheet")
    return sorted(found, key=natural_sort_key)


def read_rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a small table (CSV) that a step wrote, as text."""
    with open(table, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, as hexadecimal."""
    try:
        with open(path, "rb", buffering=0) as handle:
            digest, buffer = hashlib.sha256(), memoryview(bytearray(HASH_BLOCK_BYTES))
            while size := handle.readinto(buffer):
                digest.update(buffer[:size])
            return digest.hexdigest()
    except OSError as error:  # a failing disk names no file
        error.filename = error.filename or os.fspath(path)
        raise


def hash_files(source: Path) -> tuple[int, str]:
    """Return how many files a path means, and one sha256 over their names and contents."""
    paths = find_files(source)
    if paths == [Path(source)]:
        return 1, hash_file(paths[0])
    root = Path(source) if Path(source).is_dir() else Path(os.path.commonpath(paths))
    lines = [f"{os.path.relpath(p, root)} {hash_file(p)}\n" for p in paths]
    return len(paths), hashlib.sha256("".join(lines).encode()).hexdigest()


def stamp_files(source: Path | str) -> str:
    """Return a quick digest of names, sizes and modification times, to see that raw data
    changed."""
    digest = hashlib.sha256()
    for path in find_files(source):
        info = path.stat()
        digest.update(f"{path}|{info.st_size}|{info.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def list_raw_files(source: list[Path], log: list[Path]) -> pd.DataFrame:
    """Return a table of every raw file of a measurement and its log: path, bytes, sha256."""
    import pandas as pd

    rows = [
        (p.as_posix(), p.stat().st_size, hash_file(p))
        for s in [*source, *log]
        for p in find_files(s)
    ]
    return pd.DataFrame(rows, columns=["path", "bytes", "sha256"])
