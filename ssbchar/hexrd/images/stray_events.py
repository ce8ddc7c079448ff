"""Stray events: pixels that a cosmic ray or a decay hits in one frame alone, which would make a
line where no reflection is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.masks import LEAST_SPOT
from ssbchar.typing import Bool

Counts = NDArray[np.float32]
"""Counts of a frame, shape (row, column)."""
FRAMES = 3
"""Frames of a series in which an event can be told from the spot of a grain, which stays."""
MOST_EVENTS = 1e-4
"""Share of the pixels above which what is seen in one frame alone is not stray: grains of a sample
that moves, another exposure."""
ALWAYS_FEW = 10
"""Pixels that may be stray events on a detector of any size."""
FEWEST_NEIGHBOURS = 3
"""Neighbours in use that tell an event from a spot."""


@dataclass(frozen=True, kw_only=True)
class FrameBesideOthers:
    """A frame with two others of the series, before and after it where there are such."""

    image: Image
    counts: Counts
    """Its counts, shape (row, column)."""
    others: tuple[Counts, ...]
    """Counts of both others; empty where the series has too few frames."""


def pair_with_others(frames: Iterable[Image]) -> Iterator[FrameBesideOthers]:
    """Yield every frame with the one before and the one after it; the first with the two after it,
    the last with the two before it.

    Parameters
    ----------
    frames : iterable of Image
        In order, all of one shape; three are held at a time.
    """
    window: list[tuple[Image, Counts]] = []

    def put_beside(place: int, others: tuple[int, ...]) -> FrameBesideOthers:
        image, counts = window[place]
        return FrameBesideOthers(
            image=image, counts=counts, others=tuple(window[i][1] for i in others)
        )

    is_first = True
    for image in frames:
        window = [*window[1 - FRAMES :], (image, np.asarray(image.counts, np.float32))]
        if len(window) == FRAMES:
            if is_first:
                yield put_beside(0, (1, 2))
                is_first = False
            yield put_beside(1, (0, 2))
    if len(window) == FRAMES:
        yield put_beside(2, (0, 1))
    else:
        yield from (put_beside(place, ()) for place in range(len(window)))


def find_stray_events(frame: FrameBesideOthers, excluded: Bool, sigma: float) -> Bool:
    """Return the pixels that a stray event hit.

    They exceed what the same pixel has in both other frames by `sigma` standard errors of counting,
    and by far more than the third highest of their eight neighbours does. A grain's spot stays over
    frames, or covers more pixels.

    Parameters
    ----------
    frame : FrameBesideOthers
        Counts of the frame and of two others [counts].
    excluded : ndarray of bool, shape (row, column)
        Pixels that are not used anyway.
    sigma : float
        0 looks for none.

    Returns
    -------
    ndarray of bool, shape (row, column)
        Nothing where they are more than `ALWAYS_FEW` and `MOST_EVENTS` of all pixels: then they are
        no stray events.
    """
    events = np.zeros(excluded.shape, bool)
    if sigma <= 0 or not frame.others:
        return events
    one, two = frame.others
    number = _mark_events(frame.counts, one, two, excluded, sigma, events)
    most = max(ALWAYS_FEW, MOST_EVENTS * events.size)
    return np.zeros_like(events) if number > most else events


@compile_loops
def _mark_events(
    counts: Counts, one: Counts, two: Counts, excluded: Bool, sigma: float, events: Bool
) -> int:
    """Mark the events of a frame; return how many there are."""
    rows, columns = counts.shape
    ranked = np.empty(8)
    number = 0
    for row in range(rows):
        if not _has_risen(counts[row], one[row], two[row], sigma):
            continue
        for column in range(columns):
            value = counts[row, column]
            other = max(one[row, column], two[row, column], 0.0)
            if not value - other > sigma * np.sqrt(value + other + 1.0):
                continue
            if excluded[row, column]:
                continue
            known = 0
            for i in range(max(row - 1, 0), min(row + 2, rows)):
                for j in range(max(column - 1, 0), min(column + 2, columns)):
                    if (i != row or j != column) and not excluded[i, j]:
                        rise = counts[i, j] - max(one[i, j], two[i, j])
                        place = known
                        while place > 0 and ranked[place - 1] > rise:
                            ranked[place] = ranked[place - 1]
                            place -= 1
                        ranked[place] = rise
                        known += 1
            if known < FEWEST_NEIGHBOURS:
                continue
            # Two of them may belong to the same event.
            third, lowest = ranked[known - 3], ranked[0]
            beyond = value - other - max(third, 0.0)
            noise = sigma * np.sqrt(value + other + max(third, 0.0) + 1.0)
            if beyond > noise + (third - lowest) / LEAST_SPOT:
                events[row, column] = True
                number += 1
    return number


@compile_loops
def _has_risen(counts: Counts, one: Counts, two: Counts, sigma: float) -> bool:
    """Return whether any pixel of a row is beyond both others; without a branch, so that the
    processor takes several pixels at a time."""
    square = np.float32(sigma * sigma)
    risen = 0
    for column in range(counts.size):
        value = counts[column]
        other = max(one[column], two[column], np.float32(0))
        rise = max(value - other, np.float32(0))
        risen += rise * rise > square * (value + other + np.float32(1))
    return risen > 0
