"""Axes of a series: converted through d, rebinned by overlap, numbers by hand."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns import rebin
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.options import PatternReading

LENGTH = 0.25
X = np.linspace(2.0, 12.0, 21)
Y = 10.0 + np.arange(21.0) % 5


def file_of(
    x: np.ndarray = X, y: np.ndarray = Y, unit: str = "degree", **more: object
) -> PatternFile:
    return PatternFile(x=x, unit=unit, intensity=np.atleast_2d(y).astype(float), **more)  # type: ignore[arg-type]


def regrid(*contents: PatternFile, **options: object) -> rebin.RegriddedSeries:
    return rebin.regrid(Path("s"), list(contents), LENGTH, PatternReading(**options))  # type: ignore[arg-type]


def test_two_points_onto_three_by_hand() -> None:
    """Intervals [-1, 1], [1, 3] onto [-0.5, 0.5], [0.5, 1.5], [1.5, 2.5]: 4, half and half, 8."""
    x, onto = np.array([0.0, 2.0]), np.array([0.0, 1.0, 2.0])
    mean, variance = rebin.rebin(x, np.array([4.0, 8.0]), np.array([1.0, 3.0]), onto)
    np.testing.assert_allclose(mean, [4, 6, 8])
    np.testing.assert_allclose(variance, [1, 0.25 * 1 + 0.25 * 3, 3])


def test_beyond_the_old_axis_is_nan() -> None:
    x = np.arange(5.0)
    mean, variance = rebin.rebin(x, x, np.ones(5), np.array([-0.2, 1.0, 2.2, 3.4]))
    np.testing.assert_array_equal(np.isfinite(mean), [False, True, True, True])
    np.testing.assert_array_equal(np.isfinite(variance), np.isfinite(mean))
    assert np.isnan(rebin.rebin(x, x, np.ones(5), np.array([1.0, 4.0, 7.0]))[0][-1])


@pytest.mark.parametrize("unit", ["degree", "1/angstrom", "1/nm", "angstrom"])
def test_every_unit_comes_to_the_same_two_theta(unit: str) -> None:
    axes = {
        "degree": X,
        "1/angstrom": bragg.q_from_two_theta(X, LENGTH),
        "1/nm": 10 * bragg.q_from_two_theta(X, LENGTH),
        "angstrom": bragg.d_from_two_theta(X, LENGTH),
    }
    stated = regrid(file_of(axes[unit], unit=unit))
    np.testing.assert_allclose(stated.axis, X, rtol=1e-12)
    configured = regrid(file_of(axes[unit], unit=""), axis_unit=unit)
    np.testing.assert_array_equal(configured.axis, stated.axis)
    np.testing.assert_array_equal(stated.intensity[0], Y)


def test_without_any_unit_the_axis_is_two_theta() -> None:
    np.testing.assert_array_equal(regrid(file_of(unit="")).axis, X)


def test_a_file_of_another_wavelength_is_converted_through_d() -> None:
    own = bragg.two_theta_from_d(bragg.d_from_two_theta(X, LENGTH), 0.5)
    series = regrid(file_of(own, wavelength=(0.5, 0.0)))
    np.testing.assert_allclose(series.axis, X, rtol=1e-12)
    configured = regrid(file_of(X, wavelength=(0.5, 0.0)), wavelength=LENGTH)
    np.testing.assert_array_equal(configured.axis, X)


def test_descending_frames_are_turned() -> None:
    series = regrid(file_of(X[::-1], Y[::-1]), file_of())
    np.testing.assert_array_equal(series.axis, X)
    np.testing.assert_array_equal(series.intensity[0], Y)
    assert series.status.tolist() == ["ok", "ok"] and series.rebinned.tolist() == [0, 0]


def test_the_axis_of_most_files_wins() -> None:
    shifted = X + 0.1
    series = regrid(file_of(shifted), file_of(), file_of())
    np.testing.assert_array_equal(series.axis, X)
    assert np.isnan(series.intensity[0, 0]) and np.isfinite(series.intensity[0, 1:]).all()
    assert series.rebinned.tolist() == [1, 0, 0]
    aside = regrid(file_of(shifted), file_of(), file_of(), other_grid="set_aside")
    assert aside.status.tolist() == ["other_grid", "ok", "ok"]
    assert np.isnan(aside.intensity[0]).all() and np.isnan(aside.stderr[0]).all()
    np.testing.assert_array_equal(aside.intensity[1], Y)


def test_variance_follows_the_rebinning() -> None:
    """A frame of half the step onto the series' axis: two quarters and a half of three points."""
    fine = np.linspace(2.0, 12.0, 41)
    series = regrid(
        file_of(fine, np.full(41, 16.0), stderr=np.full((1, 41), 2.0)), file_of(), file_of()
    )
    np.testing.assert_allclose(series.intensity[0, 1:-1], 16.0)
    np.testing.assert_allclose(series.stderr[0, 1:-1], 2 * np.sqrt(0.25**2 + 0.5**2 + 0.25**2))


def test_standard_errors_of_counting_where_the_file_has_none() -> None:
    y = Y.copy()
    y[3] = 0.25
    series = regrid(file_of(y=y))
    assert series.poisson
    np.testing.assert_allclose(series.stderr[0], np.sqrt(np.maximum(y, 1)), rtol=1e-6)
    stderr = np.full((1, 21), 0.5)
    stderr[0, 4] = 0.0
    own = regrid(file_of(y=y, stderr=stderr), file_of())
    assert not own.poisson
    assert own.stderr[0, 5] == 0.5 and own.stderr[0, 4] == np.float32(np.sqrt(y[4]))


def test_points_that_hold_nothing_are_dropped() -> None:
    first, second, third = Y.copy(), Y.copy(), Y.copy()
    for y in (first, second, third):
        y[[0, 20]] = 0.0
    first[5] = second[5] = np.nan
    third[7] = np.nan
    second[9] = third[9] = 0.0
    series = regrid(file_of(y=first), file_of(y=second), file_of(y=third))
    np.testing.assert_array_equal(series.axis, np.delete(X, [0, 5, 20]))
    assert series.intensity.shape == series.stderr.shape == (3, 18)


def test_half_of_the_frames_are_enough_for_a_point() -> None:
    first, second = Y.copy(), Y.copy()
    first[5] = np.nan
    assert regrid(file_of(y=first), file_of(y=second)).axis.size == 21
    bad = file_of(np.where(X == X[3], np.nan, X))
    assert regrid(file_of(y=first), file_of(y=second), bad).axis.size == 21


def test_a_bad_axis_is_a_status_and_the_rest_goes_on() -> None:
    series = regrid(file_of(X[::-1]), file_of(np.where(X == X[3], np.nan, X)), file_of(X[::-1]))
    assert series.status.tolist() == ["ok", "not_finite", "ok"]
    with pytest.raises(BadInput, match="NaN or infinities in every file; copy"):
        regrid(file_of(np.where(X == X[3], np.nan, X)))


def test_files_of_several_frames_fill_their_rows() -> None:
    series = regrid(file_of(y=np.stack([Y, 2 * Y])), file_of(y=3 * Y))
    np.testing.assert_array_equal(series.intensity, np.stack([Y, 2 * Y, 3 * Y]))


def test_contents_are_dropped_once_on_the_axis() -> None:
    one = file_of(stderr=np.ones((1, 21)))
    regrid(one, file_of())
    assert one.intensity.shape == (0, 0) and one.stderr is None
