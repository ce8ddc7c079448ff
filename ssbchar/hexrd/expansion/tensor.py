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
    cos = np.cos(np.radians(cell[..., 3:]))
    sin_b = np.sin(np.radians(cell[..., 4]))
    out = np.zeros((*cell.shape[:-1], 3, 3))
    out[..., 0, 0], out[..., 2, 0] = a * sin_b, a * cos[..., 1]
    out[..., 0, 1] = b * (cos[..., 2] - cos[..., 0] * cos[..., 1]) / sin_b
    out[..., 2, 1] = b * cos[..., 0]
    out[..., 1, 1] = np.sqrt(b**2 - out[..., 0, 1] ** 2 - out[..., 2, 1] ** 2)
    out[..., 2, 2] = c
    return out


def metric_rate_from_cell_rate(cell: Array, rate: Array) -> Array:
    """Return dG/dT [angstrom^2/K] of cells (..., 6) that change by `rate` (..., 6) [angstrom/K,
    degree/K]."""
    cell, rate = np.asarray(cell, float), np.asarray(rate, float)
    length, angle = cell[..., :3], np.radians(cell[..., 3:])
    change, turn = rate[..., :3], np.radians(rate[..., 3:])
    out = np.empty((*np.broadcast_shapes(cell.shape, rate.shape)[:-1], 3, 3))
    for i in range(3):
        out[..., i, i] = 2 * length[..., i] * change[..., i]
    for i, j, k in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        product = change[..., i] * length[..., j] + length[..., i] * change[..., j]
        turned = length[..., i] * length[..., j] * np.sin(angle[..., k]) * turn[..., k]
        out[..., i, j] = out[..., j, i] = product * np.cos(angle[..., k]) - turned
    return out


def tensor_from_cell_rate(cell: Array, rate: Array) -> Array:
    """Return the thermal-expansion tensor alpha = M^-T (dG/dT) M^-1 / 2 [1/K], shape (..., 3, 3).

    The rate of the Lagrangian strain, referred to the lattice at that temperature: free of rotation
    (J. F. Nye, Physical Properties of Crystals, Oxford University Press (1985), ch. VI).
    """
    inverse = np.linalg.inv(basis_from_cell(cell))
    return np.asarray(
        0.5 * np.swapaxes(inverse, -1, -2) @ metric_rate_from_cell_rate(cell, rate) @ inverse
    )


def strain_from_cell(cell: Array, reference: Array) -> Array:
    """Return E = (M0^-T G M0^-1 - 1) / 2, the finite strain of cells against a reference cell,
    shape (..., 3, 3)."""
    inverse = np.linalg.inv(basis_from_cell(reference))
    return np.asarray(
        0.5 * (np.swapaxes(inverse, -1, -2) @ metric_from_cell(cell) @ inverse - np.eye(3))
    )


def find_principal_axes(tensor: Array) -> tuple[Array, Array]:
    """Return principal values (n, 3) and axes (n, 3, 3; columns) of symmetric tensors along a
    series.

    The first tensor's axes are ordered by their largest component along x, y, z; each next one
    takes the order and signs that overlap most with the one before, so that curves may cross
    without changing names.
    """
    broken = tensor + SYMMETRY_BREAKING * np.diag([0.0, 1.0, 2.0])
    values, vectors = np.linalg.eigh(broken)
    orders = [list(p) for p in itertools.permutations(range(3))]
    before = np.eye(3)
    for n in range(len(values)):
        overlap = np.abs(before.T @ vectors[n])
        best = max(orders, key=lambda p: float(sum(overlap[i, p[i]] for i in range(3))))
        values[n], vectors[n] = values[n][best], vectors[n][:, best]
        sign = np.sign(np.sum(before * vectors[n], axis=0))
        vectors[n] *= np.where(sign == 0, 1.0, sign)
        before = vectors[n]
    return values - SYMMETRY_BREAKING * np.einsum(
        "nik,i,nik->nk", vectors, [0.0, 1.0, 2.0], vectors
    ), vectors


def propagate_to_principal_values(vectors: Array, covariance: Array) -> Array:
    """Return the standard error of the principal values, v_k^T (delta alpha) v_k to first order.

    Parameters
    ----------
    vectors : ndarray, shape (n, 3, 3)
        Axes as columns.
    covariance : ndarray, shape (n, 6, 6)
        Of the components in the order of `PAIRS`.
    """
    weight = np.stack(
        [(1.0 if i == j else 2.0) * vectors[:, i, :] * vectors[:, j, :] for i, j in PAIRS], axis=1
    )  # (n, 6, k)
    return np.asarray(
        np.sqrt(np.maximum(np.einsum("nak,nab,nbk->nk", weight, covariance, weight), 0.0))
    )


def propagate_to_principal_axes(values: Array, vectors: Array, covariance: Array) -> Array:
    """Return the standard error of each principal axis' direction [degree], shape (n, 3); 90 where
    undefined.

    First-order perturbation: the axis k turns towards j by v_j^T (delta alpha) v_k / (lambda_k -
    lambda_j).
    """
    out = np.zeros_like(values)
    for k, j in itertools.permutations(range(3), 2):
        weight = np.stack(
            [
                vectors[:, i, j] * vectors[:, m, k]
                + (vectors[:, m, j] * vectors[:, i, k] if i != m else 0.0)
                for i, m in PAIRS
            ],
            axis=1,
        )
        variance = np.maximum(np.einsum("na,nab,nb->n", weight, covariance, weight), 0.0)
        gap = values[:, k] - values[:, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(variance > 0, variance / gap**2, 0.0)
        out[:, k] += np.where(np.abs(gap) > 10 * SYMMETRY_BREAKING, turn, np.inf)
    return np.asarray(np.minimum(np.degrees(np.sqrt(out)), 90.0))


def differentiate(function: Callable[[Array], Array], at: Array, step: Array) -> Array:
    """Return central differences of a function of arrays (n, m) to arrays (n, q), shape (n, q, m).

    Parameters
    ----------
    function : callable
        Acts on each row alone.
    at, step : ndarray, shape (n, m)
        Where, and the half width in each column.
    """
    columns = []
    for i in range(at.shape[1]):
        shift = np.zeros_like(at)
        shift[:, i] = step[:, i]
        columns.append((function(at + shift) - function(at - shift)) / (2 * step[:, i : i + 1]))
    return np.stack(columns, axis=-1)
