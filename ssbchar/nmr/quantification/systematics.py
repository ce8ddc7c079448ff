"""Rows for systematics of the acquisition: skin effect, echo efficiency, saturation, diamagnetic
Li; of these only saturation by a known T1 is applied to corrected fractions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.lineshape.line_status import Shape
from ssbchar.nmr.quantification.echo_efficiency import SolidEcho, scan_efficiency_ratio
from ssbchar.nmr.quantification.fit_doubts import probability_of_hidden_signal
from ssbchar.nmr.quantification.options import SystematicsOptions
from ssbchar.nmr.quantification.saturation import conclude_saturation, find_saturation
from ssbchar.nmr.quantification.skin_effect import (
    depth_from_resistivity,
    integrate_visible_signal,
    share_from_diameters,
)
from ssbchar.nmr.quantification.window_leakage import weigh_lines
from ssbchar.nmr.regions import LI_SI, METAL
from ssbchar.nmr.transform.chemical_shift import offset_from_shift
from ssbchar.statistics import ROUNDED_ONE_SIDED_95
from ssbchar.verdict import Verdict

SCANNED = 11
"""Particle sizes, and couplings, that are gone through."""
VISIBLE_SHARE, EFFICIENCY_RATIO = "visible_share", "echo_efficiency_ratio"
DIAMAGNETIC_SHARE = "diamagnetic_share"
LEAST_PROBABILITY = 0.01
"""Lines that are less likely to be a salt are not named [1]."""
OF_SATELLITES = 1.5
"""Area of both satellites of a static powder over that of its central transition, 6 : 4 (spin 3/2)
[1]."""
OF_METAL = {VISIBLE_SHARE: "skin effect", EFFICIENCY_RATIO: "over Li-Si"}
"""Quantities of Li metal, with their condition."""


def conclude_systematics(
    lines: xr.Dataset,
    options: SystematicsOptions,
    no_metal: str | None = None,
    relaxations: Sequence[xr.Dataset] = (),
) -> list[Conclusion]:
    """Return the systematic rows of one measurement.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    options : SystematicsOptions
        Particle sizes [m], couplings [Hz], T1 [s].
    no_metal : str, optional
        Why there is no line of Li metal, None where there is one: skin effect and echo efficiency
        are then N/A.
    relaxations : sequence of Dataset
        From `ssbchar.nmr.relaxation.fit_relaxation`, of the same sample, for T1 [s].
    """
    saturation = find_saturation(lines, options, relaxations)
    if no_metal is None:
        of_metal = [_conclude_skin_effect(lines, options), _conclude_efficiency(lines, options)]
    else:
        of_metal = [
            Conclusion(
                quantity,
                unit="1",
                subject=METAL,
                condition=condition,
                verdict=Verdict.NOT_APPLICABLE,
                reason=no_metal,
            )
            for quantity, condition in OF_METAL.items()
        ]
    return [*of_metal, *conclude_saturation(saturation), *_conclude_diamagnetic(lines)]


def find_visibility(systematics: Sequence[Conclusion]) -> tuple[float, float] | None:
    """Return the range of the signal per Li that metal gives over Li-Si, by skin effect and echo.

    The smallest and largest particle, and the smallest and largest coupling, bound each factor; the
    product of the bounds bounds both together.

    Parameters
    ----------
    systematics : sequence of Conclusion
        From `conclude_systematics` [1].

    Returns
    -------
    tuple of float or None
        Lowest and highest [dimensionless]; None where a factor is unknown.
    """
    factors = [row for row in systematics if row.quantity in OF_METAL]
    low, high = 1.0, 1.0
    for row in factors:
        if row.lower95 is None or row.upper95 is None or row.lower95 <= 0:
            return None
        low, high = low * row.lower95, high * row.upper95
    return (low, high) if len(factors) == len(OF_METAL) else None


def _convert_flips(options: SystematicsOptions) -> tuple[float, float]:
    """Return the flip angles of the two pulses [rad]."""
    first, second = (float(np.radians(angle)) for angle in options.flip_angles)
    return first, second


def _conclude_skin_effect(lines: xr.Dataset, options: SystematicsOptions) -> Conclusion:
    frequency = float(lines.attrs["sfo1"]) * 1e6
    depth = float(depth_from_resistivity(options.resistivity, frequency))
    flips = _convert_flips(options)
    sizes = np.linspace(min(options.diameters), max(options.diameters), SCANNED)
    single = np.abs(integrate_visible_signal(sizes, depth, flips))
    smallest, largest = 1e6 * sizes[0], 1e6 * sizes[-1]
    return Conclusion(
        VISIBLE_SHARE,
        value=share_from_diameters(sizes, np.ones(sizes.size), depth, flips),
        lower95=float(single.min()),
        upper95=float(single.max()),
        unit="1",
        subject=METAL,
        condition=OF_METAL[VISIBLE_SHARE],
        verdict=Verdict.NOT_APPLIED,
        reason=f"skin depth {1e6 * depth:.1f} um; spheres {smallest:.0f} to {largest:.0f} um",
        method="rf field in a conducting sphere, echo by reciprocity",
    )


def _conclude_efficiency(lines: xr.Dataset, options: SystematicsOptions) -> Conclusion:
    pulse, delay = float(lines.attrs["pulse_1"]), float(lines.attrs.get("echo_delay", np.nan))
    if pulse <= 0 or not np.isfinite(delay):
        return Conclusion(
            EFFICIENCY_RATIO,
            subject=METAL,
            unit="1",
            verdict=Verdict.NOT_APPLICABLE,
            reason="pulse length or echo delay unknown",
        )
    flips = _convert_flips(options)
    echo = SolidEcho(rf=flips[0] / (2 * np.pi * pulse), flips=flips, delay=delay)
    metal, li_si = (_find_centre(lines, region) for region in (METAL, LI_SI))
    couplings = np.linspace(*options.couplings, SCANNED)
    low, high = scan_efficiency_ratio((metal, li_si), couplings, echo)
    first, last = (1e-3 * coupling for coupling in options.couplings)
    return Conclusion(
        EFFICIENCY_RATIO,
        value=float(np.sqrt(low * high)),
        lower95=low,
        upper95=high,
        unit="1",
        subject=METAL,
        condition=OF_METAL[EFFICIENCY_RATIO],
        verdict=Verdict.NOT_APPLIED,
        reason=f"C_Q of Li-Si {first:g} to {last:g} kHz, offsets {1e-3 * metal:.0f} and "
        f"{1e-3 * li_si:.0f} kHz, rf {1e-3 * echo.rf:.0f} kHz",
        method="density matrix of spin 3/2, powder average",
    )


def _find_centre(lines: xr.Dataset, region: str) -> float:
    """Return the mean frequency of a region's lines against the carrier [Hz]."""
    weight = weigh_lines(lines, region)
    shift = float(weight @ lines["shift"].values / weight.sum())
    return float(offset_from_shift(shift, lines.attrs["sfo1"], lines.attrs["sf"]))


def _probability_of_satellites(lines: xr.Dataset) -> float:
    """Return the probability [1] that plain lines have satellites: one where a model with them
    describes the decays nearly as well or better, else that of what the residual asks for."""
    shapes = lines["shape"].values.tolist() if "shape" in lines else []
    has_alternative = int(lines.attrs.get("satellite_models", 0)) > 0 and Shape.POWDER not in shapes
    return 1.0 if has_alternative else probability_of_hidden_signal(lines)


def _conclude_diamagnetic(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of the Li-Si region in lines that may be salts and not Li-Si, with an upper
    limit.

    Each line counts by its probability p: the share is sum a p / sum a, and its variance holds p (1
    - p) of every line beside the areas' own errors. As far as the residual asks for satellites a
    line of a salt may be its central transition alone: the limit counts its satellites, too.
    """
    region = (lines["region_of"].values == LI_SI) & (lines["seen"].values > 0)
    area, stderr = lines["area"].values[0][region], lines["area_stderr"].values[0][region]
    total = area.sum()
    if total <= 0:
        return []
    probability = lines["salt_probability"].values[region]
    share = float(area @ probability / total)
    of_naming = area**2 * probability * (1 - probability)
    error = float(np.sqrt(np.sum(of_naming + (probability * stderr) ** 2)) / total)
    most = (share + ROUNDED_ONE_SIDED_95 * error) * (
        1 + OF_SATELLITES * _probability_of_satellites(lines)
    )
    shifts = lines["shift"].values[region]
    named = [
        f"{shift:.1f} ppm ({100 * p:.0f} %)"
        for shift, p in zip(shifts, probability, strict=True)
        if p > LEAST_PROBABILITY
    ]
    return [
        Conclusion(
            DIAMAGNETIC_SHARE,
            value=100 * share,
            lower95=0.0,
            upper95=100 * float(min(most, 1.0)),
            unit="percent",
            subject=LI_SI,
            condition="at most",
            verdict=Verdict.UPPER_LIMIT,
            reason=f"lines that may be salts, with their probability: {', '.join(named) or 'none'}",
            method="components of the time-domain fit, by their shift and width",
        )
    ]
