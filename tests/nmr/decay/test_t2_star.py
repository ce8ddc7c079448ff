"""Decay laws: recovered with honest errors, or refused with a verdict."""

import numpy as np
import pytest

from ssbchar.nmr.decay import decay_law as laws
from ssbchar.nmr.decay.options import DecayOptions

TIME = np.array([20, 40, 60, 80, 110, 140, 180, 230, 300, 400, 600, 900]) * 1e-6


def law(area: np.ndarray, sigma: float, options: DecayOptions | None = None) -> laws.DecayLaw:
    return laws.fit_decay_law(TIME, area, sigma**2 * np.eye(TIME.size), options or DecayOptions())


def test_pulls_of_a_simple_exponential() -> None:
    rng = np.random.default_rng(11)
    pulls = []
    for _ in range(100):
        found = law(
            laws.evaluate_decay(TIME, 1.0, 7.1e-5, 1.0) + 0.005 * rng.normal(size=TIME.size), 0.005
        )
        assert found.verdict == "ok"
        pulls.append((found.t2 - 7.1e-5) / np.sqrt(found.covariance[1, 1]))
    assert abs(np.mean(pulls)) < 0.3
    assert 0.7 < np.std(pulls) < 1.4


def test_pulls_with_relative_scatter_nobody_stated() -> None:
    rng = np.random.default_rng(12)
    pulls = []
    for _ in range(100):
        clean = laws.evaluate_decay(TIME, 1.0, 4.67e-4, 1.0)
        found = law(
            clean * (1 + 0.01 * rng.normal(size=TIME.size)) + 5e-4 * rng.normal(size=TIME.size),
            5e-4,
        )
        pulls.append((found.t2 - 4.67e-4) / np.sqrt(found.covariance[1, 1]))
    assert abs(np.mean(pulls)) < 0.3
    assert 0.7 < np.std(pulls) < 1.4


def test_stretching_must_earn_its_exponent() -> None:
    rng = np.random.default_rng(2)
    noise = 0.002 * rng.normal(size=TIME.size)
    assert law(laws.evaluate_decay(TIME, 1.0, 1e-4, 1.0) + noise, 0.002).exponent == 1.0
    stretched = law(laws.evaluate_decay(TIME, 1.0, 1.5e-4, 0.75) + noise, 0.002)
    assert stretched.exponent == pytest.approx(0.75, abs=3 * np.sqrt(stretched.covariance[2, 2]))


def test_mean_time() -> None:
    assert laws.mean_time_from_t2(3.0, 1.0) == pytest.approx(3.0)
    grid = np.linspace(0, 400, 400001)
    assert laws.mean_time_from_t2(3.0, 0.7) == pytest.approx(
        np.trapezoid(laws.evaluate_decay(grid, 1, 3, 0.7), grid), rel=1e-4
    )


@pytest.mark.parametrize(
    ("area", "verdict"),
    [
        (
            np.array([1, 0.8, 0.33, 0.58, 0.35, 0.37, 0.2, 0.1, 0.05, 0.03, 0.01, 0.0]),
            "not_decaying",
        ),
        (laws.evaluate_decay(TIME, 1.0, 2e-6, 0.3), "stretched"),
        (laws.evaluate_decay(TIME, 1.0, 1.2e-5, 1.0), "far"),
        (np.full(TIME.size, 1e-3), "no_signal"),
        (np.array([1, 0.98, 0.96, 0.94, 0.3, 0.28, 0.26, 0.24, 0.1, 0.09, 0.08, 0.07]), "misfit"),
    ],
)
def test_verdicts(area: np.ndarray, verdict: str) -> None:
    found = law(area, 1e-3 * area[0] if verdict != "no_signal" else 1e-3)
    assert found.verdict == verdict
    assert found.reason


def test_too_few_times() -> None:
    assert (
        laws.fit_decay_law(TIME[:2], np.array([1, 0.5]), 1e-6 * np.eye(2), DecayOptions()).verdict
        == "too_few"
    )


def test_stretching_is_found_though_every_point_scatters() -> None:
    """With scatter that nobody stated the choice of the law must not depend on the simple law's own
    misfit."""
    rng = np.random.default_rng(6)
    time, exponents = TIME[:9], []
    for _ in range(20):
        clean = laws.evaluate_decay(time, 1.0, 1.5e-4, 0.6) * (
            1 + 0.01 * rng.normal(size=time.size)
        )
        exponents.append(
            laws.fit_decay_law(time, clean, 1e-8 * np.eye(time.size), DecayOptions()).exponent
        )
    assert np.median(exponents) == pytest.approx(0.6, abs=0.05)
