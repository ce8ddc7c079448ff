"""Change points: known answers of each piece, laws of the whole, reference values of a few
signals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.onset import change_point
from ssbchar.hexrd.onset.change_point import ChangePoint, find_change_point
from ssbchar.typing import Array

U = np.linspace(500.0, 700.0, 41)


def rising(onset: float = 602.5, linear: float = 0.5, square: float = 0.01) -> Array:
    past = np.maximum(U - onset, 0.0)
    return 20.0 + linear * past + square * past**2


def noise(seed: int = 3) -> Array:
    return np.random.default_rng(seed).standard_normal(U.size)


def found(y: Array, latest: float = 640.0, error: float = 1.0, along: float = 0.5) -> ChangePoint:
    return find_change_point(U, np.full(U.size, along), y, np.full(U.size, error), latest)


def signal(y: Array, error: float | Array = 1.0, has_level: bool = True) -> change_point._Signal:
    x = np.arange(y.size, dtype=float)
    return change_point._Signal(x=x, y=y, stderr=np.ones(y.size) * error, has_level=has_level)


def averaged(
    y: Array, change: float, parameters: int, fitted: Array | None = None
) -> change_point._AveragedShapes:
    return change_point._AveragedShapes(
        density=np.ones(1),
        change=change,
        fitted=np.zeros_like(y) if fitted is None else fitted,
        slope=np.zeros_like(y),
        parameters=parameters,
    )


def test_a_clean_signal_gives_its_change_back() -> None:
    one = found(rising(), along=0.0)
    assert one.value == pytest.approx(602.5, abs=1.5)
    assert one.lower95 < 602.5 < one.upper95
    assert not one.at_edge


def test_reference_values_of_a_noisy_signal() -> None:
    one = found(rising() + noise())
    values = (one.value, one.stderr, one.lower95, one.upper95, one.inflation)
    assert values == pytest.approx(REFERENCE, rel=1e-7)


REFERENCE = (600.2050887758, 1.8223948225, 596.1165823701, 603.2234574570, 0.8923763652)


def test_reference_values_without_a_flat_part() -> None:
    first = 21
    one = find_change_point(
        U[first:], np.full(20, 0.5), rising()[first:] - 20 + noise()[first:], np.ones(20), 640.0
    )
    assert one.at_edge
    assert (one.value, one.upper95) == pytest.approx(EDGE_REFERENCE, rel=1e-7)


EDGE_REFERENCE = (601.5684171178, 610.6200184589)


@settings(max_examples=10, deadline=None)
@given(st.floats(-1000, 1000), st.sampled_from([0.125, 0.5, 4.0]), st.integers(0, 50))
def test_shift_and_scale_of_the_coordinate(shift: float, scale: float, seed: int) -> None:
    y = rising() + noise(seed)
    plain = found(y)
    moved = find_change_point(
        scale * U + shift, np.full(U.size, scale * 0.5), y, np.ones(U.size), scale * 640 + shift
    )
    assert moved.value == pytest.approx(scale * plain.value + shift, abs=1e-3 * scale)
    assert moved.stderr == pytest.approx(scale * plain.stderr, rel=1e-3)
    assert moved.at_edge == plain.at_edge


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([0.25, 16.0]), st.floats(-50, 50), st.integers(0, 50))
def test_scale_and_level_of_the_signal_do_not_matter(scale: float, level: float, seed: int) -> None:
    y = rising() + noise(seed)
    plain, other = found(y), found(scale * (y + level), error=scale)
    assert other.value == pytest.approx(plain.value, abs=1e-3)
    assert other.stderr == pytest.approx(plain.stderr, rel=1e-3)
    assert other.inflation == pytest.approx(plain.inflation, rel=1e-3)


def test_errors_of_the_coordinate_widen_the_limits() -> None:
    y = rising(linear=4.0, square=0.0) + noise()
    assert found(y, along=3.0).stderr > 1.5 * found(y, along=0.0).stderr


def test_the_change_is_not_later_than_the_signal_is_seen() -> None:
    one = found(rising(onset=640.0) + noise(), latest=600.0)
    assert one.value <= 600.0 and one.upper95 <= 600.0


def test_scatter_beyond_the_stated_errors_inflates_them() -> None:
    calm, loud = found(rising() + noise()), found(rising() + 5 * noise())
    assert loud.inflation > 3 * calm.inflation
    assert loud.stderr > 2 * calm.stderr


def test_factor_on_errors_by_hand() -> None:
    # (8 + 10 * 4) / (8 + 10 - 1) = 48 / 17
    assert change_point._scatter_factor(np.full(10, 2.0), 1) == pytest.approx((48 / 17) ** 0.5)
    assert change_point._scatter_factor(np.full(10, -2.0), 3) == pytest.approx((48 / 15) ** 0.5)
    assert change_point._scatter_factor(np.zeros(2), 5) == 1.0


def test_errors_before_and_after_the_change_by_hand() -> None:
    y = np.array([3.0, -3.0, 3.0, -3.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    stated = np.full(10, 0.5)
    best = averaged(y, change=3.0, parameters=4)
    errors, after = change_point._inflate_errors(signal(y), stated, best)
    # z = 6 four times, one parameter before; z = 2 six times, three parameters after
    np.testing.assert_allclose(errors[:4], 0.5 * ((8 + 4 * 36) / (8 + 3)) ** 0.5)
    np.testing.assert_allclose(errors[4:], 0.5 * ((8 + 6 * 4) / (8 + 3)) ** 0.5)
    assert after == pytest.approx((32 / 11) ** 0.5)


def test_residuals_are_measured_from_the_fitted_signal() -> None:
    y = np.full(10, 7.0)
    best = averaged(y, change=4.0, parameters=4, fitted=y)
    errors, after = change_point._inflate_errors(signal(y), np.ones(10), best)
    np.testing.assert_allclose(errors, np.sqrt(8 / np.repeat([8 + 4, 8 + 2], 5)))
    assert after == pytest.approx(0.8**0.5)


@pytest.mark.parametrize(("count", "factor"), [(3, 1.0), (4, (19 / 5) ** 0.5)])
def test_serial_correlation_inflates_unless_it_may_be_chance(count: int, factor: float) -> None:
    """Three blocks of one sign: rho = (n - 5) / n, 4/9 may be chance (1.64 / 3), 7/12 is not."""
    blocks = np.repeat([1.0, -1.0, 1.0], count)
    best = averaged(blocks, change=-1.0, parameters=1)
    errors, after = change_point._inflate_errors(signal(blocks), np.ones(blocks.size), best)
    assert after == pytest.approx(factor)
    np.testing.assert_allclose(errors, factor)


def test_slope_by_hand() -> None:
    slope = change_point._slope_from_powers(
        np.array([-1.0, 0.0, 2.0, 4.0]), (1.0, 2.0, 3.0), np.array([3.0, 0.5, 0.25])
    )
    np.testing.assert_allclose(slope, [0.0, 0.0, 3 + 2 + 3, 3 + 4 + 12])


def test_mean_and_spread_by_hand() -> None:
    mean, spread = change_point._mean_and_spread(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2, 1]))
    assert (mean, spread) == pytest.approx((2.0, 0.5**0.5))


def test_weighted_solution_by_hand() -> None:
    # weights 1, 1, 4 of the values 1, 2, 4
    solution = change_point._solve_normal(np.array([[[6.0]]]), np.array([[19.0]]))
    np.testing.assert_allclose(solution, [[19 / 6]], rtol=1e-9)
    two = change_point._solve_normal(np.array([[[4.0, 2.0], [2.0, 100.0]]]), np.array([[8.0, 202]]))
    np.testing.assert_allclose(two, [[1.0, 2.0]], rtol=1e-9)


def test_powers_by_hand() -> None:
    one, half, two = change_point._raise_to(np.array([0.0, 4.0]), [1.0, 1.5, 2.0])
    np.testing.assert_allclose([one, half, two], [[0, 4], [0, 8], [0, 16]], rtol=1e-15)


def test_fits_of_a_shape_by_hand() -> None:
    y = 5.0 + 2.0 * np.maximum(np.arange(12) - 6.0, 0) ** 2
    fit = change_point._fit_shapes(signal(y, 0.5), np.array([6.0, 4.0]), [(2.0,)])[0]
    assert fit.powers == (2.0,)
    np.testing.assert_allclose(fit.coefficients[0], [2.0, 5.0], rtol=1e-6)
    np.testing.assert_allclose(fit.fitted[0], y, rtol=1e-6)
    # coefficient, level and the change itself
    assert fit.criterion[0] == pytest.approx(3 * np.log(12), abs=1e-3)
    assert fit.criterion[1] > fit.criterion[0] + 10
    chi2 = np.sum(((y - fit.fitted[1]) / 0.5) ** 2)
    assert fit.criterion[1] == pytest.approx(chi2 + 3 * np.log(12))


def test_a_signal_without_a_level_is_fitted_from_zero() -> None:
    y = 2.0 * np.maximum(np.arange(12) - 1.0, 0)
    fit = change_point._fit_shapes(signal(y, has_level=False), np.array([1.0]), [(1.0, 2.0)])[0]
    np.testing.assert_allclose(fit.coefficients, [[2.0, 0.0]], atol=1e-6)
    assert fit.criterion[0] == pytest.approx(3 * np.log(12), abs=1e-6)


def test_a_falling_signal_has_no_change() -> None:
    y = -np.maximum(np.arange(12) - 6.0, 0)
    grid = np.array([4.0, 6.0])
    fit = change_point._fit_shapes(signal(y), grid, [(1.0,)])[0]
    assert np.all(np.isinf(fit.criterion))
    best = change_point._average_shapes(signal(y), grid, [(1.0,), (2.0,)])
    np.testing.assert_array_equal(best.density, [1.0, 1.0])
    assert (best.change, best.parameters) == (6.0, 1)
    np.testing.assert_array_equal(best.fitted, 0.0)
    np.testing.assert_array_equal(best.slope, 0.0)


def test_shapes_are_averaged_by_their_criterion() -> None:
    y = rising() + noise()
    one = change_point._Signal(x=U, y=y, stderr=np.ones(U.size), has_level=True)
    grid = np.array([590.0, 600.0, 610.0])
    fits = change_point._fit_shapes(one, grid, change_point.USUAL)
    best = change_point._average_shapes(one, grid, change_point.USUAL)
    least = min(fit.criterion.min() for fit in fits)
    expected = sum(np.exp((least - fit.criterion) / 2) for fit in fits)
    np.testing.assert_allclose(best.density, expected)
    which = int(np.argmin([fit.criterion.min() for fit in fits]))
    place = int(np.argmin(fits[which].criterion))
    assert best.change == grid[place]
    assert best.parameters == len(fits[which].powers) + 2
    np.testing.assert_array_equal(best.fitted, fits[which].fitted[place])
    numeric = np.gradient(best.fitted, U)
    np.testing.assert_allclose(best.slope[-8:-1], numeric[-8:-1], rtol=1e-3)
    np.testing.assert_array_equal(best.slope[grid[place] >= U], 0.0)


@pytest.mark.parametrize(("power", "joins"), [(1.0, False), (2.0, False), (4.0, True)])
def test_other_shapes_join_on_strong_evidence(power: float, joins: bool) -> None:
    x = np.linspace(0, 1, 60)
    y = 200 * np.maximum(x - 0.4, 0) ** power
    one = change_point._Signal(x=x, y=y, stderr=np.full(60, 0.02), has_level=True)
    shapes = change_point._select_shapes(one, np.linspace(-0.15, 0.7, 86))
    assert shapes == change_point.USUAL + (change_point.OTHERS if joins else ())


def test_reference_values_of_a_growth_of_high_power() -> None:
    past = np.maximum(U - 580.0, 0.0)
    one = found(20.0 + 1e-5 * past**4 + 0.2 * noise(), latest=660.0, error=0.2)
    values = (one.value, one.stderr, one.lower95, one.upper95, one.inflation)
    assert values == pytest.approx(POWER_REFERENCE, rel=1e-7)


POWER_REFERENCE = (581.3439444691, 1.0029738524, 579.9324578017, 583.5455827801, 0.5756933903)


@pytest.mark.parametrize(("latest", "is_fitted"), [(525.0, False), (525.1, True)])
def test_a_level_is_fitted_from_six_points_before_the_change(
    latest: float, is_fitted: bool
) -> None:
    """At 525 five points (500 to 520) lie before it: a level of 20 is then taken for growth."""
    y = 20.0 + 3.0 * np.maximum(U - 521.0, 0.0)
    one = found(y, latest=latest, along=0.0)
    assert (one.value > 517.0) is is_fitted


def test_errors_and_shape_are_brought_into_agreement_four_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twice with all shapes, then with those that the data call for."""
    fitted: list[int] = []
    average = change_point._average_shapes

    def count(one: change_point._Signal, grid: Array, shapes: list) -> object:
        fitted.append(len(shapes))
        return average(one, grid, shapes)

    monkeypatch.setattr(change_point, "_average_shapes", count)
    one = change_point._Signal(
        x=np.linspace(0, 1, U.size), y=rising() + noise(), stderr=np.ones(U.size), has_level=True
    )
    change_point._adjust_errors(one, np.zeros(U.size), np.linspace(-0.15, 0.7, 40))
    usual, others = len(change_point.USUAL), len(change_point.OTHERS)
    assert fitted == [usual + others] * 2 + [usual] * 2


def test_one_law_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws are those of the density itself: what they spread it by is its own error."""
    monkeypatch.setattr(change_point, "LAWS", change_point.USUAL)
    one = found(rising() + noise())
    assert one.law < 0.15 * one.stderr  # of the coarser grid


def test_the_distance_of_another_law_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law whose change lies elsewhere: hypot(stderr, law) is what it is off by."""
    monkeypatch.setattr(change_point, "USUAL", ((2.0,),))
    monkeypatch.setattr(change_point, "OTHERS", ((2.0,),))
    y = 20.0 + 0.1 * np.maximum(U - 602.5, 0)
    other = found(y, latest=660.0, error=0.2, along=0.0)
    monkeypatch.setattr(change_point, "LAWS", ((1.0, 2.0),))
    one = found(y, latest=660.0, error=0.2, along=0.0)
    assert one.value == other.value < 602.5 - 3 * one.stderr
    assert np.hypot(one.stderr, one.law) == pytest.approx(602.5 - one.value, rel=0.2)


def test_a_grid_is_narrowed_to_its_density_by_hand() -> None:
    """Mean 0.5, standard deviation of two equal neighbours 0.05: six steps of 0.1 on each side."""
    grid = np.linspace(-0.15, 0.85, 11)
    density = np.where(np.isin(np.arange(11), [6, 7]), 1.0, 0.0)
    narrow = change_point._narrow_grid(grid, density, 0.85)
    assert narrow[0] == pytest.approx(max(-0.15, 0.5 - 0.6))
    assert narrow[-1] == pytest.approx(0.85) and narrow.size == 11


def test_every_beginning_is_among_the_laws() -> None:
    """A power by itself but the straight line, with a bend, and as nucleation and growth."""
    for power in change_point.BEGINNINGS:
        ways = {law for law in change_point.LAWS if law[0] == power}
        both = {(power, power + 1), (power, 2 * power)}
        alone = set() if power == 1 else {(power,)}
        assert ways == both | alone | {(power, 2 * power, 3 * power)}
    assert set(change_point.USUAL) <= set(change_point.LAWS)
