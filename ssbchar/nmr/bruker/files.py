"""Bruker's files as they are stored: experiment folders and zips, parameter files, numbers.

What is read here is parsed and never corrected.

Notes on file structure
-----------------------
An experiment is a folder with ``acqus`` (parameters, JCAMP-DX), ``fid`` (one decay) or ``ser``
(several, each starting at a multiple of 1024 bytes unless the file is exactly as long as packed
rows are), ``pulseprogram`` and ``pdata/<procno>`` with TopSpin's own spectra. Numbers are int32 up
to TopSpin 3 and float64 from TopSpin 4 on (``DTYPA``), in the byte order of ``BYTORDA``, to be
multiplied by 2^NC.
"""

from __future__ import annotations

import math
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.parameters import Parameters
from ssbchar.typing import Complex

BLOCK = 1024
"""Rows of a ``ser`` file start at multiples of this many bytes."""
SAMPLED_NUMBERS = 4000
"""Numbers of a file that are looked at to tell its byte order."""
OTHER_ORDER_MARGIN = 2.0
"""How much smaller [powers of two] numbers must be in the other byte order to refuse this one."""
TYPICAL_EXPONENT = 60.0
"""Floating-point numbers beyond 2^60 are more likely bytes in the wrong order than counts."""
FLOAT64 = 2
"""Value of DTYPA and DTYPP for float64."""
SPECTRUM = re.compile(r"(^|/)pdata/[^/]+/(1r|2rr)$")
"""Files of TopSpin's own spectrum."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Where an experiment lies."""

    folder: Path
    """The folder with ``acqus``; inside a temporary folder for a zip."""
    shown: Path
    """The path that messages name: what the user gave."""


@contextmanager
def open_experiment(source: Path) -> Iterator[Experiment]:
    """Give the experiment at a path; a zip is unpacked while the block lasts.

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
                    source, "not a readable zip file", "pack the experiment's folder again"
                ) from error
            yield Experiment(folder=_find_folder(Path(place), source), shown=source)
    else:
        yield Experiment(folder=_find_folder(source, source), shown=source)


def _find_folder(root: Path, shown: Path) -> Path:
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
    """Return whether an experiment holds TopSpin's own spectrum (``1r``, ``2rr``).

    Nothing is unpacked or read; a zip that cannot be read holds none (reading it says what is
    wrong).

    Parameters
    ----------
    source : Path
        As for `open_experiment`.
    """
    if source.is_dir():
        names = [p.relative_to(source).as_posix() for p in source.rglob("pdata/*/[12]r*")]
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            names = packed.namelist()
    else:
        names = []
    return any(SPECTRUM.search(name) for name in names)


def read_parameters(path: Path, shown: Path) -> Parameters:
    """Return the values of a parameter file (``acqus``, ``acqu2s``, ``procs``).

    Parameters
    ----------
    path : Path
        The file.
    shown : Path
        The experiment as the user knows it, for messages.

    Raises
    ------
    BadInput
        The file cannot be read.
    """
    try:
        return Parameters(path.read_text(encoding="latin-1"))
    except OSError as error:
        raise BadInput(
            shown / path.name, f"not readable as parameters ({error})", "copy the file again"
        ) from error


def read_text(path: Path) -> str:
    """Return a text file, empty where there is none."""
    try:
        return path.read_text(encoding="latin-1")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""


@dataclass(frozen=True, kw_only=True)
class Decays:
    """The complex points of an experiment."""

    points: Complex
    """Shape (slice, TD/2), times 2^NC."""
    planned: int
    """Slices that the experiment was to have; fewer may have been recorded."""


def read_decays(experiment: Experiment, acqus: Mapping[str, Any]) -> Decays:
    """Return the points of ``ser`` or ``fid``.

    Parameters
    ----------
    experiment : Experiment
        Where the files are.
    acqus : mapping
        Its parameters.

    Raises
    ------
    BadInput
        Neither file is there, TD makes no sense, the file is shorter than one decay, or its numbers
        are in another byte order than stated.
    """
    folder, shown = experiment.folder, experiment.shown
    name = "ser" if (folder / "ser").is_file() else "fid"
    if not (folder / name).is_file():
        raise BadInput(shown, "neither fid nor ser is there", "copy the whole experiment")
    kind = number_type(acqus["BYTORDA"], int(acqus.get("DTYPA", 0)) == FLOAT64)
    td = int(acqus["TD"]) // 2 * 2
    if td < 2:
        raise BadInput(
            shown / "acqus", f"TD is {acqus['TD']}", "copy the file from the spectrometer again"
        )
    size = (folder / name).stat().st_size
    row = td * kind.itemsize
    if size < row:
        raise BadInput(
            shown / name,
            f"holds {size // kind.itemsize} numbers but TD is {td}",
            "copy the file again; the transfer may have broken off",
        )
    planned, stride = 1, row
    if name == "ser":
        planned, stride = _slices_and_stride(experiment, row=row, size=size)
    whole = min(planned, (size - row) // stride + 1)
    raw = np.fromfile(folder / name, kind, (stride * (whole - 1) + row) // kind.itemsize)
    rows = raw[None]
    if whole > 1:
        # A view that skips the padding after each row: no copy of a file of gigabytes.
        rows = np.lib.stride_tricks.as_strided(
            raw, (whole, td), (stride, kind.itemsize), writeable=False
        )
    check_byte_order(rows, shown / name, "BYTORDA in acqus")
    values = rows.astype(float, order="C")
    if int(acqus.get("NC", 0)):
        values *= 2.0 ** int(acqus["NC"])
    return Decays(points=values.view(complex), planned=planned)


def _slices_and_stride(experiment: Experiment, *, row: int, size: int) -> tuple[int, int]:
    """Return the slices planned and the bytes from one row of a ``ser`` to the next."""
    stated = 0
    if (experiment.folder / "acqu2s").is_file():
        second = read_parameters(experiment.folder / "acqu2s", experiment.shown)
        stated = int(second.get("TD", 0))
    padded = -(-row // BLOCK) * BLOCK
    planned = stated or size // padded
    return planned, row if size == planned * row else padded


def number_type(big_endian: Any, double: bool) -> np.dtype[Any]:
    """Return the type of numbers in a file: int32, or float64 from TopSpin 4 on.

    Parameters
    ----------
    big_endian : int
        BYTORDA or BYTORDP.
    double : bool
        Whether DTYPA or DTYPP says float64.
    """
    return np.dtype(("<", ">")[int(big_endian)] + ("f8" if double else "i4"))


def check_byte_order(raw: NDArray[Any], where: Path, parameter: str) -> None:
    """Refuse numbers that are far smaller, or finite, only with their bytes swapped.

    Parameters
    ----------
    raw : ndarray, shape (slice, number)
        As read.
    where : Path
        The file, for the message.
    parameter : str
        The parameter that states the byte order, for the message.

    Raises
    ------
    BadInput
        The numbers make sense only in the other byte order.
    """
    # An odd step samples real and imaginary parts alike.
    step = max(raw.size // SAMPLED_NUMBERS, 1) | 1
    sample = np.ascontiguousarray(raw.ravel()[::step])
    if _implausibility(sample) > _implausibility(sample.byteswap()) + OTHER_ORDER_MARGIN:
        raise BadInput(
            where, "the numbers make sense only in the other byte order", f"correct {parameter}"
        )


def _implausibility(values: NDArray[Any]) -> float:
    """Return how unlikely numbers are as counts, in powers of two.

    For integers the logarithm of their root mean square; for floating point the spread of their
    exponents and how far these lie beyond any detector's, infinite where many are not finite.
    """
    with np.errstate(all="ignore"):
        numbers = values.astype(float)
        if values.dtype.kind != "f":
            return math.log2(math.sqrt(float(numbers @ numbers) / numbers.size) + 1.0)
        exponents = np.log2(np.abs(numbers[np.isfinite(numbers) & (numbers != 0)]))
    if exponents.size < 0.99 * np.count_nonzero(numbers):
        return np.inf
    if not exponents.size:
        return 0.0
    return float(exponents.std() + max(abs(np.median(exponents)) - TYPICAL_EXPONENT, 0.0))


def group_delay_from_parameters(acqus: Mapping[str, Any]) -> float:
    """Return the group delay of the digital filter [points].

    GRPDLY where it is stated (0 or more), else Bruker's table for DECIM and DSPFVS.

    Raises
    ------
    BadInput
        The table has no entry for this filter.
    """
    stated = float(acqus.get("GRPDLY", -1.0))
    if stated >= 0:
        return stated
    decimation = int(float(acqus.get("DECIM", 1)))
    version = int(acqus.get("DSPFVS", 0))
    if decimation <= 1 or version <= 0 or version >= 14:
        return 0.0
    from nmrglue.fileio.bruker import bruker_dsp_table

    try:
        return float(bruker_dsp_table[version][decimation])
    except KeyError as error:
        raise BadInput(
            "acqus", f"no group delay known for DSPFVS {version}, DECIM {decimation}", "set GRPDLY"
        ) from error
