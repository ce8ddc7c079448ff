"""Taylor series of references are the references, shifted."""

import numpy as np
import pytest

from ssbchar.xas.series.shifted_references import CELL, ShiftedReferences, measure_offset

ENERGY = np.linspace(-2, 2, 9)
AXIS = np.linspace(-4, 4, 33)
SHIFT = np.array([0.0, 0.3, -0.707, 0.011, 0.012, -1.4])
WEIGHT = np.array([[1, 0], [0, 1], [0.5, 0.5], [2, -1], [0.3, 0.9], [1, 1.0]])


def cubic(x: np.ndarray) -> np.ndarray:
    return x**3 - 2 * x


def square(x: np.ndarray) -> np.ndarray:
    return 0.5 * x**2 + 1


@pytest.fixture
def references() -> ShiftedReferences:
    """Polynomials of degree three, which splines and their series hold exactly."""
    return ShiftedReferences(ENERGY, [(AXIS, cubic(AXIS)), (AXIS, square(AXIS))])


def test_coefficients_of_a_cell_by_hand(references: ShiftedReferences) -> None:
    x = ENERGY - 7 * CELL
    table = references.tabulate_cell(7)
    assert np.allclose(table[0], [x**3 - 2 * x, -(3 * x**2 - 2), 3 * x, -np.ones(9)])
    assert np.allclose(table[1], [0.5 * x**2 + 1, -x, 0.5 * np.ones(9), np.zeros(9)])
    assert references.tabulate_cell(7) is table
    assert np.allclose(references.unshifted, [cubic(ENERGY), square(ENERGY)])


def test_each_reference_is_shifted_to_higher_energies(references: ShiftedReferences) -> None:
    x = ENERGY - SHIFT[:, None]
    first, second = references.shift_each(SHIFT)
    assert np.allclose(first, cubic(x)) and np.allclose(second, square(x))


def test_combination_and_slope_by_hand(references: ShiftedReferences) -> None:
    x = ENERGY - SHIFT[:, None]
    w = WEIGHT[:, :, None]
    combined = w[:, 0] * cubic(x) + w[:, 1] * square(x)
    slope = w[:, 0] * (3 * x**2 - 2) + w[:, 1] * x
    assert np.allclose(references.combine(WEIGHT, SHIFT), combined)
    assert np.allclose(references.differentiate(WEIGHT, SHIFT), slope)


def test_every_spectrum_is_in_one_cell(references: ShiftedReferences) -> None:
    cells = list(references.group_by_cell(SHIFT))
    assert sorted(int(i) for cell in cells for i in cell.rows) == list(range(6))
    for cell in cells:
        assert np.abs(cell.offset).max() <= CELL / 2 + 1e-12
        assert np.allclose(cell.offset, measure_offset(SHIFT[cell.rows]))
    assert len(cells) == 5 and list(references.group_by_cell(np.array([]))) == []


def test_offset_by_hand() -> None:
    found = measure_offset(np.array([0.0, 0.025, 0.031, -0.025]))
    assert found == pytest.approx([0.0, 0.005, -0.009, -0.005])
