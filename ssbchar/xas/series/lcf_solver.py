"""Linear combination of references by least squares: weights and shift of all spectra at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.series.options import Mixture
from ssbchar.xas.series.shifted_references import (
    CELL,
    TERMS,
    CellOfShifts,
    ShiftedReferences,
    measure_offset,
)

LEAST_STDERR = 1e-12
"""Smallest standard error of a point that is divided by."""
GRID = 0.1
"""Step of the grid of shifts from which the search starts [eV]."""
ALIKE = 1e-6
"""Relative difference below which standard errors have the same profile over energy."""
NEWTON_STEPS = 25
NEWTON_END = 3e-4
"""Change of every shift below which Gauss-Newton ends [eV]."""
LONGEST_STEP = 0.5
"""Longest step of a shift by Gauss-Newton [eV]."""
CELL_ROUNDS = 6
"""Rounds of `refine_by_moments`; each may move spectra to another cell."""
STEPS_IN_CELL = 3
"""Gauss-Newton steps of a round."""
LONGEST_STEP_IN_CELL = 0.1
"""Longest step of a shift within a round [eV]; the Taylor series is good near its cell alone."""


@dataclass(frozen=True, kw_only=True)
class Combination:
    """Weights and shifts of all spectra."""

    weight: Array
    """Shape (spectrum, reference)."""
    shift: Array
    """Shape (spectrum,) [eV]."""


@dataclass(frozen=True, kw_only=True)
class CombinationFit:
    """Result of `fit_combination`."""

    weight: Array
    """Shape (spectrum, reference)."""
    shift: Array
    """Shape (spectrum,) [eV]."""
    references: ShiftedReferences
    free_shift: bool
    fitted: Array
    """Shape (spectrum, energy)."""
    r_factor: Array
    """Sum of squared misfit by that of the spectrum, shape (spectrum,)."""
    reduced_chi_square: Array
    """Shape (spectrum,)."""

    @property
    def columns(self) -> list[Array]:
        """Derivatives of the model by (weights, shift), shape (spectrum or 1, energy) each."""
        if not self.free_shift:
            return [one[None] for one in self.references.unshifted]
        by_shift = -self.references.differentiate(self.weight, self.shift)
        return [*self.references.shift_each(self.shift), by_shift]


@dataclass(frozen=True, kw_only=True)
class PointWeights:
    """Weights 1/sigma**2 of the points of all spectra.

    Where they differ by a factor alone, one profile serves all spectra, and matrix products over
    the energy are made once.
    """

    profile: Array | None
    """Common profile, shape (energy,); None where spectra differ."""
    level: Array
    """Factor of each spectrum to the common profile, shape (spectrum,)."""
    each: Array
    """Weights of each spectrum, shape (spectrum, energy); empty where there is a profile."""

    @property
    def mean(self) -> Array:
        """The profile, or the mean weight of the spectra, shape (energy,)."""
        return self.each.mean(axis=0) if self.profile is None else self.profile


def fit_combination(
    energy: Array,
    norm: Array,
    stderr: Array,
    references: Sequence[tuple[Array, Array]],
    options: Mixture,
) -> CombinationFit:
    """Return weights w and shift s of norm(E) = sum_i w_i ref_i(E - s), of all spectra at once.

    Weighted least squares. The weights follow from the shift (variable projection), so a grid of
    shifts, whose normal matrices all spectra share, finds the lowest minimum (`search_shifts`);
    Gauss-Newton in (w, s) converges to it. References are cubic splines through their points.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, stderr : array, shape (spectrum, energy)
    references : sequence of (energies, norm)
        Each on its own axis [eV].
    options : Mixture
        Whether and how far [eV] spectra shift, and whether weights sum to one.
    """
    shifted = ShiftedReferences(energy, references)
    weights = find_common_weights(stderr)
    if not options.shift:
        found = Combination(
            weight=solve_without_shift(shifted.unshifted, norm, weights, options.sum_to_one),
            shift=np.zeros(len(norm)),
        )
        fitted = found.weight @ shifted.unshifted
    else:
        start = search_shifts(norm, weights.mean, shifted, options)
        if weights.profile is None:
            found = refine_by_newton(norm, weights.each, shifted, start, options)
        else:
            found = refine_by_moments(norm, weights.profile, shifted, start, options)
        fitted = shifted.combine(found.weight, found.shift)
    free = len(references) + int(options.shift) - int(options.sum_to_one)
    squares = norm - fitted
    # In place: a series has thousands of spectra.
    squares *= squares
    if weights.profile is None:
        chi_square = (squares * weights.each).sum(axis=1)
    else:
        chi_square = squares @ weights.profile * weights.level
    return CombinationFit(
        weight=found.weight,
        shift=found.shift,
        references=shifted,
        free_shift=bool(options.shift),
        fitted=fitted,
        r_factor=squares.sum(axis=1) / np.einsum("ne,ne->n", norm, norm),
        reduced_chi_square=chi_square / max(energy.size - free, 1),
    )


def find_common_weights(stderr: Array) -> PointWeights:
    """Return the weights 1/sigma**2, as one profile over energy if the spectra share it.

    Parameters
    ----------
    stderr : array, shape (spectrum, energy)
    """
    level = (stderr[0, 0] / np.maximum(stderr[:, 0], LEAST_STDERR)) ** 2
    if stderr.min() != stderr.max():
        difference = np.abs(stderr * np.sqrt(level)[:, None] - stderr[0]).max()
        if difference > ALIKE * np.abs(stderr[0]).max():
            each = 1 / np.maximum(stderr, LEAST_STDERR) ** 2
            return PointWeights(profile=None, level=level, each=each)
    profile = 1 / np.maximum(stderr[0], LEAST_STDERR) ** 2
    return PointWeights(profile=profile, level=level, each=np.zeros((0, 0)))


def solve_without_shift(
    basis: Array, norm: Array, weights: PointWeights, sum_to_one: bool
) -> Array:
    """Return the weights of references that do not shift.

    Parameters
    ----------
    basis : array, shape (reference, energy)
    norm : array, shape (spectrum, energy)
    weights : PointWeights
        One matrix product does where all spectra share a profile.
    sum_to_one : bool

    Returns
    -------
    array, shape (spectrum, reference)
    """
    tied = len(basis) if sum_to_one else 0
    weight = np.zeros((len(norm), len(basis)))
    # A sum of one: start from the last reference alone and move by steps whose sum is zero.
    weight[:, -1] += bool(tied)
    target = norm - basis[-1] if tied else norm
    columns = [one[None] for one in basis]
    if weights.profile is None:
        return weight + solve_least_squares(columns, target, weights.each, tied)
    gain = build_gain(columns, weights.profile[None], tied)[0]
    return np.asarray(weight + target @ gain.T)


def refine_by_newton(
    norm: Array, power: Array, shifted: ShiftedReferences, start: Combination, options: Mixture
) -> Combination:
    """Return the minimum by Gauss-Newton in weights and shift, every spectrum with its own errors.

    Parameters
    ----------
    norm, power : array, shape (spectrum, energy)
        `power` is 1/sigma**2.
    shifted : ShiftedReferences
    start : Combination
        Shifts [eV] and weights near the minimum.
    options : Mixture
        Bound of the shift [eV].
    """
    shift, weight = start.shift, start.weight
    count, limit = weight.shape[1], options.max_shift
    tied = count if options.sum_to_one else 0
    for _ in range(NEWTON_STEPS):
        basis = shifted.shift_each(shift)
        columns = [*basis, -shifted.differentiate(weight, shift)]
        step = solve_least_squares(columns, norm - _sum_columns(weight, basis), power, tied)
        weight = weight + step[:, :count]
        # Far from the minimum the linear step overshoots.
        moved = shift + np.clip(step[:, -1], -LONGEST_STEP, LONGEST_STEP)
        moved = np.clip(moved, -limit, limit)
        furthest, shift = np.abs(moved - shift).max(), moved
        if furthest < NEWTON_END:
            break
    return Combination(weight=weight, shift=shift)


def refine_by_moments(
    norm: Array, profile: Array, shifted: ShiftedReferences, start: Combination, options: Mixture
) -> Combination:
    """Return what `refine_by_newton` does, for spectra of one weight profile P, from few moments.

    Within a cell ref_i(E - s) = sum_q T_iq d**q; with B = T P y of a spectrum and G = T P T' of the
    cell the normal equations of any (w, d) are sums over q: u_i = d**q in block i for the
    references, v = sum_i w_i q d**(q - 1) for the slope, and <a, b> = a G b', <a, y> = a B.

    Parameters
    ----------
    norm : array, shape (spectrum, energy)
    profile : array, shape (energy,)
        1/sigma**2, up to a factor per spectrum.
    shifted : ShiftedReferences
    start : Combination
        Shifts [eV] and weights near the minimum.
    options : Mixture
        Bound of the shift [eV].
    """
    shift, weight = start.shift, start.weight.copy()
    count, limit = weight.shape[1], options.max_shift
    constraint = _build_constraint(count + 1, count if options.sum_to_one else 0)
    # Spectra that leave their cell are refined again in the next round, with its table.
    for _ in range(CELL_ROUNDS):
        moved = shift.copy()
        for cell in shifted.group_by_cell(shift):
            w, d = _refine_in_cell(norm[cell.rows], profile, cell, weight[cell.rows], constraint)
            weight[cell.rows] = w
            middle = shift[cell.rows] - measure_offset(shift[cell.rows])
            moved[cell.rows] = np.clip(middle + d, -limit, limit)
        furthest, shift = np.abs(moved - shift).max(), moved
        if furthest < CELL:
            break
    return Combination(weight=weight, shift=shift)


def _refine_in_cell(
    norm: Array, profile: Array, cell: CellOfShifts, weight: Array, constraint: Array
) -> tuple[Array, Array]:
    """Return weights and offset from the cell's middle after a few Gauss-Newton steps."""
    count, d = weight.shape[1], cell.offset
    flat_table = cell.table.reshape(TERMS * count, -1)
    weighted = flat_table * profile
    gram, right = weighted @ flat_table.T, norm @ weighted.T
    for _ in range(STEPS_IN_CELL):
        vectors = _build_derivatives(weight, d)
        free_vectors = np.einsum("ij,nik->njk", constraint, vectors)
        model = np.einsum("ni,niq->nq", weight, vectors[:, :count])
        carried = free_vectors @ gram
        normal = carried @ np.swapaxes(free_vectors, 1, 2)
        rest = np.einsum("njk,nk->nj", free_vectors, right) - np.einsum(
            "njk,nk->nj", carried, model
        )
        step = np.linalg.solve(normal, rest[:, :, None])[:, :, 0] @ constraint.T
        weight = weight + step[:, :count]
        d = d + np.clip(step[:, count], -LONGEST_STEP_IN_CELL, LONGEST_STEP_IN_CELL)
    return weight, d


def _build_derivatives(weight: Array, d: Array) -> Array:
    """Return the model's derivatives by weights and offset, in Taylor coefficients of references.

    Shape (spectrum, reference + 1, reference TERMS).
    """
    count = weight.shape[1]
    vectors = np.zeros((d.size, count + 1, count, TERMS))
    powers = d[:, None] ** np.arange(TERMS)
    for i in range(count):
        vectors[:, i, i] = powers
        vectors[:, count, i, 1:] = weight[:, i, None] * np.arange(1, TERMS) * powers[:, :-1]
    return vectors.reshape(d.size, count + 1, TERMS * count)


def search_shifts(
    norm: Array, profile: Array, shifted: ShiftedReferences, options: Mixture
) -> Combination:
    """Return shift and weights of each spectrum near its lowest minimum over a grid of shifts.

    At each shift of the grid chi^2(s) = y'Py - b(s)' N(s)^-1 b(s), with N(s) = R P R', b(s) = R P y
    and R the shifted references; a parabola through the lowest point and its neighbours gives the
    shift.

    Parameters
    ----------
    norm : array, shape (spectrum, energy)
    profile : array, shape (energy,)
        P, the mean weight 1/sigma**2 of the spectra.
    shifted : ShiftedReferences
    options : Mixture
        Bound of the shift [eV].
    """
    energy, splines = shifted.energy, shifted.splines
    limit, count, every = options.max_shift, len(splines), np.arange(len(norm))
    grid = np.linspace(-limit, limit, 2 * max(round(limit / GRID), 1) + 1)
    bank = np.stack([[np.asarray(s(energy - g)) for s in splines] for g in grid])
    constraint = _build_constraint(count, count if options.sum_to_one else 0)
    free = np.einsum("ij,gie->gje", constraint, bank)
    weighted = free * profile
    inverse = np.linalg.inv(weighted @ np.swapaxes(free, 1, 2))
    rights = [norm @ weighted[:, j].T for j in range(free.shape[1])]
    # b' N^-1 b, the decrease of chi^2; with a sum of one, of the spectrum less the last reference.
    decrease = np.zeros((len(norm), grid.size))
    if options.sum_to_one:
        fixed = bank[:, -1]
        rights = [r - np.einsum("ge,ge->g", weighted[:, j], fixed) for j, r in enumerate(rights)]
        decrease = 2 * norm @ (fixed * profile).T - (fixed**2 @ profile)
    for i, r in enumerate(rights):
        decrease += sum(r * (inverse[:, i, j] * other) for j, other in enumerate(rights))
    best = np.argmax(decrease, axis=1)
    shift = np.clip(_interpolate_maximum(grid, decrease, best), -limit, limit)
    best_rights = np.stack([r[every, best] for r in rights], axis=1)
    weight = (inverse[best] @ best_rights[:, :, None])[:, :, 0] @ constraint.T
    weight[:, -1] += float(options.sum_to_one)
    return Combination(weight=weight, shift=shift)


def _interpolate_maximum(grid: Array, values: Array, best: Array) -> Array:
    """Return the vertex of the parabola through each row's maximum and its neighbours."""
    every = np.arange(len(values))
    # At an end of the grid the parabola goes through the last three points.
    at = np.clip(best, 1, grid.size - 2)
    low, middle, high = values[every, at - 1], values[every, at], values[every, at + 1]
    bend = low - 2 * middle + high
    move = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.asarray(grid[at] + np.clip(move, -1, 1) * (grid[1] - grid[0]))


def _sum_columns(weight: Array, columns: Sequence[Array]) -> Array:
    total = weight[:, :1] * columns[0]
    for i, column in enumerate(columns[1:], 1):
        total += weight[:, i, None] * column
    return np.asarray(total)


def solve_least_squares(columns: Sequence[Array], target: Array, power: Array, tied: int) -> Array:
    """Return the weighted least-squares coefficients of each spectrum.

    Parameters
    ----------
    columns : sequence of array, shape (spectrum or 1, energy)
    target, power : array, shape (spectrum, energy)
        `power` is 1/sigma**2.
    tied : int
        The first so many coefficients keep the sum 0; 0 leaves all free.

    Returns
    -------
    array, shape (spectrum, column)
    """
    n, size = len(target), len(columns)
    normal, right = np.empty((n, size, size)), np.empty((n, size))
    for i, column in enumerate(columns):
        scaled = power * column
        right[:, i] = np.einsum("ne,ne->n", scaled, target)
        for j in range(i + 1):
            other = np.broadcast_to(columns[j], scaled.shape)
            normal[:, i, j] = normal[:, j, i] = np.einsum("ne,ne->n", scaled, other)
    constraint = _build_constraint(size, tied)
    reduced = constraint.T @ normal @ constraint
    inner = np.linalg.solve(reduced, (right @ constraint)[:, :, None])
    return np.asarray((constraint @ inner)[:, :, 0])


def _build_constraint(size: int, tied: int) -> Array:
    """Return the matrix from free coefficients to all, of which the first `tied` sum to zero."""
    constraint = np.eye(size)
    if tied:
        constraint = np.delete(constraint, tied - 1, axis=1)
        constraint[tied - 1, : tied - 1] = -1
    return constraint


def build_gain(columns: Sequence[Array], power: Array, tied: int) -> Array:
    """Return the matrices whose product with a target is `solve_least_squares` of it.

    Parameters
    ----------
    columns : sequence of array, shape (spectrum or 1, energy)
    power : array, shape (spectrum, energy)
        1/sigma**2.
    tied : int
        The first so many coefficients keep the sum 0; 0 leaves all free.

    Returns
    -------
    array, shape (spectrum, column, energy)
    """
    constraint = _build_constraint(len(columns), tied)
    basis = np.stack([np.broadcast_to(c, power.shape) for c in columns], axis=2) @ constraint
    weighted = np.swapaxes(basis * power[:, :, None], 1, 2)
    return np.asarray(constraint @ np.linalg.solve(weighted @ basis, weighted))
