"""Files that arrive in a folder, each given out once it is whole.

The folder is looked at again and again. Network file systems, which beamlines write to, tell
nobody of what another machine wrote, so there is nothing to be woken by; and that a file is
finished can only be seen by looking at it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ssbchar.storage.file_watch import FileState, read_state

PATIENCE = 5.0
"""Time for which a file that does not change is tried again before it is refused [s]."""
SECONDS_BETWEEN_TRIES = 1.0
LOOKED_AT_AGAIN = 200
"""Taken files that are looked at again each time: they may be written anew."""
LEAST_LOOKS = 2
"""Looks at which a file must be the same."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A file that is whole, as far as can be seen."""

    path: Path
    state: FileState
    """As it was when it was looked at."""
    since: float
    """When it was first seen like this, by the clock that is given to `Arrivals.look`."""
    was_there: bool = False
    """It was there before anybody looked."""


@dataclass(kw_only=True)
class _Waiting:
    """A file that is not taken yet; changed in place."""

    state: FileState
    since: float
    was_there: bool
    looks: int = 1
    not_before: float = 0.0
    """When it is tried again [s]."""


class Arrivals:
    """The files of one measurement, from their first byte to when they are taken."""

    def __init__(
        self,
        list_paths: Callable[[], Iterable[Path]],
        steady: float,
        taken: Mapping[Path, FileState] | None = None,
    ) -> None:
        """Begin to look.

        Parameters
        ----------
        list_paths : callable
            Returns the files there are, in the order they are taken.
        steady : float
            How long size and time of a file must stay the same [s].
        taken : mapping of Path to FileState, optional
            Files that were taken before.
        """
        self._list_paths, self._steady = list_paths, steady
        self._taken = dict(taken or {})
        self._waiting: dict[Path, _Waiting] = {}
        self._next = 0
        self._is_first_look = True

    @property
    def waiting(self) -> list[Path]:
        """Files that are there and not taken."""
        return list(self._waiting)

    @property
    def taken(self) -> list[Path]:
        """Files that were taken or refused, and have not changed since."""
        return list(self._taken)

    def look(self, now: float) -> list[Arrival]:
        """Return the files that can be taken, in order.

        Parameters
        ----------
        now : float
            A time that only rises [s].
        """
        paths = list(self._list_paths())
        self._look_again(paths)
        listed = set(paths)
        for path in [path for path in self._waiting if path not in listed]:
            del self._waiting[path]
        ready = []
        for path in paths:
            if path in self._taken:
                continue
            state, before = read_state(path), self._waiting.get(path)
            if before is None or before.state != state:
                self._waiting[path] = _Waiting(
                    state=state, since=now, was_there=self._is_first_look
                )
                continue
            before.looks += 1
            is_steady = before.looks >= LEAST_LOOKS and now - before.since >= self._steady
            # An empty file is one that is about to be written.
            if is_steady and state[0] > 0 and now >= before.not_before:
                ready.append(
                    Arrival(path=path, state=state, since=before.since, was_there=before.was_there)
                )
        self._is_first_look = False
        return ready

    def _look_again(self, paths: list[Path]) -> None:
        """Find files among those taken that were written anew, some at each look."""
        if self._next >= len(paths):
            self._next = 0
        for path in paths[self._next : self._next + LOOKED_AT_AGAIN]:
            if path in self._taken and read_state(path) != self._taken[path]:
                del self._taken[path]
        self._next += LOOKED_AT_AGAIN

    def accept(self, arrival: Arrival) -> None:
        """Take a file off the list; it is given out again only if it changes.

        Parameters
        ----------
        arrival : Arrival
            From `look`.
        """
        self._taken[arrival.path] = arrival.state
        self._waiting.pop(arrival.path, None)

    def put_off(self, arrival: Arrival, now: float) -> bool:
        """Try a file again later that cannot be read yet; return whether there is a point in it, a
        bool: False once it has been the same for `PATIENCE`.

        Parameters
        ----------
        arrival : Arrival
            From `look`.
        now : float
            [s], as for `look`.
        """
        if now - arrival.since >= PATIENCE:
            return False
        if arrival.path in self._waiting:
            self._waiting[arrival.path].not_before = now + SECONDS_BETWEEN_TRIES
        return True
