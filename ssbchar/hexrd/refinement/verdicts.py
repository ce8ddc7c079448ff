"""Each frame beside the joint cell(T): refined again where that could change it, and judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement import frame, phase_detection
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.result_table import Table, fill
from ssbchar.hexrd.refinement.state import Fit, Fits, Series, put
from ssbchar.runtime import progress
from ssbchar.statistics import find_runs
from ssbchar.typing import Array

SETTLED = 0.05
"""A cell whose variance is below this share of its prior's does not depend on it."""


def polish(
    table: Table,
    series: Series,
    frames: Frames,
    priors: tuple[Priors, Priors],
    forward: Fits,
    backward: Fits,
    options: Refinement,
    name: str,
) -> None:
    """Refine again, beside the final cell(T), the frames of a table that this could change; judge
    all.

    Parameters
    ----------
    table : Table
        Filled from the backward pass.
    priors : pair of Priors
        Those of the backward pass, and the final ones.
    """
    before, after = priors
    for i in progress.report_progress(table.frames, name):
        if not frames.usable[i]:
            continue
        fit = backward[i]
        if _unsettled(series, before, after, forward.get(i), fit, i):
            y, weight = frames.points(i)
            fit = _final(series, after, forward.get(i), fit, options, i, y, weight)
            fill(table, frames, after, phase_detection.remainder(series, fit, y, weight), i, y)
        _judge(table, series, after, fit, forward.get(i), backward.get(i), i)


def _unsettled(
    series: Series, before: Priors, after: Priors, forward: Fit | None, fit: Fit, i: int
) -> bool:
    """Return whether a frame depends on what was learnt after its backward fit: phases, or priors
    that weigh."""
    if forward is None or forward.present != fit.present or not fit.converged:
        return True
    if np.any(before.known != after.known):
        return True
    for n, p in enumerate(fit.present):
        free = series.phases[p].free
        if np.any(np.diagonal(fit.strain_covariance[n]) > SETTLED * after.sigma[i, p, :free] ** 2):
            return True
    return False


def _final(
    series: Series,
    priors: Priors,
    forward: Fit | None,
    backward: Fit | None,
    options: Refinement,
    i: int,
    y: Array,
    weight: Array,
) -> Fit:
    """Return the frame refined once more from the better pass, all phases of both passes in, each
    near its cell(T)."""
    found = [f for f in (forward, backward) if f is not None]
    best = min(found, key=lambda f: f.misfit)
    present = tuple(sorted({p for f in found for p in f.present}))
    state = best.state
    for other in found:
        for p in other.present:
            if p not in best.present:
                state = replace(
                    state,
                    strain=put(state.strain, p, other.state.strain[p]),
                    size=put(state.size, p, other.state.size[p]),
                    micro=put(state.micro, p, other.state.micro[p]),
                    amount=put(state.amount, p, other.state.amount[p]),
                    inflation=put(state.inflation, p, other.state.inflation[p]),
                )
    prior = priors.at(i, present, {}, None)
    return frame.refine(
        series, y, weight, state, present, prior, options.iterations, options.tolerance
    )


def _judge(
    table: Table,
    series: Series,
    priors: Priors,
    fit: Fit,
    forward: Fit | None,
    backward: Fit | None,
    i: int,
) -> None:
    row = i - table.frames[0]
    for p, phase in enumerate(series.phases):
        if p not in fit.present:
            table.verdict[row, p] = "absent"
            continue
        n = fit.present.index(p)
        variance = np.diagonal(fit.strain_covariance[n])
        held = priors.sigma[i, p, : phase.free] ** 2
        shift = fit.state.strain[p, : phase.free] - priors.strain[i, p, : phase.free]
        verdict = "ok"
        if not fit.converged:
            verdict = "not_converged"
        elif _disagree(forward, backward, p, phase.free):
            verdict = "inconsistent"
        elif priors.known[p] and np.any(variance > 0.5 * held):
            verdict = "held"
        elif priors.known[p] and np.any(np.abs(shift) > 3 * np.sqrt(held)):
            verdict = "departs"
        table.verdict[row, p] = verdict


def _disagree(forward: Fit | None, backward: Fit | None, p: int, free: int) -> bool:
    """Return whether the two passes put a phase's cell apart by more than three standard errors."""
    if forward is None or backward is None or p not in forward.present or p not in backward.present:
        return False
    variance = [np.diagonal(f.strain_covariance[f.present.index(p)]) for f in (forward, backward)]
    apart = forward.state.strain[p, :free] - backward.state.strain[p, :free]
    return bool(np.any(np.abs(apart) > 3 * np.sqrt(np.maximum(variance[0], variance[1]))))


def hysteresis(table: Table, options: Refinement) -> None:
    """Mark a phase present in each run of frames above `leave` that rises above `enter`
    somewhere."""
    ratio = table.significance
    for p in range(ratio.shape[1]):
        above = np.nan_to_num(ratio[:, p]) > options.leave
        for first, last in find_runs(above):
            table.present[first:last, p] = np.nanmax(ratio[first:last, p]) > options.enter
        weak = (table.present[:, p] == 0) & (table.verdict[:, p] != "not_measured")
        table.verdict[weak, p] = "absent"
        found = (table.present[:, p] == 1) & (table.verdict[:, p] == "absent")
        table.verdict[found, p] = "held"
