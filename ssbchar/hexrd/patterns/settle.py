"""What files leave open, settled by options: the unit of the axis and of temperatures, time zones.

What no option settles is left out and told, once per series; an axis that is not settled, or that
cannot be what it is said to be, refuses its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.axis_name import REMEDY
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.options import AxisUnitOption, PatternReading, StatedAxisUnit
from ssbchar.hexrd.patterns.rebin import DEGREES
from ssbchar.timestamps import AmbiguousDate, epoch_from_moment, parse_moment
from ssbchar.units import Dimension, find_unit, get_unit

LARGEST_ANGLE = 180.0
"""Backscattering [degree of 2theta]."""
SURELY_ANGSTROM = 20.0
"""Largest q [1/angstrom] of a pattern in which a q without a unit is taken as 1/angstrom: beyond it
the same numbers are as likely an axis in 1/nm."""
DISAGREEMENT = 5.0
"""Difference of the temperatures in name and header of a file [K] that is told."""
_NAMED_TEMPERATURE = re.compile(r"(?<![\d.])\d{1,4}(?:[.p]\d+)?_?(?:deg)?[CK](?![a-z])")
"""What may be a temperature in a file's name: ``650C``, ``300K``, ``25p5C``."""


@dataclass(kw_only=True)
class Told:
    """What files of a series state and was not used, counted; filled file by file."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """Files by problem (without its example) and remedy."""
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, kind: str, remedy: str, example: str) -> None:
        """Count one file; of each kind the first example is kept (texts, no unit).

        Parameters
        ----------
        kind : str
            With ``{}`` where the example stands.
        remedy, example : str
        """
        key = (kind, remedy)
        self.counts[key] = self.counts.get(key, 0) + 1
        self.examples.setdefault(key, example)

    def as_faults(self, source: Path, files: int) -> list[BadInput]:
        """Return one fault per kind.

        Parameters
        ----------
        source : Path
            Where the series is.
        files : int
            How many files it has.
        """
        faults = []
        for (kind, remedy), count in self.counts.items():
            problem = kind.format(self.examples[kind, remedy])
            if files > 1:
                problem += f" ({count} of {files} files)"
            faults.append(BadInput(source, problem, remedy))
        return faults


def settle(path: Path, content: PatternFile, options: PatternReading, told: Told) -> None:
    """Complete in place what a file leaves open.

    Parameters
    ----------
    path : Path
    content : PatternFile
        Axis [2theta, q or d], temperature [degC] and time [s] are completed.
    options : PatternReading
    told : Told
        Takes what was not used.

    Raises
    ------
    BadInput
        The axis is not understood, or cannot be in its unit.
    """
    _settle_axis(path, content, options, told)
    _settle_temperature(path, content, options, told)
    _settle_time(content, options, told)
    for one in content.misread:
        if one.quantity not in ("axis", "wavelength"):
            told.add("{}", one.remedy, one.problem)


# Axis


def _settle_axis(path: Path, content: PatternFile, options: PatternReading, told: Told) -> None:
    problem = next((one for one in content.misread if one.quantity == "axis"), None)
    option = options.axis_unit
    if problem is not None and not option:
        raise BadInput(path, problem.problem, problem.remedy)
    if option and _is_open(content, option):
        content.x = content.x * DEGREES.get(option, 1.0)
        content.unit = "degree" if option in DEGREES else _as_stated(option)
        content.assumed = tuple(
            text for text in content.assumed if "unit is not stated" not in text
        )
    elif option and option != content.unit:
        kind = f"its axis is '{{}}' and not in {option}, as hexrd.read.axis_unit says"
        told.add(kind, "correct the option; the files are followed", content.axis_name)
    _refuse_impossible_axis(path, content)


def _is_open(content: PatternFile, option: AxisUnitOption) -> bool:
    """Return whether a file leaves the unit of its axis open, or at least that of its quantity."""
    if not content.unit:
        return True
    is_assumed = any("unit is not stated" in text for text in content.assumed)
    return is_assumed and _quantity_of(option) == _quantity_of(content.unit)


def _quantity_of(unit: str) -> str:
    if unit in ("1/angstrom", "1/nm"):
        return "q"
    return "d" if unit == "angstrom" else "2theta"


def _as_stated(option: AxisUnitOption) -> StatedAxisUnit:
    match option:
        case "1/angstrom" | "1/nm" | "angstrom":
            return option
        case _:
            return "degree"


def _refuse_impossible_axis(path: Path, content: PatternFile) -> None:
    """Raise where the numbers cannot be in the unit of the axis."""
    finite = content.x[np.isfinite(content.x)]
    if not finite.size:
        return
    largest = float(np.max(np.abs(finite)))
    if content.unit in ("", "degree") and largest > LARGEST_ANGLE:
        remedy = "set hexrd.read.axis_unit (centidegree, 1/nm ...), or name the axis in the header"
        problem = f"its axis reaches {largest:g}: 2theta beyond 180 degree is impossible"
        raise BadInput(path, problem, remedy)
    is_assumed = any(text.startswith("q is taken") for text in content.assumed)
    if is_assumed and largest > SURELY_ANGSTROM:
        problem = f"its q reaches {largest:g} and states no unit: 1/angstrom or 1/nm"
        raise BadInput(path, problem, "set hexrd.read.axis_unit to one of them")


def refuse_beyond_backscattering(path: str, content: PatternFile, wavelength: float) -> None:
    """Raise where q or d cannot be measured at a wavelength.

    Parameters
    ----------
    path : str
    content : PatternFile
        With its axis [1/angstrom, 1/nm or angstrom].
    wavelength : float
        [angstrom]

    Raises
    ------
    BadInput
        More than a rounding beyond backscattering.
    """
    x = content.x[np.isfinite(content.x)]
    if not x.size or content.unit in ("", "degree"):
        return
    if content.unit == "angstrom":
        value, limit, unit = float(x.min()), wavelength / 2, "angstrom"
        is_beyond = value < limit
    else:
        scale = 0.1 if content.unit == "1/nm" else 1.0
        value, limit, unit = float(x.max()) * scale, 4 * np.pi / wavelength, "1/angstrom"
        is_beyond = value > limit
    if is_beyond:
        problem = (
            f"its axis reaches {value:.4g} {unit}, beyond backscattering ({limit:.4g} {unit} at "
            f"{wavelength:.5g} angstrom)"
        )
        raise BadInput(path, problem, f"check the wavelength; {REMEDY}")


# Temperature and time


def _settle_temperature(
    path: Path, content: PatternFile, options: PatternReading, told: Told
) -> None:
    """Take the temperature [degC] of the file's name, else the header's, its unit by the option."""
    bare = content.bare_temperature
    if np.isnan(content.temperature).all() and np.isfinite(bare).any():
        if options.temperature_unit:
            unit = get_unit(options.temperature_unit, Dimension.TEMPERATURE)
            content.temperature = unit.convert(bare)
        else:
            remedy = "set hexrd.read.temperature_unit (K, degC or degF)"
            told.add("a temperature without a unit ('{}')", remedy, f"{np.nanmin(bare):g}")
    impossible = content.temperature < ABSOLUTE_ZERO_C
    if impossible.any():
        shown = f"{np.nanmin(content.temperature):g} degC"
        content.temperature = np.where(impossible, np.nan, content.temperature)
        remedy = "correct it, or hexrd.read.temperature_unit"
        told.add("a temperature below absolute zero ('{}')", remedy, shown)
    if not options.temperature_pattern:
        return
    named = temperature_from_name(path.name, options)
    if np.isnan(named):
        kind = "no temperature in the name '{}' by hexrd.read.temperature_pattern"
        told.add(kind, "correct the pattern or rename the file", path.name)
        return
    apart = np.abs(content.temperature - named)
    if np.any(apart > DISAGREEMENT):
        kind = "the temperature in name and header differ ('{}'); that of the name is used"
        told.add(kind, "leave hexrd.read.temperature_pattern empty to use the header's", path.name)
    content.temperature = np.array([named])


def temperature_from_name(name: str, options: PatternReading) -> float:
    """Return the temperature [degC] in a file's name, NaN where the pattern finds none.

    Parameters
    ----------
    name : str
    options : PatternReading
        ``temperature_pattern`` and, where it has no group ``unit``, ``temperature_unit``.
    """
    found = re.search(options.temperature_pattern, name)
    if found is None:
        return float("nan")
    digits = re.sub(r"^(?:m|minus)", "-", found["temperature"] or "").replace("p", ".")
    word = found["unit"] if "unit" in found.re.groupindex else options.temperature_unit
    unit = find_unit(word or options.temperature_unit or "", Dimension.TEMPERATURE)
    try:
        celsius = float(unit.convert(float(digits))) if unit else float("nan")
    except ValueError:
        return float("nan")
    return celsius if celsius >= ABSOLUTE_ZERO_C else float("nan")


def _settle_time(content: PatternFile, options: PatternReading, told: Told) -> None:
    """Take the time [s since 1970 UTC] that a header states without a zone, the zone by the
    option."""
    moment = content.local_time
    if content.ambiguous_time:
        try:
            moment = parse_moment(content.ambiguous_time, options.date_order)
        except AmbiguousDate:
            remedy = "set hexrd.read.date_order (day first or month first)"
            told.add("a date with day and month as numbers ('{}')", remedy, content.ambiguous_time)
            return
    if moment is None or np.isfinite(content.time).any():
        return
    if moment.tzinfo is None and not options.timezone:
        remedy = "set hexrd.read.timezone (UTC, America/Chicago or +02:00)"
        told.add("a time without its zone ('{}')", remedy, moment.isoformat(" "))
        return
    content.time = np.full(content.time.shape, epoch_from_moment(moment, options.timezone))


def suggest_temperature_pattern(names: Sequence[str]) -> str:
    """Return what to write where file names seem to hold temperatures [degC or K], else nothing.

    Parameters
    ----------
    names : sequence of str
    """
    looks: Callable[[str], re.Match[str] | None] = _NAMED_TEMPERATURE.search
    found = [match for name in names if (match := looks(name))]
    if not names or len(found) < len(names):
        return ""
    unit = "K" if found[0][0].endswith("K") else "degC"
    letter = "K" if unit == "K" else "C"
    return (
        f"the names seem to hold one ('{found[0][0]}'): set hexrd.read.temperature_pattern to "
        f"'(?P<temperature>\\d+){letter}' and temperature_unit to {unit}"
    )
