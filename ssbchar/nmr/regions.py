"""The two regions of a 7Li spectrum of Li + Si: Li metal and Li-Si."""

from dataclasses import dataclass

METAL, LI_SI = "li_metal", "li_si"
"""Names of the two regions."""


@dataclass(frozen=True)
class Regions:
    """Chemical-shift windows, high to low [ppm against 1 M LiCl(aq)]."""

    li_metal: tuple[float, float] = (240.0, 280.0)
    """Li metal, around its Knight shift."""
    li_si: tuple[float, float] = (-200.0, 200.0)
    """Li-Si, with all diamagnetic Li in it."""
