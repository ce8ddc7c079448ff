"""Temperature, rate and segment of every frame, from the furnace's log by time or by file name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import clock_offset as clock
from ssbchar.hexrd.furnace import log as furnace_log
from ssbchar.hexrd.furnace import reading_noise
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.furnace.segments import label_segments
from ssbchar.storage import lazy_rows
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


def join_temperatures(patterns: xr.Dataset, log: Path | None, options: Furnace) -> xr.Dataset:
    """Return the temperature of each frame (docs/data-model.md, ``furnace.nc``).

    A log with a row per frame is joined by file name, any other by time (linear interpolation).
    Without a log the temperatures of the patterns' own headers stand. The statistical error holds
    the log's resolution, its readings' scatter and the curvature between two readings; the
    systematic one the thermocouple's tolerance and the clock offset times the rate.

    Raises
    ------
    BadInput
        The log cannot be understood, has no time zone, or covers no frame.
    """
    faults: list[dict[str, str]] = []
    readings: tuple[Array, Array] | None = None
    note: list[dict[str, str]] = []
    seen = clock.ClockOffset(np.nan, np.nan)
    frames = patterns.sizes["frame"]
    time = patterns["time"].values.astype(float)
    if log is None:
        temperature = patterns["temperature_header"].values.astype(float)
        stderr = _of_one(temperature, frames, options)
        status = np.where(np.isfinite(temperature), "ok", "no_temperature")
        method = "header" if np.isfinite(temperature).any() else "none"
    else:
        table = furnace_log.read_log(log, options)
        rows = furnace_log.match_files(
            table, [str(n) for n in patterns["source_file"].values], options, log
        )
        if rows is not None:
            method = "file name"
            temperature, time = _by_row(table.temperature, rows), _by_row(table.time, rows)
            stderr = _of_one(table.temperature, frames, options)
            status = np.where(np.isfinite(temperature), "ok", "outside_log")
        else:
            method = "time"
            options, seen, note = _clock(log, patterns, table, options)
            readings = _readings(log, table, options)
            temperature, stderr, status = _by_time(log, readings, time, options)
        faults = _outside(log, status) + note
    rate, segment = _course(readings, _axis(time), temperature, options.hold_rate)
    if not np.isfinite(time).any():
        rate = np.full(frames, np.nan)
    systematic = _systematic(temperature, rate, method, options)
    ds = _dataset(
        patterns, time, temperature, stderr, systematic, rate, segment, status, method, faults
    )
    if np.isfinite(seen.value):
        ds.attrs |= {"clock_offset_seen": seen.value, "clock_offset_seen_stderr": seen.stderr}
    return ds


def _of_one(readings: Array, frames: int, options: Furnace) -> Array:
    """Return the error of a frame's own reading."""
    return np.full(
        frames,
        np.hypot(
            reading_noise.find_resolution(readings) / np.sqrt(12), options.thermocouple_stderr
        ),
    )


def _course(
    readings: tuple[Array, Array] | None, time: Array, temperature: Array, hold_rate: float
) -> tuple[Array, Any]:
    """Return rate and segment of each frame, from the log's readings where these are denser than
    the frames.

    A rest or hold of a few frames is then told as well as the log tells it.
    """
    known = np.isfinite(time) & np.isfinite(temperature)
    if readings is None or known.sum() < 2:
        return label_segments(time, temperature, hold_rate)
    at, value = readings
    pace = float(np.median(np.diff(np.sort(time[known]))))
    near = (at >= time[known].min() - 2 * pace) & (at <= time[known].max() + 2 * pace)
    at, value = at[near], value[near]
    if at.size < 2 * known.sum():
        return label_segments(time, temperature, hold_rate)
    rates, segments = label_segments(at, value, hold_rate)
    rate, segment = np.full(time.size, np.nan), np.full(time.size, "none", dtype="U8")
    after = np.clip(np.searchsorted(at, time[known]), 1, at.size - 1)
    nearest = after - (time[known] - at[after - 1] < at[after] - time[known])
    rate[known], segment[known] = rates[nearest], segments[nearest]
    return rate, segment


def _axis(time: Array) -> Array:
    """Return the time, or the frames' order where no time is known."""
    return time if np.isfinite(time).any() else np.arange(time.size, dtype=float)


def _by_row(values: Array, rows: Any) -> Array:
    return np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)


def _clock(
    log: Path, patterns: xr.Dataset, table: furnace_log.FurnaceLog, options: Furnace
) -> tuple[Furnace, clock.ClockOffset, list[dict[str, str]]]:
    """Return the options with the clock offset to use, the one the sample's expansion shows, and
    what to tell."""
    seen = clock.ClockOffset(np.nan, np.nan)
    if "intensity" in patterns:
        good = np.flatnonzero(
            (patterns["status"].values == "ok") & np.isfinite(patterns["time"].values)
        )
        known = np.isfinite(table.time) & np.isfinite(table.temperature)
        at = np.unique(table.time[known], return_index=True)
        if good.size > 10:
            given, error = (
                lazy_rows.RowReader(patterns[name]) for name in ("intensity", "intensity_stderr")
            )
            time, intensity, stderr = clock.average_frames(
                patterns["time"].values, given, error, good
            )
            steps = clock.fit_strain_steps(patterns["q"].values, intensity, stderr)
            seen = clock.fit_clock_offset(
                time, *steps, at[0], table.temperature[known][at[1]], options.clock_span
            )
    if not np.isfinite(seen.value):
        return options, seen, []
    if options.fit_clock:
        return replace(options, clock_offset=seen.value, clock_offset_stderr=seen.stderr), seen, []
    off = seen.value - options.clock_offset
    pace = float(np.median(np.diff(patterns["time"].values[good])))
    if abs(off) < max(4 * np.hypot(seen.stderr, options.clock_offset_stderr), 2 * pace):
        return options, seen, []
    problem = f"the sample's expansion follows it as if its clock were {-off:+.0f} s off (+- {seen.stderr:.0f} s)"
    remedy = "check both clocks; set hexrd.furnace.clock_offset or fit_clock"
    return options, seen, [{"where": str(log), "problem": problem, "remedy": remedy}]


def _readings(log: Path, table: furnace_log.FurnaceLog, options: Furnace) -> tuple[Array, Array]:
    """Return the log's readings: times of the frames' clock, ascending, and temperatures."""
    order = np.argsort(table.time, kind="stable")
    good = order[np.isfinite(table.time[order]) & np.isfinite(table.temperature[order])]
    at, value = table.time[good] + options.clock_offset, table.temperature[good]
    at, first = np.unique(at, return_index=True)
    value = value[first]
    if at.size < 2:
        raise BadInput(
            log, "fewer than two readings with time and temperature", "check its columns"
        )
    return at, value


def _by_time(
    log: Path, readings: tuple[Array, Array], time: Array, options: Furnace
) -> tuple[Array, Array, Any]:
    """Return temperature, stderr and status of frames at `time`, from a log with its own times."""
    if not np.isfinite(time).any():
        raise BadInput(
            log,
            "the patterns carry no time to join it by",
            "give a log with a row per frame and the file's name",
        )
    at, value = readings
    after = np.clip(np.searchsorted(at, time), 1, at.size - 1)
    gap = at[after] - at[after - 1]
    with np.errstate(invalid="ignore"):
        inside = (
            (time >= at[0])
            & (time <= at[-1])
            & ((gap <= options.largest_gap) | (time == at[after]))
        )
    if not inside.any():
        raise BadInput(log, _distance(at, time), "set hexrd.furnace.clock_offset or log_timezone")
    temperature = np.where(inside, np.interp(time, at, value), np.nan)
    share = (time - at[after - 1]) / gap
    curvature = (
        np.abs(np.gradient(np.gradient(value, at), at)) if at.size > 2 else np.zeros_like(at)
    )
    bend = np.maximum(curvature[after], curvature[after - 1]) * share * (1 - share) * gap**2 / 2
    noise = np.hypot(
        reading_noise.find_resolution(value) / np.sqrt(12), reading_noise.estimate_noise(at, value)
    )
    slow = max(
        options.thermocouple_stderr**2 - noise**2, 0.0
    )  # stated, but the same in neighbouring readings
    stderr = np.where(
        inside, np.sqrt(noise**2 * (share**2 + (1 - share) ** 2) + bend**2 / 3 + slow), np.nan
    )
    return temperature, stderr, np.where(inside, "ok", "outside_log")


def _distance(at: Array, time: Array) -> str:
    known = time[np.isfinite(time)]
    hours = (known.min() - at[-1]) / 3600 if known.min() > at[-1] else (at[0] - known.max()) / 3600
    if hours < 0:
        return "it covers none of the frames: its readings leave gaps where they are (see hexrd.furnace.largest_gap)"
    side = "ends" if known.min() > at[-1] else "begins"
    return f"it covers none of the frames: it {side} {hours:.2f} h {'before' if side == 'ends' else 'after'} them"


def _systematic(temperature: Array, rate: Array, method: str, options: Furnace) -> Array:
    limit = np.maximum(
        options.thermocouple_tolerance,
        options.thermocouple_relative_tolerance * np.abs(temperature),
    )
    clock = np.nan_to_num(rate) / 60 * options.clock_offset_stderr if method == "time" else 0.0
    return np.asarray(np.hypot(limit / np.sqrt(3), clock))


def _outside(log: Path, status: Any) -> list[dict[str, str]]:
    count = int(np.sum(status == "outside_log"))
    if not count:
        return []
    if count == status.size:
        raise BadInput(log, "it names none of the frames", "check the column with the file names")
    problem = f"{count} of {status.size} frames are outside the log and have no temperature"
    return [
        {
            "where": str(log),
            "problem": problem,
            "remedy": "give the whole log, or set hexrd.furnace.clock_offset",
        }
    ]


def _dataset(
    patterns: xr.Dataset,
    time: Array,
    temperature: Array,
    stderr: Array,
    systematic: Array,
    rate: Array,
    segment: Any,
    status: Any,
    method: str,
    faults: list[dict[str, str]],
) -> xr.Dataset:
    import xarray as xr

    unit = {"units": "degC", "ancillary_variables": "temperature_stderr temperature_systematic"}
    ds = xr.Dataset(
        {
            "temperature": ("frame", temperature, unit),
            "temperature_stderr": (
                "frame",
                np.where(np.isfinite(temperature), stderr, np.nan),
                {"units": "K"},
            ),
            "temperature_systematic": ("frame", systematic, {"units": "K"}),
            "rate": ("frame", rate, {"units": "K/min"}),
            "time": ("frame", time, {"units": "s", "long_name": "time since 1970-01-01 UTC"}),
            "segment": ("frame", segment.astype(object)),
            "status": ("frame", status.astype(object)),
        },
        coords={"frame": patterns["frame"]},
        attrs={"joined_by": method},
    )
    if patterns.attrs.get("synthetic"):
        ds.attrs["synthetic"] = 1
    if faults:
        ds.attrs["set_aside"] = json.dumps(faults)
    return ds
