"""The pattern of each phase as measured: relative intensities learnt from the frames where it is
strongest.

All reflections are learnt, not those alone that are free in each frame: what follows the pattern
would else follow the structure given, which is never quite that of the sample, and the cells follow
the misfit. One pattern is solved for all those frames together. The mean of the intensities of
single frames would be too high where lines overlap or are absent, for each frame's are kept from
being negative; cells would follow that bias.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.refinement.frame.bordered_band import expand_to_dense
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.intensities import build_equations
from ssbchar.hexrd.refinement.frame.lines import (
    lorentz_factor_from_two_theta,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem, build_model
from ssbchar.hexrd.refinement.frame.parameters import NO_PARAMETERS
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.hexrd.refinement.inputs import Frames, free_more, select_free_reflections
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Index

MOST_FRAMES = 24
"""Most frames from which a phase's pattern is learnt; at least half as many where there are."""
FEWEST_FRAMES = 3
"""Frames below which no pattern is learnt."""
STRONG = (0.5, 0.7)
"""Shares of the phase's high significance from which a frame begins to count, and counts in
full."""
HIGH = 0.9
"""Quantile of the frames' significances that is high."""
CLEAR = 15.0
"""Significance below which a frame is not learnt from."""
OUTLIER = 4.0
"""Robust standard deviations beyond the median at which a frame counts for a quarter."""
PASSES = 3
"""Times that the pattern is solved, frames far from it weighing less each time."""
SMALLEST_SHARE = 0.05
"""Share of the mean strength below which the prior of a strength gets no narrower."""
FLOOR = 1e-6
"""Share of the mean strength added to all, so that none is zero."""
RIDGE = 1e-10
"""Added to scaled normal matrices, so that overlaps stay solvable."""


def learn_patterns(
    series: SeriesModel,
    before: SeriesModel,
    frames: Frames,
    fits: FitsByFrame,
    options: Refinement,
) -> SeriesModel:
    """Return the series with each free phase's pattern as measured where it is strongest.

    What was learnt already stays as it is: the frames of one answer have one pattern.

    Parameters
    ----------
    series : SeriesModel
    before : SeriesModel
        The series before anything was learnt.
    frames : Frames
    fits : dict of int to FrameFit
        Fits of the series, by frame.
    options : Refinement

    Returns
    -------
    SeriesModel
        Its strengths, shape (reflection,), are in any unit.
    """
    strength, free_reflections = list(series.strength), list(series.free_reflections)
    freedom = series.intensity_freedom.copy()
    wide = _free_all_reflections(series, fits, options)

    # several phases learn from one frame
    @functools.cache
    def build_frame(i: int) -> tuple[FrameProblem, FrameModel]:
        present = fits[i].present
        problem = FrameProblem(
            series=wide,
            pattern=frames.read_pattern(i),
            present=present,
            layout=NO_PARAMETERS,
        )
        return problem, build_model(wide, fits[i].parameters, present)

    for p, phase in enumerate(series.phases):
        is_learnt = series.strength[p] is not before.strength[p]
        if not series.free_reflections[p].size or is_learnt:
            continue
        counts = choose_frames(fits, p)
        if len(counts) < FEWEST_FRAMES:
            continue
        learnt = _solve_strengths(
            wide,
            before,
            p,
            in_frames=series.free_reflections[p],
            fits=fits,
            counts=counts,
            build_frame=build_frame,
        )
        strength[p] = learnt + FLOOR * learnt.sum() / learnt.size
        weight = strength[p] * _compute_lorentz_factors(series, fits[next(iter(counts))], p)
        free_reflections[p] = select_free_reflections(weight, phase.has_atoms, options)
        freedom[p] = options.intensity_freedom
    return replace(
        series,
        strength=tuple(strength),
        free_reflections=tuple(free_reflections),
        intensity_freedom=freedom,
    )


def _free_all_reflections(
    series: SeriesModel, fits: FitsByFrame, options: Refinement
) -> SeriesModel:
    """Return the series with as many free reflections as a pattern that is not learnt has, of each
    phase that has free ones."""
    many = free_more(options)
    free_reflections = list(series.free_reflections)
    for p, phase in enumerate(series.phases):
        found = next((fit for fit in fits.values() if p in fit.present), None)
        if found is not None and free_reflections[p].size:
            weight = series.strength[p] * _compute_lorentz_factors(series, found, p)
            free_reflections[p] = select_free_reflections(weight, phase.has_atoms, many)
    return replace(series, free_reflections=tuple(free_reflections))


def choose_frames(fits: FitsByFrame, phase: int) -> dict[int, float]:
    """Return frames where a phase is strong, evenly spread, and how much each counts, a float from
    0 to 1, dimensionless.

    They are taken at every second, fourth, ... frame of the series and fade in with their
    significance: a frame that is a little stronger or weaker than before changes the choice by
    itself at most, never as a whole.
    """
    significance = {
        i: fits[i].get_significance(phase) for i in sorted(fits) if phase in fits[i].present
    }
    clear = [s for s in significance.values() if s > CLEAR]
    if not clear:
        return {}
    low, high = (share * float(np.quantile(clear, HIGH)) for share in STRONG)
    counts = {}
    for i in sorted(fits):
        counts[i] = 0.0
        if significance.get(i, 0.0) > max(low, CLEAR):
            counts[i] = min((significance[i] - low) / (high - low), 1.0)
    # halved until few enough: a frame more or less never shifts all others
    step = 1
    chosen = [i for i, count in counts.items() if count > 0]
    while len(chosen) > MOST_FRAMES:
        step *= 2
        chosen = [i for i in list(counts)[::step] if counts[i] > 0]
    return {i: counts[i] for i in chosen}


@dataclass(frozen=True, kw_only=True)
class _FrameEquations:
    """Normal equations of one frame for the strengths of a phase's free reflections."""

    normal: Array
    """Shape (free, free)."""
    target: Array
    """Shape (free,)."""


def _solve_strengths(
    series: SeriesModel,
    before: SeriesModel,
    phase: int,
    *,
    in_frames: Index,
    fits: FitsByFrame,
    counts: dict[int, float],
    build_frame: Callable[[int], tuple[FrameProblem, FrameModel]],
) -> Array:
    """Return the strengths of a phase's reflections, not negative, that fit several frames best,
    shape (reflection,).

    With a frame's normal equations N x = t, those of the background and the other phases eliminated
    by their Schur complement, a column's intensity is amount * Lorentz factor * strength; the
    equations of all frames are added, each over the square of its phase's inflation, and solved for
    strengths >= 0 (C. L. Lawson & R. J. Hanson, Solving Least Squares Problems, Prentice-Hall 1974,
    ch. 23). The prior about the pattern `before` enters once. Frames that are further from the
    answer than the others (a grain, a cell in a wrong place) count for less, and it is solved
    again. `counts` says which frames, and how much each counts to begin with. How far a frame is
    off, the reflections that were free there say, `in_frames`: the others had the pattern before.
    """
    free = series.free_reflections[phase]
    frame_counts = np.array(list(counts.values()))
    of_frames = []
    frame_equations = []
    for i in counts:
        of_frames.append(_compute_relative_strengths(series, fits[i], phase))
        problem, model = build_frame(i)
        frame_equations.append(_reduce_equations(problem, model, fits[i], phase))
    normals = [one.normal for one in frame_equations]
    targets = [one.target for one in frame_equations]
    strength = np.average(np.array(of_frames), axis=0, weights=frame_counts)
    own = np.array(of_frames)[:, free]
    compared = np.isin(free, in_frames)

    given = before.strength[phase][free]
    prior = given * strength[free].sum() / given.sum()
    spread = before.intensity_freedom[phase] * np.maximum(prior, SMALLEST_SHARE * prior.mean())
    precision = spread**-2.0
    trust = frame_counts
    for _ in range(PASSES):
        normal = np.tensordot(trust, normals, 1) + np.diag(precision)
        target = np.tensordot(trust, targets, 1) + precision * prior
        strength[free] = solve_non_negative(normal, target)
        apart = np.where(compared, own - strength[free], 0.0)
        distance = np.array([d @ n @ d for n, d in zip(normals, apart, strict=True)])
        trust = frame_counts * weigh_by_distance(distance)
    return np.asarray(strength)


def weigh_by_distance(distance: Array) -> Array:
    """Return weights of frames [1], shape (frame,): 1 up to the median of their distances and less
    beyond it: 1/4 at `OUTLIER` robust standard deviations."""
    middle = np.median(distance)
    spread = OUTLIER * MAD_TO_SIGMA * np.median(np.abs(distance - middle)) + 1e-9
    beyond = np.maximum(distance - middle, 0) / spread
    return np.asarray((1 + beyond**2) ** -2.0)


def solve_non_negative(normal: Array, target: Array) -> Array:
    """Return x >= 0, shape (n,), with the least x'Nx / 2 - t'x for N (n, n) and t (n,), in the unit
    of t over N."""
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    scale = 1 / np.sqrt(np.diagonal(normal))
    upper = cholesky(normal * np.outer(scale, scale) + RIDGE * np.eye(scale.size))
    return np.asarray(scale * nnls(upper, solve_triangular(upper, scale * target, trans="T"))[0])


def _reduce_equations(
    problem: FrameProblem, model: FrameModel, fit: FrameFit, phase: int
) -> _FrameEquations:
    """Return a frame's normal equations for the strengths of a phase's free reflections, everything
    else eliminated."""
    series = problem.series
    # infinite freedom: the prior of this phase's intensities enters once for all frames
    loose = series.intensity_freedom.copy()
    loose[phase] = np.inf
    problem = replace(problem, series=replace(series, intensity_freedom=loose))
    equations = build_equations(problem, model, fit.parameters)
    # the free intensities stand in the order of their places; back to that of the reflections
    own = np.flatnonzero(model.owner[equations.free] == fit.get_index(phase))
    columns = own[np.argsort(equations.free[own])]
    normal = expand_to_dense(equations.normal)
    others = np.setdiff1d(np.arange(equations.target.size), columns)
    # the scale of this phase has nothing on its diagonal where all its reflections are free
    rest = others[np.diagonal(normal)[others] > 0]
    normal, target = eliminate_unknowns(normal, equations.target, columns, rest)
    # from intensities to strengths
    amount = _compute_strengths(series, fit, phase).sum()
    factor = amount * _compute_lorentz_factors(series, fit, phase)[series.free_reflections[phase]]
    inflation = fit.parameters.inflation[phase]
    return _FrameEquations(
        normal=normal * np.outer(factor, factor) / inflation**2,
        target=target * factor / inflation**2,
    )


def eliminate_unknowns(
    normal: Array, target: Array, kept: Index, rest: Index
) -> tuple[Array, Array]:
    """Return the normal equations of some unknowns with others solved for (Schur complement).

    Parameters
    ----------
    normal : ndarray, shape (n, n)
    target : ndarray, shape (n,)
    kept, rest : ndarray of int
        Unknowns that stay, in the order wanted, and those that are eliminated.

    Returns
    -------
    normal, target : ndarray, shape (kept, kept) and (kept,)
        In the units given.
    """
    scale = 1 / np.sqrt(np.diagonal(normal)[rest])
    inner = normal[np.ix_(rest, rest)] * np.outer(scale, scale) + RIDGE * np.eye(rest.size)
    between = normal[np.ix_(kept, rest)] * scale
    solved = np.linalg.solve(inner, np.column_stack([between.T, scale * target[rest]]))
    return (
        normal[np.ix_(kept, kept)] - between @ solved[:, :-1],
        target[kept] - between @ solved[:, -1],
    )


def _compute_lorentz_factors(series: SeriesModel, fit: FrameFit, phase: int) -> Array:
    lattice = series.phases[phase]
    metric = lattice.metric_from_strain(fit.parameters.strain[phase, : lattice.free])
    two_theta, _ = two_theta_from_metric(lattice.form, metric, series.wavelength)
    return lorentz_factor_from_two_theta(two_theta)


def _compute_strengths(series: SeriesModel, fit: FrameFit, phase: int) -> Array:
    """Return the strengths of a phase's reflections in a frame, shape (reflection,)."""
    intensity = fit.reflection_intensity[fit.get_index(phase)]
    return np.asarray(intensity / _compute_lorentz_factors(series, fit, phase))


def _compute_relative_strengths(series: SeriesModel, fit: FrameFit, phase: int) -> Array:
    strength = _compute_strengths(series, fit, phase)
    return np.asarray(strength / strength.sum())
