"""Problems: nuisance out, phases in groups."""

from dataclasses import replace

import numpy as np
import pytest
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape.fid import build_ringing
from ssbchar.nmr.lineshape.problem import PhaseModel

GIVEN = problem(1e-2, (1.0, -20e3, 2500.0))
RINGING = build_ringing(1.0 + np.arange(4096))
FOUR = shapes((50e3, 9e2, 0), (-20e3, 9e2, 1), (-200e3, 9e2, 2), (200e3, 9e2, 2))


def test_what_is_prepared_is_not_prepared_again() -> None:
    assert GIVEN.prepare() is GIVEN
    assert GIVEN.power == pytest.approx([np.sum(np.abs(GIVEN.y) ** 2)])
    np.testing.assert_array_equal(GIVEN.known, GIVEN.y.T)


def test_nuisance_columns_stand_before_the_data() -> None:
    with_ringing = replace(GIVEN, nuisance=RINGING, power=np.empty(0)).prepare()
    np.testing.assert_array_equal(with_ringing.known, np.concatenate([RINGING, GIVEN.y]).T)


def test_cleaned_signals_hold_nothing_of_the_nuisance() -> None:
    with_ringing = replace(GIVEN, nuisance=RINGING)
    clean = with_ringing.clean(GIVEN.y + 3.0 * RINGING[0])
    np.testing.assert_allclose(clean @ RINGING.conj().T, 0.0, atol=1e-12)
    np.testing.assert_allclose(with_ringing.clean(clean), clean, atol=1e-14)
    assert GIVEN.clean(GIVEN.y) is GIVEN.y


@pytest.mark.parametrize(
    ("model", "groups"),
    [
        (PhaseModel.SHARED, [0, 0, 0, 0]),
        (PhaseModel.PER_SLICE, [0, 0, 0, 0]),
        (PhaseModel.PER_REGION, [0, 1, 2, 3]),
    ],
)
def test_lines_outside_have_phases_of_their_own(model: PhaseModel, groups: list[int]) -> None:
    assert replace(GIVEN, phases=model).group_phases(FOUR).tolist() == groups


def test_lines_of_one_region_share_a_phase() -> None:
    given = replace(GIVEN, phases=PhaseModel.PER_REGION)
    pair = shapes((-20e3, 9e2, 1), (-30e3, 9e2, 1), (50e3, 9e2, 0))
    assert given.group_phases(pair).tolist() == [0, 0, 1]
    assert not given.has_phase_per_line(pair)
    assert given.has_phase_per_line(FOUR)
