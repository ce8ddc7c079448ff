"""Crystals of the simulator: cells that change with temperature and kinematic structure factors of
their own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
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

Of Fm-3m only what the sites of fluorite need (International Tables for Crystallography, Volume
A).
"""


@dataclass(frozen=True)
class Crystal:
    """A phase as the simulator knows it."""

    name: str
    system: str
    """``cubic``, ``trigonal`` (hexagonal axes), ``orthorhombic`` or ``monoclinic``."""
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
        """Return the cell at a temperature [degC]; shape (..., 6); angles do not change."""
        u = np.asarray(temperature, float) - 25.0
        lengths = [
            length * (1 + p * u + q * u**2)
            for length, (p, q) in zip(self.cell[:3], self.expansion, strict=True)
        ]
        return np.stack(lengths + [np.full_like(u, angle) for angle in self.cell[3:]], axis=-1)


def volume_from_cell(cell: Array) -> Array:
    """Return the volume [angstrom^3] of cells of shape (..., 6)."""
    return np.asarray(np.sqrt(np.linalg.det(metric_from_cell(cell))))


def metric_from_cell(cell: Array) -> Array:
    """Return the metric tensor G_ij = a_i . a_j [angstrom^2], shape (..., 3, 3)."""
    cell = np.asarray(cell, float)
    length, cosine = cell[..., :3], np.cos(np.radians(cell[..., 3:]))
    g = length[..., :, None] * length[..., None, :]
    for i, j, angle in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        g[..., i, j] *= cosine[..., angle]
        g[..., j, i] = g[..., i, j]
    return g


def d_from_hkl(hkl: Array, cell: Array) -> Array:
    """Return d [angstrom] = (h G^-1 h)^-1/2, shape (..., reflection)."""
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.asarray(np.einsum("ri,...ij,rj->...r", hkl, inverse, hkl) ** -0.5)


def expand_site(group: str, site: tuple[float, float, float]) -> Array:
    """Return every position of a site in the cell, shape (n, 3)."""
    operations, centring = GROUPS[group]
    names = dict(zip("xyz", site, strict=True))
    found: list[Array] = []
    for text, sign, shift in itertools.product(operations, (1, -1), centring):
        at = np.array([sign * _value(term, names) for term in text.split(",")])
        at = (at + shift) % 1.0
        if all(np.abs((at - other + 0.5) % 1.0 - 0.5).max() > 1e-3 for other in found):
            found.append(at)
    return np.array(found)


def _value(term: str, names: Mapping[str, float]) -> float:
    """Return the value of a sum such as ``0.5-x+y``."""
    total = 0.0
    for part in term.replace("-", "+-").split("+"):
        if part:
            sign, word = (-1.0, part[1:]) if part[0] == "-" else (1.0, part)
            total += sign * (names[word] if word in names else float(word))
    return total


@lru_cache(maxsize=32)
def calculate_reflections(crystal: Crystal, d_min: float) -> tuple[Array, Array]:
    """Return one hkl per set of equal d, and its summed |F|^2 exp(-2 B s^2) over the whole set.

    F = sum_j o_j f_j exp(2 pi i h.x_j). Where there are no sites, |F|^2 of each family follows the
    centric distribution (A. J. C. Wilson, Acta Cryst. 2 (1949) 318) about a fixed mean.
    """
    limit = [int(np.ceil(length / d_min)) for length in crystal.cell[:3]]
    hkl = np.array(list(itertools.product(*(range(-n, n + 1) for n in limit))), float)
    hkl = hkl[np.any(hkl != 0, axis=1)]
    d = d_from_hkl(hkl, np.array(crystal.cell))
    hkl, d = hkl[d >= d_min], d[d >= d_min]
    s = 0.5 / d
    if crystal.sites:
        factor = np.zeros(len(hkl), complex)
        for element, x, y, z, occupancy in crystal.sites:
            at = expand_site(crystal.group, (x, y, z))
            factor += (
                occupancy
                * calculate_form_factor(element, s)
                * np.exp(2j * np.pi * hkl @ at.T).sum(axis=1)
            )
        strength = np.abs(factor) ** 2
    else:
        strength = _drawn(crystal, hkl, s)
    strength *= np.exp(-2 * crystal.debye_waller * s**2)
    keys = [_family(crystal.system, row) for row in hkl.astype(int)]
    members: dict[tuple[int, ...], list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    first = np.array([hkl[rows[-1]] for rows in members.values()])
    total = np.array([strength[rows].sum() for rows in members.values()])
    kept = total > 1e-4 * total.max()
    return first[kept], total[kept]


def _family(system: str, hkl: NDArray[np.int_]) -> tuple[int, ...]:
    """Return a key shared by all reflections that have the same d in any cell of the system."""
    h, k, m = (int(i) for i in hkl)
    if system == "cubic":
        return (h * h + k * k + m * m,)
    if system == "trigonal":
        return (h * h + h * k + k * k, abs(m))
    if system == "orthorhombic":
        return (abs(h), abs(k), abs(m))
    if h < 0 or (h == 0 and m < 0):
        h, m = -h, -m
    return (h, abs(k), m)


def _drawn(crystal: Crystal, hkl: Array, s: Array) -> Array:
    """Return |F|^2 drawn per family (P21/n extinctions), the same for every seed of the
    demonstration's noise."""
    rng = np.random.default_rng(crystal.draw)
    h, k, m = (hkl[:, i].astype(int) for i in range(3))
    extinct = ((k == 0) & ((h + m) % 2 == 1)) | ((h == 0) & (m == 0) & (k % 2 == 1))
    table: dict[tuple[int, ...], float] = {}
    order = np.argsort(s, kind="stable")
    drawn = np.empty(len(hkl))
    for index in order:
        key = _family(crystal.system, hkl[index].astype(int))
        if key not in table:
            table[key] = float(rng.standard_normal() ** 2)
        drawn[index] = table[key]
    mean = np.sum(
        [number * calculate_form_factor(element, s) ** 2 for element, number in crystal.contents],
        axis=0,
    )
    return np.where(extinct, 0.0, drawn * mean)


LAGP = Crystal(
    "LAGP",
    "trigonal",
    "R-3c",
    (8.2614, 8.2614, 20.6405, 90, 90, 120),
    ((1.1e-6, 2.0e-9), (1.1e-6, 2.0e-9), (2.15e-5, 3.0e-9)),
    (
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
    "LFP",
    "orthorhombic",
    "Pnma",
    (10.3262, 6.0065, 4.6951, 90, 90, 90),
    ((1.05e-5, 4e-9), (1.30e-5, 3e-9), (0.95e-5, 5e-9)),
    (
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
    "NCM811",
    "trigonal",
    "R-3m",
    (2.8735, 2.8735, 14.2030, 90, 90, 120),
    ((1.20e-5, 4e-9), (1.20e-5, 4e-9), (1.60e-5, 5e-9)),
    (
        ("Ni", 0, 0, 0, 0.8),
        ("Co", 0, 0, 0, 0.1),
        ("Mn", 0, 0, 0, 0.1),
        ("Li", 0, 0, 0.5, 1),
        ("O", 0, 0, 0.2585, 1),
    ),
)
"""Layered oxide; expansion chosen, not measured."""
Co3PO42 = Crystal(
    "Co3PO42",
    "monoclinic",
    "P21/n",
    (7.5620, 8.3640, 5.0670, 90, 94.05, 90),
    ((1.0e-5, 2e-9), (1.2e-5, 2e-9), (0.9e-5, 2e-9)),
    contents=(("Co", 6), ("P", 4), ("O", 16)),
)
"""(Ni,Co,Mn)3(PO4)2 of the Co3(PO4)2 type: its cell alone; intensities drawn, expansion chosen."""
CEO2 = Crystal(
    "CeO2",
    "cubic",
    "Fm-3m",
    (5.41165,) * 3 + (90.0,) * 3,
    sites=(("Ce", 0, 0, 0, 1), ("O", 0.25, 0.25, 0.25, 1)),
)
"""Calibrant with the certified cell of NIST SRM 674b."""
NIO = Crystal(
    "NiO",
    "cubic",
    "Fm-3m",
    (4.1771,) * 3 + (90.0,) * 3,
    ((1.40e-5, 2e-9),) * 3,
    (("Ni", 0, 0, 0, 1), ("O", 0.5, 0.5, 0.5, 1)),
)
"""Rock salt, what layered oxides turn to; not in the demonstration; expansion chosen, not
measured."""
