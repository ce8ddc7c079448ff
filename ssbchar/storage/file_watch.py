"""Raw files that change while they are read: a copy that is not finished, a scan that goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ssbchar.errors import BadInput

FileState = tuple[int, int]
"""Size [byte] and time of the last change [ns]."""


@dataclass(frozen=True, kw_only=True)
class FileWatch:
    """Size and time of files when they were opened."""

    seen: dict[Path, FileState] = field(default_factory=dict)

    def note(self, path: Path) -> None:
        """Note a file before it is read.

        Parameters
        ----------
        path : Path
        """
        self.seen[path] = read_state(path)

    def describe_changed(self) -> list[BadInput]:
        """Return a fault for each file that has changed since it was noted [bytes, time]."""
        remedy = "wait until it is complete, then run the step again"
        return [
            BadInput(path, "the file changed while it was read", remedy)
            for path, state in self.seen.items()
            if read_state(path) != state
        ]


def read_state(path: Path) -> FileState:
    """Return size [byte] and time of the last change [ns] of a file; zeros where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
