"""Options of the files for other programs."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is written for other programs."""

    frames: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Numbers of further frames whose patterns are written for GSAS-II, beside the first, last,
    coldest and hottest of each phase."""
    polarisation: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Degree of horizontal polarisation for the instrument file (dimensionless): 1 where the
    integration corrects for it (as `hexrd.integrate` does), else that of the beam (0.99 at an
    undulator)."""
