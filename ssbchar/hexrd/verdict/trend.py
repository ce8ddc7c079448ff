"""A quantity against its own smooth trend: what is left of it at the end of a stretch, and how much
it drifted at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

FEWEST_BEYOND = 3
"""Points that a trend needs beyond its coefficients."""
LAST = 3
"""Points at the end, at least, whose mean is compared."""
LAST_SHARE = 0.1
"""Share of the stretch, from the end, whose points are compared."""
SCATTERED = 2.0
"""Reduced chi-square from which the scatter makes the error, not what was stated."""
BENT = 3.5
"""Standard errors from which the ends of a stretch do not lie on its line."""
EARLY_SHARES = (0.5, 2 / 3)
"""Shares of the stretch to which the trend is fitted: two honest ones, whose difference is the
error of its form."""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """What a quantity has at the end of a stretch beyond its trend, in the quantity's unit."""

    value: float
    stderr: float
    form: float
    """Difference between the trends of two parts of the stretch."""
    plain: float
    """The end less the beginning, without any trend."""
    points: int


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How much a quantity changed between the first and the last point, by a straight line."""

    value: float
    stderr: float
    points: int
    chi2: float
    """Reduced chi-square [1] about the line, 1 for two points."""
    form: float = 0.0
    """By how much the ends themselves lie further apart, or closer, than the line says, where
    chance does not explain it: the change is no straight line."""

    @property
    def dof(self) -> float:
        """Degrees of freedom of the error [1], a float: infinite where the stated errors hold,
        those of the scatter where it made the error."""
        return float(self.points - 2) if self.chi2 > SCATTERED else float("inf")


def measure_departure(x: Array, y: Array, stderr: Array, *, order: int) -> Departure | None:
    """Return how far the end of a stretch lies off the trend of its beginning; None where there are
    too few points for a trend.

    A polynomial is fitted to the first half of the range of x and carried on to the last points.
    The errors grow with the scatter about it (Birge), and with the extrapolation.

    Parameters
    ----------
    x : ndarray, shape (n,)
        In the order measured, as a temperature on heating; rising or falling.
    y, stderr : ndarray, shape (n,)
    order : int
        Of the polynomial.
    """
    span = float(np.ptp(x)) if x.size else 0.0
    if not span > 0:
        return None
    # From 0 at the beginning to 1 at the end, whichever way x runs.
    u = np.abs(x - x[0]) / np.abs(x - x[0]).max()
    last = np.flatnonzero(u >= 1 - LAST_SHARE)
    last = last if last.size >= LAST else np.argsort(u)[-LAST:]
    found = [_extrapolate(u, y, stderr, last, share=share, order=order) for share in EARLY_SHARES]
    if found[0] is None or found[1] is None:
        return None
    (value, error), (other, _) = found[0], found[1]
    first = np.flatnonzero(u <= LAST_SHARE)
    first = first if first.size >= LAST else np.argsort(u)[:LAST]
    return Departure(
        value=value,
        stderr=error,
        form=abs(other - value),
        plain=float(np.mean(y[last]) - np.mean(y[first])),
        points=int(x.size),
    )


def _extrapolate(
    u: Array,
    y: Array,
    stderr: Array,
    last: NDArray[np.intp],
    *,
    share: float,
    order: int,
) -> tuple[float, float] | None:
    """Return the mean of the last points less the trend there, with its error."""
    early = np.flatnonzero(u <= share)
    early = early[~np.isin(early, last)]
    if early.size < order + 1 + FEWEST_BEYOND:
        return None
    design = np.vander(u[early], order + 1) / stderr[early, None]
    coefficients, _, rank, _ = np.linalg.lstsq(design, y[early] / stderr[early], rcond=None)
    if rank <= order:
        return None
    left = y[early] / stderr[early] - design @ coefficients
    chi2 = float(left @ left) / (early.size - order - 1)
    at = np.vander(u[last], order + 1).mean(axis=0)
    covariance = np.linalg.inv(design.T @ design) * max(chi2, 1.0)
    end = y[last] - np.vander(u[last], order + 1) @ coefficients
    scatter = max(float(np.std(end, ddof=1)), float(np.sqrt(np.mean(stderr[last] ** 2))))
    return float(np.mean(end)), float(np.sqrt(at @ covariance @ at + scatter**2 / last.size))


def measure_drift(x: Array, y: Array, stderr: Array) -> Drift | None:
    """Return the change from the first to the last point by a weighted straight line; None for
    fewer than two points.

    The error grows with the scatter about the line (Birge). What happens within a few frames, at
    the beginning say, a line over many does not follow: the means of one, two, four, ... points at
    both ends are held against it.

    Parameters
    ----------
    x : ndarray, shape (n,)
        As a time.
    y, stderr : ndarray, shape (n,)
    """
    span = float(np.ptp(x)) if x.size > 1 else 0.0
    if not span > 0:
        return None
    u = (x - x[0]) / span
    weight = 1 / stderr**2
    mean = np.sum(weight * u) / np.sum(weight)
    power = float(np.sum(weight * (u - mean) ** 2))
    slope = float(np.sum(weight * (u - mean) * y) / power)
    level = float(np.sum(weight * y) / np.sum(weight))
    left = y - level - slope * (u - mean)
    chi2 = float(np.sum(weight * left**2) / (x.size - 2)) if x.size > 2 else 1.0
    # From the first point, where u is 0, to the last: u may run backwards.
    run = float(u[-1])
    form = _measure_bend(left, stderr)
    return Drift(
        value=slope * run,
        form=form,
        stderr=float(np.sqrt(max(chi2, 1.0) / power)) * abs(run),
        points=int(x.size),
        chi2=chi2,
    )


def _measure_bend(left: Array, stderr: Array) -> float:
    """Return how far apart both ends of what a line leaves are, by the number of points in which
    that is largest and no chance; 0 where it is chance."""
    found, count = 0.0, 1
    scatter = (
        sigma_from_deviations(np.diff(left)) / np.sqrt(2) if left.size > FEWEST_BEYOND else 0.0
    )
    error = np.maximum(stderr, scatter)
    while 2 * count <= left.size // 2:
        first, last = slice(count), slice(left.size - count, None)
        apart = abs(float(np.mean(left[last]) - np.mean(left[first])))
        sigma = float(np.hypot(np.linalg.norm(error[first]), np.linalg.norm(error[last]))) / count
        if apart > BENT * sigma:
            found = max(found, apart)
        count *= 2
    return found
