"""The clocks of furnace and detector, compared through the sample: its lattice expands when the
furnace heats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals


@dataclass(frozen=True)
class ClockOffset:
    """By how many seconds the log's clock must be moved, with its standard error; NaN where it
    cannot be told."""

    value: float
    stderr: float


MOST_STEPS = 1500
"""Steps compared with the log; of longer series, neighbouring frames are averaged."""


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
    good : ndarray of int
        Frames to use, ascending.
    """
    blocks = np.array_split(good, min(good.size, most))
    shape = (len(blocks), intensity.shape[1])
    mean, error, at = np.empty(shape), np.empty(shape), np.empty(len(blocks))
    for n, rows in enumerate(blocks):
        at[n], mean[n] = time[rows].mean(), intensity[rows].mean(axis=0)
        error[n] = np.sqrt(np.sum(stderr[rows] ** 2, axis=0)) / rows.size
    return at, mean, error


def fit_strain_steps(q: Array, intensity: Array, stderr: Array) -> tuple[Array, Array]:
    """Return the strain between each frame and the next, and its standard error.

    With u = ln q a strain e moves a pattern by -e: I2(u) - I1(u) = e dI/du + a I + b, solved by
    weighted least squares with the mean of both frames for I; a and b take up changes of scale and
    background.

    Parameters
    ----------
    q : ndarray, shape (points,)
        [1/angstrom]
    intensity, stderr : ndarray, shape (frames, points)

    Returns
    -------
    ndarray, shape (frames - 1,), twice
    """
    u = np.log(q)
    step, error = np.full((2, intensity.shape[0] - 1), np.nan)
    for n in range(step.size):
        mean = (intensity[n] + intensity[n + 1]) / 2
        root = 1 / np.sqrt(np.maximum(stderr[n] ** 2 + stderr[n + 1] ** 2, 1e-300))
        smooth = np.convolve(mean, np.ones(3) / 3, mode="same")
        design = np.stack([np.gradient(smooth, u), mean, np.ones_like(mean)])[:, 2:-2] * root[2:-2]
        normal = design @ design.T
        if np.linalg.cond(normal) < 1e25:
            inverse = np.linalg.inv(normal)
            step[n] = (inverse @ (design @ ((intensity[n + 1] - intensity[n]) * root)[2:-2]))[0]
            error[n] = np.sqrt(max(inverse[0, 0], 0.0))
    return step, error


def fit_clock_offset(
    time: Array, step: Array, error: Array, log_time: Array, log_temperature: Array, span: float
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
    step, error : ndarray, shape (frames - 1,)
        From `strain_steps`.
    log_time, log_temperature : ndarray, shape (readings,)
        [s], ascending; [degC].
    span : float
        Largest shift looked at [s].
    """
    none = ClockOffset(np.nan, np.nan)
    good = np.isfinite(step) & np.isfinite(error) & (error > 0)
    if good.sum() < 10 or log_time.size < 5:
        return none
    pace = float(np.median(np.diff(time)))
    shifts = np.arange(-span, span + pace / 4, pace / 4)
    edges = time[None, :] - shifts[:, None]
    covered = np.mean((edges >= log_time[0]) & (edges <= log_time[-1]), axis=1) >= 0.9
    rise = np.diff(np.interp(edges, log_time, log_temperature), axis=1)[:, good]
    e, w = step[good], 1 / error[good] ** 2
    alpha = (rise * w) @ e / np.maximum((rise**2) @ w, 1e-300)
    chi2 = np.sum((e - alpha[:, None] * rise) ** 2 * w, axis=1)
    chi2 = np.where(covered & (alpha > 0), chi2, np.inf)
    best = int(np.argmin(chi2))
    if not 0 < best < shifts.size - 1 or not np.isfinite(chi2[best - 1 : best + 2]).all():
        return none
    residual = (e - alpha[best] * rise[best]) * np.sqrt(w)
    unit = chi2[best] / max(e.size - 2, 1) * inflation_from_residuals(residual) ** 2
    inside = np.flatnonzero(chi2 <= chi2[best] + max(9 * unit, 1e-12 * chi2[best]))
    if np.sum(e**2 * w) - chi2[best] < 25 * unit or inside[0] == 0 or inside[-1] == shifts.size - 1:
        return none
    bend = np.polyfit(shifts[inside], chi2[inside], 2)[0] if inside.size > 3 else 0.0
    stderr = np.sqrt(unit / bend) if bend > 0 else (inside[-1] - inside[0] + 1) * pace / 4 / 6
    low, high = chi2[best - 1] - chi2[best], chi2[best + 1] - chi2[best]
    fine = shifts[best] + pace / 8 * (low - high) / max(low + high, 1e-300)
    return ClockOffset(float(fine), float(max(stderr, pace / 4 / np.sqrt(12))))
