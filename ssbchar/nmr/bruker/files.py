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

import glob
import lzma
import math
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.options import ExperimentLimits
from ssbchar.nmr.bruker.parameters import Parameters
from ssbchar.storage import atomic_write, raw_files, reading, temporary
from ssbchar.typing import Complex

BLOCK = 1024
"""Rows of a ``ser`` file start at multiples of this many bytes."""
SAMPLED_NUMBERS = 4000
"""Numbers of a file that are looked at to tell its byte order."""
OTHER_ORDER_MARGIN = 2.0
"""How much smaller [powers of two] numbers must be in the other byte order to refuse this one."""
TYPICAL_EXPONENT = 60.0
"""Floating-point numbers beyond 2^60 are more likely bytes in the wrong order than counts."""
COPY_AGAIN = "copy the file from the spectrometer again"
"""Remedy of a parameter that makes no sense."""
FLOAT64 = 2
"""Value of DTYPA and DTYPP for float64."""
SINGLE_CHANNEL = {0: "qf", 2: "qseq"}
"""Values of AQ_mod for which real points are taken one by one, and their names."""
FIRST_WITHOUT_TABLE = 14
"""Value of DSPFVS from which on the group delay is in GRPDLY alone."""
FAR_INTEGER, NEARLY_ALL, LEAST_TOLD = 2.0**27, 0.95, 32
"""Integers beyond the first are far from zero; where more than this share of at least so many is,
they are bits of something else."""
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
)
"""Exceptions that a damaged, encrypted or unusual zip raises; they share no base class."""
NEEDED_MEMBERS = re.compile(
    r"(^|/)(acqus|acqu2s|fid|ser|pulseprogram|audita\.txt|v[a-z]list|lists/v[a-z]/[^/]+"
    r"|pdata/[^/]+/(procs|proc2s|title|1r|1i|2rr|2ir|2ri|2ii))$"
)
"""Files of an experiment that are read."""
NO_EXPERIMENT = "no acqus file"
"""Problem of a path without an experiment."""
POINT_FILES = ("fid", "ser")
"""Files of measured numbers."""
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Ends of the names of tar files."""
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
def open_experiment(source: Path, limits: ExperimentLimits | None = None) -> Iterator[Experiment]:
    """Give the experiment at a path; what is needed of a zip is unpacked while the block lasts.

    Parameters
    ----------
    source : Path
        The experiment's folder, a folder that holds just one, or a ``.zip`` or tar file (``.tar``,
        ``.tar.gz``, ``.tgz``, ``.tar.bz2``, ``.tar.xz``) of either.
    limits : ExperimentLimits, optional
        What it may ask for.

    Raises
    ------
    BadInput
        There is no experiment, or more than one.
    """
    limits = limits or ExperimentLimits()
    unpack = _find_unpacker(source)
    if unpack is not None:
        with temporary.make_folder() as place:
            with reading.guard_reading(source, limits):
                unpack(source, place, limits)
            yield Experiment(folder=_find_folder(place, source), shown=source)
    else:
        yield Experiment(folder=_find_folder(source, source), shown=source)


@contextmanager
def open_experiments(
    source: Path, limits: ExperimentLimits | None = None
) -> Iterator[list[Experiment]]:
    """Give all experiments at a path, in natural order (2 before 10).

    Parameters
    ----------
    source : Path
        An experiment's folder, a folder that holds several, a zip or tar file of either, or a glob
        of such (or of the files ``fid``, ``ser`` in them).
    limits : ExperimentLimits, optional
        What each may ask for.

    Raises
    ------
    BadInput
        There is no experiment.
    """
    limits = limits or ExperimentLimits()
    with ExitStack() as unpacked:
        found = []
        for place in _list_places(source):
            unpack = _find_unpacker(place)
            root = place
            if unpack is not None:
                root = unpacked.enter_context(temporary.make_folder())
                with reading.guard_reading(place, limits):
                    unpack(place, root, limits)
            for folder in _list_experiment_folders(root):
                inside = folder.relative_to(root)
                found.append(Experiment(folder=folder, shown=place / inside))
        if not found:
            raise BadInput(source, NO_EXPERIMENT, "give a folder or glob of Bruker experiments")
        yield found


def _list_places(source: Path) -> list[Path]:
    """Return the folders and packed files that a path means, in natural order."""
    if source.exists():
        return [source]
    matched = map(Path, glob.glob(str(source), recursive=True))
    places = {one.parent if one.name in POINT_FILES else one for one in matched}
    return sorted(places, key=raw_files.natural_sort_key)


def _list_experiment_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    folders = {path.parent for path in root.rglob("acqus")}
    return sorted(folders, key=raw_files.natural_sort_key)


def _find_unpacker(source: Path) -> Callable[[Path, Path, ExperimentLimits], None] | None:
    """Return what unpacks a file, None of a folder."""
    if not source.is_file():
        return None
    if source.suffix.lower() == ".zip":
        return _unpack_needed
    return _unpack_tar if source.name.lower().endswith(TAR_SUFFIXES) else None


def _unpack_tar(source: Path, place: Path, limits: ExperimentLimits) -> None:
    """Unpack the members of a tar file that are read here; links and devices are left."""
    try:
        with tarfile.open(source) as packed:
            unpacked, stored = 0, source.stat().st_size
            for one in packed:
                # What is skipped is unpacked on the way, too.
                unpacked += one.size
                reading.check_unpacked(source, unpacked, stored, limits)
                if not one.isfile() or not NEEDED_MEMBERS.search(one.name):
                    continue
                if one.name.count("/") > limits.depth:
                    problem = f"'{one.name[:60]}' is nested {one.name.count('/')} deep"
                    raise reading.make_limit_fault(source, problem, limits, "depth")
                packed.extract(one, place, filter="data")
    except (tarfile.TarError, *DAMAGED_ZIP, lzma.LZMAError, OSError, ValueError) as error:
        atomic_write.raise_machine_fault(error)
        problem = f"not a readable tar file ({str(error) or type(error).__name__})"
        raise BadInput(source, problem, "pack the experiment's folder again") from error


def _unpack_needed(source: Path, place: Path, limits: ExperimentLimits) -> None:
    """Unpack the members of a zip that are read here."""
    try:
        with zipfile.ZipFile(source) as packed:
            needed = [one for one in packed.infolist() if NEEDED_MEMBERS.search(one.filename)]
            for one in needed:
                if one.filename.count("/") > limits.depth:
                    problem = f"'{one.filename[:60]}' is nested {one.filename.count('/')} deep"
                    raise reading.make_limit_fault(source, problem, limits, "depth")
            unpacked = sum(one.file_size for one in needed)
            stored = sum(one.compress_size for one in needed)
            reading.check_unpacked(source, unpacked, stored, limits)
            for one in needed:
                packed.extract(one, place)
    except (*DAMAGED_ZIP, OSError) as error:
        atomic_write.raise_machine_fault(error)
        problem = f"not a readable zip file ({str(error) or type(error).__name__})"
        raise BadInput(source, problem, "pack the experiment's folder again") from error


def _find_folder(root: Path, shown: Path) -> Path:
    if (root / "acqus").is_file():
        return root
    inside = sorted(p.parent for p in root.rglob("acqus")) if root.is_dir() else []
    if not inside:
        raise BadInput(
            shown,
            NO_EXPERIMENT,
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
    elif reading.is_regular(source) and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            names = packed.namelist()
    elif reading.is_regular(source) and source.name.lower().endswith(TAR_SUFFIXES):
        names = _list_tar(source)
    else:
        names = []
    return any(SPECTRUM.search(name) for name in names)


def _list_tar(source: Path) -> list[str]:
    """Return the names in a tar file; none of one that cannot be read (reading it says why)."""
    try:
        with tarfile.open(source) as packed:
            return [one.name for one in packed if one.isfile()]
    except (tarfile.TarError, *DAMAGED_ZIP, lzma.LZMAError, OSError):
        return []


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
    if path.exists() and not reading.is_regular(path):
        raise BadInput(shown / path.name, "is no regular file", "copy the file again")
    try:
        return Parameters(path.read_text(encoding="latin-1"))
    except OSError as error:
        raise BadInput(
            shown / path.name, f"not readable as parameters ({error})", "copy the file again"
        ) from error


def read_text(path: Path) -> str:
    """Return a text file, empty where there is none."""
    return path.read_text(encoding="latin-1") if reading.is_regular(path) else ""


@dataclass(frozen=True, kw_only=True)
class Decays:
    """The complex points of an experiment."""

    points: Complex
    """Shape (slice, TD/2), times 2^NC."""
    planned: int
    """Slices that the experiment was to have; fewer may have been recorded."""
    summed: int = 1
    """Decays that each of these is the sum of."""
    surplus: int = 0
    """Numbers in the file beyond those of the planned slices, which are not read."""


def measure_size(experiment: Experiment) -> int:
    """Return the size of an experiment's measured numbers [byte]."""
    paths = (experiment.folder / name for name in POINT_FILES)
    return sum(path.stat().st_size for path in paths if path.is_file())


def read_decays(
    experiment: Experiment, acqus: Mapping[str, Any], limits: ExperimentLimits | None = None
) -> Decays:
    """Return the points of ``ser`` or ``fid``.

    Parameters
    ----------
    experiment : Experiment
        Where the files are.
    acqus : mapping
        Its parameters.
    limits : ExperimentLimits, optional
        What it may ask for.

    Raises
    ------
    BadInput
        Neither file is there, TD makes no sense, the file is shorter than one decay, or its numbers
        are in another byte order than stated.
    """
    limits = limits or ExperimentLimits()
    folder, shown = experiment.folder, experiment.shown
    name = "ser" if (folder / "ser").is_file() else "fid"
    if not (folder / name).is_file():
        raise BadInput(shown, "neither fid nor ser is there", "copy the whole experiment")
    place = shown / "acqus"
    order = read_whole(acqus, "BYTORDA", place, among=(0, 1))
    double = _read_number_kind(acqus, place)
    _check_quadrature(acqus, place)
    kind = number_type(order, double)
    td = read_whole(acqus, "TD", place) // 2 * 2
    if td < 2:
        raise BadInput(place, f"TD is {acqus['TD']}", COPY_AGAIN)
    if td // 2 > limits.points:
        raise reading.make_limit_fault(place, f"TD / 2 is {td // 2}", limits, "points")
    size = reading.check_size(folder / name, limits)
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
    if not 1 <= planned <= limits.slices:
        where, problem = shown / "acqu2s", f"TD is {planned}"
        raise reading.make_limit_fault(where, problem, limits, "slices")
    whole = min(planned, (size - row) // stride + 1)
    raw = np.fromfile(folder / name, kind, (stride * (whole - 1) + row) // kind.itemsize)
    rows = raw[None]
    if whole > 1:
        # A view that skips the padding after each row: no copy of a file of gigabytes.
        rows = np.lib.stride_tricks.as_strided(
            raw, (whole, td), (stride, kind.itemsize), writeable=False
        )
    check_byte_order(rows, shown / name, "BYTORDA in acqus")
    if not double:
        _check_integers(folder / name, rows, kind, shown / name)
    values = rows.astype(float, order="C")
    exponent = read_whole(acqus, "NC", place, among=range(-64, 65), default=0)
    if exponent:
        values *= 2.0**exponent
    beyond = (size - (planned - 1) * stride - row) // kind.itemsize
    return Decays(points=values.view(complex), planned=planned, surplus=max(beyond, 0))


def _read_number_kind(acqus: Mapping[str, Any], place: Path) -> bool:
    """Return whether the numbers are float64."""
    kind = read_whole(acqus, "DTYPA", place, default=0)
    if kind not in (0, FLOAT64):
        problem = f"DTYPA is {kind}; read are 0 (int32) and {FLOAT64} (float64)"
        raise BadInput(place, problem, "correct DTYPA, or let TopSpin write the data anew")
    return kind == FLOAT64


def _check_quadrature(acqus: Mapping[str, Any], place: Path) -> None:
    """Refuse points that are no pairs of real and imaginary part taken at once."""
    mode = acqus.get("AQ_mod")
    if mode in SINGLE_CHANNEL:
        problem = f"AQ_mod is {mode} ({SINGLE_CHANNEL[mode]}): points are no complex pairs"
        raise BadInput(place, problem, "convert it in TopSpin, or measure with AQ_mod DQD or qsim")


def _check_integers(path: Path, rows: NDArray[Any], kind: np.dtype[Any], where: Path) -> None:
    """Refuse integers that are floating-point numbers read as such.

    Of float32 nearly every number is far from zero as an integer, which no decay is; a file of
    float64 is twice as long as stated, and all its numbers are of one kind only as float64.
    """
    step = max(rows.size // SAMPLED_NUMBERS, 1) | 1
    sample = np.ascontiguousarray(rows.ravel()[::step])
    told = sample[sample != 0]
    remedy = "correct DTYPA in acqus, or let TopSpin write the data anew"
    if path.stat().st_size == 2 * rows.size * kind.itemsize:
        wide = np.fromfile(path, number_type(kind.byteorder == ">", True), count=rows.size)[::step]
        as_integers = min(_implausibility(sample), _implausibility(sample.byteswap()))
        if _implausibility(wide) + OTHER_ORDER_MARGIN < as_integers:
            raise BadInput(where, "DTYPA says int32, and the numbers look like float64", remedy)
    if told.size > LEAST_TOLD and np.mean(np.abs(told.astype(float)) > FAR_INTEGER) > NEARLY_ALL:
        raise BadInput(where, "DTYPA says int32, and the numbers look like float32", remedy)


def read_whole(
    parameters: Mapping[str, Any],
    name: str,
    place: Path,
    *,
    among: Container[int] | None = None,
    default: int | None = None,
) -> int:
    """Return a parameter that is a whole number.

    Parameters
    ----------
    parameters : mapping
    name : str
    place : Path
        The file, for messages.
    among : container of int, optional
        What it may be.
    default : int, optional
        What it is where it is not there.

    Raises
    ------
    BadInput
        It is none of these.
    """
    value = parameters.get(name, default)
    whole = isinstance(value, int | float) and math.isfinite(value) and value == int(value)
    if not whole or (among is not None and int(value) not in among):
        raise BadInput(place, f"{name} is {value}", COPY_AGAIN)
    return int(value)


def read_positive(parameters: Mapping[str, Any], name: str, place: Path) -> float:
    """Return a parameter that is a finite number above zero, in its own unit.

    Raises
    ------
    BadInput
        It is none.
    """
    value = parameters.get(name)
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise BadInput(place, f"{name} is {value}", COPY_AGAIN)
    return float(value)


def _slices_and_stride(experiment: Experiment, *, row: int, size: int) -> tuple[int, int]:
    """Return the slices planned and the bytes from one row of a ``ser`` to the next."""
    stated = 0
    if (experiment.folder / "acqu2s").is_file():
        second = read_parameters(experiment.folder / "acqu2s", experiment.shown)
        stated = read_whole(second, "TD", experiment.shown / "acqu2s", default=0)
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
        The table has no entry for this filter; from DSPFVS 14 on there is none.
    """
    stated = float(acqus.get("GRPDLY", -1.0))
    if not math.isfinite(stated):
        raise BadInput("acqus", f"a group delay of {stated:g} points", "set GRPDLY")
    if stated >= 0:
        return stated
    decimation = int(float(acqus.get("DECIM", 1)))
    version = int(acqus.get("DSPFVS", 0))
    if decimation <= 1 or version <= 0:
        return 0.0
    if version >= FIRST_WITHOUT_TABLE:
        problem = f"GRPDLY is not stated, and the filter of DSPFVS {version} has no table"
        raise BadInput("acqus", problem, "set GRPDLY (often near 68), or copy acqus again")
    from nmrglue.fileio.bruker import bruker_dsp_table

    try:
        return float(bruker_dsp_table[version][decimation])
    except KeyError as error:
        raise BadInput(
            "acqus", f"no group delay known for DSPFVS {version}, DECIM {decimation}", "set GRPDLY"
        ) from error
