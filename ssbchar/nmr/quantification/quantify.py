"""Conclusions of one sample: Li-metal and Li-Si fractions, raw and back-corrected, and the share of
Li that alloyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_quantity
from ssbchar.nmr.quantification.capacity import conclude_capacities
from ssbchar.nmr.quantification.conditions import conclude_conditions
from ssbchar.nmr.quantification.corrected_fractions import (
    MISFIT_REASON,
    USABLE_LAWS,
    QuantifiedSpectrum,
    conclude_corrected_fractions,
    list_correction_times,
)
from ssbchar.nmr.quantification.fit_doubts import (
    CLIPPED,
    FitDoubt,
    find_fit_doubts,
    is_relevant,
)
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import conclude_prelithiation
from ssbchar.nmr.quantification.region_areas import (
    FRACTIONS,
    ROUTE_METHODS,
    RegionSignal,
    conclude_route_share,
    explain_absence,
    select_first_slice,
)
from ssbchar.nmr.quantification.sample_drift import collect_spectra, conclude_drift
from ssbchar.nmr.quantification.saturation import (
    describe_correction,
    find_saturation,
    relax_spectrum,
)
from ssbchar.nmr.quantification.systematics import (
    DIAMAGNETIC_SHARE,
    conclude_systematics,
    find_visibility,
)
from ssbchar.nmr.quantification.window_leakage import correct_window_leakage
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, REGION_NAMES, Regions
from ssbchar.statistics import ROUNDED_ONE_SIDED_95, Z95
from ssbchar.verdict import Verdict


def quantify_fractions(
    lines: xr.Dataset,
    spectrum: xr.Dataset,
    options: QuantificationOptions,
    decay: xr.Dataset | None = None,
    repeats: Sequence[xr.Dataset] | None = (),
    relaxations: Sequence[xr.Dataset] | None = (),
    *,
    regions: Regions = DEFAULT_REGIONS,
) -> list[Conclusion]:
    """Conclude on one measurement.

    Parameters
    ----------
    lines, spectrum : Dataset
        Both routes of the measurement (its first slice is quantified).
    options : QuantificationOptions
        Route, time of the correction, nominal composition.
    decay : Dataset, optional
        T2* [s] of the sample's regions; its first echo also tells whether the sample changed
        meanwhile.
    repeats : sequence of Dataset
        `ssbchar.nmr.lineshape.fit_lines` of other spectra of the same sample: whether it evolves.
    relaxations : sequence of Dataset
        `ssbchar.nmr.relaxation.fit_relaxation` of the same sample: T1 [s] for saturation.
    regions : Regions
        Windows that at least half of a region's lines must lie in [ppm].
    """
    unmeasured = lines.attrs.get("unmeasured", "")
    if unmeasured:
        return _conclude_unmeasured(lines, options, unmeasured)
    signal = select_first_slice(lines)
    windows = select_first_slice(spectrum)
    doubts = find_fit_doubts(lines)
    measured = QuantifiedSpectrum(
        routes={"lines": signal, "windows": windows},
        headline=options.route,
        misfits=_list_misfits(lines, signal, doubts),
        doubts=doubts,
        without_leakage=correct_window_leakage(windows.area, lines, spectrum),
        times=list_correction_times(lines),
        pulses={name: float(lines.attrs[f"pulse_{name[1]}"]) for name in ("p1", "p2")},
    )
    raw = _conclude_raw_fractions(measured)
    spectra = collect_spectra(lines, decay, repeats or ())
    drift = conclude_drift(spectra, options)
    evolves = any(row.verdict == Verdict.EVOLVING for row in drift)
    no_metal = explain_absence(lines, METAL, regions)
    saturation = find_saturation(lines, options.systematics, relaxations or ())
    corrected = conclude_corrected_fractions(
        relax_spectrum(measured, saturation),
        decay,
        options,
        evolves=evolves,
        no_metal=no_metal,
    )
    corrected = _tell_saturation(corrected, describe_correction(saturation))
    systematics = conclude_systematics(lines, options.systematics, no_metal, relaxations or ())
    alloyed = conclude_prelithiation(
        next(row for row in corrected if row.quantity == FRACTIONS[LI_SI]),
        options,
        no_metal,
        next((row for row in systematics if row.quantity == DIAMAGNETIC_SHARE), None),
        find_visibility(systematics),
    )
    alloyed += conclude_capacities(alloyed, options)
    t2 = [] if decay is None else _conclude_t2(decay, evolves=evolves)
    told = conclude_conditions(options) + conclude_metadata(lines)
    return raw + drift + corrected + t2 + alloyed + systematics + told


def _tell_saturation(rows: list[Conclusion], said: str) -> list[Conclusion]:
    """Return the corrected shares with a word on saturation in their method."""
    return [
        replace(row, method="; ".join(filter(None, [row.method, said])))
        if row.condition == "corrected" and row.quantity in FRACTIONS.values()
        else row
        for row in rows
    ]


def _conclude_unmeasured(
    lines: xr.Dataset, options: QuantificationOptions, reason: str
) -> list[Conclusion]:
    """Return the rows of a spectrum that a region lies outside of: no share, and why."""
    shares = [
        Conclusion(
            FRACTIONS[region],
            unit="percent",
            subject=region,
            condition=condition,
            verdict=Verdict.NOT_APPLICABLE,
            reason=reason,
        )
        for condition in ("raw", "corrected")
        for region in REGION_NAMES
    ]
    systematics = conclude_systematics(lines, options.systematics, reason)
    corrected = next(
        row for row in shares if (row.quantity, row.condition) == (FRACTIONS[LI_SI], "corrected")
    )
    alloyed = conclude_prelithiation(corrected, options, reason, None, find_visibility(systematics))
    alloyed += conclude_capacities(alloyed, options)
    told = conclude_conditions(options) + conclude_metadata(lines)
    return shares + alloyed + systematics + told


def _list_misfits(lines: xr.Dataset, signal: RegionSignal, doubts: Sequence[FitDoubt]) -> list[str]:
    """Return why the lines are no result of their own; empty where they are."""
    clipped = [CLIPPED] if lines.attrs.get("clipped") else []
    misfits = [MISFIT_REASON] if lines["verdict"].values[0] != Verdict.OK else []
    decisive = [doubt for doubt in doubts if doubt.decisive and is_relevant(doubt, signal)]
    return clipped + misfits + [doubt.reason for doubt in decisive]


def _conclude_raw_fractions(measured: QuantifiedSpectrum) -> list[Conclusion]:
    """Return the raw shares by the headline route, the routes' difference and the doubts of the fit
    as systematic, and all others."""
    shares = {route: signal.compute_shares() for route, signal in measured.routes.items()}
    of_windows = measured.without_leakage / measured.without_leakage.sum()
    value, stderr = shares[measured.headline]
    systematic = measured.find_systematic()
    rows = [] if measured.has_result else _bound_raw_fractions(measured)
    for r, region in enumerate(REGION_NAMES if measured.has_result else ()):
        number = decide_quantity(
            Estimate(
                value=100 * float(value[r]),
                stderr=100 * float(stderr[r]),
                systematic=100 * float(systematic[r]),
            ),
            lowest=0.0,
            highest=100.0,
        )
        verdict = number.verdict if measured.fits else Verdict.MISFIT
        rows.append(
            Conclusion(
                FRACTIONS[region],
                value=number.value,
                stderr=number.stderr,
                systematic=number.systematic,
                lower95=number.lower95,
                upper95=number.upper95,
                unit="percent",
                subject=region,
                condition="raw",
                verdict=verdict,
                reason="; ".join(measured.misfits),
                method=ROUTE_METHODS[measured.headline],
            )
        )
    for r, region in enumerate(REGION_NAMES):
        rows += [
            conclude_route_share(
                region,
                f"raw, {route}",
                float(share[r]),
                float(error[r]),
                method=ROUTE_METHODS[route],
            )
            for route, (share, error) in shares.items()
        ]
        rows.append(
            conclude_route_share(
                region,
                "raw, windows with tails",
                float(of_windows[r]),
                float(shares["windows"][1][r]),
                method="window integrals solved for the lines' tails",
            )
        )
    return rows


def _bound_raw_fractions(measured: QuantifiedSpectrum) -> list[Conclusion]:
    """Return the raw shares as the intervals that the admissible models leave, without values."""
    shares = [signal.compute_shares() for signal in measured.list_models()]
    rows = []
    for r, region in enumerate(REGION_NAMES):
        lower = min(share[r] - Z95 * stderr[r] for share, stderr in shares)
        upper = max(share[r] + Z95 * stderr[r] for share, stderr in shares)
        rows.append(
            Conclusion(
                FRACTIONS[region],
                lower95=100 * max(float(lower), 0.0),
                upper95=100 * min(float(upper), 1.0),
                unit="percent",
                subject=region,
                condition="raw",
                verdict=Verdict.NOT_APPLICABLE,
                reason="; ".join(measured.misfits),
                method="bounded by the models that the decay admits",
            )
        )
    return rows


def _conclude_t2(decay: xr.Dataset, *, evolves: bool) -> list[Conclusion]:
    """Return T2* of each region (a decay over echo delay is a T2; the source calls it T2*)."""
    rows = []
    axis = decay.attrs.get("decay_axis", "")
    for region in decay["region"].values:
        law = decay.sel(region=region)
        verdict, reason = Verdict(str(law["verdict"].values)), str(law["reason"].values)
        good = verdict in USABLE_LAWS
        if good and evolves:
            verdict = Verdict.DOUBTFUL
            reason = "; ".join(filter(None, ["the sample evolves during the measurement", reason]))
        rows.append(
            Conclusion(
                "t2_star",
                value=float(law["t2_star"]) if good else None,
                stderr=float(law["t2_star_stderr"]) if good else None,
                systematic=float(law["t2_star_systematic"]) if good else None,
                unit="s",
                subject=str(region),
                verdict=verdict,
                reason=reason,
                method=f"{_describe_law(law)}, over t = {axis}; "
                "over echo delay this is a T2 (the source: T2*)",
            )
        )
    return rows


def _describe_law(law: xr.Dataset) -> str:
    """Return the decay law of a region as a formula."""
    share = float(law["slow_share"]) if "slow_share" in law else 0.0
    if share > 0:
        return f"I0 [(1 - p) exp(-t/T) + p exp(-t/T')], p = {share:.3g}"
    return f"I0 exp(-(t/T)^b), b = {float(law['exponent']):.3g}"


def measure_leakage(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of pure Li's signal that reads as Li-Si [percent], with its upper limit.

    Parameters
    ----------
    lines : Dataset
        `ssbchar.nmr.lineshape.fit_lines` of pure Li.
    """
    unmeasured = lines.attrs.get("unmeasured", "")
    if unmeasured:
        leak = Conclusion(
            "li_si_leak",
            unit="percent",
            subject=LI_SI,
            condition="pure Li",
            verdict=Verdict.NOT_APPLICABLE,
            reason=unmeasured,
        )
        return [leak, *conclude_metadata(lines)]
    share, stderr = select_first_slice(lines).compute_shares()
    seen = (lines["region_of"].values == LI_SI) & (lines["seen"].values > 0)
    named = zip(lines["shift"].values[seen], lines["assignment"].values[seen], strict=True)
    listed = ", ".join(f"{shift:.1f} ppm {name}" for shift, name in named)
    return [
        Conclusion(
            "li_si_leak",
            value=100 * share[1],
            stderr=100 * stderr[1],
            unit="percent",
            subject=LI_SI,
            condition="pure Li",
            lower95=0.0,
            upper95=100 * float(max(share[1], 0.0) + ROUNDED_ONE_SIDED_95 * stderr[1]),
            verdict=Verdict.UPPER_LIMIT,
            method="lines fitted to the decay of pure Li",
            reason=f"lines there: {listed or 'none seen'}",
        ),
        *conclude_metadata(lines),
    ]


def conclude_metadata(lines: xr.Dataset) -> list[Conclusion]:
    """Return a row that names the contradictions in the experiment's metadata; none where they
    agree.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`, which carries ``conflicts`` (JSON list of str).
    """
    conflicts = json.loads(lines.attrs.get("conflicts", "[]"))
    if not conflicts:
        return []
    return [
        Conclusion(
            "metadata_conflicts",
            value=float(len(conflicts)),
            unit="1",
            subject="sample",
            verdict=Verdict.CONFLICT,
            reason="; ".join(conflicts),
            method="parameters of the experiment against each other and the title",
        )
    ]
