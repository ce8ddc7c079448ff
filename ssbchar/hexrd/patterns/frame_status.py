"""The status of every frame: usable, or why it is not and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.statistics import find_runs
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array, Bool

SHORTEST = 10
"""Points that a pattern must have."""
NEIGHBOURS = 5
"""Good frames whose median a frame's intensity is compared with."""
LONGEST_DUMP = 0.2
"""Share of the series from which low intensity is a change of conditions and no beam dump."""
CERTAINLY_NEGATIVE = 5.0
"""Standard errors below zero from which a count is negative beyond its noise."""
LEAST_SATURATED = 100
"""Counts below which a flat top of three equal points may come by chance."""


class FrameStatus(StrEnum):
    """Whether a frame can be used; each member knows what is wrong and what to do."""

    problem: str
    remedy: str

    def __new__(cls, word: str, problem: str = "", remedy: str = "") -> FrameStatus:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.problem = problem
        member.remedy = remedy
        return member

    OK = "ok"
    ZEROS = "zeros", "every intensity is zero", "check whether the shutter was open"
    BEAM_DUMP = (
        "beam_dump",
        "its total intensity drops far below that of its neighbours",
        "check the ring current, or lower hexrd.read.beam_dump",
    )
    SATURATED = (
        "saturated",
        "its strongest points are cut off at the detector's limit",
        "attenuate the beam or shorten the exposure",
    )
    NAN = (
        "nan",
        "intensities are NaN",
        "integrate the image again or mask these points in every frame",
    )
    NEGATIVE = (
        "negative",
        "counts are negative beyond their noise",
        "check the dark or background subtraction",
    )
    TRUNCATED = "truncated", "covers less 2theta than the series", "copy the file again"
    UNSORTED = "unsorted", "2theta is not sorted", "sort the file by 2theta"
    DUPLICATED = (
        "duplicated",
        "the same 2theta occurs more than once",
        "keep or merge one intensity per 2theta",
    )
    NOT_FINITE = "not_finite", "2theta holds NaN or infinities", "copy the file again"
    OTHER_GRID = (
        "other_grid",
        "2theta differs from that of the series",
        "set hexrd.read.other_grid to rebin, or read the frame as a series of its own",
    )
    NO_MONITOR = (
        "no_monitor",
        "its monitor is missing",
        "write the monitor into the header, or switch by_monitor off",
    )
    TOO_SHORT = "too_short", "fewer than ten points", "copy the file again"

    def as_fault(self, where: str) -> BadInput:
        """Return the fault of a frame; `where` is a str, the name of its file."""
        return BadInput(where, self.problem, self.remedy)


def judge_axis(two_theta: Array) -> FrameStatus:
    """Return ``ok`` for a strictly ascending or descending axis, else what is wrong with it.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    """
    if two_theta.size < SHORTEST:
        return FrameStatus.TOO_SHORT
    if not np.all(np.isfinite(two_theta)):
        return FrameStatus.NOT_FINITE
    steps = np.diff(two_theta)
    if np.all(steps > 0) or np.all(steps < 0):
        return FrameStatus.OK
    if np.unique(two_theta).size < two_theta.size:
        return FrameStatus.DUPLICATED
    return FrameStatus.UNSORTED


def judge_frames(
    intensity: Array | RowFile,
    stderr: Array | RowFile,
    options: PatternReading,
    *,
    poisson: bool,
) -> NDArray[np.str_]:
    """Return the status of each frame from its intensities.

    Parameters
    ----------
    intensity, stderr : ndarray or RowFile, shape (frames, points)
        [counts]
    options : PatternReading
        Limits of beam dumps and saturation.
    poisson : bool
        Whether `stderr` is assumed: then no count may be negative, else down to -5 stderr.

    Returns
    -------
    ndarray of str, shape (frames,)
        Members of `FrameStatus`.
    """
    frames = intensity.shape[0]
    status = np.full(frames, FrameStatus.OK, dtype="U12")
    totals = np.full(frames, np.nan)
    # One row at a time: a long series is on disk.
    for n, (row, sigma) in enumerate(zip(intensity, stderr, strict=True)):
        lowest = 0.0 if poisson else -CERTAINLY_NEGATIVE * sigma
        status[n] = _judge_frame(row, lowest, options.saturation)
        if status[n] == FrameStatus.OK:
            totals[n] = row.mean()
    status[find_beam_dumps(totals, options.beam_dump)] = FrameStatus.BEAM_DUMP
    return status


def _judge_frame(row: Array, lowest: float | Array, saturation: float | None) -> FrameStatus:
    """Return the status of one frame; `lowest` is the least count [counts] that noise explains."""
    missing = np.isnan(row)
    if missing.any():
        return FrameStatus.NAN if _has_hole(missing) else FrameStatus.TRUNCATED
    if not np.any(row):
        return FrameStatus.ZEROS
    if np.any(row < lowest):
        return FrameStatus.NEGATIVE
    if _is_saturated(row, saturation):
        return FrameStatus.SATURATED
    return FrameStatus.OK


def _has_hole(missing: Bool) -> bool:
    """Return whether points are missing between others, or all are."""
    known = np.flatnonzero(~missing)
    return known.size == 0 or bool(missing[known[0] : known[-1]].any())


def _is_saturated(row: Array, limit: float | None) -> bool:
    """Return whether a pattern reaches the limit [counts]; without one, whether its top is flat."""
    top = row.max()
    if limit is not None:
        return bool(top >= limit)
    # Detectors cut off at different limits: a flat top shows it whatever the limit.
    flat = row == top
    three_in_a_row = flat[2:] & flat[1:-1] & flat[:-2]
    return bool(top > LEAST_SATURATED and np.any(three_in_a_row))


def find_beam_dumps(totals: Array, share: float) -> Bool:
    """Return which frames lost the beam: intensity that fell suddenly and came back, or stayed low
    to the end of the series.

    Each frame is compared with the median of the five good ones before it and, against the
    direction of time, after it. More than a fifth of the series in a row at low intensity is a
    change of conditions and no beam dump.

    Parameters
    ----------
    totals : ndarray, shape (frames,)
        Total (or mean) intensity [counts]; NaN is left out.
    share : float
        A frame below this share [1] of its neighbours is low.

    Returns
    -------
    ndarray of bool, shape (frames,)
    """
    # Backwards as well, for a series that begins without beam.
    low = _find_low(totals, share) | _find_low(totals[::-1], share)[::-1]
    for start, stop in find_runs(low):
        if stop - start > max(LONGEST_DUMP * totals.size, 3):
            low[start:stop] = False
    return low


def _find_low(totals: Array, share: float) -> Bool:
    """Return which frames are below a share of the good frames before them."""
    low = np.zeros(totals.size, dtype=bool)
    recent: list[float] = []
    for n, total in enumerate(totals):
        if np.isnan(total):
            continue
        # Low frames do not count as neighbours: a long dump must not become the usual.
        if recent and total < share * np.median(recent[-NEIGHBOURS:]):
            low[n] = True
        else:
            recent.append(total)
    return low


def describe_exclusions(
    names: list[str],
    status: NDArray[Any],
    intensity: Array | RowFile,
) -> list[BadInput]:
    """Return one fault per frame whose status is not ``ok``.

    Parameters
    ----------
    names : list of str, length frames
        File of each frame.
    status : ndarray of str, shape (frames,)
    intensity : ndarray or RowFile, shape (frames, points)
        [counts]
    """
    faults = []
    for n in np.flatnonzero(status != FrameStatus.OK):
        fault = FrameStatus(status[n]).as_fault(names[n])
        if status[n] == FrameStatus.NAN:
            count = int(np.isnan(intensity[n]).sum())
            fault = BadInput(fault.where, f"{count} {fault.problem}", fault.remedy)
        faults.append(fault)
    return faults
