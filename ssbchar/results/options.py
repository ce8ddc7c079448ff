"""Options of the report."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ssbchar.runtime.options import Name


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the page shows."""

    title: Name = "Solid-state battery characterization"
    """Heading of the page."""
    svg_limit: Annotated[int, Field(ge=0)] = 150
    """Largest vector figure [kB]; a heavier one is shown as its PNG if that is smaller."""
    size_limit: Annotated[float, Field(gt=0)] = 25.0
    """Size of all figures together [MB]; beyond it figures are reduced, and the last ones of each
    measurement stay in their files."""
    closer_limit: Annotated[float, Field(ge=0)] = 1.5
    """Size of what the page holds to zoom curves and read them off, with the program that draws
    them [MB], within `size_limit`; what goes beyond has its figure alone, 0 leaves all out."""
    hexrd_instrument: Name = ""
    """Beamline, detector and what else the patterns do not state, as the page shall say it."""
    xas_instrument: Name = ""
    """Beamline, monochromator and detectors, as the page shall say it."""
    nmr_instrument: Name = ""
    """Spectrometer and probe, as the page shall say it; empty takes what the files state."""
    cite: Name = ""
    """How this run is to be cited, beside the software."""
