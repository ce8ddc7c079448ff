"""Segments of the furnace programme: heating, hold and cooling, found from noisy and lagging
readings."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.furnace.reading_noise import estimate_reading_stderr
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 5
"""Readings that a rate needs."""
SMALLEST_SHARE = 0.02
"""Share of the temperature range that a heating or cooling must cover."""
SLOW_SHARE = 0.1
"""Share of the fastest rate from which a slow programme is still heating."""


class SegmentKind(StrEnum):
    """What the furnace does during a segment."""

    HEATING = "heating"
    HOLD = "hold"
    COOLING = "cooling"
    NONE = "none"
    """The rate at this frame is not known."""


PROGRAMMED = (SegmentKind.HEATING, SegmentKind.HOLD, SegmentKind.COOLING)
"""Kinds that a segment can have; frames of kind ``none`` belong to no segment."""
KIND_OF_SIGN = np.array([SegmentKind.COOLING, SegmentKind.HOLD, SegmentKind.HEATING])
"""Kinds in the order of the sign of their rate: -1, 0, 1."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Successive frames of one kind."""

    name: str
    """``heating``, ``hold``, ``cooling``; the second of a kind is ``heating 2`` and so on."""
    kind: SegmentKind
    frames: NDArray[np.intp]
    """Indices of its frames, in the order measured."""


def split_segments(labels: Any) -> list[Segment]:
    """Return the segments of a series, in order; a frame of kind ``none`` (no temperature [degC])
    interrupts no segment.

    Parameters
    ----------
    labels : array of str, shape (frames,)
        `SegmentKind` of each frame, frames in the order measured.
    """
    labels = np.asarray(labels).astype(str)
    known = np.flatnonzero(np.isin(labels, PROGRAMMED))
    if known.size == 0:
        return []
    edges = np.flatnonzero(labels[known][1:] != labels[known][:-1]) + 1
    counts: dict[SegmentKind, int] = {}
    segments = []
    for frames in np.split(known, edges):
        kind = SegmentKind(labels[frames[0]])
        counts[kind] = counts.get(kind, 0) + 1
        name = kind.value if counts[kind] == 1 else f"{kind} {counts[kind]}"
        segments.append(Segment(name=name, kind=kind, frames=frames))
    return segments


def kind_from_name(name: str) -> SegmentKind:
    """Return the kind of a segment named as by `split_segments`: ``heating 2`` is heating.

    Parameters
    ----------
    name : str
    """
    return SegmentKind(name.split()[0])


def has_cooling(furnace: xr.Dataset) -> bool:
    """Return whether any frame was measured on cooling, at a rate [K/min] below zero.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``, variable ``segment`` of shape (frames,).
    """
    return bool(np.any(furnace["segment"].values.astype(str) == SegmentKind.COOLING))


def measure_frame_interval(furnace: xr.Dataset) -> float:
    """Return the usual time between frames [s], NaN where no times are known.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``, variable ``time`` [s] of shape (frames,).
    """
    if "time" not in furnace:
        return float("nan")
    steps = np.diff(furnace["time"].values.astype(float))
    steps = np.abs(steps[np.isfinite(steps) & (steps != 0)])
    return float(np.median(steps)) if steps.size else float("nan")


def fit_local_rate(time: Array, values: Array, points: int) -> Array:
    """Return the slope of a least-squares line through `points` neighbours of each reading.

    At the ends the window is shifted, not shortened.

    Parameters
    ----------
    time : ndarray, shape (readings,)
        [s], ascending.
    values : ndarray, shape (readings,)
    points : int
        Readings in the window.

    Returns
    -------
    ndarray, shape (readings,)
        [unit of `values` per s]
    """
    count = time.size
    points = min(max(points, 2), count)
    start = np.clip(np.arange(count) - points // 2, 0, count - points)
    t, y = time - time[0], values - values[0]
    # Sums over each window are differences of running sums: the cost does not grow with `points`.
    running = [np.concatenate([[0.0], np.cumsum(term)]) for term in (t, y, t * t, t * y)]
    sum_t, sum_y, sum_tt, sum_ty = (total[start + points] - total[start] for total in running)
    return np.asarray((points * sum_ty - sum_t * sum_y) / (points * sum_tt - sum_t * sum_t))


def label_segments(time: Array, temperature: Array, hold_rate: float) -> tuple[Array, Any]:
    """Return the rate of each frame and the kind of segment it belongs to.

    The rate is a local regression over as many readings as their scatter needs to resolve a quarter
    of the threshold. The threshold is `hold_rate`, less for slow programmes (a tenth of the fastest
    rate), never below three standard errors of the rate. Pieces shorter than the regression window,
    or that change the temperature by less than 2 % of its range or five sigma, are joined to what
    surrounds them (controllers overshoot, furnaces lag).

    Parameters
    ----------
    time, temperature : ndarray, shape (frames,)
        [s], [degC]; NaN where unknown.
    hold_rate : float
        [K/min]

    Returns
    -------
    rate : ndarray, shape (frames,)
        [K/min]
    labels : ndarray of str, shape (frames,)
        `SegmentKind` of each frame.
    """
    rate = np.full(time.size, np.nan)
    labels = np.full(time.size, SegmentKind.NONE, dtype="U8")
    known = np.flatnonzero(np.isfinite(time) & np.isfinite(temperature))
    if known.size < FEWEST:
        return rate, labels
    order = known[np.argsort(time[known], kind="stable")]
    # Of readings at the same time only the first counts: no slope is infinite.
    order = order[np.concatenate([[True], np.diff(time[order]) > 0])]
    if order.size < FEWEST:
        return rate, labels
    t, y = time[order], temperature[order]
    slowest = hold_rate / 60
    step = float(np.median(np.diff(t)))
    sigma = estimate_reading_stderr(t, y)
    points = _count_window_points(sigma, step, slowest / 4, t.size)
    slope = fit_local_rate(t, y, points)
    slope_stderr = sigma * np.sqrt(12) / (step * points**1.5)
    fastest = float(np.max(np.abs(slope)))
    # A slow programme is not one long hold, and noise is no programme.
    threshold = max(3 * slope_stderr, min(slowest, SLOW_SHARE * fastest))
    signs = np.where(slope > threshold, 1, np.where(slope < -threshold, -1, 0))
    smallest = max(SMALLEST_SHARE * float(np.ptp(y)), 5 * sigma)
    signs = _join_small_pieces(signs, y, shortest=points, smallest=smallest)
    rate[order] = 60 * slope
    labels[order] = KIND_OF_SIGN[signs + 1]
    return rate, labels


def _count_window_points(sigma: float, step: float, slope: float, count: int) -> int:
    """Return how many readings resolve a slope: sigma sqrt(12) / (step n^1.5) = slope."""
    needed = int(np.ceil((sigma * np.sqrt(12) / (step * slope)) ** (2 / 3)))
    return int(np.clip(needed, FEWEST, max(FEWEST, count // 8)))


def _join_small_pieces(
    signs: NDArray[np.int64],
    y: Array,
    *,
    shortest: int,
    smallest: float,
) -> NDArray[np.int64]:
    """Join pieces that are too short or too small, the shortest first, to the longer neighbour.

    A hold may be of any size: only heating and cooling must move the temperature.
    """
    signs = signs.copy()
    while True:
        edges = np.concatenate([[0], np.flatnonzero(np.diff(signs)) + 1, [signs.size]])
        lengths = np.diff(edges)
        if lengths.size < 2:
            return signs
        pieces = list(itertools.pairwise(edges))
        moved = np.array([abs(y[stop - 1] - y[start]) for start, stop in pieces])
        is_ramped = signs[edges[:-1]] != 0
        wrong = (lengths < shortest) | (is_ramped & (moved < smallest))
        if not wrong.any():
            return signs
        # The shortest first: what it joins may then be long enough.
        worst = int(np.argmin(np.where(wrong, lengths, signs.size + 1)))
        neighbours = [n for n in (worst - 1, worst + 1) if 0 <= n < lengths.size]
        longest = max(neighbours, key=lambda n: lengths[n])
        start, stop = pieces[worst]
        signs[start:stop] = signs[edges[longest]]
