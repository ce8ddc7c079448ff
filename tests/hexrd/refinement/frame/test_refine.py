"""One frame refined: the truth within its errors, bounds of iterations, and the short cuts that end
it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_frame import (
    AMOUNTS,
    LEVEL,
    make_dense,
    make_parameters,
    make_pattern,
    make_prior,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import refine as r
from ssbchar.hexrd.refinement.frame.intensities import solve_linear
from ssbchar.hexrd.refinement.frame.model import build_model
from ssbchar.hexrd.refinement.frame.normal_equations import Iterate, build_normal_equations
from ssbchar.hexrd.refinement.frame.parameters import (
    GaussianPrior,
    ParameterKind,
    move_parameters,
)

CONVERGENCE = r.Convergence(iterations=12, tolerance=0.1)
ACCURATE = r.Convergence(
    iterations=40, tolerance=0.01, linear_range=r.LinearRange(position=1e-6, width=1e-6)
)


def displaced(truth, strain: float = 5e-4):
    return replace(
        truth,
        zero=truth.zero + 2e-3,
        strain=truth.strain + strain * np.array([1.0, 1, 0, 0, 0, 0]),
        gauss_fwhm=0.06,
        log_size_width=truth.log_size_width + 0.5,
    )


def refined(noise: float, seed: int = 0, convergence=ACCURATE, start=None, free=(5, 0)):
    series, truth = make_series(free=free), make_parameters()
    pattern = make_pattern(series, truth, noise=noise, seed=seed)
    start = start or displaced(truth)
    prior = make_prior(start, gauss_fwhm=GaussianPrior(mean=0.05, sigma=0.03))
    return r.refine_frame(
        series, pattern, (0, 1), start=start, prior=prior, convergence=convergence
    )


def test_a_displaced_start_comes_back_to_the_truth() -> None:
    fit, truth = refined(0.0), make_parameters()
    assert fit.converged and fit.present == (0, 1)
    for phase, free in ((0, 1), (1, 2)):
        found, true = (p.strain[phase, :free] for p in (fit.parameters, truth))
        np.testing.assert_allclose(found, true, atol=2e-5)
    np.testing.assert_allclose(fit.parameters.zero, truth.zero, atol=5e-4)
    np.testing.assert_allclose(fit.intensity, AMOUNTS, rtol=0.02)
    np.testing.assert_allclose(fit.background, LEVEL, rtol=0.01)
    assert fit.misfit < 0.1


def test_results_lie_within_their_errors() -> None:
    truth, pulls = make_parameters(), []
    for seed in range(12):
        fit = refined(1.0, seed)
        assert fit.converged
        for i, phase in enumerate((0, 1)):
            error = np.sqrt(np.diagonal(fit.strain_covariance[i]))
            free = error.size
            pulls += list(
                (fit.parameters.strain[phase, :free] - truth.strain[phase, :free]) / error
            )
        pulls += list((fit.intensity - AMOUNTS) / fit.intensity_stderr)
        pulls.append((fit.parameters.zero - truth.zero) / fit.zero_stderr)
        assert 1200 < fit.misfit < 1800
    assert 0.6 < np.std(pulls) < 1.4 and np.max(np.abs(pulls)) < 4


def test_without_phases_the_background_alone_is_fitted() -> None:
    series = make_series()
    pattern = make_pattern(series, noise=1.0)
    start = make_parameters()
    fit = r.refine_frame(
        series, pattern, (), start=start, prior=make_prior(), convergence=CONVERGENCE
    )
    root = np.sqrt(pattern.weight)
    terms = series.background_terms
    answer = np.linalg.lstsq((terms * root).T, pattern.intensity * root, rcond=None)[0]
    np.testing.assert_allclose(fit.background, answer @ terms, rtol=1e-8)
    np.testing.assert_array_equal(fit.calculated, fit.background)
    assert fit.converged and fit.present == () and fit.parameter_count == 6
    assert fit.zero_stderr == 0.0 and fit.parameters is start
    for name in ("intensity", "intensity_stderr", "intensity_stderr_fixed"):
        assert getattr(fit, name).size == 0
    residual = pattern.intensity - fit.background
    assert fit.misfit == pytest.approx(float(pattern.weight @ residual**2))


def test_too_few_iterations_do_not_converge() -> None:
    few = r.Convergence(
        iterations=1, tolerance=1e-6, linear_range=r.LinearRange(position=1e-9, width=1e-9)
    )
    fit = refined(0.0, convergence=few)
    assert not fit.converged
    many = replace(few, iterations=40)
    assert refined(0.0, convergence=many).converged


@pytest.mark.parametrize("iterations", [1, 3])
def test_the_pattern_is_looked_at_once_more_than_there_are_steps(
    iterations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def count_models(*given):
        seen.append(given)
        return build_model(*given)

    monkeypatch.setattr(r, "build_model", count_models)
    strict = r.Convergence(iterations=iterations, tolerance=1e-12, linear_range=NOTHING_LINEAR)
    refined(1.0, convergence=strict)
    assert len(seen) == iterations + 1


def dampings(priors: list[float], monkeypatch: pytest.MonkeyPatch, iterations: int):
    """Return the damping of each step where the priors' squares are these, and the fit."""
    squares = iter(priors)
    seen: list[float] = []
    solve = r.solve_gauss_newton_step

    def record(equations, damping):
        seen.append(damping)
        return 1e-6 * solve(equations, damping)

    monkeypatch.setattr(r, "sum_prior_squares", lambda layout, parameters: next(squares))
    monkeypatch.setattr(r, "solve_gauss_newton_step", record)
    monkeypatch.setattr(r, "_is_last_step", lambda *given: False)
    strict = r.Convergence(iterations=iterations, tolerance=1e-12)
    fit = refined(0.0, convergence=strict)
    return seen, fit


def test_steps_that_make_it_worse_are_damped_and_tried_again(monkeypatch) -> None:
    rises = [0.0, 0.0, 1e9, 1e9, 0.0, 0.0, 0.0]
    seen, fit = dampings(rises, monkeypatch, 6)
    np.testing.assert_allclose(seen, [0, 0, 1e-3, 1e-2, 1e-3, 1e-4, 0], rtol=1e-9)
    assert not fit.converged


def test_where_no_step_is_better_the_best_is_the_answer(monkeypatch) -> None:
    seen, fit = dampings([0.0, 0.0] + [1e9] * 20, monkeypatch, 20)
    np.testing.assert_allclose(seen, [0, 0, *10.0 ** np.arange(-3, 4)], rtol=1e-9)
    assert fit.converged


def test_the_second_objective_is_not_compared_with_the_first(monkeypatch) -> None:
    seen, _ = dampings([0.0, 1e9, 1e9, 1e9], monkeypatch, 3)
    np.testing.assert_array_equal(seen, 0.0)


def test_a_start_far_away_gets_no_worse() -> None:
    truth = make_parameters()
    far = displaced(truth, strain=6e-3)
    fit = refined(1.0, start=far)
    series = make_series(free=(5, 0))
    problem = make_problem(series, make_pattern(series, truth, noise=1.0))
    model = build_model(series, far, (0, 1))
    begun = solve_linear(problem, model, far)
    assert fit.misfit < begun.misfit


def test_a_held_zero_has_no_error_of_its_own_and_passes_its_error_into_the_cells() -> None:
    series, truth = make_series(), make_parameters()
    pattern = make_pattern(series, truth, noise=0.0)
    fine = r.Convergence(
        iterations=30, tolerance=1e-4, linear_range=r.LinearRange(position=1e-6, width=1e-6)
    )

    def held(zero: float, stderr: float):
        prior = make_prior(truth, zero=GaussianPrior(mean=zero, sigma=0.0), held_zero_stderr=stderr)
        return r.refine_frame(series, pattern, (0, 1), start=truth, prior=prior, convergence=fine)

    shift = 2e-4
    one, other = held(truth.zero, shift), held(truth.zero + shift, shift)
    assert one.zero_stderr == 0.0 and other.parameters.zero == truth.zero + shift
    for i, free in ((0, 1), (1, 2)):
        change = (other.parameters.strain - one.parameters.strain)[i, :free]
        np.testing.assert_allclose(one.strain_shared[i], change, rtol=0.1)
        alone = held(truth.zero, 0.0).strain_covariance[i]
        shared = one.strain_shared[i]
        np.testing.assert_allclose(one.strain_covariance[i], alone + np.outer(shared, shared))
        np.testing.assert_array_equal(held(truth.zero, 0.0).strain_shared[i], 0.0)
    free_zero = replace(make_prior(truth), held_zero_stderr=shift)
    fit = r.refine_frame(series, pattern, (0, 1), start=truth, prior=free_zero, convergence=fine)
    assert fit.zero_stderr > 0
    np.testing.assert_array_equal(fit.strain_shared[0], 0.0)


def made_iterate(stderr: float = 1e-3):
    series, parameters = make_series(), make_parameters()
    problem = make_problem(series, make_pattern(series, noise=1.0))
    model = build_model(series, parameters, (0, 1))
    solved = solve_linear(problem, model, parameters)
    equations = build_normal_equations(problem, model, solved, parameters)
    equations = replace(equations, stderr=np.full(problem.layout.size, stderr))
    best = Iterate(
        objective=solved.misfit,
        parameters=parameters,
        model=model,
        solved=solved,
        equations=equations,
    )
    return problem, best


NOTHING_LINEAR = r.LinearRange(position=1e-12, width=1e-12)


def test_a_step_within_its_errors_is_the_last() -> None:
    problem, best = made_iterate(stderr=1e-3)
    strict = r.Convergence(iterations=5, tolerance=0.1, linear_range=NOTHING_LINEAR)
    shape = problem.layout.select(
        ParameterKind.GAUSS, ParameterKind.SIZE, ParameterKind.MICROSTRAIN, ParameterKind.OVERALL_B
    )
    assert shape.sum() == 7
    # a tenth of the error for positions, half of it for widths
    limit = np.where(shape, 5e-4, 1e-4)
    assert r._is_last_step(problem, best, 0.99 * limit, strict)
    for i in range(problem.layout.size):
        step = np.zeros(problem.layout.size)
        step[i] = -1.01 * limit[i]
        assert r._is_last_step(problem, best, step, strict) == (
            problem.layout.kinds[i] == ParameterKind.OVERALL_B
        )
    assert r._is_last_step(problem, best, np.empty(0), strict)


def test_a_step_over_which_the_model_is_linear_is_the_last() -> None:
    problem, best = made_iterate(stderr=1e-12)
    allowed = r.LinearRange(position=0.03, width=0.02)
    gauss = 0.05
    tangent = np.tan(np.radians(8.0))
    strain = 0.03 * gauss / np.degrees(tangent)
    limits = {
        ParameterKind.ZERO: 0.03 * gauss,
        ParameterKind.GAUSS: 0.03 * gauss,
        ParameterKind.STRAIN: strain,
    }
    for i, kind in enumerate(problem.layout.kinds):
        phase = problem.layout.phase[i]
        if kind == ParameterKind.OVERALL_B:
            limit = np.inf
        elif kind == ParameterKind.SIZE:
            limit = np.log1p(0.02 * gauss / np.exp(best.parameters.log_size_width[phase]))
        elif kind == ParameterKind.MICROSTRAIN:
            width = np.exp(best.parameters.log_strain_width[phase]) * tangent
            limit = np.log1p(0.02 * gauss / width)
        else:
            limit = limits[kind]
        step = np.zeros(problem.layout.size)
        step[i] = min(0.99 * limit, 50.0)
        assert r._is_linear(problem, best.parameters, step, allowed), kind
        if np.isfinite(limit):
            step[i] = 1.01 * limit
            assert not r._is_linear(problem, best.parameters, step, allowed), kind
    # a width that falls changes by less than its logarithm
    step = np.zeros(problem.layout.size)
    step[3] = -0.99 * 0.02 * gauss / 0.02
    assert r._is_linear(problem, best.parameters, step, allowed)
    step[3] = -1.01 * 0.02 * gauss / 0.02
    assert not r._is_linear(problem, best.parameters, step, allowed)


def test_the_linear_part_follows_a_short_step_to_first_order() -> None:
    problem, best = made_iterate()
    step = 1e-6 * np.ones(problem.layout.size)
    step[problem.layout.select(ParameterKind.OVERALL_B)] = 0.0
    moved = move_parameters(best.parameters, problem.layout, step)
    model = build_model(problem.series, moved, (0, 1))
    exact = solve_linear(problem, model, moved)
    advanced = r._update_linear_part(problem, best, step)
    before = best.solved
    for name in ("background", "residual"):
        change = getattr(exact, name) - getattr(before, name)
        ours = getattr(advanced, name) - getattr(before, name)
        scale = np.abs(change).max()
        assert np.quantile(np.abs(ours - change), 0.98) < 0.15 * scale, name
    total = np.bincount(model.owner, exact.intensity) - np.bincount(model.owner, before.intensity)
    ours = np.bincount(best.model.owner, advanced.intensity - before.intensity)
    np.testing.assert_allclose(ours, total, rtol=0.15)
    assert r._update_linear_part(problem, best, np.empty(0)) is before
    calculated = step @ best.equations.jacobian + advanced.background - before.background
    calculated += make_dense(best.model.profiles.phi) @ (advanced.intensity - before.intensity)
    np.testing.assert_allclose(before.residual - advanced.residual, calculated, atol=1e-10)


def test_the_linear_part_follows_where_each_phase_has_one_scale() -> None:
    series = make_series(free=(0, 0))
    problem = make_problem(series, make_pattern(series, noise=1.0))
    parameters = make_parameters()
    model = build_model(series, parameters, (0, 1))
    solved = solve_linear(problem, model, parameters)
    equations = build_normal_equations(problem, model, solved, parameters)
    best = Iterate(
        objective=0.0, parameters=parameters, model=model, solved=solved, equations=equations
    )
    step = 1e-6 * np.ones(problem.layout.size)
    step[problem.layout.select(ParameterKind.OVERALL_B)] = 0.0
    advanced = r._update_linear_part(problem, best, step)
    change = -equations.linear_response @ step
    np.testing.assert_allclose(
        np.bincount(model.owner, advanced.intensity - solved.intensity), change[6:], rtol=1e-6
    )
    background = change[:6] @ series.background_terms
    np.testing.assert_allclose(advanced.background - solved.background, background, atol=1e-9)


def test_a_rise_that_is_small_beside_the_errors_is_no_rise() -> None:
    problem = SimpleNamespace(present=(1,))
    parameters = make_parameters(inflation=np.array([1.0, 3.0]))
    assert r._estimate_slack(problem, parameters) == pytest.approx(0.9)


def test_ranges_of_the_first_and_last_passes() -> None:
    assert (r.ROUGH.position, r.ROUGH.width) == (0.05, 0.05)
    assert (r.FINE.position, r.FINE.width) == (0.03, 0.02)
    assert r.Convergence(iterations=1, tolerance=0.1).linear_range is r.FINE
