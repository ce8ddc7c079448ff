"""What a step wrote is known to the next run: damage is noticed by size, time and hash, and nothing
else is."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ssbchar.pipeline import ledger
from ssbchar.pipeline.ledger import Damage


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with a file and a folder that a step wrote."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/demo")
    (folder / "logs/nmr/a").mkdir(parents=True)
    (folder / "figures/sub").mkdir(parents=True)
    for name in ("a.nc", "figures/x.svg", "figures/sub/y.txt"):
        (folder / name).write_text(f"content of {name}")
    write(folder)
    return folder


def write(folder: Path) -> None:
    outputs = [folder / "a.nc", folder / "figures"]
    ledger.record_outputs(folder / "logs/nmr/a/fit.log", outputs)


def found(folder: Path, *, hash_all: bool = False) -> list[tuple[str, str, Damage]]:
    damaged = ledger.find_damaged(folder / "logs", hash_all=hash_all)
    return [(one.path, one.file, one.damage) for one in damaged]


def test_what_is_untouched_is_not_even_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.raw_files, "hash_file", lambda path: 1 / 0)
    assert found(run) == []


def test_a_flipped_bit_a_cut_and_a_lost_file_are_noticed(run: Path) -> None:
    content = (run / "a.nc").read_bytes()
    (run / "a.nc").write_bytes(content[:-1] + b"!")
    assert found(run) == [("results/demo/a.nc", "results/demo/a.nc", Damage.CHANGED)]
    (run / "a.nc").write_bytes(content[:-1])
    assert found(run) == [("results/demo/a.nc", "results/demo/a.nc", Damage.CHANGED)]
    (run / "a.nc").unlink()
    assert found(run) == [("results/demo/a.nc", "results/demo/a.nc", Damage.GONE)]
    (run / "a.nc").mkdir()
    assert found(run)[0][2] is Damage.CHANGED
    (run / "a.nc").rmdir()
    (run / "a.nc").write_bytes(content)
    assert found(run) == []


def test_a_file_in_a_folder_is_damage_of_the_folder(run: Path) -> None:
    (run / "figures/sub/y.txt").unlink()
    assert found(run) == [("results/demo/figures", "results/demo/figures/sub/y.txt", Damage.GONE)]
    shutil.rmtree(run / "figures")
    (run / "figures").write_text("no folder")
    assert [one[0] for one in found(run)] == ["results/demo/figures"]


def test_damage_that_keeps_size_and_time_is_found_by_hashing_all(run: Path) -> None:
    info = (run / "a.nc").stat()
    (run / "a.nc").write_bytes((run / "a.nc").read_bytes()[:-1] + b"!")
    os.utime(run / "a.nc", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert found(run) == []
    assert [one[0] for one in found(run, hash_all=True)] == ["results/demo/a.nc"]


def test_a_copy_with_new_times_is_hashed_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (run / "a.nc", run / "figures/x.svg"):
        os.utime(path, ns=(5, 5))
    assert found(run) == []
    monkeypatch.setattr(ledger.raw_files, "hash_file", lambda path: 1 / 0)
    assert found(run) == []
    os.utime(run / "a.nc", ns=(6, 6))
    with pytest.raises(ZeroDivisionError):
        found(run)


def test_an_output_that_is_written_anew_is_known_by_its_last_writing(run: Path) -> None:
    for size in range(12):
        (run / "a.nc").write_text("n" * size)
        (run / "figures/x.svg").unlink(missing_ok=True)
        write(run)
    assert found(run) == []
    (book,) = (run / "logs").glob(ledger.PATTERN)
    assert len(book.read_bytes().splitlines()) == 26
    (run / "a.nc").touch()
    assert found(run) == []
    assert len(book.read_bytes().splitlines()) == 2
    assert found(run) == []


def test_another_machine_s_ledger_counts_where_it_is_later(run: Path) -> None:
    (book,) = (run / "logs").glob(ledger.PATTERN)
    book.rename(run / "logs/written.another.jsonl")
    (run / "a.nc").write_text("made anew here")
    write(run)
    assert found(run) == []


@pytest.mark.parametrize("line", [b"\xff\n", b"{}\n", b"[1]\n", b'{"output": "x", "files": 3}\n'])
def test_a_damaged_line_of_the_ledger_is_passed_over(run: Path, line: bytes) -> None:
    (book,) = (run / "logs").glob(ledger.PATTERN)
    first, second = book.read_bytes().splitlines(keepends=True)
    book.write_bytes(first + line + second[: len(second) // 2])
    assert found(run) == []
    (run / "a.nc").write_text("x")
    assert len(found(run)) == 1
    assert json.loads(first)["output"] == "results/demo/a.nc"


def test_without_a_run_s_log_nothing_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_text("x")
    ledger.record_outputs(tmp_path / "a.log", [tmp_path / "a.nc"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
