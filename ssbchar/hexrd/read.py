"""Patterns of one series from files: parsed, checked, laid on one axis; nothing corrected."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar import progress, sources
from ssbchar.errors import BadInput
from ssbchar.hexrd import quality, wavelength
from ssbchar.hexrd.formats import SUFFIXES, Array, Extracted, extract
from ssbchar.hexrd.options import Reading

if TYPE_CHECKING:
    import xarray as xr

UNITS = ("degree", "1/angstrom", "1/nm", "angstrom")
Fault = dict[str, str]


def patterns(source: Path, options: Reading) -> xr.Dataset:
    """Return the patterns of a file, folder or glob as one Dataset (docs/data-model.md, ``patterns.nc``).

    Intensities are as in the files. Standard errors are the files' own, else Poisson, sqrt(max(I, 1)) (said in
    attribute ``noise``). The wavelength is the option's, else the files'. A frame that cannot be used has a
    ``status`` other than ``ok`` and stands in ``set_aside``; an unreadable one is left out and stands there too.

    Raises
    ------
    BadInput
        No file, no usable frame, no wavelength, or several kinds of files in one folder.
    """
    paths = _files(source, options.suffix)
    read, faults = _extract_all(paths)
    length, stderr, note = _wavelength(source, [e for _, e in read], options)
    axis, intensity, sigma, status, rebinned = _on_one_axis(source, read, length, options)
    poisson = sigma is None
    sigma = np.sqrt(np.maximum(intensity, 1.0)) if sigma is None else sigma
    names = [name for name, _ in read for _ in range(_.intensity.shape[0])]
    found = quality.status(intensity, sigma, poisson, options)
    status = np.where(status == "ok", found, status)
    numbers = frame_numbers(names)
    faults += quality.faults(names, status, intensity) + _missing(source, numbers)
    if not np.any(status == "ok"):
        first = faults[0]["problem"] if faults else "no frames"
        raise BadInput(source, f"no usable frame of {len(names)} (first: {first})", "check the files")
    ds = _dataset(axis, intensity, sigma, names, numbers, status, (length, stderr), options.common_wavelength)
    for name in ("temperature", "time", "monitor"):
        ds[{"temperature": "temperature_header"}.get(name, name)].values[:] = np.concatenate(
            [np.broadcast_to(getattr(e, name), e.intensity.shape[0]) for _, e in read]
        )
    ds["rebinned"].values[:] = rebinned
    ds.attrs["noise"] = "poisson" if poisson else "file"
    ds.attrs["wavelength_source"] = note
    if rebinned.any():
        ds.attrs["rebinned"] = json.dumps([n for n, r in zip(names, rebinned, strict=True) if r])
    if any("synthetic" in e.header.lower() for _, e in read):
        ds.attrs["synthetic"] = 1
    if faults:
        ds.attrs["set_aside"] = json.dumps(faults)
    return ds


def frame_numbers(names: list[str]) -> Any:
    """Return the number of each frame: the last number in the file names that differs for all, else 1, 2, 3 ...

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


def rebin(x: Array, values: Array, variance: Array, onto: Array) -> tuple[Array, Array]:
    """Return values and variance on another axis, by the exact overlap of the points' intervals.

    Each point stands for the interval up to the midpoints to its neighbours, its value the mean over it; a new
    value is the overlap-weighted mean, v_j = sum_i w_ji v_i with w_ji = overlap / width, its variance sum_i w_ji^2
    var_i. (Neighbouring new points share counts: their covariance is not kept.) NaN beyond the old range.

    Parameters
    ----------
    x, values, variance : ndarray, shape (points,)
        Old axis (ascending), values, variances.
    onto : ndarray, shape (new points,)
        New axis, in the unit of `x`.
    """
    old, new = _edges(x), _edges(onto)
    cuts = np.unique(np.concatenate([old, new]))
    cuts = cuts[(cuts >= max(old[0], new[0])) & (cuts <= min(old[-1], new[-1]))]
    middle, width = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    i = np.clip(np.searchsorted(old, middle) - 1, 0, x.size - 1)
    j = np.clip(np.searchsorted(new, middle) - 1, 0, onto.size - 1)
    w = width / np.diff(new)[j]
    out = np.bincount(j, w * values[i], onto.size).astype(float)
    var = np.bincount(j, w**2 * variance[i], onto.size).astype(float)
    outside = np.abs(np.bincount(j, w, onto.size) - 1) > 1e-6
    out[outside] = var[outside] = np.nan
    return out, var


def _edges(x: Array) -> Array:
    middle = (x[1:] + x[:-1]) / 2
    return np.concatenate([[x[0] - (middle[0] - x[0])], middle, [x[-1] + (x[-1] - middle[-1])]])


def _files(source: Path, suffix: str) -> list[Path]:
    paths = sources.files(source, (suffix,) if suffix else SUFFIXES)
    kinds = Counter(p.suffix.lower() for p in paths)
    if len(kinds) > 1 and not suffix:
        found = ", ".join(f"{n} {k}" for k, n in sorted(kinds.items()))
        raise BadInput(source, f"holds several kinds of files ({found})", "set hexrd.read.suffix to the one to read")
    return paths


def _extract_all(paths: list[Path]) -> tuple[list[tuple[str, Extracted]], list[Fault]]:
    """Read every file; an unreadable one is a fault, or raised where it is the only one."""
    read, faults = [], []
    for path in progress.steps(paths, "read patterns", unit="files"):
        try:
            read.append((path.name, extract(path)))
        except BadInput as fault:
            if len(paths) == 1:
                raise
            faults.append({"where": fault.where, "problem": fault.problem, "remedy": fault.remedy})
    if not read:
        raise BadInput(
            paths[0].parent, f"none of {len(paths)} files can be read ({faults[0]['problem']})", "check them"
        )
    return read, faults


def _wavelength(source: Path, read: list[Extracted], options: Reading) -> tuple[float, float, str]:
    """Return wavelength and standard error [angstrom] and where they come from."""
    stated = [e.wavelength for e in read if e.wavelength]
    spread = max((w for w, _ in stated), default=1.0) / min((w for w, _ in stated), default=1.0) - 1
    if options.wavelength is not None and spread > 1e-4:
        problem = f"the files state several wavelengths ({1e6 * spread:.0f} ppm apart) and the config one"
        raise BadInput(source, problem, "leave hexrd.read.wavelength empty, or read them apart")
    if options.wavelength is not None:
        value = options.wavelength
        stderr = options.wavelength_stderr or wavelength.rounding(repr(value))
        note = "config"
        if stated and abs(stated[0][0] / value - 1) > 1e-5:
            note += f"; the files state {stated[0][0]:.7g} ({1e6 * (stated[0][0] / value - 1):+.0f} ppm)"
    elif stated:
        (value, stderr), count = Counter(stated).most_common(1)[0]
        stderr = options.wavelength_stderr or stderr
        note = f"header of {count} files"
    else:
        raise BadInput(source, "no file states its wavelength", "set hexrd.read.wavelength [angstrom]")
    if not 0.01 < value < 5:
        raise BadInput(
            source, f"wavelength {value:g} angstrom is none of X-rays", "set hexrd.read.wavelength [angstrom]"
        )
    return value, stderr, note


def _two_theta(item: Extracted, length: float, options: Reading) -> Array:
    """Return the axis of a file as 2theta [degree] at the measurement's wavelength, exact through q."""
    unit = item.unit or options.axis_unit or "degree"
    if unit == "degree":
        own = item.wavelength[0] if item.wavelength and options.wavelength is None else length
        return item.x if own == length else wavelength.at_wavelength(item.x, own, length)
    if unit == "angstrom":
        return wavelength.two_theta_from_d(item.x, length)
    return wavelength.two_theta_from_q(item.x * (0.1 if unit == "1/nm" else 1.0), length)


def _on_one_axis(
    source: Path, read: list[tuple[str, Extracted]], length: float, options: Reading
) -> tuple[Array, Array, Array | None, Any, Any]:
    """Lay all frames on the axis most of them have; return axis, intensity, sigma or None, status, rebinned."""
    axes = [_two_theta(item, length, options) for _, item in read]
    kinds = [quality.axis_fault(x) for x in axes]
    keys = Counter(x.tobytes() for x, kind in zip(axes, kinds, strict=True) if kind in ("ok", "descending"))
    if not keys:
        raise BadInput(source, f"2theta is {kinds[0]} in every file", "sort it, one intensity per 2theta")
    axis = np.frombuffer(keys.most_common(1)[0][0])
    axis = axis[::-1].copy() if axis[0] > axis[-1] else axis.copy()
    frames = sum(item.intensity.shape[0] for _, item in read)
    intensity = np.full((frames, axis.size), np.nan)
    sigma = np.full_like(intensity, np.nan) if any(item.stderr is not None for _, item in read) else None
    status, rebinned = np.full(frames, "ok", dtype="U12"), np.zeros(frames, dtype=np.int8)
    at = 0
    for (_, item), x, kind in zip(read, axes, kinds, strict=True):
        rows = slice(at, at + item.intensity.shape[0])
        at = rows.stop
        if kind == "descending":
            x, item.intensity = x[::-1], item.intensity[:, ::-1]
            item.stderr = None if item.stderr is None else item.stderr[:, ::-1]
        elif kind != "ok":
            status[rows] = kind
            continue
        poisson = np.sqrt(np.maximum(item.intensity, 1.0))
        errors = poisson if item.stderr is None else np.where(item.stderr > 0, item.stderr, poisson)
        if x.shape == axis.shape and np.array_equal(x, axis):
            intensity[rows] = item.intensity
        elif options.other_grid == "set_aside":
            status[rows] = "other_grid"
            continue
        else:
            both = [rebin(x, v, e**2, axis) for v, e in zip(item.intensity, errors, strict=True)]
            intensity[rows] = [v for v, _ in both]
            errors = np.sqrt([v for _, v in both])
            rebinned[rows] = 1
            sigma = np.sqrt(np.maximum(intensity, 1.0)) if sigma is None else sigma
        if sigma is not None:
            sigma[rows] = errors
    return axis, intensity, sigma, status, rebinned


def _missing(source: Path, numbers: Array) -> list[Fault]:
    """Return a fault that lists the frame numbers which are not there, where the numbers run regularly."""
    steps = np.diff(numbers)
    if steps.size < 3:
        return []
    usual = int(Counter(steps.tolist()).most_common(1)[0][0])
    gaps = np.flatnonzero(steps != usual)
    absent = int(np.sum(steps[gaps] // usual - 1))
    if not gaps.size or np.any(steps % usual) or absent > numbers.size:
        return []
    listed = [str(int(n)) for g in gaps for n in np.arange(numbers[g] + usual, numbers[g + 1], usual)]
    text = ", ".join(listed[:12]) + (" ..." if len(listed) > 12 else "")
    problem = f"{absent} of {numbers.size + absent} frames are missing (numbers {text})"
    return [{"where": str(source), "problem": problem, "remedy": "copy them if they exist; the others are used"}]


def _dataset(
    axis: Array, intensity: Array, sigma: Array, names: list[str], numbers: Array, status: Any,
    length: tuple[float, float], common: float | None,
) -> xr.Dataset:  # fmt: skip
    """Return the Dataset of the data model; times, temperatures and monitors still NaN."""
    import xarray as xr

    empty = np.full(len(names), np.nan)
    common = common or length[0]
    own = {"units": "degree", "long_name": "2theta as measured"}
    shared = {"units": "degree", "long_name": "2theta at the common wavelength"}
    at_common = wavelength.at_wavelength(axis, length[0], common)
    unit = {"units": "counts", "ancillary_variables": "intensity_stderr"}
    return xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), intensity, unit),
            "intensity_stderr": (("frame", "two_theta"), sigma, {"units": "counts"}),
            "wavelength": ((), length[0], {"units": "angstrom", "ancillary_variables": "wavelength_stderr"}),
            "wavelength_stderr": ((), length[1], {"units": "angstrom"}),
            "common_wavelength": ((), common, {"units": "angstrom"}),
            "source_file": ("frame", np.array(names, dtype=object)),
            "time": ("frame", empty, {"units": "s", "long_name": "time since 1970-01-01 UTC"}),
            "temperature_header": ("frame", empty.copy(), {"units": "degC"}),
            "monitor": ("frame", empty.copy(), {"units": "counts"}),
            "status": ("frame", status.astype(object)),
            "rebinned": ("frame", np.zeros(len(names), dtype=np.int8)),
        },
        coords={
            "frame": ("frame", numbers),
            "two_theta": ("two_theta", axis, own),
            "q": ("two_theta", wavelength.q_from_two_theta(axis, length[0]), {"units": "1/angstrom"}),
            "two_theta_common": ("two_theta", at_common, shared),
        },
    )
