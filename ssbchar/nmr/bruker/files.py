"""Bruker's files as they are: experiment folders and zips, parameter files, numbers."""

from __future__ import annotations

import math
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.parameters import Parameters

BLOCK = 1024
"""Rows of a ``ser`` file start at multiples of this many bytes."""
LOOKED_AT = 4000
"""Numbers that are looked at to tell the byte order."""
SPECTRUM = re.compile(r"(^|/)pdata/[^/]+/(1r|2rr)$")
"""Files of TopSpin's own spectrum."""


@contextmanager
def experiment(source: Path) -> Iterator[tuple[Path, Path]]:
    """Give the folder with ``acqus`` and the path to show in messages; a zip is unpacked for the
    while.

    Parameters
    ----------
    source : Path
        The experiment's folder, a folder that holds just one, or a ``.zip`` of either.

    Raises
    ------
    BadInput
        There is no experiment, or more than one.
    """
    if source.suffix.lower() == ".zip" and source.is_file():
        with tempfile.TemporaryDirectory() as place:
            try:
                with zipfile.ZipFile(source) as packed:
                    packed.extractall(place)
            except zipfile.BadZipFile as error:
                raise BadInput(
                    source, "no readable zip file", "pack the experiment's folder again"
                ) from error
            yield _found(Path(place), source), source
    else:
        yield _found(source, source), source


def _found(root: Path, shown: Path) -> Path:
    if (root / "acqus").is_file():
        return root
    inside = sorted(p.parent for p in root.rglob("acqus")) if root.is_dir() else []
    if not inside:
        raise BadInput(
            shown,
            "no acqus file",
            "give the folder of one Bruker experiment (with acqus and fid or ser)",
        )
    if len(inside) > 1:
        names = ", ".join(p.relative_to(root).as_posix() for p in inside[:5])
        raise BadInput(
            shown, f"holds {len(inside)} experiments ({names})", "give one experiment per row"
        )
    return inside[0]


def has_spectrum(source: Path) -> bool:
    """Return whether TopSpin's own spectrum (``1r``, ``2rr``) lies in an experiment; nothing is
    unpacked or read.

    Parameters
    ----------
    source : Path
        As for `experiment`; a zip that cannot be read holds none (reading it says what is
        wrong).
    """
    if source.is_dir():
        names = [p.relative_to(source).as_posix() for p in source.rglob("pdata/*/[12]r*")]
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            names = packed.namelist()
    else:
        names = []
    return any(SPECTRUM.search(name) for name in names)


def parameters(path: Path, shown: Path) -> Parameters:
    """Return the values of a parameter file (``acqus``, ``acqu2s``, ``procs``).

    Parameters
    ----------
    path : Path
        The file.
    shown : Path
        The experiment as the user knows it, for messages.
    """
    try:
        return Parameters(path.read_text(encoding="latin-1"))
    except OSError as error:
        raise BadInput(
            shown / path.name, f"not readable as parameters ({error})", "copy the file again"
        ) from error


def text(path: Path) -> str:
    """Return a text file, empty where there is none."""
    try:
        return path.read_text(encoding="latin-1")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""


def points(
    folder: Path, shown: Path, acqus: Mapping[str, Any]
) -> tuple[NDArray[np.complex128], int]:
    """Return the complex points of ``ser`` or ``fid``, shape (slice, TD/2), times 2^NC, and the
    slices planned.

    Parameters
    ----------
    folder, shown : Path
        The experiment, and its name in messages.
    acqus : mapping
        Its parameters.
    """
    name = "ser" if (folder / "ser").is_file() else "fid"
    if not (folder / name).is_file():
        raise BadInput(shown, "neither fid nor ser is there", "copy the whole experiment")
    kind = number_type(acqus["BYTORDA"], int(acqus.get("DTYPA", 0)) == 2)
    td, size = int(acqus["TD"]) // 2 * 2, (folder / name).stat().st_size
    if td < 2:
        raise BadInput(
            shown / "acqus", f"TD is {acqus['TD']}", "copy the file from the spectrometer again"
        )
    row = td * kind.itemsize
    slices, stride = 1, row
    if name == "ser":
        slices = (
            int(parameters(folder / "acqu2s", shown).get("TD", 0))
            if (folder / "acqu2s").is_file()
            else 0
        )
        stride = -(-row // BLOCK) * BLOCK
        slices = slices or size // stride
        if size == slices * row:
            stride = row
    if size < row:
        raise BadInput(
            shown / name,
            f"holds {size // kind.itemsize} numbers but TD is {td}",
            "copy the file again; the transfer may have broken off",
        )
    whole = min(slices, (size - row) // stride + 1)
    raw = np.fromfile(folder / name, kind, (stride * (whole - 1) + row) // kind.itemsize)
    rows = raw[None]
    if whole > 1:
        rows = np.lib.stride_tricks.as_strided(
            raw, (whole, td), (stride, kind.itemsize), writeable=False
        )
    check_order(rows, shown / name, "BYTORDA in acqus")
    values = rows.astype(float, order="C")
    if int(acqus.get("NC", 0)):
        values *= 2.0 ** int(acqus["NC"])
    return values.view(complex), slices


def number_type(big_endian: Any, double: bool) -> np.dtype[Any]:
    """Return the type of numbers in a file: int32, or float64 from TopSpin 4 on."""
    return np.dtype(("<", ">")[int(big_endian)] + ("f8" if double else "i4"))


def check_order(raw: NDArray[Any], where: Path, parameter: str) -> None:
    """Refuse numbers that are far smaller, or finite, only with their bytes swapped.

    Parameters
    ----------
    raw : ndarray, shape (slice, number)
        As read.
    where : Path
        The file, for the message.
    parameter : str
        What states the byte order.
    """
    step = max(raw.size // LOOKED_AT, 1) | 1
    some = np.ascontiguousarray(raw.ravel()[::step])

    def size(values: NDArray[Any]) -> float:
        with np.errstate(all="ignore"):
            v = values.astype(float)
            if values.dtype.kind != "f":
                return math.log2(math.sqrt(float(v @ v) / v.size) + 1.0)
            logs = np.log2(np.abs(v[np.isfinite(v) & (v != 0)]))
        if logs.size < 0.99 * np.count_nonzero(v):
            return np.inf
        return float(logs.std() + max(abs(np.median(logs)) - 60.0, 0.0)) if logs.size else 0.0

    if size(some) > size(some.byteswap()) + 2.0:
        raise BadInput(
            where, "the numbers make sense only in the other byte order", f"correct {parameter}"
        )


def group_delay(acqus: Mapping[str, Any]) -> float:
    """Return the group delay of the digital filter [points]: GRPDLY, else the table for DECIM and
    DSPFVS."""
    stated = float(acqus.get("GRPDLY", -1.0))
    if stated >= 0:
        return stated
    decim, version = int(float(acqus.get("DECIM", 1))), int(acqus.get("DSPFVS", 0))
    if decim <= 1 or version <= 0:
        return 0.0
    from nmrglue.fileio.bruker import bruker_dsp_table

    if version >= 14:
        return 0.0
    try:
        return float(bruker_dsp_table[version][decim])
    except KeyError as error:
        raise BadInput(
            "acqus", f"no group delay known for DSPFVS {version}, DECIM {decim}", "set GRPDLY"
        ) from error
