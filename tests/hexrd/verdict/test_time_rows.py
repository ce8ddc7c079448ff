"""Rates of a series in time by hand: units, what is shared, and what is seen."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.common_change import BeamPath
from ssbchar.hexrd.verdict.time_rows import conclude_time_course

NOWHERE = BeamPath(displacement=0.0, distance=None)
Course = tuple[str, str, float, float, float]
"""Phase, quantity, level, drift, its standard error."""


def made(
    *courses: Course, timed: bool = True, span: float = 4.0, change_at: float = np.nan
) -> xr.Dataset:
    names = ("phase", "quantity", "level", "drift", "drift_stderr")
    columns = dict(zip(names, zip(*courses, strict=True), strict=True))
    count = len(courses)
    ds = xr.Dataset({name: ("course", np.array(values)) for name, values in columns.items()})
    ds["drift_dof"] = ("course", np.full(count, 1e9))
    ds["span"] = ("course", np.full(count, span))
    ds["points"] = ("course", np.full(count, 50))
    for name, off in (("change_at", 0.0), ("change_lower95", -0.5), ("change_upper95", 0.5)):
        ds[name] = (("course", "change"), np.full((count, 1), change_at + off))
    return ds.assign_attrs(is_timed=int(timed))


def conclude(*courses: Course, **given: object) -> dict[tuple[str, ...], Conclusion]:
    rows = conclude_time_course(made(*courses, **given), NOWHERE)
    return {(row.quantity, row.subject, row.condition): row for row in rows}


def test_rates_in_their_units() -> None:
    """Over four hours: lengths and intensities in percent of their level, angles and widths in
    their own unit."""
    rows = conclude(
        ("A", "a", 5.0, 0.01, 0.001),
        ("B", "a", 5.0, 0.0, 0.00001),
        ("A", "beta", 95.0, 0.2, 0.01),
        ("A", "intensity", 50.0, 4.0, 0.5),
        ("B", "intensity", 50.0, 0.0, 0.01),
        ("A", "inverse_size", 0.02, 0.008, 0.001),
        ("A", "microstrain", 0.4, -0.04, 0.004),
    )
    for key, value, stderr, unit in (
        (("cell_rate", "A", "a"), 0.05, 0.005, "percent/h"),
        (("cell_rate", "A", "beta"), 0.05, 0.0025, "degree/h"),
        (("intensity_rate", "A", ""), 2.0, 0.25, "percent/h"),
        (("inverse_size_rate", "A", ""), 0.002, 0.00025, "1/nm/h"),
        (("microstrain_rate", "A", ""), -0.01, 0.001, "percent/h"),
    ):
        row = rows[key]
        assert row.value == pytest.approx(value) and row.stderr == pytest.approx(stderr)
        assert row.unit == unit and row.verdict == "evolving"
        assert row.reason.startswith("50 frames over 4 h")
    assert rows["cell_rate", "B", "a"].verdict == "not_seen"


def test_rising_and_falling_are_seen_alike() -> None:
    for sign in (1, -1):
        rows = conclude(("A", "microstrain", 1.0, sign * 0.4, 0.01))
        row = rows["microstrain_rate", "A", ""]
        assert row.verdict == "evolving" and row.value == pytest.approx(sign * 0.1)
        assert row.lower95 is not None and row.upper95 is not None
        assert row.lower95 < row.value < row.upper95
    assert conclude(("A", "microstrain", 1.0, 0.4, 0.4))["microstrain_rate", "A", ""].verdict == (
        "not_seen"
    )


def test_what_all_lengths_share_is_a_systematic_of_cells_and_three_times_that_of_volumes() -> None:
    shift = [("A", axis, 5.0, 0.01, 1e-6) for axis in "abc"]
    shift += [("B", axis, 4.0, 0.008, 1e-6) for axis in "abc"]
    rows = conclude(*shift, ("A", "volume", 125.0, 0.75, 1e-4), ("A", "alpha", 90.0, 0.01, 0.001))
    length = rows["cell_rate", "A", "a"]
    # a rectangle up to 0.2 % over 4 h
    assert length.systematic == pytest.approx(0.2 / np.sqrt(3) / 4, rel=1e-2)
    assert rows["cell_rate", "A", "volume"].systematic == pytest.approx(
        3 * (length.systematic or 0), rel=1e-6
    )
    assert "what all phases share" in length.reason
    assert not rows["cell_rate", "A", "alpha"].systematic
    assert "what all phases share" not in rows["cell_rate", "A", "alpha"].reason


def test_the_intensity_that_changed_least_is_what_a_beam_may_do() -> None:
    """Of -8 % and +2 % the latter; one that is not known well may have changed more."""
    strong = [("A", "intensity", 50.0, -4.0, 0.01), ("B", "intensity", 50.0, 1.0, 0.01)]
    rows = conclude(*strong)
    for phase in "AB":
        assert rows["intensity_rate", phase, ""].systematic == pytest.approx(0.5 / np.sqrt(3))
    rows = conclude(*strong, ("C", "intensity", 50.0, 0.0, 0.6))
    assert rows["intensity_rate", "A", ""].systematic == pytest.approx(0.5 / np.sqrt(3))
    rows = conclude(*strong, ("C", "intensity", 50.0, 0.0, 0.4))
    assert not rows["intensity_rate", "A", ""].systematic


def test_times_of_changes_and_frames_without_times() -> None:
    one = ("A", "a", 5.0, 0.01, 0.001)
    row = conclude(one, change_at=2.0)["change_time", "A", "a"]
    assert (row.value, row.lower95, row.upper95, row.unit) == (2.0, 1.5, 2.5, "h")
    assert row.verdict == "ok"
    rows = conclude(one, change_at=20.0, timed=False)
    assert list(rows) == [("change_frame", "A", "a")]
    assert rows["change_frame", "A", "a"].unit == "1"
    assert list(conclude(one)) == [("cell_rate", "A", "a")]


def test_without_a_span_or_a_level_there_is_no_rate() -> None:
    assert conclude(("A", "a", 5.0, 0.01, 0.001), span=0.0) == {}
    assert conclude(("A", "a", 0.0, 0.01, 0.001)) == {}
    assert conclude(("A", "intensity", -5.0, -1.0, 0.5))[
        "intensity_rate", "A", ""
    ].stderr == pytest.approx(2.5)
