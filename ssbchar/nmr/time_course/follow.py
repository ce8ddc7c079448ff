"""The share of Li-Si in each spectrum of a series in time, and the law of its drift."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.describe import LEAST_SPECTRA
from ssbchar.nmr.decay.t2_star import select_region_areas
from ssbchar.nmr.lineshape.outputs import keep_attributes
from ssbchar.nmr.quantification.fit_doubts import (
    CLIPPED,
    find_fit_doubts,
    is_relevant,
    systematic_from_doubts,
)
from ssbchar.nmr.quantification.region_areas import select_first_slice
from ssbchar.nmr.time_course.drift_law import DriftLaw, fit_drift_law
from ssbchar.nmr.time_course.options import DriftModel, TimeCourseOptions
from ssbchar.nmr.time_course.outputs import TIME_COURSE
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool
from ssbchar.verdict import Verdict

MOST_OFF = 0.2
"""Share of the spectra that may lie off the law of all others [1]."""
OFF = 6.0
"""Standard deviations by which a spectrum lies off [1]."""


def follow_shares(
    fid: xr.Dataset, lines: xr.Dataset, spectrum: xr.Dataset, options: TimeCourseOptions
) -> xr.Dataset:
    """Return the share of Li-Si against time, with its law.

    Spectra whose lines miss the decay, and at most one of five that lie off the law of the others
    (another sample, a lost signal), are left out and named. The same law by window integrals, and
    other models of the lines, give systematics.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_time_series`, for the times [s].
    lines, spectrum : Dataset
        Both routes of the same slices.
    options : TimeCourseOptions
        Laws.

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.time_course.outputs.TIME_COURSE`; shares [1], times [h].

    Raises
    ------
    BadInput
        Fewer than three spectra are left, or a region lies outside the spectral width.
    """
    unmeasured = str(lines.attrs.get("unmeasured", ""))
    if unmeasured:
        where = lines.attrs.get("measurement", "series")
        raise BadInput(where, unmeasured, "no share of it can be followed; measure with a wider SW")
    hours = _find_hours(fid, lines)
    by_lines, covariance = propagate_shares(*select_region_areas(lines))
    by_windows, of_windows = propagate_shares(*select_region_areas(spectrum))
    fits = np.array([str(one) == Verdict.OK for one in lines["verdict"].values])
    usable = fits if fits.sum() >= LEAST_SPECTRA else np.ones_like(fits)
    if usable.sum() < LEAST_SPECTRA:
        problem = f"{int(usable.sum())} spectra can be used; a course in time needs three"
        raise BadInput(lines.attrs.get("measurement", "series"), problem, "measure more")

    used = _leave_out_outliers(hours, by_lines, covariance, usable, options)
    at = np.flatnonzero(used)

    def fit(share: Array, of_share: Array, *models: DriftModel) -> DriftLaw:
        return fit_drift_law(
            hours[at], share[at], of_share[np.ix_(at, at)], models, options.min_gain
        )

    law = fit(by_lines, covariance, *options.models)
    # Where no change is seen a line says which one would have been.
    trend = fit(by_lines, covariance, "linear") if law.model == "constant" else law
    doubts = find_fit_doubts(lines)
    signal = select_first_slice(lines)
    share, _ = signal.compute_shares()
    level = float(systematic_from_doubts(doubts, share)[1])
    reasons = [doubt.reason for doubt in doubts if doubt.decisive and is_relevant(doubt, signal)]
    if lines.attrs.get("clipped"):
        reasons.insert(0, CLIPPED)
    if usable is not fits:
        reasons.insert(0, "lines do not describe the decay")
    ends = np.array([0.0, float(hours.max())])
    change = _find_change(trend, ends)
    windows = fit(by_windows, of_windows, trend.model)
    by_route = abs(_find_change(windows, ends)[0] - change[0]) / 2
    by_level = _carry_level(trend.evaluate(ends), level)
    numbers = lines["slice"].values
    names = _name_experiments(fid, lines)
    area = select_region_areas(lines)[0].sum(axis=1)
    return TIME_COURSE.dataset(
        {
            "spectrum": numbers,
            "experiment": np.array(names),
            "hours": hours,
            "share": by_lines,
            "share_stderr": np.sqrt(np.diag(covariance)),
            "window_share": by_windows,
            "window_share_stderr": np.sqrt(np.diag(of_windows)),
            "used": used.astype(int),
            "law": law.evaluate(hours),
            "law_stderr": np.sqrt(np.maximum(np.diag(law.propagate(hours)), 0.0)),
            "signal": area / area[0] if area[0] else np.full(area.shape, np.nan),
            "level_systematic": level,
            "change": change[0],
            "change_stderr": change[1],
            "change_systematic": float(np.hypot(by_route, by_level)),
            "inflation": law.inflation,
            **_describe_trend(trend, ends),
        },
        keep_attributes(lines)
        | {
            "law": law.model,
            "doubt": "; ".join(reasons),
            "left_out": json.dumps(_tell_left_out(names, numbers, fits, usable, used)),
        },
    )


def propagate_shares(area: Array, covariance: Array) -> tuple[Array, Array]:
    """Return the share of the second region of each slice, and the covariance of all shares.

    Parameters
    ----------
    area : ndarray, shape (slice, region)
        Areas of two regions, in any unit.
    covariance : ndarray, shape (slice, region, slice, region)
        Of the areas.

    Returns
    -------
    tuple of ndarray, shapes (slice,) and (slice, slice)
        [dimensionless].
    """
    total = area.sum(axis=1)
    share = area[:, 1] / total
    slopes = np.stack([-share, 1 - share], axis=1) / total[:, None]
    return share, np.einsum("sr,srtq,tq->st", slopes, covariance, slopes)


def _find_hours(fid: xr.Dataset, lines: xr.Dataset) -> Array:
    """Return when the slices of the fit were measured, since the first of them [h]."""
    place = {int(number): i for i, number in enumerate(fid["slice"].values)}
    at = [place[int(number)] for number in lines["slice"].values]
    seconds = fid["acquired"].values[at]
    return np.asarray((seconds - seconds[0]) / 3600)


def _name_experiments(fid: xr.Dataset, lines: xr.Dataset) -> list[str]:
    names = json.loads(fid.attrs["experiments"])
    return [str(names[int(number) - 1]) for number in lines["slice"].values]


def _leave_out_outliers(
    hours: Array, share: Array, covariance: Array, usable: Bool, options: TimeCourseOptions
) -> Bool:
    """Return which spectra the law is of: those far off what all others say are left out."""
    used = usable.copy()
    most = int(MOST_OFF * usable.sum())
    for _ in range(most):
        at = np.flatnonzero(used)
        if at.size < LEAST_SPECTRA + 2:
            break
        off = np.zeros(at.size)
        for i, one in enumerate(at):
            rest = np.delete(at, i)
            law = fit_drift_law(
                hours[rest],
                share[rest],
                covariance[np.ix_(rest, rest)],
                options.models,
                options.min_gain,
            )
            here = hours[[one]]
            scatter = sigma_from_deviations(share[rest] - law.evaluate(hours[rest]))
            variance = covariance[one, one] + law.propagate(here)[0, 0] + scatter**2
            off[i] = abs(share[one] - law.evaluate(here)[0]) / np.sqrt(variance)
        worst = int(off.argmax())
        if off[worst] < OFF:
            break
        used[at[worst]] = False
    return used


def _find_change(law: DriftLaw, ends: Array) -> tuple[float, float]:
    """Return how much a law changes between two times [h], and its standard error."""
    start, end = law.evaluate(ends)
    of_ends = law.propagate(ends)
    variance = of_ends[0, 0] + of_ends[1, 1] - 2 * of_ends[0, 1]
    return float(end - start), float(np.sqrt(max(variance, 0.0)))


def _carry_level(shares: Array, level: float) -> float:
    """Return what a systematic of the first share makes of the change: another model weighs the
    regions by one factor in all spectra, which moves the logarithm of their ratio alike."""
    first, last = shares
    odds = first * (1 - first)
    if not 0 < first < 1 or level == 0:
        return 0.0
    return float(abs(level / odds * (last * (1 - last) - odds)))


def _describe_trend(law: DriftLaw, ends: Array) -> dict[str, Any]:
    change, error = _find_change(law, ends)
    stderr = np.sqrt(np.diag(law.covariance))
    has_end = law.model == "exponential"
    length = float(ends[1]) or np.nan
    return {
        "slope": change / length,
        "slope_stderr": error / length,
        "rate": float(law.parameters[2]) if has_end else np.nan,
        "rate_stderr": float(stderr[2]) if has_end else np.nan,
        "end": float(law.parameters[1]) if has_end else np.nan,
        "end_stderr": float(stderr[1]) if has_end else np.nan,
    }


def _tell_left_out(
    names: list[str], numbers: Array, fits: Bool, usable: Bool, used: Bool
) -> list[str]:
    """Return why spectra are not part of the law, one line each."""
    told = []
    for name, number, fit, may, is_used in zip(names, numbers, fits, usable, used, strict=True):
        if is_used:
            continue
        why = "its lines miss the decay" if not fit and not may else "it lies off all others"
        told.append(f"spectrum {number} ({name}): {why}")
    return told
