"""Sentences on refined structures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ssbchar.hexrd.rietveld.freedom import Freedom, Shift
from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.hexrd.rietveld.problem import PhaseStart, Problem

if TYPE_CHECKING:
    import xarray as xr

METHOD = (
    "Rietveld refinement of the whole pattern by rietx; standard errors with the scatter of the "
    "lines' intensities, times the goodness of fit and the factor of Berar and Lelann (1991)"
)
SHIFT_METHOD = f"refined coordinate minus that of the phases file, times the axis; {METHOD}"
OCCUPANCY_METHOD = f"share of one of two elements on a site, their sum held; {METHOD}"
WEIGHT_CAVEAT = "crystalline phases alone; microabsorption is not in the error"


def describe_held(
    problem: Problem, freedom: Freedom, shifts: Sequence[Shift], options: Rietveld
) -> str:
    """Return which parameters of the structures were held, phase by phase; empty where none was.

    Parameters
    ----------
    problem : Problem
    freedom : Freedom
        What was refined.
    shifts : sequence of Shift
        All that symmetry allows.
    options : Rietveld
        The limits of standard errors [angstrom, angstrom^2, 1].
    """
    parts = [
        f"{phase.known.name}: {', '.join(held)}"
        for p, phase in enumerate(problem.phases)
        if (held := _list_held(p, phase, freedom, shifts))
    ]
    if not parts:
        return ""
    limits = (
        f"limits of their standard errors {options.coordinate_esd:g} angstrom, "
        f"{options.displacement_esd:g} angstrom^2, {options.occupancy_esd:g}"
    )
    return f"held as in the phases file: {'; '.join(parts)} ({limits})"


def _list_held(
    number: int, phase: PhaseStart, freedom: Freedom, shifts: Sequence[Shift]
) -> list[str]:
    held = []
    wanted = [one for one in shifts if one.phase == number]
    fixed = [one for one in wanted if one not in freedom.shifts]
    if fixed:
        sites = sorted({site for one in fixed for site in one.sites})
        held.append(f"coordinates of {name_sites(phase, sites)}")
    refined = {s for one in freedom.displacements if one.phase == number for s in one.sites}
    if rest := [s for s in range(len(phase.known.sites)) if s not in refined]:
        held.append(f"B of {name_sites(phase, rest)}")
    mixed = [place for place in phase.sites_by_position if len(place) > 1]
    free = {one.first for one in freedom.exchanges if one.phase == number}
    if rest := [place[0] for place in mixed if place[0] not in free]:
        held.append(f"occupancies at {name_sites(phase, rest)}")
    if len(mixed) < len(phase.sites_by_position):
        held.append("occupancies of sites with one element")
    return held


def name_sites(phase: PhaseStart, sites: Collection[int]) -> str:
    """Return sites by element and number [1] in the phases file, `all sites` where they are all.

    Parameters
    ----------
    phase : PhaseStart
    sites : collection of int
        Positions in the phase's list.
    """
    if len(sites) == len(phase.known.sites):
        return "all sites"
    return ", ".join(f"{phase.known.sites[s].element}{s + 1}" for s in sites)


def describe_method(program: str) -> str:
    """Return how frames were refined, with the program and its version."""
    return METHOD.replace("rietx", program or "rietx")


def describe_b_method(labels: Sequence[str]) -> str:
    """Return how a displacement factor was refined: alone, or by one factor with others.

    Parameters
    ----------
    labels : sequence of str
        Of its sites, the reported one first.
    """
    if len(labels) == 1:
        return METHOD
    others = ", ".join(labels[1:])
    return f"one factor on B of the phases file for {labels[0]}, {others}; {METHOD}"


def describe_caveat(
    *, is_listed: bool, is_converged: bool, is_described: bool, negative: Sequence[str]
) -> str:
    """Return why the numbers of a phase are doubtful, empty where they are not.

    Parameters
    ----------
    is_listed : bool
        Whether the phases file trusts the atoms.
    is_converged : bool
    is_described : bool
        Whether lines are off by no more than can stand in the errors.
    negative : sequence of str
        Sites whose B [angstrom^2] is clearly below zero.
    """
    return join(
        "" if is_converged else "the refinement did not converge",
        "" if is_described else describe_scatter(float("inf")),
        "" if is_listed else "the phases file does not trust its atoms (refinable: false)",
        f"B below zero of {', '.join(negative)}: absorption, texture or a wrong atom"
        if negative
        else "",
    )


def describe_shift(label: str, axis: str, count: int) -> str:
    """Return which of the refined coordinates [1] a shift is of."""
    return f"{axis} of {label}, the farthest in its standard errors of {count} coordinates refined"


def describe_missing(names: str) -> str:
    """Return that phases without atoms have no share of the mass, empty where there are none."""
    return f"without {names}, known by the cell alone" if names else ""


def describe_doubted(names: Sequence[str]) -> str:
    """Return that the shares of other phases (str) are of structures not trusted, empty where there
    are none."""
    if not names:
        return ""
    return (
        f"the phases file does not trust the atoms of {', '.join(names)}, whose share is doubtful"
    )


def describe_mix(weighed: float, bound: float) -> str:
    """Return with what a weight fraction was compared, both in percent."""
    return f"weighed {weighed:g} percent, compared within {bound:g} percent"


def describe_fit(at: xr.Dataset, not_modelled: str) -> str:
    """Return how well a frame fits and what was held.

    Parameters
    ----------
    at : Dataset
        One frame of ``structures.nc``.
    not_modelled : str
        Terms of the profile that were left out.
    """
    restraints = int(at["restraints"])
    shape = "" if at["status"].item() == "ok" else "did not converge"
    return join(
        shape,
        f"expected {float(at['rexp']):.3g} percent, goodness of fit {float(at['gof']):.3g}, "
        f"serial factor {float(at['serial_factor']):.3g}; "
        f"{int(at['parameters'])} parameters, {int(at['structure_parameters'])} of structures",
        describe_scatter(float(at["intensity_scatter"])),
        f"{restraints} distances restrained, root mean square deviation "
        f"{float(at['restraint_misfit']):.2g} sigma"
        if restraints
        else "",
        str(at["held"].item()),
        f"not modelled: {not_modelled}" if not_modelled else "",
    )


def describe_scatter(scatter: float) -> str:
    """Return by how much lines are off beyond counting (relative [1]), empty where not at all."""
    if scatter == float("inf"):
        return "lines are off by more than 30 percent: the structures do not describe the pattern"
    return f"lines scatter by {100 * scatter:.2g} percent beyond counting" if scatter else ""


def join(*parts: str) -> str:
    """Return the parts that are not empty, separated by semicolons."""
    return "; ".join(part for part in parts if part)
