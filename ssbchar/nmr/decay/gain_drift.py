"""A gain that drifts during a series: what it would make of a decay law.

A drift bends a decay as a stretching exponent does. Where the metal of the same slices follows pure
Li's law within small errors it tells the gain; where the metal is too weak for that, the region's
own areas must tell a drift from a bend, or the drift is a law that the areas admit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.nmr.decay.decay_law import NOTICEABLE, DecayLaw, fit_model
from ssbchar.nmr.decay.options import DecayModel, DecayOptions
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

USUAL_DRIFT = 0.1
"""Standard deviation of the gain's relative change over a series before any data [1]."""
LARGEST_DRIFT = 0.3
"""Larger relative changes over a series are not tried [1]."""
RESOLUTION = 1e-3
"""To which the change over a series is found [1]."""
LEAST_SLICES = 4
"""A law of two parameters and a drift, and one slice more."""


@dataclass(frozen=True, kw_only=True)
class GainDrift:
    """The relative change of the gain from the first to the last slice of a series."""

    change: float = 0.0
    stderr: float = np.inf
    """Infinite where nothing was measured."""

    def measure_misfit(self, change: float) -> float:
        """Return the chi-square of another change."""
        return ((change - self.change) / self.stderr) ** 2


UNKNOWN = GainDrift()


def find_gain_drift(area: Array, law: Array, covariance: Array, place: Array) -> GainDrift:
    """Return the drift that the areas of a region of known law tell.

    Parameters
    ----------
    area, law : ndarray, shape (slice,)
        Areas, and their law with any amplitude.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    place : ndarray, shape (slice,)
        Of each slice in the series, 0 for the first and 1 for the last.
    """
    known = np.flatnonzero(np.isfinite(area))
    if known.size < 3:
        return UNKNOWN
    design = law[known, None] * np.stack([np.ones(known.size), place[known]], axis=1)
    weight = np.linalg.pinv(covariance[np.ix_(known, known)], hermitian=True)
    of_both = np.linalg.pinv(design.T @ weight @ design, hermitian=True)
    amplitude, slope = of_both @ design.T @ weight @ area[known]
    # Where the amplitude itself is not known, its ratio to the slope says nothing.
    if not amplitude > 3 * np.sqrt(of_both[0, 0]):
        return UNKNOWN
    change = float(slope / amplitude)
    gradient = np.array([-change, 1.0]) / amplitude
    return GainDrift(change=change, stderr=float(np.sqrt(gradient @ of_both @ gradient)))


def weigh_gain_drift(
    measured: tuple[Array, Array, Array],
    law: DecayLaw,
    place: Array,
    told: GainDrift,
    options: DecayOptions,
) -> DecayLaw:
    """Return a law with what laws with a drifting gain, which the areas admit, make of it.

    Parameters
    ----------
    measured : tuple of ndarray
        Time [s], area and covariance of the region's slices.
    law : DecayLaw
        The region's law without a drift.
    place : ndarray, shape (slice,)
        Of each slice in the series, 0 for the first and 1 for the last.
    told : GainDrift
        What the metal of the same slices says.
    options : DecayOptions
        Laws.
    """
    time, area, covariance = measured
    good = np.flatnonzero(np.isfinite(time) & np.isfinite(area))
    if law.verdict != Verdict.OK or law.covariance is None or law.slow_share > 0:
        return law
    if good.size < LEAST_SLICES:
        return law
    good = good[np.argsort(time[good], kind="stable")]
    series = _Series(
        time=time[good],
        area=area[good],
        covariance=covariance[np.ix_(good, good)],
        place=place[good],
    )
    of_law: DecayModel = "exponential" if law.exponent == 1 else "stretched"
    of_t2, of_growth = law.model_systematic, law.growth_systematic
    without = law.bic + told.measure_misfit(0.0)
    for model in dict.fromkeys(("exponential", of_law)):
        if model not in options.models:
            continue
        drifting = _fit_with_drift(series, model, told)
        if drifting is None:
            continue
        odds = 1 / (1 + np.exp(np.clip((drifting.bic - without) / 2, -500, 500)))
        moved = min(abs(drifting.t2 - law.t2), law.t2)
        grown = min(abs(float(np.log(drifting.amplitude / law.amplitude))), 1.0)
        of_t2 = max(of_t2, float(np.sqrt(odds)) * moved)
        of_growth = max(of_growth, float(np.sqrt(odds)) * grown)
    stderr = np.sqrt(np.diag(law.covariance))
    if of_t2 < NOTICEABLE * stderr[1]:
        of_t2 = law.model_systematic
    if of_growth * law.amplitude < NOTICEABLE * stderr[0]:
        of_growth = law.growth_systematic
    return replace(law, model_systematic=of_t2, growth_systematic=of_growth)


@dataclass(frozen=True, kw_only=True)
class _Series:
    """Slices in the order of their times."""

    time: Array
    area: Array
    covariance: Array
    place: Array


def _fit_with_drift(series: _Series, model: DecayModel, told: GainDrift) -> DecayLaw | None:
    """Return the law with the likeliest drift, its criterion with the drift's parameter; None where
    it has none."""
    from scipy.optimize import minimize_scalar

    fits: dict[float, DecayLaw] = {}

    def measure(change: float) -> float:
        gain = 1 + change * series.place
        of_gain = np.outer(gain, gain)
        found = fit_model(series.time, series.area / gain, series.covariance / of_gain, model)
        if found is None or found.covariance is None:
            return np.inf
        # The likelihood of the areas, not of the areas over the gain.
        scale = 2 * float(np.log(gain).sum())
        prior = (change / USUAL_DRIFT) ** 2 + told.measure_misfit(change)
        criterion = found.bic + scale + prior + float(np.log(series.time.size))
        fits[change] = replace(found, bic=criterion)
        return criterion

    minimize_scalar(
        measure,
        bounds=(-LARGEST_DRIFT, LARGEST_DRIFT),
        method="bounded",
        options={"xatol": RESOLUTION},
    )
    return min(fits.values(), key=lambda law: law.bic, default=None)
