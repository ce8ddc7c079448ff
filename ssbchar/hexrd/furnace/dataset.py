"""The table of temperatures (``furnace.nc``), and the words in it."""

from __future__ import annotations

from enum import StrEnum

from ssbchar.storage.variables import OutputTable, Variable


class TemperatureStatus(StrEnum):
    """Whether a frame has a temperature."""

    OK = "ok"
    OUTSIDE_LOG = "outside_log"
    NO_TEMPERATURE = "no_temperature"


class JoinedBy(StrEnum):
    """How frames and temperatures were brought together."""

    TIME = "time"
    FILE_NAME = "file name"
    HEADER = "header"
    NONE = "none"


FURNACE = OutputTable(
    file="furnace.nc",
    steps=("hexrd.furnace.join_temperatures",),
    about="Temperature, rate and segment of every frame.",
    variables={
        "temperature": Variable(
            dims=("frame",),
            unit="degC",
            meaning="temperature at the frame, NaN where unknown",
            ancillary=("temperature_stderr", "temperature_systematic"),
        ),
        "temperature_stderr": Variable(
            dims=("frame",),
            unit="K",
            meaning="standard error: resolution, scatter and curvature of the readings",
        ),
        "temperature_systematic": Variable(
            dims=("frame",),
            unit="K",
            meaning="systematic error: tolerance of the thermocouple, clock offset times rate",
        ),
        "rate": Variable(dims=("frame",), unit="K/min", meaning="rate of change"),
        "time": Variable(
            dims=("frame",),
            unit="s",
            meaning="time since 1970-01-01 UTC, of the log where it is joined by file name",
            long_name="time since 1970-01-01 UTC",
        ),
        "segment": Variable(dims=("frame",), meaning="`heating`, `hold`, `cooling` or `none`"),
        "status": Variable(dims=("frame",), meaning="`ok`, `outside_log` or `no_temperature`"),
        "frame": Variable(
            dims=("frame",),
            meaning="number in the series, as in `patterns.nc`",
            coordinate=True,
        ),
    },
    attributes={
        "joined_by": "`time`, `file name`, `header` or `none`",
        "notes": "what was assumed or chosen when patterns and log were read, a JSON list",
        "clock_offset_seen": "offset [s] of the log's clock by the sample's expansion, where it "
        "can be determined",
        "clock_offset_seen_stderr": "its standard error [s]",
    },
)
