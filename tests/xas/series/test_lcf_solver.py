"""Linear combinations: exact mixtures come back exactly, both solvers end in scipy's minimum."""

from types import SimpleNamespace

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.normalisation import edge
from ssbchar.xas.series import lcf_solver
from ssbchar.xas.series.options import Mixture
from ssbchar.xas.series.shifted_references import ShiftedReferences

ENERGY = made_spectra.grid()
USE = (ENERGY > 7099) & (ENERGY < 7180)


@pytest.fixture(scope="module")
def references() -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for truth in (
        made_spectra.Truth(),
        made_spectra.Truth(edge=7123.5, white=0.3),
        made_spectra.Truth(edge=7112, white=0.0),
    ):
        mu = made_spectra.mu(ENERGY, truth)[None]
        found.append(
            (
                ENERGY,
                edge.normalise_edges(ENERGY, mu, edge.choose_fit_ranges(ENERGY, truth.edge)).norm[
                    0
                ],
            )
        )
    return found


def mixed(
    references: list[tuple[np.ndarray, np.ndarray]], weights: np.ndarray, shift: float = 0.0
) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    columns = np.array([CubicSpline(x, y)(ENERGY[USE] - shift) for x, y in references])
    return np.asarray(weights @ columns)


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.7])
@pytest.mark.parametrize("tied", [False, True])
def test_exact_mixtures_come_back(
    references: list[tuple[np.ndarray, np.ndarray]], shift: float, tied: bool
) -> None:
    weights = np.array([[0.7, 0.3, 0.0], [0.05, 0.9, 0.05], [0.2, 0.2, 0.6]])
    norm = mixed(references, weights, shift)
    done = lcf_solver.fit_combination(
        ENERGY[USE], norm, np.full_like(norm, 1e-3), references, Mixture(sum_to_one=tied)
    )
    assert np.allclose(done.weight, weights, atol=1e-5)
    assert np.allclose(done.shift, shift, atol=1e-5)
    assert done.r_factor.max() < 1e-12


def test_weights_that_must_sum_to_one_do(references: list[tuple[np.ndarray, np.ndarray]]) -> None:
    norm = 1.05 * mixed(references, np.array([[0.5, 0.5, 0.0]]))
    options = Mixture(sum_to_one=True, shift=False)
    done = lcf_solver.fit_combination(
        ENERGY[USE], norm, np.full_like(norm, 1e-3), references, options
    )
    assert done.weight.sum() == pytest.approx(1)


def test_a_shift_that_is_fixed_fakes_a_second_phase(
    references: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    norm = mixed(references[:2], np.array([[1.0, 0.0]]), 0.05)
    sigma = np.full_like(norm, 1e-3)
    fixed = lcf_solver.fit_combination(
        ENERGY[USE], norm, sigma, references[:2], Mixture(shift=False)
    )
    free = lcf_solver.fit_combination(ENERGY[USE], norm, sigma, references[:2], Mixture())
    assert abs(fixed.weight[0, 1]) > 5e-3
    assert abs(free.weight[0, 1]) < 1e-5


def test_least_squares_is_numpys(references: list[tuple[np.ndarray, np.ndarray]]) -> None:
    random = np.random.default_rng(2)
    columns = [np.broadcast_to(y[USE], (4, USE.sum())) for _, y in references]
    target, sigma = random.standard_normal((4, USE.sum())), random.uniform(0.5, 2, (4, USE.sum()))
    found = lcf_solver.solve_least_squares(columns, target, 1 / sigma**2, 0)
    gains = lcf_solver.build_gain(columns, 1 / sigma**2, 0)
    for i in range(4):
        matrix = np.column_stack([c[i] for c in columns]) / sigma[i][:, None]
        expected = np.linalg.lstsq(matrix, target[i] / sigma[i], rcond=None)[0]
        assert np.allclose(found[i], expected, rtol=1e-6)
        assert np.allclose(gains[i] @ target[i], expected, rtol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_both_ways_end_where_scipy_does(
    references: list[tuple[np.ndarray, np.ndarray]], tied: bool
) -> None:
    """One weight for all spectra (moments), a weight for each (Newton), and scipy, on noisy spectra
    with shifts."""
    from scipy.interpolate import CubicSpline
    from scipy.optimize import least_squares

    random = np.random.default_rng(9)
    weights = np.array([[0.7, 0.3], [0.1, 0.9], [0.5, 0.5], [1.0, 0.0]])
    shifts = np.array([0.013, -0.4, 1.2, 0.0])
    norm = np.array(
        [mixed(references[:2], w[None], s)[0] for w, s in zip(weights, shifts, strict=True)]
    )
    norm += 2e-3 * random.standard_normal(norm.shape)
    profile = 2e-3 * (1 + 0.5 * np.sin(ENERGY[USE] / 7))
    stderr = np.outer([1.0, 2.0, 0.5, 1.0], profile)
    options = Mixture(sum_to_one=tied)
    alike = lcf_solver.fit_combination(ENERGY[USE], norm, stderr, references[:2], options)
    apart = lcf_solver.fit_combination(
        ENERGY[USE],
        norm,
        stderr * (1 + 1e-5 * random.uniform(size=stderr.shape)),
        references[:2],
        options,
    )
    assert np.abs(alike.weight - apart.weight).max() < 1e-6
    assert np.abs(alike.shift - apart.shift).max() < 1e-6
    assert np.allclose(alike.reduced_chi_square, apart.reduced_chi_square, rtol=1e-3)
    splines = [CubicSpline(x, y) for x, y in references[:2]]
    for i in range(4):

        def misfit(p: np.ndarray, i: int = i) -> np.ndarray:
            w = [1 - p[0], p[0]] if tied else p[:2]
            model = sum(a * s(ENERGY[USE] - p[-1]) for a, s in zip(w, splines, strict=True))
            return np.asarray((norm[i] - model) / stderr[i])

        first = [0.5, 0.0] if tied else [0.5, 0.5, 0.0]
        best = least_squares(misfit, first, xtol=1e-15, ftol=1e-15, gtol=1e-15)
        assert alike.shift[i] == pytest.approx(best.x[-1], abs=2e-6)
        assert alike.weight[i, 1] == pytest.approx(best.x[-2], abs=2e-6)


def test_weights_share_a_profile_where_errors_differ_by_a_factor() -> None:
    profile = np.array([1.0, 2.0, 4.0])
    found = lcf_solver.find_common_weights(np.outer([1.0, 2.0], profile))
    assert found.profile == pytest.approx([1, 1 / 4, 1 / 16])
    assert found.level == pytest.approx([1, 1 / 4]) and found.each.size == 0
    assert found.mean is found.profile
    one = lcf_solver.find_common_weights(np.full((2, 3), 0.5))
    assert one.profile == pytest.approx([4, 4, 4])


@pytest.mark.parametrize(("change", "common"), [(0.5e-6, True), (2e-6, False)])
def test_errors_that_differ_in_their_profile_are_weighted_one_by_one(
    change: float, common: bool
) -> None:
    stderr = np.ones((2, 3))
    stderr[1, 2] += change
    found = lcf_solver.find_common_weights(stderr)
    assert (found.profile is not None) is common
    if not common:
        assert np.allclose(found.each, 1 / stderr**2)
        assert np.allclose(found.mean, (1 / stderr**2).mean(axis=0))


def test_an_error_of_nothing_is_a_large_weight() -> None:
    assert lcf_solver.find_common_weights(np.zeros((1, 2))).profile == pytest.approx(1e24)
    mixed_errors = lcf_solver.find_common_weights(np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert mixed_errors.each[1, 1] == pytest.approx(1e24)


@pytest.mark.parametrize("varied", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_statistics_of_a_misfit_by_hand(varied: bool, tied: bool) -> None:
    """Two references without a shift, against the normal equations; 6 points."""
    energy = np.arange(6.0)
    first, last = np.linspace(0, 1, 6), np.array([0, 1, 0, 1, 1, 1.0])
    axis = np.arange(-3.0, 9.0)
    references = [(axis, np.interp(axis, energy, y)) for y in (first, last)]
    norm = np.array([[0.1, 0.3, 0.5, 0.5, 0.9, 1.1], [0.2, 1.1, 0.1, 0.8, 1.0, 1.3]])
    stderr = np.outer([1.0, 2.0], [0.1, 0.2, 0.1, 0.1, 0.3, 0.1])
    stderr[1, 2] += 0.05 * varied
    options = Mixture(shift=False, sum_to_one=tied)
    found = lcf_solver.fit_combination(energy, norm, stderr, references, options)
    for i in range(2):
        columns, target = (first - last)[:, None], norm[i] - last
        if not tied:
            columns, target = np.column_stack([first, last]), norm[i]
        scale = 1 / stderr[i]
        best = np.linalg.lstsq(columns * scale[:, None], target * scale, rcond=None)[0]
        weight = [best[0], 1 - best[0]] if tied else best
        residual = target - columns @ best
        assert np.allclose(found.weight[i], weight)
        chi_square = float((residual**2 / stderr[i] ** 2).sum())
        assert found.reduced_chi_square[i] == pytest.approx(chi_square / (6 - len(best)))
        assert found.r_factor[i] == pytest.approx((residual**2).sum() / (norm[i] ** 2).sum())
    assert found.shift.tolist() == [0, 0] and not found.free_shift
    assert np.allclose([c[0] for c in found.columns], [first, last])


def test_a_shift_costs_a_degree_of_freedom(
    references: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    random = np.random.default_rng(4)
    norm = mixed(references[:2], np.array([[0.5, 0.5]]))
    norm = norm + 1e-3 * random.standard_normal(norm.shape)
    sigma = np.full_like(norm, 1e-3)
    for options, free in ((Mixture(), 3), (Mixture(sum_to_one=True), 2)):
        found = lcf_solver.fit_combination(ENERGY[USE], norm, sigma, references[:2], options)
        chi_square = float((((norm - found.fitted) / 1e-3) ** 2).sum())
        expected = chi_square / (USE.sum() - free)
        assert found.reduced_chi_square[0] == pytest.approx(expected)


def test_columns_are_the_derivatives_of_the_model(
    references: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    norm = mixed(references[:2], np.array([[0.7, 0.3]]), 0.33)
    sigma = np.full_like(norm, 1e-3)
    found = lcf_solver.fit_combination(ENERGY[USE], norm, sigma, references[:2], Mixture())
    step = 1e-4
    shifted = found.references
    up = shifted.combine(found.weight, found.shift + step)
    down = shifted.combine(found.weight, found.shift - step)
    assert np.allclose(found.columns[-1], (up - down) / (2 * step), atol=1e-6)
    more = found.weight + np.array([[step, 0.0]])
    expected = (shifted.combine(more, found.shift) - found.fitted) / step
    assert np.allclose(found.columns[0], expected, atol=1e-6)


@pytest.mark.parametrize("varied", [False, True])
@pytest.mark.parametrize("true", [0.7, -0.7])
def test_a_shift_stays_within_its_bound(
    references: list[tuple[np.ndarray, np.ndarray]], varied: bool, true: float
) -> None:
    norm = mixed(references[:2], np.array([[0.7, 0.3], [0.6, 0.4]]), true)
    stderr = np.full_like(norm, 1e-3)
    stderr[1, ::2] *= 1 + varied
    options = Mixture(max_shift=0.5)
    found = lcf_solver.fit_combination(ENERGY[USE], norm, stderr, references[:2], options)
    assert found.shift == pytest.approx(2 * [np.copysign(0.5, true)])


def test_the_search_starts_near_the_minimum_within_the_grid(
    references: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    weights = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])
    shifts = (0.04, -1.23, 1.98)
    norm = np.array(
        [mixed(references[:2], w[None], s)[0] for w, s in zip(weights, shifts, strict=True)]
    )
    shifted = ShiftedReferences(ENERGY[USE], references[:2])
    for tied in (False, True):
        options = Mixture(sum_to_one=tied)
        found = lcf_solver.search_shifts(norm, np.ones(USE.sum()), shifted, options)
        assert np.abs(found.shift - shifts).max() < 0.03
        assert np.abs(found.weight - weights).max() < 0.15
        assert np.allclose(found.weight.sum(axis=1), 1, atol=1e-9 if tied else 0.02)


def test_the_vertex_of_a_parabola() -> None:
    grid = np.array([0.0, 0.5, 1.0, 1.5])
    values = np.array([-((grid - 0.6) ** 2), -((grid - 9.0) ** 2), np.zeros(4), (grid - 1) ** 2])
    best = np.argmax(values, axis=1)
    found = lcf_solver._interpolate_maximum(grid, values, best)
    # A maximum beyond the grid is at most a step away; no maximum, no move.
    assert found == pytest.approx([0.6, 1.5, 0.5, 0.5])


def test_tied_coefficients_sum_to_nothing() -> None:
    assert np.array_equal(lcf_solver._build_constraint(3, 0), np.eye(3))
    assert lcf_solver._build_constraint(3, 2).tolist() == [[1, 0], [-1, 0], [0, 1]]
    constraint = lcf_solver._build_constraint(3, 3)
    assert constraint.tolist() == [[1, 0], [0, 1], [-1, -1]]


def test_gain_and_solution_with_ties_agree() -> None:
    random = np.random.default_rng(6)
    columns = [random.standard_normal((1, 30)) for _ in range(4)]
    target, power = random.standard_normal((2, 30)), random.uniform(0.5, 2, (2, 30))
    found = lcf_solver.solve_least_squares(columns, target, power, 3)
    assert np.allclose(found[:, :3].sum(axis=1), 0)
    gain = lcf_solver.build_gain(columns, power, 3)
    assert np.allclose(np.einsum("nce,ne->nc", gain, target), found)
    gradient = np.array(
        [
            (power * (target - np.einsum("nc,ce->ne", found, np.vstack(columns)))) @ c[0]
            for c in columns
        ]
    )
    assert np.allclose(gradient[3], 0) and np.allclose(gradient[:3] - gradient[0], 0)


@pytest.mark.parametrize(("offset", "rounds"), [(0.0, 1), (0.9, 1), (1.1, lcf_solver.CELL_ROUNDS)])
def test_rounds_end_once_no_shift_moves_by_a_cell(
    monkeypatch: pytest.MonkeyPatch, offset: float, rounds: int
) -> None:
    """Spectra that lie 50 cells from zero and move by `offset` cells a round."""
    asked = []

    def move(norm: object, profile: object, cell: SimpleNamespace, weight: np.ndarray, _: object):
        asked.append(cell.rows)
        return weight, np.full(2, offset * lcf_solver.CELL)

    monkeypatch.setattr(lcf_solver, "_refine_in_cell", move)
    monkeypatch.setattr(lcf_solver, "measure_offset", np.zeros_like)
    rows = np.arange(2)
    shifted = SimpleNamespace(group_by_cell=lambda shift: [SimpleNamespace(rows=rows)])
    start = lcf_solver.Combination(weight=np.ones((2, 1)), shift=np.full(2, 50 * lcf_solver.CELL))
    found = lcf_solver.refine_by_moments(
        np.ones((2, 5)), np.ones(5), shifted, start, Mixture(max_shift=5.0)
    )
    assert len(asked) == rounds
    assert found.shift == pytest.approx(np.full(2, (50 + rounds * offset) * lcf_solver.CELL))


@pytest.mark.parametrize(
    ("shift", "found"), [(1.0, 1.0), (-1.0, -1.0), (1.79, 1.79), (4.0, 1.8), (-4.0, -1.8)]
)
def test_shifts_move_three_steps_of_a_tenth_in_each_of_six_rounds(
    shift: float, found: float
) -> None:
    """Of a straight line every full step would reach the minimum at once; its weight is at it."""
    energy = np.linspace(-10.0, 10.0, 41)
    shifted = ShiftedReferences(energy, [(energy, energy)])
    start = lcf_solver.Combination(weight=np.ones((1, 1)), shift=np.zeros(1))
    norm, options = (energy - shift)[None], Mixture(max_shift=5.0)
    done = lcf_solver.refine_by_moments(norm, np.ones(energy.size), shifted, start, options)
    assert done.shift == pytest.approx([found], abs=1e-9)
    assert done.weight[0] == pytest.approx([1.0], abs=1e-9)
