"""Hysteresis: known curves of heating and cooling differ by what was put between them."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.expansion.made_curves import ERROR, curve, table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from ssbchar.hexrd.expansion import hysteresis
from ssbchar.hexrd.expansion.cell_parameters import find_free_parameters
from ssbchar.hexrd.expansion.curve_values import PhaseCurve
from ssbchar.hexrd.expansion.dataset import ExpansionValues
from ssbchar.hexrd.expansion.hysteresis import FreeValues, _evaluate_free, _test_difference

BOTH = ("heating", "cooling")


def hysteresis_of(warm: PhaseCurve, cold: PhaseCurve) -> ExpansionValues:
    out = table(BOTH)
    hysteresis.fill_hysteresis(out, {(0, 0): warm, (0, 1): cold})
    return out


def test_hysteresis_by_hand() -> None:
    out = hysteresis_of(curve(), curve(low=50.0, high=300.0, scale=1.0002))
    assert out["hysteresis_temperature"][0] == 200.0
    found = out["hysteresis"][0]
    np.testing.assert_allclose(found[[0, 1]], 2e-4, rtol=1e-6)
    assert found[2] == pytest.approx(0.0, abs=1e-12)
    assert found[6] == pytest.approx(1.0002**2 - 1, rel=1e-6)
    # 200 degC is a third below the middle of the first range, a fifth above that of the second
    a = 5 * (1 + 1e-5 * 200)
    variance = (1 + 1 / 9) * 1.0002**2 + (1 + 1 / 25)
    assert out["hysteresis_stderr"][0, 0] == pytest.approx(ERROR / a * np.sqrt(variance), rel=1e-5)


def test_the_test_of_no_difference() -> None:
    """chi2 of a shift d of a in all of the range: d^2 / (2 sigma^2), with four free directions."""
    shift = 4e-4
    out = hysteresis_of(curve(), curve(scale=1 + shift / 5))
    of_coefficient = shift * (1 + 1e-5 * 250)
    expected = chi2.sf(of_coefficient**2 / (2 * ERROR**2), 4)
    assert out["hysteresis_p"][0] == pytest.approx(expected, rel=1e-3)
    assert hysteresis_of(curve(), curve())["hysteresis_p"][0] == pytest.approx(1.0)


def test_no_hysteresis_without_a_common_range_or_both_segments() -> None:
    apart = hysteresis_of(curve(high=200.0), curve(low=200.0))
    assert np.isnan(apart["hysteresis_p"][0])
    out = table(BOTH)
    hysteresis.fill_hysteresis(out, {(0, 0): curve()})
    assert np.isnan(out["hysteresis"][0]).all()
    alone = table()
    hysteresis.fill_hysteresis(alone, {(0, 0): curve()})
    assert np.isnan(alone["hysteresis"][0]).all()


def test_the_first_segment_of_each_kind_is_compared() -> None:
    """Phase 1 of two; heating is the second segment here, and a later one plays no part."""
    segments = ["cooling", "heating", "heating 2"]
    out = ExpansionValues(phases=2, segments=segments, grid=np.arange(3.0))
    compared = {(1, 1): curve(), (1, 0): curve(scale=1.0002), (1, 2): curve(scale=3.0)}
    hysteresis.fill_hysteresis(out, compared)
    assert out["hysteresis"][1, 0] == pytest.approx(2e-4, rel=1e-6)
    assert np.isnan(out["hysteresis"][0]).all() and np.isnan(out["hysteresis_p"][0])
    assert out["hysteresis_temperature"][1] == 250.0


@pytest.mark.parametrize("segments", [("heating", "hold"), ("hold", "cooling")])
def test_one_kind_of_segment_alone_is_no_hysteresis(segments: tuple[str, str]) -> None:
    out = table(segments)
    hysteresis.fill_hysteresis(out, {(0, 0): curve(), (0, 1): curve()})
    assert np.isnan(out["hysteresis_p"][0])


def test_ranges_that_only_touch_are_not_compared() -> None:
    assert np.isnan(hysteresis_of(curve(high=200.0), curve(low=200.0))["hysteresis"]).all()
    assert np.isfinite(hysteresis_of(curve(high=200.0), curve(low=199.0))["hysteresis_p"][0])


def test_cells_of_unlike_symmetry_are_not_compared() -> None:
    cells = np.array([[5.0, 5, 8, 90, 90, 90], [5.1, 5.1, 8.2, 90, 90, 90]])
    stderr = np.tile([1.0, 1, 0, 0, 0, 1], (2, 1))
    other = replace(curve(), free=find_free_parameters(cells, stderr))
    assert other.free.count == curve().free.count
    assert np.isnan(hysteresis_of(curve(), other)["hysteresis_p"][0])


def test_exchanged_heating_and_cooling_turn_the_sign() -> None:
    there = hysteresis_of(curve(), curve(scale=1.001))
    back = hysteresis_of(curve(scale=1.001), curve())
    assert there["hysteresis"][0, 0] > 0 > back["hysteresis"][0, 0]
    np.testing.assert_allclose((1 + there["hysteresis"]) * (1 + back["hysteresis"]), 1, rtol=1e-12)
    assert there["hysteresis_p"][0] == pytest.approx(back["hysteresis_p"][0], rel=1e-9)


def test_only_the_middle_counts_for_the_ratio() -> None:
    """Slopes that cross at 250 degC: no hysteresis there, yet the curves differ."""
    warm, cold = curve(), curve()
    tilted = cold.curve.coefficients + np.array([[0, 1e-3], [0, 0]])
    cold = replace(cold, curve=replace(cold.curve, coefficients=tilted))
    out = hysteresis_of(warm, cold)
    assert out["hysteresis"][0, 0] == pytest.approx(0, abs=1e-12)
    # at the ends +-0.001, in the middle 0: along the second function alone
    expected = chi2.sf(1e-3**2 / (2 * ERROR**2), 4)
    assert out["hysteresis_p"][0] == pytest.approx(expected, rel=1e-6)


def test_error_of_the_volume_by_hand() -> None:
    """In the middle V = a a c: relative errors 2 sigma / a and sigma / c, of both curves."""
    out = hysteresis_of(curve(), curve())
    a, c = 5 * (1 + 1e-5 * 250), 8 * (1 + 2e-5 * 250)
    stderr = out["hysteresis_stderr"][0]
    volume = ERROR * np.sqrt(2) * np.hypot(2 / a, 1 / c)
    np.testing.assert_allclose(
        stderr[[0, 1, 2, 6]],
        [ERROR * np.sqrt(2) / a, ERROR * np.sqrt(2) / a, ERROR * np.sqrt(2) / c, volume],
        rtol=1e-6,
    )
    np.testing.assert_array_equal(stderr[3:6], 0)


def test_free_parameters_by_hand() -> None:
    """At the ends x = -1 and 1 of the range, where functions are (1, x): covariance 1 + x x'."""
    one = curve().curve
    found = _evaluate_free(one, 2, np.array([100.0, 250.0, 400.0]))
    at = np.array([100.0, 250.0, 400.0])
    expected = np.stack([5 * (1 + 1e-5 * at), 8 * (1 + 2e-5 * at)], axis=1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    x = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_allclose(
        found.covariance, ERROR**2 * np.kron(1 + np.outer(x, x), np.eye(2)), atol=1e-22
    )


def free_values(values: object, covariance: object) -> FreeValues:
    return FreeValues(values=np.array(values, float), covariance=np.array(covariance, float))


def test_the_difference_of_two_independent_numbers_by_hand() -> None:
    """Differences 3 and 5 of variances 9 + 0 and 16 + 9: chi2 = 1 + 1, P = exp(-1)."""
    warm = free_values([[1.0], [2.0]], np.diag([9.0, 16.0]))
    cold = free_values([[4.0], [-3.0]], np.diag([0.0, 9.0]))
    assert _test_difference(warm, cold) == pytest.approx(np.exp(-1), rel=1e-12)


def test_the_difference_of_correlated_numbers_by_hand() -> None:
    """Total covariance [[2, 1], [1, 2]], difference (1, 1): chi2 = 2 / 3."""
    warm = free_values([[0.0], [0.0]], [[1.0, 1.0], [1.0, 1.0]])
    cold = free_values([[1.0], [1.0]], [[1.0, 0.0], [0.0, 1.0]])
    assert _test_difference(warm, cold) == pytest.approx(np.exp(-1 / 3), rel=1e-12)


@pytest.mark.parametrize(("share", "directions"), [(0.95e-9, 1), (1.1e-9, 2)])
def test_directions_without_variance_are_no_test(share: float, directions: int) -> None:
    """Unit variances with correlation rho have eigenvalues 1 - rho and 1 + rho."""
    rho = (1 - share) / (1 + share)
    warm = free_values([[0.0], [0.0]], [[1.0, rho], [rho, 1.0]])
    cold = free_values([[1.0], [1.0]], np.zeros((2, 2)))
    expected = chi2.sf(2 / (1 + rho), directions)
    assert _test_difference(warm, cold) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3), st.integers(0, 10**6))
def test_units_do_not_change_the_probability(units: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    design, difference, unit = rng.normal(size=(5, 3)), rng.normal(size=(3, 1)), np.array(units)
    covariance = design.T @ design + np.eye(3)
    zero = free_values(np.zeros((3, 1)), np.zeros((3, 3)))
    plain = _test_difference(zero, free_values(difference, covariance))
    in_units = free_values(difference * unit[:, None], covariance * np.outer(unit, unit))
    assert _test_difference(zero, in_units) == pytest.approx(plain, rel=1e-8)
