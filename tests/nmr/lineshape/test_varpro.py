"""Least squares of given lines: its end, its errors, its bounds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape import varpro
from ssbchar.nmr.lineshape.normal_equations import evaluate_state
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


def test_covariance_is_that_of_a_plain_least_squares_fit() -> None:
    """The inverse of J'J / sigma^2 for frequencies, widths, time origin, phase and areas of clean
    data, J by finite differences."""
    sigma, areas = np.array([0.01, 0.02]), np.array([[0.3, 1.0], [0.2, 0.6]])
    y = areas @ evaluate_shapes(PAIR, TIME)
    given = LineshapeProblem(y=y, time=TIME, sigma=sigma).prepare()
    fit = fit_shapes(given, PAIR, FitControl(max_steps=0))
    row = PAIR.pack_parameters()

    def model(values: np.ndarray) -> np.ndarray:
        shape, area = values[:8], values[8:].reshape(2, 2)
        f = evaluate_shapes(PAIR.unpack_parameters(shape), TIME)
        rows = np.exp(1j * shape[-1]) * area @ f / sigma[:, None]
        return np.concatenate([rows.real.ravel(), rows.imag.ravel()])

    here = np.concatenate([row, areas.ravel()])
    size = np.array([1e-1] * 4 + [1.0] * 2 + [1e-10, 1e-5] + [1e-5] * 4)
    # The time origin is moved one way: before it the decay rises.
    columns = []
    for p in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11):
        step = np.where(np.arange(12) == p, size, 0.0)
        below, span = (here, 1) if p == 6 else (here - step, 2)
        columns.append((model(here + step) - model(below)) / (span * size[p]))
    jacobian = np.array(columns).T
    normal = jacobian.T @ jacobian
    normal[4, 4] += 1 / given.origin_prior**2
    unit = np.sqrt(np.diag(normal))
    expected = np.linalg.inv(normal / unit / unit[:, None]) / unit / unit[:, None]
    stderr = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        fit.covariance / stderr / stderr[:, None], expected / stderr / stderr[:, None], atol=2e-3
    )


class Stairs:
    """Steps that lower chi-square by given amounts; what each was asked for is written down."""

    def __init__(self, monkeypatch, falls: list[float]) -> None:
        self.falls, self.least, self.damping = iter(falls), [], []
        monkeypatch.setattr(varpro, "_take_step", self.step)

    def step(self, problem, at, bounds, free, *, damping: float, least: float) -> varpro._Step:
        self.least.append(least)
        self.damping.append(damping)
        fall = next(self.falls, None)
        state = None if fall is None else replace(at, chi2=at.chi2 - fall)
        return varpro._Step(state=state, damping=2 * damping)


ROUGH = FitControl(max_steps=20, least_gain=0.1, final=False)


@pytest.fixture
def begun():
    """A problem and a state of chi-square 5000 with 4096 real data."""
    rows = np.array([[0.3, 1.0], [0.2, 0.8]]) @ evaluate_shapes(PAIR, TIME)
    given = pose(rows)
    return given, replace(evaluate_state(given, PAIR), chi2=5000.0)


@pytest.mark.parametrize(
    ("falls", "steps"),
    [([2.0] * 30, 20), ([2.0, 1.0, 0.99, 2.0], 3), ([2.0, 0.5, 2.0], 2), ([2.0, 2.0], 3)],
)
def test_a_fit_ends_where_a_step_gains_less_than_ten_times_the_least(
    monkeypatch, begun, falls: list[float], steps: int
) -> None:
    stairs = Stairs(monkeypatch, falls)
    fit = fit_shapes(begun[0], PAIR, ROUGH, begun[1])
    assert len(stairs.least) == steps
    assert fit.chi2 == 5000.0 - sum(falls[: min(steps, len(falls))])
    assert set(stairs.least) == {0.1}


@pytest.mark.parametrize(("fall", "steps"), [(9.0, 3), (8.9, 1)])
def test_a_step_gains_a_hundredth_of_what_lacks_or_is_the_last(
    monkeypatch, begun, fall: float, steps: int
) -> None:
    """After the first step 900 are still lacking, or a little more."""
    stairs = Stairs(monkeypatch, [fall, 1e3])
    fit_shapes(begun[0], PAIR, replace(ROUGH, goal=5000.0 - fall - 900.0), begun[1])
    assert len(stairs.least) == steps


def test_a_share_of_what_exceeds_noise_may_be_left(monkeypatch, begun) -> None:
    """5000 exceeds the 4096 data by 904; then by 804."""
    stairs = Stairs(monkeypatch, [100.0])
    fit_shapes(begun[0], PAIR, replace(ROUGH, excess_share=0.5), begun[1])
    assert stairs.least == [452.0, 402.0]


def test_gains_within_the_rounding_of_the_sum_of_squares_end_a_fit(monkeypatch, begun) -> None:
    """1e-13 of sum |y|^2 / sigma^2, here scaled to 1e15."""
    given, at = begun
    for fall, steps in ((99.0, 1), (101.0, 2)):
        stairs = Stairs(monkeypatch, [fall])
        heavy = replace(given, power=np.array([0.4e15, 0.6e15]) * 1e-4)
        fit_shapes(heavy, PAIR, ROUGH, at)
        assert len(stairs.least) == steps


def test_final_fits_begin_with_hardly_any_damping(monkeypatch, begun) -> None:
    stairs = Stairs(monkeypatch, [5.0, 5.0])
    fit_shapes(begun[0], PAIR, ROUGH, begun[1])
    assert stairs.damping == [1e-3, 2e-3, 4e-3]
    final = Stairs(monkeypatch, [])
    fit_shapes(begun[0], PAIR, FitControl(), begun[1])
    assert (final.damping, final.least) == ([1e-9], [1e-6])


class Valley:
    """One step of `_take_step` on given normal equations; chi-square is 1, or what a function of
    the parameters tried says."""

    def __init__(self, monkeypatch, matrix, slope, chi2=lambda row: 0.0) -> None:
        self.tried: list[np.ndarray] = []
        equations = SimpleNamespace(matrix=np.array(matrix), slope=np.array(slope))

        def evaluate(problem, lines):
            row = lines.pack_parameters()
            self.tried.append(row)
            return SimpleNamespace(chi2=chi2(row), shapes=lines)

        monkeypatch.setattr(varpro, "build_normal_equations", lambda *a: equations)
        monkeypatch.setattr(varpro, "evaluate_state", evaluate)

    def step(self, free: list[int], damping: float, least: float = -1.0, nu=(50e3, -20e3)):
        lines = replace(PAIR, nu=np.array(nu))
        given = pose(np.ones((1, 1024), complex))
        at = SimpleNamespace(shapes=lines, chi2=1.0)
        bounds = _bound_parameters(given, lines)
        return varpro._take_step(given, at, bounds, np.array(free), damping=damping, least=least)


def test_a_step_is_the_damped_solution_of_the_scaled_equations(monkeypatch) -> None:
    """4 and 2 scale to 1 and 1; damped by one the move is a half, in the parameter a quarter."""
    valley = Valley(monkeypatch, [[4.0]], [2.0])
    step = valley.step([0], 1.0)
    assert valley.tried[0][0] == 50e3 + 0.25
    assert step.state is not None and step.damping == 0.1


@pytest.mark.parametrize(("least", "tried"), [(0.75, 1), (0.76, 0)])
def test_a_step_is_tried_whose_foreseen_gain_is_enough(monkeypatch, least, tried: int) -> None:
    """A half times slope one, and damping one times a half squared."""
    valley = Valley(monkeypatch, [[4.0]], [2.0])
    step = valley.step([0], 1.0, least)
    assert len(valley.tried) == tried
    assert (step.state is None) == (tried == 0)


@pytest.mark.parametrize(("damping", "last"), [(1e-3, 1e5), (1e-9, 1e2)])
def test_damping_grows_tenfold_eight_times(monkeypatch, damping: float, last: float) -> None:
    valley = Valley(monkeypatch, [[4.0]], [2.0], chi2=lambda row: 1.0)
    step = valley.step([0], damping)
    assert step.state is None
    assert len(valley.tried) == 8
    assert step.damping == pytest.approx(last)


def test_a_parameter_at_its_bound_does_not_pull_the_others(monkeypatch) -> None:
    """With it the second would move by 2, without by 1 (both damped by nothing)."""
    matrix, slope = [[1.0, -0.5], [-0.5, 1.0]], [1.0, 1.0]
    valley = Valley(monkeypatch, matrix, slope)
    valley.step([0, 1], 0.0, nu=(60e3, -20e3))
    assert valley.tried[0][:2] == pytest.approx([60e3, -20e3 + 1.0])
    inner = Valley(monkeypatch, matrix, slope)
    inner.step([0, 1], 0.0, nu=(59e3, -20e3))
    assert inner.tried[0][:2] == pytest.approx([59e3 + 2.0, -20e3 + 2.0])
    low = Valley(monkeypatch, [[1.0, 0.5], [0.5, 1.0]], [-1.0, 1.0])
    low.step([0, 1], 0.0, nu=(40e3, -20e3))
    assert low.tried[0][:2] == pytest.approx([40e3, -20e3 + 1.0])
    back = Valley(monkeypatch, matrix, slope)
    back.step([0, 1], 0.0, nu=(40e3, -20e3))
    assert back.tried[0][:2] == pytest.approx([40e3 + 2.0, -20e3 + 2.0])


def test_the_time_origin_is_looked_for_within_sixty_microseconds() -> None:
    bounds = _bound_parameters(pose(np.ones((1, 1024), complex)), PAIR)
    assert (bounds.low[6], bounds.high[6]) == (-60e-6, 60e-6)


def test_span_is_that_of_the_axis_wherever_it_begins() -> None:
    given = LineshapeProblem(y=np.ones((1, 1024), complex), time=TIME + 5e-4, sigma=np.ones(1))
    assert _bound_parameters(given, PAIR).low[2] == pytest.approx(0.05 / 1023e-6)


def test_free_areas_of_lines_that_coincide_share_what_is_there() -> None:
    twice = shapes((-20e3, 2500.0, 1), (-20e3, 2500.0, 1))
    at = evaluate_state(pose(evaluate_shapes(twice, TIME)[:1]), twice)
    area = varpro._solve_free_areas(at)
    assert area.sum() == pytest.approx(1.0)
    assert area[0] == pytest.approx([0.5, 0.5], rel=1e-2)
