"""Least squares of given lines: its end, its errors, its bounds."""

from dataclasses import replace

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes
from ssbchar.nmr.lineshape.varpro import (
    ORIGIN_LIMIT,
    FitControl,
    _bound_parameters,
    _choose_free,
    _count_phases,
    fit_shapes,
)

PAIR = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
TIME = np.arange(1024) * 1e-6


def pose(rows: np.ndarray, sigma: float = 1e-2, **known: object) -> LineshapeProblem:
    return LineshapeProblem(y=rows, time=TIME, sigma=np.full(len(rows), sigma), **known).prepare()


def test_a_fit_ends_within_a_thousandth_of_its_errors() -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.4, -26e3, 6000.0), (0.05, 50e3, 900.0))
    start = shapes((50e3, 2000.0, 0), (-20e3, 2000.0, 1), (-27e3, 2000.0, 1))
    found = fit_shapes(given, start)
    exact = fit_shapes(given, start, FitControl(max_steps=200, least_gain=1e-13))
    error = np.sqrt(np.diag(exact.covariance)[exact.free.size :])
    assert np.abs(found.area[0] - exact.area[0]).max() < 2e-3 * error.min()


def test_clean_lines_come_back_with_voigt_shape_and_time_origin() -> None:
    bent = replace(PAIR, voigt=np.array([False, True]), gauss2=np.array([0.0, 3e3**2]), origin=2e-6)
    y = np.array([[0.3, 1.0], [0.2, 0.4]]) * np.exp(0.7j) @ evaluate_shapes(bent, TIME)
    start = replace(bent, nu=bent.nu + 100.0, width=bent.width * 1.2, origin=0.0)
    found = fit_shapes(pose(y, 1e-4), start, FitControl(max_steps=200))
    np.testing.assert_allclose(found.shapes.nu, PAIR.nu, atol=0.5)
    np.testing.assert_allclose(found.shapes.width, PAIR.width, rtol=1e-3)
    assert np.sqrt(found.shapes.gauss2[1]) == pytest.approx(3e3, rel=1e-3)
    assert found.shapes.gauss2[0] == 0.0
    assert found.shapes.origin == pytest.approx(2e-6, rel=1e-3)
    np.testing.assert_allclose(found.area, [[0.3, 1.0], [0.2, 0.4]], rtol=1e-3)


def test_covariance_is_the_spread_over_seeds() -> None:
    clean = np.array([[0.3, 1.0]]) * np.exp(0.7j) @ evaluate_shapes(PAIR, TIME)
    found = []
    for seed in range(60):
        fit = fit_shapes(pose(signals.noisy(clean, 1e-2, seed)), PAIR)
        nu, width = fit.shapes.nu, fit.shapes.width
        found.append([*nu, *width, *fit.area[0]])
    stderr = np.sqrt(np.diag(fit.covariance))
    expected = stderr[[0, 1, 2, 3, -2, -1]]
    assert fit.free.tolist() == [0, 1, 2, 3, 6, 7]
    np.testing.assert_allclose(np.std(found, axis=0), expected, rtol=0.3)
    assert fit.area_covariance.shape == (1, 2, 1, 2)
    np.testing.assert_allclose(
        np.sqrt(fit.area_covariance[0, [0, 1], 0, [0, 1]]), stderr[-2:], rtol=1e-12
    )
    off = fit.covariance - fit.covariance.T
    assert np.abs(off).max() <= 1e-9 * np.abs(fit.covariance).max()


def test_covariance_links_shapes_and_areas() -> None:
    """A broader line has more area: width and area go together."""
    clean = np.array([[0.3, 1.0]]) @ evaluate_shapes(PAIR, TIME)
    fit = fit_shapes(pose(clean), PAIR)
    scale = np.sqrt(np.diag(fit.covariance))
    correlation = fit.covariance / scale / scale[:, None]
    assert correlation[3, -1] > 0.5
    assert correlation[-1, 3] == pytest.approx(correlation[3, -1])


def test_free_areas_may_be_negative_where_the_signal_is_gone() -> None:
    rows = np.array([[0.3, 1.0], [-0.1, 1.0]]) @ evaluate_shapes(PAIR, TIME)
    fit = fit_shapes(pose(rows, 1e-3), PAIR)
    assert fit.area[1, 0] == 0.0
    assert fit.free_area[1, 0] == pytest.approx(-0.1, rel=0.05)
    assert fit.free_area[0] == pytest.approx([0.3, 1.0], rel=0.05)


def test_parameters_are_bounded_by_region_sampling_and_length() -> None:
    given = pose(np.ones((1, 1024), complex), max_width=5e4)
    bounds = _bound_parameters(given, replace(PAIR, voigt=np.array([False, True])))
    span = 1023e-6
    assert bounds.low == pytest.approx(
        [40e3, -100e3, 0.05 / span, 0.0, 0.0, 0.0, -ORIGIN_LIMIT, -np.inf]
    )
    assert bounds.high == pytest.approx(
        [60e3, 30e3, 5e4, 5e4, 5e4**2, 5e4**2, ORIGIN_LIMIT, np.inf]
    )
    wide = _bound_parameters(replace(given, max_width=1e9), PAIR)
    assert wide.high[2] == pytest.approx(0.25e6)
    assert bounds.clip(np.zeros(8))[:3] == pytest.approx([40e3, 0.0, 0.05 / span])


@pytest.mark.parametrize(
    ("model", "ends"),
    [
        (PhaseModel.SHARED, [True, True]),
        (PhaseModel.PER_SLICE, [True, False]),
        (PhaseModel.PER_REGION, [False, False]),
    ],
)
def test_what_is_fitted_goes_with_the_phase_model(model: PhaseModel, ends: list[bool]) -> None:
    given = pose(np.ones((1, 1024), complex), phases=model)
    lines = replace(PAIR, voigt=np.array([True, True]), held=np.array([True, False]))
    assert _choose_free(given, lines).tolist() == [False, True] * 3 + ends
    assert _choose_free(given, PAIR).tolist() == [True] * 4 + [False] * 2 + ends


@pytest.mark.parametrize(
    ("model", "phases"),
    [(PhaseModel.SHARED, 0), (PhaseModel.PER_SLICE, 3), (PhaseModel.PER_REGION, 6)],
)
def test_parameters_are_counted(model: PhaseModel, phases: int) -> None:
    rows = np.array([[0.3, 1.0], [0.2, 0.8], [0.1, 0.6]]) @ evaluate_shapes(PAIR, TIME)
    given = pose(rows, phases=model)
    control = FitControl(max_steps=0, final=False)
    fit = fit_shapes(given, PAIR, control)
    assert _count_phases(given, fit.state) == phases
    assert fit.parameters == fit.free.size + 6 + phases
    assert fit.points == 2 * 3 * 1024
    assert fit.bic == pytest.approx(fit.chi2 + fit.parameters * np.log(fit.points))
    assert fit.covariance.size == 0
    assert fit.free_area is fit.area


def test_a_fit_without_hope_is_given_up() -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.4, -26e3, 6000.0))
    start = shapes((-20e3, 8000.0, 1))
    rough = FitControl(max_steps=40, least_gain=0.1, final=False)
    patient = fit_shapes(given, start, rough)
    hasty = fit_shapes(given, start, replace(rough, goal=0.0))
    early = fit_shapes(given, start, replace(rough, excess_share=0.5))
    assert patient.chi2 < hasty.chi2
    assert patient.chi2 < early.chi2


def test_a_parameter_at_its_bound_has_no_error_of_its_own() -> None:
    given = problem(1e-3, (1.0, 62e3, 900.0))
    start = shapes((59e3, 900.0, 0))
    fit = fit_shapes(given, start, FitControl(max_steps=100))
    assert fit.shapes.nu[0] == 60e3
    assert 0 not in fit.free.tolist()
    assert fit.free.tolist()[:1] == [1]


def test_a_held_line_keeps_its_shape() -> None:
    given = problem(1e-3, (1.0, -20e3, 2500.0), (0.2, 50e3, 900.0))
    start: LineShapes = replace(
        shapes((51e3, 3000.0, 0), (-20e3, 2500.0, 1)), held=np.array([True, False])
    )
    fit = fit_shapes(given, start)
    assert (fit.shapes.nu[0], fit.shapes.width[0]) == (51e3, 3000.0)
    assert fit.shapes.nu[1] != -20e3


def test_a_fit_does_not_depend_on_the_unit_of_its_data() -> None:
    given = problem(1e-2, (0.2, 50e3, 900.0), (1.0, -20e3, 2500.0))
    start = shapes((50.3e3, 1500.0, 0), (-21e3, 1500.0, 1))
    control = FitControl(max_steps=30, least_gain=0.1, final=True)
    plain = fit_shapes(given, start, control)
    for unit in (1e-9, 1e9):
        scaled = replace(given, y=unit * given.y, sigma=unit * given.sigma, power=np.empty(0))
        fit = fit_shapes(scaled, start, control)
        assert fit.shapes.nu == pytest.approx(plain.shapes.nu, rel=1e-9)
        assert fit.shapes.width == pytest.approx(plain.shapes.width, rel=1e-7)
