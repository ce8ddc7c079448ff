"""Where a signal leaves zero: likelihood of the change point of a flat-then-rising signal with its
own errors.

The signal is ``b`` before ``u0`` and ``b + c_1 (u - u0) + c_2 (u - u0)^2`` after it, rising; the
square is always there, because a straight line through growth that bends puts the change too early.
Where the data strongly call for another shape, sets of other powers join. The density of ``u0`` is
the profile likelihood averaged over the sets with their Bayesian information criterion (model
averaging: J. A. Hoeting et al., Statist. Sci. 14 (1999) 382).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

Sets = tuple[tuple[float, ...], ...]
GRID = 241
USUAL: Sets = ((1.0, 2.0), (2.0,))
"""Powers of growth that begins with a finite slope, or as a square."""
OTHERS: Sets = ((1.0, 2.0, 3.0), (1.5, 2.5), (2.0, 3.0), (3.0, 4.0))
"""Powers of growth of other shapes (nucleation and growth begin with powers up to 4)."""
TRUST = 8.0
"""The stated errors weigh like this many residuals of their own when scatter is judged."""
CHANCE = 1.64
"""A serial correlation below this over sqrt(n) may be chance and does not inflate."""
STRONG = 6.0
"""Difference of the information criterion that calls for another shape (R. E. Kass & A. E. Raftery,
J. Am. Stat. Assoc. 90 (1995) 773: strong evidence)."""
BEYOND = 0.15
"""The change may lie this share of the window before its first point."""


@dataclass(frozen=True)
class ChangePoint:
    """Density of a change point, summed up."""

    value: float
    """Its mean."""
    stderr: float
    lower95: float
    upper95: float
    inflation: float
    """Factor on the stated errors after the change: scatter times serial correlation."""
    at_edge: bool
    """The 95 % limit on the flat side reaches the first point: only the other limit is known."""


def find_change_point(
    u: Array, u_stderr: Array, y: Array, stderr: Array, latest: float
) -> ChangePoint:
    """Return the change point of a signal that is flat and then rises.

    Errors along u enter by the slope (effective variance). The variances before and after the
    change are each scaled by what their residuals say, the stated errors weighing as `TRUST`
    residuals that agree with them (the posterior mean of a scale with an inverse-gamma prior about
    one), and inflated for serial correlation.

    Parameters
    ----------
    u, u_stderr : ndarray, shape (n,)
        Coordinate, increasing from before the change to after it, and its error.
    y, stderr : ndarray, shape (n,)
    latest : float
        The change is not later than this (the signal is seen there).
    """
    scale, zero = float(np.ptp(u)) or 1.0, float(u.min())
    x, x_stderr, end = (u - zero) / scale, u_stderr / scale, (latest - zero) / scale
    grid = np.linspace(-BEYOND, end, GRID)
    baseline = int(np.sum(x < end)) >= 6
    sets: Sets = USUAL + OTHERS  # the scatter is judged about the shape that fits best
    total, inflation, best = stderr, 1.0, float(grid[-1])
    for turn in range(4):
        if turn == 2:
            sets = _called_for(x, y, total, grid, baseline)
        density, best, fitted, slope, freedom = _density(x, y, total, grid, sets, baseline)
        stated = np.hypot(stderr, slope * x_stderr)
        total, inflation = _inflated(x, y - fitted, stated, best, freedom)
    for _ in range(2):
        density, best, *_ = _density(x, y, total, grid, sets, baseline)
        mean, spread = _moments(grid, density)
        width = max(spread, float(grid[1] - grid[0]))
        grid = np.linspace(max(-BEYOND, mean - 6 * width), min(end, mean + 6 * width), GRID)
    density, *_ = _density(x, y, total, grid, sets, baseline)
    mean, spread = _moments(grid, density)
    cumulative = np.cumsum(density) / np.sum(density)
    low, high = (float(np.interp(q, cumulative, grid)) for q in (0.025, 0.975))
    edge = low <= 0.0
    return ChangePoint(
        mean * scale + zero,
        spread * scale,
        low * scale + zero,
        high * scale + zero,
        inflation,
        edge,
    )


def _called_for(x: Array, y: Array, stderr: Array, grid: Array, baseline: bool) -> Sets:
    """Return the usual sets, with the others where one of these betters them by `STRONG`."""
    usual = _criteria(x, y, stderr, grid, USUAL, baseline)[0].min()
    other = _criteria(x, y, stderr, grid, OTHERS, baseline)[0].min()
    return USUAL + OTHERS if other < usual - STRONG else USUAL


def _moments(grid: Array, density: Array) -> tuple[float, float]:
    mean = float(np.sum(grid * density) / np.sum(density))
    return mean, float(np.sqrt(np.sum((grid - mean) ** 2 * density) / np.sum(density)))


def _criteria(
    x: Array, y: Array, stderr: Array, grid: Array, sets: Sets, baseline: bool
) -> tuple[Array, list[tuple[Array, Array]]]:
    """Return the information criterion (sets, grid), and of each set the fitted signals and
    coefficients."""
    weight = 1.0 / stderr
    past = np.maximum(x[None] - grid[:, None], 0.0)
    criteria, states = [], []
    for chosen in sets:
        terms = [past**k for k in chosen] + ([np.ones_like(past)] if baseline else [])
        design = np.stack(terms, axis=-1)
        white = design * weight[:, None]
        normal = np.einsum("gna,gnb->gab", white, white)
        size = np.sqrt(np.maximum(np.einsum("gaa->ga", normal), 1e-300))
        unit = normal / size[:, :, None] / size[:, None, :] + 1e-10 * np.eye(len(terms))
        right = np.einsum("gna,n->ga", white, y * weight) / size
        coefficients = np.linalg.solve(unit, right[..., None])[..., 0] / size
        fitted = np.einsum("gna,ga->gn", design, coefficients)
        chi2 = np.sum(((y - fitted) * weight) ** 2, axis=1)
        chi2 = np.where(coefficients[:, 0] > 0, chi2, np.inf)
        criteria.append(chi2 + (len(terms) + 1) * np.log(x.size))
        states.append((fitted, coefficients))
    return np.array(criteria), states


def _density(
    x: Array, y: Array, stderr: Array, grid: Array, sets: Sets, baseline: bool
) -> tuple[Array, float, Array, Array, int]:
    """Return the density on the grid; and of the likeliest: the change, fitted signal, slope, free
    parameters."""
    table, states = _criteria(x, y, stderr, grid, sets, baseline)
    if not np.isfinite(table).any():
        return np.ones_like(grid), float(grid[-1]), np.zeros_like(y), np.zeros_like(y), 1
    density = np.exp(-0.5 * (table - table.min())).sum(axis=0)
    which, where = np.unravel_index(int(np.argmin(table)), table.shape)
    fitted, coefficients = states[which]
    past = np.maximum(x - grid[where], 0.0)
    slope = np.zeros_like(x)
    for k, c in zip(sets[which], coefficients[where], strict=False):
        slope += np.where(past > 0, c * k * past ** (k - 1), 0.0)
    parameters = len(sets[which]) + int(baseline) + 1
    return density, float(grid[where]), fitted[where], slope, parameters


def _inflated(
    x: Array, residual: Array, stated: Array, change: float, parameters: int
) -> tuple[Array, float]:
    """Return errors that agree with the scatter before and after the change, and the factor after
    it."""
    z = residual / stated
    after = x > change
    serial = inflation_from_residuals(z)
    if serial < (1 + CHANCE / np.sqrt(z.size)) / np.sqrt(max(1 - CHANCE**2 / z.size, 1e-3)):
        serial = 1.0
    factors = []
    for part, used in ((~after, 1), (after, parameters - 1)):
        freedom = max(int(part.sum()) - used, 0)
        factors.append(np.sqrt((TRUST + float(np.sum(z[part] ** 2))) / (TRUST + freedom)))
    return stated * np.where(after, factors[1], factors[0]) * serial, float(factors[1] * serial)
