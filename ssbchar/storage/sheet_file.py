"""Tables that a user wrote in a spreadsheet or an editor: tabs, commas or semicolons, or ``.xlsx``,
split into cells of text."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.errors import BadInput
from ssbchar.storage.cell_text import show_cell
from ssbchar.storage.spreadsheet import escape_cell, unescape_cell
from ssbchar.storage.user_text import UserText, read_user_text

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons"}
"""What may stand between cells."""
SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " ")
"""Spaces that look like the usual one."""
COMMENT = "#"
"""A line whose first cell begins so is a comment."""
CELLS_OF_ROW = 4
"""Filled cells from which a comment looks like a row."""
MOST_ROWS = 100_000
MOST_COLUMNS = 1000
MOST_UNPACKED_BYTES = 200_000_000
"""Size of a workbook's parts, unpacked [byte]."""
LARGEST_RATIO = 200
"""Unpacked over packed size [1] above which a workbook is a decompression bomb."""
Line = tuple[int, Sequence[str]]
"""Number of a line, from 1, and its cells."""


@dataclass(frozen=True, kw_only=True)
class SheetFile:
    """The cells of a table; lines that are empty or comments are left out."""

    path: Path
    header: Sequence[str]
    header_line: int
    """Line of the header, from 1."""
    lines: Sequence[Line]
    """Line number and cells of each row; short lines end early."""
    separator: str
    """Between cells; empty for a workbook."""
    notes: Sequence[str] = ()
    """What was assumed about encoding, separator and comments."""


def read_sheet_file(path: Path | str, known: Sequence[str]) -> SheetFile | None:
    """Return the cells of a table; None if it has no line but comments.

    Parameters
    ----------
    path : path
        Text with tabs, commas or semicolons between cells (in any encoding of
        `ssbchar.storage.user_text.read_user_text`), or a workbook (``.xlsx``), whose first sheet is
        read.
    known : sequence of str
        Names of columns; the separator is the one that splits most of them from the header.

    Raises
    ------
    BadInput
        The file cannot be read, a quote is not closed, a cell of a workbook has no text of its own.
    """
    path = Path(path)
    if path.suffix.lower() in (".xlsx", ".xlsm") or _is_workbook(path):
        numbered, separator, notes = _split_workbook(path)
    else:
        text = read_user_text(path)
        numbered, separator, notes = _split_text(path, text, known)
    kept, comments = [], []
    for line, cells in numbered:
        if cells and cells[0].startswith(COMMENT):
            comments.append((line, cells))
        elif any(cells):
            kept.append((line, cells))
    if not kept:
        return None
    header_line, header = kept[0]
    while separator != "\t" and header and not header[-1]:
        header = header[:-1]
    notes += _tell_comments(comments, header)
    return SheetFile(
        path=path,
        header=header,
        header_line=header_line,
        lines=[_cut_empty_columns(line, header, separator) for line in kept[1:]],
        separator=separator,
        notes=notes,
    )


def format_sheet_file(path: Path) -> str:
    """Return a table as text that `read_sheet_file` reads the same: as it is where it is text, with
    tabs between cells for a workbook; cells that a spreadsheet would run are escaped."""
    if _is_workbook(path):
        lines, separator = _split_workbook(path)[0], "\t"
    else:
        text = read_user_text(path)
        lines, separator, _ = _split_text(path, text, ())
        if all(escape_cell(cell) == cell for _, cells in lines for cell in cells):
            return text.text
    out = io.StringIO()
    table = csv.writer(out, delimiter=separator, lineterminator="\n")
    table.writerows([escape_cell(cell) for cell in cells] for _, cells in lines)
    return out.getvalue()


def _tell_comments(comments: Sequence[Line], header: Sequence[str]) -> list[str]:
    """Return a note of lines that would be rows if they did not begin as comments."""
    enough = min(CELLS_OF_ROW, len(header))
    rows = [str(line) for line, cells in comments if sum(map(bool, cells)) >= enough]
    if not rows:
        return []
    lines = f"line {rows[0]} begins" if len(rows) == 1 else f"lines {', '.join(rows)} begin"
    return [f"{lines} with {COMMENT}: left out as comments"]


def _cut_empty_columns(line: Line, header: Sequence[str], separator: str) -> Line:
    """Return a line without the empty cells that spreadsheets write behind the last column."""
    number, cells = line
    end = len(cells)
    while separator != "\t" and end > len(header) and not cells[end - 1]:
        end -= 1
    return number, cells[:end]


def _split_text(
    path: Path, text: UserText, known: Sequence[str]
) -> tuple[list[Line], str, list[str]]:
    """Return the lines of a text file, the separator between cells, and notes."""
    begin = next(
        (
            line
            for line in text.text.split("\n")
            if line.strip() and not line.lstrip('"').startswith(COMMENT)
        ),
        "",
    )
    found = {mark: _count_known(begin, mark, known) for mark in SEPARATORS}
    separator = max(found, key=lambda mark: (found[mark], begin.count(mark)))
    notes = [text.note] if text.note else []
    if text.encoding in ("UTF-16", "UTF-32"):
        notes.append(f"read as {text.encoding}")
    if separator != "\t":
        notes.append(f"{SEPARATORS[separator]} between cells")
    return list(_split_lines(path, text.text, separator)), separator, notes


def _count_known(header: str, separator: str, known: Sequence[str]) -> int:
    """Return how many names of columns a separator splits from a header."""
    cells = next(csv.reader([header], delimiter=separator), [])
    return sum(cell.strip() in known for cell in cells)


def _split_lines(path: Path, text: str, separator: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            cells = [unescape_cell(cell.translate(SPACES).strip()) for cell in cells]
            broken = next((cell for cell in cells if "\n" in cell), None)
            if broken is not None:
                raise BadInput(
                    f"{path}:{line}",
                    f"a cell goes on over the end of the line ({broken.split(chr(10))[0][:40]!r})",
                    "close its quotes, or write it in one line",
                )
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(
            f"{path}:{line}", f"quotes are not closed ({error})", "close them"
        ) from error


def _is_workbook(path: Path) -> bool:
    return os.path.isfile(path) and zipfile.is_zipfile(path)


def _split_workbook(path: Path) -> tuple[list[Line], str, list[str]]:
    """Return the rows of a workbook's first sheet, no separator, and notes."""
    from openpyxl import load_workbook

    _limit_workbook(path)
    try:
        # openpyxl judges a file by its name, but not an open one.
        content = path.read_bytes()
        # The first holds what formulas came to, the second the formulas.
        shown = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        written = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        lines = list(_read_rows(path, shown, written))
        names = shown.sheetnames
    except BadInput:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do on a damaged workbook
        kind = type(error).__name__
        raise BadInput(
            path, f"the workbook cannot be read ({kind})", "save it anew, or as CSV"
        ) from error
    notes = [f"read from the sheet '{names[0]}' of a workbook"]
    if len(names) > 1:
        notes = [f"read from the first sheet, '{names[0]}', of {len(names)} in the workbook"]
    return lines, "", notes


def _limit_workbook(path: Path) -> None:
    """Refuse a file that is no workbook, and one that unpacks to more than anyone writes."""
    if not os.path.isfile(path):
        raise BadInput(path, "does not exist", "correct the path")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise BadInput(path, "is no workbook (.xlsx)", "save it anew, or as CSV") from error
    size = sum(part.file_size for part in parts)
    packed = max(1, path.stat().st_size)
    is_bomb = size > 1_000_000 and size > LARGEST_RATIO * packed
    if size > MOST_UNPACKED_BYTES or is_bomb:
        raise BadInput(
            path,
            f"the workbook of {packed / 1e6:.1f} MB unpacks to {size / 1e6:.0f} MB",
            "keep the sheet alone, or save it as CSV",
        )


def _read_rows(path: Path, shown: Workbook, written: Workbook) -> Iterator[Line]:
    """Yield the rows of the first sheet that are not empty."""
    pages = (shown.worksheets[0], written.worksheets[0])
    rows = zip(*(page.iter_rows() for page in pages), strict=True)
    for number, (values, formulas) in enumerate(rows, 1):
        if number > MOST_ROWS or len(values) > MOST_COLUMNS:
            raise BadInput(
                path,
                f"the sheet has more than {MOST_ROWS} rows or {MOST_COLUMNS} columns",
                "delete what is empty",
            )
        cells = [
            _show(path, value, formula) for value, formula in zip(values, formulas, strict=True)
        ]
        if any(cells):
            yield number, cells


def _show(path: Path, cell: Any, formula: Any) -> str:
    """Return the text of a cell, or the fault of a formula that nobody calculated."""
    where = f"{path}:{getattr(formula, 'coordinate', '')}"
    if cell.value is None:
        if getattr(formula, "data_type", "") == "f":
            raise BadInput(where, "a formula without its value", "write the value itself")
        return ""
    return show_cell(cell.value, cell.number_format or "General", where).translate(SPACES).strip()
