"""Jumps off the neighbours' cubic: cubics have none, noise has its own size, edges are bridged."""

import numpy as np
import pytest

from ssbchar.xas.normalisation import noise

EVEN = 7000.0 + 0.5 * np.arange(400)
UNEVEN = 7000.0 + np.cumsum(0.3 + 0.4 * np.random.default_rng(0).random(400))


def test_weights_of_an_even_grid_are_lagranges() -> None:
    """(-1, 4, 0, 4, -1)/6, none at the two points of each end."""
    weights = noise.calculate_neighbour_weights(EVEN)
    assert np.allclose(weights[2:-2], np.array([-1, 4, 0, 4, -1]) / 6)
    assert np.isnan(weights[[0, 1, -2, -1]]).all()
    assert weights.shape == (400, 5)


def test_weights_reproduce_any_cubic_on_any_grid() -> None:
    x = UNEVEN - 7050.0
    cubic = 1.0 - 0.2 * x + 3e-3 * x**2 - 1e-5 * x**3
    jumps = noise.measure_jumps(UNEVEN, cubic[None])[0]
    assert np.abs(jumps[2:-2]).max() < 1e-9
    assert np.isnan(jumps[[0, 1, -2, -1]]).all()


def test_a_spike_jumps_by_its_height_over_the_noise_of_the_difference() -> None:
    """On an even grid var = 1 + 34/36: a spike of 1 is a jump of 0.717, of its neighbour
    -4/6 of it."""
    spike = np.zeros((1, 400))
    spike[0, 100] = 1.0
    jumps = noise.measure_jumps(EVEN, spike)[0]
    scale = np.sqrt(1 + 34 / 36)
    assert jumps[98:103] == pytest.approx(np.array([1, -4, 6, -4, 1]) / 6 / scale)


def test_white_noise_has_unit_jumps() -> None:
    white = np.random.default_rng(2).standard_normal((200, 400))
    jumps = noise.measure_jumps(UNEVEN, white)
    assert np.nanstd(jumps) == pytest.approx(1, abs=0.01)


def test_the_scale_of_scans_on_their_own_grid_is_one() -> None:
    assert np.array_equal(noise.calculate_jump_scale(EVEN, EVEN + 0.9e-6), np.ones(400))
    assert not np.array_equal(noise.calculate_jump_scale(EVEN, EVEN + 1.1e-6), np.ones(400))
    assert noise.calculate_jump_scale(EVEN[:-1], EVEN).shape == (399,)


def test_the_scale_is_the_size_of_interpolated_noise() -> None:
    from scipy.interpolate import CubicSpline

    own = np.arange(6998.0, 7203.0, 0.5) + 0.21
    white = np.random.default_rng(3).standard_normal((own.size, 3000))
    moved = np.asarray(CubicSpline(own, white)(EVEN)).T
    seen = np.nanstd(noise.measure_jumps(EVEN, moved), axis=0)[10:-10]
    stated = noise.calculate_jump_scale(EVEN, own)[10:-10]
    assert np.allclose(seen, stated, rtol=0.1)
    assert stated.max() < 0.9


def test_noise_of_each_point_is_found_and_bridged_across_the_edge() -> None:
    """Noise of 1e-3 below the edge and 2e-3 above; across -15 to +30 eV a line between them."""
    random = np.random.default_rng(4)
    energy = 7000.0 + 0.5 * np.arange(1200)
    e0 = 7300.0
    sigma = np.where(energy < e0, 1e-3, 2e-3)
    values = sigma * random.standard_normal((40, energy.size))
    values += 5.0 * (np.abs(energy - e0 - 7.5) < 22.4)
    found = noise.estimate_point_noise(energy, values, e0, np.ones(energy.size)).mean(axis=0)
    assert np.median(found[energy < e0 - 60]) == pytest.approx(1e-3, rel=0.05)
    assert np.median(found[energy > e0 + 75]) == pytest.approx(2e-3, rel=0.05)
    across = (energy >= e0 - 15) & (energy <= e0 + 30)
    bend = np.diff(found[across], 2)
    assert np.abs(bend).max() < 1e-12, "a straight line"


def test_the_stated_scale_divides_the_jumps() -> None:
    values = np.random.default_rng(5).standard_normal((1, EVEN.size))
    one = noise.estimate_point_noise(EVEN, values, 7100.0, np.ones(EVEN.size))
    half = noise.estimate_point_noise(EVEN, values, 7100.0, np.full(EVEN.size, 2.0))
    assert np.allclose(one, 2 * half)


def test_wide_running_medians_are_smoother() -> None:
    values = np.random.default_rng(6).standard_normal((1, EVEN.size))
    rough = noise.estimate_point_noise(EVEN, values, 7100.0, np.ones(EVEN.size), width=5)
    smooth = noise.estimate_point_noise(EVEN, values, 7100.0, np.ones(EVEN.size))
    whole = noise.estimate_point_noise(EVEN, values, 7100.0, np.ones(EVEN.size), width=10_000)
    assert np.std(rough) > 2 * np.std(smooth)
    assert np.std(smooth) > np.std(whole)


@pytest.mark.parametrize("count", [3, 4, 9])
def test_noise_of_repeats_is_that_of_one(count: int) -> None:
    random = np.random.default_rng(7)
    scale = np.ones((count, EVEN.size))
    found = []
    for _ in range(30):
        repeats = 0.02 * random.standard_normal((count, EVEN.size))
        found.append(
            noise.estimate_repeat_noise(EVEN, repeats - repeats.mean(axis=0), scale).mean()
        )
    assert np.mean(found) == pytest.approx(0.02, rel=0.03)


def test_noise_of_repeats_sees_no_smooth_difference() -> None:
    random = np.random.default_rng(8)
    repeats = 0.02 * random.standard_normal((5, EVEN.size))
    lines = np.outer([1, 2, 3, 4, 5], EVEN - 7000.0)
    scale = np.ones((5, EVEN.size))
    plain = noise.estimate_repeat_noise(EVEN, repeats - repeats.mean(axis=0), scale)
    tilted = repeats + lines
    assert np.allclose(
        plain, noise.estimate_repeat_noise(EVEN, tilted - tilted.mean(axis=0), scale), rtol=1e-6
    )
    assert plain.shape == (EVEN.size,)
    assert np.isfinite(plain).all()


def test_a_place_where_repeats_scatter_more_shows() -> None:
    random = np.random.default_rng(9)
    size = np.where((EVEN > 7080) & (EVEN < 7120), 0.06, 0.02)
    repeats = size * random.standard_normal((12, EVEN.size))
    found = noise.estimate_repeat_noise(
        EVEN, repeats - repeats.mean(axis=0), np.ones(repeats.shape), width=21
    )
    assert np.median(found[np.abs(EVEN - 7100) < 10]) == pytest.approx(0.06, rel=0.15)
    assert np.median(found[np.abs(EVEN - 7100) > 60]) == pytest.approx(0.02, rel=0.1)


def test_the_constant_of_the_median_is_the_normals() -> None:
    values = np.random.default_rng(10).standard_normal((60, EVEN.size))
    found = noise.estimate_point_noise(EVEN, values, 6000.0, np.ones(EVEN.size))
    assert found.mean() == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize(
    ("place", "own"), [(7084.5, True), (7085.0, False), (7130.0, False), (7130.5, True)]
)
def test_the_edge_is_bridged_from_15_ev_below_to_30_above(
    monkeypatch: pytest.MonkeyPatch, place: float, own: bool
) -> None:
    """Both ends belong to the edge; beyond them a point's own jump counts."""
    jumps = np.where(place == EVEN, 9.0, 1.0)[None]
    monkeypatch.setattr(noise, "measure_jumps", lambda energy, values: jumps)
    found = noise.estimate_point_noise(EVEN, jumps, 7100.0, np.ones(EVEN.size), width=1)
    assert found[0, place == EVEN][0] == pytest.approx(1.4826 * (9.0 if own else 1.0), rel=1e-4)


def test_the_running_median_takes_81_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """41 jumps of 10 are the median of 81 points where all of them are among these."""
    jumps = np.ones((1, EVEN.size))
    jumps[0, 200:241] = 10.0
    monkeypatch.setattr(noise, "measure_jumps", lambda energy, values: jumps)
    found = noise.estimate_point_noise(EVEN, jumps, 6000.0, np.ones(EVEN.size))[0]
    high = np.flatnonzero(found > 5.0)
    assert (high[0], high[-1]) == (200, 240)
    assert found[[0, 220]] == pytest.approx(np.array([1.4826, 14.826]), rel=1e-4)


def test_noise_of_repeats_divides_by_what_their_mean_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scales 1, 1 and 2 of three repeats: variances s^2 / 3 + 6 / 9 of deviations from the mean."""
    scale = np.array([[1.0], [1.0], [2.0]]) * np.ones((3, EVEN.size))
    expected = np.sqrt(scale**2 / 3 + 6 / 9)
    monkeypatch.setattr(noise, "measure_jumps", lambda energy, values: 0.02 * expected)
    found = noise.estimate_repeat_noise(EVEN, scale, scale)
    assert found == pytest.approx(np.full(EVEN.size, 1.4826 * 0.02), rel=1e-4)
