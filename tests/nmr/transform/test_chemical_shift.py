"""Shift and offset: known answers, and back again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.nmr.transform.chemical_shift import offset_from_shift, shift_from_offset


def test_the_carrier_lies_where_sfo1_says() -> None:
    assert float(shift_from_offset(0.0, 100.001, 100.0)) == pytest.approx(10.0)
    assert float(shift_from_offset(300.0, 100.001, 100.0)) == pytest.approx(13.0)
    assert float(offset_from_shift(13.0, 100.001, 100.0)) == pytest.approx(300.0)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=5))
def test_shift_and_offset_are_inverse(shift: list[float]) -> None:
    back = shift_from_offset(offset_from_shift(shift, 311.13, 311.1), 311.13, 311.1)
    np.testing.assert_allclose(back, shift, atol=1e-7)
