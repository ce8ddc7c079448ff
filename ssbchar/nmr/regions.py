"""The two regions of a 7Li spectrum of Li and Si: Li metal and Li-Si."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

METAL, LI_SI = "li_metal", "li_si"
"""Names of the two regions, as outputs and conclusions spell them."""
REGION_NAMES = (METAL, LI_SI)
"""In the order of the dimension ``region``."""
OUTSIDE = "outside"
"""Where a line lies that belongs to neither region."""

Shift = Annotated[float, Field(ge=-1e5, le=1e5)]
"""A chemical shift [ppm]."""


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Windows of chemical shift that every NMR stage uses; edges in either order."""

    li_metal: tuple[Shift, Shift] = (240.0, 280.0)
    """Li metal, around its Knight shift [ppm against 1 M LiCl(aq)]."""
    li_si: tuple[Shift, Shift] = (-200.0, 200.0)
    """Li-Si, with all diamagnetic Li in it [ppm against 1 M LiCl(aq)]."""

    def __post_init__(self) -> None:
        for name, (low, high) in zip(REGION_NAMES, self.edges(), strict=True):
            if low == high:
                raise ValueError(f"{name} has no width; give two different edges")
        (_, below), (above, _) = sorted(self.edges())
        if below > above:
            raise ValueError("li_metal and li_si overlap; part them, no signal may count twice")

    def edges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the lower and the upper edge of each region, in the order of `REGION_NAMES`
        [ppm]."""
        metal_low, metal_high = sorted(self.li_metal)
        li_si_low, li_si_high = sorted(self.li_si)
        return (metal_low, metal_high), (li_si_low, li_si_high)


DEFAULT_REGIONS = Regions()
"""What a step uses where it is called without regions."""
