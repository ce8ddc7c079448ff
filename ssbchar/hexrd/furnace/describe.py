"""What was understood of a furnace log and of how it is joined, in one line, for the check before a
run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ssbchar.description import Description
from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.interpolation import select_readings
from ssbchar.hexrd.furnace.log import FurnaceLog, match_files, read_log
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.patterns.settle import suggest_temperature_pattern

NO_TEMPERATURE = "no temperature"
JOINED_BY_NAME = "joined by file name"
REMEDY = "name the furnace's log in the row, or state it in the files' headers"


def describe_log(log: FurnaceLog) -> str:
    """Return one line on a log: its column, unit, range and times.

    Parameters
    ----------
    log : FurnaceLog
        Temperatures [degC] and times [s] of shape (rows,).
    """
    columns = [str(name) for name in log.columns.columns]
    place = f"{columns.index(log.temperature_column) + 1} " if log.temperature_column else ""
    known = log.temperature[np.isfinite(log.temperature)]
    text = f"T from log column {place}'{log.temperature_column}' in {log.unit}"
    if known.size:
        text += f", {known.min():.4g} to {known.max():.4g} degC"
    text += f", {log.temperature.size} rows"
    timed = log.time[np.isfinite(log.time)]
    if timed.size:
        return f"{text} over {np.ptp(timed) / 60:.3g} min"
    if log.time_fault is not None:
        return f"{text}, times not understood ({log.time_fault.problem})"
    return f"{text}, no times"


def describe_temperatures(
    names: Sequence[str],
    log: Path | None,
    options: Furnace,
    *,
    time: float,
    header: float,
    header_source: str = "headers",
) -> Description:
    """Return where the temperatures of a series come from.

    Parameters
    ----------
    names : sequence of str
        Name of every file of the series.
    log : Path or None
        The furnace's log.
    options : Furnace
    time : float
        Of the first frame [s since 1970-01-01 UTC]; NaN where unknown.
    header : float
        Temperature of the first frame by its file [degC]; NaN where unknown.
    header_source : str
        Where the file states it: its header, or its name.

    Raises
    ------
    BadInput
        The log cannot be understood, cannot be joined to the frames, or ends before the first one.
    """
    if log is None:
        if np.isfinite(header):
            return Description(said=f"T from the {header_source}, {header:.4g} degC in the first")
        return Description(said=f"{NO_TEMPERATURE}: {suggest_temperature_pattern(names) or REMEDY}")
    table = read_log(log, options, needs_time=False)
    joined = _describe_joining(table, list(names), log, options, time)
    faults = [f"{fault.where}: {fault.problem}; {fault.remedy}" for fault in table.faults]
    doubts = (*(f"{log}: {note}" for note in table.notes), *faults)
    return Description(said=f"{describe_log(table)}, {joined}", doubts=doubts)


def _describe_joining(
    table: FurnaceLog, names: list[str], log: Path, options: Furnace, time: float
) -> str:
    """Return how the log is joined to the frames."""
    rows = match_files(table, names, options, log)
    if rows is not None:
        return f"{JOINED_BY_NAME} ({int(np.sum(rows >= 0))} of {len(names)} files)"
    if table.time_fault is not None:
        raise table.time_fault
    if not np.isfinite(time):
        raise BadInput(
            log,
            "the patterns carry no time to join it by",
            "give a log that names the files, or patterns with their time",
        )
    readings = select_readings(log, table, options.clock_offset)
    late = (time - readings.time[-1]) / 60
    if late > 0:
        raise BadInput(
            log,
            f"ends {late:.4g} min before the first frame",
            "set hexrd.furnace.clock_offset or log_timezone, or give the whole log",
        )
    early = (readings.time[0] - time) / 60
    before = f" (it begins {early:.4g} min after the first frame)" if early > 0 else ""
    return f"joined by time{before}"
