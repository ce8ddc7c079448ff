"""Propagated errors, weighted means and inflated esds, by hand and by their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.typing import Array
from ssbchar.uncertain import (
    average_by_weight,
    differentiate,
    inflation_from_residuals,
    serial_inflations,
    stderr_from_covariance,
)

POSITIVE = st.floats(1e-3, 1e3)


def test_error_of_a_weighted_sum_by_hand() -> None:
    """g = (1, -2), C = [[4, 1], [1, 9]]: 4 - 4 + 36 = 36."""
    found = stderr_from_covariance([1.0, -2.0], [[4.0, 1.0], [1.0, 9.0]])
    assert found.shape == () and found == pytest.approx(6.0, rel=1e-15)


def test_errors_of_a_stack_are_those_of_its_rows() -> None:
    rng = np.random.default_rng(0)
    design, gradient = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 3))
    covariance = np.swapaxes(design, 1, 2) @ design
    expected = [np.sqrt(g @ c @ g) for g, c in zip(gradient, covariance, strict=True)]
    np.testing.assert_allclose(stderr_from_covariance(gradient, covariance), expected, rtol=1e-12)


def test_a_variance_below_zero_by_rounding_is_none() -> None:
    assert stderr_from_covariance([1.0, -1.0], [[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]]) == 0.0
    assert stderr_from_covariance([1.0], [[0.25]]) == 0.5, "nor is a small variance raised"


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e3, 1e3), POSITIVE)
def test_errors_scale_with_gradient_and_units(factor: float, unit: float) -> None:
    gradient, covariance = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    plain = stderr_from_covariance(gradient, covariance)
    scaled = stderr_from_covariance(factor * gradient, unit**2 * covariance)
    assert scaled == pytest.approx(abs(factor) * unit * plain, rel=1e-12, abs=1e-100)


def test_central_differences_of_a_quadratic_are_exact() -> None:
    """f = 3 x^2 + 2 x y - 5 y: 6 x + 2 y and 2 x - 5, whatever the step."""

    def quadratic(v: Array) -> float:
        return float(3 * v[0] ** 2 + 2 * v[0] * v[1] - 5 * v[1])

    for step in ([0.5, 0.25], 0.125):
        np.testing.assert_allclose(differentiate(quadratic, [2.0, -1.0], step), [10.0, -1.0])


def test_central_difference_of_a_cube_by_hand() -> None:
    """((x + h)^3 - (x - h)^3) / 2h = 3 x^2 + h^2: 3 + 0.25 at x = 1, h = 0.5."""
    assert differentiate(lambda v: float(v[0] ** 3), [1.0], [0.5])[0] == pytest.approx(3.25)


def test_a_parameter_without_error_is_stepped_by_1e_8() -> None:
    visited: list[float] = []

    def note(v: Array) -> float:
        visited.append(float(v[0]))
        return 4.0 * float(v[0])

    assert differentiate(note, [0.0], [0.0])[0] == pytest.approx(4.0, rel=1e-12)
    assert visited == [1e-8, -1e-8]


def test_a_step_moves_one_parameter_alone() -> None:
    visited: list[list[float]] = []

    def note(v: Array) -> float:
        visited.append(v.tolist())
        return 0.0

    differentiate(note, [1.0, 2.0], [0.5, 0.25])
    assert visited == [[1.5, 2.0], [0.5, 2.0], [1.0, 2.25], [1.0, 1.75]]


def test_a_mean_by_hand() -> None:
    """Values 1 and 4 with errors 1 and 2: weights 1 and 1/4, mean 1.6, chi2 0.36 + 1.44."""
    mean, stderr, chi2 = average_by_weight([1.0, 4.0], [1.0, 2.0])
    assert mean == pytest.approx(1.6, rel=1e-14)
    assert chi2 == pytest.approx(1.8, rel=1e-14)
    assert stderr == pytest.approx(np.sqrt(1.8 / 1.25), rel=1e-14), "Birge ratio"


def test_reduced_chi_square_is_per_degree_of_freedom() -> None:
    """-3, 0, 3 with errors of 1: 18 over 2."""
    assert average_by_weight([-3.0, 0.0, 3.0], np.ones(3)) == pytest.approx((0, np.sqrt(3), 9))


def test_little_scatter_never_shrinks_the_error() -> None:
    mean, stderr, chi2 = average_by_weight([2.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0])
    assert (mean, stderr, chi2) == (2.0, 0.5, 0.0)
    _, slightly, below = average_by_weight([1.9, 2.1], [1.0, 1.0])
    assert below == pytest.approx(0.02) and slightly == pytest.approx(np.sqrt(0.5), rel=1e-14)


def test_a_single_value_keeps_its_error() -> None:
    assert average_by_weight([7.0], [0.5]) == (7.0, 0.5, 1.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-100, 100), POSITIVE), min_size=2, max_size=8), POSITIVE)
def test_a_mean_moves_with_its_values_and_units(
    pairs: list[tuple[float, float]], unit: float
) -> None:
    values, stderrs = np.array(pairs).T
    mean, stderr, chi2 = average_by_weight(values, stderrs)
    moved, moved_stderr, moved_chi2 = average_by_weight(unit * (values + 10.0), unit * stderrs)
    assert moved == pytest.approx(unit * (mean + 10.0), rel=1e-9, abs=1e-9 * unit)
    assert moved_stderr == pytest.approx(unit * stderr, rel=1e-6)
    assert moved_chi2 == pytest.approx(chi2, rel=1e-6, abs=1e-6)
    assert values.min() - 1e-9 <= mean <= values.max() + 1e-9


def test_inflation_by_hand() -> None:
    """1, 1, 1, 1: lagged 3 over power 4, sqrt(1.75 / 0.25) = sqrt 7."""
    assert inflation_from_residuals(np.ones(4)) == pytest.approx(np.sqrt(7.0), rel=1e-14)
    # 1, 2, 0: lagged 2 over power 5
    assert inflation_from_residuals([1.0, 2.0, 0.0]) == pytest.approx(np.sqrt(7 / 3), rel=1e-14)


def test_residuals_that_alternate_or_are_few_or_none_are_not_inflated() -> None:
    assert inflation_from_residuals([1.0, -1.0, 1.0, -1.0]) == 1.0
    assert inflation_from_residuals([1.0, 1.0]) == 1.0, "two residuals are too few"
    assert inflation_from_residuals([1.0, 1.0, 1.0]) == pytest.approx(np.sqrt(5), rel=1e-14)
    assert inflation_from_residuals(np.zeros(5)) == 1.0


def test_gaps_close_up() -> None:
    with_gap = inflation_from_residuals([1.0, np.nan, 2.0, np.inf, 0.0])
    assert with_gap == inflation_from_residuals([1.0, 2.0, 0.0])


def test_the_autocorrelation_is_taken_as_0_98_at_most() -> None:
    limit = np.sqrt(1.98 / 0.02)
    assert inflation_from_residuals(np.ones(1000)) == pytest.approx(limit, rel=1e-12)
    below = inflation_from_residuals(np.ones(40))
    assert below == pytest.approx(np.sqrt((1 + 39 / 40) / (1 / 40)), rel=1e-12)


def test_rows_are_inflated_each_by_its_own() -> None:
    rows = np.array([[1.0, 1, 1, 1], [1, -1, 1, -1], [0, 0, 0, 0], [2, 2, 2, 2], [1, 2, 0, 0]])
    expected = np.sqrt([7.0, 1.0, 1.0, 7.0, 7 / 3])
    np.testing.assert_allclose(serial_inflations(rows), expected, rtol=1e-14)


def test_rows_of_small_residuals_are_no_rows_of_zeros() -> None:
    np.testing.assert_allclose(serial_inflations(np.full((1, 4), 1e-140)), np.sqrt(7), rtol=1e-12)


def test_inflations_of_rows_are_those_of_one_series() -> None:
    noise = np.random.default_rng(0).normal(size=(20, 300))
    smooth = noise + np.concatenate([np.zeros((20, 1)), 0.8 * noise[:, :-1]], axis=1)
    for rows in (noise, smooth):
        expected = [inflation_from_residuals(row) for row in rows]
        np.testing.assert_allclose(serial_inflations(rows), expected, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.floats(1e-3, 1e3))
def test_inflation_knows_no_unit_and_no_direction(seed: int, count: int, unit: float) -> None:
    residuals = np.random.default_rng(seed).normal(size=count)
    found = inflation_from_residuals(residuals)
    assert found >= 1
    assert inflation_from_residuals(-unit * residuals) == pytest.approx(found, rel=1e-9)
    assert inflation_from_residuals(residuals[::-1]) == pytest.approx(found, rel=1e-9)
    assert serial_inflations(residuals[None])[0] == pytest.approx(found, rel=1e-12)
