"""HDF5 files as raw data: which other files they lead to, checked before anything is read.

A file may lead to others by external links, by virtual datasets and by raw storage outside of it.
The first two are how detectors write, and are followed to regular files, which the manifest lists.
The third lets a file present any file of the machine as its numbers: it is refused.
"""

from __future__ import annotations

import contextlib
import os
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import LONGEST_MESSAGE, BadInput
from ssbchar.storage import atomic_write, probe, reading
from ssbchar.storage.options import ReadingLimits

SUFFIXES = (".h5", ".hdf5", ".nxs", ".nx5", ".hdf")
"""Suffixes of files taken as HDF5."""
READ_WHOLE = 4e6
"""Arrays below this size are looked at as a whole [byte]."""
IN_SAME_FILE = "."
"""Name by which a virtual dataset leads to the file it is in."""


@dataclass(kw_only=True)
class LinkedFiles:
    """What an HDF5 file leads to; filled link by link."""

    files: list[Path] = field(default_factory=list)
    """Regular files, each once, in the order of the links."""
    missing: dict[str, str] = field(default_factory=dict)
    """Files that are not there, by the place of their link or virtual dataset in the first
    file."""


@contextmanager
def open_checked(path: Path, limits: ReadingLimits | None = None) -> Iterator[Any]:
    """Open an HDF5 file for reading once all it leads to is checked (`find_linked_files`).

    Raises
    ------
    BadInput
        The file is damaged: an exception of the library, here or in the block.
    """
    import h5py

    try:
        find_linked_files(path, limits)
        with h5py.File(path, "r") as file:
            yield file
    except BadInput:
        raise
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        if not _comes_from_library(error):
            raise
        problem = f"no readable HDF5 file ({str(error)[:LONGEST_MESSAGE]})"
        raise BadInput(path, problem, "copy it again from the beamline") from error


def _comes_from_library(error: Exception) -> bool:
    """Return whether an exception came of a call of h5py: its classes are those of any program."""
    passed = [Path(frame.filename).parts for frame in traceback.extract_tb(error.__traceback__)]
    own = max((i for i, parts in enumerate(passed) if "ssbchar" in parts), default=-1)
    return isinstance(error, OSError) or any("h5py" in parts for parts in passed[own + 1 :])


def find_linked_files(path: Path, limits: ReadingLimits | None = None) -> LinkedFiles:
    """Return the files that an HDF5 file leads to, and those that these lead to.

    Parameters
    ----------
    path : Path
    limits : ReadingLimits, optional
        ``depth``: of groups, and of files that lead to files.

    Raises
    ------
    BadInput
        An array is stored outside of HDF5, a link leads to a FIFO or device, or groups or files are
        nested too deep.
    OSError
        A file is no HDF5.
    """
    limits = limits or ReadingLimits()
    probe.probe_file(path, _open_everything, limits)
    found = LinkedFiles()
    _collect_links(path, found, limits, ancestors=())
    return found


def _open_everything(path: Path, limits: ReadingLimits) -> None:
    """Read what may crash the library: all attributes and small arrays, the beginning of large
    ones, of a file and of those it leads to."""
    import h5py

    def visit(_: str, item: Any) -> None:
        """Read one object; an exception is no crash."""
        with contextlib.suppress(Exception):
            dict(item.attrs)
            if isinstance(item, h5py.Dataset) and item.size:
                whole = item.size * item.dtype.itemsize < READ_WHOLE or not item.shape
                np.asarray(item[()] if whole else item[:1])

    found = LinkedFiles()
    _collect_links(path, found, limits, ancestors=())
    for one in (path, *found.files):
        with h5py.File(one, "r") as file:
            dict(file.attrs)
            file.visititems(visit)


def _collect_links(
    path: Path, found: LinkedFiles, limits: ReadingLimits, *, ancestors: tuple[Path, ...]
) -> None:
    """Add what one file leads to."""
    import h5py

    if len(ancestors) >= limits.depth:
        chain = f"{len(ancestors)} files lead to one another"
        raise reading.make_limit_fault(ancestors[0], chain, limits, "depth")
    with h5py.File(path, "r") as file:
        targets = [*_list_links(path, file, limits), *_list_array_sources(path, file)]
    for place, name in targets:
        target = _resolve(path, name)
        if target is None:
            if not ancestors:
                found.missing[place] = name
            continue
        reading.check_file(target)
        real = Path(os.path.realpath(target))
        if target in found.files or real in {Path(os.path.realpath(p)) for p in (path, *ancestors)}:
            continue
        found.files.append(target)
        _collect_links(target, found, limits, ancestors=(*ancestors, path))


def _list_links(path: Path, file: Any, limits: ReadingLimits) -> list[tuple[str, str]]:
    """Return places and files of all external links."""
    import h5py

    links: list[tuple[str, str]] = []

    def visit(name: bytes, info: Any) -> str | None:
        """Note an external link; return, and so end the visit, at a place too deep."""
        text = name.decode("utf-8", "replace")
        if text.count("/") >= limits.depth:
            return text
        if info.type == h5py.h5l.TYPE_EXTERNAL:
            target, _ = file.id.links.get_val(name)
            links.append((text, os.fsdecode(target)))
        return None

    # The library follows no link while it visits, and cannot pass an exception on.
    deep = file.id.links.visit(visit, info=True)
    if deep is not None:
        problem = f"groups are nested {deep.count('/') + 1} deep"
        raise reading.make_limit_fault(f"{path}:{deep[:60]}", problem, limits, "depth")
    return sorted(links)


def _list_array_sources(path: Path, file: Any) -> list[tuple[str, str]]:
    """Return places and files of all virtual datasets."""
    import h5py

    sources: list[tuple[str, str]] = []

    def visit(name: str, item: Any) -> None:
        """Note what an array is made of."""
        if not isinstance(item, h5py.Dataset):
            return
        plan = item.id.get_create_plist()
        if plan.get_external_count():
            outside = os.fsdecode(plan.get_external(0)[0])
            problem = f"its numbers are stored outside of HDF5, in '{outside}'"
            remedy = "save them in the file itself (h5repack), or leave it out"
            raise BadInput(f"{path}:/{name}", problem, remedy)
        if plan.get_layout() == h5py.h5d.VIRTUAL:
            names = {plan.get_virtual_filename(i) for i in range(plan.get_virtual_count())}
            sources.extend((name, one) for one in sorted(names - {IN_SAME_FILE}))

    file.visititems(visit)
    return sources


def _resolve(path: Path, name: str) -> Path | None:
    """Return the file that a name in an HDF5 file means, as the library looks for it; None if there
    is none."""
    given = Path(name)
    tried = [given] if given.is_absolute() else []
    tried += [path.parent / given, path.parent / given.name]
    if not given.is_absolute():
        tried.append(given)
    return next((one for one in tried if os.path.lexists(one)), None)


def check_array(path: Path, array: Any, limits: ReadingLimits) -> None:
    """Refuse an array that is far larger than what it is stored in.

    Parameters
    ----------
    path : Path
        The file, for messages.
    array : h5py.Dataset
    limits : ReadingLimits

    Raises
    ------
    BadInput
    """
    stored = array.id.get_storage_size()
    if array.is_virtual:
        with warnings.catch_warnings(action="ignore"):
            named = {source.file_name for source in array.virtual_sources()}
        own = Path(os.fsdecode(array.file.filename))
        files = {own if name == IN_SAME_FILE else _resolve(own, name) for name in named}
        stored = sum(os.path.getsize(one) for one in files if one is not None)
    reading.check_unpacked(
        f"{path}:{array.name}", array.size * array.dtype.itemsize, stored, limits
    )
