"""One pattern and the structures that are refined on it: what goes into the refinement."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ssbchar.crystal.cell import SAME_POSITION, Phase, generate_orbit, metric_from_cell
from ssbchar.typing import Array

ANIONS = frozenset({"O", "S", "Se", "N", "F", "Cl", "Br", "I"})
FIRST_SHELL = 1.25
"""Distances up to this many times a cation's shortest are those of its first shell [1]."""
USUAL_B = 0.5
"""B [angstrom^2] of an atom for which the phases file has none."""


@dataclass(frozen=True, kw_only=True)
class BondLength:
    """A distance of two sites of a phase that is restrained."""

    first: int
    """Position of the site in the phase's list."""
    second: int
    length: float
    """[angstrom]"""
    sigma: float
    """Its standard deviation [angstrom]."""


@dataclass(frozen=True, kw_only=True)
class PhaseStart:
    """A phase, and where its refinement begins."""

    known: Phase
    """From the phases file, with its sites."""
    cell: Array
    """a, b, c [angstrom], alpha, beta, gamma [degree], shape (6,)."""
    size_width: float
    """Lorentzian width times cos(theta) [degree]."""
    strain_width: float
    """Lorentzian width over tan(theta) [degree]."""
    bonds: tuple[BondLength, ...] = ()

    @property
    def b_iso(self) -> Array:
        """B of each site [angstrom^2], shape (site,); `USUAL_B` where the file has none."""
        return np.array([s.b_iso if s.b_iso > 0 else USUAL_B for s in self.known.sites])

    @property
    def sites_by_position(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the sites in the phase's list [1], those that share a place together."""
        places: list[list[int]] = []
        for number, site in enumerate(self.known.sites):
            for place in places:
                other = self.known.sites[place[0]].position
                offset = (np.subtract(site.position, other) + 0.5) % 1.0 - 0.5
                if np.all(np.abs(offset) < SAME_POSITION):
                    place.append(number)
                    break
            else:
                places.append([number])
        return tuple(map(tuple, places))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A pattern with the phases that are in it."""

    two_theta: Array
    """[degree], shape (point,)."""
    intensity: Array
    """[count], shape (point,)."""
    stderr: Array
    """Standard error of the intensity [count], shape (point,)."""
    wavelengths: tuple[float, ...]
    """[angstrom]; two of a tube's doublet, the stronger first."""
    doublet_ratio: float
    """Intensity of the second wavelength over that of the first [1]."""
    zero: float
    """Zero of 2theta to start from [degree]."""
    has_caglioti: bool
    """Whether the instrument's Gaussian width changes with the angle."""
    background_terms: int
    polarisation: float
    phases: tuple[PhaseStart, ...]


def list_bond_lengths(known: Phase, sigma: float) -> tuple[BondLength, ...]:
    """Return the first distances from each cation to each site of anions.

    Of a cation and a site of anions only the shortest distance is taken.

    Parameters
    ----------
    known : Phase
        With its sites.
    sigma : float
        Standard deviation of each distance [angstrom].

    Returns
    -------
    tuple of BondLength
        Lengths in the cell of the phases file [angstrom].
    """
    metric = metric_from_cell(known.cell)
    images = np.array(list(product((-1, 0, 1), repeat=3)), float)
    found = []
    for i, cation in enumerate(known.sites):
        if cation.element in ANIONS:
            continue
        shortest = {}
        for j, anion in enumerate(known.sites):
            if anion.element not in ANIONS:
                continue
            offset = generate_orbit(anion.position, known)[:, None, :] + images - cation.position
            squares = np.einsum("...i,ij,...j->...", offset, metric, offset)
            shortest[j] = float(np.sqrt(squares.min()))
        reach = FIRST_SHELL * min(shortest.values(), default=0.0)
        found += [
            BondLength(first=i, second=j, length=length, sigma=sigma)
            for j, length in shortest.items()
            if length <= reach
        ]
    return tuple(found)
