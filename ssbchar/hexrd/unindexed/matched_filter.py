"""Peaks in the residual: a matched filter over every frame, with noise that knows where the model
misfits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import sigma_from_deviations
from ssbchar.storage import row_file
from ssbchar.typing import Array

CHUNK = 256
"""Frames filtered at once."""


@dataclass(frozen=True)
class FilteredSeries:
    """Area of a peak centred at each point of each frame, after a local straight line, and its
    standard error."""

    area: Any
    stderr: Any
    """Arrays, or stacks on disk, of shape (frames, points)."""

    def significance(self, rows: slice) -> Array:
        """Return area over its standard error in some frames; zero where not measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.nan_to_num(self.area[rows] / self.stderr[rows]))


def estimate_noise(residual: Array, stderr: Array, peaks: Array) -> Array:
    """Return the standard deviation of a residual, frame by frame, from the residual itself.

    sigma^2 = (g s)^2 + (m p)^2: s the stated error, p the calculated peaks; g >= 1 from the points
    without peaks, m from the points under them (both medians), so that what a model leaves of a
    strong peak is no new peak.

    Parameters
    ----------
    residual, stderr, peaks : ndarray, shape (frames, points)
    """
    out = np.full_like(stderr, np.nan)
    for i in range(len(residual)):
        good = np.isfinite(residual[i]) & (stderr[i] > 0)
        if good.sum() < 20:
            continue
        r, s, p = residual[i, good], stderr[i, good], np.maximum(peaks[i, good], 0)
        bare = p < 0.5 * s
        if bare.sum() < 10:
            bare = p <= np.median(p)
        g = max(1.0, sigma_from_deviations(r[bare]) / float(np.median(s[bare])))
        under = p > 5 * s
        m = 0.0
        if under.sum() >= 10:
            ratio = np.maximum(r[under] ** 2 - (g * s[under]) ** 2, 0) / p[under] ** 2
            m = float(np.sqrt(np.percentile(ratio, 75)))
        out[i, good] = np.hypot(g * s, 2 * m * p)
    return out


def apply_matched_filter(residual: Array, sigma: Array, fwhm: float) -> FilteredSeries:
    """Return the area of a Gaussian peak of width `fwhm` [points] at each point, with a straight
    line beneath it.

    Weighted least squares in a window of +-2.5 widths, for all points at once by correlation with
    the window.
    """
    from scipy.ndimage import correlate1d

    half = max(3, round(2.5 * fwhm))
    u = np.arange(-half, half + 1, dtype=float)
    shape = np.sqrt(4 * np.log(2) / np.pi) / fwhm * np.exp(-4 * np.log(2) * (u / fwhm) ** 2)
    u = u / half
    terms = [shape, np.ones_like(u), u]
    area, error = np.full_like(residual, np.nan), np.full_like(residual, np.nan)
    for begin in range(0, len(residual), CHUNK):
        part = slice(begin, begin + CHUNK)
        good = np.isfinite(residual[part]) & np.isfinite(sigma[part]) & (sigma[part] > 0)
        weight = np.where(good, 1.0 / np.where(good, sigma[part], 1.0) ** 2, 0.0)
        value = weight * np.where(good, residual[part], 0.0)

        def window(data: Array, kernel: Array) -> Array:
            return np.asarray(correlate1d(data, kernel, axis=1, mode="constant"))

        (a, b, c), (d, e), (f,) = (
            [window(weight, terms[m] * terms[n]) for n in range(m, 3)] for m in range(3)
        )
        right = [window(value, term) for term in terms]
        first = (d * f - e * e, c * e - b * f, b * e - c * d)  # cofactors of the peak's row
        determinant = a * first[0] + b * first[1] + c * first[2]
        enough = good & (determinant > 1e-10 * a * d * f)
        safe = np.where(enough, determinant, 1.0)
        area[part] = np.where(
            enough, sum(x * y for x, y in zip(first, right, strict=True)) / safe, np.nan
        )
        error[part] = np.where(enough, np.sqrt(np.maximum(first[0] / safe, 0)), np.nan)
    return FilteredSeries(area, error)


def find_maxima(
    filtered: FilteredSeries, threshold: float, apart: int
) -> tuple[NDArray[np.intp], Array, Array]:
    """Return frame, position [points, interpolated] and significance of local maxima above a
    threshold.

    Parameters
    ----------
    filtered : Filtered
    threshold : float
        [standard deviations]
    apart : int
        No two within so many points.
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
        curvature = left - 2 * middle + right
        shift = np.where(
            curvature < 0, 0.5 * (left - right) / np.where(curvature < 0, curvature, 1.0), 0.0
        )
        frames.append(frame + part.start)
        places.append(at + np.clip(shift, -0.5, 0.5))
        heights.append(middle)
    return np.concatenate(frames), np.concatenate(places), np.concatenate(heights)
