"""Every frame of a series refined with all phases that are there: forward, backward, then beside a joint cell(T)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssbchar.hexrd import presence
from ssbchar.hexrd.options import Refinement
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_judge import polish
from ssbchar.hexrd.refine_pass import explore, learnt
from ssbchar.hexrd.refine_priors import Priors
from ssbchar.hexrd.refine_result import dataset
from ssbchar.hexrd.refine_series import Frames, series_of, start_of
from ssbchar.hexrd.refine_table import empty, fill

if TYPE_CHECKING:
    import xarray as xr


def refine(patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Refinement) -> xr.Dataset:
    """Return cells, intensities and residuals of all candidate phases in every frame.

    See docs/data-model.md, ``lattice.nc``.

    Parameters
    ----------
    patterns : Dataset
        From `ssbchar.hexrd.read.patterns`.
    furnace : Dataset
        From `ssbchar.hexrd.furnace.join`.
    phases : list of Dataset
        From `ssbchar.phases.reflections`.
    options : Refinement

    Raises
    ------
    BadInput
        No candidate phase, or no point in the range asked for.
    """
    frames = Frames(patterns, furnace, options)
    series = series_of(frames, phases, options)
    start = start_of(series, options, frames.x)
    priors = Priors(series, options, frames, phases)
    forward = explore(series, frames, priors, start, options, range(frames.count), "forward", {}, None)
    series = learnt(series, forward, options)
    priors = priors.joint(series, [forward], frames)
    last = forward[max(forward)].state if forward else start
    order = range(frames.count - 1, -1, -1)
    table = empty(frames.count, len(series.phases), patterns.sizes["two_theta"])

    def keep(i: int, left: presence.Remainder, y: Array) -> None:
        fill(table, frames, priors, left, i, y)

    backward = explore(series, frames, priors, last, options, order, "backward", forward, keep)
    series = learnt(series, {**forward, **backward}, options)
    after = priors.joint(series, [forward, backward], frames)
    polish(table, series, frames, (priors, after), forward, backward, options)
    return dataset(table, series, frames, after, options, phases, patterns)
