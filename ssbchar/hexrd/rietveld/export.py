"""Refined structures as CIF: one per phase and frame, with the standard uncertainty of all that was
refined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase, identify_crystal_system
from ssbchar.crystal.options import ReflectionListing
from ssbchar.hexrd.export.cif import (
    ATOM_TAGS,
    CELL_TAGS,
    format_temperature,
    format_with_su,
    list_symmetry,
    make_data_name,
)

if TYPE_CHECKING:
    import xarray as xr

STRUCTURE_TAGS = (*ATOM_TAGS, "_atom_site_refinement_flags_posn")


def export_structures(
    structures: xr.Dataset, furnace: xr.Dataset, table: Path, labels: dict[str, str]
) -> dict[str, str]:
    """Return the CIF of each phase in each frame by name, ``<phase>_frame<number>.cif``.

    Parameters
    ----------
    structures : Dataset
        ``structures.nc``; lengths in angstrom, angles in degrees.
    furnace : Dataset
        Temperatures [degC] (``furnace.nc``).
    table : Path
        The phases file, for symmetry.
    labels : dict
        ``sample``.

    Returns
    -------
    dict of str to str
        Name and text of each file.
    """
    sample = labels.get("sample", "")
    note = f"{sample} (synthetic)" if structures.attrs.get("synthetic") else sample
    files = {}
    numbers = structures["frame"].values.tolist()
    for p, name in enumerate(structures["phase"].values.astype(str).tolist()):
        known = reflections.read_phase(table, name, ReflectionListing())
        for i, number in enumerate(numbers):
            at = structures.isel(frame=i)
            if not at["present"].values[p]:
                continue
            row = np.flatnonzero(furnace["frame"].values == number)[0]
            celsius = format_temperature(furnace.isel(frame=int(row)))
            files[f"{name}_frame{number:04d}.cif"] = format_structure(
                known, at, p, temperature=celsius, note=note.strip()
            )
    return files


def format_structure(
    known: Phase, at: xr.Dataset, phase: int, *, temperature: str, note: str
) -> str:
    """Return the CIF of a phase in a frame (core and powder dictionaries).

    Parameters
    ----------
    known : Phase
        From the phases file: symmetry and source.
    at : Dataset
        One frame of ``structures.nc``: cell [angstrom, degree], sites.
    phase : int
        Position of the phase in it.
    temperature : str
        [K], as a CIF has it.
    note : str
        Sample, and whether it is synthetic.
    """
    number = int(at["frame"])
    system = identify_crystal_system(known).replace("rhombohedral", "trigonal")
    share = float(at["weight_fraction"].values[phase])
    share_stderr = float(at["weight_fraction_stderr"].values[phase])
    lines = [
        f"# {note}, frame {number}; structure refined on the whole pattern (Rietveld)",
        f"# refinement: {at['status'].item()}; began from: {known.about['source']}",
        *([f"# {held}"] if (held := str(at["held"].item())) else []),
        f"data_{make_data_name(known.name)}_frame_{number}",
        f"_computing_structure_refinement '{at.attrs['program']}'",
        f"_cell_measurement_temperature {temperature}",
        f"_diffrn_ambient_temperature {temperature}",
        f"_diffrn_radiation_wavelength {float(at.attrs['wavelength']):.7g}",
        f"_space_group_crystal_system {system}",
        f"_space_group_name_H-M_alt '{known.group}'",
        *(
            f"{tag} {format_with_su(float(value), float(su))}"
            for tag, value, su in zip(
                CELL_TAGS, at["cell"].values[phase], at["cell_stderr"].values[phase], strict=True
            )
        ),
        f"_pd_proc_ls_prof_wR_factor {float(at['rwp']) / 100:.5f}",
        f"_pd_proc_ls_prof_wR_expected {float(at['rexp']) / 100:.5f}",
        f"_refine_ls_goodness_of_fit_all {float(at['gof']):.4g}",
        f"_refine_ls_number_parameters {int(at['parameters'])}",
        f"_refine_ls_number_restraints {int(at['restraints'])}",
    ]
    if np.isfinite(share):
        percent = format_with_su(100 * share, 100 * share_stderr)
        lines.append(f"_pd_phase_mass_% {percent}")
    return "\n".join([*lines, *list_symmetry(known), *_list_atoms(at, known.name)]) + "\n"


def _list_atoms(at: xr.Dataset, name: str) -> list[str]:
    """Return the loop of the atoms; D flags restrained distances."""
    lines = ["loop_", *STRUCTURE_TAGS]
    flag = "D" if int(at["restraints"]) else "."
    for s in np.flatnonzero(at["site_phase"].values.astype(str) == name):
        words = [str(at["site_label"].values[s]), str(at["element"].values[s])]
        words += [_format(at, "position", s, k) for k in range(3)]
        words += [_format(at, "occupancy", s), _format(at, "b_iso", s), flag]
        lines.append(" ".join(words))
    return lines


def _format(at: xr.Dataset, name: str, *place: Any) -> str:
    return format_with_su(float(at[name].values[place]), float(at[f"{name}_stderr"].values[place]))
