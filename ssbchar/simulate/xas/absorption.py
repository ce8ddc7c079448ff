"""Absorption of an edge: arctangent, white line and pre-edge peak, and the EXAFS of a few
shells."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.typing import Array

WAVES = Path(__file__).with_name("waves.csv")
"""Scattering of LAGP and LFP as FEFF10 calculates it from this package's CIFs, by
``tests/house/write_waves.py``: k [1/angstrom] and, of each compound, the real part of the
photoelectron's momentum [1/angstrom] and its mean free path [angstrom]; of each path, named by
scatterer and distance, amplitude [angstrom] and phase [radian]."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Neighbours of the absorber."""

    number: float
    """Coordination number N."""
    distance: float
    """R [angstrom]."""
    sigma2: float
    """Mean square relative displacement [angstrom^2]."""


@dataclass(frozen=True, kw_only=True)
class SmoothShell(Shell):
    """Neighbours whose scattering our own smooth functions stand for."""

    weight: float
    """Height of the backscattering amplitude [angstrom]."""
    peak: float
    """k at which the backscattering amplitude is largest [1/angstrom]."""
    phase: tuple[float, float, float]
    """p0, p1, p2 of the phase p0 + p1 k + p2 / (k + 1) [radian, radian angstrom,
    radian/angstrom]."""


@dataclass(frozen=True, kw_only=True)
class CalculatedShell(Shell):
    """Neighbours whose scattering FEFF10 has calculated."""

    compound: str
    """Whose momentum and mean free path these are: ``LAGP`` or ``LFP``."""
    scatterer: str
    calculated_at: float
    """Distance of the path in the crystal [angstrom]."""


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
    """Return the EXAFS of single scattering.

    The factor 1 - exp(-(k / 2.4)^6) switches it on about 22 eV above the edge.

    Parameters
    ----------
    k : ndarray, shape (point,)
        [1/angstrom]
    shells : tuple of SmoothShell or CalculatedShell
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
    for shell in shells:
        if isinstance(shell, CalculatedShell):
            total += s02 * scatter_as_calculated(k, shell)
        elif isinstance(shell, SmoothShell):
            total += s02 * scatter_smoothly(k, shell)
    return np.asarray(total * (1 - np.exp(-((k / 2.4) ** 6))))


def scatter_smoothly(k: Array, shell: SmoothShell) -> Array:
    """Return the wave of a shell, spherical to first order in 1/(kR), scattered by smooth
    functions.

    N F(k) / (k R^2) [1 + 1/(k R)^2]^(1/2) exp(-2 k^2 sigma^2) exp(-2 R / lambda(k)) sin(2 k R +
    phi(k) + atan(1/(k R))), after D. E. Sayers, E. A. Stern & F. W. Lytle, Phys. Rev. Lett. 27
    (1971) 1204. F(k) = weight / (1 + ((k - peak) / 5)^2), phi(k) = p0 + p1 k + p2 / (k + 1),
    lambda(k) = 4 + 0.9 k + 12 / k^2 [angstrom].

    Parameters
    ----------
    k : ndarray, shape (point,)
        [1/angstrom], above zero.
    shell : SmoothShell
        Neighbours of the absorber.

    Returns
    -------
    ndarray, shape (point,)
        Dimensionless.
    """
    free_path = 4.0 + 0.9 * k + 12.0 / k**2
    curvature = 1.0 / (k * shell.distance)
    scattering = shell.weight / (1 + ((k - shell.peak) / 5.0) ** 2)
    p0, p1, p2 = shell.phase
    amplitude = shell.number * scattering / (k * shell.distance**2)
    disorder = -2 * (k * shell.sigma2**0.5) ** 2
    damping = np.exp(disorder - 2 * shell.distance / free_path)
    phase = 2 * k * shell.distance + p0 + p1 * k + p2 / (k + 1) + np.arctan(curvature)
    return np.asarray(amplitude * np.sqrt(1 + curvature**2) * damping * np.sin(phase))


def scatter_as_calculated(k: Array, shell: CalculatedShell) -> Array:
    """Return the wave of a shell, scattered as FEFF10 has calculated.

    N F(k) / (k R^2) Im exp(-2 R_0 Im p - 2 p^2 sigma^2 + i (2 k R_0 + phi(k) + 2 p (R - R_0 - 2
    sigma^2 / R_0))) with p the complex momentum and R_0 the distance it was calculated at (J. J.
    Rehr & R. C. Albers, Rev. Mod. Phys. 72 (2000) 621).

    Parameters
    ----------
    k : ndarray, shape (point,)
        [1/angstrom], above zero.
    shell : CalculatedShell
        Neighbours of the absorber.

    Returns
    -------
    ndarray, shape (point,)
        Dimensionless.
    """
    waves, at = read_waves(), shell.calculated_at
    path = f"{shell.compound} {shell.scatterer} {at:.4f}"
    amplitude, phase = (
        _interpolate_wave(k, waves[f"{path} {name}"]) for name in ("amplitude", "phase")
    )
    real, free_path = (
        _interpolate_wave(k, waves[f"{shell.compound} {name}"])
        for name in ("momentum", "free_path")
    )
    momentum = real + 1j / free_path
    moved = shell.distance - at - 2 * shell.sigma2 / at
    exponent = -2 * at / free_path - 2 * momentum**2 * shell.sigma2
    wave: NDArray[np.complex128] = np.exp(
        exponent + 1j * (2 * k * at + phase + 2 * momentum * moved)
    )
    return np.asarray(shell.number * amplitude / (k * shell.distance**2) * wave.imag)


@functools.cache
def read_waves() -> dict[str, Array]:
    """Return the columns of `WAVES` by name, shape (k,)."""
    with open(WAVES, encoding="ascii", newline="") as file:
        names, *rows = csv.reader(file)
    return dict(zip(names, np.array(rows, float).T, strict=True))


def _interpolate_wave(k: Array, values: Array) -> Array:
    """Return a column of the table between its rows, by Hermite's cubics."""
    at = read_waves()["k"]
    slopes = np.gradient(values, at)
    i = np.clip(np.searchsorted(at, k, side="right") - 1, 0, at.size - 2)
    width = at[i + 1] - at[i]
    t = (k - at[i]) / width
    ends = (1 + 2 * t) * (1 - t) ** 2 * values[i] + t**2 * (3 - 2 * t) * values[i + 1]
    bends = t * (1 - t) ** 2 * slopes[i] - t**2 * (1 - t) * slopes[i + 1]
    return np.asarray(ends + width * bends)


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


M_PHASE = (-0.4, -0.60, -0.9)


def _place_shell(
    compound: str, scatterer: str, distance: float, *, number: float, sigma2: float
) -> CalculatedShell:
    """Return a shell of a crystal, where the crystal has it."""
    return CalculatedShell(
        number=number,
        distance=distance,
        sigma2=sigma2,
        compound=compound,
        scatterer=scatterer,
        calculated_at=distance,
    )


LAGP_GE = Edge(
    name="LAGP",
    energy=11108.6,
    width=1.1,
    white_line=GaussianLine(height=1.05, position=1.8, sigma=2.2),
    shells=(
        _place_shell("LAGP", "O", 1.8649, number=6, sigma2=0.0035),
        _place_shell("LAGP", "P", 3.1757, number=3, sigma2=0.0050),
        _place_shell("LAGP", "P", 3.3087, number=3, sigma2=0.0050),
        _place_shell("LAGP", "O", 4.1503, number=15, sigma2=0.0030),
    ),
)
"""Ge(IV) in six oxygen and six phosphorus; distances of this package's LAGP."""
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
        _place_shell("LFP", "O", 2.0639, number=2, sigma2=0.0030),
        _place_shell("LFP", "O", 2.1077, number=1, sigma2=0.0030),
        _place_shell("LFP", "O", 2.2034, number=1, sigma2=0.0030),
        _place_shell("LFP", "O", 2.2506, number=2, sigma2=0.0030),
        _place_shell("LFP", "P", 2.842, number=1, sigma2=0.0050),
        _place_shell("LFP", "P", 3.269, number=4, sigma2=0.0060),
        _place_shell("LFP", "Fe", 3.87, number=4, sigma2=0.0035),
    ),
    pre_peak=GaussianLine(height=0.04, position=-8.0, sigma=1.3),
)
"""Fe(II) in six oxygen, phosphorus and iron; distances of LiFePO4."""
REDUCED_FE = Edge(
    name="Fe metal",
    energy=7112.0,
    width=2.0,
    white_line=GaussianLine(height=0.10, position=14.0, sigma=6.0),
    shells=(
        SmoothShell(number=8, distance=2.48, sigma2=0.0050, weight=0.55, peak=6.0, phase=M_PHASE),
    ),
)
"""Fe metal as reference and as foil: its steepest point lies at 7112.0 eV."""
GE_FOIL = Edge(
    name="Ge foil",
    energy=11103.0,
    width=1.4,
    white_line=GaussianLine(height=0.0, position=3.0, sigma=2.5),
    shells=(
        SmoothShell(number=4, distance=2.45, sigma2=0.0040, weight=1.00, peak=6.5, phase=M_PHASE),
    ),
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
