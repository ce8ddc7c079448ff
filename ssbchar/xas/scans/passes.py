"""Files whose energies run up and down again: each run over the edge is a scan of its own."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.scans.formats.raw_scan import RawScan

WHOLE = 0.7
"""A run over at least this share of all energies is a scan [1]."""
FEWEST = 20
"""A run of fewer points brings the monochromator back and is none."""


def split_passes(raw: RawScan, axis: str | None) -> list[RawScan]:
    """Return each run of a quick monochromator, or of scans that follow each other, as a scan; a
    scan that steps back, or measures a region again, stays one.

    Both ways of a monochromator lag behind: points of both, sorted by energy, would be a broader
    edge.

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,).
    axis : str or None
        Column of energies or angles, in any unit.

    Returns
    -------
    list of RawScan
    """
    values = raw.columns.get(axis) if axis else None
    if values is None or values.ndim != 1 or not np.isfinite(values).all():
        return [raw]
    span = float(np.ptp(values))
    if np.abs(np.diff(values)).sum() < (1 + WHOLE) * span:
        return [raw]
    runs = [
        (first, last)
        for first, last in _find_runs(values, WHOLE * span)
        if last - first >= FEWEST and np.ptp(values[first:last]) >= WHOLE * span
    ]
    if len(runs) < 2:
        return [raw]
    note = f"the energies run over the edge {len(runs)} times: as many scans"
    return [
        replace(
            raw,
            where=f"{raw.where}[pass {number}]",
            columns={
                name: column[first:last] if column.shape == values.shape else column
                for name, column in raw.columns.items()
            },
            remarks=(*raw.remarks, note),
        )
        for number, (first, last) in enumerate(runs, 1)
    ]


def _find_runs(values: Array, least: float) -> list[tuple[int, int]]:
    """Return first and behind the last point of each run between turns by at least `least`."""
    turns: list[int] = []
    lowest = highest = 0
    rises: bool | None = None
    for i, value in enumerate(values.tolist()):
        lowest = i if value < values[lowest] else lowest
        highest = i if value > values[highest] else highest
        if rises is not False and value <= values[highest] - least:
            turns += [highest] if rises else []
            rises, lowest = False, i
        elif rises is not True and value >= values[lowest] + least:
            turns += [lowest] if rises is False else []
            rises, highest = True, i
        # What a run has reached is where the next turn is counted from.
        if rises and i == highest:
            lowest = i
        elif rises is False and i == lowest:
            highest = i
    bounds = [0, *(turn + 1 for turn in turns), values.size]
    return list(itertools.pairwise(bounds))
