"""Options of listing reflections."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReflectionListing:
    """How reflections are listed."""

    d_min: float = 0.8
    """Smallest d [angstrom]."""
    b_iso: float = 1.0
    """B = 8 pi^2 U [angstrom^2] of atoms whose CIF states none."""
    weakest: float = 1e-5
    """Reflections with m |F|^2 below this share of the strongest are left out, where atoms are
    known."""
