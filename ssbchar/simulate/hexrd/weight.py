"""Weight fractions of simulated mixtures: the area a phase needs for a share of the mass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ssbchar.simulate.hexrd import crystal, pattern
from ssbchar.simulate.hexrd.atoms import ATOMIC_MASSES
from ssbchar.simulate.hexrd.crystal import Crystal
from ssbchar.simulate.hexrd.pattern import Instrument


def calculate_cell_mass(phase: Crystal) -> float:
    """Return the mass of the atoms in the cell [u]."""
    if not phase.sites:
        return sum(number * ATOMIC_MASSES[element] for element, number in phase.contents)
    return sum(
        occupancy * len(crystal.expand_site(phase.group, (x, y, z))) * ATOMIC_MASSES[element]
        for element, x, y, z, occupancy in phase.sites
    )


def calculate_mass_per_area(phase: Crystal, instrument: Instrument) -> float:
    """Return the mass that goes with a strongest reflection set of unit area.

    A set's area is proportional to S sum|F|^2 L(2theta) with S = V / v^2 (V the volume of the
    phase, v that of its cell); its mass is M V / v = S M v with M the mass of the cell (R. J. Hill
    & C. J. Howard, J. Appl. Cryst. 20 (1987) 467).
    """
    last = instrument.two_theta[-1] + 20 * instrument.fwhm
    hkl, strength = crystal.calculate_reflections(
        phase, round(instrument.wavelength / (2 * np.sin(np.radians(last) / 2)), 3)
    )
    cell = phase.cell_at(np.array(25.0))
    angle = 2 * np.degrees(np.arcsin(instrument.wavelength / (2 * crystal.d_from_hkl(hkl, cell))))
    top = float(np.max(strength * pattern.calculate_lorentz_factor(angle)))
    return calculate_cell_mass(phase) * float(crystal.volume_from_cell(cell)) / top


def area_from_percent(
    phase: Crystal, percent: float, hosts: Iterable[tuple[Crystal, float]], instrument: Instrument
) -> float:
    """Return the area of a phase's strongest set that makes it `percent` of the mass, beside hosts
    of given areas."""
    mass = sum(amount * calculate_mass_per_area(host, instrument) for host, amount in hosts)
    return percent / (100 - percent) * mass / calculate_mass_per_area(phase, instrument)
