"""A furnace programme: temperature of the sample, growth of phases, and the furnace's own log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.typing import Array

ROOM_TEMPERATURE = 25.0
"""Temperature before and after the programme [degC]."""
LOG_INTERVAL = 30.0
"""Time between two rows of the log [s]."""
LOG_MARGIN = 120.0
"""Time by which the log begins before and ends after the programme [s]."""
THERMOCOUPLE_NOISE = 0.3
"""Standard deviation of a reading [K]."""


@dataclass(frozen=True, kw_only=True)
class FrameCounts:
    """Numbers of frames of a series."""

    heating: int
    hold: int
    cooling: int
    rest: int
    """On each of the two rests."""


@dataclass(frozen=True, kw_only=True)
class Corners:
    """Corners of a programme, from the beginning of the first rest to the end of the second."""

    time: Array
    """[s from the start], shape (6,)"""
    temperature: Array
    """[degC], shape (6,)"""

    @property
    def heating(self) -> tuple[float, float]:
        """Begin and end of the heating [s from the start]."""
        return self.time[1], self.time[2]

    @property
    def hold(self) -> tuple[float, float]:
        """Begin and end of the hold [s from the start]."""
        return self.time[2], self.time[3]

    @property
    def cooling(self) -> tuple[float, float]:
        """Begin and end of the cooling [s from the start]."""
        return self.time[3], self.time[4]

    @property
    def end(self) -> float:
        """End of the second rest [s from the start]."""
        return float(self.time[5])


@dataclass(frozen=True, kw_only=True)
class Programme:
    """25 degC -> `top` at `rate`, `hold` hours, back at `rate`, with rests before and after."""

    start: float
    """Begin of the first rest [s since 1970-01-01 UTC]."""
    top: float = 800.0
    """Highest temperature [degC]."""
    rate: float = 5.0
    """Heating and cooling rate [K/min]."""
    hold: float = 9.0
    """Time at the top [h]."""
    rest: float = 1800.0
    """Time at 25 degC before and after [s]."""

    @property
    def corners(self) -> Corners:
        """Times and set temperatures of the programme's corners."""
        ramp = (self.top - ROOM_TEMPERATURE) / self.rate * 60.0
        durations = (self.rest, ramp, self.hold * 3600.0, ramp, self.rest)
        cold, hot = ROOM_TEMPERATURE, self.top
        return Corners(
            time=np.concatenate([[0.0], np.cumsum(durations)]),
            temperature=np.array([cold, cold, hot, hot, cold, cold]),
        )

    def interpolate_temperature(self, time: Array, lag: float = 0.0) -> Array:
        """Return the temperature of the programme.

        Parameters
        ----------
        time : ndarray, shape (frame,)
            [s from the start]
        lag : float
            Delay of the temperature [s].

        Returns
        -------
        ndarray, shape (frame,)
            [degC]
        """
        corners = self.corners
        return np.interp(np.asarray(time) - lag, corners.time, corners.temperature)

    def list_frame_times(self, counts: FrameCounts) -> Array:
        """Return frame times, evenly spaced over the ramps and the hold, and on both rests.

        Parameters
        ----------
        counts : FrameCounts
            Numbers of frames.

        Returns
        -------
        ndarray, shape (frame,)
            [s from the start]
        """
        corners = self.corners
        before = np.linspace(corners.time[0] + 300, corners.time[1] - 60, counts.rest)
        after = np.linspace(corners.time[4] + 600, corners.time[5] - 300, counts.rest)
        return np.concatenate(
            [
                before,
                _space_evenly(corners.heating, counts.heating),
                _space_evenly(corners.hold, counts.hold),
                _space_evenly(corners.cooling, counts.cooling),
                after,
            ]
        )


def _space_evenly(span: tuple[float, float], count: int) -> Array:
    """Return the middles of equal parts of a span."""
    first, last = span
    return first + (last - first) * (np.arange(count) + 0.5) / count


def calculate_grown_share(temperature: Array, onset: float, complete: float, bend: float) -> Array:
    """Return the share of a phase that has grown, 1 - (1 - x)^bend, x = (T - onset) / (complete -
    onset) within 0..1.

    It leaves zero with a finite slope, so that the onset is sharp for any `bend`.

    Parameters
    ----------
    temperature : ndarray, shape (frame,)
        [degC]
    onset, complete : float
        Temperatures at which growth begins and ends [degC].
    bend : float
        Exponent; 1 grows linearly (dimensionless).

    Returns
    -------
    ndarray, shape (frame,)
        Between 0 and 1 (dimensionless).
    """
    x = np.clip((temperature - onset) / (complete - onset), 0.0, 1.0)
    return np.asarray(1.0 - (1.0 - x) ** bend)


def write_log(
    path: Path,
    programme: Programme,
    rng: np.random.Generator,
    effects: Effects,
    noise: float = THERMOCOUPLE_NOISE,
) -> None:
    """Write the furnace's log: CSV, UTC, one row per `LOG_INTERVAL`.

    Parameters
    ----------
    path : Path
        The file.
    programme : Programme
        Temperatures [degC].
    rng : Generator
        Of the thermocouple's noise.
    effects : Effects
        The furnace's clock is ``effects.clock`` [s] ahead of the detector's.
    noise : float
        Standard deviation of a reading [K].
    """
    time = np.arange(-LOG_MARGIN, programme.corners.end + LOG_MARGIN, LOG_INTERVAL)
    setpoint = programme.interpolate_temperature(time)
    reading = programme.interpolate_temperature(time) + noise * rng.standard_normal(time.size)
    # the header states the clock less well than it runs: the fitters must allow for that
    lines = [
        "# synthetic demonstration data (ssbchar simulate)",
        "# furnace log; its clock agrees with the detector's within 10 s; "
        "thermocouple 0.3 degC (1 sigma)",
        "time,setpoint_degC,thermocouple_degC",
    ]
    for when, wanted, read in zip(time, setpoint, reading, strict=True):
        stamp = format_time(programme.start + when + effects.clock)
        lines.append(f"{stamp},{wanted:.1f},{read:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
