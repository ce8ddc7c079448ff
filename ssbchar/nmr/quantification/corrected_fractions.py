"""Back-corrected shares with the bracket of conventions, or an interval and the reason why there is
no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_quantity
from ssbchar.nmr.quantification.back_correction import (
    RegionDecays,
    fractions_from_areas,
    propagate_fractions,
    read_decays,
)
from ssbchar.nmr.quantification.fit_doubts import (
    FitDoubt,
    change_shares,
    systematic_from_doubts,
)
from ssbchar.nmr.quantification.options import (
    CorrectionTime,
    QuantificationOptions,
    Route,
)
from ssbchar.nmr.quantification.region_areas import (
    FRACTIONS,
    ROUTE_METHODS,
    RegionSignal,
)
from ssbchar.nmr.regions import REGION_NAMES
from ssbchar.statistics import Z95
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

MISFIT_REASON = "the lines do not describe the decay within its noise"
USABLE_LAWS = (Verdict.OK, Verdict.DOUBTFUL)
"""Verdicts of a T2* that may be corrected with."""
LARGEST_CHANGE = 0.05
"""Models of one decay whose shares differ by more leave an interval and no number [1]."""
LARGEST_BY_DECAY = 0.01
"""Change of a share by the systematic errors of T2* up to which it may be ``ok`` [1]."""
LONGER = 1.001
"""Factor of a T2* that shows which way a share goes with it."""


@dataclass(frozen=True, kw_only=True)
class QuantifiedSpectrum:
    """The measurement whose first slice is quantified."""

    routes: Mapping[Route, RegionSignal]
    """Its areas by both routes."""
    headline: Route
    """The route whose shares are reported."""
    misfits: Sequence[str]
    """Why the time-domain fit is no result of its own; empty where it is."""
    doubts: Sequence[FitDoubt]
    """Other models that the decay admits."""
    without_leakage: Array
    """(region,) window integrals solved for the lines' tails."""
    times: Mapping[CorrectionTime, float]
    """Delays that the correction may go back over [s]."""

    @property
    def signal(self) -> RegionSignal:
        """Areas by the headline route."""
        return self.routes[self.headline]

    @property
    def fits(self) -> bool:
        """Whether the lines describe the decay within its noise and are all lines."""
        return not self.misfits

    @property
    def has_result(self) -> bool:
        """Whether the models that the decay admits agree well enough for a number."""
        share, _ = self.routes["lines"].compute_shares()
        changes = [change_shares(doubt, share) for doubt in self.doubts if doubt.decisive]
        return all(bool((np.abs(change) <= LARGEST_CHANGE).all()) for change in changes)

    def list_models(self) -> list[RegionSignal]:
        """Return the areas of every model that the decay admits, the headline's first, in one unit
        per model."""
        signals = [self.signal]
        if not self.fits:
            signals += [other for name, other in self.routes.items() if name != self.headline]
        covariance = self.routes["lines"].covariance
        signals += [
            RegionSignal(area=doubt.area, covariance=covariance)
            for doubt in self.doubts
            if doubt.decisive and doubt.area.sum() > 0
        ]
        return signals

    @property
    def verdict(self) -> Verdict:
        """``ok`` or ``misfit``, a str."""
        return Verdict.OK if self.fits else Verdict.MISFIT

    def find_systematic(self) -> Array:
        """Return the systematic error of the raw shares, shape (region,) [dimensionless]: half the
        difference of lines and windows, and the doubts of the fit."""
        share, _ = self.signal.compute_shares()
        match self.headline:
            case "lines":
                other = self.without_leakage / self.without_leakage.sum()
            case "windows":
                other, _ = self.routes["lines"].compute_shares()
        of_model = systematic_from_doubts(self.doubts, self.routes["lines"].compute_shares()[0])
        return np.asarray(np.hypot((share - other) / 2, of_model))


def list_correction_times(lines: xr.Dataset) -> dict[CorrectionTime, float]:
    """Return the delays the correction may go back over: the axis value, TR, 2TR and 2TR + pulses.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`, with its pulses and delays [s].

    Returns
    -------
    dict of float
        [s]; NaN where unknown.
    """
    delay = float(lines.attrs.get("echo_delay", np.nan))
    pulses = 0.5 * float(lines.attrs["pulse_1"]) + float(lines.attrs["pulse_2"])
    return {
        "axis": float(lines["decay_time"].values[0]),
        "TR": delay,
        "2TR": 2 * delay,
        "2TR+pulses": 2 * delay + pulses,
    }


def conclude_corrected_fractions(
    spectrum: QuantifiedSpectrum,
    decay: xr.Dataset | None,
    options: QuantificationOptions,
    *,
    evolves: bool,
    no_metal: str | None,
) -> list[Conclusion]:
    """Return the rows ``corrected`` of both regions [percent], their bracket, and the part of their
    error that samples share.

    Parameters
    ----------
    spectrum : QuantifiedSpectrum
        Areas, and the times [s] that the correction may go back over.
    decay : Dataset or None
        T2* [s] of the sample's regions.
    options : QuantificationOptions
        Time of the correction; T2* assumed for an interval.
    evolves : bool
        Whether the sample evolves.
    no_metal : str or None
        Why no line of Li metal can be quantified, None where one can.
    """
    time = spectrum.times[options.time]
    obstacle = no_metal or _find_obstacle(decay, evolves)
    if obstacle is None and not spectrum.has_result:
        obstacle = "; ".join(spectrum.misfits)
    if obstacle is None and not np.isfinite(time):
        obstacle = f"the time {options.time} of the first echo is unknown (read.decay_axis)"
    if obstacle is not None or decay is None:
        return _bound_fractions(spectrum, options, time, obstacle or "")
    decays = read_decays(decay)
    value, stderr = propagate_fractions(
        spectrum.signal.area, spectrum.signal.covariance, decays, time
    )
    bracket = _list_conventions(spectrum, decays)
    of_decays = _carry_decay_systematic(spectrum.signal, decays, decay, time)
    rows = []
    for r, region in enumerate(REGION_NAMES):
        shares = [convention.share[r] for convention in bracket]
        systematic, reason = _describe_systematic(spectrum, shares, r)
        systematic = float(np.hypot(systematic, of_decays[r]))
        number = decide_quantity(
            Estimate(
                value=100 * float(value[r]),
                stderr=100 * float(stderr[r]),
                systematic=100 * systematic,
            ),
            lowest=0.0,
            highest=100.0,
        )
        verdict = _judge_corrected(spectrum, of_decays)
        rows.append(
            Conclusion(
                FRACTIONS[region],
                value=number.value,
                stderr=number.stderr,
                systematic=number.systematic,
                lower95=number.lower95,
                upper95=number.upper95,
                condition="corrected",
                verdict=number.verdict if verdict == Verdict.OK else verdict,
                method=f"{ROUTE_METHODS[spectrum.headline]}; T2* back over t = {time:.4g} s",
                reason=reason,
                unit="percent",
                subject=region,
            )
        )
        rows += [
            Conclusion(
                FRACTIONS[region],
                value=100 * float(convention.share[r]),
                stderr=100 * float(convention.stderr[r]),
                unit="percent",
                subject=region,
                condition=f"corrected, {convention.name}",
            )
            for convention in bracket
        ]
    shared = decay["shared"].values.astype(bool)
    return rows + _conclude_shared_error(spectrum.signal, decays, shared, time)


def _find_obstacle(decay: xr.Dataset | None, evolves: bool) -> str | None:
    """Return why nothing can be corrected, None where it can."""
    if evolves:
        return "the sample evolves during the measurement"
    if decay is None:
        return "no decay series of this sample"
    laws = zip(decay["region"].values, decay["verdict"].values, decay["reason"].values, strict=True)
    failed = [
        f"{region}: {verdict} ({reason})"
        for region, verdict, reason in laws
        if verdict not in USABLE_LAWS
    ]
    return "; ".join(failed) or None


@dataclass(frozen=True, kw_only=True)
class _Convention:
    """Shares under one convention of time and exponent."""

    name: str
    share: Array
    """(region,)."""
    stderr: Array
    """(region,)."""


def _list_conventions(spectrum: QuantifiedSpectrum, decays: RegionDecays) -> list[_Convention]:
    """Return the shares for each time that is known, with the exponents fitted and at one."""
    simple = RegionDecays(
        t2=decays.t2,
        exponent=np.ones_like(decays.t2),
        covariance=decays.covariance * np.array([[1.0, 0.0], [0.0, 0.0]]),
    )
    laws = {"= 1": simple}
    if (decays.exponent != 1).any():
        laws = {"fitted": decays, "= 1": simple}
    signal, conventions = spectrum.signal, []
    for name, time in spectrum.times.items():
        if not np.isfinite(time):
            continue
        for exponent, law in laws.items():
            share, stderr = propagate_fractions(signal.area, signal.covariance, law, time)
            conventions.append(
                _Convention(name=f"t = {name}, b {exponent}", share=share, stderr=stderr)
            )
    return conventions


def _describe_systematic(
    spectrum: QuantifiedSpectrum, shares: list[float], region: int
) -> tuple[float, str]:
    """Return the systematic error of a share, and where it comes from.

    The bracket of conventions counts as even between its ends; the raw share's own systematic,
    routes and doubts of the fit, stays with it, and half the difference of lines and plain windows
    where the lines are not to be trusted alone.
    """
    between = float(spectrum.find_systematic()[region])
    if spectrum.headline == "lines" and not spectrum.fits:
        raw = {name: signal.compute_shares()[0] for name, signal in spectrum.routes.items()}
        between = float(np.hypot(between, (raw["lines"][region] - raw["windows"][region]) / 2))
    low, high = min(shares), max(shares)
    bracket = f"bracket of conventions {100 * low:.2f} to {100 * high:.2f}"
    systematic = float(np.hypot(between, (high - low) / np.sqrt(12)))
    return systematic, "; ".join([bracket, *spectrum.misfits])


def _judge_corrected(spectrum: QuantifiedSpectrum, of_decays: Array) -> Verdict:
    """Return ``ok`` where the lines are a result and no doubt of a T2* moves the share much."""
    if not spectrum.fits:
        return Verdict.MISFIT
    return Verdict.OK if (of_decays <= LARGEST_BY_DECAY).all() else Verdict.DOUBTFUL


def _carry_decay_systematic(
    signal: RegionSignal, decays: RegionDecays, decay: xr.Dataset, time: float
) -> Array:
    """Return what the systematic errors of each T2* make of the shares, shape (region,)."""
    at = fractions_from_areas(signal.area, decays.t2, decays.exponent, time)
    total = np.zeros_like(at)
    for r, systematic in enumerate(decay["t2_star_systematic"].values):
        moved = decays.t2.copy()
        moved[r] += systematic
        shifted = fractions_from_areas(signal.area, moved, decays.exponent, time)
        total = total + (shifted - at) ** 2
    return np.asarray(np.sqrt(total))


def _conclude_shared_error(
    signal: RegionSignal, decays: RegionDecays, shared: Array, time: float
) -> list[Conclusion]:
    """Return the part of each corrected share's error that comes with the T2* of pure Li, signed.

    All samples that share this T2* have it in common: the covariance of two samples' shares is the
    product of theirs.
    """
    if not shared.any():
        return []
    t2, exponent = decays.t2, decays.exponent
    of_pure_li = RegionDecays(
        t2=t2, exponent=exponent, covariance=decays.covariance * shared[:, None, None]
    )
    _, part = propagate_fractions(signal.area, 0 * signal.covariance, of_pure_li, time)
    # Errors are positive; the sign says which way the share goes with a longer T2*.
    stretched = t2 * np.where(shared, LONGER, 1.0)
    longer = fractions_from_areas(signal.area, stretched, exponent, time)
    sign = np.sign(longer - fractions_from_areas(signal.area, t2, exponent, time))
    return [
        Conclusion(
            "shared_error",
            value=100 * float(sign[r] * part[r]),
            unit="percent",
            subject=region,
            condition="corrected",
            verdict=Verdict.PART_OF_STDERR,
            method="error of the T2* of pure Li carried to the share, signed",
            reason="common to all samples of this reference; the product of two samples' values "
            "is their covariance",
        )
        for r, region in enumerate(REGION_NAMES)
    ]


def _bound_fractions(
    spectrum: QuantifiedSpectrum, options: QuantificationOptions, time: float, obstacle: str
) -> list[Conclusion]:
    """Return the N/A rows: no value, but the interval that T2* of comparable samples leaves over
    the routes that can be trusted."""
    known = bool(np.isfinite(time))
    signals = spectrum.list_models()
    stderr = np.max([signal.compute_shares()[1] for signal in signals], axis=0)
    # A share is monotonic in each T2*: the corners hold the extremes.
    corners = [
        fractions_from_areas(signal.area, [metal, li_si], [1.0, 1.0], time if known else 0.0)
        for signal in signals
        for metal in options.t2_metal
        for li_si in options.t2_range
    ]
    shortest, longest = options.t2_range
    rows = []
    for r, region in enumerate(REGION_NAMES):
        lower = max(min(corner[r] for corner in corners) - Z95 * stderr[r], 0.0)
        upper = min(max(corner[r] for corner in corners) + Z95 * stderr[r], 1.0)
        rows.append(
            Conclusion(
                FRACTIONS[region],
                unit="percent",
                subject=region,
                condition="corrected",
                verdict=Verdict.NOT_APPLICABLE,
                reason=obstacle,
                lower95=100 * lower if known else None,
                upper95=100 * upper if known else None,
                method=f"bounded by T2* of Li-Si {shortest:g} to {longest:g} s",
            )
        )
    return rows
