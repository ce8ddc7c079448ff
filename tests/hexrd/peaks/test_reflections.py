"""Lines to fit: strengths, which are reported, which share a window, which hide another."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import d_from_two_theta, two_theta_from_d
from ssbchar.hexrd.peaks import reflections
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.typing import Array

WAVELENGTH, BOUNDS, WIDTH = 0.2, (2.0, 10.0), 0.04


def table(two_theta: list[float], strength: list[float], structure: bool = True) -> xr.Dataset:
    """A phase with lines at these angles, whose intensities are in these proportions."""
    angle = np.array(two_theta)
    theta = np.radians(angle) / 2
    factor = np.array(strength) * np.sin(theta) ** 2 * np.cos(theta) / 2
    n = angle.size
    return xr.Dataset(
        {
            "h": ("reflection", np.arange(1, n + 1)),
            "k": ("reflection", np.zeros(n, int)),
            "l": ("reflection", np.ones(n, int)),
            "multiplicity": ("reflection", np.full(n, 2)),
            "d": ("reflection", d_from_two_theta(angle, WAVELENGTH)),
            "structure_factor_squared": (
                "reflection",
                factor if structure else np.full(n, np.nan),
            ),
        }
    )


def listed(*phases: xr.Dataset, most: int = 8) -> KnownLines:
    return reflections.list_lines(list(phases), WAVELENGTH, BOUNDS, WIDTH, most)


def places(lines: KnownLines) -> Array:
    return two_theta_from_d(lines.d, WAVELENGTH)


def lines_at(two_theta: list[float], strength: list[float] | None = None) -> KnownLines:
    n = len(two_theta)
    return KnownLines(
        phase=np.zeros(n, int),
        hkl=[""] * n,
        d=d_from_two_theta(np.array(two_theta), WAVELENGTH),
        strength=np.array(strength or [1.0] * n),
        tracked=np.ones(n, bool),
        beside=np.ones(n, bool),
        named=np.zeros_like(np.ones(n, bool)),
    )


def test_strengths_by_hand() -> None:
    """By increasing angle, relative to the strongest; below a twentieth left out, in the range."""
    lines = listed(table([7, 4, 3, 5, 6, 1.9, 10.1], [5, 80, 40, 3.9, 4.1, 999, 999]))
    np.testing.assert_allclose(places(lines), [3, 4, 6, 7])
    np.testing.assert_allclose(lines.strength, [0.5, 1, 4.1 / 80, 5 / 80])
    assert lines.hkl == ["3 0 1", "2 0 1", "5 0 1", "1 0 1"]


def test_reflections_within_half_a_width_are_one_line() -> None:
    lines = listed(table([4.0, 4.019, 4.021, 6.0], [10, 30, 20, 20]))
    np.testing.assert_allclose(lines.strength, [1, 0.5, 0.5])
    assert lines.hkl[0] == "2 0 1"
    at = (10 * 4.0 + 30 * 4.019) / 40
    assert places(lines)[0] == pytest.approx(at, abs=1e-4)


def test_without_a_structure_multiplicity_and_lorentz_factor_count() -> None:
    lines = listed(table([4.0, 6.0], [1, 1], structure=False))
    theta = np.radians([2.0, 3.0])
    power = 1 / (np.sin(theta) ** 2 * np.cos(theta))
    np.testing.assert_allclose(lines.strength, power / power[0])


def test_strong_and_free_lines_are_reported() -> None:
    """s^2 / (s + c): 0.8 free beats 1.0 with a neighbour of 0.9 next to it (1 / 1.9 = 0.53)."""
    one = table([4.0, 5.0, 5.03], [8, 10, 9])
    np.testing.assert_array_equal(listed(one, most=1).tracked, [True, False, False])
    np.testing.assert_array_equal(listed(one, most=2).tracked, [True, True, False])
    assert listed(one, most=9).tracked.all()


def test_each_phase_has_its_own_lines() -> None:
    a, b = table([4.0, 6.0], [10, 5]), table([3.0, 7.0], [1, 3])
    lines = listed(a, b, most=1)
    np.testing.assert_allclose(places(lines), [3, 4, 6, 7])
    np.testing.assert_array_equal(lines.phase, [1, 0, 0, 1])
    np.testing.assert_array_equal(lines.tracked, [False, True, False, True])
    np.testing.assert_allclose(lines.strength, [1 / 3, 1, 0.5, 1])


def test_neighbours_within_three_widths_are_fitted_too() -> None:
    a, b = table([5.0, 8.0], [10, 9]), table([5.119, 4.879, 6.0], [1, 1, 8])
    lines = listed(a, b, most=1)
    np.testing.assert_array_equal(lines.tracked, [False, True, False, True, False])
    np.testing.assert_array_equal(lines.beside, [False, True, True, True, False])


def test_no_line_in_the_range_is_refused() -> None:
    with pytest.raises(BadInput, match="no phase has a line"):
        listed(table([1.0, 11.0], [1, 1]))
    assert listed(table([1.0], [1]), table([5.0], [1])).phase.tolist() == [1]


def test_crowded_lines_by_hand() -> None:
    """Within 2.5 widths (0.1 degree) of one that has more than a third of their strength."""
    lines = lines_at([4.0, 4.099, 6.0, 6.101, 8.0, 8.05], [1, 1, 1, 1, 1, 0.3])
    np.testing.assert_array_equal(
        reflections.find_crowded(lines, WAVELENGTH, WIDTH),
        [True, True, False, False, False, True],
    )


def test_windows_are_chains_of_lines_closer_than_two_widths() -> None:
    predicted = np.array([[5.0, 3.0, 3.079, 3.15, 7.0], [5.0, 3.0, 3.079, 3.16, 5.079]])
    fitted = np.ones(5, bool)
    found = reflections.group_lines(predicted, fitted, WIDTH)
    assert [g.tolist() for g in found] == [[1, 2, 3], [0, 4]]
    fitted[2] = False
    found = reflections.group_lines(predicted, fitted, WIDTH)
    assert [g.tolist() for g in found] == [[1], [3], [0, 4]]


def test_long_chains_are_cut_at_their_widest_gap() -> None:
    place = np.array([[0.00, 0.05, 0.10, 0.17, 0.22, 0.27]])
    found = reflections.group_lines(place, np.ones(6, bool), WIDTH)
    assert [g.tolist() for g in found] == [[0, 1, 2], [3, 4, 5]]
    found = reflections.group_lines(place[:, :5], np.ones(5, bool), WIDTH)
    assert [g.tolist() for g in found] == [[0, 1, 2, 3, 4]]


def test_frames_are_sampled_evenly() -> None:
    values = np.arange(130.0)[:, None]
    np.testing.assert_array_equal(reflections._sample_frames(values), values[::2])
    np.testing.assert_array_equal(reflections._sample_frames(values[:127]), values[:127])


def test_places_follow_the_strain_of_the_phase() -> None:
    lines = lines_at([4.0, 6.0])
    lines.phase[1] = 1
    found = reflections.two_theta_from_strain(lines, WAVELENGTH, np.array([[0.0, 0.01]]))
    assert found[0, 0] == pytest.approx(4.0)
    assert np.sin(np.radians(found[0, 1] / 2)) == pytest.approx(np.sin(np.radians(3.0)) / 1.01)


def test_range_leaves_room_for_a_whole_window() -> None:
    axis = np.array([2.0, 5.0, 9.0])
    assert reflections.limit_two_theta(axis, WIDTH, Tracking()) == pytest.approx((2.12, 8.88))
    options = Tracking(two_theta_min=3.0, two_theta_max=7.0)
    assert reflections.limit_two_theta(axis, WIDTH, options) == (3.0, 7.0)


@pytest.mark.parametrize(
    ("distance", "heights", "hidden", "disturbed"),
    [
        (0.023, (10.0, 5.0), (False, True), (True, True)),
        (0.023, (5.0, 5.0), (True, True), (True, True)),
        (0.023, (10.0, 0.9), (False, True), (False, True)),
        (0.023, (10.0, 1.0), (False, True), (False, True)),
        (0.023, (10.0, 1.1), (False, True), (True, True)),
        (0.025, (10.0, 5.0), (False, False), (False, False)),
    ],
)
def test_overlaps_by_hand(
    distance: float,
    heights: tuple[float, float],
    hidden: tuple[bool, bool],
    disturbed: tuple[bool, bool],
) -> None:
    """0.6 widths are 0.024 degree; a tenth of the height disturbs."""
    predicted = np.array([[4.0, 4.0 + distance]])
    found = reflections.find_overlaps(
        lines_at(predicted[0].tolist()),
        predicted,
        np.array([heights]),
        np.ones((1, 2), bool),
        WIDTH,
    )
    assert tuple(found.hidden[0]) == hidden and tuple(found.disturbed[0]) == disturbed


def test_lines_that_are_not_seen_hide_nothing() -> None:
    predicted, height = np.array([[4.0, 4.01]]), np.array([[1.0, 10.0]])
    seen = np.array([[True, False]])
    found = reflections.find_overlaps(lines_at([4.0, 4.01]), predicted, height, seen, WIDTH)
    assert not found.hidden[0, 0] and not found.disturbed[0, 0]
    assert found.disturbed[0, 1] is np.False_ or not found.disturbed[0, 1]


@pytest.mark.parametrize(("free", "is_reported"), [(0.55, False), (0.565, True)])
def test_freedom_of_a_line_by_hand(free: float, is_reported: bool) -> None:
    """A neighbour of 0.9 at 0.03 degree counts exp(-0.5 (0.03 / 0.06)^2) = 0.882 of it: the line of
    1.0 has merit 1 / 1.794 = 0.557, a free one its strength."""
    lines = listed(table([4.0, 5.0, 5.03], [10 * free, 10, 9]), most=1)
    assert bool(lines.tracked[0]) is is_reported
