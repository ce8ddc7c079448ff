"""Paths of strain: widths and heights by hand, the best path by enumeration, truth found again."""

import itertools

import numpy as np
import pytest

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.peaks import strain_path
from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt
from ssbchar.typing import Array

X = np.arange(2.0, 9.0, 0.01)
WAVELENGTH, WIDTH = 0.2413, 0.06
D = np.array([3.2, 2.7, 2.1])


def peaks(places: Array, area: float = 30.0) -> Array:
    """Frames (frames, points) with a peak of 0.06 degree at each place (frames, lines) on 100."""
    profiles = pseudo_voigt(X, places[:, :, None], np.array(WIDTH), np.array(0.0))
    return 100.0 + area * profiles.sum(axis=1)


def scored(y: Array) -> strain_path.SeriesScore:
    values = strain_path.score_contrast(X, y, np.sqrt(y), WIDTH)
    return strain_path.SeriesScore(two_theta=X, values=values, wavelength=WAVELENGTH, width=WIDTH)


def test_typical_width() -> None:
    y = peaks(np.array([[3.0, 4.0, 5.0]])) + np.random.default_rng(0).normal(0, 1, (1, X.size))
    assert strain_path.measure_typical_width(X, y) == pytest.approx(WIDTH, rel=0.1)


def test_width_where_there_is_no_peak_or_a_single_point() -> None:
    assert strain_path.measure_typical_width(X, np.ones((2, X.size))) == pytest.approx(0.06)
    spike = np.zeros((1, X.size))
    spike[0, 100] = 1.0
    assert strain_path.measure_typical_width(X, spike) == pytest.approx(0.02)


def test_half_a_width_in_points() -> None:
    assert strain_path._measure_half_width(X, 0.06) == 3
    assert strain_path._measure_half_width(X, 0.001) == 1


def test_contrast_by_hand() -> None:
    """Three points of 10 on a floor of 1, half a width one point: mean 10 against sides of 1; the
    errors are 2, so sigma = sqrt(1.5 x 4 / 3)."""
    axis = np.arange(40.0)
    y, error = np.ones((1, 40)), np.full((1, 40), 2.0)
    y[0, 19:22] = 10.0
    score = strain_path.score_contrast(axis, y, error, 2.0)
    assert score.dtype == np.float32
    assert score[0, 20] == pytest.approx(np.log1p(9 / np.sqrt(2)), rel=1e-6)
    assert score[0, 10] == 0.0
    # sides: the means of points 3-4 off on the left and on the right
    y[0, 16] = 7.0
    moved = strain_path.score_contrast(axis, y, error, 2.0)
    assert moved[0, 20] == pytest.approx(np.log1p((10 - 0.5 * (4 + 1)) / np.sqrt(2)), rel=1e-6)
    y[0, 16], y[0, 24] = 1.0, 7.0
    moved = strain_path.score_contrast(axis, y, error, 2.0)
    assert moved[0, 20] == pytest.approx(np.log1p((10 - 0.5 * (4 + 1)) / np.sqrt(2)), rel=1e-6)


def test_contrast_bears_missing_points() -> None:
    y = peaks(np.array([[4.0]]))
    y[0, :20] = np.nan
    assert np.all(np.isfinite(strain_path.score_contrast(X, y, np.sqrt(y), WIDTH)))


def test_heights_by_hand() -> None:
    """Half a width one point: mean of three against the lower of two points on either side."""
    axis = np.arange(30.0)
    y, error = np.ones((1, 30)), np.full((1, 30), 3.0)
    y[0, 14:17] = [6.0, 9.0, 6.0]
    y[0, 12:14] = 3.0
    height, sigma = strain_path.measure_heights(axis, y, error, np.array([[15.0]]), 2.0)
    assert height[0, 0] == pytest.approx(7.0 - 1.0)
    assert sigma[0, 0] == pytest.approx(np.sqrt(2 * 27) / 3)
    y[0, 17:19] = 4.0
    height, _ = strain_path.measure_heights(axis, y, error, np.array([[15.0]]), 2.0)
    assert height[0, 0] == pytest.approx(7.0 - 3.0)


def test_heights_at_the_ends_of_the_axis_are_finite() -> None:
    y = peaks(np.array([[4.0]]))
    height, sigma = strain_path.measure_heights(X, y, np.sqrt(y), np.array([[0.0, 20.0]]), WIDTH)
    assert np.all(np.isfinite(height)) and np.all(sigma > 0)


def test_best_path_is_that_of_an_enumeration() -> None:
    rng = np.random.default_rng(4)
    for cost in (0.1, 0.5, 2.0):
        score = rng.normal(size=(2, 4, 6))
        found = strain_path._find_best_path(score, cost)
        for one, path in zip(score, found, strict=True):

            def value(columns: tuple[int, ...], one: Array = one, cost: float = cost) -> float:
                steps = np.abs(np.diff(columns))
                if np.any(steps > 3):
                    return -np.inf
                return float(sum(one[i, c] for i, c in enumerate(columns)) - cost * steps.sum())

            best = max(itertools.product(range(6), repeat=4), key=value)
            assert tuple(path) == best


def test_a_path_moves_three_columns_and_no_more() -> None:
    score = np.zeros((1, 2, 9))
    score[0, 0, 0], score[0, 1, 3] = 10.0, 10.0
    assert strain_path._find_best_path(score, 0.1)[0].tolist() == [0, 3]
    score = np.zeros((1, 2, 9))
    score[0, 0, 8], score[0, 1, 4] = 10.0, 9.0
    assert strain_path._find_best_path(score, 0.1)[0].tolist() == [8, 8]


def test_strain_comes_back_within_a_width() -> None:
    """At 13 degree of 2theta and less a width of 0.06 degree is a strain of 0.009."""
    strain = np.linspace(0.008, 0.014, 40)
    places = two_theta_from_d(D * (1 + strain[:, None]), WAVELENGTH)
    found = strain_path.find_strain_path(
        scored(peaks(places)), D, np.array([1.0, 0.5, 0.7]), np.full(40, np.nan), 0.025
    )
    np.testing.assert_allclose(found, strain, atol=0.004)


def test_without_peaks_the_strain_is_that_of_common_expansion() -> None:
    warming = np.array([0.0, 100.0, 500.0])
    found = strain_path.find_strain_path(
        scored(np.full((3, X.size), 100.0)), D, np.ones(3), warming, 0.02
    )
    np.testing.assert_allclose(found, 1.2e-5 * warming, atol=1e-12)
    unknown = strain_path.find_strain_path(
        scored(np.full((3, X.size), 100.0)), D, np.ones(3), np.full(3, np.nan), 0.02
    )
    np.testing.assert_allclose(unknown, 0.0, atol=1e-12)


def test_strain_grid_by_hand() -> None:
    """A quarter of a width at the largest angle: w / (2 tan theta) / 4, at least four steps and at
    most two hundred a side."""
    score = scored(np.full((1, X.size), 100.0))
    theta = np.radians(two_theta_from_d(np.array(2.1), WAVELENGTH)) / 2
    resolution = np.radians(WIDTH) / (2 * np.tan(theta)) / 4
    steps = int(np.ceil(0.025 / resolution))
    grid = strain_path._make_strain_grid(score, D, 0.025)
    assert grid.size == 2 * steps + 1 and (grid[0], grid[-1]) == (-0.025, 0.025)
    assert strain_path._make_strain_grid(score, D, 1e-6).size == 9
    assert strain_path._make_strain_grid(score, D, 100.0).size == 401


@pytest.mark.parametrize(("warming", "expected"), [(0.0, 0.0), (np.nan, 0.018)])
def test_the_prior_holds_the_strain_where_the_temperature_is_known(
    warming: float, expected: float
) -> None:
    """A peak where a strain of 0.018 would put the line: a cell is known to 0.002."""
    y = peaks(two_theta_from_d(np.full((5, 1), 3.2 * 1.018), WAVELENGTH))
    found = strain_path.find_strain_path(scored(y), D[:1], np.ones(1), np.full(5, warming), 0.025)
    np.testing.assert_allclose(found, expected, atol=0.006)


def test_lines_find_their_own_places() -> None:
    expected = np.array([[4.0, 6.0]] * 8)
    truth = expected + np.array([0.1, -0.1])
    found = strain_path.find_line_paths(scored(peaks(truth)), expected, 0.12)
    np.testing.assert_allclose(found, truth, atol=0.035)
    empty = strain_path.find_line_paths(scored(np.full((8, X.size), 100.0)), expected, 0.12)
    np.testing.assert_allclose(empty, expected, atol=1e-12)


def test_reference_path() -> None:
    """The path of a made series, kept from one version to the next."""
    strain = np.linspace(0.006, -0.012, 7)
    y = peaks(two_theta_from_d(D * (1 + strain[:, None]), WAVELENGTH), 4.0)
    y = y + 10 * np.random.default_rng(1).standard_normal((7, X.size))
    found = strain_path.find_strain_path(
        scored(y), D, np.array([1.0, 0.4, 0.2]), np.linspace(0, 300, 7), 0.02
    )
    np.testing.assert_allclose(found, REFERENCE, atol=1e-9)


REFERENCE = [0.0, 0.0006, 0.0012, 0.0018, 0.0001777778, -0.0014444444, -0.0030666667]


AXIS = np.arange(60.0)
RANDOM = np.random.default_rng(7).uniform(1.0, 9.0, 60)


def test_heights_of_two_points_half_width_by_slices() -> None:
    """Half a width two points: five points against four on either side, the lower of them."""
    error = np.random.default_rng(8).uniform(1.0, 2.0, 60)
    places = [20.0, 21.0, 35.0, 36.0, 0.0, 99.0]
    height, sigma = strain_path.measure_heights(
        AXIS, RANDOM[None], error[None], np.array([places]), 4.0
    )
    lower_left = 0
    # places nearer to an end than three half widths move inwards
    for i, at in enumerate([20, 21, 35, 36, 6, 52]):
        left, right = RANDOM[at - 6 : at - 2].mean(), RANDOM[at + 3 : at + 7].mean()
        lower_left += left < right
        inside = RANDOM[at - 2 : at + 3].mean()
        assert height[0, i] == pytest.approx(inside - min(left, right), rel=1e-9)
        variance = np.sum(error[at - 2 : at + 3] ** 2)
        assert sigma[0, i] == pytest.approx(np.sqrt(2 * variance) / 5, rel=1e-9)
    assert 0 < lower_left < 6


def test_contrast_of_two_points_half_width_by_slices() -> None:
    """Half a width two points: five points against three, four half widths off on either side."""
    y, error = RANDOM.copy(), np.random.default_rng(8).uniform(1.0, 2.0, 60)
    y[28:33] += 20
    score = strain_path.score_contrast(AXIS, y[None], error[None], 4.0)
    for at in (29, 30, 31):
        sides = 0.5 * (y[at - 8 : at - 5].mean() + y[at + 6 : at + 9].mean())
        sigma = np.sqrt(1.5 * np.mean(error[at - 2 : at + 3] ** 2) / 5)
        contrast = y[at - 2 : at + 3].mean() - sides
        assert score[0, at] == pytest.approx(np.log1p(contrast / sigma), rel=1e-6)
