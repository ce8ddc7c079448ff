"""Inflation by misfit and serial correlation, by hand."""

import numpy as np

from ssbchar.hexrd.refinement.frame import residuals


def inflation(profiles: list[list[float]], residual: list[float]) -> np.ndarray:
    return residuals.inflation_from_residual(np.array(profiles, float), np.array(residual, float))


def test_inflation_of_four_points_by_hand() -> None:
    # chi2 4, rho (4 - 4 + 4) / 12 = 1/3, overlaps 3, 2 and 1 of 4 at lags 1, 2 and 3
    expected = np.sqrt(4 * (1 + 2 * (3 / 3 + 2 / 9 + 1 / 27) / 4))
    np.testing.assert_allclose(inflation([[1, 1, 1, 1]], [2, 2, -2, -2]), expected)
    # a profile in other units is the same profile
    np.testing.assert_allclose(inflation([[7, 7, 7, 7]], [2, 2, -2, -2]), expected)


def test_a_fit_better_than_its_errors_is_not_rewarded() -> None:
    np.testing.assert_allclose(inflation([[1, 1, 1, 1]], [0.1, -0.1, 0.1, -0.1]), 1.0)


def test_misfit_counts_under_the_profile() -> None:
    # squares of 1, 9 and 4 with weights 1, 4 and 0; no correlation
    found = inflation([[1, 2, 0]], [1, -3, 2])
    np.testing.assert_allclose(found, np.sqrt((1 * 1 + 4 * 9) / 5))


def test_correlation_is_weighed_by_the_later_point() -> None:
    # products -1 * -1 and -1 * 3 at points 1 and 2, of weights 1 and 4
    found = inflation([[0, 1, 2]], [-1, -1, 3])
    assert found[0] == np.sqrt((1 + 4 * 9) / 5)  # 1 - 12 < 0: no correlation
    found = inflation([[0, 1, 2]], [1, 1, 3])
    chi2, rho = (1 + 36) / 5, (1 + 12) / (1 + 36)
    np.testing.assert_allclose(found, np.sqrt(chi2 * (1 + 2 * rho * 2 / 5)))


def test_correlation_is_bounded_and_counts_under_the_own_peaks_alone() -> None:
    # two phases, each on its half; the second half of the residual is constant
    halves = [[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]]
    found = inflation(halves, [1, -1, 1, -1, 1, 1, 1, 1])
    # rho of the second: products -1 + 3 over 4 squares at its four points
    sums = sum(0.5**lag * (4 - lag) for lag in (1, 2, 3))
    np.testing.assert_allclose(found, [1.0, np.sqrt(1 + 2 * sums / 4)])
    found = inflation([[1.0] * 400], [1.0] * 400)
    sums = sum(0.97**lag * (400 - lag) for lag in range(1, 400))
    np.testing.assert_allclose(found, np.sqrt(1 + 2 * sums / 400))


def test_nothing_there_inflates_nothing() -> None:
    np.testing.assert_array_equal(inflation([[0, 0, 0]], [1, 2, 3]), 1.0)
    np.testing.assert_array_equal(inflation([[1, 1, 1]], [0, 0, 0]), 1.0)


def test_products_at_all_lags() -> None:
    curve = np.random.default_rng(0).standard_normal(30)
    for rho in (0.0, 0.3, 0.9):
        direct = sum(rho**lag * curve[lag:] @ curve[:-lag] for lag in range(1, 30))
        np.testing.assert_allclose(residuals.sum_correlated_products(curve, rho), direct)
