"""Selection of peaks: what is there is found, what is not gets a limit, changes by hand."""

import numpy as np
import pytest

from ssbchar.hexrd.peaks import select
from ssbchar.hexrd.peaks.fit import WindowFits, Windows
from ssbchar.hexrd.peaks.pseudo_voigt import pseudo_voigt
from ssbchar.hexrd.peaks.select import SelectedPeaks, SelectionRules
from ssbchar.typing import Array

X = np.linspace(4.0, 4.5, 101)
RULES = SelectionRules(reach=0.03, width=0.04, threshold=4.0, iterations=30)
CENTRE = np.array([4.15, 4.35])


def windows(areas: list[list[float]], seed: int = 0, noise: float = 1.0) -> Windows:
    """Windows of 200 counts, with peaks of these areas at 4.15 and 4.35 degree."""
    rng = np.random.default_rng(seed)
    clean = np.full((len(areas), X.size), 200.0)
    for j, place in enumerate(CENTRE):
        profile = pseudo_voigt(X, np.array(place), np.array(0.04), np.array(0.5))
        clean += np.array(areas)[:, j : j + 1] * profile
    y = clean + noise * np.sqrt(clean) * rng.standard_normal(clean.shape)
    return Windows(x=np.tile(X, (len(areas), 1)), y=y, weight=1 / clean)


def found_in(areas: list[list[float]], begin: list[bool], **kind: float) -> SelectedPeaks:
    n = len(areas)
    return select.select_peaks(
        windows(areas, **kind),
        np.tile(CENTRE, (n, 1)),
        np.tile(begin, (n, 1)),
        np.ones((n, 2), bool),
        RULES,
    )


def test_what_is_there_is_found_and_nothing_else() -> None:
    found = found_in([[20.0, 15.0], [20.0, 0.0], [0.0, 15.0], [0.0, 0.0]], [True, True])
    np.testing.assert_array_equal(
        found.present, [[True, True], [True, False], [False, True], [False, False]]
    )
    np.testing.assert_allclose(found.area[[0, 1], 0], 20.0, rtol=0.15)
    np.testing.assert_allclose(found.position[[0, 2], 1], 4.35, atol=0.003)
    assert np.isnan(found.area[3]).all() and np.isnan(found.covariance[1, 1]).all()
    assert not found.at_edge.any() and found.converged.all()
    assert np.all(np.abs(found.chi2 - 1) < 0.5)
    assert np.all(found.upper95[0] > found.area[0])


def test_an_unexpected_peak_enters() -> None:
    found = found_in([[20.0, 0.0], [0.0, 15.0], [0.0, 0.0]], [False, False])
    np.testing.assert_array_equal(found.present, [[True, False], [False, True], [False, False]])


def test_a_peak_that_may_not_enter_stays_out() -> None:
    found = select.select_peaks(
        windows([[20.0, 10.0]]),
        CENTRE[None],
        np.array([[True, False]]),
        np.array([[True, False]]),
        RULES,
    )
    assert found.present.tolist() == [[True, False]]


def test_errors_are_those_of_the_scatter() -> None:
    found = found_in([[20.0, 12.0]] * 200, [True, True], seed=3)
    for values, truth, i in ((found.position, CENTRE, 0), (found.area, [20.0, 12.0], 2)):
        pull = (values - truth) / np.sqrt(found.covariance[:, :, i, i])
        assert np.all(np.abs(pull.mean(axis=0)) < 0.3) and np.all(abs(pull.std(axis=0) - 1) < 0.3)
    width = (found.fwhm - 0.04) / np.sqrt(found.covariance[:, :, 1, 1])
    assert np.all(abs(width.std(axis=0) - 1) < 0.3)
    eta = (found.eta - 0.5) / np.sqrt(found.covariance[:, :, 3, 3])
    assert abs(eta.std() - 1) < 0.3


def test_reference_values() -> None:
    found = found_in([[20.0, 0.6]], [True, False], seed=5)
    values = [found.position[0, 0], found.fwhm[0, 0], found.area[0, 0], found.eta[0, 0]]
    values += [*np.sqrt(np.diag(found.covariance[0, 0])), found.chi2[0]]
    values += [*found.significance[0], *found.upper95[0], found.entering[0, 1]]
    np.testing.assert_allclose(values, REFERENCE, rtol=1e-6)


REFERENCE = [
    4.1498376,
    0.0398860805,
    18.2582366,
    0.382849855,
    0.000533316085,
    0.00158701422,
    1.13664877,
    0.155508149,
    0.854431584,
    39.2948113,
    2.48926108,
    20.1278575,
    1.35532257,
    2.62197498,
]


def test_limits_of_absent_peaks_cover_95_of_100() -> None:
    found = found_in([[20.0, 0.8]] * 300, [True, False], seed=9)
    absent = ~found.present[:, 1]
    assert 0.9 < np.mean(found.upper95[absent, 1] > 0.8) < 1.0
    assert absent.mean() > 0.9


def test_without_a_peak_the_significance_is_normal() -> None:
    found = found_in([[0.0, 0.0]] * 300, [False, False], seed=11)
    assert not found.present.any()
    assert 0.8 < np.std(found.significance) < 1.2 and abs(np.mean(found.significance)) < 0.15
    limit = np.maximum(0, 1) + 0 * found.upper95
    assert np.all(found.upper95 > 0) and np.all(np.isfinite(limit))


def selected(present: list[bool], z: list[float], entering: list[float]) -> SelectedPeaks:
    found = select._make_empty(1, len(present))
    found.present[0], found.significance[0], found.entering[0] = present, z, entering
    found.position[0] = np.where(present, PLACES, np.nan)
    return found


PLACES = np.array([4.0, 4.1, 4.2])


@pytest.mark.parametrize(
    ("present", "z", "entering", "barred", "drop", "enter"),
    [
        ([1, 1, 1], [9, 3.9, 2.0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]),
        ([1, 1, 1], [9, 4.0, 4.1], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]),
        ([1, 0, 0], [9, 0, 0], [0, 5, 6], [0, 0, 0], [0, 0, 0], [0, 0, 1]),
        ([1, 0, 0], [9, 0, 0], [0, 5, 6], [0, 0, 1], [0, 0, 0], [0, 1, 0]),
        ([1, 0, 0], [9, 0, 0], [0, 4.0, 3], [0, 0, 0], [0, 0, 0], [0, 0, 0]),
        ([1, 0, 0], [3, 0, 0], [0, 5, 6], [0, 0, 0], [1, 0, 0], [0, 0, 0]),
    ],
)
def test_changes_by_hand(
    present: list[bool],
    z: list[float],
    entering: list[float],
    barred: list[bool],
    drop: list[bool],
    enter: list[bool],
) -> None:
    """The weakest below four sigma leaves; else the strongest above it enters, unless barred."""
    found = selected([bool(p) for p in present], z, entering)
    one = select._choose_changes(found, PLACES[None], np.arange(1), np.array([barred], bool), RULES)
    np.testing.assert_array_equal(one[0][0], np.array(drop, bool))
    np.testing.assert_array_equal(one[1][0], np.array(enter, bool))


@pytest.mark.parametrize(("place", "enters"), [(4.023, False), (4.025, True)])
def test_nothing_enters_under_a_present_peak(place: float, enters: bool) -> None:
    """0.6 widths are 0.024 degree."""
    found = selected([True, False, False], [9, 0, 0], [0, 5, 0])
    centre = np.array([[4.0, place, 4.2]])
    _, enter = select._choose_changes(found, centre, np.arange(1), np.zeros((1, 3), bool), RULES)
    assert bool(enter[0, 1]) is enters


def test_starts_by_hand() -> None:
    np.testing.assert_array_equal(select._move_starts(1), [[-1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(
        select._move_starts(3)[:, :3], [[-1, -1, -1], [1, 1, 1], [-1, 0, 1], [0.5, 0, -0.5]]
    )
    assert select._move_starts(3).shape == (4, 7) and not select._move_starts(3)[:, 3:].any()


def test_parameters_by_hand() -> None:
    found = select._join_parameters(np.array([[4.0, 4.1]]), -3.0, 0.5)
    np.testing.assert_array_equal(found, [[4.0, 4.1, -3.0, -3.0, 0.5]])


def test_bounds_count_for_position_and_width_and_not_for_eta() -> None:
    low, high = np.zeros((1, 5)), np.ones((1, 5))
    inside = np.full((1, 5), 0.5)
    for i, expected in ((0, [1, 0]), (1, [0, 1]), (2, [1, 0]), (3, [0, 1]), (4, [0, 0])):
        for value in (0.0, 1.0):
            shape = inside.copy()
            shape[0, i] = value
            found = select._find_at_edge(shape, low, high)
            np.testing.assert_array_equal(found[0], np.array(expected, bool))


def test_quality_by_hand() -> None:
    """chi2 / (points - parameters), points of weight zero left out; alternating residuals do not
    inflate, residuals of one sign by (1 + rho) / (1 - rho)."""
    weight = np.ones((2, 12))
    weight[:, :2] = 0
    residual = np.zeros((2, 12))
    residual[0, 2:] = [1, -1] * 5
    residual[1, 2:] = [1, 1, 1, 1, 1, -1, -1, -1, -1, -1]
    fit = WindowFits(
        shape=np.zeros((2, 3)),
        linear=np.zeros((2, 3)),
        chi2=np.array([10.0, 10.0]),
        converged=np.ones(2, bool),
        residual=residual,
        normal=np.zeros((2, 6, 6)),
    )
    data = Windows(x=np.zeros((2, 12)), y=np.zeros((2, 12)), weight=weight)
    reduced, scale = select._judge_fit(data, fit)
    np.testing.assert_allclose(reduced, 10 / 4)
    rho = 7 / 10
    np.testing.assert_allclose(scale, [2.5, 2.5 * (1 + rho) / (1 - rho)])


def test_a_start_far_off_is_mended_by_others() -> None:
    """A peak 0.028 degree from its place, of a reach of 0.03, beside a neighbour."""
    data = windows([[40.0, 0.0]] * 5)
    fit, at_edge = select._fit_present(data, np.full((5, 1), 4.123), RULES)
    np.testing.assert_allclose(fit.shape[:, 0], 4.15, atol=0.002)
    assert not at_edge.any()
    _, at_edge = select._fit_present(data, np.full((5, 1), 4.10), RULES)
    assert at_edge.all()


def test_widths_are_held_within_a_factor_of_four() -> None:
    wide = windows([[0.0, 0.0]], noise=0.0)
    profile = pseudo_voigt(X, np.array(4.25), np.array(0.3), np.array(0.5))
    data = Windows(x=wide.x, y=wide.y + 40 * profile, weight=wide.weight)
    fit, at_edge = select._fit_present(data, np.array([[4.25]]), RULES)
    assert np.exp(fit.shape[0, 1]) == pytest.approx(0.16) and at_edge[0, 0]


def blind_test(centre: float) -> tuple[Array, Array]:
    data = windows([[20.0, 0.0]])
    fit, _ = select._fit_present(data, CENTRE[None, :1], RULES)
    return select._test_absent(data, fit, np.ones(1), np.array([[centre]]), RULES.width)


def test_a_place_outside_the_window_is_blind() -> None:
    z, limit = blind_test(8.0)
    assert z[0, 0] == 0.0 and np.isnan(limit[0, 0])
    z, limit = blind_test(4.35)
    assert z[0, 0] != 0.0 and limit[0, 0] > 0


def test_the_significance_of_an_absent_peak_is_that_of_an_f_test() -> None:
    """Against the same linear model with the peak as a further column, all solved by numpy."""
    data = windows([[3.0, 1.5]], seed=2)
    fit, _ = select._fit_present(data, CENTRE[None, :1], RULES)
    z, limit = select._test_absent(data, fit, np.array([4.0]), CENTRE[None, 1:], RULES.width)
    from ssbchar.hexrd.peaks.fit import evaluate_jacobian

    rows = evaluate_jacobian(data, fit.shape, fit.linear)[0]
    peak = pseudo_voigt(X, CENTRE[1], np.array(0.04), np.array(0.5)) * np.sqrt(data.weight[0])
    design = np.vstack([rows, peak]).T
    solution, left, *_ = np.linalg.lstsq(design, fit.residual[0], rcond=None)
    noise = left[0] / (X.size - 6 - 1)
    sigma = np.sqrt(noise * np.linalg.inv(design.T @ design)[-1, -1])
    assert z[0, 0] == pytest.approx(solution[-1] / sigma, rel=0.03)
    # the limit knows the serial correlation: a factor of 2 on sigma
    assert limit[0, 0] == pytest.approx(solution[-1] + 1.6448536 * 2 * sigma, rel=0.03)


@pytest.mark.parametrize(("widths", "enters"), [(1.0, True), (1 - 1e-9, False)])
def test_a_peak_just_beside_a_present_one_may_enter(widths: float, enters: bool) -> None:
    """Exactly at the distance of the same place it is another peak."""
    found = select._make_empty(1, 2)
    found.present[0], found.significance[0] = [True, False], [9.0, 0.0]
    found.position[0], found.entering[0] = [0.0, np.nan], [0.0, 5.0]
    centre = np.array([[0.0, widths * (select.SAME_PLACE * RULES.width)]])
    _, enter = select._choose_changes(found, centre, np.arange(1), np.zeros((1, 2), bool), RULES)
    assert bool(enter[0, 1]) is enters


@pytest.mark.parametrize(
    ("reduced", "again"),
    [
        ([4.0, 4.0, 4.0, 4.0], 0),
        ([3.9, 4.0, 4.1, 4.9], 2),
        ([1.0, 1.0, 1.0, 2.0], 0),
        ([1.0, 1.0, 1.0, 2.1], 1),
    ],
)
def test_windows_that_fit_poorly_are_tried_again(
    reduced: list[float], again: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above twice the median of the reduced chi-squares, or above 4."""
    tried: list[int] = []
    original = select.fit_from_starts

    def count(data: Windows, *args: object) -> WindowFits:
        tried.append(data.x.shape[0])
        return original(data, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(select, "fit_from_starts", count)
    monkeypatch.setattr(select, "_judge_fit", lambda data, fit: (np.array(reduced), np.ones(4)))
    select._fit_present(windows([[40.0, 0.0]] * 4), np.full((4, 1), 4.15), RULES)
    assert sum(tried) == again
