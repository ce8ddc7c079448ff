"""Exponentials by a coarse and a fine part are those of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.nmr.transform.exponentials import _split_axis, build_exponentials, sum_exponentials

RATES = np.array([2j, -0.3 + 40j, 0.0, -5.0])


@given(
    count=st.integers(1, 300),
    start=st.sampled_from([0.0, -0.2, 3.0]),
    step=st.sampled_from([0.01, -0.02]),
)
def test_exponentials_are_those_of_the_axis(count: int, start: float, step: float) -> None:
    axis = start + step * np.arange(count)
    made = build_exponentials(RATES, start, step, count)
    assert made.shape == (4, count)
    np.testing.assert_allclose(made, np.exp(RATES[:, None] * axis), rtol=1e-10)


def test_rows_for_the_caller_lie_below() -> None:
    made = build_exponentials(RATES, 0.5, 0.1, 10, 3)
    assert made.shape == (7, 10)
    assert made[:4] == pytest.approx(build_exponentials(RATES, 0.5, 0.1, 10))


@pytest.mark.parametrize("start", [0.0, -0.2])
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 1000])
def test_sums_are_sums_over_exponentials(count: int, start: float) -> None:
    values = np.random.default_rng(0).normal(size=count)
    direct = build_exponentials(RATES, start, 0.01, count) @ values
    assert sum_exponentials(values, RATES, start, 0.01) == pytest.approx(direct, rel=1e-10)


@pytest.mark.parametrize(
    ("count", "axis"), [(1000, 64), (4096, 160), (16384, 256 + 64), (1, 2 + 1)]
)
def test_few_exponentials_are_evaluated(count: int, axis: int) -> None:
    """Blocks of 32 points for a thousand, 128 for four thousand: not all points one by one."""
    places, blocks = _split_axis(1.0, count)
    block = places.size - blocks
    assert places.size == axis
    assert blocks * block >= count > (blocks - 1) * block
