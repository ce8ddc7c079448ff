"""Whether a phase that is not in the model shows in the residual: a matched filter over a range of
cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.model import size_width
from ssbchar.hexrd.refinement.state import Fit, Series
from ssbchar.typing import Array

FAR = (3.0, 24.0)
"""Shifts of the pattern, both ways, whose intensities are the noise [full widths of its lines]."""
DISPLACED = 10
"""Shifts on each side."""
STRONGEST = 40
"""Reflections looked for."""
FRESH = 80.0
"""Crystallite size with which a phase is looked for, too: fresh ones are nanocrystalline
[angstrom]."""
REACH = 3.0
"""Half width of their windows, in full widths."""


@dataclass(frozen=True)
class Trace:
    """The intensity a phase would have beside the phases of the model, at each trial cell."""

    intensity: Array
    """[counts degree], either sign, shape (trial,)."""
    stderr: Array
    """The larger of the counting error and the scatter over shifted patterns."""
    gain: Array
    """Fall of the weighted squares of the residual."""


@dataclass(frozen=True)
class Remainder:
    """What a fit leaves, with what is needed to look for more in it."""

    series: Series
    fit: Fit
    weight: Array
    residual: Array
    border: Array
    """The model's directions (background, phases, cells, widths), shape (points, direction)."""
    weighted: Array
    """The same times the weights."""
    lower: Array
    """Cholesky factor of their normal matrix under the weights."""
    goodness: float
    """Square root of the mean weighted square of the residual."""


def remainder(series: Series, fit: Fit, y: Array, weight: Array) -> Remainder:
    """Return what a fit of intensity `y` with weights `weight` (points,) leaves."""
    residual = y - fit.calculated
    border = np.hstack(fit.border)
    weighted = weight[:, None] * border
    inner = border.T @ weighted
    size = np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
    lower = size[:, None] * np.linalg.cholesky(
        inner / size[:, None] / size + 1e-9 * np.eye(len(inner))
    )
    goodness = float(np.sqrt(np.dot(weight, residual**2) / y.size))
    return Remainder(series, fit, weight, residual, border, weighted, np.asarray(lower), goodness)


def trace(left: Remainder, phase: int, strain: Array, threshold: float = 0.0) -> Trace | None:
    """Return the intensity of an absent phase from the residual of a fit.

    With the phase's pattern t and the model's directions B (background, phases, cells, widths), the
    amount that would be fitted is t'W r / (t'W t - t'W B (B'W B)^-1 B'W t). Its error is the
    scatter (root mean square) of the same amount for the pattern shifted along 2theta: what noise,
    misfit and unknown phases give by chance.

    Parameters
    ----------
    left : Remainder
        Of the frame refined without the phase.
    phase : int
    strain : ndarray, shape (trial, free)
        Trial cells.
    threshold : float
        None is returned where no trial exceeds this many counting errors times the fit's
        goodness.
    """
    sizes = (0.0, size_width(FRESH, left.series.wavelength)) if threshold else (0.0,)
    found = [
        _traced(left, _patterns(left, phase, strain, s), threshold, _width(left, phase, s))
        for s in sizes
    ]
    return max(
        (t for t in found if t is not None),
        key=lambda t: float(np.max(t.intensity / t.stderr)),
        default=None,
    )


def _width(left: Remainder, p: int, size: float = 0.0) -> float:
    """Return the full width of a phase's lines at low angles [degree]."""
    state = left.fit.state
    return float(
        profile_model.pseudo_voigt_widths(
            np.array(state.gauss), np.array(max(np.exp(state.size[p]), size))
        )[0]
    )


def _traced(left: Remainder, shapes: Array, threshold: float, width: float) -> Trace | None:
    amount, power = _amounts(left, shapes)
    if threshold and np.max(amount * np.sqrt(power)) < threshold * left.goodness:
        return None
    k = int(np.argmax(amount * np.abs(amount) * power))
    found = max(float(amount[k]), 0.0) if threshold else 0.0
    stderr = _scatter(left, shapes[:, k], width, found) / np.sqrt(power)
    return Trace(amount, stderr, np.sign(amount) * amount**2 * power)


def stderr(left: Remainder, phase: int) -> float:
    """Return the standard error of the intensity of a phase in the model: counting error times
    scatter."""
    fit = left.fit
    i = fit.present.index(phase)
    shape = left.border[:, left.series.splines.shape[1] + i]
    counting = fit.intensity_fixed[i] / fit.state.inflation[phase]
    return float(counting * _scatter(left, shape, _width(left, phase)))


def _scatter(left: Remainder, shape: Array, width: float, found: float = 0.0) -> float:
    """Return the root mean square of amount over counting error for a pattern shifted along 2theta,
    1 or more.

    What was `found` in place is taken out before, so that a phase's own lines are not its noise.
    """
    x = left.series.x
    step = (x[-1] - x[0]) / (x.size - 1)
    apart = np.round(np.linspace(*FAR, DISPLACED) * width / step).astype(int)
    shapes = np.zeros((2 * DISPLACED, x.size)).T  # each pattern in one piece of memory
    for k, points in enumerate(np.minimum(apart, x.size - 1)):
        shapes[points:, 2 * k] = shape[: x.size - points]
        shapes[: x.size - points, 2 * k + 1] = shape[points:]
    residual = left.residual
    if found:
        inside = _projected(left, shape)
        residual = residual - found * (
            shape - left.border @ _solved(left.lower.T, inside, lower=False)
        )
    amount, power = _amounts(left, shapes, residual)
    return max(1.0, float(np.sqrt(np.mean(amount**2 * power))))


def _projected(left: Remainder, curves: Array) -> Array:
    """Return the components of curves (points, ...) along the model's directions, made
    orthonormal."""
    return _solved(left.lower, left.weighted.T @ curves, lower=True)


def _solved(triangle: Array, right: Array, lower: bool) -> Array:
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(triangle, right, lower=lower, check_finite=False))


def _amounts(left: Remainder, shapes: Array, residual: Array | None = None) -> tuple[Array, Array]:
    """Return the amount of each pattern (points, trial) in the residual, and 1 / its counting
    variance."""
    residual = left.residual if residual is None else residual
    cross = _projected(left, shapes)
    whole = left.weight @ shapes**2
    power = np.maximum(whole - np.einsum("ij,ij->j", cross, cross), 1e-6 * whole + 1e-300)
    return (left.weight * residual) @ shapes / power, power


def _patterns(left: Remainder, p: int, strain: Array, size: float = 0.0) -> Array:
    """Return the phase's pattern at each trial cell, of at least a size width [degree], shape
    (points, trial)."""
    series, state = left.series, left.fit.state
    phase, trials = series.phases[p], len(strain)
    angles = [
        profile_model.two_theta(phase.form, phase.metric_at(e), series.wavelength)[0]
        for e in strain
    ]
    b = np.broadcast_to(state.overall_b, state.size.shape)[p]
    sine = np.sin(np.radians(angles[0]) / 2) / series.wavelength
    expected = (
        series.pattern[p] * profile_model.lorentz_factor(angles[0]) * np.exp(-2 * b * sine**2)
    )
    expected = expected / expected.sum()
    strong = np.argsort(-expected, kind="stable")[:STRONGEST]
    angle = np.array([a[strong] for a in angles]).ravel()
    theta = np.radians(angle) / 2
    lorentz = max(np.exp(state.size[p]), size) / np.cos(theta) + np.exp(state.micro[p]) * np.tan(
        theta
    )
    found = profile_model.profiles(
        series.x, angle + state.zero, np.full(angle.size, state.gauss), lorentz, REACH
    )
    spread = np.zeros((angle.size, trials))
    spread[np.arange(angle.size), found.order // strong.size] = np.tile(expected[strong], trials)[
        found.order
    ]
    return np.asarray(found.shape @ spread)


def trials(phase: profile_model.Lattice, expected: Array, search: float, step: float) -> Array:
    """Return strains of isotropic trial cells around an expected one, shape (trial, free)."""
    count = max(int(np.ceil(search / step)), 0)
    return changed(
        phase, expected, np.linspace(-search, search, 2 * count + 1) if count else np.zeros(1)
    )


def changed(phase: profile_model.Lattice, strain: Array, changes: Array) -> Array:
    """Return the strains of a cell whose lengths all change by `changes`, shape (change, free)."""
    along = np.linalg.lstsq(phase.directions.T, phase.metric_at(strain), rcond=None)[0]
    return np.asarray(strain + ((1 + changes) ** -2 - 1)[:, None] * along)
