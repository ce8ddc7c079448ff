"""T1 or T1rho of each region, from the signed amplitudes of a series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.fid import find_good_slices
from ssbchar.nmr.lineshape.outputs import keep_attributes
from ssbchar.nmr.quantification.region_areas import explain_absence
from ssbchar.nmr.regions import DEFAULT_REGIONS, Regions
from ssbchar.nmr.relaxation.amplitudes import measure_amplitudes
from ssbchar.nmr.relaxation.options import RelaxationOptions
from ssbchar.nmr.relaxation.outputs import PARAMETERS, RELAXATION
from ssbchar.nmr.relaxation.recovery_law import RecoveryLaw, fit_recovery_law
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool, Index
from ssbchar.verdict import Verdict

RECOVERY, SPIN_LOCK = "recovery", "spin_lock"
"""Kinds of series."""
SEEN = 5.0
"""Standard errors by which the signal must rise or fall between the first and the last delays."""
MOST_OFF = 0.2
"""Share of the slices that may lie off the laws [1]."""
OFF = 6.0
"""Standard deviations by which a slice lies off."""
LEAST_OFF = 0.05
"""Smaller deviations, over the largest amplitude, are scatter that the law takes up [1]."""
UNFITTED = 100.0
"""Misfit of a region whose law is not found without a slice: larger than any [1]."""
LEAST_LEFT = 5
"""Slices that must be left."""
FITTED = (Verdict.OK, Verdict.UNDETERMINED, Verdict.STRETCHED, Verdict.MISFIT)
"""Verdicts of a law that was fitted."""


def fit_relaxation(
    fid: xr.Dataset,
    lines: xr.Dataset,
    options: RelaxationOptions,
    *,
    regions: Regions = DEFAULT_REGIONS,
) -> xr.Dataset:
    """Fit the relaxation of each region.

    A signal that rises with the delay (from zero, or from below it) recovers: T1. One that falls is
    locked: T1rho. The program must not say otherwise. A slice that lies far off the laws of all
    others in any region is set aside, at most one of five.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid` in the role ``relaxation``; delays in s.
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines` on `select_strong_slices`.
    options : RelaxationOptions
    regions : Regions
        Windows that at least half of a region's lines must lie in [ppm]; a region without a line
        has no time, whatever its stand-in catches of the other's tail.

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.relaxation.outputs.RELAXATION`.
    """
    good = find_good_slices(fid)
    delay = fid["decay_time"].values[good]
    measured = measure_amplitudes(fid, lines)
    planned = str(fid.attrs.get("relaxation", ""))
    kind, sign = _find_kind(delay, measured.amplitude, measured.stderr, planned)
    amplitude, stderr = sign * measured.amplitude, measured.stderr
    is_lock = kind == SPIN_LOCK
    absent = [explain_absence(lines, str(name), regions) for name in lines["region"].values]
    told = np.array([reason is None for reason in absent])
    used = np.ones(delay.size, bool)
    if told.any():
        used = _find_used(delay, amplitude[:, told], stderr[:, told], options, is_lock)
    laws = _fit_laws(delay[used], amplitude[used], stderr[used], told, options, is_lock)
    laws = [
        law if reason is None else RecoveryLaw().judge(Verdict.NO_SIGNAL, reason)
        for law, reason in zip(laws, absent, strict=True)
    ]
    if planned and planned != kind:
        laws = [law.judge(Verdict.MISFIT, _describe_conflict(kind)) for law in laws]
    elif str(lines["verdict"].values[0]) != Verdict.OK:
        laws = [_doubt(law, "lines do not describe the decay") for law in laws]
    said = _describe_unused(fid["slice"].values[good], used)
    laws = [replace(law, reason="; ".join(filter(None, [law.reason, said]))) for law in laws]
    return RELAXATION.dataset(
        {
            "slice": fid["slice"].values[good],
            "region": lines["region"].values,
            "par": list(PARAMETERS),
            "delay": delay,
            "amplitude": amplitude,
            "amplitude_stderr": stderr,
            "slice_used": used.astype(int),
            "t1": np.array([law.time for law in laws]),
            "t1_stderr": np.array([_find_stderr(law) for law in laws]),
            "t1_systematic": np.array([law.systematic for law in laws]),
            "exponent": np.array([law.exponent for law in laws]),
            "equilibrium": np.array([law.equilibrium for law in laws]),
            "start": np.array([law.start for law in laws]),
            "covariance": np.stack([_fill_covariance(law) for law in laws]),
            "scatter": np.array([law.scatter for law in laws]),
            "verdict": np.array([str(law.verdict) for law in laws]),
            "reason": np.array([law.reason for law in laws]),
        },
        keep_attributes(fid) | {"kind": kind},
    )


def _find_kind(delay: Array, amplitude: Array, stderr: Array, planned: str) -> tuple[str, Array]:
    """Return what a series is by how its signal changes, what its program says where it does not
    change, and the sign that makes each region upright.

    The strongest slice has set the signs, and a region may have been inverted there: one that ends
    upside down was.
    """
    order = np.argsort(delay, kind="stable")
    third = max(order.size // 3, 1)
    start, end = (np.median(amplitude[part], axis=0) for part in (order[:third], order[-third:]))
    noise = np.median(stderr, axis=0)
    sign = np.where(end < -SEEN * noise, -1.0, 1.0)
    change = sign * (end - start)
    change = np.where(np.abs(change) < SEEN * noise, 0.0, change)
    if not change.any():
        return planned or RECOVERY, sign
    return (RECOVERY if change.sum() > 0 else SPIN_LOCK), sign


def _find_used(
    delay: Array, amplitude: Array, stderr: Array, options: RelaxationOptions, is_lock: bool
) -> Bool:
    """Return the slices that lie near the laws of all others.

    The slice without which all others follow their laws best is looked at: one that spoils the law
    makes good ones look far off it.
    """
    simple = replace(options, models=options.models[:1])
    used = np.ones(delay.size, bool)
    for _ in range(int(MOST_OFF * delay.size)):
        at = np.flatnonzero(used)
        if at.size <= LEAST_LEFT:
            break
        without = [
            _leave_out(int(one), at, (delay, amplitude, stderr), simple, is_lock) for one in at
        ]
        left = np.stack([one.misfit for one in without])
        told = np.isfinite(left).any(axis=0)
        if not told.any():
            break
        best = int(np.where(np.isfinite(left), left, UNFITTED)[:, told].sum(axis=1).argmin())
        if without[best].distance < OFF:
            break
        used[at[best]] = False
    return used


@dataclass(frozen=True, kw_only=True)
class _LeftOut:
    """What the slices without one of them say."""

    misfit: Array
    """(region,) logarithm of what they scatter about their laws; infinite where there is no law."""
    distance: float
    """How far the one lies from their laws, in standard deviations, in the region where that is
    most."""


def _leave_out(
    one: int,
    at: Index,
    series: tuple[Array, Array, Array],
    options: RelaxationOptions,
    is_lock: bool,
) -> _LeftOut:
    """Return how the others do without a slice, and how far it is from them; `series` is delay,
    amplitude and standard error."""
    delay, amplitude, stderr = series
    rest, here = at[at != one], delay[[one]]
    misfit = np.full(amplitude.shape[1], np.inf)
    distance = 0.0
    for r in range(amplitude.shape[1]):
        mine, errors = amplitude[:, r], stderr[:, r]
        law = fit_recovery_law(delay[rest], mine[rest], errors[rest], options, spin_lock=is_lock)
        if law.verdict not in FITTED or law.covariance is None:
            continue
        residual = mine[rest] - law.evaluate(delay[rest])
        misfit[r] = float(np.log(np.sum(residual**2 + errors[rest] ** 2)))
        apart = abs(float(mine[one] - law.evaluate(here)[0]))
        if apart < LEAST_OFF * float(np.abs(mine[rest]).max()):
            continue
        # Robust, so that a second bad slice does not hide the first.
        scatter = sigma_from_deviations(residual)
        variance = errors[one] ** 2 + float(law.propagate(here)[0]) + scatter**2
        distance = max(distance, apart / float(np.sqrt(variance)))
    return _LeftOut(misfit=misfit, distance=distance)


def _fit_laws(
    delay: Array,
    amplitude: Array,
    stderr: Array,
    told: Bool,
    options: RelaxationOptions,
    is_lock: bool,
) -> list[RecoveryLaw]:
    """Return the law of each region.

    Gain and pulses scatter all regions of a slice alike: what one of them shows, the others have,
    too, even where their laws can take it up.
    """

    def fit(r: int, least: float) -> RecoveryLaw:
        return fit_recovery_law(
            delay,
            amplitude[:, r],
            stderr[:, r],
            options,
            spin_lock=is_lock,
            least_scatter=least,
        )

    laws = [fit(r, 0.0) for r in range(amplitude.shape[1])]
    seen = [law.scatter for law, is_told in zip(laws, told, strict=True) if is_told]
    common = min(max(seen, default=0.0), options.max_scatter)
    return [fit(r, common) if law.scatter < common else law for r, law in enumerate(laws)]


def _describe_conflict(kind: str) -> str:
    if kind == SPIN_LOCK:
        return "the signal falls with the delay, and the pulse program has a recovery"
    return "the signal rises with the length of the pulse, and a spin lock makes it fall"


def _doubt(law: RecoveryLaw, reason: str) -> RecoveryLaw:
    if law.verdict != Verdict.OK:
        return law
    return law.judge(Verdict.DOUBTFUL, reason)


def _describe_unused(numbers: Array, used: Bool) -> str:
    """Return which slices are set aside, empty where none are."""
    left = ", ".join(str(number) for number in numbers[~used])
    return f"slice {left} set aside: far off the law of all others" if left else ""


def _find_stderr(law: RecoveryLaw) -> float:
    return np.nan if law.covariance is None else float(np.sqrt(law.covariance[2, 2]))


def _fill_covariance(law: RecoveryLaw) -> Array:
    return np.full((4, 4), np.nan) if law.covariance is None else law.covariance
