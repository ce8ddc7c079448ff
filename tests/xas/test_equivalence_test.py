"""Tests of a change by hand: quantiles of tables, limits, and the bounds of each verdict."""

import math

import pytest

from ssbchar.xas.equivalence_test import (
    chi_square_from_probability,
    judge_change,
    student_t_from_probability,
)


def test_quantiles_are_those_of_the_tables() -> None:
    assert student_t_from_probability(0.975, math.inf) == pytest.approx(1.959964, abs=1e-6)
    assert student_t_from_probability(0.95, 4) == pytest.approx(2.131847, abs=1e-6)
    assert student_t_from_probability(0.975, 1) == pytest.approx(12.7062, abs=1e-4)
    assert student_t_from_probability(0.975, 0.2) == pytest.approx(12.7062, abs=1e-4)
    assert student_t_from_probability(0.975, 1000) > student_t_from_probability(0.975, 1001)
    assert student_t_from_probability(0.975, 1001) == student_t_from_probability(0.975, math.inf)
    assert chi_square_from_probability(0.95, 2) == pytest.approx(5.991465, abs=1e-6)
    assert chi_square_from_probability(0.95, 1) == pytest.approx(3.841459, abs=1e-6)


def test_limits_and_the_smallest_change_seen() -> None:
    """1.96 sigma to each side; 1.96 + 1.645 sigma would be seen in 95 of 100."""
    test = judge_change(0.3, 0.1, 1.0)
    assert (test.value, test.sigma) == (0.3, 0.1)
    assert test.lower95 == pytest.approx(0.3 - 0.1959964)
    assert test.upper95 == pytest.approx(0.3 + 0.1959964)
    assert test.smallest == pytest.approx(0.1 * (1.959964 + 1.644854), rel=1e-6)
    assert judge_change(0.3, 0.1, 1.0, tests=5).smallest == pytest.approx(
        0.1 * (2.575829 + 1.644854), rel=1e-6
    )
    few = judge_change(0.3, 0.1, 1.0, dof=4)
    assert few.upper95 == pytest.approx(0.3 + 0.1 * 2.776445, rel=1e-6)


@pytest.mark.parametrize("sign", [-1, 1])
def test_retained_up_to_the_bound(sign: int) -> None:
    """The one-sided limit, 1.6449 sigma beyond the value, must not pass the bound."""
    inside, outside = 1 - 0.16448, 1 - 0.16449
    assert judge_change(sign * inside, 0.1, 1.0).verdict == "changed"
    assert judge_change(sign * outside, 0.1, 1.0).verdict == "retained"
    assert judge_change(0.0, 0.0, 0.0).verdict == "retained"


@pytest.mark.parametrize("sign", [-1, 1])
def test_changed_beyond_the_familys_limit(sign: int) -> None:
    """Of one test 1.96 sigma, of five 2.576."""
    assert judge_change(sign * 0.1961, 0.1, 0.01).verdict == "changed"
    assert judge_change(sign * 0.1959, 0.1, 0.01).verdict == "inconclusive"
    assert judge_change(sign * 0.2577, 0.1, 0.01, tests=5).verdict == "changed"
    assert judge_change(sign * 0.2575, 0.1, 0.01, tests=5).verdict == "inconclusive"
