"""Linear combination of references, all spectra at once: weights and one energy shift per spectrum by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.xas.options import Mixture

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Combined:
    """Result of `combine`; arrays over spectra, `columns` the derivatives of the model by (weights, shift)."""

    weight: Array
    shift: Array
    columns: list[Array]
    fitted: Array
    r_factor: Array
    chi2: Array


def combine(
    energy: Array, norm: Array, stderr: Array, references: list[tuple[Array, Array]], options: Mixture
) -> Combined:
    """Return weights w and shift s of norm(E) = sum_i w_i ref_i(E - s), by weighted least squares, all spectra at once.

    Gauss-Newton in (w, s); references are cubic splines through their points.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, stderr : array, shape (spectrum, energy)
    references : list of (energies, norm)
    options : Mixture
    """
    from scipy.interpolate import CubicSpline

    splines = [CubicSpline(x, y) for x, y in references]
    slopes = [s.derivative() for s in splines]
    m = len(splines)
    tied = m if options.sum_to_one else 0
    power = 1 / np.maximum(stderr, 1e-12) ** 2
    shift = np.zeros(len(norm))
    weight = np.zeros((len(norm), m))
    for _ in range(25):
        x = energy - shift[:, None] if options.shift else energy[None]
        basis = [np.asarray(s(x)) for s in splines]
        columns = basis
        if options.shift and weight.any():
            columns = [*basis, -_sum(weight, [np.asarray(s(x)) for s in slopes])]
        fitted = _sum(weight, basis)
        step = least_squares(columns, norm - fitted - (basis[-1] if tied and not weight.any() else 0), power, tied)
        weight[:, -1] += bool(tied) and not weight.any()
        weight = weight + step[:, :m]
        if not options.shift:
            break
        if len(columns) > m:
            move = np.clip(step[:, -1], -0.5, 0.5)
            shift = np.clip(shift + move, -options.max_shift, options.max_shift)
            if np.abs(move).max() < 1e-7:
                break
    fitted = _sum(weight, basis)
    residual = norm - fitted
    free = m + int(options.shift) - int(options.sum_to_one)
    chi2 = (residual**2 * power).sum(axis=1) / max(energy.size - free, 1)
    return Combined(weight, shift, columns, fitted, (residual**2).sum(axis=1) / (norm**2).sum(axis=1), chi2)


def _sum(weight: Array, columns: list[Array]) -> Array:
    total = weight[:, :1] * columns[0]
    for i, column in enumerate(columns[1:], 1):
        total += weight[:, i, None] * column
    return np.asarray(total)


def least_squares(columns: list[Array], target: Array, power: Array, tied: int) -> Array:
    """Return the weighted least-squares coefficients of each spectrum, shape (spectrum, column).

    Parameters
    ----------
    columns : list of array, shape (spectrum or 1, energy)
    target, power : array, shape (spectrum, energy)
        `power` is 1/sigma**2.
    tied : int
        The first so many coefficients keep the sum 0; 0 leaves all free.
    """
    n, size = len(target), len(columns)
    normal, right = np.empty((n, size, size)), np.empty((n, size))
    for i, column in enumerate(columns):
        scaled = power * column
        right[:, i] = np.einsum("ne,ne->n", scaled, target)
        for j in range(i + 1):
            other = np.broadcast_to(columns[j], scaled.shape)
            normal[:, i, j] = normal[:, j, i] = np.einsum("ne,ne->n", scaled, other)
    chosen = _chosen(size, tied)
    inner = np.linalg.solve(chosen.T @ normal @ chosen, (right @ chosen)[:, :, None])
    return np.asarray((chosen @ inner)[:, :, 0])


def _chosen(size: int, tied: int) -> Array:
    """Return the matrix from free coefficients to all, where the first `tied` sum to nothing."""
    chosen = np.eye(size)
    if tied:
        chosen = np.delete(chosen, tied - 1, axis=1)
        chosen[tied - 1, : tied - 1] = -1
    return chosen


def gain(columns: list[Array], power: Array, tied: int) -> Array:
    """Return the matrices (spectrum, column, energy) that give `least_squares` of a target."""
    chosen = _chosen(len(columns), tied)
    basis = np.stack([np.broadcast_to(c, power.shape) for c in columns], axis=2) @ chosen
    weighted = np.swapaxes(basis * power[:, :, None], 1, 2)
    return np.asarray(chosen @ np.linalg.solve(weighted @ basis, weighted))
