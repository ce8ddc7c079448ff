"""Whether a phase that is not in the model shows in the residual: a matched filter over a range of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd import pattern
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_frame import Fit, Series, inflations

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
    """Corrected for misfit and serial correlation."""
    inflation: Array


def trace(series: Series, fit: Fit, y: Array, weight: Array, phase: int, strain: Array) -> Trace:
    """Return the intensity of an absent phase from the residual of a fit.

    With the phase's pattern t and the model's directions B (background, phases, cells, widths), the amount that
    would be fitted is t'W r / (t'W t - t'W B (B'W B)^-1 B'W t).

    Parameters
    ----------
    series : Series
    fit : Fit
        The frame refined without the phase.
    y, weight : ndarray, shape (points,)
    phase : int
    strain : ndarray, shape (trial, free)
        Trial cells.
    """
    shapes, seen = _patterns(series, fit, phase, strain)
    residual = y - fit.calculated
    weighted = weight[:, None] * shapes
    border = fit.border
    inner = border.T @ (weight[:, None] * border)
    scale = 1 / np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
    inner = inner * scale[:, None] * scale + 1e-9 * np.eye(len(inner))
    cross = scale[:, None] * (border.T @ weighted)
    power = np.einsum("ij,ij->j", shapes, weighted)
    left = np.maximum(power - np.einsum("ij,ij->j", cross, np.linalg.solve(inner, cross)), 1e-6 * power + 1e-300)
    amount = weighted.T @ residual / left
    after = residual[:, None] - amount * shapes
    inflation = _inflation(shapes, after, weight)
    return Trace(amount / seen, np.sqrt(1 / left) * inflation / seen, inflation)


def _patterns(series: Series, fit: Fit, p: int, strain: Array) -> tuple[Array, Array]:
    """Return the phase's pattern at each trial cell (points, trial), and the share of it that was used."""
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
        series.x, angle + state.zero, np.full(angle.size, state.gauss), lorentz, REACH, derivatives=False
    )
    spread = np.zeros((angle.size, trials))
    spread[np.arange(angle.size), found.order // strong.size] = np.tile(expected[strong], trials)[found.order]
    return np.asarray(found.shape @ spread), np.ones(trials)


def _inflation(shapes: Array, residual: Array, weight: Array) -> Array:
    return np.array(
        [
            inflations(shapes[:, [k]], np.zeros(1, np.int64), np.ones(1), residual[:, k], weight, 1)[0]
            for k in range(shapes.shape[1])
        ]
    )


def trials(phase: pattern.Lattice, expected: Array, search: float, step: float) -> Array:
    """Return strains of isotropic trial cells around an expected one, shape (trial, free)."""
    count = max(int(np.ceil(search / step)), 0)
    changes = np.linspace(-search, search, 2 * count + 1) if count else np.zeros(1)
    base = phase.metric_at(expected)
    along = np.linalg.lstsq(phase.directions.T, base, rcond=None)[0]
    return np.asarray(expected + ((1 + changes) ** -2 - 1)[:, None] * along)
