"""Detector images as stored: TIFF, CBF, EDF and others through fabio, compressed or not; arrays of
NumPy; HDF5 and Eiger masters (`hdf5_images`).

Nothing is corrected here. An image that cannot be read is returned as a `BadInput` in its place in
the series.
"""

from __future__ import annotations

import contextlib
import logging
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.hdf5_images import read_hdf5_images, read_pixel_mask
from ssbchar.hexrd.images.image import UNREADABLE, Image, check_pixels, get_first_line
from ssbchar.hexrd.images.options import ImageLimits
from ssbchar.storage import atomic_write, hdf5, raw_files, reading, temporary
from ssbchar.typing import Bool

HDF5 = hdf5.SUFFIXES
FLAT_FILES = (
    ".tif",
    ".tiff",
    ".cbf",
    ".edf",
    ".img",
    ".mccd",
    *(f".mar{size}" for size in (1200, 1600, 1800, 2000, 2300, 2400, 3000, 3450)),
    *(f".ge{panel}" for panel in ("", 1, 2, 3, 4, 5)),
    ".sfrm",
    ".npy",
)
"""Suffixes of images in files of their own."""
PACKED = (".gz", ".bz2")
"""Suffixes of compressed files."""
SUFFIXES = (*FLAT_FILES, *(f"{one}{packed}" for one in FLAT_FILES for packed in PACKED), *HDF5)
"""Suffixes of the files taken as images when a folder is given."""
COPY_OR_REMOVE = "copy it again or leave it out"
"""Remedy of a damaged file."""
CBF_SECTION = b"--CIF-BINARY-FORMAT-SECTION--"
"""Begins the header of the data of a CBF."""
CBF_START_OF_DATA = b"\x0c\x1a\x04\xd5"
"""Bytes that separate the header of a CBF from its data."""
HEADER_BYTES = 65536
"""Bytes read at once to find the end of a header."""


class TiffTag(IntEnum):
    """Tags of TIFF 6.0 that are read here."""

    IMAGE_WIDTH = 256
    IMAGE_LENGTH = 257
    IMAGE_DESCRIPTION = 270
    STRIP_OFFSETS = 273
    STRIP_BYTE_COUNTS = 279
    DATE_TIME = 306


def find_image_files(source: Path) -> list[Path]:
    """Return the image files of a source in order.

    Data files that an Eiger master links to are left out: they are read through the master.

    Parameters
    ----------
    source : Path
        A file or a folder.

    Returns
    -------
    list of Path
        In natural order of their names, that of the measurement.

    Raises
    ------
    BadInput
        There is no image.
    """
    source = Path(source)
    found = raw_files.find_files(source, SUFFIXES if source.is_dir() else ())
    masters = {
        path.as_posix().removesuffix("_master.h5")
        for path in found
        if path.name.endswith("_master.h5")
    }
    return [p for p in found if re.sub(r"_data_\d+\.h5$", "", p.as_posix()) not in masters]


def read_images(
    path: Path, limits: ImageLimits | None = None, dataset: str = ""
) -> Iterator[Image | BadInput]:
    """Yield the frames of one file in order, a fault in the place of frames that are missing, and
    last the fault that ends the file, if any.

    Parameters
    ----------
    path : Path
        One of `find_image_files`.
    limits : ImageLimits, optional
        What the file may ask for.
    dataset : str
        Of HDF5, the path of the array or a pattern; empty finds it.

    Yields
    ------
    Image or BadInput
        A frame [counts], or why no more can be read.
    """
    limits = limits or ImageLimits()
    is_hdf5 = path.suffix.lower() in HDF5
    frames = read_hdf5_images(path, limits, dataset) if is_hdf5 else _read_flat(path, limits)
    while True:
        frame: Image | BadInput | None
        try:
            # Frame by frame: what is done with them between is no reading.
            with reading.guard_reading(path, limits, by_parts=is_hdf5):
                frame = next(frames, None)
        except BadInput as fault:
            # What is raised, before the file is opened or while it is read, ends it.
            yield fault
            return
        if frame is None:
            return
        yield frame


def read_image_of_shape(path: Path, shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """Return the first image of a file, which must have a given shape.

    Parameters
    ----------
    path : Path
        The image file.
    shape : tuple of int
        Rows and columns it must have.
    what : str
        What the image is, for messages.

    Returns
    -------
    ndarray, shape (row, column)
        In the file's own type and unit.

    Raises
    ------
    BadInput
        No such file, not readable, or another shape.
    """
    if not path.is_file():
        raise BadInput(path, f"the {what} image does not exist", "correct its path")
    image = next(read_images(path))
    if isinstance(image, BadInput):
        raise image
    if image.counts.shape != shape:
        problem = f"the {what} has {image.counts.shape} pixels, the images {shape}"
        raise BadInput(path, problem, "give one of that shape")
    return image.counts


def read_own_masks(paths: Sequence[Path], shape: tuple[int, ...], limits: ImageLimits) -> Bool:
    """Return the pixels that masks inside HDF5 files of a series exclude.

    Parameters
    ----------
    paths : sequence of Path
        From `find_image_files`.
    shape : tuple of int
        Rows and columns of the images [pixel].
    limits : ImageLimits

    Returns
    -------
    ndarray of bool, shape (row, column)
        Masked in the first or in the last file; of a damaged one nothing is known here.
    """
    masked = np.zeros(shape, bool)
    for path in {paths[0], paths[-1]}:
        if path.suffix.lower() in HDF5:
            with contextlib.suppress(BadInput):
                own = read_pixel_mask(path, shape, limits)
                masked |= False if own is None else own
    return masked


def _read_flat(path: Path, limits: ImageLimits) -> Iterator[Image | BadInput]:
    """Yield the frames of a file of its own, unpacked where it is compressed."""
    if path.suffix.lower() in PACKED:
        yield from _read_packed(path, limits)
    elif path.suffix.lower() == ".npy":
        yield from _read_numpy(path, limits)
    else:
        yield from _read_with_fabio(path, limits)


def _read_packed(path: Path, limits: ImageLimits) -> Iterator[Image | BadInput]:
    """Yield the frames of a compressed file, under its own name."""
    content = reading.unpack_file(path, limits)
    with temporary.make_folder() as folder:
        inner = folder / path.stem
        inner.write_bytes(content)
        del content
        for found in _read_flat(inner, limits):
            if isinstance(found, BadInput):
                yield found.reword(path, found.problem, found.remedy)
            else:
                yield replace(found, source=path.name + found.source.removeprefix(inner.name))


def _read_numpy(path: Path, limits: ImageLimits) -> Iterator[Image | BadInput]:
    """Yield the frames of an array that NumPy saved, shape (row, column) or (frame, row,
    column)."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    # The header is a Python literal, which NumPy takes to pieces.
    except (*UNREADABLE, tokenize.TokenError, SyntaxError) as error:
        atomic_write.raise_machine_fault(error)
        problem = f"not a readable image ({get_first_line(error)})"
        yield BadInput(path, problem, COPY_OR_REMOVE)
        return
    if array.ndim not in (2, 3) or array.dtype.kind not in "iuf" or array.size == 0:
        shape = " x ".join(map(str, array.shape))
        problem = f"holds {array.dtype} of shape {shape or '()'}, no image"
        yield BadInput(path, problem, "save rows and columns, or frames, rows and columns")
        return
    check_pixels(path, array.shape[-2:], limits)
    if array.ndim == 2:
        yield Image(source=path.name, counts=np.array(array))
        return
    for number, counts in enumerate(array, 1):
        yield Image(source=f"{path.name}#{number}", counts=np.array(counts))


def _read_with_fabio(path: Path, limits: ImageLimits) -> Iterator[Image | BadInput]:
    import fabio

    # what fabio has to say of a damaged file is said by the fault
    logging.getLogger("fabio").setLevel(logging.CRITICAL)
    checksums = _watch_checksums()
    size = path.stat().st_size
    if size == 0:
        yield BadInput(path, "the file is empty", "copy it again from the beamline")
        return
    if _is_cut_short(path, size):
        yield BadInput(path, f"the file is cut short ({size} bytes)", COPY_OR_REMOVE)
        return
    if path.suffix.lower() == ".cbf" and not _has_cbf_section(path):
        yield BadInput(path, "its header is damaged: no mark of its data", COPY_OR_REMOVE)
        return
    check_pixels(path, _read_announced_shape(path), limits)
    try:
        with warnings.catch_warnings(action="ignore"):
            opened = fabio.open(str(path))
        with opened as file:
            beside = {**_read_tiff_header(path), **_read_sidecar(path)}
            check_pixels(path, file.shape, limits)
            for number in range(file.nframes):
                if checksums.failed:
                    yield BadInput(path, "its data do not match their checksum", COPY_OR_REMOVE)
                    return
                yield _read_fabio_frame(file, number, path, beside)
    except Exception as error:  # fabio raises what its formats' code happens to
        atomic_write.raise_machine_fault(error)
        problem = f"not a readable image ({get_first_line(error)})"
        yield BadInput(path, problem, COPY_OR_REMOVE)


class _ChecksumWatch(logging.Handler):
    """Hears from fabio that the data of a CBF do not match the checksum in its header."""

    failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Note a mismatch."""
        self.failed = self.failed or "hecksum" in record.getMessage()


def _watch_checksums() -> _ChecksumWatch:
    """Return what hears of wrong checksums from now on; fabio tells of them in its log alone."""
    log, watch = logging.getLogger("fabio.cbfimage"), _ChecksumWatch()
    log.setLevel(logging.ERROR)
    log.propagate = False
    log.handlers = [watch]
    return watch


def _read_fabio_frame(
    file: Any, number: int, path: Path, beside: Mapping[str, str]
) -> Image | BadInput:
    """Return one frame of an opened file; `beside` holds what fabio does not read of it."""
    single = file.nframes == 1
    frame = file if single else file.getframe(number)
    header = {str(key).lower(): str(value) for key, value in frame.header.items()}
    counts = np.asarray(frame.data)
    if counts.ndim != 2 or counts.size == 0:
        return BadInput(path, "holds no image (damaged or cut short)", COPY_OR_REMOVE)
    source = path.name if single else f"{path.name}#{number + 1}"
    return Image(source=source, counts=counts, header={**beside, **header})


def _is_cut_short(path: Path, size: int) -> bool:
    """Return whether a file ends before the data its header announces.

    fabio fills a short EDF or TIFF with zeros without a warning, and never stops searching a short
    CBF.
    """
    match path.suffix.lower():
        case ".cbf":
            return _find_end_of_cbf(path, size) > size
        case ".edf":
            return _find_end_of_edf(path, size) > size
        case ".tif" | ".tiff":
            return _find_end_of_tiff(path) > size
        case _:
            return False


def _read_announced_shape(path: Path) -> tuple[int, ...]:
    """Return the rows and columns [pixel] that a header announces; nothing where it is not read
    here."""
    match path.suffix.lower():
        case ".cbf":
            keys = (b"X-Binary-Size-Second-Dimension:", b"X-Binary-Size-Fastest-Dimension:")
        case ".edf":
            keys = (rb"\bDim_2\s*=", rb"\bDim_1\s*=")
        case ".img":
            keys = (rb"\bSIZE2\s*=", rb"\bSIZE1\s*=")
        case ".tif" | ".tiff":
            tags = _read_tiff_tags(path)
            sizes = (tags.get(TiffTag.IMAGE_LENGTH), tags.get(TiffTag.IMAGE_WIDTH))
            return tuple(int(size) for size in sizes if isinstance(size, int))
        case _:
            return ()
    with open(path, "rb") as handle:
        start = handle.read(HEADER_BYTES)
    found = [re.search(key + rb"\s*(\d+)", start) for key in keys]
    return tuple(int(one[1]) for one in found if one)


def _find_end_of_cbf(path: Path, size: int) -> int:
    """Return where the data of a CBF end by its header; one byte beyond `size` where the header is
    cut."""
    with open(path, "rb") as handle:
        start = handle.read(HEADER_BYTES)
    stated = re.search(rb"X-Binary-Size:\s*(\d+)", start)
    begin = start.find(CBF_START_OF_DATA)
    if stated is None or begin < 0:
        return size + 1
    return begin + len(CBF_START_OF_DATA) + int(stated[1])


def _has_cbf_section(path: Path) -> bool:
    """Return whether the data of a CBF begin behind the mark of their section: fabio searches there
    alone, and for ever."""
    with open(path, "rb") as handle:
        start = handle.read(HEADER_BYTES)
    return 0 <= start.find(CBF_SECTION) < start.find(CBF_START_OF_DATA)


def _find_end_of_edf(path: Path, size: int) -> int:
    """Return where the last frame of an EDF ends by its headers; one byte beyond `size` where a
    header is cut."""
    end = 0
    with open(path, "rb") as handle:
        while end < size:
            handle.seek(end)
            text = handle.read(HEADER_BYTES)
            close = text.find(b"}\n")
            if close < 0:
                return size + 1
            stated = re.search(rb"\b(?:EDF_BinarySize|Size)\s*=\s*(\d+)", text[:close])
            if stated is None:
                return end
            end += close + len(b"}\n") + int(stated[1])
    return end


def _find_end_of_tiff(path: Path) -> int:
    """Return where the last strip of a TIFF ends by its tags, 0 where it states none."""
    tags = _read_tiff_tags(path)
    offsets = np.ravel(tags.get(TiffTag.STRIP_OFFSETS, ()))
    lengths = np.ravel(tags.get(TiffTag.STRIP_BYTE_COUNTS, ()))
    ends = [int(offset) + int(length) for offset, length in zip(offsets, lengths, strict=False)]
    return max(ends, default=0)


def _read_tiff_tags(path: Path) -> dict[int, Any]:
    """Return the tags of a TIFF, none where it is something else or unreadable."""
    from PIL import Image as Pillow

    if path.suffix.lower() not in (".tif", ".tiff"):
        return {}
    # Only the header is read here, and images have a limit of their own.
    Pillow.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings(action="ignore"), Pillow.open(path) as file:
            return dict(getattr(file, "tag_v2", {}))
    except UNREADABLE:
        return {}


def _read_tiff_header(path: Path) -> dict[str, str]:
    """Return date and description of a TIFF, which fabio omits for some detectors, and the
    ``name: value`` pairs of the description."""
    tags = _read_tiff_tags(path)
    wanted = {"date": TiffTag.DATE_TIME, "imagedescription": TiffTag.IMAGE_DESCRIPTION}
    header = {name: str(tags[tag]).strip("\x00") for name, tag in wanted.items() if tag in tags}
    for part in header.get("imagedescription", "").split("; "):
        name, separator, value = part.partition(": ")
        # a longer name is a sentence with a colon in it
        if separator and len(name) < 40:
            header[name.strip().lower()] = value.strip()
    return header


def _read_sidecar(path: Path) -> dict[str, str]:
    """Return the ``key=value`` lines of the file ``<image>.metadata`` (QXRD writes them)."""
    sidecar = path.with_name(path.name + ".metadata")
    if not sidecar.is_file():
        return {}
    header = {}
    for line in sidecar.read_text(encoding="utf-8", errors="replace").splitlines():
        name, separator, value = line.partition("=")
        if separator:
            header[name.strip().lower()] = value.strip().strip('"')
    return header
