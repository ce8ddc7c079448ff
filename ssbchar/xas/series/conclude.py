"""What a series says: how many species, whether two exchange at isosbestic points, its start and
its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.xas.comparison.conclude import conclude_quality
from ssbchar.xas.equivalence_test import student_t_from_probability
from ssbchar.xas.series.options import Series

if TYPE_CHECKING:
    import xarray as xr


def conclude_series(
    normalised: xr.Dataset, components: xr.Dataset, mixture: xr.Dataset | None, options: Series
) -> list[Conclusion]:
    """Return the conclusions of a series.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.series.normalise_series`.
    components : Dataset
        From `ssbchar.xas.series.find_components`.
    mixture : Dataset or None
        From `ssbchar.xas.series.fit_mixture`, where there are references.
    options : Series
        Isosbestic test.
    """
    subject = f"{normalised.attrs['element']} {normalised.attrs['edge']}"
    rows = [conclude_quality(subject, normalised, mixture)]
    rows += [
        _conclude_species(components, subject),
        _conclude_isosbestic_points(components, subject, options),
        _conclude_edge_shift(normalised, subject),
    ]
    if mixture is not None:
        rows += _conclude_fractions(mixture, subject)
    return rows


def _conclude_species(ds: xr.Dataset, subject: str) -> Conclusion:
    rank, other = int(ds["rank"]), int(ds["rank_indicator"])
    beyond = (
        float(ds["eigenvalue"][rank] / ds["edge"][rank])
        if rank < ds.sizes["component"]
        else math.nan
    )
    last = float(ds["eigenvalue"][rank - 1] / ds["edge"][rank - 1]) if rank else math.nan
    verdict = "unchanging" if rank == 1 else "exchanging" if rank == 2 else "several species"
    reason = f"the last component stands {last:.3g} times above the noise, the next at {beyond:.2f} of it"
    reason += f"; Malinowski's indicator says {other}; noise seen over stated {float(ds['noise_ratio']):.2f}"
    method = (
        f"principal components of {ds.sizes['spectrum']} spectra whitened by their noise, 95 % edge"
    )
    return Conclusion(
        "species",
        value=float(rank),
        unit="1",
        verdict=verdict,
        reason=reason,
        method=method,
        subject=subject,
    )


def _conclude_isosbestic_points(ds: xr.Dataset, subject: str, options: Series) -> Conclusion:
    n = ds.sizes["crossing"]
    held = ds["crossing_held"].values.astype(bool)
    places = ", ".join(f"{e:.1f}" for e in ds["crossing_energy"].values[held])
    broken = ", ".join(f"{e:.1f}" for e in ds["crossing_energy"].values[~held])
    if n == 0:
        verdict, reason = "none", "start and end of the series do not cross"
    elif held.all():
        verdict, reason = "held", f"all spectra meet at {places} eV: two species exchange"
    else:
        verdict = "broken"
        reason = f"spectra do not meet at {broken} eV" + (
            f" (they do at {places} eV)" if places else ""
        )
    method = (
        f"scatter against noise at each crossing, p {options.isosbestic_p:g} over {n} (Bonferroni)"
    )
    return Conclusion(
        "isosbestic_points",
        value=float(held.sum()),
        unit="1",
        verdict=verdict,
        reason=reason,
        method=method,
        subject=subject,
    )


def _conclude_edge_shift(ds: xr.Dataset, subject: str) -> Conclusion:
    half, stderr = ds["e0_half"].values[:-1], ds["e0_half_stderr"].values[:-1]
    tenth = max(half.size // 10, 2)
    value = float(half[-tenth:].mean() - half[:tenth].mean())
    error = float(np.sqrt((stderr[-tenth:] ** 2).sum() + (stderr[:tenth] ** 2).sum()) / tenth)
    source = str(ds.attrs.get("alignment_source", ""))
    method = f"half step, mean of the last {tenth} scans less that of the first"
    if ds.attrs.get("alignment", "none") in ("none", "project"):
        reason = f"edge shift not testable ({source}); apparent shift {value:+.3f} eV"
        return Conclusion(
            "edge_shift",
            verdict="inconclusive",
            reason=reason,
            method=method,
            unit="eV",
            subject=subject,
            condition="along the series",
        )
    axis = float(ds.attrs["alignment_error"]) * math.sqrt(
        2 / tenth if ds.attrs["alignment"] == "foil" else 2
    )
    total = math.hypot(error, axis)
    verdict = (
        "changed"
        if abs(value) > student_t_from_probability(0.975, math.inf) * total
        else "not seen"
    )
    reason = f"{source}; {2 * student_t_from_probability(0.975, math.inf) * total:.3f} eV would have been seen"
    return Conclusion(
        "edge_shift",
        value=value,
        stderr=error,
        systematic=axis,
        verdict=verdict,
        reason=reason,
        method=method,
        unit="eV",
        subject=subject,
        condition="along the series",
    )


def _conclude_fractions(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    weight, stderr = ds["weight"].values[:-1], ds["weight_stderr"].values[:-1]
    tenth = max(len(weight) // 10, 2)
    method = f"linear combination, {ds.attrs.get('method', '')}; mean of {tenth} scans"
    verdict = "ok" if (ds["verdict"].values[:-1] == "ok").mean() > 0.95 else "at_edge"
    rows = []
    for i, name in enumerate(str(n) for n in ds["reference"].values):
        for when, part in (("start", slice(None, tenth)), ("end", slice(-tenth, None))):
            mean, error = (
                float(weight[part, i].mean()),
                float(np.sqrt((stderr[part, i] ** 2).mean() / tenth)),
            )
            systematic = float(ds["weight_systematic"][i])
            rows.append(
                Conclusion(
                    "reference_fraction",
                    value=mean,
                    stderr=error,
                    systematic=systematic,
                    unit="1",
                    verdict=verdict,
                    method=method,
                    subject=subject,
                    condition=f"{name}, {when}",
                )
            )
    return rows
