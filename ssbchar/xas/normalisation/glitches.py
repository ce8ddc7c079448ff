"""Points and repeats that spoil a measurement: glitches are masked, outlying repeats are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Bool, Index
from ssbchar.xas import notes
from ssbchar.xas.edge_features import find_inflection
from ssbchar.xas.normalisation.noise import measure_jumps, measure_structure
from ssbchar.xas.normalisation.options import Normalisation

if TYPE_CHECKING:
    import xarray as xr

BELOW_EDGE, ABOVE_EDGE = 15, 25
"""The edge itself, from so far below to so far above its inflection [eV], holds no glitches: it is
as sharp as one."""
ABOVE_STRUCTURE = 2.0
"""A glitch sticks out by so many times what six neighbours change of the curve through four [1]."""
LOCAL = 51
"""Points over which the local scatter is found."""
MIN_READINGS = 20
"""A counter with no more readings than this is taken for absent."""


@dataclass(frozen=True, kw_only=True)
class Unglitched:
    """Spectra whose glitches were replaced by their neighbours' line."""

    mu: Array
    """Shape (spectrum, energy)."""
    masked: np.ndarray
    """1 where a point of any spectrum was replaced, shape (energy,)."""
    remarks: list[notes.Note]
    """One for each spectrum with glitches."""


def mask_glitches(
    energy: Array, calibrated: xr.Dataset, good: Index, mu: Array, options: Normalisation
) -> Unglitched:
    """Return spectra without glitches, and where these were.

    A glitch jumps off its neighbours' cubic by more than `glitch` robust sigmas in mu, and I0 or
    the foil jumps there too (or mu does by three times as much); the edge itself (-15 to +25 eV) is
    left alone.

    Parameters
    ----------
    energy : array, shape (energy,)
        Common grid [eV].
    calibrated : Dataset
        From `ssbchar.xas.calibration.calibrate_energy`: I0 and foil of each scan.
    good : array of int, shape (spectrum,)
        The scans that `mu` holds.
    mu : array, shape (spectrum, energy)
    options : Normalisation
        Limits of glitches.

    Returns
    -------
    Unglitched
    """
    masked = np.zeros(energy.size, np.int8)
    if options.glitch <= 0:
        return Unglitched(mu=mu, masked=masked, remarks=[])
    edge_at = float(find_inflection(energy, mu.mean(axis=0, keepdims=True))[0][0])
    free = (energy < edge_at - BELOW_EDGE) | (energy > edge_at + ABOVE_EDGE)
    rise = float(np.median(np.ptp(mu, axis=1)))
    size = _measure_in_sigmas(energy, mu, free, options.min_glitch * rise)
    size_elsewhere = _measure_in_counters(energy, calibrated, good, free)
    # Noise of mu alone makes jumps; a crystal glitch shows in every counter.
    seen_twice = (size > options.glitch) & (size_elsewhere > options.glitch)
    bad = (seen_twice | (size > 3 * options.glitch)) & free

    out = mu.copy()
    remarks = []
    for row, scan in enumerate(good):
        points = np.flatnonzero(_find_peaks(bad[row], size[row]))
        if points.size == 0:
            continue
        kept = np.setdiff1d(np.arange(energy.size), points)
        out[row, points] = np.interp(energy[points], energy[kept], mu[row, kept])
        masked[points] = 1
        where = str(calibrated["source_file"].values[scan])
        places = ", ".join(f"{energy[point]:.1f}" for point in points)
        remarks.append(notes.make_remark(where, f"glitch masked at {places} eV"))
    return Unglitched(mu=out, masked=masked, remarks=remarks)


def _measure_in_counters(energy: Array, calibrated: xr.Dataset, good: Index, free: Bool) -> Array:
    """Return the jumps of I0 or the foil, whichever is larger, in units of their local sigma."""
    size = np.zeros((good.size, energy.size))
    axes = calibrated["energy"].values[good]
    for name in ("i0", "mu_foil"):
        readings = calibrated[name].values[good]
        if np.isfinite(readings).sum(axis=1).min() <= MIN_READINGS:
            continue
        values = np.empty(size.shape)
        for row, (axis, reading) in enumerate(zip(axes, readings, strict=True)):
            use = np.isfinite(reading)
            values[row] = np.interp(energy, axis[use], reading[use])
        size = np.maximum(size, _measure_in_sigmas(energy, values, free))
    return size


def _measure_in_sigmas(energy: Array, values: Array, free: Bool, floor: float = 0.0) -> Array:
    """Return jumps in units of the local sigma (robust, over 51 points); those below `floor` count
    as none."""
    from scipy.ndimage import median_filter

    jumps = np.where(free, np.nan_to_num(np.abs(measure_jumps(energy, values))), 0.0)
    # What the grid does not resolve bends the neighbours' curve itself: a feature, no glitch.
    structure = np.abs(measure_structure(energy, values))
    local = MAD_TO_SIGMA * median_filter(jumps, size=(1, LOCAL), mode="reflect")
    typical = MAD_TO_SIGMA * np.median(jumps[:, free], axis=1, keepdims=True)
    sigma = np.maximum(np.maximum(local, typical), 1e-12)
    counts = (jumps > floor) & (jumps > ABOVE_STRUCTURE * structure)
    return np.asarray(np.where(counts, jumps / sigma, 0.0))


def _find_peaks(bad: Bool, size: Array) -> Bool:
    """Return the bad points that jump most among their two neighbours on each side."""
    # A spike makes its neighbours' cubic miss them, too: they jump less than it does.
    padded = np.pad(np.where(bad, size, 0), 2)
    highest = np.max([padded[j : j + bad.size] for j in range(5)], axis=0)
    return np.asarray(bad & (size >= 0.75 * highest))


def find_consistent_repeats(norm: Array, limit: float) -> Bool:
    """Return which spectra lie as near to the median spectrum as the others do.

    Parameters
    ----------
    norm : array, shape (spectrum, energy)
        Normalised absorption; fewer than three spectra cannot tell and are all kept.
    limit : float
        Greatest distance (root mean square), in units of the median one; 0 keeps all.

    Returns
    -------
    array of bool, shape (spectrum,)
    """
    n = norm.shape[0]
    if n < 3 or limit <= 0:
        return np.ones(n, bool)
    distance = np.sqrt(np.mean((norm - np.median(norm, axis=0)) ** 2, axis=1))
    # The spectrum that is the median itself has distance 0 and says nothing of the scatter.
    typical = np.median(distance[distance > 0]) if (distance > 0).any() else 0.0
    return np.asarray(distance <= limit * max(typical, 1e-12))
