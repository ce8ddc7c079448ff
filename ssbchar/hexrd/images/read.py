"""Detector images as they were written: TIFF, CBF, EDF and others through fabio, HDF5 and Eiger
masters through h5py.

Nothing is corrected here. An image that cannot be read comes out as a `BadInput` in its place in
the series.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write, raw_files

HDF5 = (".h5", ".hdf5", ".nxs", ".nx5", ".hdf")
SUFFIXES = (
    ".tif",
    ".tiff",
    ".cbf",
    ".edf",
    ".img",
    ".mccd",
    ".mar3450",
    ".ge2",
    ".ge3",
    ".ge5",
    *HDF5,
)
"""Names of files taken as images when a folder is given."""
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    EOFError,
    AssertionError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What fabio and h5py were seen or are documented to raise on damaged files; they have no common
class."""


@dataclass(frozen=True)
class Image:
    """One frame as read: counts, and whatever the file says about it."""

    source: str
    """File name, with ``#number`` where a file holds several frames."""
    counts: NDArray[Any]
    """Shape (row, column), in the file's own type."""
    header: dict[str, str] = field(default_factory=dict)
    """Everything the file says, keys in lower case."""


def find_image_files(source: Path) -> list[Path]:
    """Return the image files of a source; data files that an Eiger master links to are left to the
    master.

    Raises
    ------
    BadInput
        No image is there.
    """
    given = Path(source)
    found = (
        raw_files.find_files(given) if not given.is_dir() else raw_files.find_files(given, SUFFIXES)
    )
    masters = {
        p.as_posix().removesuffix("_master.h5") for p in found if p.name.endswith("_master.h5")
    }
    return [p for p in found if re.sub(r"_data_\d+\.h5$", "", p.as_posix()) not in masters]


def read_images(path: Path) -> Iterator[Image | BadInput]:
    """Yield every frame of one file in order, or the one fault that ends it.

    Parameters
    ----------
    path : Path
        A file of `image_files`.
    """
    yield from _hdf5_images(path) if path.suffix.lower() in HDF5 else _fabio_images(path)


def _fabio_images(path: Path) -> Iterator[Image | BadInput]:
    import fabio

    logging.getLogger("fabio").setLevel(logging.CRITICAL)
    size = path.stat().st_size
    if size == 0:
        yield BadInput(path, "the file is empty", "copy it again from the beamline")
        return
    if _missing_bytes(path, size):
        yield BadInput(
            path, f"the file is cut short ({size} bytes)", "copy it again or leave it out"
        )
        return
    try:
        with warnings.catch_warnings(action="ignore"):
            opened = fabio.open(str(path))
        with opened as file:
            count = file.nframes
            extra = {**_tiff_header(path), **_sidecar(path)}
            for n in range(count):
                frame = file if count == 1 else file.getframe(n)
                said = {str(k).lower(): str(v) for k, v in frame.header.items()}
                name = path.name if count == 1 else f"{path.name}#{n + 1}"
                counts = np.asarray(frame.data)
                if counts.ndim != 2 or counts.size == 0:
                    yield BadInput(
                        path,
                        "holds no image (damaged or cut short)",
                        "copy it again or leave it out",
                    )
                else:
                    yield Image(name, counts, {**extra, **said})
    except UNREADABLE as error:
        atomic_write.raise_machine_fault(error)
        yield BadInput(
            path, f"not a readable image ({_first_line(error)})", "copy it again or leave it out"
        )


def _missing_bytes(path: Path, size: int) -> bool:
    """Return whether a file ends before the data its header announces.

    fabio fills a short EDF or TIFF with zeros without a word, and searches a short CBF for ever.
    """
    kind = path.suffix.lower()
    if kind == ".cbf":
        with open(path, "rb") as handle:
            start = handle.read(65536)
        stated, begins = (
            re.search(rb"X-Binary-Size:\s*(\d+)", start),
            start.find(b"\x0c\x1a\x04\xd5"),
        )
        return stated is None or begins < 0 or begins + 4 + int(stated[1]) > size
    if kind == ".edf":
        return _edf_end(path, size) > size
    if kind in (".tif", ".tiff"):
        tags = _tiff_tags(path)
        strips = zip(np.ravel(tags.get(273, ())), np.ravel(tags.get(279, ())), strict=False)
        return any(int(start) + int(length) > size for start, length in strips)
    return False


def _edf_end(path: Path, size: int) -> int:
    """Return where the last frame of an EDF ends by its headers (one byte beyond `size` where a
    header is cut)."""
    at = 0
    with open(path, "rb") as handle:
        while at < size:
            handle.seek(at)
            text = handle.read(65536)
            close = text.find(b"}\n")
            stated = re.search(rb"\b(?:EDF_BinarySize|Size)\s*=\s*(\d+)", text[: max(close, 0)])
            if close < 0:
                return size + 1
            if stated is None:
                return at
            at += close + 2 + int(stated[1])
    return at


def _tiff_tags(path: Path) -> dict[int, Any]:
    """Return the tags of a TIFF, none where it is something else or unreadable."""
    from PIL import Image as Pillow

    if path.suffix.lower() not in (".tif", ".tiff"):
        return {}
    try:
        with warnings.catch_warnings(action="ignore"), Pillow.open(path) as file:
            return dict(getattr(file, "tag_v2", {}))
    except UNREADABLE:
        return {}


def _tiff_header(path: Path) -> dict[str, str]:
    """Return date and description of a TIFF, which fabio leaves out for some detectors, and pairs
    in the latter."""
    tags = _tiff_tags(path)
    said = {
        name: str(tags[tag]).strip("\x00")
        for tag, name in ((306, "date"), (270, "imagedescription"))
        if tag in tags
    }
    pairs = (part.partition(": ") for part in said.get("imagedescription", "").split("; "))
    return {
        **said,
        **{k.strip().lower(): v.strip() for k, mark, v in pairs if mark and len(k) < 40},
    }


def _sidecar(path: Path) -> dict[str, str]:
    """Return the ``key=value`` lines of a file named as the image plus ``.metadata`` (QXRD writes
    them)."""
    beside = path.with_name(path.name + ".metadata")
    if not beside.is_file():
        return {}
    lines = beside.read_text(encoding="utf-8", errors="replace").splitlines()
    return {
        k.strip().lower(): v.strip().strip('"')
        for k, mark, v in (line.partition("=") for line in lines)
        if mark
    }


def _hdf5_images(path: Path) -> Iterator[Image | BadInput]:
    import h5py

    try:
        import hdf5plugin  # noqa: F401  (teaches h5py the detectors' compressions)
    except ImportError:
        pass
    number = 0
    try:
        with h5py.File(path, "r") as file:
            header = _hdf5_header(file)
            for stack in _stacks(file):
                for plane in stack[None] if stack.ndim == 2 else stack:
                    number += 1
                    yield Image(
                        f"{path.name}#{number}",
                        np.asarray(plane),
                        {**header, "frame_in_file": str(number)},
                    )
    except UNREADABLE as error:
        atomic_write.raise_machine_fault(error)
        where = path if number == 0 else f"{path}#{number + 1}"
        yield BadInput(
            where,
            f"not readable ({_first_line(error)})",
            "copy the file and those it links to again",
        )
        return
    if number == 0:
        yield BadInput(
            path, "holds no image", "images are the 2D or 3D arrays under /entry/data or of NXdata"
        )


def _stacks(file: Any) -> list[Any]:
    """Return the image arrays of an HDF5 file: those under ``/entry/data`` in order, else the
    largest one."""
    import h5py

    group = file.get("entry/data")
    if isinstance(group, h5py.Group):
        names = sorted(name for name in group if re.fullmatch(r"data(_\d+)?", name))
        inside = [group[name] for name in names]
        if inside:
            return inside
    found: list[Any] = []
    file.visititems(
        lambda _, item: (
            found.append(item) if isinstance(item, h5py.Dataset) and item.ndim in (2, 3) else None
        )
    )
    return sorted(found, key=lambda item: -item.size)[:1]


def _hdf5_header(file: Any) -> dict[str, str]:
    """Return the scalars under the entry's instrument and sample, by their last name."""
    import h5py

    said: dict[str, str] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.size == 1:
            value = np.asarray(item[()]).reshape(-1)[0]
            said[name.rsplit("/", 1)[-1].lower()] = (
                value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            )

    for attribute, value in file.attrs.items():
        said[str(attribute).lower()] = str(value)
    file.visititems(note)
    return said


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]
