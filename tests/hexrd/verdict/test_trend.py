"""Trends and drifts, against truth."""

import numpy as np
import pytest

from ssbchar.hexrd.verdict import trend

X = np.linspace(25.0, 800.0, 40)
STDERR = np.full(40, 1e-3)


def test_a_smooth_trend_leaves_nothing() -> None:
    for order, y in ((1, -2e-4 * X), (2, 1e-5 * X + 5e-9 * X**2)):
        found = trend.measure_departure(X, y, STDERR, order=order)
        assert found is not None
        assert found.value == pytest.approx(0.0, abs=1e-9) and found.form < 1e-9
        assert found.plain == pytest.approx(np.mean(y[-4:]) - np.mean(y[:4]))
        assert found.points == 40


@pytest.mark.parametrize("direction", [1, -1])
def test_what_leaves_the_trend_at_the_end_is_measured(direction: int) -> None:
    """A loss of 0.3 that begins beyond two thirds of the range, up or down in temperature."""
    late = np.clip((X - 600) / 100, 0, 1)
    y = -2e-4 * X[::direction] - 0.3 * late
    found = trend.measure_departure(X[::direction], y, STDERR, order=1)
    assert found is not None
    assert found.value == pytest.approx(-0.3, abs=1e-6) and found.form < 1e-6


def test_the_form_of_the_trend_is_an_error() -> None:
    """A cubic carried on as a parabola: two honest parts of it disagree about as much as the truth
    is away."""
    y = 1e-10 * X**3
    found = trend.measure_departure(X, y, STDERR, order=2)
    assert found is not None
    assert 0.3 * abs(found.value) < found.form < 3 * abs(found.value)


def test_pulls_of_the_departure() -> None:
    rng = np.random.default_rng(7)
    pulls = []
    for _ in range(300):
        y = 1e-5 * X + 5e-9 * X**2 + STDERR * rng.standard_normal(40)
        found = trend.measure_departure(X, y, STDERR, order=2)
        assert found is not None
        pulls.append(found.value / found.stderr)
    assert abs(np.mean(pulls)) < 0.2 and 0.8 < np.std(pulls) < 1.15


def test_scatter_beyond_the_errors_is_in_the_error() -> None:
    rng = np.random.default_rng(8)
    y = 10 * STDERR * rng.standard_normal(40)
    wide = trend.measure_departure(X, y, STDERR, order=1)
    narrow = trend.measure_departure(X, y, 10 * STDERR, order=1)
    assert wide is not None and narrow is not None
    assert wide.stderr == pytest.approx(narrow.stderr, rel=0.35)


def test_too_few_points_have_no_trend() -> None:
    few = slice(0, 40, 6)
    assert trend.measure_departure(X[few], X[few], STDERR[few], order=1) is None
    assert trend.measure_departure(np.full(40, 25.0), X, STDERR, order=1) is None
    empty = np.array([])
    assert trend.measure_departure(empty, empty, empty, order=1) is None
    assert trend.measure_drift(X[:1], X[:1], STDERR[:1]) is None
    assert trend.measure_drift(np.full(3, 1.0), X[:3], STDERR[:3]) is None


def test_a_drift_from_first_to_last() -> None:
    time = np.array([0.0, 60.0, 120.0, 180.0])
    found = trend.measure_drift(time, 2.0 + 1e-3 * time, np.full(4, 0.01))
    assert found is not None
    assert found.value == pytest.approx(0.18) and found.points == 4
    # Var(slope) = sigma^2 / sum (u - mean)^2, u = 0, 1/3, 2/3, 1.
    assert found.stderr == pytest.approx(0.01 / np.sqrt(5 / 9))
    assert found.dof == np.inf
    back = trend.measure_drift(time[::-1], 2.0 + 1e-3 * time, np.full(4, 0.01))
    assert back is not None and back.value == pytest.approx(0.18) and back.stderr > 0


def test_two_points_differ_by_their_errors() -> None:
    found = trend.measure_drift(np.array([0.0, 9.0]), np.array([1.0, 3.0]), np.array([0.3, 0.4]))
    assert found is not None
    assert found.value == pytest.approx(2.0) and found.stderr == pytest.approx(0.5)
    assert found.chi2 == 1.0 and found.dof == np.inf


def test_a_drift_whose_error_is_its_scatter_has_few_degrees_of_freedom() -> None:
    y = np.array([0.0, 1.0, 0.0, 1.0])
    found = trend.measure_drift(np.arange(4.0), y, np.full(4, 0.01))
    assert found is not None and found.dof == 2
    assert found.stderr == pytest.approx(0.01 * np.sqrt(found.chi2) / np.sqrt(5 / 9))


@pytest.mark.parametrize("tau", [0.01, 0.04])
def test_what_happens_in_a_few_points_is_no_straight_line(tau: float) -> None:
    """Thirty percent go at the beginning: the line over all points says much less."""
    rng = np.random.default_rng(4)
    x, stderr = np.linspace(0, 1, 70), np.full(70, 0.01)
    y = np.log(1 - 0.3 * (1 - np.exp(-x / tau))) + 0.01 * rng.normal(size=70)
    found = trend.measure_drift(x, y, stderr)
    assert found is not None and found.value > -0.2
    assert found.value - 2 * np.hypot(found.stderr, found.form) < np.log(0.7)


def test_noise_and_a_steady_drift_have_no_bend() -> None:
    rng = np.random.default_rng(5)
    x, stderr = np.linspace(0, 1, 60), np.full(60, 0.02)
    found = [
        trend.measure_drift(x, 0.3 * x + 0.02 * rng.normal(size=60), stderr) for _ in range(400)
    ]
    bent = [one.form > 0 for one in found if one is not None]
    assert np.mean(bent) < 0.01
    wild = [trend.measure_drift(x, 0.2 * rng.normal(size=60), stderr) for _ in range(400)]
    assert np.mean([one.form > 0 for one in wild if one is not None]) < 0.02
