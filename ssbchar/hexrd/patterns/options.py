"""Options of reading patterns."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ssbchar.runtime.options import Name

AxisUnit = Literal["degree", "1/angstrom", "1/nm", "angstrom"]
"""Units of a pattern's axis: 2theta, q, q, d."""
StatedAxisUnit = Literal["", "degree", "1/angstrom", "1/nm", "angstrom"]
"""The same, empty where it is not stated."""
OtherGrid = Literal["rebin", "set_aside"]
"""What to do with a frame whose axis is not that of the series."""
Length = Annotated[float, Field(gt=0, lt=5)]
"""Wavelength of X-rays [angstrom]."""


@dataclass(frozen=True, kw_only=True)
class PatternReading:
    """How patterns are read."""

    wavelength: Length | None = None
    """Wavelength [angstrom]; None takes the one stated in the files, and a series without one is
    refused."""
    wavelength_stderr: Annotated[float, Field(ge=0)] | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given."""
    common_wavelength: Length | None = None
    """Wavelength [angstrom] of the axis `two_theta_common`; None takes the measurement's own."""
    suffix: Name = ""
    """Ending of the files to read (`.xye`), where a folder holds several kinds."""
    axis_unit: StatedAxisUnit = ""
    """`degree`, `1/angstrom`, `1/nm` or `angstrom` (d) where the files do not say; empty takes
    degree of 2theta."""
    other_grid: OtherGrid = "rebin"
    """Frames on another axis than most: `rebin` (by exact overlap of the point intervals, variance
    propagated, marked in the variable `rebinned`) or `set_aside`."""
    beam_dump: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A frame whose total is below this share [1] of the good frames before it is excluded as
    `beam_dump`."""
    saturation: Annotated[float, Field(gt=0)] | None = None
    """Intensity [counts] from which a point counts as saturated; None looks for flat tops of three
    equal points."""
    by_monitor: bool = False
    """Divide each pattern by its monitor (header `monitor`, `i0` or `ion_chamber`, a constant
    column of that name, NeXus `monitor`), relative to the series' median; frames without one are
    excluded."""
    monitor_stderr: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Relative standard error [1] of one monitor reading; all points of a frame share it."""
