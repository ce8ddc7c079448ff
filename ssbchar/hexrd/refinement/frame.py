"""One pattern refined: linear intensities and background eliminated, cells, widths and zero by
Gauss-Newton.

With profiles phi_r(p) of every reflection, the model y(x) = sum_k b_k B_k(x) + sum_r c_r phi_r(x;
p) is linear in the background b and the intensities c >= 0, and non-linear in p (cells, widths,
zero). At every p the linear part is solved exactly and its directions are projected out of the
derivatives by p (variable projection, G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413,
with the simplification of L. Kaufman, BIT 15 (1975) 49). Pawley's free intensities (G. S. Pawley,
J. Appl. Cryst. 14 (1981) 357) have a prior around their phase's pattern, which regularises overlaps
and leaves a weak phase with one intensity alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement.gauss_newton import System, gauss_newton_step, projected
from ssbchar.hexrd.refinement.intensities import Linear, solve_linear, with_amounts
from ssbchar.hexrd.refinement.model import (
    Layout,
    Model,
    layout_of,
    model_at,
    moved_by,
    penalty_of,
    values_of,
)
from ssbchar.hexrd.refinement.standard_errors import finished
from ssbchar.hexrd.refinement.state import Fit, Prior, Series, State
from ssbchar.typing import Array

Steps = tuple[float, float]
ROUGH: Steps = (0.05, 0.05)
FINE: Steps = (0.03, 0.02)
"""Changes of position and of Lorentzian width over which the model is linear [Gaussian widths], for
the first pass and for the last."""


def refine(
    series: Series,
    y: Array,
    weight: Array,
    start: State,
    present: tuple[int, ...],
    prior: Prior,
    iterations: int,
    tolerance: float,
    linear: Steps = FINE,
) -> Fit:
    """Return a frame refined from a starting state with the phases `present`.

    Parameters
    ----------
    series : Series
    y, weight : ndarray, shape (points,)
        Intensity [counts] and its weight 1/sigma^2 (0 leaves a point out).
    start : State
    present : tuple of int
        Indices of the phases in the model.
    prior : Prior
    iterations : int
        Largest number of Gauss-Newton steps.
    tolerance : float
        Converged when no parameter moves by more than this share of its standard error.
    linear : pair of float
        Steps up to these are taken without looking at the pattern again, as the model is linear
        over them.
    """
    if not present:
        return _bare(series, y, weight, start)
    layout = layout_of(series, present, prior)
    state, damping, best = _held(start, prior), 0.0, None
    converged = False
    for count in range(iterations + 1):
        model = model_at(series, state, present, layout)
        solved = solve_linear(series, model, y, weight, state, present)
        unknown = bool(np.isnan(state.amount[list(present)]).any())
        if count == 0 or unknown:
            state = with_amounts(state, present, solved, model, y, weight)
        objective = solved.misfit + penalty_of(layout, state)
        if best is not None and count > 1 and objective > best[0] + _slack(state, present):
            damping = max(10 * damping, 1e-3)
            if damping > 1e3:
                converged = True  # no step, however short, is better
                break
            state = moved_by(best[1], layout, gauss_newton_step(best[4], damping), series)
            continue
        system = projected(series, model, solved, y, weight, state, present, layout)
        best = (objective, state, model, solved, system)
        damping = damping / 10 if damping > 1e-4 else 0.0
        moved = moved_by(state, layout, gauss_newton_step(system, damping), series)
        step = values_of(layout, moved) - values_of(layout, state)  # within bounds
        if not unknown and _last(series, layout, state, step, system.stderr, tolerance, linear):
            converged = True
            best = (
                objective,
                moved,
                model,
                _carried(series, model, solved, system, step),
                system,
            )
            break
        if count < iterations:
            state = moved
    assert best is not None
    return finished(
        series,
        best,
        y,
        weight,
        present,
        layout,
        converged,
        0.0 if "zero" in layout.kind else prior.zero_error,
    )


def _slack(state: State, present: tuple[int, ...]) -> float:
    """Return the rise of the objective that is still no worse: small beside one on the scale of the
    errors."""
    return 0.1 * float(np.median(state.inflation[list(present)])) ** 2


def _held(state: State, prior: Prior) -> State:
    """Return the state with what the prior holds at its value, wherever the state comes from."""
    return replace(
        state,
        zero=state.zero if prior.zero[1] else prior.zero[0],
        gauss=state.gauss if prior.gauss[1] else prior.gauss[0],
        overall_b=np.where(prior.overall_b[1] > 0, state.overall_b, prior.overall_b[0]),
        size=np.where(prior.size[1] > 0, state.size, prior.size[0]),
        micro=np.where(prior.micro[1] > 0, state.micro, prior.micro[0]),
    )


def _last(
    series: Series,
    layout: Layout,
    state: State,
    step: Array,
    stderr: Array,
    tolerance: float,
    linear: Steps,
) -> bool:
    """Return whether a step is the last: within its errors, or so short that the model is linear
    over it."""
    if step.size == 0:
        return True
    width = layout.of("size", "micro", "gauss", "overall_b")
    if np.all(np.abs(step) < np.where(width, 5 * tolerance, tolerance) * stderr):
        return True
    slope = np.tan(np.radians(series.x[-1]) / 2)
    effect = np.ones(step.size)
    effect[layout.of("strain")] = np.degrees(slope) / linear[0]
    effect[layout.of("zero", "gauss")] = 1 / linear[0]
    for name, factor in (("size", 1.0), ("micro", slope)):
        rows = np.flatnonzero(layout.of(name))
        effect[rows] = np.exp(getattr(state, name)[layout.phase[rows]]) * factor / linear[1]
    logarithm = layout.of("size", "micro")
    change = np.where(
        logarithm, np.maximum(np.abs(step), np.expm1(np.clip(step, -1, 3))), np.abs(step)
    )
    return bool(np.all((change * effect < state.gauss) | layout.of("overall_b")))


def _carried(series: Series, model: Model, solved: Linear, system: System, step: Array) -> Linear:
    """Return the linear part after a short step, to first order."""
    if step.size == 0:
        return solved
    change = -system.cross @ step
    n, terms = solved.columns.size if solved.free is not None else 0, series.splines.shape[1]
    background: Array = series.splines @ change[n : n + terms]
    scales = change[n + terms :]
    follows = np.where(model.is_free, 0.0, 1.0) if n else np.ones(model.owner.size)
    intensity = solved.intensity + scales[model.owner] * model.expected * follows
    intensity[solved.columns] = solved.intensity[solved.columns] + change[:n]
    moved: Array = system.derivatives @ step + background
    moved = moved + model.profiles.shape @ (intensity - solved.intensity)
    return replace(
        solved,
        intensity=intensity,
        background=solved.background + background,
        residual=solved.residual - moved,
    )


def _bare(series: Series, y: Array, weight: Array, state: State) -> Fit:
    """Return the background alone, for a frame without any phase."""
    weighted = weight[:, None] * series.splines
    solution = np.linalg.solve(
        series.splines.T @ weighted + 1e-12 * np.eye(len(weighted.T)), weighted.T @ y
    )
    background = series.splines @ solution
    misfit = float(np.dot(weight, (y - background) ** 2))
    none = np.empty(0)
    return Fit(
        state,
        (),
        none,
        none,
        (),
        (),
        0.0,
        background,
        background.copy(),
        solution.size,
        True,
        misfit,
        (series.splines,),
    )
