"""Linear combination of references, all spectra at once: weights and one energy shift per spectrum
by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.series.options import Mixture
from ssbchar.xas.series.shifted_references import CELL, ShiftedReferences


@dataclass(frozen=True)
class CombinationFit:
    """Result of `combine`; arrays over spectra."""

    weight: Array
    shift: Array
    shifted: ShiftedReferences
    free_shift: bool
    fitted: Array
    r_factor: Array
    chi2: Array

    @property
    def columns(self) -> list[Array]:
        """Return the derivatives of the model by (weights, shift), arrays (spectrum or 1,
        energy)."""
        if not self.free_shift:
            return [r[None] for r in self.shifted.table(0)[:, 0]]
        return [*self.shifted.basis(self.shift), -self.shifted.slope(self.weight, self.shift)]


GRID = 0.1
"""Step of the grid of shifts that the search starts from [eV]."""


def fit_combination(
    energy: Array,
    norm: Array,
    stderr: Array,
    references: list[tuple[Array, Array]],
    options: Mixture,
) -> CombinationFit:
    """Return weights w and shift s of norm(E) = sum_i w_i ref_i(E - s), by weighted least squares,
    all spectra at once.

    The weights follow from the shift (variable projection), so a grid of shifts, whose normal
    matrices all spectra share, finds the lowest minimum (`start`); Gauss-Newton in (w, s) ends in
    it. References are cubic splines through their points.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, stderr : array, shape (spectrum, energy)
    references : list of (energies, norm)
    options : Mixture
    """
    shifted = ShiftedReferences(energy, references)
    tied = len(references) if options.sum_to_one else 0
    common, level = find_common_weights(stderr)
    power = np.zeros((0, 0)) if common is not None else 1 / np.maximum(stderr, 1e-12) ** 2
    shift, weight = np.zeros(len(norm)), np.zeros((len(norm), len(references)))
    if not options.shift:
        weight = solve_without_shift(shifted.table(0)[:, 0], norm, power, common, tied)
    else:
        shift, weight = search_shifts(
            norm, power.mean(axis=0) if common is None else common, shifted, options
        )
        if common is None:
            shift, weight = refine_by_newton(norm, power, shifted, shift, weight, options)
        else:
            shift, weight = refine_by_moments(norm, common, shifted, shift, weight, options)
    fitted = shifted.combined(weight, shift) if options.shift else weight @ shifted.table(0)[:, 0]
    residual = norm - fitted
    free = len(references) + int(options.shift) - int(options.sum_to_one)
    residual *= residual
    chi2 = (residual * power).sum(axis=1) if common is None else residual @ common * level
    misfit = residual.sum(axis=1) / np.einsum("ne,ne->n", norm, norm)
    return CombinationFit(
        weight,
        shift,
        shifted,
        bool(options.shift),
        fitted,
        misfit,
        chi2 / max(energy.size - free, 1),
    )


def find_common_weights(stderr: Array) -> tuple[Array | None, Array]:
    """Return the one weight 1/sigma**2 over energy that all spectra share up to a factor, and that
    factor of each.

    None where the errors of the spectra differ in their course over energy.
    """
    level = (stderr[0, 0] / np.maximum(stderr[:, 0], 1e-12)) ** 2
    uniform = stderr.min() == stderr.max()
    if (
        not uniform
        and np.abs(stderr * np.sqrt(level)[:, None] - stderr[0]).max()
        > 1e-6 * np.abs(stderr[0]).max()
    ):
        return None, level
    return 1 / np.maximum(stderr[0], 1e-12) ** 2, level


def solve_without_shift(
    basis: Array, norm: Array, power: Array, common: Array | None, tied: int
) -> Array:
    """Return the weights without a shift; one matrix product where all spectra are weighted alike
    (`common`)."""
    weight = np.zeros((len(norm), len(basis)))
    weight[:, -1] += bool(tied)
    target = norm - basis[-1] if tied else norm
    columns = [b[None] for b in basis]
    if common is None:
        return weight + solve_least_squares(columns, target, power, tied)
    return np.asarray(weight + target @ build_gain(columns, common[None], tied)[0].T)


def refine_by_newton(
    norm: Array,
    power: Array,
    shifted: ShiftedReferences,
    shift: Array,
    weight: Array,
    options: Mixture,
) -> tuple[Array, Array]:
    """Return shift and weights at the minimum, by Gauss-Newton in both; every spectrum with its own
    errors."""
    m, limit = weight.shape[1], options.max_shift
    for _ in range(25):
        basis = shifted.basis(shift)
        columns = [*basis, -shifted.slope(weight, shift)]
        step = solve_least_squares(
            columns, norm - _sum_columns(weight, basis), power, m if options.sum_to_one else 0
        )
        weight = weight + step[:, :m]
        moved = np.clip(shift + np.clip(step[:, -1], -0.5, 0.5), -limit, limit)
        furthest, shift = np.abs(moved - shift).max(), moved
        if furthest < 3e-4:
            break
    return shift, weight


def refine_by_moments(
    norm: Array,
    common: Array,
    shifted: ShiftedReferences,
    shift: Array,
    weight: Array,
    options: Mixture,
) -> tuple[Array, Array]:
    """Return what `newton` does, for spectra of one common weight P, from a few numbers of each.

    Within a cell ref_i(E - s) = sum_q T_iq d**q; with B = T P y of a spectrum and G = T P T' of the
    cell the normal equations of any (w, d) are sums over q: u_i = d**q in block i for the
    references, v = sum_i w_i q d**(q - 1) for the slope, and <a, b> = a G b', <a, y> = a B.
    """
    m, limit = weight.shape[1], options.max_shift
    chosen = _build_constraint(m + 1, m if options.sum_to_one else 0)
    for _ in range(6):
        moved = shift.copy()
        for rows, table, d in shifted.cells(shift):
            flat = table.reshape(4 * m, -1)
            gram, right = (flat * common) @ flat.T, norm[rows] @ (flat * common).T
            w = weight[rows]
            for _ in range(3):
                vectors = np.zeros((d.size, m + 1, m, 4))
                powers = d[:, None] ** np.arange(4)
                for i in range(m):
                    vectors[:, i, i] = powers
                    vectors[:, m, i, 1:] = w[:, i, None] * np.arange(1, 4) * powers[:, :3]
                flat_vectors = np.einsum(
                    "ij,nik->njk", chosen, vectors.reshape(d.size, m + 1, 4 * m)
                )
                model = np.einsum("ni,niq->nq", w, vectors.reshape(d.size, m + 1, 4 * m)[:, :m])
                carried = flat_vectors @ gram
                normal = carried @ np.swapaxes(flat_vectors, 1, 2)
                rest = np.einsum("njk,nk->nj", flat_vectors, right) - np.einsum(
                    "njk,nk->nj", carried, model
                )
                step = np.linalg.solve(normal, rest[:, :, None])[:, :, 0] @ chosen.T
                w, d = w + step[:, :m], d + np.clip(step[:, m], -0.1, 0.1)
            weight[rows], moved[rows] = (
                w,
                np.clip(shift[rows] - shifted.offset(shift[rows]) + d, -limit, limit),
            )
        furthest, shift = np.abs(moved - shift).max(), moved
        if furthest < CELL:
            break
    return shift, weight


def search_shifts(
    norm: Array, common: Array, shifted: ShiftedReferences, options: Mixture
) -> tuple[Array, Array]:
    """Return shift and weights of each spectrum near its lowest minimum over a grid of shifts,
    shapes (s,), (s, m).

    At each shift of the grid chi^2(s) = y'Py - b(s)' N(s)^-1 b(s), with N(s) = R P R', b(s) = R P y
    and R the shifted references; a parabola through the lowest point and its neighbours gives the
    shift. P is `common`, the mean weight of the spectra.
    """
    energy, splines = shifted.energy, shifted.splines
    limit, m, every = options.max_shift, len(splines), np.arange(len(norm))
    grid = np.linspace(-limit, limit, 2 * max(round(limit / GRID), 1) + 1)
    bank = np.stack([[np.asarray(s(energy - g)) for s in splines] for g in grid])
    chosen = _build_constraint(m, m if options.sum_to_one else 0)
    free = np.einsum("ij,gie->gje", chosen, bank)
    weighted = free * common
    inverse = np.linalg.inv(weighted @ np.swapaxes(free, 1, 2))
    rights = [norm @ weighted[:, j].T for j in range(free.shape[1])]
    gain = np.zeros((len(norm), grid.size))
    if options.sum_to_one:
        fixed = bank[:, -1]
        rights = [r - np.einsum("ge,ge->g", weighted[:, j], fixed) for j, r in enumerate(rights)]
        gain = 2 * norm @ (fixed * common).T - (fixed**2 @ common)
    for i, r in enumerate(rights):
        gain += sum(r * (inverse[:, i, j] * other) for j, other in enumerate(rights))
    best = np.argmax(gain, axis=1)
    at = np.clip(best, 1, grid.size - 2)
    low, middle, high = gain[every, at - 1], gain[every, at], gain[every, at + 1]
    bend = low - 2 * middle + high
    move = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    shift = np.clip(grid[at] + np.clip(move, -1, 1) * (grid[1] - grid[0]), -limit, limit)
    chosen_rights = np.stack([r[every, best] for r in rights], axis=1)
    weight = (inverse[best] @ chosen_rights[:, :, None])[:, :, 0] @ chosen.T
    weight[:, -1] += float(options.sum_to_one)
    return shift, weight


def _sum_columns(weight: Array, columns: list[Array]) -> Array:
    total = weight[:, :1] * columns[0]
    for i, column in enumerate(columns[1:], 1):
        total += weight[:, i, None] * column
    return np.asarray(total)


def solve_least_squares(columns: list[Array], target: Array, power: Array, tied: int) -> Array:
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
    chosen = _build_constraint(size, tied)
    inner = np.linalg.solve(chosen.T @ normal @ chosen, (right @ chosen)[:, :, None])
    return np.asarray((chosen @ inner)[:, :, 0])


def _build_constraint(size: int, tied: int) -> Array:
    """Return the matrix from free coefficients to all, where the first `tied` sum to nothing."""
    chosen = np.eye(size)
    if tied:
        chosen = np.delete(chosen, tied - 1, axis=1)
        chosen[tied - 1, : tied - 1] = -1
    return chosen


def build_gain(columns: list[Array], power: Array, tied: int) -> Array:
    """Return the matrices (spectrum, column, energy) that give `least_squares` of a target."""
    chosen = _build_constraint(len(columns), tied)
    basis = np.stack([np.broadcast_to(c, power.shape) for c in columns], axis=2) @ chosen
    weighted = np.swapaxes(basis * power[:, :, None], 1, 2)
    return np.asarray(chosen @ np.linalg.solve(weighted @ basis, weighted))
