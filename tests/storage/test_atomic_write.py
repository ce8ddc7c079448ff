"""An output is whole or not there; a failing disk is told from wrong data."""

import errno
from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write


def test_a_folder_replaces_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "old.svg").write_text("old")
    with atomic_write.replace_atomically(folder) as part:
        part.mkdir()
        (part / "new.svg").write_text("new")
        assert (folder / "old.svg").is_file()
    assert [p.name for p in folder.iterdir()] == ["new.svg"]


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".a[1].nc.host-1.part").write_text("half")
    (tmp_path / ".a1.nc.host-1.part").write_text("of another output")
    with atomic_write.replace_atomically(tmp_path / "a[1].nc") as part:
        part.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a1.nc.host-1.part", "a[1].nc"]


def test_a_machine_fault_is_found_behind_an_error() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/a.nc")
    wrapped = BadInput("a.xye", "cannot be read", "check it")
    wrapped.__cause__ = full
    assert atomic_write.find_machine_fault(wrapped) is full
    assert atomic_write.find_machine_fault(FileNotFoundError(errno.ENOENT, "gone")) is None
    atomic_write.raise_machine_fault(BadInput("a.xye", "is empty", "measure it again"))
    with pytest.raises(OSError, match="No space"):
        atomic_write.raise_machine_fault(wrapped)
    assert atomic_write.describe_machine_fault(full) == (
        "/data/a.nc: No space left on device; free space there, then run again: "
        "finished steps are kept"
    )


def test_a_file_keeps_its_first_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = atomic_write.FaultKeepingFile(tmp_path / "a.nc")
    assert file.write(b"12345") == 5
    file.raise_fault()
    file.seek(1)
    content = bytearray(2)
    assert file.readinto(content) == 2 and bytes(content) == b"23"
    assert file.tell() == 3
    inner = file._file
    inner.close()
    file._fault = OSError(errno.EIO, "Input/output error")
    assert file.write(b"67") == 2, "after a fault writes go nowhere"
    with pytest.raises(OSError, match="Input/output"):
        file.raise_fault()
