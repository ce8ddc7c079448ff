"""Drifts of axis, scale and baseline: components of a series that are no species."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.series.noise_edge import compute_noise_edge

FEWEST_LEFT = 5
"""Dimensions that must be left beside those of drifts."""
LACKING = 1e-3
"""Share of a drift's variance that its description may lack (3 % of its amplitude)."""
PARTS = 3
"""Parts of a series whose mean slopes are taken: the edge moves as species exchange."""
SMOOTHED = 3
"""Half width of the mean that slopes are taken of [points]."""


def build_drifts(energy: Array, norm: Array, e0: float) -> Array:
    """Return the directions in which a drift moves spectra.

    A shifted axis moves them along their slope and, in second order, their curvature, both
    those of the first, the middle and the last part of the series. An error of the edge step scales
    them, one of the baselines adds a line below the edge and a parabola above it.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm : array, shape (spectrum, energy)
        Normalised absorption.
    e0 : float
        [eV]

    Returns
    -------
    array, shape (drift, energy)
        Not orthogonal; in units of `norm` per eV, per eV^2 or per unit.
    """
    mean = norm.mean(axis=0)
    parts = [
        _smooth(norm[part].mean(axis=0))
        for part in np.array_split(np.arange(len(norm)), min(PARTS, len(norm)))
    ]
    slopes = [np.gradient(part, energy) for part in parts]
    curvatures = [np.gradient(slope, energy) for slope in slopes]
    x = (energy - e0) / max(energy[-1] - e0, 1.0)
    # The edge itself is the step between both baselines.
    baselines = [1 - mean, (1 - mean) * x, mean * x, mean * x**2]
    return np.array([mean, *slopes, *curvatures, *baselines])


def _smooth(values: Array) -> Array:
    """Return values whose noise no longer rules their slope."""
    from scipy.signal import savgol_filter

    return np.asarray(savgol_filter(values, 2 * SMOOTHED + 1, 3, mode="nearest"))


def remove_drifts(white: Array, drifts: Array) -> Array:
    """Return whitened spectra less their part along whitened drifts.

    Parameters
    ----------
    white : array, shape (spectrum, energy)
        Of unit noise.
    drifts : array, shape (drift, energy)

    Returns
    -------
    array, shape (spectrum, energy - drift)
        In a basis of what is left, so that its noise has unit variance still.
    """
    left, *_ = np.linalg.svd(drifts.T, full_matrices=True)
    return np.asarray(white @ left[:, len(drifts) :])


@dataclass(frozen=True, kw_only=True)
class SpeciesCount:
    """How many species a series holds."""

    species: int
    """1 and the components beyond drifts that stand above noise and above what a drift's
    description may lack."""
    doubtful: int
    """Further components above noise alone."""
    is_limited: bool
    """Components reach so far down that their noise is not known: there may be more species."""


def count_species(white: Array, drifts: Array, level: float) -> SpeciesCount:
    """Return the number of species of a series, drifts taken out.

    Parameters
    ----------
    white : array, shape (spectrum, energy)
        Whitened spectra.
    drifts : array, shape (drift, energy)
        Whitened directions of drift, the mean spectrum first.
    level : float
        Variance of the noise by that stated.
    """
    if white.shape[1] < len(drifts) + FEWEST_LEFT:
        return SpeciesCount(species=1, doubtful=0, is_limited=True)
    rest = remove_drifts(white, drifts)
    squares = np.asarray(np.linalg.svd(rest, compute_uv=False) ** 2, np.float64)
    most = max(min(rest.shape) // 2, 1)
    edges = level * np.array(
        [compute_noise_edge(*(s - k for s in rest.shape)) for k in range(most)]
    )
    basis = np.linalg.qr(drifts.T)[0]
    of_drift = float(np.linalg.norm(white @ basis[:, 1:], 2)) ** 2
    above_noise = count_above(squares, edges)
    above_drift = count_above(squares, np.maximum(edges, LACKING * of_drift))
    return SpeciesCount(
        species=1 + above_drift,
        doubtful=above_noise - above_drift,
        is_limited=above_noise == most,
    )


def count_above(squares: Array, edges: Array) -> int:
    """Return how many leading components are above their edges.

    Parameters
    ----------
    squares, edges : array, shape (component,)
        Squared singular values, and what noise gives at most once those before are removed.
    """
    above = squares[: edges.size] > edges
    return int(edges.size if above.all() else np.argmin(above))
