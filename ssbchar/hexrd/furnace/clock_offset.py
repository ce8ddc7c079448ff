"""The clocks of furnace and detector, compared through the sample: its lattice expands when the
furnace heats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.furnace.log import FurnaceLog
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.storage import lazy_rows
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

if TYPE_CHECKING:
    import xarray as xr

MOST_STEPS = 1500
"""Steps compared with the log; of longer series, neighbouring frames are averaged."""
FEWEST_FRAMES = 10
"""Good frames that a comparison needs."""
FEWEST_READINGS = 5
"""Readings of the log that a comparison needs."""
COVERED = 0.9
"""Share of the frames that a shifted log must cover."""
EXPLAINED = 25
"""What the log must lower chi-square by, in units of its reduced value: five sigma."""
SHOWN = 9
"""Rise of chi-square, in the same unit, within which its curvature is taken: three sigma."""
TINY = 1e-300
"""Keeps divisions by zero out where a pattern is empty."""
LARGEST_CONDITION = 1e25
"""Condition number from which normal equations count as singular."""


@dataclass(frozen=True, kw_only=True)
class ClockOffset:
    """By how many seconds the log's clock must be moved; NaN where it cannot be determined."""

    value: float = float("nan")
    """[s]"""
    stderr: float = float("nan")
    """[s]"""
    frame_interval: float = float("nan")
    """Usual time between frames [s]."""

    @property
    def is_known(self) -> bool:
        """Whether the sample's expansion shows an offset [s]."""
        return bool(np.isfinite(self.value))


@dataclass(frozen=True, kw_only=True)
class StrainSteps:
    """The strain between each frame and the next, shape (frames - 1,)."""

    value: Array
    stderr: Array


def measure_clock_offset(patterns: xr.Dataset, table: FurnaceLog, span: float) -> ClockOffset:
    """Return the offset [s] of the log's clock that the sample's expansion shows.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``: ``intensity`` [counts] of shape (frames, points), ``time`` [s] of shape
        (frames,), ``q`` [1/angstrom] of shape (points,).
    table : FurnaceLog
    span : float
        Largest shift looked at [s].
    """
    if "intensity" not in patterns:
        return ClockOffset()
    times = patterns["time"].values
    good = np.flatnonzero((patterns["status"].values == FrameStatus.OK) & np.isfinite(times))
    if good.size <= FEWEST_FRAMES:
        return ClockOffset()
    intensity, stderr = (
        lazy_rows.RowReader(patterns[name]) for name in ("intensity", "intensity_stderr")
    )
    # Memory stays bounded: patterns of a long series are on disk.
    time, mean, error = average_frames(times, intensity, stderr, good)
    steps = fit_strain_steps(patterns["q"].values, mean, error)
    known = np.isfinite(table.time) & np.isfinite(table.temperature)
    log_time, first = np.unique(table.time[known], return_index=True)
    found = fit_clock_offset(
        time,
        steps,
        log_time=log_time,
        log_temperature=table.temperature[known][first],
        span=span,
    )
    return ClockOffset(
        value=found.value,
        stderr=found.stderr,
        frame_interval=float(np.median(np.diff(times[good]))),
    )


def average_frames(
    time: Array,
    intensity: Array | RowReader,
    stderr: Array | RowReader,
    good: NDArray[np.intp],
    most: int = MOST_STEPS,
) -> tuple[Array, Array, Array]:
    """Return time, intensity and standard error of the good frames, neighbours averaged so that
    `most` are left.

    Memory and time then stay bounded as a series grows, and no frame is left out.

    Parameters
    ----------
    time : ndarray, shape (frames,)
        [s]
    intensity, stderr : ndarray or RowReader, shape (frames, points)
        [counts]
    good : ndarray of int
        Frames to use, ascending.
    most : int
        Frames left.

    Returns
    -------
    time : ndarray, shape (left,)
    intensity, stderr : ndarray, shape (left, points)
    """
    blocks = np.array_split(good, min(good.size, most))
    shape = (len(blocks), intensity.shape[1])
    at = np.empty(len(blocks))
    mean = np.empty(shape)
    error = np.empty(shape)
    for n, rows in enumerate(blocks):
        at[n] = time[rows].mean()
        mean[n] = intensity[rows].mean(axis=0)
        error[n] = np.sqrt(np.sum(stderr[rows] ** 2, axis=0)) / rows.size
    return at, mean, error


def fit_strain_steps(q: Array, intensity: Array, stderr: Array) -> StrainSteps:
    """Return the strain between each frame and the next, and its standard error.

    With u = ln q a strain e moves a pattern by -e: I2(u) - I1(u) = e dI/du + a I + b, solved by
    weighted least squares with the mean of both frames for I; a and b take up changes of scale and
    background.

    Parameters
    ----------
    q : ndarray, shape (points,)
        [1/angstrom]
    intensity, stderr : ndarray, shape (frames, points)
        [counts]

    Returns
    -------
    StrainSteps
        [1], shape (frames - 1,); NaN where a pattern is empty.
    """
    u = np.log(q)
    count = intensity.shape[0] - 1
    step, error = np.full((2, count), np.nan)
    # The mean of three points and the gradient are not defined at the ends.
    inner = slice(2, -2)
    for n in range(count):
        mean = (intensity[n] + intensity[n + 1]) / 2
        variance = stderr[n] ** 2 + stderr[n + 1] ** 2
        root = 1 / np.sqrt(np.maximum(variance, TINY))
        smooth = np.convolve(mean, np.ones(3) / 3, mode="same")
        terms = np.stack([np.gradient(smooth, u), mean, np.ones_like(mean)])
        design = terms[:, inner] * root[inner]
        normal = design @ design.T
        if np.linalg.cond(normal) < LARGEST_CONDITION:
            inverse = np.linalg.inv(normal)
            difference = ((intensity[n + 1] - intensity[n]) * root)[inner]
            step[n] = (inverse @ (design @ difference))[0]
            error[n] = np.sqrt(max(inverse[0, 0], 0.0))
    return StrainSteps(value=step, stderr=error)


def fit_clock_offset(
    time: Array,
    steps: StrainSteps,
    *,
    log_time: Array,
    log_temperature: Array,
    span: float,
) -> ClockOffset:
    """Return the shift of the log's clock at which strain steps follow its temperature steps best.

    Minimises chi2(s) = sum (e_n - alpha (T(t_(n+1) - s) - T(t_n - s)))^2 / sigma_n^2 over s, alpha
    free; the standard error is where chi2 rises by its reduced value, times the serial correlation
    of the residuals. NaN where no shift explains the strains (no change of rate, no expansion) or
    the best one lies at the end of the span.

    Parameters
    ----------
    time : ndarray, shape (frames,)
        [s]
    steps : StrainSteps
        Shape (frames - 1,).
    log_time, log_temperature : ndarray, shape (readings,)
        [s], ascending; [degC].
    span : float
        Largest shift looked at [s].
    """
    good = np.isfinite(steps.value) & np.isfinite(steps.stderr) & (steps.stderr > 0)
    if good.sum() < FEWEST_FRAMES or log_time.size < FEWEST_READINGS:
        return ClockOffset()
    # A quarter of a frame: the parabola through three shifts finds the rest.
    spacing = float(np.median(np.diff(time))) / 4
    shifts = np.arange(-span, span + spacing, spacing)
    edges = time[None, :] - shifts[:, None]
    is_covered = (edges >= log_time[0]) & (edges <= log_time[-1])
    enough = np.mean(is_covered, axis=1) >= COVERED
    rise = np.diff(np.interp(edges, log_time, log_temperature), axis=1)[:, good]
    e, w = steps.value[good], 1 / steps.stderr[good] ** 2
    alpha = (rise * w) @ e / np.maximum((rise**2) @ w, TINY)
    chi2 = np.sum((e - alpha[:, None] * rise) ** 2 * w, axis=1)
    # A lattice that shrinks on heating is no thermometer.
    chi2 = np.where(enough & (alpha > 0), chi2, np.inf)
    best = int(np.argmin(chi2))
    last = shifts.size - 1
    if not 0 < best < last or not np.isfinite(chi2[best - 1 : best + 2]).all():
        return ClockOffset()
    residual = (e - alpha[best] * rise[best]) * np.sqrt(w)
    # Chi-square in units of its own scatter: misfit must not look like certainty.
    unit = chi2[best] / max(e.size - 2, 1) * inflation_from_residuals(residual) ** 2
    inside = np.flatnonzero(chi2 <= chi2[best] + max(SHOWN * unit, 1e-12 * chi2[best]))
    # Without the log the strains would have to be noise: how much better is it with it?
    gain = np.sum(e**2 * w) - chi2[best]
    if gain < EXPLAINED * unit or inside[0] == 0 or inside[-1] == last:
        return ClockOffset()
    # Few points lie below the rise where the bottom is narrow: a parabola is then not determined.
    bend = np.polyfit(shifts[inside], chi2[inside], 2)[0] if inside.size > 3 else 0.0
    width = inside[-1] - inside[0] + 1
    stderr = np.sqrt(unit / bend) if bend > 0 else width * spacing / 6
    left, right = chi2[best - 1] - chi2[best], chi2[best + 1] - chi2[best]
    to_vertex = spacing / 2 * (left - right) / max(left + right, TINY)
    return ClockOffset(
        value=float(shifts[best] + to_vertex),
        # The scan of shifts resolves no more than its own spacing.
        stderr=float(max(stderr, spacing / np.sqrt(12))),
    )
