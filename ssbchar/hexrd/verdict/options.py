"""Options of the verdict on a mixture."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ssbchar.runtime.options import Name

Percent = Annotated[float, Field(gt=0, le=100)]


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How the verdict on a mixture is reached."""

    rest_rate: Annotated[float, Field(gt=0)] = 0.5
    """Reference frames before and after the programme change slower than this [K/min]."""
    rest_above: Annotated[float, Field(gt=0)] = 60.0
    """Reference frames are within this of the lowest temperature of the programme [K]."""
    cell_tolerance: Percent = 0.2
    """A cell has returned where every length and the volume is within this of before [percent]."""
    intensity_tolerance: Percent = 20.0
    """A phase has been kept where its intensity is within this of before [percent]."""
    shortest: Annotated[float, Field(ge=0)] = 10.0
    """A series at one temperature is called stable only if it lasts at least this long [min]:
    repeated exposures of one specimen show no stability."""
    explained_area: Percent = 80.0
    """A refinement that explains less of the line area than this is no result [percent]."""
    unexplained_area: Percent = 2.0
    """Lines that no phase explains and no candidate names are a product above this share of the
    line area [percent]."""
    displacement: Annotated[float, Field(ge=0)] = 0.1
    """How far the sample may have moved along the beam, one standard deviation [mm]; needs the
    distance."""
    distance: Annotated[float, Field(gt=0)] | None = None
    """Distance from sample to detector [mm]; None takes that of the images' geometry. Where it is
    not known (patterns from files), the displacement is not applied, which the reason says."""
    expansion_sigma: Annotated[float, Field(gt=0)] = 3.0
    """Our expansion and a published one differ above this many standard deviations [1]."""
    standard: Name = ""
    """Name of the phase whose cell in the phases file is certified (an internal standard): it
    checks the wavelength, and takes common changes (a sample that moves along the beam) out of the
    other phases' cells, frame by frame."""
    standard_tolerance: Percent = 0.02
    """How far the standard's lengths may be from its certified ones [percent]."""
    reference_tolerance: Percent = 0.5
    """Without a standard: how far all cells may be from their published ones alike [percent]."""
