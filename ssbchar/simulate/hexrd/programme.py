"""A furnace programme: temperature of the sample, amounts of the phases, and the furnace's own
log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.typing import Array


@dataclass(frozen=True)
class Programme:
    """25 -> `top` degC at `rate`, `hold` hours, back at `rate`, with rests before and after."""

    start: float
    """When the first rest begins [s since 1970-01-01 UTC]."""
    top: float = 800.0
    """Highest temperature [degC]."""
    rate: float = 5.0
    """Heating and cooling rate [K/min]."""
    hold: float = 9.0
    """Time at the top [h]."""
    rest: float = 1800.0
    """Time at 25 degC before and after [s]."""

    @property
    def corners(self) -> tuple[Array, Array]:
        """Times [s from the start] and set temperatures [degC] of the programme's corners."""
        ramp = (self.top - 25.0) / self.rate * 60.0
        durations = (self.rest, ramp, self.hold * 3600.0, ramp, self.rest)
        levels = (25.0, 25.0, self.top, self.top, 25.0, 25.0)
        return np.concatenate([[0.0], np.cumsum(durations)]), np.array(levels)

    def temperature(self, time: Array, lag: float = 0.0) -> Array:
        """Return the temperature [degC] at times [s from the start], `lag` seconds late."""
        times, levels = self.corners
        return np.interp(np.asarray(time) - lag, times, levels)

    def frames(self, heating: int, hold: int, cooling: int, rest: int) -> Array:
        """Return frame times [s from the start]: evenly over the ramps and the hold, and at the two
        rests."""
        times, _ = self.corners
        parts = [np.linspace(times[0] + 300, times[1] - 60, rest)]
        parts += [_inside(times[1], times[2], heating), _inside(times[2], times[3], hold)]
        parts += [
            _inside(times[3], times[4], cooling),
            np.linspace(times[4] + 600, times[5] - 300, rest),
        ]
        return np.concatenate(parts)


def _inside(first: float, last: float, count: int) -> Array:
    return first + (last - first) * (np.arange(count) + 0.5) / count


def calculate_grown_share(temperature: Array, onset: float, complete: float, bend: float) -> Array:
    """Return the amount 1 - (1 - x)^bend, x = (T - onset) / (complete - onset) within 0..1.

    It leaves zero with a finite slope, so that the onset is sharp for any `bend`.
    """
    x = np.clip((temperature - onset) / (complete - onset), 0.0, 1.0)
    return np.asarray(1.0 - (1.0 - x) ** bend)


def write_log(
    path: Path, programme: Programme, rng: np.random.Generator, effects: Effects, noise: float = 0.3
) -> None:
    """Write the furnace's log: CSV, UTC, one row per 30 s.

    The furnace's clock is `effects.clock` seconds ahead of the detector's; the thermocouple has
    `noise` [K] and the sample follows it ``effects.thermal_lag`` seconds late.
    """
    times, _ = programme.corners
    at = np.arange(-120.0, times[-1] + 120.0, 30.0)
    setpoint = programme.temperature(at)
    reading = programme.temperature(at) + noise * rng.standard_normal(at.size)
    lines = [
        "# synthetic demonstration data (ssbchar simulate)",
        "# furnace log; its clock agrees with the detector's within 10 s; thermocouple 0.3 degC (1 sigma)",
        "time,setpoint_degC,thermocouple_degC",
    ]
    for t, s, r in zip(at, setpoint, reading, strict=True):
        lines.append(f"{format_time(programme.start + t + effects.clock)},{s:.1f},{r:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
