"""Every frame of a series refined with all phases that are there: forward, backward, then beside a
joint cell(T).

Each pass runs over chunks of frames (`refine_chunks`); between passes the whole series decides what
they share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ssbchar.hexrd.refinement.chunks import Known, backward, chunks, forward, joint
from ssbchar.hexrd.refinement.dataset import dataset
from ssbchar.hexrd.refinement.inputs import Frames, series_of, start_of
from ssbchar.hexrd.refinement.learn_pattern import learnt
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.result_table import joined
from ssbchar.hexrd.refinement.verdicts import hysteresis

if TYPE_CHECKING:
    import xarray as xr


def refine_series(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Refinement
) -> xr.Dataset:
    """Return cells, intensities and residuals of all candidate phases in every frame.

    See docs/data-model.md, ``lattice.nc``.

    Parameters
    ----------
    patterns : Dataset
        From `ssbchar.hexrd.patterns.read_patterns`.
    furnace : Dataset
        From `ssbchar.hexrd.furnace.join_temperatures`.
    phases : list of Dataset
        From `ssbchar.crystal.tabulate_reflections`.
    options : Refinement

    Raises
    ------
    BadInput
        No candidate phase, or no point in the range asked for.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(
        1, "blas"
    ):  # the matrices are small: threads on them wait for each other
        return _refined(patterns, furnace, phases, options)


def _refined(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Refinement
) -> xr.Dataset:
    frames = Frames(patterns, furnace, options)
    before = series_of(frames, phases, options)
    start = start_of(before, options, frames.x)
    parts = chunks(frames.count, options.chunk)
    known = Known(before, frames, Priors(before, options, frames, phases), start, options)
    up = forward(known, parts)
    series = learnt(before, before, frames, up, options)
    known = replace(known, series=series, priors=known.priors.joint(series, [up], frames))
    down, tables = backward(known, parts, up)
    series = learnt(series, before, frames, {**up, **down}, options)
    after = known.priors.joint(series, [up, down], frames)
    tables = joint(
        replace(known, series=series, priors=after, before=known.priors), tables, up, down
    )
    table = joined(tables)
    hysteresis(table, options)
    return dataset(table, series, frames, after, options, phases, patterns)
