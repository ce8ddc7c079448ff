"""The symmetry of a structure written without any (P 1), found by spglib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ssbchar.crystal.cell import Phase, Site, generate_orbit
from ssbchar.crystal.structures import examine_symmetry
from ssbchar.typing import Array

POSITION_TOLERANCE = 0.01
"""Atoms may be off their symmetric positions by this [angstrom]; databases of calculated structures
write five to eight digits."""
SAME_SITE = 1e-3
"""Coordinates closer than this [fraction of a cell edge] are one position."""


@dataclass(frozen=True, kw_only=True)
class FoundSymmetry:
    """A structure with the symmetry that was found in it."""

    phase: Phase
    """On the conventional cell of the group, with the sites of its asymmetric unit."""
    number: int
    """Of the group in International Tables A."""


def find_symmetry(phase: Phase) -> FoundSymmetry:
    """Return a structure given in P 1 with the symmetry it has.

    Parameters
    ----------
    phase : Phase
        All atoms of its cell are its sites.

    Returns
    -------
    FoundSymmetry
        The phase as it is, with number 1, where no symmetry is found.
    """
    places = _group_sites(_list_atoms(phase))
    analyzer = examine_symmetry(
        phase.cell,
        [_mix_species(place) for place in places],
        [place[0].position for place in places],
        POSITION_TOLERANCE,
    )
    if analyzer.get_space_group_number() == 1:
        return FoundSymmetry(phase=phase, number=1)
    return _build_phase(phase, places, analyzer)


def _list_atoms(phase: Phase) -> list[Site]:
    """Return one site per atom of the cell: a cell without symmetry may still be centred."""
    return [
        replace(site, position=(float(x), float(y), float(z)))
        for site in phase.sites
        for x, y, z in generate_orbit(site.position, phase)
    ]


def _group_sites(sites: Sequence[Site]) -> list[list[Site]]:
    """Return the sites by position."""
    positions = np.array([site.position for site in sites])
    first = np.full(len(sites), -1)
    for i, position in enumerate(positions):
        if first[i] < 0:
            offset = np.abs((positions - position + 0.5) % 1.0 - 0.5)
            first[(offset.max(axis=1) < SAME_SITE) & (first < 0)] = i
    return [[sites[int(k)] for k in np.flatnonzero(first == i)] for i in np.unique(first)]


def _mix_species(place: Sequence[Site]) -> dict[str, float]:
    # Rounded, so that 0.3333 and 0.33333 are one species.
    species: dict[str, float] = {}
    for site in place:
        species[site.element] = species.get(site.element, 0.0) + round(site.occupancy, 3)
    # 0.334 three times is one atom.
    total = max(sum(species.values()), 1.0)
    return {element: amount / total for element, amount in species.items()}


def _build_phase(phase: Phase, places: list[list[Site]], analyzer: Any) -> FoundSymmetry:
    import gemmi
    import spglib

    found: Any = analyzer.get_symmetry_dataset()
    operations: Any = spglib.get_symmetry_from_database(int(found.hall_number))
    lattice = np.asarray(found.std_lattice)
    tabulated = gemmi.find_spacegroup_by_name(analyzer.get_space_group_symbol())
    symbol = analyzer.get_space_group_symbol() if tabulated is None else tabulated.hm
    if found.choice in ("1", "2", "H", "R"):
        symbol = f"{symbol}:{found.choice}"
    grouped = replace(
        phase,
        cell=_cell_from_lattice(lattice),
        group=" ".join(symbol.split()),
        rotations=np.asarray(operations["rotations"], float),
        translations=np.asarray(operations["translations"], float) % 1.0,
        sites=(),
    )
    # Atoms of the standard cell come from atoms of the given one by way of the primitive cell.
    to_primitive = np.asarray(found.mapping_to_primitive)
    sources = [
        [places[i] for i in np.flatnonzero(to_primitive == primitive)]
        for primitive in found.std_mapping_to_primitive
    ]
    sites: list[Site] = []
    taken = np.zeros(len(sources), bool)
    positions = np.asarray(found.std_positions) % 1.0
    for atom, position in enumerate(positions):
        if taken[atom]:
            continue
        orbit = generate_orbit(tuple(position), grouped)
        offset = (positions[:, None] - orbit[None] + 0.5) % 1.0 - 0.5
        equivalent = np.max(np.abs(offset), axis=-1).min(axis=1) < SAME_SITE
        taken |= equivalent
        members = [place for i in np.flatnonzero(equivalent) for place in sources[i]]
        sites += _average_sites(members, tuple(float(x) for x in position))
    return FoundSymmetry(phase=replace(grouped, sites=tuple(sites)), number=int(found.number))


def _average_sites(members: list[list[Site]], position: tuple[float, ...]) -> list[Site]:
    """Return the sites of one place from those of all equivalent ones."""
    x, y, z = position
    elements = sorted({site.element for site in members[0]})
    sites = []
    for element in elements:
        own = [[site for site in place if site.element == element] for place in members]
        b_iso = np.mean([site.b_iso for place in own for site in place])
        sites.append(
            replace(
                own[0][0],
                position=(x, y, z),
                occupancy=float(np.mean([sum(s.occupancy for s in place) for place in own])),
                b_iso=float(b_iso),
            )
        )
    return sites


def _cell_from_lattice(lattice: Array) -> Array:
    """Return a, b, c [angstrom], alpha, beta, gamma [degree] of lattice vectors in rows."""
    length = np.linalg.norm(lattice, axis=1)
    unit = lattice / length[:, None]
    cosine = np.array([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]])
    # Right angles and 120 degree exactly, where rounding alone is off them.
    angles = np.degrees(np.arccos(cosine))
    rounded = np.round(angles)
    angles = np.where(np.abs(angles - rounded) < 1e-6, rounded, angles)
    return np.asarray(np.r_[length, angles])
