"""A sheet is the same cells whether a spreadsheet or an editor saved it."""

import csv
import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import sheet_file

HEADER = ["measurement", "sample", "path", "read.mu"]
ROWS = [["a", "Größe, 2 µm", "raw/a*.xye", "*"], ["b", "B; rest", "raw/b", "2"]]


def read(path: Path) -> sheet_file.SheetFile:
    found = sheet_file.read_sheet_file(path, HEADER)
    assert found is not None
    return found


def quote(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell else cell


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_each_separator_and_encoding_gives_the_same_cells(
    separator: str, end: str, codec: str, tmp_path: Path
) -> None:
    lines = [separator.join(quote(cell, separator) for cell in row) for row in [HEADER, *ROWS]]
    text = end.join(["# who", "", lines[0], separator * 3, *lines[1:], ""])
    (tmp_path / "s.csv").write_bytes(text.encode(codec))
    found = read(tmp_path / "s.csv")
    assert (found.header, found.header_line) == (HEADER, 3)
    assert found.lines == [(5, ROWS[0]), (6, ROWS[1])]
    said = " ".join(found.notes)
    assert ("Latin-1" in said) == (codec == "latin-1")
    assert ("UTF-16" in said) == (codec == "utf-16")
    assert ("commas between cells" in said) == (separator == ",")
    assert ("semicolons between cells" in said) == (separator == ";")


def workbook(path: Path, rows: list[list[object]], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    book.save(path)
    return path


def test_a_workbook_gives_the_same_cells(tmp_path: Path) -> None:
    rows: list[list[object]] = [["# who"], [], [*HEADER], *([*row] for row in ROWS)]
    found = read(workbook(tmp_path / "s.xlsx", rows))
    assert (found.header, found.header_line, found.separator) == (HEADER, 3, "")
    assert found.lines == [(4, ROWS[0]), (5, ROWS[1])]
    assert found.notes == ["read from the sheet 'Sheet' of a workbook"]
    assert sheet_file.format_sheet_file(tmp_path / "s.xlsx").splitlines()[-1] == "\t".join(ROWS[1])
    # Whatever it is called.
    (tmp_path / "s.xlsx").rename(tmp_path / "s.tsv")
    assert read(tmp_path / "s.tsv").lines == found.lines


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (2, "General", "2"),
        (2.0, "General", "2"),
        (0.24117, "General", "0.24117"),
        (0.1 + 0.2, "General", "0.3"),
        (1e-7, "General", "1e-07"),
        (0.5, "0.00", "0.50"),
        (1234.5, "#,##0.00", "1234.50"),
        (7, "000", "007"),
        (0.25, "0%", "25%"),
        (1500, "0.00E+00", "1.50E+03"),
        (True, "General", "TRUE"),
        ("#3", "General", "#3"),
        (" x ", "@", "x"),
        (datetime.datetime(2019, 3, 4), "yyyy-mm-dd", "2019-03-04"),
        (datetime.datetime(2019, 3, 4), "d.m.yyyy", "4.3.2019"),
        (datetime.datetime(2019, 3, 4, 7, 5, 9), "yyyy-mm-dd h:mm:ss", "2019-03-04 7:05:09"),
        (datetime.time(7, 5), "hh:mm", "07:05"),
    ],
)
def test_a_cell_is_taken_as_the_user_sees_it(
    value: object, number_format: str, shown: str, tmp_path: Path
) -> None:
    file = workbook(tmp_path / "s.xlsx", [["x", "y"], ["1", value]], {"B2": number_format})
    assert read(file).lines == [(2, ["1", shown])]


@pytest.mark.parametrize(
    ("value", "number_format", "said"),
    [
        (0.24117, "0.00", "s.xlsx:B2: the cell shows 0.24 and holds 0.24117; show all digits"),
        (12.5, "0", "shows 12 and holds 12.5"),
        (0.255, "0%", "holds 0.255"),
        (5, '0.0 "mm"', "a number in the format"),
        (datetime.datetime(2019, 3, 4), "mm-dd-yy", "a date or time in the format 'mm-dd-yy'"),
        (datetime.datetime(2019, 3, 4), "dd/mm/yyyy", "a date or time in the format"),
        ("#N/A", "General", "the cell shows #N/A"),
        ("=1+1", "General", "a formula without its value"),
        ("a\nb", "General", "a line break"),
    ],
)
def test_a_cell_that_may_be_read_two_ways_is_refused(
    value: object, number_format: str, said: str, tmp_path: Path
) -> None:
    file = workbook(tmp_path / "s.xlsx", [["x", "y"], ["1", value]], {"B2": number_format})
    with pytest.raises(BadInput, match="B2") as caught:
        read(file)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_the_first_sheet_is_read_and_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("other").append(["z"])
    assert book.active is not None
    book.active.append(["x", "y"])
    book.active.append(["1", "2"])
    book.save(tmp_path / "s.xlsx")
    found = read(tmp_path / "s.xlsx")
    assert found.lines == [(2, ["1", "2"])]
    assert found.notes == ["read from the first sheet, 'Sheet', of 2 in the workbook"]


def test_a_damaged_or_huge_workbook_is_one_line(tmp_path: Path) -> None:
    good = workbook(tmp_path / "s.xlsx", [["x", "y"]]).read_bytes()
    for size in (0, 100, len(good) - 200):
        (tmp_path / "cut.xlsx").write_bytes(good[:size])
        with pytest.raises(BadInput, match=r"cut\.xlsx: .*workbook"):
            sheet_file.read_sheet_file(tmp_path / "cut.xlsx", HEADER)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    with pytest.raises(BadInput, match="unpacks to 50 MB"):
        sheet_file.read_sheet_file(tmp_path / "bomb.xlsx", HEADER)
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as archive:
        archive.writestr("x", b"0")
    with pytest.raises(BadInput, match="cannot be read"):
        sheet_file.read_sheet_file(tmp_path / "other.xlsx", HEADER)


def test_empty_columns_behind_the_last_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("x;measurement;;\n1;2;;\n1;2;;;;\n\n;;;\n1;2;3;;\n")
    found = read(tmp_path / "s.csv")
    assert found.header == ["x", "measurement"]
    assert found.lines == [(2, ["1", "2"]), (3, ["1", "2"]), (6, ["1", "2", "3"])]


def test_quotes_and_lines_that_do_not_close(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text('measurement,sample\na,"x ""y"", z"\n')
    assert read(file).lines == [(2, ["a", 'x "y", z'])]
    file.write_text('measurement,sample\na,"x\nb,y\n')
    with pytest.raises(BadInput, match=r"s\.csv:2: quotes are not closed"):
        read(file)
    file.write_text('measurement,sample\na,"x\nb",y\n')
    with pytest.raises(BadInput, match=r"s\.csv:2: a cell goes on over the end of the line"):
        read(file)


def test_a_row_that_is_a_comment_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("# about\n#\tx\nmeasurement\tsample\n#a\tx\nb\ty\n#c\tz\n")
    found = read(tmp_path / "s.tsv")
    assert found.lines == [(5, ["b", "y"])]
    assert found.notes == ["lines 2, 4, 6 begin with #: left out as comments"]
    (tmp_path / "s.tsv").write_text("# about\n\n")
    assert sheet_file.read_sheet_file(tmp_path / "s.tsv", HEADER) is None


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_the_copy_of_a_sheet_runs_no_formula_and_is_read_the_same(
    tmp_path: Path, mark: str
) -> None:
    names = ("measurement", "sample", "hexrd.refine.background")
    rows = [names, ("a", "=HYPERLINK(1)", "-5"), ("b", "plain, 'b'", "@x")]
    sheet, copy = tmp_path / "s.txt", tmp_path / "copy.txt"
    with open(sheet, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=mark, lineterminator="\n").writerows(rows)
    copy.write_text(sheet_file.format_sheet_file(sheet), encoding="utf-8")
    cells = copy.read_text(encoding="utf-8").splitlines()[1].split(mark)
    assert cells == ["a", "'=HYPERLINK(1)", "-5"]
    read = [sheet_file.read_sheet_file(path, names) for path in (sheet, copy)]
    assert all(one is not None and one.lines[0][1][1] == "=HYPERLINK(1)" for one in read)
    assert read[0] and read[1] and read[0].lines == read[1].lines
