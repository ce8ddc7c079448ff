"""Scans in HDF5: BLISS files of the ESRF, NeXus and SOLEIL files, and arrays without a scheme."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.storage import hdf5, reading
from ssbchar.typing import Array
from ssbchar.xas.scans.formats.column_text import parse_field
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanLimits

if TYPE_CHECKING:
    import h5py

HDF5_SUFFIXES = (".h5", ".hdf5", ".nxs", ".hdf")
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How every HDF5 file begins."""
BLISS_SCAN = re.compile(r"\d+\.\d+")
"""Name of a scan of a BLISS file: its number, and that of its clock."""
MEASUREMENT = "measurement"
"""Group of a BLISS scan that holds its counters."""
NAMELESS = ("data", "value", "raw_value", "position", "counts", "signal", "readback")
"""Names of arrays that say less than the name of their group."""
NAMING = ("label", "alias", "long_name", "local_name")
"""Attributes that name an array whose own name is a number."""
LEAST_POINTS = 2
"""A column has at least so many values."""


def read_hdf5(path: Path) -> list[RawScan]:
    """Return the scans of an HDF5 file: those of a BLISS file by their numbers, else one per entry
    that holds columns, which `ssbchar.xas.scans.columns.split_stack` takes apart where it is a
    stack.

    Every numeric dataset of one or two dimensions is a column, named by path and, where unique, by
    last name, by the name of its group where its own says nothing (``data``), and by its label. Of
    a BLISS scan the columns are those of its group ``measurement``.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of RawScan
        With columns of shape (point,) or (scan, point), in the units of the file; header field
        ``scan`` is the number of a scan where there are several.

    Raises
    ------
    BadInput
        The file is no readable HDF5.
    """
    import h5py

    limits = reading.get_limits(ScanLimits)
    with hdf5.open_checked(path, limits) as file:
        groups = {name: item for name, item in file.items() if isinstance(item, h5py.Group)}
        bliss = {
            name: group
            for name, group in groups.items()
            if BLISS_SCAN.fullmatch(name) and isinstance(group.get(MEASUREMENT), h5py.Group)
        }
        if bliss:
            return _read_entries(path, file, bliss, inside=MEASUREMENT, numbers=[*bliss])
        entries = {name: group for name, group in groups.items() if _get_class(group) == "NXentry"}
        if len(entries) > 1:
            numbers = [str(i) for i in range(1, len(entries) + 1)]
            found = _read_entries(path, file, entries, inside="", numbers=numbers)
            if len(found) > 1:
                return found
        return [_read_group(path, str(path), file, file, {})]


def _get_class(group: h5py.Group) -> str:
    kind = group.attrs.get("NX_class", "")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _read_entries(
    path: Path,
    file: h5py.File,
    entries: Mapping[str, h5py.Group],
    *,
    inside: str,
    numbers: list[str],
) -> list[RawScan]:
    """Return a scan per entry that has columns, in the order of their numbers."""
    scans = []
    for (name, group), number in zip(entries.items(), numbers, strict=True):
        columns = group[inside] if inside else group
        scan = _read_group(path, f"{path}[{name}]", columns, group, {"scan": number})
        if scan.columns:
            scans.append(scan)
    return sorted(scans, key=lambda scan: [int(part) for part in scan.header["scan"].split(".")])


def _read_group(
    path: Path, where: str, group: h5py.Group, about: h5py.Group, header: dict[str, str]
) -> RawScan:
    """Return the columns of a group, and what the texts of another say."""
    import h5py

    limits = reading.get_limits(ScanLimits)
    found: dict[str, Array] = {}
    labels: dict[str, str] = {}
    units: list[str] = []
    lines: list[str] = []

    def read_columns(raw_name: str | bytes, item: Any) -> None:
        name = _decode(raw_name)
        if isinstance(item, h5py.Dataset) and _is_column(item):
            hdf5.check_array(path, item, limits)
            found[name] = np.asarray(item[()], float)
            label = next((str(item.attrs[key]) for key in NAMING if item.attrs.get(key)), "")
            labels[name] = re.split(r"[/:]", label.strip("/"))[-1].strip()
            unit = item.attrs.get("units", "")
            units.append(unit.decode() if isinstance(unit, bytes) else str(unit))

    def read_texts(raw_name: str | bytes, item: Any) -> None:
        is_text = isinstance(item, h5py.Dataset) and not _is_column(item)
        if is_text and item.dtype.kind in "OS" and item.size == 1:
            value = np.ravel(item[()])[0] if item.shape else item[()]
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            lines.append(f"{_decode(raw_name)}: {text}")
        lines.extend(_list_attributes(item))

    lines.extend(_list_attributes(about))
    group.visititems(read_columns)
    about.visititems(read_texts)
    # Usual names find the short ones first; a configured path finds the full one.
    columns = {**_shorten_names(found, labels), **found}
    fields = dict(parse_field(line.rpartition("/")[2]) for line in lines if ":" in line)
    stated = {
        f"column.{i}.{key}": f"{key} {unit}"
        for i, (name, unit) in enumerate(zip(found, units, strict=True))
        if unit
        for key in (name, name.rpartition("/")[2])
        if " " not in key
    }
    return RawScan(
        where=where, columns=columns, header={**fields, **stated, **header}, text="\n".join(lines)
    )


def _decode(name: str | bytes) -> str:
    """Return a name as text: h5py leaves names that are no UTF-8 as they are."""
    return name if isinstance(name, str) else name.decode("utf-8", "replace")


def _is_column(item: h5py.Dataset) -> bool:
    """Return whether a dataset holds a column or a stack of them; single numbers are none."""
    if item.dtype.kind not in "fiu" or item.ndim not in (1, 2):
        return False
    return bool(min(item.shape) > (LEAST_POINTS - 1 if item.ndim == 1 else 0))


def _list_attributes(item: Any) -> list[str]:
    return [f"{key}: {value}" for key, value in item.attrs.items() if isinstance(value, str)]


def _shorten_names(found: Mapping[str, Array], labels: Mapping[str, str]) -> dict[str, Array]:
    """Return columns by the last part of their path, by that of their group where it says nothing,
    and by their label, where no other has the same."""
    last = [_find_short_name(name) for name in found]
    short = {
        one if last.count(one) == 1 else full: found[full]
        for full, one in zip(found, last, strict=True)
    }
    given = [*labels.values()]
    for full, label in labels.items():
        if label and given.count(label) == 1 and label not in short:
            short[label] = found[full]
    return short


def _find_short_name(name: str) -> str:
    parts = name.split("/")
    named = [part for part in parts if part.lower() not in NAMELESS]
    return named[-1] if named and parts[-1].lower() in NAMELESS else parts[-1]
