"""Conclusions of a series: how many species, isosbestic points, its start and its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.statistics import student_t_from_probability
from ssbchar.verdict import Verdict
from ssbchar.xas.calibration.calibrate import AlignmentKind
from ssbchar.xas.comparison.conclude import conclude_quality
from ssbchar.xas.series.options import Series

if TYPE_CHECKING:
    import xarray as xr

LEAST_GOOD = 0.95
"""Share of fits whose shift is off its bound, above which the fractions of a series are good."""
NARROW = 0.1
"""Widest range of a resolved fraction that says something."""


def conclude_series(
    normalised: xr.Dataset, components: xr.Dataset, mixture: xr.Dataset | None, options: Series
) -> list[Conclusion]:
    """Return the conclusions of a series.

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        From `ssbchar.xas.series.normalise_series`; energies in eV.
    components : Dataset, dims spectrum, component, crossing
        From `ssbchar.xas.series.find_components`.
    mixture : Dataset or None
        From `ssbchar.xas.series.fit_mixture`, if there are references.
    options : Series
        Isosbestic test.
    """
    subject = f"{normalised.attrs['element']} {normalised.attrs['edge']}"
    rows = [
        conclude_quality(subject, normalised, mixture),
        _conclude_species(components, subject),
        _conclude_isosbestic_points(components, subject, options),
        _conclude_edge_shift(normalised, subject),
        *_conclude_resolved(components, subject),
    ]
    if mixture is not None:
        rows += _conclude_fractions(mixture, subject)
    return rows


def _conclude_species(ds: xr.Dataset, subject: str) -> Conclusion:
    """Return the number of species, and how clearly components stand above the noise."""
    rank, species = int(ds["rank"]), int(ds["species"])
    verdicts = {1: Verdict.UNCHANGING, 2: Verdict.EXCHANGING}
    verdict = verdicts.get(species, Verdict.SEVERAL_SPECIES if species else Verdict.INCONCLUSIVE)
    reasons = []
    if ds["is_limited"]:
        verdict = Verdict.INCONCLUSIVE
        reasons.append(
            f"at least {species} species: components reach the limit of the count, their noise is "
            "not as stated, or the series is too short"
        )
    reasons.append(_describe_rank(ds, rank))
    drifting = rank - species - int(ds["doubtful"])
    if drifting > 0:
        reasons.append(f"{drifting} of them by drift of axis, edge step or baseline")
    if int(ds["doubtful"]):
        reasons.append(
            f"{int(ds['doubtful'])} as weak as what is not known of the drift: drift, or a minor "
            "species"
        )
    reasons += [
        f"Malinowski's indicator gives {int(ds['rank_indicator'])} components",
        f"noise observed by stated {float(ds['noise_ratio']):.2f}",
    ]
    return Conclusion(
        "species",
        value=float(species),
        unit="1",
        verdict=verdict,
        reason="; ".join(reasons),
        method=(
            f"principal components of {ds.sizes['spectrum']} spectra whitened by their noise, "
            "95 % limit, drifts of axis, edge step and baseline taken out"
        ),
        subject=subject,
    )


def _describe_rank(ds: xr.Dataset, rank: int) -> str:
    """Return how many components are above the noise, and how clearly."""
    above_noise = ds["eigenvalue"].values / ds["edge"].values
    told = [f"{rank} components are above the noise"]
    if 0 < rank <= above_noise.size:
        told.append(f"the last is {float(above_noise[rank - 1]):.3g} times its limit")
    if rank < above_noise.size:
        told.append(f"the next {float(above_noise[rank]):.2f} times")
    return ", ".join(told)


def _conclude_resolved(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return the fraction of the last species at the start and at the end of a series."""
    count = ds.sizes.get("species_number", 0)
    if not count:
        return []
    tenth = max(ds.sizes["spectrum"] // 10, 2)
    rows = []
    for when, scans in (("start", slice(None, tenth)), ("end", slice(-tenth, None))):
        lower, upper = (
            float(ds[name].values[scans, -1].mean())
            for name in ("fraction_lower", "fraction_upper")
        )
        known = math.isfinite(lower) and math.isfinite(upper)
        narrow = known and upper - lower <= NARROW
        reason = "the sum of one and non-negative spectra leave it open; references decide it"
        if narrow:
            reason = "all that a sum of one and non-negative spectra allow"
        if not known:
            reason = f"one of many solutions: the range of {count} species is not calculated"
        rows.append(
            Conclusion(
                "species_fraction",
                value=float(ds["fraction"].values[scans, -1].mean()),
                lower95=lower if known else None,
                upper95=upper if known else None,
                unit="1",
                verdict=Verdict.OK if narrow else Verdict.INCONCLUSIVE,
                reason=reason,
                method=(
                    f"alternating least squares, {count} species, R factor "
                    f"{float(ds['resolution_r_factor']):.2g}; mean of {tenth} scans"
                ),
                subject=subject,
                condition=f"species {count}, {when}",
            )
        )
    return rows


def _conclude_isosbestic_points(ds: xr.Dataset, subject: str, options: Series) -> Conclusion:
    """Return whether all spectra meet where start and end of the series cross."""
    count = ds.sizes["crossing"]
    held = ds["crossing_held"].values.astype(bool)
    energy = ds["crossing_energy"].values
    meeting = ", ".join(f"{e:.1f}" for e in energy[held])
    apart = ", ".join(f"{e:.1f}" for e in energy[~held])
    if count == 0:
        verdict, reason = Verdict.NO_CROSSING, "start and end of the series do not cross"
    elif held.all():
        verdict, reason = Verdict.HELD, f"all spectra meet at {meeting} eV: two species exchange"
    else:
        verdict, reason = Verdict.BROKEN, f"spectra do not meet at {apart} eV"
        if meeting:
            reason += f" (they do at {meeting} eV)"
    return Conclusion(
        "isosbestic_points",
        value=float(held.sum()),
        unit="1",
        verdict=verdict,
        reason=reason,
        method=(
            f"scatter against noise at each crossing, p {options.isosbestic_p:g} "
            f"over {count} (Bonferroni)"
        ),
        subject=subject,
    )


def _conclude_edge_shift(ds: xr.Dataset, subject: str) -> Conclusion:
    """Return the shift of the half step from the first to the last tenth of a series."""
    half, stderr = ds["e0_half"].values[:-1], ds["e0_half_stderr"].values[:-1]
    # Start and end are tenths of the series, so that noise averages out.
    tenth = max(half.size // 10, 2)
    value = float(half[-tenth:].mean() - half[:tenth].mean())
    error = float(np.sqrt((stderr[-tenth:] ** 2).sum() + (stderr[:tenth] ** 2).sum()) / tenth)
    source = str(ds.attrs.get("alignment_source", ""))
    method = f"half step, mean of the last {tenth} scans less that of the first"
    alignment = ds.attrs.get("alignment", AlignmentKind.NONE)
    if alignment in (AlignmentKind.NONE, AlignmentKind.PROJECT):
        return Conclusion(
            "edge_shift",
            verdict=Verdict.INCONCLUSIVE,
            reason=f"edge shift not testable ({source}); apparent shift {value:+.3f} eV",
            method=method,
            unit="eV",
            subject=subject,
            condition="along the series",
        )
    # With a foil every scan has an error of its own; otherwise start and end have one each.
    errors = 2 / tenth if alignment == AlignmentKind.FOIL else 2
    axis = float(ds.attrs["alignment_error"]) * math.sqrt(errors)
    total = math.hypot(error, axis)
    factor = student_t_from_probability(0.975, math.inf)
    return Conclusion(
        "edge_shift",
        value=value,
        stderr=error,
        systematic=axis,
        verdict=Verdict.CHANGED if abs(value) > factor * total else Verdict.UNSEEN,
        reason=f"{source}; {2 * factor * total:.3f} eV would have been seen",
        method=method,
        unit="eV",
        subject=subject,
        condition="along the series",
    )


def _conclude_fractions(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return the share of each reference at the start and at the end of a series."""
    weight, stderr = ds["weight"].values[:-1], ds["weight_stderr"].values[:-1]
    tenth = max(len(weight) // 10, 2)
    good = (ds["verdict"].values[:-1] == Verdict.OK).mean() > LEAST_GOOD
    ends = {"start": slice(None, tenth), "end": slice(-tenth, None)}
    return [
        Conclusion(
            "reference_fraction",
            value=float(weight[scans, i].mean()),
            stderr=float(np.sqrt((stderr[scans, i] ** 2).mean() / tenth)),
            systematic=float(ds["weight_systematic"][i]),
            unit="1",
            verdict=Verdict.OK if good else Verdict.AT_EDGE,
            method=f"linear combination, {ds.attrs.get('method', '')}; mean of {tenth} scans",
            subject=subject,
            condition=f"{name}, {when}",
        )
        for i, name in enumerate(str(n) for n in ds["reference"].values)
        for when, scans in ends.items()
    ]
