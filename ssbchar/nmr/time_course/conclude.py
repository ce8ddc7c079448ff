"""Conclusions of a series in time: whether the sample changes, how fast, by which law."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import (
    Estimate,
    decide_equality,
    decide_quantity,
    describe_open_difference,
)
from ssbchar.nmr.quantification.quantify import conclude_metadata
from ssbchar.nmr.regions import LI_SI
from ssbchar.nmr.time_course.options import TimeCourseOptions
from ssbchar.verdict import Verdict

METHOD = "lines fitted to all decays with shared shapes"
"""How shares are measured."""
LAWS = {
    "constant": "constant; the change is that of a line",
    "linear": "a line",
    "exponential": "an exponential approach to an end value",
}
"""Laws in words."""


def conclude_time_course(time_course: xr.Dataset, options: TimeCourseOptions) -> list[Conclusion]:
    """Conclude on a series in time.

    ``evolving``: the share changed by more than `tolerance`, and its limits leave zero out;
    ``stable``: the limits of the change lie within; else ``inconclusive``, with what is known.

    Parameters
    ----------
    time_course : Dataset
        From `ssbchar.nmr.time_course.follow_shares`; shares [1], times [h].
    options : TimeCourseOptions
        The change that would matter [percent].
    """
    doubt = str(time_course.attrs["doubt"])
    rows = [*_conclude_shares(time_course, doubt), _conclude_change(time_course, options, doubt)]
    rows.append(_conclude_slope(time_course, rows[-1]))
    rows += _conclude_rate(time_course)
    return rows + conclude_metadata(time_course)


def _conclude_shares(time_course: xr.Dataset, doubt: str) -> list[Conclusion]:
    """Return the share at the first and the last spectrum, by the law."""
    hours = time_course["hours"].values
    rows = []
    for place, name in ((0, "first"), (-1, "last")):
        number = decide_quantity(
            Estimate(
                value=100 * float(time_course["law"].values[place]),
                stderr=100 * float(time_course["law_stderr"].values[place]),
                systematic=100 * float(time_course["level_systematic"]),
            ),
            lowest=0.0,
            highest=100.0,
        )
        rows.append(
            Conclusion(
                "li_si_fraction",
                value=number.value,
                stderr=number.stderr,
                systematic=number.systematic,
                lower95=number.lower95,
                upper95=number.upper95,
                unit="percent",
                subject=LI_SI,
                condition=f"raw, {name} spectrum, {hours[place]:.3g} h",
                verdict=Verdict.MISFIT if doubt else number.verdict,
                reason=doubt,
                method=f"{METHOD}; by the law of the series",
            )
        )
    return rows


def _conclude_change(time_course: xr.Dataset, options: TimeCourseOptions, doubt: str) -> Conclusion:
    decision = decide_equality(
        Estimate(
            value=100 * float(time_course["change"]),
            stderr=100 * float(time_course["change_stderr"]),
            systematic=100 * float(time_course["change_systematic"]),
        ),
        options.tolerance,
    )
    words = {Verdict.CHANGED: Verdict.EVOLVING, Verdict.RETAINED: Verdict.STABLE}
    verdict = words.get(decision.verdict, Verdict.INCONCLUSIVE)
    used = int(time_course["used"].values.sum())
    hours = float(time_course["hours"].values.max())
    scatter = float(time_course["inflation"])
    reasons = [f"{used} spectra over {hours:.3g} h"]
    if verdict == Verdict.INCONCLUSIVE:
        reasons.append(describe_open_difference(decision, "percent"))
    if scatter > 1:
        reasons.append(f"errors times {scatter:.2f} for scatter about the law")
    reasons += json.loads(time_course.attrs["left_out"])
    if doubt:
        verdict = Verdict.MISFIT
        reasons.append(doubt)
    return Conclusion(
        "share_change",
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        unit="percent",
        subject=LI_SI,
        condition=f"over {hours:.3g} h",
        verdict=verdict,
        reason="; ".join(filter(None, reasons)),
        method=f"{METHOD}; law: {LAWS[str(time_course.attrs['law'])]}",
        bound=decision.bound,
    )


def _conclude_slope(time_course: xr.Dataset, change: Conclusion) -> Conclusion:
    """Return the drift per hour, judged as the change that it makes."""
    hours = float(time_course["hours"].values.max())
    row = replace(
        change,
        quantity="drift",
        value=100 * float(time_course["slope"]),
        stderr=(change.stderr or np.nan) / hours,
        systematic=(change.systematic or 0.0) / hours,
        lower95=None,
        upper95=None,
        bound=None,
        unit="percent/h",
        reason=change.reason,
    )
    if time_course.attrs["law"] == "exponential":
        row = replace(row, reason=f"mean over the series; {row.reason}")
    return row


def _conclude_rate(time_course: xr.Dataset) -> list[Conclusion]:
    """Return the rate and the end of an exponential approach; none of other laws."""
    if time_course.attrs["law"] != "exponential":
        return []
    rows = []
    for quantity, name, unit, factor in (
        ("drift_rate", "rate", "1/h", 1.0),
        ("end_share", "end", "percent", 100.0),
    ):
        number = decide_quantity(
            Estimate(
                value=factor * float(time_course[name]),
                stderr=factor * float(time_course[f"{name}_stderr"]),
                systematic=factor * float(time_course["level_systematic"]) * (name == "end"),
            ),
            lowest=0.0,
            highest=100.0 if name == "end" else np.inf,
        )
        rows.append(
            Conclusion(
                quantity,
                value=number.value,
                stderr=number.stderr,
                systematic=number.systematic,
                lower95=number.lower95,
                upper95=number.upper95,
                unit=unit,
                subject=LI_SI,
                verdict=number.verdict,
                method=f"{METHOD}; end + (start - end) exp(-rate t)",
            )
        )
    return rows
