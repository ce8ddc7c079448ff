"""What a pattern's header states of its frame: temperature, time, wavelength, exposure and monitor,
each line of the kind "name [unit] = value unit".

A line that names a quantity and cannot be understood is a `Misread`: it is told, and never replaced
by a default. What only lacks a unit or a time zone is kept apart (`bare_temperature`,
`local_time`), for options to complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C, HC_EV_ANGSTROM
from ssbchar.hexrd import bragg
from ssbchar.number_text import NUMBER
from ssbchar.timestamps import (
    AmbiguousDate,
    epoch_from_number,
    parse_clock,
    parse_date,
    parse_moment,
)
from ssbchar.units import Dimension, Label, find_unit, split_label

NAN = float("nan")
SHORTEST, LONGEST = 0.01, 5.0
"""Limits of a wavelength of X-rays that powders are measured with [angstrom]."""
HOTTEST = 4000.0
"""Above this [degC] no powder is solid."""
SAME = 0.05
"""Difference of two statements of one temperature [K] that is rounding."""

_COMMENT = re.compile(r"^[\s#!;%*/'\"|<>]+|[\s*/'\"|]+$")
_NEXT_STATEMENT = re.compile(r"(?<=\S),\s+(?=[^\W\d][^=:,]*[=:])")
_KEYWORD_OF_FULLPROF = re.compile(r"^[ \t]*TEMP[ \t]+[\d.]", re.M)
"""A line of a FullProf data file; behind the sign of a comment it is none."""
_STATEMENT = re.compile(r"^(?P<name>[^=:]*?)\s*[=:]\s*(?P<value>.*)$")
_TABULATED = re.compile(r"^(?P<name>[^,\t]+?)[,\t]\s*(?P<value>[^\W_].*)$")
_KEYWORD = re.compile(
    r"^(?P<name>[^\W\d][\w ]*?(?:\s*[\[(][^\])]*[\])])?)\s+[\"']?"
    rf"(?P<value>{NUMBER}(?:\s*\S{{1,8}})?)$"
)
_VALUE = re.compile(
    rf"^[\"']?(?P<number>[-+]?\d+,\d+|{NUMBER})\s*(?:\(\d+\)|(?:\+/?-|±)\s*{NUMBER})?\s*"
    r"[\[(]?(?P<unit>[^\d\s].*?)?[\])]?[\"']?$"
)

TEMPERATURE_WORDS = {
    "temperature",
    "temp",
    "temperatur",
    "temps",
    "tsample",
    "tsamp",
    "thermocouple",
}
_OF_THE_SAMPLE = {"sample", "tsample", "tsamp", "specimen", "capillary"}
_QUALIFIERS = {
    *_OF_THE_SAMPLE,
    "actual",
    "measured",
    "mean",
    "average",
    "avg",
    "process",
    "value",
    "pv",
    "current",
    "read",
    "reading",
    "furnace",
    "oven",
    "heater",
    "stage",
    "hotstage",
    "blower",
    "cryostream",
    "cryostat",
    "cryo",
    "gas",
    "indicated",
    "in",
    "of",
    "the",
    "at",
    "tc",
    "controller",
    "eurotherm",
    "lakeshore",
    "linkam",
    "environment",
    "nominalised",
    "1",
}
_NO_MEASUREMENT = {
    "set",
    "setpoint",
    "sp",
    "wsp",
    "target",
    "program",
    "programmed",
    "nominal",
    "demand",
    "requested",
    "ramp",
    "rate",
    "power",
    "output",
    "time",
    "limit",
    "max",
    "min",
    "alarm",
    "sensor",
    "type",
    "model",
    "unit",
    "units",
    "error",
    "err",
    "stderr",
    "std",
    "esd",
    "sigma",
    "uncertainty",
    "factor",
    "coefficient",
    "correction",
    "calibration",
    "step",
}
"""Words that make a temperature no reading of a thermometer, or no temperature at all."""
_OF_OTHER_THINGS = {
    "detector",
    "room",
    "ambient",
    "hutch",
    "water",
    "chiller",
    "mono",
    "monochromator",
    "mirror",
    "crystal",
    "optics",
    "cpu",
    "board",
    "camera",
    "tube",
    "housing",
    "cold",
    "junction",
    "cj",
    "ccd",
    "chip",
    "dew",
    "ring",
    "cooling",
    "module",
    "server",
    "air",
}

_TIME_WORDS = {"time", "date", "datetime", "timestamp", "epoch", "started", "collected", "acquired"}
_TIME_QUALIFIERS = {
    "start",
    "started",
    "begin",
    "scan",
    "acquisition",
    "collected",
    "acquired",
    "measured",
    "measurement",
    "collection",
    "data",
    "and",
    "of",
    "image",
    "frame",
    "recorded",
    "run",
    "at",
    "local",
    "utc",
    "sec",
    "unix",
    "exposure",
    "experiment",
    "s",
}
_START = {"start", "started", "begin", "begun", "beginn"}
"""Words of a start, which alone may be that of an axis."""
_NO_MOMENT = {
    "per",
    "count",
    "counting",
    "elapsed",
    "duration",
    "total",
    "dead",
    "integration",
    "live",
    "real",
    "settle",
    "readout",
    "end",
    "stop",
    "zone",
    "flight",
    "period",
    "step",
    "preset",
    "calibration",
    "creation",
    "created",
    "processed",
    "modified",
    "saved",
    "export",
    "exported",
}
_EXPOSURE = re.compile(
    r"^(?:exposure(?: ?(?:time|period))?|(?:count|counting|acquisition|integration|live|preset|"
    r"accumulation|frame) ?(?:time|period)|time per (?:step|point|frame)|timeperstep|acq ?time|"
    r"seconds per point)$"
)
_MONITOR = re.compile(
    r"^(?:(?:incident |beam |mean |average )*monitor(?: ?(?:i ?0|counts?|value|mean|1))?|i ?0|"
    r"ion ?chamber(?: ?(?:i ?0|0|1|counts?))?|ic ?0|incident (?:flux|intensity|beam))$"
)
_WAVELENGTH = re.compile(
    r"^(?:(?:calibrated|x ?ray|incident|beam|radiation|mean|used|diffrn radiation|hw xg|"
    r"k ?alpha ?1?|alpha ?1?|kalpha1) ?)*(?:wave ?length|lambda)"
    r"(?: ?(?:k? ?alpha ?1|alpha1|1|used|value|calibrated))*$"
)
_ENERGY = re.compile(r"^(?:(?:photon|x ?ray|beam|incident|mono|monochromator) ?)*(?:energy|e)$")


@dataclass(frozen=True, kw_only=True)
class Misread:
    """A header line that names a quantity and is not understood."""

    quantity: str
    """``axis``, ``temperature``, ``time``, ``wavelength``, ``exposure`` or ``rows``."""
    problem: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class HeaderValues:
    """What a header states of its frame; NaN or None where it states nothing."""

    temperature: float = NAN
    """[degC]"""
    bare_temperature: float = NAN
    """Temperature whose unit the header does not state."""
    moment: datetime | None = None
    """Start of the frame, with its time zone or without."""
    ambiguous_time: str = ""
    """A time whose day may be its month."""
    epoch: float = NAN
    """[s since 1970-01-01 UTC], where the header states such a number or a time with its zone."""
    wavelength: tuple[float, float] | None = None
    """Wavelength and the standard error of its rounding [angstrom]."""
    exposure: float = NAN
    """[s]"""
    monitor: float = NAN
    """[counts]"""
    misread: tuple[Misread, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One line of a header that gives a name a value."""

    name: str
    value: str
    text: str
    """The line, without the signs of a comment."""


def strip_comment(line: str) -> str:
    """Return a header line without the signs that make it a comment.

    Parameters
    ----------
    line : str
    """
    return _COMMENT.sub("", line)


def list_statements(header: str) -> Iterator[Statement]:
    """Yield the statements of a header, several of one line one by one.

    Parameters
    ----------
    header : str
        ``# Temp (K) = 300``, ``wavelength: 0.41 A; time: ...``, ``TEMP 295.0``, ``K-Alpha1
        wavelength,1.5406``.
    """
    for part in _split_lines(header):
        text = strip_comment(part)
        found = _STATEMENT.match(text) or _TABULATED.match(text) or _KEYWORD.match(text)
        if found:
            value = _COMMENT.sub("", found["value"])
            yield Statement(name=found["name"].strip(), value=value, text=text[:60])


def _split_lines(header: str) -> Iterator[str]:
    """Yield the lines of a header, those of several statements in parts."""
    for line in header.splitlines():
        for piece in line.split(";"):
            parts = _NEXT_STATEMENT.split(piece)
            # "Temperature, K: 300" is one statement: the first part must be whole.
            yield from parts if re.search("[=:]", parts[0]) else [piece]


def _list_units(label: Label, found: re.Match[str]) -> list[str]:
    """Return the units that name and value of a statement state; remarks in brackets are none."""
    own = re.sub(r"(?<=\S)\s+[\[(].*", "", found["unit"] or "").strip(" ,;")
    return [text for text in (label.unit, own) if text]


def read_header(header: str) -> HeaderValues:
    """Return what a header states of its frame.

    Parameters
    ----------
    header : str
        Lines with or without signs of comments.
    """
    statements = list(list_statements(header))
    found = _read_temperature(statements, header)
    when = _read_time(statements, header)
    wavelength, wrong = _read_wavelength(statements)
    exposure, wrong_exposure = _read_exposure(statements)
    return replace(
        found,
        moment=when.moment,
        ambiguous_time=when.ambiguous_time,
        epoch=when.epoch,
        wavelength=wavelength,
        exposure=exposure,
        monitor=_read_monitor(statements),
        misread=(*found.misread, *when.misread, *wrong, *wrong_exposure),
    )


def _name_plainly(label: Label) -> str:
    """Return a name as words with single blanks: ``K-Alpha1_wavelength`` has four."""
    return " ".join(label.words)


# Temperature


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A temperature as one line states it."""

    rank: int
    """0 where it is said to be the sample's, 2 for a keyword of FullProf."""
    celsius: float
    """NaN where no unit is stated."""
    bare: float
    text: str


def _read_temperature(statements: Iterable[Statement], header: str) -> HeaderValues:
    """Return the temperature of a header, or why it is not known."""
    is_fullprof = _KEYWORD_OF_FULLPROF.search(header) is not None
    readings: list[_Reading] = []
    misread: list[Misread] = []
    for statement in statements:
        found = _read_one_temperature(statement, is_fullprof=is_fullprof)
        if isinstance(found, _Reading):
            readings.append(found)
        elif found is not None:
            misread.append(found)
    known = [reading for reading in readings if np.isfinite(reading.celsius)]
    usable = known or readings
    if not usable:
        return HeaderValues(misread=tuple(misread))
    best = min(reading.rank for reading in usable)
    first, *others = [reading for reading in usable if reading.rank == best]
    value = first.celsius if known else first.bare
    for other in others:
        if abs((other.celsius if known else other.bare) - value) > SAME:
            problem = f"its header states several temperatures ('{first.text}', '{other.text}')"
            remedy = "name that of the sample 'Sample temperature (K)', or give a furnace log"
            return HeaderValues(
                misread=(Misread(quantity="temperature", problem=problem, remedy=remedy),)
            )
    if known:
        return HeaderValues(temperature=value)
    return HeaderValues(bare_temperature=value, misread=tuple(misread))


def _read_one_temperature(statement: Statement, *, is_fullprof: bool) -> _Reading | Misread | None:
    """Return the temperature of a line, why it cannot be read, or None where it names none."""
    label = split_label(statement.name, Dimension.TEMPERATURE)
    rank = _rank_temperature(label, statement)
    if rank is None:
        return None
    remedy = "write 'Temperature (K) = 300', or give a furnace log"
    if not statement.value:
        return None
    if rank == UNKNOWN_QUALIFIER:
        problem = f"'{statement.text}' is not understood as the sample's temperature"
        return Misread(quantity="temperature", problem=problem, remedy=remedy)
    found = _VALUE.match(statement.value)
    if not found:
        problem = f"'{statement.text}' states no temperature"
        return Misread(quantity="temperature", problem=problem, remedy=remedy)
    number = float(found["number"].replace(",", ".").replace("D", "E").replace("d", "e"))
    units = [find_unit(text, Dimension.TEMPERATURE) for text in _list_units(label, found)]
    if None in units or len({unit.name for unit in units if unit}) > 1:
        problem = f"'{statement.text}' has no unit of temperature (K, degC or degF)"
        return Misread(quantity="temperature", problem=problem, remedy=remedy)
    if not units and is_fullprof and statement.name.upper() == "TEMP":
        # FullProf states kelvin without a unit.
        units, rank = [find_unit("K", Dimension.TEMPERATURE)], 2
    if not units or units[0] is None:
        return _Reading(rank=rank, celsius=NAN, bare=number, text=statement.text)
    celsius = float(units[0].convert(number))
    if not ABSOLUTE_ZERO_C < celsius < HOTTEST:
        problem = f"'{statement.text}' is not the temperature of a powder"
        return Misread(quantity="temperature", problem=problem, remedy=remedy)
    return _Reading(rank=rank, celsius=celsius, bare=NAN, text=statement.text)


UNKNOWN_QUALIFIER = 9
"""Rank of a temperature of which it is not known whether it is the sample's."""


def _rank_temperature(label: Label, statement: Statement) -> int | None:
    """Return how likely a name is that of the sample's temperature; None where it is another
    quantity or that of another thing."""
    words = set(label.words)
    if not words:
        # ": 25 degC" has its unit for a name.
        unit = (_VALUE.match(statement.value) or {"unit": ""})["unit"] or ""
        is_named = len(unit) > 1 and find_unit(unit, Dimension.TEMPERATURE) is not None
        return 1 if is_named and not label.unit else None
    named = words & TEMPERATURE_WORDS
    if not named and not (words <= {"t", "sample"} and "t" in words):
        return None
    others = words - TEMPERATURE_WORDS - {"t"}
    if others & (_NO_MEASUREMENT | _OF_OTHER_THINGS):
        return None
    if not others <= _QUALIFIERS:
        # A sentence that mentions a temperature states none.
        has_number = re.match(rf"{NUMBER}\s*\S{{0,12}}$", statement.value) is not None
        return UNKNOWN_QUALIFIER if has_number and len(words) <= 4 else None
    if "thermocouple" in named and not _VALUE.match(statement.value):
        return None
    return 0 if words & _OF_THE_SAMPLE else 1


# Time


def _read_time(statements: Iterable[Statement], header: str) -> HeaderValues:
    """Return when a frame was taken, or why it is not known."""
    misread: list[Misread] = []
    day: date | None = None
    clock: time | None = None
    ambiguous = ""
    found: list[tuple[int, HeaderValues]] = []
    for statement in [*statements, *_list_other_times(header)]:
        rank = _rank_time(statement)
        if rank is None or not statement.value:
            continue
        try:
            stated = _parse_time(statement.value)
            if stated is not None:
                found.append((rank, stated))
                continue
            day = day or parse_date(statement.value)
            clock = clock or parse_clock(statement.value)
            if parse_date(statement.value) or parse_clock(statement.value):
                continue
        except AmbiguousDate:
            ambiguous = ambiguous or statement.value
            continue
        problem = f"'{statement.text}' is neither a date nor seconds since 1970"
        remedy = "write 'time: 2019-03-04T08:05:00+01:00'"
        misread.append(Misread(quantity="time", problem=problem, remedy=remedy))
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    if day is not None and clock is not None:
        return HeaderValues(moment=datetime.combine(day, clock))
    return HeaderValues(ambiguous_time=ambiguous, misread=tuple(misread))


def _parse_time(text: str) -> HeaderValues | None:
    """Return the moment that a value states, None where it states none."""
    number = re.fullmatch(r"(\d{9,13}(?:\.\d*)?)\s*(?:s|sec|ms)?", text)
    if number:
        epoch = epoch_from_number(float(number[1]))
        if np.isfinite(epoch):
            return HeaderValues(epoch=epoch)
    moment = parse_moment(text)
    if moment is None:
        return None
    return HeaderValues(moment=moment, epoch=NAN if moment.tzinfo is None else moment.timestamp())


def _list_other_times(header: str) -> Iterator[Statement]:
    """Yield times that stand without a name: ``#D`` of SPEC, SRSDAT and SRSTIM of Diamond."""
    spec = re.search(r"^#D\s+(\S.*)$", header, re.M)
    if spec:
        yield Statement(name="date", value=spec[1].strip(), text=spec[0][:60])
    diamond = re.search(r"\bSRSDAT\s*=\s*(\d{8})\D.*?\bSRSTIM\s*=\s*(\d{6})\b", header, re.S)
    if diamond:
        yield Statement(name="date", value=f"{diamond[1]} {diamond[2]}", text="SRSDAT, SRSTIM")


def _rank_time(statement: Statement) -> int | None:
    """Return how likely a name is that of the frame's start, None where it is no moment."""
    label = split_label(statement.name, Dimension.TIME)
    words = set(label.words)
    if words and words <= _START and re.search(r"\d:\d\d", statement.value):
        return 0
    if not words & _TIME_WORDS or words & _NO_MOMENT or not words <= _TIME_WORDS | _TIME_QUALIFIERS:
        return None
    if words == {"exposure", "time"} or words == {"acquisition", "time"}:
        # The one word for a duration and for a moment: a date tells them apart.
        return 2 if re.search(r"\d{4}|:", statement.value) else None
    return 0 if words & _START else 1


# Wavelength, exposure, monitor


def _read_wavelength(
    statements: Iterable[Statement],
) -> tuple[tuple[float, float] | None, list[Misread]]:
    """Return wavelength and rounding [angstrom]; a wavelength goes before an energy."""
    misread: list[Misread] = []
    for quantity, pattern, dimension in (
        ("wavelength", _WAVELENGTH, Dimension.LENGTH),
        ("energy", _ENERGY, Dimension.ENERGY),
    ):
        for statement in statements:
            label = split_label(statement.name, dimension)
            if not pattern.match(_name_plainly(label)) or not statement.value:
                continue
            found = _VALUE.match(statement.value)
            value = wavelength_from_stated(
                found["number"] if found else "",
                _list_units(label, found) if found else [],
                dimension,
            )
            # "e" alone may be anything: only with a unit of energy is it one.
            if isinstance(value, str):
                if _name_plainly(label) == "e":
                    continue
                problem = f"'{statement.text}' states no {quantity} ({value})"
                remedy = "set hexrd.read.wavelength [angstrom]"
                misread.append(Misread(quantity="wavelength", problem=problem, remedy=remedy))
            else:
                return value, []
    return None, misread


def wavelength_from_stated(
    number: str, units: list[str], dimension: Dimension
) -> tuple[float, float] | str:
    """Return wavelength and rounding [angstrom], or why a statement gives none.

    Without a unit a length is in angstrom, or in metres where nothing else is as short, and an
    energy in eV or keV: the X-rays that powders are measured with leave one choice.

    Parameters
    ----------
    number : str
        As printed.
    units : list of str
        Units that the statement names.
    dimension : Dimension
        Of a length or an energy.
    """
    try:
        value = float(number.replace(",", "."))
    except ValueError:
        return "no number"
    if not value > 0:
        return "not above zero"
    scales: list[float] = []
    for text in units:
        unit = find_unit(text, dimension)
        if unit is None:
            return f"'{text}' is no unit of {dimension}; use {dimension.choices}"
        scales.append(unit.factor)
    if len(set(scales)) > 1:
        return "in two units"
    if not scales:
        choices = (1.0, 1e10) if dimension == Dimension.LENGTH else (1.0, 1e3)
        scales = [scale for scale in choices if _is_wavelength(value * scale, dimension)]
    if not scales or not _is_wavelength(value * scales[0], dimension):
        return f"not within {SHORTEST:g} to {LONGEST:g} angstrom"
    rounding = bragg.rounding_stderr_from_text(number.replace(",", "."))
    if dimension == Dimension.LENGTH:
        return value * scales[0], rounding * scales[0]
    wavelength = HC_EV_ANGSTROM / (value * scales[0])
    return wavelength, wavelength * rounding / value


def _is_wavelength(value: float, dimension: Dimension) -> bool:
    """Return whether a length [angstrom] or an energy [eV] is one of X-rays."""
    wavelength = value if dimension == Dimension.LENGTH else HC_EV_ANGSTROM / value
    return SHORTEST < wavelength < LONGEST


def _read_exposure(statements: Iterable[Statement]) -> tuple[float, list[Misread]]:
    """Return the exposure [s] of a header; without a unit it is in seconds, as all write it."""
    for statement in statements:
        label = split_label(statement.name, Dimension.TIME)
        found = _VALUE.match(statement.value)
        if not found or not _EXPOSURE.match(_name_plainly(label)):
            continue
        units = [find_unit(text, Dimension.TIME) for text in _list_units(label, found)]
        if None in units:
            problem = f"'{statement.text}' has no unit of time ({Dimension.TIME.choices})"
            return NAN, [
                Misread(quantity="exposure", problem=problem, remedy="write 'exposure: 1.0 s'")
            ]
        factor = units[0].factor if units and units[0] else 1.0
        return float(found["number"].replace(",", ".")) * factor, []
    return NAN, []


def _read_monitor(statements: Iterable[Statement]) -> float:
    """Return the incident monitor [counts] of a header, NaN where it states no number."""
    for statement in statements:
        if _MONITOR.match(_name_plainly(split_label(statement.name))):
            # "monitor: off" is none; a frame without one is told where it is needed.
            found = _VALUE.match(statement.value)
            return float(found["number"].replace(",", ".")) if found else NAN
    return NAN
