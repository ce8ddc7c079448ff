"""What a fit of paths says: neighbours, distances and disorder of each shell, and their change on
cycling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.xas.equivalence_test import judge_change
from ssbchar.xas.paths.dataset import UNITS
from ssbchar.xas.paths.model import KINDS

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = ("coordination_number", "shell_distance", "shell_displacement")
CHANGES = ("coordination_ratio", "shell_distance_change", "shell_displacement_change")


def conclude_paths(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return the conclusions of a fit of paths; one that says why, where there is none.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.paths.fit_paths`.
    subject : str
        Element and edge.
    """
    if "skipped" in ds.attrs:
        return [
            Conclusion(
                "path_fit_r_factor", verdict="skipped", reason=ds.attrs["skipped"], subject=subject
            )
        ]
    rows = [_conclude_fit(ds, subject)]
    method = f"{ds.attrs['made']}; k {ds.attrs['fit_kmin']:g}-{ds.attrs['fit_kmax']:g}, kw {ds.attrs['fit_kweight']}"
    method += f", R {ds.attrs['fit_rmin']:g}-{ds.attrs['fit_rmax']:g} angstrom"
    s02 = float(ds["s02"])
    factor = "S02 unknown: the number is N S02" if s02 == 1 else f"S02 {s02:g} fixed"
    for i, shell in enumerate(ds["shell"].values):
        crystal = (
            f"{float(ds['crystal_number'][i]):g} in the crystal; {factor}",
            f"{float(ds['crystal_distance'][i]):.4f} angstrom in the crystal",
            "",
        )
        for kind, unit, quantity, reason in zip(KINDS, UNITS, QUANTITIES, crystal, strict=True):
            value, stderr = float(ds[kind][-1, i]), float(ds[f"{kind}_stderr"][-1, i])
            rows.append(
                Conclusion(
                    quantity,
                    value=value,
                    stderr=stderr,
                    unit=unit,
                    verdict=ds.attrs["verdict"],
                    reason=reason,
                    method=method,
                    subject=subject,
                    condition=str(shell),
                )
            )
    return rows + conclude_changes(ds, subject, method) if ds.sizes["part"] > 1 else rows


def _conclude_fit(ds: xr.Dataset, subject: str) -> Conclusion:
    said = [
        f"{ds.sizes['parameter']} parameters, {float(ds['independent_points']):.1f} independent points",
        f"errors scaled by the root of the reduced chi-square {float(ds['reduced_chi_square']):.3g}",
    ]
    said = [s for s in (ds.attrs["reason"], ds.attrs.get("simplified", "")) if s] + said
    return Conclusion(
        "path_fit_r_factor",
        value=float(ds["r_factor"].max()),
        unit="1",
        verdict=ds.attrs["verdict"],
        reason="; ".join(said),
        method=ds.attrs["made"],
        subject=subject,
    )


def conclude_changes(ds: xr.Dataset, subject: str, method: str) -> list[Conclusion]:
    """Return each shell's change from pristine to cycled, errors by the whole covariance; none of
    what is shared.

    The ratio of numbers N'/N has the variance g'Vg with g = (1/N, -N'/N^2).
    """
    covariance = ds["covariance"].values
    found = []
    for i, shell in enumerate(ds["shell"].values):
        for kind, unit, quantity in zip(KINDS, UNITS, CHANGES, strict=True):
            before, after = (int(p) for p in ds[f"{kind}_place"].values[:, i])
            if before == after:
                continue
            old, new = (float(v) for v in ds[kind].values[:, i])
            slope = (
                np.array([-1.0, 1.0]) if kind != "number" else np.array([-new / old**2, 1 / old])
            )
            stderr = math.sqrt(
                float(slope @ covariance[np.ix_([before, after], [before, after])] @ slope)
            )
            found.append(
                (
                    str(shell),
                    kind,
                    unit,
                    quantity,
                    new / old - 1 if kind == "number" else new - old,
                    stderr,
                )
            )
    rows = []
    for shell, kind, unit, quantity, change, stderr in found:
        bound = float(ds.attrs[f"max_{kind}"])
        test = judge_change(change, stderr, bound, tests=len(found))
        base = 1.0 if kind == "number" else 0.0
        verdict = test.verdict if ds.attrs["verdict"] == "ok" else "inconclusive"
        reason = f"matters from {bound:g}; {test.smallest:.2g} would have been seen"
        rows.append(
            Conclusion(
                quantity,
                value=base + change,
                stderr=stderr,
                systematic=None,
                lower95=base + test.lower95,
                upper95=base + test.upper95,
                unit=unit,
                verdict=verdict,
                reason=reason,
                method=f"joint fit, {method}",
                subject=subject,
                condition=shell,
            )
        )
    return rows
