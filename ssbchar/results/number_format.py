"""How numbers are written: to the digits their uncertainty carries, no more."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ssbchar.conclusion import Conclusion

KEPT = 4
"""Digits of the smallest uncertainty kept in ``summary.csv``: the rounding stays below a thousandth
of a stderr."""
SHOWN = 2
"""Digits of the uncertainty shown to people."""
WHOLE = 8
"""Digits of a value without uncertainty in ``summary.csv``."""
UNITS = {
    "1": "",
    "angstrom": "Å",
    "angstrom^3": "Å³",
    "degC": "°C",
    "degree": "°",
    "percent": "%",
    "1/K": "1/K",
    "K/min": "K/min",
}
"""Units as written for people."""


def count_decimals(uncertainty: float | None, value: float | None, digits: int, alone: int) -> int:
    """Return the decimal places that show `digits` digits of an uncertainty, else `alone` digits of
    the value."""
    for size, kept in ((uncertainty, digits), (value, alone)):
        if size and math.isfinite(size):
            return kept - 1 - math.floor(math.log10(abs(size)))
    return alone


def round_conclusion(c: Conclusion, digits: int = KEPT) -> Conclusion:
    """Return a conclusion with every number rounded to `digits` digits of its smallest
    uncertainty."""
    sizes = [u for u in (c.stderr, c.systematic) if u]
    if not sizes and c.lower95 is not None and c.upper95 is not None and c.upper95 > c.lower95:
        sizes = [c.upper95 - c.lower95]
    finest = min(sizes, default=None)
    parts: dict[str, Any] = {}
    for name in ("value", "stderr", "systematic", "lower95", "upper95"):
        number = getattr(c, name)
        if number is not None:
            places = count_decimals(finest, number, digits, WHOLE)
            parts[name] = float(round(number, places)) + 0.0
    return replace(c, **parts)


def format_number(number: float | None, places: int, power: int = 0) -> str:
    """Return a number in units of ten to a power, with fixed decimal places and a true minus sign;
    empty for none."""
    if number is None:
        return ""
    scaled = round(number / 10.0**power, places) + 0.0
    return f"{scaled:.{max(places, 0)}f}".replace("-", "\N{MINUS SIGN}")


def format_cells(c: Conclusion) -> dict[str, str]:
    """Return value, stderr, systematic, lower95 and upper95 as text with matching digits, and the
    common ``power``.

    The digits are those of the largest uncertainty; the power of ten is empty where plain decimals
    read well.
    """
    coarse = [u for u in (c.stderr, c.systematic) if u]
    if not coarse and c.lower95 is not None and c.upper95 is not None and c.upper95 > c.lower95:
        coarse = [(c.upper95 - c.lower95) / 4]
    lead = max((abs(x) for x in (c.value, c.lower95, c.upper95) if x), default=0.0)
    far = lead and not 1e-3 <= lead < 1e6
    power = math.floor(math.log10(lead)) if far else 0
    places = count_decimals(max(coarse, default=None), lead, SHOWN, 4) + power
    names = ("value", "stderr", "systematic", "lower95", "upper95")
    if lead == 0.0 and c.value is None:
        return dict.fromkeys((*names, "power"), "")
    return {name: format_number(getattr(c, name), places, power) for name in names} | {
        "power": _format_power(power)
    }


def format_value(c: Conclusion) -> str:
    """Return value, uncertainties and unit in one line for people, the 95 % interval where there is
    no value."""
    part, unit = format_cells(c), UNITS.get(c.unit, c.unit)
    line = part["value"]
    if line and part["stderr"]:
        line += f" ± {part['stderr']}"
        line += f" (stat) ± {part['systematic']} (syst)" if part["systematic"] else ""
        line = f"({line})" if part["power"] or unit == "%" else line
    elif not line:
        line = format_interval(part)
        line = f"({line})" if line and part["power"] else line
    joined = f"{line}{part['power']} {unit}".strip() if line else ""
    return joined + (" (95 %)" if joined and not part["value"] else "")


def format_interval(part: dict[str, str]) -> str:
    """Return the 95 % interval in words: ``a to b``, ``≥ a``, ``≤ b`` or nothing."""
    low, high = part["lower95"], part["upper95"]
    if low and high:
        return f"{low} to {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def _format_power(power: int) -> str:
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"\N{MULTIPLICATION SIGN}10{raised}" if power else ""
