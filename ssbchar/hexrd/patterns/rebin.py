"""Patterns of different axes on one: exact through d, rebinned by overlap, never interpolated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns import frame_status
from ssbchar.hexrd.patterns.formats.extracted import Extracted
from ssbchar.hexrd.patterns.options import Reading
from ssbchar.storage import row_file
from ssbchar.storage.row_file import Stack
from ssbchar.typing import Array

KEPT = np.float32
"""Intensities are kept with 24 bits, 6e-8 of their value: counts to 16 million exactly, all far
below their noise."""


@dataclass
class Laid:
    """All frames on one axis."""

    axis: Array
    """2theta [degree], ascending, shape (points,)."""
    intensity: Array | Stack
    """[counts], shape (frames, points); NaN where a frame has nothing. On disk where it is
    large."""
    stderr: Array | Stack
    """[counts], the files' own or Poisson."""
    poisson: bool
    """Whether no file states its errors."""
    status: Any
    """Per frame: ``ok``, what is wrong with its axis, or ``other_grid``."""
    rebinned: Any
    """Per frame: 1 where it was laid on the axis of the others."""


def lay(source: Path, read: list[Extracted], length: float, options: Reading) -> Laid:
    """Return all frames on the axis that most of them have; the intensities in `read` are given up
    one by one.

    Parameters
    ----------
    source : Path
        For messages.
    read : list of Extracted
        In the order of the series.
    length : float
        Wavelength of the series [angstrom].

    Raises
    ------
    BadInput
        No file has a usable axis.
    """
    axes = _axes(read, length, options)
    kinds = [frame_status.axis_fault(x) for x in axes]
    names = [
        x.tobytes() if kind in ("ok", "descending") else b""
        for x, kind in zip(axes, kinds, strict=True)
    ]
    keys = Counter(name for name in names if name)
    if not keys:
        raise BadInput(
            source,
            frame_status.WORDS[kinds[0]][0] + " in every file",
            frame_status.WORDS[kinds[0]][1],
        )
    axis = np.frombuffer(keys.most_common(1)[0][0])
    axis = axis[::-1].copy() if axis[0] > axis[-1] else axis.copy()
    frames = sum(item.frames for item in read)
    laid = Laid(
        axis,
        row_file.empty((frames, axis.size), KEPT),
        row_file.empty((frames, axis.size), KEPT),
        all(i.stderr is None for i in read),
        np.full(frames, "ok", dtype="U12"),
        np.zeros(frames, dtype=np.int8),
    )
    at = 0
    for item, x, kind in zip(read, axes, kinds, strict=True):
        for part in row_file.parts(item.intensity.shape):
            rows = slice(at + part.start, at + part.stop)
            laid.status[rows], laid.rebinned[rows] = _place(
                item, part, x, kind, laid, rows, options.other_grid
            )
        at += item.frames
        item.intensity, item.stderr = np.empty((0, 0)), None
    return _trimmed(laid)


def _trimmed(laid: Laid) -> Laid:
    """Leave out points that hold nothing: NaN in more than half of the frames, or zero in all at
    either end."""
    usable = int(np.sum(laid.status == "ok"))
    missing, counts = _missing_and_counts(laid.intensity)
    missing = missing - (laid.status.size - usable)
    filled = np.flatnonzero(counts & (missing <= usable / 2))
    if not filled.size or not usable:
        return laid
    keep = missing <= usable / 2
    keep[: filled[0]] = keep[filled[-1] + 1 :] = False
    if keep.all():
        return laid
    intensity, stderr = (row_file.points(values, keep) for values in (laid.intensity, laid.stderr))
    return replace(laid, axis=laid.axis[keep], intensity=intensity, stderr=stderr)


def _missing_and_counts(intensity: Array | Stack) -> tuple[Any, Any]:
    """Return in how many frames each point is NaN, and whether it has counts in any."""
    missing = np.zeros(intensity.shape[1], dtype=np.int64)
    found = np.zeros(intensity.shape[1], dtype=bool)
    for part in row_file.parts(intensity.shape):
        block = intensity[part]
        nan = np.isnan(block)
        missing += nan.sum(axis=0)
        found |= ((block != 0) & ~nan).any(axis=0)
    return missing, found


def _axes(read: list[Extracted], length: float, options: Reading) -> list[Array]:
    """Return the 2theta of each file; files that share an axis share the array."""
    axes: list[Array] = []
    for n, item in enumerate(read):
        before = read[n - 1] if n else None
        same = before is not None and item.x is before.x
        if (
            same
            and before is not None
            and (item.unit, item.wavelength) == (before.unit, before.wavelength)
        ):
            axes.append(axes[-1])
        else:
            axes.append(_two_theta(item, length, options))
    return axes


def _two_theta(item: Extracted, length: float, options: Reading) -> Array:
    """Return the axis of a file as 2theta [degree] at the series' wavelength, exact through q."""
    unit = item.unit or options.axis_unit or "degree"
    if unit == "degree":
        own = item.wavelength[0] if item.wavelength and options.wavelength is None else length
        return item.x if own == length else bragg.convert_wavelength(item.x, own, length)
    if unit == "angstrom":
        return bragg.two_theta_from_d(item.x, length)
    return bragg.two_theta_from_q(item.x * (0.1 if unit == "1/nm" else 1.0), length)


def _place(
    item: Extracted, part: slice, x: Array, kind: str, laid: Laid, rows: slice, other: str
) -> tuple[str, int]:
    """Put some frames of a file into their rows; return their status and whether they were
    rebinned."""
    if kind not in ("ok", "descending"):
        laid.intensity[rows] = laid.stderr[rows] = np.nan
        return kind, 0
    values, errors = item.intensity[part], None if item.stderr is None else item.stderr[part]
    poisson = np.sqrt(np.maximum(values, 1.0))
    errors = poisson if errors is None else np.where(errors > 0, errors, poisson)
    if kind == "descending":
        x, values, errors = x[::-1], values[:, ::-1], errors[:, ::-1]
    if x is laid.axis or np.array_equal(x, laid.axis):
        laid.intensity[rows], laid.stderr[rows] = values, errors
        return "ok", 0
    if other == "set_aside":
        laid.intensity[rows] = laid.stderr[rows] = np.nan
        return "other_grid", 0
    both = [rebin(x, v, e**2, laid.axis) for v, e in zip(values, errors, strict=True)]
    laid.intensity[rows] = [v for v, _ in both]
    laid.stderr[rows] = np.sqrt([v for _, v in both])
    return "ok", 1


def rebin(x: Array, values: Array, variance: Array, onto: Array) -> tuple[Array, Array]:
    """Return values and variance on another axis, by the exact overlap of the points' intervals.

    Each point stands for the interval up to the midpoints to its neighbours, its value the mean
    over it; a new value is the overlap-weighted mean, v_j = sum_i w_ji v_i with w_ji = overlap /
    width, its variance sum_i w_ji^2 var_i. (Neighbouring new points share counts: their covariance
    is not kept.) NaN beyond the old range.

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
