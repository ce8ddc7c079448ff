"""The furnace's programme: rate, and segments of heating, hold and cooling, from noisy and lagging
readings."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array


def resolution(values: Array) -> float:
    """Return the decimal step in which readings are printed (1, 0.1, 0.01 ...; 0 where there are
    none)."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0
    for decimals in range(7):
        if np.allclose(known, np.round(known, decimals), rtol=0, atol=1e-9):
            return float(10.0**-decimals)
    return 1e-7


def noise(time: Array, values: Array) -> float:
    """Return the scatter of readings about the line through their two neighbours, as sigma of one
    reading.

    The deviation r_i = y_i - interpolated(y_(i-1), y_(i+1)) has variance sigma^2 (1 + w^2 +
    (1-w)^2), w the place between the neighbours; its median absolute value gives sigma, whatever
    the slope.
    """
    if time.size < 5:
        return 0.0
    w = (time[1:-1] - time[:-2]) / (time[2:] - time[:-2])
    deviation = values[1:-1] - (1 - w) * values[:-2] - w * values[2:]
    scaled = np.abs(deviation) / np.sqrt(1 + w**2 + (1 - w) ** 2)
    return sigma_from_deviations(scaled[np.isfinite(scaled)]) if np.isfinite(scaled).any() else 0.0


def local_rate(time: Array, values: Array, points: int) -> Array:
    """Return the slope of a least-squares line through `points` neighbours of each reading
    [unit/s].

    At the ends the window is shifted, not shortened.
    """
    n = time.size
    points = min(max(points, 2), n)
    start = np.clip(np.arange(n) - points // 2, 0, n - points)
    t0, y0 = time - time[0], values - values[0]
    sums = [np.concatenate([[0.0], np.cumsum(v)]) for v in (t0, y0, t0 * t0, t0 * y0)]
    st, sy, stt, sty = (s[start + points] - s[start] for s in sums)
    return np.asarray((points * sty - st * sy) / (points * stt - st * st))


def segments(time: Array, temperature: Array, hold_rate: float) -> tuple[Array, Any]:
    """Return the rate [K/min] and the segment of each frame: ``heating``, ``hold``, ``cooling`` or
    ``none``.

    The rate is a local regression, as wide as the readings' scatter asks for to tell a quarter of
    the threshold. The threshold is `hold_rate`, less for slow programmes (a tenth of the fastest
    rate), never below three standard errors of the rate. Pieces shorter than the regression, or
    that move the temperature by less than 2 % of its range or five sigma, join what surrounds them
    (controllers overshoot, furnaces lag).

    Parameters
    ----------
    time, temperature : ndarray, shape (frames,)
        [s], [degC]; NaN where unknown.
    hold_rate : float
        [K/min]
    """
    rate, label = np.full(time.size, np.nan), np.full(time.size, "none", dtype="U8")
    known = np.flatnonzero(np.isfinite(time) & np.isfinite(temperature))
    if known.size < 5:
        return rate, label
    order = known[np.argsort(time[known], kind="stable")]
    order = order[np.concatenate([[True], np.diff(time[order]) > 0])]
    if order.size < 5:
        return rate, label
    t, y = time[order], temperature[order]
    step, sigma = float(np.median(np.diff(t))), max(noise(t, y), resolution(y) / np.sqrt(12))
    points = _points(sigma, step, hold_rate / 60 / 4, t.size)
    slope = local_rate(t, y, points)
    error = sigma * np.sqrt(12) / (step * points**1.5)
    threshold = max(3 * error, min(hold_rate / 60, 0.1 * float(np.max(np.abs(slope)))))
    kind = np.where(slope > threshold, 1, np.where(slope < -threshold, -1, 0))
    kind = _tidied(kind, y, points, max(0.02 * float(np.ptp(y)), 5 * sigma))
    rate[order] = 60 * slope
    label[order] = np.array(["cooling", "hold", "heating"])[kind + 1]
    return rate, label


def _points(sigma: float, step: float, slope: float, count: int) -> int:
    """Return how many readings tell a slope: sigma sqrt(12) / (step n^1.5) = slope."""
    needed = int(np.ceil((sigma * np.sqrt(12) / (step * slope)) ** (2 / 3)))
    return int(np.clip(needed, 5, max(5, count // 8)))


def _tidied(kind: Any, y: Array, shortest: int, smallest: float) -> Any:
    """Join pieces that are too short or too small, the shortest first, to the longer neighbour (or
    a hold)."""
    kind = kind.copy()
    while True:
        edges = np.concatenate([[0], np.flatnonzero(np.diff(kind)) + 1, [kind.size]])
        lengths = np.diff(edges)
        if lengths.size < 2:
            return kind
        moved = np.array([abs(y[b - 1] - y[a]) for a, b in itertools.pairwise(edges)])
        wrong = (lengths < shortest) | ((kind[edges[:-1]] != 0) & (moved < smallest))
        if not wrong.any():
            return kind
        n = int(np.argmin(np.where(wrong, lengths, kind.size + 1)))
        sides = [m for m in (n - 1, n + 1) if 0 <= m < lengths.size]
        best = max(sides, key=lambda m: lengths[m])
        kind[edges[n] : edges[n + 1]] = kind[edges[best]]
