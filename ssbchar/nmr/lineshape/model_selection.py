"""How many lines and of which shape: lines are added one by one while the information criterion
falls.

In this order: one line per region, seen by a matched filter; the phase model that the data admit;
further lines, Voigt shapes and parted lines as long as each earns its parameters; lines that later
ones made needless taken out; regions without a significant line reduced to a stand-in. Every fit
on the way is made by `ssbchar.nmr.lineshape.varpro.fit_shapes`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.lineshape.normal_equations import (
    LineshapeState,
    build_normal_equations,
    compute_residual,
    evaluate_state,
    invert_by_eigenvalues,
)
from ssbchar.nmr.lineshape.peak_search import (
    MatchedFilter,
    Peak,
    build_matched_filter,
    compute_noise_gain,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes, make_empty_shapes
from ssbchar.nmr.lineshape.varpro import FitControl, LineFit, fit_shapes
from ssbchar.typing import Array, Bool, Complex

SIGNIFICANT = 4.0
"""A line whose amplitude exceeds this many standard errors helps to fix the time origin."""
PRESENT = 3.0
"""A region whose area exceeds this many standard errors in any slice holds a line."""
COMPARED = FitControl(max_steps=20, least_gain=0.1, final=False)
"""A fit that is to be compared with others: converged to 0.1 of chi-square."""
UNFITTED = replace(COMPARED, max_steps=0)
"""Areas and phases for given shapes alone."""
EXCESS_SHARE = 1e-3
"""Share of chi-square in excess of noise that the first fit may still gain, where there is no other
to compare."""
PHASE_GAIN = 10.0
"""Least fall of the information criterion that admits more phases."""
RIVAL = 100.0
"""A fit with another time origin whose criterion is at most this much higher is gone on with
too."""
SAME_ORIGIN = 1e-6
"""Time origins closer than this lead to one minimum [s]; minima are the inverse of the lines'
distance apart."""
WORTH_A_FIT = 0.5
"""Fall of chi-square, foreseen to first order, for which a Gaussian part is tried [1]; a broad one
brings several times as much, and the area may move by more than its error for less than what a
parameter costs."""
RIVAL_APART = 3e-6
"""Time origins of two minima lie further apart than this [s]."""
VOIGT_GAUSS, VOIGT_LORENTZ = 0.7, 0.5
"""Widths that a Lorentzian made Voigt begins with, over its own."""


@dataclass(frozen=True, kw_only=True)
class SelectionRules:
    """Which lines may be added."""

    low: Array
    """(region,) lowest frequency of a line [Hz]."""
    high: Array
    """(region,) highest frequency of a line [Hz]."""
    voigt: bool = True
    """Whether lines may be made Voigt."""
    max_components: int = 4
    """Most lines per region, and elsewhere."""
    min_gain: float = 10.0
    """Least fall of the information criterion for a further line or a Voigt shape."""
    absent_width: float = 3000.0
    """Width of the line that stands for a region where none is seen [Hz]."""
    outside: bool = True
    """Whether lines outside every region (spinning sidebands, other nuclei's leaks) may be
    modelled; they count for neither."""

    def bound_line(self, nu: float, region: int, limit: float) -> tuple[float, float]:
        """Return the bounds of a new line: its region, or the gap between regions that holds it.

        Parameters
        ----------
        nu : float
            Where the line is seen [Hz].
        region : int
            Region it belongs to; the number of regions for elsewhere.
        limit : float
            Largest frequency that is sampled [Hz].

        Returns
        -------
        tuple of float
            Lowest and highest frequency [Hz].
        """
        if region < self.low.size:
            return float(self.low[region]), float(self.high[region])
        below, above = self.high[self.high <= nu], self.low[self.low >= nu]
        return max([-limit, *below.tolist()]), min([limit, *above.tolist()])


@dataclass(frozen=True, kw_only=True)
class BegunSelection:
    """One line per region, and the phase models that the data admit."""

    fits: list[LineFit]
    """The best, and others with another time origin that are nearly as good."""
    matched: MatchedFilter
    """Where further lines are seen."""


def begin_selection(problem: LineshapeProblem, rules: SelectionRules) -> BegunSelection:
    """Return the fits that every selection begins with.

    Parameters
    ----------
    problem : LineshapeProblem
        Data and noise.
    rules : SelectionRules
        Regions [Hz].
    """
    problem = replace(problem, regions=rules.low.size).prepare()
    matched = build_matched_filter(problem, rules.low, rules.high)
    seed = _place_first_lines(problem, rules, matched)
    return BegunSelection(fits=_select_phase_model(problem, seed), matched=matched)


def select_lines(begun: BegunSelection, rules: SelectionRules) -> LineFit:
    """Return the best fit with one to `max_components` lines per region; its problem has the phase
    model that the data admit.

    Parameters
    ----------
    begun : BegunSelection
        From `begin_selection`.
    rules : SelectionRules
        Regions [Hz], and what earns a line.
    """
    return conclude_selection([_add_lines(fit, rules, begun.matched) for fit in begun.fits], rules)


def select_model(problem: LineshapeProblem, rules: SelectionRules) -> LineFit:
    """Return the best fit of lines without satellites.

    Parameters
    ----------
    problem : LineshapeProblem
        Data and noise.
    rules : SelectionRules
        Regions [Hz], and what earns a line.
    """
    return select_lines(begin_selection(problem, rules), rules)


def conclude_selection(grown: list[LineFit], rules: SelectionRules) -> LineFit:
    """Return the final fit of a selection, and with it those of other time origins.

    Parameters
    ----------
    grown : list of LineFit
        What has grown, one for each time origin.
    rules : SelectionRules
        Regions [Hz].
    """
    off = _weigh_origins(grown)
    grown = sorted(grown, key=lambda fit: fit.bic + off[fit.shapes.origin])
    best = grown[0]
    # Lines of one output stand in one order, whichever was found first.
    shapes = best.shapes.sort()
    known = best.state if shapes is best.shapes else None
    final = _reduce_empty_regions(fit_shapes(best.problem, shapes, at=known), rules)
    apart = [fit for fit in grown if abs(fit.shapes.origin - best.shapes.origin) > RIVAL_APART]
    if not apart:
        return final
    gain = apart[0].bic + off[apart[0].shapes.origin] - final.bic - off[best.shapes.origin]
    return replace(final, rival=apart[0], rival_gain=float(gain))


def _weigh_origins(grown: list[LineFit]) -> dict[float, float]:
    """Return what is added to the criterion of each time origin [s]: nothing to that nearest to the
    one expected and its like, the problem's slack to all others."""
    expected, slack = grown[0].problem.origin_expected, grown[0].problem.origin_slack
    nearest = min((fit.shapes.origin for fit in grown), key=lambda origin: abs(origin - expected))
    return {
        fit.shapes.origin: slack * (abs(fit.shapes.origin - nearest) > RIVAL_APART) for fit in grown
    }


# Where it begins: one line per region, and the phase model.


def _place_first_lines(
    problem: LineshapeProblem, rules: SelectionRules, matched: MatchedFilter
) -> LineshapeState:
    """Return one line per region, strongest first, with a phase for each."""
    shapes, residual = make_empty_shapes(), problem.y
    noise = compute_noise_gain(problem.time.size, len(problem.y))
    todo = set(range(rules.low.size))
    while todo:
        peaks = matched.find_peaks(residual)
        region = max(todo, key=lambda r: peaks[r].gain)
        todo.discard(region)
        if shapes.n and peaks[region].gain < noise:
            shapes = _add_stand_in(shapes, rules, region)
            continue
        # What the strongest line leaves of itself elsewhere must not be taken for the next.
        if todo:
            line = add_peak(make_empty_shapes(), problem, rules, region, peaks[region])
            residual = _subtract_line(problem, residual, line)
        shapes = add_peak(shapes, problem, rules, region, peaks[region])
    with_phases = replace(problem, phases=PhaseModel.PER_REGION)
    return fit_shapes(with_phases, shapes, UNFITTED).state


def add_peak(
    shapes: LineShapes,
    problem: LineshapeProblem,
    rules: SelectionRules,
    region: int,
    peak: Peak,
) -> LineShapes:
    """Return shapes with one more line where the filter sees it."""
    limit = 0.5 * (problem.time.size - 1) / float(problem.time[-1] - problem.time[0])
    low, high = rules.bound_line(peak.grid_nu, region, limit)
    nu = min(max(peak.nu, low), high)
    return shapes.add_line(nu=nu, width=peak.width, region=region, low=low, high=high).sort()


def _add_stand_in(shapes: LineShapes, rules: SelectionRules, region: int) -> LineShapes:
    """Return shapes with a line of fixed shape in the middle of a region where none is seen."""
    low, high = float(rules.low[region]), float(rules.high[region])
    return shapes.add_line(
        nu=(low + high) / 2,
        width=rules.absent_width,
        region=region,
        low=low,
        high=high,
        held=True,
    )


def _subtract_line(problem: LineshapeProblem, signal: Complex, line: LineShapes) -> Complex:
    """Return a signal, shape (slice, time), without its part along one line."""
    f = problem.clean(evaluate_shapes(line, problem.time))
    amplitude = signal @ f[0].conj() / np.vdot(f, f).real
    return np.asarray(signal - amplitude[:, None] * f)


def _select_phase_model(problem: LineshapeProblem, seed: LineshapeState) -> list[LineFit]:
    """Return the fit with the simplest phase model that the data admit (one slice: one phase).

    `seed` is a fit with a phase for each line. A fit with the same phase model and another time
    origin follows where it is not much worse: further lines may turn the order.
    """
    starts = _list_phase_starts(problem, _list_origins(problem, seed))
    excess = EXCESS_SHARE if len(starts) == 1 else 0.0
    control = replace(COMPARED, max_steps=30, excess_share=excess)
    fits: list[LineFit] = []
    best: LineFit | None = None
    for phases, origin in starts:
        given = problem if phases == problem.phases else replace(problem, phases=phases)
        # The seed's sums hold for its own time origin, which is zero.
        at = None if origin else evaluate_state(given, seed.shapes, seed.sums)
        fit = fit_shapes(given, replace(seed.shapes, origin=origin), control, at)
        fits.append(fit)
        if best is None:
            best = fit
            continue
        needed = PHASE_GAIN if phases != best.problem.phases else 0.0
        if fit.bic < best.bic - needed:
            best = fit
    assert best is not None
    others = [f for f in fits if f is not best and _is_rival(f, best)]
    return [best, *others]


def _list_phase_starts(
    problem: LineshapeProblem, origins: list[float]
) -> list[tuple[PhaseModel, float]]:
    """Return phase models, simplest first, with the time origins [s] to begin at.

    `origins` begins with the one that the lines' phases give, turned the short way round.
    """
    others = [value for value in origins if abs(value) >= SAME_ORIGIN]
    starts = [(PhaseModel.SHARED, value) for value in sorted({0.0, *others})]
    if len(problem.y) > 1:
        starts += [(PhaseModel.PER_SLICE, value) for value in origins]
        starts.append((PhaseModel.PER_REGION, 0.0))
    return starts


def _is_rival(fit: LineFit, best: LineFit) -> bool:
    """Return whether another time origin is nearly as good."""
    apart = abs(fit.shapes.origin - best.shapes.origin) > SAME_ORIGIN
    return fit.problem.phases == best.problem.phases and apart and fit.bic < best.bic + RIVAL


def _list_origins(problem: LineshapeProblem, seed: LineshapeState) -> list[float]:
    """Return the time origins [s] that the phase between the two strongest lines admits; zero alone
    where one of them is lost in noise.

    A time origin t0 turns two lines against each other by 2 pi (nu_2 - nu_1) t0, and t0 + k / (nu_2
    - nu_1) by as much: the first is that of the short way round, the others follow as far as the
    problem's range goes. Which it is the other lines tell, and before them the sequence.
    """
    estimate = _estimate_origin(problem, seed)
    if estimate is None:
        return [0.0]
    low, high = problem.origin_range
    first, last = (limit - estimate.origin for limit in (low, high))
    turns = range(math.ceil(first / estimate.period), math.floor(last / estimate.period) + 1)
    others = [estimate.origin + k * estimate.period for k in turns if k != 0]
    return [estimate.origin, *others]


@dataclass(frozen=True, kw_only=True)
class _OriginEstimate:
    """A time origin by the phase between two lines."""

    origin: float
    """The short way round [s]."""
    period: float
    """Inverse of the lines' distance [s]: origins apart by it turn them alike."""


def _estimate_origin(problem: LineshapeProblem, seed: LineshapeState) -> _OriginEstimate | None:
    """Return the time origin from the phase between the two strongest lines, None where one is lost
    in noise."""
    amplitude, nu = seed.amplitude / problem.sigma[:, None], seed.shapes.nu
    norm = np.sqrt(seed.sums.gram.diagonal()[: nu.size].real)
    strength = np.sqrt(np.sum(np.abs(amplitude) ** 2, axis=0)) * norm
    order = np.argsort(strength)[::-1]
    if order.size < 2 or strength[order[1]] < SIGNIFICANT:
        return None
    first, second = order[:2]
    apart = float(nu[second] - nu[first])
    if apart == 0:
        return None
    turn = float(np.angle(np.sum(amplitude[:, second] * amplitude[:, first].conj())))
    return _OriginEstimate(origin=turn / (2 * np.pi * apart), period=1 / abs(apart))


# How it grows: the change of the model that lowers the criterion most, until none does.


def _add_lines(best: LineFit, rules: SelectionRules, matched: MatchedFilter) -> LineFit:
    """Return the fit with all lines that earn their parameters."""
    problem = best.problem
    # A perfect fit would otherwise be bettered for ever within its rounding.
    floor = 1e-9 * float(np.sum(problem.power / problem.sigma**2))
    everywhere = range(rules.low.size + rules.outside)
    active = set(everywhere)
    while active:
        residual = compute_residual(problem, best.state)
        peaks = matched.find_peaks(residual)
        # The region with most to gain first.
        for region in sorted(active, key=lambda r: -peaks[r].gain):
            tried = _try_changes(best, rules, region, peaks[region])
            good = [
                fit
                for fit in tried
                if fit.bic < best.bic - rules.min_gain and best.chi2 - fit.chi2 > floor
            ]
            if good:
                best = min(good, key=lambda fit: fit.bic)
                # What hid under another region's misfit may be seen now.
                active = set(everywhere)
                break
            active.discard(region)
    return remove_needless_lines(best)


def _try_changes(best: LineFit, rules: SelectionRules, region: int, peak: Peak) -> list[LineFit]:
    """Return the fits with one more line in a region, or one made Voigt; none where only noise is
    left there.

    Where the new line comes to nothing, or neither helps though more than noise is left, the
    strongest one is parted.
    """
    problem = best.problem
    noise = compute_noise_gain(problem.time.size, len(problem.y))
    goal = best.chi2 - rules.min_gain - np.log(best.points)
    # A fit that will not reach the goal is given up early.
    control = replace(COMPARED, goal=goal)
    visible = find_visible(best.shapes, region)
    full = np.sum(visible) >= rules.max_components
    tried: list[LineFit] = []
    if peak.gain > noise and not full:
        stand_in = best.shapes.held & (best.shapes.region == region)
        kept = best.shapes.select(np.flatnonzero(~stand_in))
        more = add_peak(kept, problem, rules, region, peak)
        tried.append(fit_shapes(problem, more, control))
    if rules.voigt:
        shapes = make_voigt(best, region)
        if shapes is not None:
            tried.append(fit_shapes(problem, shapes, control))
    if full or not visible.any() or peak.gain <= noise:
        return tried
    came_to_nothing = (tried[0].area <= 0).all(axis=0).any()
    if came_to_nothing or all(fit.bic > best.bic - rules.min_gain for fit in tried):
        tried.append(fit_shapes(problem, part_line(best, region), control))
    return tried


def find_visible(shapes: LineShapes, region: int) -> Bool:
    """Return which lines lie in a region and are no stand-in."""
    return np.asarray((shapes.region == region) & ~shapes.held)


def find_strongest(fit: LineFit, lines: Bool) -> int:
    """Return the position of the line with the largest area over all slices.

    Parameters
    ----------
    fit : LineFit
        Any.
    lines : ndarray of bool, shape (line,)
        Those to choose from.
    """
    return int(np.where(lines, fit.area.sum(axis=0), -1.0).argmax())


def make_voigt(best: LineFit, region: int) -> LineShapes | None:
    """Return shapes with the strongest Lorentzian of a region made a Voigt line, where a Gaussian
    part would help."""
    shapes = best.shapes
    plain = find_visible(shapes, region) & ~shapes.voigt
    if not plain.any():
        return None
    line = find_strongest(best, plain)
    if foresee_gain_by_gaussian(best, line) < WORTH_A_FIT:
        return None
    voigt, gauss2, width = shapes.voigt.copy(), shapes.gauss2.copy(), shapes.width.copy()
    voigt[line] = True
    gauss2[line] = (VOIGT_GAUSS * width[line]) ** 2
    width[line] = VOIGT_LORENTZ * width[line]
    return replace(shapes, voigt=voigt, gauss2=gauss2, width=width)


def foresee_gain_by_gaussian(fit: LineFit, line: int) -> float:
    """Return by how much a Gaussian part of a line, now without, would lower chi-square to first
    order [1]; zero where it would have to be negative.

    This is the score test (C. R. Rao, Proc. Camb. Phil. Soc. 44 (1948) 50): slope^2 over what is
    left of the curvature when all other parameters follow.

    Parameters
    ----------
    fit : LineFit
        A fit that has converged.
    line : int
        Position of the line.
    """
    voigt = fit.shapes.voigt.copy()
    voigt[line] = True
    added = 2 * voigt.size + line
    columns = np.union1d(fit.free, [added])
    state = evaluate_state(fit.problem, replace(fit.shapes, voigt=voigt))
    equations = build_normal_equations(fit.problem, state, columns)
    place = int(columns.searchsorted(added))
    # The fit has converged: the other slopes are zero, or their parameters are at a bound.
    slope = float(equations.slope[place])
    inverse = float(invert_by_eigenvalues(equations.matrix)[place, place])
    return slope**2 * inverse if slope > 0 else 0.0


def part_line(best: LineFit, region: int) -> LineShapes:
    """Return shapes with the strongest line of a region parted in two, half as broad and half a
    width apart.

    This is where to begin when noise is not all that is left and yet no line beside it helps: one
    would be negative.

    Parameters
    ----------
    best : LineFit
        With a line in that region.
    region : int
        Its position.
    """
    shapes = best.shapes
    line = find_strongest(best, find_visible(shapes, region))
    centre = float(shapes.nu[line])
    whole = float(shapes.width[line] + np.sqrt(shapes.gauss2[line]))
    nu, width = shapes.nu.copy(), shapes.width.copy()
    gauss2, voigt = shapes.gauss2.copy(), shapes.voigt.copy()
    nu[line], width[line], gauss2[line], voigt[line] = centre - whole / 4, whole / 2, 0.0, False
    halved = replace(shapes, nu=nu, width=width, gauss2=gauss2, voigt=voigt)
    return halved.add_line(
        nu=centre + whole / 4,
        width=whole / 2,
        region=region,
        low=float(shapes.low[line]),
        high=float(shapes.high[line]),
    ).sort()


# What is taken out again.


def remove_needless_lines(best: LineFit) -> LineFit:
    """Return the fit without the lines that later ones made needless, as long as the criterion
    falls.

    Without line j, the others' areas following, chi-square rises by sum_s a_sj^2 / (sigma_s^2
    (G^-1)_jj).
    """
    problem = best.problem
    while True:
        at, shapes = best.state, best.shapes
        rise = np.sum((at.area / problem.sigma[:, None]) ** 2, axis=0)
        rise = rise / at.inverse.diagonal().real
        own = len(at.area) + 2 + shapes.voigt + shapes.fitted.sum(axis=1)
        worth = rise - own * np.log(best.points)
        named = shapes.region < problem.regions
        only = np.array([(shapes.region == r).sum() == 1 for r in shapes.region]) & named
        # A region keeps its last line: its area, zero or not, is asked for.
        worth = np.where(only | shapes.held, np.inf, worth)
        if worth.min() >= 0:
            return best
        others = np.delete(np.arange(shapes.n), worth.argmin())
        fit = fit_shapes(problem, shapes.select(others), COMPARED)
        if fit.bic > best.bic:
            return best
        best = fit


def _reduce_empty_regions(best: LineFit, rules: SelectionRules) -> LineFit:
    """Return the fit with regions below three standard errors in every slice reduced to their
    stand-in line."""
    shapes = best.shapes
    for region in range(rules.low.size):
        lines = best.shapes.region == region
        member = lines.astype(float)
        stderr = np.sqrt(np.einsum("i,sisj,j->s", member, best.area_covariance, member))
        empty = (best.area @ member < PRESENT * stderr).all()
        if empty and not best.shapes.held[lines].all():
            others = shapes.select(np.flatnonzero(shapes.region != region))
            shapes = _add_stand_in(others, rules, region)
    return best if shapes is best.shapes else fit_shapes(best.problem, shapes)
