"""Raw scan files as named columns: XDI and column text, Athena projects, HDF5; nothing is computed
or corrected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.storage import hdf5, reading
from ssbchar.typing import Array
from ssbchar.xas.scans.options import ScanLimits

if TYPE_CHECKING:
    import h5py

HDF5_SUFFIXES = (".h5", ".hdf5", ".nxs", ".hdf")
COMMENT_MARKS = ("#", "%", "!")
"""Lines that begin with one of these belong to the header."""
FIELD_WIDTHS = range(6, 41)
"""Widths of fields in which a header line may give the names of the columns."""


@dataclass(frozen=True, kw_only=True)
class RawScan:
    """One scan as its file gives it."""

    where: str
    """File, and group within it."""
    columns: dict[str, Array]
    """Columns by the file's own names, in its order; of HDF5 also arrays of two dimensions."""
    header: dict[str, str] = field(default_factory=dict)
    """Header fields, keys in lower case."""
    text: str = ""
    """Everything the header says."""


def read_raw_scans(path: Path) -> list[RawScan]:
    """Return the scans of one file.

    Parameters
    ----------
    path : Path
        XDI, column text, Athena project (gzip or plain) or HDF5.

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
    text = content.decode("utf-8", errors="replace")
    if "Athena project file" in text[:200] or "\n$old_group" in text:
        return parse_athena(path, text)
    return [parse_column_text(path, text)]


def parse_column_text(path: Path, text: str) -> RawScan:
    """Return a scan from column text.

    Header lines start with ``#`` (or hold no numbers), columns of numbers follow. Names come from
    XDI ``Column.N`` fields, else from the last header line that fits the number of columns: split
    at white space, at two or more blanks, or in fields of equal width (names with blanks, as
    LabVIEW writes).

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file.

    Returns
    -------
    RawScan
        Columns of shape (point,), in the units of the file.

    Raises
    ------
    BadInput
        There are no columns, or a line among them cannot be read.
    """
    head: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").replace(";", " ").split()
        values = _parse_numbers(words)
        is_comment = line.lstrip().startswith(COMMENT_MARKS)
        if values is None or is_comment:
            if words and rows and not is_comment:
                raise BadInput(
                    f"{path}:{number}",
                    "no row of numbers",
                    "mend the line or cut the file before it",
                )
            if not rows:
                head.append(line.lstrip("#%! \t") if is_comment else line)
        elif values:
            if rows and len(values) != len(rows[0]):
                raise BadInput(
                    f"{path}:{number}",
                    f"{len(values)} columns where {len(rows[0])} were before",
                    "the scan was cut off; delete the last line",
                )
            rows.append(values)
    if len(rows) < 2 or len(rows[0]) < 2:
        raise BadInput(
            path, "no columns of numbers", "give XDI, column text, an Athena project or HDF5"
        )
    table = np.array(rows)
    header = dict(_parse_field(line) for line in head if re.match(r"[\w.]+\s*:", line))
    names = _find_column_names(header, head, table.shape[1])
    columns = {name: table[:, i] for i, name in enumerate(names)}
    return RawScan(where=str(path), columns=columns, header=header, text="\n".join(head))


def _parse_numbers(words: Sequence[str]) -> list[float] | None:
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _parse_field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip().lower(), value.strip()


def _find_column_names(header: dict[str, str], head: list[str], n: int) -> list[str]:
    given = [header.get(f"column.{i + 1}", "") for i in range(n)]
    if all(given):
        return _make_distinct([name.split()[0] for name in given])
    # The line of names stands last, next to the numbers.
    for line in reversed(head):
        at_blanks = line.split()
        at_wide_blanks = re.split(r"\s{2,}|\t", line.strip())
        for names in (at_blanks, at_wide_blanks, _split_fixed_width(line, n)):
            if len(names) == n and not any(_parse_numbers([name]) for name in names):
                return _make_distinct([name.strip(" *#") for name in names])
    return [f"column {i + 1}" for i in range(n)]


def _split_fixed_width(line: str, n: int) -> list[str]:
    """Return n names standing in fields of one width, each starting its field."""
    for width in FIELD_WIDTHS:
        if -(-len(line.rstrip()) // width) == n:
            fields = [line[i * width : (i + 1) * width] for i in range(n)]
            breaks = [line[i * width - 1 : i * width] for i in range(1, n)]
            starts_full = all(field[:1].strip() for field in fields)
            if starts_full and all(gap == " " for gap in breaks):
                return fields
    return []


def _make_distinct(names: list[str]) -> list[str]:
    return [f"{name} ({i + 1})" if name in names[:i] else name for i, name in enumerate(names)]


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
        No group holds data.

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
        if "x" in arrays and "y" in arrays:
            label = header.get("label", "")
            scans.append(
                RawScan(where=f"{path}[{label}]", columns=arrays, header=header, text=label)
            )
    if not scans:
        raise BadInput(path, "the project holds no group with data", "save it again from Athena")
    return scans


def _parse_perl_arrays(group: str) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    found = re.findall(r"^@(\w+) = \((.*?)\);", group, flags=re.MULTILINE | re.DOTALL)
    for name, body in found:
        values = _parse_numbers(_parse_perl_list(body)) if name != "args" else None
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
    header = dict(_parse_field(line.rpartition("/")[2]) for line in lines if ":" in line)
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
