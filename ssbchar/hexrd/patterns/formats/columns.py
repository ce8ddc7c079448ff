r"""Text in columns x, intensity, sigma: xy, xye, FIT2D chi, GSAS fxye, FullProf XYDATA.

Notes on file structure
-----------------------
Everything before the first line of two or more numbers is the header, comments in ``/* */``, ``#``,
``!`` or ``;`` included. What the header may state:

- TOPAS-style heads of 17-BM: ``/*``, ``# name.tif Azm= 180.00``, ``*/``;
- FIT2D ``.chi``: title, axis name (``2-Theta Angle (Degrees)``, ``Q-Space (Inverse Nanometres)``),
  ordinate, count;
- pyFAI: ``# Wavelength: 4.066e-11 m``, ``# 2th_deg  I  sigma``;
- GSAS ``BANK 1 5000 5000 CONS 50.0 0.5 0 0 FXYE``: the axis is in hundredths of a degree;
- FullProf ``XYDATA``: ``TEMP 295.0`` [K], ``! Calibrated wavelength = 0.413671``;
- temperature, time, wavelength, exposure and monitor in the spellings of `header_values`, the axis
  in those of `axis_name`.

Uncertainties: the column named so; without names the third.

Numbers may have a decimal comma where blanks or semicolons part the columns. A file that holds
fewer rows than it announces, or ends within a number, is refused.
"""

from __future__ import annotations

import itertools
import re
import warnings
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.axis_name import Axis, find_stderr_column, read_axis
from ssbchar.hexrd.patterns.formats.checks import refuse_what_overflows
from ssbchar.hexrd.patterns.formats.evenly_spaced import read_evenly_spaced
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.formats.header_values import Misread, read_header
from ssbchar.number_text import decode_text, ends_within_number
from ssbchar.typing import Array

_FLOAT = rb"[-+]?(?:\d+[.,]?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_FIRST_ROW = re.compile(
    rb"^[ \t]*" + _FLOAT + rb"[ \t,;]+(?:" + _FLOAT + rb"|nan)(?:[ \t,;]+[^\s]+)*[ \t]*\r?$",
    re.M | re.I,
)
_PAIR = re.compile(rb"^[ \t]*[-+]?\d+,\d+[ \t]*\r?$", re.M)
"""A line that is two whole numbers or one with a decimal comma."""
_INNER_COMMA = re.compile(rb"\d,\d")
_THOUSANDS = re.compile(rb"(?:^|[ \t;])[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?(?=[ \t;\r]|$)")
"""A word such as 1,234 or 1,234.5 beside others."""
_BANK = re.compile(r"^(?P<indent>[ \t]*)(?P<word>BANK)[ \t]+(?P<rest>\S.*)$", re.M | re.I)
_BEGINS_WITH_NUMBER = re.compile(r"^\s*[-+]?(?:\d+\.\d*|\.\d+|\d+[,;\t ])")
CENTIDEGREE = 100
"""GSAS writes 2theta in hundredths of a degree."""
COPY_AGAIN = "copy the file again"


def extract(path: Path) -> PatternFile:
    """Return the pattern of a text file of two or more columns.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PatternFile
        Axis of shape (points,) in the unit stated, intensity [counts] of shape (1, points).

    Raises
    ------
    BadInput
        The file is empty, holds no columns of numbers, a row that is not numbers, fewer rows than
        it announces, or ends within a number.
    """
    raw = _read_bytes(path)
    first = _FIRST_ROW.search(raw) or _PAIR.search(raw)
    if not first:
        raise BadInput(
            path,
            "no line holds two numbers (x and intensity)",
            "give x, intensity and sigma in columns",
        )
    start = first.start()
    header = decode_text(raw[:start])
    _refuse_lost_row(path, header)
    body, decimal_commas = _settle_commas(path, raw[start:])
    rows = read_evenly_spaced(path, header, body)
    if rows is None:
        rows = _parse_rows(path, body, lines_before=raw.count(b"\n", 0, start))
        _refuse_cut_number(path, body)
    bank = _read_bank(path, header, rows)
    announced = bank.points or _announced_by_chi(header)
    _refuse_missing_rows(path, announced, rows.shape[0])
    axis = bank.axis or read_axis(header, rows.shape[1])
    place = find_stderr_column(header, rows.shape[1])
    pattern = PatternFile(
        x=rows[:, 0] / CENTIDEGREE if bank.axis else rows[:, 0] * axis.factor,
        unit=axis.unit,
        intensity=rows[None, :, 1].copy(),
        stderr=None if place is None else rows[None, :, place].copy(),
        header=header,
        axis_name=axis.name,
        assumed=tuple(
            text for text in (axis.assumed, "commas are decimal" if decimal_commas else "") if text
        ),
        misread=tuple(
            one for one in (axis.misread, _describe_more_rows(announced, rows.shape[0])) if one
        ),
    )
    pattern.take_header(read_header(header))
    refuse_what_overflows(path, pattern)
    return pattern


def _read_bytes(path: Path) -> bytes:
    """Return a file's content as UTF-8 without a byte order mark, lines ended by line feeds."""
    raw = path.read_bytes()
    if not raw.strip():
        raise BadInput(path, "the file is empty", "copy it again from the beamline")
    # Text of two bytes per letter, a mark before the first number, ends of lines of old Macs.
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[:3] == b"\xef\xbb\xbf" or b"\0" in raw[:400]:
        raw = decode_text(raw).encode()
    if b"\r" in raw and b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw


def _refuse_lost_row(path: Path, header: str) -> None:
    """Raise where the line before the first row begins with a number: it is a damaged row."""
    lines = [line for line in header.splitlines() if line.strip()]
    if lines and _BEGINS_WITH_NUMBER.match(lines[-1]) and not lines[-1].strip().isdigit():
        problem = f"'{lines[-1].strip()[:40]}' is no row of numbers"
        number = header.rstrip().count("\n") + 1
        raise BadInput(f"{path}:{number}", problem, "correct it")


# Numbers


def _settle_commas(path: Path, body: bytes) -> tuple[bytes, bool]:
    """Return a body whose columns are parted by blanks, and whether its commas were decimal.

    A comma between digits is decimal where blanks, tabs or semicolons part the columns of the same
    line and no number has a point.
    """
    if b"," not in body:
        return body.replace(b";", b" "), False
    has_points = re.search(rb"\d\.\d", body) is not None
    parted = [line for line in body.split(b"\n") if _INNER_COMMA.search(line)]
    parted = [line for line in parted if re.search(rb"[ \t;]", line.strip())]
    if has_points and any(_THOUSANDS.search(line) for line in parted):
        raise BadInput(
            path,
            "numbers have decimal points and decimal commas",
            "write all of them with a point, and thousands without a separator",
        )
    if parted and not has_points:
        # A comma before a blank or a semicolon parts columns in any case.
        plain = re.sub(rb",(?=[ \t;\r\n]|$)", b" ", body)
        return plain.replace(b",", b".").replace(b";", b" "), True
    if not has_points and _repeats_first_column(body):
        raise BadInput(
            path,
            "commas part its columns or stand for decimal points: nothing tells which",
            "write decimals with a point, or part the columns by blanks",
        )
    return body.replace(b",", b" ").replace(b";", b" "), False


def _repeats_first_column(body: bytes) -> bool:
    """Return whether a row has the first number of the one before: ``6,031`` and ``6,032``."""
    firsts = [line.partition(b",")[0].strip() for line in body.split(b"\n") if line.strip()]
    return any(one == other for one, other in itertools.pairwise(firsts))


def _parse_rows(path: Path, plain: bytes, *, lines_before: int) -> Array:
    """Return the rows of numbers of a file's body, at once where it is regular, else line by
    line."""
    columns = len(plain.partition(b"\n")[0].split())
    with warnings.catch_warnings():
        # NumPy warns where text follows the numbers; such a file is read line by line.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(plain, sep=" ")
        except (DeprecationWarning, ValueError):
            return _parse_lines(path, plain, columns=columns, lines_before=lines_before)
    if values.size != columns * (plain.strip().count(b"\n") + 1):
        return _parse_lines(path, plain, columns=columns, lines_before=lines_before)
    return np.asarray(values.reshape(-1, columns))


def _parse_lines(path: Path, body: bytes, *, columns: int, lines_before: int) -> Array:
    """Return the rows of numbers, past trailing comments and blank lines; name the line that is
    wrong."""
    rows = []
    lines = body.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, lines_before + 1):
        words = re.split(r"[#!]", line)[0].split()
        if not words:
            continue
        if words[0].upper() == "BANK":
            remedy = "write each bank to a file of its own"
            raise BadInput(f"{path}:{number}", "holds several banks", remedy)
        try:
            # Fortran writes 1.0D+3 where others write 1.0E+3.
            row = [float(word.replace("D", "E")) for word in words]
        except ValueError as error:
            problem = f"'{line.strip()[:40]}' is no row of numbers"
            raise BadInput(f"{path}:{number}", problem, "correct it") from error
        if len(words) != columns:
            problem = f"{len(words)} columns where the others have {columns}"
            raise BadInput(f"{path}:{number}", problem, COPY_AGAIN)
        rows.append(row)
    return np.array(rows, dtype=float)


def _refuse_cut_number(path: Path, body: bytes) -> None:
    """Raise where a file without a last line feed ends in a number with fewer decimals than any
    other of its column."""
    if body.endswith((b"\n", b"\r")):
        return
    lines = [line.split() for line in body.split(b"\n") if line.strip()]
    if any(len(line) != len(lines[-1]) for line in lines):
        return
    if ends_within_number([line[-1].decode("utf-8", "replace") for line in lines]):
        problem = f"it ends within a number ('{lines[-1][-1].decode('utf-8', 'replace')}')"
        raise BadInput(path, problem, COPY_AGAIN)


# What the header announces


class _Bank:
    """What a GSAS bank line announces."""

    def __init__(self, axis: Axis | None = None, points: int = 0) -> None:
        self.axis, self.points = axis, points


def _read_bank(path: Path, header: str, rows: Array) -> _Bank:
    """Return what the ``BANK`` line of a GSAS file announces.

    Raises
    ------
    BadInput
        The rows are no x, y (, e) of an angle.
    """
    found = _BANK.search(header)
    if found is None:
        return _Bank()
    words = found["rest"].upper().split()
    kinds = [word for word in words if word in ("FXYE", "FXY", "STD", "ESD", "ALT")]
    binning = next((word for word in words if word.isalpha()), "")
    if not kinds and not (len(words) > 2 and words[1].isdigit()):
        # A title may begin with the word.
        return _Bank()
    if kinds and kinds[-1] == "ALT":
        remedy = "write it as FXYE (x, y and error in columns)"
        raise BadInput(path, "GSAS data of type ALT are not read", remedy)
    if not binning.startswith("CONS") and binning not in ("FXYE", "FXY"):
        remedy = "give patterns of 2theta, q or d"
        raise BadInput(path, f"its GSAS bank ({binning}) is no scan of 2theta", remedy)
    if (found["indent"] or found["word"] != "BANK") and not _agrees_with(words, rows):
        problem = f"its bank line '{found[0].strip()[:30]}' is not the one of these rows"
        raise BadInput(path, problem, "write 'BANK' at the beginning of the line")
    points = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return _Bank(Axis(unit="degree", name="2theta of a GSAS bank"), points)


def _agrees_with(words: list[str], rows: Array) -> bool:
    """Return whether the start and step [centidegree] of a bank line are those of its rows."""
    place = next((n for n, word in enumerate(words) if word.startswith("CONS")), None)
    try:
        start, step = (float(word) for word in words[place + 1 : place + 3])  # type: ignore[operator]
    except (TypeError, ValueError):
        return False
    if rows.shape[0] < 2 or not step > 0:
        return False
    x = rows[:, 0]
    own = (x[-1] - x[0]) / (x.size - 1)
    return bool(abs(x[0] - start) < step and abs(own - step) < 0.05 * step)


def _announced_by_chi(header: str) -> int:
    """Return the number of points that a FIT2D ``.chi`` announces, 0 where the header is none."""
    lines = [line for line in header.splitlines() if line.strip()]
    is_chi = 3 <= len(lines) <= 4 and lines[-1].strip().isdigit()
    return int(lines[-1]) if is_chi else 0


def _refuse_missing_rows(path: Path, announced: int, rows: int) -> None:
    if rows < announced:
        problem = f"announces {announced} points and holds {rows}: it is cut short"
        raise BadInput(path, problem, COPY_AGAIN)


def _describe_more_rows(announced: int, rows: int) -> Misread | None:
    """Return what is told of a file that holds more rows than it announces, None of another."""
    if not 0 < announced < rows:
        return None
    problem = f"it announces {announced} points and holds {rows}; all are used"
    return Misread(quantity="rows", problem=problem, remedy="check the file")


def monitor_from_header(header: str) -> float:
    """Return the incident monitor [counts] that a header states, NaN where it states none.

    Parameters
    ----------
    header : str
        Lines such as ``# monitor: 0.998``.
    """
    return read_header(header).monitor
