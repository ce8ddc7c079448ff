"""Whether a phase that is not in the model shows in the residual: a matched filter over a range of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd import pattern
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_frame import Fit, Series

FAR = (3.0, 24.0)
"""Shifts of the pattern, both ways, whose intensities are the noise [full widths of the instrument]."""
DISPLACED = 10
"""Shifts on each side."""
STRONGEST = 40
"""Reflections looked for."""
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


def trace(
    series: Series, fit: Fit, y: Array, weight: Array, phase: int, strain: Array, threshold: float = 0.0
) -> Trace | None:
    """Return the intensity of an absent phase from the residual of a fit.

    With the phase's pattern t and the model's directions B (background, phases, cells, widths), the amount that
    would be fitted is t'W r / (t'W t - t'W B (B'W B)^-1 B'W t). Its error is the scatter (root mean square) of the same amount
    for the pattern shifted along 2theta: what noise, misfit and unknown phases give by chance.

    Parameters
    ----------
    series : Series
    fit : Fit
        The frame refined without the phase.
    y, weight : ndarray, shape (points,)
    phase : int
    strain : ndarray, shape (trial, free)
        Trial cells.
    threshold : float
        None is returned where no trial exceeds this many counting errors times the fit's goodness.
    """
    shapes = _patterns(series, fit, phase, strain, np.zeros(len(strain)))
    amount, left = _amounts(shapes, y - fit.calculated, weight, fit.border)
    goodness = np.sqrt(np.dot(weight, (y - fit.calculated) ** 2) / y.size)
    if threshold and np.max(amount * np.sqrt(left)) < threshold * goodness:
        return None
    stderr = scatter(series, fit, y, weight, phase, strain[len(strain) // 2]) / np.sqrt(left)
    return Trace(amount, stderr, np.sign(amount) * amount**2 * left)


def scatter(series: Series, fit: Fit, y: Array, weight: Array, phase: int, strain: Array) -> float:
    """Return the root mean square of amount over counting error for a phase's pattern shifted along 2theta, 1 or more."""
    apart = np.linspace(*FAR, DISPLACED) * fit.state.gauss
    shifts = np.concatenate([-apart, apart])
    shapes = _patterns(series, fit, phase, np.tile(strain, (shifts.size, 1)), shifts)
    amount, left = _amounts(shapes, y - fit.calculated, weight, fit.border)
    return max(1.0, float(np.sqrt(np.mean(amount**2 * left))))


def stderr(series: Series, fit: Fit, y: Array, weight: Array, phase: int) -> float:
    """Return the standard error of the intensity of a phase in the model, counting error times `scatter`."""
    i = fit.present.index(phase)
    strain = fit.state.strain[phase, : series.phases[phase].free]
    counting = fit.intensity_stderr[i] / fit.state.inflation[phase]
    return float(counting * scatter(series, fit, y, weight, phase, strain))


def _amounts(shapes: Array, residual: Array, weight: Array, border: Array) -> tuple[Array, Array]:
    """Return the amount of each pattern (points, trial) in the residual, and 1 / its counting variance."""
    weighted = weight[:, None] * shapes
    inner = border.T @ (weight[:, None] * border)
    scale = 1 / np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
    inner = inner * scale[:, None] * scale + 1e-9 * np.eye(len(inner))
    cross = scale[:, None] * (border.T @ weighted)
    power = np.einsum("ij,ij->j", shapes, weighted)
    left = np.maximum(power - np.einsum("ij,ij->j", cross, np.linalg.solve(inner, cross)), 1e-6 * power + 1e-300)
    return weighted.T @ residual / left, left


def _patterns(series: Series, fit: Fit, p: int, strain: Array, shift: Array) -> Array:
    """Return the phase's pattern at each trial cell, shape (points, trial)."""
    phase, state = series.phases[p], fit.state
    trials = len(strain)
    angles = [pattern.two_theta(phase.form, phase.metric_at(e), series.wavelength)[0] for e in strain]
    expected = series.pattern[p] * pattern.lorentz_factor(angles[0])
    expected = expected / expected.sum()
    strong = np.argsort(-expected, kind="stable")[:STRONGEST]
    angle = np.array([a[strong] for a in angles]).ravel()
    theta = np.radians(angle) / 2
    lorentz = np.exp(state.size[p]) / np.cos(theta) + np.exp(state.micro[p]) * np.tan(theta)
    found = pattern.profiles(
        series.x,
        angle + np.repeat(shift, strong.size) + state.zero,
        np.full(angle.size, state.gauss),
        lorentz,
        REACH,
        derivatives=False,
    )
    spread = np.zeros((angle.size, trials))
    spread[np.arange(angle.size), found.order // strong.size] = np.tile(expected[strong], trials)[found.order]
    return np.asarray(found.shape @ spread)


def trials(phase: pattern.Lattice, expected: Array, search: float, step: float) -> Array:
    """Return strains of isotropic trial cells around an expected one, shape (trial, free)."""
    count = max(int(np.ceil(search / step)), 0)
    return changed(phase, expected, np.linspace(-search, search, 2 * count + 1) if count else np.zeros(1))


def changed(phase: pattern.Lattice, strain: Array, changes: Array) -> Array:
    """Return the strains of a cell whose lengths all change by `changes`, shape (change, free)."""
    along = np.linalg.lstsq(phase.directions.T, phase.metric_at(strain), rcond=None)[0]
    return np.asarray(strain + ((1 + changes) ** -2 - 1)[:, None] * along)
