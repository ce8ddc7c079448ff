"""How exact the readings of a log are: the step in which they are printed, and their scatter."""

from __future__ import annotations

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

MOST_DECIMALS = 7
"""Decimals from which a number counts as printed in full."""


def find_resolution(values: Array) -> float:
    """Return the decimal step in which readings are printed (1, 0.1, 0.01 ...).

    Parameters
    ----------
    values : ndarray, shape (readings,)
        NaN is left out.

    Returns
    -------
    float
        In the unit of `values`; 0 where there is no reading.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0
    for decimals in range(MOST_DECIMALS):
        if np.allclose(known, np.round(known, decimals), rtol=0, atol=1e-9):
            return float(10.0**-decimals)
    return 1e-7


def estimate_noise(time: Array, values: Array) -> float:
    """Return the scatter of readings about the line through their two neighbours, as the standard
    deviation of one reading.

    The deviation r_i = y_i - interpolated(y_(i-1), y_(i+1)) has variance sigma^2 (1 + w^2 +
    (1-w)^2), w the place between the neighbours; its median absolute value gives sigma, whatever
    the slope.

    Parameters
    ----------
    time : ndarray, shape (readings,)
        [s], ascending.
    values : ndarray, shape (readings,)

    Returns
    -------
    float
        In the unit of `values`; 0 where there are fewer than five readings.
    """
    if time.size < 5:
        return 0.0
    # Against both neighbours, so that a steady rise leaves nothing.
    w = (time[1:-1] - time[:-2]) / (time[2:] - time[:-2])
    deviation = values[1:-1] - (1 - w) * values[:-2] - w * values[2:]
    scaled = np.abs(deviation) / np.sqrt(1 + w**2 + (1 - w) ** 2)
    known = scaled[np.isfinite(scaled)]
    return sigma_from_deviations(known) if known.size else 0.0


def estimate_reading_stderr(time: Array, values: Array) -> float:
    """Return the standard deviation of one reading, at least that of its rounding.

    Parameters
    ----------
    time : ndarray, shape (readings,)
        [s], ascending.
    values : ndarray, shape (readings,)

    Returns
    -------
    float
        In the unit of `values`.
    """
    return float(max(estimate_noise(time, values), find_resolution(values) / np.sqrt(12)))
