"""Change points of made courses: found where they are, and not found where there are none."""

import numpy as np
import pytest

from ssbchar.hexrd.time_course.broken_line import BrokenLine, fit_broken_line

X = np.linspace(0.0, 10.0, 120)


def fit(y: np.ndarray, sigma: float = 1.0, most: int = 3) -> BrokenLine:
    return fit_broken_line(X, y, np.full(X.size, sigma), most=most, evidence=10.0)


def noise(seed: int, correlation: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = rng.standard_normal(X.size)
    for i in range(1, X.size):
        out[i] = correlation * out[i - 1] + np.sqrt(1 - correlation**2) * out[i]
    return out


def test_a_change_of_rate_is_found_within_its_limits() -> None:
    held = 0
    for seed in range(40):
        line = fit(5 + 0.3 * X + 4 * np.maximum(X - 6.2, 0) + noise(seed))
        assert len(line.changes) == 1
        (change,) = line.changes
        assert change.value == pytest.approx(6.2, abs=0.5)
        assert change.upper95 - change.lower95 < 1.2
        held += change.lower95 <= 6.2 <= change.upper95
    assert held >= 34


def test_two_changes_are_told_apart() -> None:
    """Of which one by itself explains next to nothing."""
    bent = 3 * np.maximum(X - 3, 0) - 3 * np.maximum(X - 7, 0)
    for seed in range(10):
        changes = [change.value for change in fit(bent + noise(seed)).changes]
        assert changes == pytest.approx([3, 7], abs=0.5)


@pytest.mark.parametrize(("correlation", "scale"), [(0.0, 1.0), (0.0, 3.0), (0.6, 1.0)])
def test_a_straight_line_has_no_change(correlation: float, scale: float) -> None:
    """Errors as stated, three times too small, and a wander that neighbours share."""
    found = [len(fit(2 - 0.7 * X + scale * noise(seed, correlation)).changes) for seed in range(60)]
    assert sum(count > 0 for count in found) <= 3


def test_few_points_and_none_allowed() -> None:
    short = fit_broken_line(X[:5], X[:5] ** 2, np.full(5, 1e-3), most=3, evidence=10.0)
    assert short.changes == []
    assert fit(4 * np.maximum(X - 6, 0), most=0).changes == []
