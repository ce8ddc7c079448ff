"""The site list against all else a CIF states, and against what atoms can do: occupancies,
composition, density, multiplicities, distances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.crystal.atoms_in_cell import (
    G_PER_CM3,
    SAME_ATOM,
    AtomsInCell,
    Contacts,
    Fault,
)
from ssbchar.crystal.cell import Phase, Site, generate_orbit, metric_from_cell, volume_from_cell
from ssbchar.crystal.cif_file import CifBlock
from ssbchar.crystal.cif_sites import MOST_OCCUPANCY, SiteList, list_labels
from ssbchar.crystal.structures import (
    ISOTOPES,
    find_atomic_mass,
    find_atomic_number,
    is_element,
    parse_composition,
)
from ssbchar.typing import Array

ROUNDED_BY = 0.1
"""A site as near as this [angstrom] to a special position is on it, its coordinates rounded (0.33
for 1/3)."""
COMPOSITION_DIFFERS = 0.05
"""Share of the electrons by which site list and formula may differ."""
COMPOSITION_TOLD = 0.01
"""Share of the electrons from which such a difference is told."""
UNITS_DIFFER = 0.05
"""Relative difference of formula units in the cell from `Z` that counts as one."""
DENSITY_DIFFERS = 0.04
"""Relative difference of densities that counts as one."""
DENSITIES = (0.05, 26.0)
"""Densities of solids [g/cm^3]: solid hydrogen has 0.09, osmium 22.6."""


@dataclass(frozen=True, kw_only=True)
class CifClaims:
    """What a CIF states of the content of its cell."""

    formula: Mapping[str, float]
    """Atoms by element; empty if none is stated or understood."""
    formula_text: str = ""
    """As stated."""
    units: float | None
    """Formula units in the cell."""
    density: float | None
    """Calculated [g/cm^3]."""
    density_rounding: float = 0.0
    """Half of the last digit of the density [g/cm^3]."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """How well a site list fits its space group and the rest of the CIF."""

    phase: Phase
    """With its sites on the positions that they are on."""
    content: str
    """Atoms in the cell, density, shortest contact, in words."""
    faults: tuple[Fault, ...]
    doubts: tuple[str, ...]
    """What does not fit, though the site list is possible."""
    notes: tuple[str, ...]


def read_claims(block: CifBlock) -> CifClaims:
    """Return what a CIF states of the content of its cell.

    Parameters
    ----------
    block : CifBlock

    Raises
    ------
    BadInput
        Z or the density is no number.
    """
    text = block.read_text("_chemical_formula_sum", "_chemical_formula_structural") or ""
    units = block.read_number("_cell_formula_units_z")
    tag = "_exptl_crystal_density_diffrn"
    stated = block.read_text(tag)
    digits = (stated or "").partition("(")[0].partition(".")[2]
    return CifClaims(
        formula=parse_formula(text),
        formula_text=text,
        units=units if units and units > 0 else None,
        density=block.read_number(tag) or None,
        density_rounding=0.5 * 10.0 ** -len(digits) if stated else 0.0,
    )


def parse_formula(text: str) -> dict[str, float]:
    """Return atoms by element of a formula such as ``Li0.93 Fe P O4`` or ``Li3(PO4)``; D counts as
    H. Empty for one that is not understood.

    Parameters
    ----------
    text : str
    """
    compact = re.sub(r"\s+", " ", text.strip())
    words = [re.fullmatch(r"([A-Z][a-z]?)(\d*\.?\d*)(?:\(\d+\))?", w) for w in compact.split(" ")]
    if not all(words):
        return _parse_with_brackets(compact)
    counts: dict[str, float] = {}
    for word in words:
        symbol, number = (word[1], word[2]) if word else ("", "")
        if not is_element(symbol) or number == ".":
            return {}
        element = ISOTOPES.get(symbol, symbol)
        counts[element] = counts.get(element, 0.0) + float(number or 1)
    return {element: count for element, count in counts.items() if count > 0}


def _parse_with_brackets(text: str) -> dict[str, float]:
    if not re.fullmatch(r"[A-Za-z0-9.()\[\] ]+", text):
        return {}
    counts: dict[str, float] = {}
    for symbol, count in parse_composition(text.replace(" ", "")).items():
        if not is_element(symbol):
            return {}
        element = ISOTOPES.get(symbol, symbol)
        counts[element] = counts.get(element, 0.0) + count
    return counts


def judge_sites(phase: Phase, listed: SiteList, claims: CifClaims) -> Assessment:
    """Return how well a site list fits a space group and what else the CIF states.

    Parameters
    ----------
    phase : Phase
        Its cell and operations; its sites are those of `listed`.
    listed : SiteList
    claims : CifClaims
    """
    faults: list[Fault] = []
    notes: list[str] = []
    sites = []
    for site in listed.sites:
        placed = _place_site(site, phase)
        if placed is None:
            faults.append(
                Fault(
                    problem=f"images of atom '{site.label}' overlap (less than {SAME_ATOM:g} "
                    "angstrom apart) with more than one atom on them",
                    remedy="correct its coordinates, its occupancy or the space group",
                )
            )
            placed = site
        elif placed is not site:
            x, y, z = placed.position
            notes.append(f"{site.label} taken on its special position {x:.4g}, {y:.4g}, {z:.4g}")
        sites.append(placed)
    sites, repeated = _drop_repeated(sites, phase)
    if repeated:
        notes.append(f"{list_labels(repeated)}: listed already, by symmetry; counted once")
    phase = replace(phase, sites=tuple(sites))
    atoms = AtomsInCell.from_phase(phase)
    faults += atoms.find_overfull_sites()
    contacts = atoms.measure_contacts() if not faults else None
    fits_formula, fault, told = _compare_formula(atoms, claims)
    faults += fault
    notes += told
    faults += _check_density(atoms, claims)
    if not fits_formula:
        faults += _check_multiplicities(atoms, listed)
    doubts: list[str] = []
    if contacts is not None:
        if contacts.are_far:
            notes.append(
                f"its atoms are far apart ({atoms.density:.3g} g/cm^3): is the cell right?"
            )
        faults += contacts.find_faults()
        faults, doubts = _check_units(atoms, claims, contacts, faults)
    return Assessment(
        phase=phase,
        content=_describe_content(atoms, contacts),
        faults=tuple(faults),
        doubts=tuple(doubts),
        notes=tuple(notes),
    )


def _place_site(site: Site, phase: Phase) -> Site | None:
    """Return a site on the special position that its rounded coordinates stand for; the same site
    where there is none near; None if its images overlap otherwise."""
    orbit = generate_orbit(site.position, phase)
    offset = (orbit - np.array(site.position) + 0.5) % 1.0 - 0.5
    to_angstrom = np.linalg.cholesky(metric_from_cell(phase.cell))
    distance = np.linalg.norm(offset @ to_angstrom, axis=1)
    near = distance < SAME_ATOM
    count = int(np.sum(near))
    if count == 1 or count * site.occupancy <= MOST_OCCUPANCY:
        return site
    shift = offset[near].mean(axis=0)
    if np.linalg.norm(shift @ to_angstrom) > ROUNDED_BY:
        return None
    x, y, z = np.array(site.position) + shift
    moved = replace(site, position=(float(x), float(y), float(z)))
    return moved if len(generate_orbit(moved.position, phase)) < len(orbit) else None


def _drop_repeated(sites: list[Site], phase: Phase) -> tuple[list[Site], list[str]]:
    """Return the sites without those that symmetry makes of an earlier one of the same kind, and
    the labels of these: a list of all atoms of the cell under the symbol of its group."""
    to_angstrom = np.asarray(np.linalg.cholesky(metric_from_cell(phase.cell)), float)
    kept: list[Site] = []
    orbits: list[Array] = []
    repeated = []
    for site in sites:
        is_repeated = False
        for other, orbit in zip(kept, orbits, strict=True):
            is_alike = (site.element, site.occupancy) == (other.element, other.occupancy)
            is_listed_there = _find_distance(site, other.position, to_angstrom) < ROUNDED_BY
            if is_alike and site.occupancy > 0.5 and not is_listed_there:
                offset = (orbit - np.array(site.position) + 0.5) % 1.0 - 0.5
                nearest = np.linalg.norm(offset @ to_angstrom, axis=1).min()
                is_repeated = is_repeated or bool(nearest < ROUNDED_BY)
        if is_repeated:
            repeated.append(site.label)
        else:
            kept.append(site)
            orbits.append(generate_orbit(site.position, phase))
    return kept, repeated


def _find_distance(site: Site, position: tuple[float, float, float], to_angstrom: Array) -> float:
    offset = (np.array(site.position) - np.array(position) + 0.5) % 1.0 - 0.5
    return float(np.linalg.norm(offset @ to_angstrom))


def _compare_formula(atoms: AtomsInCell, claims: CifClaims) -> tuple[bool, list[Fault], list[str]]:
    """Return whether the site list has the composition of the formula, and what to say of it."""
    if not claims.formula:
        text = f"the formula '{claims.formula_text}' is not understood: not compared"
        return False, [], [text] if claims.formula_text else []
    units = count_formula_units(atoms.composition, claims.formula)
    elements = sorted({*atoms.composition, *claims.formula})
    electrons = np.array([find_atomic_number(element) for element in elements])
    listed = np.array([atoms.composition.get(element, 0.0) for element in elements])
    stated = np.array([claims.formula.get(element, 0.0) for element in elements])
    missing = electrons * np.abs(listed / units - stated)
    share = float(missing.sum() / np.sum(electrons * stated))
    texts = (
        f"the site list is {format_composition(atoms.composition)} in the cell, the formula "
        f"{format_composition(claims.formula)}"
    )
    if share > COMPOSITION_DIFFERS:
        remedy = (
            "correct the sites (columns and rows shifted? occupancies? space group?) or the formula"
        )
        return False, [Fault(problem=texts, remedy=remedy)], []
    return True, [], [f"{texts}: the site list is used"] if share > COMPOSITION_TOLD else []


def count_formula_units(content: Mapping[str, float], formula: Mapping[str, float]) -> float:
    """Return the formula units in a cell: the median over elements, weighted by electrons.

    Parameters
    ----------
    content, formula : mapping
        Atoms by element, in the cell and in the formula.
    """
    elements = list(formula)
    ratio = np.array([content.get(element, 0.0) / formula[element] for element in elements])
    weight = np.array([find_atomic_number(element) * formula[element] for element in elements])
    order = np.argsort(ratio)
    reached = np.cumsum(weight[order]) >= 0.5 * weight.sum()
    # A formula of which the site list has nothing: any number shows it.
    return float(ratio[order][np.argmax(reached)]) or 1.0


def format_composition(content: Mapping[str, float]) -> str:
    """Return atoms by element as text, such as ``Al12 O18``."""
    return " ".join(f"{element}{count:.4g}" for element, count in content.items())


def _check_density(atoms: AtomsInCell, claims: CifClaims) -> list[Fault]:
    density = atoms.density
    low, high = DENSITIES
    remedy = "correct cell (angstrom?), sites, occupancies or space group"
    if not low < density < high:
        unit = "nm" if density > high else "pm"
        problem = f"cell and site list make {density:.3g} g/cm^3, no density of a solid"
        return [Fault(problem=f"{problem} (a cell in {unit}?)", remedy=remedy)]
    if claims.density is None:
        return []
    missing = _mass_of_missing_hydrogen(atoms, claims)
    allowed = DENSITY_DIFFERS * claims.density + claims.density_rounding
    for scale in (1.0, 1000.0):  # other programs state it in kg/m^3
        if abs(density - claims.density / scale) <= allowed / scale + missing:
            return []
    problem = (
        f"cell and site list make {density:.4g} g/cm^3, _exptl_crystal_density_diffrn says "
        f"{claims.density:.4g}"
    )
    return [Fault(problem=problem, remedy=remedy)]


def _mass_of_missing_hydrogen(atoms: AtomsInCell, claims: CifClaims) -> float:
    """Return the density [g/cm^3] of hydrogen that the formula has and the site list has not."""
    if "H" not in claims.formula:
        return 0.0
    units = count_formula_units(atoms.composition, claims.formula)
    missing = units * claims.formula["H"] - atoms.composition.get("H", 0.0)
    volume = float(volume_from_cell(atoms.phase.cell))
    return max(missing, 0.0) * find_atomic_mass("H") * G_PER_CM3 / volume


def _check_units(
    atoms: AtomsInCell, claims: CifClaims, contacts: Contacts, faults: list[Fault]
) -> tuple[list[Fault], list[str]]:
    """Return faults and doubts with those of the number of formula units.

    Where every site is full and every atom has its neighbours at usual distances, a wrong Z is
    told and the site list used; else it is a fault.
    """
    if not claims.formula or claims.units is None:
        return faults, []
    units = count_formula_units(atoms.composition, claims.formula)
    if abs(units / claims.units - 1) <= UNITS_DIFFER:
        return faults, []
    # pymatgen and Materials Project state the whole cell as the formula, beside Z.
    per_unit = np.array(list(claims.formula.values())) / claims.units
    is_whole_cell = bool(np.all(np.abs(per_unit - np.round(per_unit)) < 1e-3))
    if is_whole_cell and abs(units - 1) <= UNITS_DIFFER:
        return faults, []
    formula = format_composition(claims.formula)
    text = (
        f"_cell_formula_units_Z says {claims.units:g} of {formula} in the cell, the site list "
        f"makes {units:.4g} ({atoms.density:.3g} g/cm^3)"
    )
    if contacts.are_usual:
        return faults, [f"{text}: the site list is used, its distances are usual ones"]
    remedy = "correct Z, the sites, their occupancies or the space group"
    return [*faults, Fault(problem=text, remedy=remedy)], []


def _check_multiplicities(atoms: AtomsInCell, listed: SiteList) -> list[Fault]:
    """Return the sites whose stated multiplicity is not that of their position.

    Programs write the number of equivalent positions or the order of the site's symmetry.
    """
    operations = len(atoms.phase.rotations)
    stated = listed.multiplicities
    if all(number in (None, 1.0) for number in stated):
        return []
    for site, count, number in zip(atoms.phase.sites, atoms.counts, stated, strict=True):
        if number is None or number in (count, operations / count):
            continue
        problem = (
            f"atom '{site.label}' has {count} positions in the cell, its multiplicity is "
            f"stated as {number:g}"
        )
        remedy = "correct its coordinates (columns shifted?) or the space group"
        return [Fault(problem=problem, remedy=remedy)]
    return []


def _describe_content(atoms: AtomsInCell, contacts: Contacts | None) -> str:
    text = f"{format_composition(atoms.composition)} in the cell, {atoms.density:.3g} g/cm^3"
    if contacts is None or not contacts.pair:
        return text
    return f"{text}, {contacts.pair} {contacts.distance:.2f} angstrom apart"


def describe_content(phase: Phase) -> str:
    """Return atoms in the cell, density and shortest distance of a phase, in words.

    Parameters
    ----------
    phase : Phase
        With sites.
    """
    atoms = AtomsInCell.from_phase(phase)
    return _describe_content(atoms, atoms.measure_contacts())
