"""The smooth background under the EXAFS as one linear operator of a grid, with the clamp as a single number solved for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.xas.fourier import KSTEP, RSTEP, transform_matrix, window
from ssbchar.xas.options import Exafs

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """Operators of one energy grid, E0 and set of options; each acts on mu from `first` to `last`.

    chi = interpolate mu - spatial @ c; the coefficients c minimise |o|**2 + s**2 |w|**2, where o are the real and
    imaginary parts of chi(R) below rbkg, w the clamped ends of chi, and s = 0.1 + 10 mean(o**2)
    (AUTOBK: M. Newville, P. Livins, Y. Yacoby, J. J. Rehr, E. A. Stern, Phys. Rev. B 47 (1993) 14126; clamps as in Larch).
    """

    k: Array
    first: int
    last: int
    interpolate: Array
    basis: Array
    spatial: Array
    solve: Array
    low_r: Array
    clamped: Array
    coupling: Array
    directions: Array
    gains: Array


def background(energy: Array, e0: float, options: Exafs) -> Background:
    """Return the operators for an energy axis [eV], an E0 [eV] and the options."""
    from scipy.interpolate import BSpline, CubicSpline

    first = max(int(np.searchsorted(energy, e0, side="right")) - 1, 0)
    above = energy[first:] - e0
    raw_k = np.sign(above) * np.sqrt(ETOK * np.abs(above))
    kmin = options.kmin_background
    kmax = float(raw_k[-1]) if options.kmax_background is None else min(float(raw_k[-1]), options.kmax_background)
    k = KSTEP * np.arange(int(1.01 + kmax / KSTEP))
    end = int(np.searchsorted(energy, e0 + kmax**2 / ETOK, side="right")) - 1
    last = min(energy.size, 2 + end) - 1
    rbkg = max(options.rbkg, 2 * RSTEP)
    n_spline = 1 + int(2 * rbkg * (kmax - kmin) / np.pi)
    n_low = int(1 + (n_spline - 1) * np.pi / (2 * RSTEP * (kmax - kmin)))
    n_spline = max(5, min(128, n_spline))
    sites = np.array([raw_k[np.abs(raw_k - q).argmin()] for q in np.linspace(kmin, kmax, n_spline)])
    knots = np.concatenate([np.repeat(sites[0], 4), sites[2:-2], np.repeat(sites[-1], 4)])
    inside = raw_k[: last - first + 1]
    basis = np.asarray(BSpline(knots, np.eye(n_spline), 3)(inside))
    interpolate = np.asarray(CubicSpline(inside, np.eye(inside.size))(k))
    spatial = interpolate @ basis
    weights = k**options.kweight_background * window(k, kmin, kmax, 0.1, "hanning")
    complex_r = transform_matrix(k, weights, RSTEP * np.arange(n_low))
    to_r = np.concatenate([complex_r.real, complex_r.imag])
    clamp = np.zeros((2 * options.nclamp, k.size))
    for i in range(options.nclamp):
        clamp[i, i] = abs(options.clamp_low)
        clamp[options.nclamp + i, k.size - options.nclamp + i] = abs(options.clamp_high)
    clamp = clamp[np.abs(clamp).sum(axis=1) > 0]
    q, r = np.linalg.qr(to_r @ spatial)
    half = np.linalg.solve(r.T, (clamp @ spatial).T)
    gains, directions = np.linalg.eigh(half.T @ half)
    solve = np.linalg.solve(r, q.T @ (to_r @ interpolate))
    rest = interpolate - spatial @ solve
    return Background(
        k=k, first=first, last=last, interpolate=rest, basis=basis, spatial=spatial, solve=solve,
        low_r=to_r @ rest, clamped=directions.T @ (clamp @ rest), coupling=np.linalg.solve(r, half @ directions),
        directions=directions, gains=np.maximum(gains, 0.0),
    )  # fmt: skip


def clamp_weight(operators: Background, mu: Array, rounds: int = 60) -> tuple[Array, Array]:
    """Return the clamp's effective weight of each spectrum, and its clamped ends along the clamp's own directions.

    At the minimum, with o(l), w(l) the solution for a fixed weight l: l = s**2 / (1 + (20 / n) s |w|**2), s = 0.1 +
    10 |o|**2 / n; in the eigenvectors of the clamp, w_j(l) = w_j(0) / (1 + l g_j) and |o|**2 = |o(0)|**2 +
    sum_j l**2 g_j w_j**2: one unknown per spectrum, solved by fixed-point steps accelerated after Steffensen.
    """
    n = operators.low_r.shape[0]
    part = mu[:, operators.first : operators.last + 1]
    ends = part @ operators.clamped.T
    power = ((part @ operators.low_r.T) ** 2).sum(axis=1)
    if ends.shape[1] == 0:
        return np.zeros(len(mu)), ends

    def better(weight: Array) -> Array:
        w2 = (ends / (1 + weight[:, None] * operators.gains)) ** 2
        scale = 0.1 + 10 * (power + weight**2 * (w2 @ operators.gains)) / n
        return np.asarray(scale**2 / (1 + 20 / n * scale * w2.sum(axis=1)))

    weight = better(np.full(len(mu), 0.01))
    for _ in range(rounds):
        one = better(weight)
        two = better(one)
        bend = two - 2 * one + weight
        with np.errstate(divide="ignore", invalid="ignore"):
            leap = weight - (one - weight) ** 2 / bend
        new = np.where(np.isfinite(leap) & (leap > 0), leap, two)
        done = np.abs(new - weight) <= 1e-14 * np.maximum(np.abs(new), 1e-3)
        weight = new
        if done.all():
            break
    return weight, ends


def chi_from_mu(operators: Background, mu: Array, edge_step: Array) -> tuple[Array, Array, Array]:
    """Return chi(k) and the background of each spectrum.

    Parameters
    ----------
    operators : Background
        From `background`.
    mu : array, shape (spectrum, energy)
        Absorption on the operators' energy axis.
    edge_step : array, shape (spectrum,)
        What chi is normalised by.

    Returns
    -------
    chi : array, shape (spectrum, k)
    background : array, shape (spectrum, energy)
        Equal to mu outside the range.
    weight : array, shape (spectrum,)
        The clamp's effective weight.
    """
    weight, ends = clamp_weight(operators, mu)
    part = mu[:, operators.first : operators.last + 1]
    extra = (weight[:, None] * ends / (1 + weight[:, None] * operators.gains)) @ operators.coupling.T
    chi = (part @ operators.interpolate.T - extra @ operators.spatial.T) / edge_step[:, None]
    smooth = mu.copy()
    smooth[:, operators.first : operators.last + 1] = (part @ operators.solve.T + extra) @ operators.basis.T
    return chi, smooth, weight


def chi_operator(operators: Background, weight: float) -> Array:
    """Return the matrix from mu to chi times step at a fixed clamp weight, shape (k, first..last), for variances."""
    scale = weight / (1 + weight * operators.gains)
    return np.asarray(operators.interpolate - operators.spatial @ ((operators.coupling * scale) @ operators.clamped))
