"""A crystal's cell: its metric, and what its symmetry operations make of positions and
reflections."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from ssbchar.typing import Array, Bool, Index

SAME_POSITION = 1e-3
"""Fractional coordinates closer than this are one position."""
SAME_PHASE = 1e-3
"""h.t closer than this to an integer counts as one."""


class CrystalSystem(StrEnum):
    """Crystal systems; trigonal groups are told apart by their axes."""

    CUBIC = "cubic"
    HEXAGONAL = "hexagonal"
    TRIGONAL = "trigonal"
    RHOMBOHEDRAL = "rhombohedral"
    TETRAGONAL = "tetragonal"
    ORTHORHOMBIC = "orthorhombic"
    MONOCLINIC = "monoclinic"
    TRICLINIC = "triclinic"


@dataclass(frozen=True, kw_only=True)
class Site:
    """An atom of the asymmetric unit."""

    element: str
    position: tuple[float, float, float]
    """Fractional coordinates."""
    occupancy: float
    b_iso: float
    """B = 8 pi^2 U [angstrom^2]."""
    label: str = ""
    """Its name in the CIF."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A phase: cell, symmetry and, where they are trusted, its atoms."""

    name: str
    cell: Array
    """a, b, c [angstrom], alpha, beta, gamma [degree]."""
    group: str
    """Hermann-Mauguin symbol of the space group."""
    rotations: Array
    """Rotation parts of the symmetry operations, shape (operation, 3, 3)."""
    translations: Array
    """Translation parts, shape (operation, 3)."""
    sites: tuple[Site, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    """The entry of the phases file."""
    notes: tuple[str, ...] = ()
    """What was resolved or assumed when the CIF was read."""


def generate_orbit(position: tuple[float, float, float], phase: Phase) -> Array:
    """Return all positions in the cell that are equivalent to one.

    Parameters
    ----------
    position : tuple of float
        Fractional coordinates.
    phase : Phase
        Its symmetry operations are applied.

    Returns
    -------
    ndarray, shape (n, 3)
        Fractional coordinates in [0, 1).
    """
    images = (phase.rotations @ np.array(position) + phase.translations) % 1.0
    orbit = np.empty_like(images)
    count = 0
    for image in images:
        # Across the cell's faces too.
        offset = np.abs((image - orbit[:count] + 0.5) % 1.0 - 0.5)
        if np.all(np.max(offset, axis=1) > SAME_POSITION):
            orbit[count] = image
            count += 1
    return np.asarray(orbit[:count].copy())


def list_allowed_families(phase: Phase, d_min: float) -> tuple[Array, Index]:
    """Return one reflection of each family that the space group allows.

    A reflection is absent if an operation (R, t) leaves it unchanged, h R = h, but h.t is no
    integer (International Tables for Crystallography, Volume A). Families are Laue-equivalent
    (Friedel pairs merged).

    Parameters
    ----------
    phase : Phase
        Its cell and symmetry operations are used.
    d_min : float
        Smallest d [angstrom].

    Returns
    -------
    hkl : ndarray, shape (family, 3)
        Indices of the member with the fewest negative ones.
    multiplicity : ndarray of int, shape (family,)
        Number of members.
    """
    hkl = _list_indices(phase, d_min)
    rank = _rank_indices(hkl)
    rotations = np.unique(phase.rotations, axis=0)
    # Image by image: the list shrinks with each, all of them at once would fill the memory.
    for rotation in rotations:
        for sign in (1.0, -1.0):
            stands_first = rank >= _rank_indices(sign * hkl @ rotation)
            hkl, rank = hkl[stands_first], rank[stands_first]
    # All members of a family are absent, or none.
    hkl = hkl[~find_absent(hkl, phase.rotations, phase.translations)]
    images = [sign * hkl @ rotation for rotation in rotations for sign in (1.0, -1.0)]
    members = np.sort([_rank_indices(image) for image in images], axis=0)
    return hkl, 1 + np.sum(np.diff(members, axis=0) > 0, axis=0)


def estimate_family_count(phase: Phase, d_min: float) -> float:
    """Return about how many families `list_allowed_families` would list.

    The points of the reciprocal lattice within 1/d_min, 4 pi V / (3 d_min^3), over the operations
    of the Laue group and the lattice points of the cell; families on symmetry elements have fewer
    members, so there are somewhat more.

    Parameters
    ----------
    phase : Phase
    d_min : float
        Smallest d [angstrom].
    """
    rotations = np.unique(phase.rotations, axis=0)
    is_centred = any(np.array_equal(rotation, -np.eye(3)) for rotation in rotations)
    members = len(phase.rotations) * (1 if is_centred else 2)
    return float(4 / 3 * np.pi * volume_from_cell(phase.cell) / d_min**3 / members)


def _list_indices(phase: Phase, d_min: float) -> Array:
    """Return all hkl but 000 down to `d_min` [angstrom], shape (n, 3)."""
    limit = np.ceil(phase.cell[:3] / d_min).astype(int)
    axes = [np.arange(-n, n + 1) for n in limit]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    hkl = hkl[np.any(hkl != 0, axis=1)]
    return np.asarray(hkl[d_from_hkl(hkl, phase.cell) >= d_min])


def find_absent(hkl: Array, rotations: Array, translations: Array) -> Bool:
    """Return which reflections symmetry forbids.

    Parameters
    ----------
    hkl : ndarray, shape (n, 3)
    rotations : ndarray, shape (operation, 3, 3)
    translations : ndarray, shape (operation, 3)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    absent = np.zeros(len(hkl), bool)
    for rotation, translation in zip(rotations, translations, strict=True):
        turns = hkl @ translation
        is_unchanged = np.all(hkl @ rotation == hkl, axis=1)
        absent |= is_unchanged & (np.abs(turns - np.round(turns)) > SAME_PHASE)
    return absent


def _rank_indices(hkl: Array) -> Array:
    """Return one number per hkl that sorts by the fewest negative indices, then h, k, l."""
    # An exact integer in double precision: indices stay far below 2048.
    negative = np.sum(hkl < 0, axis=-1)
    rank = ((-negative * 4096.0 + hkl[..., 0]) * 4096.0 + hkl[..., 1]) * 4096.0 + hkl[..., 2]
    return np.asarray(rank)


def identify_crystal_system(phase: Phase) -> CrystalSystem:
    """Return the crystal system by the orders of the proper rotations.

    The trace of a proper rotation gives its order: -1 two-fold, 0 three-fold, 1 four-fold, 2
    six-fold. Groups with three-fold axes alone are trigonal on hexagonal axes and rhombohedral on
    rhombohedral ones.
    """
    count = _count_rotations(phase.rotations)
    if count[0] >= 8:
        return CrystalSystem.CUBIC
    if count[2]:
        return CrystalSystem.HEXAGONAL
    if count[0]:
        is_hexagonal_axes = abs(phase.cell[5] - 120) < 0.1
        return CrystalSystem.TRIGONAL if is_hexagonal_axes else CrystalSystem.RHOMBOHEDRAL
    if count[1]:
        return CrystalSystem.TETRAGONAL
    if count[-1] == 0:
        return CrystalSystem.TRICLINIC
    return CrystalSystem.MONOCLINIC if count[-1] == 1 else CrystalSystem.ORTHORHOMBIC


def _count_rotations(rotations: Array) -> dict[int, int]:
    """Return the number of distinct proper rotations by their trace."""
    determinant = np.linalg.det(rotations)
    traces = np.round(np.einsum("nii->n", rotations) * determinant).astype(int)
    distinct = {
        tuple(rotation.ravel()): trace
        for rotation, trace in zip(rotations.astype(int), traces, strict=True)
    }
    # With an inversion each rotation stands twice, once as R and once as -R.
    is_centred = any(np.allclose(rotation, -np.eye(3)) for rotation in rotations)
    share = 2 if is_centred else 1
    return {trace: sum(t == trace for t in distinct.values()) // share for trace in (-1, 0, 1, 2)}


def metric_from_cell(cell: Array) -> Array:
    """Return the metric tensor G_ij = a_i . a_j.

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        a, b, c [angstrom], alpha, beta, gamma [degree].

    Returns
    -------
    ndarray, shape (..., 3, 3)
        The metric tensor [angstrom^2].
    """
    cell = np.asarray(cell, float)
    length, cosine = cell[..., :3], np.cos(np.radians(cell[..., 3:]))
    g = length[..., :, None] * length[..., None, :]
    for i, j, angle in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        g[..., i, j] = g[..., j, i] = g[..., i, j] * cosine[..., angle]
    return np.asarray(g)


def volume_from_cell(cell: Array) -> Array:
    """Return V = sqrt(det G) [angstrom^3] of cells of shape (..., 6), shape (...)."""
    return np.asarray(np.sqrt(np.linalg.det(metric_from_cell(cell))))


def d_from_hkl(hkl: Array, cell: Array) -> Array:
    """Return the spacing d = (h G^-1 h)^(-1/2).

    Parameters
    ----------
    hkl : ndarray, shape (n, 3)
        Indices of the reflections.
    cell : ndarray, shape (..., 6)
        a, b, c [angstrom], alpha, beta, gamma [degree].

    Returns
    -------
    ndarray, shape (..., n)
        d [angstrom].
    """
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.asarray(np.einsum("ri,...ij,rj->...r", hkl, inverse, hkl) ** -0.5)
