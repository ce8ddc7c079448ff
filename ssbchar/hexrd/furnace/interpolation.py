"""Temperatures at the times of frames, between the readings of a log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log import FurnaceLog
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.furnace.reading_noise import estimate_noise, find_resolution
from ssbchar.typing import Array, Bool


@dataclass(frozen=True, kw_only=True)
class LogReadings:
    """Readings of a log on the clock of the frames."""

    time: Array
    """[s since 1970-01-01 UTC], strictly ascending, shape (readings,)."""
    temperature: Array
    """[degC], shape (readings,)."""


@dataclass(frozen=True, kw_only=True)
class InterpolatedTemperatures:
    """Temperatures of frames, shape (frames,)."""

    temperature: Array
    """[degC], NaN outside the log."""
    stderr: Array
    """[K], NaN outside the log."""
    inside: Bool
    """Whether the log has readings around the frame."""


def select_readings(log: Path, table: FurnaceLog, clock_offset: float) -> LogReadings:
    """Return the readings with time and temperature, in order, on the clock of the frames.

    Parameters
    ----------
    log : Path
        For messages.
    table : FurnaceLog
    clock_offset : float
        To add to the log's clock [s].

    Raises
    ------
    BadInput
        Fewer than two readings.
    """
    order = np.argsort(table.time, kind="stable")
    good = order[np.isfinite(table.time[order]) & np.isfinite(table.temperature[order])]
    time, first = np.unique(table.time[good] + clock_offset, return_index=True)
    if time.size < 2:
        raise BadInput(
            log,
            "fewer than two readings with time and temperature",
            "check its columns",
        )
    return LogReadings(time=time, temperature=table.temperature[good][first])


def interpolate_temperatures(
    log: Path,
    readings: LogReadings,
    time: Array,
    options: Furnace,
) -> InterpolatedTemperatures:
    """Return the temperatures of frames by linear interpolation, with their standard errors.

    Between two readings of noise sigma, at the share s of the way, the variance is sigma^2 (s^2 +
    (1 - s)^2) + b^2 / 3, b = |T''| s (1 - s) gap^2 / 2 the largest deviation of a parabola from its
    chord. What of `options.thermocouple_stderr` the readings' scatter does not show is added: it is
    the same in neighbouring readings.

    Parameters
    ----------
    log : Path
        For messages.
    readings : LogReadings
    time : ndarray, shape (frames,)
        [s since 1970-01-01 UTC]
    options : Furnace
        Largest gap [s] between readings, stated error of a reading [K].

    Raises
    ------
    BadInput
        No frame has a time, or none lies inside the log.
    """
    if not np.isfinite(time).any():
        raise BadInput(
            log,
            "the patterns carry no time to join it by",
            "give a log with a row per frame and the file's name",
        )
    at, value = readings.time, readings.temperature
    # Every frame lies between the reading `after` and the one before it.
    after = np.clip(np.searchsorted(at, time), 1, at.size - 1)
    gap = at[after] - at[after - 1]
    inside = _find_inside(at, time, gap <= options.largest_gap, after)
    if not inside.any():
        raise BadInput(
            log,
            _describe_distance(at, time),
            "set hexrd.furnace.clock_offset or log_timezone",
        )
    share = (time - at[after - 1]) / gap
    curvature = _estimate_curvature(at, value)
    largest = np.maximum(curvature[after], curvature[after - 1])
    bend = largest * share * (1 - share) * gap**2 / 2
    noise = np.hypot(find_resolution(value) / np.sqrt(12), estimate_noise(at, value))
    # The stated error includes the scatter: only what is beyond it is added.
    slow = max(options.thermocouple_stderr**2 - noise**2, 0.0)
    stderr = np.sqrt(noise**2 * (share**2 + (1 - share) ** 2) + bend**2 / 3 + slow)
    return InterpolatedTemperatures(
        temperature=np.where(inside, np.interp(time, at, value), np.nan),
        stderr=np.where(inside, stderr, np.nan),
        inside=inside,
    )


def _find_inside(at: Array, time: Array, is_close: Bool, after: NDArray[np.intp]) -> Bool:
    """Return which frames lie between close readings, or exactly at one."""
    with np.errstate(invalid="ignore"):
        within = (time >= at[0]) & (time <= at[-1])
        return np.asarray(within & (is_close | (time == at[after])))


def _estimate_curvature(at: Array, value: Array) -> Array:
    """Return |T''| [K/s^2] at each reading."""
    if at.size <= 2:
        return np.zeros_like(at)
    return np.abs(np.gradient(np.gradient(value, at), at))


def _describe_distance(at: Array, time: Array) -> str:
    """Return by how much a log misses all frames."""
    known = time[np.isfinite(time)]
    if known.min() > at[-1]:
        hours = (known.min() - at[-1]) / 3600
        return f"it covers none of the frames: it ends {hours:.2f} h before them"
    hours = (at[0] - known.max()) / 3600
    if hours < 0:
        return (
            "it covers none of the frames: its readings leave gaps where they are (see "
            "hexrd.furnace.largest_gap)"
        )
    return f"it covers none of the frames: it begins {hours:.2f} h after them"
