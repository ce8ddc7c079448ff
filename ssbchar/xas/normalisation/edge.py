"""An absorption edge as a curve below it, a polynomial above it and the step between them, for
whole series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array

MIN_STEP = 1e-12
"""Edge steps are at least this, so that a flat spectrum divides by something."""


@dataclass(frozen=True, kw_only=True)
class FitLimits:
    """Limits of the fits below and above the edge, as configured; None takes the usual one."""

    pre1: float | None = None
    """Start of the pre-edge fit [eV, relative to E0]."""
    pre2: float | None = None
    """End of the pre-edge fit [eV, relative to E0]."""
    norm1: float | None = None
    """Start of the post-edge fit [eV, relative to E0]."""
    norm2: float | None = None
    """End of the post-edge fit [eV, relative to E0]."""
    nnorm: int | None = None
    """Degree of the polynomial above the edge."""


@dataclass(frozen=True, kw_only=True)
class FitRanges:
    """Points of an energy axis that the fits below and above the edge use."""

    pre: slice
    """Points of the pre-edge fit."""
    post: slice
    """Points of the post-edge fit."""
    at_e0: int
    """Point nearest to E0, where the step is taken."""
    nnorm: int
    """Degree of the polynomial above the edge."""


@dataclass(frozen=True, kw_only=True)
class NormalisedSpectra:
    """Spectra with baseline and step; arrays (spectrum, energy), the step (spectrum,)."""

    pre_edge: Array
    post_edge: Array
    edge_step: Array
    norm: Array
    flat: Array


@dataclass(frozen=True, kw_only=True)
class EdgeOperators:
    """The linear maps behind a normalisation: norm = (A mu) / step with step = w . mu."""

    subtraction: Array
    """A, shape (energy, energy): takes the pre-edge curve off, mu - pre = A mu."""
    step_weights: Array
    """w, shape (energy,)."""


def choose_fit_ranges(energy: Array, e0: float, limits: FitLimits | None = None) -> FitRanges:
    """Return the points of the pre- and post-edge fits, by the conventions of Larch.

    Limits that are not set: pre1 is the second point, rounded to 5 eV (2 eV where fewer than 21
    points lie below E0); pre2 = pre1/2; norm2 is the last point, rounded to 5 eV; norm1 is a third
    of norm2, rounded to 5 eV, and 25 eV at most; nnorm is 2 from 300 eV of range, 1 from 30 eV,
    else 0 (M. Newville, J. Phys.: Conf. Ser. 430 (2013) 012007).

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV], rising.
    e0 : float
        Origin of the limits [eV].
    limits : FitLimits, optional
        None takes the usual ones.

    Returns
    -------
    FitRanges
    """
    given = limits or FitLimits()
    at_e0 = int(np.abs(energy - e0).argmin())
    unit = 5.0 if at_e0 > 20 else 2.0
    low = unit * round((energy[1] - e0) / unit) if given.pre1 is None else given.pre1
    low = max(low, energy[0] - e0)
    high = 0.5 * low if given.pre2 is None else given.pre2
    low, high = min(low, high), max(low, high)

    last = 5.0 * round((energy[-1] - e0) / 5.0) if given.norm2 is None else given.norm2
    last = min(last, energy[-1] - e0)
    first = min(25.0, 5.0 * round(last / 15.0)) if given.norm1 is None else given.norm1
    first, last = min(first, last), max(first, last)
    first = min(first, last - 2)
    degree = _choose_degree(last - first) if given.nnorm is None else given.nnorm

    pre_start = _find_at_or_below(energy, low + e0)
    pre_stop = max(int(np.abs(energy - high - e0).argmin()), pre_start + 2)
    post_start = min(_find_at_or_below(energy, first + e0), energy.size - 3)
    post_stop = int(np.abs(energy - last - e0).argmin())
    # A short scan has few points above the edge: they bear no more than a line, or a constant.
    if post_stop - post_start < 2:
        post_start, degree = post_start - 2, 0
    elif post_stop - post_start < 5:
        degree = min(degree, 1)
    return FitRanges(
        pre=slice(pre_start, pre_stop),
        post=slice(post_start, post_stop),
        at_e0=at_e0,
        nnorm=degree,
    )


def _choose_degree(span: float) -> int:
    """Return the degree of the polynomial above the edge for a range of `span` eV."""
    if span >= 300:
        return 2
    if span >= 30:
        return 1
    return 0


def _find_at_or_below(energy: Array, value: float) -> int:
    return max(int(np.searchsorted(energy, value, side="right")) - 1, 0)


def calculate_tail(energy: Array, e0: float, width: float) -> Array:
    """Return the tails of an edge of unit step, 1/2 + arctan(2 (E - E0)/width)/pi - [E > E0].

    The lifetime hbar/width of a core hole makes an edge an arctangent (F. K. Richtmyer, S. W.
    Barnes & E. Ramberg, Phys. Rev. 46 (1934) 843): 1 % of the step is still below E0 - 16 width,
    where baselines are fitted.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    e0 : float
        Middle of the edge [eV].
    width : float
        Full width at half maximum of the level [eV]; 0 gives no tails.

    Returns
    -------
    array, shape (energy,)
        In units of the edge step.
    """
    if width <= 0:
        return np.zeros_like(energy)
    return np.asarray(0.5 + np.arctan(2 * (energy - e0) / width) / np.pi - (energy > e0))


def normalise_edges(
    energy: Array,
    mu: Array,
    ranges: FitRanges,
    *,
    victoreen: int = 0,
    exafs_free: Array | None = None,
    tail: Array | None = None,
) -> NormalisedSpectra:
    """Return normalised and flattened spectra.

    norm = (mu - pre)/step with pre(E) = (a + b E) E**-n fitted below the edge, post - pre a
    polynomial fitted above it and step = (post - pre)(E0); flat = norm - (post - pre)/step + 1 from
    E0 on.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV], rising.
    mu : array, shape (spectrum, energy)
        Absorption.
    ranges : FitRanges
        From `choose_fit_ranges`.
    victoreen : int
        Power n.
    exafs_free : array, shape (spectrum, energy), optional
        Spectra that the polynomial above the edge is fitted to in place of mu: those without EXAFS
        (`ssbchar.xas.normalisation.exafs_free`).
    tail : array, shape (energy,), optional
        Tails of the edge in steps (`calculate_tail`): baseline and polynomial are fitted to
        mu - step tail, which is still linear in mu. None leaves them in both fits, as Larch does.

    Returns
    -------
    NormalisedSpectra
    """
    pre = fit_pre_edge(energy, mu, ranges, victoreen)
    fitted_above = mu if exafs_free is None else exafs_free
    above = _fit_polynomial(energy, fitted_above - pre, ranges.post, ranges.nnorm)
    if tail is not None:
        # Both fits are linear: what they make of step * tail is step times what they make of the
        # tail of a unit step, which gives one equation for the step.
        pre_tail, above_tail = _fit_tail(energy, tail, ranges, victoreen)
        height = above[:, ranges.at_e0, None] / (1 + above_tail[ranges.at_e0])
        pre = pre - height * pre_tail
        above = above - height * above_tail
    # A falling edge (emission, a wrong sign) keeps a positive step, and its norm falls.
    step = np.maximum(np.abs(above[:, ranges.at_e0]), MIN_STEP)
    norm = (mu - pre) / step[:, None]
    # Flattening takes the curvature above the edge off; below E0 there is none to take.
    flat = norm.copy()
    bend = above / step[:, None]
    flat[:, ranges.at_e0 :] -= bend[:, ranges.at_e0 :] - bend[:, ranges.at_e0, None]
    return NormalisedSpectra(
        pre_edge=pre, post_edge=pre + above, edge_step=step, norm=norm, flat=flat
    )


def accept_normalised(mu: Array) -> NormalisedSpectra:
    """Return spectra that came normalised: baseline 0, step 1.

    Parameters
    ----------
    mu : array, shape (spectrum, energy)
        Normalised absorption, dimensionless.

    Returns
    -------
    NormalisedSpectra
    """
    return NormalisedSpectra(
        pre_edge=np.zeros_like(mu),
        post_edge=np.ones_like(mu),
        edge_step=np.ones(len(mu)),
        norm=mu,
        flat=mu,
    )


def _fit_tail(energy: Array, tail: Array, ranges: FitRanges, victoreen: int) -> tuple[Array, Array]:
    """Return what the fits below and above make of the tails of a unit step."""
    pre = fit_pre_edge(energy, tail[None], ranges, victoreen)
    above = _fit_polynomial(energy, tail[None] - pre, ranges.post, ranges.nnorm)
    return pre[0], above[0]


def fit_pre_edge(energy: Array, mu: Array, ranges: FitRanges, victoreen: int = 0) -> Array:
    """Return the pre-edge curve of each spectrum, (a + b E) E**-n (n = 0: a line).

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    ranges : FitRanges
        Fewer than three points below the edge give their mean.
    victoreen : int
        Power n.

    Returns
    -------
    array, shape (spectrum, energy)
    """
    if ranges.pre.stop - ranges.pre.start < 3:
        mean = mu[:, ranges.pre].mean(axis=1, keepdims=True)
        return np.asarray(np.repeat(mean, energy.size, axis=1))
    # Relative to E0, so that E**n of 10 keV does not spoil the precision.
    weight = (energy / energy[ranges.at_e0]) ** victoreen
    return np.asarray(_fit_polynomial(energy, mu * weight, ranges.pre, 1) / weight)


def _fit_polynomial(x: Array, y: Array, where: slice, degree: int) -> Array:
    """Return least-squares polynomials fitted to y[:, where], on the whole axis."""
    inside = x[where]
    middle = inside.mean()
    half = max(float(np.ptp(inside)) / 2, 1e-9)
    # Legendre polynomials on [-1, 1] keep the basis well conditioned at 10 keV.
    basis = np.polynomial.legendre.legvander((x - middle) / half, degree)
    return np.asarray((y[:, where] @ np.linalg.pinv(basis[where]).T) @ basis.T)


def derive_operators(
    energy: Array,
    ranges: FitRanges,
    *,
    victoreen: int = 0,
    smoother: Array | None = None,
    tail: Array | None = None,
) -> EdgeOperators:
    """Return the linear maps that `normalise_edges` applies to mu.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    ranges : FitRanges
    victoreen : int
        Power of the pre-edge curve.
    smoother : array, shape (energy, energy), optional
        B of exafs_free = B mu, where the step is taken from spectra without EXAFS.
    tail : array, shape (energy,), optional
        Tails of the edge in steps.

    Returns
    -------
    EdgeOperators
    """
    unit = np.eye(energy.size)
    pre = fit_pre_edge(energy, unit, ranges, victoreen)
    fitted_above = unit if smoother is None else smoother.T
    subtraction = (unit - pre).T
    above = _fit_polynomial(energy, fitted_above - pre, ranges.post, ranges.nnorm)
    weights = above[:, ranges.at_e0]
    if tail is None:
        return EdgeOperators(subtraction=subtraction, step_weights=weights)
    pre_tail, above_tail = _fit_tail(energy, tail, ranges, victoreen)
    weights = weights / (1 + above_tail[ranges.at_e0])
    return EdgeOperators(
        subtraction=subtraction + np.outer(pre_tail, weights), step_weights=weights
    )


def accept_operators(size: int) -> EdgeOperators:
    """Return the maps of spectra that came normalised: nothing is taken off, the step is the unit.

    Parameters
    ----------
    size : int
        Points of the energy axis.

    Returns
    -------
    EdgeOperators
    """
    return EdgeOperators(subtraction=np.eye(size), step_weights=np.zeros(size))


def norm_stderr_from_mu_stderr(
    mu_stderr: Array, spectra: NormalisedSpectra, operators: EdgeOperators
) -> tuple[Array, Array]:
    """Return the standard errors of norm and of the edge step, with those of baseline and step.

    d norm_i = sum_j (A_ij - norm_i w_j) d mu_j / step for independent d mu_j.

    Parameters
    ----------
    mu_stderr : array, shape (spectrum, energy)
        Standard error of each point of mu.
    spectra : NormalisedSpectra
    operators : EdgeOperators
        A and w.

    Returns
    -------
    norm_stderr : array, shape (spectrum, energy)
        Dimensionless.
    step_stderr : array, shape (spectrum,)
        In the unit of mu.
    """
    rest, weights = operators.subtraction, operators.step_weights
    variance = mu_stderr**2
    of_step = variance @ weights**2
    together = (variance * weights) @ rest.T
    norm = spectra.norm
    total = variance @ (rest**2).T - 2 * norm * together + norm**2 * of_step[:, None]
    return np.sqrt(np.maximum(total, 0)) / spectra.edge_step[:, None], np.sqrt(of_step)


def functional_stderr_from_mu_stderr(
    rows: Array, mu_stderr: Array, spectra: NormalisedSpectra, operators: EdgeOperators
) -> Array:
    """Return the standard error of h . norm of each spectrum, with those of baseline and step.

    d (h . norm) = (h A - (h . norm) w) . d mu / step for independent d mu.

    Parameters
    ----------
    rows : array, shape (spectrum, energy)
        h of each spectrum.
    mu_stderr : array, shape (spectrum, energy)
        Standard error of each point of mu.
    spectra : NormalisedSpectra
    operators : EdgeOperators
        A and w.

    Returns
    -------
    array, shape (spectrum,)
        In the unit of h . norm.
    """
    height = np.einsum("se,se->s", rows, spectra.norm)
    change = rows @ operators.subtraction - height[:, None] * operators.step_weights
    change = change / spectra.edge_step[:, None]
    return np.asarray(np.sqrt(np.einsum("se,se->s", change**2, mu_stderr**2)))
