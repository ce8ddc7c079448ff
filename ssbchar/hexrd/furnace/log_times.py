"""Times of a log's rows: dates, dates and times of day in two columns, seconds since 1970 or 1904,
or times since a start that is stated; a zone is stated or asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log_columns import require_column
from ssbchar.hexrd.furnace.log_table import LogTable
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.patterns.formats.header_values import read_header
from ssbchar.timestamps import (
    EARLIEST,
    AmbiguousDate,
    DateOrder,
    choose_date_order,
    epoch_from_moment,
    parse_clock,
    parse_date,
    parse_moment,
)
from ssbchar.typing import Array
from ssbchar.units import Dimension, find_unit, split_label

_TIME = re.compile(r"time|stamp|epoch|date|zeit|datum|uhr|elapsed|clock|heure", re.I)
_NOT_A_MOMENT = re.compile(r"time ?zone|set|remaining|interval|dwell|timeout|runtime left", re.I)
_ZONED = re.compile(r"(Z|UTC|GMT|[+-]\d\d:?\d\d)\s*$", re.I)
_ELAPSED = re.compile(r"elapsed|relative|since|duration|run ?time|laufzeit|delta", re.I)
_SPAN = re.compile(
    r"(?:(?P<days>\d+)(?:[ .]|d ?|:(?=\d+:\d\d:\d\d)))?(?P<hours>\d+):(?P<minutes>\d\d)"
    r"(?::(?P<seconds>\d\d(?:[.,]\d+)?))?"
)
"""``hh:mm``, ``hh:mm:ss``, ``d.hh:mm:ss`` and ``d:hh:mm:ss``."""
_LABVIEW = "X_Value"
"""Column of elapsed seconds in LabVIEW's measurement files."""
NUMERIC = "fiu"
"""Kinds of arrays of numbers."""
LATEST = 2.6e9
"""Seconds since 1970 beyond any measurement (2052)."""
SECONDS_1904_TO_1970 = 2082844800.0
"""LabVIEW counts from 1904-01-01 UTC [s]."""
DAY = 86400.0
"""[s]"""
MOSTLY = 0.5
"""Share of the rows whose times must be understood."""
ISO_REMEDY = "write YYYY-MM-DDThh:mm:ss+00:00"


@dataclass(frozen=True, kw_only=True)
class LogTimes:
    """When a log's rows were written."""

    values: Array
    """[s since 1970-01-01 UTC], shape (rows,); NaN where unknown."""
    notes: tuple[str, ...] = ()
    faults: tuple[BadInput, ...] = ()
    """Rows whose times were not understood."""


def read_times(log: Path, table: LogTable, options: Furnace) -> LogTimes:
    """Return the times of a log's rows; seconds since 1970 before dates where it has both.

    Parameters
    ----------
    log : Path
    table : LogTable
    options : Furnace
        Column, zone, order of day and month, and start, where the log does not state them.

    Raises
    ------
    BadInput
        No zone, no start, a date that may be read in two ways, or what is no time.
    """
    columns = _list_time_columns(table)
    if options.time_column:
        require_column(log, table.columns, options.time_column, "time_column")
        columns = [options.time_column]
    if not columns:
        return LogTimes(values=np.full(len(table.columns), np.nan))
    numeric = [name for name in columns if table.columns[name].dtype.kind in NUMERIC]
    for column in numeric:
        found = _epoch_from_numbers(table.columns[column].to_numpy(float), column)
        if found is not None:
            return found
    texts = [name for name in columns if name not in numeric]
    dated = [name for name in texts if _states_date(table.columns[name])]
    # A log may have local time for people beside the one for machines.
    zoned = [name for name in dated if _has_zone(table.columns[name])]
    for column in [*zoned, *dated]:
        cells = table.columns[column].astype(str)
        if _states_clock(cells):
            return _times_from_dates(log, cells, options, column)
        clocks = [name for name in texts if name != column and _states_clock(table.columns[name])]
        if clocks:
            both = cells.str.cat(table.columns[clocks[0]].astype(str), sep=" ")
            return _times_from_dates(log, both, options, f"{column} and {clocks[0]}")
    elapsed = _find_elapsed(table, columns)
    if elapsed is not None:
        return _times_from_start(log, table, *elapsed, options=options)
    if texts:
        shown = str(table.columns[texts[0]].iloc[0])
        raise BadInput(log, f"its times ('{shown[:30]}') are no ISO 8601 dates", ISO_REMEDY)
    problem = f"column '{columns[0]}' is neither ISO 8601 nor seconds since 1970"
    raise BadInput(log, problem, "write dates with their time zone, or set hexrd.furnace.log_start")


def _list_time_columns(table: LogTable) -> list[str]:
    """Return the columns named like times, or with a unit of time."""
    names = [str(name) for name in table.columns.columns]
    named = [name for name in names if _TIME.search(name) and not _NOT_A_MOMENT.search(name)]
    # "t/min" and "t (s)" are times; "T" alone is a temperature.
    short = [
        name
        for name in names
        if name == _LABVIEW
        or (
            name not in named
            and split_label(name, Dimension.TIME).name in ("t", "T")
            and _unit_of_time(table, name)
        )
    ]
    return [*named, *short]


def _unit_of_time(table: LogTable, name: str) -> str:
    unit = table.units.get(name, "") or split_label(name, Dimension.TIME).unit
    if name == _LABVIEW:
        return "s"
    return unit if find_unit(unit, Dimension.TIME) else ""


def _epoch_from_numbers(values: Array, column: str) -> LogTimes | None:
    """Return seconds since 1970 of numbers that can be nothing else; LabVIEW counts from 1904."""
    lowest = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    if EARLIEST < lowest < LATEST:
        return LogTimes(values=values)
    if LATEST < lowest < 2 * LATEST:
        note = f"column '{column}' counts seconds since 1904 (LabVIEW)"
        return LogTimes(values=values - SECONDS_1904_TO_1970, notes=(note,))
    if EARLIEST < lowest / 1000 < LATEST:
        return LogTimes(values=values / 1000)
    return None


# Dates


def _first_text(column: pd.Series[Any]) -> str:
    texts = [str(cell).strip() for cell in column.dropna() if str(cell).strip()]
    return texts[0] if texts else ""


def _states_date(column: pd.Series[Any]) -> bool:
    try:
        return bool(re.search(r"\d", _first_text(column))) and (
            parse_date(_first_text(column).replace("T", " ")) is not None
        )
    except AmbiguousDate:
        return True


def _states_clock(column: pd.Series[Any]) -> bool:
    text = _first_text(column)
    # A date alone has no clock; 20110425T123500 has one without colons.
    return bool(re.search(r"\d:\d\d|\dT\d{4}", text)) and not re.fullmatch(r"\d{4}:\d\d:\d\d", text)


def _has_zone(column: pd.Series[Any]) -> bool:
    text = _first_text(column)
    return ":" in text and _ZONED.search(text) is not None


def _times_from_dates(log: Path, text: pd.Series[Any], options: Furnace, column: str) -> LogTimes:
    """Return seconds since 1970 UTC of dates; the zone of the options is that of dates without
    one."""
    zoned = _has_zone(text)
    if not zoned and not options.log_timezone:
        raise BadInput(
            log,
            f"its times ('{_first_text(text)}') state no time zone",
            "set hexrd.furnace.log_timezone (as UTC, America/Chicago or +02:00)",
        )
    zone = "" if zoned else options.log_timezone
    fast = _parse_iso(log, text, zone)
    values = fast if fast is not None else _parse_any(log, text, options.date_order, zone)
    unread = int(np.sum(np.isnan(values)))
    if unread > (1 - MOSTLY) * values.size:
        problem = f"its times ('{_first_text(text)[:30]}') are no ISO 8601 dates"
        raise BadInput(log, problem, ISO_REMEDY)
    faults = []
    if unread and fast is None:
        problem = f"{unread} of {values.size} times in '{column}' are not understood"
        faults.append(BadInput(log, problem, "correct them; their readings are left out"))
    return LogTimes(values=values, faults=tuple(faults))


def _parse_iso(log: Path, text: pd.Series[Any], zone: str) -> Array | None:
    """Return seconds since 1970 UTC of ISO 8601 dates, None where not all are."""
    try:
        parsed = pd.to_datetime(text, errors="coerce", utc=not zone, format="ISO8601")
    except ValueError:
        return None
    if parsed.isna().any() or (zone and getattr(parsed.dt, "tz", None) is not None):
        return None
    if zone:
        try:
            # The hour that summer time repeats or leaves out has no unique UTC: unknown.
            local = parsed.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
            parsed = local.dt.tz_convert("UTC")
        except (KeyError, ValueError, LookupError) as error:
            problem = f"time zone '{zone}' is unknown"
            raise BadInput(log, problem, "use UTC, America/Chicago or +02:00") from error
    epoch = pd.Timestamp("1970-01-01", tz="UTC")
    return np.asarray((parsed - epoch).dt.total_seconds(), float)


def _parse_any(log: Path, text: pd.Series[Any], order: DateOrder, zone: str) -> Array:
    """Return seconds since 1970 UTC of dates in any format, NaN where one is not understood."""
    order = order or choose_date_order(text)
    values = np.full(len(text), np.nan)
    for row, cell in enumerate(text):
        try:
            moment = parse_moment(str(cell), order)
        except AmbiguousDate as error:
            remedy = "set hexrd.furnace.date_order (day first or month first)"
            raise BadInput(log, f"its date {error}, and no other tells", remedy) from error
        if moment is not None:
            values[row] = epoch_from_moment(moment, zone)
    return values


# Times since a start


def _find_elapsed(table: LogTable, columns: list[str]) -> tuple[str, Array] | None:
    """Return a column of elapsed times or times of day, and its seconds, None where there is
    none."""
    for name in columns:
        cells = table.columns[name]
        if cells.dtype.kind in NUMERIC:
            unit = _unit_of_time(table, name)
            factor = find_unit(unit, Dimension.TIME) if unit else None
            if factor is not None:
                return name, factor.convert(cells.to_numpy(float))
            continue
        seconds = np.array([_seconds_from_span(str(cell)) for cell in cells])
        if np.isfinite(seconds).mean() > MOSTLY:
            return name, seconds
    return None


def _seconds_from_span(text: str) -> float:
    """Return the seconds of ``hh:mm:ss``, with days before it or a half of the day after it."""
    clock = parse_clock(text)
    if clock is not None and re.search("[ap]", text, re.I):
        return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond * 1e-6
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return float("nan")
    seconds = float((found["seconds"] or "0").replace(",", "."))
    hours = int(found["hours"]) + 24 * int(found["days"] or 0)
    return hours * 3600 + int(found["minutes"]) * 60 + seconds


def _times_from_start(
    log: Path, table: LogTable, column: str, seconds: Array, *, options: Furnace
) -> LogTimes:
    """Return seconds since 1970 UTC of times since a start, or of times of day from its day on."""
    start, where = _find_start(table, options)
    if start is None:
        raise BadInput(
            log,
            f"column '{column}' is neither ISO 8601 nor seconds since 1970, and nothing says when "
            "it begins",
            "set hexrd.furnace.log_start (2019-03-04T08:05:00+01:00)",
        )
    if start.tzinfo is None and not options.log_timezone:
        raise BadInput(
            log,
            f"its start ('{start.isoformat(' ')}') states no time zone",
            "set hexrd.furnace.log_timezone (as UTC, America/Chicago or +02:00)",
        )
    finite = seconds[np.isfinite(seconds)]
    if not finite.size:
        raise BadInput(log, f"column '{column}' holds no time", "copy the log again")
    is_text = table.columns[column].dtype.kind not in NUMERIC
    begins = float(finite[0])
    is_time_of_day = is_text and not _ELAPSED.search(column) and begins > 60 and begins < DAY
    if is_time_of_day:
        # Midnight is passed where the clock falls back by more than half a day.
        turns = np.cumsum(np.concatenate([[0], np.diff(_fill(seconds)) < -DAY / 2]))
        day = datetime.combine(start.date(), time(), tzinfo=start.tzinfo)
        values = epoch_from_moment(day, options.log_timezone) + seconds + DAY * turns
        note = f"times of day in '{column}' from {start.date()} on ({where})"
    else:
        values = epoch_from_moment(start, options.log_timezone) + seconds
        note = f"times in '{column}' since {start.isoformat(' ')} ({where})"
    return LogTimes(values=np.asarray(values, float), notes=(note,))


def _fill(values: Array) -> Array:
    """Return values with gaps filled by the one before."""
    return np.asarray(pd.Series(values).ffill().bfill(), float)


def _find_start(table: LogTable, options: Furnace) -> tuple[datetime | None, str]:
    """Return when a log begins, and where that is stated."""
    if options.log_start:
        return parse_moment(options.log_start), "hexrd.furnace.log_start"
    found = read_header(table.preamble)
    if found.moment is not None:
        return found.moment, "its preamble"
    if np.isfinite(found.epoch):
        return datetime.fromtimestamp(found.epoch, UTC), "its preamble"
    return None, ""
