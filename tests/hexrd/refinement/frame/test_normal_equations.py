"""Normal equations against finite differences of the model, and against those of all unknowns
together."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import (
    WAVELENGTH,
    make_dense,
    make_design,
    make_parameters,
    make_pattern,
    make_prior,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import normal_equations as ne
from ssbchar.hexrd.refinement.frame.bordered_band import expand_to_dense
from ssbchar.hexrd.refinement.frame.intensities import build_equations, solve_linear
from ssbchar.hexrd.refinement.frame.model import build_model
from ssbchar.hexrd.refinement.frame.parameters import (
    GaussianPrior,
    ParameterKind,
    move_parameters,
    vector_from_parameters,
)


def setup(free=(3, 0), noise=1.0, **changes):
    series = make_series(free=free)
    parameters = make_parameters(**changes)
    problem = make_problem(series, make_pattern(series, make_parameters(zero=0.0), noise=noise))
    model = build_model(series, parameters, (0, 1))
    solved = solve_linear(problem, model, parameters)
    equations = ne.build_normal_equations(problem, model, solved, parameters)
    return problem, model, solved, parameters, equations


@pytest.mark.parametrize("free", [(3, 0), (5, 6), (0, 0)])
def test_the_jacobian_is_that_of_finite_differences(free: tuple[int, int]) -> None:
    problem, model, solved, parameters, equations = setup(free, noise=0.0)
    log_b = -2 * (np.sin(np.radians(model.predicted.two_theta) / 2) / WAVELENGTH) ** 2

    def curve(step: np.ndarray) -> np.ndarray:
        moved = move_parameters(parameters, problem.layout, step)
        at = build_model(problem.series, moved, (0, 1))
        change = moved.overall_b - parameters.overall_b
        factor = np.where(model.is_free, 1.0, np.exp(change[model.owner] * log_b))
        return np.asarray(make_dense(at.profiles.phi) @ (solved.intensity * factor))

    for i, kind in enumerate(problem.layout.kinds):
        h = 1e-7 if kind in (ParameterKind.ZERO, ParameterKind.STRAIN) else 1e-6
        step = np.zeros(problem.layout.size)
        step[i] = h
        numerical = (curve(step) - curve(-step)) / (2 * h)
        analytic = equations.jacobian[i]
        if free == (5, 6) and kind == ParameterKind.OVERALL_B:
            np.testing.assert_array_equal(analytic, 0.0)
            continue
        # at the edges of windows, which may move by a point, the difference is none
        apart = np.abs(numerical - analytic) > 1e-3 * np.abs(analytic).max()
        assert apart.sum() <= 8, (kind, apart.sum())


def test_the_derivative_by_a_held_zero_is_there_too() -> None:
    *_, free = setup()
    series, parameters = make_series(), make_parameters()
    prior = make_prior(zero=GaussianPrior(mean=0.002, sigma=0.0))
    pattern = make_pattern(series, make_parameters(zero=0.0), noise=1.0)
    problem = make_problem(series, pattern, prior)
    model = build_model(series, parameters, (0, 1))
    solved = solve_linear(problem, model, parameters)
    held = ne.build_normal_equations(problem, model, solved, parameters)
    assert len(held.jacobian) == len(free.jacobian) - 1
    np.testing.assert_allclose(held.by_zero, free.jacobian[0])
    np.testing.assert_array_equal(free.by_zero, free.jacobian[0])


def test_the_linear_part_is_projected_out() -> None:
    problem, model, solved, parameters, equations = setup()
    weight = problem.pattern.weight
    normal = expand_to_dense(build_equations(problem, model, parameters).normal)
    design = make_design(model, solved.scale_curves)
    jacobian = equations.jacobian.T
    cross = design.T @ (weight[:, None] * jacobian)
    prior = np.diag(problem.layout.prior_precision)
    whole = np.block(
        [[normal, cross], [cross.T, jacobian.T @ (weight[:, None] * jacobian) + prior]]
    )
    scale = 1 / np.sqrt(np.diagonal(whole))
    inverse = np.linalg.inv(whole * np.outer(scale, scale)) * np.outer(scale, scale)
    n = len(normal)
    np.testing.assert_allclose(equations.covariance, inverse[n:, n:], rtol=2e-3, atol=1e-12)
    np.testing.assert_allclose(
        equations.covariance @ (equations.matrix + np.diag(equations.prior_weight)),
        np.eye(problem.layout.size),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        equations.linear_response, np.linalg.solve(normal, cross), rtol=2e-2, atol=0.5
    )
    np.testing.assert_allclose(equations.stderr, np.sqrt(np.diagonal(equations.covariance)))


def test_the_gradient_points_downhill_of_misfit_and_priors() -> None:
    problem, _, solved, parameters, equations = setup()
    missed = vector_from_parameters(problem.layout, parameters) - problem.layout.prior_mean
    np.testing.assert_allclose(missed, 0, atol=1e-15)
    plain = (problem.pattern.weight * equations.jacobian) @ solved.residual
    np.testing.assert_allclose(equations.gradient, plain)
    prior = make_prior(zero=GaussianPrior(mean=0.012, sigma=0.01))
    off = make_problem(problem.series, problem.pattern, prior)
    model = build_model(off.series, parameters, (0, 1))
    again = ne.build_normal_equations(off, model, solved, parameters)
    # 0.01 below its mean, with weight 1 / 0.01^2: pulled up by 100
    np.testing.assert_allclose(again.gradient[0] - plain[0], 100.0, rtol=1e-6)


def test_errors_are_inflated_and_priors_keep_their_proportion() -> None:
    _, _, _, _, plain = setup()
    problem, _, _, _, inflated = setup(inflation=np.array([2.0, 2.0]))
    np.testing.assert_allclose(inflated.prior_weight, 4 * plain.prior_weight)
    ratio = inflated.stderr / plain.stderr
    strains = problem.layout.rows[ParameterKind.STRAIN]
    np.testing.assert_allclose(ratio[strains], 2.0, rtol=0.1)
    assert np.all((ratio > 1.0) & (ratio <= 2.0))


def test_a_full_step_solves_the_equations_and_damping_shortens_it() -> None:
    *_, equations = setup()
    full = equations.matrix + np.diag(equations.prior_weight)
    step = ne.solve_gauss_newton_step(equations, 0.0)
    np.testing.assert_allclose(full @ step, equations.gradient, rtol=1e-5, atol=1e-4)
    damped = ne.solve_gauss_newton_step(equations, 0.5)
    stiff = full + 0.5 * np.diag(np.diagonal(full))
    np.testing.assert_allclose(stiff @ damped, equations.gradient, rtol=1e-6, atol=1e-6)
    strong = ne.solve_gauss_newton_step(equations, 1e6)
    np.testing.assert_allclose(strong, equations.gradient / np.diagonal(full) / 1e6, rtol=1e-4)


def test_a_step_leads_back_to_the_truth() -> None:
    series = make_series()
    truth = make_parameters()
    problem = make_problem(series, make_pattern(series, truth))
    moved = replace(truth, zero=truth.zero + 2e-4, strain=truth.strain + 1e-5)
    model = build_model(series, moved, (0, 1))
    solved = solve_linear(problem, model, moved)
    equations = ne.build_normal_equations(problem, model, solved, moved)
    step = ne.solve_gauss_newton_step(equations, 0.0)
    rows = problem.layout.rows
    np.testing.assert_allclose(step[rows[ParameterKind.ZERO]], -2e-4, rtol=0.05)
    np.testing.assert_allclose(step[rows[ParameterKind.STRAIN]], -1e-5, rtol=0.3)


def test_no_parameters_no_step() -> None:
    empty = np.empty((0, 0))
    none = ne.NormalEquations(
        matrix=empty,
        gradient=np.empty(0),
        prior_weight=np.empty(0),
        jacobian=empty,
        by_zero=np.empty(0),
        linear_response=empty,
        covariance=empty,
        stderr=np.empty(0),
    )
    assert ne.solve_gauss_newton_step(none, 0.1).size == 0


def test_a_step_does_not_depend_on_the_units_of_the_parameters() -> None:
    """Of curvatures 1e200, 1 and 1e-200 the step is gradient over curvature."""
    curvature = np.array([1e200, 1.0, 1e-200])
    one = ne.NormalEquations(
        matrix=np.diag(curvature),
        gradient=np.array([3e200, -2.0, 5e-200]),
        prior_weight=np.zeros(3),
        jacobian=np.empty((3, 0)),
        by_zero=np.empty(0),
        linear_response=np.empty((0, 3)),
        covariance=np.empty((3, 3)),
        stderr=np.empty(3),
    )
    np.testing.assert_allclose(ne.solve_gauss_newton_step(one, 0.0), [3.0, -2.0, 5.0])
    np.testing.assert_allclose(ne.solve_gauss_newton_step(one, 1.0), [1.5, -1.0, 2.5])
