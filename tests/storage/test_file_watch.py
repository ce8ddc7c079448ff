"""A raw file that changes while it is read is told."""

import os
from pathlib import Path

import pytest
from hexrd.made_patterns import folder, one, told

from ssbchar.hexrd.patterns import read
from ssbchar.storage.file_watch import FileWatch


def test_size_time_and_removal_are_noticed(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    watch = FileWatch()
    for path in paths:
        path.write_text("1 2\n")
        watch.note(path)
    assert not watch.describe_changed()
    paths[1].write_text("1 2\n3 4\n")
    os.utime(paths[2], ns=(0, 0))
    paths[3].unlink()
    changed = watch.describe_changed()
    assert [fault.where for fault in changed] == [str(path) for path in paths[1:]]
    assert "changed while it was read" in changed[0].problem


def test_a_series_that_grows_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path)
    extract = read.extract

    def append(path: Path) -> object:
        found = extract(path)
        if path.name == "3.xye":
            path.write_text(path.read_text() + "9.0 1.0 1.0\n")
        return found

    monkeypatch.setattr(read, "extract", append)
    entries = told(one(tmp_path))
    assert [Path(entry["where"]).name for entry in entries] == ["3.xye"]
