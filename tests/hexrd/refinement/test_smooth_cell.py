"""The smooth cell(T): known polynomials, gaps, holds, ends, and segments without values."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement.smooth_cell import smooth_strain


def test_smooth_curve_beyond_its_values_follows_the_expected_slope() -> None:
    temperature = np.linspace(0, 100, 51)
    values = np.where(temperature > 50, 2e-5 * temperature, np.nan)
    mean, sigma = smooth_strain(
        temperature, np.full(51, "heating", object), values, np.full(51, 1e-5), expected_slope=1e-5
    )
    np.testing.assert_allclose(mean[temperature > 50], values[temperature > 50], atol=1e-7)
    np.testing.assert_allclose(mean[0], values[26] - 1e-5 * 52, atol=1e-6)
    assert sigma[0] > 2e-4 > sigma[40]


def test_a_smooth_curve_does_not_swing_in_a_gap_of_weak_frames() -> None:
    temperature = np.linspace(25, 340, 98)
    slope, rng = -2.4e-5, np.random.default_rng(3)
    there = (temperature < 100) | (temperature > 330)
    truth = slope * (temperature - 25)
    apart = []
    for _ in range(100):
        seen = truth + np.where(
            temperature < 100, -2e-6 * (temperature - 25) ** 2, 0.0
        )  # what misfit adds at one end
        values = np.where(there, seen + 2e-3 * rng.standard_normal(98), np.nan)
        mean, sigma = smooth_strain(
            temperature,
            np.full(98, "heating", object),
            values,
            np.full(98, 5e-3),
            expected_slope=slope,
            largest_slope=abs(slope),
        )
        apart.append(np.abs(mean - truth)[~there])
        assert np.all(apart[-1] < 5 * sigma[~there])
    assert np.quantile(np.max(apart, axis=1), 0.9) < 0.016  # a free cubic: twice that


@pytest.mark.parametrize("usual", [0.0, 2.4e-5])
def test_a_smooth_curve_of_frames_at_one_reading_or_without_expected_expansion(
    usual: float,
) -> None:
    temperature = np.concatenate([np.full(8, 25.0), np.linspace(30, 300, 20)])
    values = np.where(temperature == 25.0, 1e-3, np.nan)
    everywhere = np.where(temperature > 0, 1e-3, np.nan)
    for given in (values, everywhere):
        mean, sigma = smooth_strain(
            temperature,
            np.full(28, "heating", object),
            given,
            np.full(28, 1e-5),
            expected_slope=-usual,
            largest_slope=usual,
        )
        assert np.all(np.isfinite(sigma))
        np.testing.assert_allclose(mean[:8], 1e-3, atol=2e-5)


def test_a_ramp_of_few_frames_expands_as_expected() -> None:
    temperature = np.linspace(800, 100, 8)
    slope, rng = -2.4e-5, np.random.default_rng(2)
    stderr = np.full(8, 2e-5)
    values = 1.1 * slope * (temperature - 25) + stderr * rng.standard_normal(8)
    mean, sigma = smooth_strain(
        temperature, np.full(8, "cooling", object), values, stderr, expected_slope=slope
    )
    assert np.max(np.abs(mean - values)) < 0.15 * abs(slope) * 700
    assert np.all(np.abs(mean - values) < 4 * sigma)
