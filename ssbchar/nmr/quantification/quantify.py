"""Conclusions of one sample: Li-metal and Li-Si fractions, raw and back-corrected, and the share of
Li that alloyed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification import sample_drift
from ssbchar.nmr.quantification.corrected_fractions import conclude_corrected_fractions
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import conclude_prelithiation
from ssbchar.nmr.quantification.region_areas import (
    FRACTIONS,
    ROUTE_METHODS,
    RegionSignal,
    explain_absence,
    select_first_slice,
)
from ssbchar.nmr.quantification.systematics import conclude_systematics
from ssbchar.nmr.quantification.window_leakage import correct_window_leakage
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, Regions
from ssbchar.typing import Array


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
        T2* of the sample's regions; its first echo also tells whether the sample changed meanwhile.
    repeats : sequence of Dataset
        `lines.fit` of other spectra of the same sample: whether it evolves.
    regions : Regions
        Windows that at least half of a region's lines must lie in.
    """
    routes = {"lines": select_first_slice(lines), "windows": select_first_slice(spectrum)}
    tails = correct_window_leakage(routes["windows"].area, lines, spectrum)
    found = _raw(routes, tails, options, str(lines["verdict"].values[0]))
    drift = sample_drift.conclude_drift(
        sample_drift.collect_spectra(lines, decay, repeats or ()),
        options.evolution_p,
        options.intensity_scatter,
    )
    moves = bool(drift) and drift[0].verdict == "evolving"
    no_metal = explain_absence(lines, METAL, regions)
    shares = conclude_corrected_fractions(routes, decay, lines, options, moves, no_metal)
    li_si = next(c for c in shares if c.quantity == FRACTIONS[LI_SI])
    if decay is not None:
        shares += _t2(decay)
    unseen = conclude_systematics(lines, options.systematics, no_metal)
    doubtful = next((c for c in unseen if c.quantity == "diamagnetic_share"), None)
    alloyed = conclude_prelithiation(li_si, options, no_metal, doubtful)
    return found + drift + shares + alloyed + unseen + conclude_metadata(lines)


def _raw(
    routes: dict[str, RegionSignal], tails: Array, options: QuantificationOptions, fit_verdict: str
) -> list[Conclusion]:
    """Return the raw shares by the headline route, with half the routes' difference as systematic,
    and all others."""
    value = {k: v.shares() for k, v in routes.items()}
    tail = tails / tails.sum()
    other = tail if options.route == "lines" else value["lines"][0]
    shift = np.abs(value[options.route][0] - other) / 2
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        name = FRACTIONS[region]
        found.append(
            Conclusion(
                name,
                value=100 * value[options.route][0][r],
                stderr=100 * value[options.route][1][r],
                systematic=100 * float(shift[r]),
                unit="percent",
                subject=region,
                condition="raw",
                verdict=fit_verdict,
                reason=""
                if fit_verdict == "ok"
                else "the lines do not describe the decay within its noise",
                method=ROUTE_METHODS[options.route],
            )
        )
        for route, (share, stderr) in value.items():
            found.append(
                Conclusion(
                    name,
                    value=100 * share[r],
                    stderr=100 * stderr[r],
                    unit="percent",
                    subject=region,
                    condition=f"raw, {route}",
                    method=ROUTE_METHODS[route],
                )
            )
        found.append(
            Conclusion(
                name,
                value=100 * float(tail[r]),
                stderr=100 * value["windows"][1][r],
                unit="percent",
                subject=region,
                condition="raw, windows with tails",
                method="window integrals solved for the lines' tails",
            )
        )
    return found


def _t2(decay: xr.Dataset) -> list[Conclusion]:
    """Return T2* of each region (a decay over echo delay is a T2; the source calls it T2*)."""
    rows = []
    for r, region in enumerate(decay["region"].values):
        good = str(decay["verdict"].values[r]) == "ok"
        rows.append(
            Conclusion(
                "t2_star",
                value=float(decay["t2_star"].values[r]) if good else None,
                stderr=float(decay["t2_star_stderr"].values[r]) if good else None,
                unit="s",
                subject=str(region),
                verdict=str(decay["verdict"].values[r]),
                reason=str(decay["reason"].values[r]),
                method=f"I0 exp(-(t/T)^b), b = {float(decay['exponent'].values[r]):.3g}, "
                f"over t = {decay.attrs.get('decay_axis', '')}; over echo delay this is a T2 (the source: T2*)",
            )
        )
    return rows


def measure_leakage(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of pure Li's signal that reads as Li-Si, with its upper limit.

    Parameters
    ----------
    lines : Dataset
        `lines.fit` of pure Li.
    """
    share, stderr = select_first_slice(lines).shares()
    there = (lines["region_of"].values == LI_SI) & (lines["seen"].values > 0)
    named = zip(lines["shift"].values[there], lines["assignment"].values[there], strict=True)
    return [
        Conclusion(
            "li_si_leak",
            value=100 * share[1],
            stderr=100 * stderr[1],
            unit="percent",
            subject=LI_SI,
            condition="pure Li",
            lower95=0.0,
            upper95=100 * float(max(share[1], 0.0) + 1.645 * stderr[1]),
            verdict="upper limit",
            method="lines fitted to the decay of pure Li",
            reason="lines there: "
            + (", ".join(f"{d:.1f} ppm {name}" for d, name in named) or "none seen"),
        ),
        *conclude_metadata(lines),
    ]


def conclude_metadata(lines: xr.Dataset) -> list[Conclusion]:
    """Return a row that says what the experiment's metadata state against each other; none where
    they agree.

    Parameters
    ----------
    lines : Dataset
        `lines.fit`, which carries ``conflicts``.
    """
    found = json.loads(lines.attrs.get("conflicts", "[]"))
    if not found:
        return []
    return [
        Conclusion(
            "metadata_conflicts",
            value=float(len(found)),
            unit="1",
            subject="sample",
            verdict="conflict",
            reason="; ".join(found),
            method="parameters of the experiment against each other and the title",
        )
    ]
