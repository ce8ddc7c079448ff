"""Site lists of CIFs row by row: coordinates, occupancies, displacements and elements."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.crystal.cif_file import CifBlock
from ssbchar.crystal.cif_sites import SiteList, UnknownAtom, list_labels, read_site_list
from ssbchar.errors import BadInput

CUBIC = np.array([5.0, 5.0, 5.0, 90.0, 90.0, 90.0])
EIGHT_PI_SQUARED = 8 * np.pi**2


def read(
    cell: np.ndarray = CUBIC, formula: dict[str, float] | None = None, **columns: list[str | None]
) -> SiteList:
    """Sites of the columns given, at the origin where no coordinates are; B 0.7 where none is."""
    rows = max(len(column) for name, column in columns.items() if "aniso" not in name)
    given = {f"fract_{axis}": ["0"] * rows for axis in "xyz"} | columns
    values = {f"_atom_site_{name.lower()}": column for name, column in given.items()}
    block = CifBlock(path=Path("x.cif"), name="x", values=values)
    return read_site_list(block, cell, formula or {}, 0.7)


def one(**columns: str | None) -> SiteList:
    given = {"label": "Fe1", "type_symbol": "Fe", **columns}
    return read(**{name: [value] for name, value in given.items()})


def test_labels_are_listed_up_to_six() -> None:
    assert list_labels(list("abcdef")) == "a, b, c, d, e, f"
    assert list_labels(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


def test_a_row_with_all_that_it_states() -> None:
    found = one(
        fract_x="0.25", fract_y="1/3", fract_z="-.5(2)", occupancy="0.9", B_iso_or_equiv="1.2"
    )
    (site,) = found.sites
    assert site.position == pytest.approx((0.25, 1 / 3, -0.5))
    assert (site.element, site.label, site.occupancy, site.b_iso) == ("Fe", "Fe1", 0.9, 1.2)
    assert found.multiplicities == (None,) and found.notes == ()


@pytest.mark.parametrize(("x", "is_fraction"), [("4.9", True), ("5.1", False), ("-5.1", False)])
def test_coordinates_beyond_five_cells_are_no_fractions(x: str, is_fraction: bool) -> None:
    for axis in "xyz":
        if is_fraction:
            assert one(**{f"fract_{axis}": x}).sites
        else:
            with pytest.raises(BadInput, match="no fractions of the cell edges"):
                one(**{f"fract_{axis}": x})


@pytest.mark.parametrize(
    ("occupancy", "words"),
    [("1.01", ""), ("1.03", "1.03 (percent?)"), ("-0.01", "an occupancy of -0.01;"), ("0.5", "")],
)
def test_occupancies(occupancy: str, words: str) -> None:
    if words:
        with pytest.raises(BadInput) as caught:
            one(occupancy=occupancy)
        assert words in str(caught.value)
    else:
        assert one(occupancy=occupancy).sites[0].occupancy == float(occupancy)


def test_occupancies_that_are_missing_are_told_where_others_are_stated() -> None:
    assert one().notes[0].startswith("Fe1: no displacement")
    found = read(label=["A", "B"], type_symbol=["Fe", "O"], occupancy=["0.5", None])
    assert [site.occupancy for site in found.sites] == [0.5, 1.0]
    assert "B: no occupancy stated: taken as 1" in found.notes


def test_rows_that_are_left_out() -> None:
    found = read(
        label=["A", "B", "C", "D"],
        type_symbol=["Fe", "Va1", "O", "Li"],
        occupancy=["1", "1", "0", "1"],
        calc_flag=["d", "d", "d", "dum"],
        U_iso_or_equiv=["0.01"] * 4,
    )
    assert [site.label for site in found.sites] == ["A"]
    assert found.notes == (
        "B: a vacancy: left out",
        "C: of occupancy 0: left out",
        "D: marked as a dummy: left out",
    )


def test_a_row_without_a_label_has_its_type_or_its_number() -> None:
    assert one(label=None).sites[0].label == "Fe"
    with pytest.raises(UnknownAtom, match="'row 1'"):
        read(label=[None], type_symbol=[None], occupancy=["1"])


def test_the_most_sites_of_a_list() -> None:
    many = ["Fe"] * 5000
    assert len(read(type_symbol=many).sites) == 5000
    with pytest.raises(BadInput, match="lists 5001 atoms"):
        read(type_symbol=[*many, "Fe"])


def test_a_list_without_coordinates_is_none() -> None:
    block = CifBlock(path=Path("x.cif"), name="x", values={"_atom_site_label": ["Fe1"]})
    assert read_site_list(block, CUBIC, {}, 0.7) == SiteList()


@pytest.mark.parametrize(
    ("columns", "b_iso", "is_told"),
    [
        ({"U_iso_or_equiv": "0.01"}, 0.01 * EIGHT_PI_SQUARED, False),
        ({"B_iso_or_equiv": "0.4"}, 0.4, False),
        ({"U_iso_or_equiv": "0.01(3)", "B_iso_or_equiv": "3"}, 3.0, False),
        ({"U_iso_or_equiv": "-0.01"}, 0.7, True),
        ({"U_iso_or_equiv": "0"}, 0.7, True),
        ({}, 0.7, True),
    ],
)
def test_displacements(columns: dict[str, str], b_iso: float, is_told: bool) -> None:
    found = one(**columns)
    assert found.sites[0].b_iso == pytest.approx(b_iso)
    assert bool(found.notes) == is_told


def test_anisotropic_displacements_of_an_oblique_cell() -> None:
    """U = u times the metric's own form is isotropic: B_eq = 8 pi^2 u, whatever the angles."""
    cell = np.array([5.0, 6.0, 7.0, 90.0, 110.0, 90.0])
    beta = np.radians(70)  # of the reciprocal cell: cos(beta*) = -cos(beta)
    u = 0.02
    columns = {
        "aniso_label": ["O1", "Fe1"],
        **{f"aniso_U_{ij}": ["9", str(u)] for ij in ("11", "22", "33")},
        "aniso_U_12": ["9", "0"],
        "aniso_U_23": ["9", "0"],
        "aniso_U_13": ["9", f"{u * np.cos(beta):.9f}"],
    }
    found = read(cell, label=["Fe1"], type_symbol=["Fe"], **columns)
    assert found.sites[0].b_iso == pytest.approx(EIGHT_PI_SQUARED * u, rel=1e-6)
    as_b = {name.replace("_U_", "_B_"): column for name, column in columns.items()}
    found = read(cell, label=["Fe1"], type_symbol=["Fe"], **as_b)
    assert found.sites[0].b_iso == pytest.approx(u, rel=1e-6)


@pytest.mark.parametrize(("number", "right"), [("4", 4.0), ("?", None), (None, None), ("4a", None)])
@pytest.mark.parametrize("tag", ["symmetry_multiplicity", "site_symmetry_multiplicity"])
def test_multiplicities(tag: str, number: str | None, right: float | None) -> None:
    assert one(**{tag: number}).multiplicities == (right,)


@pytest.mark.parametrize(
    ("kind", "right"),
    [("Fe3+", "Fe"), ("O2-", "O"), ("7Li", "Li"), ("D", "D"), ("LI1+", "Li"), ("Xx", None)],
)
def test_types(kind: str, right: str | None) -> None:
    if right is None:
        with pytest.raises(UnknownAtom, match="is no element"):
            one(type_symbol=kind)
    else:
        assert one(type_symbol=kind).sites[0].element == right


@pytest.mark.parametrize(
    ("label", "formula", "right"),
    [
        ("Si1", (), "Si"),
        ("SI1", ("Si", "O"), "Si"),
        ("SI1", ("S", "I"), "S"),
        ("Co1", ("Co", "C", "O"), "Co"),
        ("CO1", ("Co", "C"), "C or Co"),
        ("CO1", (), "C or Co"),
        ("OA1", (), "O"),
        ("Wat1", (), None),
        ("1A", (), None),
    ],
)
def test_elements_of_labels(label: str, formula: tuple[str, ...], right: str | None) -> None:
    asked = dict.fromkeys(formula, 1.0)
    if right in ("C or Co", None):
        with pytest.raises(BadInput, match=right or "is no element"):
            read(formula=asked, label=[label])
    else:
        assert read(formula=asked, label=[label]).sites[0].element == right
