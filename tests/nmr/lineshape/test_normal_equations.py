"""The reduced normal equations are those of a plain least-squares fit of all parameters."""

from dataclasses import replace

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.lines import shapes

from ssbchar.nmr.lineshape.normal_equations import (
    build_normal_equations,
    compute_residual,
    evaluate_state,
    invert_by_eigenvalues,
    invert_with_ridge,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import evaluate_shapes

TIME = np.arange(512) * 1e-6 - 2e-6
PAIR = replace(shapes((50e3, 1900.0, 0), (-20e3, 2500.0, 1)), origin=1e-6)
TRIPLE = replace(shapes((50e3, 1900.0, 0), (-20e3, 2500.0, 1), (-28e3, 2500.0, 1)), origin=1e-6)
PHASES = {
    PhaseModel.SHARED: np.array([[0.4, 0.4], [0.4, 0.4]]),
    PhaseModel.PER_SLICE: np.array([[0.4, 0.4], [1.4, 1.4]]),
    PhaseModel.PER_REGION: np.array([[0.4, 1.0], [1.4, -1.0]]),
}


def pose(model: PhaseModel, lines) -> LineshapeProblem:
    phase = PHASES[model][:, lines.region]
    area = np.array([[0.4, 1.0, 0.5], [0.2, 0.7, 0.3]])[:, : lines.n]
    clean = (area * np.exp(1j * phase)) @ evaluate_shapes(replace(lines, origin=0.0), TIME)
    y = signals.noisy(clean, 0.02, 1)
    sigma = np.array([0.02, 0.03])
    return LineshapeProblem(y=y, time=TIME, sigma=sigma, phases=model, regions=2).prepare()


def plain_equations(problem: LineshapeProblem, at, free: np.ndarray):
    """Jacobian by finite differences of everything: areas, phase groups, shared parameters."""
    lines, row = at.shapes, at.shapes.pack_parameters()
    group = problem.group_phases(lines)
    blocks, slopes = 0.0, 0.0
    for s, sigma in enumerate(problem.sigma):

        def model(values, area, phase, s=s):
            turn = np.exp(1j * (at.phase[s] + phase + values[-1]))
            return (area * turn) @ evaluate_shapes(lines.unpack_parameters(values), problem.time)

        residual = problem.y[s] - model(row, at.area[s], np.zeros(lines.n))
        columns = []
        size = np.where(np.abs(row) > 0, 1e-6 * np.abs(row), 1e-6)
        size[-2] = 1e-10
        for p in free:
            step = np.zeros(row.size)
            step[p] = size[p]
            above, below = (
                model(row + sign * step, at.area[s], np.zeros(lines.n)) for sign in (1, -1)
            )
            columns.append((above - below) / (2 * size[p]))
        own = [model(row, np.eye(lines.n)[j], np.zeros(lines.n)) for j in range(lines.n)]
        if problem.phases != PhaseModel.SHARED:
            for g in range(group.max() + 1):
                own.append(1j * model(row, at.area[s] * (group == g), np.zeros(lines.n)))
        j, k = np.array(columns).T, np.array(own).T
        jj, jk, kk = (np.real(a.conj().T @ b) for a, b in ((j, j), (j, k), (k, k)))
        jr, kr = np.real(j.conj().T @ residual), np.real(k.conj().T @ residual)
        reduced = jj - jk @ np.linalg.solve(kk, jk.T)
        blocks = blocks + reduced / sigma**2
        slopes = slopes + (jr - jk @ np.linalg.solve(kk, kr)) / sigma**2
    return blocks, slopes


@pytest.mark.parametrize("model", list(PhaseModel))
@pytest.mark.parametrize("lines", [PAIR, TRIPLE], ids=["pair", "triple"])
@pytest.mark.parametrize("exact", [False, True])
def test_equations_are_those_of_a_plain_fit(model: PhaseModel, lines, exact: bool) -> None:
    problem = replace(pose(model, lines), origin_prior=1e3)
    at = evaluate_state(problem, lines)
    n = lines.n
    ends = {
        PhaseModel.SHARED: [3 * n, 3 * n + 1],
        PhaseModel.PER_SLICE: [3 * n],
        PhaseModel.PER_REGION: [],
    }[model]
    free = np.array([*range(2 * n), *ends])
    matrix, slope = plain_equations(problem, at, free)
    found = build_normal_equations(problem, at, free, exact=exact)
    scale = np.sqrt(np.diag(matrix))
    np.testing.assert_allclose(
        found.matrix / scale / scale[:, None], matrix / scale / scale[:, None], atol=1e-4
    )
    np.testing.assert_allclose(found.slope / scale, slope / scale, atol=1e-3)
    assert build_normal_equations(problem, at, free, exact=exact).matrix == pytest.approx(
        found.matrix
    )


def test_equations_are_made_once_for_a_state() -> None:
    problem = pose(PhaseModel.SHARED, PAIR)
    at = evaluate_state(problem, PAIR)
    free = np.array([0, 1])
    assert build_normal_equations(problem, at, free) is build_normal_equations(problem, at, free)
    exact = build_normal_equations(problem, at, free, exact=True)
    assert exact is not build_normal_equations(problem, at, free)


def test_the_prior_pulls_the_time_origin_to_zero() -> None:
    wide = pose(PhaseModel.SHARED, PAIR)
    narrow = replace(wide, origin_prior=1e-6)
    free = np.array([0, 6])
    for problem in (wide, narrow):
        at = evaluate_state(problem, PAIR)
        prior = 4 * np.log1p((1e-6 / problem.origin_prior) ** 2 / 4)
        assert at.chi2 == pytest.approx(at.chi2_slice.sum() + prior)
    matrices = [build_normal_equations(p, evaluate_state(p, PAIR), free) for p in (wide, narrow)]
    assert matrices[1].matrix[1, 1] - matrices[0].matrix[1, 1] == pytest.approx(
        1 / 1.25 / 1e-6**2 - 1 / 1.01 / 5e-6**2
    )
    assert matrices[1].slope[1] - matrices[0].slope[1] == pytest.approx(
        -1e-6 / 1.25 / 1e-6**2 + 1e-6 / 1.01 / 5e-6**2
    )
    assert evaluate_state(replace(wide, phases=PhaseModel.PER_REGION), PAIR).chi2 < 1e6


def test_chi_square_is_that_of_the_residual() -> None:
    problem = pose(PhaseModel.PER_SLICE, TRIPLE)
    at = evaluate_state(problem, TRIPLE)
    left = compute_residual(problem, at)
    expected = np.sum(np.abs(left) ** 2, axis=1) / problem.sigma**2
    np.testing.assert_allclose(at.chi2_slice, expected, rtol=1e-6)


def test_an_area_held_at_zero_has_no_row_of_its_own() -> None:
    f = evaluate_shapes(PAIR, TIME)
    y = np.array([[0.4, 1.0], [-0.2, 1.0]]) @ f
    problem = LineshapeProblem(y=y, time=TIME, sigma=np.array([0.02, 0.02])).prepare()
    at = evaluate_state(problem, PAIR)
    assert at.area[1, 0] == 0.0
    free = np.array([0, 1, 2, 3])
    found = build_normal_equations(problem, at, free)
    assert found.own[1, 0] == pytest.approx([0.0, 0.0])
    assert found.own[0, 0, 0] > 0
    assert build_normal_equations(problem, at, free, exact=True).own[-1, 0, 0] > 0


@pytest.mark.parametrize("invert", [invert_by_eigenvalues, invert_with_ridge])
def test_inverses_do_not_mind_units_or_rows_of_zeros(invert) -> None:
    matrix = np.array([[4.0, 2e6, 0.0], [2e6, 3e12, 0.0], [0.0, 0.0, 0.0]])
    inverse = invert(np.stack([matrix, matrix]))[1]
    np.testing.assert_allclose(inverse[:2, :2], np.linalg.inv(matrix[:2, :2]), rtol=1e-9)
    assert np.all(inverse[2] == 0) and np.all(inverse[:, 2] == 0)


def test_a_singular_matrix_has_the_inverse_of_what_is_regular() -> None:
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    stack = np.stack([singular, np.array([[2.0, 1.0], [1.0, 3.0]])])
    assert invert_by_eigenvalues(stack)[0] == pytest.approx(singular / 4)
    nearly = np.array([[1.0, 1.0 - 1e-15], [1.0 - 1e-15, 1.0]])
    assert invert_by_eigenvalues(nearly) == pytest.approx(singular / 4)
    regular = np.array([[2.0, 1.0], [1.0, 3.0]])
    assert invert_by_eigenvalues(regular) == pytest.approx(np.linalg.inv(regular))


def test_one_matrix_with_a_row_of_zeros_keeps_it() -> None:
    matrix = np.array([[4.0, 0.0], [0.0, 0.0]])
    for invert in (invert_by_eigenvalues, invert_with_ridge):
        assert invert(matrix) == pytest.approx(np.array([[0.25, 0.0], [0.0, 0.0]]))
        assert invert(np.zeros((2, 2, 2))).tolist() == np.zeros((2, 2, 2)).tolist()


def test_the_prior_of_the_time_origin_leaves_the_common_phase_alone() -> None:
    """The phase has the place of the time origin where that is not asked for."""
    wide = pose(PhaseModel.SHARED, PAIR)
    free = np.array([0, 7])
    made = [
        build_normal_equations(problem, evaluate_state(problem, PAIR), free)
        for problem in (wide, replace(wide, origin_prior=1e-9))
    ]
    np.testing.assert_array_equal(made[0].matrix, made[1].matrix)
    np.testing.assert_array_equal(made[0].slope, made[1].slope)


def test_chi_square_of_data_without_noise_is_zero() -> None:
    y = np.array([[0.4, 1.0]]) @ evaluate_shapes(replace(PAIR, origin=0.0), TIME)
    problem = LineshapeProblem(y=y, time=TIME, sigma=np.ones(1)).prepare()
    at = evaluate_state(problem, replace(PAIR, origin=0.0))
    assert 0.0 <= at.chi2 < 1e-6
