"""Quantiles, robust scatter and runs: known values and laws."""

import itertools
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
    find_runs,
    sigma_from_deviations,
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
