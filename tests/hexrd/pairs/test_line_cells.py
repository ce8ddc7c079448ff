"""The change of a cell from the places of single lines, and what both routes differ by."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_pairs import CELLS, WAVELENGTH, make_lines

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.pairs.cells import CellDifference, append_quantities
from ssbchar.hexrd.pairs.line_cells import compare_by_lines, estimate_form_error
from ssbchar.hexrd.pairs.line_ratios import SpecimenLines

INDICES = {
    "LAGP": ["0 1 2", "1 0 4", "1 1 0", "1 1 3", "0 2 4", "1 1 6", "2 1 4", "1 2 8"],
    "LFP": ["2 0 0", "1 0 1", "2 1 0", "0 1 1", "1 1 1", "2 1 1", "3 1 1", "1 2 1"],
    "Co3PO42": ["1 0 1", "0 1 1", "1 2 0", "2 1 0", "1 1 -1", "0 3 1", "2 1 1", "1 0 -1"],
}
FREE = {"LAGP": [0, 2, 6, 8], "LFP": [0, 1, 2, 6, 7, 8], "Co3PO42": [0, 1, 2, 4, 6, 7, 8]}
SIGMA = 3e-5
"""Error of a line's place [degree]."""


def place(phase: str, cell: np.ndarray, seed: int, zero: float = 0.0) -> SpecimenLines:
    names = INDICES[phase]
    lines = make_lines([0.0155] * len(names), seed, phase=phase)
    hkl = np.array([[float(i) for i in name.split()] for name in names])
    seen = two_theta_from_d(d_from_hkl(hkl, cell), WAVELENGTH) + zero
    seen = seen + SIGMA * np.random.default_rng(seed).standard_normal(seen.size)
    peaks = lines.peaks.assign(
        position=(("frame", "peak"), seen[None]),
        position_stderr=(("frame", "peak"), np.full((1, seen.size), SIGMA)),
        hkl=("peak", np.array(names, object)),
    )
    return replace(lines, peaks=peaks)


def difference(phase: str, value: np.ndarray, stderr: float) -> CellDifference:
    return CellDifference(
        value=value,
        stderr=np.full(9, stderr),
        zero_systematic=np.zeros(9),
        has_one_zero=False,
        zeros=(0.001, -0.002),
        cell=np.array(CELLS[phase]),
        free=FREE[phase],
    )


@pytest.mark.parametrize("phase", list(INDICES))
def test_single_lines_give_the_change_of_the_cell(phase: str) -> None:
    before = np.array(CELLS[phase])
    change = np.array([0.003, -0.001, -0.002])
    after = before.copy()
    after[:3] *= 1 + change
    if phase == "LAGP":
        after[1] = after[0]
    if phase == "Co3PO42":
        after[4] += 0.1
    true = (append_quantities(after[None]) / append_quantities(before[None]) - 1)[0]
    lines = (place(phase, before, 1, 0.001), place(phase, after, 2, -0.002))
    whole = difference(phase, true, 1e-5)
    found = compare_by_lines(lines, phase, whole, (WAVELENGTH, WAVELENGTH))
    assert found is not None
    assert found.lines == 8
    for quantity in FREE[phase]:
        error = found.stderr[quantity]
        assert 1e-6 < error < 5e-4
        assert found.value[quantity] == pytest.approx(true[quantity], abs=4 * error + 2e-5)
    assert np.all(estimate_form_error(whole, found, has_unexplained=False) < 1e-4)


def test_routes_that_disagree_are_in_the_systematic() -> None:
    cell = np.array(CELLS["LAGP"])
    lines = (place("LAGP", cell, 1, 0.001), place("LAGP", cell, 2, -0.002))
    off = difference("LAGP", np.full(9, 1e-3), 1e-5)
    found = compare_by_lines(lines, "LAGP", off, (WAVELENGTH, WAVELENGTH))
    assert found is not None
    form = estimate_form_error(off, found, has_unexplained=False)
    assert form[0] == pytest.approx(1e-3 / np.sqrt(3), rel=0.3)


def test_lines_that_are_not_explained_leave_a_cell_less_sure() -> None:
    cell = np.array(CELLS["LAGP"])
    lines = (place("LAGP", cell, 1, 0.001), place("LAGP", cell, 2, -0.002))
    same = difference("LAGP", np.zeros(9), 1e-4)
    found = compare_by_lines(lines, "LAGP", same, (WAVELENGTH, WAVELENGTH))
    assert np.all(estimate_form_error(same, found, has_unexplained=True) >= 2e-4)
    assert np.all(estimate_form_error(same, None, has_unexplained=True) == 2e-4)
    assert np.all(estimate_form_error(same, None, has_unexplained=False) == 0)
    few = (replace(lines[0], peaks=lines[0].peaks.isel(peak=slice(0, 2))), lines[1])
    assert compare_by_lines(few, "LAGP", same, (WAVELENGTH, WAVELENGTH)) is None
