"""Thermal expansion as a tensor: from a cell and its rate of change to principal values and axes,
any crystal system.

Cartesian frame: z along c, y along b*, x completes a right-handed set (IEEE Std 176-1987). Nothing
here assumes a crystal system: what symmetry fixes comes out fixed, because tied cell parameters
move together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.typing import Array

SYMMETRY_BREAKING = 1e-13
"""Added to the diagonal in steps [1/K], so that equal principal values keep the frame's own
axes."""
LADDER = (0.0, 1.0, 2.0)
"""The steps."""
UNDEFINED = 90.0
"""Error [degree] of a direction that is not defined."""
PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""The six independent components, in Voigt's order."""


def basis_from_cell(cell: Array) -> Array:
    """Return the matrix whose columns are a, b, c in the Cartesian frame [angstrom].

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        a, b, c [angstrom], alpha, beta, gamma [degree].

    Returns
    -------
    ndarray, shape (..., 3, 3)
        M with M^T M = G, the metric tensor.
    """
    cell = np.asarray(cell, float)
    a, b, c = (cell[..., i] for i in range(3))
    cos_alpha, cos_beta, cos_gamma = np.moveaxis(np.cos(np.radians(cell[..., 3:])), -1, 0)
    sin_beta = np.sin(np.radians(cell[..., 4]))
    basis = np.zeros((*cell.shape[:-1], 3, 3))
    basis[..., 0, 0] = a * sin_beta
    basis[..., 2, 0] = a * cos_beta
    basis[..., 0, 1] = b * (cos_gamma - cos_alpha * cos_beta) / sin_beta
    basis[..., 2, 1] = b * cos_alpha
    basis[..., 1, 1] = np.sqrt(b**2 - basis[..., 0, 1] ** 2 - basis[..., 2, 1] ** 2)
    basis[..., 2, 2] = c
    return basis


def metric_rate_from_cell_rate(cell: Array, rate: Array) -> Array:
    """Return dG/dT, the rate of the metric tensor G_ij = a_i . a_j.

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        a, b, c [angstrom], alpha, beta, gamma [degree].
    rate : ndarray, shape (..., 6)
        Their rates [angstrom/K, degree/K].

    Returns
    -------
    ndarray, shape (..., 3, 3)
        [angstrom^2/K]
    """
    cell, rate = np.asarray(cell, float), np.asarray(rate, float)
    length, angle = cell[..., :3], np.radians(cell[..., 3:])
    change, turn = rate[..., :3], np.radians(rate[..., 3:])
    shape = np.broadcast_shapes(cell.shape, rate.shape)[:-1]
    out = np.empty((*shape, 3, 3))
    for i in range(3):
        out[..., i, i] = 2 * length[..., i] * change[..., i]
    # Edges i and j enclose angle k.
    for i, j, k in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        product = change[..., i] * length[..., j] + length[..., i] * change[..., j]
        turned = length[..., i] * length[..., j] * np.sin(angle[..., k]) * turn[..., k]
        out[..., i, j] = out[..., j, i] = product * np.cos(angle[..., k]) - turned
    return out


def tensor_from_cell_rate(cell: Array, rate: Array) -> Array:
    """Return the thermal-expansion tensor alpha = M^-T (dG/dT) M^-1 / 2.

    The rate of the Lagrangian strain, referred to the lattice at that temperature: free of rotation
    (J. F. Nye, Physical Properties of Crystals, Oxford University Press (1985), ch. VI).

    Parameters
    ----------
    cell, rate : ndarray, shape (..., 6)
        Cells [angstrom, degree] and their rates [angstrom/K, degree/K].

    Returns
    -------
    ndarray, shape (..., 3, 3)
        [1/K]
    """
    # M^-1 refers the change of the metric to lengths of one along x, y, z.
    inverse = np.linalg.inv(basis_from_cell(cell))
    rate_of_metric = metric_rate_from_cell_rate(cell, rate)
    return np.asarray(0.5 * np.swapaxes(inverse, -1, -2) @ rate_of_metric @ inverse)


def strain_from_cell(cell: Array, reference: Array) -> Array:
    """Return E = (M0^-T G M0^-1 - 1) / 2, the finite (Lagrangian) strain of cells against a
    reference cell.

    Parameters
    ----------
    cell : ndarray, shape (..., 6)
        [angstrom, degree]
    reference : ndarray, shape (6,)
        [angstrom, degree]

    Returns
    -------
    ndarray, shape (..., 3, 3)
        [1]
    """
    inverse = np.linalg.inv(basis_from_cell(reference))
    deformed = np.swapaxes(inverse, -1, -2) @ metric_from_cell(cell) @ inverse
    return np.asarray(0.5 * (deformed - np.eye(3)))


def find_principal_axes(tensor: Array) -> tuple[Array, Array]:
    """Return principal values and axes of symmetric tensors along a series.

    The first tensor's axes are ordered by their largest component along x, y, z; each next one
    takes the order and signs that overlap most with the one before, so that curves may cross
    without changing names.

    Parameters
    ----------
    tensor : ndarray, shape (n, 3, 3)
        [1/K]

    Returns
    -------
    values : ndarray, shape (n, 3)
        [1/K]
    vectors : ndarray, shape (n, 3, 3)
        Axes as columns.
    """
    broken = tensor + SYMMETRY_BREAKING * np.diag(LADDER)
    values, vectors = np.linalg.eigh(broken)
    # Six orders of three axes: all are tried, so that no greedy choice takes an axis twice.
    orders = [list(order) for order in itertools.permutations(range(3))]
    before = np.eye(3)
    for n in range(len(values)):
        overlap = np.abs(before.T @ vectors[n])
        best = max(orders, key=lambda order: float(sum(overlap[i, order[i]] for i in range(3))))
        values[n], vectors[n] = values[n][best], vectors[n][:, best]
        # An axis has no sense of direction: keep the one of the frame before.
        sign = np.sign(np.sum(before * vectors[n], axis=0))
        vectors[n] *= np.where(sign == 0, 1.0, sign)
        before = vectors[n]
    # What was added to break the symmetry is taken off again.
    added = SYMMETRY_BREAKING * np.einsum("nik,i,nik->nk", vectors, LADDER, vectors)
    return values - added, vectors


def propagate_to_principal_values(vectors: Array, covariance: Array) -> Array:
    """Return the standard error of the principal values, v_k^T (delta alpha) v_k to first order.

    Parameters
    ----------
    vectors : ndarray, shape (n, 3, 3)
        Axes as columns.
    covariance : ndarray, shape (n, 6, 6)
        Of the components in the order of `PAIRS` [1/K^2].

    Returns
    -------
    ndarray, shape (n, 3)
        [1/K]
    """
    # A component off the diagonal stands in the tensor twice.
    terms = [(1.0 if i == j else 2.0) * vectors[:, i, :] * vectors[:, j, :] for i, j in PAIRS]
    weight = np.stack(terms, axis=1)
    variance = np.einsum("nak,nab,nbk->nk", weight, covariance, weight)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def propagate_to_principal_axes(values: Array, vectors: Array, covariance: Array) -> Array:
    """Return the standard error of each principal axis' direction, 90 degree where undefined.

    First-order perturbation: the axis k turns towards j by v_j^T (delta alpha) v_k / (lambda_k -
    lambda_j).

    Parameters
    ----------
    values : ndarray, shape (n, 3)
        Principal values [1/K].
    vectors : ndarray, shape (n, 3, 3)
        Axes as columns.
    covariance : ndarray, shape (n, 6, 6)
        Of the components in the order of `PAIRS` [1/K^2].

    Returns
    -------
    ndarray, shape (n, 3)
        [degree]
    """
    turned = np.zeros_like(values)
    for k, j in itertools.permutations(range(3), 2):
        terms = [_weigh_component(vectors, pair, j, k) for pair in PAIRS]
        weight = np.stack(terms, axis=1)
        variance = np.maximum(np.einsum("na,nab,nb->n", weight, covariance, weight), 0.0)
        gap = values[:, k] - values[:, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(variance > 0, variance / gap**2, 0.0)
        turned[:, k] += np.where(np.abs(gap) > 10 * SYMMETRY_BREAKING, turn, np.inf)
    return np.asarray(np.minimum(np.degrees(np.sqrt(turned)), UNDEFINED))


def _weigh_component(vectors: Array, pair: tuple[int, int], j: int, k: int) -> Array:
    """Return the derivative of v_j^T alpha v_k by one component of alpha, shape (n,)."""
    i, m = pair
    mirrored = vectors[:, m, j] * vectors[:, i, k] if i != m else 0.0
    return np.asarray(vectors[:, i, j] * vectors[:, m, k] + mirrored)


def differentiate(function: Callable[[Array], Array], at: Array, step: Array) -> Array:
    """Return central differences of a function of arrays (n, m) to arrays (n, q), shape (n, q, m).

    Parameters
    ----------
    function : callable
        Acts on each row alone.
    at, step : ndarray, shape (n, m)
        Where, and the half-width in each column, in the same unit.
    """
    columns = []
    for i in range(at.shape[1]):
        shift = np.zeros_like(at)
        shift[:, i] = step[:, i]
        difference = function(at + shift) - function(at - shift)
        columns.append(difference / (2 * step[:, i : i + 1]))
    return np.stack(columns, axis=-1)
