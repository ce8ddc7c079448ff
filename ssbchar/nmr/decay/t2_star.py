"""T2* of each region from a series of echoes, with gates that turn a bad fit into a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ssbchar.nmr.decay.common_causes import (
    NOTABLE,
    MetalDeviation,
    find_metal_deviation,
    find_t2_systematic,
)
from ssbchar.nmr.decay.decay_law import (
    DecayLaw,
    evaluate_decay,
    fit_decay_law,
    mean_time_from_t2,
)
from ssbchar.nmr.decay.gain_drift import UNKNOWN, GainDrift, find_gain_drift, weigh_gain_drift
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.decay.outlying_slices import SliceOutliers, find_outlying_slices
from ssbchar.nmr.decay.outputs import DECAY, PARAMETERS
from ssbchar.nmr.lineshape.line_status import AT_BOUND
from ssbchar.nmr.regions import METAL
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

NOT_KEPT = ("set_aside", "provenance")
"""Attributes that belong to the input's own file."""
FAR_FROM_PURE = 0.15
"""Relative difference of the metal's own T2* from pure Li's that no drift of gain or sample makes:
the sample's own is used [1]."""
OWN_METAL = "the sample's own"
"""Whose T2* the metal's is where it is not pure Li's, as its reason begins."""
DIFFERENT = 3.0
"""T2* of the sample and of pure Li that differ by more standard errors are noted."""


def fit_decay(
    series: xr.Dataset, options: DecayOptions, reference_decay: xr.Dataset | None = None
) -> xr.Dataset:
    """Fit the decay of each region.

    Parameters
    ----------
    series : Dataset
        ``region_area`` with covariance (`ssbchar.nmr.lineshape.fit_lines`), or ``window_area`` with
        standard error (`ssbchar.nmr.lineshape.integrate_windows`).
    options : DecayOptions
        Laws and gates.
    reference_decay : Dataset, optional
        The result of this step on pure Li, whose T2* the Li metal of the sample shares.

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.decay.outputs.DECAY`: per region ``t2_star`` [s],
        ``exponent``, ``amplitude`` with ``_stderr`` and ``covariance``, ``verdict`` and ``reason``;
        the areas fitted, ``decay_area`` (slice, region).
    """
    every_area, every_covariance = select_region_areas(series, free=True)
    every_time = series["decay_time"].values
    outliers = find_outlying_slices(every_time, every_area, every_covariance, options)
    used = np.flatnonzero(outliers.used)
    time, area = every_time[used], every_area[used]
    reference = _select_reference(reference_decay, options)
    covariance = _add_gain_scatter(every_covariance[used][:, :, used], area, reference)
    place = used / max(every_time.size - 1, 1)
    laws, shared, systematics = [], [], []
    deviation = None
    told = UNKNOWN
    for r, region in enumerate(series["region"].values):
        own_area, own_covariance = area[:, r], covariance[:, r, :, r]
        law = fit_decay_law(time, own_area, own_covariance, options)
        law, systematic = _doubt_by_bound_components(
            law, series.isel(slice=used, slice2=used, missing_dims="ignore"), str(region), options
        )
        systematic = float(np.hypot(systematic, law.model_systematic))
        shares = region == METAL and reference is not None and law.verdict != Verdict.NOT_DECAYING
        if shares and reference is not None:
            own = law
            law = _share_reference(time, own_area, own_covariance, reference)
            deviation = find_metal_deviation(time, own_area, own_covariance, law)
            told = find_gain_drift(own_area, law.evaluate(time, 1.0), own_covariance, place)
            if _is_far_from_pure(law, own):
                # A drift of gain or a sample that evolves looks the same.
                systematic = float(np.hypot(systematic, abs(own.t2 - law.t2)))
                pure = f"{OWN_METAL}; pure Li has {1e6 * law.t2:.0f} us"
                law = replace(own, reason="; ".join(filter(None, [pure, own.reason])))
                law = law.judge(Verdict.DOUBTFUL, law.reason)
                shares = False
            else:
                law, by_own = _compare_with_own(law, own, deviation)
                systematic = float(np.hypot(float(reference["t2_star_systematic"]), by_own))
        laws.append(law)
        shared.append(int(shares))
        systematics.append(systematic)
    for r, region in enumerate(series["region"].values):
        measured = (time, area[:, r], covariance[:, r, :, r])
        if region != METAL and deviation is not None and deviation.is_real:
            laws[r], more = _doubt_by_deviation(laws[r], measured, deviation, options)
        elif not shared[r]:
            laws[r], more = _doubt_by_gain(laws[r], measured, (place, told), options)
        else:
            more = 0.0
        systematics[r] = float(np.hypot(systematics[r], more))
    if series.attrs.get("clipped"):
        reason = "the receiver clipped the signal"
        laws = [
            law.judge(Verdict.DOUBTFUL, "; ".join(filter(None, [reason, law.reason])))
            if law.verdict == Verdict.OK
            else law
            for law in laws
        ]
    said = outliers.describe(series["slice"].values)
    laws = [replace(law, reason="; ".join(filter(None, [law.reason, said]))) for law in laws]
    fitted = _FittedRegions(laws=laws, shared=shared, systematics=systematics)
    return _build_dataset(series, every_area, every_covariance, fitted, outliers)


def select_region_areas(series: xr.Dataset, free: bool = False) -> tuple[Array, Array]:
    """Return the areas of the regions by either route, and their covariance.

    Parameters
    ----------
    series : Dataset
        ``region_area`` with covariance, or ``window_area`` with standard error.
    free : bool
        Take areas of lines without the bound at zero, which is unbiased where a signal has decayed
        into noise.

    Returns
    -------
    tuple of ndarray, shapes (slice, region) and (slice, region, slice, region)
        In the unit of the areas, and its square.
    """
    if "region_area" in series:
        name = "region_area_free" if free else "region_area"
        return series[name].values, series["region_covariance"].values
    area, stderr = series["window_area"].values, series["window_area_stderr"].values
    slices, regions = area.shape
    covariance = np.einsum("sr,st,rq->srtq", stderr**2, np.eye(slices), np.eye(regions))
    return area, covariance


def _select_reference(
    reference_decay: xr.Dataset | None, options: DecayOptions
) -> xr.Dataset | None:
    """Return the decay of pure Li's metal, None where it is not to be had or was not fitted."""
    if reference_decay is None or not options.share_metal:
        return None
    metal = reference_decay.sel(region=METAL)
    return metal if str(metal["verdict"].values) in (Verdict.OK, Verdict.DOUBTFUL) else None


def _add_gain_scatter(covariance: Array, area: Array, reference: xr.Dataset | None) -> Array:
    """Return the covariance with the scatter of the gain that the same instrument shows on pure Li.

    One factor a slice is common to all regions. Without it the law with more parameters follows the
    scatter of a sample whose noise is too small to hide it and too few slices to tell it.
    """
    scatter = 0.0 if reference is None else float(reference["scatter"])
    if not scatter > 0:
        return covariance
    signal = np.maximum(area, 0.0)
    return np.asarray(
        covariance + scatter**2 * np.einsum("sr,sq,st->srtq", signal, signal, np.eye(len(area)))
    )


def _share_reference(
    time: Array, area: Array, covariance: Array, reference: xr.Dataset
) -> DecayLaw:
    """Return the law with T2* and exponent from pure Li, its amplitude from the sample."""
    t2, exponent = float(reference["t2_star"]), float(reference["exponent"])
    slow_share, slow_t2 = float(reference["slow_share"]), float(reference["slow_t2"])
    shape = evaluate_decay(time, 1.0, t2, exponent, (slow_share, slow_t2))
    weight = np.linalg.pinv(covariance, hermitian=True)
    variance = 1 / float(shape @ weight @ shape)
    i0 = variance * float(shape @ weight @ area)
    residual = area - i0 * shape
    full = reference["covariance"].values.copy()
    # The amplitude of pure Li is not the sample's: its errors and links do not come along.
    full[0, :] = full[:, 0] = 0.0
    full[0, 0] = variance
    return DecayLaw(
        amplitude=i0,
        t2=t2,
        exponent=exponent,
        slow_share=slow_share,
        slow_t2=slow_t2,
        growth_systematic=float(reference["growth_systematic"]),
        covariance=full,
        chi2=float(residual @ weight @ residual),
        # What is doubtful of pure Li is doubtful of the sample.
        verdict=Verdict(str(reference["verdict"].values)),
        reason="; ".join(filter(None, ["T2* of pure Li", str(reference["reason"].values)])),
        points=time.size,
    )


def _doubt_by_bound_components(
    law: DecayLaw, series: xr.Dataset, region: str, options: DecayOptions
) -> tuple[DecayLaw, float]:
    """Return a region's law, doubtful where components that are no lines would move its T2*, and by
    how much [s]."""
    if law.verdict != Verdict.OK or "line_status" not in series:
        return law, 0.0
    in_region = series["region_of"].values.astype(str) == region
    status = series["line_status"].values.astype(str)
    at_bound = in_region & np.isin(status, [str(kind) for kind in AT_BOUND])
    if not at_bound.any():
        return law, 0.0
    r = series["region"].values.astype(str).tolist().index(region)
    area, covariance = select_region_areas(series, free=True)
    of_lines = area[:, r] - series["area"].values[:, at_bound].sum(axis=1)
    other = fit_decay_law(series["decay_time"].values, of_lines, covariance[:, r, :, r], options)
    if not np.isfinite(other.t2):
        reason = "without components at a bound of the fit nothing is left that decays"
        return law.judge(Verdict.DOUBTFUL, reason), 0.0
    systematic = abs(other.t2 - law.t2)
    reason = f"without components at a bound of the fit T2* would be {1e6 * systematic:.2g} us away"
    return _doubt_where_notable(replace(law, reason=reason), systematic)


def _is_far_from_pure(shared: DecayLaw, own: DecayLaw) -> bool:
    """Return whether the sample's metal has a T2* of its own, beyond errors and any drift."""
    if own.verdict != Verdict.OK or own.covariance is None or shared.covariance is None:
        return False
    apart = abs(own.t2 - shared.t2)
    error = float(np.sqrt(own.covariance[1, 1] + shared.covariance[1, 1]))
    return apart > max(FAR_FROM_PURE * shared.t2, DIFFERENT * error)


def _compare_with_own(
    shared: DecayLaw, own: DecayLaw, deviation: MetalDeviation
) -> tuple[DecayLaw, float]:
    """Return pure Li's law with the doubt that the sample's own metal casts on it, and the
    systematic error of its T2* [s]."""
    if own.verdict == Verdict.OK and own.covariance is not None and shared.covariance is not None:
        apart = abs(own.t2 - shared.t2)
        error = float(np.sqrt(own.covariance[1, 1] + shared.covariance[1, 1]))
        if apart <= DIFFERENT * error:
            return shared, 0.0
        own_t2 = f"{1e6 * own.t2:.0f} +- {1e6 * error:.0f} us"
        reason = f"{shared.reason}, though the sample's own is {own_t2}"
    elif deviation.is_real:
        off = deviation.ratio[np.isfinite(deviation.ratio)] - 1
        apart = shared.t2 * float(np.sqrt(np.mean(off**2)))
        reason = f"{shared.reason}, which the sample's own metal does not follow"
    else:
        return shared, 0.0
    return _doubt_where_notable(replace(shared, reason=reason), apart)


def _doubt_by_deviation(
    law: DecayLaw,
    measured: tuple[Array, Array, Array],
    deviation: MetalDeviation,
    options: DecayOptions,
) -> tuple[DecayLaw, float]:
    """Return a region's law, doubtful where a common cause would have moved its T2*, and by how
    much [s]; `measured` is its time, area and covariance."""
    time, area, covariance = measured
    systematic = find_t2_systematic(time, area, covariance, law, deviation, options)
    if systematic == 0:
        return law, 0.0
    reason = (
        "the metal of the same slices does not decay as pure Li: with its drift of gain or of the "
        f"sample taken out T2* would be {1e6 * systematic:.2g} us away"
    )
    return _doubt_where_notable(replace(law, reason=reason), systematic)


def _doubt_by_gain(
    law: DecayLaw,
    measured: tuple[Array, Array, Array],
    drift: tuple[Array, GainDrift],
    options: DecayOptions,
) -> tuple[DecayLaw, float]:
    """Return a region's law, doubtful where a drift of the gain that the data do not exclude would
    have moved its T2* by more than its error, and by how much more than other laws [s].

    `measured` is the region's time, area and covariance, `drift` the places of its slices in the
    series and what the metal tells of the gain.
    """
    place, told = drift
    weighed = weigh_gain_drift(measured, law, place, told, options)
    moved = weighed.model_systematic
    if weighed.covariance is None or moved <= law.model_systematic:
        return weighed, 0.0
    more = float(np.sqrt(moved**2 - law.model_systematic**2))
    if moved > max(NOTABLE * law.t2, float(np.sqrt(weighed.covariance[1, 1]))):
        reason = (
            "the areas do not exclude a drift of the gain, with which T2* would be "
            f"{1e6 * moved:.2g} us away"
        )
        weighed = replace(weighed, reason="; ".join(filter(None, [reason, weighed.reason])))
        weighed = weighed.judge(Verdict.DOUBTFUL, weighed.reason)
    return weighed, more


def _doubt_where_notable(law: DecayLaw, systematic: float) -> tuple[DecayLaw, float]:
    if systematic > NOTABLE * law.t2:
        law = law.judge(Verdict.DOUBTFUL, law.reason)
    return law, systematic


@dataclass(frozen=True, kw_only=True)
class _FittedRegions:
    """What was fitted, region by region."""

    laws: list[DecayLaw]
    shared: list[int]
    """1 where the law is that of pure Li."""
    systematics: list[float]
    """Of each T2* [s]."""


def _build_dataset(
    series: xr.Dataset,
    area: Array,
    covariance: Array,
    fitted: _FittedRegions,
    outliers: SliceOutliers,
) -> xr.Dataset:
    laws = fitted.laws
    of_laws = np.stack([_pad_covariance(law.covariance) for law in laws])
    stderr = np.sqrt(np.einsum("rii->ri", of_laws))
    return DECAY.dataset(
        {
            "region": series["region"].values,
            "slice": series["slice"].values,
            "par": list(PARAMETERS),
            "amplitude": np.array([law.amplitude for law in laws], float),
            "amplitude_stderr": stderr[:, 0],
            "t2_star": np.array([law.t2 for law in laws], float),
            "t2_star_stderr": stderr[:, 1],
            "t2_star_systematic": np.array(fitted.systematics, float),
            "growth_systematic": np.array([law.growth_systematic for law in laws], float),
            "exponent": np.array([law.exponent for law in laws], float),
            "exponent_stderr": stderr[:, 2],
            "slow_share": np.array([law.slow_share for law in laws], float),
            "slow_share_stderr": stderr[:, 3],
            "slow_t2": np.array([law.slow_t2 for law in laws], float),
            "slow_t2_stderr": stderr[:, 4],
            "covariance": of_laws,
            "mean_time": [_find_mean_time(law) for law in laws],
            "chi2": np.array([law.chi2 for law in laws], float),
            "scatter": np.array([law.scatter for law in laws], float),
            "verdict": np.array([str(law.verdict) for law in laws]),
            "reason": np.array([law.reason for law in laws]),
            "shared": np.array(fitted.shared),
            "decay_area": area,
            "decay_area_stderr": np.sqrt(np.einsum("srsr->sr", covariance)),
            "decay_area_covariance": np.einsum("srsq->srq", covariance),
            "decay_time": series["decay_time"].values,
            "slice_used": outliers.used.astype(int),
            "slice_factor": outliers.factor,
        },
        {name: value for name, value in series.attrs.items() if name not in NOT_KEPT},
    )


def _pad_covariance(covariance: Array | None) -> Array:
    """Return the covariance of all parameters, those that a law lacks without error."""
    size = len(PARAMETERS)
    if covariance is None:
        return np.full((size, size), np.nan)
    missing = size - len(covariance)
    return np.pad(covariance, (0, missing))


def _find_mean_time(law: DecayLaw) -> float:
    """Return the mean decay time of both parts [s]."""
    first = mean_time_from_t2(law.t2, law.exponent)
    slow = law.slow_share * law.slow_t2 if law.slow_share > 0 else 0.0
    return (1 - law.slow_share) * first + slow
