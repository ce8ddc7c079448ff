"""The absorption edge: baseline below, polynomial above, step between them; whole series at
once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array


@dataclass(frozen=True)
class FitRanges:
    """Fit ranges as indices into the energy axis, from E0 and limits relative to it [eV]."""

    pre: slice
    post: slice
    at_e0: int
    nnorm: int


def choose_fit_ranges(
    energy: Array,
    e0: float,
    pre1: float | None = None,
    pre2: float | None = None,
    norm1: float | None = None,
    norm2: float | None = None,
    nnorm: int | None = None,
) -> FitRanges:
    """Return the pre- and post-edge ranges by the conventions of Larch.

    (M. Newville, J. Phys.: Conf. Ser. 430 (2013) 012007.)

    Limits are relative to E0 [eV]. Unset: pre1 the second point rounded to 5 eV, pre2 = pre1/2,
    norm2 the last point rounded to 5 eV, norm1 = min(25, norm2/15 rounded to 5 eV); nnorm 2 from
    300 eV of range, 1 from 30 eV, else 0.
    """
    at = int(np.abs(energy - e0).argmin())
    unit = 5.0 if at > 20 else 2.0
    low = unit * round((energy[1] - e0) / unit) if pre1 is None else pre1
    low = max(low, energy[0] - e0)
    high = 0.5 * low if pre2 is None else pre2
    low, high = min(low, high), max(low, high)
    last = 5.0 * round((energy[-1] - e0) / 5.0) if norm2 is None else norm2
    last = min(last, energy[-1] - e0)
    first = min(25.0, 5.0 * round(last / 15.0)) if norm1 is None else norm1
    first, last = min(first, last), max(first, last)
    first = min(first, last - 2)
    degree = (
        (2 if last - first >= 300 else 1 if last - first >= 30 else 0) if nnorm is None else nnorm
    )
    p1 = _find_at_or_below(energy, low + e0)
    p2 = max(int(np.abs(energy - high - e0).argmin()), p1 + 2)
    n1 = min(_find_at_or_below(energy, first + e0), energy.size - 3)
    n2 = int(np.abs(energy - last - e0).argmin())
    if n2 - n1 < 2:
        n1, degree = n1 - 2, 0
    elif n2 - n1 < 5:
        degree = min(degree, 1)
    return FitRanges(slice(p1, p2), slice(n1, n2), at, degree)


def _find_at_or_below(energy: Array, value: float) -> int:
    return max(int(np.searchsorted(energy, value, side="right")) - 1, 0)


@dataclass(frozen=True)
class NormalisedSpectra:
    """Spectra with their baseline and step; arrays (spectrum, energy), step (spectrum)."""

    pre_edge: Array
    post_edge: Array
    edge_step: Array
    norm: Array
    flat: Array


def calculate_tail(energy: Array, e0: float, width: float) -> Array:
    """Return the tails of an edge of unit step, 1/2 + arctan(2 (E - E0)/width)/pi - [E > E0]; none
    for width 0.

    A core hole lives for hbar/width, which makes an edge an arctangent (F. K. Richtmyer, S. W.
    Barnes & E. Ramberg, Phys. Rev. 46 (1934) 843): 1 % of the step is still below E0 - 16 width,
    where baselines are fitted.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    e0 : float
        Middle of the edge [eV].
    width : float
        Full width at half maximum of the level [eV].
    """
    if width <= 0:
        return np.zeros_like(energy)
    return np.asarray(0.5 + np.arctan(2 * (energy - e0) / width) / np.pi - (energy > e0))


def normalise_edges(
    energy: Array,
    mu: Array,
    limits: FitRanges,
    victoreen: int = 0,
    smooth: Array | None = None,
    tail: Array | None = None,
) -> NormalisedSpectra:
    """Return normalised and flattened spectra.

    norm = (mu - pre)/step with pre(E) = (a + b E) E**-n fitted below the edge, post - pre a
    polynomial fitted above it and step = (post - pre)(E0); flat = norm - (post - pre)/step + 1 from
    E0 on.

    Parameters
    ----------
    energy : array, shape (energy,)
        Energies [eV], rising.
    mu : array, shape (spectrum, energy)
        Absorption.
    limits : Ranges
        From `ranges`.
    victoreen : int
        Power n.
    smooth : array, shape (spectrum, energy), or None
        Spectra the polynomial above the edge is fitted to in place of mu: those without EXAFS
        (`ssbchar.xas.normalisation.exafs_free`).
    tail : array, shape (energy,), or None
        Tails of the edge in steps (`tail`): baseline and polynomial are fitted to mu - step tail,
        which is linear in mu still. None, as in Larch, leaves them to baseline and polynomial.
    """
    pre = fit_pre_edge(energy, mu, limits, victoreen)
    above = _fit_polynomial(
        energy, (mu if smooth is None else smooth) - pre, limits.post, limits.nnorm
    )
    if tail is not None:
        pre_tail, above_tail = _fit_tail(energy, tail, limits, victoreen)
        height = above[:, limits.at_e0, None] / (1 + above_tail[limits.at_e0])
        pre, above = pre - height * pre_tail, above - height * above_tail
    step = np.maximum(np.abs(above[:, limits.at_e0]), 1e-12)
    norm = (mu - pre) / step[:, None]
    flat = norm.copy()
    bend = above / step[:, None]
    flat[:, limits.at_e0 :] -= bend[:, limits.at_e0 :] - bend[:, limits.at_e0, None]
    return NormalisedSpectra(pre, pre + above, step, norm, flat)


def _fit_tail(energy: Array, tail: Array, limits: FitRanges, victoreen: int) -> tuple[Array, Array]:
    """Return what baseline and polynomial make of the tails of a unit step."""
    pre = fit_pre_edge(energy, tail[None], limits, victoreen)
    return pre[0], _fit_polynomial(energy, tail[None] - pre, limits.post, limits.nnorm)[0]


def fit_pre_edge(energy: Array, mu: Array, limits: FitRanges, victoreen: int = 0) -> Array:
    """Return the pre-edge curve of each spectrum, (a + b E) E**-n (n = 0: a line)."""
    if limits.pre.stop - limits.pre.start < 3:
        return np.asarray(
            np.repeat(mu[:, limits.pre].mean(axis=1, keepdims=True), energy.size, axis=1)
        )
    weight = (energy / energy[limits.at_e0]) ** victoreen
    return np.asarray(_fit_polynomial(energy, mu * weight, limits.pre, 1) / weight)


def _fit_polynomial(x: Array, y: Array, where: slice, degree: int) -> Array:
    """Return least-squares polynomials fitted to y[:, where], on the whole axis."""
    inside = x[where]
    middle, half = inside.mean(), max(float(np.ptp(inside)) / 2, 1e-9)
    basis = np.polynomial.legendre.legvander((x - middle) / half, degree)
    return np.asarray((y[:, where] @ np.linalg.pinv(basis[where]).T) @ basis.T)


def derive_operators(
    energy: Array,
    limits: FitRanges,
    victoreen: int = 0,
    smoother: Array | None = None,
    tail: Array | None = None,
) -> tuple[Array, Array]:
    """Return the matrix A of mu - pre = A mu (1 - P without tails) and the weights w of step = w .
    mu.

    Parameters
    ----------
    energy : array, shape (energy,)
    limits : Ranges
    victoreen : int
    smoother : array, shape (energy, energy), or None
        B of smooth = B mu, where the step is taken from `smooth` (see `normalised`).
    tail : array, shape (energy,), or None
    """
    unit = np.eye(energy.size)
    pre = fit_pre_edge(energy, unit, limits, victoreen)
    below = (unit if smoother is None else smoother.T) - pre
    rest, weights = (
        (unit - pre).T,
        _fit_polynomial(energy, below, limits.post, limits.nnorm)[:, limits.at_e0],
    )
    if tail is None:
        return rest, weights
    pre_tail, above_tail = _fit_tail(energy, tail, limits, victoreen)
    weights = weights / (1 + above_tail[limits.at_e0])
    return rest + np.outer(pre_tail, weights), weights


def norm_stderr_from_mu_stderr(
    mu_stderr: Array, done: NormalisedSpectra, rest: Array, weights: Array
) -> tuple[Array, Array]:
    """Return the standard errors of norm and of the edge step, those of baseline and step included.

    With A, w from `linear_part`: d norm_i = sum_j (A_ij - norm_i w_j) d mu_j / step, for
    independent d mu_j.

    Parameters
    ----------
    mu_stderr : array, shape (spectrum, energy)
    done : Normalised
    rest, weights : array, shapes (energy, energy) and (energy,)
    """
    variance = mu_stderr**2
    of_step = variance @ weights**2
    together = (variance * weights) @ rest.T
    total = variance @ (rest**2).T - 2 * done.norm * together + done.norm**2 * of_step[:, None]
    return np.sqrt(np.maximum(total, 0)) / done.edge_step[:, None], np.sqrt(of_step)


def functional_stderr_from_mu_stderr(
    rows: Array, mu_stderr: Array, done: NormalisedSpectra, rest: Array, weights: Array
) -> Array:
    """Return the standard error of h . norm of each spectrum, for independent errors of mu; all of
    it carried through.

    d (h . norm) = (h A - (h . norm) w) . d mu / step.

    Parameters
    ----------
    rows : array, shape (spectrum, energy)
        h of each spectrum.
    mu_stderr : array, shape (spectrum, energy)
    done : Normalised
    rest, weights : array
        A and w from `linear_part`.
    """
    height = np.einsum("se,se->s", rows, done.norm)
    change = (rows @ rest - height[:, None] * weights) / done.edge_step[:, None]
    return np.asarray(np.sqrt(np.einsum("se,se->s", change**2, mu_stderr**2)))
