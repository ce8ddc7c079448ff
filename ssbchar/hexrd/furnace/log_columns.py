"""Which column of a log is the measured temperature, and in which unit; nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log_table import LogTable
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.typing import Array
from ssbchar.units import Dimension, Label, Unit, find_unit, get_unit, split_label

_TEMPERATURE = {
    "temp",
    "temps",
    "temperature",
    "temperatur",
    "température",
    "temperatura",
    "thermocouple",
    "tc",
    "pv",
    "tsample",
    "tsamp",
    "thermoelement",
    "pyrometer",
    "rtd",
}
_OF_THE_SAMPLE = {"sample", "tsample", "tsamp", "specimen", "probe"}
_MEASURED = {"pv", "process", "actual", "measured", "ist", "istwert", "read", "reading", "value"}
_NOT_MEASURED = {
    "set",
    "setpoint",
    "setpt",
    "sp",
    "wsp",
    "tsp",
    "target",
    "soll",
    "sollwert",
    "program",
    "programme",
    "programmed",
    "programmer",
    "demand",
    "nominal",
    "requested",
    "time",
    "power",
    "output",
    "op",
    "rate",
    "ramp",
    "limit",
    "alarm",
    "error",
    "deviation",
    "min",
    "max",
    "status",
    "segment",
    "stderr",
    "std",
    "sigma",
    "uncertainty",
    "pressure",
    "flow",
    "units",
    "unit",
}
"""Words of columns that hold no reading of a thermometer."""
_OF_OTHER_THINGS = {
    "ambient",
    "room",
    "cold",
    "junction",
    "cj",
    "cjc",
    "internal",
    "board",
    "water",
    "cooling",
    "coolant",
    "dew",
    "hutch",
    "detector",
    "housing",
    "umgebung",
}
_SET_POINT = {"set", "setpoint", "setpt", "sp", "wsp", "tsp", "target", "soll", "sollwert"}
_WITH_UNIT = re.compile(r"\s*([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*((?:°|deg)?\s*[CKF])\s*")
SAME = 0.11
"""Difference of one reading printed in two units [K]: a tenth of a kelvin and of a degree."""
_VALUE_OF = {"process", "measured", "actual", "ist", "istwert", "messwert"}
"""Words that with "value" name what a controller measures."""
FEW = 0.05
"""Share of the readings below absolute zero that may be a broken contact and no wrong unit."""
_MOST_OF_A_MESSAGE = 200
UNIT_REMEDY = "set hexrd.furnace.temperature_unit"


@dataclass(frozen=True, kw_only=True)
class LogTemperatures:
    """The temperatures of a log's rows."""

    values: Array
    """[degC], shape (rows,); NaN where a cell is no number."""
    column: str
    unit: str
    notes: tuple[str, ...]
    """What was chosen or assumed."""


def require_column(log: Path, table: pd.DataFrame, column: str, option: str) -> None:
    """Raise where a column that the options name is missing.

    Parameters
    ----------
    log : Path
    table : DataFrame
    column, option : str
        The option of ``hexrd.furnace`` that names it; without unit.

    Raises
    ------
    BadInput
        There is no such column.
    """
    if column not in table.columns:
        listed = ", ".join(map(str, table.columns))
        problem = f"no column '{column}' (there are {listed})"[:_MOST_OF_A_MESSAGE]
        raise BadInput(log, problem, f"set hexrd.furnace.{option}")


def read_temperatures(log: Path, table: LogTable, options: Furnace) -> LogTemperatures:
    """Return the measured temperatures of a log [degC].

    Parameters
    ----------
    log : Path
    table : LogTable
    options : Furnace
        Column and unit, where the log does not state them.

    Raises
    ------
    BadInput
        No column or several could be meant, its unit is unknown, or it holds no temperatures.
    """
    notes: list[str] = []
    column = options.temperature_column
    if not column:
        column, passed_over = _find_temperature_column(log, table)
        if passed_over:
            listed = ", ".join(f"'{name}'" for name in passed_over)
            notes.append(f"temperature from column '{column}'; {listed} no measurement")
    require_column(log, table.columns, column, "temperature_column")
    numbers, in_cells = _read_numbers(table, column)
    if not np.isfinite(numbers).any():
        problem = f"column '{column}' holds no numbers"
        raise BadInput(log, problem, "set hexrd.furnace.temperature_column")
    unit, is_stated = _choose_unit(log, table, column, in_cells, options)
    if not is_stated:
        notes.append(
            f"column '{column}' states no unit: taken in {unit.name} "
            f"(hexrd.furnace.temperature_unit){_suspect_kelvin(numbers, unit)}"
        )
    values = unit.convert(numbers)
    below = values < ABSOLUTE_ZERO_C
    if below.any() and not below.sum() <= FEW * np.isfinite(values).sum():
        problem = f"column '{column}' falls below absolute zero"
        raise BadInput(log, problem, UNIT_REMEDY)
    return LogTemperatures(values=values, column=column, unit=unit.name, notes=tuple(notes))


def _find_temperature_column(log: Path, table: LogTable) -> tuple[str, list[str]]:
    """Return the only column named like a measured temperature, and the set points beside it."""
    labels = {str(name): _label_of(str(name)) for name in table.columns.columns}
    named = [name for name, label in labels.items() if _is_temperature(name, label, table)]
    set_points = [
        name
        for name, label in labels.items()
        if set(label.words) & _SET_POINT and name not in named
    ]
    for words in (_OF_THE_SAMPLE, _MEASURED):
        chosen = [name for name in named if set(labels[name].words) & words]
        if len(named) > 1 and len(chosen) == 1:
            return chosen[0], [*set_points, *(name for name in named if name != chosen[0])]
    if len(named) == 1:
        return named[0], set_points
    if len(named) > 1 and _hold_the_same(table, named):
        # One reading in two units.
        return named[0], set_points
    what = "no column looks like a temperature"
    if named:
        what = "several columns could be the temperature"
    elif set_points:
        what = "no column looks like a measured temperature"
    listed = ", ".join(named or labels)
    problem = f"{what} ({listed})"[:_MOST_OF_A_MESSAGE]
    raise BadInput(log, problem, "set hexrd.furnace.temperature_column")


def _hold_the_same(table: LogTable, names: list[str]) -> bool:
    """Return whether columns hold the same temperatures, each in the unit that it states."""
    found = []
    for name in names:
        unit = find_unit(_label_of(name).unit or table.units.get(name, ""), Dimension.TEMPERATURE)
        if unit is None:
            return False
        found.append(unit.convert(_read_numbers(table, name)[0]))
    return all(np.allclose(found[0], other, rtol=0, atol=SAME, equal_nan=True) for other in found)


def _label_of(name: str) -> Label:
    return split_label(name, Dimension.TEMPERATURE)


def _is_temperature(name: str, label: Label, table: LogTable) -> bool:
    """Return whether a column is named like a measured temperature, or has its unit."""
    words = set(label.words)
    if words & (_NOT_MEASURED | _OF_OTHER_THINGS):
        return False
    if find_unit(split_label(name, Dimension.TIME).unit, Dimension.TIME):
        return False
    unit = label.unit or table.units.get(name, "")
    is_unit = find_unit(unit, Dimension.TEMPERATURE) is not None
    if find_unit(name, Dimension.TEMPERATURE) is not None and len(name) > 1:
        return True
    # 5 K/min, W and mV are units of something else.
    if unit and not is_unit and (label.unit and "/" in label.unit):
        return False
    # tc1, temp2 and TSample are words with a number or without a gap.
    plain = {re.sub(r"\d+$", "", word) for word in words}
    if plain & _TEMPERATURE or any(word.startswith("temp") for word in words):
        return True
    if words & {"istwert", "messwert"} or ("value" in words and words & _VALUE_OF and not unit):
        return True
    is_t = label.name.lower() == "t" or bool(re.match(r"(?i)t[ _\d]", label.name))
    return is_t or (is_unit and len(unit) > 0)


def _read_numbers(table: LogTable, column: str) -> tuple[Array, str]:
    """Return the numbers of a column, and the unit that all of its cells state (``25.0 C``)."""
    cells = table.columns[column]
    if cells.dtype.kind in "fiu":
        return cells.to_numpy(float), ""
    texts = cells.astype(str)
    if table.decimal_comma:
        texts = texts.str.replace(",", ".", regex=False)
    found = [_WITH_UNIT.fullmatch(text) for text in texts]
    units = {match[2].replace(" ", "") for match in found if match}
    if len(units) == 1:
        texts = pd.Series(
            [match[1] if match else text for match, text in zip(found, texts, strict=True)]
        )
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float)
    return numbers, units.pop() if len(units) == 1 else ""


def _choose_unit(
    log: Path, table: LogTable, column: str, in_cells: str, options: Furnace
) -> tuple[Unit, bool]:
    """Return the unit of a column, and whether the log states it."""
    stated = [
        text for text in (_label_of(column).unit, table.units.get(column, ""), in_cells) if text
    ]
    # A column called "degC" has its unit for a name.
    if not stated and len(column) > 1 and find_unit(column, Dimension.TEMPERATURE):
        stated = [column]
    units = {text: find_unit(text, Dimension.TEMPERATURE) for text in stated}
    unknown = [text for text, unit in units.items() if unit is None]
    names = {unit.name for unit in units.values() if unit}
    if unknown or len(names) > 1:
        shown = " and ".join(unknown or sorted(names))
        choices = Dimension.TEMPERATURE.choices
        problem = f"column '{column}' is in '{shown}': no one unit of temperature ({choices})"
        raise BadInput(log, problem, "correct the name of the column")
    if not names:
        return get_unit(options.temperature_unit, Dimension.TEMPERATURE), False
    unit = next(unit for unit in units.values() if unit)
    if options.temperature_unit not in ("degC", unit.name):
        problem = f"column '{column}' is in {unit.name}, the option says {options.temperature_unit}"
        raise BadInput(log, problem, f"correct the column's name, or {UNIT_REMEDY}")
    return unit, True


def _suspect_kelvin(numbers: Array, unit: Unit) -> str:
    """Return a warning where the lowest reading [degC] is a room's in kelvin."""
    lowest = float(np.nanmin(numbers))
    if unit.name == "degC" and numbers.size > 1 and 285 < lowest < 305:
        return f"; its lowest reading, {lowest:g}, would be room temperature in K"
    return ""
