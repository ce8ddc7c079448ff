"""How much of each phase a frame holds, from the heights of the pattern at all its lines at
once."""

from __future__ import annotations

import numpy as np

from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.typing import Array

SUPPORT = 0.4
"""A phase is not there where the median of its lines, observed / expected, is below this."""
INEXACT = 0.25
"""Standard deviation of a line's strength about that of its structure [relative]."""


def fit_phase_scales(
    found: KnownLines, predicted: Array, height: Array, sigma: Array, width: float, phases: int
) -> tuple[Array, Array]:
    """Return the scale of each phase in each frame and its standard error, from the heights at all
    lines at once.

    The height at line i is modelled as sum_p s_p sum_(j in p) strength_j exp(-4 ln 2 (x_i - x_j)^2
    / w^2), s_p >= 0, by robust least squares (P. J. Huber, Ann. Math. Stat. 35 (1964) 73): the
    weights hold counting noise and a share of the model (texture, shapes and structures are never
    exact), and lines far from it count less.

    Parameters
    ----------
    predicted, height, sigma : ndarray, shape (frames, lines)
        Place [degree], height above the surroundings and its standard error [counts].

    Returns
    -------
    ndarray, shape (frames, phases), twice
        In counts of the phase's strongest line.
    """
    share = np.where(found.phase[:, None] == np.arange(phases), found.strength[:, None], 0.0)
    scale, error = np.zeros((2, height.shape[0], phases))
    for begin in range(0, height.shape[0], 256):
        rows = slice(begin, begin + 256)
        near = np.exp(
            -4 * np.log(2) * ((predicted[rows, :, None] - predicted[rows, None, :]) / width) ** 2
        )
        scale[rows], error[rows] = _fitted_scales(found, near @ share, height[rows], sigma[rows])
    return scale, error


def _fitted_scales(found: KnownLines, design: Array, h: Array, e: Array) -> tuple[Array, Array]:
    """Return scales and errors for some frames; a phase whose lines are mostly missing is taken
    out, worst first."""
    frames, _, phases = design.shape
    allowed = np.ones((frames, phases), dtype=bool)
    for _ in range(phases):
        s, gram, model = _robust(design * allowed[:, None, :], h, e)
        support = np.full((frames, phases), np.inf)
        for p in range(phases):
            led = np.flatnonzero((found.phase == p) & found.tracked)
            if led.size:
                own = s[:, p, None] * found.strength[led]
                excess = h[:, led] - (model[:, led] - design[:, led, p] * s[:, p, None])
                with np.errstate(divide="ignore", invalid="ignore"):
                    support[:, p] = np.where(s[:, p] > 0, np.median(excess / own, axis=1), np.inf)
        worst = np.argmin(support, axis=1)
        out = (support[np.arange(frames), worst] < SUPPORT)[:, None] & (
            np.arange(phases) == worst[:, None]
        )
        if not out.any():
            break
        allowed &= ~out
    ridge = np.where(allowed, 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None], 1.0)
    inverse = np.linalg.inv(gram + ridge[:, :, None] * np.eye(phases))
    return s * allowed, np.sqrt(np.einsum("fpp->fp", inverse))


def _robust(design: Array, h: Array, e: Array) -> tuple[Array, Array, Array]:
    """Return non-negative scales, their normal matrix and the model, by iteratively reweighted
    least squares."""
    variance = e**2 + (INEXACT * h) ** 2
    for _ in range(8):
        weighted = design / variance[:, :, None]
        gram = weighted.transpose(0, 2, 1) @ design
        s = _non_negative(gram, (weighted.transpose(0, 2, 1) @ h[:, :, None])[:, :, 0])
        model = (design @ s[:, :, None])[:, :, 0]
        variance = e**2 + (INEXACT * model) ** 2
        variance *= np.maximum(np.abs(h - model) / np.sqrt(variance), 1.0)
    return s, gram, model


def _non_negative(gram: Array, right: Array) -> Array:
    """Return the non-negative least-squares solutions of many normal equations, by cyclic
    coordinate descent."""
    s = np.zeros(right.shape)
    size = np.maximum(np.einsum("fpp->fp", gram), 1e-300)
    for _ in range(60):
        for p in range(right.shape[1]):
            slope = right[:, p] - np.einsum("fq,fq->f", gram[:, p], s)
            s[:, p] = np.maximum(s[:, p] + slope / size[:, p], 0.0)
    return s
