"""Groups by symbol, Hall symbol and list of operations, against International Tables A."""

import gemmi
import numpy as np
import pytest

from ssbchar.crystal import group_tables
from ssbchar.errors import BadInput


def keys(setting: group_tables.Setting) -> set[tuple[int, ...]]:
    return {
        (*rotation.astype(int).ravel().tolist(), *np.round(12 * translation).astype(int).tolist())
        for rotation, translation in zip(setting.rotations, setting.translations, strict=True)
    }


@pytest.mark.parametrize(
    ("symbol", "number", "order"),
    [
        ("F m -3 m", 225, 192),
        ("P 63/m m c", 194, 24),
        ("P 6(3)/m m c", 194, 24),
        ("P 21 / n", 14, 4),
        ("F d -3 m :2", 227, 192),
        ("Fd-3mZ", 227, 192),
        ("R -3 c H", 167, 36),
        ("R -3 c :R", 167, 12),
        ("P m -3 m (No. 221)", 221, 48),
        ("Fd-3m (origin choice 2)", 227, 192),
    ],
)
def test_symbols_as_they_are_written(symbol: str, number: int, order: int) -> None:
    found = group_tables.list_settings(symbol)[0]
    assert found.number == number
    assert found.rotations.shape == (order, 3, 3) and found.translations.shape == (order, 3)
    assert np.all((found.translations >= 0) & (found.translations < 1))
    np.testing.assert_allclose(np.abs(np.linalg.det(found.rotations)), 1.0)


def test_both_origins_and_both_axes_of_a_symbol() -> None:
    first, second = group_tables.list_settings("F d -3 m")
    assert keys(first) != keys(second)
    assert keys(second) == keys(group_tables.list_settings("F d -3 m :2")[0])
    assert keys(first) == keys(group_tables.list_settings("F d -3 m S")[0])
    assert [len(one.rotations) for one in group_tables.list_settings("R -3 c")] == [36, 12]
    short = group_tables.list_settings("P 21/n")
    assert len(short) == 3 and {one.number for one in short} == {14}
    assert group_tables.list_settings("P m m m :2") == []
    assert group_tables.list_settings("no group") == []


def test_operations_are_those_of_the_tables() -> None:
    """The mirror of P n m a: x, 1/2 - y, z."""
    found = group_tables.list_settings("P n m a")[0]
    mirror = (*np.diag([1, -1, 1]).ravel().tolist(), 0, 6, 0)
    assert mirror in keys(found)
    table = {op.triplet() for op in gemmi.find_spacegroup_by_name("P n m a").operations()}
    assert keys(group_tables.read_operations(sorted(table), "x")) == keys(found)


def test_hall_symbols() -> None:
    (found,) = group_tables.read_hall("-F 4vw 2vw 3")
    assert found.number == 227 and found.symbol == "F d -3 m:2"
    assert group_tables.read_hall("") == [] and group_tables.read_hall("-Q 4") == []
    (moved,) = group_tables.read_hall("P 2yb (0 0 1)")  # an origin that no table has
    assert moved.number == 4 and len(moved.rotations) == 2


def test_lists_of_operations() -> None:
    assert group_tables.read_operations([], "x") is None
    twice = group_tables.read_operations(["x,y,z", "-X,-Y,-Z", "x,y,z"], "x")
    assert twice is not None and (twice.number, len(twice.rotations)) == (2, 2)
    for texts, words in (
        (["x,y,z", "-x,y,z+1/2", "x,-y,z"], "its 3 symmetry operations form no group"),
        (["-x,-y,-z"], "form no group"),
        (["x,y,z", "x,y"], "is no symmetry operation"),
        (["x,y,z", "x,y,q"], "is no symmetry operation"),
    ):
        with pytest.raises(BadInput, match=words):
            group_tables.read_operations(texts, "x")


def test_a_group_about_an_origin_of_its_own_has_its_number() -> None:
    """Screw axis along b through x = 1/8, centre of inversion elsewhere: P 21 all the same."""
    found = group_tables.read_operations(["x,y,z", "-x+1/4,y+1/2,-z"], "x")
    assert found is not None and found.number == 4
    np.testing.assert_allclose(found.translations[1], [0.25, 0.5, 0.0])
