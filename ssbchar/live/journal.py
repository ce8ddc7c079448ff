"""What was taken, one line of JSON after the other, each on the disk before it is shown: a killed
watch goes on from there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput

FOLDER = Path("results/.live")
"""Where journals are kept, apart from the results of runs, which they are no part of."""
OLD = ".old"
"""Added to the name of a journal that no longer belongs to its measurement."""

Entry = dict[str, Any]


class Journal:
    """The journal of one measurement; one process has it open."""

    def __init__(self, path: Path, belongs_to: Mapping[str, Any]) -> None:
        """Open the journal, and begin a new one where the one that is there is of something else.

        Parameters
        ----------
        path : Path
        belongs_to : mapping
            All that its entries depend on beside the raw files: row, options, phases, code.

        Raises
        ------
        BadInput
            Another process writes to it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _open_alone(path)
        self.began_anew = False
        """Whether there was a journal of something else, which is kept beside it."""
        head: Entry = {"belongs_to": json.loads(json.dumps(belongs_to))}
        first = self._cut_off_torn_line()
        if first == head:
            return
        if first is not None:
            self.began_anew = True
            os.replace(path, path.with_name(path.name + OLD))
            self._file.close()
            self._file = _open_alone(path)
        self.append(head)

    def _cut_off_torn_line(self) -> Entry | None:
        """Cut off what a killed process left of a line; return the first entry, if there is one."""
        first, end = None, 0
        self._file.seek(0)
        for line in self._file:
            entry = _read_line(line)
            if entry is None:
                break
            first = first or entry
            end += len(line)
        self._file.truncate(end)
        return first

    def read(self) -> Iterator[Entry]:
        """Yield what was there when it was opened, and what was added, one by one."""
        self._file.seek(0)
        next(self._file)
        for line in self._file:
            yield json.loads(line)

    def append(self, entry: Entry) -> None:
        """Write an entry; it is on the disk when this returns.

        Parameters
        ----------
        entry : dict
            Plain data.
        """
        self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()


def _read_line(line: bytes) -> Entry | None:
    """Return the entry of a whole line, None of a torn one."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if line.endswith(b"\n") and isinstance(entry, dict) else None


def _open_alone(path: Path) -> Any:
    """Open a file for reading and appending that no other process has open like this."""
    file = open(path, "a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        problem = "another `ssbchar watch` writes to it"
        raise BadInput(path, problem, "let that one end, or stop it") from None
    return file
