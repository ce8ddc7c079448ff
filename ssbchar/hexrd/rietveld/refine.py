"""Structures of chosen frames, refined on the whole pattern."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase
from ssbchar.crystal.cif_file import CELL_AXES
from ssbchar.crystal.options import ReflectionListing
from ssbchar.hexrd.export.export import EXPORTED_VERDICTS
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.refinement.laboratory import find_emission
from ssbchar.hexrd.rietveld import program as rietx
from ssbchar.hexrd.rietveld.choose_frames import choose_frames
from ssbchar.hexrd.rietveld.freedom import Freedom, choose_freedom
from ssbchar.hexrd.rietveld.intensity_scatter import add_scatter, estimate_scatter, split_lines
from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.hexrd.rietveld.outputs import STRUCTURES
from ssbchar.hexrd.rietveld.problem import PhaseStart, Problem, list_bond_lengths
from ssbchar.hexrd.rietveld.sentences import describe_held
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

MODELLED_TERMS = ("doublet", "caglioti_u", "caglioti_v")
"""Terms of the profile in ``lattice.nc`` that are refined here too."""
START_WIDTH = 1e-3
"""Lorentzian width to start from [degree] where the series has none."""


@dataclass(frozen=True, kw_only=True)
class FrameOutcome:
    """One frame as it was refined."""

    problem: Problem
    freedom: Freedom
    refined: rietx.RefinedFrame
    names: tuple[str, ...]
    """Phases refined, in the problem's order."""
    without_atoms: tuple[str, ...]
    held: str
    scatter: float
    """Of the lines' intensities beyond counting [1]."""


def refine_structures(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    table: Path,
    options: Rietveld,
) -> xr.Dataset:
    """Return the structures of the frames asked for; see docs/data-model.md, ``structures.nc``.

    Parameters
    ----------
    patterns, furnace, lattice : Dataset
        Of one series; lengths in angstrom, angles in degrees (docs/data-model.md). Cells, zero and
        widths of `lattice` are what the refinement begins with.
    table : Path
        The phases file, for symmetry and atoms.
    options : Rietveld

    Returns
    -------
    Dataset
        Arrays of shape (frame, phase, ...) and (frame, site, ...).

    Raises
    ------
    BadInput
        rietx is not installed, a frame asked for is not there, or its structures cannot be
        calculated.
    """
    rietx.require_program()
    names = lattice["phase"].values.astype(str).tolist()
    known = {name: reflections.read_phase(table, name, ReflectionListing()) for name in names}
    has_cell = _find_cells(lattice)
    with_atoms = np.array([bool(known[name].sites) for name in names])
    measured = patterns["status"].values.astype(str) == FrameStatus.OK
    chosen = choose_frames(
        options.frames,
        patterns["frame"].values,
        furnace["temperature"].values,
        measured & np.any(has_cell & with_atoms, axis=1),
    )
    outcomes = [_refine_frame(patterns, lattice, known, frame, options) for frame in chosen]
    return _build_dataset(outcomes, chosen, furnace, lattice, known)


def _find_cells(lattice: xr.Dataset) -> Bool:
    """Return where a phase has a cell, shape (frame, phase)."""
    has_verdict = np.isin(lattice["verdict"].values.astype(str), EXPORTED_VERDICTS)
    return np.asarray(has_verdict & np.isfinite(lattice["cell"].values).all(axis=-1))


def _refine_frame(
    patterns: xr.Dataset,
    lattice: xr.Dataset,
    known: Mapping[str, Phase],
    frame: int,
    options: Rietveld,
) -> FrameOutcome:
    from threadpoolctl import threadpool_limits

    at = lattice.isel(frame=frame)
    there = np.array(list(known))[_find_cells(lattice)[frame]].tolist()
    names = tuple(name for name in there if known[name].sites)
    problem = build_problem(
        patterns.isel(frame=frame),
        at.assign_attrs(lattice.attrs),
        tuple(known[name] for name in names),
        options,
    )
    # the matrices are small: threads that share one wait for each other
    with threadpool_limits(1, "blas"):
        program = rietx.Program(problem=problem)
        shifts = program.list_shifts()
        freedom = choose_freedom(problem, shifts, options, program.try_freedom)
        refined = program.refine(freedom)
        scatter = 0.0
        if options.intensity_scatter != "off":
            blocks = split_lines(problem, refined.calculated, refined.background)
            scatter = estimate_scatter(blocks, len(freedom.parameters) + len(names))
        if 0 < scatter < np.inf:
            # what counting alone seems to carry may be within the scatter
            peaks = refined.calculated - refined.background
            problem = add_scatter(problem, blocks, peaks, scatter)
            program = rietx.Program(problem=problem)
            freedom = choose_freedom(problem, shifts, options, program.try_freedom)
            refined = program.refine(freedom)
    return FrameOutcome(
        problem=problem,
        freedom=freedom,
        refined=refined,
        names=names,
        without_atoms=tuple(name for name in there if not known[name].sites),
        scatter=scatter,
        held=describe_held(problem, freedom, shifts, options),
    )


def build_problem(
    pattern: xr.Dataset, lattice: xr.Dataset, phases: Sequence[Phase], options: Rietveld
) -> Problem:
    """Return what is refined of one frame.

    Parameters
    ----------
    pattern : Dataset
        One frame of ``patterns.nc``, ``intensity`` [count] of shape (two_theta,).
    lattice : Dataset
        The same frame of ``lattice.nc``: cells [angstrom, degree], widths and zero [degree].
    phases : sequence of Phase
        Those refined, with their sites.
    options : Rietveld
    """
    two_theta = pattern["two_theta"].values.astype(float)
    intensity = pattern["intensity"].values.astype(float)
    stderr = pattern["intensity_stderr"].values.astype(float)
    fitted = lattice["two_theta"].values
    is_good = np.isfinite(intensity) & (stderr > 0) & np.isfinite(stderr)
    is_good &= (two_theta >= fitted.min()) & (two_theta <= fitted.max())
    terms = json.loads(lattice.attrs.get("profile_terms", "{}"))
    wavelength = float(lattice.attrs["wavelength"])
    ratio = float(terms.get("doublet", 0.0))
    wavelengths = tuple(wavelength * find_emission(wavelength)) if ratio > 0 else (wavelength,)
    starts = []
    for phase in phases:
        own = lattice.sel(phase=phase.name)
        bonds = () if options.bond_sigma is None else list_bond_lengths(phase, options.bond_sigma)
        widths = [float(own[name]) for name in ("size_width", "strain_width")]
        size, strain = (w if np.isfinite(w) and w > 0 else START_WIDTH for w in widths)
        starts.append(
            PhaseStart(
                known=phase,
                cell=own["cell"].values.astype(float),
                size_width=size,
                strain_width=strain,
                bonds=bonds,
            )
        )
    return Problem(
        two_theta=two_theta[is_good],
        intensity=intensity[is_good],
        stderr=stderr[is_good],
        wavelengths=tuple(map(float, wavelengths)),
        doublet_ratio=ratio,
        zero=float(np.nan_to_num(lattice["zero"])),
        has_caglioti="caglioti_u" in terms or "caglioti_v" in terms,
        background_terms=options.background_terms,
        polarisation=options.polarisation,
        phases=tuple(starts),
    )


def _build_dataset(
    outcomes: Sequence[FrameOutcome],
    chosen: Sequence[int],
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    known: Mapping[str, Phase],
) -> xr.Dataset:
    """Return ``structures.nc``; phases that a frame has not are NaN in it."""
    phases = [phase for phase in known.values() if phase.sites]
    sites = [(phase, number) for phase in phases for number in range(len(phase.sites))]
    frames = furnace.isel(frame=list(chosen))
    shared = np.hypot(frames["temperature_stderr"].values, frames["temperature_systematic"].values)
    terms = json.loads(lattice.attrs.get("profile_terms", "{}"))
    each = [phase.sites[number] for phase, number in sites]
    starts = [
        PhaseStart(known=phase, cell=phase.cell, size_width=0.0, strain_width=0.0)
        for phase in phases
    ]
    values: dict[str, Any] = {
        "frame": lattice["frame"].values[list(chosen)],
        "phase": np.array([phase.name for phase in phases], object),
        "axis": np.array(CELL_AXES, object),
        "coordinate": np.array(["x", "y", "z"], object),
        "site_phase": np.array([phase.name for phase, _ in sites], object),
        "site_label": np.array(
            [f"{phase.sites[number].element}{number + 1}" for phase, number in sites], object
        ),
        "element": np.array([site.element for site in each], object),
        "position_listed": np.array([site.position for site in each], float),
        "b_iso_listed": np.concatenate([start.b_iso for start in starts]),
        "occupancy_listed": np.array([site.occupancy for site in each], float),
        "temperature": frames["temperature"].values,
        "temperature_stderr": shared,
        "refinable": np.array([int(bool(phase.about.get("refinable"))) for phase in phases]),
        **_list_frame_values(outcomes),
        **_list_phase_values(outcomes, [phase.name for phase in phases]),
        **_list_site_values(outcomes, sites),
    }
    attrs = {
        "program": f"{rietx.PACKAGE} {rietx.find_version()}",
        "wavelength": float(lattice.attrs["wavelength"]),
        "length_scale_stderr": float(lattice.attrs.get("length_scale_stderr", np.nan)),
        "not_modelled": ", ".join(sorted(set(terms) - set(MODELLED_TERMS))).replace("_", " "),
    }
    if lattice.attrs.get("synthetic"):
        attrs["synthetic"] = lattice.attrs["synthetic"]
    return STRUCTURES.dataset(values, attrs)


def _list_frame_values(outcomes: Sequence[FrameOutcome]) -> dict[str, Any]:
    found = [outcome.refined for outcome in outcomes]
    words = ["ok" if one.converged else "not_converged" for one in found]
    restraints = [sum(len(p.bonds) for p in outcome.problem.phases) for outcome in outcomes]
    return {
        "status": np.array(words, object),
        "without_atoms": np.array([", ".join(o.without_atoms) for o in outcomes], object),
        "rwp": np.array([100 * one.rwp for one in found]),
        "rexp": np.array([100 * one.rexp for one in found]),
        "gof": np.array([one.gof for one in found]),
        "intensity_scatter": np.array([outcome.scatter for outcome in outcomes]),
        "serial_factor": np.array([one.serial_factor for one in found]),
        "zero": np.array([one.zero for one in found]),
        "zero_stderr": np.array([one.zero_stderr for one in found]),
        "parameters": np.array([one.parameter_count for one in found]),
        "structure_parameters": np.array([len(o.freedom.parameters) for o in outcomes]),
        "held": np.array([outcome.held for outcome in outcomes], object),
        "restraints": np.array(restraints),
        "restraint_misfit": np.array([one.restraint_misfit for one in found]),
    }


def _list_phase_values(outcomes: Sequence[FrameOutcome], phases: Sequence[str]) -> dict[str, Array]:
    shape = (len(outcomes), len(phases))
    values = {
        "cell": np.full((*shape, 6), np.nan),
        "cell_stderr": np.full((*shape, 6), np.nan),
        "weight_fraction": np.full(shape, np.nan),
        "weight_fraction_stderr": np.full(shape, np.nan),
        "r_bragg": np.full(shape, np.nan),
    }
    present = np.zeros(shape, int)
    for i, outcome in enumerate(outcomes):
        for name, phase in zip(outcome.names, outcome.refined.phases, strict=True):
            p = phases.index(name)
            present[i, p] = 1
            values["cell"][i, p] = phase.cell.value
            values["cell_stderr"][i, p] = phase.cell.stderr
            if np.isfinite(phase.weight_fraction_stderr):
                values["weight_fraction"][i, p] = phase.weight_fraction
                values["weight_fraction_stderr"][i, p] = phase.weight_fraction_stderr
            values["r_bragg"][i, p] = phase.r_bragg
    return {"present": present, **values}


def _list_site_values(
    outcomes: Sequence[FrameOutcome], sites: Sequence[tuple[Phase, int]]
) -> dict[str, Array]:
    shape = (len(outcomes), len(sites))
    values = {
        "position": np.full((*shape, 3), np.nan),
        "position_stderr": np.full((*shape, 3), np.nan),
        **{
            name + end: np.full(shape, np.nan)
            for name in ("b_iso", "occupancy")
            for end in ("", "_stderr")
        },
    }
    group = np.full(shape, -1)
    for i, outcome in enumerate(outcomes):
        for number, one in enumerate(outcome.freedom.displacements):
            phase = outcome.problem.phases[one.phase].known
            for s, (owner, place) in enumerate(sites):
                if owner.name == phase.name and place in one.sites:
                    group[i, s] = number
        for name, phase_found in zip(outcome.names, outcome.refined.phases, strict=True):
            rows = [s for s, (owner, _) in enumerate(sites) if owner.name == name]
            for variable in ("position", "b_iso", "occupancy"):
                found = getattr(phase_found, variable)
                values[variable][i, rows] = found.value
                values[f"{variable}_stderr"][i, rows] = found.stderr
    return {"b_group": group, **values}
