"""Logs as their makers write them come to one table: encodings, preambles, separators, units."""

from pathlib import Path

import openpyxl
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import log_table
from ssbchar.hexrd.furnace.log_table import LogTable, read_table


def table(folder: Path, text: str, encoding: str = "utf-8") -> LogTable:
    (folder / "log.csv").write_bytes(text.encode(encoding))
    return read_table(folder / "log.csv")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("time,T\n1.5,20\n2.5,30\n", "utf-8"),
        ("time;T\n1,5;20\n2,5;30\n", "utf-8-sig"),
        ("time\tT\n1,5\t20\n2,5\t30\n", "utf-16"),
        ("time\tT\r\n1.5\t20\r\n2.5\t30\r\n", "latin-1"),
        ("time T\n1.5 20\n2.5 30\n3.5 40\n", "utf-8"),
        ('"time","T"\n"1.5","20"\n"2.5","30"\n', "utf-8"),
        ("# a comment\n\ntime, T\n1.5, 20\n# another\n2.5, 30\n", "utf-8"),
        ("# time,T\n1.5,20\n2.5,30\n", "utf-8"),
        ("#S 1\n#L time  T\n1.5 20\n2.5 30\n", "utf-8"),
        ("time,T,\n1.5,20\n2.5,30\n", "utf-8"),
        ("time,T\n1.5,20,\n2.5,30,\n", "utf-8"),
        ("Eurotherm 2408\nOperator: none\n\ntime;T\n1,5;20\n2,5;30\n", "utf-8"),
        ("time,T\n1.5,20\ntime,T\n2.5,30\n", "utf-8"),
        ("time,T\n1.5,20\n-- power failure --\n2.5,30\n", "utf-8"),
    ],
)
def test_one_table_in_many_clothes(text: str, encoding: str, tmp_path: Path) -> None:
    found = table(tmp_path, text, encoding).columns
    assert list(found.columns)[:2] == ["time", "T"]
    good = found[[str(cell).strip() not in ("", "nan") for cell in found["T"]]]
    assert [float(cell) for cell in good["time"]][:2] == [1.5, 2.5]
    assert [float(cell) for cell in good["T"]][:2] == [20, 30]


@pytest.mark.parametrize(
    "text",
    [
        "time,T\ns,degC\n1,20\n2,30\n",
        "time,T\n[s],[degC]\n1,20\n2,30\n",
        "time,T\n,degC\n1,20\n2,30\n",
        "time,T,unit\n1,20,degC\n2,30,degC\n",
    ],
)
def test_units_in_a_row_or_a_column_of_their_own(text: str, tmp_path: Path) -> None:
    found = table(tmp_path, text)
    assert found.units["T"] == "degC" and found.columns["T"].tolist() == [20, 30]


def test_the_preamble(tmp_path: Path) -> None:
    text = (
        "LabVIEW Measurement\t\nDate\t2011/04/25\nTime\t12:35:00\n***End_of_Header***\t\n\t\n"
        "X_Value\tTemperature\n" + "".join(f"{n}.0\t25.{n}\n" for n in range(9))
    )
    found = table(tmp_path, text)
    assert list(found.columns.columns) == ["X_Value", "Temperature"]
    assert "Date: 2011/04/25" in found.preamble and "Time: 12:35:00" in found.preamble


def test_names_that_occur_twice(tmp_path: Path) -> None:
    assert list(table(tmp_path, "t,T,T\n1,2,3\n").columns.columns) == ["t", "T 2", "T 3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table"),
        ("time,T\n", "holds no readings"),
        ("1,2\n3,4\n", "no line names its columns"),
        ("time;T\n1.5;20,5\n", "decimal points and decimal commas"),
        ("time,T\n1,2,3,4\n1,2\n", "a row has 4 cells where there are 2 names"),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        table(tmp_path, text)


def test_blanks_between_columns(tmp_path: Path) -> None:
    found = table(tmp_path, "Time (s)  Temperature [K]\n1.5 20\n2.5 30\n3.5 40\n").columns
    assert list(found.columns) == ["Time (s)", "Temperature [K]"] and found.shape == (3, 2)
    text = "time T\n2011-04-25 12:35:00 20\n2011-04-25 12:36:00 30\n2011-04-25 12:37:00 30\n"
    found = table(tmp_path, text).columns
    assert found["time"][0] == "2011-04-25 12:35:00" and found["T"].tolist() == [20, 30, 30]


def test_a_workbook(tmp_path: Path) -> None:
    from datetime import datetime

    import openpyxl

    book = openpyxl.Workbook()
    for row in (["time", "T (C)"], [datetime(2011, 4, 25, 12, 35), 25.5], [None, None]):
        book.active.append(row)
    book.save(tmp_path / "log.xlsx")
    found = read_table(tmp_path / "log.xlsx").columns
    assert found["time"].tolist() == ["2011-04-25 12:35:00"] and found["T (C)"].tolist() == [25.5]
    book.create_sheet("other").append(["a", "b"])
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(BadInput, match="needs one sheet with readings, has Sheet, other"):
        read_table(tmp_path / "log.xlsx")
    (tmp_path / "log.xlsx").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(BadInput, match="no readable workbook"):
        read_table(tmp_path / "log.xlsx")


@pytest.mark.parametrize(
    "last", ["2021-03-01T10:03:00Z,3", "2021-03-01T10:03:00Z,37.", "2021-03-01T10"]
)
def test_a_cut_last_line_is_left_out_and_told(last: str, tmp_path: Path) -> None:
    head = "time,temperature_C\n" + "".join(
        f"2021-03-01T10:0{n}:00Z,{30 + n}.5\n" for n in range(3)
    )
    (tmp_path / "log.csv").write_text(head + last)
    table = read_table(tmp_path / "log.csv")
    assert table.columns["temperature_C"].tolist() == [30.5, 31.5, 32.5]
    assert table.notes == (f"the last line is cut ('{last}') and left out",)
    (tmp_path / "log.csv").write_text(head.rstrip())
    assert len(read_table(tmp_path / "log.csv").columns) == 3
    (tmp_path / "log.csv").write_text("time,temperature_C\n2021-03-01T10:00:00Z,30.1")
    assert "the only reading" in read_table(tmp_path / "log.csv").notes[0]
    (tmp_path / "log.csv").write_text(head + last + "\n")
    assert not read_table(tmp_path / "log.csv").notes


def test_a_workbook_of_another_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["time", "temperature_C"])
    book.active.append(["2021-03-01T10:00:00Z", 25.5])
    book.save(tmp_path / "log.xlsx")
    (tmp_path / "log.xlsx").rename(tmp_path / "log.txt")
    assert read_table(tmp_path / "log.txt").columns["temperature_C"].tolist() == [25.5]


def rows(*widths: tuple[int, int]) -> list[str]:
    """Lines of so many cells, each so often."""
    return [",".join("1" * cells) for cells, count in widths for _ in range(count)]


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        # seven lines in ten have the usual number of cells
        (rows((3, 14), (6, 6)), (",", 3)),
        (rows((3, 13), (6, 7)), (",", 1)),
        # of a short table two lines are enough, of nearly or of different widths
        (rows((3, 1), (2, 1), (1, 4)), (",", 3)),
        (rows((3, 1), (6, 1), (1, 4)), (",", 6)),
        (rows((3, 1), (1, 4)), (",", 1)),
        (rows((3, 2), (6, 1), (1, 8)), (",", 3)),
        (rows((3, 2), (6, 1), (1, 9)), (",", 1)),
        # of two equally usual widths the larger
        (rows((2, 5), (3, 5)), (",", 3)),
        # a tab before a semicolon, that before a comma, blanks last
        (["1\t2;3", "1\t2;3"], ("\t", 2)),
        (["1,5;2,5", "1,5;2,5"], (";", 2)),
        (["1 2 3", "4 5 6"], (" ", 3)),
        (["1 2 3"], (",", 1)),
        (["1 2 3"] * 7 + ["1 2"] * 3, (" ", 3)),
        (["1 2 3"] * 6 + ["1 2"] * 4, (",", 1)),
        ([], (",", 1)),
    ],
)
def test_what_parts_the_columns(lines: list[str], right: tuple[str, int]) -> None:
    assert log_table._find_separator(lines) == right


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ([["t", "T"], ["1", "2"], ["3", "4"]], (0, 1)),
        ([["t", "T"], ["s", "degC"], ["1", "2"]], (0, 2)),
        ([["a", "b"], ["t", "T"], ["1", "2"]], (1, 2)),
        # the longest run of rows counts, its own names before it
        ([["a", "b"], ["1", "2"], ["t", "T"], ["1", "2"], ["3", "4"]], (2, 3)),
        # names that are repeated count where they stand first
        ([["t", "T"], ["1", "2"], ["t", "T"], ["1", "2"], ["3", "4"]], (0, 1)),
        ([["1", "2"], ["3", "4"]], (None, 0)),
        ([["x", "y", "z", "w"], ["1", "2"]], None),
        ([["t", "T"]], None),
        ([], None),
    ],
)
def test_where_names_and_rows_stand(
    cells: list[list[str]], place: tuple[int | None, int] | None
) -> None:
    assert log_table._find_first_row(cells, 2, decimal_comma=False) == place


def test_a_row_has_a_value_in_the_usual_number_of_cells() -> None:
    def is_row(*cells: str, width: int = 3) -> bool:
        return log_table._is_row([*cells], width, decimal_comma=False)

    assert is_row("1", "2", "3") and is_row("1", "a", "b") and is_row("1", "2")
    assert is_row("25.1 °C", "a", "b") and is_row("12:30:00", "a", "b")
    assert is_row("1", "2", "3", "4") and not is_row("1", "2", "3", "4", "5")
    assert not is_row("1") and not is_row("a", "b", "c")


def test_units_below_the_names() -> None:
    assert log_table._is_units_row(["s", "degC"]) and log_table._is_units_row(["[s]", "-", ""])
    assert not log_table._is_units_row(["", "-"]) and not log_table._is_units_row(["a", "b"])
    assert log_table._is_units_row(["s", "12345678"])
    assert not log_table._is_units_row(["s", "123456789"])


def test_cells_and_names_fitted_to_each_other() -> None:
    assert log_table._fit_width(["1", "2", "", ""], 3) == ["1", "2", ""]
    assert log_table._fit_width(["1", "2", "3", "4"], 3) == ["1", "2", "3", "4"]
    assert log_table._fit_width(["1"], 3) == ["1", "", ""]
    assert log_table._make_unique(["t", "", "T", "T"]) == ["t", "column 2", "T 3", "T 4"]
    assert log_table._join_clock(["a", "2024-01-02", "03:04:05", "7"]) == [
        "a",
        "2024-01-02 03:04:05",
        "7",
    ]
    assert log_table._join_clock(["03:04:05", "7"]) == ["03:04:05", "7"]
    assert log_table._as_statement(["Date", "", "1", "2"]) == "Date: 1 2"
    assert log_table._as_statement(["Date:", "1"]) == "Date: 1"
    assert log_table._as_statement(["only", ""]) == "only"


def test_names_in_comments() -> None:
    find = log_table._names_from_comments
    assert find(["# a,b", "# t,T", "# note"], 2, ",") == ["t", "T"]
    assert find(["#L Two words  T"], 2, " ") == ["Two words", "T"]
    assert find(["# a,b,c"], 2, ",") == [] and find([], 2, ",") == []


def test_units_that_change_are_told(tmp_path: Path) -> None:
    found = table(tmp_path, "t,T,T_unit\n1,20,K\n2,30,C\n")
    assert found.units == {"T": "C and K"}
    assert table(tmp_path, "t,T,community\n1,20,K\n2,30,K\n").units == {}


def test_a_word_among_numbers_makes_a_column_of_texts(tmp_path: Path) -> None:
    found = table(tmp_path, "t,T,x\n1,20,\n2,off,\n3,nan,\n").columns
    assert found["T"].tolist() == ["20", "off", "nan"] and found["t"].tolist() == [1, 2, 3]
    numbers = table(tmp_path, "t,T\n1,20\n2,\n3,NaN\n").columns["T"].to_numpy(float)
    assert numbers[0] == 20 and numbers[1] != numbers[1] and numbers[2] != numbers[2]


def test_all_numbers_of_a_log_may_have_decimal_commas(tmp_path: Path) -> None:
    found = table(tmp_path, "time;T\n1,5;20,5\n2,5;30,5\n")
    assert found.decimal_comma and found.columns["T"].tolist() == [20.5, 30.5]
    assert not table(tmp_path, "time,T\n1.5,20.5\n").decimal_comma
