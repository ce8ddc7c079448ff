"""Whether a sample changes between its spectra (before, during, after), and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.absolute_intensity import explain_incomparable, scale_per_scan
from ssbchar.nmr.quantification.region_areas import RegionSignal, select_first_slice
from ssbchar.nmr.regions import LI_SI
from ssbchar.typing import Array


@dataclass(frozen=True)
class TimedSpectrum:
    """What one spectrum of a sample shows, and when."""

    signal: RegionSignal
    attrs: dict[str, Any]

    @property
    def hours(self) -> float:
        """Acquisition time stamp [h]."""
        return float(self.attrs.get("date", 0)) / 3600


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
        Of later or earlier spectra.
    """
    found = [TimedSpectrum(select_first_slice(d), dict(d.attrs)) for d in (lines, *repeats)]
    if decay is None or "decay_area_covariance" not in decay or lines.sizes["slice"] > 1:
        return found
    keys = ("pulse_1", "recycle_delay", "echo_delay")
    here, there = ([float(d.attrs.get(k, np.nan)) for k in keys] for d in (lines, decay))
    if np.allclose(here, there, rtol=1e-3, atol=0.0):
        during = RegionSignal(
            decay["decay_area"].values[0], decay["decay_area_covariance"].values[0]
        )
        same = {"pulse_program": lines.attrs.get("pulse_program", "")}
        found.append(TimedSpectrum(during, {**decay.attrs, **same}))
    return found


def conclude_drift(
    spectra: Sequence[TimedSpectrum], level: float, scatter: float
) -> list[Conclusion]:
    """Return the drift of the Li-Si share per hour, and whether the spectra can be of one unchanged
    sample.

    chi2 = sum r' W r over both integrals of each spectrum, divided by scans, gain and mass, against
    their weighted mean; a common factor per spectrum is free within `scatter` (tuning,
    temperature). 2 (n - 1) degrees of freedom. Where the acquisitions differ in what intensities
    depend on, only the shares are compared (n - 1).

    Parameters
    ----------
    spectra : sequence of Moment
        Two or more of one sample.
    level : float
        Probability below which an unchanged sample is excluded.
    scatter : float
        Relative repeatability of the whole signal.
    """
    if len(spectra) < 2:
        return []
    from scipy.special import chdtrc

    shares = [m.signal.shares() for m in spectra]
    f, s = (np.array([x[i][1] for x in shares]) for i in (0, 1))
    why = explain_incomparable([m.attrs for m in spectra])
    chi2, dof = (
        (_of_shares(f, s), len(f) - 1)
        if why
        else (_of_integrals(spectra, scatter), 2 * (len(f) - 1))
    )
    p = float(chdtrc(dof, chi2))
    verdict = "evolving" if p < level else "stable"
    what = f"shares (intensities not compared: {why})" if why else "both integrals"
    reason = (
        f"{len(f)} spectra, chi2 of {what} {chi2:.1f} for {dof}, probability of no change {p:.2g}"
    )
    rows = [_drift(np.array([m.hours for m in spectra]), f, s, verdict, reason)]
    return rows if why else [*rows, _whole(spectra, scatter)]


def _of_shares(f: Array, s: Array) -> float:
    mean = np.sum(f / s**2) / np.sum(1 / s**2)
    return float(np.sum(((f - mean) / s) ** 2))


def _scaled(moment: TimedSpectrum) -> tuple[Array, Array]:
    scale = scale_per_scan(moment.attrs)
    return moment.signal.area / scale, moment.signal.covariance / scale**2


def _of_integrals(spectra: Sequence[TimedSpectrum], scatter: float) -> float:
    pairs = [_scaled(m) for m in spectra]
    size = np.mean([a for a, _ in pairs], axis=0)
    weights = [np.linalg.inv(c + scatter**2 * np.outer(size, size)) for _, c in pairs]
    mean = np.linalg.solve(
        sum(weights), sum(w @ a for w, (a, _) in zip(weights, pairs, strict=True))
    )
    return float(sum((a - mean) @ w @ (a - mean) for w, (a, _) in zip(weights, pairs, strict=True)))


def _drift(hours: Array, f: Array, s: Array, verdict: str, reason: str) -> Conclusion:
    if np.ptp(hours) == 0:
        reason += "; no time stamps"
        return Conclusion("drift", unit="percent/h", subject=LI_SI, verdict=verdict, reason=reason)
    centred = hours - np.sum(hours / s**2) / np.sum(1 / s**2)
    variance = 1 / np.sum((centred / s) ** 2)
    slope = variance * np.sum(centred * f / s**2)
    return Conclusion(
        "drift",
        value=100 * float(slope),
        stderr=100 * float(np.sqrt(variance)),
        unit="percent/h",
        subject=LI_SI,
        verdict=verdict,
        reason=reason,
        method="weighted slope of the Li-Si share over acquisition dates",
    )


def _whole(spectra: Sequence[TimedSpectrum], scatter: float) -> Conclusion:
    """Return the change of the whole signal from the first to the last spectrum by date."""
    order = sorted(spectra, key=lambda m: m.hours)
    (a, c), (b, d) = _scaled(order[0]), _scaled(order[-1])
    ratio = float(b.sum() / a.sum())
    stderr = ratio * float(np.sqrt(c.sum() / a.sum() ** 2 + d.sum() / b.sum() ** 2))
    outside = abs(ratio - 1) > 3 * np.hypot(stderr, np.sqrt(2) * scatter)
    return Conclusion(
        "signal_change",
        value=100 * (ratio - 1),
        stderr=100 * stderr,
        systematic=100 * float(np.sqrt(2)) * scatter,
        unit="percent",
        subject="sample",
        verdict="changed" if outside else "unchanged",
        method="whole signal per scan, receiver gain and mass, last against first spectrum",
        reason="Li that leaves the coil's view (or a detuned probe)" if outside else "",
    )
