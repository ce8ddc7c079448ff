"""All atoms of a cell: how many, how dense, how far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.crystal.cell import Phase, generate_orbit, metric_from_cell, volume_from_cell
from ssbchar.crystal.cif_sites import MOST_OCCUPANCY
from ssbchar.crystal.structures import (
    ISOTOPES,
    find_atomic_mass,
    find_atomic_number,
    is_metal,
    list_neighbours,
)
from ssbchar.typing import Array, Index

SAME_ATOM = 0.5
"""Positions nearer than this [angstrom] cannot both be occupied: images of one site, or two that
share it."""
SAME_FRACTION = 5e-3
"""Sites listed closer than this [fraction of a cell edge] are listed on one position."""
SHORTEST_CONTACT = 0.6
"""No two atoms are nearer than this share of the sum of their covalent radii; the shortest bonds of
metals with themselves and with oxygen reach 0.65."""
USUAL_CONTACT = (0.75, 1.35)
"""Nearest neighbour of an atom, in sums of covalent radii."""
FARTHEST_CONTACT = 1.45
"""Where no atom has a neighbour as near as this [sums of covalent radii], the cell may be wrong."""
CROWDED = 0.9
"""A non-metal with four neighbours of its own kind has none nearer than this: shorter bonds are
multiple ones."""
G_PER_CM3 = 1.66053907
"""One atomic mass unit per angstrom^3 [g/cm^3]."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a site list cannot be used."""

    problem: str
    remedy: str
    of_atoms_alone: bool = False
    """Whether cell and space group are above suspicion: they can be used without the atoms."""


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """Distances of atoms, in sums of covalent radii."""

    shortest: Array
    """Of each atom to its nearest neighbour, shape (atom,); NaN for none within reach."""
    pair: str
    """The nearest two atoms of the cell."""
    distance: float
    """Theirs [angstrom]."""
    crowded: str
    """Label of a non-metal with four near neighbours of its kind; empty for none."""
    is_full: bool
    """Whether every position holds one whole atom."""

    @property
    def are_usual(self) -> bool:
        """Whether every atom has its nearest neighbour where one is usual."""
        low, high = USUAL_CONTACT
        return bool(np.all((self.shortest > low) & (self.shortest < high))) and self.is_full

    @property
    def are_far(self) -> bool:
        """Whether no two atoms are as near as neighbours are."""
        return bool(np.all(~(self.shortest < FARTHEST_CONTACT)))

    def find_faults(self) -> list[Fault]:
        """Return what no structure has: atoms too near, or too many of a kind too near."""
        remedy = "correct the cell, the sites or the space group (its setting and origin)"
        if np.nanmin(self.shortest, initial=np.inf) < SHORTEST_CONTACT:
            problem = f"{self.pair} are {self.distance:.2f} angstrom apart"
            return [Fault(problem=problem, remedy=remedy)]
        if self.crowded:
            problem = f"{self.crowded}: four or more of its kind are nearer than a single bond"
            return [Fault(problem=f"{problem} ({self.distance:.2f} angstrom)", remedy=remedy)]
        return []


@dataclass(frozen=True, kw_only=True)
class AtomsInCell:
    """All atoms of a cell."""

    phase: Phase
    counts: tuple[int, ...]
    """Positions of each site in the cell."""
    positions: Array
    """Fractional, shape (atom, 3)."""
    site: Index
    """Place of each atom's site, shape (atom,)."""

    @classmethod
    def from_phase(cls, phase: Phase) -> AtomsInCell:
        """Return the atoms that the operations of a phase make of its sites."""
        orbits = [generate_orbit(site.position, phase) for site in phase.sites]
        return cls(
            phase=phase,
            counts=tuple(len(orbit) for orbit in orbits),
            positions=np.concatenate(orbits),
            site=np.repeat(np.arange(len(orbits)), [len(orbit) for orbit in orbits]),
        )

    @property
    def composition(self) -> dict[str, float]:
        """Atoms in the cell by element; D counts as H."""
        found: dict[str, float] = {}
        for site, count in zip(self.phase.sites, self.counts, strict=True):
            element = ISOTOPES.get(site.element, site.element)
            found[element] = found.get(element, 0.0) + site.occupancy * count
        return found

    @property
    def density(self) -> float:
        """Mass over volume [g/cm^3]."""
        mass = sum(
            site.occupancy * count * find_atomic_mass(site.element)
            for site, count in zip(self.phase.sites, self.counts, strict=True)
        )
        return float(G_PER_CM3 * mass / volume_from_cell(self.phase.cell))

    def find_overfull_sites(self) -> list[Fault]:
        """Return the positions that hold more than one atom."""
        occupancy = np.array([site.occupancy for site in self.phase.sites])[self.site]
        for atom in _first_of_each(self.site):
            near = self._find_near(atom)
            total = float(np.sum(occupancy[near]))
            if near.size > 1 and total > MOST_OCCUPANCY:
                return [self._describe_overfull(near, total)]
        return []

    def _describe_overfull(self, near: Index, total: float) -> Fault:
        sites = [self.phase.sites[i] for i in dict.fromkeys(self.site[near].tolist())]
        offset = np.array([site.position for site in sites]) - np.array(sites[0].position)
        is_listed_there = np.max(np.abs((offset + 0.5) % 1.0 - 0.5), axis=1) < SAME_FRACTION
        labels = ", ".join(site.label for site in sites)
        by_symmetry = "" if np.all(is_listed_there) else " by symmetry"
        return Fault(
            problem=f"{labels} share a site{by_symmetry} with occupancies that sum to {total:.3g}",
            remedy="correct the occupancies; list each site once for its space group",
            of_atoms_alone=bool(by_symmetry),
        )

    def _find_near(self, atom: int) -> Index:
        to_angstrom = np.linalg.cholesky(metric_from_cell(self.phase.cell))
        offset = (self.positions - self.positions[atom] + 0.5) % 1.0 - 0.5
        return np.flatnonzero(np.linalg.norm(offset @ to_angstrom, axis=1) < SAME_ATOM)

    def measure_contacts(self) -> Contacts:
        """Return the distances of atoms that can be there at the same time."""
        import gemmi

        sites = self.phase.sites
        radius = np.array([gemmi.Element(site.element).covalent_r for site in sites])[self.site]
        occupancy = np.array([site.occupancy for site in sites])[self.site]
        numbers = np.array([find_atomic_number(site.element) for site in sites])[self.site]
        reach = 2 * FARTHEST_CONTACT * float(radius.max())
        first, second, distance = list_neighbours(self.positions, self.phase.cell, reach)
        # Of two partly filled positions as near as this one is empty.
        apart = (occupancy[first] + occupancy[second] <= MOST_OCCUPANCY) | (distance < SAME_ATOM)
        first, second, distance = first[~apart], second[~apart], distance[~apart]
        ratio = distance / (radius[first] + radius[second])
        shortest = np.full(len(self.positions), np.inf)
        np.minimum.at(shortest, first, ratio)
        shortest[np.isinf(shortest)] = np.nan
        pair, nearest = "", float("nan")
        if ratio.size:
            place = int(np.argmin(ratio))
            one, other = sorted((first[place], second[place]))
            pair = f"{self._label(one)} and {self._label(other)}"
            nearest = float(distance[place])
        near_alike = (numbers[first] == numbers[second]) & (ratio < CROWDED)
        count = np.bincount(first[near_alike], minlength=len(self.positions))
        crowded = [
            i for i in np.flatnonzero(count > 3) if not is_metal(sites[self.site[i]].element)
        ]
        return Contacts(
            shortest=shortest,
            pair=pair,
            distance=nearest,
            crowded=self._label(crowded[0]) if crowded else "",
            is_full=self._are_places_full(occupancy),
        )

    def _are_places_full(self, occupancy: Array) -> bool:
        return all(
            occupancy[self._find_near(atom)].sum() > 2 - MOST_OCCUPANCY
            for atom in _first_of_each(self.site)
        )

    def _label(self, atom: np.integer[Any]) -> str:
        return self.phase.sites[int(self.site[atom])].label


def _first_of_each(site: Index) -> list[int]:
    return [int(place) for place in np.unique(site, return_index=True)[1]]
