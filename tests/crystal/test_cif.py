"""CIFs as databases and people write them: the right phase, or one line that says what is wrong."""

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from crystal.made_cifs import (
    COLUMNS,
    CORUNDUM,
    CORUNDUM_ATOMS,
    CUBIC,
    ROCK_SALT,
    SILICON,
    made_cif,
    made_operations,
    read,
    tabulate,
    write_table,
)

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase, generate_orbit
from ssbchar.crystal.cif_file import read_block
from ssbchar.crystal.cif_sites import read_site_list
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.site_checks import read_claims
from ssbchar.errors import BadInput
from ssbchar.hexrd.export.cif import format_operation

NO_U = COLUMNS[:-1]


def content(phase: Phase) -> dict[str, float]:
    found: dict[str, float] = {}
    for site in phase.sites:
        count = site.occupancy * len(generate_orbit(site.position, phase))
        found[site.element] = found.get(site.element, 0.0) + count
    return {element: round(number, 3) for element, number in found.items()}


def fault(folder: Path, cif: str | bytes, **entry: object) -> str:
    with pytest.raises(BadInput) as caught:
        tabulate(folder, cif, **entry)
    text = str(caught.value)
    assert "\n" not in text
    return text


P1_ROCK_SALT = tuple(
    f"{element}{i} {element} {x} {y} {z} 1 0.01"
    for element, first in (("Na", 0.0), ("Cl", 0.5))
    for i, (x, y, z) in enumerate(
        [
            (first, first, first),
            (first, 0.5 - first, 0.5 - first),
            (0.5 - first, first, 0.5 - first),
            (0.5 - first, 0.5 - first, first),
        ]
    )
)
PRIMITIVE = (3.98808, 3.98808, 3.98808, 60, 60, 60)

# Reading: the file, and what is right.


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: f"# M\u00fcller, \u00c5ngstr\u00f6m\n{text}".encode("latin-1"),
        lambda text: f"# M\u00fcller\n{text}".encode(),
        lambda text: text.replace("_cell_length_a", "_CELL_LENGTH_A").encode(),
        lambda text: text.replace("_cell_length_", "_cell.length_").encode(),
        lambda text: text.replace("_atom_site_", "_atom_site.").encode(),
        lambda text: text.replace(" 0 0 0", "\u00a00\u00a0\u22120 0").encode(),
        lambda text: (text + "\x1a").encode(),
    ],
    ids=[
        "bom_crlf",
        "cr",
        "utf16",
        "utf16_no_bom",
        "latin1",
        "utf8",
        "case",
        "ddlm",
        "ddlm_loop",
        "page",
        "dos",
    ],
)
def test_any_writing_of_the_text_gives_the_same_phase(tmp_path: Path, encode) -> None:
    right = tabulate(tmp_path, made_cif())
    got = tabulate(tmp_path, encode(made_cif()))
    assert got.sizes["reflection"] == 19
    np.testing.assert_array_equal(
        got["structure_factor_squared"].values, right["structure_factor_squared"].values
    )


@pytest.mark.parametrize(
    ("cif", "right"),
    [
        (made_cif(), {"Na": 4, "Cl": 4}),
        (made_cif(group="Fm-3m"), {"Na": 4, "Cl": 4}),
        (made_cif(group="Fm3m"), {"Na": 4, "Cl": 4}),
        (made_cif(group="F m 3 m"), {"Na": 4, "Cl": 4}),
        (
            made_cif(cell=("5.6402(3)", "5.6402(3)", "5.6402(3)", "90.0", "90.00", "90")),
            {"Na": 4, "Cl": 4},
        ),
        (
            made_cif(atoms=("Na1 Na1+ 0 0 0 1 0.01(2)", "Cl1 Cl- 1/2 1/2 1/2 1.0 ?")),
            {"Na": 4, "Cl": 4},
        ),
        (made_cif(atoms=("Na1 . 0 0 0 . 0.01", "Cl1 . .5 .5 .5 . .")), {"Na": 4, "Cl": 4}),
        (
            made_cif(atoms=("Fe1 Fe2+ 0 0 0 0.9 0.01", "O1 O2- .5 .5 .5 1 0.01")),
            {"Fe": 3.6, "O": 4},
        ),
        (made_cif(atoms=("Li1 Li 0 0 0 1 .01", "D1 D .5 .5 .5 1 .02")), {"Li": 4, "D": 4}),
        (made_cif(atoms=(*ROCK_SALT, "Va1 Va .25 .25 .25 1 .")), {"Na": 4, "Cl": 4}),
        (made_cif(atoms=(*ROCK_SALT, "Li1 Li .25 .25 .25 0 .")), {"Na": 4, "Cl": 4}),
        (made_cif(SILICON, "F d -3 m :2", ("Si Si .125 .125 .125 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "F d -3 m Z", ("Si Si .125 .125 .125 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "F d -3 m :1", ("Si Si 0 0 0 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "F d -3 m S", ("Si Si 0 0 0 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "Fd-3mZ", ("Si Si .125 .125 .125 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "F d -3 m", ("Si Si 0 0 0 1 .01",)), {"Si": 8}),
        (made_cif(SILICON, "F d -3 m", ("Si Si .125 .125 .125 1 .01",)), {"Si": 8}),
        (
            made_cif(
                SILICON,
                "",
                ("Si Si .125 .125 .125 1 .01",),
                "_space_group_name_Hall '-F 4vw 2vw 3'",
            ),
            {"Si": 8},
        ),
        (made_cif(SILICON, "", ("Si Si 0 0 0 1 .01",), "_space_group_IT_number 227"), {"Si": 8}),
        (made_cif(CORUNDUM, "R -3 c", CORUNDUM_ATOMS), {"Al": 12, "O": 18}),
        (made_cif(CORUNDUM, "R -3 c :H", CORUNDUM_ATOMS), {"Al": 12, "O": 18}),
        (made_cif(CORUNDUM, "R -3 c H", CORUNDUM_ATOMS), {"Al": 12, "O": 18}),
        (
            made_cif(CORUNDUM, "", CORUNDUM_ATOMS, "_symmetry_Int_Tables_number 167"),
            {"Al": 12, "O": 18},
        ),
        (
            made_cif(
                (5.13, 5.13, 5.13, 55.28, 55.28, 55.28),
                "R -3 c",
                ("Al Al .352 .352 .352 1 .01", "O O .556 -.056 .25 1 .01"),
            ),
            {"Al": 4, "O": 6},
        ),
        (
            made_cif(
                (5.13, 5.13, 5.13, 55.28, 55.28, 55.28),
                "R -3 c :R",
                ("Al Al .352 .352 .352 1 .01", "O O .556 -.056 .25 1 .01"),
            ),
            {"Al": 4, "O": 6},
        ),
        # Wurtzite with 0.333 for 1/3: on the special position all the same.
        (
            made_cif(
                (3.25, 3.25, 5.207, 90, 90, 120),
                "P 63 m c",
                ("Zn Zn .333 .667 0 1 .01", "O O .333 .667 .382 1 .01"),
            ),
            {"Zn": 2, "O": 2},
        ),
        (
            made_cif(
                (3.25, 3.25, 5.207, 90, 90, 120),
                "P 63 m c",
                ("Zn Zn .33 .67 0 1 .01", "O O .33 .67 .382 1 .01"),
            ),
            {"Zn": 2, "O": 2},
        ),
        # A split position, a third full, is one atom in three places.
        (
            made_cif(
                (3.25, 3.25, 5.207, 90, 90, 120),
                "P 63 m c",
                ("Zn Zn .3333 .6667 0 1 .01", "O O .37 .63 .382 .3333 .01"),
            ),
            {"Zn": 2, "O": 2},
        ),
    ],
)
def test_the_content_of_the_cell_is_right(
    tmp_path: Path, cif: str, right: dict[str, float]
) -> None:
    assert content(read(tmp_path, cif)) == pytest.approx(right, rel=1e-3)


OLIVINE = (
    "Fe Fe .282 .25 .975 1 .01",
    "P P .095 .25 .418 1 .01",
    "Li Li 0 0 0 1 .01",
    "O1 O .097 .25 .743 1 .01",
    "O2 O .457 .25 .206 1 .01",
    "O3 O .166 .046 .285 1 .01",
)


def turn(atom: str, order: tuple[int, int, int]) -> str:
    words = atom.split()
    words[2:5] = [words[2 + i] for i in order]
    return " ".join(words)


def test_settings_of_one_structure_have_the_same_lines(tmp_path: Path) -> None:
    """Olivine in P n m a and, with a, b, c as c, a, b, in P b n m."""
    standard = tabulate(tmp_path, made_cif((10.332, 6.01, 4.692, 90, 90, 90), "P n m a", OLIVINE))
    atoms = [turn(atom, (2, 0, 1)) for atom in OLIVINE]
    turned = tabulate(tmp_path, made_cif((4.692, 10.332, 6.01, 90, 90, 90), "P b n m", atoms))
    assert standard.sizes == turned.sizes
    np.testing.assert_allclose(turned["d"].values, standard["d"].values, rtol=1e-12)
    np.testing.assert_allclose(
        np.sum(turned["structure_factor_squared"].values * turned["multiplicity"].values),
        np.sum(standard["structure_factor_squared"].values * standard["multiplicity"].values),
        rtol=1e-9,
    )


Indices = tuple[int, int, int]


def breaks_n_along_b(hkl: Indices) -> bool:
    h, k, l = hkl  # noqa: E741
    return bool((k == 0 and (h + l) % 2) or (h == l == 0 and k % 2))


def breaks_n_along_c(hkl: Indices) -> bool:
    h, k, l = hkl  # noqa: E741
    return bool((l == 0 and (h + k) % 2) or (h == k == 0 and l % 2))


def breaks_c_along_b(hkl: Indices) -> bool:
    h, k, l = hkl  # noqa: E741
    return bool((k == 0 and l % 2) or (h == l == 0 and k % 2))


def breaks_a_centred(hkl: Indices) -> bool:
    h, k, l = hkl  # noqa: E741
    return bool((h + k + l) % 2 or (k == 0 and h % 2))


@pytest.mark.parametrize(
    ("group", "angles", "absent"),
    [
        ("P 21/n", (90, 95, 90), breaks_n_along_b),
        ("P 1 21/n 1", (90, 95, 90), breaks_n_along_b),
        ("P 21/n", (90, 90, 95), breaks_n_along_c),
        ("P 21/c", (90, 95, 90), breaks_c_along_b),
        ("P121/c1", (90, 95, 90), breaks_c_along_b),
        ("P 2_1/c", (90, 95, 90), breaks_c_along_b),
        ("I 2/a", (90, 95, 90), breaks_a_centred),
        ("P 21(1)/c", (90, 95, 90), None),
    ],
)
def test_settings_by_their_absences(
    tmp_path: Path, group: str, angles: tuple, absent: Callable[[Indices], bool] | None
) -> None:
    cif = made_cif((5.64, 6.64, 7.64, *angles), group, ())
    if absent is None:
        assert "is not known" in fault(tmp_path, cif)
        return
    ds = tabulate(tmp_path, cif)
    listed = set(zip(*(ds[x].values.tolist() for x in "hkl"), strict=True))
    assert listed and not [hkl for hkl in listed if absent(hkl)]
    signs = list(itertools.product((1, -1), repeat=3))
    for h, k, m in itertools.product(range(4), repeat=3):
        if (h, k, m) != (0, 0, 0) and not absent((h, k, m)):
            assert {(a * h, b * k, c * m) for a, b, c in signs} & listed


# Symmetry of P 1 files.


@pytest.mark.parametrize(
    ("cell", "atoms", "lines"),
    [
        (CUBIC, P1_ROCK_SALT, ("_symmetry_Int_Tables_number 1", made_operations("x, y, z"))),
        (CUBIC, P1_ROCK_SALT, ()),
        (PRIMITIVE, ROCK_SALT, ()),
    ],
)
def test_rock_salt_in_p1_is_cubic(tmp_path: Path, cell: tuple, atoms: tuple, lines: tuple) -> None:
    cif = made_cif(cell, "P 1", atoms, *lines)
    phase = read(tmp_path, cif)
    assert "F m -3 m" in phase.notes[0] and "P 1" in phase.notes[0]
    np.testing.assert_allclose(phase.cell, CUBIC, atol=1e-4)
    got, right = tabulate(tmp_path, cif), tabulate(tmp_path, made_cif())
    assert got.sizes["reflection"] == 19 and got.attrs["crystal_system"] == "cubic"
    np.testing.assert_allclose(
        got["structure_factor_squared"].values, right["structure_factor_squared"].values, rtol=1e-4
    )


def test_the_symmetry_found_keeps_every_intensity(tmp_path: Path) -> None:
    """Olivine as all atoms of its cell: with the symmetry found and without any."""
    cell = (10.332, 6.01, 4.692, 90, 90, 90)
    known = read(tmp_path, made_cif(cell, "P n m a", OLIVINE))
    rows = [
        f"{site.element}{i} {site.element} {x} {y} {z} 1 0.01"
        for site in known.sites
        for i, (x, y, z) in enumerate(generate_orbit(site.position, known))
    ]
    cif = made_cif(cell, "P 1", rows)
    assert read(tmp_path, cif).group == "P n m a"
    whole = ReflectionListing(d_min=1.0, weakest=0.0)
    found, without = (
        reflections.tabulate_reflections(write_table(tmp_path, cif, **entry), whole, {"phase": "X"})
        for entry in ({}, {"space_group": "P 1"})
    )
    assert without.sizes["reflection"] > 2 * found.sizes["reflection"]
    lines = np.unique(np.round(found["d"].values, 6))
    power = [
        [
            float(np.sum((ds["multiplicity"] * ds["structure_factor_squared"]).values[same]))
            for same in (np.abs(ds["d"].values - d) < 2e-6 for d in lines)
        ]
        for ds in (found, without)
    ]
    np.testing.assert_allclose(power[0], power[1], rtol=1e-9, atol=1e-6)


def test_a_mixed_site_in_p1_keeps_its_occupancies(tmp_path: Path) -> None:
    chlorine = [atom for atom in P1_ROCK_SALT if atom.startswith("Cl")]
    sodium = [atom for atom in P1_ROCK_SALT if atom.startswith("Na")]
    atoms = [
        *chlorine,
        *(atom.replace(" 1 0.01", " 0.75 0.01") for atom in sodium),
        *(atom.replace("Na", "K").replace(" 1 0.01", " 0.25 0.03") for atom in sodium),
    ]
    phase = read(tmp_path, made_cif(CUBIC, "P 1", atoms))
    assert content(phase) == {"Na": 3, "K": 1, "Cl": 4}
    assert {s.element: round(s.b_iso / (8 * np.pi**2), 6) for s in phase.sites}["K"] == 0.03


def test_a_structure_without_symmetry_stays_in_p1(tmp_path: Path) -> None:
    atoms = ("Na1 Na 0 0 0 1 .01", "Cl1 Cl .52 .47 .55 1 .01", "Cl2 Cl .1 .55 .31 .5 .01")
    phase = read(tmp_path, made_cif((5.6, 5.9, 6.3, 85, 95, 101), "P 1", atoms))
    assert len(phase.rotations) == 1 and "no symmetry was found" in " ".join(phase.notes)


def test_the_identity_alone_beside_a_symbol_is_believed_if_all_atoms_are_listed(
    tmp_path: Path,
) -> None:
    identity = made_operations("x,y,z")
    assert content(read(tmp_path, made_cif(CUBIC, "F m -3 m", P1_ROCK_SALT, identity))) == {
        "Na": 4,
        "Cl": 4,
    }
    text = fault(tmp_path, made_cif(CUBIC, "F m -3 m", ROCK_SALT, identity))
    assert "x,y,z" in text and "225" in text and "221" in text


def test_the_users_own_p1_is_kept(tmp_path: Path) -> None:
    phase = read(tmp_path, made_cif(CUBIC, "P 1", P1_ROCK_SALT), space_group="P 1")
    assert len(phase.rotations) == 1


# What is asked for, and answered in the phases file.


def test_a_volume_that_agrees_with_the_cell_is_no_fault(tmp_path: Path) -> None:
    volume = CUBIC[0] ** 3
    stated = made_cif(CUBIC, "F m -3 m", ROCK_SALT, f"_cell_volume {1.004 * volume:.2f}(3)")
    assert content(read(tmp_path, stated)) == {"Na": 4, "Cl": 4}


def test_several_blocks_are_named_or_asked_for(tmp_path: Path) -> None:
    caesium = ("Cs Cs 0 0 0 1 .01", "Cl Cl .5 .5 .5 1 .01")
    edge = (4.1, 4.1, 4.1, 90, 90, 90)
    cif = (
        "data_global\n_publ_section_title 'two'\n"
        + made_cif(edge, "P m -3 m", caesium, block="one")
        + made_cif(block="two")
    )
    text = fault(tmp_path, cif)
    assert "one, two" in text and "block:" in text and "global" not in text
    assert content(read(tmp_path, cif, block="two")) == {"Na": 4, "Cl": 4}
    assert content(read(tmp_path, cif, block="data_one")) == {"Cs": 1, "Cl": 1}
    assert "no block 'three'" in fault(tmp_path, cif, block="three")
    single = "data_global\n_publ_section_title 'one'\n" + made_cif(block="two")
    assert content(read(tmp_path, single)) == {"Na": 4, "Cl": 4}


SPINEL = ("Mg Mg .125 .125 .125 1 .01", "Al Al .5 .5 .5 1 .01", "O O .2624 .2624 .2624 1 .01")
SPINEL_CELL = (8.0806, 8.0806, 8.0806, 90, 90, 90)


def test_an_open_origin_is_settled_by_the_formula_and_told(tmp_path: Path) -> None:
    formula = "_chemical_formula_sum 'Al2 Mg O4'"
    phase = read(tmp_path, made_cif(SPINEL_CELL, "F d -3 m", SPINEL, formula))
    assert content(phase) == {"Mg": 8, "Al": 16, "O": 32} and phase.group == "F d -3 m:2"
    assert any("origin is not stated" in note for note in phase.notes)
    density = "_exptl_crystal_density_diffrn 3.58"
    phase = read(tmp_path, made_cif(SPINEL_CELL, "F d -3 m", SPINEL, density))
    assert content(phase) == {"Mg": 8, "Al": 16, "O": 32}


def test_an_open_origin_that_nothing_settles_is_asked_for(tmp_path: Path) -> None:
    """A site of high symmetry with origin 1 of P 42/n m c, an inversion centre with origin 2."""
    cif = made_cif((6, 6, 9, 90, 90, 90), "P 42/n m c", ("Ba Ba 0 0 0 1 .01",))
    text = fault(tmp_path, cif)
    assert "origin" in text and ":1" in text and ":2" in text and "g/cm^3" in text
    first = read(tmp_path, cif, space_group="P 42/n m c :1")
    second = read(tmp_path, cif, space_group="P 42/n m c :2")
    assert content(first) == {"Ba": 2} and content(second) == {"Ba": 8}


def test_a_wrong_answer_to_an_open_origin_is_refused(tmp_path: Path) -> None:
    cif = made_cif(SPINEL_CELL, "F d -3 m", SPINEL, "_chemical_formula_sum 'Al2 Mg O4'")
    assert "overlap" in fault(tmp_path, cif, space_group="F d -3 m :1")


def test_the_cell_alone_needs_no_origin_and_no_atoms(tmp_path: Path) -> None:
    dummies = ("X1 X 0 0 0 1 .01", "M2 M .25 .25 .25 1 .01")
    assert "no element" in fault(tmp_path, made_cif(CUBIC, "F d -3 m", dummies))
    ds = tabulate(tmp_path, made_cif(CUBIC, "F d -3 m", dummies), atoms=False)
    assert np.all(np.isnan(ds["structure_factor_squared"])) and ds.attrs["refinable"] == 0
    assert ds.attrs["space_group"] == "F d -3 m"
    ds = tabulate(tmp_path, made_cif(CUBIC, "F d -3 m", dummies), refinable=False)
    assert np.all(np.isnan(ds["structure_factor_squared"])) and "'X1'" in ds.attrs["notes"]


# What is refused.

GENERAL = tuple(
    atom.replace("0 0 0.35216", "0 0.3522 0.0033").replace("0.30624 0 0.25", "0.694 0.25 0.0039")
    for atom in CORUNDUM_ATOMS
)


@pytest.mark.parametrize(
    ("cif", "words"),
    [
        # The cell against the group.
        (made_cif((5.64, 5.7, 5.8, 90, 90, 90)), ("5.64, 5.7, 5.8", "F m -3 m", "a = b = c")),
        (made_cif((5.64, 5.64, 5.65, 90, 90, 90)), ("cubic",)),
        (made_cif((5.64, 5.64, 5.64, 90, 90, 91)), ("cubic",)),
        (made_cif((4.6, 4.7, 3.0, 90, 90, 90), "P 42/m n m", ()), ("tetragonal",)),
        (made_cif((4.6, 4.7, 3.0, 90, 91, 90), "P n m a", ()), ("orthorhombic",)),
        (made_cif((4.6, 4.7, 3.0, 91, 95, 90), "P 21/c", ()), ("monoclinic",)),
        (made_cif((4.76, 4.76, 12.99, 90, 90, 90), "R -3 c", CORUNDUM_ATOMS), ("R -3 c",)),
        (made_cif(CORUNDUM, "R -3 c :R", CORUNDUM_ATOMS), ("R -3 c",)),
        (
            made_cif((5.13, 5.13, 5.13, 55.28, 55.28, 55.28), "R -3 c :H", CORUNDUM_ATOMS),
            ("R -3 c",),
        ),
        # The cell against nature.
        (made_cif((0.564, 0.564, 0.564, 90, 90, 90)), ("nm",)),
        (made_cif((564, 564, 564, 90, 90, 90)), ("pm",)),
        (made_cif((409, 409, 409, 90, 90, 90)), ("pm", "g/cm^3")),
        (made_cif((409, 409, 409, 90, 90, 90), atoms=()), ("reflections", "20000", "pm")),
        (
            made_cif(
                (2.5, 2.5, 2.5, 90, 90, 90), atoms=("Au Au 0 0 0 1 .01", "Pt Pt .5 .5 .5 1 .01")
            ),
            ("nm", "g/cm^3"),
        ),
        (made_cif((5.64, 5.64, "?", 90, 90, 90)), ("no cell", "_cell_length_c")),
        (made_cif(("5,64", "5,64", "5,64", 90, 90, 90)), ("'5,64'", "point")),
        (made_cif((5.64, 5.64, -5.64, 90, 90, 90)), ("no cell",)),
        (made_cif((5.64, 5.64, 5.64, 0, 90, 90)), ("no cell",)),
        (made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_cell_volume 189.4"), ("_cell_volume", "189.4")),
        # The group.
        (made_cif(group="Q 9 q"), ("'Q 9 q'", "not known")),
        (made_cif(group=""), ("no space group",)),
        (made_cif(CUBIC, "", ROCK_SALT, "_space_group_IT_number 400"), ("400",)),
        (
            made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_space_group_IT_number 221"),
            ("F m -3 m", "221", "contradict"),
        ),
        (
            made_cif(CUBIC, "F m -3 m", ROCK_SALT, made_operations("x,y,z", "-x,-y,-z")),
            ("operations", "F m -3 m", "contradict"),
        ),
        (
            made_cif(
                (5, 6, 7, 90, 95, 90),
                "P 1 21/n 1",
                (),
                made_operations("x,y,z", "-x,y+1/2,-z+1/2", "-x,-y,-z", "x,-y+1/2,z+1/2"),
            ),
            ("P 1 21/c 1", "P 1 21/n 1", "contradict"),
        ),
        (
            made_cif(
                (5, 6, 7, 90, 95, 90),
                "P 21/c",
                (),
                made_operations("x,y,z", "-x,y+1/2,-z+1/2", "x,-y+1/2,z+1/2"),
            ),
            ("no group",),
        ),
        (made_cif(CUBIC, "F m -3 m", ROCK_SALT, made_operations("x,y,z", "x,y,q")), ("'x,y,q'",)),
        # The sites.
        (made_cif(atoms=("Na1 Na 0 0 0 100 .01", "Cl1 Cl .5 .5 .5 100 .01")), ("100", "percent")),
        (made_cif(atoms=("Na1 Na 0 0 0 -0.1 .01",)), ("-0.1",)),
        (
            made_cif(atoms=("Na1 Na 0 0 0 .8 .01", "K1 K 0 0 0 .4 .01", "Cl1 Cl .5 .5 .5 1 .01")),
            ("Na1, K1", "1.2"),
        ),
        (made_cif(atoms=("Wat Wat 0 0 0 1 .01",)), ("'Wat'", "no element")),
        (made_cif(atoms=("OH1 OH 0 0 0 1 .01",)), ("'OH'", "no element")),
        (made_cif(atoms=("Wat1 . 0 0 0 1 .01",)), ("no element",)),
        (made_cif(atoms=("CO1 . 0 0 0 1 .01",)), ("C or Co",)),
        (made_cif(atoms=("Na1 Na 0 ? 0 1 .01",)), ("'Na1'", "no y")),
        (made_cif(atoms=("Na1 Na 0 1.4 28.2 1 .01",)), ("fractions",)),
        (made_cif(atoms=("Na1 Na 0 0,5 0 1 .01",)), ("'0,5'",)),
        (
            made_cif(CORUNDUM, "R -3 c", GENERAL, "_chemical_formula_sum 'Al2 O3'"),
            ("Al36 O36", "Al2 O3"),
        ),
        (made_cif((3.1, 3.1, 3.1, 90, 90, 90), "F m -3 m"), ("Na1 and Cl1", "1.55")),
        (
            made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_exptl_crystal_density_diffrn 1.08"),
            ("2.16", "1.08"),
        ),
        (
            made_cif(
                CUBIC,
                "P m -3 m",
                ROCK_SALT,
                "_chemical_formula_sum 'Na Cl'",
                "_cell_formula_units_Z 4",
            ),
            ("Z says 4", "makes 1"),
        ),
        (made_cif(atoms=("Na1 Na 0 0 0 .0208 .01", "Cl1 Cl .5 .5 .5 .0208 .01")), ("g/cm^3",)),
        (made_cif(SILICON, "F d -3 m :1", ("Si Si .125 .125 .125 1 .01",)), ("Si", "1.92")),
        (
            made_cif(
                CORUNDUM,
                "R -3 c",
                ("Al1 Al 12 0 .1 .2 1 .1",),
                columns=(
                    "label",
                    "type_symbol",
                    "symmetry_multiplicity",
                    "fract_x",
                    "fract_y",
                    "fract_z",
                    "occupancy",
                    "U_iso_or_equiv",
                ),
            ),
            ("12", "36"),
        ),
        # The text.
        ("hello\n", ("no valid CIF", "line 1")),
        ("", ("no cell",)),
        (made_cif().replace("'F m -3 m'", "F m -3 m"), ("no valid CIF", "quotes", "line 8")),
        (made_cif(atoms=("Na1 Na 0 0 0 1",)), ("no valid CIF", "loop")),
        (made_cif() + "_cell_length_a 5.7\n", ("duplicate",)),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", ("binary",)),
        (
            made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_space_group_magn.name_BNS 'P_a 21/c'"),
            ("magnetic",),
        ),
    ],
)
def test_what_cannot_be_right_is_refused(
    tmp_path: Path, cif: str | bytes, words: tuple[str, ...]
) -> None:
    text = fault(tmp_path, cif)
    assert all(word in text for word in words), text


# What is assumed is told.


@pytest.mark.parametrize(
    ("cif", "words"),
    [
        (
            made_cif(atoms=[" ".join(row.split()[:6]) for row in ROCK_SALT], columns=NO_U),
            ("Na1, Cl1", "no displacement", "B 1"),
        ),
        (made_cif(atoms=("Na1 Na 0 0 0 1 0", "Cl1 Cl .5 .5 .5 1 .01")), ("Na1", "U 0", "B 1")),
        (made_cif(atoms=("Na1 Na 0 0 0 ? .01", "Cl1 Cl .5 .5 .5 1 .01")), ("Na1", "taken as 1")),
        (made_cif(atoms=(*ROCK_SALT, "Va1 Va .25 .25 .25 1 .")), ("Va1", "vacancy")),
        (
            made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_chemical_formula_sum 'Na Cl . x'"),
            ("not understood",),
        ),
        (made_cif(atoms=(*ROCK_SALT, "Li1 Li .25 .25 .25 0 .")), ("Li1", "occupancy 0")),
        (made_cif((5.64, 5.64, 5.6401, 90, 90, 90)), ("averaged",)),
        (
            made_cif(
                CUBIC,
                "F m -3 m",
                ROCK_SALT,
                "_chemical_formula_sum 'Na Cl'",
                "_cell_formula_units_Z 1",
            ),
            ("Z says 1", "makes 4", "site list is used"),
        ),
        (made_cif(CUBIC, "", ROCK_SALT, "_symmetry_Int_Tables_number 225"), ("225",)),
        (made_cif((5, 6, 7, 90, 90, 95), "P 21/n", ()), ("by the cell", "P 1 1 21/n")),
        (
            made_cif(
                (3.25, 3.25, 5.207, 90, 90, 120),
                "P 63 m c",
                ("Zn Zn .33 .67 0 1 .01", "O O .33 .67 .382 1 .01"),
            ),
            ("Zn", "special position", "0.3333"),
        ),
    ],
)
def test_what_was_assumed_is_told(tmp_path: Path, cif: str, words: tuple[str, ...]) -> None:
    ds = tabulate(tmp_path, cif)
    notes = ds.attrs["notes"]
    assert all(word in notes for word in words), notes


def test_atoms_that_symmetry_puts_on_each_other_are_not_used(tmp_path: Path) -> None:
    """In P 21/n the image of 0, 0, 0 is 1/2, 1/2, 1/2."""
    ds = tabulate(tmp_path, made_cif((5.64, 6.64, 7.64, 90, 95, 90), "P 21/n"))
    assert "its atoms are not used: Na1, Cl1" in ds.attrs["notes"] and ds.attrs["refinable"] == 0
    assert np.all(np.isnan(ds["structure_factor_squared"])) and "cell_mass" not in ds.attrs


def test_a_list_of_all_atoms_under_the_symbol_counts_each_once(tmp_path: Path) -> None:
    phase = read(tmp_path, made_cif(CUBIC, "F m -3 m", P1_ROCK_SALT))
    assert content(phase) == {"Na": 4, "Cl": 4} and len(phase.sites) == 2
    assert "Na1, Na2, Na3, Cl1, Cl2, Cl3: listed already, by symmetry" in phase.notes[0]


def test_a_centred_cell_without_symmetry_is_analysed_with_all_its_atoms(tmp_path: Path) -> None:
    phase = read(tmp_path, made_cif(CUBIC, "F 1"))
    assert content(phase) == {"Na": 4, "Cl": 4} and phase.group == "F m -3 m"


def test_a_cell_with_its_group_by_number(tmp_path: Path) -> None:
    table = tmp_path / "phases.yaml"
    triples = itertools.combinations_with_replacement(range(8), 3)
    primitive = sum(0 < h * h + k * k + m * m <= (5.64 / 0.8) ** 2 for h, k, m in triples)
    for group, lines in ((225, 19), ("F m -3 m", 19), ("Fm-3m (225)", 19), (221, primitive)):
        entry = {"source": "test", "cell": list(CUBIC), "space_group": group}
        table.write_text(yaml.safe_dump({"X": entry}), encoding="utf-8")
        ds = reflections.tabulate_reflections(table, ReflectionListing(), {"phase": "X"})
        assert ds.sizes["reflection"] == lines
    entry = {"source": "test", "cell": list(CUBIC), "space_group": 300}
    table.write_text(yaml.safe_dump({"X": entry}), encoding="utf-8")
    with pytest.raises(BadInput, match="300"):
        reflections.tabulate_reflections(table, ReflectionListing(), {"phase": "X"})


@pytest.mark.parametrize(
    ("entry", "word"),
    [({"colour": "red"}, "'colour'"), ({"atoms": "no"}, "atoms: no"), ({"source": ""}, "source")],
)
def test_an_entry_that_is_not_understood_is_refused(
    tmp_path: Path, entry: dict[str, object], word: str
) -> None:
    assert word in fault(tmp_path, made_cif(), **entry)


def mutate(text: bytes, rng: np.random.Generator) -> bytes:
    """A CIF with one of the faults that transfers and editors make."""
    place, end = np.sort(rng.integers(0, len(text), 2))
    lines = text.splitlines(keepends=True)
    match rng.integers(0, 6):
        case 0:
            return text[:place]
        case 1:
            return text[:place] + bytes([int(rng.integers(0, 256))]) + text[place + 1 :]
        case 2:
            return text[:place] + text[end:]
        case 3:
            first, second = rng.integers(0, len(lines), 2)
            lines[first], lines[second] = lines[second], lines[first]
            return b"".join(lines)
        case 4:
            number = rng.choice([b"1e999", b"nan", b"-1", b"1e-300", b"0", b"99999999", b"inf"])
            words = text.split(b" ")
            words[int(rng.integers(1, len(words)))] = bytes(number)
            return b" ".join(words)
        case _:
            return text.replace(b"0.5", bytes(rng.choice([b"?", b".", b"0,5", b"1/2", b"''"])), 1)


def test_a_damaged_cif_gives_a_phase_or_one_line(tmp_path: Path) -> None:
    operations = made_operations("x,y,z", "-x,-y,z", "-x,y,-z+1/2", "x,-y,-z+1/2")
    sound = [
        made_cif(),
        made_cif(CORUNDUM, "R -3 c", CORUNDUM_ATOMS, "_chemical_formula_sum 'Al2 O3'"),
        made_cif((5, 6, 7, 90, 90, 90), "", ROCK_SALT, operations),
        made_cif(PRIMITIVE, "P 1"),
    ]
    rng = np.random.default_rng(1)
    refused = 0
    for trial in range(240):
        try:
            tabulate(tmp_path, mutate(sound[trial % len(sound)].encode(), rng))
        except BadInput as caught:
            refused += 1
            assert "\n" not in str(caught)
    assert refused > 60


def test_the_whole_cell_as_formula_beside_z_is_what_pymatgen_writes(tmp_path: Path) -> None:
    lines = ("_chemical_formula_sum 'Na4 Cl4'", "_cell_formula_units_Z 4")
    assert tabulate(tmp_path, made_cif(CUBIC, "F m -3 m", ROCK_SALT, *lines)).attrs["notes"] == "[]"


def test_many_sites_are_told_in_short(tmp_path: Path) -> None:
    rows = [" ".join(row.split()[:6]) for row in P1_ROCK_SALT]
    notes = read(tmp_path, made_cif(CUBIC, "P 1", rows, columns=NO_U)).notes
    assert "Na0, Na1, Na2, Na3, Cl0, Cl1 and 2 more: no displacement" in notes[0]


def test_letters_beyond_ascii_without_quotes_do_no_harm(tmp_path: Path) -> None:
    cif = made_cif(CUBIC, "F m -3 m", ROCK_SALT, "_publ_contact_author M\u00fcller")
    assert content(read(tmp_path, cif)) == {"Na": 4, "Cl": 4}


def test_atoms_far_apart_are_told(tmp_path: Path) -> None:
    """Rock salt with an edge of 8 angstrom, and nothing in the CIF that contradicts it."""
    ds = tabulate(tmp_path, made_cif((8.0, 8.0, 8.0, 90, 90, 90)))
    assert "far apart (0.758 g/cm^3)" in ds.attrs["notes"]


def test_measured_reflections_in_a_cif_are_not_kept(tmp_path: Path) -> None:
    loop = "loop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n_refln_F_squared_meas"
    seconds = {}
    for count in (10_000, 100_000):
        lines = "\n".join(f"{i % 40} {i % 7} {i % 11} {i}.5" for i in range(count))
        start = time.process_time()
        assert content(read(tmp_path, f"{made_cif()}{loop}\n{lines}\n")) == {"Na": 4, "Cl": 4}
        seconds[count] = time.process_time() - start
    assert seconds[100_000] < 30 * seconds[10_000]  # in proportion, not with its square


@pytest.mark.parametrize(
    "kind", ["Fe2+", "Fe+2", "FE3+", "fe", "Fe2.67+", "Fe(2+)", "Fe 2+", "57Fe", "Fe0", "Fe1"]
)
def test_types_of_one_element(tmp_path: Path, kind: str) -> None:
    atoms = (f"M1 '{kind}' 0 0 0 1 0.01", "O1 O .5 .5 .5 1 0.01")
    assert content(read(tmp_path, made_cif(atoms=atoms))) == {"Fe": 4, "O": 4}


@pytest.mark.parametrize(
    ("label", "formula", "right"),
    [
        ("SiT1", "", "Si"),
        ("OA2", "", "O"),
        ("O1W", "", "O"),
        ("Li1", "", "Li"),
        ("C12", "", "C"),
        ("NA1", "'Na O'", "Na"),
        ("NA1", "'N O'", "N"),
        ("Ow1", "'Na O'", "O"),
        ("Co1", "'Co C O'", "Co"),
    ],
)
def test_elements_by_label_alone(tmp_path: Path, label: str, formula: str, right: str) -> None:
    atoms = (f"{label} . 0 0 0 1 0.01",)
    lines = (f"_chemical_formula_sum {formula}",) if formula else ()
    block = read_block(
        write_table(tmp_path, made_cif(CUBIC, "P 1", atoms, *lines)).parent / "x.cif", "", "X"
    )
    (site,) = read_site_list(block, np.array(CUBIC), read_claims(block).formula, 1.0).sites
    assert site.element == right


def test_nothing_is_told_of_a_complete_cif(tmp_path: Path) -> None:
    assert tabulate(tmp_path, made_cif()).attrs["notes"] == "[]"


def test_the_limit_on_reflections_is_an_option(tmp_path: Path) -> None:
    few = ReflectionListing(most_reflections=5)
    table = write_table(tmp_path, made_cif())
    with pytest.raises(BadInput, match=r"about 8 reflections.*most_reflections"):
        reflections.tabulate_reflections(table, few, {"phase": "X"})


def test_anisotropic_displacements_by_hand(tmp_path: Path) -> None:
    """On orthogonal axes B_eq is 8 pi^2 times the mean of the diagonal."""
    aniso = (
        "loop_\n_atom_site_aniso_label\n"
        + "".join(f"_atom_site_aniso_U_{ij}\n" for ij in ("11", "22", "33", "12", "13", "23"))
        + "Fe .01 .02 .06 0.01 0 0"
    )
    atoms = [" ".join(row.split()[:6]) for row in ("Fe Fe .28 .25 .97 1 0",)]
    cif = made_cif((10.3, 6.01, 4.7, 90, 90, 90), "P n m a", atoms, aniso, columns=NO_U)
    (site,) = read(tmp_path, cif).sites
    assert site.b_iso == pytest.approx(8 * np.pi**2 * 0.03)


def test_deuterium_scatters_as_hydrogen_and_weighs_twice(tmp_path: Path) -> None:
    heavy = tabulate(tmp_path, made_cif(atoms=("Li1 Li 0 0 0 1 .01", "D1 D .5 .5 .5 1 .02")))
    light = tabulate(tmp_path, made_cif(atoms=("Li1 Li 0 0 0 1 .01", "H1 H .5 .5 .5 1 .02")))
    np.testing.assert_array_equal(
        heavy["structure_factor_squared"].values, light["structure_factor_squared"].values
    )
    assert heavy.attrs["cell_mass"] - light.attrs["cell_mass"] == pytest.approx(4 * 1.006, abs=0.01)


def test_a_phase_is_described_in_one_line(tmp_path: Path) -> None:
    table = write_table(tmp_path, made_cif(CUBIC, "P 1", P1_ROCK_SALT))
    line = reflections.describe_phase(table, "X", ReflectionListing())
    assert "\n" not in line
    for word in ("X: F m -3 m (cubic)", "5.64", "Na4 Cl4", "2.16 g/cm^3", "spglib", "0.8 angstrom"):
        assert word in line, line


ROOT = Path(__file__).parent.parent.parent
OF_OURS = [
    (table, name)
    for table in (ROOT / "config/phases/phases.yaml", ROOT / "config/real/phases/phases.yaml")
    for name in yaml.safe_load(table.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("table", "name"), OF_OURS, ids=lambda x: getattr(x, "stem", x))
def test_a_phase_written_with_its_operations_comes_back(
    tmp_path: Path, table: Path, name: str
) -> None:
    """As `ssbchar.hexrd.export` writes it."""
    phase = reflections.read_phase(table, name, ReflectionListing())
    operations = [
        format_operation(*pair) for pair in zip(phase.rotations, phase.translations, strict=True)
    ]
    atoms = [
        f"{s.element}{i} {s.element} {' '.join(map(str, s.position))} {s.occupancy} {s.b_iso}"
        for i, s in enumerate(phase.sites)
    ]
    columns = (*NO_U, "B_iso_or_equiv")
    text = made_cif(phase.cell, phase.group, atoms, made_operations(*operations), columns=columns)
    got = tabulate(tmp_path, text)
    right = reflections.tabulate_reflections(table, ReflectionListing(), {"phase": name})
    np.testing.assert_array_equal(got["h"].values, right["h"].values)
    np.testing.assert_allclose(got["d"].values, right["d"].values, rtol=1e-12)
    # Positions such as 0.666667 stand for 2/3 by another of their images.
    np.testing.assert_allclose(
        got["structure_factor_squared"].values,
        right["structure_factor_squared"].values,
        rtol=2e-3,
    )
    without = ["the CIF lists no atoms: known by its cell alone"]
    assert json.loads(got.attrs["notes"]) == ([] if phase.sites else without)
