"""Conclusions of a fit of paths: neighbours, distance and disorder of each shell, their change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_equality
from ssbchar.verdict import Verdict
from ssbchar.xas.paths.model import Kind

if TYPE_CHECKING:
    import xarray as xr

UNITS = {Kind.NUMBER: "1", Kind.DISTANCE: "angstrom", Kind.DISPLACEMENT: "angstrom^2"}
QUANTITIES = {
    Kind.NUMBER: "coordination_number",
    Kind.DISTANCE: "shell_distance",
    Kind.DISPLACEMENT: "shell_displacement",
}
CHANGES = {
    Kind.NUMBER: "coordination_ratio",
    Kind.DISTANCE: "shell_distance_change",
    Kind.DISPLACEMENT: "shell_displacement_change",
}
"""Quantities that compare the cycled sample with the pristine one; of numbers the ratio."""
CREDIT = (
    "paths calculated by FEFF10 (to be cited: J. J. Kas et al., J. Synchrotron Rad. 28 (2021) "
    "1801; {notice})"
)
"""What the report says where FEFF10 was used."""


@dataclass(frozen=True, kw_only=True)
class ShellChange:
    """Change of one parameter of one shell from pristine to cycled."""

    shell: str
    kind: Kind
    change: float
    """Of a number relative, N'/N - 1; of distance and displacement absolute."""
    stderr: float


def conclude_paths(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return the conclusions of a fit of paths; if there is no fit, one that says why.

    Parameters
    ----------
    ds : Dataset, dims part, shell, parameter
        From `ssbchar.xas.paths.fit_paths`; distances in angstrom.
    subject : str
        Element and edge.
    """
    if "skipped" in ds.attrs:
        return [
            Conclusion(
                "path_fit_r_factor",
                verdict=Verdict.SKIPPED,
                reason=ds.attrs["skipped"],
                subject=subject,
            )
        ]
    rows = [_conclude_fit(ds, subject)]
    for i in range(ds.sizes["shell"]):
        rows += _conclude_shell(ds, i, subject)
    if ds.sizes["part"] > 1:
        rows += conclude_changes(ds, subject)
    return rows


def _conclude_fit(ds: xr.Dataset, subject: str) -> Conclusion:
    """Return the R factor of the fit, with what makes it doubtful."""
    points = float(ds["independent_points"])
    scale = float(ds["reduced_chi_square"])
    held = ds.attrs.get("held", "")
    reasons = [
        ds.attrs["reason"],
        ds.attrs.get("simplified", ""),
        f"{ds.sizes['parameter']} parameters, {points:.1f} independent points",
        f"errors scaled by the root of the reduced chi-square {scale:.3g}",
        f"held as in the crystal, too weak to be fitted: {held}" if held else "",
        CREDIT.format(notice=ds.attrs["notice"]) if "notice" in ds.attrs else "",
    ]
    return Conclusion(
        "path_fit_r_factor",
        value=float(ds["r_factor"].max()),
        unit="1",
        verdict=ds.attrs["verdict"],
        reason="; ".join(filter(None, reasons)),
        method=ds.attrs["made"],
        subject=subject,
    )


def _conclude_shell(ds: xr.Dataset, i: int, subject: str) -> list[Conclusion]:
    """Return number, distance and displacement of a shell in the sample (the last part)."""
    s02 = float(ds["s02"])
    factor = "S02 unknown: the number is N S02" if s02 == 1 else f"S02 {s02:g} fixed"
    crystal = {
        Kind.NUMBER: f"{float(ds['crystal_number'][i]):g} in the crystal; {factor}",
        Kind.DISTANCE: f"{float(ds['crystal_distance'][i]):.4f} angstrom in the crystal",
        Kind.DISPLACEMENT: "",
    }
    return [
        Conclusion(
            QUANTITIES[kind],
            value=float(ds[kind.value][-1, i]),
            stderr=float(ds[f"{kind}_stderr"][-1, i]),
            unit=UNITS[kind],
            verdict=ds.attrs["verdict"],
            reason=crystal[kind],
            method=_describe_method(ds),
            subject=subject,
            condition=str(ds["shell"].values[i]),
        )
        for kind in Kind
    ]


def _describe_method(ds: xr.Dataset) -> str:
    attrs = ds.attrs
    k_range = f"k {attrs['fit_kmin']:g}-{attrs['fit_kmax']:g}, kw {attrs['fit_kweight']}"
    r_range = f"R {attrs['fit_rmin']:g}-{attrs['fit_rmax']:g} angstrom"
    return f"{attrs['made']}; {k_range}, {r_range}"


def conclude_changes(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return each shell's change from pristine to cycled, tested against what would matter.

    Parameters
    ----------
    ds : Dataset, dims part, shell, parameter
        From `ssbchar.xas.paths.fit_paths` of a pair; distances in angstrom.
    subject : str
        Element and edge.

    Returns
    -------
    list of Conclusion
        None for parameters that both parts share.
    """
    changes = list_changes(ds)
    return [_conclude_change(ds, one, changes, subject) for one in changes]


def list_changes(ds: xr.Dataset) -> list[ShellChange]:
    """Return each shell's change from pristine to cycled, errors from the whole covariance.

    The ratio of numbers N'/N has the variance g'Vg with g = (-N'/N^2, 1/N).

    Parameters
    ----------
    ds : Dataset, dims part, shell, parameter
        From `ssbchar.xas.paths.fit_paths` of a pair; distances in angstrom.
    """
    covariance = ds["covariance"].values
    changes = []
    for i, shell in enumerate(ds["shell"].values):
        for kind in Kind:
            before, after = (int(place) for place in ds[f"{kind}_place"].values[:, i])
            # What both parts share cannot have changed.
            if before == after:
                continue
            old, new = (float(value) for value in ds[kind.value].values[:, i])
            if kind is Kind.NUMBER:
                change, gradient = new / old - 1, np.array([-new / old**2, 1 / old])
            else:
                change, gradient = new - old, np.array([-1.0, 1.0])
            both = covariance[np.ix_([before, after], [before, after])]
            stderr = math.sqrt(float(gradient @ both @ gradient))
            changes.append(ShellChange(shell=str(shell), kind=kind, change=change, stderr=stderr))
    return changes


def _conclude_change(
    ds: xr.Dataset, one: ShellChange, changes: Sequence[ShellChange], subject: str
) -> Conclusion:
    bound = float(ds.attrs[f"max_{one.kind}"])
    # Bonferroni over the parameters of all shells.
    estimate = Estimate(value=one.change, stderr=one.stderr)
    test = decide_equality(estimate, bound, tests=len(changes))
    # Numbers are tested by their relative change and stated as a ratio.
    unchanged = 1.0 if one.kind is Kind.NUMBER else 0.0
    good_fit = ds.attrs["verdict"] == Verdict.OK
    return Conclusion(
        CHANGES[one.kind],
        value=unchanged + one.change,
        stderr=one.stderr,
        lower95=unchanged + test.lower95,
        upper95=unchanged + test.upper95,
        unit=UNITS[one.kind],
        verdict=test.verdict if good_fit else Verdict.INCONCLUSIVE,
        reason=(
            f"a change of {bound:g} would matter, one of {test.smallest:.2g} would have been seen"
        ),
        method=f"joint fit, {_describe_method(ds)}",
        subject=subject,
        condition=one.shell,
        bound=bound,
        reference=unchanged,
    )
