"""Cells that a spreadsheet would run are marked, numbers are not, and all come back."""

from pathlib import Path

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from ssbchar.storage import raw_files, spreadsheet, store

MADE_BY = {"step": "t"}


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "-0.0003..0.0056",
        "--5",
        "-",
        "＝1",
        "'=1",
        " '=1",
        "' '=1",
        "-1.5.2",
        "-inf",
    ],
)
def test_what_may_run_is_marked(text: str) -> None:
    assert spreadsheet.escape_cell(text) == "'" + text
    assert spreadsheet.unescape_cell("'" + text) == text


@pytest.mark.parametrize(
    "text", ["", "-1.5", "+3", "-0.5e-3", "-.5", "-5.", "a=b", "'", "'quoted'", "LAGP", "1-2"]
)
def test_numbers_and_words_stay(text: str) -> None:
    assert spreadsheet.escape_cell(text) == text
    assert spreadsheet.unescape_cell(text) == text


@given(st.text(alphabet="'=+-@ \t\r\n1.e＝a", max_size=8))
def test_every_cell_comes_back(text: str) -> None:
    escaped = spreadsheet.escape_cell(text)
    assert spreadsheet.unescape_cell(escaped) == text
    first = escaped[:1]
    assert first not in tuple("=+-@＝\t\r\n") or spreadsheet.NUMBER.fullmatch(escaped)


def test_tables_are_written_marked_and_read_as_they_were(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"sample": ["=1+1", "-3", "plain"], "=x": [-1.5, 2.0, 3.0], "note": ["@a", "", "'=b"]}
    )
    path = tmp_path / "t.csv"
    store.save(table, path, MADE_BY, {})
    assert path.read_text() == "sample,'=x,note\n'=1+1,-1.5,'@a\n-3,2.0,\nplain,3.0,''=b\n"
    loaded = store.load(path)
    assert isinstance(loaded, pd.DataFrame)
    pd.testing.assert_frame_equal(loaded.fillna(""), table)
    rows = raw_files.read_rows(path)
    assert rows[0] == {"sample": "=1+1", "=x": "-1.5", "note": "@a"}
    assert rows[2]["note"] == "'=b"
