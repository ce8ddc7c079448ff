"""Rows of a phase: its cell, the return of its volume, and its expansion beside a published one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.verdict.made_decided import compared, decided

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_contradictions
from ssbchar.hexrd.verdict import phase_rows
from ssbchar.hexrd.verdict.comparison import Compared
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames
from ssbchar.hexrd.verdict.sentences import LengthErrors

OPTIONS = Stability(cell_tolerance=0.2)
VALUE = np.array([5.0, 6.0, 7.0, 90.0, 94.0, 90.0, 209.0])
CELL = ReferenceCell(
    value=VALUE,
    stderr=VALUE * 0,
    common=VALUE * 0,
    systematic=VALUE * 2e-4,
    frames=4,
    scatter=1.0,
)
TOLD = LengthErrors(scale_stderr=1e-4, displacement=0.0)
FRAMES = ReferenceFrames(before=np.array([0]), after=np.array([5]), temperature=25.0, on_hold=True)


def returned(value: float, stderr: float, **more: object) -> Conclusion:
    """The row of a volume that changed by so much [percent], and b the other way."""
    found = decided(
        compared(value, stderr, quantity=Compared.VOLUME, axis=""),
        compared(-value / 2, stderr, axis="a"),
        compared(-value, stderr, axis="b"),
    )
    given = {"cooled": True, "is_gone": False, "is_fitted": True}
    return phase_rows.build_return_row("A", found, **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("percent", "stderr", "verdict"),
    [
        (0.1, 0.05, "returned"),
        (-0.1, 0.05, "returned"),
        (0.1, 0.052, "inconclusive"),
        (-0.1, 0.052, "inconclusive"),
        (0.3, 0.12, "not_returned"),
        (-0.3, 0.12, "not_returned"),
        (0.3, 0.13, "inconclusive"),
        (0.19, 0.05, "inconclusive"),
        (0.21, 0.05, "not_returned"),
        (0.0, 1.0, "inconclusive"),
        (np.nan, 1.0, "inconclusive"),
        (0.0, 0.0, "inconclusive"),
    ],
)
def test_the_return_of_a_volume(percent: float, stderr: float, verdict: str) -> None:
    """Beyond the bound, of three tests together: 2.39 standard errors."""
    row = returned(percent, stderr)
    assert row.verdict == verdict
    assert find_contradictions(row) == []
    assert "largest change of a length: b" in row.reason or not percent > 0


def test_lines_that_are_not_explained_return_nothing() -> None:
    row = returned(0.0, 0.01, is_fitted=False)
    assert row.verdict == "inconclusive" and row.value == 0.0
    assert row.reason.startswith("the refinement does not explain the lines; ")


def test_lines_of_two_cells_return_nothing() -> None:
    row = returned(0.0, 0.01, is_one=False)
    assert row.verdict == "inconclusive"
    assert row.reason.startswith("the lines are those of two cells; ")


def test_a_return_that_was_not_measured() -> None:
    row = returned(0.0, 0.1, cooled=False)
    assert row.verdict == "not_measured" and row.value is None and row.systematic is None
    assert "no frames near the starting temperature" in row.reason
    assert returned(0.0, 0.1, is_gone=True).verdict == "gone"
    assert returned(0.0, 0.1, is_gone=True, cooled=False).verdict == "not_measured"
    nothing = phase_rows.build_return_row("A", [], cooled=True, is_gone=False, is_fitted=True)
    assert nothing.verdict == "not_measured" and nothing.reason == "no usable cell at both ends"


def test_the_row_of_a_return() -> None:
    row = returned(0.1, 0.01)
    assert (row.quantity, row.unit, row.condition) == ("volume_return", "percent", "after cooling")
    assert row.reason == (
        "tolerance 0.2 %; largest change of a length: b by -0.100 %; made by hand"
    )
    assert (row.bound, row.reference) == (0.2, 0.0)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "ok"),
        ({"is_scattered": True, "scatter": 25.0}, "doubtful"),
        ({"drift": VALUE * 5e-4}, "evolving"),
        ({"drift": VALUE * 3e-4}, "ok"),
        ({"is_fitted": False, "is_scattered": True}, "misfit"),
    ],
)
def test_whether_frames_at_rest_are_one_cell(changes: dict, verdict: str) -> None:
    """The error of the cell is 2e-4; half of the drift is held against it."""
    cell = replace(CELL, **changes)
    assert phase_rows.judge_reference_cell(cell) == verdict
    (row,) = phase_rows.build_cell_rows(cell, [1], FRAMES, TOLD, before=True)
    assert row.verdict == verdict and row.value == 6.0
    is_several = cell.is_scattered or cell.is_drifting
    assert ("no one cell" in row.reason) == is_several
    assert ("within its errors" in row.reason) == bool(verdict == "ok" and changes)


def test_rows_of_a_cell() -> None:
    rows = phase_rows.build_cell_rows(CELL, [1, 4, 6], FRAMES, TOLD, before=True)
    assert [(r.quantity, r.unit) for r in rows] == [
        ("b", "angstrom"),
        ("beta", "degree"),
        ("volume", "angstrom^3"),
    ]
    assert [r.value for r in rows] == [6.0, 94.0, 209.0]
    assert rows[0].systematic == 6.0 * 2e-4 and rows[0].condition == "before heating"
    assert rows[0].reason == "4 reference frames, brought to 25.0 degC"
    assert phase_rows.build_cell_rows(None, [1], FRAMES, TOLD, before=True) == []
    noisy = replace(CELL, scatter=9.0)
    moving = replace(FRAMES, on_hold=False)
    unsaid = LengthErrors(scale_stderr=0.0, displacement=0.0, standard="X")
    (row,) = phase_rows.build_cell_rows(noisy, [1], moving, unsaid, before=True)
    for text in (
        "first frames",
        "scatter 3.0 times",
        "wavelength has no stated error",
        "standard X",
    ):
        assert text in row.reason
    (row,) = phase_rows.build_cell_rows(replace(CELL, scatter=2.0), [1], moving, TOLD, before=False)
    assert row.reason == "4 reference frames, brought to 25.0 degC"
    assert row.condition == "after cooling"


def expansion(**changes: float) -> xr.Dataset:
    shape, both = (1, 2), ("phase", "segment")
    values = {
        "mean_from": 100.0,
        "mean_to": 500.0,
        "frames_used": 40,
        "frames_rejected": 0,
        "chi2": 1.25,
        "order": 2,
        "reacting_from": np.nan,
        **changes,
    }
    ds = xr.Dataset({name: (both, np.full(shape, value)) for name, value in values.items()})
    for suffix, factor in (("", 1e-5), ("_stderr", 1e-7), ("_systematic", 2e-7)):
        ds[f"mean_linear_expansion{suffix}"] = (
            (*both, "axis"),
            np.broadcast_to(factor * np.arange(1, 8), (1, 2, 7)),
        )
    return ds.assign_coords(segment=["heating", "cooling"]).assign_attrs(model="polynomial")


def rows_of(ds: xr.Dataset, about: xr.Dataset | None = None, free: tuple = (0, 4, 6)):
    return phase_rows.build_expansion_rows(ds, 0, list(free), about, {}, OPTIONS)


def test_rows_of_expansion() -> None:
    rows = rows_of(expansion())
    assert [r.condition for r in rows] == [
        "heating a",
        "heating volume",
        "cooling a",
        "cooling volume",
    ]
    first = rows[1]
    assert (first.value, first.stderr, first.systematic) == pytest.approx((7e-5, 7e-7, 14e-7))
    assert first.reason == (
        "100-500 degC, 40 frames, reduced chi-square 1.2; a sample that may have moved along the "
        "beam is not in the systematic (distance not known)"
    )
    assert first.method == "polynomial of order 2, errors in cell and temperature"
    assert {r.verdict for r in rows} == {"ok"}
    # Seen over too little for a mean: said, not left out; without a curve there is nothing to say.
    untold = rows_of(expansion(mean_from=np.nan))
    assert [(r.condition, r.verdict) for r in untold] == [
        ("heating", "not_measured"),
        ("cooling", "not_measured"),
    ]
    assert rows_of(expansion(mean_from=np.nan, chi2=np.nan)) == []
    assert [r.quantity for r in rows[:2]] == ["mean_linear_expansion", "mean_volume_expansion"]
    assert "3 frames off the curve left out" in rows_of(expansion(frames_rejected=3))[0].reason


@pytest.mark.parametrize(
    ("reacting_from", "heating", "cooling"),
    [(499.0, "reacting", "reacting"), (500.0, "ok", "reacting"), (np.nan, "ok", "ok")],
)
def test_a_reaction_within_the_range(reacting_from: float, heating: str, cooling: str) -> None:
    rows = rows_of(expansion(reacting_from=reacting_from), free=(0,))
    assert [r.verdict for r in rows] == [heating, cooling]


def test_a_segment_over_which_no_intensity_changed_has_no_reaction() -> None:
    ds = expansion(reacting_from=300.0)
    rows = phase_rows.build_expansion_rows(ds, 0, [0], None, {}, OPTIONS, unchanged=["cooling"])
    assert [r.verdict for r in rows] == ["reacting", "ok"]
    assert ["reacting from 300" in r.reason for r in rows] == [True, False]


@pytest.mark.parametrize(
    ("published", "stderr", "word"),
    [(1e-5 + 3.1e-7, 0, "differs"), (1e-5 + 2.9e-7, 0, "agrees"), (1e-5 + 4e-7, 1e-7, "agrees")],
)
def test_beside_a_published_value(published: float, stderr: float, word: str) -> None:
    """Ours is known to hypot(1, 0) 1e-7: three standard deviations are 3e-7."""
    ds = expansion().assign(
        mean_linear_expansion_systematic=expansion().mean_linear_expansion_systematic * 0
    )
    about = xr.Dataset(
        attrs={"expansion": json.dumps({"a": {"value": published, "stderr": stderr}})}
    )
    rows = rows_of(ds, about, (0, 6))
    assert word in rows[0].reason and "range not stated" in rows[0].reason
    assert "1/K" not in rows[1].reason


def test_free_quantities() -> None:
    dims = ("frame", "phase", "axis")
    cell = np.tile([5.0, 5.0, 7.0, 90.0, 90.0, 120.0], (3, 1, 1))
    stderr = np.tile([1e-4, 1e-4, 2e-4, 0, 0, 0], (3, 1, 1))
    cell[1] = np.nan
    ds = xr.Dataset({"cell": (dims, cell), "cell_stderr": (dims, stderr)})
    assert phase_rows.list_free_quantities(ds, 0) == [0, 2, 6]
    assert phase_rows.list_free_quantities(ds * np.nan, 0) == []
