"""Noise of a residual, peak areas and maxima: by hand, and against plain least squares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.unindexed import matched_filter
from ssbchar.hexrd.unindexed.matched_filter import (
    FilteredSeries,
    apply_matched_filter,
    estimate_noise,
    find_maxima,
)
from ssbchar.typing import Array


def noise_of(residual: list[float], stderr: list[float], peaks: list[float]) -> Array:
    return estimate_noise(np.array([residual]), np.array([stderr]), np.array([peaks]))[0]


def test_stated_errors_are_never_lowered() -> None:
    np.testing.assert_array_equal(noise_of([0.1] * 30, [2.0] * 30, [0.0] * 30), 2.0)


def test_scatter_between_peaks_raises_the_errors() -> None:
    """1.4826 x 3 over the median stated error of 2."""
    found = noise_of([3.0, -3.0] * 15, [2.0] * 29 + [4.0], [0.0] * 30)
    np.testing.assert_allclose(found, np.array([2.0] * 29 + [4.0]) * 1.4826 * 3 / 2)


def test_misfit_under_peaks_by_hand() -> None:
    """A residual of 30 under peaks of 100: m^2 = (900 - 1) / 100^2, sigma^2 = 1 + (2 m 100)^2."""
    found = noise_of([0.1] * 30 + [30.0] * 10, [1.0] * 40, [0.0] * 30 + [100.0] * 10)
    np.testing.assert_allclose(found[:30], 1.0)
    np.testing.assert_allclose(found[30:], np.sqrt(1 + 4 * 899))


def test_the_upper_quartile_of_the_misfit_counts() -> None:
    left = [0.1] * 30 + [0.0] * 6 + [20.0, 20.0, 20.0, 20.0, 20.0, 99.0]
    found = noise_of(left, [1.0] * 42, [0.0] * 30 + [100.0] * 12)
    np.testing.assert_allclose(found[30:], np.sqrt(1 + 4 * 399))


@pytest.mark.parametrize(("count", "counts"), [(9, False), (10, True)])
def test_too_few_points_under_peaks_show_no_misfit(count: int, counts: bool) -> None:
    found = noise_of([0.1] * 30 + [30.0] * count, [1.0] * (30 + count), [0] * 30 + [100] * count)
    assert bool(found[-1] > 1.0) is counts


@pytest.mark.parametrize(("peak", "is_under"), [(5.0, False), (5.1, True)])
def test_points_are_under_a_peak_above_five_errors(peak: float, is_under: bool) -> None:
    found = noise_of([0.1] * 30 + [3.0] * 10, [1.0] * 40, [0.0] * 30 + [peak] * 10)
    assert bool(found[-1] > 1.0) is is_under


@pytest.mark.parametrize(("peak", "is_bare"), [(0.49, True), (0.5, False)])
def test_points_are_bare_below_half_an_error(peak: float, is_bare: bool) -> None:
    """Twelve bare points of scatter 1, and twenty of scatter 9 below a faint peak."""
    found = noise_of([1.0] * 12 + [9.0] * 20, [1.0] * 32, [0.0] * 12 + [peak] * 20)
    assert found[0] == pytest.approx(1.4826 * (9 if is_bare else 1))


def test_without_bare_points_the_lower_half_of_the_peaks_counts() -> None:
    found = noise_of([2.0] * 12 + [9.0] * 11, [1.0] * 23, [1.0] * 12 + [3.0] * 11)
    assert found[0] == pytest.approx(1.4826 * 2)


def test_frames_with_too_few_points_are_not_measured() -> None:
    assert np.isnan(noise_of([0.1] * 19 + [np.nan], [1.0] * 20, [0.0] * 20)).all()
    assert np.isfinite(noise_of([0.1] * 20 + [np.nan], [1.0] * 21, [0.0] * 21)[:20]).all()
    assert np.isnan(noise_of([0.1] * 21, [1.0] * 20 + [0.0], [0.0] * 21)[20])


def gaussian(points: int, at: float, fwhm: float, area: float) -> Array:
    u = (np.arange(points) - at) / fwhm
    return area * np.sqrt(4 * np.log(2) / np.pi) / fwhm * np.exp(-4 * np.log(2) * u**2)


@settings(max_examples=20, deadline=None)
@given(st.floats(-50, 50), st.floats(-5, 5), st.floats(-0.3, 0.3), st.floats(2.0, 8.0))
def test_a_peak_on_a_line_gives_its_area(
    area: float, level: float, slope: float, fwhm: float
) -> None:
    y = gaussian(81, 40, fwhm, area) + level + slope * np.arange(81)
    found = apply_matched_filter(y[None], np.ones((1, 81)), fwhm)
    assert found.area[0, 40] == pytest.approx(area, abs=1e-8)


def test_area_and_error_are_those_of_weighted_least_squares() -> None:
    rng = np.random.default_rng(0)
    y, sigma = rng.normal(size=(2, 61)), rng.uniform(0.5, 2.0, (2, 61))
    y[1, 28] = np.nan
    found = apply_matched_filter(y, sigma, 4.0)
    for row in range(2):
        for at in (0, 5, 30, 60):
            use = np.flatnonzero((np.abs(np.arange(61) - at) <= 10) & np.isfinite(y[row]))
            design = np.stack([gaussian(61, at, 4.0, 1.0), np.ones(61), np.arange(61)], 1)[use]
            white = design / sigma[row, use, None]
            inverse = np.linalg.inv(white.T @ white)
            area = (inverse @ white.T @ (y[row, use] / sigma[row, use]))[0]
            assert found.area[row, at] == pytest.approx(area, rel=1e-6)
            assert found.stderr[row, at] == pytest.approx(np.sqrt(inverse[0, 0]), rel=1e-6)
    assert np.isnan(found.area[1, 28]) and np.isnan(found.stderr[1, 28])


def test_frames_without_measured_points_have_no_area() -> None:
    found = apply_matched_filter(np.full((1, 40), np.nan), np.ones((1, 40)), 4.0)
    assert np.isnan(found.area).all() and not found.significance(slice(None)).any()
    no_error = apply_matched_filter(np.ones((1, 40)), np.zeros((1, 40)), 4.0)
    assert np.isnan(no_error.area).all()


def test_window_by_hand() -> None:
    peak, level, slope = matched_filter._make_window(4.0)
    assert peak.size == 21 and peak[10] == pytest.approx(0.93943728 / 4) and peak.argmax() == 10
    assert peak[12] == pytest.approx(peak[10] / 2)
    np.testing.assert_array_equal(level, 1.0)
    np.testing.assert_allclose(slope, np.arange(-10, 11) / 10)
    assert matched_filter._make_window(0.5)[0].size == 7


def maxima(rows: list[list[float]], threshold: float = 5.0, apart: int = 2):
    values = np.array(rows)
    return find_maxima(FilteredSeries(area=values, stderr=np.ones_like(values)), threshold, apart)


def test_maxima_by_hand() -> None:
    """The parabola through 6, 10, 8 is highest 1/6 of a point to the right."""
    found = maxima([[0, 6, 10, 8, 0, 0, 0, 4.9, 0], [0, 0, 0, 0, 0, 0, 1, 5.0, 1]])
    np.testing.assert_array_equal(found.frame, [0, 1])
    np.testing.assert_allclose(found.place, [2 + 1 / 6, 7.0])
    np.testing.assert_array_equal(found.significance, [10.0, 5.0])


def test_of_maxima_close_together_the_highest_counts() -> None:
    found = maxima([[0, 9, 0, 10, 0, 0, 8, 0]])
    np.testing.assert_allclose(found.place, [3, 6])
    assert maxima([[0, 9, 0, 10, 0, 0, 8, 0]], apart=1).place.size == 3


def test_maxima_at_the_ends_do_not_count() -> None:
    assert maxima([[9, 0, 0, 0, 0, 0, 9]]).place.size == 0
    np.testing.assert_allclose(maxima([[0, 9, 0, 0, 0, 9, 0]]).place, [1, 5])
    assert maxima([[0, 0, 0, 0]]).frame.dtype.kind == "i"


def test_significance_where_there_is_no_error_is_zero() -> None:
    one = FilteredSeries(area=np.array([[4.0, 1.0]]), stderr=np.array([[2.0, np.nan]]))
    np.testing.assert_array_equal(one.significance(slice(None)), [[2.0, 0.0]])


def test_vertices_stay_within_half_a_point() -> None:
    found = matched_filter._interpolate_vertex(
        np.array([9.99, 1.0, 5.0]), np.array([10.0, 2.0, 5.0]), np.array([1.0, 3.0, 5.0])
    )
    np.testing.assert_allclose(found, [-0.5 * 8.99 / 9.01, 0.0, 0.0], atol=1e-6)


@pytest.mark.parametrize(("left", "right", "shift"), [(1.0, 2.9, 0.5), (2.9, 1.0, -0.5)])
def test_a_vertex_beyond_half_a_point_is_held_there(
    left: float, right: float, shift: float
) -> None:
    """The parabola through 1, 2 and 2.9 is highest 9.5 points away."""
    found = matched_filter._interpolate_vertex(np.array([left]), np.array([2.0]), np.array([right]))
    assert found.tolist() == [shift]
