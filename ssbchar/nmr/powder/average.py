"""Decay of a spin 3/2 in a powder: central transition and satellites under quadrupolar coupling and
anisotropic shift, static or spinning at the magic angle.

With the quadrupolar tensor v of unit V_zz and asymmetry eta (its x component the larger), and the
field along n, the satellites stand at +-(C_Q / 2) n'vn from the centre, to first order, and the
central transition does not move. To second order (exact diagonalisation is the test) with
a = (C_Q / 6)^2 3 s1 / nu_L and b = (C_Q / 6)^2 3 s2 / (8 nu_L), s1 = |vn|^2 - (n'vn)^2 and
s2 = 3 + eta^2 - 3 (n'vn)^2 - 4 s1, both satellites move by 2 a and the central transition by
2 (b - a) (A. Abragam, The Principles of Nuclear Magnetism, chapter VII). Every transition moves by
the shift tensor's zeta n'dn; cross terms of both, of order C_Q zeta / nu_L (a few Hz), are left
out. Ideal pulses give the three transitions signals of 3 : 4 : 3.

Frequencies of the directions are spread over an even grid by quintic B-splines, and one fast
transform gives the decay at every time, divided by the transform of the spline: as exact as the
directions are dense, whatever the length of the decay. Directions are Gauss-Legendre in cos(theta)
and even in phi, as many as the latest time asks for.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array, Complex

CENTRAL, OUTER = 4.0, 3.0
"""Signals of the central transition and of each satellite, by I(I + 1) - m(m + 1)."""
OVERSAMPLING = 8
"""Points of the frequency grid over those of the decay."""
ORDER = 6
"""Order of the B-spline, the power of the sinc by which the transform is divided."""
LEAST_THETA = 12
LEAST_PHI = 3
MOST_PHASE = 12000.0
"""Largest phase that the directions resolve [rad]; patterns have died before."""
LEVEL = 1.25
"""Factor between the numbers of directions that are kept ready, so that a fit does not change them
from step to step."""
SPECTRAL_PHASE = 120.0
"""Phase for which directions are placed where a spectrum is drawn from them [rad]."""
ROTOR_PHASES = 64
"""Rotor positions at least in one turn."""
MAGIC = float(np.arccos(np.sqrt(1 / 3)))
"""Angle between rotor axis and field [rad]."""


@dataclass(frozen=True, kw_only=True)
class PowderSite:
    """A site of spin 3/2, its interactions in Hz."""

    coupling: float = 0.0
    """Quadrupolar coupling constant C_Q [Hz]."""
    asymmetry: float = 0.0
    """eta_Q, (V_xx - V_yy) / V_zz from 0 to 1."""
    anisotropy: float = 0.0
    """zeta of the shift, its zz component less the mean [Hz]."""
    shift_asymmetry: float = 0.0
    """eta of the shift."""
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Angles alpha about z, then beta about y, then gamma about z, that turn the shift tensor out
    of the frame of the quadrupolar tensor [rad]."""
    larmor: float = float("inf")
    """Larmor frequency [Hz]; infinite for the first order alone."""


def average_static_powder(site: PowderSite, time: Array) -> Complex:
    """Return the decays of the three transitions of a static powder.

    Parameters
    ----------
    site : PowderSite
        Interactions [Hz].
    time : ndarray, shape (time,)
        Even axis, since the echo's top [s].

    Returns
    -------
    ndarray, shape (3, time)
        Central transition, lower and upper satellite, each 1 at time zero [dimensionless].
    """
    field, weight = place_directions(*_bound_phases(site, time), whole_sphere=any(site.angles))
    frequency = _compute_frequencies(site, field)
    ones = weight[None]
    return np.stack([transform_directions(nu, ones, time)[0] for nu in frequency])


def average_spinning_powder(site: PowderSite, rate: float, time: Array) -> Complex:
    """Return the decays of the three transitions of a powder spinning at the magic angle.

    The rotor repeats its path, so that each crystallite has sidebands of the rotor's frequency
    about its mean; over the third Euler angle their signal is the square of the Fourier component
    of its phase (M. M. Maricq & J. S. Waugh, J. Chem. Phys. 70 (1979) 3300).

    Parameters
    ----------
    site : PowderSite
        Interactions [Hz].
    rate : float
        Spinning frequency [Hz], above zero.
    time : ndarray, shape (time,)
        Even axis, since the echo's top [s].

    Returns
    -------
    ndarray, shape (3, time)
        As `average_static_powder`.
    """
    from scipy.fft import fft, irfft, rfft

    reach = np.abs(site.coupling) / 2 + 2 * np.abs(site.anisotropy)
    phase = 2 * np.pi * (reach / rate + _bound_second_order(site) * float(np.abs(time).max()))
    axis, weight = place_directions(3 * phase, 2 * phase, whole_sphere=any(site.angles))
    steps = max(ROTOR_PHASES, 1 << int(np.ceil(np.log2(6 * reach / rate + 8))))
    bands = np.fft.fftfreq(steps, 1 / steps)
    turn = 2 * np.pi * np.arange(steps) / steps
    # Over one turn of the rotor the field goes round its axis on a cone.
    first, second = (one[:, None] for one in _build_transverse(axis))
    cone = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    field = np.sin(MAGIC) * cone + np.cos(MAGIC) * axis[:, None]
    places, signals = [], []
    for nu in _compute_frequencies(site, field):
        component = rfft(nu) / steps
        mean = component[:, 0].real.copy()
        component[:, 0] = 0.0
        order = np.arange(component.shape[1])
        path = irfft(component / np.where(order == 0, 1.0, 1j * order * rate), steps) * steps
        band = fft(np.cos(path) + 1j * np.sin(path)) / steps
        places.append(mean[:, None] + rate * bands)
        signals.append(weight[:, None] * (band.real**2 + band.imag**2))
    decays = [
        transform_directions(place.ravel(), signal.reshape(1, -1), time)[0]
        for place, signal in zip(places, signals, strict=True)
    ]
    return np.stack(decays)


def weigh_transitions(decays: Complex, satellites: float = 1.0) -> Complex:
    """Return the decay of all transitions, 1 at time zero.

    Parameters
    ----------
    decays : ndarray, shape (3, time)
        From `average_static_powder`.
    satellites : float
        Signal of the satellites over that by ideal pulses [dimensionless].

    Returns
    -------
    ndarray, shape (time,)
        [dimensionless].
    """
    outer = OUTER * satellites
    return np.asarray(
        (CENTRAL * decays[0] + outer * (decays[1] + decays[2])) / (CENTRAL + 2 * outer)
    )


def list_frequencies(site: PowderSite, satellites: float) -> tuple[Array, Array]:
    """Return where a static powder has its signal, direction by direction.

    Parameters
    ----------
    site : PowderSite
        Interactions [Hz].
    satellites : float
        Signal of the satellites over that by ideal pulses [dimensionless].

    Returns
    -------
    tuple of ndarray, shape (frequency,)
        Frequencies against the isotropic shift [Hz], and weights that sum to 1.
    """
    field, weight = place_directions(
        SPECTRAL_PHASE, SPECTRAL_PHASE / 3, whole_sphere=any(site.angles)
    )
    outer = OUTER * satellites
    share = np.array([CENTRAL, outer, outer]) / (CENTRAL + 2 * outer)
    return _compute_frequencies(site, field).ravel(), np.outer(share, weight).ravel()


def width_from_czjzek(sigma: float) -> float:
    """Return the Gaussian full width at half maximum of the satellites of a disordered solid.

    In the model of G. Czjzek et al., Phys. Rev. B 23 (1981) 2513, the five components of the
    quadrupolar tensor are independent and Gaussian, in every frame: the satellites' first-order
    frequency, C_Q V_zz / 2 in the field's frame, is Gaussian too.

    Parameters
    ----------
    sigma : float
        Scale of the distribution [Hz]: V_zz in a fixed frame has the standard deviation 2 sigma.

    Returns
    -------
    float
        [Hz].
    """
    return float(2 * np.sqrt(2 * np.log(2)) * sigma)


def _bound_phases(site: PowderSite, time: Array) -> tuple[float, float]:
    """Return the largest phases by which directions may differ over theta and over phi [rad]."""
    second = _bound_second_order(site)
    axial = 0.75 * abs(site.coupling) + 1.5 * abs(site.anisotropy) + 2 * second
    lateral = abs(site.coupling) / 4 * site.asymmetry + second
    lateral += abs(site.anisotropy) / 2 * (1 if any(site.angles) else site.shift_asymmetry)
    turn = 2 * np.pi * float(np.abs(time).max())
    return turn * axial, turn * lateral


def _bound_second_order(site: PowderSite) -> float:
    return site.coupling**2 / site.larmor


def place_directions(
    axial: float, lateral: float, *, whole_sphere: bool = False, most: float = MOST_PHASE
) -> tuple[Array, Array]:
    """Return unit vectors over an octant, or a hemisphere, and their weights.

    Parameters
    ----------
    axial, lateral : float
        Largest differences of phase over theta and over phi [rad] that they must resolve.
    whole_sphere : bool
        Whether two tensors with axes of their own ask for the hemisphere.
    most : float
        Phases beyond it are not resolved [rad].

    Returns
    -------
    tuple of ndarray
        Shape (direction, 3), (direction,); weights sum to 1 [dimensionless].
    """
    levels = [
        int(np.ceil(np.log(max(min(phase, most), 1.0)) / np.log(LEVEL)))
        for phase in (axial, lateral)
    ]
    return _place_at_level(levels[0], levels[1], whole_sphere)


@functools.lru_cache(maxsize=16)
def _place_at_level(axial: int, lateral: int, whole_sphere: bool) -> tuple[Array, Array]:
    # An integral of exp(i k u^2) over Gauss-Legendre points converges from k / 2 points on, one of
    # exp(i a cos(2 phi)) over even points in a quarter turn from a / 2 on.
    rings = LEAST_THETA + int(0.55 * LEVEL**axial)
    most = 0.5 * LEVEL**lateral
    node, share = np.polynomial.legendre.leggauss(rings)
    cosine, share = (node + 1) / 2, share / 2
    vectors, weights = [], []
    for u, part in zip(cosine, share, strict=True):
        # The phase over phi goes as sin^2 theta.
        count = LEAST_PHI + int(most * (1 - u * u))
        span = np.pi / 2
        if whole_sphere:
            count, span = 4 * count, 2 * np.pi
        phi = (np.arange(count) + 0.5) * span / count
        sine = np.sqrt(1 - u * u)
        vectors.append(
            np.stack([sine * np.cos(phi), sine * np.sin(phi), np.full(count, u)], axis=1)
        )
        weights.append(np.full(count, part / count))
    return np.concatenate(vectors), np.concatenate(weights)


def _build_transverse(axis: Array) -> tuple[Array, Array]:
    """Return two unit vectors that stand at right angles to each other and to each axis."""
    other = np.where(np.abs(axis[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(axis, other)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(axis, first)


def _compute_frequencies(site: PowderSite, field: Array) -> Array:
    """Return the frequencies of central transition, lower and upper satellite against the isotropic
    shift [Hz], for fields of shape (..., 3)."""
    directions = np.ascontiguousarray(field.reshape(-1, 3))
    found = np.empty((3, len(directions)))
    _fill_frequencies(
        directions,
        site.asymmetry,
        site.coupling / 2,
        (site.coupling / 6) ** 2 / site.larmor,
        site.anisotropy * _turn_shift_tensor(site),
        found,
    )
    return found.reshape(3, *field.shape[:-1])


@compile_loops
def _fill_frequencies(
    field: Array, eta: float, first: float, second: float, shift: Array, found: Array
) -> None:
    """Fill in the frequencies of each direction; the formulas stand at the head of the module.

    Parameters
    ----------
    field : ndarray, shape (direction, 3)
        Unit vectors in the frame of the quadrupolar tensor.
    eta : float
        Asymmetry of that tensor.
    first, second : float
        C_Q / 2 and (C_Q / 6)^2 / nu_L [Hz].
    shift : ndarray, shape (3, 3)
        Shift tensor [Hz].
    found : ndarray, shape (3, direction)
        Filled with the frequencies of central transition, lower and upper satellite [Hz].
    """
    xx, yy = -(1 + eta) / 2, -(1 - eta) / 2
    xy, xz, yz = 2 * shift[0, 1], 2 * shift[0, 2], 2 * shift[1, 2]
    for d in range(len(field)):
        x, y, z = field[d, 0], field[d, 1], field[d, 2]
        x2, y2, z2 = x * x, y * y, z * z
        along = xx * x2 + yy * y2 + z2
        s1 = xx * xx * x2 + yy * yy * y2 + z2 - along * along
        s2 = 3 + eta * eta - 3 * along * along - 4 * s1
        moved = shift[0, 0] * x2 + shift[1, 1] * y2 + shift[2, 2] * z2
        moved += xy * x * y + xz * x * z + yz * y * z
        a, b = 3 * second * s1, 0.375 * second * s2
        found[0, d] = moved + 2 * (b - a)
        found[1, d] = moved - first * along + 2 * a
        found[2, d] = moved + first * along + 2 * a


def _turn_shift_tensor(site: PowderSite) -> Array:
    """Return the shift tensor of unit zz component in the frame of the quadrupolar tensor."""
    eta = site.shift_asymmetry
    tensor = np.diag([-(1 + eta) / 2, -(1 - eta) / 2, 1.0])
    alpha, beta, gamma = site.angles
    turn = _turn_z(gamma) @ _turn_y(beta) @ _turn_z(alpha)
    return np.asarray(turn @ tensor @ turn.T)


def _turn_z(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _turn_y(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def transform_directions(frequency: Array, weight: Array, time: Array) -> Complex:
    """Return sum_d weight_cd exp(2 pi i frequency_d t).

    Parameters
    ----------
    frequency : ndarray, shape (direction,)
        [Hz].
    weight : ndarray, shape (column, direction)
        In any unit.
    time : ndarray, shape (time,)
        Even axis [s].

    Returns
    -------
    ndarray, shape (column, time)
        In the unit of the weights.
    """
    grid = make_grid(time, float(np.abs(frequency).max(initial=0.0)))
    spread = np.zeros((len(weight), grid.size))
    spread_directions(frequency / grid.step, np.ascontiguousarray(weight), spread)
    return grid.transform(spread)


@dataclass(frozen=True, kw_only=True)
class FrequencyGrid:
    """Even frequencies, whose transform falls on the points of a decay."""

    size: int
    """Points, a power of two."""
    step: float
    """[Hz]."""
    every: int
    """Points of the transform from one of the decay to the next."""
    start: float
    """First time [s]."""
    correction: Array
    """(time,) the inverse of the spline's transform."""
    turn: Complex
    """(size,) what a start other than zero does to each frequency."""

    def transform(self, spread: Array) -> Complex:
        """Return the decays of weights on the grid, shape (column, size)."""
        from scipy.fft import fft

        if self.start == 0.0 and len(spread) > 1:
            return self._transform_pairs(spread)
        turned = spread * self.turn if self.start else spread
        # A sum of exp(+2 pi i nu t) is the conjugate of the transform of the conjugate.
        decay = fft(turned.conj(), axis=1)[:, : self.correction.size * self.every : self.every]
        return np.asarray(decay.conj() * self.correction)

    def _transform_pairs(self, spread: Array) -> Complex:
        """Return the decays where the axis begins at zero: the weights are real, and half of a
        transform tells all."""
        from scipy.fft import rfft

        points = self.correction.size
        half = rfft(spread, axis=1)[:, : points * self.every : self.every]
        return np.asarray(half.conj() * self.correction)


def make_grid(time: Array, highest: float) -> FrequencyGrid:
    """Return the grid for a time axis and the highest frequency.

    Parameters
    ----------
    time : ndarray, shape (time,)
        Even axis [s].
    highest : float
        [Hz].
    """
    step = float(time[-1] - time[0]) / max(time.size - 1, 1) or 1.0
    every = 1 << max(0, int(np.ceil(np.log2(max(2.2 * highest * step, 1e-9)))))
    return _make_grid(time.size, step, float(time[0]), every)


@functools.lru_cache(maxsize=32)
def _make_grid(points: int, step: float, start: float, every: int) -> FrequencyGrid:
    size = 1 << (OVERSAMPLING * points * every - 1).bit_length()
    width = every / (size * step)
    time = start + step * np.arange(points)
    frequency = np.fft.fftfreq(size, step / every)
    return FrequencyGrid(
        size=size,
        step=width,
        every=every,
        start=start,
        correction=np.sinc(time * width) ** -ORDER,
        turn=np.exp(2j * np.pi * frequency * start),
    )


@compile_loops
def spread_directions(place: Array, weight: Array, grid: Array) -> None:
    """Add weights at places on a grid of period 2^k, by quintic B-splines.

    Parameters
    ----------
    place : ndarray, shape (direction,)
        In steps of the grid.
    weight : ndarray, shape (column, direction)
    grid : ndarray, shape (column, size)
        Added to.
    """
    columns, size = grid.shape
    mask = size - 1
    for d in range(place.size):
        whole = np.floor(place[d])
        r = place[d] - whole
        left = int(whole) - 2
        r2 = r * r
        b0 = (1 - r) ** 5 / 120
        b1 = (26 + r * (-50 + r * (20 + r * (20 + r * (-20 + 5 * r))))) / 120
        b2 = (66 + r2 * (-60 + r2 * (30 - 10 * r))) / 120
        b5 = r2 * r2 * r / 120
        b4 = (1 + r * (5 + r * (10 + r * (10 + r * (5 - 5 * r))))) / 120
        b3 = 1 - b0 - b1 - b2 - b4 - b5
        for c in range(columns):
            w = weight[c, d]
            grid[c, left & mask] += w * b0
            grid[c, (left + 1) & mask] += w * b1
            grid[c, (left + 2) & mask] += w * b2
            grid[c, (left + 3) & mask] += w * b3
            grid[c, (left + 4) & mask] += w * b4
            grid[c, (left + 5) & mask] += w * b5
