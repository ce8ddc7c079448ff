"""Rows on the refinement: counts by status, breadths, known lines."""

import json

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict import quality_rows
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames

FRAMES = ReferenceFrames(
    before=np.array([0, 1, 2]), after=np.array([4]), temperature=25.0, on_hold=True
)


def counted(**counts: int):
    words = [word for word, count in counts.items() for _ in range(count)]
    lattice = xr.Dataset({"verdict": (("frame", "phase"), np.array(words, dtype=object)[:, None])})
    return quality_rows.count_refined_frames(lattice, 0)


def test_nine_in_ten_are_ok() -> None:
    (row,) = counted(ok=9, held=1, absent=5, not_measured=2)
    assert (row.value, row.verdict, row.unit) == (9.0, "ok", "1")
    assert row.reason == (
        "good in 9 of 10 frames with the phase; 1 held near the smooth cell(T); absent in 5; "
        "2 not measured"
    )
    (row,) = counted(ok=8, departs=1)
    assert row.verdict == "doubtful"
    assert row.reason == "good in 8 of 9 frames with the phase; 1 far from the smooth cell(T)"
    (row,) = counted(not_converged=1, inconsistent=2)
    assert row.value == 0.0 and "1 not converged" in row.reason


def test_a_phase_that_was_never_there_has_no_row() -> None:
    assert counted(absent=5, not_measured=1) == []


def test_what_was_resolved_in_a_cif_is_a_row() -> None:
    notes = json.dumps(["the origin is not stated: taken as :2", "B 1 used"])
    (row,) = quality_rows.list_phase_notes(xr.Dataset(attrs={"notes": notes}))
    assert row.quantity == "phase_as_read" and row.value is None
    assert row.reason == "the origin is not stated: taken as :2; B 1 used"
    assert quality_rows.list_phase_notes(xr.Dataset(attrs={"notes": "[]"})) == []
    assert quality_rows.list_phase_notes(xr.Dataset()) == []
    assert quality_rows.list_phase_notes(None) == []


def test_what_was_assumed_when_files_were_read_is_a_row() -> None:
    notes = json.dumps(["the axis is taken as 2theta in degree: the files name none"])
    (row,) = quality_rows.list_reading_notes(xr.Dataset(attrs={"notes": notes}))
    assert row.quantity == "series_as_read" and row.value is None
    assert row.reason == "the axis is taken as 2theta in degree: the files name none"
    assert quality_rows.list_reading_notes(xr.Dataset()) == []


def peaks(**attrs: float) -> xr.Dataset:
    dims = ("frame", "candidate")
    size = np.array([[1.0], [2.0], [np.nan], [9.0], [4.0]]) * 1e-3
    strain = np.array([[1.0], [1.0], [1.0], [9.0], [np.nan]]) * 1e-3
    stderr = np.array([[1.0], [1.0], [1.0], [1.0], [2.0]]) * 1e-3
    zero = stderr * np.array([[0.0], [1.0], [1.0], [1.0], [1.0]])
    return xr.Dataset(
        {
            "inverse_size": (dims, size),
            "inverse_size_stderr": (dims, stderr),
            "microstrain": (dims, strain),
            "microstrain_stderr": (dims, zero),
        },
        coords={"candidate": ["A"]},
        attrs=attrs,
    )


def test_breadths_by_hand() -> None:
    rows = quality_rows.summarise_breadths(peaks(), "A", FRAMES)
    assert [(r.quantity, r.condition, r.unit) for r in rows] == [
        ("inverse_size", "before heating", "1/nm"),
        ("microstrain", "before heating", "percent"),
        ("inverse_size", "after cooling", "1/nm"),
    ]
    assert [r.value for r in rows] == pytest.approx([15e-3, 0.1, 40e-3])
    assert [r.stderr for r in rows] == pytest.approx([10e-3 / np.sqrt(2), 0.1 / np.sqrt(2), 20e-3])
    assert {r.verdict for r in rows} == {"upper limit"}
    assert rows[0].reason.startswith("2 frames;")
    known = quality_rows.summarise_breadths(peaks(instrument_breadth=0.01), "A", FRAMES)
    assert {r.verdict for r in known} == {"ok"} and "0.01 degree" in known[0].reason


def test_breadths_that_were_not_measured() -> None:
    assert quality_rows.summarise_breadths(xr.Dataset(), "A", FRAMES) == []
    assert quality_rows.summarise_breadths(peaks(), "B", FRAMES) == []


def test_known_lines_by_phase() -> None:
    ds = xr.Dataset(
        {
            "significance": (
                ("frame", "peak"),
                np.array([[1.0, 5.1, 2.0], [6.0, 2.0, 5.0], [np.nan, np.nan, 1.0]]),
            ),
            "phase": ("peak", np.array(["A", "A", "B"], dtype=object)),
        }
    )
    found = quality_rows.count_lines_seen(ds)
    assert found["A"] == quality_rows.LinesSeen(seen=2, known=2, best=6.0)
    assert found["B"] == quality_rows.LinesSeen(seen=0, known=1, best=5.0)
    assert quality_rows.count_lines_seen(xr.Dataset()) == {}
    assert quality_rows.count_lines_seen(ds.drop_vars("significance")) == {}
