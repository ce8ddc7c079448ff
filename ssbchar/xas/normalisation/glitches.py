"""What spoils a scan: glitches, outlying repeats, thickness; each finding is listed with its
place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.edge_features import find_inflection
from ssbchar.xas.normalisation.noise import measure_jumps
from ssbchar.xas.normalisation.options import Normalisation

if TYPE_CHECKING:
    import xarray as xr


def mask_glitches(
    energy: Array,
    calibrated: xr.Dataset,
    good: NDArray[np.int_],
    mu: Array,
    options: Normalisation,
    found: list[notes.Note],
) -> tuple[Array, NDArray[np.int8]]:
    """Return mu with glitches replaced, and which points were; every one is noted.

    A glitch jumps off its neighbours' cubic by more than `glitch` robust sigmas in mu, and I0 or
    the foil jumps there too (or mu does by three times as much); the edge itself (-15 to +25 eV) is
    left alone.
    """
    masked = np.zeros(energy.size, np.int8)
    if options.glitch <= 0:
        return mu, masked
    at = float(find_inflection(energy, mu.mean(axis=0, keepdims=True))[0][0])
    free = (energy < at - 15) | (energy > at + 25)
    rise = float(np.median(np.ptp(mu, axis=1)))
    off = _sigmas(energy, mu, free, options.min_glitch * rise)
    also = np.zeros_like(off)
    for name in ("i0", "mu_foil"):
        rows = calibrated[name].values[good]
        axes = calibrated["energy"].values[good]
        if np.isfinite(rows).sum(axis=1).min() > 20:
            values = np.array(
                [
                    np.interp(energy, x[np.isfinite(r)], r[np.isfinite(r)])
                    for x, r in zip(axes, rows, strict=True)
                ]
            )
            also = np.maximum(also, _sigmas(energy, values, free))
    bad = ((off > options.glitch) & (also > options.glitch)) | (off > 3 * options.glitch)
    bad &= free
    out = mu.copy()
    for i in range(mu.shape[0]):
        points = np.flatnonzero(_peaks(bad[i], off[i]))
        if points.size == 0:
            continue
        stay = np.setdiff1d(np.arange(energy.size), points)
        out[i, points] = np.interp(energy[points], energy[stay], mu[i, stay])
        masked[points] = 1
        where = str(calibrated["source_file"].values[good[i]])
        listed = ", ".join(f"{energy[p]:.1f}" for p in points)
        found.append(notes.make_remark(where, f"glitch masked at {listed} eV"))
    return out, masked


def _sigmas(energy: Array, values: Array, free: NDArray[np.bool_], floor: float = 0.0) -> Array:
    """Return jumps in units of the local sigma (robust, over 51 points); those below `floor` count
    as none."""
    from scipy.ndimage import median_filter

    off = np.where(free, np.nan_to_num(np.abs(measure_jumps(energy, values))), 0.0)
    sigma = MAD_TO_SIGMA * median_filter(off, size=(1, 51), mode="reflect")
    typical = MAD_TO_SIGMA * np.median(off[:, free], axis=1, keepdims=True)
    return np.asarray(
        np.where(off > floor, off / np.maximum(np.maximum(sigma, typical), 1e-12), 0.0)
    )


def _peaks(bad: NDArray[np.bool_], size: Array) -> NDArray[np.bool_]:
    """Return the bad points that jump most among their two neighbours on each side (a spike makes
    those jump too)."""
    padded = np.pad(np.where(bad, size, 0), 2)
    highest = np.max([padded[j : j + bad.size] for j in range(5)], axis=0)
    return np.asarray(bad & (size >= 0.75 * highest))


def find_consistent_repeats(norm: Array, limit: float) -> NDArray[np.bool_]:
    """Return which spectra lie as near to the median spectrum as the others do (at least three are
    needed to tell)."""
    n = norm.shape[0]
    if n < 3 or limit <= 0:
        return np.ones(n, bool)
    off = np.sqrt(np.mean((norm - np.median(norm, axis=0)) ** 2, axis=1))
    typical = np.median(off[off > 0]) if (off > 0).any() else 0.0
    return np.asarray(off <= limit * max(typical, 1e-12))


def estimate_thickness_loss(total: float, step: float, top: float, leakage: float) -> float:
    """Return the share of the white line (top - 1, in edge steps) that a leaking beam takes.

    Harmonics, pinholes and leakage, a share h of the beam that is not absorbed, turn mu into
    m = -ln((exp(-mu) + h) / (1 + h)); the edge keeps its place, what stands on it shrinks
    (E. A. Stern & K. Kim, Phys. Rev. B 23 (1981) 3781).

    Parameters
    ----------
    total : float
        Absorption at the white line.
    step : float
        Edge step.
    top : float
        White line in edge steps, above 1.
    leakage : float
        h.
    """
    mu = total + step * np.array([0.0, 1.0 - top, -top])
    high, above, below = -np.log((np.exp(-mu) + leakage) / (1 + leakage))
    return float(1 - (high - above) / (above - below) / (top - 1))


def check_heights(
    calibrated: xr.Dataset,
    good: NDArray[np.int_],
    scans: edge.NormalisedSpectra,
    options: Normalisation,
    names: list[str],
    found: list[notes.Note],
) -> None:
    """Note spectra whose heights may be wrong: thick or faint in transmission, self-absorbed in
    fluorescence.

    What is said of a thick sample is what `thickness_loss` gives for a stated leakage.
    """
    mode = calibrated.attrs.get("mode")
    if mode == "fluorescence":
        said = "fluorescence, not corrected for self-absorption: white line and EXAFS of a concentrated sample are damped"
        found.append(notes.make_doubt(str(calibrated.attrs.get("measurement", "")), said))
    if mode != "transmission":
        return
    total_of = calibrated["total"].values[good]
    thickest = np.max(np.where(np.isfinite(total_of), total_of, -np.inf), axis=1)
    tops = scans.norm.max(axis=1)
    for i, total, height, top in zip(good, thickest, scans.edge_step, tops, strict=True):
        if total > options.max_thickness:
            loss = 100 * estimate_thickness_loss(
                min(float(total), 20.0), float(height), max(float(top), 1.05), options.leakage
            )
            said = f"total absorption {total:.1f} above {options.max_thickness:g}: harmonics or leakage"
            found.append(
                notes.make_doubt(
                    names[i],
                    f"{said} of {options.leakage:g} would take {loss:.1f} % of its white line",
                )
            )
        elif height > options.max_step:
            said = f"edge step {height:.2f} above {options.max_step:g}: thickness flattens its features, harmonics more"
            found.append(notes.make_doubt(names[i], said))
        if height < options.min_step:
            said = f"edge step {height:.3f} below {options.min_step:g}: a thicker sample or fluorescence would tell more"
            found.append(notes.make_doubt(names[i], said))
