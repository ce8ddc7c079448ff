"""Where a phase's lines are in every frame: one smooth path of strain from all of them, then each
line's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.storage import row_file
from ssbchar.typing import Array, Index

EXPANSION = 1.2e-5
"""Linear thermal expansion about which a path is looked for [1/K] (most oxides and phosphates:
0.3-2e-5)."""
SPREAD = 1.2e-5
"""Standard deviation of the expansion about that value [1/K]."""
CELL = 0.002
"""Standard deviation of a reference cell about the sample's own [relative]."""
PRIOR_WEIGHT = 0.25
"""What a path pays for being one standard deviation off the expected strain, in mean score per line
and frame."""
STEP_COST = 0.15
"""What a phase's path pays per grid step between frames, in mean score per line."""
LINE_STEP_COST = 0.5
"""What a line's own path pays per grid step between frames, in score."""
LINE_STEPS = 13
"""Places looked at for a line about the one expected."""
LARGEST_MOVE = 3
"""Grid steps that a path may move between frames."""
STRONGEST = 12
"""Peaks per pattern whose widths are measured."""


@dataclass(frozen=True, kw_only=True)
class SeriesScore:
    """How peak-like each point of each frame is."""

    two_theta: Array
    """[degree], shape (points,)."""
    values: Any
    """From `score_contrast`, ndarray or RowFile of shape (frames, points)."""
    wavelength: float
    """[angstrom]"""
    width: float
    """Typical full width at half maximum [degree]."""


def measure_typical_width(two_theta: Array, patterns: Array) -> float:
    """Return the median full width at half maximum of the strongest peaks of some patterns.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    patterns : ndarray, shape (some frames, points)
        [counts]

    Returns
    -------
    float
        [degree]; at least two points, and six points where there is no peak.
    """
    from scipy.signal import find_peaks, peak_widths

    step = float(np.median(np.diff(two_theta)))
    widths: list[float] = []
    for row in patterns:
        noise = float(np.median(np.abs(np.diff(row)))) + 1e-300
        found, about = find_peaks(row, prominence=10 * noise)
        if not found.size:
            continue
        strongest = found[np.argsort(-about["prominences"])[:STRONGEST]]
        widths += list(peak_widths(row, strongest, rel_height=0.5)[0])
    return max(float(np.median(widths)) * step, 2 * step) if widths else 6 * step


def _measure_half_width(two_theta: Array, width: float) -> int:
    """Return half a width in points, at least one."""
    step = float(np.median(np.diff(two_theta)))
    return max(round(width / 2 / step), 1)


def score_contrast(
    two_theta: Array, intensity: Array, stderr: Array, width: float
) -> NDArray[np.float32]:
    """Return log(1 + significance) of a peak at each point: the mean within half a width against
    both sides.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    intensity, stderr : ndarray, shape (frames, points)
        [counts]
    width : float
        Full width at half maximum [degree].

    Returns
    -------
    ndarray, shape (frames, points)
        [1]
    """
    half = _measure_half_width(two_theta, width)
    far, n = 4 * half, two_theta.size
    at = np.arange(n)

    def average(cumulated: Array, low: Index, high: Index) -> Array:
        """Return means [counts] from low to below high, shape (points,), cut at the axis' ends."""
        low, high = np.clip(low, 0, n - 1), np.clip(high, 1, n)
        return np.asarray((cumulated[high] - cumulated[low]) / np.maximum(high - low, 1))

    out = np.empty(intensity.shape, dtype=np.float32)
    for row, (y, error) in enumerate(zip(intensity, stderr, strict=True)):
        total = _cumulate(np.nan_to_num(y))
        variance = _cumulate(np.nan_to_num(error) ** 2)
        inside = average(total, at - half, at + half + 1)
        left = average(total, at - far, at - far + half + 1)
        right = average(total, at + far - half, at + far + 1)
        contrast = inside - 0.5 * (left + right)
        points = 2 * half + 1
        sigma = np.sqrt(1.5 * average(variance, at - half, at + half + 1) / points) + 1e-300
        out[row] = np.log1p(np.maximum(contrast / sigma, 0.0))
    return out


def _cumulate(values: Array) -> Array:
    """Return the sums of the first 0, 1, 2 ... values."""
    return np.concatenate([[0.0], np.cumsum(values)])


def measure_heights(
    two_theta: Array, intensity: Array, stderr: Array, places: Array, width: float
) -> tuple[Array, Array]:
    """Return how high the pattern stands at each place above the lower of its two sides, and the
    standard error.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    intensity, stderr : ndarray, shape (frames, points)
        [counts]
    places : ndarray, shape (frames, lines)
        [degree]
    width : float
        Full width at half maximum [degree].

    Returns
    -------
    ndarray, shape (frames, lines), twice
        [counts]
    """
    half = _measure_half_width(two_theta, width)
    points = 2 * half + 1
    height, sigma = np.empty(places.shape), np.empty(places.shape)
    for row, (y, error) in enumerate(zip(intensity, stderr, strict=True)):
        at = np.searchsorted(two_theta, places[row])
        at = np.clip(at, 3 * half, two_theta.size - 3 * half - 2)
        total, variance = _cumulate(y), _cumulate(error**2)
        inside = (total[at + half + 1] - total[at - half]) / points
        left = (total[at - half] - total[at - 3 * half]) / (2 * half)
        right = (total[at + 3 * half + 1] - total[at + half + 1]) / (2 * half)
        # a neighbouring line raises one side: the lower one is nearer to the background
        height[row] = inside - np.minimum(left, right)
        sigma[row] = np.sqrt(2 * (variance[at + half + 1] - variance[at - half])) / points
    return height, sigma


def find_strain_path(
    score: SeriesScore, d: Array, weight: Array, warming: Array, search: float
) -> Array:
    """Return the isotropic strain of a phase in each frame, by dynamic programming over a grid of
    strains.

    Maximises the sum over frames of the mean score of the phase's lines, less the misfit to a prior
    of common thermal expansion and a cost of changing between frames (A. J. Viterbi, IEEE Trans.
    Inf. Theory 13 (1967) 260).

    Parameters
    ----------
    score : SeriesScore
        Of `frames` frames.
    d, weight : ndarray, shape (lines,)
        [angstrom], and how much each line counts [1].
    warming : ndarray, shape (frames,)
        Temperature less that of the reference cell [K]; NaN unknown.
    search : float
        Largest strain from the expected one [1].

    Returns
    -------
    ndarray, shape (frames,)
        [1]
    """
    known = np.isfinite(warming)
    warm = np.where(known, warming, 0.0)
    sigma = np.where(known, np.hypot(CELL, SPREAD * warm), search / 2)
    grid = _make_strain_grid(score, d, search)
    total = -PRIOR_WEIGHT * (grid / sigma[:, None]) ** 2
    for part in row_file.split_rows(score.values.shape):
        values = score.values[part]
        strain = 1 + EXPANSION * warm[part, None] + grid
        for line, share in zip(d, weight / weight.sum(), strict=True):
            at = two_theta_from_d(line * strain, score.wavelength)
            place = _find_points(score.two_theta, at)
            total[part] += share * np.take_along_axis(values, place, axis=1)
    best = _find_best_path(total[None], STEP_COST)[0]
    return np.asarray(EXPANSION * warm + grid[best])


def _make_strain_grid(score: SeriesScore, d: Array, search: float) -> Array:
    """Return strains that move the line of largest angle by about a quarter of a width each."""
    largest = np.radians(np.max(two_theta_from_d(d, score.wavelength))) / 2
    resolution = np.radians(score.width) / (2 * np.tan(largest)) / 4
    steps = int(np.clip(np.ceil(search / resolution), 4, 200))
    return np.linspace(-search, search, 2 * steps + 1)


def _find_points(two_theta: Array, at: Array) -> Index:
    """Return the points from which 2theta is not below the values, within the axis."""
    return np.clip(np.searchsorted(two_theta, at), 0, two_theta.size - 1)


def find_line_paths(score: SeriesScore, places: Array, reach: float) -> Array:
    """Return where each line is in each frame: within `reach` of its place, there where its own
    score is best.

    A line without a peak stays at its place.

    Parameters
    ----------
    score : SeriesScore
    places : ndarray, shape (frames, lines)
        2theta expected [degree].
    reach : float
        [degree]

    Returns
    -------
    ndarray, shape (frames, lines)
        [degree]
    """
    grid: Array = np.linspace(-reach, reach, LINE_STEPS)
    frames, lines = places.shape
    total: NDArray[np.float32] = np.empty((lines, frames, grid.size), dtype=np.float32)
    for part in row_file.split_rows(score.values.shape):
        values = score.values[part]
        for n in range(lines):
            place = _find_points(score.two_theta, places[part, n, None] + grid)
            total[n, part] = np.take_along_axis(values, place, axis=1)
    total -= (0.5 * (grid / reach) ** 2).astype(np.float32)
    return np.asarray(places + grid[_find_best_path(total, LINE_STEP_COST)].T)


def _find_best_path(score: NDArray[Any], cost: float) -> Index:
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
    shifts = [sign * size for size in range(1, LARGEST_MOVE + 1) for sign in (-1, 1)]
    for n in range(1, rows):
        best, move = value.copy(), back[n]
        for shift in shifts:
            low, high = max(0, -shift), min(columns, columns - shift)
            moved = value[:, low + shift : high + shift] - cost * abs(shift)
            better = moved > best[:, low:high]
            best[:, low:high] = np.where(better, moved, best[:, low:high])
            move[:, low:high] = np.where(better, shift, move[:, low:high])
        value = best + score[:, n]
    path = np.zeros((rows, sets), dtype=np.int64)
    path[-1] = np.argmax(value, axis=1)
    # back along the moves that led to the best end
    each = np.arange(sets)
    for n in range(rows - 1, 0, -1):
        path[n - 1] = path[n] + back[n, each, path[n]]
    return path.T
