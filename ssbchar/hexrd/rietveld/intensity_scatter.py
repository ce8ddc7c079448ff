"""By how much the lines' intensities scatter beyond counting: few grains in the beam, texture.

Counting errors alone make coordinates and displacement factors look better known than they are:
their information lies in intensities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.rietveld.problem import Problem
from ssbchar.typing import Array

FEWEST_BLOCKS = 10
"""Lines beyond the number of parameters from which their scatter can be told."""
MOST_SCATTER = 0.3
"""Relative scatter [1] up to which it can stand in the errors: lines that are off by more are not
described, and errors that allowed for it would let any structure fit."""
LEAST_AREA = 0.02
"""Lines with a smaller share of the strongest one's area [1] tell of background and unknown lines
as much as of their own intensity."""
MEDIAN_OF_SQUARE = 0.4549
"""Median of the square of a standard normal deviate [1]."""
HALVINGS = 50


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Lines of a pattern, those that overlap as one."""

    deviation: Array
    """Observed over calculated intensity less one [1], shape (block,)."""
    variance: Array
    """Its variance by counting [1], shape (block,)."""
    points: Array
    """Points over which a line extends, (sum y)^2 / sum y^2 [1], shape (block,)."""


def split_lines(problem: Problem, calculated: Array, background: Array) -> Blocks:
    """Return the lines of a pattern, split where the calculated one has its minima.

    Parameters
    ----------
    problem : Problem
        Intensities and their standard errors [count], shape (point,).
    calculated, background : ndarray, shape (point,)
        The refined pattern and its background [count].
    """
    peaks = np.maximum(calculated - background, 0.0)
    inner = (peaks[1:-1] <= peaks[:-2]) & (peaks[1:-1] < peaks[2:])
    begins = np.concatenate([[0], np.flatnonzero(inner) + 1])
    weight = problem.stderr**-2.0
    misfit = problem.intensity - calculated
    information = np.add.reduceat(weight * peaks**2, begins)
    agreement = np.add.reduceat(weight * peaks * misfit, begins)
    total, squares = np.add.reduceat(peaks, begins), np.add.reduceat(peaks**2, begins)
    seen = (total > LEAST_AREA * total.max()) & (information > 0)
    return Blocks(
        deviation=agreement[seen] / information[seen],
        variance=1 / information[seen],
        points=total[seen] ** 2 / squares[seen],
    )


def estimate_scatter(blocks: Blocks, parameters: int) -> float:
    """Return the relative scatter of intensities [1] beyond counting, 0 where there is none,
    infinite where it is above `MOST_SCATTER`.

    The s for which the median of d^2 / (v + s^2), times n / (n - p) for n blocks and p parameters,
    is that of the square of a normal deviate: as R. C. Paule & J. Mandel (J. Res. Natl. Bur. Stand.
    87 (1982) 377) have the mean, and a few lines under those of no phase do not move it.

    Parameters
    ----------
    blocks : Blocks
    parameters : int
        Parameters that changed the intensities.
    """
    count = blocks.deviation.size
    if count - parameters < FEWEST_BLOCKS:
        return 0.0
    limit = MEDIAN_OF_SQUARE * (count - parameters) / count

    def is_too_small(scatter: float) -> bool:
        variance = blocks.variance + scatter**2
        return bool(np.median(blocks.deviation**2 / variance) > limit)

    low, high = 0.0, MOST_SCATTER
    if not is_too_small(low):
        return 0.0
    if is_too_small(high):
        return float("inf")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_too_small(middle) else (low, middle)
    return high


def add_scatter(problem: Problem, blocks: Blocks, peaks: Array, scatter: float) -> Problem:
    """Return the problem with the scatter of intensities in the errors of its points.

    Errors of points are taken as independent: that of a point is larger by the root of the points
    of a line, so that the line's area has the scatter.

    Parameters
    ----------
    problem : Problem
    blocks : Blocks
    peaks : ndarray, shape (point,)
        The refined pattern without background [count].
    scatter : float
        Relative standard deviation of a line's intensity [1].
    """
    if not scatter > 0:
        return problem
    # by the lines that are known best
    points = float(np.average(blocks.points, weights=1 / np.sqrt(blocks.variance)))
    of_points = scatter * np.sqrt(points) * np.maximum(peaks, 0.0)
    return replace(problem, stderr=np.hypot(problem.stderr, of_points))
