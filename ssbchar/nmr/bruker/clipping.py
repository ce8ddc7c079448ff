"""Decays that the receiver cut off: the same extreme value again and again."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array, Bool, Complex

LEAST_AT_END = 3
"""So many numbers exactly at the extreme value are no chance."""
NEAR_END = 0.99
"""A signal that merely turns at its highest value has as many numbers between this share of it and
the value itself [1]."""
LEAST_STEPS = 1000.0
"""A highest value of fewer steps of the digitiser is met again by chance [1]."""


def find_clipped_slices(points: Complex, step: float) -> Bool:
    """Return which decays were cut off at the end of the receiver's range.

    Clipping lays many samples on one value, positive or negative, and leaves hardly any just below
    it; a signal that turns there has more below.

    Parameters
    ----------
    points : ndarray, shape (slice, time)
        As measured.
    step : float
        Of the digitiser, in the unit of the points (2^NC); numbers that are no multiples of it are
        taken as of any fineness.

    Returns
    -------
    ndarray of bool, shape (slice,)
    """
    numbers = np.ascontiguousarray(points).view(float)
    return np.array([_is_clipped(row, step) for row in numbers], bool)


def _is_clipped(row: Array, step: float) -> bool:
    if not np.isfinite(row).all():
        return False
    top = max(float(row.max()), -float(row.min()))
    if top == 0:
        return False
    # The lower end of an integer range lies one step further out than the upper one.
    near = np.abs(row[np.abs(row) >= NEAR_END * top])
    if near.size < LEAST_AT_END:
        return False
    is_whole = bool((np.remainder(near, step) == 0).all())
    if is_whole and top < LEAST_STEPS * step:
        return False
    at_end = int((near >= top - (step if is_whole else 0.0)).sum())
    return at_end >= LEAST_AT_END and at_end > near.size - at_end
