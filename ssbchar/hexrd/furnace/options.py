"""Options of joining temperatures to frames."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Furnace:
    """How temperatures are joined to frames."""

    time_column: str = ""
    """Column of the log with the time; empty finds it by its name."""
    temperature_column: str = ""
    """Column of the log with the temperature; empty finds it by its name."""
    file_column: str = ""
    """Column with the pattern's file name, where the log has one row per frame; empty finds it by
    its contents."""
    temperature_unit: str = "degC"
    """`degC` or `K`."""
    log_timezone: str = ""
    """Time zone of a log that states none (`America/Chicago`, `UTC`, `+02:00`)."""
    clock_offset: float = 0.0
    """Seconds to add to the log's clock to get that of the frames."""
    clock_offset_stderr: float = 1.0
    """Standard error of the clock offset [s]."""
    fit_clock: bool = False
    """Take the offset at which the sample's thermal expansion follows the log best, where it can be
    told, instead of `clock_offset`; without this the two are only compared, and a disagreement is
    reported."""
    clock_span: float = 7200.0
    """Largest clock offset looked for [s]."""
    thermocouple_stderr: float = 0.0
    """Random error of one reading [K], of which the scatter of the log's readings is a part."""
    thermocouple_tolerance: float = 2.2
    """Tolerance of the thermocouple [K], a half width; the systematic error is this / sqrt(3).
    Default: type K, standard tolerance of ASTM E230 (the larger of 2.2 K and 0.75 %)."""
    thermocouple_relative_tolerance: float = 0.0075
    """The same as a share of the temperature in Celsius; the larger of the two counts."""
    largest_gap: float = 120.0
    """Frames inside a gap of the log longer than this [s] are `outside_log`."""
    hold_rate: float = 0.5
    """Below this rate [K/min] a segment is a hold, above it heating or cooling."""
