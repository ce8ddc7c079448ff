"""Peaks in the residual: a matched filter over every frame, with noise that knows where the model
misfits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.storage import row_file
from ssbchar.typing import Array, Index

CHUNK = 256
"""Frames filtered at once."""
FEWEST_POINTS = 20
"""Measured points that a frame needs."""
FEWEST_BARE = 10
"""Points without peaks, or under peaks, that a scatter is taken from."""
BARE = 0.5
"""Calculated peaks below this many stated errors leave a point without a peak."""
UNDER = 5.0
"""Calculated peaks above this many stated errors put a point under a peak."""
MISFIT_QUANTILE = 75.0
"""Percentile of the squared relative misfit under peaks that stands for all of them."""
MISFIT_FACTOR = 2.0
"""Times that misfit which the residual of a peak may reach."""
REACH = 2.5
"""Half width of the filter's window [full widths at half maximum]."""


@dataclass(frozen=True, kw_only=True)
class FilteredSeries:
    """Area of a peak centred at each point of each frame, after a local straight line, and its
    standard error."""

    area: Any
    """[count point], ndarray or RowFile of shape (frames, points)."""
    stderr: Any
    """The same."""

    def significance(self, rows: slice) -> Array:
        """Return area over its standard error [1] in some frames, shape (rows, points); zero where
        not measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.nan_to_num(self.area[rows] / self.stderr[rows]))


@dataclass(frozen=True, kw_only=True)
class Maxima:
    """Local maxima of significance, arrays of shape (maxima,), by frame."""

    frame: Index
    """Index of the frame."""
    place: Array
    """[points], interpolated."""
    significance: Array
    """[standard deviations]"""


def estimate_noise(residual: Array, stderr: Array, peaks: Array) -> Array:
    """Return the standard deviation of a residual, frame by frame, from the residual itself.

    sigma^2 = (g s)^2 + (2 m p)^2: s the stated error, p the calculated peaks; g >= 1 from the
    points without peaks (median), m the relative misfit of the points under them (upper quartile),
    so that what a model leaves of a strong peak is no new peak.

    Parameters
    ----------
    residual, stderr, peaks : ndarray, shape (frames, points)
        [counts]

    Returns
    -------
    ndarray, shape (frames, points)
        [counts]; NaN where not measured.
    """
    sigma = np.full_like(stderr, np.nan)
    for i in range(len(residual)):
        good = np.isfinite(residual[i]) & (stderr[i] > 0)
        if good.sum() < FEWEST_POINTS:
            continue
        left, stated, calculated = residual[i, good], stderr[i, good], peaks[i, good]
        calculated = np.maximum(calculated, 0)
        scaled = _scale_stated_error(left, stated, calculated) * stated
        misfit = _measure_misfit(left, stated, calculated, scaled)
        sigma[i, good] = np.hypot(scaled, MISFIT_FACTOR * misfit * calculated)
    return sigma


def _scale_stated_error(left: Array, stated: Array, calculated: Array) -> float:
    """Return the factor on stated errors that the points without peaks ask for, at least one."""
    bare = calculated < BARE * stated
    if bare.sum() < FEWEST_BARE:
        bare = calculated <= np.median(calculated)
    return max(1.0, sigma_from_deviations(left[bare]) / float(np.median(stated[bare])))


def _measure_misfit(left: Array, stated: Array, calculated: Array, noise: Array) -> float:
    """Return the relative misfit under the calculated peaks beyond the noise; 0 without peaks."""
    under = calculated > UNDER * stated
    if under.sum() < FEWEST_BARE:
        return 0.0
    excess = np.maximum(left[under] ** 2 - noise[under] ** 2, 0)
    return float(np.sqrt(np.percentile(excess / calculated[under] ** 2, MISFIT_QUANTILE)))


def apply_matched_filter(residual: Array, sigma: Array, fwhm: float) -> FilteredSeries:
    """Return the area of a Gaussian peak of width `fwhm` at each point, with a straight line
    beneath it.

    Weighted least squares in a window of +-2.5 widths, for all points at once by correlation with
    the window.

    Parameters
    ----------
    residual, sigma : ndarray, shape (frames, points)
        [counts]
    fwhm : float
        [points]

    Returns
    -------
    FilteredSeries
        [count point], shape (frames, points); NaN where not measured.
    """
    from scipy.ndimage import correlate1d

    terms = _make_window(fwhm)

    def window(data: Array, kernel: Array) -> Array:
        """Return the sum over the window about each point, shape of `data`, in its unit."""
        return np.asarray(correlate1d(data, kernel, axis=1, mode="constant"))

    area, error = np.full_like(residual, np.nan), np.full_like(residual, np.nan)
    for begin in range(0, len(residual), CHUNK):
        part = slice(begin, begin + CHUNK)
        good = np.isfinite(residual[part]) & np.isfinite(sigma[part]) & (sigma[part] > 0)
        weight = np.where(good, 1.0 / np.where(good, sigma[part], 1.0) ** 2, 0.0)
        value = weight * np.where(good, residual[part], 0.0)
        # normal equations [[a b c] [b d e] [c e f]] of peak, level and slope at every point
        a, b, c = (window(weight, terms[0] * term) for term in terms)
        d, e = (window(weight, terms[1] * term) for term in terms[1:])
        f = window(weight, terms[2] * terms[2])
        cofactors = (d * f - e * e, c * e - b * f, b * e - c * d)
        determinant = a * cofactors[0] + b * cofactors[1] + c * cofactors[2]
        enough = good & (determinant > 1e-10 * a * d * f)
        # by Cramer's rule: three unknowns at every point of every frame
        safe = np.where(enough, determinant, 1.0)
        right = [window(value, term) for term in terms]
        solved = sum(x * y for x, y in zip(cofactors, right, strict=True)) / safe
        area[part] = np.where(enough, solved, np.nan)
        error[part] = np.where(enough, np.sqrt(np.maximum(cofactors[0] / safe, 0)), np.nan)
    return FilteredSeries(area=area, stderr=error)


def _make_window(fwhm: float) -> list[Array]:
    """Return peak of unit area, level and slope over the window."""
    half = max(3, round(REACH * fwhm))
    u = np.arange(-half, half + 1, dtype=float)
    peak = np.sqrt(4 * np.log(2) / np.pi) / fwhm * np.exp(-4 * np.log(2) * (u / fwhm) ** 2)
    u = u / half
    return [peak, np.ones_like(u), u]


def find_maxima(filtered: FilteredSeries, threshold: float, apart: int) -> Maxima:
    """Return local maxima of significance at or above a threshold.

    Parameters
    ----------
    filtered : FilteredSeries
        Shape (frames, points).
    threshold : float
        [standard deviations]
    apart : int
        No two within so many points.

    Returns
    -------
    Maxima
        Places [points], by the parabola through a maximum and its neighbours.
    """
    from scipy.ndimage import maximum_filter1d

    frames, places, heights = [np.empty(0, np.intp)], [np.empty(0)], [np.empty(0)]
    for part in row_file.split_rows(filtered.area.shape):
        s = filtered.significance(part)
        top = (s >= threshold) & (s == maximum_filter1d(s, 2 * apart + 1, axis=1))
        frame, at = np.nonzero(top)
        inside = (at > 0) & (at < s.shape[1] - 1)
        frame, at = frame[inside], at[inside]
        left, middle, right = s[frame, at - 1], s[frame, at], s[frame, at + 1]
        frames.append(frame + part.start)
        places.append(at + _interpolate_vertex(left, middle, right))
        heights.append(middle)
    return Maxima(
        frame=np.concatenate(frames),
        place=np.concatenate(places),
        significance=np.concatenate(heights),
    )


def _interpolate_vertex(left: Array, middle: Array, right: Array) -> Array:
    """Return where the parabola through three neighbouring points is highest, within half a point
    of the middle."""
    curvature = left - 2 * middle + right
    curved = curvature < 0
    shift = np.where(curved, 0.5 * (left - right) / np.where(curved, curvature, 1.0), 0.0)
    return np.clip(shift, -0.5, 0.5)
