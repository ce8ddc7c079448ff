"""A phase's reflections: where they lie as its cell is strained within its crystal system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.typing import Array

BASES: dict[str, tuple[tuple[float, ...], ...]] = {
    "cubic": ((1, 1, 1, 0, 0, 0),),
    "tetragonal": ((1, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
    "hexagonal": ((1, 1, 0, 0, 0, 0.5), (0, 0, 1, 0, 0, 0)),
    "trigonal": ((1, 1, 0, 0, 0, 0.5), (0, 0, 1, 0, 0, 0)),
    "rhombohedral": ((1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1)),
    "orthorhombic": ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
    "monoclinic": ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 1, 0)),
    "triclinic": tuple(tuple(float(i == j) for j in range(6)) for i in range(6)),
}
"""Free directions of the reciprocal metric (g11, g22, g33, g23, g13, g12) per crystal system
(monoclinic: unique b)."""

METRIC_ELEMENTS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Row and column of g11, g22, g33, g23, g13, g12 in the metric tensor."""

QUARTIC = np.array([(h, k, 4 - h - k) for h in range(5) for k in range(5 - h)])
"""Powers of h, k and l in the products of fourth order, shape (15, 3)."""

STRAIN_STEP = 1e-6
"""Step of strain for derivatives of the cell."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """A phase's reflections and the free directions of its cell.

    A cell is given by strains e_k of the reciprocal metric, g = g0 + sum_k e_k scale_k basis_k.
    """

    name: str
    system: str
    """Crystal system."""
    reference: Array
    """Reciprocal metric g0 of the reference cell [1/angstrom^2], shape (6,)."""
    directions: Array
    """scale_k basis_k [1/angstrom^2], shape (free, 6)."""
    form: Array
    """`quadratic_form_from_hkl` of the reflections, shape (reflection, 6)."""
    strength: Array
    """m |F|^2 [electron^2], or m alone where there are no atoms, shape (reflection,)."""
    has_atoms: bool
    """Whether the strengths come from atoms."""
    refinable: bool
    """Whether the phases file trusts the atoms for scales and weight fractions."""
    anisotropy: Array
    """Terms of anisotropic strain of the reflections [1], shape (reflection, term)."""
    alignment: Array
    """cos^2 of the angles between the axis of preferred orientation and equivalent normals [1],
    shape (reflection, operation); no columns without an axis."""

    @property
    def anisotropy_count(self) -> int:
        """Number of terms of anisotropic strain."""
        return int(self.anisotropy.shape[1])

    @property
    def free(self) -> int:
        """Number of free cell parameters."""
        return len(self.directions)

    @property
    def reflection_count(self) -> int:
        """Number of reflections."""
        return len(self.form)

    def metric_from_strain(self, strain: Array) -> Array:
        """Return the reciprocal metric [1/angstrom^2], shape (..., 6), at strains (..., free)."""
        return np.asarray(self.reference + np.asarray(strain) @ self.directions)

    def cell_from_strain(self, strain: Array) -> Array:
        """Return the cell [angstrom, degree], shape (..., 6), at strains (..., free)."""
        return cell_from_reciprocal_metric(self.metric_from_strain(strain))

    def strain_from_length_change(self, change: float | Array) -> Array:
        """Return the strains [1], shape (..., free), of a relative change (...) of all lengths.

        The reciprocal metric scales by (1 + change)^-2.
        """
        factor = (1 + np.asarray(change, float)) ** -2 - 1
        # least squares, as directions off the diagonal may carry part of the reference
        along = np.linalg.lstsq(self.directions.T, self.reference, rcond=None)[0]
        return np.asarray(factor[..., None] * along)

    def scale_lengths(self, strain: Array, changes: Array) -> Array:
        """Return the strains [1], shape (change, free), of a cell at `strain` (free,) all lengths
        of which change by `changes` (change,) [1]."""
        along = np.linalg.lstsq(self.directions.T, self.metric_from_strain(strain), rcond=None)[0]
        return np.asarray(strain + ((1 + changes) ** -2 - 1)[:, None] * along)

    def differentiate_cell(self, strain: Array) -> tuple[Array, Array]:
        """Return cells and their derivatives by the strains, by central differences.

        Parameters
        ----------
        strain : ndarray, shape (..., free)

        Returns
        -------
        cell : ndarray, shape (..., 6)
            [angstrom, degree].
        gradient : ndarray, shape (..., 6, free)
            Zero where the crystal system fixes a cell parameter.
        """
        free = self.free
        moves = STRAIN_STEP * np.eye(free)
        moves = np.concatenate([np.zeros((1, free)), moves, -moves])
        cells = self.cell_from_strain(strain[..., None, :] + moves)
        forward, backward = cells[..., 1 : free + 1, :], cells[..., free + 1 :, :]
        gradient = np.swapaxes(forward - backward, -1, -2) / (2 * STRAIN_STEP)
        # what rounding leaves of a parameter that does not move is no derivative
        size = np.abs(gradient)
        fixed = size.max(axis=-1) < 1e-6 * size.max(axis=(-1, -2))[..., None]
        gradient[fixed] = 0.0
        return cells[..., 0, :], gradient


def build_lattice(
    name: str,
    *,
    cell: Array,
    system: str,
    hkl: Array,
    strength: Array,
    has_atoms: bool,
    refinable: bool,
    rotations: Array | None = None,
    texture_axis: Array | None = None,
) -> Lattice:
    """Return the `Lattice` of a phase.

    Parameters
    ----------
    name : str
    cell : ndarray, shape (6,)
        Reference cell [angstrom, degree].
    system : str
        Crystal system, a key of `BASES`.
    hkl : ndarray, shape (reflection, 3)
    strength : ndarray, shape (reflection,)
        m |F|^2 [electron^2], or m alone.
    has_atoms, refinable : bool
        See `Lattice`.
    rotations : ndarray, shape (operation, 3, 3), optional
        Of the Laue class; without them there is no anisotropic strain.
    texture_axis : ndarray, shape (3,), optional
        hkl of the planes whose normal is the axis of preferred orientation.

    Returns
    -------
    Lattice
        Each direction is scaled by the element of the reference metric that it changes; one off the
        diagonal, which may be zero, by the geometric mean of its two diagonal elements.
    """
    reference = reciprocal_metric_from_cell(cell)
    basis = np.array(BASES[system], float)
    scale = np.zeros(len(basis))
    for k, row in enumerate(basis):
        element = int(np.argmax(np.abs(row)))
        if element < 3:
            scale[k] = reference[element]
        else:
            # it may be zero (a right angle), so that its neighbours on the diagonal give the scale
            i, j = METRIC_ELEMENTS[element]
            scale[k] = np.sqrt(reference[i] * reference[j])
    return Lattice(
        name=name,
        system=system,
        reference=reference,
        directions=scale[:, None] * basis,
        form=quadratic_form_from_hkl(hkl),
        strength=strength,
        has_atoms=has_atoms,
        refinable=refinable,
        anisotropy=list_anisotropy_terms(hkl, reference, rotations),
        alignment=compute_alignment(hkl, reference, rotations, texture_axis),
    )


def list_anisotropy_terms(hkl: Array, metric: Array, rotations: Array | None) -> Array:
    """Return the terms of anisotropic strain of a phase's reflections.

    P. W. Stephens, J. Appl. Cryst. 32 (1999) 281: the variance of 1/d^2 is a form of fourth order
    in hkl that the operations of the Laue class leave as it is: 2 terms for cubic, 3 hexagonal, 4
    for -3m and 4/mmm, 5 for -3 and 4/m, 6 orthorhombic, 9 monoclinic, 15 triclinic. Over 1/d^4, and
    without the isotropic one (the constant), they are made orthogonal over the reflections.

    Parameters
    ----------
    hkl : ndarray, shape (reflection, 3)
    metric : ndarray, shape (6,)
        Elements of the reciprocal metric [1/angstrom^2].
    rotations : ndarray, shape (operation, 3, 3), or None

    Returns
    -------
    ndarray, shape (reflection, term)
        [1], root mean square 1 each.
    """
    count = len(hkl)
    if rotations is None:
        return np.empty((count, 0))
    inverse_square = quadratic_form_from_hkl(hkl) @ metric
    images = np.einsum("ri,nij->nrj", hkl, rotations)
    forms = np.mean([_list_quartic_products(image) for image in images], axis=0)
    forms = forms / inverse_square[:, None] ** 2
    forms = forms / np.maximum(np.sqrt(np.mean(forms**2, axis=0)), 1e-300)
    # their mean is what the isotropic microstrain has already
    vectors, sizes, _ = np.linalg.svd(forms - forms.mean(axis=0), full_matrices=False)
    kept = sizes > 1e-6 * max(float(np.max(sizes)), np.sqrt(count) * 1e-3)
    return np.asarray(vectors[:, kept][:, : len(QUARTIC) - 1] * np.sqrt(count))


def _list_quartic_products(hkl: Array) -> Array:
    """Return h^H k^K l^L with H + K + L = 4, shape (reflection, 15)."""
    return np.stack([np.prod(hkl**powers, axis=1) for powers in QUARTIC], axis=1)


def compute_alignment(
    hkl: Array, metric: Array, rotations: Array | None, axis: Array | None
) -> Array:
    """Return cos^2 of the angles between the normals of equivalent planes and an axis, as
    `Lattice.alignment`.

    Parameters
    ----------
    hkl : ndarray, shape (reflection, 3)
    metric : ndarray, shape (6,)
        Elements of the reciprocal metric [1/angstrom^2].
    rotations : ndarray, shape (operation, 3, 3), or None
    axis : ndarray, shape (3,), or None
        hkl of the planes to which it is normal.
    """
    if rotations is None or axis is None:
        return np.empty((len(hkl), 0))
    star = np.empty((3, 3))
    for k, (i, j) in enumerate(METRIC_ELEMENTS):
        star[i, j] = star[j, i] = metric[k]
    images = np.einsum("ri,nij->nrj", hkl, rotations)
    along = images @ star @ axis
    length = np.einsum("nri,ij,nrj->nr", images, star, images) * float(axis @ star @ axis)
    # every operation has its place: those that lead to one plane count as often for each plane
    return np.asarray((along**2 / length).T)


def reciprocal_metric_from_cell(cell: Array) -> Array:
    """Return g11, g22, g33, g23, g13, g12 of the reciprocal metric [1/angstrom^2], shape (..., 6),
    of cells [angstrom, degree], shape (..., 6)."""
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.stack([inverse[..., i, j] for i, j in METRIC_ELEMENTS], axis=-1)


def cell_from_reciprocal_metric(g: Array) -> Array:
    """Return a, b, c [angstrom], alpha, beta, gamma [degree], shape (..., 6), from the elements of
    the reciprocal metric [1/angstrom^2], shape (..., 6)."""
    g = np.asarray(g, float)
    star = np.empty((*g.shape[:-1], 3, 3))
    for k, (i, j) in enumerate(METRIC_ELEMENTS):
        star[..., i, j] = star[..., j, i] = g[..., k]
    direct = np.linalg.inv(star)
    length = np.sqrt(np.einsum("...ii->...i", direct))
    angles = [
        np.degrees(np.arccos(direct[..., i, j] / (length[..., i] * length[..., j])))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    return np.concatenate([length, np.stack(angles, axis=-1)], axis=-1)


def quadratic_form_from_hkl(hkl: Array) -> Array:
    """Return (h^2, k^2, l^2, 2kl, 2hl, 2hk), shape (reflection, 6), of hkl (reflection, 3); its
    product with the elements of the reciprocal metric is 1/d^2 [1/angstrom^2]."""
    h, k, m = hkl[:, 0], hkl[:, 1], hkl[:, 2]
    return np.stack([h * h, k * k, m * m, 2 * k * m, 2 * h * m, 2 * h * k], axis=1)
