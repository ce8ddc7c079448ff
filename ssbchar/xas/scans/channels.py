"""Channels of a fluorescence detector: those that are dead or change their gain are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array

FEWEST = 3
"""Channels that are needed to say that one is at fault."""
SIDE = 7
"""Points on each side of a place whose medians are compared."""
LEAST_CHANGE = 1.5
"""A channel changes by more than this factor between them where it is at fault [1]..."""
STEADY = 1.2
"""... while none of the others changes by more than this one [1]; ours."""
SIGMAS, LEAST_SIGMAS = 8.0, 3.0
"""A change that counts, of the channel and of the others, in standard errors of counts [1]."""
MOSTLY_DEAD = 0.5
"""A channel that reads nothing at more than this share of the points is dead [1]."""


def select_live_channels(
    columns: Mapping[str, Array], names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the channels that can be summed, and a remark on each that is left out.

    A channel that dies, comes back or changes its gain within a scan changes suddenly where the
    others do not; one that reads nothing at most points is dead.

    Parameters
    ----------
    columns : mapping of str to array, shape (point,)
        Counts.
    names : sequence of str
        Channels; of fewer than three nothing can be said.

    Returns
    -------
    names : list of str
    remarks : list of str
    """
    if len(names) < FEWEST:
        return [*names], []
    alive = [name for name in names if not _is_dead(columns[name])]
    remarks = [f"channel {name} reads nothing: left out" for name in names if name not in alive]
    if len(alive) < FEWEST or columns[names[0]].size < 2 * SIDE:
        return (alive, remarks) if alive else ([*names], [])
    changes = [_measure_changes(columns[name]) for name in alive]
    moves = np.array([(one.factor > STEADY) & (one.sigmas > LEAST_SIGMAS) for one in changes])
    kept = []
    for row, (name, change) in enumerate(zip(alive, changes, strict=True)):
        is_alone = ~np.delete(moves, row, axis=0).any(axis=0)
        found = is_alone & (change.factor > LEAST_CHANGE) & (change.sigmas > SIGMAS)
        if not found.any():
            kept.append(name)
            continue
        place = int(np.argmax(np.where(found, change.sigmas, 0.0))) + SIDE
        remarks.append(
            f"channel {name} changes suddenly at point {place}, the others do not: left out"
        )
    return (kept, remarks) if kept else ([*names], [])


def _is_dead(counts: Array) -> bool:
    return bool(np.mean(~(np.abs(counts) > 0)) > MOSTLY_DEAD)


@dataclass(frozen=True, kw_only=True)
class _Changes:
    """How the medians on both sides of each place differ."""

    factor: Array
    sigmas: Array
    """In standard errors of counts."""


def _measure_changes(counts: Array) -> _Changes:
    size = np.abs(counts)
    median = np.median(np.lib.stride_tricks.sliding_window_view(size, SIDE), axis=1)
    high, low = np.maximum(median[:-SIDE], median[SIDE:]), np.minimum(median[:-SIDE], median[SIDE:])
    # Scatter tells the noise of channels that are no counts.
    is_counted = size.max() > SIGMAS
    noise = np.sqrt(high) if is_counted else np.full(high.size, np.std(np.diff(counts)))
    noise = np.maximum(noise, 1e-300)
    return _Changes(
        factor=high / np.maximum(low, 1e-9 * max(float(size.max()), 1e-300)),
        sigmas=(high - low) / noise,
    )
