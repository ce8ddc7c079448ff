"""Atoms around an absorber, from a crystal's asymmetric unit: the cluster that FEFF is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.crystal.cell import Phase, Site, generate_orbit, metric_from_cell
from ssbchar.errors import BadInput
from ssbchar.typing import Array

MOST_ATOMS = 400
"""Atoms of a cluster; FEFF 6 takes no more than 500."""
TOO_NEAR = 0.9
"""Distance below which two positions cannot both be occupied [angstrom]."""
SAME_PLACE = 1e-3
"""Positions closer than this are one [fraction of a cell edge; angstrom]."""
HALF_OCCUPIED = 0.5
"""A position of less occupancy is left empty."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Atoms around one absorbing site, the absorber first."""

    share: float
    """Share of the absorber's atoms that are on such a site."""
    elements: tuple[str, ...]
    positions: Array
    """Relative to the absorber, shape (atom, 3) [angstrom]."""


def build_clusters(phase: Phase, absorber: str, radius: float) -> tuple[list[Cluster], list[str]]:
    """Return the atoms around each inequivalent site of an element, and what was simplified.

    Of several elements on one position, the one with the greatest occupancy takes it (the absorber
    keeps its own place); a position that is less than half occupied is left empty.

    Parameters
    ----------
    phase : Phase
        From `ssbchar.crystal.reflections.read_phase`.
    absorber : str
        Element.
    radius : float
        Radius of the cluster [angstrom].

    Returns
    -------
    clusters : list of Cluster
        One per site of the absorber, positions of shape (atom, 3) [angstrom].
    simplified : list of str
        One sentence per position that was simplified.

    Raises
    ------
    BadInput
        The phase has no atoms, none of the absorber, or atoms nearer than 0.9 angstrom.
    """
    centres = [site for site in phase.sites if site.element == absorber]
    if not centres:
        lacking = absorber if phase.sites else "atoms"
        raise BadInput(
            phase.name,
            f"phase '{phase.name}' has no {lacking}",
            "name the phase that holds the absorber, with a CIF that lists its atoms",
        )
    occupied, simplified = choose_occupants(phase)
    translations = _list_translations(phase, radius)
    amounts = np.array(
        [site.occupancy * len(generate_orbit(site.position, phase)) for site in centres]
    )
    clusters = []
    for site, amount in zip(centres, amounts, strict=True):
        elements, positions = _collect_atoms(phase, site, occupied, translations, radius=radius)
        _check_distances(positions, phase.name)
        share = float(amount / amounts.sum())
        clusters.append(Cluster(share=share, elements=elements, positions=positions))
    return clusters, simplified


def _list_translations(phase: Phase, radius: float) -> Array:
    """Return the lattice translations that reach every atom within a radius, shape (n, 3)."""
    inverse = np.linalg.inv(metric_from_cell(phase.cell))
    # The reciprocal lengths say how many cells a sphere spans along each axis of an oblique cell.
    reach = np.ceil(radius * np.sqrt(np.diag(inverse))).astype(int) + 1
    axes = [np.arange(-n, n + 1) for n in reach]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _collect_atoms(
    phase: Phase, centre: Site, occupied: Sequence[Site], translations: Array, *, radius: float
) -> tuple[tuple[str, ...], Array]:
    """Return elements and positions [angstrom] around a site, nearest first."""
    to_angstrom = np.linalg.cholesky(metric_from_cell(phase.cell))
    places, elements = [np.zeros((1, 3))], [centre.element]
    for other in occupied:
        images = (generate_orbit(other.position, phase)[:, None] + translations[None]).reshape(
            -1, 3
        )
        found = (images - np.array(centre.position)) @ to_angstrom
        distance = np.linalg.norm(found, axis=1)
        found = found[(distance > SAME_PLACE) & (distance < radius)]
        places.append(found)
        elements += [other.element] * len(found)
    positions = np.concatenate(places)
    # Rounding makes the order of equivalent atoms the same on every machine.
    distance = np.linalg.norm(positions, axis=1).round(4)
    # Beyond FEFF's limit the farthest atoms, which matter least, are dropped.
    order = np.lexsort((*positions.round(4).T, distance))[:MOST_ATOMS]
    return tuple(elements[i] for i in order), positions[order]


def choose_occupants(phase: Phase) -> tuple[list[Site], list[str]]:
    """Return the site that takes each position of the asymmetric unit, and what was simplified.

    Parameters
    ----------
    phase : Phase
        Sites in fractions of the cell edges.

    Returns
    -------
    occupied : list of Site
    simplified : list of str
    """
    occupied, simplified = [], []
    for group in _group_by_position(phase):
        # FEFF knows no partly occupied positions.
        first = max(group, key=lambda site: site.occupancy)
        if sum(site.occupancy for site in group) < HALF_OCCUPIED:
            simplified.append(f"{first.element} of occupancy {first.occupancy:g} left out")
            continue
        if len(group) > 1:
            others = ", ".join(f"{s.element} ({s.occupancy:g})" for s in group if s is not first)
            simplified.append(f"{first.element} stands for {others} on its site")
        occupied.append(first)
    return occupied, simplified


def _group_by_position(phase: Phase) -> list[list[Site]]:
    """Return the sites of a phase, those that share a position together."""
    groups: list[list[Site]] = []
    for site in phase.sites:
        for group in groups:
            offset = np.array(site.position) - generate_orbit(group[0].position, phase)
            nearest_image = (offset + 0.5) % 1.0 - 0.5
            if np.abs(nearest_image).max(axis=1).min() < SAME_PLACE:
                group.append(site)
                break
        else:
            groups.append([site])
    return groups


def _check_distances(positions: Array, name: str) -> None:
    from scipy.spatial import cKDTree

    nearest = cKDTree(positions).query(positions, k=2)[0][:, 1]
    if nearest.min() < TOO_NEAR:
        raise BadInput(
            name,
            f"phase '{name}': atoms {nearest.min():.2f} angstrom apart",
            "give a CIF without positions of which only one is occupied at a time",
        )
