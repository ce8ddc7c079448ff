"""When a quantity changes its rate: a continuous line of straight pieces, as many as its scatter
calls for.

Errors count as they are stated where the points scatter by them about the line, and grow with the
scatter and its serial correlation where they do not, so that a wander that neighbours share is no
change.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

FEWEST = 3
"""Points of each piece, at least."""
GRID = 160
"""Places at which a change is looked for, about."""
ROUNDS = 6
"""Times that each change is looked for anew beside the others."""
AHEAD = 2
"""Changes that are added before they must have explained something."""
WITHIN_95 = 3.8415
"""Chi-square [1] by which a place may be worse than the best one within its 95 % limits (one degree
of freedom)."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """When a rate changes, in the unit of the axis."""

    value: float
    lower95: float
    upper95: float


@dataclass(frozen=True, kw_only=True)
class BrokenLine:
    """A line of straight pieces."""

    curve: Array
    """At the points, shape (n,)."""
    changes: Sequence[Change]
    """In their order."""
    inflation: float
    """Factor on the stated errors [1]."""


def fit_broken_line(x: Array, y: Array, stderr: Array, *, most: int, evidence: float) -> BrokenLine:
    """Return the line of straight pieces through points, with the changes that their scatter calls
    for.

    One change after the other is added where it lowers the criterion most, and all are then looked
    for anew beside the others. One, or two together, count if they have lowered the Bayesian
    information criterion by `evidence` each; errors are those of the line with them.

    Parameters
    ----------
    x, y, stderr : ndarray, shape (n,)
        Axis (ascending), quantity and standard error.
    most : int
        Changes at most.
    evidence : float
        [1]
    """
    places = _list_places(x)
    knots: list[float] = []
    fitted = _fit(x, y, stderr, knots)
    inflation = _measure_inflation(y, stderr, fitted, 2)
    tried, added = list(knots), 0
    # One change may explain nothing without the next: a step up and back again.
    while added < AHEAD and len(tried) < most:
        more = _add_change(x, y, stderr, tried, places)
        if more is None:
            break
        tried, added = more, added + 1
        better = _fit(x, y, stderr, tried)
        own = _measure_inflation(y, stderr, better, 2 + 2 * len(tried))
        gain = (_chi2(y, stderr, fitted) - _chi2(y, stderr, better)) / own**2
        # Each change costs a place and a rate.
        if gain - 2 * added * np.log(x.size) >= added * evidence:
            knots, fitted, inflation, added = tried, better, own, 0
    return BrokenLine(
        curve=fitted,
        changes=[
            _limit_change(x, y, stderr, knots, n, places=places, inflation=inflation)
            for n in range(len(knots))
        ],
        inflation=inflation,
    )


def _list_places(x: Array) -> Array:
    """Return where a change may be: evenly over the axis, and away from both ends."""
    if x.size < 2 * FEWEST + 1:
        return np.zeros(0)
    return np.linspace(x[FEWEST - 1], x[-FEWEST], GRID)


def _fit(x: Array, y: Array, stderr: Array, knots: Sequence[float]) -> Array:
    """Return the continuous line with changes at some places, by weighted least squares."""
    columns = [np.ones_like(x), x - x[0], *(np.maximum(x - knot, 0.0) for knot in knots)]
    design = np.stack(columns, axis=1)
    solved = np.linalg.lstsq(design / stderr[:, None], y / stderr, rcond=None)[0]
    return np.asarray(design @ solved)


def _chi2(y: Array, stderr: Array, fitted: Array) -> float:
    return float(np.sum(((y - fitted) / stderr) ** 2))


def _measure_inflation(y: Array, stderr: Array, fitted: Array, parameters: int) -> float:
    """Return the factor on the stated errors: scatter, and what neighbours share."""
    left = (y - fitted) / stderr
    scatter = float(np.sum(left**2)) / max(y.size - parameters, 1)
    return float(np.sqrt(max(scatter, 1.0)) * inflation_from_residuals(left))


def _has_room(x: Array, knots: Sequence[float]) -> bool:
    """Return whether each piece between changes holds enough points."""
    edges = [-np.inf, *sorted(knots), np.inf]
    return all(
        np.sum((x >= low) & (x <= high)) >= FEWEST for low, high in itertools.pairwise(edges)
    )


def _add_change(
    x: Array, y: Array, stderr: Array, knots: Sequence[float], places: Array
) -> list[float] | None:
    """Return the changes with one more, each where it explains most beside the others; None where
    there is no room."""
    found = _find_best(x, y, stderr, knots, places)
    if found is None:
        return None
    changes = [*knots, found]
    for _ in range(ROUNDS if knots else 0):
        before = list(changes)
        for n in range(len(changes)):
            others = changes[:n] + changes[n + 1 :]
            moved = _find_best(x, y, stderr, others, places)
            changes[n] = changes[n] if moved is None else moved
        if changes == before:
            break
    return sorted(changes)


def _find_best(
    x: Array, y: Array, stderr: Array, others: Sequence[float], places: Array
) -> float | None:
    """Return the place of a further change that explains most, None where there is no room."""
    free = [float(place) for place in places if _has_room(x, [*others, float(place)])]
    if not free:
        return None
    return free[int(np.argmin(_list_chi2(x, y, stderr, others, free)))]


def _list_chi2(
    x: Array, y: Array, stderr: Array, others: Sequence[float], free: Sequence[float]
) -> Array:
    """Return chi-square with a further change at each of some places, shape (places,): what the
    column of that change explains beyond the others is taken off."""
    columns = [np.ones_like(x), x - x[0], *(np.maximum(x - knot, 0.0) for knot in others)]
    basis, _ = np.linalg.qr(np.stack(columns, axis=1) / stderr[:, None])
    left = y / stderr - basis @ (basis.T @ (y / stderr))
    further = np.maximum(x[:, None] - np.asarray(free)[None], 0.0) / stderr[:, None]
    further -= basis @ (basis.T @ further)
    power = np.maximum(np.sum(further**2, axis=0), np.finfo(float).tiny)
    return np.asarray(left @ left - (left @ further) ** 2 / power)


def _limit_change(
    x: Array,
    y: Array,
    stderr: Array,
    knots: Sequence[float],
    number: int,
    *,
    places: Array,
    inflation: float,
) -> Change:
    """Return a change with its limits by the profile of the likelihood, the others held."""
    others = [knot for n, knot in enumerate(knots) if n != number]
    free = [float(place) for place in places if _has_room(x, [*others, float(place)])]
    chi2 = _list_chi2(x, y, stderr, others, free)
    within = np.flatnonzero(chi2 <= chi2.min() + WITHIN_95 * inflation**2)
    step = float(places[1] - places[0])
    best = float(knots[number])
    # The grid is no finer than its step.
    return Change(
        value=best,
        lower95=min(free[int(within[0])], best) - step / 2,
        upper95=max(free[int(within[-1])], best) + step / 2,
    )
