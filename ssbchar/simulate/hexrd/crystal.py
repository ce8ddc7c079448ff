"""Crystals of the simulator: cells that change with temperature, and kinematic structure
factors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ssbchar.simulate.hexrd.atoms import calculate_form_factor
from ssbchar.typing import Array

RHOMBOHEDRAL = ((0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3))
FACES = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
PRIMITIVE = ((0, 0, 0),)
THREEFOLD = ("x,y,z", "-y,x-y,z", "-x+y,-x,z")
GROUPS: dict[str, tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]] = {
    "R-3c": ((*THREEFOLD, "y,x,0.5-z", "x-y,-y,0.5-z", "-x,-x+y,0.5-z"), RHOMBOHEDRAL),
    "R-3m": ((*THREEFOLD, "y,x,-z", "x-y,-y,-z", "-x,-x+y,-z"), RHOMBOHEDRAL),
    "Pnma": (("x,y,z", "0.5-x,-y,0.5+z", "-x,0.5+y,-z", "0.5+x,0.5-y,0.5-z"), PRIMITIVE),
    "Fm-3m": (("x,y,z",), FACES),
}
"""Space group to its positions without the inversion (at the origin, always added) and its
centring.

Of Fm-3m there is only what the sites of fluorite need (International Tables for Crystallography,
Volume A).
"""
SAME_POSITION = 1e-3
"""Fractional coordinates closer than this are one position."""
WEAKEST = 1e-4
"""Reflection sets weaker than this, relative to the strongest, are left out."""


class System(StrEnum):
    """Crystal systems of the simulator."""

    CUBIC = "cubic"
    TRIGONAL = "trigonal"
    """On hexagonal axes."""
    ORTHORHOMBIC = "orthorhombic"
    MONOCLINIC = "monoclinic"


@dataclass(frozen=True, kw_only=True)
class Crystal:
    """A phase of the simulator."""

    name: str
    system: System
    group: str
    cell: tuple[float, ...]
    """a, b, c [angstrom], alpha, beta, gamma [degree] at 25 degC."""
    expansion: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * 3
    """Per axis p, q: L(T) = L25 (1 + p u + q u^2), u = T - 25 degC [1/K, 1/K^2]."""
    sites: tuple[tuple[str, float, float, float, float], ...] = ()
    """Element, x, y, z, occupancy; none: intensities are drawn from Wilson's statistics."""
    debye_waller: float = 0.6
    """B [angstrom^2], the same for all atoms."""
    contents: tuple[tuple[str, int], ...] = ()
    """Atoms of the cell, where there are no sites."""
    draw: int = 20210765
    """Seed of the intensities, where there are no sites."""

    def cell_at(self, temperature: Array) -> Array:
        """Return the cell at a temperature; angles do not change.

        Parameters
        ----------
        temperature : ndarray, shape (...)
            [degC]

        Returns
        -------
        ndarray, shape (..., 6)
            a, b, c [angstrom], alpha, beta, gamma [degree].
        """
        u = np.asarray(temperature, float) - 25.0
        lengths = [
            length * (1 + p * u + q * u**2)
            for length, (p, q) in zip(self.cell[:3], self.expansion, strict=True)
        ]
        return np.stack(lengths + [np.full_like(u, angle) for angle in self.cell[3:]], axis=-1)


def volume_from_cell(cell: Array) -> Array:
    """Return the volume of a cell, sqrt(det G).

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        [angstrom, degree]

    Returns
    -------
    ndarray, shape (...)
        [angstrom^3]
    """
    return np.asarray(np.sqrt(np.linalg.det(metric_from_cell(cell))))


def metric_from_cell(cell: Array) -> Array:
    """Return the metric tensor G_ij = a_i . a_j.

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        [angstrom, degree]

    Returns
    -------
    ndarray, shape (..., 3, 3)
        [angstrom^2]
    """
    cell = np.asarray(cell, float)
    length, cosine = cell[..., :3], np.cos(np.radians(cell[..., 3:]))
    metric = length[..., :, None] * length[..., None, :]
    for i, j, angle in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        metric[..., i, j] *= cosine[..., angle]
        metric[..., j, i] = metric[..., i, j]
    return metric


def d_from_hkl(hkl: Array, cell: Array) -> Array:
    """Return the d spacing of reflections, (h G^-1 h)^-1/2.

    Parameters
    ----------
    hkl : ndarray, shape (reflection, 3)
        Miller indices.
    cell : ndarray, shape (..., 6)
        [angstrom, degree]

    Returns
    -------
    ndarray, shape (..., reflection)
        [angstrom]
    """
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.asarray(np.einsum("ri,...ij,rj->...r", hkl, inverse, hkl) ** -0.5)


def expand_site(group: str, site: tuple[float, float, float]) -> Array:
    """Return every position of a site in the cell.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    site : tuple of float
        Fractional coordinates.

    Returns
    -------
    ndarray, shape (position, 3)
        Fractional coordinates (dimensionless), within 0..1.
    """
    operations, centring = GROUPS[group]
    coordinates = dict(zip("xyz", site, strict=True))
    found: list[Array] = []
    for operation, sign, shift in itertools.product(operations, (1, -1), centring):
        terms = operation.split(",")
        position = np.array([sign * _evaluate_term(term, coordinates) for term in terms])
        position = (position + shift) % 1.0
        if not any(_are_same(position, other) for other in found):
            found.append(position)
    return np.array(found)


def _are_same(position: Array, other: Array) -> bool:
    """Return whether two positions are equal up to translations of the lattice."""
    return bool(np.abs((position - other + 0.5) % 1.0 - 0.5).max() <= SAME_POSITION)


def _evaluate_term(term: str, coordinates: Mapping[str, float]) -> float:
    """Return the value of a sum such as ``0.5-x+y``."""
    total = 0.0
    for part in term.replace("-", "+-").split("+"):
        if part:
            sign, word = (-1.0, part[1:]) if part[0] == "-" else (1.0, part)
            total += sign * (coordinates[word] if word in coordinates else float(word))
    return total


@lru_cache(maxsize=32)
def calculate_reflections(crystal: Crystal, d_min: float) -> tuple[Array, Array]:
    """Return the sets of reflections of equal d down to a smallest one.

    F = sum_j o_j f_j exp(2 pi i h.x_j). Where there are no sites, |F|^2 of each family follows the
    centric distribution (A. J. C. Wilson, Acta Cryst. 2 (1949) 318) about a fixed mean.

    Parameters
    ----------
    crystal : Crystal
        Cell at 25 degC and atoms.
    d_min : float
        [angstrom]

    Returns
    -------
    hkl : ndarray, shape (set, 3)
        One member of each set.
    strength : ndarray, shape (set,)
        |F|^2 exp(-2 B s^2) summed over the set [electron^2].
    """
    limit = [int(np.ceil(length / d_min)) for length in crystal.cell[:3]]
    indices = itertools.product(*(range(-n, n + 1) for n in limit))
    hkl = np.array(list(indices), float)
    hkl = hkl[np.any(hkl != 0, axis=1)]
    d = d_from_hkl(hkl, np.array(crystal.cell))
    hkl, d = hkl[d >= d_min], d[d >= d_min]
    s = 0.5 / d
    if crystal.sites:
        strength = _calculate_strength(crystal, hkl, s)
    else:
        strength = _draw_strength(crystal, hkl, s)
    strength *= np.exp(-2 * crystal.debye_waller * s**2)
    members: dict[tuple[int, ...], list[int]] = {}
    for place, indices_of_one in enumerate(hkl.astype(int)):
        family = _find_family(crystal.system, indices_of_one)
        members.setdefault(family, []).append(place)
    # the last member has non-negative leading indices
    representative = np.array([hkl[places[-1]] for places in members.values()])
    total = np.array([strength[places].sum() for places in members.values()])
    seen = total > WEAKEST * total.max()
    return representative[seen], total[seen]


def _calculate_strength(crystal: Crystal, hkl: Array, s: Array) -> Array:
    """Return |F|^2 of the sites [electron^2], shape (reflection,)."""
    factor = np.zeros(len(hkl), complex)
    for element, x, y, z, occupancy in crystal.sites:
        positions = expand_site(crystal.group, (x, y, z))
        phases = np.exp(2j * np.pi * hkl @ positions.T).sum(axis=1)
        factor += occupancy * calculate_form_factor(element, s) * phases
    return np.asarray(np.abs(factor) ** 2)


def _find_family(system: System, hkl: NDArray[np.int_]) -> tuple[int, ...]:
    """Return a key shared by all reflections that have the same d in any cell of the system."""
    h, k, m = (int(i) for i in hkl)
    match system:
        case System.CUBIC:
            return (h * h + k * k + m * m,)
        case System.TRIGONAL:
            return (h * h + h * k + k * k, abs(m))
        case System.ORTHORHOMBIC:
            return (abs(h), abs(k), abs(m))
        case System.MONOCLINIC:
            # the sign of k does not matter, nor that of the whole triple
            if h < 0 or (h == 0 and m < 0):
                h, m = -h, -m
            return (h, abs(k), m)


def _draw_strength(crystal: Crystal, hkl: Array, s: Array) -> Array:
    """Return |F|^2 drawn per family (P21/n extinctions) [electron^2], shape (reflection,).

    The draw is the crystal's own, the same for every seed of the demonstration's noise.
    """
    rng = np.random.default_rng(crystal.draw)
    h, k, m = (hkl[:, axis].astype(int) for axis in range(3))
    glide = (k == 0) & ((h + m) % 2 == 1)
    screw = (h == 0) & (m == 0) & (k % 2 == 1)
    by_family: dict[tuple[int, ...], float] = {}
    drawn = np.empty(len(hkl))
    # from small to large s, so that a shorter list of reflections has the same strengths
    for place in np.argsort(s, kind="stable"):
        family = _find_family(crystal.system, hkl[place].astype(int))
        if family not in by_family:
            by_family[family] = float(rng.standard_normal() ** 2)
        drawn[place] = by_family[family]
    mean = np.sum(
        [number * calculate_form_factor(element, s) ** 2 for element, number in crystal.contents],
        axis=0,
    )
    return np.where(glide | screw, 0.0, drawn * mean)


LAGP = Crystal(
    name="LAGP",
    system=System.TRIGONAL,
    group="R-3c",
    cell=(8.2614, 8.2614, 20.6405, 90, 90, 120),
    expansion=((1.1e-6, 2.0e-9), (1.1e-6, 2.0e-9), (2.15e-5, 3.0e-9)),
    sites=(
        ("Li", 0, 0, 0, 1),
        ("Ge", 0, 0, 0.13710, 0.75),
        ("Al", 0, 0, 0.13710, 0.25),
        ("P", 0.28432, 0, 0.25, 1),
        ("O", 0.18477, 0.99188, 0.18657, 1),
        ("O", 0.18663, 0.16102, 0.08011, 1),
    ),
)
"""Cell near 10.1021/acsami.8b00842; the sites are a regularised NASICON prototype; expansion
chosen, not measured."""
LFP = Crystal(
    name="LFP",
    system=System.ORTHORHOMBIC,
    group="Pnma",
    cell=(10.3262, 6.0065, 4.6951, 90, 90, 90),
    expansion=((1.05e-5, 4e-9), (1.30e-5, 3e-9), (0.95e-5, 5e-9)),
    sites=(
        ("Li", 0, 0, 0, 1),
        ("Fe", 0.28222, 0.25, 0.97472, 1),
        ("P", 0.09486, 0.25, 0.41820, 1),
        ("O", 0.09678, 0.25, 0.74279, 1),
        ("O", 0.45710, 0.25, 0.20602, 1),
        ("O", 0.16558, 0.04646, 0.28478, 1),
    ),
)
"""Cell and sites near V. A. Streltsov et al., Acta Cryst. B 49 (1993) 147; expansion chosen, not
measured."""
NCM811 = Crystal(
    name="NCM811",
    system=System.TRIGONAL,
    group="R-3m",
    cell=(2.8735, 2.8735, 14.2030, 90, 90, 120),
    expansion=((1.20e-5, 4e-9), (1.20e-5, 4e-9), (1.60e-5, 5e-9)),
    sites=(
        ("Ni", 0, 0, 0, 0.8),
        ("Co", 0, 0, 0, 0.1),
        ("Mn", 0, 0, 0, 0.1),
        ("Li", 0, 0, 0.5, 1),
        ("O", 0, 0, 0.2585, 1),
    ),
)
"""Layered oxide; expansion chosen, not measured."""
Co3PO42 = Crystal(
    name="Co3PO42",
    system=System.MONOCLINIC,
    group="P21/n",
    cell=(7.5620, 8.3640, 5.0670, 90, 94.05, 90),
    expansion=((1.0e-5, 2e-9), (1.2e-5, 2e-9), (0.9e-5, 2e-9)),
    contents=(("Co", 6), ("P", 4), ("O", 16)),
)
"""(Ni,Co,Mn)3(PO4)2 of the Co3(PO4)2 type: its cell alone; intensities drawn, expansion chosen."""
CEO2 = Crystal(
    name="CeO2",
    system=System.CUBIC,
    group="Fm-3m",
    cell=(5.41165,) * 3 + (90.0,) * 3,
    sites=(("Ce", 0, 0, 0, 1), ("O", 0.25, 0.25, 0.25, 1)),
)
"""Calibrant with the certified cell of NIST SRM 674b."""
NIO = Crystal(
    name="NiO",
    system=System.CUBIC,
    group="Fm-3m",
    cell=(4.1771,) * 3 + (90.0,) * 3,
    expansion=((1.40e-5, 2e-9),) * 3,
    sites=(("Ni", 0, 0, 0, 1), ("O", 0.5, 0.5, 0.5, 1)),
)
"""Rock salt, what layered oxides turn to; not in the demonstration; expansion chosen, not
measured."""
