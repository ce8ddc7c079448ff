"""Options of reading patterns."""

import re
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from ssbchar.hexrd.time_zone import TimeZone
from ssbchar.runtime.options import Name
from ssbchar.storage.options import Positive, ReadingLimits
from ssbchar.timestamps import DateOrder

AxisUnit = Literal["degree", "1/angstrom", "1/nm", "angstrom"]
"""Units of a pattern's axis: 2theta, q, q, d."""
StatedAxisUnit = Literal["", "degree", "1/angstrom", "1/nm", "angstrom"]
"""The same, empty where it is not stated."""
AxisUnitOption = Literal["centidegree", "radian", "", "degree", "1/angstrom", "1/nm", "angstrom"]
"""Units that the user may state: 2theta in hundredths of a degree or radian, nothing, 2theta in
degree, q, q, d."""
TemperatureUnit = Literal["", "K", "degC", "degF"]
"""Units of a temperature, empty where it is not stated."""
OtherGrid = Literal["rebin", "set_aside"]
"""What to do with a frame whose axis is not that of the series."""
Length = Annotated[float, Field(gt=0, lt=5)]
"""Wavelength of X-rays [angstrom]."""


def _check_temperature_pattern(pattern: str) -> str:
    if not pattern:
        return pattern
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression ({error})") from error
    if "temperature" not in groups:
        raise ValueError(f"'{pattern}' has no group '(?P<temperature>...)' around the number")
    return pattern


@dataclass(frozen=True, kw_only=True)
class PatternLimits(ReadingLimits):
    """What one file of patterns may ask for; a file that asks for more is set aside."""

    PLACE: ClassVar[str] = "hexrd.read.limits"

    unpacked_size: Positive = 20000.0
    """Largest size of an array in HDF5 [MB]; long series are read by blocks."""
    points: Annotated[int, Field(ge=2, le=10**9)] = 1_000_000
    """Most points of one pattern."""


@dataclass(frozen=True, kw_only=True)
class PatternReading:
    """How patterns are read."""

    wavelength: Length | None = None
    """Wavelength [angstrom]; None takes the one stated in the files, and a series without one is
    refused."""
    wavelength_stderr: Annotated[float, Field(ge=0)] | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given, at
    least 30 ppm: a beamline's calibration is no better however many digits it prints."""
    common_wavelength: Length | None = None
    """Wavelength [angstrom] of the axis `two_theta_common`; None takes the measurement's own."""
    suffix: Name = ""
    """Ending of the files to read (`.xye`), where a folder holds several kinds."""
    axis_unit: AxisUnitOption = ""
    """`degree`, `centidegree` or `radian` (2theta), `1/angstrom` or `1/nm` (q), `angstrom` (d)
    where the files do not say; empty takes degree of 2theta where they name no axis at all."""
    temperature_unit: TemperatureUnit = ""
    """`K`, `degC` or `degF`: unit of temperatures that headers or file names state without one;
    empty leaves them out and says so."""
    temperature_pattern: Annotated[Name, AfterValidator(_check_temperature_pattern)] = ""
    """Regular expression that finds the temperature in a file's name by a group of this name, as
    `_(?P<temperature>\\d+)C_`; a group `unit` is its unit, else `temperature_unit` is. `25p5` is
    25.5, `m20` is -20."""
    timezone: TimeZone = ""
    """Time zone of times in headers that state none (`America/Chicago`, `UTC`, `+02:00`)."""
    date_order: DateOrder = ""
    """`day first` or `month first`: how dates such as 04/05/2011 are meant."""
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
    limits: PatternLimits = field(default_factory=PatternLimits)
    """What one file may ask for."""

    def __post_init__(self) -> None:
        """Refuse a temperature in file names whose unit nothing states."""
        groups = re.compile(self.temperature_pattern).groupindex
        if self.temperature_pattern and "unit" not in groups and not self.temperature_unit:
            raise ValueError(
                "temperature_pattern needs temperature_unit (K, degC or degF), or a group "
                "'(?P<unit>...)' around the unit"
            )
