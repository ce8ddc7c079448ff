"""Symmetry found in structures written without any, at both sides of its tolerances."""

import numpy as np
import pytest
from crystal.made_cifs import made_phase

from ssbchar.crystal.cell import Site
from ssbchar.crystal.found_symmetry import find_symmetry

EDGE = 5.0


def atom(
    element: str, x: float, y: float, z: float, occupancy: float = 1.0, b_iso: float = 1.0
) -> Site:
    return Site(element=element, position=(x, y, z), occupancy=occupancy, b_iso=b_iso)


def caesium_chloride(off: float = 0.0, **given: float) -> list[Site]:
    """The second atom off its place by this [angstrom]: from its mirror image by twice that."""
    return [atom("Cs", 0, 0, 0), atom("Cl", 0.5, 0.5, 0.5 + off / EDGE, **given)]


@pytest.mark.parametrize(("off", "number"), [(0.0, 221), (0.0045, 221), (0.0055, 99)])
def test_atoms_off_their_places(off: float, number: int) -> None:
    assert find_symmetry(made_phase(*caesium_chloride(off), cell=(EDGE,) * 3)).number == number


def test_the_sites_of_the_asymmetric_unit() -> None:
    """Rock salt as its eight atoms: two sites, displacements and occupancies by their means."""
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    sites = [atom("Na", *xyz, b_iso=1.0 + n) for n, xyz in enumerate(corners)]
    sites += [atom("Cl", x + 0.5, y, z, 0.9) for x, y, z in corners]
    found = find_symmetry(made_phase(*sites, cell=(EDGE,) * 3))
    assert found.number == 225 and found.phase.group == "F m -3 m"
    assert len(found.phase.rotations) == 192
    np.testing.assert_allclose(found.phase.cell, [EDGE] * 3 + [90] * 3)
    by_element = {site.element: site for site in found.phase.sites}
    assert len(found.phase.sites) == 2
    assert by_element["Na"].b_iso == pytest.approx(2.5)
    assert by_element["Cl"].occupancy == pytest.approx(0.9)


def test_positions_that_two_elements_share() -> None:
    """Thirds that are rounded differently are one species."""
    sites = [
        atom("Fe", 0, 0, 0, 0.333),
        atom("Ni", 0, 0, 0.0008, 0.667),
        atom("Fe", 0.5, 0.5, 0.5, 0.33333),
        atom("Ni", 0.5, 0.5, 0.5, 0.66667),
    ]
    found = find_symmetry(made_phase(*sites, cell=(EDGE,) * 3))
    assert found.number == 229
    assert sorted(site.element for site in found.phase.sites) == ["Fe", "Ni"]
    iron = next(site for site in found.phase.sites if site.element == "Fe")
    assert iron.occupancy == pytest.approx((0.333 + 0.33333) / 2)
    other = [*sites[:2], atom("Fe", 0.5, 0.5, 0.5, 0.35), atom("Ni", 0.5, 0.5, 0.5, 0.65)]
    assert find_symmetry(made_phase(*other, cell=(EDGE,) * 3)).number == 221


def test_no_symmetry_leaves_the_phase_as_it_is() -> None:
    sites = [atom("Na", 0, 0, 0), atom("Cl", 0.21, 0.34, 0.43), atom("O", 0.61, 0.14, 0.83)]
    phase = made_phase(*sites, cell=(4.0, 5.0, 6.0))
    found = find_symmetry(phase)
    assert found.number == 1 and found.phase is phase


def test_angles_of_a_hexagonal_cell_are_exact() -> None:
    """Magnesium on its orthorhombic cell, twice as large."""
    a, c = 3.209, 5.211
    sites = [
        atom("Mg", *xyz) for xyz in [(0, 0, 0), (0.5, 0.5, 0), (0.5, 1 / 6, 0.5), (0, 2 / 3, 0.5)]
    ]
    found = find_symmetry(made_phase(*sites, cell=(a, a * np.sqrt(3), c)))
    assert found.number == 194 and len(found.phase.sites) == 1
    np.testing.assert_allclose(found.phase.cell[:3], [a, a, c], rtol=1e-6)
    assert found.phase.cell[3:].tolist() == [90.0, 90.0, 120.0]
