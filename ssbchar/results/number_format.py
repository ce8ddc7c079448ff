"""How numbers are written: to the digits that their uncertainty supports."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ssbchar.conclusion import Conclusion

KEPT = 4
"""Digits of the smallest uncertainty kept in ``summary.csv``: rounding stays below a thousandth of
a standard error."""
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
UNCERTAIN = ("value", "stderr", "systematic", "lower95", "upper95")
"""Numbers of a conclusion."""


def count_decimals(
    uncertainty: float | None, value: float | None, *, digits: int, alone: int
) -> int:
    """Return how many decimal places show an uncertainty, or without one the value.

    Parameters
    ----------
    uncertainty, value : float or None
        In one unit.
    digits : int
        Digits of the uncertainty.
    alone : int
        Digits of a value without uncertainty.

    Returns
    -------
    int
        Negative where whole tens or more are rounded.
    """
    for size, kept in ((uncertainty, digits), (value, alone)):
        if size and math.isfinite(size):
            return kept - 1 - math.floor(math.log10(abs(size)))
    return alone


def round_conclusion(c: Conclusion, digits: int = KEPT) -> Conclusion:
    """Return a conclusion with every number rounded to `digits` digits of its least uncertainty.

    Parameters
    ----------
    c : Conclusion
        Numbers in its own unit.
    digits : int
        Digits of the smallest uncertainty, or of the 95 % interval if there is none.
    """
    sizes = [u for u in (c.stderr, c.systematic) if u]
    width = _measure_interval(c)
    if not sizes and width is not None:
        sizes = [width]
    finest = min(sizes, default=None)
    numbers: dict[str, Any] = {}
    for name in UNCERTAIN:
        number = getattr(c, name)
        if number is not None:
            places = count_decimals(finest, number, digits=digits, alone=WHOLE)
            # Adding zero turns -0.0 into 0.0.
            numbers[name] = float(round(number, places)) + 0.0
    return replace(c, **numbers)


def _measure_interval(c: Conclusion) -> float | None:
    """Return the width of the 95 % interval; None if it is open or empty."""
    if c.lower95 is None or c.upper95 is None or c.upper95 <= c.lower95:
        return None
    return c.upper95 - c.lower95


def format_number(number: float | None, places: int, power: int = 0) -> str:
    """Return a number in units of ten to a power, with a true minus sign; empty for None.

    Parameters
    ----------
    number : float or None
    places : int
        Decimal places.
    power : int
        Power of ten that is taken out.
    """
    if number is None:
        return ""
    scaled = round(number / 10.0**power, places) + 0.0
    return f"{scaled:.{max(places, 0)}f}".replace("-", "\N{MINUS SIGN}")


def format_cells(c: Conclusion) -> dict[str, str]:
    """Return the numbers of a conclusion as text with matching digits, and their common power.

    The digits are those of the largest uncertainty; the power of ten is empty where plain decimals
    read well.

    Parameters
    ----------
    c : Conclusion

    Returns
    -------
    dict of str
        ``value``, ``stderr``, ``systematic``, ``lower95``, ``upper95``, ``power``.
    """
    sizes = [u for u in (c.stderr, c.systematic) if u]
    width = _measure_interval(c)
    if not sizes and width is not None:
        # About one standard error.
        sizes = [width / 4]
    largest = max((abs(x) for x in (c.value, c.lower95, c.upper95) if x), default=0.0)
    if largest == 0.0 and c.value is None:
        return dict.fromkeys((*UNCERTAIN, "power"), "")
    plain = largest == 0.0 or 1e-3 <= largest < 1e6
    power = 0 if plain else math.floor(math.log10(largest))
    places = power + count_decimals(max(sizes, default=None), largest, digits=SHOWN, alone=4)
    cells = {name: format_number(getattr(c, name), places, power) for name in UNCERTAIN}
    return cells | {"power": _format_power(power)}


def format_value(c: Conclusion) -> str:
    """Return value, uncertainties and unit in one line, or the 95 % interval if there is no value.

    Parameters
    ----------
    c : Conclusion
        Such as 5.411582, stderr 1e-5, unit ``angstrom``: ``5.411582 ± 0.000010 Å``.
    """
    cells, unit = format_cells(c), UNITS.get(c.unit, c.unit)
    line = cells["value"]
    if line and cells["stderr"]:
        line += f" ± {cells['stderr']}"
        if cells["systematic"]:
            line += f" (stat) ± {cells['systematic']} (syst)"
        if cells["power"] or unit == "%":
            line = f"({line})"
    elif not line:
        line = format_interval(cells)
        if line and cells["power"]:
            line = f"({line})"
    if not line:
        return ""
    joined = f"{line}{cells['power']} {unit}".strip()
    return joined if cells["value"] else f"{joined} (95 %)"


def format_interval(cells: dict[str, str]) -> str:
    """Return the 95 % interval in words: ``a to b``, ``≥ a``, ``≤ b`` or nothing.

    Parameters
    ----------
    cells : dict of str
        From `format_cells`.
    """
    low, high = cells["lower95"], cells["upper95"]
    if low and high:
        return f"{low} to {high}"
    if low:
        return f"≥ {low}"
    return f"≤ {high}" if high else ""


def _format_power(power: int) -> str:
    if not power:
        return ""
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"\N{MULTIPLICATION SIGN}10{raised}"
