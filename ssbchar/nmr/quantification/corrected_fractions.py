"""Back-corrected shares with the bracket of conventions, or an interval and the reason why there is
no number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_quantity
from ssbchar.nmr.bruker.delays import evaluate, find_names
from ssbchar.nmr.quantification.back_correction import (
    RegionDecays,
    fractions_from_areas,
    propagate_fractions,
    read_decays,
    shares_from_decays,
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
    conclude_route_share,
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
SAME_AXIS = 0.01
"""Relative difference of two times from which on their axes differ [1]."""
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
    pulses: Mapping[str, float] = field(default_factory=dict)
    """Lengths of the pulses ``p1`` and ``p2`` of its echo [s]."""

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
        difference of lines and windows, that of lines and plain windows where the lines are not to
        be trusted alone, and the doubts of the fit."""
        share, _ = self.signal.compute_shares()
        match self.headline:
            case "lines":
                other = self.without_leakage / self.without_leakage.sum()
            case "windows":
                other, _ = self.routes["lines"].compute_shares()
        of_model = systematic_from_doubts(self.doubts, self.routes["lines"].compute_shares()[0])
        # The correction for leaking tails is that of the lines themselves.
        is_doubted = self.headline == "lines" and not self.fits
        plain = self.routes["windows"].compute_shares()[0] if is_doubted else share
        between = np.hypot((share - other) / 2, (share - plain) / 2)
        return np.asarray(np.hypot(between, of_model))


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


@dataclass(frozen=True, kw_only=True)
class TimeAxes:
    """The time of the spectrum's echo on the axis of its T2* fit."""

    time: float
    """[s]; NaN where unknown."""
    formula: str
    """Axis of the T2* fit; empty where none is known."""
    own: float
    """The time by the spectrum's own formula [s]."""

    def describe(self) -> str:
        """Return the axis in words, empty where it is not known."""
        if not self.formula or not np.isfinite(self.time):
            return ""
        said = f"time axis {self.formula} of the T2* fit"
        if np.isfinite(self.own) and abs(self.own - self.time) > SAME_AXIS * self.time:
            said += f" (the spectrum's own would be {1e6 * self.own:.4g} us)"
        return said


def compare_axes(spectrum: QuantifiedSpectrum, decay: xr.Dataset | None) -> TimeAxes:
    """Return the time of the spectrum's echo on the axis that its T2* was fitted on.

    The series' formula is evaluated with the spectrum's own echo delay and pulses: two rows whose
    axes differ give one time all the same.

    Parameters
    ----------
    spectrum : QuantifiedSpectrum
        With its echo delay and pulses [s].
    decay : Dataset or None
        From `ssbchar.nmr.decay.fit_decay`, with the formula ``decay_axis``.
    """
    own = spectrum.times["axis"]
    formula = "" if decay is None else str(decay.attrs.get("decay_axis", ""))
    delay = spectrum.times["TR"]
    if not formula or not np.isfinite(delay):
        return TimeAxes(time=own, formula=formula, own=own)
    names = find_names(formula)
    values = {
        name: 1.0 if name == "vc" or name.startswith("l") else delay
        for name in names
        if re.fullmatch(r"vd|vc|[dl]\d+", name)
    }
    values |= {name: length for name, length in spectrum.pulses.items() if name in names}
    try:
        time = evaluate(formula, values)
    except ValueError:
        # Names that the spectrum lacks, or times as given: its own is all there is.
        time = own
    return TimeAxes(time=time, formula=formula, own=own)


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
    axes = compare_axes(spectrum, decay)
    time = axes.time if options.time == "axis" else spectrum.times[options.time]
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
    axis = axes.describe() if options.time == "axis" else ""
    of_decays = _carry_decay_systematic(spectrum.signal, decays, decay, time)
    of_laws = _carry_growth_systematic(decay, value)
    rows = []
    for r, region in enumerate(REGION_NAMES):
        shares = [convention.share[r] for convention in bracket]
        systematic, reason = _describe_systematic(spectrum, shares, r, axis)
        systematic = float(np.linalg.norm([systematic, of_decays[r], of_laws]))
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
            conclude_route_share(
                region,
                f"corrected, {convention.name}",
                float(convention.share[r]),
                float(convention.stderr[r]),
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
        covariance=decays.covariance[:, :2, :2] * np.array([[1.0, 0.0], [0.0, 0.0]]),
    )
    has_parts = decays.slow_share is not None and bool((decays.slow_share > 0).any())
    laws = {"fitted": decays} if has_parts else {"= 1": simple}
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
    spectrum: QuantifiedSpectrum, shares: list[float], region: int, axis: str
) -> tuple[float, str]:
    """Return the systematic error of a share, and where it comes from.

    The bracket of conventions counts as even between its ends where the time is one of them; where
    it is that of the axis of the T2* fit, known from both experiments, the others are no rivals.
    The raw share's own systematic, routes and doubts of the fit, stays with it.
    """
    between = float(spectrum.find_systematic()[region])
    low, high = min(shares), max(shares)
    bracket = f"bracket of conventions {100 * low:.2f} to {100 * high:.2f}"
    if axis:
        return between, "; ".join([f"{axis}; {bracket}", *spectrum.misfits])
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
    at = shares_from_decays(signal.area, decays, time)
    total = np.zeros_like(at)
    for r, systematic in enumerate(decay["t2_star_systematic"].values):
        moved = decays.t2.copy()
        moved[r] += systematic
        shifted = shares_from_decays(signal.area, decays.change_t2(moved), time)
        total = total + (shifted - at) ** 2
    return np.asarray(np.sqrt(total))


def _carry_growth_systematic(decay: xr.Dataset, share: Array) -> float:
    """Return what other decay laws make of a share f, f (1 - f) of ln(amplitude) of each region.

    It is the same for both regions, whose shares sum to one [1].
    """
    if "growth_systematic" not in decay:
        return 0.0
    growth = float(np.linalg.norm(decay["growth_systematic"].values))
    return float(share[0] * share[1]) * growth


def _conclude_shared_error(
    signal: RegionSignal, decays: RegionDecays, shared: Array, time: float
) -> list[Conclusion]:
    """Return the part of each corrected share's error that comes with the T2* of pure Li, signed.

    All samples that share this T2* have it in common: the covariance of two samples' shares is the
    product of theirs.
    """
    if not shared.any():
        return []
    of_pure_li = replace(decays, covariance=decays.covariance * shared[:, None, None])
    _, part = propagate_fractions(signal.area, 0 * signal.covariance, of_pure_li, time)
    # Errors are positive; the sign says which way the share goes with a longer T2*.
    stretched = decays.change_t2(decays.t2 * np.where(shared, LONGER, 1.0))
    longer = shares_from_decays(signal.area, stretched, time)
    sign = np.sign(longer - shares_from_decays(signal.area, decays, time))
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
    # A constant of another measurement holds on that one's axis, the delay TR; on the axis of this
    # one it is what a reader may have meant.
    times = [one for one in (time, spectrum.times["TR"]) if np.isfinite(one)]
    known = bool(times)
    signals = spectrum.list_models()
    stderr = np.max([signal.compute_shares()[1] for signal in signals], axis=0)
    # A share is monotonic in each T2*: the corners hold the extremes.
    corners = [
        fractions_from_areas(signal.area, [metal, li_si], [1.0, 1.0], one)
        for one in times or [0.0]
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
                method=f"bounded by T2* of Li-Si {shortest:g} to {longest:g} s over "
                f"t = {' and '.join(f'{one:.3g}' for one in sorted({*times})) or 'unknown'} s",
            )
        )
    return rows
