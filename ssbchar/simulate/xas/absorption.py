"""Absorption of an edge: pre-edge, arctangent and white line, decay, and EXAFS from a few
shells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Edge:
    """A compound's absorption edge."""

    name: str
    energy: float
    """Middle of the arctangent [eV]."""
    width: float
    """Half-width of the arctangent [eV]."""
    white_line: tuple[float, float, float]
    """Height [edge steps], position relative to the edge [eV], Gaussian sigma [eV]."""
    shells: tuple[Shell, ...] = ()
    s02: float = 0.85
    """Amplitude reduction."""
    pre_peak: tuple[float, float, float] = (0.0, -6.0, 1.2)
    """Height, position and sigma of a pre-edge peak, as for the white line."""


def k_from_energy(energy: Array, edge: float) -> Array:
    """Return k = sqrt(2 m (E - E0)) / hbar [1/angstrom], zero below the edge."""
    return np.sqrt(ETOK * np.clip(np.asarray(energy) - edge, 0, None))


def calculate_chi(k: Array, shells: tuple[Shell, ...], s02: float) -> Array:
    """Return the EXAFS of single scattering, spherical waves to first order in 1/(kR).

    chi = sum N S02 F(k) / (k R^2) [1 + 1/(k R)^2]^(1/2) exp(-2 k^2 sigma^2) exp(-2 R / lambda(k))
    sin(2 k R + phi(k) + atan(1/(k R))), after D. E. Sayers, E. A. Stern & F. W. Lytle, Phys. Rev.
    Lett. 27 (1971) 1204. Our own smooth stand-ins, of the usual size: F(k) = weight / (1 + ((k -
    peak) / 5)^2), phi(k) = p0 + p1 k + p2 / (k + 1), lambda(k) = 4 + 0.9 k + 12 / k^2 [angstrom];
    the factor 1 - exp(-(k / 2.4)^6) switches the EXAFS on about 22 eV above the edge.
    """
    k = np.maximum(np.asarray(k, float), 0.05)
    total = np.zeros_like(k)
    free_path = 4.0 + 0.9 * k + 12.0 / k**2
    for shell in shells:
        curved = 1.0 / (k * shell.distance)
        size = shell.weight / (1 + ((k - shell.peak) / 5.0) ** 2)
        p0, p1, p2 = shell.phase
        total += (
            (shell.number * s02 * size / (k * shell.distance**2))
            * np.sqrt(1 + curved**2)
            * np.exp(-2 * (k * shell.sigma2**0.5) ** 2 - 2 * shell.distance / free_path)
            * np.sin(2 * k * shell.distance + p0 + p1 * k + p2 / (k + 1) + np.arctan(curved))
        )
    return np.asarray(total * (1 - np.exp(-((k / 2.4) ** 6))))


def calculate_normalised(
    energy: Array, edge: Edge, amplitude: float = 1.0, hump: float = 0.0
) -> Array:
    """Return the normalised absorption: (arctangent (1 + chi) + white line + pre-edge peak).

    Parameters
    ----------
    energy : ndarray
        True photon energy [eV].
    edge : Edge
    amplitude : float
        Factor on the EXAFS of all shells.
    hump : float
        Height of a bump of the atomic background, 90 eV above the edge, sigma 35 eV.
    """
    x = np.asarray(energy, float) - edge.energy
    step = 0.5 + np.arctan(x / edge.width) / np.pi
    lines = sum(
        h * np.exp(-0.5 * ((x - p) / s) ** 2) for h, p, s in (edge.white_line, edge.pre_peak)
    )
    bump = hump * np.exp(-0.5 * ((x - 90.0) / 35.0) ** 2)
    wiggle = amplitude * calculate_chi(k_from_energy(energy, edge.energy), edge.shells, edge.s02)
    return np.asarray(step * (1 + wiggle + bump) + lines)


def calculate_absorbance(
    energy: Array, edge_energy: float, norm: Array, step: float, pre: float
) -> Array:
    """Return mu t: Victoreen pre-edge a x^-3 - b x^-4 (x = E/E0) and the edge decaying as x^-2.6.

    At the edge the pre-edge part is `pre`; above it the step falls relative to the pre-edge part.
    """
    x = np.asarray(energy) / edge_energy
    victoreen = pre * (1.25 * x**-3 - 0.25 * x**-4)
    return np.asarray(victoreen + step * norm * np.where(x > 1, x**-2.6, 1.0))


def find_half_step(edge_norm: Array, energy: Array) -> float:
    """Return the first energy at which a normalised edge crosses one half [eV], by linear
    interpolation."""
    index = int(np.argmax(edge_norm >= 0.5))
    a, b = edge_norm[index - 1], edge_norm[index]
    return float(energy[index - 1] + (0.5 - a) / (b - a) * (energy[index] - energy[index - 1]))


O_PHASE, P_PHASE, M_PHASE = (2.6, -0.90, -1.5), (0.9, -0.85, -1.2), (-0.4, -0.60, -0.9)
LAGP_GE = Edge(
    "LAGP",
    11108.6,
    1.1,
    (1.05, 1.8, 2.2),
    (
        Shell(6, 1.865, 0.0035, 0.55, 3.0, O_PHASE),
        Shell(6, 3.22, 0.0065, 0.80, 4.5, P_PHASE),
        Shell(6, 4.10, 0.0060, 1.10, 5.0, O_PHASE),
    ),
)
"""Ge(IV) in six oxygen; distances near those of LiGe2(PO4)3."""
REDUCED_GE = Edge("reduced Ge", 11104.2, 1.5, (0.25, 2.2, 2.5))
"""Reduced, disordered Ge: an earlier edge, a small white line, EXAFS below the noise."""
LFP_FE = Edge(
    "LFP",
    7120.4,
    1.6,
    (0.75, 5.4, 3.0),
    (
        Shell(6, 2.155, 0.0080, 0.55, 3.0, O_PHASE),
        Shell(1, 2.84, 0.0050, 0.80, 4.5, P_PHASE),
        Shell(4, 3.26, 0.0060, 0.80, 4.5, P_PHASE),
        Shell(4, 3.87, 0.0080, 1.40, 6.0, M_PHASE),
    ),
    pre_peak=(0.04, -8.0, 1.3),
)
"""Fe(II) in six oxygen, phosphorus and iron; distances of LiFePO4."""
REDUCED_FE = Edge(
    "Fe metal", 7112.0, 2.0, (0.10, 14.0, 6.0), (Shell(8, 2.48, 0.0050, 0.55, 6.0, M_PHASE),)
)
"""Fe metal as reference and as foil: its steepest point lies at 7112.0 eV."""
GE_FOIL = Edge(
    "Ge foil", 11103.0, 1.4, (0.0, 3.0, 2.5), (Shell(4, 2.45, 0.0040, 1.00, 6.5, M_PHASE),)
)
"""Ge of the reference channel: its steepest point lies at 11103.0 eV."""
FE_FOIL = Edge("Fe foil", 7112.0, 2.0, (0.0, 14.0, 6.0), REDUCED_FE.shells)
"""Fe foil: its steepest point lies at 7112.0 eV."""
