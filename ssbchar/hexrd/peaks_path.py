"""Where a phase's peaks are in every frame: one smooth path of lattice strain, found from all its lines together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ssbchar.hexrd.profiles import Array
from ssbchar.hexrd.wavelength import two_theta_from_d

EXPANSION = 1e-5
"""Linear thermal expansion assumed where a path starts from [1/K]; only the middle of the search."""
MISFIT = 0.5
"""Cost of one step of the strain grid between neighbouring frames, in units of the mean score."""


def typical_width(two_theta: Array, patterns: Array) -> float:
    """Return the median full width at half maximum [degree] of the strongest peaks of some patterns.

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


def contrast(two_theta: Array, intensity: Array, stderr: Array, width: float) -> Array:
    """Return log(1 + significance) of a peak at each point: mean within half a width against both sides.

    Parameters
    ----------
    intensity, stderr : ndarray, shape (frames, points)
    width : float
        Full width at half maximum [degree].
    """
    step = float(np.median(np.diff(two_theta)))
    half = max(round(width / 2 / step), 1)
    far = 4 * half
    total = np.concatenate([np.zeros((intensity.shape[0], 1)), np.cumsum(np.nan_to_num(intensity), axis=1)], axis=1)
    error = np.concatenate([np.zeros((intensity.shape[0], 1)), np.cumsum(np.nan_to_num(stderr**2), axis=1)], axis=1)
    n = two_theta.size
    at = np.arange(n)

    def mean(cumulated: Array, low: Any, high: Any) -> Array:
        low, high = np.clip(low, 0, n - 1), np.clip(high, 1, n)
        return np.asarray((cumulated[:, high] - cumulated[:, low]) / np.maximum(high - low, 1))

    inside = mean(total, at - half, at + half + 1)
    outside = 0.5 * (mean(total, at - far, at - far + half + 1) + mean(total, at + far - half, at + far + 1))
    sigma = np.sqrt(mean(error, at - half, at + half + 1) / (2 * half + 1) * 1.5) + 1e-300
    return np.log1p(np.maximum((inside - outside) / sigma, 0.0))


def strain(
    two_theta: Array, score: Array, d: Array, weight: Array, wavelength: float, expected: Array, search: float,
    width: float,
) -> Array:  # fmt: skip
    """Return the isotropic strain of a phase in each frame, by dynamic programming over a grid of strains.

    Maximises the sum over frames of the score summed over the phase's lines, less a cost of changing strain
    between frames (A. J. Viterbi, IEEE Trans. Inf. Theory 13 (1967) 260).

    Parameters
    ----------
    score : ndarray, shape (frames, points)
        From `contrast`.
    d, weight : ndarray, shape (lines,)
        [angstrom], and how much each line counts.
    expected : ndarray, shape (frames,)
        Strain about which to search.
    search : float
        Half width of the search.
    """
    position = two_theta_from_d(d, wavelength)
    resolution = np.radians(width) / (2 * np.tan(np.radians(position.max()) / 2)) / 4
    steps = int(min(max(np.ceil(search / resolution), 4), 200))
    grid = np.linspace(-search, search, 2 * steps + 1)
    total = np.zeros((score.shape[0], grid.size))
    for line, share in zip(d, weight, strict=True):
        at = two_theta_from_d(line * (1 + expected[:, None] + grid), wavelength)
        place = np.clip(np.searchsorted(two_theta, at), 0, two_theta.size - 1)
        total += share * np.take_along_axis(score, place, axis=1)
    chosen = _path(total - 0.05 * total.mean() * (grid / search) ** 2, MISFIT * float(total.mean()))
    return np.asarray(expected + grid[chosen])


def _path(score: Array, cost: float) -> Any:
    """Return the best column of each row, moving at most three columns a row at `cost` a column."""
    frames, columns = score.shape
    back = np.zeros((frames, columns), dtype=np.int8)
    value = score[0].copy()
    for n in range(1, frames):
        padded = np.pad(value, 3, constant_values=-np.inf)
        options = np.stack([padded[3 + m : 3 + m + columns] - cost * abs(m) for m in range(-3, 4)])
        move = np.argmax(options, axis=0)
        back[n] = move - 3
        value = options[move, np.arange(columns)] + score[n]
    path = np.zeros(frames, dtype=np.int64)
    path[-1] = int(np.argmax(value))
    for n in range(frames - 1, 0, -1):
        path[n - 1] = path[n] + back[n, path[n]]
    return path
