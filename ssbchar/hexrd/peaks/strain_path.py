"""Where a phase's lines are in every frame: one smooth path of strain from all of them, then each
line's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.storage import row_file
from ssbchar.typing import Array

EXPANSION = 1.2e-5
"""Linear thermal expansion about which a path is looked for [1/K] (most oxides and phosphates:
0.3-2e-5)."""
SPREAD = 1.2e-5
"""Standard deviation of the expansion about that value [1/K]."""
CELL = 0.002
"""Standard deviation of a reference cell about the sample's own [relative]."""
STEP_COST = 0.15
"""What a path pays per grid step between frames, in mean score per line."""


def measure_typical_width(two_theta: Array, patterns: Array) -> float:
    """Return the median full width at half maximum [degree] of the strongest peaks of some
    patterns.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
    patterns : ndarray, shape (some frames, points)
    """
    from scipy.signal import find_peaks, peak_widths

    step = float(np.median(np.diff(two_theta)))
    widths = []
    for row in patterns:
        noise = float(np.median(np.abs(np.diff(row)))) + 1e-300
        found, about = find_peaks(row, prominence=10 * noise)
        if not found.size:
            continue
        strongest = found[np.argsort(-about["prominences"])[:12]]
        widths += list(peak_widths(row, strongest, rel_height=0.5)[0])
    return max(float(np.median(widths)) * step, 2 * step) if widths else 6 * step


def score_contrast(two_theta: Array, intensity: Array, stderr: Array, width: float) -> Any:
    """Return log(1 + significance) of a peak at each point: the mean within half a width against
    both sides.

    Parameters
    ----------
    intensity, stderr : ndarray, shape (frames, points)
    width : float
        Full width at half maximum [degree].
    """
    step = float(np.median(np.diff(two_theta)))
    half = max(round(width / 2 / step), 1)
    far, n = 4 * half, two_theta.size
    at = np.arange(n)

    def mean(cumulated: Array, low: Any, high: Any) -> Array:
        low, high = np.clip(low, 0, n - 1), np.clip(high, 1, n)
        return np.asarray((cumulated[high] - cumulated[low]) / np.maximum(high - low, 1))

    out = np.empty(intensity.shape, dtype=np.float32)
    for row, (y, e) in enumerate(zip(intensity, stderr, strict=True)):
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(y))])
        error = np.concatenate([[0.0], np.cumsum(np.nan_to_num(e) ** 2)])
        inside = mean(total, at - half, at + half + 1)
        outside = 0.5 * (
            mean(total, at - far, at - far + half + 1) + mean(total, at + far - half, at + far + 1)
        )
        sigma = np.sqrt(1.5 * mean(error, at - half, at + half + 1) / (2 * half + 1)) + 1e-300
        out[row] = np.log1p(np.maximum((inside - outside) / sigma, 0.0))
    return out


def measure_heights(
    two_theta: Array, intensity: Array, stderr: Array, places: Array, width: float
) -> tuple[Array, Array]:
    """Return how high the pattern stands at each place above the lower of its two sides, and the
    standard error.

    Parameters
    ----------
    intensity, stderr : ndarray, shape (frames, points)
    places : ndarray, shape (frames, lines)
        [degree]
    """
    step = float(np.median(np.diff(two_theta)))
    half = max(round(width / 2 / step), 1)
    height, sigma = np.empty(places.shape), np.empty(places.shape)
    for row, (y, e) in enumerate(zip(intensity, stderr, strict=True)):
        at = np.clip(
            np.searchsorted(two_theta, places[row]), 3 * half, two_theta.size - 3 * half - 2
        )
        total, error = (
            np.concatenate([[0.0], np.cumsum(y)]),
            np.concatenate([[0.0], np.cumsum(e**2)]),
        )
        points = 2 * half + 1
        inside = (total[at + half + 1] - total[at - half]) / points
        left = (total[at - half] - total[at - 3 * half]) / (2 * half)
        right = (total[at + 3 * half + 1] - total[at + half + 1]) / (2 * half)
        height[row] = inside - np.minimum(left, right)
        sigma[row] = np.sqrt(2 * (error[at + half + 1] - error[at - half])) / points
    return height, sigma


def find_strain_path(
    two_theta: Array,
    score: Any,
    d: Array,
    weight: Array,
    wavelength: float,
    warming: Array,
    search: float,
    width: float,
) -> Array:
    """Return the isotropic strain of a phase in each frame, by dynamic programming over a grid of
    strains.

    Maximises the sum over frames of the mean score of the phase's lines, less the misfit to a prior
    of common thermal expansion and a cost of changing between frames (A. J. Viterbi, IEEE Trans.
    Inf. Theory 13 (1967) 260).

    Parameters
    ----------
    score : ndarray or RowFile, shape (frames, points)
        From `contrast`.
    d, weight : ndarray, shape (lines,)
        [angstrom], and how much each line counts.
    warming : ndarray, shape (frames,)
        Temperature less that of the reference cell [K]; NaN unknown.
    search : float
        Largest strain from the expected one.
    """
    known = np.isfinite(warming)
    warm = np.where(known, warming, 0.0)
    sigma = np.where(known, np.hypot(CELL, SPREAD * warm), search / 2)
    position = two_theta_from_d(d, wavelength)
    resolution = np.radians(width) / (2 * np.tan(np.radians(np.max(position)) / 2)) / 4
    steps = int(np.clip(np.ceil(search / resolution), 4, 200))
    grid = np.linspace(-search, search, 2 * steps + 1)
    total = -0.25 * (grid / sigma[:, None]) ** 2
    for part in row_file.split_rows(score.shape):
        own = score[part]
        for line, share in zip(d, weight / weight.sum(), strict=True):
            at = two_theta_from_d(line * (1 + EXPANSION * warm[part, None] + grid), wavelength)
            place = np.clip(np.searchsorted(two_theta, at), 0, two_theta.size - 1)
            total[part] += share * np.take_along_axis(own, place, axis=1)
    return np.asarray(EXPANSION * warm + grid[_path(total[None], STEP_COST)[0]])


def find_line_paths(two_theta: Array, score: Any, places: Array, reach: float) -> Array:
    """Return where each line is in each frame: within `reach` of its place, there where its own
    score is best.

    A line without a peak stays at its place.

    Parameters
    ----------
    places : ndarray, shape (frames, lines)
        2theta expected [degree].
    reach : float
        [degree]
    """
    grid: Array = np.linspace(-reach, reach, 13)
    total: Any = np.empty((places.shape[1], places.shape[0], grid.size), dtype=np.float32)
    for part in row_file.split_rows(score.shape):
        own = score[part]
        for n in range(places.shape[1]):
            place = np.clip(
                np.searchsorted(two_theta, places[part, n, None] + grid), 0, two_theta.size - 1
            )
            total[n, part] = np.take_along_axis(own, place, axis=1)
    total -= (0.5 * (grid / reach) ** 2).astype(np.float32)
    return np.asarray(places + grid[_path(total, 0.5)].T)


def _path(score: Any, cost: float) -> Any:
    """Return the best columns of each set of rows, moving at most three columns a row at `cost` a
    column.

    Parameters
    ----------
    score : ndarray, shape (sets, rows, columns)

    Returns
    -------
    ndarray of int, shape (sets, rows)
    """
    sets, rows, columns = score.shape
    back = np.zeros((rows, sets, columns), dtype=np.int8)
    value = score[:, 0].copy()
    for n in range(1, rows):
        best, move = value.copy(), back[n]
        for shift in (-1, 1, -2, 2, -3, 3):
            low, high = max(0, -shift), min(columns, columns - shift)
            moved = value[:, low + shift : high + shift] - cost * abs(shift)
            better = moved > best[:, low:high]
            best[:, low:high] = np.where(better, moved, best[:, low:high])
            move[:, low:high] = np.where(better, shift, move[:, low:high])
        value = best + score[:, n]
    path = np.zeros((rows, sets), dtype=np.int64)
    path[-1] = np.argmax(value, axis=1)
    each = np.arange(sets)
    for n in range(rows - 1, 0, -1):
        path[n - 1] = path[n] + back[n, each, path[n]]
    return path.T
