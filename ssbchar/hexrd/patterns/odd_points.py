"""Single points that are no measurement: an intensity far from its neighbours in angle and time, a
standard error far below its neighbours'.

A line of a powder covers several points, and what is real is in more than one: a single point that
departs from both neighbours in the same frame, and from the same place in the frames before and
after, by far more than its noise is a transmission error, a cosmic ray or a hot strip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.patterns.rebin import RegriddedSeries
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array, Bool

SIGMAS = 8.0
"""Standard errors beyond all its neighbours from which a point is odd."""
FACTOR_IN_SERIES = 2.0
"""Factor beyond neighbours in angle and time from which a point is odd."""
FACTOR_ALONE = 5.0
"""The same where no frame before or after can be compared: a line of one point of full width at
half maximum rises less above its neighbours."""
SMALL_ERROR = 0.02
"""Share of the usual ratio of error to sqrt(intensity) below which an error is odd."""
AROUND = 20
"""Points on either side that make the usual ratio."""
MOST_ODD = 0.005
"""Share of a frame's points beyond which they are no single ones."""
NO_WEIGHT = 1e4
"""Factor by which the error of a point set aside exceeds those around it: its weight is nil."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """A frame with those before and after it [counts]; None at either end."""

    before: Array | None
    own: Array
    after: Array | None
    stderr: Array


def set_aside_odd_points(names: list[str], series: RegriddedSeries) -> list[BadInput]:
    """Give odd points of a series the mean of their neighbours and no weight, in place.

    Parameters
    ----------
    names : list of str, length frames
        File of each frame.
    series : RegriddedSeries
        Intensities and errors [counts] of shape (frames, points).

    Returns
    -------
    list of BadInput
        One fault per frame with such points.
    """
    faults = []
    good = np.flatnonzero(series.status == FrameStatus.OK)
    # Rows as they were read: a point mended in one frame must not vouch for the next.
    before: Array | None = None
    following = _read_row(series.intensity, good, 0)
    for place, frame in enumerate(good.tolist()):
        own, following = following, _read_row(series.intensity, good, place + 1)
        if own is None:
            continue
        stderr = np.asarray(series.stderr[frame], float)
        rows = _Rows(before=before, own=own, after=following, stderr=stderr)
        before = own
        wild, small = find_odd_intensities(rows), np.zeros(own.size, bool)
        if not series.poisson:
            small = find_small_errors(own, stderr)
        odd = wild | small
        if not odd.any() or odd.mean() > MOST_ODD:
            continue
        mended, error = _mend(own, stderr, odd)
        series.intensity[frame], series.stderr[frame] = mended, error
        faults.append(_describe_odd(names[frame], series.axis, wild, small))
    return faults


def _read_row(rows: Array | RowFile, good: NDArray[np.intp], place: int) -> Array | None:
    return np.array(rows[int(good[place])], float) if place < good.size else None


def find_odd_intensities(rows: _Rows) -> Bool:
    """Return the points that stand alone in angle and, where frames can be compared, in time.

    Parameters
    ----------
    rows : _Rows
        [counts], shape (points,).

    Returns
    -------
    ndarray of bool, shape (points,)
    """
    own = rows.own
    odd = np.zeros(own.size, bool)
    # Few points stand out from both neighbours at all: only these are compared further.
    candidates = np.flatnonzero(_stands_out(own))
    if not candidates.size:
        return odd
    in_time = [row for row in (rows.before, rows.after) if row is not None]
    around = [_take(own, candidates + n) for n in (-1, 1)]
    around += [_take(row, candidates + n) for row in in_time for n in (-1, 0, 1)]
    highest, lowest = np.fmax.reduce(around), np.fmin.reduce(around)
    errors = [_take(rows.stderr, candidates + n) for n in (0, -1, 1)]
    # What rises is compared with the largest error at hand, what falls with the neighbours' own.
    above, below = np.fmax.reduce(errors), np.fmin(errors[1], errors[2])
    factor, base = FACTOR_IN_SERIES, np.zeros(candidates.size)
    if not in_time:
        # Alone, a line is judged above its background, and an end may be the flank of a line.
        factor, base = FACTOR_ALONE, np.minimum(float(np.nanmedian(own)), lowest)
    value = own[candidates]
    is_high = (value - base > factor * (highest - base)) & (value - highest > SIGMAS * above)
    is_low = (value >= 0) & (factor * value < lowest) & (lowest - value > SIGMAS * below)
    is_inner = (candidates > 0) & (candidates < own.size - 1)
    odd[candidates] = (is_high | is_low) & (is_inner | bool(in_time))
    return odd


def _stands_out(own: Array) -> Bool:
    """Return the points beyond twice, or below half of, both their neighbours."""
    with np.errstate(invalid="ignore"):
        padded = np.concatenate([own[1:2], own, own[-2:-1]])
        left, right = padded[:-2], padded[2:]
        is_high = own > FACTOR_IN_SERIES * np.maximum(left, right)
        return np.asarray(is_high | (FACTOR_IN_SERIES * own < np.minimum(left, right)))


def _take(row: Array, points: NDArray[np.intp]) -> Array:
    """Return a row at some points, NaN beyond its ends."""
    inside = (points >= 0) & (points < row.size)
    return np.where(inside, row[np.clip(points, 0, row.size - 1)], np.nan)


def find_small_errors(intensity: Array, stderr: Array) -> Bool:
    """Return the points whose error is far below that of points around them.

    Errors follow the square root of the intensity; their ratio changes slowly with the angle, and
    a single one far below the median of those around it would outweigh the rest of the pattern.

    Parameters
    ----------
    intensity, stderr : ndarray, shape (points,)
        [counts]

    Returns
    -------
    ndarray of bool, shape (points,)
    """
    odd = np.zeros(intensity.size, bool)
    # Errors of a pattern seldom differ by so much at all.
    if not float(np.fmin.reduce(stderr)) < SMALL_ERROR * float(np.fmax.reduce(stderr)):
        return odd
    with np.errstate(invalid="ignore"):
        ratio = stderr / np.sqrt(np.maximum(np.abs(intensity), 1e-12))
        usual = np.nanmedian(ratio[stderr > 0]) if np.any(stderr > 0) else np.nan
        suspect = np.flatnonzero(ratio < SMALL_ERROR * usual)
    for point in suspect:
        near = slice(max(point - AROUND, 0), point + AROUND + 1)
        local, errors = np.nanmedian(ratio[near]), np.nanmedian(stderr[near])
        # Both: an intensity of nearly nothing has a small ratio by itself, never a small error.
        odd[point] = ratio[point] < SMALL_ERROR * local and stderr[point] < SMALL_ERROR * errors
    return odd


def _mend(own: Array, stderr: Array, odd: Bool) -> tuple[Array, Array]:
    """Return a frame with odd points between their neighbours and errors that give no weight."""
    place = np.arange(own.size)
    known = ~odd & np.isfinite(own)
    mended = np.where(odd, np.interp(place, place[known], own[known]), own)
    usual = float(np.nanmedian(stderr[known]))
    error = np.where(odd, NO_WEIGHT * max(usual, 1e-30), stderr)
    return mended, error


def _describe_odd(name: str, axis: Array, wild: Bool, small: Bool) -> BadInput:
    count = int(np.sum(wild | small))
    places = ", ".join(f"{value:.4g}" for value in axis[wild | small][:4])
    what = "far from its neighbours" if count == 1 else "far from their neighbours"
    if small.any():
        what = "with a standard error far below its neighbours'" if not wild.any() else what
    points = "one point" if count == 1 else f"{count} single points"
    problem = f"{points} {what} ({places} degree) set aside; the rest of the frame is used"
    return BadInput(name, problem, "check the file, or mask the pixels")
