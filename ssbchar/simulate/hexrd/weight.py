"""Weight fractions of simulated mixtures: the area a phase needs for a share of the mass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ssbchar.simulate.hexrd import crystal, pattern
from ssbchar.simulate.hexrd.atoms import ATOMIC_MASSES
from ssbchar.simulate.hexrd.crystal import Crystal
from ssbchar.simulate.hexrd.pattern import Instrument
from ssbchar.simulate.hexrd.programme import ROOM_TEMPERATURE


def calculate_cell_mass(phase: Crystal) -> float:
    """Return the mass of the atoms in the cell [u].

    Parameters
    ----------
    phase : Crystal
        With sites, or with the contents of its cell.
    """
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

    Parameters
    ----------
    phase : Crystal
        Cell [angstrom, degree] and atoms.
    instrument : Instrument
        Wavelength [angstrom] and range.

    Returns
    -------
    float
        In a unit common to all phases of the instrument.
    """
    d_min = pattern.calculate_d_min(instrument, instrument.two_theta)
    hkl, strength = crystal.calculate_reflections(phase, d_min)
    cell = phase.cell_at(np.array(ROOM_TEMPERATURE))
    sine = instrument.wavelength / (2 * crystal.d_from_hkl(hkl, cell))
    two_theta = 2 * np.degrees(np.arcsin(sine))
    strongest = float(np.max(strength * pattern.calculate_lorentz_factor(two_theta)))
    return calculate_cell_mass(phase) * float(crystal.volume_from_cell(cell)) / strongest


def area_from_percent(
    phase: Crystal, percent: float, hosts: Iterable[tuple[Crystal, float]], instrument: Instrument
) -> float:
    """Return the area of a phase's strongest set that makes it a share of the mass.

    Parameters
    ----------
    phase : Crystal
        The phase.
    percent : float
        Its share of the mass [percent].
    hosts : iterable of (Crystal, float)
        The other phases and the areas of their strongest sets [counts degree].
    instrument : Instrument
        Wavelength [angstrom] and range.

    Returns
    -------
    float
        [counts degree]
    """
    mass = sum(area * calculate_mass_per_area(host, instrument) for host, area in hosts)
    return percent / (100 - percent) * mass / calculate_mass_per_area(phase, instrument)
