"""Conditions of a sample that trends over samples are told against."""

from __future__ import annotations

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.options import QuantificationOptions

AS_GIVEN = "as the sample sheet gives it"
"""Method of a row that repeats an option."""


def conclude_conditions(options: QuantificationOptions) -> list[Conclusion]:
    """Return the conditions of pressing that are given, and with them the nominal composition; none
    where none is given.

    Parameters
    ----------
    options : QuantificationOptions
        Pressure [MPa] and time [s] of pressing; the change over samples that would matter
        [percent].
    """
    given = {
        "pressing_pressure": (options.pressing_pressure, "MPa"),
        "pressing_time": (options.pressing_time, "s"),
    }
    rows = [
        Conclusion(
            quantity,
            value=value,
            unit=unit,
            subject="sample",
            method=AS_GIVEN,
            bound=options.trend_tolerance,
        )
        for quantity, (value, unit) in given.items()
        if value is not None
    ]
    if rows and options.x_nominal is not None:
        rows.append(
            Conclusion(
                "x_nominal",
                value=options.x_nominal,
                stderr=options.x_nominal_stderr or None,
                unit="1",
                subject="sample",
                method=AS_GIVEN,
            )
        )
    return rows
