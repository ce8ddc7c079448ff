"""Which frames can be used: zeros, beam dumps, saturation, NaN, negative counts, unusable axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ssbchar.hexrd.patterns.options import Reading
from ssbchar.statistics import find_runs
from ssbchar.storage.row_file import Stack
from ssbchar.typing import Array

WORDS = {
    "zeros": ("every intensity is zero", "check whether the shutter was open"),
    "beam_dump": (
        "its total collapses against its neighbours",
        "check the ring current; raise hexrd.read.beam_dump",
    ),
    "saturated": (
        "its strongest points are cut off at the detector's limit",
        "attenuate or shorten the exposure",
    ),
    "nan": ("intensities are NaN", "integrate the image again or mask the points in every frame"),
    "negative": ("negative counts beyond their noise", "check the dark or background subtraction"),
    "truncated": ("covers less 2theta than the series", "copy the file again"),
    "unsorted": ("2theta is not sorted", "sort it by 2theta"),
    "duplicated": ("2theta values stand more than once", "keep or merge one intensity per 2theta"),
    "not_finite": ("2theta holds NaN or infinities", "copy the file again"),
    "other_grid": (
        "2theta differs from the series'",
        "set hexrd.read.other_grid to rebin, or read it apart",
    ),
    "no_monitor": ("its monitor is missing", "write it into the header, or switch by_monitor off"),
    "too_short": ("fewer than ten points", "copy the file again"),
}
"""Status to what is wrong and what to do."""


def axis_fault(x: Array) -> str:
    """Return ``ok``, ``descending``, ``unsorted``, ``duplicated``, ``not_finite`` or ``too_short``
    for an axis."""
    if x.size < 10:
        return "too_short"
    if not np.all(np.isfinite(x)):
        return "not_finite"
    steps = np.diff(x)
    if np.all(steps > 0):
        return "ok"
    if np.all(steps < 0):
        return "descending"
    return "duplicated" if np.unique(x).size < x.size else "unsorted"


def status(intensity: Array | Stack, stderr: Array | Stack, poisson: bool, options: Reading) -> Any:
    """Return the status of each frame.

    Parameters
    ----------
    intensity, stderr : ndarray or Stack, shape (frames, points)
        Counts.
    poisson : bool
        Whether `stderr` is assumed: then no count may be negative, else down to -5 stderr.

    Returns
    -------
    ndarray of str, shape (frames,)
    """
    frames = intensity.shape[0]
    found = np.full(frames, "ok", dtype="U12")
    totals = np.full(frames, np.nan)
    for n, (row, sigma) in enumerate(
        zip(intensity, stderr, strict=True)
    ):  # row by row: a series may be on disk
        missing = np.isnan(row)
        if missing.any():
            inside = np.flatnonzero(~missing)
            hole = inside.size == 0 or missing[inside[0] : inside[-1]].any()
            found[n] = "nan" if hole else "truncated"
        elif not np.any(row):
            found[n] = "zeros"
        elif np.any(row < (0.0 if poisson else -5.0 * sigma)):
            found[n] = "negative"
        elif _saturated(row, options.saturation):
            found[n] = "saturated"
        if found[n] == "ok":
            totals[n] = row.mean()
    found[beam_dumps(totals, options.beam_dump)] = "beam_dump"
    return found


def beam_dumps(totals: Array, share: float) -> Any:
    """Return which frames lost the beam: their total fell suddenly and came back, or stayed low to
    the end.

    Each frame is compared with the median of the five good ones before it, and, against the
    direction of time, after it. A low run of more than a fifth of the series is a change of
    conditions and no dump.

    Parameters
    ----------
    totals : ndarray, shape (frames,)
        Total (or mean) intensity; NaN is left out.
    share : float
        A frame below this share is low.
    """
    low = _low(totals, share) | _low(totals[::-1], share)[::-1]
    for start, stop in find_runs(low):
        if stop - start > max(0.2 * totals.size, 3):
            low[start:stop] = False
    return low


def _low(totals: Array, share: float) -> Any:
    low = np.zeros(totals.size, dtype=bool)
    recent: list[float] = []
    for n, total in enumerate(totals):
        if np.isnan(total):
            continue
        if recent and total < share * np.median(recent[-5:]):
            low[n] = True
        else:
            recent.append(total)
    return low


def _saturated(row: Array, limit: float | None) -> bool:
    top = row.max()
    if limit is not None:
        return bool(top >= limit)
    flat = row == top
    return bool(top > 100 and np.any(flat[2:] & flat[1:-1] & flat[:-2]))


def faults(names: list[str], found: Any, intensity: Array | Stack) -> list[dict[str, str]]:
    """Return what to tell of each frame whose status is not ``ok``."""
    out = []
    for n in np.flatnonzero(found != "ok"):
        problem, remedy = WORDS[str(found[n])]
        if found[n] == "nan":
            problem = f"{int(np.isnan(intensity[n]).sum())} {problem}"
        out.append({"where": names[n], "problem": problem, "remedy": remedy})
    return out
