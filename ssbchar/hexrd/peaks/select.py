"""Which peaks of a window are there: stepwise likelihood-ratio tests, values for these, limits for
the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.peaks.fit import (
    WindowFits,
    Windows,
    evaluate_jacobian,
    fit_from_starts,
    fit_windows,
)
from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt
from ssbchar.hexrd.peaks.reflections import SAME_PLACE
from ssbchar.linalg import invert_scaled
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.typing import Array, Bool, Index
from ssbchar.uncertain import serial_inflations

POOR = 4.0
"""A reduced chi-square above which a window is tried from other starts, whatever that of its
neighbours."""
WIDEST = 4.0
"""Factor by which a width may differ from the typical one, up or down."""
FIRST_ETA = 0.5
"""Lorentzian share to start from, and of a peak put in to test for it."""
STARTS_APART = 0.6
"""How far other starts are moved, as a share of the reach."""
BLIND = 1e-3
"""Share of a peak's own information below which the window cannot tell it from what is there."""


@dataclass(frozen=True, kw_only=True)
class SelectionRules:
    """How peaks of a window are searched for."""

    reach: float
    """How far a position may be from the expected one [degree]."""
    width: float
    """Typical full width at half maximum [degree]."""
    threshold: float
    """Significance that a peak must have [standard deviations]."""
    iterations: int
    """Levenberg-Marquardt steps at most."""


@dataclass(frozen=True, kw_only=True)
class SelectedPeaks:
    """What a window of `k` candidate peaks holds, in `n` frames; arrays of shape (n, k), filled in
    place."""

    position: Array
    """[degree]; NaN where absent, as all values."""
    fwhm: Array
    """[degree]"""
    area: Array
    """[counts degree]"""
    eta: Array
    """Lorentzian share [1]."""
    covariance: Array
    """Of position, fwhm, area, eta; corrected for chi-square and serial correlation; shape (n, k,
    4, 4)."""
    significance: Array
    """Signed root of the likelihood ratio of leaving the peak out (or, absent, of putting it
    in)."""
    upper95: Array
    """One-sided 95 % limit of the area [counts degree]."""
    present: Bool
    at_edge: Bool
    """Whether position or width stopped at a bound."""
    entering: Array
    """For absent peaks: significance before the residuals' serial correlation is taken into
    account."""
    chi2: Array
    """Reduced, shape (n,)."""
    converged: Bool
    """Shape (n,)."""


def select_peaks(
    data: Windows, centre: Array, begin: Bool, may_enter: Bool, rules: SelectionRules
) -> SelectedPeaks:
    """Return which candidate peaks are present, by stepwise selection, with their values or limits.

    Starts from the expected ones; then the weakest peak below the threshold leaves, else the
    strongest above it enters (not under one that is there), until nothing changes. Each test is a
    likelihood ratio of one area, in units of the noise that the larger of the two models leaves.

    Parameters
    ----------
    data : Windows
        `n` windows.
    centre : ndarray, shape (n, k)
        Expected positions [degree].
    begin, may_enter : ndarray of bool, shape (n, k)
        Peaks to start from, and those that may enter.
    rules : SelectionRules

    Returns
    -------
    SelectedPeaks
        Positions in degree, areas in counts degree.
    """
    n, k = centre.shape
    found = _make_empty(n, k)
    found.present[...] = begin
    barred = ~may_enter
    todo = np.arange(n)
    # each peak may enter once and leave once
    for _ in range(2 * k + 1):
        count = found.present[todo].sum(axis=1)
        for present_count in np.unique(count):
            _fit_rows(data, centre, rules, found, todo[count == present_count])
        drop, enter = _choose_changes(found, centre, todo, barred, rules)
        found.present[todo] ^= drop | enter
        barred[todo] |= drop
        todo = todo[np.any(drop | enter, axis=1)]
        if not todo.size:
            break
    return found


def _make_empty(n: int, k: int) -> SelectedPeaks:
    def fill(value: float, *shape: int) -> Array:
        """Return one value for every window, shape (n, *shape), in any unit."""
        return np.full((n, *shape), value)

    return SelectedPeaks(
        position=fill(np.nan, k),
        fwhm=fill(np.nan, k),
        area=fill(np.nan, k),
        eta=fill(np.nan, k),
        covariance=fill(np.nan, k, 4, 4),
        significance=fill(0.0, k),
        upper95=fill(0.0, k),
        present=np.zeros((n, k), dtype=bool),
        at_edge=np.zeros((n, k), dtype=bool),
        entering=fill(0.0, k),
        chi2=fill(1.0),
        converged=np.ones(n, dtype=bool),
    )


def _choose_changes(
    found: SelectedPeaks, centre: Array, rows: Index, barred: Bool, rules: SelectionRules
) -> tuple[Bool, Bool]:
    """Return which peak leaves and which enters in each row; one at most."""
    present, significance = found.present[rows], found.significance[rows]
    k = np.arange(present.shape[1])
    weakest = np.argmin(np.where(present, significance, np.inf), axis=1)
    drop = (k == weakest[:, None]) & present & (significance < rules.threshold)
    taken = np.where(present, found.position[rows], np.inf)
    distance = np.min(np.abs(centre[rows][:, :, None] - taken[:, None, :]), axis=2)
    free = ~present & ~barred[rows] & ~(distance < SAME_PLACE * rules.width)
    entering = np.where(free, found.entering[rows], -np.inf)
    strongest = np.argmax(entering, axis=1)
    enter = (k == strongest[:, None]) & (entering > rules.threshold)
    return drop, enter & ~np.any(drop, axis=1, keepdims=True)


def _fit_rows(
    data: Windows, centre: Array, rules: SelectionRules, found: SelectedPeaks, rows: Index
) -> None:
    """Fit rows that all hold the same number of present peaks, and write values, tests and limits
    into `found`."""
    data, centre = data.take(rows), centre[rows]
    k = int(found.present[rows[0]].sum())
    order = np.argsort(~found.present[rows], axis=1, kind="stable")
    active, absent = order[:, :k], order[:, k:]
    best, at_edge = _fit_present(data, np.take_along_axis(centre, active, axis=1), rules)
    reduced, scale = _judge_fit(data, best)
    found.chi2[rows] = reduced
    found.converged[rows] = best.converged
    _write_present(found, rows, active, best, scale)
    found.at_edge[rows] = False
    found.at_edge[rows[:, None], active] = at_edge
    if absent.shape[1]:
        at, serial = (rows[:, None], absent), scale / reduced
        places = np.take_along_axis(centre, absent, axis=1)
        z, limit = _test_absent(data, best, serial, places, rules.width)
        found.entering[at], found.upper95[at] = z, limit
        found.significance[at] = z / np.sqrt(serial)[:, None]


def _fit_present(data: Windows, place: Array, rules: SelectionRules) -> tuple[WindowFits, Bool]:
    """Return the fit of peaks near `place` (n, k), from other starts where the first is poor, and
    which peaks stopped at a bound."""
    k = place.shape[1]
    log_width = np.log(rules.width)
    narrowest, widest = np.log(rules.width / WIDEST), np.log(rules.width * WIDEST)
    start = _join_parameters(place, log_width, FIRST_ETA)
    lower = _join_parameters(place - rules.reach, narrowest, 0.0)
    upper = _join_parameters(place + rules.reach, widest, 1.0)
    best = fit_windows(data, start, lower, upper, rules.iterations)
    reduced, _ = _judge_fit(data, best)
    wrong = _find_at_edge(best.shape, lower, upper).any(axis=1)
    wrong |= (best.linear[:, :k] < 0).any(axis=1)
    # a window that fits worse than its neighbours in time has likely met a local minimum
    wrong |= reduced > min(2 * float(np.median(reduced)), POOR)
    again = np.flatnonzero(wrong) if k else np.empty(0, int)
    if again.size:
        moves = STARTS_APART * rules.reach * _move_starts(k)
        others = fit_from_starts(
            data.take(again),
            [start[again] + move for move in moves],
            lower[again],
            upper[again],
            rules.iterations,
        )
        best.improve(again, others)
    return best, _find_at_edge(best.shape, lower, upper)


def _join_parameters(place: Array, log_width: float, eta: float) -> Array:
    """Return non-linear parameters (n, 2 k + 1) with one width and one eta for all peaks."""
    n, k = place.shape
    return np.concatenate([place, np.full((n, k), log_width), np.full((n, 1), eta)], axis=1)


def _move_starts(k: int) -> Array:
    """Return how other starts differ in position: all to one side, all to the other, apart,
    together; shape (starts, 2 k + 1)."""
    if k == 1:
        positions = np.array([[-1.0], [1.0]])
    else:
        spread = np.linspace(-1, 1, k)
        positions = np.stack([-np.ones(k), np.ones(k), spread, -0.5 * spread])
    return np.concatenate([positions, np.zeros((len(positions), k + 1))], axis=1)


def _find_at_edge(shape: Array, lower: Array, upper: Array) -> Bool:
    """Return which peaks (n, k) have position or width at a bound."""
    k = (shape.shape[1] - 1) // 2
    stopped = (shape <= lower) | (shape >= upper)
    return np.asarray(stopped[:, :k] | stopped[:, k : 2 * k])


def _judge_fit(data: Windows, fitted: WindowFits) -> tuple[Array, Array]:
    """Return reduced chi-square, and by what to multiply variances: by it and the serial
    correlation of residuals."""
    points = np.sum(data.weight > 0, axis=1)
    reduced = np.maximum(fitted.chi2, 1e-300) / np.maximum(points - fitted.normal.shape[1], 1)
    return reduced, reduced * serial_inflations(fitted.residual) ** 2


def _write_present(
    found: SelectedPeaks, rows: Index, active: Index, best: WindowFits, scale: Array
) -> None:
    """Write values, covariances and tests of the present peaks into `found`; those of absent ones
    become NaN."""
    k = active.shape[1]
    for values in (found.position, found.fwhm, found.area, found.eta, found.covariance):
        values[rows] = np.nan
    inverse, linear = _invert(best.normal), _invert(best.normal[:, : k + 2, : k + 2])
    eta = best.shape[:, 2 * k]
    fwhm = np.exp(best.shape[:, k : 2 * k])
    for j in range(k):
        at = (rows, active[:, j])
        # of position, ln(fwhm), area and eta; d fwhm / d ln(fwhm) = fwhm
        index = [k + 2 + j, 2 * k + 2 + j, j, 3 * k + 2]
        jacobian = np.ones((rows.size, 4))
        jacobian[:, 1] = fwhm[:, j]
        block = inverse[:, index][:, :, index] * jacobian[:, :, None] * jacobian[:, None, :]
        area = best.linear[:, j]
        found.position[at] = best.shape[:, j]
        found.fwhm[at] = fwhm[:, j]
        found.area[at] = area
        found.eta[at] = eta
        found.covariance[at] = block * scale[:, None, None]
        # leaving a peak out frees its position, width and eta: its area is tested with these fixed
        noise = np.sqrt(linear[:, j, j] * scale)
        found.significance[at] = area / np.maximum(noise, 1e-300)
        found.upper95[at] = area + ONE_SIDED_95 * np.sqrt(block[:, 2, 2] * scale)


def _test_absent(
    data: Windows, fitted: WindowFits, serial: Array, centre: Array, width: float
) -> tuple[Array, Array]:
    """Return significance and 95 % limit of peaks put in at fixed places, all other parameters free
    (F test).

    With g the score and I its information, chi-square falls by g^2 / I, and the noise is what
    remains. `serial` widens the limit for correlated residuals.
    """
    root = np.sqrt(data.weight)
    rows = evaluate_jacobian(data, fitted.shape, fitted.linear)
    peak = pseudo_voigt(
        data.x[:, None, :], centre[:, :, None], np.array(width), np.array(FIRST_ETA)
    )
    extra = peak * root[:, None, :]
    cross = extra @ rows.transpose(0, 2, 1)
    alone = np.einsum("nkm,nkm->nk", extra, extra)
    explained = np.einsum("nki,nij,nkj->nk", cross, _invert(fitted.normal), cross)
    information = alone - explained
    blind = information < BLIND * np.maximum(alone, 1e-300)
    information = np.where(blind, 1.0, information)
    area = np.einsum("nkm,nm->nk", extra, fitted.residual) / information
    chi2 = fitted.chi2[:, None]
    remaining = np.maximum(chi2 - area**2 * information, 1e-9 * chi2 + 1e-300)
    points = np.sum(data.weight > 0, axis=1)
    noise = remaining / np.maximum(points - fitted.normal.shape[1] - 1, 1)[:, None]
    sigma = np.sqrt(noise / information)
    limit = np.maximum(area, 0.0) + ONE_SIDED_95 * sigma * np.sqrt(serial)[:, None]
    return np.where(blind, 0.0, area / sigma), np.where(blind, np.nan, limit)


def _invert(normal: Array) -> Array:
    """Return the inverse of normal matrices; a parameter at a bound stays free, so that its bound
    hides no error."""
    return invert_scaled(normal, ridge=1e-10)
