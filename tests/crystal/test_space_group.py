"""Cells and groups: how far a metric may be off, and what is averaged."""

import numpy as np
import pytest

from ssbchar.crystal import space_group
from ssbchar.crystal.group_tables import list_settings, list_settings_of_number
from ssbchar.crystal.space_group import GroupStatement, choose_settings
from ssbchar.errors import BadInput

CUBIC = np.array([5.0, 5.0, 5.0, 90.0, 90.0, 90.0])


def rotations(symbol: str) -> np.ndarray:
    return list_settings(symbol)[0].rotations


def test_numbers_of_groups() -> None:
    assert [space_group.read_number(text, "x") for text in ("", "1", "230")] == [0, 1, 230]
    for text in ("0", "231", "-1", "1.0", "F"):
        with pytest.raises(BadInput, match="does not exist"):
            space_group.read_number(text, "x")


@pytest.mark.parametrize(("off", "fits"), [(0.9e-4, True), (1.1e-4, False)])
def test_a_length_off_by_one_in_ten_thousand(off: float, fits: bool) -> None:
    """The metric changes by twice that."""
    cell = CUBIC * np.array([1, 1, 1 + off, 1, 1, 1])
    assert space_group.is_cell_of(rotations("F m -3 m"), cell) == fits
    assert space_group.is_cell_of(rotations("P 4/m m m"), cell)
    assert space_group.is_cell_of(rotations("P m m m"), cell)


@pytest.mark.parametrize(("off", "fits"), [(0.0057 * 0.9, True), (0.0057 * 1.1, False)])
def test_an_angle_off_by_a_hundredth(off: float, fits: bool) -> None:
    """cos(gamma) changes sign under the mirror: by twice 1e-4 radian, 0.0057 degree."""
    cell = CUBIC + np.array([0, 0, 0, 0, 0, off])
    assert space_group.is_cell_of(rotations("P m m m"), cell) == fits
    assert space_group.is_cell_of(rotations("P 1 1 2/m"), cell)


def test_a_mean_cell_over_the_operations() -> None:
    cell = np.array([5.0, 5.0, 5.001, 90.0, 90.0, 90.0])
    mean, misfit = space_group.symmetrise_cell(rotations("F m -3 m"), cell)
    length = np.sqrt((25 + 25 + 5.001**2) / 3)
    np.testing.assert_allclose(mean, [length] * 3 + [90.0] * 3, rtol=1e-12)
    assert misfit == pytest.approx(1 - 25 / 5.001**2, rel=1e-3)
    turned, _ = space_group.symmetrise_cell(
        rotations("P 1 2/m 1"), np.array([5.0, 6.0, 7.0, 90.01, 95.0, 89.99])
    )
    np.testing.assert_allclose(turned, [5, 6, 7, 90, 95, 90], rtol=1e-12)
    hexagonal = np.array([4.0, 4.001, 7.0, 90.0, 90.0, 120.0])
    averaged, _ = space_group.symmetrise_cell(rotations("P 6/m m m"), hexagonal)
    np.testing.assert_allclose(averaged[3:], [90, 90, 120], rtol=1e-12)
    assert averaged[0] == pytest.approx(averaged[1]) and 4.0 < averaged[0] < 4.001


def test_a_cell_off_by_rounding_alone_is_kept() -> None:
    cell = np.array([5.0, 5.0, 5.0 * (1 + 4e-9), 90.0, 90.0, 90.0])
    kept, misfit = space_group.symmetrise_cell(rotations("F m -3 m"), cell)
    assert kept is cell and misfit == 0.0
    changed, misfit = space_group.symmetrise_cell(
        rotations("F m -3 m"), np.array([5.0, 5.0, 5.0 * (1 + 6e-9), 90.0, 90.0, 90.0])
    )
    assert misfit == pytest.approx(1.2e-8, rel=0.01) and np.ptp(changed[:3]) < 1e-12


def choose(cell: np.ndarray, **stated: object) -> space_group.GroupChoice:
    return choose_settings(GroupStatement(**stated), cell, "x.cif", "X")


def test_a_number_alone_is_taken_by_its_standard_symbol() -> None:
    found = choose(CUBIC, number=225)
    assert [one.number for one in found.settings] == [225]
    assert found.notes == ("only the number 225 is stated: taken as F m -3 m",)


def test_all_that_is_stated_is_of_one_group() -> None:
    assert choose(CUBIC, symbols=("F m -3 m",), number=225).notes == ()
    for stated in (
        {"symbols": ("F m -3 m",), "number": 221},
        {"symbols": ("F m -3 m", "P m -3 m")},
        {"symbols": ("F m -3 m",), "hall": "-P 4 2 3"},
    ):
        with pytest.raises(BadInput, match="contradict each other"):
            choose(CUBIC, **stated)


def test_absences_tell_settings_of_one_group_apart() -> None:
    """P 21/c and P 21/n are one group on other axes; the two origins of F d -3 m are not told."""
    cell = np.array([5.0, 6.0, 7.0, 90.0, 95.0, 90.0])
    with pytest.raises(BadInput, match="contradict each other"):
        choose(cell, symbols=("P 1 21/c 1", "P 1 21/n 1"))
    assert choose(CUBIC, symbols=("F d -3 m :1", "F d -3 m :2")).settings


def test_the_identity_alone_is_no_group_where_another_is_stated() -> None:
    found = choose(CUBIC, symbols=("F m -3 m",), operations=("x,y,z",))
    assert found.expected == 225 and len(found.settings[0].rotations) == 1
    plain = choose(CUBIC, symbols=("P 1",), operations=("x,y,z",))
    assert plain.expected == 0 and plain.settings[0].number == 1


def test_a_symbol_that_no_table_has() -> None:
    with pytest.raises(BadInput, match="'Q m m m' is not known"):
        choose(CUBIC, symbols=("Q m m m",))
    with pytest.raises(BadInput, match="no space group"):
        choose(CUBIC)
    found = choose(CUBIC, symbols=("Q m m m",), number=225)
    assert "symbol 'Q m m m' is not tabulated: not used" in found.notes


def test_the_cell_of_another_system_is_refused() -> None:
    with pytest.raises(BadInput, match=r"cubic: a = b = c and angles of 90"):
        choose(np.array([5.0, 5.0, 6.0, 90.0, 90.0, 90.0]), symbols=("F m -3 m",))


def test_settings_of_a_number_are_those_of_its_standard_symbol() -> None:
    assert list_settings_of_number(0) == []
    assert {one.symbol for one in list_settings_of_number(227)} == {"F d -3 m:1", "F d -3 m:2"}
    assert [one.number for one in list_settings_of_number(14)] == [14]
