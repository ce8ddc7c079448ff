"""Options of joining temperatures to frames."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from ssbchar.hexrd.time_zone import TimeZone
from ssbchar.runtime.options import Name
from ssbchar.storage.options import ReadingLimits
from ssbchar.timestamps import AmbiguousDate, DateOrder, parse_moment

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


def _check_moment(text: str) -> str:
    try:
        if not text or parse_moment(text) is not None:
            return text
    except AmbiguousDate:
        pass
    raise ValueError(f"'{text}' is no date with a time; write 2019-03-04T08:05:00+01:00")


@dataclass(frozen=True, kw_only=True)
class LogLimits(ReadingLimits):
    """What a furnace log may ask for; one that asks for more is refused."""

    PLACE: ClassVar[str] = "hexrd.furnace.limits"

    rows: Annotated[int, Field(ge=1, le=10**9)] = 20_000_000
    """Most rows."""


@dataclass(frozen=True, kw_only=True)
class Furnace:
    """How temperatures are joined to frames."""

    time_column: Name = ""
    """Name of the log's column with the time; empty finds it by its name."""
    temperature_column: Name = ""
    """Name of the log's column with the temperature; empty finds it by its name."""
    file_column: Name = ""
    """Name of the column with the pattern's file name, where the log has one row per frame; empty
    finds it by its contents."""
    temperature_unit: Literal["degF", "degC", "K"] = "degC"
    """`degC`, `K` or `degF`: unit of a temperature column that states none."""
    log_timezone: TimeZone = ""
    """Name of the time zone of a log that states none (`America/Chicago`, `UTC`, `+02:00`)."""
    date_order: DateOrder = ""
    """`day first` or `month first`: how the log's dates such as 04/05/2011 are meant; empty takes
    the order that one of its dates shows, and refuses a log where none does."""
    log_start: Annotated[Name, AfterValidator(_check_moment)] = ""
    """Date and time at which a log of elapsed times, or of times of day without a date, begins
    (`2019-03-04T08:05:00+01:00`); empty takes the one in the log's own preamble."""
    clock_offset: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """Seconds to add to the log's clock to get that of the frames."""
    clock_offset_stderr: NotNegative = 1.0
    """Standard error of the clock offset [s]."""
    fit_clock: bool = False
    """Use the offset at which the sample's thermal expansion follows the log best, where it can be
    determined, instead of `clock_offset`; without this the two are only compared, and a
    disagreement is reported."""
    clock_span: Positive = 7200.0
    """Largest clock offset looked for [s]."""
    thermocouple_stderr: NotNegative = 0.0
    """Random error of one reading [K], of which the scatter of the log's readings is a part."""
    thermocouple_tolerance: NotNegative = 2.2
    """Tolerance of the thermocouple [K], a half width; the systematic error is this / sqrt(3).
    Default: type K, standard tolerance of ASTM E230 (the larger of 2.2 K and 0.75 %)."""
    thermocouple_relative_tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0075
    """The same as a share of the temperature in Celsius [1]; the larger of the two counts."""
    largest_gap: Positive = 120.0
    """Frames inside a gap of the log longer than this [s] are `outside_log`."""
    hold_rate: Positive = 0.5
    """Below this rate [K/min] a segment is a hold, above it heating or cooling."""
    limits: LogLimits = field(default_factory=LogLimits)
    """What the log may ask for."""
