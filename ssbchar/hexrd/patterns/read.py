"""Patterns of one series from files: parsed, checked, laid on one axis; nothing corrected."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns import dataset, frame_status, rebin
from ssbchar.hexrd.patterns import monitor as monitor_of
from ssbchar.hexrd.patterns.formats.extracted import Extracted
from ssbchar.hexrd.patterns.formats.recognise import SUFFIXES, extract
from ssbchar.hexrd.patterns.options import Reading
from ssbchar.runtime import progress
from ssbchar.storage import atomic_write, raw_files, row_file

if TYPE_CHECKING:
    import xarray as xr

Fault = dict[str, str]


def read_patterns(source: Path, options: Reading) -> xr.Dataset:
    """Return the patterns of a file, folder or glob as one Dataset (docs/data-model.md,
    ``patterns.nc``).

    Intensities are as in the files. Standard errors are the files' own, else Poisson, sqrt(max(I,
    1)) (said in attribute ``noise``). The wavelength is the option's, else the files'. A frame that
    cannot be used has a ``status`` other than ``ok`` and stands in ``set_aside``; an unreadable one
    is left out and stands there too.

    Raises
    ------
    BadInput
        No file, no usable frame, no wavelength, or several kinds of files in one folder.
    """
    paths = _files(source, options.suffix)
    read, faults = _extract_all(paths)
    length, stderr, note = _wavelength(source, [e for _, e in read], options)
    names = [name for name, item in read for _ in range(item.frames)]
    laid = rebin.lay(source, [item for _, item in read], length, options)
    found = frame_status.status(laid.intensity, laid.stderr, laid.poisson, options)
    status = np.where(laid.status == "ok", found, laid.status)
    numbers = frame_numbers(names)
    faults += frame_status.faults(names, status, laid.intensity) + _missing(source, numbers)
    if not np.any(status == "ok"):
        first = faults[0]["problem"] if faults else "no frames"
        raise BadInput(
            source, f"no usable frame of {len(names)} (first: {first})", "check the files"
        )
    time, temperature, monitor = (
        np.concatenate([np.broadcast_to(getattr(item, name), item.frames) for _, item in read])
        for name in ("time", "temperature", "monitor")
    )
    ds = dataset.dataset(
        laid.axis,
        laid.intensity,
        laid.stderr,
        (length, stderr),
        options.common_wavelength,
        names,
        numbers,
        status,
        time,
        temperature,
        monitor,
    )
    ds["rebinned"] = ("frame", laid.rebinned)
    if options.by_monitor:
        lost = monitor_of.normalise(ds, source, options.monitor_stderr)
        faults += [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in lost]
    ds.attrs["noise"] = "poisson" if laid.poisson else "file"
    ds.attrs["wavelength_source"] = note
    if any(item.synthetic for _, item in read):
        ds.attrs["synthetic"] = 1
    if faults:
        ds.attrs["set_aside"] = json.dumps(faults)
    return ds


def frame_numbers(names: list[str]) -> Any:
    """Return the number of each frame: the last number in the file names that differs for all, else
    1, 2, 3 ...

    Parameters
    ----------
    names : list of str
        File names in natural order; a file of many frames stands as often.

    Returns
    -------
    ndarray of int, shape (frames,)
    """
    count = len(names)
    digits = [re.findall(r"\d+", Path(n).stem) for n in names]
    widths = {len(d) for d in digits}
    if count > 1 and len(widths) == 1:
        for column in range(widths.pop() - 1, -1, -1):
            values = np.array([float(d[column]) for d in digits])
            if np.all(np.diff(values) > 0) and values[-1] < 2**53:
                return values.astype(np.int64)
    return np.arange(1, count + 1)


def _files(source: Path, suffix: str) -> list[Path]:
    paths = raw_files.files(source, (suffix,) if suffix else SUFFIXES)
    kinds = Counter(p.suffix.lower() for p in paths)
    if len(kinds) > 1 and not suffix:
        found = ", ".join(f"{n} {k}" for k, n in sorted(kinds.items()))
        raise BadInput(
            source,
            f"holds several kinds of files ({found})",
            "set hexrd.read.suffix to the one to read",
        )
    return paths


def _extract_all(paths: list[Path]) -> tuple[list[tuple[str, Extracted]], list[Fault]]:
    """Read every file; an unreadable one is a fault, or raised where it is the only one."""
    read: list[tuple[str, Extracted]] = []
    faults: list[Fault] = []
    pile = row_file.Pile()
    for path in progress.steps(paths, "read patterns", unit="files"):
        try:
            item = extract(path)
            if read and np.array_equal(item.x, read[-1][1].x):
                item.x = read[-1][1].x  # one axis in memory, not one per file
            item.intensity = pile.put(item.intensity)
            item.stderr = None if item.stderr is None else pile.put(item.stderr)
            read.append((path.name, item))
        except BadInput as fault:
            atomic_write.unless_data(fault)
            if len(paths) == 1:
                raise
            faults.append({"where": fault.where, "problem": fault.problem, "remedy": fault.remedy})
    if not read:
        raise BadInput(
            paths[0].parent,
            f"none of {len(paths)} files can be read ({faults[0]['problem']})",
            "check them",
        )
    return read, faults


def _wavelength(source: Path, read: list[Extracted], options: Reading) -> tuple[float, float, str]:
    """Return wavelength and standard error [angstrom] and where they come from."""
    stated = [e.wavelength for e in read if e.wavelength]
    spread = max((w for w, _ in stated), default=1.0) / min((w for w, _ in stated), default=1.0) - 1
    if options.wavelength is not None and spread > 1e-4:
        problem = (
            f"the files state several wavelengths ({1e6 * spread:.0f} ppm apart) and the config one"
        )
        raise BadInput(source, problem, "leave hexrd.read.wavelength empty, or read them apart")
    if options.wavelength is not None:
        value = options.wavelength
        stderr = options.wavelength_stderr or bragg.rounding_stderr_from_text(repr(value))
        note = "config"
        if stated and abs(stated[0][0] / value - 1) > 1e-5:
            note += f"; the files state {stated[0][0]:.7g} ({1e6 * (stated[0][0] / value - 1):+.0f} ppm)"
    elif stated:
        (value, stderr), count = Counter(stated).most_common(1)[0]
        stderr = options.wavelength_stderr or stderr
        note = f"header of {count} files"
    else:
        raise BadInput(
            source, "no file states its wavelength", "set hexrd.read.wavelength [angstrom]"
        )
    if not 0.01 < value < 5:
        raise BadInput(
            source,
            f"wavelength {value:g} angstrom is none of X-rays",
            "set hexrd.read.wavelength [angstrom]",
        )
    return value, stderr, note


def _missing(source: Path, numbers: Any) -> list[Fault]:
    """Return a fault that lists the frame numbers which are not there, where the numbers run
    regularly."""
    steps = np.diff(numbers)
    if steps.size < 3:
        return []
    usual = int(Counter(steps.tolist()).most_common(1)[0][0])
    gaps = np.flatnonzero(steps != usual)
    absent = int(np.sum(steps[gaps] // usual - 1))
    if not gaps.size or np.any(steps % usual) or absent > numbers.size:
        return []
    listed = [
        str(int(n)) for g in gaps for n in np.arange(numbers[g] + usual, numbers[g + 1], usual)
    ]
    text = ", ".join(listed[:12]) + (" ..." if len(listed) > 12 else "")
    problem = f"{absent} of {numbers.size + absent} frames are missing (numbers {text})"
    return [
        {
            "where": str(source),
            "problem": problem,
            "remedy": "copy them if they exist; the others are used",
        }
    ]
