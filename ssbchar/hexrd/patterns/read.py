"""Patterns of one series from files: read, checked, put on one axis; nothing is corrected."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns import frame_status, rebin
from ssbchar.hexrd.patterns.dataset import FrameRecords, Wavelength, build_dataset
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.formats.recognise import HDF5, SUFFIXES, extract
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.patterns.monitor import normalise_by_monitor
from ssbchar.hexrd.patterns.odd_points import set_aside_odd_points
from ssbchar.hexrd.patterns.options import PatternLimits, PatternReading
from ssbchar.hexrd.patterns.rebin import SeriesAxis
from ssbchar.hexrd.patterns.settle import Told, refuse_beyond_backscattering, settle
from ssbchar.runtime import progress
from ssbchar.storage import atomic_write, raw_files, reading, row_file
from ssbchar.storage.file_watch import FileWatch

if TYPE_CHECKING:
    import xarray as xr

SAME_WAVELENGTH = 1e-4
"""Relative spread above which files state different wavelengths."""
AS_STATED = 1e-5
"""Relative difference above which a configured wavelength is not that of the files."""
CALIBRATED_TO = 3e-5
"""Relative standard error of a wavelength that states none, however many digits it has. Patterns of
NIST SRM 676a, 640d and 674b measured at one beamline (APS 11-BM), each with its wavelength in six
digits, give cells +45, -21 and -16 ppm off the certified ones (tests/real)."""
SAME_EXPOSURE = 0.01
"""Relative spread above which frames have different exposures."""
AXIS_NOT_NAMED = "not named"
"""Said of an axis that the files do not name."""
LISTED = 12
"""Missing frames that a message lists."""


class UnknownWavelength(BadInput):
    """Neither option nor files state a wavelength that can be used."""


@dataclass(kw_only=True)
class FilesRead:
    """The files of a series that could be read; filled file by file."""

    names: list[str]
    """Name of each file."""
    contents: list[PatternFile]
    faults: list[BadInput]
    """Why the others could not be read."""
    told: Told = field(default_factory=Told)
    """What was stated and not used."""

    @property
    def frame_names(self) -> list[str]:
        """File name of each frame, as many str as frames."""
        files = zip(self.names, self.contents, strict=True)
        return [name for name, content in files for _ in range(content.frames)]

    def per_frame(self, name: str) -> NDArray[np.float64]:
        """Return what the headers state of each frame [degC, s or counts], shape (frames,)."""
        values = [
            np.broadcast_to(getattr(content, name), content.frames) for content in self.contents
        ]
        return np.concatenate(values)


def read_patterns(source: Path, options: PatternReading) -> xr.Dataset:
    """Return the patterns of a file, folder or glob as one Dataset (docs/data-model.md,
    ``patterns.nc``).

    Intensities [counts] are as in the files. Standard errors are the files' own, else those of
    counting, sqrt(max(I, 1)) (attribute ``noise``). The wavelength is the option's, else the
    files'. A frame that cannot be used has a ``status`` other than ``ok`` and an entry in
    ``set_aside``; a file that cannot be read is left out and has an entry there too.

    Parameters
    ----------
    source : Path
        File, folder or glob.
    options : PatternReading
        How patterns are read.

    Raises
    ------
    BadInput
        No file, no usable frame, no wavelength, or several kinds of files in one folder.
    """
    return read_patterns_like(source, options)[0]


@dataclass(frozen=True, kw_only=True)
class SeriesGrid:
    """What the frames of a series share, for those that are read later."""

    axis: SeriesAxis
    """[degree]"""
    wavelength: Wavelength
    """[angstrom]"""


def read_patterns_like(
    source: Path, options: PatternReading, like: SeriesGrid | None = None
) -> tuple[xr.Dataset, SeriesGrid]:
    """Return patterns as `read_patterns` does, and what further ones of their series are read by.

    Parameters
    ----------
    source : Path
        File, folder or glob.
    options : PatternReading
    like : SeriesGrid, optional
        Axis [degree] and wavelength [angstrom] of the series that these frames continue; they are
        judged without those before them.

    Raises
    ------
    BadInput
        As `read_patterns`.
    """
    paths, watch = list_files(source, options.suffix), FileWatch()
    files = _extract_all(paths, options, watch)
    files.faults += files.told.as_faults(source, len(paths))
    wavelength = like.wavelength if like else _choose_wavelength(source, files.contents, options)
    _leave_out_impossible(files, wavelength.value)
    # One file may hold many frames: from here on everything is per frame.
    names = files.frame_names
    series = rebin.regrid(
        source, files.contents, wavelength.value, options, like=like.axis if like else None
    )
    odd = set_aside_odd_points(names, series)
    judged = frame_status.judge_frames(
        series.intensity,
        series.stderr,
        options,
        poisson=series.poisson,
    )
    # What is wrong with the axis outranks the intensities, which are then empty.
    status = np.where(series.status == FrameStatus.OK, judged, series.status)
    numbers = number_frames(names)
    exposure = files.per_frame("exposure")
    faults = [
        *files.faults,
        *frame_status.describe_exclusions(names, status, series.intensity),
        *odd,
        *_describe_gaps(source, numbers),
        *_describe_exposures(source, exposure, options),
        *watch.describe_changed(),
    ]
    if not np.any(status == FrameStatus.OK):
        first = faults[0].problem if faults else "no frames"
        problem = f"no usable frame of {len(names)} (first: {first})"
        raise BadInput(source, problem, "check the files")
    records = FrameRecords(
        names=names,
        numbers=numbers,
        status=status,
        time=files.per_frame("time"),
        temperature=files.per_frame("temperature"),
        monitor=files.per_frame("monitor"),
    )
    more = {"rebinned": series.rebinned}
    ds = build_dataset(
        two_theta=series.axis,
        intensity=series.intensity,
        stderr=series.stderr,
        wavelength=wavelength,
        frames=records,
        noise="poisson" if series.poisson else "file",
        more=more | {"exposure": exposure} if np.isfinite(exposure).any() else more,
    )
    ds.attrs |= _describe_reading(files.contents, ds, options)
    if options.by_monitor:
        faults += normalise_by_monitor(ds, source, options.monitor_stderr)
    if any(content.synthetic for content in files.contents):
        ds.attrs["synthetic"] = 1
    if faults:
        entries = [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in faults]
        ds.attrs["set_aside"] = json.dumps(entries)
    return ds, SeriesGrid(axis=series.origin, wavelength=wavelength)


def _describe_reading(
    contents: list[PatternFile], ds: xr.Dataset, options: PatternReading
) -> dict[str, str]:
    """Return where the axis and the temperatures come from, and what was assumed."""
    axes = Counter((content.axis_name, content.unit) for content in contents)
    (name, unit), _ = axes.most_common(1)[0]
    assumed = Counter(text for content in contents for text in content.assumed)
    if not name and not options.axis_unit:
        assumed["the axis is taken as 2theta in degree: the files name none"] += 1
    known = np.isfinite(ds["temperature_header"].values).any()
    origin = "file names" if options.temperature_pattern else "headers"
    return {
        "axis_source": f"'{name}' [{unit}]" if name else f"{unit or 'degree'}, {AXIS_NOT_NAMED}",
        "temperature_source": origin if known else "none",
        "assumed": "; ".join(assumed),
    }


def _describe_exposures(
    source: Path, exposure: NDArray[np.float64], options: PatternReading
) -> list[BadInput]:
    """Return a fault where frames have different exposures [s] and are not divided by a monitor."""
    known = exposure[np.isfinite(exposure) & (exposure > 0)]
    if options.by_monitor or not known.size or np.ptp(known) <= SAME_EXPOSURE * known.max():
        return []
    problem = f"exposures range from {known.min():g} to {known.max():g} s; intensities follow them"
    return [BadInput(source, problem, "set hexrd.read.by_monitor, or scale the files")]


def _leave_out_impossible(files: FilesRead, wavelength: float) -> None:
    """Take out files whose q or d cannot be measured at this wavelength [angstrom]."""
    kept = []
    for name, content in zip(files.names, files.contents, strict=True):
        try:
            refuse_beyond_backscattering(name, content, wavelength)
            kept.append((name, content))
        except BadInput as fault:
            files.faults.append(fault)
            if len(files.names) == 1:
                raise
    if not kept:
        raise _refuse_all(Path(files.names[0]), len(files.names), files.faults)
    files.names = [name for name, _ in kept]
    files.contents = [content for _, content in kept]


def _refuse_all(where: Path, count: int, faults: list[BadInput]) -> BadInput:
    """Return why none of several files can be used; their own remedy where they share it."""
    remedies = {fault.remedy for fault in faults}
    remedy = remedies.pop() if len(remedies) == 1 else "check the files"
    return faults[0].reword(
        where, f"none of {count} files can be read ({faults[0].problem})", remedy
    )


def number_frames(names: list[str]) -> NDArray[np.int64]:
    """Return the number of each frame: the last number in the file names that rises from frame to
    frame, else 1, 2, 3 ...

    Parameters
    ----------
    names : list of str
        File names in natural order; the name of a file of many frames is repeated.

    Returns
    -------
    ndarray of int, shape (frames,)
        Without a unit.
    """
    # Names such as LFP_650C_0007_1.xye hold other numbers: that of the frame rises.
    count = len(names)
    digits = [re.findall(r"\d+", Path(name).stem) for name in names]
    widths = {len(found) for found in digits}
    if count > 1 and len(widths) == 1:
        for column in range(widths.pop() - 1, -1, -1):
            values = np.array([float(found[column]) for found in digits])
            # Beyond 2^53 neighbouring integers are the same double.
            if np.all(np.diff(values) > 0) and values[-1] < 2**53:
                return values.astype(np.int64)
    return np.arange(1, count + 1)


def list_files(source: Path, suffix: str) -> list[Path]:
    """Return the pattern files of a source, of one kind.

    Parameters
    ----------
    source : Path
        File, folder or glob.
    suffix : str
        The ending to read; empty takes any known one, if all files have the same.

    Raises
    ------
    BadInput
        No file, or several kinds of them.
    """
    paths = raw_files.find_files(source, (suffix,) if suffix else SUFFIXES)
    # A folder may hold the same patterns in two formats: never mixed.
    kinds = Counter(path.suffix.lower() for path in paths)
    if len(kinds) > 1 and not suffix:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        raise BadInput(
            source,
            f"holds several kinds of files ({listed})",
            "set hexrd.read.suffix to the one to read",
        )
    return paths


def _extract_all(paths: list[Path], options: PatternReading, watch: FileWatch) -> FilesRead:
    """Read every file; one that cannot be read is a fault, or raised where it is the only one."""
    files = FilesRead(names=[], contents=[], faults=[])
    store = row_file.make_overflow()
    for path in progress.report_progress(paths, "read patterns", unit="files"):
        try:
            watch.note(path)
            content = _extract_guarded(path, options.limits)
            with reading.isolate(path, "reading it"):
                settle(path, content, options, files.told)
            # Files of a series share their axis: one array in memory, not one per file.
            if files.contents and np.array_equal(content.x, files.contents[-1].x):
                content.x = files.contents[-1].x
            content.intensity = store(content.intensity)
            content.stderr = None if content.stderr is None else store(content.stderr)
            files.names.append(path.name)
            files.contents.append(content)
        except BadInput as fault:
            # A full disk is no fault of the file.
            atomic_write.raise_machine_fault(fault)
            if len(paths) == 1:
                raise
            files.faults.append(fault)
    if not files.contents:
        raise _refuse_all(paths[0].parent, len(paths), files.faults)
    return files


def _extract_guarded(path: Path, limits: PatternLimits) -> PatternFile:
    """Return what a file holds, within the limits."""
    with reading.guard_reading(path, limits, by_parts=path.suffix.lower() in HDF5):
        content = extract(path)
    if content.x.size > limits.points:
        problem = f"a pattern has {content.x.size} points"
        raise reading.make_limit_fault(path, problem, limits, "points")
    return content


def _choose_wavelength(
    source: Path,
    contents: list[PatternFile],
    options: PatternReading,
) -> Wavelength:
    """Return the wavelength [angstrom] of the series: that of the config, else of most files."""
    stated = [content.wavelength for content in contents if content.wavelength]
    if options.wavelength is not None:
        _refuse_several_wavelengths(source, [value for value, _ in stated])
        value = options.wavelength
        rounding = bragg.rounding_stderr_from_text(repr(value))
        note = "config"
        if stated and abs(stated[0][0] / value - 1) > AS_STATED:
            apart = 1e6 * (stated[0][0] / value - 1)
            note += f"; the files state {stated[0][0]:.7g} ({apart:+.0f} ppm)"
    elif stated:
        (value, rounding), count = Counter(stated).most_common(1)[0]
        note = f"header of {count} files"
    else:
        wrong = [one for content in contents for one in content.misread]
        wrong = [one for one in wrong if one.quantity == "wavelength"]
        problem = wrong[0].problem if wrong else "no file states its wavelength"
        raise UnknownWavelength(source, problem, "set hexrd.read.wavelength [angstrom]")
    if not 0.01 < value < 5:
        raise UnknownWavelength(
            source,
            f"a wavelength of {value:g} angstrom is not that of an X-ray experiment",
            "set hexrd.read.wavelength [angstrom]",
        )
    stderr = options.wavelength_stderr or max(rounding, CALIBRATED_TO * value)
    return Wavelength(value=value, stderr=stderr, common=options.common_wavelength, source=note)


def _refuse_several_wavelengths(source: Path, stated: list[float]) -> None:
    """Raise where the files state several wavelengths [angstrom]: one of the config cannot be that
    of all."""
    spread = max(stated, default=1.0) / min(stated, default=1.0) - 1
    if spread > SAME_WAVELENGTH:
        problem = (
            f"the files state several wavelengths ({1e6 * spread:.0f} ppm apart) and the config one"
        )
        remedy = "leave hexrd.read.wavelength empty, or read them as several measurements"
        raise BadInput(source, problem, remedy)


def _describe_gaps(source: Path, numbers: NDArray[Any]) -> list[BadInput]:
    """Return a fault that lists the frame numbers which are missing, where the others follow a
    regular step."""
    # Irregular numbers say nothing of what is missing.
    steps = np.diff(numbers)
    if steps.size < 3:
        return []
    usual = int(Counter(steps.tolist()).most_common(1)[0][0])
    gaps = np.flatnonzero(steps != usual)
    absent = int(np.sum(steps[gaps] // usual - 1))
    if not gaps.size or np.any(steps % usual) or absent > numbers.size:
        return []
    missing = [
        str(int(number))
        for gap in gaps
        for number in np.arange(numbers[gap] + usual, numbers[gap + 1], usual)
    ]
    listed = ", ".join(missing[:LISTED]) + (" ..." if len(missing) > LISTED else "")
    problem = f"{absent} of {numbers.size + absent} frames are missing (numbers {listed})"
    return [BadInput(source, problem, "copy them if they exist; the others are used")]
