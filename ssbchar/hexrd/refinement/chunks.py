"""The passes over a series, chunk by chunk: chunks are independent, what is learnt from all of them
is not here.

A chunk begins where the configuration says, never where a machine would like it; so the answers
depend on neither the number of processes nor their speed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ssbchar.hexrd.refinement import phase_detection
from ssbchar.hexrd.refinement.frame import ROUGH
from ssbchar.hexrd.refinement.frame_pass import explore
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.result_table import Table, empty, fill
from ssbchar.hexrd.refinement.state import Fits, Series, State
from ssbchar.hexrd.refinement.verdicts import polish
from ssbchar.runtime import processes
from ssbchar.typing import Array


@dataclass(frozen=True)
class Known:
    """What every chunk of a pass is given."""

    series: Series
    frames: Frames
    priors: Priors
    start: State
    options: Refinement
    before: Priors | None = None
    """Priors of the pass before, for the last one."""


def chunks(count: int, size: int) -> list[range]:
    """Return consecutive ranges of `size` of `count` frames; a rest shorter than half a chunk joins
    the last."""
    edges = [*range(0, max(count - size // 2, 1), size), count]
    return [range(a, b) for a, b in itertools.pairwise(edges)]


def forward(known: Known, parts: Sequence[range]) -> Fits:
    """Return the fits of all frames, upwards; each chunk starts from a fit of its first frame.

    Those first frames are refined one after the other, so that cells are followed from chunk to
    chunk.
    """
    first: Fits = {}
    if len(parts) > 1:
        heads = [next((i for i in part if known.frames.usable[i]), part[0]) for part in parts]
        first = explore(
            known.series,
            known.frames,
            known.priors,
            known.start,
            known.options,
            heads,
            "refine heads of chunks",
            {},
            None,
        )
        first.pop(heads[0], None)  # the first chunk starts as a series of one chunk does
    found: Fits = {}
    for fits in processes.map_parts(
        _up, known, [(part, {i: first[i] for i in part if i in first}) for part in parts]
    ):
        found |= fits
    return found


def backward(known: Known, parts: Sequence[range], other: Fits) -> tuple[Fits, list[Table]]:
    """Return the fits of all frames, downwards, and a table of each chunk; each starts from the
    last upward fit."""
    found: Fits = {}
    tables: list[Table] = []
    for fits, table in processes.map_parts(
        _down, known, [(part, _of(other, part)) for part in parts]
    ):
        found |= fits
        tables.append(table)
    return found, tables


def joint(known: Known, tables: Sequence[Table], up: Fits, down: Fits) -> list[Table]:
    """Return the tables after the frames that the final cell(T) could change were refined once
    more."""
    parts = [(table, _of(up, table.frames), _of(down, table.frames)) for table in tables]
    return list(processes.map_parts(_beside, known, parts))


def _of(fits: Fits, part: range) -> Fits:
    return {i: fits[i] for i in part if i in fits}


def _up(known: Known, item: tuple[range, Fits]) -> Fits:
    part, first = item
    state = next(iter(first.values())).state if first else known.start
    return explore(
        known.series,
        known.frames,
        known.priors,
        state,
        known.options,
        part,
        _name("forward", known, part),
        first,
        None,
        ROUGH,
    )


def _down(known: Known, item: tuple[range, Fits]) -> tuple[Fits, Table]:
    part, other = item
    table = empty(part, len(known.series.phases))
    state = other[max(other)].state if other else known.start

    def keep(i: int, left: phase_detection.Remainder, y: Array) -> None:
        fill(table, known.frames, known.priors, left, i, y)

    fits = explore(
        known.series,
        known.frames,
        known.priors,
        state,
        known.options,
        part[::-1],
        _name("backward", known, part),
        other,
        keep,
    )
    return fits, table


def _beside(known: Known, item: tuple[Table, Fits, Fits]) -> Table:
    table, up, down = item
    assert known.before is not None
    name = _name("joint", known, table.frames)
    polish(
        table,
        known.series,
        known.frames,
        (known.before, known.priors),
        up,
        down,
        known.options,
        name,
    )
    return table


def _name(what: str, known: Known, part: range) -> str:
    whole = len(part) == known.frames.count
    return f"refine {what}" + ("" if whole else f", frames {part[0] + 1}-{part[-1] + 1}")
