"""Every frame of a series refined with all phases that are there: forward, backward, then beside a
joint cell(T).

Each pass runs over chunks of frames (`ssbchar.hexrd.refinement.chunks`); between passes the whole
series decides what its frames share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ssbchar.hexrd.refinement.axis_labels import label_axes
from ssbchar.hexrd.refinement.chunks import (
    run_backward_pass,
    run_forward_pass,
    run_joint_pass,
    split_chunks,
)
from ssbchar.hexrd.refinement.dataset import build_dataset
from ssbchar.hexrd.refinement.find_start import find_start
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame
from ssbchar.hexrd.refinement.frame_pass import PassSetup
from ssbchar.hexrd.refinement.inputs import Frames, build_series_model, choose_start
from ssbchar.hexrd.refinement.joint_pass import mark_presence, measure_disagreement
from ssbchar.hexrd.refinement.learn_pattern import learn_patterns
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.profile_terms import ask_profile
from ssbchar.hexrd.refinement.result_table import concatenate_tables
from ssbchar.hexrd.refinement.second_cell import find_second_cells
from ssbchar.hexrd.refinement.series_priors import expect_from_literature, learn_priors

if TYPE_CHECKING:
    import xarray as xr

MOST_ROUNDS = 3
"""Most times that forward and backward pass are run until they agree."""
DISAGREEMENT = 0.1
"""Share of cells in which they may differ: a phase that comes or goes has a few that do."""


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
        From `ssbchar.hexrd.furnace.join_temperatures`, with temperatures in degC.
    phases : list of Dataset
        From `ssbchar.crystal.tabulate_reflections`.
    options : Refinement

    Returns
    -------
    Dataset
        Arrays of shape (frame, phase, ...), lengths in angstrom, angles in degree.

    Raises
    ------
    BadInput
        No candidate phase, or no point in the range asked for.
    """
    from threadpoolctl import threadpool_limits

    # the matrices are small: threads that share one wait for each other
    with threadpool_limits(1, "blas"):
        return _refine_passes(patterns, furnace, phases, options)


def _refine_passes(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Refinement
) -> xr.Dataset:
    frames = Frames(patterns, furnace, options)
    given = build_series_model(frames, phases, options)
    start = choose_start(given, frames, options)
    chunks = split_chunks(frames.count, options.chunk)

    expected = expect_from_literature(given, frames, phases, options)
    first = PassSetup(series=given, frames=frames, priors=expected, options=options)
    first, start = find_start(first, start)
    for turn in range(MOST_ROUNDS):
        forward, _ = label_axes(first, run_forward_pass(first, chunks, start))
        if turn == 0:
            first, is_new = _choose_profile(first, forward)
            if is_new:
                forward, _ = label_axes(first, run_forward_pass(first, chunks, start))
        expected = first.priors
        series = learn_patterns(given, given, frames, forward, options)
        priors = learn_priors(expected, series, [forward], frames, options)
        setup = replace(first, series=series, priors=priors)
        backward, tables = run_backward_pass(setup, chunks, forward, start)
        backward, exchanged = label_axes(setup, backward, like=forward)
        if measure_disagreement(forward, backward, series) <= DISAGREEMENT:
            break
        # what was learnt from a pass that went astray is not kept, where the next starts is
        start = backward[min(backward)].parameters

    series = learn_patterns(series, given, frames, {**forward, **backward}, options)
    final_priors = learn_priors(priors, series, [forward, backward], frames, options)
    setup = replace(setup, series=series, priors=final_priors)
    # frames whose table has the other labels are refined once more
    kept = {i: fit for i, fit in forward.items() if i not in exchanged}
    tables = run_joint_pass(setup, tables, kept, backward, priors_before=priors)

    table = concatenate_tables(tables)
    mark_presence(table, options)
    seconds = find_second_cells(setup, backward)
    return build_dataset(table, setup, phases, patterns, seconds)


def _choose_profile(first: PassSetup, forward: FitsByFrame) -> tuple[PassSetup, bool]:
    """Return the setup with the terms of the profile that a first pass asks for, and whether there
    are any: cells, zero and patterns then come from another pass, with them."""
    options = first.options
    series = learn_patterns(first.series, first.series, first.frames, forward, options)
    terms = ask_profile(first.priors, series, forward, first.frames, options)
    if terms is first.priors.profile:
        return first, False
    return replace(first, priors=replace(first.priors, profile=terms)), True
