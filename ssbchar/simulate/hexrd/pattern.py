"""Powder patterns: pseudo-Voigt peaks of every phase on a background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import crystal
from ssbchar.simulate.hexrd.crystal import Crystal
from ssbchar.typing import Array


@dataclass(frozen=True, kw_only=True)
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


BM17 = Instrument(wavelength=0.24117, first=1.800, step=0.0064, points=1600, fwhm=0.030)
"""Like APS 17-BM with an area detector."""
ID11C = Instrument(wavelength=0.1173, first=0.880, step=0.0032, points=1560, fwhm=0.0155)
"""Like APS 11-ID-C with an area detector."""


@dataclass(frozen=True, kw_only=True)
class PhaseSeries:
    """A phase in a series: its cell and its amount in every frame."""

    crystal: Crystal
    cell: Array
    """a, b, c [angstrom], alpha, beta, gamma [degree], shape (frame, 6)."""
    amount: Array
    """Area of its strongest reflection set [counts degree], before the polarisation and grain
    factors, shape (frame,)."""
    strain: float = 0.0
    """Full width added, as the spread of d over d (dimensionless)."""


PROFILE_REACH = 60
"""Full widths on either side within which a peak is drawn."""
LAST_PEAK = 20
"""Full widths beyond the end of the axis up to which peaks are drawn: their tails reach back."""


def calculate_pseudo_voigt(x: Array, fwhm: Array | float, eta: float) -> Array:
    """Return the pseudo-Voigt profile eta L + (1 - eta) G of unit area, both of the same width.

    Parameters
    ----------
    x : ndarray
        Distance from the centre [degree].
    fwhm : ndarray or float
        Full width [degree].
    eta : float
        Lorentzian share (dimensionless).

    Returns
    -------
    ndarray, shape of `x`
        [1/degree]
    """
    u = (x / fwhm) ** 2
    gauss = 2 * np.sqrt(np.log(2) / np.pi) * np.exp(-4 * np.log(2) * u)
    lorentz = 2 / np.pi / (1 + 4 * u)
    return np.asarray((eta * lorentz + (1 - eta) * gauss) / fwhm)


def calculate_lorentz_factor(two_theta: Array) -> Array:
    """Return the Lorentz factor of a powder, 1 / (sin(theta) sin(2 theta)).

    The polarisation is taken as corrected.

    Parameters
    ----------
    two_theta : ndarray
        [degree]

    Returns
    -------
    ndarray, shape of `two_theta`
        Dimensionless.
    """
    angle = np.radians(two_theta)
    return np.asarray(1 / (np.sin(angle / 2) * np.sin(angle)))


def calculate_d_min(instrument: Instrument, two_theta: Array) -> float:
    """Return the smallest d spacing whose peak reaches into an axis.

    Parameters
    ----------
    instrument : Instrument
        Wavelength [angstrom] and peak width [degree].
    two_theta : ndarray, shape (point,)
        [degree]

    Returns
    -------
    float
        [angstrom], rounded so that reflections calculated before are found again.
    """
    last = two_theta[-1] + LAST_PEAK * instrument.fwhm
    return float(round(instrument.wavelength / (2 * np.sin(np.radians(last) / 2)), 3))


def simulate_peaks(
    phases: list[PhaseSeries],
    two_theta: Array,
    instrument: Instrument,
    effects: Effects,
    rng: np.random.Generator,
) -> Array:
    """Return the scattering of all phases without background.

    The area of a reflection set is amount * sum|F|^2 L(2theta) / max over the sets at 25 degC; its
    width is fwhm + strain * 2 tan(theta); `effects` widen a share of it and scatter its area.

    Parameters
    ----------
    phases : list of PhaseSeries
        Cells and amounts in every frame.
    two_theta : ndarray, shape (point,)
        [degree]
    instrument : Instrument
        Wavelength [angstrom] and peak shape.
    effects : Effects
        Grains and a second crystallite size.
    rng : Generator
        Of the grains.

    Returns
    -------
    ndarray, shape (frame, point)
        [counts]
    """
    frames = len(phases[0].amount)
    total = np.zeros((frames, two_theta.size))
    d_min = calculate_d_min(instrument, two_theta)
    # one amount stands for the strongest set, the others follow from structure and angle
    for phase in phases:
        hkl, strength = crystal.calculate_reflections(phase.crystal, d_min)
        d = crystal.d_from_hkl(hkl, phase.cell)
        centre = 2 * np.degrees(np.arcsin(instrument.wavelength / (2 * d)))
        relative = strength * calculate_lorentz_factor(centre[0])
        # texture is the same in all frames, the grains in the beam change a little
        texture = np.exp(effects.graininess * rng.standard_normal(relative.size))
        grains = np.exp(0.2 * effects.graininess * rng.standard_normal((frames, relative.size)))
        relative = relative / relative.max() * texture
        area = phase.amount[:, None] * relative * grains
        tangent = np.tan(np.radians(centre) / 2)
        width = instrument.fwhm + np.degrees(phase.strain * 2 * tangent)
        for line in range(relative.size):
            shape = LineShape(
                centre=centre[:, line],
                width=width[:, line],
                area=area[:, line],
                eta=instrument.eta,
                broad_share=effects.shape_mismatch,
            )
            _add_line(total, two_theta, shape)
    return total


@dataclass(frozen=True, kw_only=True)
class LineShape:
    """One reflection in every frame."""

    centre: Array
    """[degree], shape (frame,)"""
    width: Array
    """Full width [degree], shape (frame,)."""
    area: Array
    """[counts degree], shape (frame,)"""
    eta: float
    """Lorentzian share (dimensionless)."""
    broad_share: float
    """Share of the area that is twice as wide (dimensionless)."""


def _add_line(total: Array, two_theta: Array, line: LineShape) -> None:
    """Add one reflection to all frames."""
    reach = PROFILE_REACH * line.width.max()
    ends = [line.centre.min() - reach, line.centre.max() + reach]
    low, high = np.searchsorted(two_theta, ends)
    if low == high or not line.area.any():
        return
    x = two_theta[low:high] - line.centre[:, None]
    width, broad = line.width[:, None], line.broad_share
    profile = (1 - broad) * calculate_pseudo_voigt(x, width, line.eta)
    if broad:
        profile += broad * calculate_pseudo_voigt(x, 2 * width, line.eta)
    total[:, low:high] += line.area[:, None] * profile


def simulate_background(
    two_theta: Array, wavelength: float, level: float, effects: Effects
) -> Array:
    """Return the background, level (0.8 + 0.5 exp(-q / 1.5) + 0.02 q) and an amorphous hump.

    Parameters
    ----------
    two_theta : ndarray, shape (point,)
        [degree]
    wavelength : float
        [angstrom]
    level : float
        [counts]
    effects : Effects
        Height of the hump.

    Returns
    -------
    ndarray, shape (point,)
        [counts]
    """
    q = 4 * np.pi * np.sin(np.radians(two_theta) / 2) / wavelength
    hump = effects.hump * np.exp(-0.5 * ((q - 2 * np.pi / 3.9) / 0.25) ** 2)
    return np.asarray(level * (0.8 + 0.5 * np.exp(-q / 1.5) + 0.02 * q + hump))
