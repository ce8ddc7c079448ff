"""The Cholesky factor of a bordered band against dense solutions."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement.frame import bordered_band as bb


def make_matrix(n: int = 9, m: int = 3, neighbours: int = 4) -> tuple[bb.BorderedBand, np.ndarray]:
    """Return the normal matrix of overlapping windows and whole curves, and the same as dense."""
    rng = np.random.default_rng(n + 10 * m)
    curves = rng.uniform(0.5, 1.5, (n + m, 2 * (n + neighbours) + 4))
    for i in range(n):
        curves[i, : 2 * i] = curves[i, 2 * (i + neighbours) :] = 0.0
    dense = curves @ curves.T
    band = np.array(
        [[dense[i, i + k] if i + k < n else 0.0 for k in range(neighbours)] for i in range(n)]
    ).reshape(n, neighbours)
    corner = np.ascontiguousarray(dense[n:, n:])
    return bb.BorderedBand(band, np.ascontiguousarray(dense[:n, n:]), corner), dense


@pytest.mark.parametrize(("n", "m"), [(9, 3), (1, 1), (0, 4), (9, 0), (2, 5)])
def test_solutions_are_those_of_the_dense_matrix(n: int, m: int) -> None:
    matrix, dense = make_matrix(n, m)
    np.testing.assert_array_equal(bb.expand_to_dense(matrix), dense)
    right = np.random.default_rng(5).standard_normal((n + m, 2))
    found = bb.solve_cholesky(bb.factor_cholesky(matrix), right)
    np.testing.assert_allclose(found, np.linalg.solve(dense, right), rtol=1e-6, atol=1e-7)


def test_the_factor_is_that_of_cholesky() -> None:
    matrix, dense = make_matrix()
    factor = bb.factor_cholesky(matrix)
    upper = np.linalg.cholesky(dense).T
    for i in range(9):
        for k in range(min(4, 9 - i)):
            assert factor.band[i, k] == pytest.approx(upper[i, i + k], rel=1e-7, abs=1e-8)
    np.testing.assert_allclose(factor.border, upper[:9, 9:], rtol=1e-6, atol=1e-8)
    for i in range(3):
        np.testing.assert_allclose(factor.corner[i, : 3 - i], upper[9 + i, 9 + i :], rtol=1e-5)


def test_the_matrix_itself_stays() -> None:
    matrix, dense = make_matrix()
    factor = bb.factor_cholesky(matrix)
    right = np.ones((12, 1))
    bb.solve_cholesky(factor, right)
    bb.hold_at_zero(matrix, np.arange(9) == 2)
    np.testing.assert_array_equal(bb.expand_to_dense(matrix), dense)
    np.testing.assert_array_equal(right, 1.0)


def test_unknowns_held_at_zero_leave_the_others_their_equations() -> None:
    matrix, dense = make_matrix()
    held = np.isin(np.arange(9), (0, 3, 4, 8))
    found = bb.expand_to_dense(bb.hold_at_zero(matrix, held))
    out = np.concatenate([held, np.zeros(3, bool)])
    expected = np.where(out[:, None] | out, 0.0, dense) + np.diag(out.astype(float))
    np.testing.assert_array_equal(found, expected)


def test_unknowns_that_would_be_negative_are_held_at_zero() -> None:
    matrix, dense = make_matrix()
    rng = np.random.default_rng(8)
    target = dense @ np.concatenate([rng.uniform(-0.4, 1.0, 9), [-3.0, 1.0, 2.0]])
    solution, held, factor = bb.solve_non_negative(matrix, target)
    assert 0 < held.sum() < 9 and np.all(solution[:9] >= 0)
    out = np.concatenate([held, np.zeros(3, bool)])
    np.testing.assert_array_equal(solution[out], 0.0)
    free = ~out
    exact = np.linalg.solve(dense[np.ix_(free, free)], target[free])
    np.testing.assert_allclose(solution[free], exact, rtol=1e-5, atol=1e-6)
    right = np.where(out, 0.0, target)[:, None]
    np.testing.assert_allclose(bb.solve_cholesky(factor, right)[:, 0], solution)
    # nothing is held where nothing is negative
    found, held, _ = bb.solve_non_negative(matrix, dense @ np.arange(1.0, 13.0))
    np.testing.assert_allclose(found, np.arange(1.0, 13.0), rtol=1e-6)
    assert not held.any()
    none, held, _ = bb.solve_non_negative(make_matrix(0, 4)[0], np.ones(4))
    assert none.size == 4 and held.size == 0


def test_an_unknown_that_nothing_depends_on_is_left_alone() -> None:
    matrix, _ = make_matrix()
    band, border, corner = (part.copy() for part in matrix)
    for k in range(4):  # row and column 5
        band[5, k] = band[5 - k, k] = 0.0
    border[5] = 0.0
    border[:, 1] = corner[1] = corner[:, 1] = 0.0
    right = np.random.default_rng(6).standard_normal((12, 1))
    found = bb.solve_cholesky(bb.factor_cholesky(bb.BorderedBand(band, border, corner)), right)
    rest = np.setdiff1d(np.arange(12), [5, 10])
    dense = bb.expand_to_dense(bb.BorderedBand(band, border, corner))
    exact = np.linalg.solve(dense[np.ix_(rest, rest)], right[rest])
    np.testing.assert_allclose(found[rest], exact, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found[[5, 10]], right[[5, 10]])


def test_two_equal_columns_share_what_there_is() -> None:
    """The ridge keeps a singular matrix solvable: equal unknowns come out equal."""
    band, border = np.array([[2.0, 2.0], [2.0, 0.0]]), np.zeros((2, 0))
    factor = bb.factor_cholesky(bb.BorderedBand(band, border, np.zeros((0, 0))))
    found = bb.solve_cholesky(factor, np.array([[2.0], [2.0]]))
    np.testing.assert_allclose(found[:, 0], 0.5, rtol=1e-4)
    assert bb.raise_diagonal(2.0) == 2.0 * (1 + 1e-10) and bb.raise_diagonal(0.0) == 1.0


@pytest.mark.parametrize("second", [-1.0, np.nan])
def test_a_matrix_that_is_not_positive_is_refused(second: float) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        bb.factor_band(np.array([[1.0, 2.0], [second, 0.0]]))
