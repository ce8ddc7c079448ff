"""Raw files: which files a path means, in natural order, and their sha256."""

from __future__ import annotations

import csv
import functools
import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.errors import BadInput
from ssbchar.storage import hdf5, reading, spreadsheet

if TYPE_CHECKING:
    import pandas as pd


HASH_BLOCK_BYTES = 2**22
"""Data hashed at once [byte]: small beside the memory of a step, and large enough that a thread
beside the hashing seldom waits for the interpreter."""

EXPERIMENT_MARK = "acqus"
"""File that a folder with one experiment of a spectrometer holds."""
REMAKE = "remove it and run again: it is made anew"
"""Remedy of a damaged file that a step wrote."""


def expand_path(path: str) -> str:
    """Return a path with ``$NAME`` and ``${NAME:-default}`` replaced from the environment."""
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: os.environ.get(m[1]) or m[2], path)
    return os.path.expandvars(filled)


def natural_sort_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``2.xye`` before ``10.xye``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", path.as_posix())
    ]


def find_files(source: Path | str, suffixes: Sequence[str] = ()) -> list[Path]:
    """Return the files that a path means, in natural order: one file, a folder's files, or a glob.

    Parameters
    ----------
    source : path
        A file, a folder (searched to any depth, hidden files left out) or a glob pattern; one that
        means no file but folders of one experiment each (`EXPERIMENT_MARK`) stands for the files in
        them. A FIFO, socket, device, or link to nothing is among them: whoever opens it is told
        (`reading.check_file`).
    suffixes : sequence of str
        If given, only files whose name ends so (``.xye``), in any case.

    Returns
    -------
    list of Path

    Raises
    ------
    BadInput
        No such file.
    """
    source = Path(source)
    if os.path.isfile(source):
        return [source]
    if os.path.exists(source) and not os.path.isdir(source):
        reading.check_file(source)
    found = _list_folder(source) if os.path.isdir(source) else _list_glob(source)
    if suffixes:
        wanted = tuple(suffix.lower() for suffix in suffixes)
        found = [path for path in found if path.name.lower().endswith(wanted)]
    if not found:
        problem = f"no file ending in {', '.join(suffixes)}" if suffixes else "no file"
        raise BadInput(source, problem, "check the path in the sample sheet")
    return sorted(found, key=natural_sort_key)


def holds_files(source: Path | str) -> bool:
    """Return whether a path means any file (`find_files`), looking no further than the first.

    Parameters
    ----------
    source : path
        A file, a folder or a glob pattern.
    """
    source = Path(source)
    # os.path says False for a name that no file system can hold, where Path raises.
    if os.path.isdir(source):
        return next(_walk_folder(source), None) is not None
    if os.path.isfile(source):
        return True
    found = glob.glob(str(source), recursive=True)
    if any(not os.path.isdir(path) for path in found):
        return True
    return any(os.path.isfile(os.path.join(path, EXPERIMENT_MARK)) for path in found)


def _list_folder(folder: Path) -> list[Path]:
    return list(_walk_folder(folder))


def _walk_folder(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder to any depth, hidden ones left out."""
    for root, _, names in os.walk(folder):
        if any(part.startswith(".") for part in Path(root).relative_to(folder).parts):
            continue
        yield from (Path(root) / name for name in names if not name.startswith("."))


def _list_glob(pattern: Path) -> list[Path]:
    found = list(map(Path, glob.glob(str(pattern), recursive=True)))
    files = [path for path in found if not path.is_dir()]
    if files:
        return files
    experiments = [folder for folder in found if (folder / EXPERIMENT_MARK).is_file()]
    return list({path: None for folder in experiments for path in _walk_folder(folder)})


def read_rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a small table (CSV) that a step wrote, as text by column.

    Raises
    ------
    BadInput
        It is no table: a row has other cells than the header, or it is no text.
    """
    try:
        with open(table, encoding="utf-8", newline="") as handle:
            header, *rows = list(csv.reader(handle, strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(table, f"is no table ({error})", REMAKE) from None
    names = list(map(spreadsheet.unescape_cell, header))
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            problem = f"{len(row)} cells for {len(names)} columns"
            raise BadInput(f"{table}:{line}", problem, REMAKE)
    return [dict(zip(names, map(spreadsheet.unescape_cell, row), strict=True)) for row in rows]


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(HASH_BLOCK_BYTES))
    try:
        with open(path, "rb", buffering=0) as handle:
            while size := handle.readinto(buffer):
                digest.update(buffer[:size])
    except OSError as error:
        # An error while reading, unlike one while opening, does not name the file.
        error.filename = error.filename or os.fspath(path)
        raise
    return digest.hexdigest()


def hash_files(source: Path) -> tuple[int, str]:
    """Return the number of files a path means, and one sha256 over their names and contents; none
    and nothing where there is no file."""
    try:
        paths = list(filter(reading.is_regular, find_files(source)))
    except BadInput:
        paths = []
    if not paths:
        return 0, ""
    if paths == [Path(source)]:
        return 1, hash_file(paths[0])
    root = Path(source) if Path(source).is_dir() else Path(os.path.commonpath(paths))
    return len(paths), join_hashes(root, {path: hash_file(path) for path in paths})


def join_hashes(root: Path, digests: Mapping[Path, str]) -> str:
    """Return one sha256 over the names, relative to a folder, and the sha256 of files."""
    lines = [f"{os.path.relpath(path, root)} {digest}\n" for path, digest in digests.items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stamp_files(source: Path | str) -> str:
    """Return a quick digest of names, sizes and modification times, which changes with the data;
    empty where there is no file."""
    digest = hashlib.sha256()
    try:
        paths = find_files(source)
    except BadInput:
        return ""
    for path in add_linked_files(paths):
        info = path.stat() if path.exists() else path.lstat()
        digest.update(f"{path}|{info.st_size}|{info.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def add_linked_files(paths: Iterable[Path]) -> list[Path]:
    """Return files, and after them those that HDF5 files among them lead to; each once.

    What a file leads to is not known where it cannot be read: whoever reads it is told.
    """
    listed = dict.fromkeys(paths)
    for path in list(listed):
        if path.suffix.lower() in hdf5.SUFFIXES and reading.is_regular(path):
            info = path.stat()
            for linked in _find_linked(path, info.st_size, info.st_mtime_ns):
                listed.setdefault(linked)
    return list(listed)


@functools.cache
def _find_linked(path: Path, size: int, time: int) -> tuple[Path, ...]:
    """Return what an HDF5 file of that size and time leads to."""
    try:
        with reading.guard_reading(path, by_parts=True):
            return tuple(hdf5.find_linked_files(path).files)
    except BadInput:
        return ()


def list_raw_files(source: list[Path], log: list[Path]) -> pd.DataFrame:
    """Return a table of the raw files of a measurement and its log, one row per file; files that
    HDF5 files lead to are among them.

    Parameters
    ----------
    source, log : list of Path
        Paths as in the sample sheet: files, folders or globs.

    Returns
    -------
    DataFrame
        Columns ``path``, ``bytes`` (size of the file [byte]) and ``sha256``.
    """
    import pandas as pd

    found = [path for given in [*source, *log] for path in find_files(given)]
    paths = add_linked_files(filter(reading.is_regular, found))
    rows = [(path.as_posix(), path.stat().st_size, hash_file(path)) for path in paths]
    return pd.DataFrame(rows, columns=["path", "bytes", "sha256"])
