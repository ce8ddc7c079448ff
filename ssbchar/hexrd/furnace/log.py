"""Furnace logs: a table of times and temperatures, its columns found by name, its times never
guessed.

Notes on file structure
-----------------------
CSV, TSV or semicolons, one header line, lines starting with ``#`` left out. Times are ISO 8601 with
a time zone, or seconds since 1970 UTC. Temperatures are of the sample's thermocouple; set points
are left aside.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.typing import Array

if TYPE_CHECKING:
    import pandas as pd

_TIME = re.compile(r"time|stamp|epoch|date", re.I)
_TEMPERATURE = re.compile(r"temp|^t$|^t[_ ]|deg_?c|°c|\(c\)|thermocouple", re.I)
_NOT_MEASURED = re.compile(r"set|target|program|time|power|output", re.I)
_ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d)\s*$")
EARLIEST = 1e8
"""Numbers below this [s] are no seconds since 1970 of any measurement."""


@dataclass(frozen=True)
class FurnaceLog:
    """A furnace log: times [s since 1970 UTC; NaN where the log has none], temperatures [degC], all
    its columns."""

    time: Array
    temperature: Array
    columns: pd.DataFrame


def read_log(log: Path, options: Furnace) -> FurnaceLog:
    """Return the log's readings.

    Raises
    ------
    BadInput
        Empty, no or several columns that could be meant, times without a zone, cells that are no
        numbers.
    """
    import pandas as pd

    try:
        text = Path(log).read_text(encoding="utf-8-sig")
        first = next(
            (line for line in text.splitlines() if line.strip() and not line.startswith("#")), ""
        )
        separator = max("\t;,", key=first.count)
        table = pd.read_csv(io.StringIO(text), sep=separator, comment="#", skipinitialspace=True)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise BadInput(
            log, f"no table ({str(error).strip()[:80]})", "give CSV with one header line"
        ) from error
    if table.empty:
        raise BadInput(log, "holds no readings", "copy it again from the furnace")
    table.columns = [str(c).strip() for c in table.columns]
    temperature = _temperature(log, table, options)
    return FurnaceLog(_time(log, table, options), temperature, table)


def match_files(table: FurnaceLog, names: list[str], options: Furnace, log: Path) -> Any:
    """Return for each frame the row that names its file (-1: none), or None where no column holds
    file names."""
    if len(set(names)) < len(names):
        return None
    wanted = [Path(n).stem for n in names]
    columns = [options.file_column] if options.file_column else list(table.columns.columns)
    for column in columns:
        _need(log, table.columns, column, "file_column")
        held = table.columns[column]
        if held.dtype.kind in "fiub":
            continue
        place = {Path(str(v)).stem: n for n, v in enumerate(held)}
        found = np.array([place.get(stem, -1) for stem in wanted])
        if options.file_column or np.mean(found >= 0) >= 0.5:
            return found
    return None


def _need(log: Path, table: pd.DataFrame, column: str, option: str) -> None:
    if column not in table.columns:
        listed = ", ".join(map(str, table.columns))
        raise BadInput(
            log, f"no column '{column}' (there are {listed})"[:200], f"set hexrd.furnace.{option}"
        )


def _temperature(log: Path, table: pd.DataFrame, options: Furnace) -> Array:
    import pandas as pd

    column = options.temperature_column
    if not column:
        named = [c for c in table.columns if _TEMPERATURE.search(c) and not _NOT_MEASURED.search(c)]
        if len(named) != 1:
            what = (
                "several columns could be the temperature"
                if named
                else "no column looks like a temperature"
            )
            listed = ", ".join(named or map(str, table.columns))
            raise BadInput(log, f"{what} ({listed})"[:200], "set hexrd.furnace.temperature_column")
        column = named[0]
    _need(log, table, column, "temperature_column")
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    if not np.isfinite(values).any():
        raise BadInput(
            log, f"column '{column}' holds no numbers", "set hexrd.furnace.temperature_column"
        )
    kelvin = options.temperature_unit.lower() in ("k", "kelvin") or bool(
        re.search(r"[\[(_ ]K[\])]?$", column)
    )
    values = values + ABSOLUTE_ZERO_C if kelvin else values
    if np.nanmin(values) < ABSOLUTE_ZERO_C:
        raise BadInput(
            log,
            f"column '{column}' falls below absolute zero",
            "set hexrd.furnace.temperature_unit",
        )
    return values


def _time(log: Path, table: pd.DataFrame, options: Furnace) -> Array:
    """Return the times of the log's rows; epoch seconds before ISO 8601 where it has both."""
    columns = (
        [options.time_column]
        if options.time_column
        else [c for c in table.columns if _TIME.search(c)]
    )
    if not columns:
        return np.full(len(table), np.nan)
    for column in columns:
        _need(log, table, column, "time_column")
        if table[column].dtype.kind in "fiu":
            values = table[column].to_numpy(float)
            if np.nanmin(values) > EARLIEST:
                return values
    texts = [c for c in columns if table[c].dtype.kind not in "fiu"]
    if not texts:
        problem = f"column '{columns[0]}' is neither ISO 8601 nor seconds since 1970"
        raise BadInput(log, problem, "write dates with their time zone")
    zones = [_ZONED.search(str(table[c].dropna().iloc[0])) is not None for c in texts]
    column = next((c for c, zoned in zip(texts, zones, strict=True) if zoned), texts[0])
    return _parsed(log, table[column], options.log_timezone)


def _parsed(log: Path, column: pd.Series[Any], zone: str) -> Array:
    import pandas as pd

    text = column.astype(str)
    zoned = _ZONED.search(str(column.dropna().iloc[0]))
    if not zoned and not zone:
        problem = f"its times ('{text.iloc[0]}') state no time zone"
        raise BadInput(
            log, problem, "set hexrd.furnace.log_timezone (as UTC, America/Chicago or +02:00)"
        )
    parsed = pd.to_datetime(text, errors="coerce", utc=bool(zoned), format="ISO8601")
    if parsed.isna().all():
        raise BadInput(
            log,
            f"its times ('{text.iloc[0]}') are no ISO 8601 dates",
            "write YYYY-MM-DDThh:mm:ss+00:00",
        )
    if not zoned:
        try:
            parsed = parsed.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert(
                "UTC"
            )
        except (KeyError, ValueError, LookupError) as error:
            raise BadInput(
                log, f"time zone '{zone}' is unknown", "use UTC, America/Chicago or +02:00"
            ) from error
    epoch = pd.Timestamp("1970-01-01", tz="UTC")
    return np.asarray((parsed - epoch).dt.total_seconds(), float)
