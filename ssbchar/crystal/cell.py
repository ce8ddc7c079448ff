"""Crystals: a cell, its metric, and what the symmetry operations make of positions and
reflections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.typing import Array


@dataclass(frozen=True)
class Site:
    """An atom of the asymmetric unit."""

    element: str
    position: tuple[float, float, float]
    occupancy: float
    b_iso: float
    """B = 8 pi^2 U [angstrom^2]."""


@dataclass(frozen=True)
class Phase:
    """What is known of a phase: cell, symmetry and, where trusted, its atoms."""

    name: str
    cell: Array
    """a, b, c [angstrom], alpha, beta, gamma [degree]."""
    group: str
    rotations: Array
    """Rotation parts of the symmetry operations, shape (operation, 3, 3)."""
    translations: Array
    """Translation parts, shape (operation, 3)."""
    sites: tuple[Site, ...]
    about: dict[str, Any]
    """The entry of the phases file."""


def generate_orbit(position: tuple[float, float, float], phase: Phase) -> Array:
    """Return every position equivalent to one, in the cell, shape (n, 3)."""
    images = (phase.rotations @ np.array(position) + phase.translations) % 1.0
    found: list[Array] = []
    for image in images:
        if all(np.max(np.abs((image - other + 0.5) % 1.0 - 0.5)) > 1e-3 for other in found):
            found.append(image)
    return np.array(found)


def list_allowed_families(phase: Phase, d_min: float) -> tuple[Array, Array]:
    """Return one hkl of each family down to `d_min` that the space group allows, and its
    multiplicity.

    A reflection is absent where an operation (R, t) leaves it unchanged, h R = h, but h.t is no
    integer (International Tables for Crystallography, Volume A). Families are Laue-equivalent
    (Friedel pairs merged).
    """
    limit = np.ceil(phase.cell[:3] / d_min).astype(int)
    axes = [np.arange(-n, n + 1) for n in limit]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    hkl = hkl[np.any(hkl != 0, axis=1)]
    hkl = hkl[d_from_hkl(hkl, phase.cell) >= d_min]
    absent = np.zeros(len(hkl), bool)
    images = []
    for rotation, shift in zip(phase.rotations, phase.translations, strict=True):
        image = hkl @ rotation
        phase_shift = hkl @ shift
        absent |= np.all(image == hkl, axis=1) & (
            np.abs(phase_shift - np.round(phase_shift)) > 1e-3
        )
        images.append(image)
    keys = np.stack([_code(sign * image) for image in images for sign in (1.0, -1.0)])
    hkl, keys = hkl[~absent], keys[:, ~absent]
    highest = keys.max(axis=0)
    chosen = _code(hkl) == highest
    unique = np.sort(keys[:, chosen], axis=0)
    return hkl[chosen], 1 + np.sum(np.diff(unique, axis=0) > 0, axis=0)


def _code(hkl: Array) -> Array:
    """Return one number per hkl that sorts by the fewest negative indices, then h, k, l (an exact
    integer)."""
    negative = np.sum(hkl < 0, axis=-1)
    return np.asarray(
        ((-negative * 4096.0 + hkl[..., 0]) * 4096.0 + hkl[..., 1]) * 4096.0 + hkl[..., 2]
    )


def identify_crystal_system(phase: Phase) -> str:
    """Return the crystal system by the orders of the rotations (trigonal groups on hexagonal
    axes)."""
    proper = np.round(np.einsum("nii->n", phase.rotations) * np.linalg.det(phase.rotations)).astype(
        int
    )
    distinct = {
        tuple(r.ravel()): t for r, t in zip(phase.rotations.astype(int), proper, strict=True)
    }
    mirrored = any(np.allclose(r, -np.eye(3)) for r in phase.rotations)
    count = {
        trace: sum(t == trace for t in distinct.values()) // (2 if mirrored else 1)
        for trace in (-1, 0, 1, 2)
    }
    if count[0] >= 8:
        return "cubic"
    if count[2]:
        return "hexagonal"
    if count[0]:
        return "trigonal" if abs(phase.cell[5] - 120) < 0.1 else "rhombohedral"
    if count[1]:
        return "tetragonal"
    return {0: "triclinic", 1: "monoclinic"}.get(count[-1], "orthorhombic")


def metric_from_cell(cell: Array) -> Array:
    """Return the metric tensor G_ij = a_i . a_j [angstrom^2] of cells of shape (..., 6)."""
    cell = np.asarray(cell, float)
    length, cosine = cell[..., :3], np.cos(np.radians(cell[..., 3:]))
    g = length[..., :, None] * length[..., None, :]
    for i, j, angle in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        g[..., i, j] = g[..., j, i] = g[..., i, j] * cosine[..., angle]
    return np.asarray(g)


def volume_from_cell(cell: Array) -> Array:
    """Return V = sqrt(det G) [angstrom^3]."""
    return np.asarray(np.sqrt(np.linalg.det(metric_from_cell(cell))))


def d_from_hkl(hkl: Array, cell: Array) -> Array:
    """Return d = (h G^-1 h)^(-1/2) [angstrom] of reflections (n, 3) in cells (..., 6), shape (...,
    n)."""
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.asarray(np.einsum("ri,...ij,rj->...r", hkl, inverse, hkl) ** -0.5)
