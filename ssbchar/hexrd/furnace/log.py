"""Furnace logs: a table of times and temperatures, its columns found by name, its times never
guessed.

Notes on file structure
-----------------------
Any table of text (`log_table`): an optional preamble, one line of names, perhaps one of units.
Temperatures are those of the sample's thermocouple, in the unit of the column's name
(`log_columns`); set points are not used. Times are dates with a zone, or seconds since 1970, or
what an option completes (`log_times`). Single wild readings are set aside (`wild_readings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log_columns import LogTemperatures, read_temperatures, require_column
from ssbchar.hexrd.furnace.log_table import read_table
from ssbchar.hexrd.furnace.log_times import NUMERIC, LogTimes, read_times
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.furnace.wild_readings import find_wild_readings
from ssbchar.storage import reading
from ssbchar.storage.file_watch import FileWatch
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.5
"""Share of the frames that a column of file names must name."""
SHOWN = 4
"""Wild readings that a message lists."""


@dataclass(frozen=True, kw_only=True)
class FurnaceLog:
    """A furnace log."""

    time: Array
    """[s since 1970-01-01 UTC], shape (rows,); NaN where the log has none."""
    temperature: Array
    """[degC], shape (rows,); NaN where a reading is missing or was set aside."""
    columns: pd.DataFrame
    """The table as it stands in the file."""
    temperature_column: str = ""
    unit: str = ""
    """Of the temperature column."""
    notes: tuple[str, ...] = ()
    """What was chosen or assumed."""
    faults: tuple[BadInput, ...] = ()
    """What was set aside."""
    time_fault: BadInput | None = None
    """Why the log's times are not known, where they are not needed."""


def read_log(log: Path, options: Furnace, *, needs_time: bool = True) -> FurnaceLog:
    """Return the readings of a log, times [s since 1970 UTC] and temperatures [degC] of shape
    (rows,).

    Parameters
    ----------
    log : Path
    options : Furnace
        Names of columns, unit and time zone, where the log does not state them.
    needs_time : bool
        Whether a log whose times are not understood is refused; else they are NaN.

    Raises
    ------
    BadInput
        Empty, no or several columns that could be meant, times without a zone, cells that are no
        numbers.
    """
    with reading.guard_reading(log, options.limits):
        return _read_readings(log, options, needs_time=needs_time)


def _read_readings(log: Path, options: Furnace, *, needs_time: bool) -> FurnaceLog:
    """Return the readings of a log, as `read_log` does."""
    watch = FileWatch()
    watch.note(Path(log))
    table = read_table(log)
    if len(table.columns) > options.limits.rows:
        problem = f"holds {len(table.columns)} rows"
        raise reading.make_limit_fault(log, problem, options.limits, "rows")
    found = read_temperatures(log, table, options)
    times, time_fault = LogTimes(values=np.full(found.values.size, np.nan)), None
    try:
        times = read_times(log, table, options)
    except BadInput as fault:
        if needs_time:
            raise
        time_fault = fault
    is_dense = bool(np.isfinite(times.values).any()) and not options.file_column
    wild = find_wild_readings(found.values, is_dense=is_dense)
    return FurnaceLog(
        time=times.values,
        temperature=np.where(wild.wild, np.nan, found.values),
        columns=table.columns,
        temperature_column=found.column,
        unit=found.unit,
        notes=(*table.notes, *found.notes, *times.notes),
        faults=(
            *times.faults,
            *_describe_wild(log, found, wild.wild, wild.too_many),
            *watch.describe_changed(),
        ),
        time_fault=time_fault,
    )


def _describe_wild(log: Path, found: LogTemperatures, wild: Bool, too_many: int) -> list[BadInput]:
    """Return a fault that counts the readings set aside, and one on readings that jump too often
    to be."""
    faults = []
    if wild.any():
        shown = ", ".join(f"{value:g}" for value in found.values[wild][:SHOWN])
        more = " ..." if wild.sum() > SHOWN else ""
        what = "reading that no furnace has is" if wild.sum() == 1 else "readings are"
        problem = f"{wild.sum()} wild {what} set aside ({shown}{more} degC)"
        faults.append(BadInput(log, problem, "check the thermocouple's contact"))
    if too_many:
        problem = f"{too_many} of {wild.size} readings jump; they are used as they are"
        faults.append(BadInput(log, problem, "check the thermocouple, or smooth the log"))
    return faults


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
        require_column(log, table.columns, column, "file_column")
        cells = table.columns[column]
        if cells.dtype.kind in NUMERIC + "b":
            continue
        places = {Path(str(cell)).stem: row for row, cell in enumerate(cells)}
        rows = np.array([places.get(stem, -1) for stem in wanted])
        if options.file_column or np.mean(rows >= 0) >= MOSTLY:
            return rows
    return None
