"""The page of the data model holds every table of variables, and keeps its own text."""

from pathlib import Path

import pytest

from ssbchar.campaign import data_model

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / data_model.DATA_MODEL_PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("technique", data_model.ROOMS)
def test_page_and_tables_agree(technique: str) -> None:
    tables = data_model.list_tables(technique)
    assert tables
    for table in tables:
        assert table.page() in PAGE, "run `ssbchar schema`"
        assert f"| `{table.file}` |" in PAGE or f"`{table.file}` from" in PAGE


def test_no_table_is_overlooked() -> None:
    listed = {
        ROOT / "ssbchar" / Path(*room.split(".")) / f"{name}.py"
        for rooms in data_model.ROOMS.values()
        for room in rooms
        for name in data_model.TABLE_MODULES
    }
    makers = {
        path
        for path in (ROOT / "ssbchar").rglob("*.py")
        if "= OutputTable(" in path.read_text(encoding="utf-8")
    }
    assert makers <= listed


def test_tables_are_written_between_their_marks_alone() -> None:
    marks = [
        f"<!-- tables: {technique} -->\nold\n<!-- end of tables -->\n{technique} stays\n"
        for technique in data_model.ROOMS
    ]
    filled = data_model.fill_page("first line\n" + "".join(marks))
    assert filled.startswith("first line\n<!-- tables: hexrd -->\n### `patterns.nc`\n")
    assert "old" not in filled.splitlines()
    assert all(f"<!-- end of tables -->\n{t} stays\n" in filled for t in data_model.ROOMS)
    assert data_model.fill_page(filled) == filled
    with pytest.raises(ValueError, match="tables: nmr"):
        data_model.fill_page("".join(marks[:2]))
