"""Areas and phases for given lines: what was put in comes out, and explains most."""

from dataclasses import replace

import numpy as np
import pytest
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape import amplitudes
from ssbchar.nmr.lineshape.amplitudes import (
    invert_matrix,
    solve_areas_and_phases,
    solve_system,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes

TIME = np.arange(1024) * 1e-6
THREE = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1), (-23e3, 1500.0, 1))


def make(amplitude: np.ndarray, model: PhaseModel, lines: LineShapes = THREE):
    y = amplitude @ evaluate_shapes(lines, TIME)
    sigma = np.linspace(0.01, 0.03, len(y))
    given = LineshapeProblem(y=y, time=TIME, sigma=sigma, phases=model).prepare()
    f = evaluate_shapes(lines, TIME)
    return given, solve_areas_and_phases(given, lines, f.conj() @ f.T, y @ f.conj().T)


AREA = np.array([[0.2, 1.0, 0.4], [0.1, 0.5, 0.3]])


@pytest.mark.parametrize(
    ("model", "phase"),
    [
        (PhaseModel.SHARED, np.full((2, 3), 2.9)),
        (PhaseModel.SHARED, np.full((2, 3), -0.4)),
        (PhaseModel.PER_SLICE, np.array([[0.4] * 3, [-2.5] * 3])),
        (PhaseModel.PER_REGION, np.array([[0.4, -1.0, -1.0], [2.0, 0.1, 0.1]])),
    ],
)
def test_areas_and_phases_of_clean_data_come_back(model: PhaseModel, phase: np.ndarray) -> None:
    given, found = make(AREA * np.exp(1j * phase), model)
    np.testing.assert_allclose(found.area, AREA, rtol=1e-3)
    np.testing.assert_allclose(np.exp(1j * found.phase), np.exp(1j * phase), atol=2e-3)
    np.testing.assert_allclose(found.explained, given.power, rtol=1e-4)


def test_lines_with_a_phase_each_are_complex_amplitudes() -> None:
    pair = THREE.select(np.array([0, 1]))
    amplitude = np.array([[0.2 * np.exp(1j), -1.0], [0.1j, 0.5]])
    given, found = make(amplitude, PhaseModel.PER_REGION, pair)
    np.testing.assert_allclose(found.area * np.exp(1j * found.phase), amplitude, rtol=1e-8)
    np.testing.assert_allclose(found.explained, given.power, rtol=1e-9)


@pytest.mark.parametrize("model", [PhaseModel.SHARED, PhaseModel.PER_SLICE])
def test_a_negative_line_is_held_at_zero(model: PhaseModel) -> None:
    amplitude = np.array([[0.2, 1.0, -0.1], [0.1, 0.5, 0.3]]) * np.exp(0.3j)
    given, found = make(amplitude, model)
    assert found.area[0, 2] == 0.0
    assert (found.area >= 0).all()
    assert found.explained[0] < given.power[0]
    assert found.explained[1] == pytest.approx(given.power[1], rel=1e-3)


def test_explained_power_is_what_the_residual_lacks() -> None:
    noisy = problem(0.05, (1.0, -20e3, 2500.0), (0.3, 50e3, 900.0))
    lines = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
    for model in PhaseModel:
        given = replace(noisy, phases=model)
        f = evaluate_shapes(lines, given.time)
        found = solve_areas_and_phases(given, lines, f.conj() @ f.T, given.y @ f.conj().T)
        left = given.y - (found.area * np.exp(1j * found.phase)) @ f
        assert given.power - found.explained == pytest.approx(np.sum(np.abs(left) ** 2), rel=1e-6)


def test_slices_weigh_by_their_noise_in_a_shared_phase() -> None:
    amplitude = AREA * np.exp(1j * np.array([[0.0], [0.2]]))
    f = evaluate_shapes(THREE, TIME)
    y = amplitude @ f
    for sigma, near in ((np.array([1.0, 1e-3]), 0.2), (np.array([1e-3, 1.0]), 0.0)):
        given = LineshapeProblem(y=y, time=TIME, sigma=sigma).prepare()
        found = solve_areas_and_phases(given, THREE, f.conj() @ f.T, y @ f.conj().T)
        assert found.phase == pytest.approx(np.full((2, 3), near), abs=1e-3)


def test_inverse_and_solution_of_small_systems() -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    assert invert_matrix(matrix) == pytest.approx(np.array([[0.6, -0.2], [-0.2, 0.4]]))
    assert solve_system(matrix, np.array([4.0, 7.0])) == pytest.approx([1.0, 2.0])
    turned = np.array([[2.0, 1j], [-1j, 3.0]])
    assert invert_matrix(turned) @ turned == pytest.approx(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        invert_matrix(np.zeros((2, 2)))
    with pytest.raises(np.linalg.LinAlgError):
        solve_system(np.zeros((2, 2)), np.ones(2))


def test_the_ridge_is_a_millionth_of_a_millionth_of_each_lines_norm() -> None:
    gram = np.array([[2.0, 1.0], [1.0, 8.0]])
    ridged = amplitudes._add_ridge(gram) - gram
    assert np.diag(ridged) == pytest.approx([2e-12, 8e-12], rel=1e-3)
    assert (ridged[0, 1], ridged[1, 0]) == (0.0, 0.0)
    assert gram[0, 0] == 2.0


def refuse(*arguments: object) -> None:
    raise AssertionError("no bound at zero is needed")


@pytest.mark.parametrize("model", [PhaseModel.SHARED, PhaseModel.PER_SLICE])
@pytest.mark.parametrize("phase", [0.3, 3.0, -2.0])
def test_areas_that_half_a_turn_makes_positive_need_no_bound(
    monkeypatch, model: PhaseModel, phase: float
) -> None:
    monkeypatch.setattr(amplitudes, "solve_non_negative", refuse)
    _, found = make(AREA * np.exp(1j * phase), model)
    np.testing.assert_allclose(found.area, AREA, rtol=1e-3)
    np.testing.assert_allclose(np.exp(1j * found.phase), np.exp(1j * phase), atol=2e-3)


@pytest.mark.parametrize("model", [PhaseModel.SHARED, PhaseModel.PER_SLICE])
def test_a_slice_without_data_has_no_area_and_is_not_turned(monkeypatch, model) -> None:
    monkeypatch.setattr(amplitudes, "solve_non_negative", refuse)
    _, found = make(np.zeros((1, 3), complex), model)
    assert found.area.tolist() == [[0.0] * 3]
    assert found.phase.tolist() == [[0.0] * 3]
    assert found.explained.tolist() == [0.0]


def test_areas_and_group_phases_take_four_turns(monkeypatch) -> None:
    """Counted by the areas, which are solved for once in each."""
    solved = []

    def solve(gram, right):
        solved.append(right)
        return amplitudes_of(gram, right)

    amplitudes_of = amplitudes.solve_non_negative
    monkeypatch.setattr(amplitudes, "solve_non_negative", solve)
    make(AREA * np.exp(0.3j), PhaseModel.PER_REGION)
    assert len(solved) == 4
