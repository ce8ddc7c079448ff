"""All atoms of a cell against contacts, densities and occupancies by hand, at both sides of each
limit."""

import gemmi
import numpy as np
import pytest
from crystal.made_cifs import made_phase

from ssbchar.crystal.atoms_in_cell import AtomsInCell, Contacts
from ssbchar.crystal.cell import Site

EDGE = 20.0
RADIUS = {element: gemmi.Element(element).covalent_r for element in ("Na", "C", "Cl")}


def atom(x: float, y: float = 0.0, z: float = 0.0, element: str = "Na", **given: object) -> Site:
    values = {"occupancy": 1.0, "b_iso": 1.0, "label": f"{element}{x:.3f}", **given}
    return Site(element=element, position=(x, y, z), **values)


def in_box(*sites: Site, edge: float = EDGE) -> AtomsInCell:
    return AtomsInCell.from_phase(made_phase(*sites, cell=(edge,) * 3))


def a_pair(ratio: float, occupancy: float = 1.0, element: str = "Na") -> Contacts:
    """Two atoms at a distance in sums of their covalent radii."""
    apart = ratio * 2 * RADIUS[element] / EDGE
    return in_box(
        atom(0.1, element=element, occupancy=occupancy),
        atom(0.1 + apart, element=element, occupancy=occupancy),
    ).measure_contacts()


@pytest.mark.parametrize("ratio", [0.61, 1.0, 1.44])
def test_the_nearest_neighbour_in_sums_of_radii(ratio: float) -> None:
    found = a_pair(ratio)
    np.testing.assert_allclose(found.shortest, ratio)
    assert found.distance == pytest.approx(ratio * 2 * RADIUS["Na"])
    first, second = found.pair.split(" and ")
    assert first == "Na0.100" and second != first


def test_no_neighbour_within_reach() -> None:
    found = a_pair(1.6)
    assert np.isnan(found.shortest).all() and found.pair == "" and np.isnan(found.distance)
    assert found.are_far and not found.find_faults() and not found.are_usual


@pytest.mark.parametrize(("ratio", "is_fault"), [(0.59, True), (0.61, False)])
def test_atoms_nearer_than_any_bond(ratio: float, is_fault: bool) -> None:
    faults = a_pair(ratio).find_faults()
    assert bool(faults) == is_fault
    if is_fault:
        assert f"{ratio * 2 * RADIUS['Na']:.2f} angstrom apart" in faults[0].problem


@pytest.mark.parametrize(
    ("ratio", "is_usual"), [(0.74, False), (0.76, True), (1.34, True), (1.36, False)]
)
def test_where_a_neighbour_is_usual(ratio: float, is_usual: bool) -> None:
    assert a_pair(ratio).are_usual == is_usual


@pytest.mark.parametrize(("ratio", "are_far"), [(1.44, False), (1.46, True)])
def test_where_atoms_are_far_apart(ratio: float, are_far: bool) -> None:
    assert a_pair(ratio).are_far == are_far


@pytest.mark.parametrize(("occupancy", "is_full"), [(0.975, False), (0.985, True), (1.0, True)])
def test_a_position_is_full_to_a_rounding(occupancy: float, is_full: bool) -> None:
    assert a_pair(1.0, occupancy).is_full == is_full
    assert a_pair(1.0, occupancy).are_usual == is_full


def test_a_position_that_two_share_is_full() -> None:
    shared = [atom(0.1, occupancy=0.6), atom(0.1, element="Cl", occupancy=0.4), atom(0.25)]
    assert in_box(*shared).measure_contacts().is_full
    assert not in_box(shared[0], shared[2]).measure_contacts().is_full


@pytest.mark.parametrize(("occupancy", "is_there"), [(0.5, False), (0.509, False), (0.511, True)])
def test_of_two_half_filled_positions_one_is_empty(occupancy: float, is_there: bool) -> None:
    assert np.isfinite(a_pair(1.0, occupancy).shortest).all() == is_there


def test_atoms_of_one_position_are_no_contact() -> None:
    """0.4 angstrom apart; two of 0.6 are a contact, and too near."""
    for apart, is_contact in ((0.4, False), (0.6, True)):
        found = in_box(atom(0.1), atom(0.1 + apart / EDGE)).measure_contacts()
        assert bool(found.find_faults()) == is_contact


def around(count: int, ratio: float, element: str) -> Contacts:
    """An atom with neighbours of its kind, which are far from each other."""
    apart = ratio * 2 * RADIUS[element] / EDGE
    moves = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)][:count]
    sites = [atom(0.5, 0.5, 0.5, element=element, label="middle")]
    sites += [
        atom(*(0.5 + apart * np.array(move)), element=element, label=str(move)) for move in moves
    ]
    return in_box(*sites).measure_contacts()


@pytest.mark.parametrize(
    ("count", "ratio", "element", "crowded"),
    [
        (4, 0.89, "C", "middle"),
        (4, 0.91, "C", ""),
        (3, 0.89, "C", ""),
        (4, 0.89, "Na", ""),
    ],
)
def test_four_neighbours_of_its_kind(count: int, ratio: float, element: str, crowded: str) -> None:
    found = around(count, ratio, element)
    assert found.crowded == crowded
    assert bool(found.find_faults()) == bool(crowded)


def test_neighbours_of_another_kind_do_not_crowd() -> None:
    apart = 0.85 * (RADIUS["C"] + RADIUS["Cl"]) / EDGE
    moves = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)]
    others = [atom(*(0.5 + apart * np.array(move)), element="Cl") for move in moves]
    found = in_box(atom(0.5, 0.5, 0.5, element="C"), *others).measure_contacts()
    assert found.crowded == ""
    np.testing.assert_allclose(found.shortest, 0.85)


@pytest.mark.parametrize(("apart", "shares"), [(0.49, True), (0.51, False)])
def test_two_atoms_on_one_position(apart: float, shares: bool) -> None:
    faults = in_box(atom(0.1), atom(0.1 + apart / EDGE)).find_overfull_sites()
    assert bool(faults) == shares
    if shares:
        assert "occupancies that sum to 2" in faults[0].problem


@pytest.mark.parametrize(("second", "is_overfull"), [(0.51, False), (0.53, True)])
def test_a_position_holds_one_atom(second: float, is_overfull: bool) -> None:
    sites = (atom(0.1, occupancy=0.5), atom(0.1, element="Cl", occupancy=second))
    faults = in_box(*sites).find_overfull_sites()
    assert bool(faults) == is_overfull
    if is_overfull:
        assert faults[0].problem.startswith("Na0.100, Cl0.100 share a site with")
        assert not faults[0].of_atoms_alone


@pytest.mark.parametrize(("apart", "by_symmetry"), [(0.0045, False), (0.0055, True), (1.0, False)])
def test_sites_that_symmetry_puts_on_each_other(apart: float, by_symmetry: bool) -> None:
    """Listed apart [fraction of the edge], though within 0.5 angstrom."""
    (fault,) = in_box(atom(0.1), atom(0.1 + apart)).find_overfull_sites()
    assert ("by symmetry" in fault.problem) == by_symmetry == fault.of_atoms_alone


def test_composition_and_density_of_half_filled_heavy_ice() -> None:
    """D counts as H and weighs 2.014; 1 u per angstrom^3 is 1.6605 g/cm^3."""
    atoms = in_box(
        atom(0.1, element="O"), atom(0.2, element="D", occupancy=0.5), atom(0.4, element="H")
    )
    assert atoms.composition == {"O": 1.0, "H": 1.5} and atoms.counts == (1, 1, 1)
    mass = 15.999 + 0.5 * 2.014 + 1.008
    assert atoms.density == pytest.approx(mass * 1.66053907 / EDGE**3, rel=1e-4)


def test_images_are_counted_by_site() -> None:
    sites = (atom(0.0), atom(0.2, 0.1, 0.3, element="Cl"))
    atoms = AtomsInCell.from_phase(made_phase(*sites, cell=(EDGE,) * 3, is_centred=True))
    assert atoms.counts == (1, 2) and atoms.site.tolist() == [0, 1, 1]
    assert atoms.composition == {"Na": 1.0, "Cl": 2.0}
