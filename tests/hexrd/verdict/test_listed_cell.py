"""A cell far from the listed one is told, with the listed phase that it is nearer to."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict.listed_cell import compare_with_listed
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell


def table(*lengths: float, system: str = "orthorhombic", **more: float) -> xr.Dataset:
    return xr.Dataset(attrs={"cell": [*lengths, 90, 90, 90], "crystal_system": system, **more})


def cell(*lengths: float) -> ReferenceCell:
    value = np.array([*lengths, 90.0, 90.0, 90.0, float(np.prod(lengths))])
    zero = np.zeros(7)
    return ReferenceCell(
        value=value, stderr=1e-4 * value, common=zero, systematic=zero, frames=3, scatter=1.0
    )


LISTED = {
    "LFP": table(10.33, 6.01, 4.69),
    "FePO4": table(9.81, 5.79, 4.78),
    "cubic": table(9.81, 5.79, 4.78, system="cubic"),
}


def test_a_cell_that_is_the_listed_one_has_no_row() -> None:
    assert compare_with_listed("LFP", cell(10.36, 6.03, 4.70), LISTED, 25.0) == []
    assert compare_with_listed("LFP", None, LISTED, 25.0) == []
    assert compare_with_listed("other", cell(10.36, 6.03, 4.70), LISTED, 25.0) == []


@pytest.mark.parametrize(("factor", "largest"), [(1.013, 1.3), (0.987, -1.3)])
def test_a_cell_a_percent_off_is_far(factor: float, largest: float) -> None:
    (row,) = compare_with_listed("LFP", cell(10.33, 6.01 * factor, 4.69), LISTED, 25.0)
    assert row.verdict == "far" and row.value == pytest.approx(largest)
    assert "not listed" in row.reason and "b " in row.reason


def test_a_listed_phase_that_is_nearer_is_named() -> None:
    (row,) = compare_with_listed("LFP", cell(9.83, 5.80, 4.78), LISTED, 25.0)
    assert "listed cell of FePO4 is nearer" in row.reason and "cubic" not in row.reason


def test_a_phase_of_the_library_that_is_nearer_is_named_too() -> None:
    """A cell 1.3 % off its own, which another phase of the library has."""
    near = np.array([10.33, 6.01, 4.69]) * [1.013, 0.998, 1.004]
    library = {**LISTED, "NaFePO4": table(*(near * 1.001)), "far": table(12.0, 7.0, 5.0)}
    (row,) = compare_with_listed("LFP", cell(*near), {"LFP": LISTED["LFP"]}, 25.0, library)
    assert row.verdict == "far" and "listed cell of NaFePO4 is nearer" in row.reason


def test_expansion_is_no_other_phase() -> None:
    hot = cell(*(1.015 * np.array([10.33, 6.01, 4.69])))
    assert compare_with_listed("LFP", hot, LISTED, 700.0) == []
    assert compare_with_listed(
        "LFP", hot, {"LFP": table(10.33, 6.01, 4.69, temperature=700.0)}, 700.0
    )
    assert compare_with_listed("LFP", hot, LISTED, float("nan"))
