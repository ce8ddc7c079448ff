"""Rows of a series in time: the rate of every quantity, and when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_presence
from ssbchar.hexrd.verdict.common_change import (
    RECTANGULAR,
    SURELY,
    BeamPath,
    CommonChange,
    find_common_change,
    list_length_changes,
)
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

METHOD = "straight line in time, errors with scatter and serial correlation"
CHANGE_METHOD = "line of straight pieces in time, information criterion; profile of the likelihood"
LENGTHS = ("a", "b", "c")
CELLS = (*LENGTHS, "alpha", "beta", "gamma", "volume")
ANGLES = ("alpha", "beta", "gamma")
ABSOLUTE = {"inverse_size": "1/nm/h", "microstrain": "percent/h"}
"""Quantities whose rate is not relative, with the unit of it."""
PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class Rate:
    """The change of a quantity over the series, relative [1] or in its own unit."""

    value: float
    stderr: float
    dof: float
    span: float
    """[h]"""
    points: int


def conclude_time_course(course: xr.Dataset | None, path: BeamPath) -> list[Conclusion]:
    """Return the rates of all quantities and the times of their changes; none for a heating
    programme.

    Lengths may drift alike in all phases for a sample that moves, and intensities for a beam that
    fades: what the phase that changed least did is in the systematic of all.

    Parameters
    ----------
    course : Dataset or None
        ``time_course.nc``, times in h.
    path : BeamPath
        What is known of the sample's place along the beam.

    Returns
    -------
    list of Conclusion
        `cell_rate`, `intensity_rate`, `inverse_size_rate` and `microstrain_rate` (verdict
        `evolving` or `not_seen`), `change_time` [h] or `change_frame` [1].
    """
    if course is None or not course.sizes.get("course"):
        return []
    is_timed = bool(int(course.attrs["is_timed"]))
    rates = _read_rates(course)
    common = _find_common(rates, path)
    shared = _find_shared_intensity(rates)
    rows = []
    for (phase, quantity), rate in rates.items():
        if is_timed and rate.span > 0:
            systematic = _find_systematic(quantity, common, shared)
            rows.append(_conclude_rate(phase, quantity, rate, systematic, tests=len(rates)))
    for n in range(course.sizes["course"]):
        rows += _list_changes(course.isel(course=n), is_timed=is_timed)
    return rows


def _read_rates(course: xr.Dataset) -> dict[tuple[str, str], Rate]:
    """Return the change of every quantity over the series, by phase and quantity."""
    rates = {}
    for n in range(course.sizes["course"]):
        one = course.isel(course=n)
        quantity = str(one["quantity"].values)
        is_relative = quantity not in ABSOLUTE and quantity not in ANGLES
        unit = float(one["level"]) if is_relative else 1.0
        if not unit:
            continue
        rates[str(one["phase"].values), quantity] = Rate(
            value=float(one["drift"]) / unit,
            stderr=float(one["drift_stderr"]) / abs(unit),
            dof=float(one["drift_dof"]),
            span=float(one["span"]),
            points=int(one["points"]),
        )
    return rates


def _find_common(rates: Mapping[tuple[str, str], Rate], path: BeamPath) -> CommonChange:
    """Return what all lengths share [1]."""
    lengths = []
    for phase in dict.fromkeys(phase for phase, _ in rates):
        own = [rates.get((phase, axis)) for axis in LENGTHS]
        value = np.array([np.nan if one is None else one.value for one in own])
        stderr = np.array([0.0 if one is None else one.stderr for one in own])
        lengths.append(list_length_changes(phase, value, stderr))
    return find_common_change(lengths, path, at_rest=True)


def _find_shared_intensity(rates: Mapping[tuple[str, str], Rate]) -> float:
    """Return the relative change [1] of the intensity that changed least."""
    own = [rate for (_, quantity), rate in rates.items() if quantity == "intensity"]
    if not own:
        return 0.0
    return min(own, key=lambda rate: abs(rate.value) + SURELY * rate.stderr).value


def _find_systematic(quantity: str, common: CommonChange, shared: float) -> float:
    """Return the systematic of a relative change over the series [1]."""
    if quantity == "intensity":
        return float(RECTANGULAR * abs(shared))
    if quantity in LENGTHS:
        return common.length_systematic
    return 3.0 * float(common.length_systematic) if quantity == "volume" else 0.0


def _conclude_rate(
    phase: str, quantity: str, rate: Rate, systematic: float, *, tests: int
) -> Conclusion:
    """Return the row of a rate."""
    if quantity in ABSOLUTE:
        scale, unit, name, condition = 1.0, ABSOLUTE[quantity], f"{quantity}_rate", ""
    elif quantity in ANGLES:
        scale, unit, name, condition = 1.0, "degree/h", "cell_rate", quantity
    elif quantity in CELLS:
        scale, unit, name, condition = PERCENT, "percent/h", "cell_rate", quantity
    else:
        scale, unit, name, condition = PERCENT, "percent/h", "intensity_rate", ""
    per_hour = scale / rate.span
    estimate = Estimate(
        value=per_hour * rate.value,
        stderr=per_hour * rate.stderr,
        systematic=per_hour * systematic,
        dof=rate.dof,
    )
    rising, falling = (
        decide_presence(Estimate(**{**vars(estimate), "value": sign * estimate.value}), tests=tests)
        for sign in (1, -1)
    )
    is_seen = Verdict.DETECTED in (rising.verdict, falling.verdict)
    reason = f"{rate.points} frames over {rate.span:.3g} h"
    if systematic > 0:
        reason += "; what all phases share (place of the sample, beam) is in the systematic"
    return Conclusion(
        name,
        value=rising.value,
        stderr=rising.stderr,
        systematic=rising.systematic,
        lower95=rising.lower95,
        upper95=rising.upper95,
        unit=unit,
        verdict=Verdict.EVOLVING if is_seen else Verdict.NOT_SEEN,
        reason=reason,
        method=METHOD,
        subject=phase,
        condition=condition,
    )


def _list_changes(one: xr.Dataset, *, is_timed: bool) -> list[Conclusion]:
    """Return the rows of the times at which a quantity changes its rate."""
    return [
        Conclusion(
            "change_time" if is_timed else "change_frame",
            value=float(one["change_at"][k]),
            lower95=float(one["change_lower95"][k]),
            upper95=float(one["change_upper95"][k]),
            unit="h" if is_timed else "1",
            verdict=Verdict.OK,
            reason=f"the rate of {one['quantity'].values} changes; since the first frame",
            method=CHANGE_METHOD,
            subject=str(one["phase"].values),
            condition=str(one["quantity"].values),
        )
        for k in range(one.sizes["change"])
        if np.isfinite(one["change_at"][k])
    ]
