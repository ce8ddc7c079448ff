"""How many lines and of which shape: components join one by one while the information criterion
falls."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.lineshape.normal_equations import LineshapeState, evaluate_state
from ssbchar.nmr.lineshape.peak_search import (
    MatchedFilter,
    Peak,
    build_matched_filter,
    compute_noise_gain,
)
from ssbchar.nmr.lineshape.shapes import (
    PER_REGION,
    PER_SLICE,
    SHARED,
    LineshapeProblem,
    LineShapes,
    evaluate_shapes,
    make_empty_shapes,
)
from ssbchar.nmr.lineshape.varpro import (
    LineFit,
    complex_amplitudes,
    compute_residual,
    fit_shapes,
    would_gain_by_gaussian,
)
from ssbchar.typing import Complex

SIGNIFICANT = 4.0
"""A line whose amplitude exceeds this many standard errors helps to fix the time origin."""
ROUGH = 0.1
"""Chi-square to which a fit that is to be compared with others has converged."""
LOOSE = 1e-3
"""Share of chi-square in excess of noise that a fit to be grown may still gain, where there is no
other to compare."""
RIVAL = 100.0
"""A fit with another time origin whose criterion is at most this much higher is grown too."""
SAME_ORIGIN = 1e-6
"""Time origins closer than this lead to one minimum [s]; minima are the inverse of the lines'
distance apart."""


@dataclass(frozen=True)
class SelectionRules:
    """How the model may grow."""

    low: NDArray[np.float64]
    """(region,) lowest frequency of a line [Hz]."""
    high: NDArray[np.float64]
    """(region,) highest frequency of a line [Hz]."""
    voigt: bool = True
    max_components: int = 4
    """Most lines per region, and elsewhere."""
    min_gain: float = 10.0
    """Least fall of the information criterion for a further line or a Voigt shape."""
    absent_width: float = 3000.0
    """Width of the line that stands for a region where none is seen [Hz]."""
    outside: bool = True
    """Lines outside every region (spinning sidebands, other nuclei's leaks) may be modelled, as
    nobody's."""

    def place(self, nu: float, region: int, limit: float) -> tuple[float, float]:
        """Return the bounds of a new line: its region, or the gap between regions that holds it."""
        if region < self.low.size:
            return float(self.low[region]), float(self.high[region])
        below, above = self.high[self.high <= nu], self.low[self.low >= nu]
        return max([-limit, *below.tolist()]), min([limit, *above.tolist()])


def select_model(
    problem: LineshapeProblem, rules: SelectionRules
) -> tuple[LineFit, LineshapeProblem]:
    """Return the best fit with one to `max_components` lines per region, and the problem with its
    phase model."""
    problem = replace(problem, regions=rules.low.size).prepared()
    seen = build_matched_filter(problem, rules.low, rules.high)
    grown = [
        _grown(given, rules, seen, best)
        for best, given in _with_phases(problem, *_seeded(problem, rules, seen))
    ]
    best, problem = min(grown, key=lambda pair: pair[0].bic)
    shapes = best.shapes.ordered()
    return _pruned(
        problem,
        rules,
        fit_shapes(problem, shapes, at=best.state if shapes is best.shapes else None),
    ), problem


def _grown(
    problem: LineshapeProblem, rules: SelectionRules, seen: MatchedFilter, best: LineFit
) -> tuple[LineFit, LineshapeProblem]:
    """Return the fit with all lines that earn their parameters, and its problem."""
    floor = 1e-9 * float(np.sum(problem.power / problem.sigma**2))
    active = set(range(rules.low.size + rules.outside))
    while active:
        left = compute_residual(problem, best.state)
        peaks = seen.peaks(left)
        for region in sorted(active, key=lambda r: -peaks[r].gain):
            tried = _tried(problem, rules, best, region, peaks[region], left)
            good = [
                t for t in tried if t.bic < best.bic - rules.min_gain and best.chi2 - t.chi2 > floor
            ]
            if good:
                best = min(good, key=lambda t: t.bic)
                break
            active.discard(region)
    return _earning(problem, best), problem


def _earning(problem: LineshapeProblem, best: LineFit) -> LineFit:
    """Return the fit without the lines that later ones made needless, as long as the criterion
    falls.

    Without line j, the others' areas following, chi-square rises by sum_s a_sj^2 / (sigma_s^2
    (G^-1)_jj).
    """
    while True:
        at, shapes = best.state, best.shapes
        worth = np.sum((at.area / problem.sigma[:, None]) ** 2, axis=0) / at.inverse.diagonal().real
        worth -= (len(at.area) + 2 + shapes.voigt) * np.log(best.points)
        alone = np.array([(shapes.region == r).sum() == 1 for r in shapes.region]) & (
            shapes.region < problem.regions
        )
        idle = np.where(alone | shapes.held, np.inf, worth)
        if idle.min() >= 0:
            return best
        fit = fit_shapes(
            problem, shapes.taken(np.delete(np.arange(shapes.n), idle.argmin())), 20, ROUGH, False
        )
        if fit.bic > best.bic:
            return best
        best = fit


def _pruned(problem: LineshapeProblem, rules: SelectionRules, best: LineFit) -> LineFit:
    """Return the fit with regions below three standard errors in every slice reduced to their
    stand-in line."""
    n, slices = best.shapes.n, len(best.area)
    covariance = best.covariance[best.free.size :, best.free.size :].reshape(slices, n, slices, n)
    shapes = best.shapes
    for region in range(rules.low.size):
        mine = (best.shapes.region == region).astype(float)
        stderr = np.sqrt(np.einsum("i,sisj,j->s", mine, covariance, mine))
        if not best.shapes.held[mine > 0].all() and (best.area @ mine < 3 * stderr).all():
            shapes = _with_stand_in(
                rules, shapes.taken(np.flatnonzero(shapes.region != region)), region
            )
    return best if shapes is best.shapes else fit_shapes(problem, shapes)


def _with_stand_in(rules: SelectionRules, shapes: LineShapes, region: int) -> LineShapes:
    low, high = float(rules.low[region]), float(rules.high[region])
    return shapes.joined((low + high) / 2, rules.absent_width, region, low, high, held=True)


def _seeded(
    problem: LineshapeProblem, rules: SelectionRules, seen: MatchedFilter
) -> tuple[LineShapes, LineshapeState]:
    """Return one line per region, strongest first, and their state with a phase for each."""
    shapes, left, todo = make_empty_shapes(), problem.y, set(range(rules.low.size))
    while todo:
        peaks = seen.peaks(left)
        region = max(todo, key=lambda r: peaks[r].gain)
        todo.discard(region)
        if shapes.n and peaks[region].gain < compute_noise_gain(problem.time.size, len(problem.y)):
            shapes = _with_stand_in(rules, shapes, region)
            continue
        if todo:
            left = _without(
                problem, left, _started(problem, rules, make_empty_shapes(), region, peaks[region])
            )
        shapes = _started(problem, rules, shapes, region, peaks[region])
    at = fit_shapes(replace(problem, phases=PER_REGION), shapes, 0, ROUGH, False).state
    return at.shapes, at


def _without(problem: LineshapeProblem, signal: Complex, line: LineShapes) -> Complex:
    """Return a signal, shape (slice, time), without its part along one line."""
    f = problem.cleaned(evaluate_shapes(line, problem.time))
    return np.asarray(signal - (signal @ f[0].conj() / np.vdot(f, f).real)[:, None] * f)


def _limit(problem: LineshapeProblem) -> float:
    return 0.5 * (problem.time.size - 1) / float(problem.time[-1] - problem.time[0])


def _started(
    problem: LineshapeProblem, rules: SelectionRules, shapes: LineShapes, region: int, peak: Peak
) -> LineShapes:
    """Return shapes with one more line."""
    low, high = rules.place(peak.at, region, _limit(problem))
    return shapes.joined(min(max(peak.nu, low), high), peak.width, region, low, high).ordered()


def _with_phases(
    problem: LineshapeProblem, seed: LineShapes, free: LineshapeState
) -> list[tuple[LineFit, LineshapeProblem]]:
    """Return the fit with the simplest phase model that the data admit (one slice: one phase), and
    its problem.

    It begins at `seed`; `free` is a fit of what it holds with a phase for each line. A fit with the
    same phase model and another time origin follows where it is not much worse: further lines may
    turn the order.
    """
    origin = _origin(problem, free)
    starts = (
        [(SHARED, 0.0)]
        if abs(origin) < SAME_ORIGIN
        else [(SHARED, o) for o in sorted({0.0, origin})]
    )
    if len(problem.y) > 1:
        starts += [(PER_SLICE, origin), (PER_REGION, 0.0)]
    best, phases, loose, fits = None, SHARED, LOOSE if len(starts) == 1 else 0.0, []
    for kind, origin in starts:
        given = problem if kind == problem.phases else replace(problem, phases=kind)
        at = None if origin else evaluate_state(given, seed, free.sums)
        fit = fit_shapes(given, replace(seed, origin=origin), 30, ROUGH, False, at=at, loose=loose)
        fits.append((fit, given))
        if best is None or fit.bic < best.bic - (10.0 if kind != phases else 0.0):
            best, phases = fit, kind
    assert best is not None
    here, most = best.shapes.origin, best.bic + RIVAL
    rivals = [
        f for f in fits if f[1].phases == phases and abs(f[0].shapes.origin - here) > SAME_ORIGIN
    ]
    return [f for f in fits if f[0] is best] + [f for f in rivals if f[0].bic < most]


def _origin(problem: LineshapeProblem, free: LineshapeState) -> float:
    """Return the time origin [s] from the phase between the two strongest lines, zero where one is
    lost in noise."""
    amplitude, nu = complex_amplitudes(free) / problem.sigma[:, None], free.shapes.nu
    norm = np.sqrt(free.sums.gram.diagonal()[: nu.size].real)
    strength = np.sqrt(np.sum(np.abs(amplitude) ** 2, axis=0)) * norm
    order = np.argsort(strength)[::-1]
    if order.size < 2 or strength[order[1]] < SIGNIFICANT:
        return 0.0
    first, second = order[:2]
    turn = np.angle(np.sum(amplitude[:, second] * amplitude[:, first].conj()))
    return float(turn / (2 * np.pi * (nu[second] - nu[first])))


def _tried(
    problem: LineshapeProblem,
    rules: SelectionRules,
    best: LineFit,
    region: int,
    peak: Peak,
    left: Complex,
) -> list[LineFit]:
    """Return the fits with one more line in a region, or one made Voigt; none where only noise is
    left there.

    Where the new line comes to nothing, or neither helps though more than noise is left, the
    strongest one is parted.
    """
    noise = compute_noise_gain(problem.time.size, len(problem.y))
    found, goal = [], best.chi2 - rules.min_gain - np.log(best.points)
    full = np.sum((best.shapes.region == region) & ~best.shapes.held) >= rules.max_components
    if peak.gain > noise and not full:
        seen = best.shapes.taken(
            np.flatnonzero(~(best.shapes.held & (best.shapes.region == region)))
        )
        found.append(
            fit_shapes(
                problem, _started(problem, rules, seen, region, peak), 20, ROUGH, False, goal
            )
        )
    if peak.gain > 0.5 * noise:
        bent = _bent(problem, rules, best, region, goal, left)
        found += [bent] if bent else []
    alone = not ((best.shapes.region == region) & ~best.shapes.held).any()
    if full or alone or peak.gain <= noise:
        return found
    idle = (found[0].area <= 0).all(axis=0).any()
    if idle or all(t.bic > best.bic - rules.min_gain for t in found):
        found.append(fit_shapes(problem, _split(best, region), 20, ROUGH, False, goal))
    return found


def _split(best: LineFit, region: int) -> LineShapes:
    """Return shapes with the strongest line of a region parted in two, half as broad and half a
    width apart.

    This is where to begin when noise is not all that is left and yet no line beside it helps: one
    would be negative.
    """
    shapes, mine = best.shapes, (best.shapes.region == region) & ~best.shapes.held
    line = int(np.where(mine, best.area.sum(axis=0), -1.0).argmax())
    at, width = float(shapes.nu[line]), float(shapes.width[line] + np.sqrt(shapes.gauss2[line]))
    nu, narrow, gauss2, voigt = (
        shapes.nu.copy(),
        shapes.width.copy(),
        shapes.gauss2.copy(),
        shapes.voigt.copy(),
    )
    nu[line], narrow[line], gauss2[line], voigt[line] = at - width / 4, width / 2, 0.0, False
    halved = replace(shapes, nu=nu, width=narrow, gauss2=gauss2, voigt=voigt)
    return halved.joined(
        at + width / 4, width / 2, region, float(shapes.low[line]), float(shapes.high[line])
    ).ordered()


def _bent(
    problem: LineshapeProblem,
    rules: SelectionRules,
    best: LineFit,
    region: int,
    goal: float,
    left: Complex,
) -> LineFit | None:
    """Return the fit with the strongest Lorentzian of a region made a Voigt line, where a Gaussian
    part would help.

    At the best Lorentzian the slope of chi-square by the squared Gaussian width, the others
    following, tells.
    """
    plain = (best.shapes.region == region) & ~best.shapes.voigt & ~best.shapes.held
    if not (rules.voigt and plain.any()):
        return None
    line = int(np.where(plain, best.area.sum(axis=0), -1.0).argmax())
    if not would_gain_by_gaussian(problem, best.state, line, left):
        return None
    voigt, gauss2, width = (
        best.shapes.voigt.copy(),
        best.shapes.gauss2.copy(),
        best.shapes.width.copy(),
    )
    voigt[line] = True
    gauss2[line], width[line] = (0.7 * width[line]) ** 2, 0.5 * width[line]
    return fit_shapes(
        problem,
        replace(best.shapes, voigt=voigt, gauss2=gauss2, width=width),
        20,
        ROUGH,
        False,
        goal,
    )
