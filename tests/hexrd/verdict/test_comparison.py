"""Stretches of a programme, families of tests, and the row of a comparison."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import MadePhase, made
from hexrd.verdict.made_decided import compared, decided, kept

from ssbchar.decision import find_contradictions
from ssbchar.hexrd.verdict import comparison
from ssbchar.hexrd.verdict.options import Stability

OPTIONS = Stability(rest_above=60.0)


def names(**shape: float) -> list[str]:
    return [one.name for one in comparison.list_stretches(made([MadePhase()], **shape)[1], OPTIONS)]


def test_rests_are_told_from_the_hot_hold() -> None:
    assert names() == ["rest", "heating", "hold", "cooling", "rest 2"]
    assert names(rest=0) == ["heating", "hold", "cooling"]
    assert names(cooling=0) == ["rest", "heating", "hold"]


def flat(temperature: list[float], segment: str, **more: list[float]) -> xr.Dataset:
    kinds = np.array([segment] * len(temperature), dtype=object)
    values = {"temperature": temperature, **more}
    return xr.Dataset(
        {name: ("frame", np.array(value, float)) for name, value in values.items()}
        | {"segment": ("frame", kinds)}
    )


def test_a_series_at_one_temperature_is_one_hold() -> None:
    for segment in ("hold", "none"):
        (only,) = comparison.list_stretches(flat([25, 26, 35], segment), OPTIONS)
        assert only.name == "hold" and only.frames.tolist() == [0, 1, 2]
    assert comparison.list_stretches(flat([25, 26, 35.1], "none"), OPTIONS) == []
    assert comparison.list_stretches(flat([25], "none"), OPTIONS) == []
    assert comparison.list_stretches(flat([np.nan, np.nan], "none"), OPTIONS) == []


@pytest.mark.parametrize(
    ("temperature", "right"),
    [([25, 35], True), ([25, 35.1], False), ([25], False), ([np.nan, 25, 25], True)],
)
def test_one_temperature_is_within_ten_kelvin(temperature: list[float], right: bool) -> None:
    assert comparison.is_at_one_temperature(flat(temperature, "none")) == right


def test_times_or_numbers_of_frames() -> None:
    timed = flat([25, 25, 25], "hold", time=[60.0, 120.0, 300.0])
    assert comparison.read_times(timed).tolist() == [60.0, 120.0, 300.0]
    assert comparison.measure_duration(timed, np.array([0, 1, 2])) == 4.0
    unknown = flat([25, 25, 25], "hold", time=[60.0, np.nan, 300.0])
    assert comparison.read_times(unknown).tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(comparison.measure_duration(unknown, np.array([0, 1, 2])))
    assert comparison.read_times(flat([25, 25], "hold")).tolist() == [0.0, 1.0]
    assert np.isnan(comparison.measure_duration(flat([25], "hold"), np.array([0])))
    assert np.isnan(comparison.measure_duration(timed, np.array([], dtype=int)))


def test_all_comparisons_of_a_series_are_one_family() -> None:
    """2.5 standard errors are a change alone, and none among twenty."""
    one = compared(0.5, 0.2)
    assert decided(one)[0].decision.verdict == "changed"
    assert decided(one, *[kept(100.0)] * 19)[0].decision.verdict == "inconclusive"
    assert decided() == []


def test_the_row_of_a_comparison() -> None:
    (one,) = decided(kept(60.0, stretch="heating", systematic=1.0))
    row = comparison.build_row(one)
    assert (row.quantity, row.subject, row.condition) == ("intensity_kept", "A", "heating")
    assert (row.value, row.stderr, row.systematic, row.unit) == (60.0, 1.0, 1.0, "percent")
    assert row.lower95 == pytest.approx(60 - 1.96 * np.sqrt(2), abs=1e-3)
    assert (row.bound, row.reference, row.verdict) == (20.0, 100.0, "changed")
    assert find_contradictions(row) == []
    (nothing,) = decided(compared(np.nan, 1.0, axis="c"))
    empty = comparison.build_row(nothing)
    assert empty.verdict == "inconclusive" and empty.lower95 is None
    assert empty.condition == "after cooling c"
