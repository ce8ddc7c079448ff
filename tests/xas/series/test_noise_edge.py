"""The edge of noise against Johnstone's formula by hand and against random matrices."""

import numpy as np
import pytest

from ssbchar.xas.series.noise_edge import compute_noise_edge


def test_by_hand() -> None:
    """n = 10, p = 9: a = b = 3, so 36 + 0.9793 * 6 * (2/3)^(1/3)."""
    assert compute_noise_edge(10, 9) == pytest.approx(36 + 0.9793 * 6 * (2 / 3) ** (1 / 3))
    # n = 17, p = 9: 4 and 3
    right = 49 + 0.9793 * 7 * (1 / 4 + 1 / 3) ** (1 / 3)
    assert compute_noise_edge(17, 9) == pytest.approx(right)
    assert compute_noise_edge(1, 1) == pytest.approx(4 + 0.9793 * 2 * 2 ** (1 / 3))


def test_noise_stays_below_it_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(1)
    edge = compute_noise_edge(40, 25)
    greatest = [
        np.linalg.svd(rng.standard_normal((40, 25)), compute_uv=False)[0] ** 2 for _ in range(1000)
    ]
    assert np.mean(np.array(greatest) > edge) == pytest.approx(0.05, abs=0.025)
