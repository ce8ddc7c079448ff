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


def test_the_rate_of_a_line_by_hand() -> None:
    t = np.array([0.0, 1.0, 3.0, 4.0, 8.0])
    np.testing.assert_allclose(segments.fit_local_rate(t, 7 - 2 * t, 3), -2.0)
    y = np.array([0.0, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(
        segments.fit_local_rate(np.arange(5.0), y, 3), [0.0, 0.0, -0.5, 0.0, 0.0], atol=1e-15
    )
    np.testing.assert_allclose(
        segments.fit_local_rate(np.arange(5.0), y, 1), [1.0, 1.0, -1.0, 0.0, 0.0], atol=1e-15
    )
    np.testing.assert_allclose(
        segments.fit_local_rate(np.arange(3.0), np.array([0.0, 1.0, 2.0]), 99), 1.0
    )


def programme(*corners: tuple[float, float], every: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Exact readings between corners [min, degC]."""
    minutes, values = np.array(corners).T
    t = np.arange(0.0, 60 * minutes[-1] + 1, every)
    return t, np.interp(t / 60, minutes, values)


def kinds(*corners: tuple[float, float], hold_rate: float = 0.5) -> list[str]:
    _, labels = segments.label_segments(*programme(*corners), hold_rate)
    return [s.name for s in segments.split_segments(labels)]


def test_the_threshold_from_both_sides() -> None:
    assert kinds((0, 25), (200, 25 + 0.51 * 200), (260, 25 + 0.51 * 200)) == ["heating", "hold"]
    fast = ((0, 25), (60, 625))
    assert kinds(*fast, (260, 625 + 0.55 * 200)) == ["heating"]
    assert kinds(*fast, (260, 625 + 0.45 * 200)) == ["heating", "hold"]


def test_a_slow_programme_is_still_heating() -> None:
    assert kinds((0, 25), (1000, 225), (1400, 225)) == ["heating", "hold"]


def test_a_change_of_two_percent_is_no_segment() -> None:
    base = ((0, 25), (60, 625), (120, 625))
    assert kinds(*base, (130, 610), (200, 610)) == ["heating", "hold", "cooling", "hold 2"]
    assert kinds(*base, (130, 616), (200, 616)) == ["heating", "hold"]


def test_second_segments_are_numbered_and_none_interrupts_nothing() -> None:
    labels = ["none", "heating", "none", "heating", "cooling", "heating", "heating", "hold"]
    found = segments.split_segments(np.array(labels, dtype=object))
    assert [(s.name, s.kind, s.frames.tolist()) for s in found] == [
        ("heating", "heating", [1, 3]),
        ("cooling", "cooling", [4]),
        ("heating 2", "heating", [5, 6]),
        ("hold", "hold", [7]),
    ]
    assert segments.split_segments(["none", "none"]) == []


def test_rates_in_kelvin_per_minute_in_the_order_given() -> None:
    t, y = programme((0, 25), (100, 525))
    mixed = np.random.default_rng(0).permutation(t.size)
    rate, labels = segments.label_segments(t[mixed], y[mixed], 0.5)
    np.testing.assert_allclose(rate, 5.0)
    assert set(labels) == {"heating"}
    y[3] = np.nan
    rate, labels = segments.label_segments(t, y, 0.5)
    assert np.isnan(rate[3]) and labels[3] == "none" and labels[2] == "heating"


@pytest.mark.parametrize("count", [4, 5])
def test_five_readings_are_needed(count: int) -> None:
    t = 60.0 * np.arange(count)
    rate, labels = segments.label_segments(t, 25 + t / 6, 0.5)
    assert set(labels) == ({"none"} if count < 5 else {"heating"})
    assert np.isfinite(rate).all() == (count == 5)
    same = segments.label_segments(np.zeros(9), 25 + np.arange(9.0), 0.5)
    assert set(same[1]) == {"none"}


def test_the_window_resolves_a_slope() -> None:
    """sigma sqrt(12) / (step n^1.5) = slope, within 5 and an eighth of the readings."""
    count = segments._count_window_points
    assert count(1.0, 10.0, np.sqrt(12) / 10 / 27.0, 1000) == 9
    assert count(1.0, 10.0, np.sqrt(12) / 10 / 26.9, 1000) == 9
    assert count(1.0, 10.0, np.sqrt(12) / 10 / 27.1, 1000) == 10
    assert count(0.0, 10.0, 1.0, 1000) == 5
    assert count(100.0, 10.0, 1e-3, 160) == 20
    assert count(100.0, 10.0, 1e-3, 16) == 5


def joined(signs: list[int], y: list[float], shortest: int = 3, smallest: float = 2.0) -> list[int]:
    return segments._join_small_pieces(
        np.array(signs), np.array(y, float), shortest=shortest, smallest=smallest
    ).tolist()


def test_small_pieces_join_their_longer_neighbour() -> None:
    flat = [0.0] * 10
    assert joined([0] * 3 + [1] * 2 + [-1] * 5, flat, smallest=0.0) == [0] * 3 + [-1] * 7
    assert joined([0] * 4 + [1] * 2 + [-1] * 4, flat, smallest=0.0) == [0] * 6 + [-1] * 4
    assert joined([0] * 5 + [1] * 2 + [-1] * 3, flat, smallest=0.0) == [0] * 7 + [-1] * 3
    assert joined([1] * 5 + [0] * 3 + [1] * 2, np.arange(10.0).tolist()) == [1] * 5 + [0] * 5
    assert joined([1, 1, 0, 0], [0, 1, 1, 1], shortest=5) == [0, 0, 0, 0]


def test_a_ramp_must_move_the_temperature() -> None:
    y = [0, 0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0]
    signs = [0] * 5 + [1] * 4 + [0] * 3
    assert joined(signs, y, smallest=2.01) == [0] * 12
    assert joined(signs, y, smallest=1.5) == signs
    held = [1] * 4 + [0] * 4 + [1] * 4
    rising = [0, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 6]
    assert joined(held, rising, smallest=2.0) == held


def test_frames_of_a_furnace() -> None:
    import xarray as xr

    kinds_of = np.array(["heating", "hold"], dtype=object)
    furnace = xr.Dataset({"segment": ("frame", kinds_of), "time": ("frame", [0.0, 30.0])})
    assert not segments.has_cooling(furnace)
    assert segments.measure_frame_interval(furnace) == 30.0
    furnace = xr.Dataset(
        {
            "segment": ("frame", np.array(["cooling"] * 6, dtype=object)),
            "time": ("frame", [90.0, 60.0, 60.0, np.nan, 20.0, 0.0]),
        }
    )
    assert segments.has_cooling(furnace)
    assert segments.measure_frame_interval(furnace) == 25.0
    assert np.isnan(segments.measure_frame_interval(furnace.drop_vars("time")))
    assert np.isnan(segments.measure_frame_interval(furnace.isel(frame=[0])))


def test_the_kind_of_a_name() -> None:
    assert segments.kind_from_name("heating 2") == segments.SegmentKind.HEATING
    assert segments.kind_from_name("cooling") is segments.SegmentKind.COOLING


class Labelled:
    """`label_segments` of six readings a minute apart, of given scatter and slopes [K/s]; what it
    asks of its parts is written down."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, sigma: float, slopes: list[float], points: int = 4
    ) -> None:
        monkeypatch.setattr(segments, "estimate_reading_stderr", lambda t, y: sigma)
        monkeypatch.setattr(segments, "fit_local_rate", lambda t, y, n: np.array(slopes))
        monkeypatch.setattr(segments, "_count_window_points", self.count)
        monkeypatch.setattr(segments, "_join_small_pieces", self.join)
        self.points = points

    def count(self, *asked: float) -> int:
        self.asked = asked
        return self.points

    def join(self, signs, y, *, shortest: int, smallest: float):
        self.signs, self.shortest, self.smallest = signs.tolist(), shortest, smallest
        return signs

    def label(self, hold_rate: float, y: np.ndarray | None = None) -> np.ndarray:
        values = 25.0 + 10.0 * np.arange(6) if y is None else y
        return segments.label_segments(60.0 * np.arange(6), values, hold_rate)[1]


def test_heating_is_faster_than_the_hold_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """6 K/min are 0.1 K/s; the fastest 10 K/s, of which a tenth is more."""
    made = Labelled(monkeypatch, sigma=0.0, slopes=[10.0, 0.11, 0.1, -0.1, -0.11, 0.0])
    made.label(6.0)
    assert made.signs == [1, 1, 0, 0, -1, 0]
    assert made.asked == pytest.approx((0.0, 60.0, 0.025, 6))


def test_a_slow_programme_heats_from_a_tenth_of_its_fastest_rate(monkeypatch) -> None:
    """The fastest are 0.08 K/s, less than the 0.1 K/s of a hold."""
    made = Labelled(monkeypatch, sigma=0.0, slopes=[0.05, -0.08, 0.0081, 0.0079, -0.0081, -0.0079])
    made.label(6.0)
    assert made.signs == [1, -1, 1, 0, -1, 0]


def test_noise_is_no_programme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of 4 readings a minute apart with an error of 4 K has one of 4 sqrt(12) / (60 x 8)
    K/s; three of them."""
    least = 3 * 4.0 * np.sqrt(12) / (60 * 8)
    slopes = [1.01 * least, 0.99 * least, -0.99 * least, -1.01 * least, 0.0, 0.0]
    made = Labelled(monkeypatch, sigma=4.0, slopes=slopes)
    labels = made.label(0.5)
    assert made.signs == [1, 0, 0, -1, 0, 0]
    assert labels.tolist() == ["heating", "hold", "hold", "cooling", "hold", "hold"]


@pytest.mark.parametrize(("sigma", "smallest"), [(1.0, 5.0), (3.0, 15.0), (0.1, 1.0)])
def test_a_piece_moves_two_percent_of_the_range_or_five_sigma(
    monkeypatch: pytest.MonkeyPatch, sigma: float, smallest: float
) -> None:
    """Of a range of 50 K."""
    made = Labelled(monkeypatch, sigma=sigma, slopes=[0.0] * 6)
    made.label(0.5)
    assert made.smallest == pytest.approx(smallest)
    assert made.shortest == 4


def test_a_piece_exactly_as_long_and_as_large_as_asked_stands() -> None:
    y = [0.0, 0, 0, 0, 1, 2, 3, 3, 3]
    signs = [0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert joined(signs, y, shortest=2, smallest=2.0) == signs
    assert joined(signs, y, shortest=2, smallest=2.01) == [0] * 9
    assert joined(signs, y, shortest=3, smallest=2.0) == [0, 0, 0, 0] + [1] * 5
