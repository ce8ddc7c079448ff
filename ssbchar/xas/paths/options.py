"""Options of scattering paths: how FEFF calculates them and how they are fitted."""

import itertools
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssbchar.runtime.options import PathText

Shared = Literal["number", "distance", "displacement"]
HalfLength = Annotated[float, Field(ge=0, le=10)]
"""Half the length of a scattering path [angstrom]."""
OriginShift = Annotated[float, Field(ge=-100, le=100)]
"""A shift of the origin of the photoelectron energy [eV]."""


@dataclass(frozen=True, kw_only=True)
class Feff:
    """How scattering paths are calculated from the phase in the sheet's ``phases`` column."""

    program: PathText = ""
    """FEFF 6 executable. Empty uses FEFF10 (extra ``paths``); where that is not installed, a
    ``feff6l`` in the environment ``.venv-larch`` (``make feff``), in an installed Larch or on the
    PATH. Not needed where the phase's entry names a folder of feffNNNN.dat (``feff:``)."""
    rmax: Annotated[float, Field(gt=0, le=10)] = 5.0
    """Longest half length of a path [angstrom]."""
    cluster: Annotated[float, Field(gt=0, le=15)] = 7.0
    """Radius of the cluster of atoms around the absorber [angstrom]."""
    legs: Annotated[int, Field(ge=2, le=8)] = 4
    """Most legs of a path."""

    def __post_init__(self) -> None:
        if self.rmax > self.cluster:
            raise ValueError(
                f"rmax {self.rmax:g} is greater than cluster {self.cluster:g}; raise cluster"
            )


@dataclass(frozen=True, kw_only=True)
class PathFit:
    """How paths are fitted to the EXAFS of the sample, together with that of the pristine one."""

    MOVED: ClassVar = {
        "kmin": "xas.window.kmin",
        "kmax": "xas.window.kmax",
        "dk": "xas.window.dk",
        "window": "xas.window.shape",
    }

    kweight: Annotated[int, Field(ge=0, le=4)] = 2
    """Power of k."""
    rmin: Annotated[float, Field(ge=0, le=10)] = 1.2
    """Start of the fit in R [angstrom]; below lies what the background's spline takes."""
    rmax: Annotated[float, Field(gt=0, le=10)] = 3.0
    """End of the fit in R [angstrom]; R is about 0.3 to 0.5 angstrom less than the distance."""
    shells: tuple[tuple[HalfLength, HalfLength], ...] = ()
    """Ranges of the half lengths of each shell's paths [angstrom]; empty makes a shell of the paths
    of one scatterer that lie within `gap` of each other, out to 0.3 angstrom beyond `rmax`; those
    that are weak beside the others, or too many for the data, stay as in the crystal and are
    named."""
    gap: Annotated[float, Field(gt=0, le=5)] = 0.25
    """Paths of one scatterer further apart than this are two shells [angstrom]."""
    legs: Annotated[int, Field(ge=2, le=8)] = 2
    """Paths of more legs are left out; 2 is single scattering."""
    s02: Annotated[float, Field(gt=0, le=2)] = 1.0
    """Passive electrons' factor, fixed; 1 (unknown) gives numbers times S0^2. Ratios cycled to
    pristine do not need it."""
    shared: tuple[Shared, ...] = ()
    """What the cycled sample takes from the pristine one in every shell. The origin of energy is
    always shared where both are aligned on a foil or by a project."""
    sigma2: Annotated[float, Field(gt=0, le=0.1)] = 0.005
    """Mean square displacement the fit starts from [angstrom^2]."""
    e0: Annotated[tuple[OriginShift, ...], Field(min_length=1)] = (-6.0, 0.0, 6.0)
    """Shifts of the origin the fit starts from [eV]; the lowest minimum is taken."""
    max_number: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Relative change of a shell's number that would matter (usual accuracy of a coordination
    number)."""
    max_distance: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Change of a distance that would matter [angstrom]."""
    max_displacement: Annotated[float, Field(gt=0, le=0.1)] = 0.002
    """Change of a mean square displacement that would matter [angstrom^2]."""

    def __post_init__(self) -> None:
        if self.rmin >= self.rmax:
            raise ValueError(f"rmin {self.rmin:g} is not below rmax {self.rmax:g}; correct them")
        for low, high in self.shells:
            if low >= high:
                raise ValueError(f"shell {low:g} to {high:g} is empty; give (low, high)")
        ordered = sorted(self.shells)
        for (low, high), (next_low, next_high) in itertools.pairwise(ordered):
            if next_low < high:
                raise ValueError(
                    f"shells {low:g} to {high:g} and {next_low:g} to {next_high:g} overlap; "
                    "part them, no path may count twice"
                )
