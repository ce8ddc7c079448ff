"""Powder pattern of a fitted line with its derivatives: P(tau) = (4 C + 6 s S) / (4 + 6 s).

C is the decay of the central transition, which the anisotropy of the shift alone broadens, S that
of the two satellites, both of the static powder with tensors of common axes (`average`), or of a
Czjzek distribution of couplings; s is the satellites' signal over that by ideal pulses, which an
echo of finite pulses lowers. Directions are as dense as the time that the line itself lives asks
for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.powder.average import (
    CENTRAL,
    LEVEL,
    OUTER,
    place_directions,
    spread_directions,
    width_from_czjzek,
)
from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    ASYMMETRY,
    COUPLING,
    FOUR_LN2,
    SATELLITES,
    SCATTER,
    SHIFT_ASYMMETRY,
)
from ssbchar.typing import Array, Bool, Complex, Index

DEAD = 6e-3
"""What is left of a line when its satellites need no more be followed [1]."""
OVERSAMPLING = 4
"""Points of the frequency grid over those of the decay; patterns have died where it ends."""
BLOCK = 64
"""The points that a pattern is followed over are a multiple."""
ORDER = 6
"""Of the B-spline."""
MOST_PHASE = 500.0
"""Largest phase that the directions resolve [rad]."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Decay of a powder pattern."""

    signal: Array | Complex
    """(time,) 1 at time zero."""
    derivatives: Sequence[Array | Complex]
    """(fitted,) of (time,), by each parameter that is fitted, in their order."""
    by_time: Array | Complex
    """(time,) derivative by time [1/s]."""


@dataclass(frozen=True, kw_only=True)
class _Directions:
    """What the frequencies of both tensors are made of, with common axes."""

    axial: Array
    """(direction,) (3 cos^2 theta - 1) / 2."""
    lateral: Array
    """(direction,) sin^2 theta cos(2 phi) / 2, which the asymmetry weighs."""
    weight: Array
    """(direction,)."""


@functools.lru_cache(maxsize=64)
def _split_directions(axial: float, lateral: float) -> _Directions:
    vector, weight = place_directions(axial, lateral, most=MOST_PHASE)
    x2, y2, z2 = (vector**2).T
    return _Directions(axial=z2 - (x2 + y2) / 2, lateral=(x2 - y2) / 2, weight=weight)


def evaluate_pattern(values: Array, free: Bool, widths: tuple[float, float], tau: Array) -> Pattern:
    """Return the pattern of a line on an even axis.

    Parameters
    ----------
    values : ndarray, shape (parameter,)
        As `parameters` names them [Hz or dimensionless].
    free : ndarray of bool, shape (parameter,)
        By which of them derivatives are wanted.
    widths : tuple of float
        Lorentzian width [Hz] and squared Gaussian width [Hz^2] of the line.
    tau : ndarray, shape (time,)
        Since the echo's top [s].
    """
    fitted = np.flatnonzero(free)
    alive = _count_alive(*widths, tau)
    if values[SCATTER] > 0:
        return _evaluate_czjzek(values, fitted, tau)
    if values[ANISOTROPY] == 0 and ANISOTROPY not in fitted:
        return _evaluate_satellites(values, fitted, tau, alive)
    return _evaluate_both(values, fitted, tau, alive)


def tabulate_satellites(couplings: Array, asymmetries: Array, tau: Array, width: float) -> Array:
    """Return the decays of both satellites, where the shift is isotropic.

    Parameters
    ----------
    couplings, asymmetries : ndarray, shape (pattern,)
        C_Q [Hz], and eta.
    tau : ndarray, shape (time,)
        Even axis, since the echo's top [s].
    width : float
        Of the narrowest line whose satellites they may be [Hz].

    Returns
    -------
    ndarray, shape (pattern, time)
        1 at time zero [dimensionless].
    """
    alive = _count_alive(width, 0.0, tau)
    table = np.zeros((couplings.size, tau.size))
    for row, coupling, eta in zip(table, couplings, asymmetries, strict=True):
        on = _choose_directions(coupling, eta, 0.0, 0.0, tau[:alive])
        frequency = coupling / 2 * (on.axial + eta * on.lateral)
        row[:alive] = _transform(frequency, on.weight[None], tau[:alive])[0].real
    return table


def _count_alive(width: float, gauss2: float, tau: Array) -> int:
    """Return the number of points until the line's own width leaves nothing to be seen."""
    rate, rate2 = np.pi * width, np.pi**2 * gauss2 / FOUR_LN2
    goal = -np.log(DEAD)
    # rate t + rate2 t^2 = goal
    end = 2 * goal / (rate + np.sqrt(rate**2 + 4 * rate2 * goal) + 1e-300)
    step = float(tau[1] - tau[0])
    points = int(min(max((end - float(tau[0])) / step, BLOCK), tau.size))
    return min(-(-points // BLOCK) * BLOCK, tau.size)


def _evaluate_czjzek(values: Array, fitted: Index, tau: Array) -> Pattern:
    width = width_from_czjzek(1.0)
    rate = np.pi**2 * width**2 / FOUR_LN2
    sigma, share = float(values[SCATTER]), float(values[SATELLITES])
    outer = np.exp(-rate * (sigma * tau) ** 2)
    whole = CENTRAL + 2 * OUTER * share
    part = 2 * OUTER * share / whole
    by = {
        SATELLITES: 2 * OUTER * CENTRAL / whole**2 * (outer - 1),
        SCATTER: -2 * rate * sigma * tau**2 * part * outer,
    }
    return Pattern(
        signal=CENTRAL / whole + part * outer,
        derivatives=[by[parameter] for parameter in fitted.tolist()],
        by_time=-2 * rate * sigma**2 * tau * part * outer,
    )


def _evaluate_satellites(values: Array, fitted: Index, tau: Array, alive: int) -> Pattern:
    """Return the pattern where the shift is isotropic: the central transition stays, and both
    satellites together are twice the real part of one."""
    coupling, eta, share = (float(values[i]) for i in (COUPLING, ASYMMETRY, SATELLITES))
    time = tau[:alive]
    on = _choose_directions(coupling, eta, 0.0, 0.0, time)
    along = on.axial + eta * on.lateral
    half = coupling / 2
    weights = np.empty((3 if ASYMMETRY in fitted else 2, along.size))
    weights[0] = on.weight
    np.multiply(on.weight, along, out=weights[1])
    if len(weights) > 2:
        np.multiply(on.weight, on.lateral, out=weights[2])
    sums = _transform(half * along, weights, time)
    whole = CENTRAL + 2 * OUTER * share
    part = 2 * OUTER * share / whole
    outer = np.zeros(tau.size)
    outer[:alive] = sums[0].real
    # d/dp of Re exp(2 pi i nu t) is Re(2 pi i t nu_p exp(2 pi i nu t)).
    turn = -2 * np.pi * part * sums[1:].imag
    by: dict[int, Array | Complex] = {
        COUPLING: _pad(turn[0] * time / 2, tau.size),
        SATELLITES: 2 * OUTER * CENTRAL / whole**2 * (outer - 1),
    }
    if len(turn) > 1:
        by[ASYMMETRY] = _pad(turn[1] * time * half, tau.size)
    return Pattern(
        signal=CENTRAL / whole + part * outer,
        derivatives=[by[parameter] for parameter in fitted.tolist()],
        by_time=_pad(turn[0] * half, tau.size),
    )


def _evaluate_both(values: Array, fitted: Index, tau: Array, alive: int) -> Pattern:
    """Return the pattern of satellites and anisotropic shift together."""
    coupling, eta, share = (float(values[i]) for i in (COUPLING, ASYMMETRY, SATELLITES))
    zeta, eta_s = float(values[ANISOTROPY]), float(values[SHIFT_ASYMMETRY])
    time = tau[:alive]
    on = _choose_directions(coupling, eta, zeta, eta_s, time)
    along, across = on.axial + eta * on.lateral, on.axial + eta_s * on.lateral
    w, half = on.weight, coupling / 2
    shift = zeta * across
    by_shift = np.stack([w, w * across, w * on.lateral])
    central = _transform(shift, by_shift, time)
    both = np.concatenate([by_shift, [w * along, w * on.lateral]])
    upper = _transform(shift + half * along, both, time)
    lower = _transform(shift - half * along, both, time)
    outer = (upper + lower) / 2
    # What moves the satellites apart has the other sign for the lower one.
    apart = (upper[3:] - lower[3:]) / 2
    whole = CENTRAL + 2 * OUTER * share
    parts = CENTRAL / whole, 2 * OUTER * share / whole
    turn = 2j * np.pi
    mixed = turn * (parts[0] * central + parts[1] * outer[:3])
    apart = turn * parts[1] * apart
    by = {
        COUPLING: apart[0] * time / 2,
        ASYMMETRY: apart[1] * time * half,
        SATELLITES: 2 * OUTER * CENTRAL / whole**2 * (outer[0] - central[0]),
        ANISOTROPY: mixed[1] * time,
        SHIFT_ASYMMETRY: mixed[2] * time * zeta,
    }
    return Pattern(
        signal=_pad(parts[0] * central[0] + parts[1] * outer[0], tau.size),
        derivatives=[_pad(by[parameter], tau.size) for parameter in fitted.tolist()],
        by_time=_pad(mixed[1] * zeta + apart[0] * half, tau.size),
    )


def _choose_directions(
    coupling: float, eta: float, zeta: float, eta_s: float, time: Array
) -> _Directions:
    """Return directions dense enough for the latest time, from few sets that are kept."""
    latest = 2 * np.pi * float(np.abs(time).max())
    axial = latest * (0.75 * coupling + 1.5 * abs(zeta))
    lateral = latest * (coupling * eta / 4 + abs(zeta) * eta_s / 2)
    # Rounded up, so that a fit does not change them from step to step.
    phases = [LEVEL ** np.ceil(np.log(max(p, 1.0)) / np.log(LEVEL)) for p in (axial, lateral)]
    return _split_directions(min(float(phases[0]), MOST_PHASE), min(float(phases[1]), MOST_PHASE))


def _pad(values: Array | Complex, size: int) -> Array | Complex:
    """Return values with zeros behind, where the line has died."""
    if values.size == size:
        return values
    return np.asarray(np.concatenate([values, np.zeros(size - values.size)]))


def _transform(frequency: Array, weights: Array, time: Array) -> Complex:
    """Return sum_d w_cd exp(2 pi i nu_d t), as `average.transform_directions`, for times that
    change from call to call."""
    from scipy.fft import fft

    step, start = float(time[1] - time[0]), float(time[0])
    highest = float(np.abs(frequency).max())
    every = 1
    while 2.2 * highest * step > every:
        every *= 2
    size = 1 << (OVERSAMPLING * time.size * every - 1).bit_length()
    width = every / (size * step)
    grid = np.zeros((len(weights), size))
    spread_directions(frequency / width, weights, grid)
    turned = grid * _turn_grid(size, width, start)
    decay = fft(turned, axis=1, overwrite_x=True)[:, : time.size * every : every]
    return np.asarray(decay.conj() * np.sinc(time * width) ** -ORDER)


def _turn_grid(size: int, width: float, start: float) -> Complex:
    """Return exp(-2 pi i nu start) on the frequencies of a transform."""
    half = size // 2
    rise = np.exp((-2j * np.pi * width * start) * np.arange(half + 1))
    turn = np.empty(size, complex)
    turn[: half + 1] = rise
    turn[half + 1 :] = rise[1:half][::-1].conj()
    return turn
