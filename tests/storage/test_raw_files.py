"""Raw files: in natural order, with known digests."""

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import raw_files

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of ``abc``, FIPS 180-2, appendix B.1."""


def test_files_are_found_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.xye", "2.XYE", "1.csv", ".hidden.xye", ".folder/3.xye", "deep/4.xye"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    names = [p.name for p in raw_files.find_files(tmp_path, (".xye",))]
    assert names == ["2.XYE", "10.xye", "4.xye"]
    assert [p.name for p in raw_files.find_files(f"{tmp_path}/*.csv")] == ["1.csv"]
    with pytest.raises(BadInput, match=r"no file ending in \.dat"):
        raw_files.find_files(tmp_path, (".dat",))
    count, digest = raw_files.hash_files(tmp_path)
    (tmp_path / "deep/4.xye").write_text("changed")
    assert count == 4 and raw_files.hash_files(tmp_path) != (count, digest)
    assert raw_files.hash_files(tmp_path / "1.csv") == (1, raw_files.hash_file(tmp_path / "1.csv"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("$SSB_A/x", "here/x"),
        ("${SSB_A}/x", "here/x"),
        ("${SSB_A:-there}/x", "here/x"),
        ("${SSB_NONE:-there}/x", "there/x"),
        ("${SSB_EMPTY:-there}/x", "there/x"),
        ("${SSB_NONE:-}/x", "/x"),
        ("$SSB_NONE/x", "$SSB_NONE/x"),
        ("${SSB_NONE:-a}/${SSB_A:-b}", "a/here"),
        ("plain/x", "plain/x"),
    ],
)
def test_paths_take_the_environment(
    given: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSB_A", "here")
    monkeypatch.setenv("SSB_EMPTY", "")
    monkeypatch.delenv("SSB_NONE", raising=False)
    assert raw_files.expand_path(given) == expected


def test_numbers_sort_by_value_and_before_letters() -> None:
    names = ["b2", "b10", "b", "a10c2", "a9", "10", "9", "a10c10"]
    found = sorted(map(Path, names), key=raw_files.natural_sort_key)
    assert [p.name for p in found] == ["9", "10", "a9", "a10c2", "a10c10", "b", "b2", "b10"]


def test_one_file_means_itself_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_text("abc")
    assert raw_files.find_files(tmp_path / "x.dat", (".xye",)) == [tmp_path / "x.dat"]


def test_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    for name in ("a", ".b", ".c/d", "e/.f/g", "e/h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert raw_files.find_files(tmp_path) == [tmp_path / "a", tmp_path / "e/h"]


def test_a_glob_means_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a1").mkdir()
    (tmp_path / "a2").write_text("")
    assert raw_files.find_files(tmp_path / "a*") == [tmp_path / "a2"]
    with pytest.raises(BadInput, match="no file; check the path in the sample sheet"):
        raw_files.find_files(tmp_path / "b*")


def test_a_known_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert raw_files.hash_file(tmp_path / "abc") == ABC
    monkeypatch.setattr(raw_files, "HASH_BLOCK_BYTES", 2)
    assert raw_files.hash_file(tmp_path / "abc") == ABC, "whatever the block"
    with pytest.raises(OSError) as caught:
        raw_files.hash_file(tmp_path / "none")
    assert os.fspath(caught.value.filename) == str(tmp_path / "none")


def test_an_error_while_reading_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingDisk(io.BytesIO):
        def readinto(self, _: object) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(raw_files, "open", lambda *_, **__: FailingDisk(), raising=False)
    with pytest.raises(OSError, match="Input/output error") as caught:
        raw_files.hash_file(tmp_path / "abc")
    assert caught.value.filename == str(tmp_path / "abc")


def test_the_digest_of_a_folder_by_hand(tmp_path: Path) -> None:
    for name in ("10", "2"):
        (tmp_path / name).write_bytes(b"abc")
    by_hand = hashlib.sha256(f"2 {ABC}\n10 {ABC}\n".encode()).hexdigest()
    assert raw_files.hash_files(tmp_path) == (2, by_hand)
    assert raw_files.hash_files(tmp_path / "*") == (2, by_hand), "a glob from its common folder"
    assert raw_files.hash_files(tmp_path / "2") == (1, ABC)


def test_a_stamp_changes_with_size_and_time(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("abc")
    os.utime(file, ns=(0, 10**9))
    first = raw_files.stamp_files(tmp_path)
    by_hand = hashlib.sha256(f"{file}|3|1000000000\n".encode()).hexdigest()[:16]
    assert first == by_hand
    os.utime(file, ns=(0, 2 * 10**9))
    assert raw_files.stamp_files(tmp_path) != first


def test_raw_files_and_log_are_listed_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name, text in (("raw/10", "abc"), ("raw/2", ""), ("log.txt", "abcd")):
        (tmp_path / name).write_text(text)
    table = raw_files.list_raw_files([tmp_path / "raw"], [tmp_path / "log.txt"])
    assert list(table.columns) == ["path", "bytes", "sha256"]
    assert [Path(path).name for path in table["path"]] == ["2", "10", "log.txt"]
    assert table["bytes"].tolist() == [0, 3, 4] and table["sha256"][1] == ABC


def test_rows_of_a_small_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,b\n1,"x, y"\n2,\n', encoding="utf-8")
    assert raw_files.read_rows(tmp_path / "t.csv") == [
        {"a": "1", "b": "x, y"},
        {"a": "2", "b": ""},
    ]


def test_a_glob_of_experiments_means_their_files(tmp_path: Path) -> None:
    for name in ("10", "2", "other"):
        (tmp_path / name / "pdata").mkdir(parents=True)
        (tmp_path / name / "fid").write_bytes(b"x")
        (tmp_path / name / "pdata/title").write_bytes(b"x")
    (tmp_path / "2/acqus").write_bytes(b"x")
    (tmp_path / "10/acqus").write_bytes(b"x")
    found = raw_files.find_files(tmp_path / "*")
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["2/acqus", "2/fid", "2/pdata/title", "10/acqus", "10/fid", "10/pdata/title"]
    assert raw_files.holds_files(tmp_path / "1*")
    assert not raw_files.holds_files(tmp_path / "o*")
