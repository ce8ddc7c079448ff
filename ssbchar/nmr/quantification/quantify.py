"""Conclusions of one sample: Li-metal and Li-Si fractions, raw and back-corrected, and the share of
Li that alloyed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.corrected_fractions import (
    MISFIT_REASON,
    QuantifiedSpectrum,
    conclude_corrected_fractions,
    list_correction_times,
)
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import conclude_prelithiation
from ssbchar.nmr.quantification.region_areas import (
    FRACTIONS,
    ROUTE_METHODS,
    explain_absence,
    select_first_slice,
)
from ssbchar.nmr.quantification.sample_drift import collect_spectra, conclude_drift
from ssbchar.nmr.quantification.systematics import (
    DIAMAGNETIC_SHARE,
    conclude_systematics,
)
from ssbchar.nmr.quantification.window_leakage import correct_window_leakage
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, REGION_NAMES, Regions
from ssbchar.statistics import ROUNDED_ONE_SIDED_95
from ssbchar.typing import Array
from ssbchar.verdict import Verdict


def quantify_fractions(
    lines: xr.Dataset,
    spectrum: xr.Dataset,
    options: QuantificationOptions,
    decay: xr.Dataset | None = None,
    repeats: Sequence[xr.Dataset] | None = (),
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
    regions : Regions
        Windows that at least half of a region's lines must lie in [ppm].
    """
    measured = QuantifiedSpectrum(
        routes={"lines": select_first_slice(lines), "windows": select_first_slice(spectrum)},
        headline=options.route,
        fit_verdict=Verdict(str(lines["verdict"].values[0])),
        times=list_correction_times(lines),
    )
    without_leakage = correct_window_leakage(measured.routes["windows"].area, lines, spectrum)
    raw = _conclude_raw_fractions(measured, without_leakage)
    spectra = collect_spectra(lines, decay, repeats or ())
    drift = conclude_drift(spectra, options.evolution_p, options.intensity_scatter)
    no_metal = explain_absence(lines, METAL, regions)
    corrected = conclude_corrected_fractions(
        measured,
        decay,
        options,
        evolves=any(row.verdict == Verdict.EVOLVING for row in drift),
        no_metal=no_metal,
    )
    systematics = conclude_systematics(lines, options.systematics, no_metal)
    alloyed = conclude_prelithiation(
        next(row for row in corrected if row.quantity == FRACTIONS[LI_SI]),
        options,
        no_metal,
        next((row for row in systematics if row.quantity == DIAMAGNETIC_SHARE), None),
    )
    t2 = [] if decay is None else _conclude_t2(decay)
    return raw + drift + corrected + t2 + alloyed + systematics + conclude_metadata(lines)


def _conclude_raw_fractions(
    measured: QuantifiedSpectrum, without_leakage: Array
) -> list[Conclusion]:
    """Return the raw shares by the headline route, with half the routes' difference as systematic,
    and all others."""
    shares = {route: signal.compute_shares() for route, signal in measured.routes.items()}
    of_windows = without_leakage / without_leakage.sum()
    value, stderr = shares[measured.headline]
    match measured.headline:
        case "lines":
            other = of_windows
        case "windows":
            other = shares["lines"][0]
    systematic = np.abs(value - other) / 2
    rows = []
    for r, region in enumerate(REGION_NAMES):
        rows.append(
            Conclusion(
                FRACTIONS[region],
                value=100 * value[r],
                stderr=100 * stderr[r],
                systematic=100 * float(systematic[r]),
                unit="percent",
                subject=region,
                condition="raw",
                verdict=measured.fit_verdict,
                reason="" if measured.fits else MISFIT_REASON,
                method=ROUTE_METHODS[measured.headline],
            )
        )
        rows += [
            Conclusion(
                FRACTIONS[region],
                value=100 * share[r],
                stderr=100 * error[r],
                unit="percent",
                subject=region,
                condition=f"raw, {route}",
                method=ROUTE_METHODS[route],
            )
            for route, (share, error) in shares.items()
        ]
        rows.append(
            Conclusion(
                FRACTIONS[region],
                value=100 * float(of_windows[r]),
                stderr=100 * shares["windows"][1][r],
                unit="percent",
                subject=region,
                condition="raw, windows with tails",
                method="window integrals solved for the lines' tails",
            )
        )
    return rows


def _conclude_t2(decay: xr.Dataset) -> list[Conclusion]:
    """Return T2* of each region (a decay over echo delay is a T2; the source calls it T2*)."""
    rows = []
    axis = decay.attrs.get("decay_axis", "")
    for region in decay["region"].values:
        law = decay.sel(region=region)
        verdict = Verdict(str(law["verdict"].values))
        good = verdict == Verdict.OK
        rows.append(
            Conclusion(
                "t2_star",
                value=float(law["t2_star"]) if good else None,
                stderr=float(law["t2_star_stderr"]) if good else None,
                unit="s",
                subject=str(region),
                verdict=verdict,
                reason=str(law["reason"].values),
                method=f"I0 exp(-(t/T)^b), b = {float(law['exponent']):.3g}, over t = {axis}; "
                "over echo delay this is a T2 (the source: T2*)",
            )
        )
    return rows


def measure_leakage(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of pure Li's signal that reads as Li-Si [percent], with its upper limit.

    Parameters
    ----------
    lines : Dataset
        `ssbchar.nmr.lineshape.fit_lines` of pure Li.
    """
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
