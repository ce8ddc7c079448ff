"""Images in HDF5 files: Eiger masters, NeXus, BLISS and others, through h5py.

Which arrays are images is seen from their shapes and places. Where a file holds several scans, an
option names the arrays: they are not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.image import UNREADABLE, Image, check_pixels, get_first_line
from ssbchar.storage import atomic_write, hdf5, reading
from ssbchar.storage.raw_files import natural_sort_key

if TYPE_CHECKING:
    from ssbchar.hexrd.images.options import ImageLimits
    from ssbchar.typing import Bool

FEWEST_ROWS = 16
"""Rows and columns of frames from which on a series of them goes before all other arrays: a table
of spectra may be larger."""
NO_IMAGES = re.compile(r"mask|flat|dark|gain|background|_bins?$|weights?$|efficiency")
"""Names of arrays that belong to a detector and are no measurement."""
MOST_NAMED = 6
"""Arrays that a message lists."""


def read_hdf5_images(
    path: Path, limits: ImageLimits, dataset: str = ""
) -> Iterator[Image | BadInput]:
    """Yield the frames of an HDF5 file in order, a fault in the place of frames that are missing.

    Parameters
    ----------
    path : Path
    limits : ImageLimits
        What the file may ask for.
    dataset : str
        Path of the array in the file, or a pattern (``*/measurement/eiger``) whose arrays are read
        one after the other; empty finds it.

    Yields
    ------
    Image or BadInput
        A frame [counts], or why no more can be read.
    """
    try:
        import hdf5plugin  # noqa: F401  (registers the compressions of detectors with h5py)
    except ImportError:
        pass
    number = 0
    try:
        with hdf5.open_checked(path, limits) as file:
            parts = _find_images(path, file, limits, dataset)
            usual_count = next((_count_frames(a) for a in parts.values() if a is not None), 0)
            for name, array in parts.items():
                if array is None:
                    # The frames after a gap keep their numbers.
                    yield _describe_missing_part(path, file, name, usual_count)
                    number += usual_count
                    continue
                check_pixels(f"{path}:{name}", array.shape[-2:], limits)
                hdf5.check_array(path, array, limits)
                header = _read_header(file, name)
                # h5py gives the frames of a stack one by one, but cannot add an axis to a plane
                for counts in [array[()]] if array.ndim == 2 else array:
                    number += 1
                    yield Image(
                        source=f"{path.name}#{number}",
                        counts=np.asarray(counts),
                        header={**header, "frame_in_file": str(number)},
                    )
    except UNREADABLE as error:
        atomic_write.raise_machine_fault(error)
        where = path if number == 0 else f"{path}#{number + 1}"
        problem = f"not readable ({get_first_line(error)})"
        yield BadInput(where, problem, "copy the file and those it links to again")
        return
    if number == 0:
        remedy = (
            "images are arrays of two or three dimensions; name theirs in hexrd.integrate.dataset "
            "(of a calibrant in hexrd.geometry.dataset)"
        )
        yield BadInput(path, "holds no image", remedy)


def read_pixel_mask(path: Path, shape: tuple[int, ...], limits: ImageLimits) -> Bool | None:
    """Return the pixels that the mask in an HDF5 file excludes, shape (row, column).

    NeXus keeps it as ``pixel_mask`` in NXdetector, zero where a pixel is good; Eiger masters have
    it under ``detectorSpecific``.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Rows and columns of the images [pixel].
    limits : ImageLimits

    Returns
    -------
    ndarray of bool or None
        None where the file has none of that shape.

    Raises
    ------
    BadInput
        The file is damaged.
    """
    with reading.guard_reading(path, limits, by_parts=True), hdf5.open_checked(path, limits) as f:
        found = [array for name, array in _walk(f, limits.depth) if _is_mask(name, array, shape)]
        if not found:
            return None
        for array in found:
            hdf5.check_array(path, array, limits)
        return np.asarray(np.logical_or.reduce([array[()] != 0 for array in found]))


def _is_mask(name: str, array: Any, shape: tuple[int, ...]) -> bool:
    """Return whether an array is the mask of images of a shape."""
    is_integer = array.dtype.kind in "iub"
    return name.rpartition("/")[2] == "pixel_mask" and array.shape == shape and is_integer


def _count_frames(dataset: Any) -> int:
    """Return the number of frames in an array of shape (row, column) or (frame, row, column)."""
    return len(dataset) if dataset.ndim == 3 else 1


def _describe_missing_part(path: Path, file: Any, name: str, count: int) -> BadInput:
    """Return the fault of a part of a series that cannot be opened."""
    link = file.get(name, getlink=True)
    name = name.rpartition("/")[2]
    of = f" of {link.filename}" if hasattr(link, "filename") else ""
    frames = f", as many frames as the others have ({count}) are left out" if count else ""
    problem = f"'{name}'{of} is not there{frames}"
    return BadInput(path, problem, "copy the file beside its master; the rest is used")


def _find_images(path: Path, file: Any, limits: ImageLimits, dataset: str) -> dict[str, Any]:
    """Return the image arrays of a file in order, by their path; None for one under ``/entry/data``
    that cannot be opened.

    Raises
    ------
    BadInput
        The array named is not there or holds no images, or several scans hold images and none is
        named.
    """
    import h5py

    if dataset:
        return _find_named(path, file, limits, dataset)
    group = file.get("entry/data")
    if isinstance(group, h5py.Group):
        names = sorted(name for name in group if re.fullmatch(r"data(_\d+)?", name))
        if names:
            return {f"entry/data/{name}": group.get(name) for name in names}
    found = [(name, array) for name, array in _walk(file, limits.depth) if _holds_images(array)]
    measured = [one for one in found if not NO_IMAGES.search(one[0].rpartition("/")[2].lower())]
    chosen = _keep_largest_frames(measured or found)
    if len(chosen) > 1:
        listed = _list_arrays(chosen)
        problem = f"{len(chosen)} arrays of it hold images: {listed}"
        remedy = (
            "name one in hexrd.integrate.dataset (of a calibrant in hexrd.geometry.dataset); a "
            "pattern such as */measurement/eiger takes several in order"
        )
        raise BadInput(path, problem, remedy)
    return dict(chosen)


def _find_named(path: Path, file: Any, limits: ImageLimits, dataset: str) -> dict[str, Any]:
    """Return the arrays whose path is the one given, or fits to it as a pattern."""
    wanted = dataset.strip("/")
    arrays = dict(_walk(file, limits.depth, unique=False))
    names = [wanted] if wanted in arrays else [n for n in arrays if fnmatchcase(n, wanted)]
    images = {name: arrays[name] for name in names if arrays[name].ndim in (2, 3)}
    if not images:
        there = [(name, array) for name, array in arrays.items() if _holds_images(array)]
        listed = _list_arrays(there) if there else "none"
        problem = f"has no images under '{dataset}'; arrays of images are {listed}"
        raise BadInput(path, problem, "correct the option `dataset`")
    if len({array.shape[-2:] for array in images.values()}) > 1:
        problem = f"'{dataset}' fits images of several shapes: {_list_arrays(list(images.items()))}"
        raise BadInput(path, problem, "name those of one detector")
    order = sorted(images, key=lambda name: natural_sort_key(Path(name)))
    # Several links to one array, such as measurement/eiger and instrument/eiger/image: once.
    once = {_identify(images[name]): name for name in reversed(order)}
    return {name: images[name] for name in order if once[_identify(images[name])] == name}


def _list_arrays(arrays: Sequence[tuple[str, Any]]) -> str:
    """Return names and shapes of some arrays as text."""
    texts = [f"{name} ({' x '.join(map(str, array.shape))})" for name, array in arrays]
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def _holds_images(array: Any) -> bool:
    """Return whether an array may hold images: numbers in two or three dimensions."""
    return bool(array.ndim in (2, 3) and array.dtype.kind in "iuf" and array.size)


def _keep_largest_frames(arrays: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the arrays of the largest detector; where some of its arrays are series of frames,
    those alone."""
    if not arrays:
        return []
    series = [(n, a) for n, a in arrays if a.ndim == 3 and min(a.shape[1:]) >= FEWEST_ROWS]
    arrays = series or arrays
    shape = max((array.shape[-2:] for _, array in arrays), key=lambda size: size[0] * size[1])
    same = [(name, array) for name, array in arrays if array.shape[-2:] == shape]
    return [one for one in same if one[1].ndim == 3] or same


def _identify(array: Any) -> tuple[str, int]:
    """Return what tells an array from others, by whichever link it is reached."""
    import h5py

    return str(array.file.filename), int(h5py.h5o.get_info(array.id).addr)


def _walk(group: Any, depth: int, *, unique: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield path and array of all arrays, those behind soft and external links too.

    An array that several links lead to comes once, under the first of them in natural order, unless
    `unique` is False; a link to nothing is passed over. Groups that lead to those above them are
    not entered again.
    """
    seen: set[tuple[str, int]] = set()

    def visit(node: Any, place: str, above: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
        """Yield the arrays below one group."""
        import h5py

        if len(above) > depth:
            return
        for name in sorted(node, key=lambda text: natural_sort_key(Path(text))):
            try:
                item = node[name]
            except (KeyError, OSError):
                continue
            here = f"{place}/{name}".lstrip("/")
            if isinstance(item, h5py.Group):
                if item not in above:
                    yield from visit(item, here, (*above, item))
            elif isinstance(item, h5py.Dataset):
                if unique and (one := _identify(item)) in seen:
                    continue
                elif unique:
                    seen.add(one)
                yield here, item

    yield from visit(group, "", (group,))


def _read_header(file: Any, name: str) -> dict[str, str]:
    """Return the root's attributes and the scalars that belong to an array, by the last part of
    their path.

    Of a file with several scans (NXentry), those of the array's own alone.
    """
    import h5py

    header = {str(key).lower(): str(value) for key, value in file.attrs.items()}

    def collect(place: str, item: Any) -> None:
        """Keep the text of a scalar, a number with its unit."""
        if isinstance(item, h5py.Dataset) and item.size == 1:
            value = np.asarray(item[()]).reshape(-1)[0]
            text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            unit = item.attrs.get("units", "") if item.dtype.kind in "fiu" else ""
            unit = unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
            text = f"{text} {unit}".strip()
            header[place.rsplit("/", 1)[-1].lower()] = text

    own = name.partition("/")[0]
    for top in file:
        item = file.get(top)
        if isinstance(item, h5py.Group) and (top == own or not _is_scan(item)):
            item.visititems(collect)
        elif isinstance(item, h5py.Dataset):
            collect(top, item)
    return header


def _is_scan(group: Any) -> bool:
    """Return whether a group is a scan of its own."""
    kind = group.attrs.get("NX_class", "")
    return (kind.decode(errors="replace") if isinstance(kind, bytes) else str(kind)) == "NXentry"
