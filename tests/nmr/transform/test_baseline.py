"""Baselines: polynomials come back, signal does not count."""

import numpy as np
import pytest

from ssbchar.nmr.transform.baseline import find_baseline_order, fit_baseline

PPM = np.linspace(400.0, -300.0, 141)
SIGNAL = (PPM > 200) & (PPM < 280)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_a_polynomial_is_its_own_baseline(order: int) -> None:
    x = PPM / 100
    values = sum((k + 1) * (-1) ** k * x**k for k in range(order + 1)) + 0 * x
    spoiled = np.where(SIGNAL, 1e3, values)
    found = fit_baseline(np.stack([spoiled, 2 * spoiled]), PPM, SIGNAL, order)
    np.testing.assert_allclose(found, np.stack([values, 2 * values]), rtol=1e-8, atol=1e-8)


def test_a_higher_power_is_left_over() -> None:
    values = (PPM / 100) ** 3
    left = values - fit_baseline(values, PPM, SIGNAL, 2)
    assert np.abs(left).max() > 0.5
    x = PPM / 100
    outside = (~SIGNAL).astype(float)
    design = np.stack([np.ones_like(x), x, x**2])
    np.testing.assert_allclose((design * outside) @ left, 0.0, atol=1e-9)


def test_the_mean_outside_the_signal_is_the_baseline_of_order_zero() -> None:
    values = np.where(SIGNAL, 50.0, np.arange(141) % 2)
    assert fit_baseline(values, PPM, SIGNAL, 0) == pytest.approx(values[~SIGNAL].mean())


@pytest.mark.parametrize("edges", [(400.0, -300.0), (-300.0, 400.0), (5200.0, 4500.0)])
def test_the_highest_order_is_as_exact_as_the_lowest(edges: tuple[float, float]) -> None:
    """Order 20 on an axis far from zero: polynomials orthogonal over the axis lose no digits."""
    ppm = np.linspace(*edges, 701)
    x = np.linspace(1.0, -1.0, 701)
    signal = np.abs(x) < 0.1
    values = np.polynomial.chebyshev.chebval(x, np.cos(np.arange(21.0)))
    found = fit_baseline(np.where(signal, 1e3, values), ppm, signal, 20)
    np.testing.assert_allclose(found, values, atol=1e-9)


@pytest.mark.parametrize(
    ("free", "order", "right"),
    [
        # hardly any point is free: two of a hundred, or no more than the polynomial has terms
        (range(2), 2, -1),
        (range(3), 0, 0),
        (range(3), 2, -1),
        (range(0, 100, 25), 2, 2),
        (range(0, 100, 34), 2, -1),
        # free parts at one end support a level alone
        (range(50), 3, 0),
        (range(51), 3, 3),
        (range(50), -1, -1),
        ((*range(5), *range(95, 100)), 3, 3),
    ],
)
@pytest.mark.parametrize("edges", [(400.0, -300.0), (-300.0, 400.0)])
def test_the_degree_that_the_free_parts_support(
    free: tuple[int, ...], order: int, right: int, edges: tuple[float, float]
) -> None:
    ppm = np.linspace(*edges, 100)
    signal = ~np.isin(np.arange(100), list(free))
    assert find_baseline_order(ppm, signal, order) == right


def test_no_baseline_is_zero() -> None:
    np.testing.assert_array_equal(fit_baseline(PPM, PPM, SIGNAL, -1), np.zeros(141))
