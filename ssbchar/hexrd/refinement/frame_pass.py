"""One pass over the frames of a series: phases enter and leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement import frame, phase_detection
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.state import Fit, Fits, Series, State, significance, slim
from ssbchar.runtime import progress
from ssbchar.typing import Array

CLEAR = 12.0
"""A phase this far above its error by misfit and serial correlation needs no further test."""


def explore(
    series: Series,
    frames: Frames,
    priors: Priors,
    state: State,
    options: Refinement,
    order: Sequence[int],
    name: str,
    other: Fits,
    keep: Callable[[int, phase_detection.Remainder, Array], None] | None,
    linear: frame.Steps = frame.FINE,
) -> Fits:
    """Return the fits of all frames in one direction; phases enter and leave by their significance.

    A frame starts from the one before. Of the phases not in the model the one that explains most
    joins, if it is above `enter` standard errors, until there is none; then those below `leave`
    go.
    """
    fits: Fits = {}
    present: tuple[int, ...] = ()
    before = order[0]
    for i in progress.report_progress(list(order), name):
        if not frames.usable[i]:
            continue
        y, weight = frames.points(i)
        near = {
            p: state.strain[p] + priors.strain[i, p] - priors.strain[before, p] for p in present
        }
        state = replace(state, strain=_placed(state.strain, near))
        if other.get(i) is not None and not fits:
            present = other[i].present
            near = {p: state.strain[p] for p in present}
        fit = _one(series, frames, priors, state, options, i, y, weight, present, near, linear)
        if keep is not None:
            keep(i, phase_detection.remainder(series, fit, y, weight), y)
        fits[i] = slim(fit)
        state, present, before = fit.state, fit.present, i
    return fits


def _placed(strain: Array, near: dict[int, Array]) -> Array:
    out = strain.copy()
    for p, value in near.items():
        out[p] = value
    return out


def _one(
    series: Series,
    frames: Frames,
    priors: Priors,
    state: State,
    options: Refinement,
    i: int,
    y: Array,
    weight: Array,
    present: tuple[int, ...],
    near: dict[int, Array],
    linear: frame.Steps,
) -> Fit:
    """Return one frame of a pass: refined, weak phases dropped, new ones added."""
    near, gone = dict(near), set[int]()
    while True:
        prior = priors.at(i, present, near, options.search / 2)
        fit = frame.refine(
            series, y, weight, state, present, prior, options.iterations, options.tolerance, linear
        )
        state = fit.state
        if len(present) == len(series.phases) and all(
            significance(fit, p) >= CLEAR for p in present
        ):
            return fit
        left = phase_detection.remainder(series, fit, y, weight)
        found = _newcomer(priors, options, left, i, gone)
        if found is not None:
            p, strain = found
            present = tuple(sorted((*present, p)))
            near[p] = np.pad(strain, (0, 6 - strain.size))
            state = _reset(replace(state, strain=_placed(state.strain, {p: near[p]})), p, priors)
            continue
        worst = _weakest(left, options)
        if worst is None:
            return fit
        gone.add(worst)
        present = tuple(p for p in present if p != worst)
        state = _reset(state, worst, priors)


def _weakest(left: phase_detection.Remainder, options: Refinement) -> int | None:
    """Return the weakest phase below `leave` standard errors, if there is one."""
    found, fit = [], left.fit
    for i, p in enumerate(fit.present):
        if significance(fit, p) < CLEAR:
            error = phase_detection.stderr(left, p)
            ratio = fit.intensity[i] / error if error > 0 else 0.0
            if ratio < options.leave:
                found.append((ratio, p))
    return min(found)[1] if found else None


def _reset(state: State, p: int, priors: Priors) -> State:
    """Return the state with a phase's amount unknown and its widths as expected."""
    amount, size, micro = np.full_like(state.amount, np.nan), state.size.copy(), state.micro.copy()
    size[p], micro[p] = priors.size[p], priors.micro[p]
    return replace(state, amount=amount, size=size, micro=micro)


def _newcomer(
    priors: Priors, options: Refinement, left: phase_detection.Remainder, i: int, gone: set[int]
) -> tuple[int, Array] | None:
    """Return the phase that explains most of the residual, of those clear of chance, and its trial
    cell."""
    series, fit = left.series, left.fit
    best: tuple[float, int, Array] | None = None
    for p, phase in enumerate(series.phases):
        if p in fit.present or p in gone:
            continue
        expected = priors.strain[i, p, : phase.free]
        step = 0.3 * fit.state.gauss / max(series.x[-1] * 0.5, 1e-3)
        cells = phase_detection.trials(
            phase, expected, 0.0 if priors.known[p] else options.search, step
        )
        trace = phase_detection.trace(left, p, cells, options.enter if fit.present else 0.0)
        if trace is None:
            continue
        k = int(np.argmax(trace.gain))
        clear = trace.intensity[k] > options.enter * trace.stderr[k] or not fit.present
        if clear and (best is None or trace.gain[k] > best[0]):
            best = (float(trace.gain[k]), p, cells[k])
    return None if best is None else (best[1], best[2])
