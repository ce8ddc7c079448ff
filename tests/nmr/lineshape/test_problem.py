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


def test_a_time_origin_far_from_what_is_expected_is_improbable_and_not_impossible() -> None:
    """Near it the prior is a Gaussian, beyond it grows as the logarithm of the distance."""
    given = replace(GIVEN, origin_prior=5e-6, origin_expected=6.5e-6)
    assert given.penalise_origin(6.5e-6) == (0.0, 0.0, pytest.approx(1 / 5e-6**2))
    near, downwards, _ = given.penalise_origin(7e-6)
    assert near == pytest.approx(0.1**2, rel=0.01)
    assert downwards == pytest.approx(-0.5e-6 / 5e-6**2, rel=0.01)
    far, _, curvature = given.penalise_origin(56.5e-6)
    assert far == pytest.approx(4 * np.log(26))
    assert curvature == pytest.approx(1 / 26 / 5e-6**2)
    steps = [given.penalise_origin(20e-6 + step)[0] for step in (-1e-9, 1e-9)]
    slope = given.penalise_origin(20e-6)[1]
    assert (steps[0] - steps[1]) / 2e-9 == pytest.approx(2 * slope, rel=1e-4)
