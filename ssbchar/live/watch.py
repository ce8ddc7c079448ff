"""``ssbchar watch``: takes what arrives in the folders of a config, shows it, ends with the run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ssbchar.campaign import config as configs
from ssbchar.campaign.config import ConfiguredRun
from ssbchar.campaign.row import Row
from ssbchar.description import count_of
from ssbchar.errors import BadConfig, BadInput
from ssbchar.live.diffraction import DiffractionMeasurement
from ssbchar.live.measurement import LiveMeasurement, Plain
from ssbchar.live.server import Board, read_page, serve
from ssbchar.live.spectra import SpectraMeasurement, SpectraProcess
from ssbchar.storage.file_watch import read_state
from ssbchar.technique import Technique

SLOWER = 10.0
"""A look at all folders is followed by a rest of so many times what it took, at least."""
STEADY_SPECTRA = 2.0
"""Least time for which scans and experiments must be the same [s]: they are written point by
point."""
SECONDS_BETWEEN_PAGES = 0.5
SECONDS_UNSEEN = 5.0
"""Time between two states of the page that nobody looks at [s]."""
SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_CONFIGS = 2.0
NOT_FOLLOWED = ("calibrant",)
"""Roles whose files belong to another row."""


@dataclass(frozen=True, kw_only=True)
class WatchWords:
    """How folders are watched."""

    port: int = 8765
    """Of the page; 0 takes any that is free."""
    steady: float = 0.3
    """How long a file must be the same before it is read [s]."""
    every: float = 0.1
    """Time between two looks at the folders [s]."""
    until: int | None = None
    """End when so many frames, scans and experiments were taken or set aside."""


class Watcher:
    """All measurements of a config that are followed."""

    def __init__(self, config: str, words: WatchWords) -> None:
        """Read the config.

        Parameters
        ----------
        config : str
            The config file.
        words : WatchWords

        Raises
        ------
        BadConfig
            One line per fault.
        """
        self._config, self._words = config, words
        self._beside = SpectraProcess()
        self.measurements: dict[str, LiveMeasurement] = {}
        self._state: dict[Path, object] = {}
        self._next_config = 0.0
        self.faults: list[str] = []
        """Why rows are not followed, and what is wrong with the config since it was changed."""
        self.run = configs.read_config(config, look=True)
        self._begin(self.run)
        self._note_state()

    def _note_state(self) -> None:
        paths = (Path(self._config), Path(self.run.config.samples), Path(self.run.config.phases))
        self._state = {path: read_state(path) for path in paths}

    def _begin(self, run: ConfiguredRun) -> None:
        """Follow the rows that are good, and leave those that are no longer the same."""
        before = self.run
        wanted = {
            r.measurement: r
            for r in run.rows
            if r.measurement not in run.set_aside and r.role not in NOT_FOLLOWED
        }
        is_same = run.raw == before.raw
        for name, old in list(self.measurements.items()):
            if not is_same or _compare(old.row) != _compare(wanted.get(name)):
                self.measurements.pop(name).close()
        self.run, self.faults = run, [str(f) for found in run.set_aside.values() for f in found]
        for name, row in wanted.items():
            if name not in self.measurements:
                self.measurements[name] = self._open(row)

    def _open(self, row: Row) -> LiveMeasurement:
        if row.technique == Technique.HEXRD:
            return DiffractionMeasurement(self.run, row, self._words.steady)
        steady = max(self._words.steady, STEADY_SPECTRA)
        return SpectraMeasurement(self.run, row, steady, self._beside)

    def advance(self, now: float) -> list[str]:
        """Take what is there; return the measurements in which anything changed.

        Parameters
        ----------
        now : float
            `time.monotonic()` [s].
        """
        changed = self._read_config_again(now)
        for name, one in self.measurements.items():
            if one.advance(time.monotonic()):
                changed.append(name)
        return changed

    def _read_config_again(self, now: float) -> list[str]:
        """Read config and sheet again where they, or folders that were missing, have changed."""
        if now < self._next_config:
            return []
        self._next_config = now + SECONDS_BETWEEN_CONFIGS
        is_changed = any(read_state(path) != state for path, state in self._state.items())
        if not is_changed and not self.run.set_aside:
            return []
        before = (set(self.measurements), self.faults)
        try:
            run = configs.read_config(self._config, look=True)
        except BadConfig as error:
            self.faults = str(error).splitlines()
            return [] if before[1] == self.faults else ["config"]
        self._begin(run)
        self._note_state()
        return [] if before == (set(self.measurements), self.faults) else ["config"]

    @property
    def count(self) -> int:
        """Frames, scans and experiments that were taken or set aside."""
        return sum(one.count for one in self.measurements.values())

    def describe(self) -> Plain:
        """Return what the page shows, as plain data."""
        shown = []
        for name, one in self.measurements.items():
            row = one.row
            about = {"measurement": name, "sample": row.sample, "technique": row.technique}
            shown.append({**about, "role": row.role, **one.describe()})
        return {"faults": self.faults, "measurements": shown}

    def close(self) -> None:
        """Let another process go on."""
        for one in self.measurements.values():
            one.close()
        self._beside.close()


def _compare(row: Row | None) -> object:
    """Return what of a row makes it another one: all but its line."""
    return None if row is None else {**vars(row), "line": 0}


def watch(config: str, words: WatchWords, say: Callable[[str], None]) -> None:
    """Take what arrives in the folders of a config until there is enough, or until Ctrl-C.

    Parameters
    ----------
    config : str
        The config file; it, the sheet and missing folders are looked at again.
    words : WatchWords
    say : callable
        Prints a line.

    Raises
    ------
    BadConfig
        One line per fault of the config.
    BadInput
        Another watch is at work on a measurement, or the port is taken.
    """
    from threadpoolctl import threadpool_limits

    board = Board()
    watcher = Watcher(config, words)
    page = read_page(watcher.run.config.run)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        # The matrices of a frame are small: threads that share one wait for each other.
        with threadpool_limits(1, "blas"), serve(board, page, words.port) as address:
            say(f"{config}: {count_of(len(watcher.measurements), 'measurement')} followed")
            say(f"page: {address}   (Ctrl-C ends)")
            _follow(watcher, words, board, say)
    except KeyboardInterrupt:
        say("stopped; what was taken is kept, the next watch goes on from it")
    finally:
        signal.signal(signal.SIGTERM, before)
        watcher.close()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _follow(watcher: Watcher, words: WatchWords, board: Board, say: Callable[[str], None]) -> None:
    """Look, take, show, rest, until there is enough."""
    teller = _Teller(say)
    started, shown_at, is_behind = time.time(), -SECONDS_UNSEEN, True
    for line in watcher.faults:
        say(f"not followed: {line}")
    while True:
        begun = time.monotonic()
        changed = watcher.advance(begun)
        teller.tell(watcher, changed)
        is_behind = is_behind or bool(changed)
        now = time.monotonic()
        is_enough = words.until is not None and watcher.count >= words.until
        rest = SECONDS_BETWEEN_PAGES if board.is_looked_at else SECONDS_UNSEEN
        if is_enough or (is_behind and now - shown_at >= rest):
            board.publish(
                {
                    "run": watcher.run.config.run,
                    "started": started,
                    "now": time.time(),
                    "ended": is_enough,
                    "process": os.getpid(),
                    **watcher.describe(),
                }
            )
            shown_at, is_behind = time.monotonic(), False
        if is_enough:
            teller.tell(watcher, list(watcher.measurements), at_once=True)
            return
        took = time.monotonic() - begun
        # A look at a large folder over a network costs; frames that are there do not wait.
        time.sleep(0.0 if changed else max(words.every, min(SLOWER * took, 2.0)))


class _Teller:
    """Lines on the terminal: one per measurement now and then."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[str, tuple[float, int]] = {}
        self._faults: list[str] = []

    def tell(self, watcher: Watcher, changed: list[str], *, at_once: bool = False) -> None:
        """Say what was taken since the last line."""
        now = time.monotonic()
        if "config" in changed and watcher.faults != self._faults:
            self._faults = watcher.faults
            for line in watcher.faults:
                self._say(f"not followed: {line}")
        for name, one in watcher.measurements.items():
            at, count = self._said.get(name, (-SECONDS_BETWEEN_LINES, 0))
            if one.count != count and (at_once or now - at >= SECONDS_BETWEEN_LINES):
                self._say(f"{name}: {summarise(one.describe())}")
                self._said[name] = (now, one.count)


def summarise(state: Plain) -> str:
    """Return a line about a measurement.

    Parameters
    ----------
    state : dict
        From its `describe`.
    """
    if state["kind"] == "frames":
        taken, unit = state["history"]["frames"], "frame"
    else:
        taken, unit = state["taken"], state["unit"].removesuffix("s")
    parts = [count_of(taken, unit)]
    if state["set_aside"]["count"]:
        parts.append(f"{state['set_aside']['count']} set aside")
    if latency := state["latency"]:
        parts.append(
            f"shown after {latency['last']:.2f} s (median {latency['median']:.2f}, 95 % below "
            f"{latency['most']:.2f}, largest {latency['largest']:.2f})"
        )
    return ", ".join(parts)


def check_words(words: WatchWords) -> None:
    """Refuse numbers that make no sense.

    Parameters
    ----------
    words : WatchWords

    Raises
    ------
    BadInput
        One of them is out of its range.
    """
    limits = {
        "--port": (words.port, 0, 65535),
        "--steady": (words.steady, 0.0, 3600.0),
        "--every": (words.every, 0.01, 3600.0),
        "--until": (words.until if words.until is not None else 1, 1, 10**9),
    }
    for word, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise BadInput(f"{word} {value:g}", "is out of range", f"give {low:g} to {high:g}")
