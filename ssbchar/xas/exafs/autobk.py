"""The smooth background under the EXAFS: one linear operator per grid, and the clamp as one number
to solve for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas.exafs.fourier import KSTEP, RSTEP, build_transform_matrix, build_window
from ssbchar.xas.exafs.options import Exafs

MANY = 50
"""From so many spectra on one interpolation matrix is cheaper than a spline through each."""


@dataclass(frozen=True, kw_only=True)
class BackgroundOperators:
    """Operators of one energy grid, E0 and set of options; all but `basis` act on the k grid.

    chi = raw - spatial c with raw the interpolated mu(k); the coefficients c minimise |o|**2 + s**2
    |w|**2, where o are the real and imaginary parts of chi(R) below rbkg, w the clamped ends of
    chi, and s = 0.1 + 10 mean(o**2) (AUTOBK: M. Newville, P. Livins, Y. Yacoby, J. J. Rehr, E. A.
    Stern, Phys. Rev. B 47 (1993) 14126; clamps as Larch).
    """

    k: Array
    """Uniform grid from 0, shape (k,) [1/angstrom]."""
    raw_k: Array
    """k of the energies first..last, shape (point,) [1/angstrom]."""
    first: int
    """First energy that is used."""
    last: int
    """Last energy that is used."""
    basis: Array
    """B-splines at the energies first..last, shape (point, spline)."""
    spatial: Array
    """B-splines on the k grid, shape (k, spline)."""
    solve: Array
    """raw to the coefficients without the clamp, shape (spline, k)."""
    to_r: Array
    """chi to the real and imaginary parts of chi(R) below rbkg, shape (2 r, k)."""
    clamp: Array
    """chi to its clamped ends, in the clamp's own directions, shape (direction, k)."""
    coupling: Array
    """Clamped ends to the coefficients, shape (spline, direction)."""
    gains: Array
    """How strongly the coefficients move each direction, shape (direction,)."""


def build_operators(energy: Array, e0: float, options: Exafs) -> BackgroundOperators:
    """Return the operators for an energy axis.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    e0 : float
        [eV]
    options : Exafs
        Background.

    Returns
    -------
    BackgroundOperators
    """
    from scipy.interpolate import BSpline, CubicSpline

    first = max(int(np.searchsorted(energy, e0, side="right")) - 1, 0)
    above = energy[first:] - e0
    raw_k = np.sign(above) * np.sqrt(ETOK * np.abs(above))
    kmin, kmax = options.kmin_background, float(raw_k[-1])
    if options.kmax_background is not None:
        kmax = min(kmax, options.kmax_background)
    k = KSTEP * np.arange(int(1.01 + kmax / KSTEP), dtype=np.float64)
    end = int(np.searchsorted(energy, e0 + kmax**2 / ETOK, side="right")) - 1
    last = min(energy.size, 2 + end) - 1
    n_spline, n_low = choose_spline_size(options.rbkg, kmax - kmin)

    # Larch puts the knots on points of the data, and repeats the outer ones.
    sites = np.array([raw_k[np.abs(raw_k - q).argmin()] for q in np.linspace(kmin, kmax, n_spline)])
    knots = np.concatenate([np.repeat(sites[0], 4), sites[2:-2], np.repeat(sites[-1], 4)])
    inside = raw_k[: last - first + 1]
    basis = np.asarray(BSpline(knots, np.eye(n_spline), 3)(inside))
    spatial = np.asarray(CubicSpline(inside, basis)(k))

    weights = k**options.kweight_background * build_window(k, kmin, kmax, 0.1, "hanning")
    low_r = RSTEP * np.arange(n_low, dtype=np.float64)
    complex_r = build_transform_matrix(k, weights, low_r)
    to_r = np.concatenate([complex_r.real, complex_r.imag])

    clamp = _build_clamp(k.size, options)
    # With the QR of the part without the clamp, and its gains diagonal, the clamped solution of
    # every weight follows from one number (`solve_clamp_weight`).
    q, r = np.linalg.qr(to_r @ spatial)
    half = np.linalg.solve(r.T, (clamp @ spatial).T)
    gains, directions = np.linalg.eigh(half.T @ half)
    return BackgroundOperators(
        k=k,
        raw_k=inside,
        first=first,
        last=last,
        basis=basis,
        spatial=spatial,
        solve=np.linalg.solve(r, q.T @ to_r),
        to_r=to_r,
        clamp=directions.T @ clamp,
        coupling=np.linalg.solve(r, half @ directions),
        # Rounding may leave a gain of nothing below zero.
        gains=np.maximum(gains, 0.0),
    )


def choose_spline_size(rbkg: float, span: float) -> tuple[int, int]:
    """Return the number of spline coefficients, 1 + 2 rbkg dk / pi (5 to 128), and of R points
    below rbkg.

    Parameters
    ----------
    rbkg : float
        [angstrom]
    span : float
        dk, length of the background's range [1/angstrom].

    Returns
    -------
    n_spline, n_low : int
    """
    n_spline = 1 + int(2 * max(rbkg, 2 * RSTEP) * span / np.pi)
    n_low = int(1 + (n_spline - 1) * np.pi / (2 * RSTEP * span))
    return max(5, min(128, n_spline)), n_low


def _build_clamp(size: int, options: Exafs) -> Array:
    """Return the rows that pick the clamped ends of chi(k), times their weights."""
    n = options.nclamp
    rows = np.zeros((2 * n, size))
    rows[np.arange(n), np.arange(n)] = abs(options.clamp_low)
    rows[np.arange(n, 2 * n), np.arange(size - n, size)] = abs(options.clamp_high)
    return np.asarray(rows[np.abs(rows).sum(axis=1) > 0])


def interpolate_to_k(operators: BackgroundOperators, mu: Array) -> Array:
    """Return mu on the k grid, by the cubic spline through its points (not-a-knot).

    Parameters
    ----------
    operators : BackgroundOperators
    mu : array, shape (spectrum, energy)

    Returns
    -------
    array, shape (spectrum, k)
        In the unit of mu.
    """
    from scipy.interpolate import CubicSpline

    part = mu[:, operators.first : operators.last + 1]
    if len(mu) < MANY:
        return np.asarray(CubicSpline(operators.raw_k, part, axis=1)(operators.k))
    return np.asarray(part @ build_interpolation(operators).T)


def build_interpolation(operators: BackgroundOperators) -> Array:
    """Return the matrix of `interpolate_to_k`, dimensionless, shape (k, first..last)."""
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(operators.raw_k, np.eye(operators.raw_k.size))(operators.k))


def solve_clamp_weight(
    operators: BackgroundOperators, ends: Array, power: Array, rounds: int = 60
) -> Array:
    """Return the clamp's effective weight l of each spectrum.

    At the minimum l = s**2 / (1 + (20 / n) s |w|**2), s = 0.1 + 10 |o|**2 / n; in the clamp's own
    directions w_j(l) = w_j(0) / (1 + l g_j) and |o|**2 = |o(0)|**2 + sum_j l**2 g_j w_j**2: one
    unknown per spectrum, found by fixed-point steps accelerated after Steffensen.

    Parameters
    ----------
    operators : BackgroundOperators
    ends : array, shape (spectrum, direction)
        w(0), without the clamp.
    power : array, shape (spectrum,)
        |o(0)|**2.
    rounds : int
        Most steps.

    Returns
    -------
    array, shape (spectrum,)
        Dimensionless; 0 where nothing is clamped.
    """
    n = operators.to_r.shape[0]
    if ends.shape[1] == 0:
        return np.zeros(len(ends))

    def improve(weight: Array) -> Array:
        w2 = (ends / (1 + weight[:, None] * operators.gains)) ** 2
        scale = 0.1 + 10 * (power + weight**2 * (w2 @ operators.gains)) / n
        return np.asarray(scale**2 / (1 + 20 / n * scale * w2.sum(axis=1)))

    weight = improve(np.full(len(ends), 0.01))
    for _ in range(rounds):
        once = improve(weight)
        twice = improve(once)
        bend = twice - 2 * once + weight
        with np.errstate(divide="ignore", invalid="ignore"):
            leap = weight - (once - weight) ** 2 / bend
        # A leap out of the positive numbers is no solution: two plain steps are.
        new = np.where(np.isfinite(leap) & (leap > 0), leap, twice)
        converged = np.abs(new - weight) <= 1e-14 * np.maximum(np.abs(new), 1e-3)
        weight = new
        if converged.all():
            break
    return weight


def chi_from_mu(
    operators: BackgroundOperators, mu: Array, edge_step: Array
) -> tuple[Array, Array, Array]:
    """Return chi(k) and the spline's coefficients of each spectrum.

    Parameters
    ----------
    operators : BackgroundOperators
        From `build_operators`.
    mu : array, shape (spectrum, energy)
        Absorption on the operators' energy axis [eV].
    edge_step : array, shape (spectrum,)
        What chi is normalised by.

    Returns
    -------
    chi : array, shape (spectrum, k)
    coefficients : array, shape (spectrum, spline)
        See `evaluate_background`.
    weight : array, shape (spectrum,)
        The clamp's effective weight.
    """
    raw = interpolate_to_k(operators, mu)
    free = raw @ operators.solve.T
    rest = raw - free @ operators.spatial.T
    ends = rest @ operators.clamp.T
    power = ((rest @ operators.to_r.T) ** 2).sum(axis=1)
    weight = solve_clamp_weight(operators, ends, power)
    held = weight[:, None] * ends / (1 + weight[:, None] * operators.gains)
    extra = held @ operators.coupling.T
    chi = (rest - extra @ operators.spatial.T) / edge_step[:, None]
    return chi, free + extra, weight


def evaluate_background(operators: BackgroundOperators, mu: Array, coefficients: Array) -> Array:
    """Return the background of each spectrum on its energy axis; equal to mu outside the range.

    Parameters
    ----------
    operators : BackgroundOperators
    mu : array, shape (spectrum, energy)
    coefficients : array, shape (spectrum, spline)
        From `chi_from_mu`.

    Returns
    -------
    array, shape (spectrum, energy)
        In the unit of mu.
    """
    smooth = mu.copy()
    smooth[:, operators.first : operators.last + 1] = coefficients @ operators.basis.T
    return smooth


def build_chi_operator(operators: BackgroundOperators, weight: float) -> Array:
    """Return the matrix from mu to chi times step at a fixed clamp weight, for variances.

    Parameters
    ----------
    operators : BackgroundOperators
    weight : float
        The clamp's effective weight.

    Returns
    -------
    array, shape (k, first..last)
        Dimensionless.
    """
    matrix = build_interpolation(operators)
    rest = matrix - operators.spatial @ (operators.solve @ matrix)
    scale = weight / (1 + weight * operators.gains)
    return np.asarray(
        rest - operators.spatial @ ((operators.coupling * scale) @ (operators.clamp @ rest))
    )


def build_background_operator(operators: BackgroundOperators, weight: float, size: int) -> Array:
    """Return the matrix from mu to its background (see `evaluate_background`) at a fixed clamp
    weight, for variances.

    Parameters
    ----------
    operators : BackgroundOperators
    weight : float
        The clamp's effective weight.
    size : int
        Points of the energy axis.

    Returns
    -------
    array, shape (energy, energy)
        Dimensionless.
    """
    matrix = build_interpolation(operators)
    free = operators.solve @ matrix
    rest = matrix - operators.spatial @ free
    scale = weight / (1 + weight * operators.gains)
    inside = slice(operators.first, operators.last + 1)
    whole = np.eye(size)
    whole[inside, inside] = operators.basis @ (
        free + (operators.coupling * scale) @ (operators.clamp @ rest)
    )
    return whole
