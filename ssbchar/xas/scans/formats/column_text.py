"""Column text of any beamline: comment marks, separators, decimal commas, Fortran's exponents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.number_text import DECIMAL_COMMA, NUMBER, ends_within_number
from ssbchar.xas.scans.formats.column_names import find_column_names
from ssbchar.xas.scans.formats.raw_scan import RawScan

COMMENT_MARKS = ("#", "%", "!", ";", "//", "'", '"')
"""Lines that begin with one of these belong to the header."""
_NUMBER = re.compile(NUMBER)
_NOT_FINITE = ("nan", "inf", "+inf", "-inf", "infinity", "-infinity")
HEADER_SHARE, HEADER_ROWS = 0.3, 3
"""A block of numbers above the longest belongs to the header where it has other columns and less
than this share of its rows [1], or so few rows at most."""
LEAST_ROWS = 2
"""Rows, and columns, of a scan."""
LIST_COMMA = re.compile(r",(?=\s|$)")
"""A comma that parts numbers where others are decimal: a blank follows it."""


def parse_column_text(path: Path, text: str) -> RawScan:
    """Return a scan from column text.

    Header lines start with ``#``, ``%``, ``!``, ``;`` (or hold no numbers), columns of numbers
    follow, with blanks, tabs, commas or semicolons between them; numbers may have decimal commas
    where another mark parts them (or a comma with a blank, and headings tell how many there are),
    and Fortran's exponents. Words behind the numbers of every row
    are left out, as is what follows the last row. Names come from the header
    (`ssbchar.xas.scans.formats.column_names.find_column_names`).

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file.

    Returns
    -------
    RawScan
        Columns of shape (point,), in the units of the file.

    Raises
    ------
    BadInput
        There are no columns, a line among them cannot be read, or the last is cut.
    """
    lines = text.splitlines()
    has_decimal_commas = "," in text and _find_decimal_commas(lines)
    count = _count_columns(lines, has_decimal_commas)
    parsed = [_parse_line(line, count, has_decimal_commas) for line in lines]
    start = _find_start([row.values for row in parsed], [bool(row.words) for row in parsed])
    head: list[str] = []
    rows: list[list[float]] = []
    ends: list[str] = []
    foot: tuple[int, str] | None = None
    remarks: list[str] = []
    for number, (line, row) in enumerate(zip(lines, parsed, strict=True), 1):
        values = row.values
        if number <= start or values is None:
            if row.words and rows and foot is None:
                foot = number, line.strip()
            if not rows:
                head.append(strip_mark(line) if row.is_comment else line)
        elif values:
            if foot is not None:
                problem, remedy = "no row of numbers", "mend the line or cut the file before it"
                raise BadInput(f"{path}:{foot[0]}", problem, remedy)
            if rows and len(values) != len(rows[0]):
                raise BadInput(
                    f"{path}:{number}",
                    f"{len(values)} columns where {len(rows[0])} were before",
                    "the scan was cut off; delete the last line",
                )
            rows.append(values)
            ends.append(row.words[len(values) - 1])
    if foot is None and not text.endswith(("\n", "\r")) and ends_within_number(ends):
        problem, remedy = f"ends within a number ('{ends[-1]}')", "copy it again"
        raise BadInput(path, problem, f"{remedy}, or delete the last line")
    if len(rows) < LEAST_ROWS or len(rows[0]) < LEAST_ROWS:
        raise BadInput(
            path, "no columns of numbers", "give XDI, column text, an Athena project or HDF5"
        )
    if foot is not None:
        remarks.append(f"line {foot[0]} '{foot[1][:40]}' and what follows it is no data: left out")
    if has_decimal_commas:
        remarks.append("numbers with decimal commas")
    table = np.array(rows)
    header = dict(parse_field(line) for line in head if re.match(r"[\w.]+\s*:", line))
    names = find_column_names(header, head, table.shape[1])
    columns = {name: table[:, i] for i, name in enumerate(names)}
    return RawScan(
        where=str(path),
        columns=columns,
        header=header,
        text="\n".join(head),
        remarks=tuple(remarks),
    )


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line as words and, where they are, numbers."""

    words: list[str]
    values: list[float] | None
    is_comment: bool


def _parse_line(line: str, count: int, has_decimal_commas: bool) -> _Line:
    """Return a line as words and numbers; where words follow the numbers of every row, the first
    `count` of them."""
    if line.lstrip().startswith(COMMENT_MARKS):
        return _Line(words=[], values=None, is_comment=True)
    words = split_words(line, has_decimal_commas)
    values = parse_numbers(words, has_decimal_commas)
    if values is None and count and words:
        values = parse_numbers(words[:count], has_decimal_commas)
    return _Line(words=words, values=values, is_comment=False)


def _find_start(rows: Sequence[list[float] | None], has_words: Sequence[bool]) -> int:
    """Return how many lines stand before the block of rows that is the measurement.

    Headers may hold rows of numbers (weights, offsets, regions): a block that a line of words parts
    from a longer one below it is such where it has few rows, or other columns and far fewer rows.
    """
    blocks: list[tuple[int, int, int]] = []
    inside = False
    for i, (row, words) in enumerate(zip(rows, has_words, strict=True)):
        if row and inside:
            first, size, width = blocks[-1]
            blocks[-1] = (first, size + 1, width)
        elif row:
            blocks.append((i, 1, len(row)))
            inside = True
        elif row is None and words:
            inside = False
    if len(blocks) < LEAST_ROWS:
        return 0
    start, longest, columns = max(blocks, key=lambda block: block[1])
    for first, size, width in blocks:
        is_other = width != columns and size < HEADER_SHARE * longest
        is_short = size <= HEADER_ROWS and LEAST_ROWS * size < longest
        if first == start or not (is_other or is_short):
            return first
    return start


def strip_mark(line: str) -> str:
    """Return a header line without the marks that make it a comment."""
    return line.lstrip("#%!;/ \t")


def split_words(line: str, has_decimal_commas: bool = False) -> list[str]:
    """Return what stands between blanks, semicolons and (unless these are decimal) commas; what
    follows a comment mark is none of it."""
    bare = re.sub(r"\s[#!].*", "", line)
    return _split_at_blanks(bare) if has_decimal_commas else _split_plainly(bare)


def _split_plainly(line: str) -> list[str]:
    return line.replace(",", " ").replace(";", " ").split()


def _find_decimal_commas(lines: Sequence[str]) -> bool:
    """Return whether commas are decimal: in most rows they stand inside numbers that something else
    parts."""
    decimal = plain = 0
    widths: set[int] = set()
    is_list = False
    for line in lines:
        words = _split_at_blanks(line)
        if line.lstrip().startswith(COMMENT_MARKS) or len(words) < LEAST_ROWS:
            continue
        with_comma = [DECIMAL_COMMA.fullmatch(word) is not None for word in words]
        if all(
            is_decimal or _is_number(w) for is_decimal, w in zip(with_comma, words, strict=True)
        ):
            decimal += any(with_comma)
            plain += not any(with_comma)
            widths.add(len(words))
            is_list = is_list or LIST_COMMA.search(line) is not None
    if not is_list:
        return decimal > plain
    # A comma may then part numbers as well: the headings tell how many there are.
    return decimal > plain and len(widths) == 1 and _is_headed(lines, widths.pop())


def _is_headed(lines: Sequence[str], count: int) -> bool:
    """Return whether a line of words has so many parts between commas."""
    for line in lines:
        names = [part.strip() for part in strip_mark(line).split(",")]
        if len(names) == count and all(re.match("[^\\W\\d]", name) for name in names):
            return True
    return False


def _split_at_blanks(line: str) -> list[str]:
    """Return what stands between blanks or semicolons, without a comma that a blank follows."""
    return LIST_COMMA.sub(" ", line).replace(";", " ").split()


def _count_columns(lines: Sequence[str], has_decimal_commas: bool) -> int:
    """Return how many numbers each row begins with where words follow them in every row, else 0."""
    counts = []
    for line in lines:
        if line.lstrip().startswith(COMMENT_MARKS):
            continue
        words = split_words(line, has_decimal_commas)
        leading = 0
        while leading < len(words) and parse_numbers(
            words[leading : leading + 1], has_decimal_commas
        ):
            leading += 1
        if leading == len(words) and leading >= LEAST_ROWS:
            return 0
        if leading >= LEAST_ROWS:
            counts.append(leading)
    return max(set(counts), key=counts.count) if len(counts) > LEAST_ROWS else 0


def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None or word.lower() in _NOT_FINITE


def parse_numbers(words: Sequence[str], has_decimal_commas: bool = False) -> list[float] | None:
    """Return numbers, None where one of the words is none.

    Parameters
    ----------
    words : sequence of str
        ``1.5``, ``1.5D+3``, ``nan``.
    has_decimal_commas : bool
        Whether ``1,5`` is 1.5.
    """
    if has_decimal_commas:
        words = [word.replace(",", ".") for word in words]
    try:
        # Python's own reading, which also takes 1_0 for 10, is ten times as fast.
        return [float(word) for word in words] if "_" not in "".join(words) else None
    except ValueError:
        pass
    if not all(_is_number(word) for word in words):
        return None
    return [float(word.replace("D", "E").replace("d", "e")) for word in words]


def parse_field(line: str) -> tuple[str, str]:
    """Return key (in lower case) and value of a header line ``key: value``."""
    key, _, value = line.partition(":")
    return key.strip().lower(), value.strip()
