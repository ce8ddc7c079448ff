"""Names of units as files write them, and labels of the kind "quantity [unit]", for all techniques.

Notes
-----
A label states its unit in brackets (``Q [1/nm]``, ``T(K)``), behind a slash (``q / A^-1``) or a
comma (``2theta, deg``), or as its last words (``temp_K``, ``q_nm^-1``, ``temperature kelvin``). A
unit that is not in the table is no unit: it is refused with the choices, never taken as the
default.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.typing import Array


class Dimension(StrEnum):
    """What a unit measures; each member knows the unit that values are converted to."""

    base: str
    choices: str

    def __new__(cls, word: str, base: str = "", choices: str = "") -> Dimension:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.base = base
        member.choices = choices
        return member

    ANGLE = "angle", "degree", "deg, rad, mrad or centidegree"
    LENGTH = "length", "angstrom", "angstrom, nm, pm, um, mm, cm or m"
    INVERSE_LENGTH = "inverse length", "1/angstrom", "1/angstrom, 1/nm or 1/pm"
    TEMPERATURE = "temperature", "degC", "K, degC or degF"
    TIME = "time", "s", "s, ms, us, min, h or d"
    ENERGY = "energy", "eV", "eV or keV"


class UnknownUnit(ValueError):
    """A text that is no unit of a dimension; its message lists the choices."""

    def __init__(self, text: str, dimension: Dimension) -> None:
        self.text, self.dimension = text, dimension
        super().__init__(f"'{text}' is no unit of {dimension} (use {dimension.choices})")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit: value in the base unit of its dimension = factor x value + offset."""

    dimension: Dimension
    name: str
    """As written here: ``mrad``, ``1/nm``, ``degF``."""
    factor: float
    offset: float = 0.0

    def convert(self, values: ArrayLike) -> Array:
        """Return values in the base unit of the dimension.

        Parameters
        ----------
        values : array_like, shape (...)
            In this unit.
        """
        return np.asarray(np.asarray(values, float) * self.factor + self.offset)


_ANGLES = {
    "degree": (
        1.0,
        "deg degs degree degrees ° °2theta °2th deg2theta deg2th degrees2theta 2thetadeg",
    ),
    "rad": (180 / np.pi, "rad rads radian radians"),
    "mrad": (0.18 / np.pi, "mrad mrads milliradian milliradians"),
    "urad": (0.18e-3 / np.pi, "urad urads microradian microradians"),
    "mdeg": (1e-3, "mdeg millidegree millidegrees"),
    "centidegree": (
        0.01,
        "centidegree centidegrees centideg cdeg cdegs centidegs deg/100 °/100 0.01deg 0.01degree "
        "0.01degrees 1/100deg deg*100 degx100 hundredthsofadegree hundredthsofdegrees 0.01°",
    ),
    "arcmin": (1 / 60, "arcmin arcmins arcminute arcminutes minutesofarc"),
    "arcsec": (1 / 3600, "arcsec arcsecs arcsecond arcseconds secondsofarc"),
}
_LENGTHS = {
    "m": (1e10, "m metre metres meter meters"),
    "cm": (1e8, "cm centimetre centimetres centimeter centimeters"),
    "mm": (1e7, "mm millimetre millimetres millimeter millimeters"),
    "um": (1e4, "um micron microns micrometre micrometres micrometer micrometers"),
    "nm": (10.0, "nm nanometre nanometres nanometer nanometers"),
    "angstrom": (
        1.0,
        "a aa å ang angs angstrom angstroms angström angströms ångstrom ångström "
        "ångstroms ångströms angstroem angstroems",
    ),
    "pm": (0.01, "pm picometre picometres picometer picometers"),
    "fm": (1e-5, "fm femtometre femtometres femtometer femtometers"),
}
_TEMPERATURES = {
    "K": (1.0, ABSOLUTE_ZERO_C, "k kelvin kelvins degk °k degkelvin degreesk degreekelvin"),
    "mK": (1e-3, ABSOLUTE_ZERO_C, "millikelvin"),
    "degC": (
        1.0,
        0.0,
        "c degc °c celsius degreec degreesc degreecelsius degreescelsius degcelsius °celsius "
        "centigrade degcentigrade degreescentigrade deg.c oc",
    ),
    "degF": (
        5 / 9,
        -160 / 9,
        "f degf °f fahrenheit degreef degreesf degreefahrenheit degreesfahrenheit degfahrenheit "
        "°fahrenheit",
    ),
}
_TIMES = {
    "ns": (1e-9, "ns nsec nanosecond nanoseconds"),
    "us": (1e-6, "us usec usecs microsecond microseconds"),
    "ms": (1e-3, "ms msec msecs millisecond milliseconds"),
    "s": (1.0, "s sec secs second seconds sek sekunde sekunden"),
    "min": (60.0, "min mins minute minutes minuten"),
    "h": (3600.0, "h hr hrs hour hours std stunde stunden"),
    "d": (86400.0, "d day days tage"),
}
_ENERGIES = {
    "eV": (1.0, "ev electronvolt electronvolts"),
    "keV": (1e3, "kev kiloelectronvolt kiloelectronvolts"),
    "MeV": (1e6, "mev megaelectronvolt megaelectronvolts"),
}


def _list_units() -> dict[Dimension, dict[str, Unit]]:
    """Return every unit by dimension and spelling; spellings are as `_simplify` leaves them."""
    scales = {
        Dimension.ANGLE: _ANGLES,
        Dimension.LENGTH: _LENGTHS,
        Dimension.TIME: _TIMES,
        Dimension.ENERGY: _ENERGIES,
    }
    found: dict[Dimension, dict[str, Unit]] = {}
    for dimension, table in scales.items():
        found[dimension] = {
            spelling: Unit(dimension=dimension, name=name, factor=factor)
            for name, (factor, spellings) in table.items()
            for spelling in spellings.split()
        }
    temperature = Dimension.TEMPERATURE
    found[temperature] = {
        spelling: Unit(dimension=temperature, name=name, factor=factor, offset=offset)
        for name, (factor, offset, spellings) in _TEMPERATURES.items()
        for spelling in spellings.split()
    }
    return found


_UNITS = _list_units()
REMEMBERED = 4096
"""Texts remembered: files of a series name the same quantities."""
_CASED = {
    "meV": Unit(dimension=Dimension.ENERGY, name="meV", factor=1e-3),
    "mK": Unit(dimension=Dimension.TEMPERATURE, name="mK", factor=1e-3, offset=ABSOLUTE_ZERO_C),
}
"""Units that differ from another one by a capital alone."""
_INVERSE = (
    re.compile(r"1/\(?(?P<length>[^\W\d_.]+)\.?\)?"),
    re.compile(r"(?P<length>[^\W\d_.]+)\.?(?:\^|\*\*)?[({]?-1[)}]?"),
    re.compile(r"(?:inverse|inv|reciprocal|per)\.?(?P<length>[^\W\d_.]+)\.?"),
)
"""Spellings of the inverse of a length, as `_simplify` leaves them."""
_SIGNS = str.maketrans(
    {
        "\N{MICRO SIGN}": "u",
        "\N{GREEK SMALL LETTER MU}": "u",
        "\N{ANGSTROM SIGN}": "Å",
        "\N{MASCULINE ORDINAL INDICATOR}": "°",
        "\N{RING ABOVE}": "°",
        "\N{REPLACEMENT CHARACTER}": "°",
        "\N{DEGREE CELSIUS}": "°C",
        "\N{DEGREE FAHRENHEIT}": "°F",
        "\N{KELVIN SIGN}": "K",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{SUPERSCRIPT MINUS}": "-",
        "\N{SUPERSCRIPT ONE}": "1",
        "\N{GREEK SMALL LETTER THETA}": "theta",
        "\N{GREEK CAPITAL LETTER THETA}": "theta",
        "\N{GREEK THETA SYMBOL}": "theta",
        "\N{GREEK SMALL LETTER PI}": "pi",
        "\N{GREEK SMALL LETTER LAMDA}": "lambda",
        "\N{NO-BREAK SPACE}": " ",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{DOT OPERATOR}": "*",
        "\N{MIDDLE DOT}": "*",
    }
)
"""Signs with one meaning, in letters of a keyboard."""


def write_signs_plainly(text: str) -> str:
    r"""Return a text with Greek letters, superscripts and LaTeX as they are typed.

    ``2θ``, ``$2\theta$`` and ``2theta`` are one name, ``Å⁻¹`` and ``$\AA^{-1}$`` one unit.

    Parameters
    ----------
    text : str
    """
    plain = text.translate(_SIGNS)
    if "\\" in plain or "$" in plain:
        plain = re.sub(r"\\(?:mathrm|mathring|text|rm|ring|textrm|mathit)\b\s*", "", plain)
        plain = re.sub(r"\^\{?\s*(?:o|\\circ)\s*\}?|\\degree\b|\\circ\b", "°", plain)
        plain = re.sub(r"\\(?:AA|angstrom)\b", "Å", plain)
        plain = re.sub(r"\\mu\b", "u", plain)
        plain = re.sub(r"[\\${}]", "", plain)
    return plain


def _simplify(text: str) -> str:
    """Return a unit without blanks, brackets around it and final stops, in small letters."""
    plain = re.sub(r"[\s_\"']+", "", write_signs_plainly(text)).strip("[](){}<>")
    # Strip puts off a bracket that belongs to an exponent: A^(-1.
    if plain.count("(") > plain.count(")"):
        plain += ")"
    return plain.lower().rstrip(".")


@functools.lru_cache(REMEMBERED)
def find_unit(text: str, dimension: Dimension) -> Unit | None:
    """Return the unit that a text names, None where it is no unit of this dimension.

    Parameters
    ----------
    text : str
        As written in a file: ``degC``, ``°C``, ``Å⁻¹``, ``inverse nanometres``.
    dimension : Dimension
    """
    cased = _CASED.get(text.strip().strip("[](){}<>"))
    if cased is not None and cased.dimension == dimension:
        return cased
    plain = _simplify(text)
    if dimension != Dimension.INVERSE_LENGTH:
        return _UNITS[dimension].get(plain)
    for pattern in _INVERSE:
        found = pattern.fullmatch(plain)
        length = _UNITS[Dimension.LENGTH].get(found["length"]) if found else None
        if length is not None:
            return Unit(dimension=dimension, name=f"1/{length.name}", factor=1 / length.factor)
    return None


def get_unit(text: str, dimension: Dimension) -> Unit:
    """Return the unit that a text names.

    Parameters
    ----------
    text : str
    dimension : Dimension

    Raises
    ------
    UnknownUnit
        The text is no unit of this dimension.
    """
    unit = find_unit(text, dimension)
    if unit is None:
        raise UnknownUnit(text, dimension)
    return unit


@dataclass(frozen=True, kw_only=True)
class Label:
    """What the head of a column or a header value names."""

    name: str
    """Without its unit, signs written plainly."""
    unit: str
    """As written; empty where there is none."""

    @functools.cached_property
    def words(self) -> tuple[str, ...]:
        """Words of the name in small letters: ``SampleTemp_2`` has sample, temp and 2."""
        parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", self.name)
        return tuple(re.findall(r"[^\W\d_]+|\d+", parted.lower()))


_BRACKETED = re.compile(r"(?P<name>[^\[({<]*?)\s*[_.]?\s*[\[({<]\s*(?P<unit>.*?)\s*[\])}>]\s*:?")


@functools.lru_cache(REMEMBERED)
def split_label(text: str, *dimensions: Dimension) -> Label:
    """Return name and unit of a label.

    What stands in brackets is the unit whether it is known or not, except a bare number (``Monitor
    I0 [0]``); what stands behind a slash, a comma, an underscore or a blank is one where a
    dimension knows it.

    Parameters
    ----------
    text : str
        ``Q [1/nm]``, ``Temperature/K``, ``temp_K``, ``2Theta, deg``.
    *dimensions : Dimension
        Dimensions that the unit may have.
    """
    plain = write_signs_plainly(text).strip().strip("\"'").strip()
    bracketed = _BRACKETED.fullmatch(plain)
    if bracketed:
        unit = bracketed["unit"]
        return Label(name=bracketed["name"].strip(), unit="" if unit.isdigit() else unit)

    def is_unit(tail: str) -> bool:
        return any(find_unit(tail, dimension) for dimension in dimensions)

    # 2pi/d and 1/nm hold a slash of their own: only what a dimension knows is a unit.
    for separator in (" / ", "/", ","):
        name, found, unit = plain.partition(separator)
        if found and name.strip() and is_unit(unit):
            return Label(name=name.strip(), unit=unit.strip())
    for place in re.finditer(r"[\s_]+", plain):
        name, unit = plain[: place.start()], plain[place.end() :]
        # "time s" states seconds; a name of one letter is never all unit.
        if name and is_unit(unit):
            return Label(name=name.strip(), unit=unit.strip())
    glued = re.fullmatch(r"(?i:(temp|temperature|t))(?-i:(degC|degF|°C|°F|C|K|F))", plain)
    if glued and Dimension.TEMPERATURE in dimensions and plain not in ("TC", "tC"):
        return Label(name=glued[1], unit=glued[2])
    return Label(name=plain, unit="")
