"""Temperature, rate and segment of every frame, from the furnace's log by time or by file name."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.clock_offset import ClockOffset, measure_clock_offset
from ssbchar.hexrd.furnace.dataset import FURNACE, JoinedBy, TemperatureStatus
from ssbchar.hexrd.furnace.interpolation import (
    LogReadings,
    interpolate_temperatures,
    select_readings,
)
from ssbchar.hexrd.furnace.log import FurnaceLog, match_files, read_log
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.furnace.reading_noise import find_resolution
from ssbchar.hexrd.furnace.segments import SegmentKind, label_segments
from ssbchar.hexrd.furnace.wild_readings import find_wild_readings
from ssbchar.hexrd.patterns.describe import list_notes
from ssbchar.hexrd.patterns.settle import suggest_temperature_pattern
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

SURELY_OFF = 4
"""Standard deviations from which two clock offsets differ."""


@dataclass(frozen=True, kw_only=True)
class JoinedTemperatures:
    """What is known of the temperature of each frame, arrays of shape (frames,)."""

    temperature: Array
    """[degC], NaN where unknown."""
    stderr: Array
    """[K]"""
    time: Array
    """[s since 1970-01-01 UTC], NaN where unknown."""
    status: NDArray[np.str_]
    """`TemperatureStatus` of each frame."""
    joined_by: JoinedBy
    clock_offset_stderr: float = 0.0
    """Standard error [s] of the log's clock; 0 where no clocks were compared."""
    readings: LogReadings | None = None
    """The log, where it is joined by time."""
    faults: tuple[BadInput, ...] = ()
    notes: tuple[str, ...] = ()
    """What was chosen or assumed when the log was read."""


def join_temperatures(patterns: xr.Dataset, log: Path | None, options: Furnace) -> xr.Dataset:
    """Return the temperature of each frame (docs/data-model.md, ``furnace.nc``).

    A log with a row per frame is joined by file name, any other by time (linear interpolation).
    Without a log the temperatures of the patterns' own headers are used. The statistical error
    includes the log's resolution, its readings' scatter and the curvature between two readings; the
    systematic one the thermocouple's tolerance and the clock offset times the rate.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``: ``time`` [s], ``temperature_header`` [degC] and ``source_file`` of shape
        (frames,); with ``intensity`` the clocks are compared.
    log : Path or None
    options : Furnace
        How the log is read and joined.

    Raises
    ------
    BadInput
        The log cannot be understood, has no time zone, or covers no frame.
    """
    table = None if log is None else read_log(log, options, needs_time=False)
    return join_to_log(patterns, log, table, options)


def join_to_log(
    patterns: xr.Dataset, log: Path | None, table: FurnaceLog | None, options: Furnace
) -> xr.Dataset:
    """Return the temperature of each frame [degC] by a log that has been read, as
    `join_temperatures` does.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``.
    log : Path or None
        For messages.
    table : FurnaceLog or None
        What the log says; None takes the headers' temperatures.
    options : Furnace

    Raises
    ------
    BadInput
        The log has no time zone, or covers no frame.
    """
    offset = ClockOffset()
    names = [str(name) for name in patterns["source_file"].values]
    if log is None or table is None:
        joined = _take_from_headers(patterns, options)
    else:
        rows = match_files(table, names, options, log)
        if rows is not None:
            joined = _join_by_file(table, rows, options)
        else:
            if table.time_fault is not None:
                raise table.time_fault
            offset = measure_clock_offset(patterns, table, options.clock_span)
            joined = _join_by_time(log, table, patterns, offset, options)
        # In the report what is missing comes before what is doubtful.
        faults = (*_describe_outside(log, joined.status), *joined.faults, *table.faults)
        joined = replace(joined, faults=faults, notes=table.notes)
    rate, labels = _label_frames(joined, options.hold_rate)
    systematic = _estimate_systematic(joined, rate, options)
    joined = replace(joined, faults=(*joined.faults, *_describe_missing(names, joined)))
    return _build_dataset(patterns, joined, offset, systematic=systematic, rate=rate, labels=labels)


def _describe_missing(names: list[str], joined: JoinedTemperatures) -> list[BadInput]:
    """Return a fault that says what to write where no frame has a temperature."""
    if joined.joined_by != JoinedBy.NONE:
        return []
    remedy = (
        "give the furnace log in the row's column 'log', or write '# Temperature (K) = 300' into "
        "the headers"
    )
    suggestion = suggest_temperature_pattern(sorted(set(names)))
    where = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return [BadInput(where, "no temperature is known", suggestion or remedy)]


def _take_from_headers(patterns: xr.Dataset, options: Furnace) -> JoinedTemperatures:
    """Return the temperatures that the patterns' headers state."""
    stated = patterns["temperature_header"].values.astype(float)
    wild = find_wild_readings(stated, is_dense=False).wild
    temperature = np.where(wild, np.nan, stated)
    known = np.isfinite(temperature)
    faults = []
    for place in np.flatnonzero(wild).tolist():
        problem = "its header states a temperature that no furnace has"
        where = str(patterns["source_file"].values[place])
        faults.append(BadInput(where, problem, "check the thermocouple's contact"))
    return JoinedTemperatures(
        temperature=temperature,
        stderr=_stderr_from_readings(temperature, temperature.size, options),
        time=patterns["time"].values.astype(float),
        status=np.where(known, TemperatureStatus.OK, TemperatureStatus.NO_TEMPERATURE),
        joined_by=JoinedBy.HEADER if known.any() else JoinedBy.NONE,
        faults=tuple(faults),
    )


def _join_by_file(
    table: FurnaceLog,
    rows: NDArray[np.intp],
    options: Furnace,
) -> JoinedTemperatures:
    """Return the temperature and time of the row that names each frame's file; -1 names none."""

    def take(values: Array) -> Array:
        return np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)

    temperature = take(table.temperature)
    known = np.isfinite(temperature)
    return JoinedTemperatures(
        temperature=temperature,
        stderr=_stderr_from_readings(table.temperature, rows.size, options),
        time=take(table.time),
        status=np.where(known, TemperatureStatus.OK, TemperatureStatus.OUTSIDE_LOG),
        joined_by=JoinedBy.FILE_NAME,
    )


def _join_by_time(
    log: Path,
    table: FurnaceLog,
    patterns: xr.Dataset,
    offset: ClockOffset,
    options: Furnace,
) -> JoinedTemperatures:
    """Return the temperatures of the log at the frames' times."""
    faults = []
    if offset.is_known and options.fit_clock:
        options = replace(options, clock_offset=offset.value, clock_offset_stderr=offset.stderr)
    elif offset.is_known:
        faults = _describe_disagreement(log, offset, options)
    time = patterns["time"].values.astype(float)
    readings = select_readings(log, table, options.clock_offset)
    found = interpolate_temperatures(log, readings, time, options)
    return JoinedTemperatures(
        temperature=found.temperature,
        stderr=found.stderr,
        time=time,
        status=np.where(found.inside, TemperatureStatus.OK, TemperatureStatus.OUTSIDE_LOG),
        joined_by=JoinedBy.TIME,
        clock_offset_stderr=options.clock_offset_stderr,
        readings=readings,
        faults=tuple(faults),
    )


def _stderr_from_readings(readings: Array, frames: int, options: Furnace) -> Array:
    """Return the error [K] of frames that have a reading of their own."""
    rounding = find_resolution(readings) / np.sqrt(12)
    return np.full(frames, np.hypot(rounding, options.thermocouple_stderr))


def _describe_disagreement(log: Path, offset: ClockOffset, options: Furnace) -> list[BadInput]:
    """Return a fault where the sample's expansion surely contradicts the configured offset."""
    # Two frames: a clock read once per frame cannot be known better.
    apart = offset.value - options.clock_offset
    sigma = np.hypot(offset.stderr, options.clock_offset_stderr)
    if abs(apart) < max(SURELY_OFF * sigma, 2 * offset.frame_interval):
        return []
    problem = (
        f"the sample's expansion follows it as if its clock were {-apart:+.0f} s off "
        f"(+- {offset.stderr:.0f} s)"
    )
    return [
        BadInput(log, problem, "check both clocks; set hexrd.furnace.clock_offset or fit_clock")
    ]


def _describe_outside(log: Path, status: NDArray[np.str_]) -> list[BadInput]:
    """Return a fault that counts the frames outside the log."""
    count = int(np.sum(status == TemperatureStatus.OUTSIDE_LOG))
    if not count:
        return []
    if count == status.size:
        raise BadInput(log, "it names none of the frames", "check the column with the file names")
    problem = f"{count} of {status.size} frames are outside the log and have no temperature"
    return [BadInput(log, problem, "give the whole log, or set hexrd.furnace.clock_offset")]


def _label_frames(joined: JoinedTemperatures, hold_rate: float) -> tuple[Array, NDArray[np.str_]]:
    """Return rate [K/min] and segment of each frame, from the log's readings where these are denser
    than the frames.

    A hold of a few frames is then found as well as the log shows it. Without any time the frames'
    order takes its place, and the rate stays unknown.
    """
    has_time = bool(np.isfinite(joined.time).any())
    time = joined.time if has_time else np.arange(joined.time.size, dtype=float)
    # Frames may be minutes apart where the log reads every second: its edges are sharper.
    known = np.isfinite(time) & np.isfinite(joined.temperature)
    near = _select_near(joined.readings, time[known])
    if near is None or near.time.size < 2 * known.sum():
        rate, labels = label_segments(time, joined.temperature, hold_rate)
        return (rate if has_time else np.full(rate.size, np.nan)), labels
    rates, kinds = label_segments(near.time, near.temperature, hold_rate)
    rate = np.full(time.size, np.nan)
    labels = np.full(time.size, SegmentKind.NONE, dtype="U8")
    nearest = _find_nearest(near.time, time[known])
    rate[known], labels[known] = rates[nearest], kinds[nearest]
    return rate, labels


def _select_near(readings: LogReadings | None, times: Array) -> LogReadings | None:
    """Return the readings around frames at these times [s], None where there are too few frames."""
    if readings is None or times.size < 2:
        return None
    margin = 2 * float(np.median(np.diff(np.sort(times))))
    near = (readings.time >= times.min() - margin) & (readings.time <= times.max() + margin)
    return LogReadings(time=readings.time[near], temperature=readings.temperature[near])


def _find_nearest(at: Array, times: Array) -> NDArray[np.intp]:
    """Return the place of the reading nearest to each time, the later one of two alike."""
    after = np.clip(np.searchsorted(at, times), 1, at.size - 1)
    is_nearer_before = times - at[after - 1] < at[after] - times
    return np.asarray(after - is_nearer_before)


def _estimate_systematic(joined: JoinedTemperatures, rate: Array, options: Furnace) -> Array:
    """Return the systematic error [K]: a rectangular tolerance, and the clock offset times the
    rate."""
    # ASTM E230 states the larger of both; a rectangular distribution has half width / sqrt(3).
    relative = options.thermocouple_relative_tolerance * np.abs(joined.temperature)
    tolerance = np.maximum(options.thermocouple_tolerance, relative)
    clock = np.nan_to_num(rate) / 60 * joined.clock_offset_stderr
    return np.asarray(np.hypot(tolerance / np.sqrt(3), clock))


def _build_dataset(
    patterns: xr.Dataset,
    joined: JoinedTemperatures,
    offset: ClockOffset,
    *,
    systematic: Array,
    rate: Array,
    labels: NDArray[np.str_],
) -> xr.Dataset:
    """Return the table of temperatures, with what was noticed in its attributes."""
    attrs: dict[str, Any] = {"joined_by": str(joined.joined_by)}
    if patterns.attrs.get("synthetic"):
        attrs["synthetic"] = 1
    if joined.faults:
        entries = [
            {"where": fault.where, "problem": fault.problem, "remedy": fault.remedy}
            for fault in joined.faults
        ]
        attrs["set_aside"] = json.dumps(entries)
    attrs["notes"] = json.dumps([*list_notes(patterns), *joined.notes])
    if offset.is_known:
        attrs |= {"clock_offset_seen": offset.value, "clock_offset_seen_stderr": offset.stderr}
    known = np.isfinite(joined.temperature)
    values = {
        "temperature": joined.temperature,
        "temperature_stderr": np.where(known, joined.stderr, np.nan),
        "temperature_systematic": systematic,
        "rate": rate,
        "time": joined.time,
        "segment": labels.astype(object),
        "status": joined.status.astype(object),
        "frame": patterns["frame"],
    }
    return FURNACE.dataset(values, attrs)
