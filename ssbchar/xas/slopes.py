"""Where a spectrum rises: its smoothed derivative on an even grid in eV, whatever the density of
its points, and single wild readings."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool

SPACING = 0.25
"""Of the grid [eV]."""
REACH = 4.0
"""Weights end at so many widths [1]."""
WIDER = 2.0
"""Where points are too sparse for a slope, the width grows by this factor [1]."""
MOST_WIDTHS = 6
"""So many widths are tried."""
LEAST_WEIGHT = 1.5
"""Sum of the weights about an energy that a slope needs [1]."""
LEAST_SPREAD = 0.3
"""Spread of the points about an energy that a slope needs, in widths [1]."""
COARSE_TO_FINE = (4.0, 2.0, 1.0)
"""Widths at which the steepest place is sought, each about the last one [eV]; ours."""
ABOUT = 2.5
"""How far the next place may lie from the last, in its widths [1]."""
ENDS = 4.0
"""The ends of a scan hold no edge [eV]: beams that come up are steeper."""
SHORT = 20.0
"""A scan no longer than this is searched whole [eV]."""
ABOVE_NOISE = 5.0
"""A finer derivative counts while the highest slope is so many times its noise [1]."""
MOST_NOISE = 0.8
"""The first maximum need not reach more than this share of the highest, noise or not [1]."""
BEFORE = 30.0
"""A metal's first rise lies no further below its highest [eV]."""
AWAY = 20.0
"""The noise of the derivative is that beyond this distance from the edge [eV]."""
SPIKE_POINTS = 5
"""Points of the running median that a single wild reading is held against."""
NOISY_SHARE = 0.2
"""A spectrum with noise differs from its running median at more than this share of its points
[1]."""
SPIKE_SIGMA, SPIKE_SHARE = 8.0, 0.02
"""A reading is wild beyond so many robust deviations from the median, and this share of the whole
range [1]."""


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """The smoothed derivative of a spectrum."""

    energy: Array
    """Even grid, shape (grid,) [eV]."""
    slope: Array
    """Shape (grid,) [1/eV]."""
    inside: Bool
    """Where an edge may be, shape (grid,): away from the ends."""

    def find_highest(self, near: float | None = None, within: float = np.inf) -> int:
        """Return the grid point of the highest slope, within a distance of an energy [eV]."""
        use = self.inside
        if near is not None:
            close = use & (np.abs(self.energy - near) <= within)
            use = close if close.any() else use
        return int(np.argmax(np.where(use, self.slope, -np.inf)))

    def measure_noise(self, at: float) -> float:
        """Return the scatter of the slope away from an edge [1/eV]; zero where nothing lies there.

        Parameters
        ----------
        at : float
            The edge [eV].
        """
        away = self.inside & (np.abs(self.energy - at) > AWAY)
        if away.sum() < 2 * SPIKE_POINTS:
            return 0.0
        return float(sigma_from_deviations(self.slope[away] - np.median(self.slope[away])))


def measure_slopes(energy: Array, mu: Array, width: float) -> Slopes:
    """Return the derivative of a spectrum by local lines with Gaussian weights, on an even grid.

    Every point counts, so that many of them average their noise and none of two that are a
    thousandth of an eV apart makes a slope. Where points are sparse the width grows.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV], and the absorption there.
    width : float
        Sigma of the weights [eV].

    Returns
    -------
    Slopes

    Notes
    -----
    The sums of the local least squares are convolutions of the sums within the cells of the grid,
    which are exact for lines.
    """
    first = float(energy[0])
    cell = np.round((energy - first) / SPACING).astype(int)
    count = int(cell[-1]) + 1
    grid = np.asarray(first + SPACING * np.arange(count), float)
    offset = energy - grid[cell]
    level = float(np.median(mu))
    y = mu - level
    cells: list[Array] = [
        np.asarray(np.bincount(cell, weights=values, minlength=count), float)
        for values in (np.ones(y.size), offset, offset**2, y, offset * y)
    ]
    slope = np.full(count, np.nan)
    for step in range(MOST_WIDTHS):
        missing = np.isnan(slope)
        if not missing.any():
            break
        found = _fit_lines(cells, width * WIDER**step)
        slope[missing] = found[missing]
    slope = np.nan_to_num(slope, nan=0.0)
    ends = ENDS if grid[-1] - first > SHORT else 0.0
    return Slopes(
        energy=grid, slope=slope, inside=(grid >= first + ends) & (grid <= grid[-1] - ends)
    )


def _fit_lines(cells: list[Array], width: float) -> Array:
    """Return the slopes of local lines from sums within cells, NaN where points are too sparse."""
    n, x, xx, y, xy = cells
    half = int(np.ceil(REACH * width / SPACING))
    # Convolution turns the kernel round: its places are those of the cells seen from the grid.
    d = SPACING * np.arange(half, -half - 1, -1)
    w = np.exp(-0.5 * (d / width) ** 2)

    def convolve(values: Array, kernel: Array) -> Array:
        if values.size >= kernel.size:
            return np.convolve(values, kernel, "same")
        start = (kernel.size - 1) // 2
        return np.convolve(values, kernel)[start : start + values.size]

    s0 = convolve(n, w)
    s1 = convolve(n, w * d) + convolve(x, w)
    s2 = convolve(n, w * d**2) + 2 * convolve(x, w * d) + convolve(xx, w)
    t0 = convolve(y, w)
    t1 = convolve(y, w * d) + convolve(xy, w)
    spread = s0 * s2 - s1**2
    enough = (s0 > LEAST_WEIGHT) & (spread > (LEAST_SPREAD * width * s0) ** 2)
    safe = np.where(enough, spread, 1.0)
    return np.asarray(np.where(enough, (s0 * t1 - s1 * t0) / safe, np.nan))


def find_steepest(energy: Array, mu: Array) -> float:
    """Return where a spectrum rises most, away from the ends.

    Sought over a wide range first and then ever finer about it, as far as the noise allows: the
    highest noise of a dense scan is no edge.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV], and the absorption there.

    Returns
    -------
    float
        [eV]
    """
    return _find_steepest_slopes(energy, mu)[1]


def find_first_steep(energy: Array, mu: Array, share: float) -> float:
    """Return the first maximum of the derivative that reaches a share of the highest and stands
    above its noise: of the several rises of a metal's edge the first.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV], and the absorption there.
    share : float
        [1]

    Returns
    -------
    float
        [eV]
    """
    found, at = _find_steepest_slopes(energy, mu)
    slope, top = found.slope, found.find_highest(at, within=SPACING)
    noise = min(ABOVE_NOISE * found.measure_noise(at), MOST_NOISE * slope[top])
    least = max(share * slope[top], noise)
    is_peak = np.zeros(slope.size, bool)
    is_peak[1:-1] = (slope[1:-1] >= slope[:-2]) & (slope[1:-1] > slope[2:])
    is_peak &= found.inside & (slope >= least) & (found.energy > at - BEFORE)
    return float(found.energy[np.argmax(is_peak)]) if is_peak.any() else at


def _find_steepest_slopes(energy: Array, mu: Array) -> tuple[Slopes, float]:
    """Return the finest derivative that stands above its noise, and where it is highest [eV]."""
    mu = remove_spikes(mu)
    found = measure_slopes(energy, mu, COARSE_TO_FINE[0])
    at = float(found.energy[found.find_highest()])
    for last, width in itertools.pairwise(COARSE_TO_FINE):
        finer = measure_slopes(energy, mu, width)
        top = finer.find_highest(at, within=ABOUT * last)
        if finer.slope[top] < ABOVE_NOISE * finer.measure_noise(at):
            break
        found, at = finer, float(finer.energy[top])
    return found, at


def remove_spikes(mu: Array) -> Array:
    """Return a spectrum with single wild readings replaced by the median of their neighbours.

    The running median of five points follows a monotonic edge exactly, so that only readings that
    stick out of their neighbours differ from it. Beyond the ends the spectrum goes on as a line.

    Parameters
    ----------
    mu : array, shape (point,)
        Absorption.

    Returns
    -------
    array, shape (point,)
    """
    if mu.size < SPIKE_POINTS:
        return mu
    steps = np.array([2.0, 1.0])
    before = mu[2] - (steps + 2) * (mu[4] - mu[2]) / 2
    behind = mu[-3] - (steps[::-1] + 2) * (mu[-5] - mu[-3]) / 2
    windows = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([before, mu, behind]), SPIKE_POINTS
    )
    middle = np.median(windows, axis=1)
    neighbours = np.delete(windows, SPIKE_POINTS // 2, axis=1)
    beyond = np.maximum(mu - neighbours.max(axis=1), neighbours.min(axis=1) - mu)
    off = mu - middle
    # Where a smooth curve is its own running median, the spikes alone are off it.
    is_noisy = float((off != 0).mean()) > NOISY_SHARE
    typical = sigma_from_deviations(off[off != 0]) if is_noisy else 0.0
    low, high = np.percentile(middle, [1, 99])
    is_wild = beyond > max(SPIKE_SIGMA * typical, SPIKE_SHARE * (high - low))
    return np.where(is_wild, middle, mu)
