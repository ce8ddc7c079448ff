"""The pattern of each phase as measured: relative intensities learnt from the frames where it is
strongest.

One pattern is solved for all those frames together. The mean of the intensities of single frames
would be too high where lines overlap or are absent, for each frame's are kept from being negative;
cells would follow that bias.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.inputs import Frames, free_reflections
from ssbchar.hexrd.refinement.intensities import equations
from ssbchar.hexrd.refinement.model import Layout, Model, model_at
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.state import Fit, Fits, Series, significance
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array

LEARNT = 24
"""Most frames from which a phase's pattern is learnt; at least half as many where there are."""
STRONG = (0.5, 0.7)
"""Shares of the phase's high significance from which a frame begins to count, and counts in
full."""
CLEAR = 15.0
"""Significance below which a frame is not learnt from."""
OUTLIER = 4.0
"""Robust standard deviations beyond the median at which a frame counts for a quarter."""
NOTHING = Layout((), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0), False)


def learnt(
    series: Series, before: Series, frames: Frames, fits: Fits, options: Refinement
) -> Series:
    """Return the series with each free phase's pattern as measured where it is strongest.

    `before` is the series before anything was learnt. What was learnt already stays as it is: the
    frames of one answer have one pattern.
    """
    patterns, free, freedom = list(series.pattern), list(series.free), series.freedom.copy()
    models = functools.cache(lambda i: model_at(series, fits[i].state, fits[i].present, NOTHING))
    for p, phase in enumerate(series.phases):
        if not series.free[p].size or series.pattern[p] is not before.pattern[p]:
            continue
        chosen = _chosen(fits, p)
        if len(chosen) < 3:
            continue
        found = _stacked(series, before, frames, {i: fits[i] for i in chosen}, p, chosen, models)
        patterns[p] = found + 1e-6 * found.sum() / found.size
        weight = patterns[p] * _lorentz(series, fits[next(iter(chosen))], p)
        free[p] = free_reflections(weight, phase.known, options)
        freedom[p] = options.intensity_freedom
    return replace(series, pattern=tuple(patterns), free=tuple(free), freedom=freedom)


def _chosen(fits: Fits, p: int) -> dict[int, float]:
    """Return frames where a phase is strong, evenly spread, and how much each counts.

    They are taken at every second, fourth, ... frame of the series and fade in with their
    significance: a frame that is a little stronger or weaker than before changes the choice by
    itself at most, never as a whole.
    """
    ratio = {i: significance(fits[i], p) for i in sorted(fits) if p in fits[i].present}
    clear = [r for r in ratio.values() if r > CLEAR]
    if not clear:
        return {}
    low, high = (share * float(np.quantile(clear, 0.9)) for share in STRONG)
    counts = {
        i: min((ratio[i] - low) / (high - low), 1.0) if ratio.get(i, 0.0) > max(low, CLEAR) else 0.0
        for i in sorted(fits)
    }
    step, rows = 1, [i for i, c in counts.items() if c > 0]
    while len(rows) > LEARNT:
        step *= 2
        rows = [i for i in list(counts)[::step] if counts[i] > 0]
    return {i: counts[i] for i in rows}


def _stacked(
    series: Series,
    before: Series,
    frames: Frames,
    fits: Fits,
    p: int,
    chosen: dict[int, float],
    models: Callable[[int], Model],
) -> Array:
    """Return the strengths of a phase's reflections, not negative, that fit several frames best.

    With a frame's normal equations N x = t, those of the background and the other phases eliminated
    by their Schur complement, a column's intensity is amount * Lorentz factor * strength; the
    equations of all frames are added, each over the square of its phase's inflation, and solved for
    strengths >= 0 (C. L. Lawson & R. J. Hanson, Solving Least Squares Problems, Prentice-Hall 1974,
    ch. 23). The prior about the pattern `before` enters once. Frames that are further from the
    answer than the others (a grain, a cell in a wrong place) count for less, and it is solved
    again. `chosen` says how much each frame counts to begin with.
    """
    counts = np.array(list(chosen.values()))
    own = np.array([_strengths(series, f, p) for f in fits.values()])
    which, out = series.free[p], np.average(own, axis=0, weights=counts)
    normals, targets = [], []
    for i, fit in fits.items():
        factor = _strengths(series, fit, p, relative=False).sum() * _lorentz(series, fit, p)[which]
        normal, target = _reduced(series, frames, i, fit, p, models(i))
        normals.append(normal * np.outer(factor, factor) / fit.state.inflation[p] ** 2)
        targets.append(target * factor / fit.state.inflation[p] ** 2)
    prior = before.pattern[p][which] * out[which].sum() / before.pattern[p][which].sum()
    precision = (before.freedom[p] * np.maximum(prior, 0.05 * prior.mean())) ** -2.0
    trust = counts
    for _ in range(3):
        normal = np.tensordot(trust, normals, 1) + np.diag(precision)
        target = np.tensordot(trust, targets, 1) + precision * prior
        out[which] = _not_negative(normal, target)
        apart = np.array(
            [d @ n @ d for n, d in zip(normals, own[:, which] - out[which], strict=True)]
        )
        middle = np.median(apart)
        beyond = np.maximum(apart - middle, 0) / (
            OUTLIER * MAD_TO_SIGMA * np.median(np.abs(apart - middle)) + 1e-9
        )
        trust = counts * (1 + beyond**2) ** -2.0
    return out


def _not_negative(normal: Array, target: Array) -> Array:
    """Return x >= 0 with the least x'Nx / 2 - t'x."""
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    scale = 1 / np.sqrt(np.diagonal(normal))
    upper = cholesky(normal * np.outer(scale, scale) + 1e-10 * np.eye(scale.size))
    return np.asarray(scale * nnls(upper, solve_triangular(upper, scale * target, trans="T"))[0])


def _reduced(
    series: Series, frames: Frames, i: int, fit: Fit, p: int, model: Model
) -> tuple[Array, Array]:
    """Return a frame's normal equations for a phase's free intensities, everything else
    eliminated."""
    y, weight = frames.points(i)
    loose = series.freedom.copy()
    loose[p] = np.inf  # its prior enters once for all frames
    system = equations(replace(series, freedom=loose), model, y, weight, fit.state, fit.present)
    mine = np.zeros(system.target.size, bool)
    mine[: system.owner.size] = system.owner == fit.present.index(p)
    # the columns are in the order of their windows; back to the order of the phase's reflections
    start = sum(len(series.phases[q].form) for q in fit.present[: fit.present.index(p)])
    reflection = model.profiles.order[np.flatnonzero(mine)] - start
    order = np.flatnonzero(mine)[np.argsort(reflection)]
    rest = np.flatnonzero(~mine & (np.diagonal(system.normal) > 0))
    scale = 1 / np.sqrt(np.diagonal(system.normal)[rest])
    inner = system.normal[np.ix_(rest, rest)] * np.outer(scale, scale) + 1e-10 * np.eye(rest.size)
    between = system.normal[np.ix_(order, rest)] * scale
    solved = np.linalg.solve(inner, np.column_stack([between.T, scale * system.target[rest]]))
    normal = system.normal[np.ix_(order, order)] - between @ solved[:, :-1]
    return normal, system.target[order] - between @ solved[:, -1]


def _lorentz(series: Series, fit: Fit, p: int) -> Array:
    phase = series.phases[p]
    metric = phase.metric_at(fit.state.strain[p, : phase.free])
    return np.asarray(
        profile_model.lorentz_factor(
            profile_model.two_theta(phase.form, metric, series.wavelength)[0]
        )
    )


def _strengths(series: Series, fit: Fit, p: int, relative: bool = True) -> Array:
    share = fit.shares[fit.present.index(p)] / _lorentz(series, fit, p)
    return np.asarray(share / share.sum() if relative else share)
