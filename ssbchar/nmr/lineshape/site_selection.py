"""Sites with satellites: whether the decay asks for them, how many, and with what parameters.

Plain lines are tried first (`model_selection`). Where they leave a pattern over, or need lines so
broad that they may be powder patterns, a second model grows from one line per region: in each round
satellites for a Li-Si line, an anisotropic shift, a further line or a Gaussian part, whichever
lowers the information criterion most. The lower criterion wins; the models that come close to it
stay as alternatives, and what they would make of the areas is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.lineshape.alternatives import (
    CERTAIN,
    Alternative,
    list_richer_models,
    make_alternative,
    spread_shares,
)
from ssbchar.nmr.lineshape.hidden_signal import (
    BROADEST_SITE,
    HiddenSignal,
    find_hidden_signal,
    stack_parts,
)
from ssbchar.nmr.lineshape.line_status import AT_BOUND, find_line_status
from ssbchar.nmr.lineshape.model_selection import (
    COMPARED,
    SelectionRules,
    add_peak,
    begin_selection,
    conclude_selection,
    find_visible,
    make_voigt,
    remove_needless_lines,
    select_lines,
)
from ssbchar.nmr.lineshape.normal_equations import compute_residual, evaluate_state
from ssbchar.nmr.lineshape.peak_search import (
    MatchedFilter,
    build_matched_filter,
    compute_noise_gain,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes
from ssbchar.nmr.lineshape.varpro import LineFit, fit_shapes
from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    ASYMMETRY,
    COUPLING,
    HIGHEST,
    LOWEST,
    PARAMETERS,
    SATELLITES,
    SCATTER,
    SHIFT_ASYMMETRY,
)
from ssbchar.nmr.regions import LI_SI, REGION_NAMES
from ssbchar.typing import Array, Bool

ALLOY = REGION_NAMES.index(LI_SI)
BROAD = 8e3
"""A line broader than this [Hz] may be a powder pattern."""
ASKED = 0.5
"""Share of the penalty that a pattern's gain must reach to be looked into [1]."""
MISFIT = 1.3
"""Reduced chi-square above which other shapes are looked for."""
FIRST_ASYMMETRIES = (0.1, 0.5)
"""Asymmetries that a pattern begins with."""
TRIED_COUPLINGS = np.geomspace(18e3, 260e3, 30)
"""C_Q that a pattern may begin with [Hz]."""
APART = 0.15
"""Logarithm of the ratio of two couplings that lead to minima of their own."""
LEAST_WIDTH = 600.0
"""Width of the lines whose satellites are tried [Hz]; narrower ones live longer than is looked
at."""
SHORT = 640
"""Points of the decay in which sites are looked for; satellites have died in the first hundreds."""
SMALL = 1e-10
"""Added to the diagonal of the lines' products [1]."""
FIRST_SATELLITES = 0.8
"""Satellites that a pattern begins with, over those by ideal pulses [1]."""
FIRST_PATTERN = {COUPLING: 60e3, ASYMMETRY: 0.2, SATELLITES: FIRST_SATELLITES}
"""Satellites of a site until they are screened."""
SCREENED = 2
"""Times that the interactions of two sites are screened in turn."""
FIRST_ANISOTROPIES = (-1.2, -0.6, 0.6, 1.2)
"""zeta that a line begins with, over its width [1]."""
MOST_STARTS = 3
"""Couplings that a site is begun anew with."""
RESTARTS = 3
"""Times that all sites are begun anew."""
LEAST_BETTER = 0.5
"""Fall of the criterion by which another minimum is a better one."""
LOST = 0.15
"""Satellites below it may have been lost on the way of a fit, over those by ideal pulses [1]."""
NARROWED = 0.6
"""Width of a line that is given an anisotropic shift, over what it was [1]."""
SCATTER_OF_COUPLING = 0.3
"""Scale of a Czjzek distribution over the single C_Q it stands in for, to begin with."""
ADMISSIBLE = 10.0
"""A model whose criterion is at most this much higher than the best one's is an alternative (its
odds are 1 to 150)."""
MOST_ROUNDS = 12
GROWN = replace(COMPARED, max_steps=15)
"""A fit on the way."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The model that is reported, and what else the decays admit."""

    fit: LineFit
    alternatives: list[Alternative]
    hidden: HiddenSignal
    """What satellites would still change."""

    @property
    def spread(self) -> Array:
        """Standard deviation of the regions' shares over the admissible models (`spread_shares`),
        shape (region,) [dimensionless]."""
        return spread_shares(self.fit, self.alternatives)


def select_shapes(
    problem: LineshapeProblem, rules: SelectionRules, *, powder: bool = True
) -> Selection:
    """Return the model with the lowest information criterion among lines and sites.

    Parameters
    ----------
    problem : LineshapeProblem
        Data and noise; times in s.
    rules : SelectionRules
        Regions [Hz], and what earns a line.
    powder : bool
        Whether powder patterns may be reported; where they may not, a model with them is still an
        alternative where plain lines leave something over.
    """
    begun = begin_selection(problem, rules)
    plain = select_lines(begun, rules)
    hidden = find_hidden_signal(plain, ALLOY)
    richer = list_richer_models(plain, rules, begun.matched)
    if not asks_for_sites(plain, hidden):
        return Selection(fit=plain, alternatives=richer, hidden=hidden)
    tried = [_grow_sites(_shorten(first), rules) for first in begun.fits]
    shortest = [min(fits, key=lambda fit: fit.bic) for fits in tried]
    whole = [
        fit_shapes(first.problem, short.shapes, GROWN)
        for first, short in zip(begun.fits, shortest, strict=True)
    ]
    chosen = min(range(len(whole)), key=lambda i: whole[i].bic)
    best = conclude_selection(whole, rules)
    if best.bic >= plain.bic or not powder:
        rise = float(np.clip(best.bic - plain.bic, -CERTAIN, 2 * ADMISSIBLE))
        odds = float(np.exp(-rise / 2))
        others = [make_alternative(best, odds)] if best.bic < plain.bic + ADMISSIBLE else []
        return Selection(fit=plain, alternatives=[*richer, *others], hidden=hidden)
    alternatives = _list_alternatives(shortest[chosen], tried[chosen])
    if plain.bic < best.bic + ADMISSIBLE:
        alternatives.append(make_alternative(plain, float(np.exp(-(plain.bic - best.bic) / 2))))
    return Selection(fit=best, alternatives=alternatives, hidden=find_hidden_signal(best, ALLOY))


def _list_alternatives(best: LineFit, tried: list[LineFit]) -> list[Alternative]:
    """Return the models whose criterion comes close to the best one's, each minimum once."""
    alternatives: list[Alternative] = []
    known = {(round(best.bic), best.shapes.n)}
    for fit in sorted(tried, key=lambda fit: fit.bic):
        name = (round(fit.bic), fit.shapes.n)
        if fit.bic < best.bic + ADMISSIBLE and name not in known:
            known.add(name)
            alternatives.append(make_alternative(fit, float(np.exp(-(fit.bic - best.bic) / 2))))
    return alternatives


def _shorten(fit: LineFit) -> LineFit:
    """Return the fit of the decays' beginning, where satellites live; nothing is gained by what
    comes later while sites are looked for."""
    problem = fit.problem
    count = min(problem.time.size, SHORT)
    columns = problem.nuisance[:, :count]
    if columns.size:
        columns = np.linalg.qr(columns.T)[0].T
    short = replace(
        problem,
        y=problem.y[:, :count],
        time=problem.time[:count],
        nuisance=columns,
        power=np.empty(0),
    ).prepare()
    return fit_shapes(short, fit.shapes, GROWN)


def asks_for_sites(fit: LineFit, hidden: HiddenSignal) -> bool:
    """Return whether plain lines may stand for powder patterns.

    Parameters
    ----------
    fit : LineFit
        The best fit of plain lines.
    hidden : HiddenSignal
        What a pattern about one of them would bring.
    """
    shapes = fit.shapes
    seen = ~shapes.held & (fit.area > 0).any(axis=0)
    if not (seen & (shapes.region == ALLOY)).any():
        return False
    broad = find_broad_lines(fit)
    status = find_line_status(shapes, fit.problem.max_width)
    at_bound = seen & np.isin(status, [str(kind) for kind in AT_BOUND])
    reduced = fit.chi2 / max(fit.points - fit.parameters, 1)
    wanted = hidden.gain > ASKED * hidden.penalty
    return bool(broad.any() or at_bound.any() or wanted or reduced > MISFIT)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """What the search for sites looks with."""

    problem: LineshapeProblem
    rules: SelectionRules
    matched: MatchedFilter
    couplings: Array
    """(pattern,) C_Q of the patterns that are tried [Hz]."""
    asymmetries: Array
    """(pattern,)."""
    satellites: Array
    """(pattern, time) decay of the satellites."""

    @property
    def noise(self) -> float:
        """Gain that the highest peak of noise exceeds in 1 of 100 cases."""
        return compute_noise_gain(self.problem.time.size, len(self.problem.y))


def _begin_search(first: LineFit, rules: SelectionRules) -> _Search:
    # Compiled loops are loaded where sites are looked for.
    from ssbchar.nmr.powder.patterns import tabulate_satellites

    problem = first.problem
    couplings = np.repeat(TRIED_COUPLINGS, len(FIRST_ASYMMETRIES))
    asymmetries = np.tile(FIRST_ASYMMETRIES, TRIED_COUPLINGS.size)
    return _Search(
        problem=problem,
        rules=rules,
        matched=build_matched_filter(problem, rules.low, rules.high),
        couplings=couplings,
        asymmetries=asymmetries,
        satellites=tabulate_satellites(
            couplings, asymmetries, problem.time + first.shapes.origin, LEAST_WIDTH
        ),
    )


def _grow_sites(first: LineFit, rules: SelectionRules) -> list[LineFit]:
    """Return the models with satellites that were tried, grown from one line per region."""
    line = _find_site(first)
    if line is None:
        return [first]
    search = _begin_search(first, rules)
    starts = [_attach_satellites(search, first, line), *_build_pairs(search, first)]
    tried = [fit_shapes(first.problem, shapes, GROWN) for shapes in starts]
    best = _begin_anew(search, min(tried, key=lambda fit: fit.bic), tried)
    _grow_on(search, best, tried)
    best = min(tried, key=lambda fit: fit.bic)
    if best.chi2 > MISFIT * best.points:
        # Two sites at once may have led astray: from one, and step by step.
        _grow_on(search, tried[0], tried)
        best = min(tried, key=lambda fit: fit.bic)
    return [*tried, *_try_all(best, _list_variants(best))]


def _grow_on(search: _Search, best: LineFit, tried: list[LineFit]) -> None:
    """Add to `tried` the models on the way to richer ones, as long as the criterion falls."""
    for _ in range(MOST_ROUNDS):
        fits = _try_all(best, _list_changes(search, best))
        tried += fits
        good = [fit for fit in fits if fit.bic < best.bic - search.rules.min_gain]
        if not good:
            break
        # A line as broad as a pattern is the last to be believed.
        best = min(good, key=lambda fit: (_count_broad(fit) > _count_broad(best), fit.bic))
    best = remove_needless_lines(best)
    tried.append(best)
    _begin_anew(search, best, tried)


def _begin_anew(search: _Search, best: LineFit, tried: list[LineFit]) -> LineFit:
    """Return the best minimum that is reached when the satellites of one site after the other begin
    anew elsewhere: chi-square has several along C_Q and the asymmetry. All are added to `tried`."""
    for _ in range(RESTARTS):
        again = _try_all(best, _list_restarts(search, best))
        tried += again
        better = min([best, *again], key=lambda fit: fit.bic)
        if better.bic > best.bic - LEAST_BETTER:
            break
        best = better
    return best


def _try_all(best: LineFit, changes: Iterator[LineShapes]) -> list[LineFit]:
    """Return the fits of other shapes; one that will not reach the best is given up early."""
    control = replace(GROWN, goal=best.chi2)
    return [fit_shapes(best.problem, shapes, control) for shapes in changes]


def _list_restarts(search: _Search, best: LineFit) -> Iterator[LineShapes]:
    """Yield the shapes with the satellites of one site begun anew."""
    for line in np.flatnonzero(best.shapes.pattern[:, COUPLING] > 0).tolist():
        yield from _screen_satellites(search, best, best.shapes, line, MOST_STARTS)


def _build_pairs(search: _Search, first: LineFit) -> Iterator[LineShapes]:
    """Yield two sites in place of one, all of whose interactions are screened in turn: what one of
    them lacks the other would else take over."""
    problem = first.problem
    peak = search.matched.find_peaks(compute_residual(problem, first.state))[ALLOY]
    if peak.gain <= search.noise:
        return
    more = add_peak(first.shapes, problem, search.rules, ALLOY, peak)
    plain = fit_shapes(problem, more, GROWN)
    lines = np.flatnonzero(find_visible(plain.shapes, ALLOY)).tolist()
    broadest = max(lines, key=lambda line: plain.shapes.width[line])
    shapes = plain.shapes
    for line in lines:
        shapes = _set_pattern(_narrow_line(shapes, line), line, FIRST_PATTERN)
    for anisotropic in (False, True):
        sites = shapes
        for _ in range(SCREENED):
            if anisotropic:
                sites = _screen_anisotropy(problem, sites, broadest)
            for line in lines:
                sites = _screen_satellites(search, plain, sites, line)[0]
        yield sites


def _count_broad(fit: LineFit) -> int:
    """Return the number of lines that are as broad as a powder pattern."""
    return int(find_broad_lines(fit).sum())


def find_broad_lines(fit: LineFit) -> Bool:
    """Return which lines are so broad that they may stand for a powder pattern, shape (line,).

    Parameters
    ----------
    fit : LineFit
        Lines [Hz].
    """
    shapes = fit.shapes
    seen = ~shapes.held & (fit.area > 0).any(axis=0)
    return np.asarray(seen & (np.hypot(shapes.width, np.sqrt(shapes.gauss2)) > BROAD))


def _find_site(fit: LineFit) -> int | None:
    """Return the strongest line of the Li-Si region, None where there is none."""
    seen = find_visible(fit.shapes, ALLOY)
    if not seen.any():
        return None
    return int(np.where(seen, fit.area.sum(axis=0), -1.0).argmax())


def _list_changes(search: _Search, best: LineFit) -> Iterator[LineShapes]:
    """Yield the shapes that are one step richer."""
    shapes, problem, rules = best.shapes, best.problem, search.rules
    residual = compute_residual(problem, best.state)
    peaks = search.matched.find_peaks(residual)
    for region in range(rules.low.size + rules.outside):
        peak = peaks[region]
        if rules.voigt:
            voigt = make_voigt(best, region)
            if voigt is not None:
                yield voigt
        full = find_visible(shapes, region).sum() >= rules.max_components
        if peak.gain <= search.noise or full:
            continue
        stand_in = shapes.held & (shapes.region == region)
        more = add_peak(shapes.select(np.flatnonzero(~stand_in)), problem, rules, region, peak)
        yield more
        if region == ALLOY:
            new = int(np.abs(more.nu - peak.nu).argmin())
            yield from _screen_satellites(search, None, _narrow_line(more, new), new)
    if peaks[ALLOY].gain > search.noise or _asks_again(best):
        for line in np.flatnonzero(find_visible(shapes, ALLOY)).tolist():
            if _is_unsettled(shapes, line):
                yield from _screen_satellites(search, best, shapes, line)
            if shapes.powder[line] and shapes.pattern[line, ANISOTROPY] == 0:
                yield _screen_anisotropy(problem, shapes, line)


def _asks_again(fit: LineFit) -> bool:
    """Return whether satellites under one of the lines would still bring something."""
    hidden = find_hidden_signal(fit, ALLOY)
    return bool(hidden.gain > ASKED * hidden.penalty)


def _is_unsettled(shapes: LineShapes, line: int) -> bool:
    """Return whether a line has no satellites yet, or lost them on the way."""
    pattern = shapes.pattern[line]
    lost = pattern[SATELLITES] < LOST or pattern[COUPLING] >= HIGHEST[COUPLING]
    return bool(lost and pattern[SCATTER] == 0)


def _attach_satellites(search: _Search, fit: LineFit, line: int) -> LineShapes:
    return _screen_satellites(search, fit, _narrow_line(fit.shapes, line), line)[0]


def _narrow_line(shapes: LineShapes, line: int) -> LineShapes:
    """Return the shapes with a line no broader than a site without quadrupolar broadening."""
    width = shapes.width.copy()
    width[line] = min(width[line], BROADEST_SITE)
    return replace(shapes, width=width)


def _screen_satellites(
    search: _Search, fit: LineFit | None, shapes: LineShapes, line: int, count: int = 1
) -> list[LineShapes]:
    """Return the shapes with the satellites for one line that fit the first slice best as they are,
    of as many couplings as asked for, the best first.

    With the phases of `fit`, of the shapes' own state where there is none, the areas are linear:
    each pattern is asked for what it explains beside the other lines.
    """
    problem = search.problem
    bare = _set_pattern(shapes, line, {COUPLING: LOWEST[COUPLING], SATELLITES: 0.0})
    phases = (fit.state if fit is not None else evaluate_state(problem, bare)).phase[0]
    phase = phases if phases.size == shapes.n else np.full(shapes.n, phases[0])
    turned = np.exp(1j * phase)[:, None] * evaluate_shapes(bare, problem.time)
    outer = 1.5 * FIRST_SATELLITES
    patterns = turned[line] * ((1 + outer * search.satellites) / (1 + outer))
    patterns = stack_parts(problem.clean(patterns))
    others = stack_parts(problem.clean(np.delete(turned, line, axis=0)))
    data = stack_parts(problem.y[:1])[0]
    gram = others @ others.T
    gram.flat[:: len(gram) + 1] *= 1 + SMALL
    across = others @ patterns.T
    follow = np.linalg.solve(gram, across)
    along = patterns @ data - follow.T @ (others @ data)
    alone = np.einsum("pt,pt->p", patterns, patterns) - np.einsum("op,op->p", across, follow)
    explained = np.where(along > 0, along**2 / np.maximum(alone, 1e-300), 0.0)
    order = np.argsort(-explained, kind="stable").tolist()
    picked: list[int] = []
    for i in order:
        ratios = [search.couplings[i] / search.couplings[j] for j in picked]
        if all(abs(np.log(ratio)) > APART for ratio in ratios):
            picked.append(i)
    return [
        _set_pattern(
            shapes,
            line,
            {
                COUPLING: float(search.couplings[i]),
                ASYMMETRY: float(search.asymmetries[i]),
                SATELLITES: FIRST_SATELLITES,
                SCATTER: 0.0,
            },
        )
        for i in picked[:count]
    ]


def _screen_anisotropy(problem: LineshapeProblem, shapes: LineShapes, line: int) -> LineShapes:
    """Return the shapes with the anisotropic shift of one line that fits best as it is, the line
    narrower for it."""
    whole = float(np.hypot(shapes.width[line], np.sqrt(shapes.gauss2[line])))
    width, gauss2 = shapes.width.copy(), shapes.gauss2.copy()
    width[line] *= NARROWED
    gauss2[line] *= NARROWED**2
    narrow = replace(shapes, width=width, gauss2=gauss2)
    tried = [
        _set_pattern(narrow, line, {ANISOTROPY: share * whole, SHIFT_ASYMMETRY: eta})
        for share in FIRST_ANISOTROPIES
        for eta in FIRST_ASYMMETRIES
    ]
    states = [evaluate_state(problem, shapes) for shapes in tried]
    return min(states, key=lambda state: state.chi2).shapes


def _set_pattern(shapes: LineShapes, line: int, values: dict[int, float]) -> LineShapes:
    """Return the shapes with some parameters of one line's pattern set, to be fitted."""
    pattern, fitted = shapes.pattern.copy(), shapes.fitted.copy()
    places = list(values)
    pattern[line, places] = list(values.values())
    fitted[line, places] = True
    fitted[line, SCATTER] = pattern[line, SCATTER] > 0
    return replace(shapes, pattern=pattern, fitted=fitted)


def _list_variants(best: LineFit) -> Iterator[LineShapes]:
    """Yield the shapes with a distribution of couplings in place of one, and without satellites,
    for each site."""
    shapes = best.shapes
    for line in np.flatnonzero(shapes.powder):
        pattern, fitted = shapes.pattern.copy(), shapes.fitted.copy()
        pattern[line], fitted[line] = 0.0, False
        yield replace(shapes, pattern=pattern, fitted=fitted)
        scatter = SCATTER_OF_COUPLING * shapes.pattern[line, COUPLING]
        if scatter > 0 and shapes.pattern[line, ANISOTROPY] == 0:
            pattern, fitted = pattern.copy(), fitted.copy()
            row = np.zeros(PARAMETERS)
            row[[SATELLITES, SCATTER]] = shapes.pattern[line, SATELLITES], scatter
            pattern[line], fitted[line] = row, row > 0
            yield replace(shapes, pattern=pattern, fitted=fitted)
