"""What the metal's decay tells about the whole series: a drift of the gain, or of the sample.

Pure Li's T2* says how the metal of the sample must decay. Where it decays otherwise, the gain
drifted, which moves every region by one factor, or metal turned into Li-Si between the slices, or
the metal of this sample has another T2*. The series alone does not tell which: what each would have
made of the other region's T2* is a systematic of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.decay.decay_law import DecayLaw, fit_decay_law
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.statistics import chi_square_from_probability
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

UNLIKELY = 1e-3
"""Probability of the metal's deviations from pure Li's law, below which they are real."""
NOTABLE = 0.01
"""Relative change of T2* by a common cause from which on a T2* is doubtful [1]."""
LEAST_SIGNAL = 5.0
"""Standard errors of a slice's metal area that can tell a gain."""


@dataclass(frozen=True, kw_only=True)
class MetalDeviation:
    """How the metal's areas deviate from the law of pure Li."""

    ratio: Array
    """(slice,) area over the law, 1 where it follows; NaN where the metal is too weak to tell."""
    excess: Array
    """(slice,) area less the law, brought back to zero delay, in the unit of the areas."""
    is_real: bool
    """Whether noise does not explain it."""


def find_metal_deviation(
    time: Array, area: Array, covariance: Array, shared: DecayLaw
) -> MetalDeviation:
    """Return how the metal's areas deviate from pure Li's law with the sample's amplitude.

    Parameters
    ----------
    time, area : ndarray, shape (slice,)
        Decay times [s] and areas.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    shared : DecayLaw
        Law of pure Li.
    """
    law = shared.evaluate(time, 1.0)
    model = shared.amplitude * law
    stderr = np.sqrt(np.diag(covariance))
    can_tell = np.isfinite(area) & (model > LEAST_SIGNAL * stderr)
    ratio = np.where(can_tell, area / model, np.nan)
    excess = np.where(can_tell, (area - model) / law, np.nan)
    known = np.flatnonzero(can_tell)
    is_real = False
    if known.size > 2:
        residual = (area - model)[known]
        of_known = covariance[np.ix_(known, known)]
        chi2 = float(residual @ np.linalg.pinv(of_known, hermitian=True) @ residual)
        is_real = chi2 > chi_square_from_probability(1 - UNLIKELY, known.size - 1)
    return MetalDeviation(ratio=ratio, excess=excess, is_real=is_real)


def find_t2_systematic(
    time: Array,
    area: Array,
    covariance: Array,
    law: DecayLaw,
    deviation: MetalDeviation,
    options: DecayOptions,
) -> float:
    """Return by how much a common cause would have moved a region's T2* [s].

    The larger of two: the gain followed the metal, so that the areas are divided by its ratio; or
    what the metal lost this region gained, so that it is taken off, decayed by the region's law.

    Parameters
    ----------
    time, area : ndarray, shape (slice,)
        Decay times [s] and areas of the region.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    law : DecayLaw
        The region's law.
    deviation : MetalDeviation
        In the unit of the areas.
    options : DecayOptions

    Returns
    -------
    float
        Zero where the metal follows pure Li's law, or the region has no law [s].
    """
    known = np.isfinite(deviation.ratio) & np.isfinite(area) & (deviation.ratio > 0)
    if not deviation.is_real or law.verdict != Verdict.OK or known.sum() < 3:
        return 0.0
    place = np.flatnonzero(known)
    own_law = law.evaluate(time, 1.0)
    by_gain = area / deviation.ratio
    by_conversion = area + deviation.excess * own_law
    of_known = covariance[np.ix_(place, place)]
    # The slices that cannot tell a gain are left out of both fits that are compared.
    same_slices = fit_decay_law(time[place], area[place], of_known, options)
    moved = []
    for changed in (by_gain[place], by_conversion[place]):
        other = fit_decay_law(time[place], changed, of_known, options)
        if np.isfinite(other.t2) and np.isfinite(same_slices.t2):
            moved.append(abs(other.t2 - same_slices.t2))
    return max(moved, default=0.0)
