"""What follows from a curve: known curves give known cells, expansions, strains and errors."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.expansion.made_curves import ERROR, GRID, curve, table

from ssbchar.hexrd.expansion import curve_values
from ssbchar.hexrd.expansion.curve_values import PhaseCurve
from ssbchar.hexrd.expansion.dataset import ExpansionValues
from ssbchar.hexrd.expansion.options import Expansion


def filled(one: PhaseCurve) -> ExpansionValues:
    out = table()
    curve_values.fill_grid(out, one, 50.0)
    return out


def test_cells_on_the_grid_inside_the_range() -> None:
    cell = filled(curve())["cell"][0, 0]
    inside = (GRID >= 100) & (GRID <= 400)
    np.testing.assert_array_equal(np.isfinite(cell[0]), inside)
    np.testing.assert_allclose(cell[0, inside], 5 * (1 + 1e-5 * GRID[inside]), rtol=1e-12)
    np.testing.assert_array_equal(cell[0], cell[1])
    np.testing.assert_allclose(cell[2, inside], 8 * (1 + 2e-5 * GRID[inside]), rtol=1e-12)
    np.testing.assert_allclose(cell[6, inside], cell[0, inside] ** 2 * cell[2, inside], rtol=1e-12)


def test_half_a_step_beyond_the_range_takes_its_end() -> None:
    cell = filled(curve(low=125.0, high=375.0))["cell"][0, 0]
    assert cell[0, 2] == pytest.approx(5 * (1 + 1e-5 * 125), rel=1e-12)
    assert cell[0, 8] == pytest.approx(5 * (1 + 1e-5 * 375), rel=1e-12)
    assert np.isnan(filled(curve(low=126.0, high=374.0))["cell"][0, 0, 0, [2, 8]]).all()


def test_errors_of_the_cell_by_hand() -> None:
    """In the middle of the range the second function is zero, at its end one."""
    out = filled(curve())
    sigma = out["cell_stderr"][0, 0]
    np.testing.assert_allclose(sigma[[0, 1, 2], 5], ERROR, rtol=1e-6)
    np.testing.assert_allclose(sigma[[0, 1, 2], 8], ERROR * np.sqrt(2), rtol=1e-6)
    np.testing.assert_array_equal(sigma[3:6, 5], 0)
    a, c = out["cell"][0, 0, [0, 2], 5]
    assert sigma[6, 5] == pytest.approx(ERROR * np.hypot(2 * a * c, a**2), rel=1e-6)


def test_expansion_and_its_tensor() -> None:
    out = filled(curve())
    at = 8
    by_a, by_c = 1e-5 / (1 + 1e-5 * 400), 2e-5 / (1 + 2e-5 * 400)
    linear = out["linear_expansion"][0, 0, :, at]
    np.testing.assert_allclose(linear[[0, 1, 2, 6]], [by_a, by_a, by_c, 2 * by_a + by_c])
    assert np.isnan(linear[3:6]).all()
    rate = ERROR / 150
    a = out["cell"][0, 0, 0, at]
    expected = np.hypot(rate - by_a * ERROR, by_a * ERROR) / a
    assert out["linear_expansion_stderr"][0, 0, 0, at] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(out["tensor"][0, 0, at], [by_a, by_a, by_c, 0, 0, 0], atol=1e-15)
    np.testing.assert_allclose(out["principal_expansion"][0, 0, :, at], [by_a, by_a, by_c])
    np.testing.assert_allclose(out["principal_axis"][0, 0, :, at], np.eye(3), atol=1e-9)
    assert out["principal_axis_stderr"][0, 0, 0, at] == 90.0
    np.testing.assert_allclose(
        out["principal_expansion_stderr"][0, 0, :, at],
        out["tensor_stderr"][0, 0, at, :3],
        rtol=1e-9,
    )


def test_the_strain_is_that_against_the_lowest_temperature() -> None:
    strain = filled(curve())["lagrangian_strain"][0, 0]
    np.testing.assert_allclose(strain[2], 0, atol=1e-12)
    ratio = (1 + 1e-5 * 400) / (1 + 1e-5 * 100)
    assert strain[8, 0] == pytest.approx((ratio**2 - 1) / 2, rel=1e-9)


def test_what_is_noted_of_the_curve() -> None:
    out = filled(curve())
    assert (out["chi2"][0, 0], out["order"][0, 0]) == (1.25, 1.0)
    assert (out["frames_used"][0, 0], out["frames_rejected"][0, 0]) == (2, 1)
    np.testing.assert_array_equal(
        out["inflation"][0, 0], [1.5, np.nan, 2.0, np.nan, np.nan, np.nan, np.nan]
    )
    assert np.isnan(out["characteristic_temperature"][0, 0])


def furnace(systematic: float = 0.0) -> xr.Dataset:
    at = np.array([500.0, np.nan, 0.0])
    return xr.Dataset(
        {
            "temperature": ("frame", at),
            "temperature_systematic": ("frame", systematic * np.array([2.0, 9.0, 1.0])),
        }
    )


def mean_of(one: PhaseCurve, systematic: float = 0.0, **how: float) -> ExpansionValues:
    out = table()
    curve_values.fill_mean(out, one, furnace(systematic), Expansion(**how))
    return out


def test_the_mean_expansion_by_hand() -> None:
    out = mean_of(curve(), mean_from=150.0, mean_to=350.0)
    low, high = 1 + 1e-5 * 150, 1 + 1e-5 * 350
    by_a = (high / low - 1) / 200
    by_c = ((1 + 2e-5 * 350) / (1 + 2e-5 * 150) - 1) / 200
    mean = out["mean_linear_expansion"][0, 0]
    np.testing.assert_allclose(mean[[0, 1, 2]], [by_a, by_a, by_c], rtol=1e-9)
    volume = ((1 + 200 * by_a) ** 2 * (1 + 200 * by_c) - 1) / 200
    assert mean[6] == pytest.approx(volume, rel=1e-9) and np.isnan(mean[3:6]).all()
    assert (out["mean_from"][0, 0], out["mean_to"][0, 0]) == (150.0, 350.0)
    # functions at the ends: 1 and x = -2/3, 2/3
    a_low, a_high = 5 * low, 5 * high
    by_first = (1 / a_low - a_high / a_low**2) / 200
    by_second = (2 / 3) * (1 / a_low + a_high / a_low**2) / 200
    assert out["mean_linear_expansion_stderr"][0, 0, 0] == pytest.approx(
        ERROR * np.hypot(by_first, by_second), rel=1e-5
    )


def test_the_mean_is_shortened_to_the_range() -> None:
    out = mean_of(curve(), mean_from=0.0, mean_to=500.0)
    assert (out["mean_from"][0, 0], out["mean_to"][0, 0]) == (100.0, 400.0)
    narrow = {"mean_from": 350.0, "mean_to": 500.0}
    assert np.isfinite(mean_of(curve(), **narrow)["mean_from"][0, 0]), "exactly 50 K"
    assert np.isnan(mean_of(curve(), smallest_range=50.1, **narrow)["mean_from"][0, 0])


def test_the_usual_window_adapts_to_where_the_phase_is_seen() -> None:
    """A cryogenic series had no mean expansion, without a word."""
    usual = mean_of(curve())
    assert (usual["mean_from"][0, 0], usual["mean_to"][0, 0]) == (100.0, 400.0)
    cold = mean_of(curve(low=-256.0, high=-30.0))
    assert (cold["mean_from"][0, 0], cold["mean_to"][0, 0]) == (-256.0, -30.0)
    assert np.isfinite(cold["mean_linear_expansion"][0, 0, 0])
    # What is asked for is not widened, and too little is none.
    assert np.isnan(mean_of(curve(low=-256.0, high=-30.0), mean_from=0.0)["mean_from"][0, 0])
    assert np.isnan(mean_of(curve(low=20.0, high=60.0))["mean_from"][0, 0])


def test_the_systematic_error_is_that_of_both_temperatures() -> None:
    """The scale is off by 1 K at 0 and 2 K at 500 degC: 1.3 and 1.7 K at the ends."""
    out = mean_of(curve(), systematic=1.0, mean_from=150.0, mean_to=350.0)
    mean = out["mean_linear_expansion"][0, 0, 0]
    shifted = ((1 + 1e-5 * 351.7) / (1 + 1e-5 * 151.3) - 1) / 200
    assert out["mean_linear_expansion_systematic"][0, 0, 0] == pytest.approx(
        abs(shifted - mean), rel=1e-6
    )
    unknown = furnace().assign(temperature_systematic=("frame", np.full(3, np.nan)))
    none = table()
    curve_values.fill_mean(none, curve(), unknown, Expansion(mean_from=150.0, mean_to=350.0))
    assert none["mean_linear_expansion_systematic"][0, 0, 0] == 0.0


def test_what_does_not_scatter_may_drift_along_the_curve() -> None:
    one = curve()
    held = replace(one.curve, unscattered=np.diag([3e-8, 0.0]))
    out = mean_of(replace(one, curve=held), mean_from=150.0, mean_to=350.0)
    low, high = 5 * (1 + 1e-5 * 150), 5 * (1 + 1e-5 * 350)
    by_hand = np.sqrt(3e-8) * np.hypot(1 / low, high / low**2) / 200
    found = out["mean_linear_expansion_systematic"][0, 0]
    np.testing.assert_allclose(found[[0, 2, 6]], [by_hand, 0, 2 * by_hand], rtol=0.01)


def test_options_of_the_mean() -> None:
    with pytest.raises(
        ValueError, match=r"mean_from \(500 degC\) is not below mean_to \(100 degC\)"
    ):
        Expansion(mean_from=500.0, mean_to=100.0)


def test_the_ends_of_the_range_are_moved_each_by_its_own_error() -> None:
    """1.2 K at 100 and 1.8 K at 400 degC, where the frames begin and end."""
    out = mean_of(curve(), systematic=1.0, mean_from=0.0, mean_to=500.0)
    mean = out["mean_linear_expansion"][0, 0, 0]
    shifted = ((1 + 1e-5 * 401.8) / (1 + 1e-5 * 101.2) - 1) / 300
    assert out["mean_linear_expansion_systematic"][0, 0, 0] == pytest.approx(
        abs(shifted - mean), rel=1e-6
    )


def test_errors_of_the_temperature_scale_are_interpolated_in_order() -> None:
    found = curve_values._interpolate_systematic(furnace(1.0), np.array([-9.0, 125.0, 600.0]))
    np.testing.assert_allclose(found, [1.0, 1.25, 2.0])


def test_a_parameter_without_an_error_has_an_expansion_all_the_same() -> None:
    """Derivatives are by steps of the errors, and these may be zero."""
    exact = curve()
    certain = replace(exact, curve=replace(exact.curve, covariance=np.zeros((4, 4))))
    out, plain = filled(certain), filled(exact)
    np.testing.assert_array_equal(out["linear_expansion"], plain["linear_expansion"])
    inside = (GRID >= 100) & (GRID <= 400)
    assert (out["cell_stderr"][0, 0][:, inside] == 0).all()
    np.testing.assert_array_equal(
        mean_of(certain)["mean_linear_expansion_stderr"][0, 0, [0, 1, 2, 6]], np.zeros(4)
    )


def test_the_tensors_errors_are_those_of_its_expansions() -> None:
    """Of a tetragonal cell the diagonal is the expansion of its edges."""
    out = filled(curve())
    np.testing.assert_allclose(
        out["tensor_stderr"][0, 0, 5, :3], out["linear_expansion_stderr"][0, 0, :3, 5], rtol=1e-6
    )
