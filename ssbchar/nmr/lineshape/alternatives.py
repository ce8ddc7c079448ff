"""Models that the decays admit beside the one reported, and what they would make of the areas.

The number of lines is chosen by a criterion that asks much of a further parameter: a line that is a
little Gaussian stays Lorentzian, three lines that overlap may be fitted as two. That is right for
what is told about the lines, and too sure for the areas: the richer model may be true. So the
models one step richer than the best are fitted, too, and weigh by their likelihood and number of
parameters alone (K. P. Burnham & D. R. Anderson, Model Selection and Multimodel Inference, 2nd ed.,
Springer 2002, sections 2.9 and 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.lineshape.hidden_signal import differentiate_model, stack_parts
from ssbchar.nmr.lineshape.model_selection import (
    COMPARED,
    SelectionRules,
    add_peak,
    find_strongest,
    find_visible,
    make_voigt,
)
from ssbchar.nmr.lineshape.normal_equations import compute_residual, invert_by_eigenvalues
from ssbchar.nmr.lineshape.peak_search import MatchedFilter
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes
from ssbchar.nmr.lineshape.varpro import LineFit, fit_shapes
from ssbchar.typing import Array, Complex

TRIED = replace(COMPARED, least_share=0.1)
"""A fit of a model that is no more than an alternative."""
WORTH = 2.0
"""Fall of chi-square below which it is not gone on with, in units of the reduced one [1]."""
WORTH_OF_ODDS = 4.0
"""A line whose odds are foreseen to be below exp(-2) is not tried: twice their logarithm [1]."""
FURTHEST = 0.7
"""Distance at most of two lines from their mean, in frequency and width, over the width [1]."""
MOST_OF_PEAK = 4.0
"""A line may bring that many times what its peak in the residual shows [1]: the others make room
for it."""
LEAST_ODDS = 1e-3
"""Odds below which a model is left out [1]."""
CERTAIN = 100.0
"""Logarithm of odds beyond which they say no more [1]."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another model of the same decays that is nearly as good, or better but not to be reported."""

    region_area: Array
    """(region,) areas in the first slice, in the unit of the data."""
    odds: float
    """Its probability over that of the best model [1]."""
    satellites: bool
    """Whether a line of it has satellites of spin 3/2."""
    independent: bool = False
    """Whether it may be true together with the other alternatives (a Gaussian part of the metal
    line, a further Li-Si line): its probability is against the best model alone."""


def make_alternative(fit: LineFit, odds: float, *, independent: bool = False) -> Alternative:
    """Return a model as an alternative.

    Parameters
    ----------
    fit : LineFit
        The model.
    odds : float
        Its probability over that of the best model [1].
    independent : bool
        Whether it may be true together with the other alternatives.
    """
    return Alternative(
        region_area=_sum_regions(fit),
        odds=odds,
        satellites=bool(fit.shapes.powder.any()),
        independent=independent,
    )


def _sum_regions(fit: LineFit) -> Array:
    members = np.arange(fit.problem.regions)[:, None] == fit.shapes.region
    return np.asarray(members @ fit.area[0])


def spread_shares(fit: LineFit, alternatives: Sequence[Alternative]) -> Array:
    """Return the standard deviation of the regions' shares over the admissible models, about the
    best one's, each weighed by its probability, shape (region,) [dimensionless]. Changes that are
    independent add their variances.

    Parameters
    ----------
    fit : LineFit
        The model that is reported.
    alternatives : sequence of Alternative
        The others.
    """
    area = _sum_regions(fit)
    if not alternatives or area.sum() <= 0:
        return np.zeros(len(area))
    odds = np.array([other.odds for other in alternatives])
    independent = np.array([other.independent for other in alternatives])
    area_of = np.array([other.region_area for other in alternatives])
    whole = np.maximum(area_of.sum(axis=1, keepdims=True), 1e-300)
    change = area_of / whole - area / area.sum()
    exclusive = odds[~independent].sum()
    weight = odds / (1 + np.where(independent, odds, exclusive))
    return np.asarray(np.sqrt(weight @ change**2))


def list_richer_models(
    best: LineFit, rules: SelectionRules, matched: MatchedFilter
) -> list[Alternative]:
    """Return the models with one line more, or with one line of another shape, in one region.

    Parameters
    ----------
    best : LineFit
        The model that is reported.
    rules : SelectionRules
        Regions [Hz], and what may be added.
    matched : MatchedFilter
        Where further lines are seen.
    """
    reduced = find_reduced(best)
    control = replace(TRIED, goal=best.chi2 - WORTH * reduced)
    found = []
    for shapes in _list_richer_shapes(best, rules, matched):
        fit = fit_shapes(best.problem, shapes, control)
        gain, more = best.chi2 - fit.chi2, fit.parameters - best.parameters
        odds = float(np.exp(min(gain / reduced / 2 - more, CERTAIN)))
        if odds > LEAST_ODDS:
            found.append(make_alternative(fit, odds, independent=True))
    return found


def find_reduced(fit: LineFit) -> float:
    """Return the reduced chi-square, at least 1.

    Parameters
    ----------
    fit : LineFit
        Any.
    """
    return max(fit.chi2 / max(fit.points - fit.parameters, 1), 1.0)


def _list_richer_shapes(
    best: LineFit, rules: SelectionRules, matched: MatchedFilter
) -> Iterator[LineShapes]:
    residual = compute_residual(best.problem, best.state)
    peaks = matched.find_peaks(residual)
    tangents = np.linalg.qr(differentiate_model(best)[0].T)[0]
    slices = len(best.area)
    # Frequency, width and an area per slice: what their own odds would cost them.
    worth = 2 * (slices + 2) - WORTH_OF_ODDS
    for region in range(rules.low.size):
        lines = find_visible(best.shapes, region)
        if not lines.any():
            continue
        voigt = make_voigt(best, region) if rules.voigt else None
        if voigt is not None:
            yield voigt
        if lines.sum() == rules.max_components:
            continue
        if MOST_OF_PEAK * peaks[region].gain > worth:
            yield add_peak(best.shapes, best.problem, rules, region, peaks[region])
        split = split_line(best, find_strongest(best, lines), residual[0], tangents)
        # Of no slice more is foreseen than of the first, which is the strongest.
        if slices * split.gain > worth:
            yield split.shapes


@dataclass(frozen=True, kw_only=True)
class SplitLine:
    """One line made two."""

    shapes: LineShapes
    gain: float
    """Fall of chi-square in the first slice, foreseen to first order, over the reduced one [1]."""


def split_line(fit: LineFit, line: int, residual: Complex, tangents: Array) -> SplitLine:
    """Return the shapes with one line made two of half its area, as the residual asks for it.

    Lines exp(w t) of complex w = 2 pi i nu - pi fwhm that lie close differ from one at their mean
    by the mean square of their distances from it times t^2 / 2, to first order. That complex number
    is fitted to the residual of the first slice, all other parameters following (a score test, C.
    R. Rao, Proc. Camb. Phil. Soc. 44 (1948) 50); two lines stand at plus and minus its root.

    Parameters
    ----------
    fit : LineFit
        A fit that has converged.
    line : int
        Position of the line.
    residual : ndarray, shape (time,)
        Of the first slice, in the unit of the data.
    tangents : ndarray, shape (2 time, parameter)
        Orthonormal, along what the other parameters change of that slice.
    """
    problem, shapes = fit.problem, fit.shapes
    one = evaluate_shapes(shapes.select(np.array([line])), problem.time)[0]
    bent = fit.state.amplitude[0, line] * (problem.time + shapes.origin) ** 2 / 2 * one
    added = stack_parts(problem.clean(np.array([bent, 1j * bent])))
    added = added - (added @ tangents) @ tangents.T
    along = added @ stack_parts(residual[None])[0]
    real, imaginary = invert_by_eigenvalues(added @ added.T) @ along
    gain = (real * along[0] + imaginary * along[1]) / float(problem.sigma[0]) ** 2
    root = np.sqrt(complex(real, imaginary))
    most = FURTHEST * float(shapes.width[line])
    nu = np.clip(root.imag / (2 * np.pi), -most, most)
    width = np.clip(root.real / np.pi, -most, most)
    return SplitLine(
        shapes=_set_apart(shapes, line, nu, width), gain=float(gain) / find_reduced(fit)
    )


def _set_apart(shapes: LineShapes, line: int, nu: float, width: float) -> LineShapes:
    """Return the shapes with a line at plus and minus these distances [Hz] in place of one; the
    higher frequency has the smaller width."""
    at, broad = shapes.nu.copy(), shapes.width.copy()
    at[line] -= nu
    broad[line] += width
    return (
        replace(shapes, nu=at, width=broad)
        .add_line(
            nu=float(shapes.nu[line] + nu),
            width=float(shapes.width[line] - width),
            region=int(shapes.region[line]),
            low=float(shapes.low[line]),
            high=float(shapes.high[line]),
        )
        .sort()
    )
