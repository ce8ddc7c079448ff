"""Spectra of pure species and their fractions along a series, without references.

Multivariate curve resolution by alternating least squares (R. Tauler, Chemom. Intell. Lab. Syst. 30
(1995) 133) with non-negative spectra and fractions whose sum is one; of two species the whole range
of solutions that these conditions leave (W. H. Lawton & E. A. Sylvestre, Technometrics 13 (1971)
617).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array

MOST_ROUNDS = 300
SETTLED = 1e-7
"""Relative change of the misfit that ends the rounds."""
CLOSURE = 100.0
"""Weight of the sum of fractions against a spectrum's points."""
NEGATIVE_SIGMA = 2.0
"""Standard errors below zero that a pure spectrum may reach."""
EXTREME = 0.05
"""Share of a series on whose mean an end of the observed range stands."""
FARTHEST = 100.0
"""Lengths of the observed range beyond which a pure spectrum is not sought."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Fractions and spectra of the species of a series."""

    fraction: Array
    """Shape (spectrum, species); the sum of each row is one."""
    spectrum: Array
    """Shape (species, energy), normalised absorption."""
    lower: Array
    """Least fraction that non-negativity and the sum of one allow, noise included at 95 %, shape
    (spectrum, species); NaN where the range was not calculated."""
    upper: Array
    r_factor: float


def resolve_species(norm: Array, stderr: Array, count: int) -> Resolution:
    """Return the species of a series by alternating least squares, with their ambiguity.

    Parameters
    ----------
    norm, stderr : array, shape (spectrum, energy)
        Normalised absorption and its standard error.
    count : int
        Number of species, from 2.

    Returns
    -------
    Resolution
        The range of solutions of two species; of more NaN.
    """
    noise = np.median(stderr, axis=0)
    spectra = norm[pick_purest(norm / noise, count)]
    last = np.inf
    for _ in range(MOST_ROUNDS):
        fraction = _fit_fractions(norm / noise, spectra / noise)
        spectra = _fit_spectra(norm, fraction)
        misfit = float((((norm - fraction @ spectra) / noise) ** 2).sum())
        if abs(last - misfit) <= SETTLED * misfit:
            break
        last = misfit
    order = np.argsort(-fraction[: max(len(norm) // 10, 1)].mean(axis=0))
    fraction, spectra = fraction[:, order], spectra[order]
    lower, upper = np.full(fraction.shape, np.nan), np.full(fraction.shape, np.nan)
    if count == 2:
        lower, upper = bound_two_fractions(norm, stderr)
    return Resolution(
        fraction=fraction,
        spectrum=spectra,
        lower=lower,
        upper=upper,
        r_factor=float(((norm - fraction @ spectra) ** 2).sum() / (norm**2).sum()),
    )


def pick_purest(white: Array, count: int) -> list[int]:
    """Return the spectra that span the largest simplex: each the farthest from those before.

    Parameters
    ----------
    white : array, shape (spectrum, energy)
        Of unit noise.
    count : int
    """
    left, size, _ = np.linalg.svd(white - white.mean(axis=0), full_matrices=False)
    places = (left * size)[:, : max(count - 1, 1)]
    picked = [int(np.argmax(np.linalg.norm(places, axis=1)))]
    while len(picked) < count:
        axes = places[picked[1:]] - places[picked[0]]
        rest = places - places[picked[0]]
        if len(axes):
            basis = np.linalg.qr(axes.T)[0]
            rest = rest - rest @ basis @ basis.T
        picked.append(int(np.argmax(np.linalg.norm(rest, axis=1))))
    return picked


def _fit_fractions(white: Array, spectra: Array) -> Array:
    """Return non-negative fractions whose sum is one."""
    from scipy.optimize import nnls

    weight = CLOSURE * float(np.abs(spectra).max())
    system = np.vstack([spectra.T, np.full(len(spectra), weight)])
    found = np.array([nnls(system, np.append(row, weight))[0] for row in white])
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _fit_spectra(norm: Array, fraction: Array) -> Array:
    """Return non-negative spectra."""
    from scipy.optimize import nnls

    free = np.linalg.lstsq(fraction, norm, rcond=None)[0]
    for i in np.flatnonzero((free < 0).any(axis=0)):
        free[:, i] = nnls(fraction, norm[:, i])[0]
    return np.asarray(free)


def bound_two_fractions(norm: Array, stderr: Array) -> tuple[Array, Array]:
    """Return the least and the greatest fraction of two species in each spectrum.

    Spectra of two species lie on a line. The pure ones lie outside of the observed range, and so
    near to it that they are nowhere negative beyond their error; fraction t of a spectrum at x is
    (x - a) / (b - a) for pure ones at a and b.

    Parameters
    ----------
    norm, stderr : array, shape (spectrum, energy)
        Normalised absorption and its standard error.

    Returns
    -------
    lower, upper : array, shape (spectrum, 2)
        The first species is that of the start; noise of the spectrum is included at 95 %.
    """
    noise = np.median(stderr, axis=0)
    mean = norm.mean(axis=0)
    centred = (norm - mean) / noise
    _, _, right = np.linalg.svd(centred, full_matrices=False)
    place = centred @ right[0]
    tenth = max(len(norm) // 10, 1)
    if place[:tenth].mean() > place[-tenth:].mean():
        right, place = -right, -place
    line = right[0] * noise
    # The noise of a place is one: the line is of unit length in units of noise.
    few = max(int(EXTREME * place.size), 1)
    ordered = np.sort(place)
    inner = float(ordered[:few].mean()), float(ordered[-few:].mean())
    length = max(inner[1] - inner[0], 1e-12)
    line_error = noise / max(float(np.linalg.norm(place)), 1e-12)
    mean_error = noise / np.sqrt(len(norm))

    def find_outer(start: float, direction: int) -> float:
        """Return the last place at which the spectrum is not negative."""
        steps = np.concatenate([[0.0], np.geomspace(1e-3, FARTHEST, 400)]) * length
        places = start + direction * steps
        spectra = mean + np.outer(places, line)
        error = np.sqrt(mean_error**2 + np.outer(places**2, line_error**2))
        bad = (spectra < -NEGATIVE_SIGMA * error).any(axis=1)
        # The observed end itself is possible whatever the baseline does there.
        first = int(np.argmax(bad[1:])) if bad[1:].any() else places.size - 1
        return float(places[first])

    outer = find_outer(inner[0], -1), find_outer(inner[1], 1)
    greatest = (place + NEGATIVE_SIGMA - outer[0]) / (inner[1] - outer[0])
    least = (place - NEGATIVE_SIGMA - inner[0]) / (outer[1] - inner[0])
    least, greatest = np.clip(least, 0, 1), np.clip(greatest, 0, 1)
    return np.column_stack([1 - greatest, least]), np.column_stack([1 - least, greatest])
