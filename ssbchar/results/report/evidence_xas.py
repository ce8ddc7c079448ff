"""What a referee asks of an absorption measurement: axis, edge, ranges in k and R, independent
points, S0^2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.options import Report
from ssbchar.results.report.evidence_parts import (
    NOT_STATED,
    Fact,
    FactTable,
    read_options,
    write_uncertain,
)
from ssbchar.xas.exafs.options import Exafs

if TYPE_CHECKING:
    import xarray as xr

Tables = Mapping[str, "xr.Dataset"]
"""Tables of a measurement by their names."""
CONVENTIONS = (
    "2 dk dR / pi; Larch's convention adds 1, that of E. A. Stern, Phys. Rev. B 48 (1993) 9825 "
    "adds 2"
)


def describe(
    mine: Tables, others: Mapping[str, Tables], phases: Tables, options: Report
) -> tuple[list[Fact], list[FactTable]]:
    """Return facts and tables of an absorption measurement.

    Parameters
    ----------
    mine : mapping
        Its tables: ``scans``, ``normalised``, ``exafs``, ``path_fit``.
    others, phases : mapping
        Not used.
    options : Report
        What the files do not state of the beamline.
    """
    facts: list[Fact] = []
    if "scans" in mine:
        facts += _describe_scans(mine["scans"], options)
    if "normalised" in mine:
        facts += _describe_edge(mine["normalised"])
    if "exafs" in mine:
        facts += _describe_exafs(mine["exafs"])
    if "path_fit" not in mine:
        facts.append(
            Fact(name="S0²", value="no paths are fitted; amplitudes are compared as ratios")
        )
        return facts, []
    fit = mine["path_fit"]
    facts.append(
        Fact(
            name="S0²",
            value=f"{float(fit['s02']):.3g}, fixed; {float(fit['independent_points']):.1f} "
            f"independent points (Larch's convention) for {fit.sizes['parameter']} parameters, "
            f"reduced chi-square {float(fit['reduced_chi_square']):.3g}",
        )
    )
    return facts, [_tabulate_shells(fit)]


def _describe_scans(scans: xr.Dataset, options: Report) -> list[Fact]:
    about = scans.attrs
    return [
        Fact(
            name="Scans",
            value=f"{scans.sizes['scan']} of {about.get('element')} {about.get('edge')} in "
            f"{about.get('mode')}",
        ),
        Fact(name="Beamline", value=options.xas_instrument or NOT_STATED),
    ]


def _describe_edge(normalised: xr.Dataset) -> list[Fact]:
    names = [str(name) for name in normalised["name"].values]
    place = names.index("merged") if "merged" in names else 0
    about = normalised.attrs
    error = float(about.get("alignment_error", np.nan))
    kind = str(about.get("alignment", "none"))
    source = str(about.get("alignment_source", "")) or kind

    def pick(name: str) -> float:
        """Return the merged spectrum's value of a variable that may be shared by all."""
        values = np.atleast_1d(normalised[name].values)
        return float(values[place if values.size > place else 0])

    step = write_uncertain(pick("edge_step"), pick("edge_step_stderr"), "")
    return [
        Fact(
            name="Energy axis",
            value=source
            + (f", error of one alignment {error:.2g} eV" if np.isfinite(error) else ""),
        ),
        Fact(
            name="Edge",
            value=f"E0 {pick('e0'):.2f} eV, edge step {step}, of the merged spectrum",
        ),
    ]


def _describe_exafs(exafs: xr.Dataset) -> list[Fact]:
    if "independent_points" not in exafs or "kmin" not in exafs:
        return [Fact(name="EXAFS", value="the scan ends too early for it")]
    given = read_options(exafs)
    known = Exafs()
    rmin, rmax = (float(given.get(name, getattr(known, name))) for name in ("rmin", "rmax"))
    low, high, points = (
        float(np.nanmax(np.atleast_1d(exafs[name].values)))
        for name in ("kmin", "kmax", "independent_points")
    )
    weight = int(np.nanmax(np.atleast_1d(exafs["kweight"].values)))
    return [
        Fact(name="k range", value=f"{low:.3g} to {high:.3g} 1/Å, weighted by k^{weight}"),
        Fact(name="R range", value=f"{rmin:.3g} to {rmax:.3g} Å, not corrected for phase shifts"),
        Fact(name="Independent points", value=f"{points:.1f} ({CONVENTIONS})"),
    ]


def _tabulate_shells(fit: xr.Dataset) -> FactTable:
    rows: list[tuple[str, ...]] = []
    for part, part_name in enumerate(fit["part"].values.astype(str)):
        for shell, shell_name in enumerate(fit["shell"].values.astype(str)):
            numbers = [
                write_uncertain(
                    float(fit[key][part, shell]), float(fit[f"{key}_stderr"][part, shell]), ""
                )
                for key in ("number", "distance", "displacement")
            ]
            crystal = f"{float(fit['crystal_distance'][shell]):.4g}"
            rows.append((part_name, shell_name, *numbers, crystal))
    return FactTable(
        title="Shells fitted",
        header=("Spectrum", "Shell", "N", "R (Å)", "σ² (Å²)", "R in the crystal (Å)"),
        rows=rows,
    )
