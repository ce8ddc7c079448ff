"""What a run's steps wrote: size, time and sha256 of every file, by which the next run notices what
was damaged or removed since.

``results/<run>/logs/written.<host>.jsonl``, one line per output of a step, added when it is
written; each machine has a file of its own, for machines cannot append to one file of a network
folder at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ssbchar.storage import raw_files

LOGS = "logs"
"""Folder of a run that holds logs and ledgers."""
PATTERN = "written.*.jsonl"
MOST_HISTORY = 4
"""Lines per output above which a ledger is shortened."""
Files = Mapping[str, tuple[int, int, str]]
"""Size [byte], time of modification [ns] and sha256 of each file, by its path below an output; a
file that is an output itself has the path ``""``."""


class Damage(StrEnum):
    """What became of a file since a step wrote it."""

    CHANGED = "changed since its step wrote it"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class WrittenOutput:
    """An output of a step as it was written."""

    path: str
    files: Files

    @property
    def time(self) -> int:
        """When it was written, by the clock of the file system [ns]."""
        return max((time for _, time, _ in self.files.values()), default=0)


@dataclass(frozen=True, kw_only=True)
class DamagedOutput:
    """An output that is no longer what its step wrote."""

    path: str
    file: str
    """Its first file that differs."""
    damage: Damage


def record_outputs(log: Path, outputs: Sequence[Path]) -> None:
    """Add the outputs that a step wrote to the ledger of its run.

    Parameters
    ----------
    log : Path
        The step's log in ``results/<run>/logs/``; with a log elsewhere nothing is recorded.
    outputs : sequence of Path
        Files and folders.
    """
    logs = next((folder for folder in log.parents if folder.name == LOGS), None)
    if logs is None:
        return
    written = [_describe_output(path) for path in outputs]
    _append(_name_ledger(logs), written)


def _describe_output(path: Path) -> WrittenOutput:
    inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    files = {}
    for file in inside:
        info = file.stat()
        name = "" if file == path else file.relative_to(path).as_posix()
        files[name] = (info.st_size, info.st_mtime_ns, raw_files.hash_file(file))
    return WrittenOutput(path=path.as_posix(), files=files)


def _name_ledger(logs: Path) -> Path:
    return logs / PATTERN.replace("*", socket.gethostname())


def _shorten(ledger: Path) -> None:
    """Remove all but the last line of each output where most of a ledger is history."""
    with open(ledger, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines(keepends=True)
        last = {_name_output(line): line for line in lines}
        if len(lines) > MOST_HISTORY * len(last):
            file.seek(0)
            file.write(b"".join(last.values()))
            file.truncate()


def _name_output(line: bytes) -> str:
    try:
        return _read_line(line).path
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _append(ledger: Path, written: Iterable[WrittenOutput]) -> None:
    lines = [json.dumps({"output": one.path, "files": one.files}) + "\n" for one in written]
    with open(ledger, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("".join(lines).encode())


def read_ledgers(logs: Path) -> dict[str, WrittenOutput]:
    """Return the last writing of each output of a run, by path.

    Lines that cannot be read are passed over: of their outputs nothing is known.
    """
    last: dict[str, WrittenOutput] = {}
    for ledger in sorted(logs.glob(PATTERN)):
        # Within a ledger the order counts, between those of two machines the time.
        own: dict[str, WrittenOutput] = {}
        for line in ledger.read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                one = _read_line(line)
                own[one.path] = one
        later = {k: one for k, one in own.items() if k not in last or last[k].time <= one.time}
        last |= later
    return last


def _read_line(line: bytes) -> WrittenOutput:
    content = json.loads(line)
    files = {
        str(name): (int(size), int(time), str(digest))
        for name, (size, time, digest) in content["files"].items()
    }
    return WrittenOutput(path=str(content["output"]), files=files)


def find_damaged(logs: Path, *, hash_all: bool = False) -> list[DamagedOutput]:
    """Return the outputs of a run that are gone or no longer what their steps wrote.

    A file of the recorded size and time is taken for unchanged, one of the size alone is hashed;
    its new time is then recorded.

    Parameters
    ----------
    logs : Path
        ``results/<run>/logs``.
    hash_all : bool
        Hash every file.
    """
    damaged, touched = [], []
    for one in read_ledgers(logs).values():
        times: dict[str, int] = {}
        found = None
        for name, known in one.files.items():
            path = Path(one.path, name)
            damage = _judge_file(path, known, times, name, hash_all=hash_all)
            if damage:
                found = DamagedOutput(path=one.path, file=path.as_posix(), damage=damage)
                break
        if found:
            damaged.append(found)
        elif times:
            files = {
                name: (size, times.get(name, time), digest)
                for name, (size, time, digest) in one.files.items()
            }
            touched.append(replace(one, files=files))
    if touched:
        _append(_name_ledger(logs), touched)
        _shorten(_name_ledger(logs))
    return damaged


def _judge_file(
    path: Path, known: tuple[int, int, str], times: dict[str, int], name: str, *, hash_all: bool
) -> Damage | None:
    """Return what became of a file; add its new time where only that differs."""
    size, time, digest = known
    try:
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Damage.GONE
    if info.st_size != size or not path.is_file():
        return Damage.CHANGED
    if info.st_mtime_ns == time and not hash_all:
        return None
    if raw_files.hash_file(path) != digest:
        return Damage.CHANGED
    if info.st_mtime_ns != time:
        times[name] = info.st_mtime_ns
    return None
