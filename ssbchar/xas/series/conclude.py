"""Conclusions of a series: how many species, isosbestic points, its start and its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.statistics import student_t_from_probability
from ssbchar.verdict import Verdict
from ssbchar.xas.comparison.conclude import conclude_quality
from ssbchar.xas.normalisation.calibrate import AlignmentKind
from ssbchar.xas.series.options import Series

if TYPE_CHECKING:
    import xarray as xr

LEAST_GOOD = 0.95
"""Share of fits whose shift is off its bound, above which the fractions of a series are good."""


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
    ]
    if mixture is not None:
        rows += _conclude_fractions(mixture, subject)
    return rows


def _conclude_species(ds: xr.Dataset, subject: str) -> Conclusion:
    """Return the number of species, and how clearly the last stands above the noise."""
    rank = int(ds["rank"])
    above_noise = ds["eigenvalue"].values / ds["edge"].values
    last = float(above_noise[rank - 1]) if rank else math.nan
    beyond = float(above_noise[rank]) if rank < above_noise.size else math.nan
    verdicts = {1: Verdict.UNCHANGING, 2: Verdict.EXCHANGING}
    reasons = [
        f"the last component is {last:.3g} times the noise limit, the next {beyond:.2f} times",
        f"Malinowski's indicator gives {int(ds['rank_indicator'])}",
        f"noise observed by stated {float(ds['noise_ratio']):.2f}",
    ]
    return Conclusion(
        "species",
        value=float(rank),
        unit="1",
        verdict=verdicts.get(rank, Verdict.SEVERAL_SPECIES),
        reason="; ".join(reasons),
        method=(
            f"principal components of {ds.sizes['spectrum']} spectra whitened by their noise, "
            "95 % limit"
        ),
        subject=subject,
    )


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
