"""Where a spectrum rises, whatever the density and noise of its points."""

import numpy as np
import pytest

from ssbchar.xas import slopes
from ssbchar.xas.edge_features import find_inflection
from ssbchar.xas.scans.scan import find_edge_place

E0 = 8980.0


def edge(energy: np.ndarray, at: float = E0) -> np.ndarray:
    x = energy - at
    return 0.3 - 2e-4 * x + np.arctan(x / 1.5) / np.pi + 0.5 + 0.3 * np.exp(-((x - 6) ** 2) / 20)


def test_the_slope_of_a_line_is_exact_on_any_points() -> None:
    random = np.random.default_rng(1)
    energy = np.sort(np.concatenate([random.uniform(0, 100, 300), 50 + 1e-3 * np.arange(80)]))
    found = slopes.measure_slopes(energy, 3.0 - 0.7 * energy, 1.0)
    assert found.slope == pytest.approx(-0.7, abs=1e-9)


def test_the_slope_of_a_step_is_its_width_s() -> None:
    """A step of 1 smoothed by sigma: 1 / (sigma sqrt(2 pi)) in a mean, 3/2 of it by a line."""
    energy = np.arange(0.0, 100.0, 0.05)
    found = slopes.measure_slopes(energy, (energy > 50.0).astype(float), 2.0)
    assert found.energy[found.find_highest()] == pytest.approx(50.0, abs=0.25)
    assert found.slope.max() == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=0.02)


def test_coarse_points_have_a_slope_by_wider_weights() -> None:
    energy = np.concatenate([np.arange(0.0, 100.0, 10.0), np.arange(100.0, 140.0, 0.5)])
    found = slopes.measure_slopes(energy, 0.2 * energy, 1.0)
    assert found.slope == pytest.approx(0.2, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("points", [400, 6000])
def test_the_edge_of_a_noisy_scan(points: int, seed: int) -> None:
    """Noise of 0.3 of the step in 6000 points is 0.08 in 400: the same edge within an eV or two."""
    energy = np.linspace(E0 - 200, E0 + 800, points)
    noise = 0.3 * np.sqrt(points / 6000) * np.random.default_rng(seed).standard_normal(points)
    assert find_edge_place(energy, edge(energy) + noise) == pytest.approx(E0 + 1, abs=4.0)


@pytest.mark.parametrize("seed", range(10))
def test_the_inflection_of_a_quick_scan(seed: int) -> None:
    energy = np.linspace(E0 - 150, E0 + 850, 6000)
    noise = 0.02 * np.random.default_rng(seed).standard_normal(energy.size)
    found, stderr = find_inflection(energy, (edge(energy) + noise)[None])
    clean, _ = find_inflection(energy, edge(energy)[None])
    assert abs(found[0] - clean[0]) < 4 * stderr[0] < 1.0


def test_points_a_thousandth_apart_make_no_slope() -> None:
    energy = np.concatenate([np.arange(E0 - 100, E0 + 300, 0.5), E0 + 300 + 1e-3 * np.arange(500)])
    noise = 0.01 * np.random.default_rng(2).standard_normal(energy.size)
    assert find_edge_place(energy, edge(energy) + noise) == pytest.approx(E0, abs=1.0)


def test_the_first_noise_peak_is_no_edge() -> None:
    """A metal's two rises: the first is found, and noise before it is not."""
    energy = np.arange(E0 - 150, E0 + 300, 0.2)
    metal = (
        0.45 * np.arctan(energy - E0) / np.pi + 0.55 * np.arctan((energy - E0 - 8) / 1.8) / np.pi
    )
    for seed in range(10):
        noise = 0.02 * np.random.default_rng(seed).standard_normal(energy.size)
        at = slopes.find_first_steep(energy, metal + noise, 0.5)
        assert at == pytest.approx(E0, abs=1.5)


def test_a_spike_among_smooth_points_is_removed_at_either_end() -> None:
    smooth = edge(np.arange(E0 - 50, E0 + 50, 0.5))
    for place in (0, 1, 60, 100, 150, -2, -1):
        wild = smooth.copy()
        wild[place] += 5.0
        assert slopes.remove_spikes(wild) == pytest.approx(smooth, abs=0.15)
