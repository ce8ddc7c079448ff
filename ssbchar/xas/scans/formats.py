"""Raw scan files as named columns: XDI and column text, Athena projects, HDF5; nothing is computed
or corrected."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array

HDF5_SUFFIXES = (".h5", ".hdf5", ".nxs", ".hdf")


@dataclass(frozen=True)
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
    with open(path, "rb") as handle:
        start = handle.read(2)
    content = gzip.decompress(path.read_bytes()) if start == b"\x1f\x8b" else path.read_bytes()
    text = content.decode("utf-8", errors="replace")
    if "Athena project file" in text[:200] or "\n$old_group" in text:
        return parse_athena(path, text)
    return [parse_column_text(path, text)]


def parse_column_text(path: Path, text: str) -> RawScan:
    """Return a scan from column text: header lines start with ``#`` (or hold no numbers), columns
    of numbers follow.

    Names come from XDI ``Column.N`` fields, else from the last header line that fits the number of
    columns: split at white space, at two or more blanks, or in fields of equal width (names with
    blanks, as LabVIEW writes).
    """
    head: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").replace(";", " ").split()
        values = _numbers(words)
        if values is None or line.lstrip().startswith(("#", "%", "!")):
            if words and rows and not line.lstrip().startswith(("#", "%", "!")):
                raise BadInput(
                    f"{path}:{number}",
                    "no row of numbers",
                    "mend the line or cut the file before it",
                )
            if not rows:
                head.append(
                    line.lstrip("#%! \t") if line.lstrip().startswith(("#", "%", "!")) else line
                )
        elif values:
            if rows and len(values) != len(rows[0]):
                problem = f"{len(values)} columns where {len(rows[0])} were before"
                raise BadInput(
                    f"{path}:{number}", problem, "the scan was cut off; delete the last line"
                )
            rows.append(values)
    if len(rows) < 2 or len(rows[0]) < 2:
        raise BadInput(
            path, "no columns of numbers", "give XDI, column text, an Athena project or HDF5"
        )
    table = np.array(rows)
    header = dict(_field(line) for line in head if re.match(r"[\w.]+\s*:", line))
    names = _column_names(header, head, table.shape[1])
    return RawScan(
        str(path), {n: table[:, i] for i, n in enumerate(names)}, header, "\n".join(head)
    )


def _numbers(words: list[str]) -> list[float] | None:
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip().lower(), value.strip()


def _column_names(header: dict[str, str], head: list[str], n: int) -> list[str]:
    given = [header.get(f"column.{i + 1}", "") for i in range(n)]
    if all(given):
        return _distinct([g.split()[0] for g in given])
    for line in reversed(head):
        for names in (line.split(), re.split(r"\s{2,}|\t", line.strip()), _fixed_width(line, n)):
            if len(names) == n and not any(_numbers([w]) for w in names):
                return _distinct([name.strip(" *#") for name in names])
    return [f"column {i + 1}" for i in range(n)]


def _fixed_width(line: str, n: int) -> list[str]:
    """Return n names standing in fields of one width, each starting its field."""
    for width in range(6, 41):
        if -(-len(line.rstrip()) // width) == n:
            fields = [line[i * width : (i + 1) * width] for i in range(n)]
            breaks = [line[i * width - 1 : i * width] for i in range(1, n)]
            if all(f[:1].strip() for f in fields) and all(b == " " for b in breaks):
                return fields
    return []


def _distinct(names: list[str]) -> list[str]:
    return [f"{name} ({i + 1})" if name in names[:i] else name for i, name in enumerate(names)]


def parse_athena(path: Path, text: str) -> list[RawScan]:
    """Return the groups of an Athena project with their arrays ``x``, ``y``, ``i0`` ... and
    settings ``bkg_eshift`` ...

    Notes
    -----
    A project holds, per group, ``$old_group = 'name';``, ``@args = ('key','value', ...);`` and
    arrays ``@x = ('7001.0', ...);``. ``y`` is mu(E), not normalised unless ``is_nor`` is set.
    """
    scans = []
    for part in re.split(r"^\$old_group", text, flags=re.M)[1:]:
        args = re.search(r"^@args = \((.*?)\);", part, flags=re.M | re.S)
        words = _perl_list(args[1]) if args else []
        header = dict(zip((w.lower() for w in words[::2]), words[1::2], strict=False))
        arrays: dict[str, Array] = {}
        for name, body in re.findall(r"^@(\w+) = \((.*?)\);", part, flags=re.M | re.S):
            values = _numbers(_perl_list(body)) if name != "args" else None
            if values:
                arrays[name] = np.array(values)
        if "x" in arrays and "y" in arrays:
            label = header.get("label", "")
            scans.append(RawScan(f"{path}[{label}]", arrays, header, label))
    if not scans:
        raise BadInput(path, "the project holds no group with data", "save it again from Athena")
    return scans


def _perl_list(text: str) -> list[str]:
    found = re.findall(r"'((?:[^'\\]|\\.)*)'|([^',\s]+)", text)
    return [quoted.replace("\\'", "'") if quoted or not bare else bare for quoted, bare in found]


def read_hdf5(path: Path) -> list[RawScan]:
    """Return an HDF5 or NeXus file as one scan, which `ssbchar.xas.scans.columns.stacked` takes
    apart where it is a stack.

    Every numeric dataset of one or two dimensions is a column, named by path and, where unique,
    last name.
    """
    import h5py

    found: dict[str, Array] = {}
    said: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            if (
                item.dtype.kind in "fiu"
                and item.ndim in (1, 2)
                and min(item.shape) > (item.ndim == 1)
            ):
                found[name] = np.asarray(item[()], float)
            elif item.dtype.kind in "OS" and item.size == 1:
                value = item[()]
                said.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
        said.extend(
            f"{key}: {value}" for key, value in item.attrs.items() if isinstance(value, str)
        )  # type: ignore[attr-defined]

    try:
        with h5py.File(path, "r") as file:
            said.extend(
                f"{key}: {value}" for key, value in file.attrs.items() if isinstance(value, str)
            )
            file.visititems(visit)
    except OSError as error:
        raise BadInput(path, "no readable HDF5 file", "copy it again from the beamline") from error
    last = [name.rpartition("/")[2] for name in found]
    named = {
        short if last.count(short) == 1 else full: found[full]
        for full, short in zip(found, last, strict=True)
    }
    header = dict(_field(line.rpartition("/")[2]) for line in said if ":" in line)
    return [RawScan(str(path), {**named, **found}, header, "\n".join(said))]
