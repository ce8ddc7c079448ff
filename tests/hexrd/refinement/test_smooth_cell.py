"""The smooth cell(T): known polynomials, gaps, holds, ends, and segments without values."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement import smooth_cell
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


HEATING = np.full(40, "heating", object)


def test_runs_of_one_segment_are_told_apart() -> None:
    segment = np.array(["hold", "hold", "heating", "hold", "cooling"], object)
    found = smooth_cell.split_segments(segment)
    assert [part.tolist() for part in found] == [[0, 1], [2], [3], [4]]
    assert smooth_cell.split_segments(segment[:0]) == []


@pytest.mark.parametrize(
    ("count", "degree"), [(5, 0), (6, 1), (17, 1), (18, 2), (23, 2), (24, 3), (40, 3)]
)
def test_the_degree_is_bounded_by_the_number_of_frames(count: int, degree: int) -> None:
    x = np.linspace(-1, 1, count)
    values = 1 + x + 2 * x**2 + 3 * x**3
    curve, _ = smooth_cell._fit_polynomial(x, values, np.full(count, 1e-6), x, bending=np.inf)
    exact = np.polyval(np.polyfit(x, values, degree), x)
    if degree == 3:
        np.testing.assert_allclose(curve, exact, atol=1e-7)
    else:  # robust: outliers weigh less than in a plain fit
        assert np.linalg.matrix_rank(np.vander(x, degree + 1)) == degree + 1
        again = np.polyval(np.polyfit(x, curve, degree), x)
        np.testing.assert_allclose(again, curve, atol=1e-9)
        if degree:
            lower = np.polyval(np.polyfit(x, curve, degree - 1), x)
            assert np.abs(lower - curve).max() > 0.05


def test_of_noise_alone_a_constant_is_made() -> None:
    x = np.linspace(0, 1, 40)
    noise = 1e-3 * np.tile([1.0, -1.0, -1.0, 1.0], 10)
    curve, spread = smooth_cell._fit_polynomial(x, noise, np.full(40, 1e-3), x, bending=np.inf)
    np.testing.assert_allclose(curve, curve[0], atol=1e-12)
    # the scatter about the mean, and the mean's own error
    scatter = 1.4826 * np.median(np.abs(noise - curve[0]))
    assert scatter < spread[0] < 1.1 * scatter


def test_the_spread_is_that_of_the_coefficients_and_the_scatter() -> None:
    x = np.linspace(0, 1, 12)
    values = np.where(np.arange(12) % 2 == 0, 1e-3, -1e-3)
    design = np.ones((12, 1))
    coefficient, normal, scatter = smooth_cell._fit_robustly(design, values, np.full(12, 1e-3), 1.0)
    assert coefficient[0] == pytest.approx(0, abs=1e-12)
    assert scatter == pytest.approx(1.4826e-3)
    weight = 1 / np.hypot(1e-3, scatter)
    assert normal[0, 0] == pytest.approx(12 * weight**2)
    _, spread = smooth_cell._fit_polynomial(x, values, np.full(12, 1e-3), x, bending=np.inf)
    assert spread[0] == pytest.approx(np.sqrt(1 / (12 * weight**2) + scatter**2), rel=0.01)


def test_small_errors_weigh_no_more_than_a_fifth_of_the_usual() -> None:
    stderr = np.array([1.0, 1.0, 1.0, 1e-9])
    values = np.array([0.0, 0.0, 0.0, 1e-3])
    coefficient, *_ = smooth_cell._fit_robustly(np.ones((4, 1)), values, stderr, 1.0)
    # weights 1, 1, 1 and 1 / 0.2^2
    assert coefficient[0] == pytest.approx(1e-3 * 25 / 28, rel=0.01)


def test_outliers_weigh_less_beyond_two_and_a_half_deviations() -> None:
    values = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 30.0]) * 1e-3
    stderr = np.full(9, 1e-3)
    coefficient, *_ = smooth_cell._fit_robustly(np.ones((9, 1)), values, stderr, 1.0)
    c = coefficient[0]
    scatter = 1.4826 * np.median(np.abs(values - c))
    allowed = 2.5 * np.hypot(1e-3, scatter)
    weight = np.minimum(1.0, allowed / np.abs(values - c))
    assert c == pytest.approx(np.average(values, weights=weight), rel=0.02)


def test_coefficients_are_held_within_the_bending_allowed() -> None:
    x = np.linspace(-1, 1, 20)
    stderr = np.full(20, 1.0)
    free, *_ = smooth_cell._fit_robustly(np.vander(x, 2), x, stderr, np.inf)
    held, _, scatter = smooth_cell._fit_robustly(np.vander(x, 2), x, stderr, 0.1)
    assert free[0] == pytest.approx(1.0)
    precision = np.sum(x**2) / (1 + scatter**2)
    assert held[0] == pytest.approx(precision / (precision + 100), rel=1e-3)
    assert held[1] == pytest.approx(0.0, abs=1e-9)


def test_a_hold_is_followed_by_frame_and_keeps_its_last_value() -> None:
    temperature = np.full(40, 300.0) + np.linspace(0, 14.9, 40)
    values = 1e-4 * np.arange(40.0)
    values[30:] = np.nan
    mean, sigma = smooth_strain(
        temperature, np.full(40, "hold", object), values, np.full(40, 1e-6), expected_slope=1.0
    )
    np.testing.assert_allclose(mean[:30], values[:30], atol=1e-7)
    np.testing.assert_allclose(mean[30:], values[29], atol=1e-7)
    assert sigma[-1] < 1e-5
    warmer = 300.0 + np.linspace(0, 15.1, 40)
    mean, _ = smooth_strain(
        warmer, np.full(40, "hold", object), values, np.full(40, 1e-6), expected_slope=1e-3
    )
    assert mean[-1] > mean[29] + 3e-3  # by temperature


def test_beyond_its_values_a_curve_has_the_expected_slope_and_growing_doubt() -> None:
    temperature = np.linspace(0, 390, 40)
    values = np.where((temperature > 95) & (temperature < 295), 2e-5 * temperature, np.nan)
    mean, sigma = smooth_strain(
        temperature, HEATING, values, np.full(40, 1e-7), expected_slope=1e-5
    )
    # 100 to 290: the true slope is 1e-5 above the expected one
    np.testing.assert_allclose(mean[10:30], values[10:30], atol=1e-8)
    np.testing.assert_allclose(mean[0], 2e-3 - 1e-5 * 100, atol=1e-7)
    np.testing.assert_allclose(mean[-1], 5.8e-3 + 1e-5 * 100, atol=1e-7)
    doubt = np.hypot(0.5 * 1e-5, 1e-5)
    np.testing.assert_allclose(sigma[0], doubt * 100, rtol=1e-3)
    np.testing.assert_allclose(sigma[-1], doubt * 100, rtol=1e-3)


def test_doubt_at_each_end_is_that_of_its_own_slope() -> None:
    temperature = np.linspace(0, 590, 60)
    u = (temperature - 100) / 390
    values = np.where((temperature > 95) & (temperature < 495), 1e-3 * u**2, np.nan)
    segment = np.full(60, "heating", object)
    _, sigma = smooth_strain(temperature, segment, values, np.full(60, 1e-8), expected_slope=0.0)
    # slopes of the square over the first and the last tenth: 0.1 and 1.9 times 1e-3 / 390
    np.testing.assert_allclose(sigma[0], 0.1e-3 / 390 * 100, rtol=0.02)
    np.testing.assert_allclose(sigma[-1], 1.9e-3 / 390 * 100, rtol=0.02)


def test_segments_without_values_take_the_nearest_edge() -> None:
    temperature = np.concatenate([np.linspace(0, 100, 11), np.linspace(90, 0, 10)])
    segment = np.array(["heating"] * 11 + ["cooling"] * 10, object)
    values = np.where(np.arange(21) < 11, 1e-5 * temperature, np.nan)
    mean, sigma = smooth_strain(
        temperature, segment, values, np.full(21, 1e-7), expected_slope=1e-5
    )
    np.testing.assert_allclose(mean[11:], 1e-5 * temperature[11:], atol=1e-7)
    expected = np.hypot(sigma[10], 0.5e-5 * (temperature[11:] - 100))
    np.testing.assert_allclose(sigma[11:], expected)


def test_two_values_make_no_curve_and_three_do() -> None:
    temperature = np.linspace(0, 100, 11)
    segment = np.full(11, "heating", object)
    for count, finite in ((2, False), (3, True)):
        values = np.where(np.arange(11) < count, 1e-3, np.nan)
        mean, sigma = smooth_strain(
            temperature, segment, values, np.full(11, 1e-5), expected_slope=1e-5
        )
        assert np.isfinite(mean).all() == finite and np.isfinite(sigma).all() == finite
    no_error = np.zeros(11)
    mean, _ = smooth_strain(temperature, segment, values, no_error, expected_slope=1e-5)
    assert np.isnan(mean).all()


def test_bending_is_allowed_by_the_largest_expected_slope() -> None:
    temperature = np.linspace(0, 390, 40)
    rng = np.random.default_rng(1)
    values = 1e-3 * ((temperature - 195) / 195) ** 2 + 1e-4 * rng.standard_normal(40)
    loose, _ = smooth_strain(
        temperature, HEATING, values, np.full(40, 1e-4), expected_slope=0.0, largest_slope=1e-5
    )
    tight, _ = smooth_strain(
        temperature, HEATING, values, np.full(40, 1e-4), expected_slope=0.0, largest_slope=1e-8
    )
    assert np.ptp(loose) > 8e-4 and np.ptp(tight) < 1e-4
