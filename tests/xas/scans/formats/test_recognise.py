"""Files as named columns: what each format gives, and one line for each that cannot be read."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats import athena, column_names, column_text, recognise

PLACE = Path("a.dat")


def columns(text: str) -> dict[str, list[float]]:
    found = column_text.parse_column_text(PLACE, text)
    return {name: values.tolist() for name, values in found.columns.items()}


@pytest.mark.parametrize("mark", ["#", "%", "!", "# ", "  #"])
def test_names_stand_in_the_last_header_line_that_fits(mark: str) -> None:
    text = f"{mark}first line of prose here\n{mark}energy mu\n1 2\n3 4\n"
    assert columns(text) == {"energy": [1, 3], "mu": [2, 4]}


@pytest.mark.parametrize("row", ["1,2", "1;2", "1\t2", " 1   2 ", "1.0e0, 2"])
def test_numbers_are_split_at_blanks_commas_and_semicolons(row: str) -> None:
    assert columns(f"# e mu\n{row}\n{row}\n") == {"e": [1, 1], "mu": [2, 2]}


def test_nameless_columns_are_numbered() -> None:
    assert list(columns("1 2 3\n4 5 6\n")) == ["column 1", "column 2", "column 3"]
    assert list(columns("# 7 8\n1 2\n3 4\n")) == ["column 1", "column 2"], "numbers are no names"


def test_names_of_xdi_fields_come_first() -> None:
    head = "# Column.1: energy eV\n# Column.2: i0\n# a b\n"
    assert list(columns(f"{head}1 2\n3 4\n")) == ["energy", "i0"]
    partly = "# Column.1: energy eV\n# a b\n"
    assert list(columns(f"{partly}1 2\n3 4\n")) == ["a", "b"]


def test_names_with_blanks() -> None:
    assert list(columns("# mono energy  ring current\n1 2\n3 4\n")) == [
        "mono energy",
        "ring current",
    ]
    assert list(columns("# mono energy\tring\n1 2\n3 4\n")) == ["mono energy", "ring"]


def test_fields_of_equal_width() -> None:
    names = ["Mono Energy", "preset time", "I0 of beam"]
    line = "".join(f"{name:12s}" for name in names)
    split = column_names._split_fixed_width
    assert [n.strip() for n in split(line, 3)] == names
    assert split("Mono Energypreset times I0 of beam ", 3) == []
    six = "a b   c d   e f"
    assert [n.strip() for n in split(six, 3)] == ["a b", "c d", "e f"]
    wide = "".join(f"{name:40s}" for name in names)
    assert [n.strip() for n in split(wide, 3)] == names


def test_a_name_that_stands_twice_gets_its_place() -> None:
    assert list(columns("# e mu mu\n1 2 3\n4 5 6\n")) == ["e", "mu", "mu (3)"]


def test_header_fields_have_lower_case_keys() -> None:
    found = column_text.parse_column_text(PLACE, "# Element.symbol: Fe\n# e mu\n1 2\n3 4\n")
    assert found.header == {"element.symbol": "Fe"}
    assert found.text == "Element.symbol: Fe\ne mu"
    assert found.where == "a.dat"


def test_comments_and_blank_lines_among_the_rows_are_skipped() -> None:
    assert columns("# e mu\n1 2\n# pause: here\n\n3 4\n") == {"e": [1, 3], "mu": [2, 4]}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# e mu\n1 2\n3\n", "a.dat:3: 1 columns where 2 were before"),
        ("# e mu\n1 2\nend\n3 4\n", "a.dat:3: no row of numbers"),
        ("# e mu\n1 2\n", "a.dat: no columns of numbers"),
        ("# e\n1\n2\n", "a.dat: no columns of numbers"),
        ("prose\n", "a.dat: no columns of numbers"),
    ],
)
def test_bad_text_is_refused_with_its_line(text: str, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        column_text.parse_column_text(PLACE, text)
    assert str(caught.value).startswith(line)


PROJECT = r"""# Athena project file -- version 0.9
$old_group = 'a';
@args = ('label','first \'one\'','bkg_eshift','-1.5','BKG_Z','Fe');
@x = ('1','2.5');
@y = (3,4);
@i0 = ('5','x');
$old_group = 'b';
@args = ('label','second');
@x = ('1','2');
[record]
"""


def test_groups_of_a_project_with_data_are_scans() -> None:
    (one,) = athena.parse_athena(Path("p.prj"), PROJECT)
    assert one.where == "p.prj[first 'one']"
    assert one.columns["x"].tolist() == [1, 2.5] and one.columns["y"].tolist() == [3, 4]
    assert "i0" not in one.columns, "no numbers"
    assert one.header["bkg_eshift"] == "-1.5" and one.header["bkg_z"] == "Fe"
    assert one.text == "first 'one'"
    with pytest.raises(BadInput, match="no group with data"):
        athena.parse_athena(Path("p.prj"), PROJECT.replace("@y", "@z"))


def test_a_project_is_known_by_its_first_words_or_its_groups(tmp_path: Path) -> None:
    for text in (PROJECT, "\n" + PROJECT.split("\n", 1)[1]):
        (tmp_path / "p").write_text(text)
        assert recognise.read_raw_scans(tmp_path / "p")[0].columns["x"].tolist() == [1, 2.5]


def test_hdf5_columns_are_arrays_of_one_or_two_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "a.NXS"
    with h5py.File(path, "w") as file:
        file["entry/energy"] = np.arange(3.0)
        file["entry/other/energy"] = np.arange(4)
        file["entry/stack"] = np.ones((1, 3))
        file["entry/single"] = np.ones(1)
        file["entry/scalar"] = 2.0
        file["entry/cube"] = np.ones((2, 2, 2))
        file["entry/empty"] = np.ones((0, 3))
        file["entry/title"] = "synthetic run"
        file["entry/names"] = np.array(["mode: a", "mode: b"], dtype=h5py.string_dtype())
        file["entry/pair"] = np.ones(2)
        file["entry"].attrs["Element.symbol"] = "Fe"
        file.attrs["creator"] = "me"
        file["entry/energy"].attrs["units"] = "keV"
    (one,) = recognise.read_raw_scans(path)
    twice = {"stack", "entry/stack", "pair", "entry/pair"}
    assert set(one.columns) == {"entry/energy", "entry/other/energy", *twice}
    assert "scalar" not in one.header and "names" not in one.header
    assert one.columns["stack"].dtype == float
    assert one.header["element.symbol"] == "Fe" and one.header["creator"] == "me"
    assert one.header["title"] == "synthetic run" and one.header["units"] == "keV"


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("no hdf5")
    with pytest.raises(BadInput, match="no readable HDF5 file"):
        recognise.read_raw_scans(tmp_path / "a.h5")
    (tmp_path / "b.dat").write_text("")
    with pytest.raises(BadInput, match="the file is empty"):
        recognise.read_raw_scans(tmp_path / "b.dat")


@pytest.mark.parametrize("cut", ["@i0 = ('5','x", "@y = (3,", "@args = ('label','sec"])
def test_a_project_that_is_cut_is_refused(cut: str) -> None:
    text = PROJECT[: PROJECT.index(cut) + len(cut)]
    with pytest.raises(BadInput, match="has no end: the project is cut"):
        athena.parse_athena(Path("p.prj"), text)
