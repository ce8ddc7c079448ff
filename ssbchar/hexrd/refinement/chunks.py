"""The passes over a series, chunk by chunk: chunks are independent, what is learnt from all of them
is not here.

A chunk begins where the configuration says, never where a machine would like it; so the answers
depend on neither the number of processes nor their speed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ssbchar.hexrd.refinement.frame.fit import FitsByFrame
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters
from ssbchar.hexrd.refinement.frame.refine import ROUGH
from ssbchar.hexrd.refinement.frame_pass import PassSetup, refine_pass
from ssbchar.hexrd.refinement.joint_pass import refine_beside_joint_cell
from ssbchar.hexrd.refinement.phase_detection import FitResidual
from ssbchar.hexrd.refinement.result_table import ResultTable, create_table, record_fit
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.runtime import processes


@dataclass(frozen=True, kw_only=True)
class _PassChunk:
    """What the chunks of the first two passes are given."""

    setup: PassSetup
    start: FrameParameters


@dataclass(frozen=True, kw_only=True)
class _JointChunk:
    """What the chunks of the last pass are given."""

    setup: PassSetup
    priors_before: SeriesPriors
    """Those of the backward pass."""


def split_chunks(count: int, size: int) -> list[range]:
    """Return consecutive ranges of frames.

    Parameters
    ----------
    count : int
        Frames of the series.
    size : int
        Frames of a chunk; a rest shorter than half a chunk joins the last.

    Returns
    -------
    list of range
        Together all frames, in order.
    """
    edges = [*range(0, max(count - size // 2, 1), size), count]
    return [range(a, b) for a, b in itertools.pairwise(edges)]


def run_forward_pass(
    setup: PassSetup, chunks: Sequence[range], start: FrameParameters
) -> FitsByFrame:
    """Return the fits of all frames, upwards; each chunk starts from a fit of its first frame.

    Those first frames are refined one after the other, so that cells are followed from chunk to
    chunk.

    Parameters
    ----------
    setup : PassSetup
    chunks : sequence of range
        From `split_chunks`.
    start : FrameParameters
        Where the first frame starts: angles in degree, strains dimensionless, shape (phase, ...).

    Returns
    -------
    dict of int to FrameFit
        Without curves; usable frames only.
    """
    heads: FitsByFrame = {}
    if len(chunks) > 1:
        usable = setup.frames.usable
        first_frames = [next((i for i in chunk if usable[i]), chunk[0]) for chunk in chunks]
        heads = refine_pass(setup, first_frames, start, name="refine heads of chunks")
        heads.pop(first_frames[0], None)  # the first chunk starts as a series of one chunk does
    found: FitsByFrame = {}
    # only what a chunk needs is sent to its process
    given = [(chunk, _select_frames(heads, chunk)) for chunk in chunks]
    shared = _PassChunk(setup=setup, start=start)
    for fits in processes.map_parts(_refine_forward, shared, given):
        found |= fits
    return found


def run_backward_pass(
    setup: PassSetup, chunks: Sequence[range], forward: FitsByFrame, start: FrameParameters
) -> tuple[FitsByFrame, list[ResultTable]]:
    """Return the fits of all frames, downwards, and a table of each chunk.

    Parameters
    ----------
    setup : PassSetup
        With the priors learnt from the forward pass.
    chunks : sequence of range
        From `split_chunks`.
    forward : dict of int to FrameFit
        Fits of the forward pass: each chunk starts from its last.
    start : FrameParameters
        Where a chunk without any starts: angles in degree, strains dimensionless, shape
        (phase, ...).
    """
    found: FitsByFrame = {}
    tables: list[ResultTable] = []
    given = [(chunk, _select_frames(forward, chunk)) for chunk in chunks]
    shared = _PassChunk(setup=setup, start=start)
    for fits, table in processes.map_parts(_refine_backward, shared, given):
        found |= fits
        tables.append(table)
    return found, tables


def run_joint_pass(
    setup: PassSetup,
    tables: Sequence[ResultTable],
    forward: FitsByFrame,
    backward: FitsByFrame,
    priors_before: SeriesPriors,
) -> list[ResultTable]:
    """Return the tables after the frames that the final cell(T) could change were refined once
    more.

    Parameters
    ----------
    setup : PassSetup
        With the final priors.
    tables : sequence of ResultTable
        Of the backward pass, one of each chunk; in the units of `ResultTable`.
    forward, backward : dict of int to FrameFit
        Fits of the two passes.
    priors_before : SeriesPriors
        Those of the backward pass.
    """
    given = [
        (table, _select_frames(forward, table.frames), _select_frames(backward, table.frames))
        for table in tables
    ]
    shared = _JointChunk(setup=setup, priors_before=priors_before)
    return list(processes.map_parts(_refine_jointly, shared, given))


def _select_frames(fits: FitsByFrame, chunk: range) -> FitsByFrame:
    return {i: fits[i] for i in chunk if i in fits}


def _refine_forward(shared: _PassChunk, item: tuple[range, FitsByFrame]) -> FitsByFrame:
    chunk, heads = item
    head = next(iter(heads.values()), None)
    return refine_pass(
        shared.setup,
        chunk,
        head.parameters if head else shared.start,
        name=_name_chunk("forward", shared.setup, chunk),
        other_pass=heads,
        linear_range=ROUGH,
    )


def _refine_backward(
    shared: _PassChunk, item: tuple[range, FitsByFrame]
) -> tuple[FitsByFrame, ResultTable]:
    chunk, forward = item
    setup = shared.setup
    table = create_table(chunk, len(setup.series.phases))

    def record(i: int, left: FitResidual) -> None:
        record_fit(table, setup.frames, setup.priors, left, i)

    fits = refine_pass(
        setup,
        chunk[::-1],
        forward[max(forward)].parameters if forward else shared.start,
        name=_name_chunk("backward", setup, chunk),
        other_pass=forward,
        record=record,
    )
    return fits, table


def _refine_jointly(
    shared: _JointChunk, item: tuple[ResultTable, FitsByFrame, FitsByFrame]
) -> ResultTable:
    table, forward, backward = item
    refine_beside_joint_cell(
        table,
        shared.setup,
        forward,
        backward,
        priors_before=shared.priors_before,
        name=_name_chunk("joint", shared.setup, table.frames),
    )
    return table


def _name_chunk(what: str, setup: PassSetup, chunk: range) -> str:
    """Return what the progress of a chunk is called."""
    is_whole_series = len(chunk) == setup.frames.count
    return f"refine {what}" + (
        "" if is_whole_series else f", frames {chunk[0] + 1}-{chunk[-1] + 1}"
    )
