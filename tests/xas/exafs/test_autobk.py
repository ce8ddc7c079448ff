"""The background spline: its size, its minimum, its operators, Larch's record."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.constants import ETOK
from ssbchar.xas.exafs import autobk
from ssbchar.xas.exafs.options import Exafs

ENERGY = made_spectra.grid()
E0 = 7119.6
MU = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
RECORD = Path(__file__).parents[1] / "data/larch.npz"


def test_the_spline_has_as_many_coefficients_as_the_range_holds() -> None:
    """1 + 2 rbkg dk/pi: of 1 angstrom and 10 pi/2 per angstrom 11; at least 5, 128 at most."""
    assert autobk.choose_spline_size(1.0, 5 * np.pi + 1e-9)[0] == 11
    assert autobk.choose_spline_size(1.0, 5 * np.pi - 1e-9)[0] == 10
    assert autobk.choose_spline_size(0.5, 2.0)[0] == 5
    assert autobk.choose_spline_size(10.0, 100.0)[0] == 128
    _, n_low = autobk.choose_spline_size(1.0, 5 * np.pi + 1e-9)
    assert n_low == int(1 + 10 * np.pi / (2 * np.pi / (0.05 * 2048) * (5 * np.pi + 1e-9)))


def test_the_smallest_background_distance_is_two_steps_of_r() -> None:
    assert autobk.choose_spline_size(1e-6, 300.0) == autobk.choose_spline_size(
        2 * np.pi / (0.05 * 2048), 300.0
    )


def test_the_grid_runs_from_e0_to_the_last_point() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs())
    assert ENERGY[operators.first] <= E0 < ENERGY[operators.first + 1]
    assert operators.last == ENERGY.size - 1
    last = np.sqrt(ETOK * (ENERGY[-1] - E0))
    assert operators.k[0] == 0.0
    assert operators.k[1] == 0.05
    assert last - 0.05 < operators.k[-1] <= last + 1e-9
    above = ENERGY[operators.first :] - E0
    assert np.allclose(operators.raw_k**2, ETOK * np.abs(above))
    assert operators.raw_k[0] <= 0 < operators.raw_k[1]


def test_a_range_that_is_cut_uses_one_point_beyond_it() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs(kmax_background=10.0))
    assert operators.k[-1] == pytest.approx(10.0)
    end = E0 + 100 / ETOK
    assert ENERGY[operators.last - 1] <= end < ENERGY[operators.last]


def test_the_grid_ends_at_the_last_step_within_its_range() -> None:
    for end, last in ((10.04, 10.0), (10.0, 10.0), (9.99, 9.95)):
        operators = autobk.build_operators(ENERGY, E0, Exafs(kmax_background=end))
        assert operators.k[-1] == pytest.approx(last)


def test_chi_is_linear_in_mu_at_a_fixed_clamp_and_the_operator_is_it() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs())
    step = np.array([2.0])
    chi, coefficients, weight = autobk.chi_from_mu(operators, MU, step)
    inside = MU[0, operators.first : operators.last + 1]
    assert np.allclose(
        autobk.build_chi_operator(operators, float(weight[0])) @ inside / 2.0, chi[0], atol=1e-10
    )
    curve = autobk.evaluate_background(operators, MU, coefficients)
    whole = autobk.build_background_operator(operators, float(weight[0]), ENERGY.size)
    assert np.allclose(whole @ MU[0], curve[0], atol=1e-9)
    assert np.array_equal(curve[0, : operators.first], MU[0, : operators.first])


def test_background_and_chi_add_up_to_mu() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs())
    chi, coefficients, _ = autobk.chi_from_mu(operators, MU, np.ones(1))
    on_k = autobk.interpolate_to_k(operators, MU)
    assert (operators.gains >= 0).all()
    assert np.allclose(chi + coefficients @ operators.spatial.T, on_k, atol=1e-12)


def objective(operators: autobk.BackgroundOperators, clamp: np.ndarray, chi: np.ndarray) -> float:
    """What the spline minimises: |o|^2 + s^2 |w|^2 with s = 0.1 + 10 mean(o^2)."""
    low = operators.to_r @ chi
    scale = 0.1 + 10 * np.mean(low**2)
    return float(low @ low + scale**2 * ((clamp @ chi) @ (clamp @ chi)))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (2.0, 3.0)])
def test_the_coefficients_are_at_the_minimum(low: float, high: float) -> None:
    """Any small change of any coefficient makes it worse; the clamp holds three points at each
    end."""
    operators = autobk.build_operators(ENERGY, E0, Exafs(clamp_low=low, clamp_high=high))
    on_k = autobk.interpolate_to_k(operators, MU)[0]
    _, coefficients, _ = autobk.chi_from_mu(operators, MU, np.ones(1))
    clamp = np.zeros((6, on_k.size))
    clamp[range(3), range(3)] = low
    clamp[range(3, 6), range(-3, 0)] = high
    least = objective(operators, clamp, on_k - operators.spatial @ coefficients[0])
    for i in range(coefficients.shape[1]):
        for change in (-1e-4, 1e-4):
            moved = coefficients[0].copy()
            moved[i] += change
            assert objective(operators, clamp, on_k - operators.spatial @ moved) > least


def test_the_clamp_weight_is_where_its_equation_holds() -> None:
    """l = s^2/(1 + (20/n) s |w|^2) with w and s at the solution itself."""
    operators = autobk.build_operators(ENERGY, E0, Exafs(clamp_low=1.0))
    ends = np.array([[0.3, -0.2, 0.1, 0.05, 0.4, -0.1]])[:, : operators.clamp.shape[0]]
    power = np.array([0.02])
    (weight,) = autobk.solve_clamp_weight(operators, ends, power)
    n = operators.to_r.shape[0]
    w2 = (ends[0] / (1 + weight * operators.gains)) ** 2
    s = 0.1 + 10 * (power[0] + weight**2 * (w2 @ operators.gains)) / n
    assert weight == pytest.approx(s**2 / (1 + 20 / n * s * w2.sum()), rel=1e-10)
    assert autobk.solve_clamp_weight(operators, ends[:, :0], power) == [0.0]


def test_without_a_clamp_the_weight_is_nothing() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs(clamp_high=0.0))
    assert operators.clamp.shape[0] == 0
    assert autobk.chi_from_mu(operators, MU, np.ones(1))[2] == [0.0]


def test_many_spectra_are_interpolated_as_few_are() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs())
    many = np.repeat(MU, autobk.MANY, axis=0)
    assert np.allclose(
        autobk.interpolate_to_k(operators, many)[7],
        autobk.interpolate_to_k(operators, MU)[0],
        atol=1e-10,
    )


def test_the_background_may_begin_above_zero() -> None:
    """From 2 to 12/angstrom as many coefficients as 10/angstrom hold, the knots between the ends;
    below 2 the Fourier weights are nothing."""
    operators = autobk.build_operators(ENERGY, E0, Exafs(kmin_background=2.0, kmax_background=12.0))
    assert operators.basis.shape[1] == autobk.choose_spline_size(0.9, 10.0)[0]
    assert operators.k[0] == 0.0
    assert not operators.to_r[:, operators.k < 1.9].any()
    assert operators.to_r[:, operators.k > 2.2].any()


def test_scale_and_shift_of_the_axis_change_nothing() -> None:
    operators = autobk.build_operators(ENERGY, E0, Exafs())
    moved = autobk.build_operators(ENERGY + 100.0, E0 + 100.0, Exafs())
    one, other = (autobk.chi_from_mu(o, MU, np.ones(1))[0] for o in (operators, moved))
    assert np.allclose(one, other, atol=1e-9)


def test_background_and_chi_are_larchs() -> None:
    with np.load(RECORD, allow_pickle=False) as record:
        chi, bkg = record["clean/chi"], record["clean/bkg"]
        step = float(
            (record["clean/post_edge"] - record["clean/pre_edge"])[np.abs(ENERGY - E0).argmin()]
        )
    operators = autobk.build_operators(ENERGY, E0, Exafs(rbkg=0.9))
    mine, coefficients, _ = autobk.chi_from_mu(operators, MU, np.array([step]))
    curve = autobk.evaluate_background(operators, MU, coefficients)
    assert np.abs(mine[0] - chi).max() < 1e-6 * np.abs(chi).max()
    assert np.abs(curve[0] - bkg).max() < 1e-6 * np.abs(bkg).max()
