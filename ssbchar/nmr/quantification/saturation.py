"""Saturation of a signal by its recycle delay, from T1: what the shares lack, and their correction.

A region whose T1 is long against the time between passes shows less than its Li. Where T1 of both
regions is known, by a relaxation series of the sample or by options, areas are divided by the
steady state before shares are corrected; else shares hold for the recycle delay, and the rows say
from which T1 on that matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.corrected_fractions import QuantifiedSpectrum
from ssbchar.nmr.quantification.options import SystematicsOptions
from ssbchar.nmr.quantification.region_areas import RegionSignal
from ssbchar.nmr.regions import LI_SI, METAL, REGION_NAMES
from ssbchar.verdict import Verdict

EVEN = 1 / np.sqrt(12)
"""Standard deviation of an even distribution over its width [1]."""
MATTERS = 0.01
"""Loss of signal from which on saturation is told [1]."""


@dataclass(frozen=True, kw_only=True)
class KnownT1:
    """T1 of a region, and where it comes from."""

    value: float
    """[s]"""
    stderr: float
    """Statistical and systematic [s]; 0 of an option."""
    origin: str


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """What the passes of an acquisition leave of each region's signal."""

    recycle: float
    """Time between passes [s]; 0 where it is not stated."""
    cosine: float
    """What a pass leaves of the longitudinal magnetisation, by the flip angles [1]."""
    t1: tuple[KnownT1 | None, ...]
    """Of each region, in the order of `REGION_NAMES`."""

    @property
    def is_known(self) -> bool:
        """Whether the shares can be corrected."""
        return self.recycle > 0 and all(one is not None for one in self.t1)

    def find_factor(self, region: int) -> tuple[float, float, float]:
        """Return the signal over the relaxed one, its standard error from T1, and that from the
        flip angles, which leave something between nothing and `cosine` [dimensionless]."""
        known = self.t1[region]
        assert known is not None
        factor = saturation_from_t1(self.recycle, known.value, self.cosine)
        longer = saturation_from_t1(self.recycle, known.value + known.stderr, self.cosine)
        shorter = saturation_from_t1(
            self.recycle, max(known.value - known.stderr, 1e-3 * known.value), self.cosine
        )
        unknown = abs(factor - saturation_from_t1(self.recycle, known.value, 0.0))
        return factor, abs(shorter - longer) / 2, EVEN * unknown


def saturation_from_t1(recycle: float, t1: float, cosine: float) -> float:
    """Return the steady-state signal over the relaxed one, (1 - E)/(1 - E cos), E = exp(-recycle /
    T1).

    Parameters
    ----------
    recycle : float
        Time between passes [s].
    t1 : float
        T1 [s].
    cosine : float
        What a pass leaves of the longitudinal magnetisation, the product of the pulses' cosines (R.
        R. Ernst & W. A. Anderson, Rev. Sci. Instrum. 37 (1966) 93, for one pulse).

    Returns
    -------
    float
        [dimensionless].
    """
    e = float(np.exp(-recycle / t1))
    return (1 - e) / (1 - e * cosine)


def find_saturation(
    lines: xr.Dataset, options: SystematicsOptions, relaxations: Sequence[xr.Dataset] = ()
) -> Saturation:
    """Return what is known of the saturation of an acquisition.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`, with its recycle delay and acquisition time [s].
    options : SystematicsOptions
        Flip angles [degree]; T1 [s] where no series tells it.
    relaxations : sequence of Dataset
        From `ssbchar.nmr.relaxation.fit_relaxation`, of the same sample; spin locks tell no T1.
    """
    delay = float(lines.attrs.get("recycle_delay", 0.0))
    recycle = delay + float(lines.attrs.get("acquisition_time", 0.0)) if delay > 0 else 0.0
    given = {METAL: options.t1_metal, LI_SI: options.t1_li_si}
    t1 = []
    for region in REGION_NAMES:
        measured = _find_measured(region, relaxations)
        option = given[region]
        if measured is None and option:
            measured = KnownT1(value=option, stderr=0.0, origin="by option, without error")
        t1.append(measured)
    cosines = np.cos(np.radians(options.flip_angles))
    is_echo = np.isfinite(float(lines.attrs.get("echo_delay", np.nan)))
    # What is no echo of two pulses is taken as one pulse.
    cosine = float(np.prod(cosines)) if is_echo else float(cosines[0])
    return Saturation(recycle=recycle, cosine=cosine, t1=tuple(t1))


def _find_measured(region: str, relaxations: Sequence[xr.Dataset]) -> KnownT1 | None:
    """Return the surest T1 that recoveries of the sample tell; None where there is none, or times
    are distributed (a stretched recovery), so that no single one gives the steady state."""
    found = []
    for relaxation in relaxations:
        law = relaxation.sel(region=region)
        verdict = str(law["verdict"].values)
        is_usable = verdict in (Verdict.OK, Verdict.DOUBTFUL) and float(law["exponent"]) == 1
        if relaxation.attrs["kind"] == "recovery" and is_usable:
            error = float(np.hypot(law["t1_stderr"], law["t1_systematic"]))
            name = str(relaxation.attrs.get("measurement", "its recovery"))
            found.append(KnownT1(value=float(law["t1"]), stderr=error, origin=f"of {name}"))
    return min(found, key=lambda one: one.stderr / one.value, default=None)


def relax_spectrum(spectrum: QuantifiedSpectrum, saturation: Saturation) -> QuantifiedSpectrum:
    """Return a spectrum as it would be after a long recycle delay, with the errors of T1 and of the
    flip angles; as it is where T1 of a region is not known.

    Parameters
    ----------
    spectrum : QuantifiedSpectrum
    saturation : Saturation
    """
    if not saturation.is_known:
        return spectrum
    factors = [saturation.find_factor(r) for r in range(len(REGION_NAMES))]
    factor, of_t1, of_flips = (np.array(part) for part in zip(*factors, strict=True))

    def relax(signal: RegionSignal) -> RegionSignal:
        area = signal.area / factor
        # Both regions have the same flip angles: their parts go together.
        together = area * of_flips / factor
        own = (area * of_t1 / factor) ** 2
        covariance = signal.covariance / np.outer(factor, factor)
        covariance = covariance + np.diag(own) + np.outer(together, together)
        return RegionSignal(area=area, covariance=covariance)

    return replace(
        spectrum,
        routes={name: relax(signal) for name, signal in spectrum.routes.items()},
        doubts=[replace(doubt, area=doubt.area / factor) for doubt in spectrum.doubts],
        without_leakage=spectrum.without_leakage / factor,
    )


def describe_correction(saturation: Saturation) -> str:
    """Return what the corrected shares have to do with saturation, in words; empty where no recycle
    delay is stated."""
    if saturation.recycle <= 0:
        return ""
    if saturation.is_known:
        said = " and ".join(
            f"{saturation.find_factor(r)[0]:.3g} ({region})"
            for r, region in enumerate(REGION_NAMES)
        )
        return f"areas over their steady states {said}"
    unknown = [region for region, t1 in zip(REGION_NAMES, saturation.t1, strict=True) if t1 is None]
    return f"not corrected for saturation: no single T1 of {' and '.join(unknown)} is known"


def conclude_saturation(saturation: Saturation) -> list[Conclusion]:
    """Return the saturation of each region whose T1 is known, and else the T1 that would matter.

    Parameters
    ----------
    saturation : Saturation
    """
    if saturation.recycle <= 0:
        return []
    condition = f"D1 + acquisition {saturation.recycle:.4g} s"
    rows = []
    for r, region in enumerate(REGION_NAMES):
        known = saturation.t1[r]
        if known is None:
            continue
        factor, stderr, of_flips = saturation.find_factor(r)
        applied = (
            "corrected shares are divided by it"
            if saturation.is_known
            else "the other region's T1 is not known: shares are not corrected"
        )
        error = f" +- {known.stderr:.2g}" if known.stderr else ""
        rows.append(
            Conclusion(
                "saturation",
                value=factor,
                stderr=stderr or None,
                systematic=of_flips,
                unit="1",
                subject=region,
                condition=condition,
                verdict=Verdict.NONE if saturation.is_known else Verdict.NOT_APPLIED,
                reason=f"T1 {known.value:.4g}{error} s ({known.origin}); {applied}",
                method="steady state of repeated pulses",
            )
        )
    if rows:
        return rows
    limit = saturation.recycle / np.log((1 - (1 - MATTERS) * saturation.cosine) / MATTERS)
    return [
        Conclusion(
            "t1_limit",
            value=float(limit),
            unit="s",
            subject="sample",
            condition=condition,
            verdict=Verdict.UNKNOWN_T1,
            reason="above this T1 a region loses more than 1 % to saturation",
        )
    ]
