"""Which quantity the first column of a pattern is, and in which unit, by the names in its header.

A name is a quantity of the table below and its unit (see `ssbchar.units`). The line that names the
columns decides; without one, what other lines say, where they agree. A name that is not understood,
or a unit that is none of its quantity, is a `Misread`: the file is refused, or the user says what
the axis is (``hexrd.read.axis_unit``).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from ssbchar.hexrd.patterns.formats.header_values import Misread, strip_comment
from ssbchar.hexrd.patterns.options import AxisUnit, StatedAxisUnit
from ssbchar.units import REMEMBERED, Dimension, find_unit, split_label, write_signs_plainly


class AxisKind(StrEnum):
    """Quantities that the axis of a pattern may be."""

    TWO_THETA = "2theta"
    Q = "q"
    D = "d"


_NAMES: dict[AxisKind, str] = {
    AxisKind.TWO_THETA: (
        r"(?:2|two)[\s_*-]*(?:theta|tth|th|thetas)(?:[\s_-]*(?:angle|axis|position))?|tth|t?ttheta|"
        r"(?:scattering|diffraction|polar|bragg)[\s_-]*angle(?:[\s_-]*2[\s_-]*theta)?|"
        r"angle|pos(?:ition)?|twotheta[\s_/-]*(?:theta|omega)?|2theta/(?:theta|omega)"
    ),
    AxisKind.Q: (
        r"\|?q\|?(?:[\s_-]*(?:space|value|range|axis|vector|modulus|mag(?:nitude)?|hkl))?|"
        r"momentum[\s_-]*transfer(?:[\s_-]*q)?|scattering[\s_-]*(?:vector|wave[\s_-]*vector)"
        r"(?:[\s_-]*q)?|wave[\s_-]*vector(?:[\s_-]*transfer)?|mod[\s_]*q|"
        r"2\s*\*?\s*pi\s*/\s*d|4\s*\*?\s*pi\s*\*?\s*sin\s*\(?\s*theta\s*\)?\s*/\s*"
        r"(?:lambda|wavelength)"
    ),
    AxisKind.D: (
        r"d(?:[\s_-]*(?:spacing|space|value|hkl|axis))?(?:[\s_-]*d)?|dspacings?|dspacing|"
        r"(?:lattice|inter[\s_-]?planar)[\s_-]*(?:spacing|distance)"
    ),
}
_DIMENSIONS = {
    AxisKind.TWO_THETA: Dimension.ANGLE,
    AxisKind.Q: Dimension.INVERSE_LENGTH,
    AxisKind.D: Dimension.LENGTH,
}
_UNITS: dict[str, AxisUnit] = {"degree": "degree", "1/nm": "1/nm", "angstrom": "angstrom"}
"""Units whose numbers are kept as they are; others are converted to the base unit."""
_WORD = {kind: re.compile(rf"(?:{names})", re.I) for kind, names in _NAMES.items()}
_WEAK = {"angle", "pos", "position", "d", "q", "tth"}
"""Names that mean something else in a sentence."""
_LABEL = re.compile(
    r"^(?P<name>{names})(?:(?P<unit>\s*[\[({{<][^\])}}>]*(?:\([^()]*\))?[^\])}}>]*[\])}}>]|"
    r"\s*/\s*(?:1/)?[^\s,;|]+|,\s*(?:1/)?[^\s,;|]+|[_\s]+[^\s,;|]+)?)(?=[\s,;|]|$)".replace(
        "{names}", "|".join(_NAMES.values())
    )
    .replace("{{", "{")
    .replace("}}", "}"),
    re.I,
)
_UNIT_ALONE = re.compile(r"^(?P<unit>(?:1/)?[^\s,;|]+)(?=[\s,;|]|$)")
_KEY = re.compile(
    r"^(?:columns?|column[\s_]*(?:names?|labels?)|fields?|labels?|L|"
    r"(?:(?:x|axis|abscissa|radial|scattering|output)[\s_-]*)*(?:axis|units?|abscissa|labels?|name))"
    r"\s*[:=]\s*|^L\s+",
    re.I,
)
"""Beginnings of lines whose rest names the axis: ``columns:``, ``x_unit =``, SPEC's ``#L``."""
_INTENSITY = re.compile(
    r"^(?:i|y|int|intensit\w*|counts?|cps|i?_?obs|yobs|iobs|signal|sig\w*|esd|err\w*|e|data|std\w*|"
    r"intensity_\w+|weight\w*)$",
    re.I,
)
_SURELY_INTENSITY = re.compile(r"^(?:i|int|intensit\w*|counts?|cps|i_?obs|y_?obs)$", re.I)
"""Heads that are no words of a sentence."""
_STDERR = re.compile(r"sig|esd|err|std|^[ds]_?[iy]$|uncert|^e$", re.I)
_NO_NAME = re.compile(r"^(?:x|xdata|col(?:umn)?_?\d+|x\d?|abscissa)$", re.I)
"""Heads that name no quantity."""
_OTHER_AXES = re.compile(
    r"^(?:r|g\(r\)|radius|radial[\s_-]*distance|tof|time[\s_-]*of[\s_-]*flight|energy|theta|omega|"
    r"chi|phi|azimuth\w*|pixels?|channels?|wavelength|s|1/d|d\*|sin\(?theta\)?/lambda)$",
    re.I,
)
"""Names of axes that no powder pattern is read from."""
_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d*)?(?:[eEdD][+-]?\d+)?$|^[+-]?[.,]\d+$")
"""Words that are numbers."""
REMEDY = "set hexrd.read.axis_unit (degree, 1/angstrom, 1/nm or angstrom)"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a pattern, as far as its header names it."""

    unit: StatedAxisUnit = ""
    """Empty where the header names no axis."""
    kind: AxisKind | None = None
    factor: float = 1.0
    """By which the file's numbers are multiplied."""
    name: str = ""
    """As written, for the report."""
    assumed: str = ""
    """What is taken for granted: the unit of q, that of 2theta."""
    misread: Misread | None = None


def axis_from_label(label: str) -> Axis | None:
    """Return the axis that a label names, None where it names no quantity of an axis.

    Parameters
    ----------
    label : str
        ``Q [1/nm]``, ``2-Theta Angle (Degrees)``, ``two_theta``, ``d-spacing``; a unit alone
        (``2th_deg``, ``degrees``, ``1/nm``).
    """
    plain = write_signs_plainly(label).strip()
    parts = split_label(plain, *_DIMENSIONS.values())
    for kind, pattern in _WORD.items():
        if pattern.fullmatch(parts.name.strip(" ._-:")):
            return axis_from_quantity(kind, parts.unit, plain)
        if pattern.fullmatch(plain.strip(" ._-:")):
            return axis_from_quantity(kind, "", plain)
    for kind in (AxisKind.Q, AxisKind.TWO_THETA):
        if find_unit(plain, _DIMENSIONS[kind]):
            return axis_from_quantity(kind, plain, plain)
    return None


def axis_from_quantity(kind: AxisKind, unit: str, name: str) -> Axis:
    """Return the axis of a known quantity and the unit that is stated for it.

    Parameters
    ----------
    kind : AxisKind
    unit : str
        As written, empty where none is stated: then degree, 1/angstrom or angstrom is assumed.
    name : str
        For messages.
    """
    dimension = _DIMENSIONS[kind]
    if not unit or unit.lower() in ("none", "unknown", "a.u.", "arb. units", "dimensionless"):
        base = "degree" if kind == AxisKind.TWO_THETA else dimension.base
        assumed = f"{kind} is taken in {base}: its unit is not stated"
        return Axis(unit=_base_unit(kind), kind=kind, name=name, assumed=assumed)
    found = find_unit(unit, dimension)
    if found is None:
        problem = f"its axis '{name[:40]}' has no unit of {dimension} ({dimension.choices})"
        misread = Misread(quantity="axis", problem=problem, remedy=REMEDY)
        return Axis(kind=kind, name=name, misread=misread)
    if found.name in _UNITS:
        return Axis(unit=_UNITS[found.name], kind=kind, name=name)
    return Axis(unit=_base_unit(kind), kind=kind, factor=found.factor, name=name)


def _base_unit(kind: AxisKind) -> AxisUnit:
    units: dict[AxisKind, AxisUnit] = {
        AxisKind.TWO_THETA: "degree",
        AxisKind.Q: "1/angstrom",
        AxisKind.D: "angstrom",
    }
    return units[kind]


def refuse_axis(name: str) -> Axis:
    """Return an axis that is none of 2theta [degree], q [1/angstrom] and d [angstrom].

    Parameters
    ----------
    name : str
    """
    problem = f"its axis '{name.strip()[:40]}' is not understood as 2theta, q or d"
    return Axis(name=name, misread=Misread(quantity="axis", problem=problem, remedy=REMEDY))


def is_other_axis(name: str) -> bool:
    """Return whether a name is that of another axis than 2theta [degree], q [1/angstrom] or d.

    Parameters
    ----------
    name : str
    """
    return _OTHER_AXES.match(name) is not None


def read_axis(header: str, columns: int) -> Axis:
    """Return the axis that a header names.

    Parameters
    ----------
    header : str
        Lines before the first row of numbers.
    columns : int
        Columns of numbers that follow.
    """
    lines = [line for line in header.splitlines() if strip_comment(line)]
    if _is_fit2d(lines):
        return axis_from_label(lines[1]) or refuse_axis(lines[1])
    named = [axis for line in lines if (axis := _axis_from_key(line))]
    if named:
        return _choose_axis(named)
    if lines:
        axis = _axis_from_column_line(lines[-1], columns)
        if axis is not None:
            return axis
    if header.lstrip().startswith("XYDATA"):
        return Axis(unit="degree", name="2theta of a FullProf XYDATA file")
    # A line that holds an axis and nothing else.
    alone = [axis for line in lines if (axis := _axis_alone(line))]
    if alone:
        return _choose_axis(alone)
    return _axis_from_mentions(lines)


def _is_fit2d(lines: list[str]) -> bool:
    """Return whether a header is that of a FIT2D ``.chi``: title, axis, ordinate, count."""
    return 3 <= len(lines) <= 4 and lines[-1].strip().isdigit() and lines[1][:1] not in "#!"


def _choose_axis(axes: list[Axis]) -> Axis:
    """Return the axis that several lines name alike; a unit stated goes before one assumed."""
    wrong = [axis for axis in axes if axis.misread]
    stated = [axis for axis in axes if not axis.misread and not axis.assumed] or [
        axis for axis in axes if not axis.misread
    ]
    if not stated:
        return wrong[0]
    first = stated[0]
    for other in stated[1:]:
        if (other.unit, other.factor) != (first.unit, first.factor):
            problem = f"its header names two axes ('{first.name[:30]}', '{other.name[:30]}')"
            return Axis(misread=Misread(quantity="axis", problem=problem, remedy=REMEDY))
    return first


@functools.lru_cache(REMEMBERED)
def _axis_from_key(line: str) -> Axis | None:
    """Return the axis of a line such as ``columns: two_theta intensity`` or ``unit = q_nm^-1``."""
    text = write_signs_plainly(strip_comment(line))
    found = _KEY.match(text)
    if not found:
        return None
    rest = text[found.end() :]
    heads = _list_heads(rest)
    is_other = bool(heads) and is_other_axis(split_label(heads[0]).name)
    return _axis_at_start(rest) or (refuse_axis(heads[0]) if is_other else None)


def _axis_at_start(text: str) -> Axis | None:
    """Return the axis whose label a text begins with."""
    quoted = re.match(r"^[\"']([^\"']+)[\"']", text)
    if quoted:
        return axis_from_label(quoted[1])
    found = _LABEL.match(text)
    if found is None:
        alone = _UNIT_ALONE.match(text)
        return axis_from_label(alone["unit"]) if alone else None
    unit = (found["unit"] or "").strip()
    if not unit or unit[0] in "[({</":
        return axis_from_label(found[0])
    # What follows a blank, a comma or an underscore is a unit only where one is known.
    return axis_from_label(found[0]) or axis_from_label(found["name"])


def _axis_from_column_line(line: str, columns: int) -> Axis | None:
    """Return the axis of the line before the numbers where it names the columns, else None."""
    text = write_signs_plainly(strip_comment(line))
    if re.search(r"[^=]=|:\s", text):
        return None
    axis = _axis_at_start(text)
    rest = _list_heads(text)
    if any(_NUMBER.match(head) for head in rest):
        # ``wavelength 0.2413 A`` states a value and names no columns.
        return None
    names_intensity = any(_INTENSITY.match(head) for head in rest[1:])
    if axis is not None:
        return axis if names_intensity or len(rest) <= columns + 1 else None
    is_other = len(rest) == columns and is_other_axis(rest[0])
    is_unknown = (
        len(rest) == columns
        and bool(_SURELY_INTENSITY.match(rest[1]))
        and not _NO_NAME.match(rest[0])
        and not _INTENSITY.match(rest[0])
    )
    return refuse_axis(rest[0]) if is_other or is_unknown else None


def find_stderr_column(header: str, columns: int) -> int | None:
    """Return which column holds the standard errors of the intensity [counts], None for none.

    Parameters
    ----------
    header : str
        Lines before the first row of numbers.
    columns : int
        Columns of numbers that follow; without names the third is taken.
    """
    lines = [line for line in header.splitlines() if strip_comment(line)]
    last = write_signs_plainly(strip_comment(lines[-1])) if lines else ""
    last = last[found.end() :] if (found := _KEY.match(last)) else last
    heads = _list_heads(last)
    if len(heads) != columns or not any(_INTENSITY.match(head) for head in heads[1:]):
        return 2 if columns > 2 else None
    for place, head in enumerate(heads[1:], 1):
        if _STDERR.search(head):
            return place
    # "x, y, e" is the name of a format.
    return 2 if columns == 3 and heads[2].lower() in ("e", "s", "di", "dy") else None


def _list_heads(text: str) -> list[str]:
    """Return the heads of columns in a line, without what stands in brackets."""
    bare = re.sub(r"\s*[\[({<][^\])}>]*[\])}>]", "", text)
    parted = re.split(r"\t+|\s*[,;|]\s*|\s{2,}", bare.strip())
    if len(parted) < 2:
        parted = bare.split()
    return [head.strip("\"' ") for head in parted if head.strip("\"' ")]


@functools.lru_cache(REMEMBERED)
def _axis_alone(line: str) -> Axis | None:
    """Return the axis that is all that a line holds."""
    text = strip_comment(line)
    axis = axis_from_label(text)
    return None if axis is None or text.lower() in _WEAK else axis


def _axis_from_mentions(lines: list[str]) -> Axis:
    """Return the axis that a header mentions, where it mentions one."""
    text = write_signs_plainly("\n".join(lines))
    kinds = {
        AxisKind.TWO_THETA: re.search(
            r"(?<![a-z])(?:2|two)[\s_-]?(?:theta|th)(?![a-z])|(?<![a-z])tth(?![a-z])|twotheta",
            text,
            re.I,
        ),
        AxisKind.Q: re.search(
            r"inverse (?:ang|nano)|momentum transfer|scattering vector|"
            r"(?<![a-z])q[\s_]*[\[(]?(?:1/|(?:a|nm|å|angstroms?)\^?-1)",
            text,
            re.I,
        ),
        AxisKind.D: re.search(r"(?<![a-z])d[\s-]?spac", text, re.I),
    }
    found = [kind for kind, place in kinds.items() if place]
    if not found:
        return Axis()
    if len(found) > 1:
        problem = f"its header mentions {' and '.join(found)} and does not name its columns"
        return Axis(misread=Misread(quantity="axis", problem=problem, remedy=REMEDY))
    kind = found[0]
    place = kinds[kind]
    start = place.start() if place else 0
    axis = _axis_at_start(text[start:].partition("\n")[0])
    if axis is not None and axis.misread is None:
        return axis
    return axis_from_quantity(kind, "", kind)
