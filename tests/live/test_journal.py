"""A journal keeps every whole line, cuts off a torn one, and belongs to one process and one
measurement."""

from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.live.journal import Journal


def reopened(path: Path, **belongs_to: object) -> Journal:
    return Journal(path, {"row": "a", **belongs_to})


def test_entries_are_there_after_it_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "folder/a.jsonl"
    journal = reopened(path)
    assert list(journal.read()) == [] and not journal.began_anew
    journal.append({"frame": [1, 2.5, float("nan")]})
    journal.append({"frame": 2})
    journal.close()
    first, second = reopened(path).read()
    assert second == {"frame": 2} and first["frame"][:2] == [1, 2.5]


@pytest.mark.parametrize("left", [b'{"frame": 2', b"\x00\x00\x00", b'{"frame": 2}'])
def test_what_a_killed_process_left_of_a_line_is_cut_off(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "a.jsonl"
    journal = reopened(path)
    journal.append({"frame": 1})
    journal.close()
    with open(path, "ab") as file:
        file.write(left)
    again = reopened(path)
    assert list(again.read()) == [{"frame": 1}]
    again.append({"frame": 3})
    again.close()
    assert list(reopened(path).read()) == [{"frame": 1}, {"frame": 3}]


def test_a_journal_of_something_else_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = reopened(path)
    journal.append({"frame": 1})
    journal.close()
    other = reopened(path, options={"search": 0.02})
    assert list(other.read()) == [] and other.began_anew
    other.close()
    assert b'"frame": 1' in (tmp_path / "a.jsonl.old").read_bytes()
    assert list(reopened(path, options={"search": 0.02}).read()) == []


def test_a_second_process_is_told(tmp_path: Path) -> None:
    journal = reopened(tmp_path / "a.jsonl")
    with pytest.raises(BadInput, match="another `ssbchar watch`"):
        reopened(tmp_path / "a.jsonl")
    journal.close()
    reopened(tmp_path / "a.jsonl").close()
