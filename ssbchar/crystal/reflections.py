"""A phase's reflections: from a CIF or a cell with its space group to h, k, l, d and |F|^2, once
per phase."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.crystal import site_checks
from ssbchar.crystal.cell import (
    Phase,
    d_from_hkl,
    estimate_family_count,
    generate_orbit,
    identify_crystal_system,
    list_allowed_families,
    volume_from_cell,
)
from ssbchar.crystal.cif import check_cell, read_cif
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.outputs import REFLECTIONS
from ssbchar.crystal.phases_file import find_cif, read_entries
from ssbchar.crystal.space_group import (
    GroupStatement,
    choose_settings,
    read_number,
    symmetrise_cell,
)
from ssbchar.crystal.structures import find_atomic_mass, form_factor_from_s
from ssbchar.errors import BadInput
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

ENTRY_KEYS = (
    "cif",
    "block",
    "atoms",
    "cell",
    "space_group",
    "formula",
    "refinable",
    "source",
    "temperature",
    "expansion",
    "feff",
    "note",
)
"""What an entry of the phases file may have."""
MOST_INDICES = 2e7
"""Indices hkl that are gone through [1]: half a gigabyte."""


def tabulate_reflections(
    table: Path, options: ReflectionListing, labels: dict[str, str]
) -> xr.Dataset:
    """Return the reflections of one phase of a phases file (docs/data-model.md,
    ``phases/<phase>.nc``).

    Parameters
    ----------
    table : Path
        The phases file (YAML): name to ``cif`` (with ``block``, ``space_group``, ``atoms`` where
        `ssbchar.crystal.cif.read_cif` asks for them) or ``cell`` and ``space_group``,
        ``refinable``, ``source``, ``temperature`` (of the cell, degC; 25), ``expansion``, ``note``.
    options : ReflectionListing
    labels : dict
        ``phase`` names the phase.

    Raises
    ------
    BadInput
        The phase is not in the file, its CIF cannot be used (`ssbchar.crystal.cif.read_cif`), its
        space group is unknown, or it has more reflections than ``most_reflections``.
    """
    phase = read_phase(table, labels["phase"], options)
    check_reflection_count(phase, options, table)
    hkl, multiplicity = list_allowed_families(phase, options.d_min)
    d = d_from_hkl(hkl, phase.cell)
    # Rounded d, so that reflections of equal d stand in the order of their indices.
    order = np.lexsort((hkl[:, 2], hkl[:, 1], hkl[:, 0], -np.round(d, 9)))
    hkl, multiplicity, d = hkl[order], multiplicity[order], d[order]
    strength = np.full(d.size, np.nan)
    if phase.sites:
        strength = structure_factor_squared(phase, hkl)
        power = strength * multiplicity
        kept = power > options.weakest * np.max(power)
        hkl, multiplicity, d, strength = hkl[kept], multiplicity[kept], d[kept], strength[kept]
    return REFLECTIONS.dataset(
        {
            **{name: hkl[:, i].astype(np.int64) for i, name in enumerate("hkl")},
            "multiplicity": multiplicity.astype(np.int64),
            "d": d,
            "structure_factor_squared": strength,
        },
        _describe_phase(phase),
    )


def _describe_phase(phase: Phase) -> dict[str, Any]:
    """Return the attributes of a table of reflections."""
    about = phase.about
    attributes = {
        "phase": phase.name,
        "cell": phase.cell.tolist(),
        "space_group": phase.group,
        "crystal_system": str(identify_crystal_system(phase)),
        "volume": float(volume_from_cell(phase.cell)),
        "refinable": int(bool(about.get("refinable", False)) and bool(phase.sites)),
        "source": str(about["source"]),
        "cif": Path(str(about.get("cif") or "")).name,
        "note": str(about.get("note", "")),
        "notes": json.dumps(list(phase.notes)),
        "laue_operations": json.dumps(np.unique(phase.rotations, axis=0).astype(int).tolist()),
        "temperature": float(about.get("temperature", 25.0)),
        "expansion": json.dumps(about.get("expansion") or {}),
        "elements": json.dumps(list_elements(phase)),
    }
    mass = mass_from_sites(phase)
    if np.isfinite(mass):
        attributes["cell_mass"] = mass
    return attributes


def read_phase(table: Path, name: str, options: ReflectionListing) -> Phase:
    """Return a phase of a phases file.

    Parameters
    ----------
    table : Path
        The phases file (YAML); see `tabulate_reflections`.
    name : str
        The phase.
    options : ReflectionListing

    Raises
    ------
    BadInput
        As `tabulate_reflections`.
    """
    entries = read_entries(table)
    if name not in entries:
        raise BadInput(table, f"no phase '{name}'", f"add it, or use one of {', '.join(entries)}")
    about = _check_entry(entries[name], table, name)
    cif = find_cif(table, about)
    if cif is not None:
        return read_cif(cif, name, about, options)
    if "cell" not in about or "space_group" not in about:
        raise BadInput(
            table,
            f"phase '{name}' has neither 'cif' nor 'cell' and 'space_group'",
            "give one of them",
        )
    cell = _parse_cell(about["cell"], table, name)
    group = str(about["space_group"])
    stated = GroupStatement(symbols=(group,))
    if group.isdigit():
        stated = GroupStatement(number=read_number(group, table))
    choice = choose_settings(stated, cell, table, name)
    setting = choice.settings[0]
    return Phase(
        name=name,
        cell=symmetrise_cell(setting.rotations, cell)[0],
        group=choice.symbol,
        rotations=setting.rotations,
        translations=setting.translations,
        about=about,
        notes=choice.notes,
    )


def _check_entry(entry: Any, table: Path, name: str) -> dict[str, Any]:
    """Return an entry of the phases file that has what every entry must have."""
    if not isinstance(entry, dict):
        raise BadInput(table, f"phase '{name}' has no entries", "give 'cif:' and 'source:'")
    unknown = sorted(str(key) for key in set(entry) - set(ENTRY_KEYS))
    if unknown:
        raise BadInput(
            table,
            f"phase '{name}': '{unknown[0]}' is not known",
            f"use {', '.join(ENTRY_KEYS)}",
        )
    if not entry.get("source"):
        raise BadInput(
            table, f"phase '{name}' has no source", "give 'source:', a DOI where there is one"
        )
    for key in ("refinable", "atoms"):
        if entry.get(key, True) not in (True, False):
            raise BadInput(table, f"phase '{name}': '{key}: {entry[key]}'", "write true or false")
    return dict(entry)


def _parse_cell(given: Any, table: Path, name: str) -> Array:
    remedy = "give [a, b, c, alpha, beta, gamma]"
    try:
        cell = np.array(given, float)
    except (TypeError, ValueError):
        cell = np.zeros(0)
    if cell.shape != (6,):
        raise BadInput(table, f"phase '{name}': {given} is no cell", remedy)
    check_cell(cell, f"{table}, phase '{name}'")
    return cell


def structure_factor_squared(phase: Phase, hkl: Array) -> Array:
    """Return |F|^2 with F = sum_j o_j f_j exp(-B_j s^2) exp(2 pi i h.x_j).

    Parameters
    ----------
    phase : Phase
        Its cell and atoms; o_j is the occupancy, B_j the isotropic displacement parameter.
    hkl : ndarray, shape (reflection, 3)
        Miller indices.

    Returns
    -------
    ndarray, shape (reflection,)
        |F|^2 [electron^2].
    """
    s = 0.5 / d_from_hkl(hkl, phase.cell)
    total = np.zeros(len(hkl), complex)
    for site in phase.sites:
        positions = generate_orbit(site.position, phase)
        wave = np.exp(2j * np.pi * hkl @ positions.T).sum(axis=1)
        f = form_factor_from_s(site.element, s)
        total += site.occupancy * f * np.exp(-site.b_iso * s**2) * wave
    return np.asarray(np.abs(total) ** 2)


def list_elements(phase: Phase) -> list[str]:
    """Return the symbols (str) of a phase's elements, of its atoms or of the formula in its entry;
    empty where neither is known.

    Parameters
    ----------
    phase : Phase
    """
    import gemmi

    found = {str(site.element) for site in phase.sites}
    formula = str(phase.about.get("formula", "")) if not found else ""
    named = re.findall(r"[A-Z][a-z]?", formula)
    return sorted(found | {word for word in named if gemmi.Element(word).atomic_number > 0})


def mass_from_sites(phase: Phase) -> float:
    """Return the mass of the cell's content [atomic mass unit]; NaN for a phase without atoms.

    Z M of R. J. Hill & C. J. Howard, J. Appl. Cryst. 20 (1987) 467.
    """
    if not phase.sites:
        return float("nan")
    masses = [
        site.occupancy * find_atomic_mass(site.element) * len(generate_orbit(site.position, phase))
        for site in phase.sites
    ]
    return float(sum(masses))


def describe_phase(table: Path, name: str, options: ReflectionListing) -> str:
    """Return one line on what was understood of a phase.

    Parameters
    ----------
    table : Path
        The phases file (YAML).
    name : str
        The phase.
    options : ReflectionListing

    Raises
    ------
    BadInput
        As `tabulate_reflections`; the reflections themselves are not listed.
    """
    phase = read_phase(table, name, options)
    check_reflection_count(phase, options, table)
    system = identify_crystal_system(phase)
    cell = ", ".join(f"{x:.6g}" for x in phase.cell)
    content = site_checks.describe_content(phase) if phase.sites else "no atoms"
    about = f"about {round(estimate_family_count(phase, options.d_min))} reflections to "
    parts = [
        f"{phase.group} ({system})",
        f"cell {cell}",
        content,
        f"{about}{options.d_min:g} angstrom",
    ]
    return f"{name}: {'; '.join([*parts, *phase.notes])}"


def check_reflection_count(phase: Phase, options: ReflectionListing, where: object) -> None:
    """Raise if a phase has more reflections than are listed.

    Parameters
    ----------
    phase : Phase
    options : ReflectionListing
    where : object
        The file, for the message.

    Raises
    ------
    BadInput
        More than ``most_reflections``.
    """
    count = estimate_family_count(phase, options.d_min)
    edges = 2 * np.ceil(phase.cell[:3] / options.d_min) + 1
    if count > options.most_reflections or np.prod(edges) > MOST_INDICES:
        cell = ", ".join(f"{x:g}" for x in phase.cell)
        raise BadInput(
            where,
            f"phase '{phase.name}': about {count:.0f} reflections down to {options.d_min:g} "
            f"angstrom for the cell {cell} (a cell in pm, or P 1 for a higher symmetry?)",
            f"correct the cell, or raise hexrd.phases.d_min or hexrd.phases.most_reflections "
            f"({options.most_reflections})",
        )
