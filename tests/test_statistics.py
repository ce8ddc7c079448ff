"""Quantiles, robust scatter and runs: known values and laws."""

import itertools
import math
import statistics as standard_library

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.statistics import (
    MAD_TO_SIGMA,
    ONE_SIDED_95,
    ROUNDED_ONE_SIDED_95,
    ROUNDED_Z95,
    Z95,
    chi_square_from_probability,
    find_runs,
    sigma_from_deviations,
    student_t_from_probability,
)

NORMAL = standard_library.NormalDist()


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    assert pytest.approx(NORMAL.inv_cdf(0.975), rel=1e-12) == Z95
    assert pytest.approx(NORMAL.inv_cdf(0.95), rel=1e-12) == ONE_SIDED_95
    assert round(Z95, 2) == ROUNDED_Z95
    assert round(ONE_SIDED_95, 3) == ROUNDED_ONE_SIDED_95
    assert pytest.approx(1 / NORMAL.inv_cdf(0.75), rel=2e-5) == MAD_TO_SIGMA


def test_sigma_is_the_scaled_median_absolute_deviation() -> None:
    assert sigma_from_deviations([-3.0, 1.0, 2.0]) == pytest.approx(2 * 1.4826)
    assert sigma_from_deviations([-1.0, 1.0, 1.0, 1e9]) == pytest.approx(1.4826)


def test_sigma_of_a_normal_sample_is_its_standard_deviation() -> None:
    sample = np.random.default_rng(0).normal(scale=2.5, size=100_000)
    assert sigma_from_deviations(sample) == pytest.approx(2.5, rel=0.02)


def test_runs_are_half_open_ranges() -> None:
    assert find_runs([True, True, False, True, False]) == [(0, 2), (3, 4)]
    assert find_runs([False, True, True]) == [(1, 3)]
    assert find_runs([True]) == [(0, 1)]
    assert find_runs([False, False]) == []
    assert find_runs([]) == []


@given(st.lists(st.booleans()))
def test_runs_cover_exactly_what_is_true(mask: list[bool]) -> None:
    runs = find_runs(mask)
    covered = np.zeros(len(mask), bool)
    for start, stop in runs:
        assert start < stop
        covered[start:stop] = True
    assert covered.tolist() == mask
    assert all(a[1] < b[0] for a, b in itertools.pairwise(runs))


def test_quantiles_are_those_of_the_tables() -> None:
    assert student_t_from_probability(0.975, math.inf) == pytest.approx(1.959964, abs=1e-6)
    assert student_t_from_probability(0.95, 4) == pytest.approx(2.131847, abs=1e-6)
    assert student_t_from_probability(0.975, 1) == pytest.approx(12.7062, abs=1e-4)
    assert student_t_from_probability(0.975, 0.2) == pytest.approx(12.7062, abs=1e-4)
    assert student_t_from_probability(0.975, 1000) > student_t_from_probability(0.975, 1001)
    assert student_t_from_probability(0.975, 1001) == student_t_from_probability(0.975, math.inf)
    assert chi_square_from_probability(0.95, 2) == pytest.approx(5.991465, abs=1e-6)
    assert chi_square_from_probability(0.95, 1) == pytest.approx(3.841459, abs=1e-6)
