"""Options of listing reflections."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, kw_only=True)
class ReflectionListing:
    """How reflections are listed."""

    d_min: Annotated[float, Field(gt=0.1, le=10)] = 0.8
    """Smallest d [angstrom]."""
    most_reflections: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Symmetry-inequivalent reflections of a phase [1], about; a phase with more is refused: its
    cell is in another unit, or its symmetry is missing."""
    b_iso: Annotated[float, Field(ge=0, le=20)] = 1.0
    """B = 8 pi^2 U [angstrom^2] of atoms whose CIF states none."""
    weakest: Annotated[float, Field(ge=0, lt=1)] = 1e-5
    """Reflections with m |F|^2 below this share [1] of the strongest are left out, if atoms are
    known."""
