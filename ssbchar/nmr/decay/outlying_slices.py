"""Slices of a decay series that a pulse or the gain spoiled: every region is off its law by one
factor.

A decay moves each region by a factor of its own. Where all that can tell are off by the same
factor, and the slices around are not, the slice was measured otherwise: it is set aside, and the
rest is fitted. A region that alone leaves its law tells of the law, not of the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.decay.decay_law import DecayLaw, evaluate_decay, fit_decay_law
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Bool

LEAST_SIGNAL = 5.0
"""Standard errors that a region's law must exceed to tell a factor."""
LEAST_FACTOR = 0.05
"""Smaller deviations from one are scatter, which the fit of the law takes up [1]."""
FAR = 6.0
"""Standard deviations of the other slices' factors beyond which a slice is an outlier."""
ALIKE = 4.0
"""Standard errors within which two regions have one factor."""
ALIKE_SHARE = 0.25
"""Share of a deviation within which two regions have one factor, whatever their errors [1]."""
ROBUST_SCATTER = 0.02
"""Relative scatter within which the robust fit takes areas as following the law [1]."""
LEAST_SLICES = 5
"""Slices of a series, and different times that must be left, for one to be set aside."""
MOST_SHARE = 5
"""At most one slice in so many is set aside, but one in any series."""
ENDS = 2
"""Slices at each end of a series that one region alone does not set aside."""
CLEANER = 3.0
"""How many times smaller than the deviation the scatter of the others must be."""


@dataclass(frozen=True, kw_only=True)
class SliceOutliers:
    """Which slices follow the decay."""

    used: Bool
    """(slice,)."""
    factor: Array
    """(slice,) areas over their laws of slices that are set aside; 1 for all others."""

    def describe(self, numbers: Array) -> str:
        """Return the slices that are set aside in words, empty where there are none."""
        said = [
            f"slice {number} set aside: all regions are at {factor:.2f} of their decay there, a "
            "pulse or the gain"
            for number, factor, used in zip(numbers, self.factor, self.used, strict=True)
            if not used
        ]
        return "; ".join(said)


def find_outlying_slices(
    time: Array, area: Array, covariance: Array, options: DecayOptions
) -> SliceOutliers:
    """Return which slices all regions leave by one factor.

    A law that outliers hardly move is fitted to each region first; what is far from it by one
    factor in all regions that can tell is then held against the laws of the other slices.

    Parameters
    ----------
    time : ndarray, shape (slice,)
        Decay times [s].
    area : ndarray, shape (slice, region)
        Areas.
    covariance : ndarray, shape (slice, region, slice, region)
        Of the areas.
    options : DecayOptions
        Laws.
    """
    nothing = SliceOutliers(used=np.ones(time.size, bool), factor=np.ones(time.size))
    finite = np.isfinite(time) & np.isfinite(area).all(axis=1)
    if finite.sum() < LEAST_SLICES:
        return nothing
    variance = np.einsum("srsr->sr", covariance)
    models = [
        _evaluate_robustly(time, area[:, r], variance[:, r], finite) for r in range(area.shape[1])
    ]
    far = _find_far(time, area, variance, np.stack(models, 1), finite)
    if not far.any() or far.sum() > max(1, finite.sum() // MOST_SHARE):
        return nothing
    used = finite & ~far
    if np.unique(time[used]).size < LEAST_SLICES - 1:
        return nothing
    laws = [
        fit_decay_law(time[used], area[used, r], covariance[used, r][:, used, r], options)
        for r in range(area.shape[1])
    ]
    return _confirm(time, area, variance, laws, far) or nothing


def _evaluate_robustly(time: Array, area: Array, variance: Array, finite: Bool) -> Array:
    """Return the areas of a law that outliers hardly move; zero where a region has none."""
    from scipy.optimize import least_squares

    seen = finite & (area > LEAST_SIGNAL * np.sqrt(variance))
    if np.unique(time[seen]).size < LEAST_SLICES - 2:
        return np.zeros_like(area)
    at, logs = time[seen], np.log(area[seen])
    # The median of all slopes between two slices (Theil and Sen) is where to begin.
    apart = at[None, :] - at[:, None]
    rise = logs[None, :] - logs[:, None]
    slope = float(np.median(rise[apart > 0] / apart[apart > 0]))
    if slope >= 0:
        return np.zeros_like(area)
    amplitude = float(np.median(logs - slope * at))
    has_exponent = at.size > LEAST_SLICES

    def evaluate(parameters: Array) -> Array:
        i0, t2, exponent = np.exp(np.append(parameters, [0.0] * (3 - parameters.size)))
        return evaluate_decay(time, i0, t2, exponent)

    def compute_residual(parameters: Array) -> Array:
        model = evaluate(parameters)
        sigma = np.sqrt(variance + (ROBUST_SCATTER * model) ** 2)
        return np.asarray(((area - model) / sigma)[finite])

    start = np.array([amplitude, np.log(-1 / slope), 0.0])[: 2 + has_exponent]
    found = least_squares(compute_residual, start, loss="cauchy", x_scale=0.1)
    return evaluate(found.x)


@dataclass(frozen=True, kw_only=True)
class _Factors:
    """Areas of each slice over the laws."""

    common: Array
    """(slice,) weighted mean over the regions that can tell; NaN where none can."""
    stderr: Array
    of_region: Array
    """(slice, region); NaN where a region cannot tell."""
    region_stderr: Array


def _compute_factors(area: Array, variance: Array, model: Array, usable: Bool) -> _Factors:
    stderr = np.sqrt(variance)
    tells = usable[:, None] & (model > LEAST_SIGNAL * stderr)
    safe = np.where(tells, model, 1.0)
    ratio, error = np.where(tells, area / safe, np.nan), np.where(tells, stderr / safe, np.inf)
    weight = 1 / error**2
    total = weight.sum(axis=1)
    any_tells = total > 0
    total = np.where(any_tells, total, 1.0)
    common = np.where(any_tells, np.nansum(weight * np.nan_to_num(ratio), axis=1) / total, np.nan)
    return _Factors(
        common=common,
        stderr=np.where(any_tells, 1 / np.sqrt(total), np.inf),
        of_region=ratio,
        region_stderr=error,
    )


def _find_far(time: Array, area: Array, variance: Array, model: Array, finite: Bool) -> Bool:
    """Return the slices that all regions leave by one factor, shape (slice,)."""
    factors = _compute_factors(area, variance, model, finite)
    known = np.isfinite(factors.common)
    if known.sum() < LEAST_SLICES:
        return np.zeros(time.size, bool)
    off = np.abs(factors.common - 1)
    scatter = MAD_TO_SIGMA * float(np.median(off[known]))
    limit = np.maximum(LEAST_FACTOR, FAR * np.hypot(scatter, factors.stderr))
    far = known & (off > limit)
    return np.array([bool(far[s]) and _is_common(factors, s, time) for s in range(time.size)])


def _is_common(factors: _Factors, place: int, time: Array) -> bool:
    """Return whether every region that can tell has a slice's factor.

    Where one region alone tells, the slice must also lie away from the ends, where a law itself may
    bend, and away from what its neighbours on both sides have between them.
    """
    ratio, error = factors.of_region[place], factors.region_stderr[place]
    tells = np.isfinite(ratio)
    common = factors.common[place]
    slack = np.maximum(ALIKE * error, ALIKE_SHARE * abs(common - 1))
    if (np.abs(ratio - common) > slack)[tells].any():
        return False
    # A region whose error is as large as the deviation says nothing for it, nor against it.
    sure = tells & (error < abs(common - 1) / ALIKE)
    if int(sure.sum()) != 1:
        return bool(sure.any())
    (region,) = np.flatnonzero(sure)
    told = np.flatnonzero(np.isfinite(factors.of_region[:, region]))
    order = told[np.argsort(time[told], kind="stable")]
    at = int(np.flatnonzero(order == place)[0])
    if not ENDS <= at < order.size - ENDS:
        return False
    before, after = (factors.of_region[order[at + step], region] for step in (-1, 1))
    between = 0.5 * (before + after) - 1
    return bool(abs(between) < ALIKE_SHARE * abs(common - 1))


def _confirm(
    time: Array, area: Array, variance: Array, laws: Sequence[DecayLaw], far: Bool
) -> SliceOutliers | None:
    """Return the outliers as the laws of the other slices have them, None where these are no laws
    or do not leave the outliers out."""
    fitted = [law.covariance is not None and np.isfinite(law.t2) for law in laws]
    if not any(fitted):
        return None
    evaluated = [
        law.evaluate(time) if ok else np.zeros_like(time)
        for law, ok in zip(laws, fitted, strict=True)
    ]
    model = np.stack(evaluated, axis=1)
    finite: Bool = np.asarray(np.isfinite(area).all(axis=1))
    factors = _compute_factors(area, variance, model, finite)
    off = np.abs(factors.common - 1)[far]
    scatter = max(law.scatter for law, ok in zip(laws, fitted, strict=True) if ok)
    told = np.isfinite(off)
    least = np.maximum(max(LEAST_FACTOR, CLEANER * scatter), ALIKE * factors.stderr[far])
    if not told.all() or (off < least).any():
        return None
    if not all(_is_common(factors, int(place), time) for place in np.flatnonzero(far)):
        return None
    return SliceOutliers(used=~far, factor=np.where(far, factors.common, 1.0))
