"""A series at one temperature from its cells to its rows: the drift is found, and what all share is
told."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_pairs import make_specimen

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_all_contradictions
from ssbchar.hexrd.time_course.fit import fit_time_course, has_one_temperature
from ssbchar.hexrd.time_course.options import TimeCourse
from ssbchar.hexrd.verdict.common_change import BeamPath
from ssbchar.hexrd.verdict.time_rows import conclude_time_course

NOWHERE = BeamPath(displacement=0.0, distance=None)
FRAMES = 60
HOURS = np.linspace(0.0, 12.0, FRAMES)
EMPTY = xr.Dataset()


def series(
    change: dict[str, np.ndarray], seed: int, *, temperature: float = 25.0, timed: bool = True
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return lattice and furnace of phases whose lengths all change by these shares."""
    made = make_specimen(dict.fromkeys(change, (0.0, 0.0, 0.0)), seed, frames=FRAMES)
    lattice = made.lattice.assign_coords(frame=np.arange(1, FRAMES + 1))
    for p, share in enumerate(change.values()):
        lattice["cell"][:, p, :3] *= 1 + share[:, None]
    time = 3600 * HOURS if timed else np.full(FRAMES, np.nan)
    furnace = xr.Dataset(
        {"temperature": ("frame", np.full(FRAMES, temperature)), "time": ("frame", time)}
    )
    return lattice, furnace


def conclude(lattice: xr.Dataset, furnace: xr.Dataset) -> dict[tuple[str, ...], Conclusion]:
    course = fit_time_course(lattice, furnace, EMPTY, TimeCourse())
    rows = conclude_time_course(course, NOWHERE)
    assert find_all_contradictions(rows) == []
    return {(row.quantity, row.subject, row.condition): row for row in rows}


def test_a_drift_and_its_beginning_are_found() -> None:
    """LFP grows from the fifth hour on, by 0.02 % per hour; LAGP stays."""
    change = {"LAGP": np.zeros(FRAMES), "LFP": 2e-4 * np.maximum(HOURS - 5.0, 0)}
    rows = conclude(*series(change, 1))
    mean = np.polyfit(HOURS, 100 * change["LFP"], 1)[0]
    for axis in "abc":
        rate = rows["cell_rate", "LFP", axis]
        assert rate.verdict == "evolving"
        assert rate.value == pytest.approx(mean, rel=0.05)
        assert rate.unit == "percent/h"
        begin = rows["change_time", "LFP", axis]
        assert begin.value == pytest.approx(5.0, abs=0.5)
        assert (begin.lower95 or 9) <= 5.2 and (begin.upper95 or 0) >= 4.8
        assert begin.unit == "h"
    for axis in "ac":
        assert rows["cell_rate", "LAGP", axis].verdict == "not_seen"
    assert not [key for key in rows if key[0] == "change_time" and key[1] == "LAGP"]
    assert rows["intensity_rate", "LFP", ""].verdict == "not_seen"


def test_what_all_lengths_share_is_in_the_systematic() -> None:
    """A sample that creeps: no phase is evolving."""
    drift = 1e-4 * HOURS
    rows = conclude(*series({"LAGP": drift, "LFP": drift}, 2))
    for (quantity, _, _), row in rows.items():
        if quantity == "cell_rate":
            assert row.verdict == "not_seen"
            assert row.value == pytest.approx(0.03 if row.condition == "volume" else 0.01, rel=0.1)
            assert (row.systematic or 0) > abs(row.value) / 2


def test_without_temperatures_or_times() -> None:
    change = {"LAGP": np.zeros(FRAMES), "LFP": 2e-4 * np.maximum(HOURS - 5.0, 0)}
    assert conclude(*series(change, 3, temperature=np.nan))["cell_rate", "LFP", "a"].value
    rows = conclude(*series(change, 3, timed=False))
    assert not [key for key in rows if key[0].endswith("_rate")]
    # The fifth of twelve hours is frame 25.6 of sixty.
    assert rows["change_frame", "LFP", "a"].value == pytest.approx(25.6, abs=2)


def test_a_heating_programme_has_no_course() -> None:
    lattice, furnace = series({"LAGP": np.zeros(FRAMES)}, 4)
    heated = furnace.assign(temperature=("frame", np.linspace(25, 300, FRAMES)))
    assert not has_one_temperature(heated)
    course = fit_time_course(lattice, heated, EMPTY, TimeCourse())
    assert course.sizes["course"] == 0
    assert conclude_time_course(course, NOWHERE) == []
    assert conclude_time_course(None, NOWHERE) == []
    few = replace(TimeCourse(), fewest=FRAMES + 1)
    assert fit_time_course(lattice, furnace, EMPTY, few).sizes["course"] == 0
