"""What a two-pulse echo sees of a spin-3/2 nucleus with quadrupolar coupling and offset, by its
density matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.typing import Array, Complex

M = np.array([1.5, 0.5, -0.5, -1.5])
"""Magnetic quantum numbers of spin 3/2."""
IZ = np.diag(M)
UP = np.diag(np.sqrt(3.75 - M[1:] * (M[1:] + 1)), 1)
"""I+, with elements sqrt(I (I + 1) - m (m + 1))."""
IX, IY = (UP + UP.T) / 2, (UP - UP.T) / 2j
CYCLE = 4
"""Steps of the phase cycle."""


@dataclass(frozen=True, kw_only=True)
class SolidEcho:
    """Pulse - delay - pulse - delay - acquisition."""

    rf: float
    """Nutation frequency [Hz]."""
    flips: tuple[float, float]
    """Flip angles [rad]."""
    delay: float
    """TR [s]."""


def average_efficiency(
    coupling: float, offset: float, echo: SolidEcho, orientations: int = 64
) -> float:
    """Return the echo amplitude over that of a perfect 90 degree pulse, averaged over a powder.

    H = 2 pi nu0 I_z + (omega_Q / 2) (I_z^2 - 5/4), omega_Q = 2 pi (C_Q / 2) (3 cos^2 theta - 1) / 2
    (first order, asymmetry zero; A. Abragam, The Principles of Nuclear Magnetism, chapter VII),
    acts during pulses and delays. A four-step cycle of the second pulse keeps the echo's coherence
    path (G. Bodenhausen et al., J. Magn. Reson. 27 (1977) 511).

    Parameters
    ----------
    coupling : float
        Quadrupolar coupling constant C_Q [Hz].
    offset : float
        Resonance against the carrier [Hz].
    echo : SolidEcho
        Pulses and delay.
    orientations : int
        Points of the Gauss-Legendre average over cos(theta).

    Returns
    -------
    float
        [dimensionless].
    """
    node, weight = np.polynomial.legendre.leggauss(orientations)
    split = 2 * np.pi * coupling / 2 * (3 * node**2 - 1) / 2
    free = 2 * np.pi * offset * IZ + split[:, None, None] / 2 * (IZ @ IZ - 1.25 * np.eye(4))
    wait = _build_propagator(free, echo.delay)
    first_time, second_time = (flip / (2 * np.pi * echo.rf) for flip in echo.flips)
    total = np.zeros(orientations, complex)
    first = _build_propagator(free + 2 * np.pi * echo.rf * IX, first_time)
    start = wait @ first @ IZ @ _conjugate_transpose(wait @ first)
    for step in range(CYCLE):
        angle = step * np.pi / 2
        axis = np.cos(angle) * IX + np.sin(angle) * IY
        second = wait @ _build_propagator(free + 2 * np.pi * echo.rf * axis, second_time)
        density = second @ start @ _conjugate_transpose(second)
        # The echo's coherence turns by twice the pulse's phase; all others cancel over the cycle.
        total += np.einsum("kij,ji->k", density, UP) * np.exp(-2j * angle) / 4
    return float(abs(total @ weight / 2) / np.trace(IX @ IX).real)


def _build_propagator(hamiltonian: Complex | Array, time: float) -> Complex:
    """Return exp(-i H t) of a stack of Hermitian matrices."""
    energy, vector = np.linalg.eigh(hamiltonian)
    turn = np.exp(-1j * energy * time)[:, None, :]
    return np.asarray((vector * turn) @ _conjugate_transpose(vector))


def _conjugate_transpose(matrix: ArrayLike) -> Complex:
    return np.asarray(np.conj(np.swapaxes(np.asarray(matrix), -1, -2)))


def scan_efficiency_ratio(
    offsets: tuple[float, float], couplings: ArrayLike, echo: SolidEcho
) -> tuple[float, float]:
    """Return lowest and highest efficiency of the first line (without coupling) over the second
    (with).

    Parameters
    ----------
    offsets : tuple of float
        Of the metal and of the other line, against the carrier [Hz].
    couplings : array_like, shape (coupling,)
        C_Q of the other line to go through [Hz].
    echo : SolidEcho
        Pulses and delay.

    Returns
    -------
    tuple of float
        [dimensionless].
    """
    metal = average_efficiency(0.0, offsets[0], echo)
    ratios = [
        metal / average_efficiency(float(c), offsets[1], echo) for c in np.asarray(couplings, float)
    ]
    return min(ratios), max(ratios)
