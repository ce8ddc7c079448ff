"""Jumps within a scan that are not its edge: a counter's range switched, another element's edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.edge_tables import SCANNED, list_edges

NEIGHBOURS = 5
"""Differences on each side that a jump is held against."""
LEAST_JUMP = 0.03
"""Share of the absorption's range that a jump must exceed [1]."""
ABOVE_NEIGHBOURS = 5.0
"""Times the largest difference nearby that a jump must exceed [1]."""
BREAK_ABOVE, BREAK_ALONE, BREAK_LEAST, EVEN = 2.0, 8.0, 0.1, 1.25
"""On a steep edge a jump breaks the curve by so many times the largest difference nearby, by so
many times what the curve is off its neighbours there, and by this share of the range, where steps
differ by no more than this factor [1]; ours."""
STAYS = 0.5
"""Share of a jump that must last, else it is a glitch [1]."""
FINE = 1.5
"""Spacing up to which an edge takes several points [eV]."""
EDGE_RANGE = (-20.0, 40.0)
"""Where a coarse scan may rise by its edge in one step [eV, relative to it]."""
AWAY = 60.0
"""Another element's edge is looked for this far above the scan's own [eV]."""
FIT_RANGE = (8.0, 50.0)
"""Distances from an edge at which a line with a step is fitted [eV]."""
LEAST_POINTS = 4
"""Points on each side of another edge."""
LEAST_STEP, LEAST_SIGMA = 0.05, 6.0
"""Another edge's step is above this share of the first one's, and so many standard errors [1]."""
ABOVE_EXAFS = 1.5
"""Another edge's step exceeds so many times what EXAFS makes elsewhere [1]."""
LONG_RANGE = 160.0
"""Range about a step in which a swing of EXAFS goes back [eV]."""
AROUND, AROUND_STEP = (60.0, 250.0), 8.0
"""Distances from a place within which such steps are looked for, and how far apart [eV]."""
BEFORE_EDGE = 15.0
"""A scan ends this far before another element's edge [eV]."""


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A step of the absorption between two points."""

    energy: float
    """[eV]"""
    height: float
    """Of the absorption, signed: between lines through the points on both sides."""

    @property
    def factor(self) -> float:
        """What a counter must have been multiplied by, in a transmission [1]."""
        return float(np.exp(abs(self.height)))


def find_jump(energy: Array, mu: Array, at: float) -> Jump | None:
    """Return the largest step between two points that neither the edge nor a glitch makes.

    A counter whose range is switched reads another factor from one point on: the absorption jumps
    once, far beyond the differences around, and stays there.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV] and absorption.
    at : float
        The edge [eV].
    """
    if mu.size < 4 * NEIGHBOURS:
        return None
    low, high = np.percentile(mu, [2, 98])
    change = np.diff(mu)
    found: Jump | None = None
    for i in np.flatnonzero(np.abs(change) > LEAST_JUMP * (high - low)).tolist():
        inside = EDGE_RANGE[0] < energy[i] - at < EDGE_RANGE[1]
        if inside and energy[i + 1] - energy[i] > FINE:
            continue
        before, after = change[max(i - NEIGHBOURS, 0) : i], change[i + 1 : i + 1 + NEIGHBOURS]
        if min(before.size, after.size) < NEIGHBOURS:
            continue
        largest = float(np.abs(np.concatenate([before, after])).max())
        level = np.median(mu[i + 1 : i + 1 + NEIGHBOURS]) - np.median(
            mu[i + 1 - NEIGHBOURS : i + 1]
        )
        is_clear = abs(change[i]) >= ABOVE_NEIGHBOURS * largest
        stays = level * np.sign(change[i]) >= STAYS * abs(change[i])
        if not (is_clear and stays) and not _breaks_curve(
            energy, change, i, max(BREAK_ABOVE * largest, BREAK_LEAST * (high - low))
        ):
            continue
        if found is None or abs(change[i]) > abs(found.height):
            found = Jump(
                energy=float(energy[i] + energy[i + 1]) / 2, height=_measure_height(energy, mu, i)
            )
    return found


def _breaks_curve(energy: Array, change: Array, i: int, least: float) -> bool:
    """Return whether a difference is off what the curve on both sides has by at least `least`, and
    far more than the others are, a bool; one that comes back within `NEIGHBOURS` points, as a
    glitch does, is among the largest nearby."""
    reach = NEIGHBOURS + 2
    if i < reach or i + reach >= change.size:
        return False
    near = slice(i - reach, i + reach + 1)
    steps = np.diff(energy[i - reach : i + reach + 2])
    if steps.max() > EVEN * steps.min():
        return False
    d = change[near]
    # What a cubic through the two differences on each side misses.
    off = np.abs(d[2:-2] - (4 * (d[1:-3] + d[3:-1]) - d[:-4] - d[4:]) / 6)
    alone = np.delete(off, slice(NEIGHBOURS - 2, NEIGHBOURS + 3)).max()
    return bool(off[NEIGHBOURS] > max(least, BREAK_ALONE * alone))


def _measure_height(energy: Array, mu: Array, i: int) -> float:
    """Return the height of a jump behind point i, by one parabola with a step through the points
    around."""
    near = slice(max(i - 2 * NEIGHBOURS, 0), i + 2 * NEIGHBOURS + 2)
    middle = (energy[i] + energy[i + 1]) / 2
    x = energy[near] - middle
    design = np.column_stack([x > 0, np.ones(x.size), x, x**2]).astype(float)
    fit, *_ = np.linalg.lstsq(design, mu[near], rcond=None)
    return float(fit[0])


def find_second_edge(
    energy: Array, mu: Array, at: float, own: tuple[str, str]
) -> tuple[str, str, float] | None:
    """Return element, edge and tabulated energy [eV] of the next edge in a scan.

    A line about the tabulated edge, moved as far as the scan's own, must have a step there that
    EXAFS makes nowhere around.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV] and absorption.
    at : float
        The scan's own edge, as found: axis and oxidation move others alike [eV].
    own : (str, str)
        Its element and edge.
    """
    edges = list_edges()
    offset = at - edges.get(own, at)
    height = measure_step(energy, mu, at)
    if height is None or height[0] <= 0:
        return None
    for (element, edge), place in sorted(edges.items(), key=lambda item: item[1]):
        # L2 and L1 edges are told for the scan's own element alone, to which they belong.
        if not at + AWAY < place < energy[-1] or (edge not in SCANNED and element != own[0]):
            continue
        step = measure_step(energy, mu, place + offset, one_slope=True)
        if step is None or step[0] <= max(LEAST_STEP * height[0], LEAST_SIGMA * step[1]):
            continue
        if step[0] > ABOVE_EXAFS * _measure_steps_around(
            energy, mu, place + offset, at
        ) and _stays_high(energy, mu, place + offset, at, step[0]):
            return element, edge, place
    return None


def _stays_high(energy: Array, mu: Array, place: float, at: float, height: float) -> bool:
    """Return whether the absorption is still higher far behind a step [eV]: that of the first
    shell's EXAFS, which is strongest near the scan's own edge, swings back."""
    # The scan's own white line is no level to compare with.
    near = (energy > at + AWAY / 2) & (np.abs(energy - place) < LONG_RANGE)
    near &= np.abs(energy - place) > FIT_RANGE[0]
    x, y = energy[near] - place, mu[near]
    if min((x < 0).sum(), (x > 0).sum()) < LEAST_POINTS:
        return True
    design = np.column_stack([x > 0, np.ones(x.size), x]).astype(float)
    fit, *_ = np.linalg.lstsq(design, y, rcond=None)
    return float(fit[0]) > STAYS * height


def _measure_steps_around(energy: Array, mu: Array, place: float, at: float) -> float:
    """Return the largest step that the same fit gives where no edge is, about a place [eV] above
    the scan's own edge."""
    low = max(at + AWAY, place - AROUND[1])
    places = np.concatenate(
        [
            np.arange(low, place - AROUND[0], AROUND_STEP),
            np.arange(place + AROUND[0], place + AROUND[1], AROUND_STEP),
        ]
    )
    steps = [
        step[0]
        for one in places[places < energy[-1] - FIT_RANGE[1]]
        if (step := measure_step(energy, mu, float(one), one_slope=True)) is not None
    ]
    return max(steps, default=0.0)


def measure_step(
    energy: Array, mu: Array, at: float, *, one_slope: bool = False
) -> tuple[float, float] | None:
    """Return the step of the absorption at an energy, and its standard error.

    Lines with a step between them are fitted to both sides.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Energies [eV] and absorption.
    at : float
        [eV]
    one_slope : bool
        Both lines have one slope, as far above a first edge, where a side may have few points.

    Returns
    -------
    tuple of float or None
        None where there are too few points on a side.
    """
    offset = np.abs(energy - at)
    near = (offset > FIT_RANGE[0]) & (offset < FIT_RANGE[1])
    x, y = energy[near] - at, mu[near]
    if min((x < 0).sum(), (x > 0).sum()) < LEAST_POINTS:
        return None
    slopes = [x] if one_slope else [x, np.maximum(x, 0.0)]
    design = np.column_stack([x > 0, np.ones(x.size), *slopes]).astype(float)
    fit, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ fit
    variance = (
        residual @ residual / (x.size - design.shape[1]) * np.linalg.inv(design.T @ design)[0, 0]
    )
    return float(fit[0]), float(np.sqrt(variance))
