"""What a cell of a workbook shows: text, number or date as the user sees it."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

from ssbchar.errors import BadInput

AS_TEXT = "format the cell as text and type it again"
DIGITS = 15
"""Digits of a number that spreadsheets keep."""
NUMBER = re.compile(r"(?P<thousands>#,##)?0(?P<decimals>\.0+)?(?P<exponent>E\+0+)?(?P<percent>%)?")
PADDED = re.compile(r"0{2,}")
ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!")
DATE_PARTS = {
    "yyyy": "{0.year:04d}",
    "mm": "{0.month:02d}",
    "m": "{0.month}",
    "dd": "{0.day:02d}",
    "d": "{0.day}",
    "hh": "{0.hour:02d}",
    "h": "{0.hour}",
    "ss": "{0.second:02d}",
}
"""Parts of a date's format that look the same on every computer."""
MINUTE = "{0.minute:02d}"
OF_THE_COMPUTER = ("mm-dd-yy",)
"""Formats that stand for the short date of the computer's language and country."""


def show_cell(value: Any, number_format: str, where: str) -> str:
    """Return the text that a cell shows.

    Parameters
    ----------
    value : object
        As openpyxl returns it: text, number, boolean, date or time.
    number_format : str
        The cell's format.
    where : str
        File and cell, for messages.

    Raises
    ------
    BadInput
        An error value; a number of which the format hides digits; a date whose look depends on
        language and country of the computer.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return _show_date(value, number_format, where)
    if isinstance(value, int | float):
        return _show_number(float(value), number_format, where)
    text = str(value)
    if text in ERRORS:
        raise BadInput(where, f"the cell shows {text}", "write the value itself")
    if any(character in text.strip() for character in "\n\r"):
        raise BadInput(where, "the cell holds a line break", AS_TEXT)
    return text


def _show_number(value: float, number_format: str, where: str) -> str:
    stored = f"{value:.{DIGITS}g}"
    plain = number_format.split(";")[0].strip()
    if not math.isfinite(value) or plain in ("General", "@", ""):
        return stored
    if PADDED.fullmatch(plain):
        shown, number = f"{value:0{len(plain)}.0f}", float(round(value))
    else:
        form = NUMBER.fullmatch(plain)
        if form is None:
            raise BadInput(where, f"a number in the format '{number_format}'", AS_TEXT)
        shown, number = _format_number(value, form)
    if not math.isclose(number, value, rel_tol=1e-14, abs_tol=0.0):
        raise BadInput(
            where, f"the cell shows {shown} and holds {stored}", "show all digits, or type it again"
        )
    return shown


def _format_number(value: float, form: re.Match[str]) -> tuple[str, float]:
    """Return a number as its format shows it, without marks of thousands, and what that means."""
    decimals = len(form["decimals"] or ".") - 1
    if form["percent"]:
        text = f"{100 * value:.{decimals}f}"
        return f"{text}%", float(text) / 100
    text = f"{value:.{decimals}{'E' if form['exponent'] else 'f'}}"
    return text, float(text)


def _show_date(value: Any, number_format: str, where: str) -> str:
    """Return a date as its format shows it, where that is the same on every computer."""
    form = re.sub(r"\[\$-[^\]]*\]|;@$", "", number_format).replace("\\", "").lower()
    parts = re.findall(r"[a-z]+|[^a-z]+", form)
    patterns = [
        MINUTE if part == "mm" and i > 1 and parts[i - 2].startswith("h") else DATE_PARTS.get(part)
        for i, part in enumerate(parts)
    ]
    is_mark = [re.fullmatch(r"[-:. ]+|t", part) is not None for part in parts]
    is_known = all(p or mark for p, mark in zip(patterns, is_mark, strict=True))
    try:
        if is_known and form not in OF_THE_COMPUTER:
            pieces = [
                pattern or part.upper() for pattern, part in zip(patterns, parts, strict=True)
            ]
            return "".join(piece.format(value) for piece in pieces)
    except AttributeError:  # a date has no hour, a time no day
        pass
    raise BadInput(where, f"a date or time in the format '{number_format}'", AS_TEXT)
