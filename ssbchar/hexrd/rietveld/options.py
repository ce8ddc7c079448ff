"""Options of the refinement of structures."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from ssbchar.runtime.options import Name

NamedFrame = Literal["first", "hottest", "last"]
Displacement = Literal["off", "phase", "site"]
Ask = Literal["auto", "off"]
TOTAL_SLACK = 1e-6
"""By how much the shares of a mixture may exceed the whole for rounding [1]."""


@dataclass(frozen=True, kw_only=True)
class Rietveld:
    """Structures refined in chosen frames, by rietx (extra `rietveld`)."""

    frames: tuple[NamedFrame | Annotated[int, Field(ge=0)], ...] = ()
    """Frames whose structures are refined: `first`, `hottest`, `last` (of those with a cell), or
    numbers of frames. None: no structure is refined, and rietx is not needed."""
    coordinates: Ask = "auto"
    """Coordinates of the atoms, as far as their sites leave them free: `auto`, where their standard
    errors come below `coordinate_esd`, or `off`."""
    displacement: Displacement = "site"
    """Displacement factors B: `phase` (one factor on those of the phases file), `site` (for each
    site where its standard error comes below `displacement_esd`, the others by one factor) or
    `off`."""
    occupancies: Ask = "auto"
    """Shares of two elements on one site, their sum held: `auto`, where their standard errors come
    below `occupancy_esd`, or `off`."""
    coordinate_esd: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Largest standard error [angstrom] of a coordinate that counts as carried by the data."""
    displacement_esd: Annotated[float, Field(gt=0, le=10)] = 0.3
    """Largest standard error [angstrom^2] of a B that counts as carried by the data."""
    occupancy_esd: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Largest standard error [1] of an occupancy that counts as carried by the data."""
    intensity_scatter: Ask = "auto"
    """Scatter of the lines' intensities beyond counting (few grains, texture): `auto` estimates it
    from the pattern and has it in all standard errors, `off` has counting alone."""
    bond_sigma: Annotated[float, Field(gt=0, le=1)] | None = None
    """Restrain the first distances from cations to anions to those of the phases file within this
    [angstrom]; unset, nothing is restrained."""
    background_terms: Annotated[int, Field(ge=3, le=36)] = 12
    """Chebyshev polynomials of the background."""
    polarisation: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the beam polarised perpendicular to the plane of diffraction (dimensionless): 1
    where the integration corrects for polarisation (as `hexrd.integrate` does), 0.5 of a tube."""
    known_mix: dict[Name, Annotated[float, Field(gt=0, le=1)]] = field(default_factory=dict)
    """Share of the mass of each phase as it was weighed (`{LAGP: 0.5, LFP: 0.5}`), with which the
    weight fractions of the first of the frames are compared."""
    known_mix_bound: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Difference from `known_mix` that would matter [1]."""

    def __post_init__(self) -> None:
        total = sum(self.known_mix.values())
        if total > 1 + TOTAL_SLACK:
            raise ValueError(f"known_mix adds up to {total:g}; give shares of the mass, 1 in all")
