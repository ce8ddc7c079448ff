"""Rows of a phase: its cell, the return of its volume, and its expansion beside a published one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict import phase_rows
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import CellChange, ReferenceCell, ReferenceFrames

OPTIONS = Stability(cell_tolerance=0.2)
VALUE = np.array([5.0, 6.0, 7.0, 90.0, 94.0, 90.0, 209.0])
CELL = ReferenceCell(
    value=VALUE,
    stderr=VALUE * 0,
    common=VALUE * 0,
    systematic=VALUE * 2e-4,
    frames=4,
    scatter=1.0,
    intensity=1.0,
    intensity_stderr=0.1,
)
FRAMES = ReferenceFrames(before=np.array([0]), after=np.array([5]), temperature=25.0, on_hold=True)


def scaled(percent: float, percent_stderr: float = 0.0) -> ReferenceCell:
    """A cell of another volume, b changed the other way."""
    value = VALUE * np.array([1, 1 - percent / 100, 1, 1, 1, 1, 1 + percent / 100])
    stderr = np.zeros(7)
    stderr[6] = value[6] * percent_stderr / 100 / (1 + percent / 100)
    return replace(CELL, value=value, stderr=stderr)


@pytest.mark.parametrize(
    ("percent", "stderr", "verdict"),
    [
        (0.1, 0.0, "returned"),
        (-0.1, 0.0, "returned"),
        (0.1, 0.05, "returned"),
        (0.1, 0.052, "inconclusive"),
        (-0.1, 0.052, "inconclusive"),
        (0.3, 0.052, "inconclusive"),
        (0.3, 0.05, "not_returned"),
        (-0.3, 0.05, "not_returned"),
        (-0.3, 0.052, "inconclusive"),
        (0.0, 1.0, "inconclusive"),
    ],
)
def test_the_return_of_a_volume(percent: float, stderr: float, verdict: str) -> None:
    found = phase_rows.judge_return(
        CELL, scaled(percent, stderr), FRAMES, cooled=True, options=OPTIONS
    )
    assert found.verdict == verdict
    assert found.value == pytest.approx(percent, abs=1e-9)
    assert found.stderr == pytest.approx(stderr, abs=1e-9)
    assert found.largest_axis == ("b" if percent else "a")
    assert found.largest_change == pytest.approx(-percent, abs=1e-9)


def test_a_return_that_was_not_measured() -> None:
    nothing = replace(FRAMES, after=np.array([], dtype=int))
    judge = phase_rows.judge_return
    assert judge(CELL, CELL, FRAMES, cooled=False, options=OPTIONS).verdict == "not_measured"
    assert judge(CELL, CELL, nothing, cooled=True, options=OPTIONS).verdict == "not_measured"
    assert judge(CELL, None, FRAMES, cooled=True, options=OPTIONS).verdict == "gone"


def furnace(*kinds: str) -> xr.Dataset:
    return xr.Dataset({"segment": ("frame", np.array(kinds, dtype=object))})


def test_the_row_of_a_return() -> None:
    cooling = furnace("heating", "cooling")
    assert phase_rows.build_return_rows(None, CELL, FRAMES, cooling, OPTIONS) == []
    (row,) = phase_rows.build_return_rows(CELL, scaled(0.1), FRAMES, cooling, OPTIONS)
    assert (row.unit, row.systematic, row.condition) == ("percent", 0.0, "after cooling")
    assert row.reason == "tolerance 0.2 %; largest change of the cell: b by -0.100 %"
    (none,) = phase_rows.build_return_rows(CELL, CELL, FRAMES, furnace("heating"), OPTIONS)
    assert none.value is None and none.systematic is None
    assert none.reason == "the series has no cooling"


def test_rows_of_a_cell() -> None:
    lattice = xr.Dataset(attrs={"length_scale_stderr": 1e-4})
    rows = phase_rows.build_cell_rows(CELL, [1, 4, 6], FRAMES, lattice, before=True)
    assert [(r.quantity, r.unit) for r in rows] == [
        ("b", "angstrom"),
        ("beta", "degree"),
        ("volume", "angstrom^3"),
    ]
    assert [r.value for r in rows] == [6.0, 94.0, 209.0]
    assert rows[0].systematic == 6.0 * 2e-4 and rows[0].condition == "before heating"
    assert rows[0].reason == "4 reference frames, brought to 25.0 degC"
    assert phase_rows.build_cell_rows(None, [1], FRAMES, lattice, before=True) == []
    noisy = replace(CELL, scatter=9.0)
    moving = replace(FRAMES, on_hold=False)
    (row,) = phase_rows.build_cell_rows(noisy, [1], moving, xr.Dataset(), before=True)
    for text in ("first frames", "scatter 3.0 times", "wavelength has no stated error"):
        assert text in row.reason
    (row,) = phase_rows.build_cell_rows(
        replace(CELL, scatter=2.0), [1], moving, lattice, before=False
    )
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
    return phase_rows.build_expansion_rows(ds, 0, list(free), about, OPTIONS)


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
    assert first.reason == "100-500 degC, 40 frames, reduced chi-square 1.2"
    assert first.method == "polynomial of order 2, errors in cell and temperature"
    assert {r.verdict for r in rows} == {"ok"}
    assert rows_of(expansion(mean_from=np.nan)) == []
    assert "3 frames off the curve left out" in rows_of(expansion(frames_rejected=3))[0].reason


@pytest.mark.parametrize(
    ("reacting_from", "heating", "cooling"),
    [(499.0, "reacting", "reacting"), (500.0, "ok", "reacting"), (np.nan, "ok", "ok")],
)
def test_a_reaction_within_the_range(reacting_from: float, heating: str, cooling: str) -> None:
    rows = rows_of(expansion(reacting_from=reacting_from), free=(0,))
    assert [r.verdict for r in rows] == [heating, cooling]


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


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "inconclusive"), (0.9999, "not_returned")])
def test_an_interval_that_ends_at_the_tolerance_is_not_outside_it(
    sign: int, factor: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of 3.125 +- 1.96 times 0.78125 percent, all exact in binary but 1.96."""
    change = CellChange(value=np.full(7, sign * 0.03125), stderr=np.full(7, 0.0078125))
    monkeypatch.setattr(phase_rows, "compare_cells", lambda before, after: change)
    edge = 3.125 - 1.96 * 0.78125
    found = phase_rows.judge_return(
        CELL, CELL, FRAMES, cooled=True, options=Stability(cell_tolerance=factor * edge)
    )
    assert found.verdict == verdict


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "returned"), (0.9999, "inconclusive")])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_interval_up_to_the_tolerance_has_returned(
    sign: int, factor: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = CellChange(value=np.full(7, sign * 0.03125), stderr=np.full(7, 0.0078125))
    monkeypatch.setattr(phase_rows, "compare_cells", lambda before, after: change)
    edge = 3.125 + 1.96 * 0.78125
    found = phase_rows.judge_return(
        CELL, CELL, FRAMES, cooled=True, options=Stability(cell_tolerance=factor * edge)
    )
    assert found.verdict == verdict
