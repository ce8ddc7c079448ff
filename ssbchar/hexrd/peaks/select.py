"""Which peaks of a window are there: stepwise likelihood-ratio tests, values for these, limits for
the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.hexrd.peaks.fit import (
    WindowFits,
    Windows,
    evaluate_jacobian,
    fit_from_starts,
    fit_windows,
)
from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt
from ssbchar.linalg import invert_scaled
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.typing import Array
from ssbchar.uncertain import serial_inflations

POOR = 4.0
"""A reduced chi-square above which a window is tried from other starts, whatever that of its
neighbours."""


@dataclass
class SelectedPeaks:
    """What a window of `k` candidate peaks holds, in `n` frames; arrays of shape (n, k)."""

    position: Array
    fwhm: Array
    area: Array
    eta: Array
    covariance: Array
    """Of position, fwhm, area, eta; corrected for chi-square and serial correlation; shape (n, k,
    4, 4)."""
    significance: Array
    """Signed root of the likelihood ratio of leaving the peak out (or, absent, of putting it
    in)."""
    upper95: Array
    """One-sided 95 % limit of the area."""
    present: Any
    edge: Any
    """Whether position or width stopped at a bound (bool)."""
    entering: Array
    """For absent peaks: significance before the residuals' serial correlation is taken into
    account."""
    chi2: Array
    """Reduced, shape (n,)."""
    converged: Any


def select_peaks(
    data: Windows,
    centre: Array,
    begin: Any,
    may_enter: Any,
    reach: float,
    width: float,
    threshold: float,
    iterations: int,
) -> SelectedPeaks:
    """Return which candidate peaks are present, by stepwise selection, with their values or limits.

    Starts from the expected ones; then the weakest peak below the threshold leaves, else the
    strongest above it enters (not under one that is there), until nothing changes. Each test is a
    likelihood ratio of one area, in units of the noise that the larger of the two models leaves.

    Parameters
    ----------
    centre : ndarray, shape (n, k)
        Expected positions [degree].
    begin, may_enter : ndarray of bool, shape (n, k)
        Peaks to start from, and those that may enter.
    reach, width : float
        How far a position may be from there; the typical full width at half maximum [degree].
    threshold : float
        Standard deviations.
    """
    n, k = centre.shape
    found = _empty(n, k)
    found.present = begin.copy()
    barred = ~may_enter
    todo = np.arange(n)
    for _ in range(2 * k + 1):
        count = found.present[todo].sum(axis=1)
        for k_active in np.unique(count):
            rows = todo[count == k_active]
            _fit_rows(
                data.take(rows), centre[rows], int(k_active), reach, width, iterations, found, rows
            )
        drop, enter = _changes(found, centre, todo, barred, threshold, width)
        found.present[todo] ^= drop | enter
        barred[todo] |= drop
        todo = todo[np.any(drop | enter, axis=1)]
        if not todo.size:
            break
    return found


def _empty(n: int, k: int) -> SelectedPeaks:
    blank = np.full((4, n, k), np.nan)
    no = np.zeros((n, k), dtype=bool)
    return SelectedPeaks(
        *(blank[0], blank[1], blank[2], blank[3]),
        np.full((n, k, 4, 4), np.nan),
        np.zeros((n, k)),
        np.zeros((n, k)),
        no.copy(),
        no,
        np.zeros((n, k)),
        np.ones(n),
        np.ones(n, dtype=bool),
    )


def _changes(
    found: SelectedPeaks, centre: Array, rows: Any, barred: Any, threshold: float, width: float
) -> tuple[Any, Any]:
    """Return which peak leaves and which enters in each row; one at most."""
    present, z = found.present[rows], found.significance[rows]
    k = np.arange(present.shape[1])
    weakest = np.argmin(np.where(present, z, np.inf), axis=1)
    drop = (k == weakest[:, None]) & present & (z < threshold)
    taken = np.where(present, found.position[rows], np.inf)
    under = np.min(np.abs(centre[rows][:, :, None] - taken[:, None, :]), axis=2) < 0.6 * width
    free = ~present & ~barred[rows] & ~under
    entering = np.where(free, found.entering[rows], -np.inf)
    strongest = np.argmax(entering, axis=1)
    enter = (
        (k == strongest[:, None]) & (entering > threshold) & ~np.any(drop, axis=1, keepdims=True)
    )
    return drop, enter


def _fit_rows(
    data: Windows,
    centre: Array,
    k: int,
    reach: float,
    width: float,
    iterations: int,
    found: SelectedPeaks,
    rows: Any,
) -> None:
    """Fit rows that hold `k` present peaks each, and write values, tests and limits into
    `found`."""
    order = np.argsort(~found.present[rows], axis=1, kind="stable")
    active, absent = order[:, :k], order[:, k:]
    n, place = rows.size, np.take_along_axis(centre, active, axis=1)
    ones = np.ones((n, k))
    start = np.concatenate([place, ones * np.log(width), np.full((n, 1), 0.5)], axis=1)
    lower = np.concatenate([place - reach, ones * np.log(width / 4), np.zeros((n, 1))], axis=1)
    upper = np.concatenate([place + reach, ones * np.log(width * 4), np.ones((n, 1))], axis=1)
    best = fit_windows(data, start, lower, upper, iterations)
    reduced, _ = _scale(data, best)
    wrong = _edge(best.shape, lower, upper, k).any(axis=1) | (best.linear[:, :k] < 0).any(axis=1)
    wrong |= reduced > min(2 * float(np.median(reduced)), POOR)
    again = np.flatnonzero(wrong) if k else np.empty(0, int)
    if again.size:
        starts = [start[again] + 0.6 * reach * move for move in _moves(k)]
        best.replace(
            again, fit_from_starts(data.take(again), starts, lower[again], upper[again], iterations)
        )
    _write_present(data, best, active, _edge(best.shape, lower, upper, k), found, rows)
    if absent.shape[1]:
        _, scale = _scale(data, best)
        serial, at = scale / found.chi2[rows], (rows[:, None], absent)
        there = np.take_along_axis(centre, absent, axis=1)
        z, limit = _score_test(data, best, _invert(best.normal), serial, there, width)
        found.entering[at], found.upper95[at] = z, limit
        found.significance[at] = z / np.sqrt(serial)[:, None]


def _write_present(
    data: Windows, best: WindowFits, active: Any, edge: Any, found: SelectedPeaks, rows: Any
) -> None:
    """Write values, covariances and tests of the present peaks into `found`; those of absent ones
    become NaN."""
    k = active.shape[1]
    found.chi2[rows], scale = _scale(data, best)
    found.converged[rows] = best.converged
    for name in ("position", "fwhm", "area", "eta", "covariance"):
        getattr(found, name)[rows] = np.nan
    found.edge[rows] = False
    inverse, linear = _invert(best.normal), _invert(best.normal[:, : k + 2, : k + 2])
    fwhm = np.exp(best.shape[:, k : 2 * k])
    for j in range(k):
        at = (rows, active[:, j])
        index = [k + 2 + j, 2 * k + 2 + j, j, 3 * k + 2]
        jac = np.ones((rows.size, 4))
        jac[:, 1] = fwhm[:, j]
        block = inverse[:, index][:, :, index] * jac[:, :, None] * jac[:, None, :]
        found.position[at], found.fwhm[at] = best.shape[:, j], fwhm[:, j]
        found.area[at], found.eta[at] = best.linear[:, j], best.shape[:, 2 * k]
        found.covariance[at] = block * scale[:, None, None]
        found.significance[at] = best.linear[:, j] / np.maximum(
            np.sqrt(linear[:, j, j] * scale), 1e-300
        )
        found.upper95[at] = best.linear[:, j] + ONE_SIDED_95 * np.sqrt(block[:, 2, 2] * scale)
        found.edge[at] = edge[:, j]


def _moves(k: int) -> Array:
    """Return how other starts differ in position: all to one side, all to the other, apart,
    together."""
    spread = np.linspace(-1, 1, k) if k > 1 else np.zeros(1)
    positions = np.stack([-np.ones(k), np.ones(k), spread, -0.5 * spread])
    return np.concatenate([positions, np.zeros((4, k + 1))], axis=1)[: 4 if k > 1 else 2]


def _edge(shape: Array, lower: Array, upper: Array, k: int) -> Any:
    stopped = (shape <= lower) | (shape >= upper)
    return stopped[:, :k] | stopped[:, k : 2 * k]


def _scale(data: Windows, fitted: WindowFits) -> tuple[Array, Array]:
    """Return reduced chi-square, and by what to multiply variances: by it and the serial
    correlation of residuals."""
    points = np.sum(data.weight > 0, axis=1)
    reduced = np.maximum(fitted.chi2, 1e-300) / np.maximum(points - fitted.normal.shape[1], 1)
    return reduced, reduced * serial_inflations(fitted.residual) ** 2


def _score_test(
    data: Windows, fitted: WindowFits, inverse: Array, serial: Array, centre: Array, width: float
) -> tuple[Array, Array]:
    """Return significance and 95 % limit of peaks put in at fixed places, all other parameters free
    (F test).

    With g the score and I its information, chi-square falls by g^2 / I, and the noise is what
    remains. `serial` widens the limit for correlated residuals.
    """
    root = np.sqrt(data.weight)
    rows = evaluate_jacobian(data, fitted.shape, fitted.linear)
    extra = (
        pseudo_voigt(data.x[:, None, :], centre[:, :, None], np.array(width), np.array(0.5))
        * root[:, None, :]
    )
    cross = extra @ rows.transpose(0, 2, 1)
    own = np.einsum("nkm,nkm->nk", extra, extra)
    information = own - np.einsum("nki,nij,nkj->nk", cross, inverse, cross)
    blind = information < 1e-3 * np.maximum(own, 1e-300)
    information = np.where(blind, 1.0, information)
    area = np.einsum("nkm,nm->nk", extra, fitted.residual) / information
    left = np.maximum(
        fitted.chi2[:, None] - area**2 * information, 1e-9 * fitted.chi2[:, None] + 1e-300
    )
    points = np.sum(data.weight > 0, axis=1)
    noise = left / np.maximum(points - fitted.normal.shape[1] - 1, 1)[:, None]
    sigma = np.sqrt(noise / information)
    limit = np.maximum(area, 0.0) + ONE_SIDED_95 * sigma * np.sqrt(serial)[:, None]
    return np.where(blind, 0.0, area / sigma), np.where(blind, np.nan, limit)


def _invert(normal: Array) -> Array:
    """Return the inverse of normal matrices; a parameter at a bound stays free, so that its bound
    hides no error."""
    return invert_scaled(normal, ridge=1e-10)
