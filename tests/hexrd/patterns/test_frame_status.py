"""The status of a frame: every limit from both sides."""

import numpy as np
import pytest

from ssbchar.hexrd.patterns import frame_status
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.patterns.options import PatternReading

X = np.arange(20.0)
ROW = 50.0 + X


def judged(
    row: np.ndarray, *, stderr: float = 1.0, poisson: bool = True, saturation: float | None = None
) -> str:
    series = np.stack([ROW, row, ROW])
    found = frame_status.judge_frames(
        series,
        np.full_like(series, stderr),
        PatternReading(saturation=saturation, beam_dump=0.0),
        poisson=poisson,
    )
    assert found[0] == found[2] == "ok"
    return str(found[1])


def with_values(**values: float) -> np.ndarray:
    row = ROW.copy()
    for place, value in values.items():
        row[int(place.removeprefix("at"))] = value
    return row


@pytest.mark.parametrize(
    ("x", "status"),
    [
        (X, "ok"),
        (X[::-1], "ok"),
        (X[:10], "ok"),
        (X[:9], "too_short"),
        (np.where(X == 4, np.inf, X), "not_finite"),
        (np.where(X == 4, 3.0, X), "duplicated"),
        (np.where(X == 4, 2.5, X), "unsorted"),
    ],
)
def test_an_axis(x: np.ndarray, status: str) -> None:
    assert frame_status.judge_axis(x) == status


def test_missing_points() -> None:
    assert judged(with_values(at5=np.nan)) == "nan"
    assert judged(with_values(at0=np.nan)) == "truncated"
    assert judged(with_values(at19=np.nan, at18=np.nan)) == "truncated"
    assert judged(np.full(20, np.nan)) == "nan"


def test_zeros_and_one_count() -> None:
    assert judged(np.zeros(20)) == "zeros"
    assert judged(np.where(X == 3, 1.0, 0.0)) == "ok"


def test_negative_counts() -> None:
    assert judged(with_values(at5=0.0)) == "ok"
    assert judged(with_values(at5=-1e-9)) == "negative"
    assert judged(with_values(at5=-10.0), stderr=2.0, poisson=False) == "ok"
    assert judged(with_values(at5=-10.1), stderr=2.0, poisson=False) == "negative"


def test_saturation_by_a_limit() -> None:
    assert judged(with_values(at5=200.0), saturation=200.0) == "saturated"
    assert judged(with_values(at5=199.0), saturation=200.0) == "ok"


def test_saturation_by_a_flat_top() -> None:
    assert judged(with_values(at5=101.0, at6=101.0, at7=101.0)) == "saturated"
    assert judged(with_values(at5=101.0, at6=101.0, at8=101.0)) == "ok"
    assert judged(with_values(at5=101.0, at6=101.0)) == "ok"
    assert judged(with_values(at5=100.0, at6=100.0, at7=100.0)) == "ok"


def test_a_dump_is_found_among_good_frames_alone() -> None:
    series = np.stack([ROW] * 12)
    series[5] *= 0.4
    series[6] = 0.0
    found = frame_status.judge_frames(
        series, np.ones_like(series), PatternReading(beam_dump=0.5), poisson=True
    )
    assert found.tolist() == ["ok"] * 5 + ["beam_dump", "zeros"] + ["ok"] * 5


def test_the_share_of_a_dump_from_both_sides() -> None:
    totals = np.full(20, 10.0)
    totals[8] = 5.0
    assert not frame_status.find_beam_dumps(totals, 0.5).any()
    assert np.flatnonzero(frame_status.find_beam_dumps(totals, 0.51)).tolist() == [8]


def test_a_long_low_run_is_a_change_of_conditions() -> None:
    totals = np.full(20, 10.0)
    totals[8:12] = 1.0
    assert frame_status.find_beam_dumps(totals, 0.5).sum() == 4
    totals[12] = 1.0
    assert frame_status.find_beam_dumps(totals, 0.5).sum() == 0
    short = np.array([10.0] * 4 + [1.0] * 3 + [10.0] * 3)
    assert frame_status.find_beam_dumps(short, 0.5).sum() == 3


def test_a_dump_at_either_end_and_unknown_totals() -> None:
    totals = np.array([1.0, 10, 10, np.nan, 10, 10, 10, 10, 10, 1.0])
    assert np.flatnonzero(frame_status.find_beam_dumps(totals, 0.5)).tolist() == [0, 9]


def test_only_the_five_frames_before_count() -> None:
    totals = np.array([100.0] * 3 + [60.0] * 5 + [31.0] + [60.0] * 8)
    assert not frame_status.find_beam_dumps(totals, 0.5).any()
    assert frame_status.find_beam_dumps(totals, 0.52)[8]


def test_every_exclusion_says_what_to_do() -> None:
    intensity = np.stack([ROW, with_values(at5=np.nan, at6=np.nan), np.zeros(20)])
    faults = frame_status.describe_exclusions(
        ["a", "b", "c"], np.array(["ok", "nan", "zeros"]), intensity
    )
    assert [(f.where, f.problem) for f in faults] == [
        ("b", "2 intensities are NaN"),
        ("c", "every intensity is zero"),
    ]
    assert all(status.problem and status.remedy for status in FrameStatus if status != "ok")
    assert FrameStatus("nan") is FrameStatus.NAN and str(FrameStatus.NAN) == "nan"


@pytest.mark.parametrize(("run", "is_dump"), [(3, True), (4, False)])
def test_three_frames_of_a_short_series_may_be_a_dump(run: int, is_dump: bool) -> None:
    """A fifth of ten frames are two."""
    totals = np.full(10, 10.0)
    totals[4 : 4 + run] = 1.0
    assert frame_status.find_beam_dumps(totals, 0.5).any() == is_dump
