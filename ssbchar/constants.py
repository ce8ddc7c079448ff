"""Physical constants, each with its unit and source (CODATA 2022 unless said otherwise)."""

import math

PLANCK = 6.62607015e-34
"""Planck constant h [J s] (exact, SI 2019)."""
SPEED_OF_LIGHT = 299792458.0
"""Speed of light c [m/s] (exact)."""
ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge e [C] (exact, SI 2019)."""
ELECTRON_MASS = 9.1093837139e-31
"""Electron mass [kg] (CODATA 2022)."""
VACUUM_PERMEABILITY = 1.25663706127e-6
"""Magnetic constant mu0 [N/A^2] (CODATA 2022)."""

HC_EV_ANGSTROM = PLANCK * SPEED_OF_LIGHT / ELEMENTARY_CHARGE * 1e10
"""h c [eV angstrom]: wavelength = HC_EV_ANGSTROM / energy."""
ETOK = 2 * ELECTRON_MASS * ELEMENTARY_CHARGE / (PLANCK / (2 * math.pi)) ** 2 * 1e-20
"""2 m_e / hbar^2 [1/(eV angstrom^2)]: photoelectron k = sqrt(ETOK (E - E0))."""

GAMMA_7LI = 10.3977013e7
"""Gyromagnetic ratio of 7Li [rad/(s T)] (Harris et al., Pure Appl. Chem. 73 (2001) 1795)."""
Q_7LI_MILLIBARN = -40.1
"""Nuclear quadrupole moment of 7Li [mb] = -4.01 fm^2 (Pyykko, Mol. Phys. 106 (2008) 1965)."""

ABSOLUTE_ZERO_C = -273.15
"""0 K in degrees Celsius (exact)."""
