"""How much baseline the signal-free parts of a spectrum support."""

import numpy as np
import pytest

from ssbchar.nmr.transform.baseline import find_baseline_order, fit_baseline

PPM = np.linspace(100.0, 0.0, 101)


@pytest.mark.parametrize(
    ("first", "last", "order"),
    [
        (20, 60, 1),  # free on both sides
        (0, 80, 0),  # a fifth at one end carries no slope
        (0, 101, -1),  # no free point
        (1, 100, -1),  # two of a hundred
    ],
)
def test_the_order_that_is_left(first: int, last: int, order: int) -> None:
    signal = np.zeros(PPM.size, bool)
    signal[first:last] = True
    assert find_baseline_order(PPM, signal, 1) == order
    assert find_baseline_order(PPM, signal, -1) == -1


def test_no_baseline_is_zero() -> None:
    assert not fit_baseline(np.ones((2, PPM.size)), PPM, np.zeros(PPM.size, bool), -1).any()
