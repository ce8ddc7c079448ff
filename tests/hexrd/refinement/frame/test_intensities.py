"""The linear part against dense least squares with the priors as further rows."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import (
    AMOUNTS,
    AXIS,
    LEVEL,
    make_dense,
    make_design,
    make_parameters,
    make_pattern,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import intensities as lin
from ssbchar.hexrd.refinement.frame.bordered_band import expand_to_dense
from ssbchar.hexrd.refinement.frame.model import build_model
from ssbchar.hexrd.refinement.frame.residuals import inflation_from_residual
from ssbchar.hexrd.refinement.frame.series import FramePattern


def solve(problem, parameters):
    model = build_model(problem.series, parameters, problem.present)
    return model, lin.solve_linear(problem, model, parameters)


def dense_answer(problem, model, solved, parameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unknowns, design and right side of the same problem, priors as rows."""
    free, count = model.free.size, problem.phase_count
    design = make_design(model, solved.scale_curves)
    root = np.sqrt(problem.pattern.weight)
    rows, right = [design * root[:, None]], [problem.pattern.intensity * root]
    for n, r in enumerate(model.free):
        phase = problem.present[model.owner[r]]
        own = model.expected[model.is_free & (model.owner == model.owner[r])]
        share = max(model.expected[r], 0.05 * own.mean())
        spread = problem.series.intensity_freedom[phase] * share * parameters.amount[phase]
        row = np.zeros(design.shape[1])
        row[n] = 1.0
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
    answer, design, right = dense_answer(problem, model, solved, parameters)
    free, following = model.free, np.flatnonzero(~model.is_free)
    assert free.size == 9
    np.testing.assert_allclose(solved.intensity[free], answer[:9], rtol=1e-5, atol=1e-3)
    scales = answer[9 + 6 :]
    np.testing.assert_allclose(
        solved.intensity[following],
        scales[model.owner[following]] * model.expected[following],
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(solved.background, answer[9:15] @ series.background_terms, rtol=1e-6)
    assert solved.misfit == pytest.approx(np.sum((design @ answer - right) ** 2), rel=1e-6)
    calculated = solved.background + make_dense(model.profiles.phi) @ solved.intensity
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
    weight = lin.weigh_intensities(
        np.array([0.6, 0.39, 0.01, 0.5]),
        np.array([0, 0, 0, 1]),
        np.array([0.5 * 100.0, 0.25 * 8.0]),
        np.array([1.0, 3.0]),
    )
    mean = 1.0 / 3
    spread = np.array([30.0, 19.5, 0.05 * mean * 50, 1.0])
    np.testing.assert_allclose(weight, np.array([1, 1, 1, 9]) / spread**2)
    weight = lin.weigh_intensities(np.ones(1), np.zeros(1, int), np.array([-5.0]), np.ones(1))
    np.testing.assert_allclose(weight, 1e18)


def test_without_amounts_each_phase_has_its_pattern_and_one_scale() -> None:
    series = make_series()
    problem = make_problem(series, make_pattern(series))
    parameters = make_parameters(amount=np.array([np.nan, 150.0]))
    model, solved = solve(problem, parameters)
    assert solved.free.size == 0 and solved.free_count == 0
    np.testing.assert_allclose(
        solved.intensity, np.array(AMOUNTS)[model.owner] * model.expected, rtol=1e-5
    )
    np.testing.assert_allclose(solved.background, LEVEL, rtol=1e-6)
    np.testing.assert_allclose(solved.scale_curves, model.sum_by_phase(model.expected, AXIS.size))
    assert solved.misfit < 1e-3


def test_negative_intensities_are_zero_and_the_rest_is_solved_without_them() -> None:
    series = make_series(free=(5, 6))
    pattern = make_pattern(series)
    parameters = make_parameters()
    problem = make_problem(series, pattern)
    model = build_model(series, parameters, (0, 1))
    # a dip where the strongest reflection of the first phase is
    column = int(np.argmax(np.where(model.owner == 0, model.expected, 0)))
    dip = make_dense(model.profiles.phi)[:, column]
    dipped = FramePattern(
        intensity=pattern.intensity - 2 * AMOUNTS[0] * model.expected[column] * dip,
        weight=pattern.weight,
    )
    problem = make_problem(series, dipped)
    loose = replace(series, intensity_freedom=np.array([5.0, 5.0]))
    problem = replace(problem, series=loose)
    model, solved = solve(problem, parameters)
    assert np.all(solved.intensity >= 0)
    bound = np.flatnonzero(solved.at_bound)
    assert column in solved.free[bound] and bound.size < 4
    np.testing.assert_array_equal(solved.intensity[solved.free[bound]], 0.0)
    assert solved.free_count == 11 - bound.size
    # the others solve their equations, and no intensity at its bound wants to grow
    equations = lin.build_equations(problem, model, parameters)
    normal = expand_to_dense(equations.normal)
    free = np.setdiff1d(np.arange(equations.target.size), bound)
    unknowns = np.zeros(equations.target.size)
    unknowns[free] = np.linalg.solve(normal[np.ix_(free, free)], equations.target[free])
    np.testing.assert_allclose(solved.intensity[solved.free], unknowns[:11], rtol=1e-5, atol=1e-4)
    downhill = equations.target - normal @ unknowns
    assert np.all(downhill[bound] < 0)
    # nothing moves what is at its bound
    right = np.random.default_rng(2).standard_normal((equations.target.size, 2))
    response = solved.solve(right)
    np.testing.assert_array_equal(response[bound], 0.0)
    exact = np.linalg.solve(normal[np.ix_(free, free)], right[free])
    np.testing.assert_allclose(response[free], exact, rtol=1e-4, atol=1e-6)


def test_products_with_the_profiles_are_in_the_order_of_the_unknowns() -> None:
    problem = make_problem()
    model, solved = solve(problem, make_parameters())
    curves = np.random.default_rng(0).standard_normal((3, problem.pattern.weight.size))
    found = solved.project(problem, model, curves)
    design = make_design(model, solved.scale_curves)
    np.testing.assert_allclose(found, design.T @ curves.T, atol=1e-9)


def test_inflation_is_that_of_each_phase_under_its_own_lines() -> None:
    problem = make_problem(pattern=make_pattern(make_series(), make_parameters(), noise=1.5))
    model, solved = solve(problem, make_parameters())
    root = np.sqrt(problem.pattern.weight)
    phi = make_dense(model.profiles.phi) * root[:, None]
    found = lin.estimate_inflations(problem, model, solved)
    for phase, own in enumerate(model.ranges):
        profile = phi[:, own] @ np.maximum(solved.intensity[own], 0)
        expected = inflation_from_residual(profile[None], solved.residual * root)
        np.testing.assert_allclose(found[phase], expected[0])
    assert np.all(found > 1.2)


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
    off = solved._replace(residual=np.full(1501, 3.0) / np.sqrt(problem.pattern.weight))
    after = lin.update_amounts(problem, model, off, known)
    np.testing.assert_allclose(after.inflation, 5.0)
    assert after.goodness == pytest.approx(3.0)


def test_amounts_stay_positive() -> None:
    np.testing.assert_allclose(lin.bound_amounts(np.array([100.0, -3.0])), [100.0, 0.01])
    np.testing.assert_allclose(lin.bound_amounts(np.array([2.0, -100.0])), [2.0, 0.01])
