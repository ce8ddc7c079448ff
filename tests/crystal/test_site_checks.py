"""Site lists against what a CIF states, at both sides of each limit."""

import numpy as np
import pytest
from crystal.made_cifs import CUBIC, ROCK_SALT, made_cif, made_phase, write_table

from ssbchar.crystal import site_checks
from ssbchar.crystal.atoms_in_cell import AtomsInCell
from ssbchar.crystal.cell import Phase, Site
from ssbchar.crystal.cif_file import read_block
from ssbchar.crystal.cif_sites import SiteList
from ssbchar.crystal.site_checks import Assessment, CifClaims

NOTHING = CifClaims(formula={}, units=None, density=None)


def atom(x: float, element: str = "Fe", occupancy: float = 1.0, y: float = 0.0) -> Site:
    return Site(
        element=element,
        position=(x, y, 0.0),
        occupancy=occupancy,
        b_iso=1.0,
        label=f"{element}{x:g}",
    )


def judge(
    *sites: Site,
    claims: CifClaims = NOTHING,
    edge: float = 10.0,
    is_centred: bool = False,
    multiplicities: tuple[float | None, ...] = (),
) -> Assessment:
    phase = made_phase(*sites, cell=(edge,) * 3, is_centred=is_centred)
    stated = multiplicities or (None,) * len(sites)
    return site_checks.judge_sites(phase, SiteList(sites=sites, multiplicities=stated), claims)


def density_of(*sites: Site, edge: float = 10.0) -> float:
    return AtomsInCell.from_phase(made_phase(*sites, cell=(edge,) * 3)).density


def problems(found: Assessment) -> str:
    return "; ".join(fault.problem for fault in found.faults)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Li0.93 Fe P O4", {"Li": 0.93, "Fe": 1, "P": 1, "O": 4}),
        ("Na  Cl", {"Na": 1, "Cl": 1}),
        ("D2 O H", {"H": 3, "O": 1}),
        ("Li1.2(3) Ni0.8 O2", {"Li": 1.2, "Ni": 0.8, "O": 2}),
        ("Li3(PO4)", {"Li": 3, "P": 1, "O": 4}),
        ("Li3 (P O4)2", {"Li": 3, "P": 2, "O": 8}),
        ("D2 (S O4)", {"H": 2, "S": 1, "O": 4}),
        ("Na0 Cl", {"Cl": 1}),
        ("Na. Cl", {}),
        ("Xx2 O", {}),
        ("Na, Cl", {}),
        ("", {}),
    ],
)
def test_formulas(text: str, right: dict[str, float]) -> None:
    assert site_checks.parse_formula(text) == pytest.approx(right)


@pytest.mark.parametrize(
    ("density", "right"),
    [("2.16", (2.16, 0.005)), ("2.163(2)", (2.163, 0.0005)), ("2", (2, 0.5)), ("", (None, 0))],
)
def test_the_last_digit_of_a_density(tmp_path, density, right) -> None:
    lines = ("_cell_formula_units_Z 4", "_chemical_formula_sum 'Na Cl'")
    if density:
        lines += (f"_exptl_crystal_density_diffrn {density}",)
    table = write_table(tmp_path, made_cif(CUBIC, "F m -3 m", ROCK_SALT, *lines))
    claims = site_checks.read_claims(read_block(table.parent / "x.cif", "", "X"))
    assert (claims.density, claims.density_rounding) == pytest.approx(right)
    assert claims.units == 4 and claims.formula == {"Na": 1, "Cl": 1}


def test_no_formula_units_are_none(tmp_path) -> None:
    table = write_table(tmp_path, made_cif(CUBIC, "P 1", ROCK_SALT, "_cell_formula_units_Z 0"))
    assert site_checks.read_claims(read_block(table.parent / "x.cif", "", "X")).units is None


def test_formula_units_are_those_of_most_electrons() -> None:
    """Li off by a factor of two does not matter beside Fe; of nothing known there is one."""
    formula = {"Li": 1.0, "Fe": 1.0, "P": 1.0, "O": 4.0}
    content = {"Li": 8.0, "Fe": 4.0, "P": 4.0, "O": 16.0}
    assert site_checks.count_formula_units(content, formula) == 4
    assert site_checks.count_formula_units({"Na": 6.0, "Cl": 6.0}, {"Na": 2.0, "Cl": 2.0}) == 3
    assert site_checks.count_formula_units({"Na": 4.0}, {"Fe": 2.0, "O": 3.0}) == 1


@pytest.mark.parametrize(
    ("oxygen", "is_told", "is_fault"),
    [(0.90, False, False), (0.87, True, False), (0.45, True, False), (0.42, False, True)],
)
def test_composition_by_its_share_of_the_electrons(
    oxygen: float, is_told: bool, is_fault: bool
) -> None:
    """Of PbO, 90 electrons, 8 of them of oxygen: 0.9, 1.2, 4.9 and 5.2 % of them are missing."""
    claims = CifClaims(formula={"Pb": 1.0, "O": 1.0}, units=None, density=None)
    found = judge(atom(0.1, "Pb"), atom(0.4, "O", oxygen), claims=claims, edge=5.0)
    assert any("the site list is used" in note for note in found.notes) == is_told
    assert ("the formula" in problems(found)) == is_fault


@pytest.mark.parametrize(
    ("off", "is_fault"), [(1.039, False), (1.041, True), (0.961, False), (0.959, True)]
)
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_densities_that_differ(off: float, unit: float, is_fault: bool) -> None:
    """In g/cm^3, or in kg/m^3 as other programs state it."""
    sites = (atom(0.1), atom(0.4))
    density = density_of(*sites, edge=4.0)
    claims = CifClaims(formula={}, units=None, density=unit * density / off)
    assert ("_exptl_crystal_density" in problems(judge(*sites, claims=claims, edge=4.0))) == (
        is_fault
    )


def test_a_rounded_density_differs_by_more() -> None:
    sites = (atom(0.1), atom(0.4))
    density = density_of(*sites, edge=4.0)
    stated = density / 1.05
    for rounding, is_fault in ((0.009 * stated, True), (0.011 * stated, False)):
        claims = CifClaims(formula={}, units=None, density=stated, density_rounding=rounding)
        text = problems(judge(*sites, claims=claims, edge=4.0))
        assert ("_exptl_crystal_density" in text) == is_fault


def test_hydrogen_that_is_not_listed_has_its_mass() -> None:
    """Of CH4 the carbon alone is listed: 12.011 of 16.043."""
    site = atom(0.1, "C")
    stated = density_of(site, edge=3.5) * 16.043 / 12.011
    with_h = CifClaims(formula={"C": 1.0, "H": 4.0}, units=None, density=stated)
    without = CifClaims(formula={"C": 1.0}, units=None, density=stated)
    assert "_exptl_crystal_density" not in problems(judge(site, claims=with_h, edge=3.5))
    assert "_exptl_crystal_density" in problems(judge(site, claims=without, edge=3.5))
    three = CifClaims(formula={"C": 1.0, "H": 2.0}, units=None, density=stated)
    assert "_exptl_crystal_density" in problems(judge(site, claims=three, edge=3.5))


@pytest.mark.parametrize(
    ("density", "words"),
    [
        (0.049, "a cell in pm?"),
        (0.051, ""),
        (25.9, ""),
        (26.1, "a cell in nm?"),
    ],
)
def test_densities_of_solids(density: float, words: str) -> None:
    edge = 10.0 * (density_of(atom(0.1)) / density) ** (1 / 3)
    text = problems(judge(atom(0.1), edge=edge))
    assert ("no density of a solid" in text) == bool(words) and words in text


@pytest.mark.parametrize(("units", "is_right"), [(1.04, True), (1.06, False), (0.96, True)])
def test_formula_units_in_the_cell(units: float, is_right: bool) -> None:
    """One of Fe2, its atoms at a usual distance: a wrong Z is told, and the list used."""
    claims = CifClaims(formula={"Fe": 2.0}, units=units, density=None)
    found = judge(atom(0.1), atom(0.1 + 2.6 / 10), claims=claims)
    assert bool(found.doubts) != is_right and not found.faults
    apart = judge(atom(0.1), atom(0.6), claims=claims)
    assert ("Z says" in problems(apart)) != is_right and not apart.doubts


def test_a_formula_of_the_whole_cell_beside_z() -> None:
    sites = (atom(0.1), atom(0.36), atom(0.62), atom(0.88))
    whole = CifClaims(formula={"Fe": 4.0}, units=4.0, density=None)
    assert not judge(*sites, claims=whole).doubts
    three = CifClaims(formula={"Fe": 4.0}, units=3.0, density=None)
    assert judge(*sites, claims=three).doubts
    half = CifClaims(formula={"Fe": 2.0}, units=1.0, density=None)
    assert "makes 2" in judge(*sites, claims=half).doubts[0]


@pytest.mark.parametrize(
    ("x", "multiplicity", "is_right"),
    [(0.2, 2.0, True), (0.2, 1.0, True), (0.2, 3.0, False), (0.0, 2.0, True), (0.0, 4.0, False)],
)
def test_multiplicities(x: float, multiplicity: float, is_right: bool) -> None:
    """With a centre: two positions, or one of symmetry two; another site states its own."""
    found = judge(
        atom(x),
        atom(0.35, "O", y=0.4),
        is_centred=True,
        multiplicities=(multiplicity, 2.0),
    )
    assert ("its multiplicity is stated" in problems(found)) != is_right


@pytest.mark.parametrize(
    ("x", "fate"),
    [(0.009, "moved"), (0.011, "fault"), (0.0249, "fault"), (0.0251, "kept")],
)
def test_an_atom_beside_a_centre(x: float, fate: str) -> None:
    """0.1 angstrom off it is rounded; its image 0.5 angstrom away is another atom."""
    found = judge(atom(x), is_centred=True)
    overlaps = "images of atom" in problems(found)
    (site,) = found.phase.sites
    assert overlaps == (fate == "fault")
    assert site.position[0] == pytest.approx(0.0 if fate == "moved" else x, abs=1e-12)
    assert any("on its special position" in note for note in found.notes) == (fate == "moved")


@pytest.mark.parametrize(("occupancy", "is_split"), [(0.5, True), (0.51, True), (0.52, False)])
def test_two_half_atoms_about_a_centre_are_one(occupancy: float, is_split: bool) -> None:
    found = judge(atom(0.009, occupancy=occupancy), is_centred=True)
    (site,) = found.phase.sites
    assert (site.position[0] == 0.009) == is_split


@pytest.mark.parametrize(
    ("off", "occupancy", "element", "is_repeated"),
    [
        (0.009, 1.0, "Fe", True),
        (0.011, 1.0, "Fe", False),
        (0.0, 0.5, "Fe", False),
        (0.0, 0.51, "Fe", True),
        (0.0, 1.0, "O", False),
    ],
)
def test_an_image_listed_as_a_site(
    off: float, occupancy: float, element: str, is_repeated: bool
) -> None:
    second = atom(-0.2 + off, element, occupancy)
    found = judge(atom(0.2, occupancy=occupancy), second, is_centred=True)
    assert len(found.phase.sites) == (1 if is_repeated else 2)
    assert any("counted once" in note for note in found.notes) == is_repeated


def test_a_site_listed_twice_is_not_an_image() -> None:
    found = judge(atom(0.2), atom(0.205))
    assert len(found.phase.sites) == 2 and "share a site" in problems(found)


def test_what_is_said_of_the_content() -> None:
    phase: Phase = made_phase(atom(0.1), atom(0.35))
    text = site_checks.describe_content(phase)
    density = density_of(atom(0.1), atom(0.35))
    assert text == f"Fe2 in the cell, {density:.3g} g/cm^3, Fe0.1 and Fe0.35 2.50 angstrom apart"
    alone = site_checks.describe_content(made_phase(atom(0.1)))
    assert alone.endswith("g/cm^3")
    assert site_checks.format_composition({"Al": 12.0, "O": 17.9999999}) == "Al12 O18"
    assert np.isfinite(density)
