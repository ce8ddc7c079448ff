"""Pixel masks: detector gaps, dead, hot and saturated pixels are excluded, bright grains stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array, Bool

DEAD_PROBABILITY = 1e-15
"""A pixel is dead where the probability of its having no count by chance is below this."""
MOST_MARKERS = 4
"""Negative values of an image up to which all whole ones are markers: of gaps, bad pixels ..."""
MARKER_EXCESS = 5.0
"""Factor by which a marker among noise is more frequent than the values next to it."""
FEWEST_MARKED = 20
"""Pixels that a marker among noise has at least."""
LEAST_SPOT = 0.08
"""What a spot adds to the third highest of a pixel's neighbours, as a share of what it adds to the
pixel: detectors spread spots, to 0.16 where the width at half maximum is one pixel."""
FEWEST_SAMPLES = 3
"""Samples of a series from which most of them tell a hot pixel."""
NEIGHBOUR_SPREADS = 2.0
"""A hot pixel also exceeds its neighbours' median by this many times their own largest
deviation."""


def choose_saturation_limit(dtype: np.dtype[Any], stated: float, given: float | None) -> float:
    """Return the counts at and above which a pixel is saturated.

    Parameters
    ----------
    dtype : dtype
        Of the image; the largest value of an integer type marks gaps and overflows.
    stated : float
        The header's cut-off [counts]; NaN where it has none.
    given : float, optional
        The option [counts]; it overrides both.

    Returns
    -------
    float
        [counts]; infinite for floating-point images without a cut-off.
    """
    if given is not None:
        return given
    largest = float(np.iinfo(dtype).max) if dtype.kind in "iu" else np.inf
    return min(largest, stated) if np.isfinite(stated) else largest


def find_gaps(counts: NDArray[Any]) -> Bool:
    """Return the pixels without a measurement.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        [counts], in the file's own type.

    Returns
    -------
    ndarray of bool, shape (row, column)
        Pixels that are not finite, at the largest value of an unsigned type, or at a negative value
        that marks what was not measured (`find_markers`).
    """
    if counts.dtype.kind == "u":
        return np.asarray(counts == np.iinfo(counts.dtype).max)
    gaps = np.zeros(counts.shape, bool)
    for marker in find_markers(counts):
        gaps |= counts == marker
    return np.asarray(gaps | ~np.isfinite(counts)) if counts.dtype.kind == "f" else gaps


def find_markers(counts: NDArray[Any]) -> NDArray[Any]:
    """Return the negative values of an image that stand for pixels without a measurement.

    Detectors mark gaps and bad pixels by one or two whole numbers (-1, -2, -10). Noise about a dark
    that was subtracted has many negative values, each about as often as those next to it, and to
    leave it out would raise every mean: of many values a marker is one that is far more frequent
    than its neighbours.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        [counts], of a signed or a floating-point type.

    Returns
    -------
    ndarray, shape (markers,)
        [counts]
    """
    is_negative = counts < 0
    if counts.dtype.kind == "f":
        is_negative &= np.isfinite(counts)
    negative = counts[is_negative]
    if not negative.size:
        return negative
    values, numbers = np.unique(negative, return_counts=True)
    is_whole = values == np.round(values)
    if values.size <= MOST_MARKERS:
        return np.asarray(values[is_whole])
    # Beside the highest negative value lie zero and the noise above it.
    above = np.append(numbers[1:], np.count_nonzero(counts == 0))
    below = np.append(0, numbers[:-1])
    is_frequent = numbers > MARKER_EXCESS * np.maximum(above, below)
    return np.asarray(values[is_whole & is_frequent & (numbers >= FEWEST_MARKED)])


def find_defects(samples: Sequence[NDArray[Any]], known: Bool, sigma: float) -> Bool:
    """Return hot and dead pixels.

    A hot pixel exceeds the median of its eight neighbours in every sample, by `sigma` times the
    Poisson error of both plus `NEIGHBOUR_SPREADS` times the neighbours' own spread; the flank of a
    ring or a grain, which covers several pixels, is not hot. Nor need it be alone, or hot from the
    first frame on: it is hot as well where in most samples it exceeds by as much the third highest
    of its neighbours, and their contrast over `LEAST_SPOT`: two of them may be hot with it, while a
    spot that light makes spreads further. A dead pixel has no count in any
    sample, where the neighbours have so many that the probability of this, exp(-sum), is below
    `DEAD_PROBABILITY`.

    Parameters
    ----------
    samples : sequence of ndarray, shape (row, column)
        Frames spread over the series [counts].
    known : ndarray of bool, shape (row, column)
        Pixels already masked.
    sigma : float
        Excess of a hot pixel in standard errors; 0 looks for no defects.

    Returns
    -------
    ndarray of bool, shape (row, column)
        Pixels to mask beside the known ones.
    """
    hot = np.ones(known.shape, bool)
    if sigma <= 0 or not samples:
        return ~hot
    total, expected = np.zeros(known.shape), np.zeros(known.shape)
    times_sharp = np.zeros(known.shape, int)
    for counts in samples:
        neighbours = _stack_neighbours(np.where(known, np.nan, counts.astype(float)))
        median = np.nanmedian(neighbours, axis=0)
        spread = np.nanmax(np.abs(neighbours - median), axis=0)
        stderr = np.sqrt(np.maximum(counts.astype(float), 0) + np.maximum(median, 0) + 1.0)
        # the spread keeps the flanks of rings and grains, whose neighbours differ by much
        hot &= counts - median > sigma * stderr + NEIGHBOUR_SPREADS * spread
        if len(samples) >= FEWEST_SAMPLES:
            times_sharp += _stand_out(counts.astype(float), neighbours, sigma)
        total += counts
        expected += median
    hot |= times_sharp > len(samples) / 2
    dead = (total == 0) & (expected > -np.log(DEAD_PROBABILITY))
    return np.asarray((hot | dead) & ~known)


def _stand_out(counts: Array, neighbours: Array, sigma: float) -> Bool:
    """Return the pixels that stand out of all but two of their neighbours as no spot does, shape
    (row, column)."""
    unused = np.isnan(neighbours)
    third = np.sort(np.where(unused, -np.inf, neighbours), axis=0)[-3]
    lowest = np.min(np.where(unused, np.inf, neighbours), axis=0)
    stderr = np.sqrt(np.maximum(counts, 0) + np.maximum(third, 0) + 1.0)
    # Where fewer than three neighbours are in use nothing is told.
    with np.errstate(invalid="ignore"):
        stands_out = counts - third > sigma * stderr + (third - lowest) / LEAST_SPOT
    return np.asarray(stands_out & np.isfinite(third))


def _stack_neighbours(counts: Array) -> Array:
    """Return the eight neighbours of each pixel, shape (8, row, column), NaN beyond the edge."""
    rows, columns = counts.shape
    padded = np.pad(counts, 1, constant_values=np.nan)
    offsets = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.stack([padded[i : i + rows, j : j + columns] for i, j in offsets])
