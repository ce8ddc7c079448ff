"""A matched filter finds lone lines, their width and how much they explain."""

import numpy as np
import pytest
from nmr.lineshape.lines import HIGH, LOW, problem

from ssbchar.nmr.lineshape.peak_search import (
    WIDTHS,
    build_matched_filter,
    compute_noise_gain,
    width_from_gains,
)
from ssbchar.nmr.lineshape.problem import LineshapeProblem


@pytest.mark.parametrize(
    ("nu", "width"), [(-20130.0, 900.0), (1234.0, 3500.0), (-71000.0, 12000.0)]
)
def test_a_lone_line_starts_at_its_frequency_and_width(nu: float, width: float) -> None:
    given = problem(1e-3, (1.0, nu, width))
    peak = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)[1]
    assert peak.nu == pytest.approx(nu, abs=0.03 * width)
    assert peak.width == pytest.approx(width, rel=0.1)
    assert abs(peak.grid_nu - peak.nu) < 500.0


def test_the_place_of_a_peak_is_refined_between_points() -> None:
    """Two widths between which the true place lies a quarter of a point off."""
    step = 1e6 / 4096
    given = problem(1e-4, (1.0, -80.25 * step, 2500.0))
    peak = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)[1]
    assert peak.grid_nu == pytest.approx(-80 * step)
    assert peak.nu == pytest.approx(-80.25 * step, abs=0.05 * step)


def test_gain_is_the_fall_of_chi_square_by_the_right_lorentzian() -> None:
    given = problem(1e-2, (1.0, -20e3, 1600.0))
    nu = round(-20e3 / 1e6 * 4096) / 4096 * 1e6
    f = np.exp((2j * np.pi * nu - np.pi * 1600.0) * given.time)
    fall = abs(np.vdot(f, given.y[0])) ** 2 / (np.vdot(f, f).real * 1e-4)
    peak = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)[1]
    assert peak.gain == pytest.approx(fall, rel=1e-4)


def test_each_region_and_elsewhere_has_its_own_peak() -> None:
    which = ((0.3, 50e3, 900.0), (1.0, -20e3, 900.0), (0.2, 200e3, 900.0))
    given = problem(1e-3, *which)
    peaks = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)
    assert [p.nu for p in peaks] == pytest.approx([50e3, -20e3, 200e3], abs=100.0)
    assert peaks[1].gain > peaks[0].gain > peaks[2].gain


def test_slices_add_up_whatever_their_phase() -> None:
    given = problem(1e-2, (1.0, -20e3, 900.0))
    one = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)[1]
    twice = build_matched_filter(given, LOW, HIGH)
    twice = type(twice)(
        weight=twice.weight, sigma=np.full(2, 1e-2), offset=twice.offset, places=twice.places
    )
    two = twice.find_peaks(np.concatenate([given.y, 1j * given.y]))[1]
    assert two.gain == pytest.approx(2 * one.gain, rel=1e-4)


def test_a_region_without_points_holds_no_peak() -> None:
    given = problem(1e-2, (1.0, -20e3, 900.0))
    peak = build_matched_filter(given, np.array([600e3]), np.array([700e3])).find_peaks(given.y)[0]
    assert (peak.nu, peak.width, peak.gain, peak.grid_nu) == (0.0, WIDTHS[0], 0.0, 0.0)


@pytest.mark.parametrize("width", [60.0, 100.0, 300.0, 900.0, 5000.0, 20000.0, 60000.0])
def test_width_follows_from_the_gains_of_two_filters(width: float) -> None:
    gains = [w / (w + width) ** 2 for w in WIDTHS]
    assert width_from_gains(gains) == pytest.approx(width, rel=1e-9)


def test_width_stays_within_a_factor_of_four_of_the_best_filter() -> None:
    assert width_from_gains([1.0, 0.1, 0.0, 0.0, 0.0]) == 25.0
    assert width_from_gains([0.0, 0.0, 0.0, 0.1, 1.0]) == 4 * WIDTHS[-1]
    assert width_from_gains([0.0, 0.0, 1.0, 0.9, 0.0]) == pytest.approx(1600.0, rel=3)


def test_noise_seldom_exceeds_the_noise_gain() -> None:
    """One slice has two degrees of freedom: P(gain > g) = exp(-g / 2)."""
    assert compute_noise_gain(1024, 1) == pytest.approx(-2 * np.log(0.01 / (1024 * 5)))
    assert compute_noise_gain(1024, 3) > compute_noise_gain(1024, 1)
    above = 0
    for seed in range(40):
        given = problem(1.0, (0.0, 0.0, 100.0), seed=seed)
        peaks = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)
        above += max(p.gain for p in peaks) > compute_noise_gain(4096, 1)
    assert above <= 2


def interpolate(gains: dict[int, float], width: float) -> float:
    """The refined place among points 10 Hz apart, where point 20 is highest."""
    given = problem(1.0, (0.0, 0.0, 100.0))
    matched = build_matched_filter(given, LOW, HIGH)
    matched = type(matched)(
        weight=matched.weight,
        sigma=matched.sigma,
        offset=np.arange(64) * 10.0,
        places=matched.places,
    )
    gain = np.full(64, 100.0, np.float32)
    for at, value in gains.items():
        gain[at] = value
    return matched._interpolate_peak(gain, 20, width)


def test_a_peak_is_refined_a_quarter_of_a_width_to_either_side() -> None:
    """1/gain: 4, 1, 2 in units of 1/100; the vertex lies a quarter of the reach to the right."""
    assert interpolate({17: 25.0, 23: 50.0}, 120.0) == pytest.approx(30.0 * 0.25)
    assert interpolate({19: 25.0, 21: 50.0}, 70.0) == pytest.approx(10.0 * 0.25)
    assert interpolate({19: 25.0, 21: 50.0}, 10.0) == pytest.approx(10.0 * 0.25)
    assert interpolate({19: 50.0, 21: 25.0}, 10.0) == pytest.approx(-10.0 * 0.25)


def test_a_peak_stays_within_its_reach_and_flat_ones_where_they_are() -> None:
    assert interpolate({19: 199.0, 21: 60.0}, 10.0) == -10.0
    assert interpolate({}, 120.0) == 0.0
    assert interpolate({19: 200.0, 21: 200.0}, 10.0) == 0.0


@pytest.mark.parametrize(
    ("gains", "width"),
    [
        ([0.0, 1.0, 0.0, 0.0, 0.0], 1600.0),
        ([0.0, 0.0, 1.0, 0.0, 0.0], 6400.0),
        ([0.0, 0.0, 0.0, 1.0, 0.0], 25600.0),
        ([0.0, 0.0, 0.0, 0.0, 1.0], 102400.0),
        ([1.0, 4.0, 0.5, 0.0, 0.0], 1600.0),
        ([4.0, 1.0, 0.0, 0.0, 0.0], 200.0),
        ([1.0, 1.0, 0.0, 0.0, 0.0], 200.0),
        ([0.0, 1.0, 1.0, 0.0, 0.0], 800.0),
        ([0.5, 1.0, 0.6, 0.0, 0.0], (1600.0 - (4 / 0.6) ** 0.5 * 400.0) / ((4 / 0.6) ** 0.5 - 1)),
        ([0.6, 1.0, 0.5, 0.0, 0.0], (400.0 - 2.4**0.5 * 100.0) / (2.4**0.5 - 1)),
    ],
)
def test_widths_by_hand(gains: list[float], width: float) -> None:
    """Filters of 100, 400, 1600, 6400 and 25600 Hz; equal gains lie between two of them."""
    if gains[0] == 4.0:
        width = 25.0 if (400.0 - 4.0 * 100.0) / 3.0 < 25.0 else width
    assert width_from_gains(gains) == pytest.approx(width)


@pytest.mark.parametrize(("points", "size"), [(3000, 4096), (4096, 4096), (4097, 8192)])
def test_the_filter_has_the_next_power_of_two_of_frequencies(points: int, size: int) -> None:
    time = 1e-4 + np.arange(points) * 1e-6
    given = LineshapeProblem(y=np.ones((1, points), complex), time=time, sigma=np.ones(1))
    matched = build_matched_filter(given, LOW, HIGH)
    assert matched.offset.size == size
    assert matched.offset[1] == pytest.approx(1e6 / size, rel=1e-9)


def test_edges_of_a_region_belong_to_it_and_the_rest_is_elsewhere() -> None:
    given = problem(1e-2, (1.0, -20e3, 900.0))
    step = 1e6 / 4096
    matched = build_matched_filter(given, np.array([5 * step]), np.array([7 * step]))
    assert matched.places[0].tolist() == [5, 6, 7]
    assert matched.places[1].size == 4093


def test_the_filter_does_not_fall_before_the_time_origin() -> None:
    time = (np.arange(1024) - 2) * 1e-6
    given = LineshapeProblem(y=np.ones((1, 1024), complex), time=time, sigma=np.ones(1))
    weight = build_matched_filter(given, LOW, HIGH).weight
    assert weight[4, :3] == pytest.approx(weight[4, 0])
    assert weight[4, 3] / weight[4, 2] == pytest.approx(np.exp(-np.pi * 25600e-6))
    np.testing.assert_allclose(np.sum(weight**2, axis=1), 1.0, rtol=1e-5)


def test_noise_gain_has_two_degrees_of_freedom_a_slice() -> None:
    """Four degrees: P(gain > g) = (1 + g / 2) exp(-g / 2)."""
    half = compute_noise_gain(1024, 2) / 2
    assert (1 + half) * np.exp(-half) == pytest.approx(0.01 / (1024 * 5))


def test_a_peak_stays_within_its_reach_to_the_right() -> None:
    assert interpolate({19: 60.0, 21: 199.0}, 10.0) == 10.0
