"""Furnace logs: a table of times and temperatures, its columns found by name, its times never
guessed.

Notes on file structure
-----------------------
CSV, TSV or semicolons, one header line; lines starting with ``#`` are skipped. Times are ISO 8601
with a time zone, or seconds since 1970 UTC. Temperatures are those of the sample's thermocouple;
set points are not used.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.typing import Array

if TYPE_CHECKING:
    import pandas as pd

_TIME = re.compile(r"time|stamp|epoch|date", re.I)
_TEMPERATURE = re.compile(r"temp|^t$|^t[_ ]|deg_?c|°c|\(c\)|thermocouple", re.I)
_NOT_MEASURED = re.compile(r"set|target|program|time|power|output", re.I)
_IN_KELVIN = re.compile(r"[\[(_ ]K[\])]?$")
_ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d)\s*$")
EARLIEST = 1e8
"""Numbers below this [s] are no seconds since 1970 of any measurement."""
NUMERIC = "fiu"
"""Kinds of arrays of numbers."""
MOSTLY = 0.5
"""Share of the frames that a column of file names must name."""
_MOST_OF_A_MESSAGE = 200


@dataclass(frozen=True, kw_only=True)
class FurnaceLog:
    """A furnace log."""

    time: Array
    """[s since 1970-01-01 UTC], shape (rows,); NaN where the log has none."""
    temperature: Array
    """[degC], shape (rows,)."""
    columns: pd.DataFrame
    """The table as it stands in the file."""


def read_log(log: Path, options: Furnace) -> FurnaceLog:
    """Return the readings of a log, times [s since 1970 UTC] and temperatures [degC] of shape
    (rows,).

    Parameters
    ----------
    log : Path
    options : Furnace
        Names of columns, unit and time zone, where the log does not state them.

    Raises
    ------
    BadInput
        Empty, no or several columns that could be meant, times without a zone, cells that are no
        numbers.
    """
    table = _read_table(log)
    if table.empty:
        raise BadInput(log, "holds no readings", "copy it again from the furnace")
    table.columns = [str(column).strip() for column in table.columns]
    temperature = _read_temperature(log, table, options)
    return FurnaceLog(time=_read_time(log, table, options), temperature=temperature, columns=table)


def _read_table(log: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        text = Path(log).read_text(encoding="utf-8-sig")
        lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
        separator = max("\t;,", key=next(lines, "").count)
        return pd.read_csv(io.StringIO(text), sep=separator, comment="#", skipinitialspace=True)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        problem = f"no table ({str(error).strip()[:80]})"
        raise BadInput(log, problem, "give CSV with one header line") from error


def match_files(
    table: FurnaceLog,
    names: list[str],
    options: Furnace,
    log: Path,
) -> NDArray[np.intp] | None:
    """Return for each frame the row that names its file, or None where no column holds file names.

    Parameters
    ----------
    table : FurnaceLog
    names : list of str, length frames
        File of each frame; endings are ignored.
    options : Furnace
        The column, where it is not to be found by its contents.
    log : Path
        For messages.

    Returns
    -------
    ndarray of int, shape (frames,)
        -1 where no row names the file.
    """
    # The name of a file does not distinguish its frames.
    if len(set(names)) < len(names):
        return None
    wanted = [Path(name).stem for name in names]
    columns = [options.file_column] if options.file_column else list(table.columns.columns)
    for column in columns:
        _require_column(log, table.columns, column, "file_column")
        cells = table.columns[column]
        if cells.dtype.kind in NUMERIC + "b":
            continue
        places = {Path(str(cell)).stem: row for row, cell in enumerate(cells)}
        rows = np.array([places.get(stem, -1) for stem in wanted])
        if options.file_column or np.mean(rows >= 0) >= MOSTLY:
            return rows
    return None


def _require_column(log: Path, table: pd.DataFrame, column: str, option: str) -> None:
    if column not in table.columns:
        listed = ", ".join(map(str, table.columns))
        problem = f"no column '{column}' (there are {listed})"[:_MOST_OF_A_MESSAGE]
        raise BadInput(log, problem, f"set hexrd.furnace.{option}")


def _read_temperature(log: Path, table: pd.DataFrame, options: Furnace) -> Array:
    """Return the temperatures [degC] of the log's rows."""
    import pandas as pd

    column = options.temperature_column or _find_temperature_column(log, table)
    _require_column(log, table, column, "temperature_column")
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    if not np.isfinite(values).any():
        problem = f"column '{column}' holds no numbers"
        raise BadInput(log, problem, "set hexrd.furnace.temperature_column")
    if options.temperature_unit == "K" or _IN_KELVIN.search(column):
        values = values + ABSOLUTE_ZERO_C
    if np.nanmin(values) < ABSOLUTE_ZERO_C:
        problem = f"column '{column}' falls below absolute zero"
        raise BadInput(log, problem, "set hexrd.furnace.temperature_unit")
    return values


def _find_temperature_column(log: Path, table: pd.DataFrame) -> str:
    """Return the only column named like a measured temperature."""
    named = [
        column
        for column in table.columns
        if _TEMPERATURE.search(column) and not _NOT_MEASURED.search(column)
    ]
    if len(named) == 1:
        return str(named[0])
    what = "no column looks like a temperature"
    if named:
        what = "several columns could be the temperature"
    listed = ", ".join(named or map(str, table.columns))
    problem = f"{what} ({listed})"[:_MOST_OF_A_MESSAGE]
    raise BadInput(log, problem, "set hexrd.furnace.temperature_column")


def _read_time(log: Path, table: pd.DataFrame, options: Furnace) -> Array:
    """Return the times [s since 1970 UTC] of the log's rows; epoch seconds before ISO 8601 where it
    has both."""
    columns = [column for column in table.columns if _TIME.search(column)]
    if options.time_column:
        columns = [options.time_column]
    if not columns:
        return np.full(len(table), np.nan)
    for column in columns:
        _require_column(log, table, column, "time_column")
        if table[column].dtype.kind in NUMERIC:
            values = table[column].to_numpy(float)
            # Seconds since the start of the programme are numbers too.
            if np.nanmin(values) > EARLIEST:
                return values
    texts = [column for column in columns if table[column].dtype.kind not in NUMERIC]
    if not texts:
        problem = f"column '{columns[0]}' is neither ISO 8601 nor seconds since 1970"
        raise BadInput(log, problem, "write dates with their time zone")
    # A log may have local time for people beside the one for machines.
    zoned = [column for column in texts if _has_zone(table[column])]
    return _parse_dates(log, table[(zoned or texts)[0]], options.log_timezone)


def _has_zone(column: pd.Series[Any]) -> bool:
    return _ZONED.search(str(column.dropna().iloc[0])) is not None


def _parse_dates(log: Path, column: pd.Series[Any], zone: str) -> Array:
    """Return seconds since 1970 UTC of ISO 8601 dates; `zone` is that of dates without one."""
    import pandas as pd

    text = column.astype(str)
    zoned = _has_zone(column)
    if not zoned and not zone:
        raise BadInput(
            log,
            f"its times ('{text.iloc[0]}') state no time zone",
            "set hexrd.furnace.log_timezone (as UTC, America/Chicago or +02:00)",
        )
    parsed = pd.to_datetime(text, errors="coerce", utc=zoned, format="ISO8601")
    if parsed.isna().all():
        raise BadInput(
            log,
            f"its times ('{text.iloc[0]}') are no ISO 8601 dates",
            "write YYYY-MM-DDThh:mm:ss+00:00",
        )
    if not zoned:
        try:
            # The hour that summer time repeats or leaves out has no unique UTC: unknown.
            local = parsed.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
            parsed = local.dt.tz_convert("UTC")
        except (KeyError, ValueError, LookupError) as error:
            problem = f"time zone '{zone}' is unknown"
            raise BadInput(log, problem, "use UTC, America/Chicago or +02:00") from error
    epoch = pd.Timestamp("1970-01-01", tz="UTC")
    return np.asarray((parsed - epoch).dt.total_seconds(), float)
