"""A profile counts a step's time by part; a step without one patches nothing."""

import builtins

import numpy as np
import pytest

from ssbchar.pipeline import profile, step
from ssbchar.pipeline.profile import Part
from ssbchar.runtime.timing import TimeSpan
from ssbchar.storage import row_file, store


def test_time_counts_for_the_innermost_part(monkeypatch: pytest.MonkeyPatch) -> None:
    now = TimeSpan(0.0, 0.0)
    monkeypatch.setattr(profile.timing, "measure_now", lambda: now)
    with profile.profile_step() as profiled:
        with profiled.timing_part(Part.FUNCTION):
            now = TimeSpan(20.0, 5.0)
            with profiled.timing_part(Part.IMPORTS):
                now = TimeSpan(70.0, 6.0)
            now = TimeSpan(71.0, 8.0)
    assert profiled.spent[Part.FUNCTION] == TimeSpan(21.0, 7.0)
    assert profiled.spent[Part.IMPORTS] == TimeSpan(50.0, 1.0)


def test_row_files_count_as_blocks() -> None:
    rows = row_file.RowFile((10, 5), float)
    with profile.profile_step() as profiled:
        rows[:] = 1.0
        np.testing.assert_array_equal(rows[3], 1.0)
    assert profiled.spent[Part.BLOCKS].wall > 0


def test_computing_is_function_and_figures() -> None:
    profiled = profile.Profile()
    profiled.spent[Part.FUNCTION] = TimeSpan(2.0, 3.0)
    profiled.spent[Part.FIGURES] = TimeSpan(0.5, 0.25)
    profiled.spent[Part.BLOCKS] = TimeSpan(7.0, 7.0)
    assert profiled.computing == (2.5, 3.25)
    assert profiled.format_lines()[0] == "computing: 2.50 s, 3.25 s of processors"


def test_everything_is_put_back() -> None:
    before = (
        builtins.__import__,
        row_file.RowFile._transfer,
        store.render_figure,
        step.call_function,
    )
    with pytest.raises(RuntimeError), profile.profile_step():
        assert builtins.__import__ is not before[0]
        raise RuntimeError
    after = (
        builtins.__import__,
        row_file.RowFile._transfer,
        store.render_figure,
        step.call_function,
    )
    assert after == before


@pytest.mark.parametrize(("asked", "set_to", "wanted"), [(0, "", 0), (1, "", 1), (0, "1", 1)])
def test_a_step_or_its_run_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, asked: bool, set_to: str, wanted: bool
) -> None:
    monkeypatch.setenv(profile.PROFILE_VARIABLE, set_to)
    assert profile.is_wanted(bool(asked)) == bool(wanted)
