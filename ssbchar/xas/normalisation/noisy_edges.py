"""Errors of edges in noise so strong that they do not follow from slopes: noisy copies of a
spectrum show where else its edge may lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.edge_features import (
    find_half_step,
    find_inflection,
    measure_white_line,
    smooth_spectra,
)
from ssbchar.xas.slopes import SPACING, measure_slopes

if TYPE_CHECKING:
    import xarray as xr

LINEAR_UP_TO = 0.05
"""Noise of single points on the edge, in edge steps, up to which errors follow from slopes [1]."""
ON_EDGE = 20.0
"""Points within this of E0 lie on the edge [eV]."""
COPIES = 64
"""Noisy copies of a spectrum whose errors do not follow from slopes."""
MOST_COPIES = 0.9
"""Share of the copies that must have a half step [1]."""
MOST_LINEAR = 0.1
"""A half step whose error is larger may lie on a shoulder or cross again [eV]."""
MOST_SPECTRA = 8
"""Of more repeats the mean alone is copied: it is what rows state."""
WIDTH, PEAK = 1.0, 2.0
"""Of the derivative, and the half width of its maximum [eV]."""
SMOOTHED = 4.0
"""Over which the half step is sought once more [eV]."""
STANDS_OUT = 5.0
"""Standard errors by which the highest slope stands above every other, twice as many above none
[1]."""


def widen_by_copies(normalised: xr.Dataset) -> None:
    """Raise the errors of half step, inflection and white line to what noisy copies show, of the
    spectra whose noise asks for it; others stay as they are.

    A place that noise has moved from one maximum of the derivative to another is off by more than
    any slope tells: copies with as much noise again fall on both.

    Parameters
    ----------
    normalised : Dataset
        `ssbchar.xas.normalisation.outputs.NORMALISED`, energies in eV.
    """
    energy, e0 = normalised["energy"].values, float(normalised["e0"])
    count = normalised.sizes["spectrum"]
    rows = range(count) if count <= MOST_SPECTRA + 1 else [count - 1]
    on_edge = np.abs(energy - e0) < ON_EDGE
    values = {
        name: (normalised[name].values, normalised[f"{name}_stderr"].values)
        for name in ("e0_half", "e0_derivative", "white_line")
    }
    for row in rows:
        step = float(normalised["edge_step"].values[row])
        norm, flat = (normalised[name].values[row] for name in ("norm", "flat"))
        noise = normalised["mu_stderr"].values[row] / abs(step)
        if not np.isfinite(noise).all() or not on_edge.any():
            continue
        is_noisy = bool(np.median(noise[on_edge]) > LINEAR_UP_TO)
        of_half = is_noisy or values["e0_half"][1][row] > MOST_LINEAR
        of_steepest = is_noisy or not stands_out(
            energy, norm, noise, float(values["e0_derivative"][0][row])
        )
        if not (of_half or of_steepest):
            continue
        made = draw_copies(noise)
        found = {}
        if of_half:
            found["e0_half"] = find_half_step(energy, norm + made).energy
        if of_steepest:
            found["e0_derivative"] = find_inflection(energy, norm + made)[0]
        if is_noisy:
            found["white_line"] = measure_white_line(energy, flat + made, e0).height
        for name, copies in found.items():
            value, stderr = values[name]
            # np.maximum keeps a NaN, which says that there is no error to be had.
            spread = find_spread(copies, float(value[row]))
            if name == "e0_half":
                # Single points of noise end the search for it early, in copies as well.
                smooth = find_half_step(energy, smooth_spectra(energy, norm[None], SMOOTHED)).energy
                spread = float(np.hypot(spread, np.nan_to_num(smooth[0] - value[row])))
            stderr[row] = np.maximum(stderr[row], spread)


def draw_copies(noise: Array) -> Array:
    """Return noise to be added to a spectrum, the same at each call, shape (copy, energy).

    Parameters
    ----------
    noise : array, shape (energy,)
        Its standard deviation, in the unit of the spectrum.
    """
    return noise * np.random.default_rng(0).standard_normal((COPIES, noise.size))


def stands_out(energy: Array, mu: Array, stderr: Array, at: float) -> bool:
    """Return whether the derivative's maximum at an energy [eV] stands out of its noise and above
    every other by more than that.

    Parameters
    ----------
    energy, mu, stderr : array, shape (energy,)
        Energies [eV], absorption and its noise.
    at : float
        The inflection [eV].
    """
    slopes = measure_slopes(energy, mu, WIDTH)
    here = np.abs(slopes.energy - at) <= PEAK
    if not (here & slopes.inside).any():
        return False
    highest = float(slopes.slope[here & slopes.inside].max())
    x = energy - at
    weight = np.exp(-0.5 * (x / WIDTH) ** 2)
    x = x - float(weight @ x / weight.sum())
    spread = float(weight @ x**2)
    if spread <= SPACING**2:
        return True
    noise = STANDS_OUT * float(np.linalg.norm(weight * x * stderr)) / spread
    others = slopes.slope[slopes.inside & ~here]
    rival = float(others.max()) if others.size else -np.inf
    return highest > 2 * noise and rival < highest - np.sqrt(2) * noise


def find_spread(copies: Array, value: float) -> float:
    """Return the root mean square distance of noisy copies from a value; NaN where a tenth of them
    gives none.

    Parameters
    ----------
    copies : array, shape (copy,)
        The quantity in each copy, in any unit.
    value : float
        In the spectrum itself.
    """
    found = copies[np.isfinite(copies)]
    if found.size < MOST_COPIES * copies.size or not np.isfinite(value):
        return float("nan")
    return float(np.sqrt(np.mean((found - value) ** 2)))
