"""Signal that the fitted lines leave unexplained: would a quadrupolar powder pattern under the
Li-Si lines fit, and what would it change?

Lines of Lorentz and Voigt shape cannot follow the satellites of a spin 3/2 in a powder, which reach
C_Q / 2 to both sides and die within microseconds. What they hide of the Li-Si area, or push into
the metal, is asked by adding one such pattern after the other to the fit and looking at chi-square
and at the regions' areas, all other parameters following to first order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.nmr.lineshape.normal_equations import compute_residual
from ssbchar.nmr.lineshape.shapes import (
    LineShapes,
    evaluate_shapes,
    evaluate_widths,
)
from ssbchar.nmr.lineshape.varpro import LineFit
from ssbchar.nmr.powder.parameters import FOUR_LN2
from ssbchar.typing import Array, Complex, Index

COUPLINGS = np.geomspace(12e3, 250e3, 14)
"""Quadrupolar coupling constants C_Q that are tried [Hz]."""
LEAST_SHARE = 0.02
"""Lines with a smaller share of the signal are not asked for satellites [1]."""
BROADEST_SITE = 3000.0
"""A satellite pattern is broadened by no more than this [Hz], for a line that is itself broad may
be one that stands for the pattern."""
LEAST_INDEPENDENT = 1e-3
"""A pattern of which less than this share of its power is not already in the lines cannot be told
from them [1]."""
PATTERN_PARAMETERS = 2
"""Area and C_Q."""
PATTERN_POINTS = 512
"""A pattern is drawn over so many points: satellites die early, and what comes later belongs to the
lines."""
RIDGE = 1e-10
"""Added to the unit diagonal of the normal matrix [1]."""


@dataclass(frozen=True, kw_only=True)
class _Scan:
    """Patterns that are tried on the first slice of a fit."""

    coupling: Array
    """(pattern,) C_Q [Hz]."""
    size: Array
    """(pattern,) area that would fit best."""
    gain: Array
    """(pattern,) fall of chi-square over the reduced one; 0 where the area would be negative."""
    alone: Array
    """(pattern,) power over sigma^2 of what the lines cannot take over."""
    follow: Array
    """(area, pattern) what a pattern of area one takes from the area of each line."""
    reduced: float
    """Reduced chi-square, at least 1."""


@dataclass(frozen=True, kw_only=True)
class HiddenSignal:
    """The powder pattern that would lower chi-square most."""

    gain: float
    """Fall of chi-square, in units of the reduced chi-square [1]; 0 where no pattern helps."""
    penalty: float
    """Fall that the information criterion asks of a pattern's parameters [1]."""
    coupling: float
    """C_Q [Hz]; NaN where no pattern helps."""
    area: float
    """Area of the pattern, in the unit of the data."""
    area_stderr: float
    region_area: Array
    """(region,) areas of the regions with the pattern, which is the Li-Si region's."""

    @property
    def weight(self) -> float:
        """Probability of the model with the pattern against that without, a float: 1 / (1 +
        exp(-(gain - penalty) / 2)), from the information criterion of both (G. Schwarz, Ann. Stat.
        6 (1978) 461)."""
        return float(1 / (1 + np.exp(-np.clip((self.gain - self.penalty) / 2, -500, 500))))


def satellites_from_coupling(coupling: ArrayLike, time: ArrayLike) -> Array:
    """Return the decay of both satellite transitions of a spin 3/2 in a powder.

    To first order, with asymmetry zero, they stand at -/+ (C_Q / 4) (3 cos^2 theta - 1) from the
    centre (M. H. Cohen & F. Reif, Solid State Phys. 5 (1957) 321). Over all directions the cosine
    is S(x) = [cos(pi x / 2) C(z) + sin(pi x / 2) S(z)] / z, x = C_Q t, z = sqrt(3 x), with the
    Fresnel integrals C and S.

    Parameters
    ----------
    coupling : array_like
        C_Q [Hz].
    time : array_like, broadcastable with `coupling`
        Since the echo's top [s].

    Returns
    -------
    ndarray
        1 at time zero [dimensionless].
    """
    from scipy.special import fresnel

    x = np.abs(np.asarray(coupling, float) * np.asarray(time, float))
    z = np.sqrt(3 * np.maximum(x, 1e-12))
    sine, cosine = fresnel(z)
    half_turn = np.pi * x / 2
    return np.asarray((np.cos(half_turn) * cosine + np.sin(half_turn) * sine) / z)


def find_hidden_signal(fit: LineFit, region: int) -> HiddenSignal:
    """Return the powder pattern about one of a region's lines that the first slice asks for most.

    Parameters
    ----------
    fit : LineFit
        A final fit.
    region : int
        The region whose lines may have satellites.

    Returns
    -------
    HiddenSignal
    """
    shapes, area = fit.shapes, fit.area[0]
    members = np.arange(fit.problem.regions)[:, None] == shapes.region
    of_regions = members @ area
    points = 2 * fit.problem.time.size
    penalty = PATTERN_PARAMETERS * float(np.log(points))
    none = HiddenSignal(
        gain=0.0,
        penalty=penalty,
        coupling=float("nan"),
        area=0.0,
        area_stderr=float("nan"),
        region_area=of_regions,
    )
    scan = _scan_patterns(fit, region)
    if scan is None:
        return none
    best = int(scan.gain.argmax())
    if scan.gain[best] <= 0:
        return none
    size = float(scan.size[best])
    with_pattern = members @ (area - scan.follow[:, best] * size)
    with_pattern[region] += size
    return HiddenSignal(
        gain=float(scan.gain[best]),
        penalty=penalty,
        coupling=float(scan.coupling[best]),
        area=size,
        area_stderr=float(np.sqrt(scan.reduced / scan.alone[best])),
        region_area=with_pattern,
    )


def _scan_patterns(fit: LineFit, region: int) -> _Scan | None:
    """Return what each pattern about each of a region's lines would bring, None where there is no
    line to ask."""
    shapes, area, sigma = fit.shapes, fit.area[0], float(fit.problem.sigma[0])
    named = shapes.region < fit.problem.regions
    sites = np.flatnonzero(
        (shapes.region == region) & ~shapes.held & (area > LEAST_SHARE * area[named].sum())
    )
    if not sites.size:
        return None
    columns, area_of = differentiate_model(fit)
    patterns, coupling = _draw_patterns(fit, sites)
    residual = stack_parts(compute_residual(fit.problem, fit.state)[:1])[0] / sigma
    columns, patterns = columns / sigma, patterns / sigma
    scale = 1 / np.maximum(np.linalg.norm(columns, axis=1), 1e-300)
    columns = columns * scale[:, None]
    matrix = columns @ columns.T + RIDGE * np.eye(len(columns))
    early = _select_early(columns, patterns)
    across = early @ patterns.T
    follow = np.linalg.solve(matrix, across)
    # What of a pattern the lines cannot take over, and what of the residual lies along it.
    power = np.einsum("pt,pt->p", patterns, patterns)
    alone = power - np.einsum("cp,cp->p", across, follow)
    along = patterns @ _select_early(residual[None], patterns)[0] - follow.T @ (columns @ residual)
    usable = alone > LEAST_INDEPENDENT * power
    size = np.where(usable, along / np.where(usable, alone, 1.0), 0.0)
    points = 2 * fit.problem.time.size
    reduced = max(float(residual @ residual) / max(points - len(columns), 1), 1.0)
    return _Scan(
        coupling=coupling,
        size=size,
        gain=np.where(size > 0, size * along, 0.0) / reduced,
        alone=alone,
        follow=(scale[:, None] * follow)[area_of],
        reduced=reduced,
    )


def differentiate_model(fit: LineFit) -> tuple[Array, list[int]]:
    """Return the derivatives of the first slice by every parameter, real parts before imaginary
    ones, shape (parameter, 2 time), and the places of the areas among them.

    Parameters
    ----------
    fit : LineFit
        Lines, areas in the unit of the data.
    """
    problem, shapes = fit.problem, fit.shapes
    time = problem.time
    since_top = time + shapes.origin
    area, phase = fit.area[0], fit.phase[0]
    unit = np.exp(1j * phase)[:, None] * evaluate_shapes(shapes, time)
    signal = area[:, None] * unit
    columns: list[Complex] = []
    places = []
    for line in range(shapes.n):
        places.append(len(columns))
        columns.append(unit[line])
        if shapes.held[line]:
            continue
        columns.append(2j * np.pi * since_top * signal[line])
        columns.append(-np.pi * np.abs(since_top) * signal[line])
        if shapes.voigt[line]:
            columns.append(-(np.pi**2) / FOUR_LN2 * since_top**2 * signal[line])
        if shapes.powder[line]:
            plain = evaluate_widths(shapes.select(np.array([line])), time)[0]
            amplitude = area[line] * np.exp(1j * phase[line])
            pattern = shapes.evaluate_pattern(line, since_top)
            columns.extend(amplitude * plain * by for by in pattern.derivatives)
    columns.append(1j * signal.sum(axis=0))
    columns.append(2j * np.pi * shapes.nu @ signal)
    return stack_parts(problem.clean(np.array(columns))), places


def _draw_patterns(fit: LineFit, sites: Index) -> tuple[Array, Array]:
    """Return one pattern per site and coupling, (pattern, 2 time), and its C_Q [Hz]."""
    shapes, time = fit.shapes, fit.problem.time[:PATTERN_POINTS]
    narrow = _narrow_lines(shapes.select(sites))
    centre = np.exp(1j * fit.phase[0][sites])[:, None] * evaluate_shapes(narrow, time)
    decay = satellites_from_coupling(COUPLINGS[:, None], time + shapes.origin)
    patterns = (centre[:, None] * decay).reshape(-1, time.size)
    return stack_parts(patterns), np.tile(COUPLINGS, sites.size)


def _select_early(rows: Array, patterns: Array) -> Array:
    """Return the points of real rows, (row, 2 time), that the patterns have."""
    points, kept = rows.shape[1] // 2, patterns.shape[1] // 2
    return np.concatenate([rows[:, :kept], rows[:, points : points + kept]], axis=1)


def _narrow_lines(lines: LineShapes) -> LineShapes:
    """Return lines as Lorentzians no broader than a site without quadrupolar broadening."""
    return replace(
        lines,
        width=np.minimum(lines.width, BROADEST_SITE),
        gauss2=np.zeros(lines.n),
        voigt=np.zeros(lines.n, bool),
        pattern=np.zeros(lines.pattern.shape),
        fitted=np.zeros(lines.fitted.shape, bool),
    )


def stack_parts(rows: Complex) -> Array:
    """Return complex rows as real ones, real parts before imaginary ones.

    Parameters
    ----------
    rows : ndarray, shape (..., time)
        In any unit.
    """
    return np.asarray(np.concatenate([rows.real, rows.imag], axis=-1))
