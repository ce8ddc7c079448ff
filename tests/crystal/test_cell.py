"""Cells, orbits and families against what can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ssbchar.crystal import cell as crystal
from ssbchar.crystal.cell import CrystalSystem, Phase

INVERSION = -np.eye(3)


def made_phase(
    rotations: list[np.ndarray], cell: tuple[float, ...], shifts: list[list[float]] | None = None
) -> Phase:
    return Phase(
        name="X",
        cell=np.array(cell, float),
        group="",
        rotations=np.array(rotations, float),
        translations=np.array(shifts or [[0.0, 0.0, 0.0]] * len(rotations)),
    )


def about(axis: int, order: int) -> np.ndarray:
    """Rotation about a cell axis, in fractional coordinates (hexagonal axes for 3 and 6)."""
    if order in (3, 6):
        turn = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1]], float)
        return turn if order == 6 else turn @ turn
    angle = 2 * np.pi / order
    first, second = [i for i in range(3) if i != axis]
    out = np.eye(3)
    out[first, first] = out[second, second] = round(np.cos(angle))
    out[first, second], out[second, first] = -round(np.sin(angle)), round(np.sin(angle))
    return out


def group_of(*generators: np.ndarray) -> list[np.ndarray]:
    found = [np.eye(3)]
    while True:
        new = [np.round(a @ g) for a in found for g in generators]
        new = [n for n in new if not any(np.array_equal(n, f) for f in found)]
        if not new:
            return found
        found.append(new[0])


BODY_DIAGONAL = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], float)


@pytest.mark.parametrize("centre", [[], [INVERSION]])
@pytest.mark.parametrize(
    ("generators", "cell", "system"),
    [
        ([], (3, 4, 5, 80, 85, 95), CrystalSystem.TRICLINIC),
        ([about(1, 2)], (3, 4, 5, 90, 100, 90), CrystalSystem.MONOCLINIC),
        ([about(0, 2), about(1, 2)], (3, 4, 5, 90, 90, 90), CrystalSystem.ORTHORHOMBIC),
        ([about(2, 4)], (3, 3, 5, 90, 90, 90), CrystalSystem.TETRAGONAL),
        ([about(2, 3)], (3, 3, 5, 90, 90, 120), CrystalSystem.TRIGONAL),
        ([BODY_DIAGONAL], (3, 3, 3, 80, 80, 80), CrystalSystem.RHOMBOHEDRAL),
        ([about(2, 6)], (3, 3, 5, 90, 90, 120), CrystalSystem.HEXAGONAL),
        ([BODY_DIAGONAL, about(0, 2)], (3, 3, 3, 90, 90, 90), CrystalSystem.CUBIC),
        ([BODY_DIAGONAL, about(0, 4)], (3, 3, 3, 90, 90, 90), CrystalSystem.CUBIC),
    ],
)
def test_the_operations_tell_the_system(
    generators: list[np.ndarray], centre: list[np.ndarray], cell: tuple, system: CrystalSystem
) -> None:
    phase = made_phase(group_of(*generators, *centre), cell)
    assert crystal.identify_crystal_system(phase) is system


def test_metric_and_volume_by_hand() -> None:
    cell = np.array([2.0, 3.0, 4.0, 90.0, 60.0, 120.0])
    metric = crystal.metric_from_cell(cell)
    np.testing.assert_allclose(metric, [[4, -3, 4], [-3, 9, 0], [4, 0, 16]], atol=1e-12)
    cosines = np.array([0.0, 0.5, -0.5])
    factor = 1 - np.sum(cosines**2) + 2 * np.prod(cosines)
    assert crystal.volume_from_cell(cell) == pytest.approx(24 * np.sqrt(factor))
    assert crystal.volume_from_cell(
        np.array([[1, 2, 3, 90, 90, 90]] * 2)
    ).tolist() == pytest.approx([6, 6])


def test_spacing_of_a_hexagonal_cell_by_its_formula() -> None:
    a, c = 3.2, 5.1
    hkl = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 2], [2, -1, 3]], float)
    h, k, l = hkl.T  # noqa: E741
    inverse = 4 / 3 * (h * h + h * k + k * k) / a**2 + l * l / c**2
    got = crystal.d_from_hkl(hkl, np.array([a, a, c, 90, 90, 120]))
    np.testing.assert_allclose(got, inverse**-0.5, rtol=1e-13)
    assert crystal.d_from_hkl(hkl, np.array([[a, a, c, 90, 90, 120]] * 3)).shape == (3, 4)


@given(
    lengths=arrays(float, 3, elements=st.floats(2, 20)),
    angles=arrays(float, 3, elements=st.floats(75, 105)),
    factor=st.floats(0.5, 2),
)
def test_spacings_scale_with_the_cell(
    lengths: np.ndarray, angles: np.ndarray, factor: float
) -> None:
    hkl = np.array([[1, 0, 0], [1, -2, 3], [0, 1, 1]], float)
    cell, scaled = np.r_[lengths, angles], np.r_[factor * lengths, angles]
    np.testing.assert_allclose(
        crystal.d_from_hkl(hkl, scaled), factor * crystal.d_from_hkl(hkl, cell), rtol=1e-10
    )
    np.testing.assert_allclose(
        crystal.volume_from_cell(scaled), factor**3 * crystal.volume_from_cell(cell), rtol=1e-10
    )


def test_an_orbit_counts_a_special_position_once() -> None:
    phase = made_phase([np.eye(3), INVERSION], (3, 4, 5, 90, 90, 90))
    assert crystal.generate_orbit((0.5, 0.0, 0.5), phase).tolist() == [[0.5, 0.0, 0.5]]
    general = crystal.generate_orbit((0.1, 0.2, 0.3), phase)
    np.testing.assert_allclose(general, [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]])
    near = crystal.generate_orbit((0.0004, 0.0, 0.0), phase)
    assert len(near) == 1, "closer than a thousandth across the cell's face"
    assert len(crystal.generate_orbit((0.002, 0.0, 0.0), phase)) == 2


def test_families_of_an_orthorhombic_cell() -> None:
    rotations = group_of(about(0, 2), about(1, 2), INVERSION)
    phase = made_phase(rotations, (3.0, 4.0, 5.0, 90.0, 90.0, 90.0))
    hkl, multiplicity = crystal.list_allowed_families(phase, 2.0)
    found = {tuple(map(int, i)): int(m) for i, m in zip(hkl, multiplicity, strict=True)}
    expected = {}
    for h in range(2):
        for k in range(3):
            for l in range(3):  # noqa: E741
                d2 = h * h / 9 + k * k / 16 + l * l / 25
                if d2 and d2 <= 0.25:
                    expected[h, k, l] = 2 ** sum(i > 0 for i in (h, k, l))
    assert found == expected


def test_a_screw_axis_and_a_centring_take_reflections_away() -> None:
    screw = made_phase([np.eye(3), about(2, 2)], (3, 4, 5, 90, 90, 90), [[0, 0, 0], [0, 0, 0.5]])
    hkl, _ = crystal.list_allowed_families(screw, 1.0)
    along = {int(l) for h, k, l in hkl if h == k == 0}  # noqa: E741
    assert along == {2, 4}
    centred = made_phase([np.eye(3)] * 2, (3, 4, 5, 90, 90, 90), [[0, 0, 0], [0.5, 0.5, 0.5]])
    hkl, multiplicity = crystal.list_allowed_families(centred, 1.0)
    assert all(int(i.sum()) % 2 == 0 for i in hkl)
    assert set(multiplicity.tolist()) == {2}, "Friedel pairs are one family"


def test_the_member_with_fewest_negative_indices_stands_for_its_family() -> None:
    phase = made_phase([np.eye(3)], (3.0, 4.0, 5.0, 80.0, 85.0, 95.0))
    hkl, _ = crystal.list_allowed_families(phase, 1.5)
    assert all(np.sum(i < 0) <= np.sum(-i < 0) for i in hkl)
    smallest = crystal.d_from_hkl(hkl, phase.cell).min()
    assert smallest >= 1.5
