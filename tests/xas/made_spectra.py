"""Spectra of known truth for the tests: an arctangent edge with white line, three shells, a foil,
counted noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
KTOE = 3.8099819442818976
"""hbar^2 / 2 m_e [eV angstrom^2]."""
SHELLS = ((5.0, 1.95, 0.005), (4.0, 2.85, 0.007), (6.0, 3.6, 0.009))
"""Number, distance [angstrom] and variance [angstrom^2] of each shell."""


@dataclass(frozen=True)
class Truth:
    """What a made spectrum holds."""

    edge: float = 7120.0
    loss: float = 0.0
    white: float = 0.6
    step: float = 1.0
    foil: float = 7112.0


def grid(edge: float = 7120.0, kmax: float = 15.0, fine: float = 0.3) -> Array:
    """Pre-edge in 5 eV, edge in `fine`, EXAFS in 0.05/angstrom."""
    k = np.arange(np.sqrt(30 / KTOE), kmax, 0.05)
    return np.concatenate(
        [
            np.arange(edge - 200, edge - 25, 5.0),
            np.arange(edge - 25, edge + 30, fine),
            edge + KTOE * k**2,
        ]
    )


def chi(k: Array, loss: float = 0.0) -> Array:
    """A damped sum of shells with the amplitude of a light scatterer."""
    total = np.zeros_like(k)
    for number, distance, variance in SHELLS:
        amplitude = (
            number
            * 0.45
            * np.exp(-((k / 9) ** 2))
            * np.exp(-2 * k**2 * variance - 2 * distance / 8)
        )
        total += (
            amplitude
            / (np.maximum(k, 0.5) * distance**2)
            * np.sin(2 * k * distance - 0.3 * k + 1.0)
        )
    return (1 - loss) * total * np.clip((k - 1.5) / 1.5, 0, 1)


def mu(energy: Array, truth: Truth) -> Array:
    """Absorption: Victoreen-like decay, arctangent step, white line, EXAFS."""
    e = energy - truth.edge
    k = np.sqrt(np.maximum(e, 0) / KTOE)
    rise = np.arctan(e / 1.2) / np.pi + 0.5
    white = truth.white * np.exp(-0.5 * ((e - 6.0) / 2.5) ** 2)
    decay = (energy / truth.edge) ** -2.6
    return 0.5 * (energy / truth.edge) ** -2.9 + truth.step * decay * (
        rise * (1 + chi(k, truth.loss)) + white
    )


def foil(energy: Array, edge: float = 7112.0) -> Array:
    """A metal's edge: two steps, so that its first inflection is at `edge`."""
    e = energy - edge
    steps = 0.45 * np.arctan(e / 1.0) / np.pi + 0.55 * np.arctan((e - 7.5) / 1.8) / np.pi
    return 0.4 + 1.2 * (steps + 0.5 + 0.05 * np.sin(e / 9.0) * np.exp(-((e - 40) ** 2) / 1500))


def write_scan(
    path: Path,
    truth: Truth,
    rng: np.random.Generator,
    counts: float = 2e6,
    drift: float = 0.0,
    with_foil: bool = True,
) -> None:
    """Write one scan as column text, its monochromator off by `drift` eV; noise of mu about
    1.7/sqrt(counts)."""
    energy = grid(truth.edge)
    i0 = counts * (1 - 1e-4 * (energy - energy[0]) / 10)
    i1 = i0 * np.exp(-mu(energy, truth))
    i2 = i1 * np.exp(-foil(energy, truth.foil))
    i0, i1, i2 = (rng.poisson(i).astype(float) for i in (i0, i1, i2))
    columns = [energy - drift, i0, i1] + ([i2] if with_foil else [])
    names = "# energy i0 i1" + (" iref" if with_foil else "")
    head = (
        f"# XDI/1.0\n# Element.symbol: Fe\n# Element.edge: K\n# synthetic test spectrum\n{names}\n"
    )
    np.savetxt(path, np.column_stack(columns), fmt="%.6f", header=head.rstrip(), comments="")
