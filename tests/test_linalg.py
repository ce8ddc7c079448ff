"""Stacks of normal equations: against plain numpy, and where numpy alone would fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from ssbchar.linalg import invert_scaled, solve_non_negative, solve_scaled
from ssbchar.typing import Array


def normal_equations(seed: int, rows: int = 4, size: int = 3) -> tuple[Array, Array]:
    """Return matrices (rows, size, size), positive definite, and right-hand sides (rows, size)."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, 12, size))
    return design.transpose(0, 2, 1) @ design, rng.normal(size=(rows, size)) * 3


def test_inverse_of_a_known_matrix() -> None:
    matrix = np.array([[4.0, 2.0], [2.0, 10.0]])
    np.testing.assert_allclose(invert_scaled(matrix), np.array([[10, -2], [-2, 4]]) / 36)
    np.testing.assert_allclose(invert_scaled(np.array([matrix])), [invert_scaled(matrix)])


def test_inverse_with_a_ridge_of_the_unit_diagonal() -> None:
    matrix = np.diag([4.0, 25.0])
    np.testing.assert_allclose(invert_scaled(matrix, ridge=0.25), np.diag([0.2, 0.032]))


def test_inverse_survives_units_far_apart() -> None:
    matrix, _ = normal_equations(1)
    unit = np.array([1e-90, 1.0, 1e80])
    np.testing.assert_allclose(
        invert_scaled(matrix * unit[:, None] * unit) * unit[:, None] * unit,
        np.linalg.inv(matrix),
        rtol=1e-9,
    )


def test_inverse_of_a_parameter_without_data_is_one() -> None:
    matrix = np.array([[4.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(invert_scaled(matrix), [[0.25, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(invert_scaled(matrix, ridge=1.0), [[0.125, 0.0], [0.0, 1.0]])


def test_solution_of_a_known_system() -> None:
    matrix = np.array([[[4.0, 2.0], [2.0, 10.0]]])
    np.testing.assert_allclose(solve_scaled(matrix, np.array([[8.0, 22.0]])), [[1.0, 2.0]])
    columns = np.array([[[8.0, 4.0], [22.0, 2.0]]])
    np.testing.assert_allclose(
        solve_scaled(matrix, columns), [[[1.0, 1.0], [2.0, 0.0]]], atol=1e-15
    )


def test_solution_with_a_ridge_of_the_unit_diagonal() -> None:
    matrix = np.diag([4.0, 25.0])
    np.testing.assert_allclose(solve_scaled(matrix, np.array([4.0, 25.0]), ridge=0.25), 0.8)


def test_a_ridge_makes_a_singular_system_solvable() -> None:
    matrix = np.ones((1, 2, 2))
    solution = solve_scaled(matrix, np.array([[2.0, 2.0]]), ridge=1e-9)
    np.testing.assert_allclose(solution, 1.0, rtol=1e-6)


def test_inputs_are_not_changed() -> None:
    matrix, right = normal_equations(2)
    before = matrix.copy(), right.copy()
    invert_scaled(matrix, ridge=0.1)
    solve_scaled(matrix, right, ridge=0.1)
    solve_non_negative(matrix, right, np.linalg.solve(matrix, right[..., None])[..., 0])
    np.testing.assert_array_equal(matrix, before[0])
    np.testing.assert_array_equal(right, before[1])


def test_non_negative_solution_of_known_systems() -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])
    right = np.array([[4.0, 5.0], [4.0, -1.0], [-1.0, -2.0], [1.0, 4.0]])
    expected = [[1.0, 2.0], [2.0, 0.0], [0.0, 0.0], [0.0, 2.0]]
    np.testing.assert_allclose(solve_non_negative(matrix, right), expected, atol=1e-14)


def test_non_negative_solution_takes_back_a_value_held_too_early() -> None:
    # holding every negative value at once is too rash for some of these right-hand sides
    matrix = np.array([[2.0, -1.0, 0.9], [-1.0, 2.0, 0.9], [0.9, 0.9, 2.0]])
    rng = np.random.default_rng(3)
    right = rng.normal(size=(500, 3))
    found = solve_non_negative(matrix, right)
    slope = right - found @ matrix
    assert np.all(found >= 0)
    assert np.all(slope < 1e-9)
    np.testing.assert_allclose(slope * found, 0.0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_non_negative_solution_is_that_of_the_active_set(seed: int, size: int) -> None:
    matrix, right = normal_equations(seed, size=size)
    found = solve_non_negative(matrix, right)
    for n, b, x in zip(matrix, right, found, strict=True):
        root = np.linalg.cholesky(n)
        np.testing.assert_allclose(x, nnls(root.T, np.linalg.solve(root, b))[0], atol=1e-9)


def test_non_negative_solution_begins_from_a_known_one() -> None:
    matrix, right = normal_equations(5)
    free = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_array_equal(
        solve_non_negative(matrix, right, free), solve_non_negative(matrix, right)
    )
    assert solve_non_negative(matrix[:1], np.zeros((1, 3)))[0] == pytest.approx([0, 0, 0])
