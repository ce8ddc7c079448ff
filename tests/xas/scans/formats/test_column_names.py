"""What columns are, by their names as programs write them, and where in a header these stand."""

import pytest

from ssbchar.xas.scans.formats import column_names as names


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("Energy (eV)", "energy"),
        ("ENERGY", "energy"),
        ("mono_energy", "mono energy"),
        ("I0 [A]", "i0"),
        ("It-32", "it"),
        ("It-3", "it"),
        ("i0_c12", "i0"),
        ("I0_EH1", "i0"),
        ("It.xmap", "it"),
        ("I0 gain", "i0 gain"),
        ("i0_offset", "i0_offset"),
        ("* i0 #", "i0"),
        ("angle(o)", "angle(o)"),
        ("temperature_1", "temperature_1"),
        ("e", "e"),
        ("mu(E)", "mu(e)"),
    ],
)
def test_names_without_units_and_numbers(name: str, right: str) -> None:
    assert names.simplify_name(name) == right


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("AlKa_sum", ("Al", "K")),
        ("Fe Ka", ("Fe", "K")),
        ("Pt_La1", ("Pt", "L")),
        ("Fe-Kalpha", ("Fe", "K")),
        ("FeKb2.mca", ("Fe", "K")),
        ("Fe Ka dead", None),
        ("Fe Ka_gain", None),
        ("FeKa bkg", None),
        ("Xx Ka", None),
        ("feka", None),
        ("FeKc", None),
        ("Fe", None),
    ],
)
def test_emission_lines(name: str, line: tuple[str, str] | None) -> None:
    assert names.parse_emission_line(name) == line


@pytest.mark.parametrize(
    ("head", "right"),
    [
        (["energy i0 it"], ["energy", "i0", "it"]),
        (["Mono Energy\tI0\tIt"], ["Mono Energy", "I0", "It"]),
        (["energy, i0, it"], ["energy", "i0", "it"]),
        (["energy;i0;it"], ["energy", "i0", "it"]),
        (['"energy" "i0" "it 2"'], ["energy", "i0", "it 2"]),
        (["energy (eV) i0 (A) it (A)"], ["energy (eV)", "i0 (A)", "it (A)"]),
        (["$(energy) $(i0) $(it)"], ["energy", "i0", "it"]),
        (["1_Energy (keV) 2_i0 3_it"], ["Energy (keV)", "i0", "it"]),
        (["energy", "i0", "it"], ["energy", "i0", "it"]),
        # the line whose names are best known; of equals the last
        (["energy i0 it", "a short sentence"], ["energy", "i0", "it"]),
        (["energy i0 it", "energy monitor i1"], ["energy", "monitor", "i1"]),
        (["7000 1 2"], ["column 1", "column 2", "column 3"]),
        ([], ["column 1", "column 2", "column 3"]),
        (["energy i0"], ["column 1", "column 2", "column 3"]),
        (["energy it it"], ["energy", "it", "it (3)"]),
        # short names and what they stand for
        (["D1 = {energy}", "D2 = {I0}", "D3 = {It}", "D1 D2 D3"], ["energy", "I0", "It"]),
    ],
)
def test_the_line_that_names_the_columns(head: list[str], right: list[str]) -> None:
    assert names.find_column_names({}, head, 3) == right


def test_columns_that_xdi_names_come_first() -> None:
    header = {"column.1": "energy eV", "column.2": "i0", "column.3": "it"}
    assert names.find_column_names(header, ["a b c"], 3) == ["energy", "i0", "it"]
    del header["column.2"]
    assert names.find_column_names(header, ["a b c"], 3) == ["a", "b", "c"]


def test_names_in_fields_of_one_width() -> None:
    line = f"{'energy':<10}{'i0':<10}{'it':<10}"
    fields = names._split_fixed_width(line, 3)
    assert [field.strip() for field in fields] == ["energy", "i0", "it"]
    # names as long as their field, most of them ended by a blank and two of them known
    long = f"{'mono energy':<11}{'i0':<11}{'it':<11}"
    assert [field.strip() for field in names._split_fixed_width(long, 3)] == [
        "mono energy",
        "i0",
        "it",
    ]
    assert names._split_fixed_width("ab", 3) == []


def test_how_many_quantities_names_stand_for() -> None:
    assert names.count_known(["energy", "e", "i0", "x9"]) == 2
    assert names.make_distinct(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (4)"]


def test_names_have_four_words_at_most_in_lines_of_their_own() -> None:
    good = ["one two three four", "i0", "it"]
    assert names._find_names_line_by_line(good, 3) == good
    assert names._find_names_line_by_line(["a b c d e", "i0", "it"], 3) == []
    assert names._find_names_line_by_line(["a: b", "i0", "it"], 3) == []
    assert names._find_names_line_by_line(["5.0", "i0", "it"], 3) == []
    assert names._find_names_line_by_line(["head", *good, ""], 3) == good
    assert names._find_names_line_by_line(["i0", "it"], 3) == []
