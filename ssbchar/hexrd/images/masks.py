"""Which pixels count: gaps, dead, hot and saturated ones are left out, grains stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Bool

DEAD_PROBABILITY = 1e-15
"""Largest probability of no count at which a pixel is taken as dead."""


def choose_saturation_limit(dtype: np.dtype[Any], stated: float, given: float | None) -> float:
    """Return the counts at and above which a pixel is saturated.

    Parameters
    ----------
    dtype : dtype
        Of the image; the largest value of an integer type marks gaps and overflows.
    stated : float
        The header's cut-off; NaN where it has none.
    given : float, optional
        The option; it rules.
    """
    if given is not None:
        return given
    largest = float(np.iinfo(dtype).max) if dtype.kind in "iu" else np.inf
    return min(largest, stated) if np.isfinite(stated) else largest


def find_gaps(counts: NDArray[Any]) -> Bool:
    """Return pixels marked by the detector as none: negative, not finite, or the largest value of
    an unsigned type."""
    if counts.dtype.kind == "f":
        return np.asarray(~(counts >= 0) | np.isinf(counts))
    if counts.dtype.kind == "u":
        return np.asarray(counts == np.iinfo(counts.dtype).max)
    return np.asarray(counts < 0)


def find_defects(sampled: Sequence[NDArray[Any]], known: Bool, sigma: float) -> Bool:
    """Return hot and dead pixels.

    Hot is far above the neighbours in every sampled frame: compared with the median of the eight by
    the Poisson error of both, beyond the neighbours' own spread, so that the flank of a ring or a
    grain, which covers several pixels, does not count. Dead is without a count in all of them where
    the neighbours had so many that chance, exp(-sum), is below `DEAD`.

    Parameters
    ----------
    sampled : sequence of ndarray, shape (row, column)
        Frames spread over the series.
    known : ndarray of bool, shape (row, column)
        Pixels already left out.
    sigma : float
        How far off; 0 looks for none.
    """
    hot = np.ones(known.shape, bool)
    if sigma <= 0 or not sampled:
        return ~hot
    total, expected = np.zeros(known.shape), np.zeros(known.shape)
    for counts in sampled:
        around = _neighbours(np.where(known, np.nan, counts.astype(float)))
        middle = np.nanmedian(around, axis=0)
        spread = np.nanmax(np.abs(around - middle), axis=0)
        error = np.sqrt(np.maximum(counts.astype(float), 0) + np.maximum(middle, 0) + 1.0)
        hot &= counts - middle > sigma * error + 2.0 * spread
        total += counts
        expected += middle
    dead = (total == 0) & (expected > -np.log(DEAD_PROBABILITY))
    return np.asarray((hot | dead) & ~known)


def _neighbours(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eight neighbours of each pixel, NaN beyond the edge."""
    rows, columns = counts.shape
    wide = np.pad(counts, 1, constant_values=np.nan)
    steps = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.stack([wide[i : i + rows, j : j + columns] for i, j in steps])
