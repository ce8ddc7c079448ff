"""The temperature of frames as they come: from their headers, or from a furnace log that may be
behind them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.join import join_to_log
from ssbchar.hexrd.furnace.log import FurnaceLog, read_log
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.storage.file_watch import FileState, read_state
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

NEEDED = ("source_file", "time", "temperature_header")
"""What of a pattern tells its temperature."""
REST = 10.0
"""A log is read again after so many times what reading it took: a long one costs little then."""
MOST_PENDING = 10_000
"""Frames that wait for the log; older ones are not looked up again."""

FrameKey = tuple[str, int]
"""File of a frame, and its number in the file from 0."""


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """A frame that the log does not cover yet."""

    keys: tuple[FrameKey, ...]
    patterns: xr.Dataset
    """`NEEDED` of each."""


class FrameTemperatures:
    """Temperatures of the frames of a series, looked up one after the other."""

    def __init__(self, log: Path | None, options: Furnace) -> None:
        self._log, self._options = log, options
        self._pending: list[_Pending] = []
        self._table: FurnaceLog | None = None
        self._state: FileState = (0, 0)
        self._not_before = 0.0
        self._is_news = False
        self.fault: BadInput | None = None
        """Why the log tells no temperature at present."""

    def find(self, keys: tuple[FrameKey, ...], patterns: xr.Dataset) -> Array:
        """Return the temperatures of the frames of a file [degC], shape (frames,); NaN where none
        is known yet.

        Parameters
        ----------
        keys : tuple of FrameKey
        patterns : Dataset
            Of these frames.
        """
        needed = patterns[list(NEEDED)].load()
        needed.attrs = dict(patterns.attrs)
        self._read_log()
        found = self._join(needed)
        if self._log is not None and not np.isfinite(found).all():
            self._pending = [*self._pending, _Pending(keys=keys, patterns=needed)][-MOST_PENDING:]
        return found

    def expect(self, frames: dict[FrameKey, tuple[str, float]]) -> None:
        """Wait for the temperatures of frames of an earlier watch.

        Parameters
        ----------
        frames : dict of FrameKey to tuple
            Name of each one's file, and its time [s since 1970-01-01 UTC].
        """
        import xarray as xr

        if not frames or self._log is None:
            return
        names, times = zip(*frames.values(), strict=True)
        columns = (np.array(names, object), np.array(times, float), np.full(len(names), np.nan))
        variables = dict(zip(NEEDED, columns, strict=True))
        patterns = xr.Dataset({name: ("frame", column) for name, column in variables.items()})
        patterns = patterns.assign_coords(frame=np.arange(1, len(names) + 1))
        self._pending.append(_Pending(keys=tuple(frames), patterns=patterns))
        self._is_news = True

    def catch_up(self) -> dict[FrameKey, float]:
        """Return the temperatures [degC] that the log has since been found to hold."""
        self._read_log()
        if not self._pending or not self._is_news:
            return {}
        import xarray as xr

        keys = [key for one in self._pending for key in one.keys]
        both = xr.concat([one.patterns for one in self._pending], "frame")
        found = self._join(both)
        known = {key: float(t) for key, t in zip(keys, found, strict=True) if np.isfinite(t)}
        self._pending = [one for one in self._pending if not all(key in known for key in one.keys)]
        self._is_news = False
        return known

    def _read_log(self) -> None:
        """Read the log again where it has changed, and was not read just now."""
        if self._log is None or time.monotonic() < self._not_before:
            return
        state = read_state(self._log)
        if state == self._state:
            return
        begun = time.monotonic()
        try:
            self._table = read_log(self._log, self._options, needs_time=False)
            self.fault = None
        except BadInput as fault:
            # A line that is being written, say: it is read again when it changes.
            self.fault = fault
        now = time.monotonic()
        self._state, self._is_news = state, True
        self._not_before = now + REST * (now - begun)

    def _join(self, patterns: xr.Dataset) -> Array:
        """Return the temperatures [degC] of frames by the rules of the furnace step."""
        nothing = np.full(patterns.sizes["frame"], np.nan)
        if self._log is not None and self._table is None:
            return nothing
        try:
            joined = join_to_log(patterns, self._log, self._table, self._options)
        except BadInput as fault:
            # A log that does not reach so far yet is refused, too.
            self.fault = fault
            return nothing
        self.fault = None
        return np.asarray(joined["temperature"].values, float)
