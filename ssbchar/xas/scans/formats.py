"""Raw scan files as named columns: XDI and column text, Athena projects, HDF5; nothing is computed
or corrected."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.number_text import decode_text
from ssbchar.storage import hdf5, reading
from ssbchar.typing import Array
from ssbchar.xas.scans.column_text import parse_column_text, parse_field, parse_numbers
from ssbchar.xas.scans.options import ScanLimits
from ssbchar.xas.scans.raw_scan import RawScan
from ssbchar.xas.scans.spec import is_spec, parse_spec

if TYPE_CHECKING:
    import h5py

HDF5_SUFFIXES = (".h5", ".hdf5", ".nxs", ".hdf")
PERL_ARRAY = re.compile(r"^@(\w+) *= *\((.*?)\);", flags=re.MULTILINE | re.DOTALL)
"""An array of an Athena project: its name and its elements."""
SAVE_AGAIN = "save it again from Athena"


def read_raw_scans(path: Path) -> list[RawScan]:
    """Return the scans of one file.

    Parameters
    ----------
    path : Path
        XDI, column text, SPEC, Athena project (gzip or plain) or HDF5.

    Returns
    -------
    list of RawScan
        In the units of the file.

    Raises
    ------
    BadInput
        The file is empty, or no known format.
    """
    if path.stat().st_size == 0:
        raise BadInput(
            path, "the file is empty", "measure again or take it out of the sample sheet"
        )
    if path.suffix.lower() in HDF5_SUFFIXES:
        return read_hdf5(path)
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = reading.unpack_gzip(path, content, reading.get_limits(ScanLimits))
    text = decode_text(content)
    if "Athena project file" in text[:200] or "\n$old_group" in text:
        return parse_athena(path, text)
    if is_spec(text):
        return parse_spec(path, text)
    return [parse_column_text(path, text)]


def parse_athena(path: Path, text: str) -> list[RawScan]:
    """Return the groups of an Athena project with their arrays ``x``, ``y``, ``i0`` ... and
    settings ``bkg_eshift`` ...

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file, decompressed.

    Returns
    -------
    list of RawScan
        Columns of shape (point,), energy in eV.

    Raises
    ------
    BadInput
        No group holds data, or one is cut.

    Notes
    -----
    A project holds, per group, ``$old_group = 'name';``, ``@args = ('key','value', ...);`` and
    arrays ``@x = ('7001.0', ...);``. ``y`` is mu(E), not normalised unless ``is_nor`` is set.
    """
    scans = []
    for group in re.split(r"^\$old_group", text, flags=re.MULTILINE)[1:]:
        args = re.search(r"^@args = \((.*?)\);", group, flags=re.MULTILINE | re.DOTALL)
        words = _parse_perl_list(args[1]) if args else []
        keys = (word.lower() for word in words[::2])
        header = dict(zip(keys, words[1::2], strict=False))
        arrays = _parse_perl_arrays(group)
        begun = re.findall(r"^@(\w+) *= *\(", group, flags=re.MULTILINE)
        if len(begun) > len(re.findall(PERL_ARRAY, group)):
            where = f"{path}[{header.get('label', '')}]"
            raise BadInput(where, f"'{begun[-1]}' has no end: the project is cut", SAVE_AGAIN)
        if "x" in arrays and "y" in arrays:
            label = header.get("label", "")
            scans.append(
                RawScan(where=f"{path}[{label}]", columns=arrays, header=header, text=label)
            )
    if not scans:
        raise BadInput(path, "the project holds no group with data", SAVE_AGAIN)
    return scans


def _parse_perl_arrays(group: str) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, body in re.findall(PERL_ARRAY, group):
        values = parse_numbers(_parse_perl_list(body)) if name != "args" else None
        if values:
            arrays[name] = np.array(values)
    return arrays


def _parse_perl_list(text: str) -> list[str]:
    found = re.findall(r"'((?:[^'\\]|\\.)*)'|([^',\s]+)", text)
    return [quoted.replace("\\'", "'") if quoted or not bare else bare for quoted, bare in found]


def read_hdf5(path: Path) -> list[RawScan]:
    """Return an HDF5 or NeXus file as one scan, which `ssbchar.xas.scans.columns.split_stack` takes
    apart where it is a stack.

    Every numeric dataset of one or two dimensions is a column, named by path and, where unique,
    last name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of RawScan
        One, with columns of shape (point,) or (scan, point), in the units of the file.

    Raises
    ------
    BadInput
        The file is no readable HDF5.
    """
    import h5py

    limits = reading.get_limits(ScanLimits)
    found: dict[str, Array] = {}
    lines: list[str] = []

    def visit(raw_name: str | bytes, item: h5py.Dataset | h5py.Group) -> None:
        # h5py leaves names that are no UTF-8 as they are.
        name = raw_name if isinstance(raw_name, str) else raw_name.decode("utf-8", "replace")
        if isinstance(item, h5py.Dataset):
            if _is_column(item):
                hdf5.check_array(path, item, limits)
                found[name] = np.asarray(item[()], float)
            elif item.dtype.kind in "OS" and item.size == 1:
                value = item[()]
                lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
        lines.extend(_list_attributes(item))

    with hdf5.open_checked(path, limits) as file:
        lines.extend(_list_attributes(file))
        file.visititems(visit)
    # Usual names find the short ones first; a configured path finds the full one.
    columns = {**_shorten_names(found), **found}
    header = dict(parse_field(line.rpartition("/")[2]) for line in lines if ":" in line)
    return [RawScan(where=str(path), columns=columns, header=header, text="\n".join(lines))]


def _is_column(item: h5py.Dataset) -> bool:
    """Return whether a dataset holds a column or a stack of them; single numbers are none."""
    if item.dtype.kind not in "fiu" or item.ndim not in (1, 2):
        return False
    return bool(min(item.shape) > (1 if item.ndim == 1 else 0))


def _list_attributes(item: h5py.Dataset | h5py.Group) -> list[str]:
    return [f"{key}: {value}" for key, value in item.attrs.items() if isinstance(value, str)]


def _shorten_names(found: dict[str, Array]) -> dict[str, Array]:
    """Return columns by the last part of their path where no other has the same."""
    last = [name.rpartition("/")[2] for name in found]
    return {
        short if last.count(short) == 1 else full: found[full]
        for full, short in zip(found, last, strict=True)
    }
