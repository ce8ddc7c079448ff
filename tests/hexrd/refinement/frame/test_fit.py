"""The result of a frame against the covariance of all unknowns together."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import (
    AXIS,
    make_design,
    make_parameters,
    make_pattern,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame.bordered_band import expand_to_dense
from ssbchar.hexrd.refinement.frame.fit import FrameFit, propagate_errors
from ssbchar.hexrd.refinement.frame.intensities import (
    build_equations,
    estimate_inflations,
    solve_linear,
)
from ssbchar.hexrd.refinement.frame.model import build_model
from ssbchar.hexrd.refinement.frame.normal_equations import Iterate, build_normal_equations
from ssbchar.hexrd.refinement.frame.parameters import ParameterKind


def finished(free=(3, 0)):
    series, parameters = make_series(free=free), make_parameters()
    problem = make_problem(series, make_pattern(series, noise=1.0))
    model = build_model(series, parameters, (0, 1))
    solved = solve_linear(problem, model, parameters)
    equations = build_normal_equations(problem, model, solved, parameters)
    best = Iterate(
        objective=0.0, parameters=parameters, model=model, solved=solved, equations=equations
    )
    fit = propagate_errors(problem, best, converged=True, held_zero_stderr=0.0)
    return problem, best, fit


@pytest.mark.parametrize("free", [(3, 0), (0, 0), (5, 6)])
def test_errors_are_those_of_all_unknowns_together(free: tuple[int, int]) -> None:
    problem, best, fit = finished(free)
    model, layout = best.model, problem.layout
    linear = expand_to_dense(build_equations(problem, model, best.parameters).normal)
    weight = problem.pattern.weight[:, None]
    design = make_design(model, best.solved.scale_curves)
    whole = np.hstack([design, best.equations.jacobian.T])
    normal = whole.T @ (weight * whole)
    n = design.shape[1]
    normal[:n, :n] = linear
    normal[n:, n:] += np.diag(layout.prior_precision)
    scale = 1 / np.sqrt(np.diagonal(normal))
    covariance = np.linalg.inv(normal * np.outer(scale, scale)) * np.outer(scale, scale)
    inflation = estimate_inflations(problem, model, best.solved)
    count = sum(free)
    for i in (0, 1):
        by_unknown = np.zeros(n)
        by_unknown[:count] = model.owner[model.free] == i
        following = model.expected[~model.is_free & (model.owner == i)].sum()
        by_unknown[count + 6 + i] = following
        variance = by_unknown @ covariance[:n, :n] @ by_unknown
        np.testing.assert_allclose(
            fit.intensity_stderr[i], np.sqrt(variance) * inflation[i], rtol=1e-3
        )
        fixed = by_unknown @ np.linalg.solve(linear, by_unknown)
        expected = variance if free[i] else fixed
        np.testing.assert_allclose(
            fit.intensity_stderr_fixed[i], np.sqrt(expected) * inflation[i], rtol=1e-3
        )
        rows = n + np.arange(layout.size)[layout.select_strains(i)]
        np.testing.assert_allclose(
            fit.strain_covariance[i],
            covariance[np.ix_(rows, rows)] * inflation[i] ** 2,
            rtol=5e-3,
        )
    zero = n + layout.rows[ParameterKind.ZERO][0]
    expected = np.sqrt(covariance[zero, zero]) * np.median(inflation)
    np.testing.assert_allclose(fit.zero_stderr, expected, rtol=1e-3)
    assert fit.parameter_count == count + 6 + 2 + 11
    np.testing.assert_allclose(fit.parameters.inflation, inflation)


def test_intensities_and_curves_add_up() -> None:
    problem, best, fit = finished()
    assert [len(r) for r in fit.reflection_intensity] == [5, 6]
    np.testing.assert_allclose([r.sum() for r in fit.reflection_intensity], fit.intensity)
    np.testing.assert_allclose(fit.parameters.amount, fit.intensity)
    np.testing.assert_allclose(
        fit.calculated, problem.pattern.intensity - best.solved.residual, atol=1e-9
    )
    assert fit.misfit == pytest.approx(float(problem.pattern.weight @ best.solved.residual**2))
    # the strongest reflection by structure is the strongest found
    assert np.argmax(fit.reflection_intensity[1]) == np.argmax(best.model.expected[5:])
    assert fit.phase_curves.shape == (2, AXIS.size)
    np.testing.assert_array_equal(fit.jacobian, best.equations.jacobian)
    np.testing.assert_allclose(
        fit.intensity @ fit.phase_curves, fit.calculated - fit.background, rtol=0.3, atol=100
    )


def test_intensities_are_those_of_the_reflections_in_their_order() -> None:
    _, best, fit = finished((5, 6))
    np.testing.assert_array_equal(np.concatenate(fit.reflection_intensity), best.solved.intensity)
    expected = np.concatenate([400.0 * best.model.expected[:5], 150.0 * best.model.expected[5:]])
    strong = best.model.expected > 0.05
    found = np.concatenate(fit.reflection_intensity)
    np.testing.assert_allclose(found[strong], expected[strong], rtol=0.3)


def made_fit(**changes) -> FrameFit:
    *_, fit = finished()
    return replace(fit, **changes)


def test_significance_is_intensity_over_its_error_at_fixed_shape() -> None:
    fit = made_fit(
        present=(1, 3),
        intensity=np.array([8.0, 6.0]),
        intensity_stderr_fixed=np.array([0.5, 0.0]),
    )
    assert fit.get_index(3) == 1
    assert fit.get_significance(1) == 16.0 and fit.get_significance(3) == 0.0


def test_a_fit_kept_of_a_series_has_no_curves() -> None:
    fit = made_fit()
    kept = fit.drop_curves()
    assert kept.background.size == kept.calculated.size == 0
    assert kept.phase_curves.size == kept.jacobian.size == 0
    assert kept.parameters is fit.parameters and kept.misfit == fit.misfit
