"""The matched filter against weighted least squares, and the scatter of shifted patterns."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import (
    AMOUNTS,
    make_parameters,
    make_pattern,
    make_prior,
    make_series,
)

from ssbchar.hexrd.refinement import phase_detection as pd
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.frame.series import FramePattern
from ssbchar.hexrd.refinement.frame.windows import windows_from_curves

CONVERGENCE = Convergence(iterations=12, tolerance=0.1)


def refined(pattern: FramePattern, present: tuple[int, ...], series=None) -> pd.FitResidual:
    series = series or make_series(free=(0, 0))
    truth = make_parameters()
    fit = refine_frame(
        series, pattern, present, start=truth, prior=make_prior(truth), convergence=CONVERGENCE
    )
    return pd.prepare_residual(series, fit, pattern)


def without_second(noise: float = 1.0, seed: int = 0) -> pd.FitResidual:
    return refined(make_pattern(make_series(), noise=noise, present=(0,), seed=seed), (0,))


def list_directions(left: pd.FitResidual) -> np.ndarray:
    """Return the curves of the model, shape (direction, points)."""
    return np.vstack([left.series.background_terms, left.fit.phase_curves, left.fit.jacobian])


def strain_of(phase: int) -> np.ndarray:
    free = (1, 2)[phase]
    return make_parameters().strain[phase, :free]


def test_an_amount_is_that_of_least_squares_beside_the_model() -> None:
    series = make_series(free=(0, 0))
    left = refined(make_pattern(series, noise=1.0), (0,))
    shape = pd._build_patterns(left, 1, strain_of(1)[None], 0.0)
    amount, power = left.measure_amounts(shape)
    root, directions = np.sqrt(left.pattern.weight), list_directions(left)
    design = (np.vstack([directions, shape]) * root).T
    scale = 1 / np.linalg.norm(design, axis=0)
    design = design * scale
    answer = np.linalg.lstsq(design, left.residual * root, rcond=None)[0] * scale
    # the residual is that of a converged fit: nothing of it lies along the model's directions
    weighted = directions * left.pattern.weight
    along = weighted @ left.residual / np.linalg.norm(weighted)
    assert np.max(np.abs(along)) < 1.0
    inverse = np.linalg.inv(design.T @ design + 1e-10 * np.eye(len(scale)))
    variance = inverse[-1, -1] * scale[-1] ** 2
    np.testing.assert_allclose(power[0], 1 / variance, rtol=2e-3)
    np.testing.assert_allclose(amount[0], answer[-1], rtol=0.1)
    assert amount[0] > 10 / np.sqrt(power[0])
    assert len(directions) == 6 + 1 + 6


def test_an_absent_phase_has_an_intensity_within_its_error() -> None:
    pulls = []
    for seed in range(30):
        found = pd.measure_absent_phase(without_second(seed=seed), 1, strain_of(1)[None])
        assert found is not None
        pulls.append(found.intensity[0] / found.stderr[0])
        assert found.gain[0] * found.intensity[0] > 0
    assert 0.6 < np.std(pulls) < 1.4


def test_a_phase_that_is_there_stands_out_at_its_own_cell() -> None:
    series = make_series(free=(0, 0))
    left = refined(make_pattern(series, noise=1.0), (0,))
    cells = pd.make_trial_strains(series.phases[1], strain_of(1), 0.01, 0.001)
    found = pd.measure_absent_phase(left, 1, cells, threshold=5.0)
    assert found is not None and found.gain.size == 21
    assert abs(np.argmax(found.gain) - 10) <= 1  # the other phase gives way a little
    assert found.intensity[10] > 5 * found.stderr[10]
    np.testing.assert_allclose(found.intensity[10], AMOUNTS[1], rtol=0.3)


def test_nothing_is_returned_below_the_threshold() -> None:
    left = without_second()
    assert pd.measure_absent_phase(left, 1, strain_of(1)[None], threshold=6.0) is None
    plain = pd.measure_absent_phase(left, 1, strain_of(1)[None])
    assert plain is not None
    amount, power = left.measure_amounts(pd._build_patterns(left, 1, strain_of(1)[None], 0.0))
    np.testing.assert_allclose(plain.intensity, amount)
    np.testing.assert_allclose(plain.gain, np.sign(amount) * amount**2 * power)


def test_the_threshold_is_in_counting_errors_times_the_goodness() -> None:
    left = replace(refined(make_pattern(make_series(), noise=1.0), (0,)), goodness=2.0)
    amount, power = left.measure_amounts(pd._build_patterns(left, 1, strain_of(1)[None], 0.0))
    ratio = float(amount[0] * np.sqrt(power[0])) / 2
    assert ratio > 5
    assert pd._measure_at_size(left, 1, strain_of(1)[None], 1.001 * ratio, 0.0) is None
    assert pd._measure_at_size(left, 1, strain_of(1)[None], 0.999 * ratio, 0.0) is not None


def test_fresh_phases_are_looked_for_as_nanocrystals() -> None:
    series = make_series(free=(0, 0))
    broad = make_parameters(log_size_width=np.log([0.02, 0.29]))
    left = refined(make_pattern(series, broad, noise=1.0), (0,))
    sharp = pd._measure_at_size(left, 1, strain_of(1)[None], 3.0, 0.0)
    found = pd.measure_absent_phase(left, 1, strain_of(1)[None], threshold=3.0)
    assert found is not None
    assert (
        sharp is None or found.intensity[0] / found.stderr[0] > sharp.intensity[0] / sharp.stderr[0]
    )
    np.testing.assert_allclose(found.intensity[0], AMOUNTS[1], rtol=0.4)


def test_patterns_are_of_unit_area_and_those_of_the_model() -> None:
    left = without_second()
    trial = np.stack([strain_of(1), strain_of(1) + 1e-3])
    patterns = pd._build_patterns(left, 1, trial, 0.0)
    step = left.series.two_theta[1] - left.series.two_theta[0]
    np.testing.assert_allclose(patterns.sum(axis=1) * step, 1.0, atol=0.06)
    assert patterns.shape == (2, 1501)
    wide = pd._build_patterns(left, 1, trial[:1], 0.3)
    assert wide.max() < 0.5 * patterns.max()


def test_scatter_of_shifts_is_one_for_white_noise_and_more_for_misfit() -> None:
    left = without_second()
    shape = pd._build_patterns(left, 1, strain_of(1)[None], 0.0)[0]
    white = pd._measure_scatter(left, shape, 0.06)
    assert 1.0 <= white < 1.4
    x = left.series.two_theta
    rough = replace(left, residual=left.residual + 60 * np.sin(x * 40))
    assert pd._measure_scatter(rough, shape, 0.06) > 1.3 * white
    quiet = replace(left, residual=0.1 * left.residual)
    assert pd._measure_scatter(quiet, shape, 0.06) == 1.0


def test_the_phase_itself_is_no_noise() -> None:
    left = without_second(noise=0.0)
    shape = pd._build_patterns(left, 1, strain_of(1)[None], 0.0)[0]
    directions = list_directions(left)
    weighted = directions * left.pattern.weight
    factors = np.linalg.lstsq(weighted @ directions.T, weighted @ shape, rcond=None)[0]
    rest = shape - factors @ directions
    np.testing.assert_allclose(left.remove_model(shape), rest, atol=1e-6 * shape.max())
    loud = replace(left, residual=2000 * rest)
    amount, _ = loud.measure_amounts(shape[None])
    with_own = pd._measure_scatter(loud, shape, 0.06)
    without = pd._measure_scatter(loud, shape, 0.06, float(amount[0]))
    assert without == 1.0 and with_own > 2


def test_shifts_by_hand_on_a_short_axis() -> None:
    # a line of one point on an empty model: shifted amounts are the residual's points themselves
    left = without_second()
    n = 1501
    none = np.zeros((1, n))
    none[0, 0] = 1e-6
    flat = FramePattern(intensity=np.zeros(n), weight=np.full(n, 0.25))
    left = replace(
        left,
        pattern=flat,
        weighted_terms=windows_from_curves(0.25 * none),
        weighted_curves=np.empty((0, n)),
        lower=np.array([[np.sqrt(0.25) * 1e-6]]),
    )
    shape = np.zeros(n)
    shape[700] = 1.0
    residual = 10.0 * np.random.default_rng(0).standard_normal(n)
    left = replace(left, residual=residual)
    width = 10 * 0.008  # ten points: shifts of 30 to 240 points
    shifts = np.round(np.linspace(30, 240, 10)).astype(int)
    sampled = np.concatenate([residual[700 + shifts], residual[700 - shifts]])
    expected = np.sqrt(np.mean(sampled**2 * 0.25))
    assert pd._measure_scatter(left, shape, width) == pytest.approx(expected, rel=1e-6)


def test_noise_of_a_phase_in_the_model_is_counting_times_scatter() -> None:
    left = refined(make_pattern(make_series(), noise=1.0), (0, 1))
    fit = left.fit
    shape = fit.phase_curves[1]
    width = pd._estimate_line_width(left, 1, 0.0)
    counting = fit.intensity_stderr_fixed[1] / fit.parameters.inflation[1]
    expected = counting * pd._measure_scatter(left, shape, width)
    assert pd.estimate_noise(left, 1) == pytest.approx(expected)
    inflated = replace(fit, parameters=replace(fit.parameters, inflation=np.array([1.0, 2.0])))
    assert pd.estimate_noise(replace(left, fit=inflated), 1) == pytest.approx(
        expected * fit.parameters.inflation[1] / 2
    )


def test_lines_are_as_wide_as_instrument_and_size_make_them() -> None:
    left = without_second()
    parameters = make_parameters(gauss_fwhm=1e-9, log_size_width=np.log([0.02, 0.03]))
    left = replace(left, fit=replace(left.fit, parameters=parameters))
    assert pd._estimate_line_width(left, 1, 0.0) == pytest.approx(0.03, rel=1e-3)
    assert pd._estimate_line_width(left, 1, 0.05) == pytest.approx(0.05, rel=1e-3)


def test_trial_cells_differ_by_one_factor_of_all_lengths() -> None:
    phase = make_series().phases[1]
    expected = np.array([2e-3, -1e-3])
    trials = pd.make_trial_strains(phase, expected, 0.01, 0.004)
    assert len(trials) == 7  # ceil(0.01 / 0.004) = 3 on each side
    np.testing.assert_allclose(trials[3], expected, atol=1e-12)
    lengths = phase.cell_from_strain(trials)[:, :3] / phase.cell_from_strain(expected)[:3]
    np.testing.assert_allclose(lengths, (1 + np.linspace(-0.01, 0.01, 7))[:, None] * np.ones(3))
    alone = pd.make_trial_strains(phase, expected, 0.0, 0.004)
    np.testing.assert_allclose(alone, expected[None], atol=1e-12)


def test_a_shifted_curve_leaves_the_axis_at_one_end() -> None:
    found = pd.shift_curve(np.array([1.0, 2, 3, 4]), np.array([0, 1, 3]))
    expected = [[1, 2, 3, 4], [1, 2, 3, 4], [0, 1, 2, 3], [2, 3, 4, 0], [0, 0, 0, 1], [4, 0, 0, 0]]
    np.testing.assert_array_equal(found, expected)


def test_components_along_the_model_are_orthonormal() -> None:
    left = without_second()
    curves = np.random.default_rng(4).standard_normal((3, 1501))
    exact = np.linalg.solve(left.lower, (list_directions(left) * left.pattern.weight) @ curves.T)
    np.testing.assert_allclose(left.project(curves), exact, rtol=1e-6, atol=1e-8)


def test_goodness_of_a_residual() -> None:
    left = without_second()
    expected = np.sqrt(np.mean(left.residual**2 * left.pattern.weight))
    assert left.goodness == pytest.approx(expected)
    np.testing.assert_allclose(
        left.lower @ left.lower.T,
        list_directions(left) @ (list_directions(left) * left.pattern.weight).T,
        rtol=1e-6,
        atol=1e-6 * np.abs(left.lower @ left.lower.T).max(),
    )
