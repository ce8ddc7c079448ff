"""Which phases of a library the first pattern of a series shows: a quick match of their strongest
lines with the peaks of the pattern.

Whether a candidate's strongest lines lie on peaks is weighed against chance: with n peaks per
degree about a line and a tolerance t, one of them lies there by chance with p = 1 - exp(-2 n t). A
line of a phase that is there is on a peak with probability `SEEN`. The logarithm of the likelihood
ratio is summed over the lines from the strongest on, as far as it grows: a minor phase shows few.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.unindexed.cell_matching import list_candidate_lines
from ssbchar.hexrd.unindexed.matched_filter import apply_matched_filter, find_maxima
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

WIDTHS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Widths of peaks that are tried [points]."""
THRESHOLD = 8.0
"""Significance from which a peak counts [standard deviations]."""
TOLERANCE = 0.5
"""Distance from a peak at which a line is on it [full widths at half maximum]."""
STRAIN = 0.008
"""How far lengths of a cell may be off, all alike [1]."""
MOST_LINES = 14
"""Strongest lines of a phase that are looked for."""
FEWEST_LINES = 3
"""Lines that must be on peaks."""
SEEN = 0.95
"""Probability that a line of a phase that is there lies on a peak [1]."""
EVIDENCE = 3.0
"""Logarithm of the likelihood ratio from which a phase is proposed: twenty to one [1]."""
NEIGHBOURHOOD = 0.2
"""Half range about a line in which peaks are counted, as a share of its angle [1]."""


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """Peaks of a pattern."""

    position: Array
    """2theta [degree], shape (peaks,)."""
    fwhm: float
    """[degree]"""
    bounds: tuple[float, float]
    """Range of 2theta [degree]."""


@dataclass(frozen=True, kw_only=True)
class PhaseMatch:
    """How well a phase's strongest lines lie on the peaks of a pattern."""

    name: str
    evidence: float
    """Logarithm of the likelihood ratio [1]."""
    looked_for: int
    """Strongest lines that were looked for."""
    on_peaks: int
    """Of these, how many lie on peaks."""

    @property
    def is_likely(self) -> bool:
        """Whether the phase is proposed."""
        return self.evidence >= EVIDENCE and self.on_peaks >= FEWEST_LINES


def find_peaks(two_theta: Array, intensity: Array, stderr: Array) -> Peaks:
    """Return the peaks of a pattern, by a matched filter of the width that shows them best.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    intensity, stderr : ndarray, shape (points,)
        [counts]

    Returns
    -------
    Peaks
    """
    good = np.isfinite(intensity) & np.isfinite(stderr) & (stderr > 0)
    stderr = np.where(good, stderr, np.inf)
    # Stated errors of integrated images are often too small: the scatter from point to point tells.
    steps = np.diff(intensity[good]) / np.sqrt(2) / stderr[good][1:]
    sigma = stderr * max(1.0, sigma_from_deviations(steps)) if steps.size else stderr
    best, width, place = -1.0, WIDTHS[0], np.empty(0)
    for fwhm in WIDTHS:
        if 6 * fwhm > two_theta.size:
            break
        filtered = apply_matched_filter(intensity[None], sigma[None], fwhm)
        maxima = find_maxima(filtered, THRESHOLD, max(1, round(fwhm / 2)))
        total = float(np.sum(np.sort(maxima.significance)[-20:]))
        if total > best:
            best, width, place = total, fwhm, maxima.place
    step = float(np.median(np.diff(two_theta)))
    position = np.interp(place, np.arange(two_theta.size), two_theta)
    bounds = (float(two_theta[0]), float(two_theta[-1]))
    return Peaks(position=np.sort(position), fwhm=width * step, bounds=bounds)


def match_phases(phases: Iterable[xr.Dataset], peaks: Peaks, wavelength: float) -> list[PhaseMatch]:
    """Return how well each phase explains the peaks, the best first.

    Parameters
    ----------
    phases : iterable of Dataset
        Reflections, as `ssbchar.crystal.reflections.tabulate_reflections` returns them.
    peaks : Peaks
        Positions [degree].
    wavelength : float
        [angstrom]
    """
    found = [match_phase(phase, peaks, wavelength) for phase in phases]
    return sorted(found, key=lambda one: -one.evidence)


def match_phase(phase: xr.Dataset, peaks: Peaks, wavelength: float) -> PhaseMatch:
    """Return how well a phase's strongest lines lie on the peaks of a pattern.

    Parameters
    ----------
    phase : Dataset
        Its reflections.
    peaks : Peaks
        Positions [degree].
    wavelength : float
        [angstrom]
    """
    name = str(phase.attrs["phase"])
    nothing = PhaseMatch(name=name, evidence=0.0, looked_for=0, on_peaks=0)
    lines = list_candidate_lines(phase, wavelength, peaks.bounds)
    if lines is None or not peaks.position.size:
        return nothing
    d = _select_strongest(phase, lines.hkl, lines.strength, wavelength, peaks.fwhm)
    best = nothing
    strains = np.arange(-STRAIN, STRAIN * 1.0001, STRAIN / 40)
    for strain in strains:
        place = two_theta_from_d(d * (1 + strain), wavelength)
        inside = (place > peaks.bounds[0]) & (place < peaks.bounds[1])
        near = _measure_distance(place, peaks.position) < TOLERANCE * peaks.fwhm
        chance = _chance_from_density(place, peaks)
        gain = np.where(near, np.log(SEEN / chance), np.log((1 - SEEN) / (1 - chance)))
        sums = np.cumsum(np.where(inside, gain, 0.0))
        count = int(np.argmax(sums))
        # So many strains and numbers of lines were tried.
        evidence = float(sums[count] - np.log(strains.size / 4) - np.log(MOST_LINES))
        if evidence > best.evidence:
            best = PhaseMatch(
                name=name,
                evidence=evidence,
                looked_for=count + 1,
                on_peaks=int(np.sum(near[: count + 1])),
            )
    return best


def _select_strongest(
    phase: xr.Dataset, hkl: Array, strength: Array, wavelength: float, fwhm: float
) -> Array:
    """Return d [angstrom] of the strongest lines, the strongest first; lines closer than half a
    width count as one."""
    table = np.stack([phase[i].values for i in "hkl"], axis=1).astype(float)
    spacing = dict(zip(map(tuple, table), phase["d"].values, strict=True))
    d = np.array([spacing[tuple(one)] for one in hkl])
    chosen: list[float] = []
    places: list[float] = []
    for i in np.argsort(-strength, kind="stable"):
        place = float(two_theta_from_d(d[i], wavelength))
        if all(abs(place - other) > fwhm / 2 for other in places):
            chosen.append(float(d[i]))
            places.append(place)
        if len(chosen) == MOST_LINES:
            break
    return np.array(chosen)


def _measure_distance(place: Array, position: Array) -> Array:
    """Return the distance of each line from the nearest peak [degree]."""
    return np.asarray(np.min(np.abs(place[:, None] - position[None, :]), axis=1))


def _chance_from_density(place: Array, peaks: Peaks) -> Array:
    """Return the probability that a peak lies on each line by chance [1], from their number about
    it."""
    reach = np.maximum(NEIGHBOURHOOD * place, 10 * peaks.fwhm)
    low = np.maximum(place - reach, peaks.bounds[0])
    high = np.minimum(place + reach, peaks.bounds[1])
    count = np.searchsorted(peaks.position, high) - np.searchsorted(peaks.position, low)
    density = (count + 1) / np.maximum(high - low, peaks.fwhm)
    chance = 1 - np.exp(-2 * TOLERANCE * peaks.fwhm * density)
    return np.asarray(np.clip(chance, 1e-3, 0.95))
