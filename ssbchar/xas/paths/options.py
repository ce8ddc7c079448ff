"""Options of the fit of scattering paths: FEFF and the fit."""

from dataclasses import dataclass
from typing import Literal

from ssbchar.xas.exafs.options import Window

Shared = Literal["number", "distance", "displacement"]


@dataclass(frozen=True)
class Feff:
    """How scattering paths are calculated from the phase in the sheet's ``phases`` column."""

    program: str = ""
    """FEFF 6 executable; empty looks for ``feff6l`` in the environment ``.venv-larch`` (``make
    feff``), in an installed Larch and on the PATH. Not needed where the phase's entry names a
    folder of feffNNNN.dat (``feff:``)."""
    rmax: float = 5.0
    """Longest half length of a path [angstrom]."""
    cluster: float = 7.0
    """Radius of the atoms around the absorber [angstrom]."""
    legs: int = 4
    """Most legs of a path."""


@dataclass(frozen=True)
class PathFit:
    """How paths are fitted to the EXAFS of the sample, and of the pristine one with it."""

    kmin: float = 3.0
    """Start of the window [1/angstrom]."""
    kmax: float | None = None
    """End of the window; none is that of ``xas.exafs``."""
    kweight: int = 2
    """Power of k."""
    dk: float = 1.0
    """Width of the window's slopes [1/angstrom]."""
    window: Window = "kaiser"
    """Shape of the window."""
    rmin: float = 1.0
    """Start of the fit in R [angstrom]."""
    rmax: float = 3.0
    """End of the fit in R [angstrom]; R is about 0.3 to 0.5 angstrom less than the distance."""
    shells: tuple[tuple[float, float], ...] = ()
    """Ranges of the half lengths of each shell's paths [angstrom]; empty makes a shell of the paths
    of one scatterer that lie within `gap` of each other, out to 0.3 angstrom beyond `rmax`."""
    gap: float = 0.25
    """Paths of one scatterer further apart than this are two shells [angstrom]."""
    legs: int = 2
    """Paths of more legs are left out; 2 is single scattering."""
    s02: float = 1.0
    """Passive electrons' factor, fixed; 1 (unknown) gives numbers times S0^2. Ratios cycled to
    pristine do not need it."""
    shared: tuple[Shared, ...] = ()
    """What the cycled sample takes from the pristine one in every shell. The origin of energy is
    always shared where both are aligned on a foil or by a project."""
    sigma2: float = 0.005
    """Mean square displacement the fit starts from [angstrom^2]."""
    e0: tuple[float, ...] = (-6.0, 0.0, 6.0)
    """Shifts of the origin the fit starts from [eV]; the lowest minimum counts."""
    max_number: float = 0.1
    """Relative change of a shell's number that would matter (usual accuracy of a coordination
    number)."""
    max_distance: float = 0.02
    """Change of a distance that would matter [angstrom]."""
    max_displacement: float = 0.002
    """Change of a mean square displacement that would matter [angstrom^2]."""
