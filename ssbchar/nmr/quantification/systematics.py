"""Rows for what the acquisition hides: skin effect, echo efficiency, saturation, diamagnetic Li;
none is applied."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.lineshape.assignment import are_li_si
from ssbchar.nmr.quantification.echo_efficiency import SolidEcho, scan_efficiency_ratio
from ssbchar.nmr.quantification.options import SystematicsOptions
from ssbchar.nmr.quantification.skin_effect import (
    depth_from_resistivity,
    integrate_visible_signal,
    share_from_diameters,
)
from ssbchar.nmr.regions import LI_SI, METAL
from ssbchar.nmr.transform.chemical_shift import offset_from_shift

NOT_APPLIED = "not applied"


def conclude_systematics(
    lines: xr.Dataset, options: SystematicsOptions, no_metal: str = ""
) -> list[Conclusion]:
    """Return the systematic rows of one measurement.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    options : SystematicsOptions
        Particle sizes, couplings, T1.
    no_metal : str
        Why there is no line of Li metal, empty where there is one: skin effect and echo efficiency
        are then N/A.
    """
    if no_metal:
        of_metal = [
            Conclusion(
                name, unit="1", subject=METAL, condition=condition, verdict="N/A", reason=no_metal
            )
            for name, condition in (
                ("visible_share", "skin effect"),
                ("echo_efficiency_ratio", "over Li-Si"),
            )
        ]
    else:
        of_metal = [*_skin(lines, options), *_efficiency(lines, options)]
    return [*of_metal, *_saturation(lines, options), *_diamagnetic(lines)]


def _skin(lines: xr.Dataset, options: SystematicsOptions) -> list[Conclusion]:
    frequency = float(lines.attrs["sfo1"]) * 1e6
    depth = float(depth_from_resistivity(options.resistivity, frequency))
    flips = (float(np.radians(options.flip_angles[0])), float(np.radians(options.flip_angles[1])))
    sizes = np.linspace(min(options.diameters), max(options.diameters), 11)
    ends = np.abs(integrate_visible_signal(sizes, depth, flips))
    return [
        Conclusion(
            "visible_share",
            value=share_from_diameters(sizes, np.ones(sizes.size), depth, flips),
            lower95=float(ends.min()),
            upper95=float(ends.max()),
            unit="1",
            subject=METAL,
            condition="skin effect",
            verdict=NOT_APPLIED,
            reason=f"skin depth {1e6 * depth:.1f} um; spheres {1e6 * sizes[0]:.0f} to {1e6 * sizes[-1]:.0f} um",
            method="rf field in a conducting sphere, echo by reciprocity",
        )
    ]


def _efficiency(lines: xr.Dataset, options: SystematicsOptions) -> list[Conclusion]:
    pulse, delay = float(lines.attrs["pulse_1"]), float(lines.attrs.get("echo_delay", np.nan))
    if pulse <= 0 or not np.isfinite(delay):
        reason = "pulse length or echo delay unknown"
        return [
            Conclusion(
                "echo_efficiency_ratio", subject=METAL, unit="1", verdict="N/A", reason=reason
            )
        ]
    flips = (float(np.radians(options.flip_angles[0])), float(np.radians(options.flip_angles[1])))
    echo = SolidEcho(flips[0] / (2 * np.pi * pulse), flips, delay)
    offsets = tuple(
        float(offset_from_shift(_centre(lines, r), lines.attrs["sfo1"], lines.attrs["sf"]))
        for r in (METAL, LI_SI)
    )
    low, high = scan_efficiency_ratio(
        (offsets[0], offsets[1]), np.linspace(*options.couplings, 11), echo
    )
    return [
        Conclusion(
            "echo_efficiency_ratio",
            value=float(np.sqrt(low * high)),
            lower95=low,
            upper95=high,
            unit="1",
            subject=METAL,
            condition="over Li-Si",
            verdict=NOT_APPLIED,
            reason=f"C_Q of Li-Si {1e-3 * options.couplings[0]:g} to {1e-3 * options.couplings[1]:g} kHz, "
            f"offsets {1e-3 * offsets[0]:.0f} and {1e-3 * offsets[1]:.0f} kHz, rf {1e-3 * echo.rf:.0f} kHz",
            method="density matrix of spin 3/2, powder average",
        )
    ]


def _centre(lines: xr.Dataset, region: str) -> float:
    mine = lines["region_of"].values == region
    weight = np.where(mine, lines["area"].values[0], 0.0)
    weight = weight if weight.sum() > 0 else mine.astype(float)
    return float(weight @ lines["shift"].values / weight.sum())


def saturation_from_t1(recycle: float, t1: float, cosine: float) -> float:
    """Return the steady-state signal over the relaxed one, (1 - E)/(1 - E cos), E = exp(-recycle /
    T1).

    `cosine` is what a pass leaves of the longitudinal magnetisation, the product of the pulses'
    cosines (R. R. Ernst & W. A. Anderson, Rev. Sci. Instrum. 37 (1966) 93, for one pulse).
    """
    e = float(np.exp(-recycle / t1))
    return (1 - e) / (1 - e * cosine)


def _saturation(lines: xr.Dataset, options: SystematicsOptions) -> list[Conclusion]:
    recycle = float(lines.attrs.get("recycle_delay", 0.0)) + float(
        lines.attrs.get("acquisition_time", 0.0)
    )
    cosine = float(np.prod(np.cos(np.radians(options.flip_angles))))
    if float(lines.attrs.get("recycle_delay", 0.0)) <= 0:
        return []
    found = []
    for region, t1 in ((METAL, options.t1_metal), (LI_SI, options.t1_li_si)):
        if t1:
            value = saturation_from_t1(recycle, t1, cosine)
            found.append(
                Conclusion(
                    "saturation",
                    value=value,
                    unit="1",
                    subject=region,
                    condition=f"D1 + acquisition {recycle:.4g} s",
                    verdict=NOT_APPLIED,
                    reason=f"T1 {t1:g} s",
                    method="steady state of repeated pulses",
                )
            )
    if not found:
        limit = recycle / np.log((1 - 0.99 * cosine) / 0.01)
        found.append(
            Conclusion(
                "t1_limit",
                value=float(limit),
                unit="s",
                subject="sample",
                condition=f"D1 + acquisition {recycle:.4g} s",
                verdict="unknown T1",
                reason="above this T1 a region loses more than 1 % to saturation",
            )
        )
    return found


def _diamagnetic(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of the Li-Si region in lines that may be salts and not Li-Si, with an upper
    limit."""
    mine = (lines["region_of"].values == LI_SI) & (lines["seen"].values > 0)
    doubtful = mine & ~are_li_si(lines["assignment"].values)
    area, stderr = lines["area"].values[0], lines["area_stderr"].values[0]
    total = area[mine].sum()
    if total <= 0:
        return []
    share, error = area[doubtful].sum() / total, np.sqrt(np.sum(stderr[doubtful] ** 2)) / total
    names = ", ".join(
        f"{d:.1f} ppm {a}"
        for d, a in zip(
            lines["shift"].values[doubtful], lines["assignment"].values[doubtful], strict=True
        )
    )
    return [
        Conclusion(
            "diamagnetic_share",
            value=100 * float(share),
            lower95=0.0,
            upper95=100 * float(min(share + 1.645 * error, 1.0)),
            unit="percent",
            subject=LI_SI,
            condition="at most",
            verdict="upper limit",
            reason=f"lines that need not be Li-Si: {names or 'none'}",
            method="components of the time-domain fit",
        )
    ]
