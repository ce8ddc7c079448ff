"""Powder patterns: sums of pseudo-Voigt peaks of every phase on a background, with counting
noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import crystal
from ssbchar.simulate.hexrd.crystal import Crystal
from ssbchar.typing import Array


@dataclass(frozen=True)
class Instrument:
    """Wavelength, angular range and resolution of a diffractometer."""

    wavelength: float
    """[angstrom]"""
    first: float
    """First 2theta [degree]."""
    step: float
    """[degree]"""
    points: int
    fwhm: float
    """Full width at half maximum of a peak at 2theta = 0 [degree]."""
    eta: float = 0.3
    """Lorentzian share of the pseudo-Voigt."""

    @property
    def two_theta(self) -> Array:
        """The 2theta axis [degree]."""
        return np.asarray(self.first + self.step * np.arange(self.points, dtype=float))


BM17 = Instrument(0.24117, 1.800, 0.0064, 1600, 0.030)
"""Like APS 17-BM with an area detector."""
ID11C = Instrument(0.1173, 0.880, 0.0032, 1560, 0.0155)
"""Like APS 11-ID-C with an area detector."""


@dataclass(frozen=True)
class PhaseSeries:
    """A phase in a series: its cell and its amount in every frame."""

    crystal: Crystal
    cell: Array
    """(frame, 6)"""
    amount: Array
    """(frame,): area of its strongest reflection set before the polarisation and grain factors
    [counts degree]."""
    strain: float = 0.0
    """Width added in proportion to tan(theta) (dimensionless d(d)/d, full width)."""


def calculate_pseudo_voigt(x: Array, fwhm: Array | float, eta: float) -> Array:
    """Return the pseudo-Voigt eta L + (1 - eta) G of unit area, both of the same full width."""
    u = (x / fwhm) ** 2
    gauss = 2 * np.sqrt(np.log(2) / np.pi) * np.exp(-4 * np.log(2) * u)
    lorentz = 2 / np.pi / (1 + 4 * u)
    return np.asarray((eta * lorentz + (1 - eta) * gauss) / fwhm)


def calculate_lorentz_factor(two_theta: Array) -> Array:
    """Return 1 / (sin(theta) sin(2 theta)), the Lorentz factor of a powder; the polarisation is
    corrected."""
    t = np.radians(two_theta)
    return np.asarray(1 / (np.sin(t / 2) * np.sin(t)))


def simulate_peaks(
    parts: list[PhaseSeries],
    two_theta: Array,
    instrument: Instrument,
    effects: Effects,
    rng: np.random.Generator,
) -> Array:
    """Return the scattering of all phases without background, shape (frame, two_theta) [counts].

    The area of a reflection set is amount * sum|F|^2 L(2theta) / max over the sets at 25 degC; its
    width is fwhm + strain * 2 tan(theta); `effects` widen a share of it and scatter its area.
    """
    frames = len(parts[0].amount)
    total = np.zeros((frames, two_theta.size))
    d_min = instrument.wavelength / (
        2 * np.sin(np.radians(two_theta[-1] + 20 * instrument.fwhm) / 2)
    )
    for part in parts:
        hkl, strength = crystal.calculate_reflections(part.crystal, round(d_min, 3))
        d = crystal.d_from_hkl(hkl, part.cell)
        centre = 2 * np.degrees(np.arcsin(instrument.wavelength / (2 * d)))
        area = strength * calculate_lorentz_factor(centre[0])
        area = area / area.max() * np.exp(effects.graininess * rng.standard_normal(area.size))
        grains = np.exp(0.2 * effects.graininess * rng.standard_normal((frames, area.size)))
        width = instrument.fwhm + np.degrees(part.strain * 2 * np.tan(np.radians(centre) / 2))
        area = part.amount[:, None] * area * grains
        for j in range(area.shape[1]):
            _add(
                total,
                two_theta,
                centre[:, j],
                width[:, j],
                area[:, j],
                instrument.eta,
                effects.shape_mismatch,
            )
    return total


def _add(
    total: Array,
    two_theta: Array,
    centre: Array,
    width: Array,
    area: Array,
    eta: float,
    broad: float,
) -> None:
    """Add one reflection to all frames, within 60 widths of its centre."""
    reach = 60 * width.max()
    low, high = np.searchsorted(two_theta, [centre.min() - reach, centre.max() + reach])
    if low == high or not area.any():
        return
    x = two_theta[low:high] - centre[:, None]
    shape = (1 - broad) * calculate_pseudo_voigt(x, width[:, None], eta)
    if broad:
        shape += broad * calculate_pseudo_voigt(x, 2 * width[:, None], eta)
    total[:, low:high] += area[:, None] * shape


def simulate_background(
    two_theta: Array, wavelength: float, level: float, effects: Effects
) -> Array:
    """Return the background [counts]: level (0.8 + 0.5 exp(-q / 1.5) + 0.02 q) and an amorphous
    hump."""
    q = 4 * np.pi * np.sin(np.radians(two_theta) / 2) / wavelength
    hump = effects.hump * np.exp(-0.5 * ((q - 2 * np.pi / 3.9) / 0.25) ** 2)
    return np.asarray(level * (0.8 + 0.5 * np.exp(-q / 1.5) + 0.02 * q + hump))
