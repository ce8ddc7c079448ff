"""Atoms around an absorber, from a crystal's asymmetric unit: what FEFF is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.crystal.cell import Phase, Site, generate_orbit, metric_from_cell
from ssbchar.errors import BadInput
from ssbchar.typing import Array

MOST_ATOMS = 400
"""FEFF 6 takes no more than 500 atoms."""
TOO_NEAR = 0.9
"""No two atoms of a crystal are this near [angstrom]; positions of which one is occupied at a time
are."""


@dataclass(frozen=True)
class Cluster:
    """Atoms about one absorbing site, the absorber first."""

    share: float
    """Share of the absorber's atoms on sites like this."""
    elements: tuple[str, ...]
    positions: Array
    """Relative to the absorber, shape (atom, 3) [angstrom]."""


def build_clusters(phase: Phase, absorber: str, radius: float) -> tuple[list[Cluster], list[str]]:
    """Return the atoms around each inequivalent site of an element, and what was simplified.

    A position that several elements share is taken by the one with the greatest occupancy (the
    absorber keeps its own place); one that is less than half occupied is left empty.

    Parameters
    ----------
    phase : Phase
        From `ssbchar.crystal.reflections.read_phase`.
    absorber : str
        Element.
    radius : float
        [angstrom]

    Raises
    ------
    BadInput
        The phase has no atoms, none of the absorber, or atoms nearer than 0.9 angstrom.
    """
    centres = [site for site in phase.sites if site.element == absorber]
    if not centres:
        what = (
            f"phase '{phase.name}' has no {absorber}"
            if phase.sites
            else f"phase '{phase.name}' has no atoms"
        )
        raise BadInput(
            phase.name,
            what,
            "name the phase that holds the absorber, with a CIF that lists its atoms",
        )
    held, said = choose_occupants(phase)
    axes = np.linalg.cholesky(metric_from_cell(phase.cell))
    reach = (
        np.ceil(radius * np.sqrt(np.diag(np.linalg.inv(metric_from_cell(phase.cell))))).astype(int)
        + 1
    )
    images = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    amounts = np.array(
        [site.occupancy * len(generate_orbit(site.position, phase)) for site in centres]
    )
    out = []
    for site, amount in zip(centres, amounts, strict=True):
        places, elements = [np.zeros((1, 3))], [absorber]
        for other in held:
            every = (generate_orbit(other.position, phase)[:, None] + images[None]).reshape(
                -1, 3
            ) - np.array(site.position)
            found = every @ axes
            distance = np.linalg.norm(found, axis=1)
            found = found[(distance > 1e-3) & (distance < radius)]
            places.append(found)
            elements += [other.element] * len(found)
        positions = np.concatenate(places)
        order = np.lexsort((*positions.round(4).T, np.linalg.norm(positions, axis=1).round(4)))[
            :MOST_ATOMS
        ]
        _check_distances(positions[order], phase.name)
        out.append(
            Cluster(
                float(amount / amounts.sum()), tuple(elements[i] for i in order), positions[order]
            )
        )
    return out, said


def choose_occupants(phase: Phase) -> tuple[list[Site], list[str]]:
    """Return the site that takes each position of the asymmetric unit, and what was simplified."""
    groups: list[list[Site]] = []
    for site in phase.sites:
        for group in groups:
            apart = (
                np.array(site.position) - generate_orbit(group[0].position, phase) + 0.5
            ) % 1.0 - 0.5
            if np.abs(apart).max(axis=1).min() < 1e-3:
                group.append(site)
                break
        else:
            groups.append([site])
    kept, said = [], []
    for group in groups:
        first = max(group, key=lambda site: site.occupancy)
        if sum(site.occupancy for site in group) < 0.5:
            said.append(f"{first.element} of occupancy {first.occupancy:g} left out")
            continue
        if len(group) > 1:
            others = ", ".join(f"{s.element} ({s.occupancy:g})" for s in group if s is not first)
            said.append(f"{first.element} stands for {others} on its site")
        kept.append(first)
    return kept, said


def _check_distances(positions: Array, name: str) -> None:
    from scipy.spatial import cKDTree

    near = cKDTree(positions).query(positions, k=2)[0][:, 1]
    if near.min() < TOO_NEAR:
        said = f"phase '{name}': atoms {near.min():.2f} angstrom apart"
        raise BadInput(
            name, said, "give a CIF without positions of which only one is occupied at a time"
        )
