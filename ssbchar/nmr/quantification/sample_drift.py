"""Whether a sample changes between its spectra (before, during, after), and how fast."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import (
    Estimate,
    combine_equalities,
    decide_equality,
    describe_open_difference,
)
from ssbchar.nmr.quantification.absolute_intensity import explain_incomparable, scale_per_scan
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.region_areas import RegionSignal, select_first_slice
from ssbchar.nmr.regions import LI_SI
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

ECHO_SETTINGS = ("pulse_1", "recycle_delay", "echo_delay")
"""What must be the same before the first echo of a decay series counts as a spectrum."""


@dataclass(frozen=True, kw_only=True)
class TimedSpectrum:
    """What one spectrum of a sample shows, and when."""

    signal: RegionSignal
    attrs: dict[str, Any]
    """Of the acquisition."""

    @property
    def hours(self) -> float:
        """Acquisition time stamp [h]."""
        return float(self.attrs.get("date", 0)) / 3600

    def normalise(self) -> RegionSignal:
        """Return the signal per scan, receiver gain and mass, areas of shape (region,) [1/g]."""
        scale = scale_per_scan(self.attrs)
        return RegionSignal(
            area=self.signal.area / scale, covariance=self.signal.covariance / scale**2
        )


def collect_spectra(
    lines: xr.Dataset, decay: xr.Dataset | None, repeats: Sequence[xr.Dataset]
) -> list[TimedSpectrum]:
    """Return the spectra of a sample that may be compared: the quantified one, its repeats, the
    series' start.

    The first echo counts where it was taken after the same delay, with the same recycle delay and
    pulses.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    decay : Dataset or None
        From `ssbchar.nmr.decay.fit_decay`.
    repeats : sequence of Dataset
        Of later or earlier spectra; areas in the unit of `lines`.
    """
    spectra = [
        TimedSpectrum(signal=select_first_slice(data), attrs=dict(data.attrs))
        for data in (lines, *repeats)
    ]
    if decay is None or "decay_area_covariance" not in decay or lines.sizes["slice"] > 1:
        return spectra
    if "slice_used" in decay and not int(decay["slice_used"][0]):
        return spectra
    settings, of_series = (
        [float(data.attrs.get(key, np.nan)) for key in ECHO_SETTINGS] for data in (lines, decay)
    )
    if np.allclose(settings, of_series, rtol=1e-3, atol=0.0):
        during = RegionSignal(
            area=decay["decay_area"].values[0],
            covariance=decay["decay_area_covariance"].values[0],
        )
        # A series has another pulse program than a single echo, with the same pulses and delays.
        same = {"pulse_program": lines.attrs.get("pulse_program", "")}
        spectra.append(TimedSpectrum(signal=during, attrs={**decay.attrs, **same}))
    return spectra


def conclude_drift(
    spectra: Sequence[TimedSpectrum], options: QuantificationOptions
) -> list[Conclusion]:
    """Return the drift of the Li-Si share per hour, and whether the spectra can be of one unchanged
    sample.

    chi2 = sum r' W r over both integrals of each spectrum, divided by scans, gain and mass, against
    their weighted mean; a common factor per spectrum is free within `scatter` (tuning,
    temperature). 2 (n - 1) degrees of freedom. Where the acquisitions differ in what intensities
    depend on, only the shares are compared (n - 1).

    Parameters
    ----------
    spectra : sequence of TimedSpectrum
        Two or more of one sample, with times [h].
    options : QuantificationOptions
        Probability below which an unchanged sample is excluded, repeatability of the whole signal,
        and the changes that would matter.
    """
    if len(spectra) < 2:
        return []
    scatter = options.intensity_scatter
    from scipy.special import chdtrc

    shares = [spectrum.signal.compute_shares() for spectrum in spectra]
    li_si = np.array([share[1] for share, _ in shares])
    stderr = np.array([error[1] for _, error in shares])
    count = len(spectra)
    incomparable = explain_incomparable([spectrum.attrs for spectrum in spectra])
    if incomparable is not None:
        chi2, dof = _compare_shares(li_si, stderr), count - 1
        compared = f"shares (intensities not compared: {incomparable})"
    else:
        chi2, dof = _compare_integrals(spectra, scatter), 2 * (count - 1)
        compared = "both integrals"
    p = float(chdtrc(dof, chi2))
    reason = (
        f"{count} spectra, chi2 of {compared} {chi2:.1f} for {dof}, "
        f"probability of no change {p:.2g}"
    )
    drift = Conclusion(
        "drift",
        unit="percent/h",
        subject=LI_SI,
        verdict=Verdict.EVOLVING,
        reason=reason,
    )
    if not p < options.evolution_p:
        drift = _judge_unchanged(drift, li_si, stderr, options.evolution_tolerance)
    hours = np.array([spectrum.hours for spectrum in spectra])
    rows = [_add_slope(drift, hours, li_si, stderr)]
    if incomparable is not None:
        return rows
    return [*rows, _conclude_signal_change(spectra, options)]


def _judge_unchanged(
    drift: Conclusion, share: Array, stderr: Array, tolerance: float
) -> Conclusion:
    """Return the row of a sample in which no change was seen.

    ``stable`` where all shares surely lie within the tolerance [percent] of each other, else
    ``inconclusive``.
    """
    decisions = [
        decide_equality(
            Estimate(
                value=100 * float(share[j] - share[i]),
                stderr=100 * float(np.hypot(stderr[i], stderr[j])),
            ),
            tolerance,
        )
        for i, j in itertools.combinations(range(share.size), 2)
    ]
    widest = max(decisions, key=lambda one: max(abs(one.lower95), abs(one.upper95)))
    whole = combine_equalities([one.verdict for one in decisions])
    limits = f"{widest.lower95:+.2g} to {widest.upper95:+.2g}"
    return replace(
        drift,
        verdict=Verdict.STABLE if whole == Verdict.RETAINED else Verdict.INCONCLUSIVE,
        reason=f"{drift.reason}; the Li-Si share changed by {limits} percent at most, "
        f"{tolerance:g} would matter",
    )


def _compare_shares(share: Array, stderr: Array) -> float:
    """Return chi-square of shares against their weighted mean."""
    mean = np.sum(share / stderr**2) / np.sum(1 / stderr**2)
    return float(np.sum(((share - mean) / stderr) ** 2))


def _compare_integrals(spectra: Sequence[TimedSpectrum], scatter: float) -> float:
    """Return chi-square of both integrals of all spectra against their weighted mean."""
    signals = [spectrum.normalise() for spectrum in spectra]
    size = np.mean([signal.area for signal in signals], axis=0)
    # Tuning moves both integrals of a spectrum together, by an unknown common factor.
    common = scatter**2 * np.outer(size, size)
    weights = [np.linalg.inv(signal.covariance + common) for signal in signals]
    pairs = list(zip(weights, signals, strict=True))
    mean = np.linalg.solve(sum(weights), sum(weight @ signal.area for weight, signal in pairs))
    terms = [(signal.area - mean) @ weight @ (signal.area - mean) for weight, signal in pairs]
    return float(sum(terms))


def _add_slope(drift: Conclusion, hours: Array, share: Array, stderr: Array) -> Conclusion:
    """Return the row with the weighted slope of the share over time, where there are times."""
    if np.ptp(hours) == 0:
        return replace(drift, reason=f"{drift.reason}; no time stamps")
    centred = hours - np.sum(hours / stderr**2) / np.sum(1 / stderr**2)
    variance = 1 / np.sum((centred / stderr) ** 2)
    slope = variance * np.sum(centred * share / stderr**2)
    return replace(
        drift,
        value=100 * float(slope),
        stderr=100 * float(np.sqrt(variance)),
        method="weighted slope of the Li-Si share over acquisition dates",
    )


def _conclude_signal_change(
    spectra: Sequence[TimedSpectrum], options: QuantificationOptions
) -> Conclusion:
    """Return the change of the whole signal from the first to the last spectrum by date."""
    order = sorted(spectra, key=lambda spectrum: spectrum.hours)
    first, last = order[0].normalise(), order[-1].normalise()
    before, after = first.area.sum(), last.area.sum()
    ratio = float(after / before)
    relative2 = first.covariance.sum() / before**2 + last.covariance.sum() / after**2
    decision = decide_equality(
        Estimate(
            value=100 * (ratio - 1),
            stderr=100 * ratio * float(np.sqrt(relative2)),
            systematic=100 * float(np.sqrt(2)) * options.intensity_scatter,
        ),
        options.signal_tolerance,
    )
    is_unchanged = decision.verdict == Verdict.RETAINED
    reason = f"a change of {options.signal_tolerance:g} percent would matter"
    if decision.verdict == Verdict.CHANGED:
        reason += "; Li that leaves the coil's view (or a detuned probe)"
    elif not is_unchanged:
        reason += f"; {describe_open_difference(decision, 'percent')}"
    return Conclusion(
        "signal_change",
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        unit="percent",
        subject="sample",
        verdict=Verdict.UNCHANGED if is_unchanged else decision.verdict,
        method="whole signal per scan, receiver gain and mass, last against first spectrum",
        reason=reason,
        bound=decision.bound,
    )
