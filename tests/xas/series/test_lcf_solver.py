"""Linear combinations: exact mixtures come back exactly, shifts are told from weights, errors are
what scatters."""

import numpy as np
import pytest
from xas import made_spectra
from xas.campaign import chain, write_pair

from ssbchar.errors import BadInput
from ssbchar.xas.normalisation import edge
from ssbchar.xas.series import lcf_solver, linear_combination
from ssbchar.xas.series.options import Mixture

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


def test_errors_of_weights_are_what_scatters(tmp_path_factory: pytest.TempPathFactory) -> None:
    weights, stated = [], []
    for seed in range(8):
        folder = tmp_path_factory.mktemp("pair")
        write_pair(folder, 50 + seed, loss=0.0, shift=3.5, repeats=1)
        _, one = chain(folder, "pristine")
        _, other = chain(folder, "cycled")
        again = tmp_path_factory.mktemp("again")
        write_pair(again, 500 + seed, loss=0.0, shift=0.0, repeats=1)
        _, sample = chain(again, "pristine")
        done = linear_combination.fit_mixture(sample, [one, other], Mixture(choices=0))
        weights.append(float(done["weight"][-1, 1]))
        stated.append(float(done["weight_stderr"][-1, 1]))
    pulls = np.array(weights) / np.array(stated)
    assert abs(pulls.mean()) < 3 / np.sqrt(8)
    assert 0.5 < pulls.std() < 1.7


def test_references_of_another_edge_are_no_references(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    write_pair(folder, 1, loss=0.0, shift=0.0, repeats=1)
    _, one = chain(folder, "pristine")
    with pytest.raises(BadInput, match="none of its references is measured at Fe K"):
        linear_combination.fit_mixture(one, [one.assign_attrs(element="Ge")], Mixture())


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
