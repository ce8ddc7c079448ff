"""Names are given with care."""

import pytest

from ssbchar.nmr.lineshape import assignment


def test_satellite_pair_of_the_reference_measurement_is_not_a_phase() -> None:
    names = assignment.assign_lines(
        [265.0, 69.4, 16.0, 3.0, -67.0], [0.1] * 5, [0.08, 0.05, 0.6, 0.22, 0.04]
    )
    assert names[0] == "Li metal"
    assert names[1] == names[4] == "possible satellite pair about 1 ppm"
    assert "bonded Si" in names[2]


def test_lonely_line_outside_the_known_range_stays_unassigned() -> None:
    assert assignment.assign_lines([-67.0], [0.1], [0.04])[0] == "unassigned"


@pytest.mark.parametrize("areas", [(0.3, 0.01), (0.5, 0.5)])
def test_unlike_or_dominant_lines_are_no_pair(areas: tuple[float, float]) -> None:
    names = assignment.assign_lines([69.4, -67.0, 10.0], [0.1] * 3, [*areas, 0.1])
    assert names[0] == names[1] == "unassigned"


def test_coupling_of_the_horns() -> None:
    assert assignment.coupling_from_horns((69.4 + 67) / 2, 311.1) == pytest.approx(85e3, rel=0.01)


def test_mirror_image_of_a_strong_line_about_the_carrier_is_doubted() -> None:
    names = assignment.assign_lines([264.5, -63.2], [0.1, 0.3], [1.0, 0.002], carrier=100.6)
    assert list(names) == ["Li metal", "possible quadrature image of 264 ppm"]
    assert (
        assignment.assign_lines([264.5, -63.2], [0.1, 0.3], [1.0, 0.2], carrier=100.6)[1]
        == "unassigned"
    )
    assert (
        assignment.assign_lines([264.5, -43.2], [0.1, 0.3], [1.0, 0.002], carrier=100.6)[1]
        == "unassigned"
    )


def test_li_si_is_told_by_the_kind_of_a_line_alone() -> None:
    names = assignment.assign_lines(
        [264.0, 18.0, 6.0, 0.0, -67.0], [0.1] * 5, [1.0] * 5, carrier=100.0
    )
    assert assignment.are_li_si(names).tolist() == [False, True, True, False, False]
    assert assignment.are_li_si(names.astype(object)).tolist() == [
        False,
        True,
        True,
        False,
        False,
    ]
