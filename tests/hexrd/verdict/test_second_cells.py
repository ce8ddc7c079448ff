"""Two cells of a phase are told; the mean of both is no good cell."""

import json

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict.phase_rows import judge_reference_cell
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell
from ssbchar.hexrd.verdict.second_cells import (
    conclude_second_cells,
    mark_two_cells,
    read_second_cells,
)

TWO = [
    {"frame": 1, "change": 0.0035, "change_stderr": 2e-5, "share": 0.3},
    {"frame": 20, "change": 0.003, "change_stderr": 3e-5, "share": 0.4},
]
NUMBERS = np.arange(1, 41)


def cell() -> ReferenceCell:
    value, zero = np.array([5.0, 5.0, 5.0, 90.0, 90.0, 90.0, 125.0]), np.zeros(7)
    return ReferenceCell(
        value=value, stderr=1e-4 * value, common=zero, systematic=zero, frames=3, scatter=1.0
    )


def test_both_are_told() -> None:
    lattice = xr.Dataset(attrs={"second_cells": json.dumps({"A": TWO})})
    found = read_second_cells(lattice)
    (row,) = conclude_second_cells(found["A"])
    assert row.verdict == "doubtful" and row.value == pytest.approx(0.35)
    assert row.stderr == pytest.approx(0.002)
    assert "frame 1: +0.350 -/+ 0.002 % in lengths, 30 %" in row.reason and "frame 20" in row.reason
    assert conclude_second_cells([]) == [] and read_second_cells(xr.Dataset()) == {}


def test_cells_of_the_frames_nearby_are_not_good() -> None:
    before = mark_two_cells(cell(), TWO, NUMBERS[:3], NUMBERS)
    assert judge_reference_cell(before) == "doubtful" and not before.is_one
    np.testing.assert_allclose(before.systematic[[0, 3, 6]], [0.00875, 0, 3 * 0.00175 * 125])
    after = mark_two_cells(cell(), TWO, NUMBERS[-3:], NUMBERS)
    assert after.is_one and judge_reference_cell(after) == "ok"
    assert mark_two_cells(cell(), [], NUMBERS[:3], NUMBERS).is_one
