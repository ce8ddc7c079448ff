"""The furnace's programme from noisy readings: segments, rates and the scatter of one reading."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.furnace import segments


def programme_of(
    noise: float, lag: float, seed: int, rate: float = 5.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rest, heating, hold, cooling, rest; the furnace lags exponentially, overshoots by 3 K, and
    reads with noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, 600.0, 1.0 / 3)  # minutes
    top = 25 + rate * 150
    corners = [0, 30, 180, 330, 480, 600]
    set_point = np.interp(t, corners, [25, 25, top, top, 25, 25])
    label = np.array(["hold", "heating", "hold", "cooling", "hold"])[
        np.searchsorted(corners[1:-1], t, side="right")
    ]
    y = set_point.copy()
    for n in range(1, t.size):
        y[n] = (
            y[n - 1] + (set_point[n] - y[n - 1]) * (1 - np.exp(-1 / 3 / lag))
            if lag
            else set_point[n]
        )
    y += 3 * np.exp(-(((t - 184) / 3) ** 2))
    return 60 * t, np.round(y + rng.normal(0, noise, t.size), 1), label


@pytest.mark.parametrize(
    ("noise", "lag", "rate"), [(0.05, 0.0, 5.0), (0.5, 2.0, 5.0), (1.5, 4.0, 5.0), (0.3, 2.0, 1.5)]
)
def test_segments_survive_noise_lag_and_overshoot(noise: float, lag: float, rate: float) -> None:
    t, y, label = programme_of(noise, lag, 7, rate)
    slope, found = segments.label_segments(t, y, 0.5)
    pieces = found[np.concatenate([[True], found[1:] != found[:-1]])]
    assert pieces.tolist() == ["hold", "heating", "hold", "cooling", "hold"]
    assert np.mean(found != label) < 0.03 + 4 * 5 * lag / 600
    middle = (t > 60 * 80) & (t < 60 * 160)
    assert np.median(slope[middle]) == pytest.approx(rate, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(st.floats(-500, 500), st.floats(0.5, 2.0), st.integers(0, 1000))
def test_rate_is_invariant_to_the_zero_and_scales(shift: float, scale: float, seed: int) -> None:
    t = np.cumsum(np.random.default_rng(seed).uniform(5, 15, 50))
    y = 25 + np.random.default_rng(seed + 1).normal(0, 1, 50) + 0.08 * t
    base = segments.fit_local_rate(t, y, 9)
    np.testing.assert_allclose(segments.fit_local_rate(t, y + shift, 9), base, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        segments.fit_local_rate(t * scale, y, 9), base / scale, rtol=1e-6, atol=1e-9
    )
    assert np.polyfit(t[10:19], y[10:19], 1)[0] == pytest.approx(base[14], rel=1e-6, abs=1e-9)
