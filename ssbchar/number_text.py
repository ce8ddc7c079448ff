"""Text of unknown encoding, and numbers with a decimal point or a decimal comma."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
"""Regular expression of a number; Fortran writes 1.0D+3 for 1.0E+3."""
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
"""A number with a decimal comma."""
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
"""A number whose thousands are parted by commas, or one with a decimal comma and three digits."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and their encodings; that of UTF-32 begins with that of UTF-16."""
RARELY = 0.05
"""A last number is taken for cut where at most this share of its column has as few decimals."""
MOSTLY = 0.8
"""Share of the bytes of one parity that are zero in Western text as UTF-16."""


def decode_text(raw: bytes) -> str:
    """Return text: UTF-8, UTF-16 or UTF-32 by their mark or their zeros, else Windows-1252.

    Parameters
    ----------
    raw : bytes
        Content of a file. Line ends become line feeds.
    """
    return _decode(raw).replace("\r\n", "\n").replace("\r", "\n")


def _decode(raw: bytes) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = raw[start:4096:2]
        # Without a mark every second byte of Western text is zero.
        if len(raw) % 2 == 0 and half and half.count(0) > MOSTLY * len(half):
            return raw.decode(encoding, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Latin-1 with the signs of Windows in its unused places.
        return raw.decode("cp1252", "replace")


def number_from_text(text: str, *, decimal_comma: bool = False) -> float:
    """Return the number that a text is, NaN where it is none.

    Parameters
    ----------
    text : str
        Of one cell; blanks and quotation marks around it are ignored.
    decimal_comma : bool
        Whether ``26,1`` is 26.1; else it is no number.
    """
    plain = text.strip().strip("\"'").strip()
    if decimal_comma and DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    if "_" in plain:
        return float("nan")
    try:
        return float(plain.replace("D", "E").replace("d", "e") if plain[:1].isdigit() else plain)
    except ValueError:
        return float("nan")


def ends_within_number(column: Sequence[str]) -> bool:
    """Return whether the last number of a column has fewer decimals than the others: what a file
    that was cut within its last number leaves.

    Parameters
    ----------
    column : sequence of str
        Numbers as written, decimal point or comma; of a single one nothing can be said, but that
        it has a decimal sign and no decimals.
    """
    if len(column) < 2:
        return any(word.endswith((".", ",")) for word in column)
    *others, last = [_count_decimals(word) for word in column]
    # Numbers written as short as they can be (14.0 among 14.071247279470288) are rarely that short.
    as_short = sum(decimals <= last for decimals in others)
    return as_short <= RARELY * len(others)


def _count_decimals(word: str) -> int:
    """Return how many characters follow the decimal sign, the exponent included."""
    parts = re.split("[.,]", word)
    return len(parts[-1]) if len(parts) > 1 else 0
