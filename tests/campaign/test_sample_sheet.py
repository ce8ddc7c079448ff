"""The sample sheet: rows as given, and one clear line per fault with its place and remedy."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ssbchar.campaign import sample_sheet

HEADER = "measurement\tsample\ttechnique\trole\tpath\treference\n"
ROLES = {
    "hexrd": {"heating": "a ramp"},
    "xas": {"foil": "a foil"},
    "nmr": {"spectrum": "an echo", "decay": "a series"},
}


def read(folder: Path, sheet: str) -> tuple[list[sample_sheet.Row], list[str]]:
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "samples.tsv").write_text(sheet, encoding="utf-8")
    found = sample_sheet.read_sheet(folder / "samples.tsv", ROLES)
    return found.rows, found.all_faults


def faults_of(folder: Path, sheet: str) -> list[str]:
    return read(folder, sheet)[1]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a\tS\tnmr\tspectrum\t{raw}/none\t", "does not exist"),
        ("a\tS\tesr\tspectrum\t{raw}\t", "technique 'esr' is unknown; use hexrd, xas, nmr"),
        ("a\tS\tnmr\tspectra\t{raw}\t", "role 'spectra' is not known for nmr"),
        ("a\tS\tnmr\tspectrum\t{raw}\tli", "reference 'li' is no measurement"),
        ("a\tS\tnmr\tspectrum\t{raw}\ta", "names the row itself"),
        (
            "a\tS\tnmr\tspectrum\t{raw}\t\nb\tS\tnmr\tspectrum\t{raw}\t\na\tS\tnmr\tspectrum\t{raw}\t",
            "already in line 2",
        ),
        ("a\t\tnmr\tspectrum\t{raw}\t", "'sample' is empty"),
        ("a b\tS\tnmr\tspectrum\t{raw}\t", "no file name"),
        ("a\tS\tnmr\tspectrum\t{raw}\t\tx\ty", "cells for"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    faults = faults_of(tmp_path, HEADER + row.format(raw=tmp_path / "raw") + "\n")
    assert len(faults) == 1
    assert said in faults[0]
    assert f"{tmp_path}/samples.tsv:" in faults[0]


def line(folder: Path, name: str = "a", *more: str) -> str:
    return "\t".join([name, "S", "nmr", "spectrum", f"{folder}/raw", *more]) + "\n"


def test_a_row_as_given(tmp_path: Path) -> None:
    sheet = f"# who\n\n{HEADER}# what\n{line(tmp_path, 'a', 'li')}{line(tmp_path, 'li')}"
    rows, faults = read(tmp_path, sheet)
    assert not faults
    assert rows[0] == sample_sheet.Row(
        measurement="a",
        sample="S",
        technique="nmr",
        role="spectrum",
        path=f"{tmp_path}/raw",
        reference="li",
        line=5,
    )
    assert (rows[1].measurement, rows[1].reference, rows[1].line) == ("li", "", 6)


def test_spaces_around_cells_and_a_mark_at_the_begin_are_left_out(tmp_path: Path) -> None:
    header = "\ufeff" + HEADER.replace("sample", " sample ")
    rows, faults = read(tmp_path, f"{header}a\t S \tnmr\tspectrum\t{tmp_path}/raw\n")
    assert not faults and rows[0].sample == "S"


def test_the_columns() -> None:
    assert sample_sheet.REQUIRED_COLUMNS == ("measurement", "sample", "technique", "role", "path")
    assert sample_sheet.PLAIN_COLUMNS[5:] == (
        "log",
        "phases",
        "calibrant",
        "compare_to",
        "reference",
    )
    assert set(sample_sheet.LINK_COLUMNS) < set(sample_sheet.PLAIN_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Inner:
    er: bool = False


@dataclass(frozen=True, kw_only=True)
class Fit:
    range: tuple[float, float] = (0.0, 1.0)
    deep: Inner = field(default_factory=Inner)


@dataclass(frozen=True, kw_only=True)
class Read:
    nucleus: str = ""
    groups: tuple[str, ...] = ()
    width: float | None = None
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Options:
    read: Read = field(default_factory=Read)
    fit: Fit = field(default_factory=Fit)


def read_typed(folder: Path, sheet: str) -> sample_sheet.SampleSheet:
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "samples.tsv").write_text(sheet, encoding="utf-8")
    return sample_sheet.read_sheet(folder / "samples.tsv", ROLES, kinds={"nmr": Options})


def test_a_column_of_an_option_is_read_as_the_type_of_the_option(tmp_path: Path) -> None:
    header = HEADER.replace("reference", "read.nucleus\tfit.range\tfit.deep.er\tread.width")
    sheet = header + line(tmp_path, "a", "6Li", "[1, 2.5]", "true", "1e-3")
    sheet += line(tmp_path, "b", "", "3, 4", "", "none")
    found = read_typed(tmp_path, sheet)
    assert not found.all_faults
    assert found.rows[0].options == {
        "read": {"nucleus": "6Li", "width": 1e-3},
        "fit": {"range": [1.0, 2.5], "deep": {"er": True}},
    }
    assert found.rows[1].options == {"fit": {"range": [3.0, 4.0]}, "read": {"width": None}}, (
        "an empty cell is no departure"
    )


@pytest.mark.parametrize(
    "name", ["*", "*_If", "2", "No", "#3", "&a", "null", "1e-3", "0x1", "~", "[a]"]
)
def test_names_in_cells_are_names(name: str, tmp_path: Path) -> None:
    header = HEADER.replace("reference", "read.nucleus\tread.groups")
    found = read_typed(tmp_path, header + line(tmp_path, "a", name, f"{name}, x"))
    assert not found.all_faults
    assert found.rows[0].options["read"] == {"nucleus": name, "groups": [name, "x"]}


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("read.width", "0,24117", "needs a number (given: '0,24117'); write a decimal point"),
        ("read.width", "wide", "needs a number"),
        ("read.count", "2.5", "needs a whole number"),
        ("read.count", "1e999", "needs a whole number"),
        ("fit.deep.er", "2", "needs yes or no"),
        ("fit.range", "1, 2, 3", "needs 2 values"),
        ("fit.range", "[1, 2", "not closed"),
        ("read.groups", "a,,b", "empty value"),
        ("fit.deep", "1", "needs an option of its own behind it: er"),
    ],
)
def test_a_cell_that_is_no_value_of_its_option_is_one_line(
    column: str, cell: str, said: str, tmp_path: Path
) -> None:
    found = read_typed(tmp_path, HEADER.replace("reference", column) + line(tmp_path, "a", cell))
    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"{tmp_path}/samples.tsv:2.{column}: ")
    assert said in found.faults[0]


def test_a_decimal_comma_is_a_number_between_semicolons_alone(tmp_path: Path) -> None:
    text = (
        f"measurement;sample;technique;role;path;read.width\na;S;nmr;spectrum;{tmp_path}/raw;0,24\n"
    )
    found = read_typed(tmp_path, text)
    assert not found.all_faults
    assert found.rows[0].options == {"read": {"width": 0.24}}


@pytest.mark.parametrize(
    "name", ["..", ".", "../../x", "/etc", "a" * 101, "CON", "nul.txt", "a.", "a\\b"]
)
def test_a_name_that_would_leave_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, HEADER + line(tmp_path, name))
    assert len(faults) == 1 and "measurement" in faults[0]
    if name != "a\\b":
        row = f"a\t{name}\tnmr\tspectrum\t{tmp_path}/raw\n"
        faults = faults_of(tmp_path, HEADER + row)
        assert len(faults) == 1 and "sample" in faults[0]


def test_a_sample_may_be_any_words(tmp_path: Path) -> None:
    for sample in ("LAGP+LFP (images)", "Li/Si 1:1", "Größe 2 µm", "Li1Si 0 MPa"):
        assert not faults_of(tmp_path, f"{HEADER}a\t{sample}\tnmr\tspectrum\t{tmp_path}/raw\n")


def test_paths_take_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path))
    header = HEADER.replace("reference", "log")
    row = "a\tS\tnmr\tspectrum\t${WHERE:-nowhere}/raw\t${WHERE}/raw\n"
    rows, faults = read(tmp_path, header + row)
    assert not faults
    assert rows[0].path == rows[0].log == f"{tmp_path}/raw"


@pytest.mark.parametrize(
    ("cell", "names"),
    [("", []), ("a", ["a"]), ("a, b ,c", ["a", "b", "c"]), (" , a,,", ["a"])],
)
def test_names_are_separated_by_commas(cell: str, names: list[str]) -> None:
    assert sample_sheet.split_names(cell) == names


def test_a_sheet_that_is_missing_or_empty_is_one_fault(tmp_path: Path) -> None:
    found = sample_sheet.read_sheet(tmp_path / "none.tsv", ROLES)
    assert not found.rows and found.faults == [
        f"{tmp_path}/none.tsv: the sample sheet does not exist; set 'samples' in the config"
    ]
    for text in ("", "# only a comment\n\n"):
        rows, faults = read(tmp_path, text)
        assert not rows and len(faults) == 1 and "is empty; give one row" in faults[0]
    assert read(tmp_path, HEADER) == ([], [])


def test_faults_of_the_header_come_alone(tmp_path: Path) -> None:
    header = "# x\nmeasurement\tsampel\ttechnique\trole\tpath\tlog\tlog\n"
    rows, faults = read(tmp_path, header + "a b\tS\n")
    place = f"{tmp_path}/samples.tsv:2"
    assert not rows
    assert faults == [
        f"{place}: column 'sampel' is unknown; did you mean 'sample'?",
        f"{place}: column 'sample' is missing; add it",
        f"{place}: column 'log' stands twice; keep one",
    ]


def test_as_many_cells_as_columns_are_enough(tmp_path: Path) -> None:
    assert not faults_of(tmp_path, HEADER + line(tmp_path, "a", ""))
    rows, faults = read(tmp_path, HEADER + line(tmp_path, "a", "", "") + line(tmp_path, "b"))
    assert faults == [
        f"{tmp_path}/samples.tsv:2: 7 cells for 6 columns; columns are separated by one tab"
    ]
    assert [row.measurement for row in rows] == ["b"]


def test_every_required_cell_that_is_empty_is_named(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, HEADER + "a\t\tnmr\tspectrum\t\n")
    place = f"{tmp_path}/samples.tsv:2"
    assert faults == [f"{place}: 'sample' is empty; fill it", f"{place}: 'path' is empty; fill it"]


@pytest.mark.parametrize(
    ("name", "good"),
    [("a-1_b.c+d", True), ("Li15Si4", True), ("a/b", False), ("a b", False), ("a:b", False)],
)
def test_a_measurement_is_named_as_a_file(name: str, good: bool, tmp_path: Path) -> None:
    assert bool(faults_of(tmp_path, HEADER + line(tmp_path, name))) != good


def test_only_the_later_of_two_rows_of_one_name_is_at_fault(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, HEADER + line(tmp_path) + line(tmp_path, "b") + line(tmp_path))
    assert faults == [
        f"{tmp_path}/samples.tsv:4: measurement 'a' stands already in line 2; rename one"
    ]


def test_a_glob_need_not_exist_yet_and_a_path_must(tmp_path: Path) -> None:
    header = HEADER.replace("reference", "log")
    for pattern in ("none*", "none?", "none[12]"):
        row = f"a\tS\tnmr\tspectrum\t{tmp_path}/{pattern}\t{tmp_path}/{pattern}\n"
        assert not faults_of(tmp_path, header + row)
    faults = faults_of(tmp_path, header + line(tmp_path, "a", f"{tmp_path}/no.log"))
    assert len(faults) == 1 and f"log '{tmp_path}/no.log' does not exist" in faults[0]


@pytest.mark.parametrize("column", sample_sheet.LINK_COLUMNS)
def test_every_link_names_another_row(column: str, tmp_path: Path) -> None:
    header = HEADER.replace("reference", column)
    good = line(tmp_path, "a", "b, c") + line(tmp_path, "b") + line(tmp_path, "c")
    assert not faults_of(tmp_path, header + good)
    place = f"{tmp_path}/samples.tsv:2"
    assert faults_of(tmp_path, header + line(tmp_path, "a", "d,a")) == [
        f"{place}: {column} 'd' is no measurement of this sheet; add its row or correct it",
        f"{place}: {column} names the row itself; name another measurement",
    ]


def test_folders_and_globs_without_files_are_told_where_looked_for(tmp_path: Path) -> None:
    (tmp_path / "empty/.hidden").mkdir(parents=True)
    (tmp_path / "full/deep").mkdir(parents=True)
    (tmp_path / "full/deep/a.dat").write_text("x")
    (tmp_path / "a[1].dat").write_text("x")
    paths = (
        "empty",
        "none*",
        "empty/*",
        "full",
        "full/*/a.*",
        "full/**/*.dat",
        "a[1].dat",
        "full/*",
    )
    rows = [f"m{i}\tS\tnmr\tspectrum\t{tmp_path}/{path}\n" for i, path in enumerate(paths)]
    (tmp_path / "samples.tsv").write_text(HEADER + "".join(rows))
    found = sample_sheet.read_sheet(tmp_path / "samples.tsv", ROLES, look=True)
    assert found.faults == []
    assert list(found.row_faults) == ["m0", "m1", "m2", "m7"]
    said = [str(faults[0]) for faults in found.row_faults.values()]
    assert f"path '{tmp_path}/empty' is a folder without files; check it" in said[0]
    assert f"path '{tmp_path}/none*' is a glob without files; check it" in said[1]


def test_a_log_is_one_file(tmp_path: Path) -> None:
    header = HEADER.replace("reference", "log")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    for log in (tmp_path, f"{tmp_path}/*.log", tmp_path / "pipe"):
        (tmp_path / "samples.tsv").write_text(header + line(tmp_path, "a", str(log)))
        found = sample_sheet.read_sheet(tmp_path / "samples.tsv", ROLES, look=True)
        assert len(found.all_faults) == 1
        assert f"log '{log}' is no file; name one" in found.all_faults[0]


def test_hidden_characters_are_named_and_odd_spaces_are_spaces(tmp_path: Path) -> None:
    row = f"a\tS\u00a02\u202fmm\tnmr\tspectrum\t{tmp_path}/raw\n"
    rows, faults = read(tmp_path, HEADER + row)
    assert not faults and rows[0].sample == "S 2 mm"
    faults = faults_of(tmp_path, HEADER + row.replace("S", "S\u200b"))
    assert f"{tmp_path}/samples.tsv:2: 'sample' holds the hidden character U+200B" in faults[0]
