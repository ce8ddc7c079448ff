"""What ``time_course.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

_POINT, _COURSE, _CHANGE = ("frame", "course"), ("course",), ("course", "change")
_UNITS = "that of the quantity"

TIME_COURSE = OutputTable(
    file="time_course.nc",
    steps=("hexrd.time_course.fit_time_course",),
    about="Cells, intensities and breadths of a series at one temperature against time, with their "
    "drift and change points; no courses where the series is a heating programme.",
    variables={
        "frame": Variable(dims=("frame",), meaning="number in the series", coordinate=True),
        "along": Variable(
            dims=("frame",),
            unit="hour",
            meaning="time since the first frame; the frame's number where times are not known",
        ),
        "phase": Variable(dims=_COURSE, meaning="phase of the course"),
        "quantity": Variable(
            dims=_COURSE,
            meaning="`a` ... `gamma`, `volume`, `intensity`, `inverse_size`, `microstrain`",
        ),
        "unit": Variable(dims=_COURSE, meaning="unit of the quantity"),
        "value": Variable(
            dims=_POINT,
            unit=_UNITS,
            meaning="the quantity in every frame; NaN where not measured",
            ancillary=("value_stderr",),
        ),
        "value_stderr": Variable(dims=_POINT, unit=_UNITS, meaning="its standard error"),
        "curve": Variable(
            dims=_POINT, unit=_UNITS, meaning="line of straight pieces through the points"
        ),
        "level": Variable(dims=_COURSE, unit=_UNITS, meaning="weighted mean"),
        "drift": Variable(
            dims=_COURSE,
            unit=_UNITS,
            meaning="change from the first to the last point by one straight line",
            ancillary=("drift_stderr",),
        ),
        "drift_stderr": Variable(dims=_COURSE, unit=_UNITS, meaning="its standard error"),
        "drift_dof": Variable(
            dims=_COURSE, unit="1", meaning="degrees of freedom of `drift_stderr`"
        ),
        "span": Variable(
            dims=_COURSE, unit="hour", meaning="from the first to the last point of the course"
        ),
        "points": Variable(dims=_COURSE, meaning="points of the course"),
        "change_at": Variable(
            dims=_CHANGE, unit="hour", meaning="where the rate changes; NaN for none"
        ),
        "change_lower95": Variable(dims=_CHANGE, unit="hour", meaning="lower 95 % limit of it"),
        "change_upper95": Variable(dims=_CHANGE, unit="hour", meaning="upper 95 % limit of it"),
    },
    attributes={
        "is_timed": "1: `along` is a time; 0: it is a frame's number",
        "temperature": "of the series [degC], NaN where it is not known",
    },
)
"""Table of ``time_course.nc``."""
