"""Readings that no furnace has: an open thermocouple (9999, -200), a lost digit (25 to 2.5).

A furnace has a heat capacity: a reading that leaves its neighbours and comes back within a few
others by far more than their noise and slope is none of the temperature. A step that lasts is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.hexrd.furnace.reading_noise import find_resolution
from ssbchar.statistics import find_runs, sigma_from_deviations
from ssbchar.typing import Array, Bool

HOTTEST = 3000.0
"""Above this [degC] no furnace of a powder works, and no thermocouple."""
WINDOW = 7
"""Readings whose median one is compared with: up to three wild ones in a row are seen."""
SMALLEST_JUMP = 5.0
"""Departure below which a reading is left alone [K]."""
NOISES = 20.0
"""Departure in standard deviations of the readings about their running median."""
SPREADS = 8.0
"""Departure in median absolute deviations of the window, which a ramp makes large."""
MOST_WILD = 0.25
"""Share of the readings beyond which they are no single ones."""
FEWEST = 5
"""Readings that a comparison needs."""
LOST_DIGIT = 0.02
"""Relative deviation from a tenth or ten times the neighbours within which a digit was lost."""
OPEN_BELOW = -190.0
"""Readings at or below this [degC] among warm ones are those of an open thermocouple."""
WARM = -50.0
"""Median above which readings are not those of a cryostat [degC]."""


@dataclass(frozen=True, kw_only=True)
class WildReadings:
    """Which readings are no temperatures."""

    wild: Bool
    """Shape (readings,)."""
    too_many: int = 0
    """Readings that jump, where these are too many to be single ones; then none is wild."""


def find_wild_readings(temperature: Array, *, is_dense: bool) -> WildReadings:
    """Return the readings that no furnace has.

    Parameters
    ----------
    temperature : ndarray, shape (readings,)
        [degC], in the order measured; NaN where unknown.
    is_dense : bool
        Whether readings follow each other in time. Of a log with one row per frame only impossible
        values, open thermocouples and lost digits count: one frame may be hot.
    """
    with np.errstate(invalid="ignore"):
        wild = (temperature < ABSOLUTE_ZERO_C) | (temperature > HOTTEST)
        known = np.isfinite(temperature) & ~wild
        if known.any() and np.median(temperature[known]) > WARM:
            wild |= temperature <= OPEN_BELOW
    left = np.flatnonzero(np.isfinite(temperature) & ~wild)
    if left.size < FEWEST:
        return WildReadings(wild=wild)
    values = temperature[left]
    middle = _median_around(values)
    jumps, damaged = _find_jumps(values, middle), _looks_damaged(values, middle)
    for start, stop in find_runs(jumps):
        # What comes back on neither side may be a step that lasts.
        if not is_dense or start == 0 or stop == values.size:
            jumps[start:stop] &= damaged[start:stop]
    if jumps.sum() > MOST_WILD * values.size:
        return WildReadings(wild=wild, too_many=int(jumps.sum()))
    wild[left[jumps]] = True
    return WildReadings(wild=wild)


def _windows(values: Array) -> Array:
    """Return the readings around each one, shape (readings, window); at the ends those nearest."""
    width = min(WINDOW, values.size)
    first = np.clip(np.arange(values.size) - width // 2, 0, values.size - width)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, width)[first])


def _median_around(values: Array) -> Array:
    return np.asarray(np.median(_windows(values), axis=1))


def _find_jumps(values: Array, middle: Array) -> Bool:
    """Return the readings far from the running median."""
    departure = np.abs(values - middle)
    noise = sigma_from_deviations(values - middle)
    windows = _windows(values)
    spread = np.median(np.abs(windows - middle[:, None]), axis=1)
    limit = np.maximum(
        max(SMALLEST_JUMP, NOISES * noise, 5 * find_resolution(values)), SPREADS * spread
    )
    return np.asarray(departure > limit)


def _looks_damaged(values: Array, middle: Array) -> Bool:
    """Return the readings with a digit more or less than the others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(values / middle)
    tenth = np.abs(ratio / 0.1 - 1) < 2 * LOST_DIGIT
    tenfold = np.abs(ratio / 10 - 1) < 2 * LOST_DIGIT
    return np.asarray(tenth | tenfold)
