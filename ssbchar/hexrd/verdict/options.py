"""Options of the verdict on a mixture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stability:
    """How the verdict on a mixture is reached."""

    rest_rate: float = 0.5
    """Frames at rest before and after the programme change slower than this [K/min]."""
    rest_above: float = 60.0
    """Rest frames are within this of the lowest temperature of the programme [K]."""
    cell_tolerance: float = 0.2
    """A cell has returned where every length and the volume is within this of before [percent]."""
    intensity_tolerance: float = 20.0
    """A phase has been kept where its intensity is within this of before [percent]."""
    expansion_sigma: float = 3.0
    """Our expansion and a published one differ above this many standard deviations."""
    standard: str = ""
    """Phase whose cell in the phases file is certified (an internal standard): it checks the
    wavelength."""
    standard_tolerance: float = 0.02
    """How far the standard's lengths may be from its certified ones [percent]."""
    reference_tolerance: float = 0.5
    """Without a standard: how far all cells may be from their published ones alike [percent]."""
