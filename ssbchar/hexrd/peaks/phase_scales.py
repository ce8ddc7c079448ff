"""How much of each phase a frame holds, from the heights of the pattern at all its lines at
once."""

from __future__ import annotations

import numpy as np

from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.typing import Array, Bool

SUPPORT = 0.4
"""A phase is not there where the median of its lines, observed / expected, is below this."""
INEXACT = 0.25
"""Standard deviation of a line's strength about that of its structure [relative]."""
CHUNK = 256
"""Frames fitted at once, to bound memory."""
REWEIGHTINGS = 8
SWEEPS = 60
"""Sweeps of the coordinate descent; strengths of phases hardly depend on each other."""


def fit_phase_scales(
    found: KnownLines, predicted: Array, height: Array, sigma: Array, *, width: float, phases: int
) -> tuple[Array, Array]:
    """Return the scale of each phase in each frame and its standard error, from the heights at all
    lines at once.

    The height at line i is modelled as sum_p s_p sum_(j in p) strength_j exp(-4 ln 2 (x_i - x_j)^2
    / w^2), s_p >= 0, by robust least squares (P. J. Huber, Ann. Math. Stat. 35 (1964) 73): the
    weights hold counting noise and a share of the model (texture, shapes and structures are never
    exact), and lines far from it count less.

    Parameters
    ----------
    found : KnownLines
    predicted, height, sigma : ndarray, shape (frames, lines)
        Place [degree], height above the surroundings and its standard error [counts].
    width : float
        Typical full width at half maximum [degree].
    phases : int
        Number of phases.

    Returns
    -------
    ndarray, shape (frames, phases), twice
        In counts of the phase's strongest line.
    """
    share = np.where(found.phase[:, None] == np.arange(phases), found.strength[:, None], 0.0)
    scale, error = np.zeros((2, height.shape[0], phases))
    for begin in range(0, height.shape[0], CHUNK):
        rows = slice(begin, begin + CHUNK)
        off = predicted[rows, :, None] - predicted[rows, None, :]
        near = np.exp(-4 * np.log(2) * (off / width) ** 2)
        scale[rows], error[rows] = _fit_supported(found, near @ share, height[rows], sigma[rows])
    return scale, error


def _fit_supported(
    found: KnownLines, design: Array, height: Array, sigma: Array
) -> tuple[Array, Array]:
    """Return scales and errors for some frames; a phase whose lines are mostly missing is taken
    out, worst first."""
    frames, _, phases = design.shape
    allowed = np.ones((frames, phases), dtype=bool)
    for _ in range(phases):
        scale, gram, model = _fit_robust(design * allowed[:, None, :], height, sigma)
        support = _measure_support(found, design, height, scale, model)
        worst = np.argmin(support, axis=1)
        unsupported = support[np.arange(frames), worst] < SUPPORT
        out = unsupported[:, None] & (np.arange(phases) == worst[:, None])
        if not out.any():
            break
        allowed &= ~out
    return scale * allowed, _stderr_from_gram(gram, allowed)


def _measure_support(
    found: KnownLines, design: Array, height: Array, scale: Array, model: Array
) -> Array:
    """Return the median of observed over expected heights of each phase's reported lines (frames,
    phases), what other phases give subtracted; infinite where the phase is not in the model."""
    support = np.full(scale.shape, np.inf)
    for p in range(scale.shape[1]):
        lead = np.flatnonzero((found.phase == p) & found.tracked)
        if not lead.size:
            continue
        own = scale[:, p, None]
        expected = own * found.strength[lead]
        observed = height[:, lead] - (model[:, lead] - design[:, lead, p] * own)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.median(observed / expected, axis=1)
        support[:, p] = np.where(scale[:, p] > 0, ratio, np.inf)
    return support


def _stderr_from_gram(gram: Array, allowed: Bool) -> Array:
    """Return standard errors (frames, phases) from normal matrices; 1 for a phase taken out."""
    phases = allowed.shape[1]
    ridge = np.where(allowed, 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None], 1.0)
    inverse = np.linalg.inv(gram + ridge[:, :, None] * np.eye(phases))
    return np.asarray(np.sqrt(np.einsum("fpp->fp", inverse)))


def _fit_robust(design: Array, height: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Return non-negative scales, their normal matrix and the model, by iteratively reweighted
    least squares."""
    variance = sigma**2 + (INEXACT * height) ** 2
    for _ in range(REWEIGHTINGS):
        weighted = (design / variance[:, :, None]).transpose(0, 2, 1)
        gram = weighted @ design
        scale = _descend_non_negative(gram, (weighted @ height[:, :, None])[:, :, 0])
        model = (design @ scale[:, :, None])[:, :, 0]
        variance = sigma**2 + (INEXACT * model) ** 2
        # Huber's weights: beyond one standard deviation a height counts by its distance only
        variance *= np.maximum(np.abs(height - model) / np.sqrt(variance), 1.0)
    return scale, gram, model


def _descend_non_negative(gram: Array, right: Array) -> Array:
    """Return the non-negative least-squares solutions of many normal equations, by cyclic
    coordinate descent.

    A phase taken out has a row of zeros, which `ssbchar.linalg.solve_non_negative` cannot solve.
    """
    scale = np.zeros(right.shape)
    size = np.maximum(np.einsum("fpp->fp", gram), 1e-300)
    for _ in range(SWEEPS):
        for p in range(right.shape[1]):
            slope = right[:, p] - np.einsum("fq,fq->f", gram[:, p], scale)
            scale[:, p] = np.maximum(scale[:, p] + slope / size[:, p], 0.0)
    return scale
