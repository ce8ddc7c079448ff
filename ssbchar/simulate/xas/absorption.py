"""Absorption of an edge: arctangent, white line and pre-edge peak, and the EXAFS of a few
shells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Neighbours of the absorber."""

    number: float
    """Coordination number N."""
    distance: float
    """R [angstrom]."""
    sigma2: float
    """Mean square relative displacement [angstrom^2]."""
    weight: float
    """Height of the backscattering amplitude [angstrom]."""
    peak: float
    """k at which the backscattering amplitude is largest [1/angstrom]."""
    phase: tuple[float, float, float]
    """p0, p1, p2 of the phase p0 + p1 k + p2 / (k + 1) [radian, radian angstrom,
    radian/angstrom]."""


@dataclass(frozen=True, kw_only=True)
class GaussianLine:
    """A line beside the edge."""

    height: float
    """[edge steps]"""
    position: float
    """Relative to the edge [eV]."""
    sigma: float
    """Standard deviation [eV]."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A compound's absorption edge."""

    name: str
    energy: float
    """Middle of the arctangent [eV]."""
    width: float
    """Half-width of the arctangent [eV]."""
    white_line: GaussianLine
    shells: tuple[Shell, ...] = ()
    s02: float = 0.85
    """Amplitude reduction (dimensionless)."""
    pre_peak: GaussianLine = GaussianLine(height=0.0, position=-6.0, sigma=1.2)


def k_from_energy(energy: Array, edge: float) -> Array:
    """Return the photoelectron's wavenumber, k = sqrt(2 m (E - E0)) / hbar.

    Parameters
    ----------
    energy : ndarray, shape (point,)
        [eV]
    edge : float
        E0 [eV].

    Returns
    -------
    ndarray, shape (point,)
        [1/angstrom]; zero below the edge.
    """
    return np.sqrt(ETOK * np.clip(np.asarray(energy) - edge, 0, None))


def calculate_chi(k: Array, shells: tuple[Shell, ...], s02: float) -> Array:
    """Return the EXAFS of single scattering, spherical waves to first order in 1/(kR).

    chi = sum N S02 F(k) / (k R^2) [1 + 1/(k R)^2]^(1/2) exp(-2 k^2 sigma^2) exp(-2 R / lambda(k))
    sin(2 k R + phi(k) + atan(1/(k R))), after D. E. Sayers, E. A. Stern & F. W. Lytle, Phys. Rev.
    Lett. 27 (1971) 1204. Our own smooth functions, of the usual size, stand for the scattering:
    F(k) = weight / (1 + ((k - peak) / 5)^2), phi(k) = p0 + p1 k + p2 / (k + 1), lambda(k) = 4 +
    0.9 k + 12 / k^2 [angstrom]; the factor 1 - exp(-(k / 2.4)^6) switches the EXAFS on about 22 eV
    above the edge.

    Parameters
    ----------
    k : ndarray, shape (point,)
        [1/angstrom]
    shells : tuple of Shell
        Neighbours of the absorber.
    s02 : float
        Amplitude reduction (dimensionless).

    Returns
    -------
    ndarray, shape (point,)
        Dimensionless.
    """
    # 1 / k diverges at the edge, where the EXAFS is switched off
    k = np.maximum(np.asarray(k, float), 0.05)
    total = np.zeros_like(k)
    free_path = 4.0 + 0.9 * k + 12.0 / k**2
    for shell in shells:
        curvature = 1.0 / (k * shell.distance)
        scattering = shell.weight / (1 + ((k - shell.peak) / 5.0) ** 2)
        p0, p1, p2 = shell.phase
        amplitude = shell.number * s02 * scattering / (k * shell.distance**2)
        disorder = -2 * (k * shell.sigma2**0.5) ** 2
        damping = np.exp(disorder - 2 * shell.distance / free_path)
        phase = 2 * k * shell.distance + p0 + p1 * k + p2 / (k + 1) + np.arctan(curvature)
        total += amplitude * np.sqrt(1 + curvature**2) * damping * np.sin(phase)
    return np.asarray(total * (1 - np.exp(-((k / 2.4) ** 6))))


def calculate_normalised(
    energy: Array, edge: Edge, amplitude: float = 1.0, hump: float = 0.0
) -> Array:
    """Return the normalised absorption: arctangent (1 + chi) + white line + pre-edge peak.

    Parameters
    ----------
    energy : ndarray, shape (point,)
        True photon energy [eV].
    edge : Edge
        The compound.
    amplitude : float
        Factor on the EXAFS of all shells (dimensionless).
    hump : float
        Height of a bump of the atomic background, 90 eV above the edge, sigma 35 eV [edge steps].

    Returns
    -------
    ndarray, shape (point,)
        [edge steps]
    """
    x = np.asarray(energy, float) - edge.energy
    step = 0.5 + np.arctan(x / edge.width) / np.pi
    lines = sum(
        line.height * np.exp(-0.5 * ((x - line.position) / line.sigma) ** 2)
        for line in (edge.white_line, edge.pre_peak)
    )
    bump = hump * np.exp(-0.5 * ((x - 90.0) / 35.0) ** 2)
    k = k_from_energy(energy, edge.energy)
    exafs = amplitude * calculate_chi(k, edge.shells, edge.s02)
    return np.asarray(step * (1 + exafs + bump) + lines)


def calculate_absorbance(
    energy: Array, edge_energy: float, norm: Array, *, step: float, pre: float
) -> Array:
    """Return mu t: Victoreen pre-edge a x^-3 - b x^-4 (x = E/E0) and the edge decaying as x^-2.6.

    Parameters
    ----------
    energy : ndarray, shape (point,)
        [eV]
    edge_energy : float
        E0 [eV].
    norm : ndarray, shape (point,)
        Normalised absorption [edge steps].
    step : float
        Edge step as mu t (dimensionless).
    pre : float
        Pre-edge part at the edge as mu t (dimensionless).

    Returns
    -------
    ndarray, shape (point,)
        Dimensionless.
    """
    x = np.asarray(energy) / edge_energy
    victoreen = pre * (1.25 * x**-3 - 0.25 * x**-4)
    return np.asarray(victoreen + step * norm * np.where(x > 1, x**-2.6, 1.0))


def find_half_step(norm: Array, energy: Array) -> float:
    """Return the first energy at which a normalised edge crosses one half, by linear interpolation.

    Parameters
    ----------
    norm : ndarray, shape (point,)
        [edge steps]
    energy : ndarray, shape (point,)
        [eV], ascending.

    Returns
    -------
    float
        [eV]
    """
    after = int(np.argmax(norm >= 0.5))
    below, above = norm[after - 1], norm[after]
    width = energy[after] - energy[after - 1]
    return float(energy[after - 1] + (0.5 - below) / (above - below) * width)


O_PHASE = (2.6, -0.90, -1.5)
P_PHASE = (0.9, -0.85, -1.2)
M_PHASE = (-0.4, -0.60, -0.9)
LAGP_GE = Edge(
    name="LAGP",
    energy=11108.6,
    width=1.1,
    white_line=GaussianLine(height=1.05, position=1.8, sigma=2.2),
    shells=(
        Shell(number=6, distance=1.865, sigma2=0.0035, weight=0.55, peak=3.0, phase=O_PHASE),
        Shell(number=6, distance=3.22, sigma2=0.0065, weight=0.80, peak=4.5, phase=P_PHASE),
        Shell(number=6, distance=4.10, sigma2=0.0060, weight=1.10, peak=5.0, phase=O_PHASE),
    ),
)
"""Ge(IV) in six oxygen; distances near those of LiGe2(PO4)3."""
REDUCED_GE = Edge(
    name="reduced Ge",
    energy=11104.2,
    width=1.5,
    white_line=GaussianLine(height=0.25, position=2.2, sigma=2.5),
)
"""Reduced, disordered Ge: an earlier edge, a small white line, EXAFS below the noise."""
LFP_FE = Edge(
    name="LFP",
    energy=7120.4,
    width=1.6,
    white_line=GaussianLine(height=0.75, position=5.4, sigma=3.0),
    shells=(
        Shell(number=6, distance=2.155, sigma2=0.0080, weight=0.55, peak=3.0, phase=O_PHASE),
        Shell(number=1, distance=2.84, sigma2=0.0050, weight=0.80, peak=4.5, phase=P_PHASE),
        Shell(number=4, distance=3.26, sigma2=0.0060, weight=0.80, peak=4.5, phase=P_PHASE),
        Shell(number=4, distance=3.87, sigma2=0.0080, weight=1.40, peak=6.0, phase=M_PHASE),
    ),
    pre_peak=GaussianLine(height=0.04, position=-8.0, sigma=1.3),
)
"""Fe(II) in six oxygen, phosphorus and iron; distances of LiFePO4."""
REDUCED_FE = Edge(
    name="Fe metal",
    energy=7112.0,
    width=2.0,
    white_line=GaussianLine(height=0.10, position=14.0, sigma=6.0),
    shells=(Shell(number=8, distance=2.48, sigma2=0.0050, weight=0.55, peak=6.0, phase=M_PHASE),),
)
"""Fe metal as reference and as foil: its steepest point lies at 7112.0 eV."""
GE_FOIL = Edge(
    name="Ge foil",
    energy=11103.0,
    width=1.4,
    white_line=GaussianLine(height=0.0, position=3.0, sigma=2.5),
    shells=(Shell(number=4, distance=2.45, sigma2=0.0040, weight=1.00, peak=6.5, phase=M_PHASE),),
)
"""Ge of the reference channel: its steepest point lies at 11103.0 eV."""
FE_FOIL = Edge(
    name="Fe foil",
    energy=7112.0,
    width=2.0,
    white_line=GaussianLine(height=0.0, position=14.0, sigma=6.0),
    shells=REDUCED_FE.shells,
)
"""Fe foil: its steepest point lies at 7112.0 eV."""
