"""Weight fractions of simulated mixtures: the area a phase needs for a share of the mass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ssbchar.simulate import crystal, pattern
from ssbchar.simulate.atoms import MASS
from ssbchar.simulate.crystal import Crystal
from ssbchar.simulate.pattern import Instrument


def cell_mass(phase: Crystal) -> float:
    """Return the mass of the atoms in the cell [u]."""
    if not phase.sites:
        return sum(number * MASS[element] for element, number in phase.contents)
    return sum(
        occupancy * len(crystal.positions(phase.group, (x, y, z))) * MASS[element]
        for element, x, y, z, occupancy in phase.sites
    )


def mass_per_area(phase: Crystal, instrument: Instrument) -> float:
    """Return the mass that goes with a strongest reflection set of unit area.

    A set's area is proportional to S sum|F|^2 L(2theta) with S = V / v^2 (V the volume of the
    phase, v that of its cell); its mass is M V / v = S M v with M the mass of the cell (R. J. Hill
    & C. J. Howard, J. Appl. Cryst. 20 (1987) 467).
    """
    last = instrument.two_theta[-1] + 20 * instrument.fwhm
    hkl, strength = crystal.reflections(
        phase, round(instrument.wavelength / (2 * np.sin(np.radians(last) / 2)), 3)
    )
    cell = phase.cell_at(np.array(25.0))
    angle = 2 * np.degrees(np.arcsin(instrument.wavelength / (2 * crystal.spacing(hkl, cell))))
    top = float(np.max(strength * pattern.lorentz_polarisation(angle)))
    return cell_mass(phase) * float(crystal.volume(cell)) / top


def area(
    phase: Crystal, percent: float, hosts: Iterable[tuple[Crystal, float]], instrument: Instrument
) -> float:
    """Return the area of a phase's strongest set that makes it `percent` of the mass, beside hosts
    of given areas."""
    mass = sum(amount * mass_per_area(host, instrument) for host, amount in hosts)
    return percent / (100 - percent) * mass / mass_per_area(phase, instrument)
