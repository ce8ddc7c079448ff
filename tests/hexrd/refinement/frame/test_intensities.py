"""The linear part against dense least squares with the priors as further rows; inflation by
hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_frame import (
    AMOUNTS,
    LEVEL,
    make_parameters,
    make_pattern,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import intensities as lin
from ssbchar.hexrd.refinement.frame.model import build_model
from ssbchar.hexrd.refinement.frame.series import FramePattern


def solve(problem, parameters):
    model = build_model(problem.series, parameters, problem.present, problem.layout)
    return model, lin.solve_linear(problem, model, parameters)


def dense_answer(problem, model, parameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unknowns, design and right side of the same problem, priors as rows."""
    free, count = int(model.is_free.sum()), problem.phase_count
    design = np.hstack([model.free_profiles.toarray(), model.dense])
    root = np.sqrt(problem.pattern.weight)
    rows, right = [design * root[:, None]], [problem.pattern.intensity * root]
    for r in range(free):
        phase = problem.present[model.owner[r]]
        own = model.expected[:free][model.owner[:free] == model.owner[r]]
        share = max(model.expected[r], 0.05 * own.mean())
        spread = problem.series.intensity_freedom[phase] * share * parameters.amount[phase]
        row = np.zeros(design.shape[1])
        row[r] = 1.0
        row[free + problem.term_count + model.owner[r]] = -model.expected[r]
        rows.append(row[None] * parameters.inflation[phase] / spread)
        right.append(np.zeros(1))
    assert count == 2
    design, right = np.vstack(rows), np.concatenate(right)
    return np.linalg.lstsq(design, right, rcond=None)[0], design, right


@pytest.mark.parametrize("inflation", [1.0, 3.0])
def test_background_and_intensities_are_the_least_squares_with_their_priors(
    inflation: float,
) -> None:
    series = make_series(free=(5, 4))
    pattern = make_pattern(series, make_parameters(zero=0.004), noise=1.0)
    problem = make_problem(series, pattern)
    parameters = make_parameters(inflation=np.array([inflation, 2 * inflation]))
    model, solved = solve(problem, parameters)
    answer, design, right = dense_answer(problem, model, parameters)
    free = 9
    np.testing.assert_allclose(solved.intensity[:free], answer[:free], rtol=1e-5, atol=1e-3)
    scales = answer[free + 6 :]
    np.testing.assert_allclose(
        solved.intensity[free:],
        scales[model.owner[free:]] * model.expected[free:],
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(solved.background, series.background_terms @ answer[9:15], rtol=1e-6)
    assert solved.misfit == pytest.approx(np.sum((design @ answer - right) ** 2), rel=1e-6)
    calculated = solved.background + model.profiles.shape @ solved.intensity
    np.testing.assert_allclose(solved.residual, pattern.intensity - calculated, atol=1e-9)
    assert solved.free_count == 9
    # the inverse is that of the normal matrix with the priors in it
    curves = np.random.default_rng(1).standard_normal((17, 2))
    exact = np.linalg.solve(design.T @ design, curves)
    np.testing.assert_allclose(solved.solve(curves), exact, rtol=1e-3, atol=1e-6)


def test_a_narrower_prior_holds_intensities_to_the_pattern() -> None:
    series = replace(make_series(free=(5, 6)), intensity_freedom=np.array([1e-5, 1e-5]))
    problem = make_problem(series, make_pattern(series, noise=1.0))
    model, solved = solve(problem, make_parameters())
    total = np.bincount(model.owner, solved.intensity)
    np.testing.assert_allclose(solved.intensity, total[model.owner] * model.expected, rtol=1e-3)


def test_priors_of_weak_reflections_get_no_narrower_than_a_share_of_the_mean() -> None:
    spread = lin._compute_prior_spread(
        np.array([0.6, 0.39, 0.01, 0.5]),
        np.array([0, 0, 0, 1]),
        np.array([0.5, 0.25]),
        np.array([100.0, 8.0]),
    )
    mean = 1.0 / 3
    np.testing.assert_allclose(spread, [30.0, 19.5, 0.05 * mean * 50, 1.0])
    spread = lin._compute_prior_spread(np.ones(1), np.zeros(1, int), np.ones(1), np.array([-5.0]))
    np.testing.assert_allclose(spread, 1e-9)


def test_without_amounts_each_phase_has_its_pattern_and_one_scale() -> None:
    series = make_series()
    problem = make_problem(series, make_pattern(series))
    parameters = make_parameters(amount=np.array([np.nan, 150.0]))
    model, solved = solve(problem, parameters)
    assert solved.free_profiles is None and solved.free_count == 0
    np.testing.assert_allclose(
        solved.intensity, np.array(AMOUNTS)[model.owner] * model.expected, rtol=1e-5
    )
    np.testing.assert_allclose(solved.background, LEVEL, rtol=1e-6)
    np.testing.assert_allclose(
        lin.stack_dense_profiles(problem, model, solved)[:, 6:],
        model.profiles.shape @ model.spread_patterns(2),
    )
    assert solved.misfit < 1e-3


def test_negative_intensities_are_zero_and_the_rest_is_solved_without_them() -> None:
    series = make_series(free=(5, 6))
    pattern = make_pattern(series)
    parameters = make_parameters()
    problem = make_problem(series, pattern)
    model = build_model(series, parameters, (0, 1), problem.layout)
    # a dip where the strongest reflection of the first phase is
    column = int(np.argmax(np.where(model.owner == 0, model.expected, 0)))
    dip = model.profiles.shape[:, [column]].toarray()[:, 0]
    dipped = FramePattern(
        intensity=pattern.intensity - 2 * AMOUNTS[0] * model.expected[column] * dip,
        weight=pattern.weight,
    )
    problem = make_problem(series, dipped)
    loose = replace(series, intensity_freedom=np.array([5.0, 5.0]))
    problem = replace(problem, series=loose)
    model, solved = solve(problem, parameters)
    assert np.all(solved.intensity[:11] >= 0)
    bound = np.setdiff1d(np.arange(11), solved.columns)
    assert column in bound and bound.size < 4
    np.testing.assert_array_equal(solved.intensity[bound], 0.0)
    assert solved.free_profiles.shape[1] == solved.free_count == 11 - bound.size
    # the others solve their equations, and no column at its bound wants to grow
    equations = lin.build_equations(problem, model, parameters)
    free = np.setdiff1d(np.arange(equations.target.size), bound)
    unknowns = np.zeros(equations.target.size)
    inner = equations.normal[np.ix_(free, free)]
    unknowns[free] = np.linalg.solve(inner, equations.target[free])
    np.testing.assert_allclose(solved.intensity[:11], unknowns[:11], rtol=1e-5, atol=1e-4)
    downhill = equations.target - equations.normal @ unknowns
    assert np.all(downhill[bound] < 0)


def test_products_with_the_profiles_are_in_the_order_of_the_unknowns() -> None:
    problem = make_problem()
    model, solved = solve(problem, make_parameters())
    curves = np.random.default_rng(0).standard_normal((problem.pattern.weight.size, 3))
    found = solved.project(problem, model, curves)
    design = np.hstack([model.free_profiles.toarray(), model.dense])
    np.testing.assert_allclose(found, design.T @ curves, atol=1e-9)


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="leading minor 2"):
        lin._factor_cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))


def by_hand(shape, intensity, residual, weight, owner=None):
    """Return inflations of a model whose profiles are given as a matrix (points, columns)."""
    owner = np.zeros(len(intensity), int) if owner is None else owner
    model = SimpleNamespace(profiles=SimpleNamespace(shape=np.asarray(shape, float)), owner=owner)
    pattern = FramePattern(intensity=np.zeros(len(residual)), weight=np.asarray(weight, float))
    problem = SimpleNamespace(phase_count=int(owner.max()) + 1, pattern=pattern, present=(0,))
    solved = SimpleNamespace(
        intensity=np.asarray(intensity, float), residual=np.asarray(residual, float)
    )
    return problem, model, solved


def test_inflation_of_four_points_by_hand() -> None:
    # chi2 4, rho (4 - 4 + 4) / 12 = 1/3, overlaps 3, 2 and 1 of 4 at lags 1, 2 and 3
    problem, model, solved = by_hand(np.ones((4, 1)), [1.0], [2, 2, -2, -2], [1] * 4)
    sums = 3 / 3 + 2 / 9 + 1 / 27
    expected = np.sqrt(4 * (1 + 2 * sums / 4))
    np.testing.assert_allclose(lin.estimate_inflations(problem, model, solved), expected)
    # the same in other units: weights and profile scale out
    problem, model, solved = by_hand(np.ones((4, 1)), [7.0], [4, 4, -4, -4], [0.25] * 4)
    np.testing.assert_allclose(lin.estimate_inflations(problem, model, solved), expected)


def test_a_fit_better_than_its_errors_is_not_rewarded() -> None:
    problem, model, solved = by_hand(np.ones((4, 1)), [1.0], [0.1, -0.1, 0.1, -0.1], [1] * 4)
    np.testing.assert_allclose(lin.estimate_inflations(problem, model, solved), 1.0)


def test_correlation_is_bounded_and_counts_under_the_own_peaks_alone() -> None:
    # two phases, each on its half; the second half of the residual is constant
    shape = np.zeros((8, 2))
    shape[:4, 0] = shape[4:, 1] = 1
    residual = [1, -1, 1, -1, 1, 1, 1, 1]
    problem, model, solved = by_hand(shape, [1, 1], residual, [1] * 8, np.array([0, 1]))
    found = lin.estimate_inflations(problem, model, solved)
    # rho of the second: products -1 + 3 over 4 squares at its four points
    sums = sum(0.5**lag * (4 - lag) for lag in (1, 2, 3))
    np.testing.assert_allclose(found, [1.0, np.sqrt(1 + 2 * sums / 4)])
    problem, model, solved = by_hand(np.ones((400, 1)), [1.0], [1.0] * 400, [1] * 400)
    lags = int(np.ceil(np.log(1e-3) / np.log(0.97)))
    sums = sum(0.97**lag * (400 - lag) for lag in range(1, 1 + lags))
    np.testing.assert_allclose(
        lin.estimate_inflations(problem, model, solved), np.sqrt(1 + 2 * sums / 400)
    )


def test_amounts_goodness_and_first_inflations_are_taken_over() -> None:
    series = make_series()
    problem = make_problem(series, make_pattern(series, noise=0.9))
    parameters = make_parameters(amount=np.full(2, np.nan), inflation=np.array([5.0, 5.0]))
    model, solved = solve(problem, parameters)
    after = lin.update_amounts(problem, model, solved, parameters)
    np.testing.assert_allclose(after.amount, AMOUNTS, rtol=0.1)
    estimated = lin.estimate_inflations(problem, model, solved)
    np.testing.assert_allclose(after.inflation, estimated)
    assert np.all(estimated < 1.5)
    assert after.goodness == 1.0
    known = make_parameters(inflation=np.array([5.0, 5.0]))
    off = replace(solved, residual=np.full(1501, 3.0) / np.sqrt(problem.pattern.weight))
    after = lin.update_amounts(problem, model, off, known)
    np.testing.assert_allclose(after.inflation, 5.0)
    assert after.goodness == pytest.approx(3.0)


def test_amounts_stay_positive() -> None:
    np.testing.assert_allclose(lin.bound_amounts(np.array([100.0, -3.0])), [100.0, 0.01])
    np.testing.assert_allclose(lin.bound_amounts(np.array([2.0, -100.0])), [2.0, 0.01])
