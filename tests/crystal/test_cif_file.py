"""The text of CIFs: encodings, blocks, numbers and tags."""

from pathlib import Path

import pytest

from ssbchar.crystal import cif_file
from ssbchar.crystal.cif_file import CifBlock, decode_cif, read_block
from ssbchar.errors import BadInput

WHERE = Path("x.cif")
CELL = "\n".join(f"{tag} 5" for tag in cif_file.CELL_TAGS) + "\n"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("5.6402(3)", 5.6402),
        ("-1e-3", -1e-3),
        (".5", 0.5),
        ("5.", 5.0),
        (" 7 ", 7.0),
        ("1/3", 1 / 3),
        ("-2/4", -0.5),
        ("1/0", None),
        ("0,5", None),
        ("5 6", None),
        ("x", None),
        ("5.6(3) A", None),
    ],
)
def test_numbers(text: str, right: float | None) -> None:
    block = CifBlock(path=WHERE, name="x", values={})
    if right is None:
        with pytest.raises(BadInput, match=r"length '.*' is no number") as caught:
            block.parse_number(text, "length")
        assert ("with a point" in str(caught.value)) == ("," in text)
    else:
        assert block.parse_number(text, "length") == pytest.approx(right)


def test_the_first_tag_that_states_a_value() -> None:
    values = {"_a": [None, None], "_b": [None, "2"], "_c": ["3"]}
    block = CifBlock(path=WHERE, name="x", values=values)
    assert block.read_column("_A", "_B", "_C") == [None, "2"]
    assert block.read_text("_A", "_B") == "2" and block.read_number("_C") == 3.0
    assert block.read_column("_a", "_d") is None and block.read_number("_d") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    assert decode_cif("data_x\r\n_a 1\r".encode(encoding), WHERE) == "data_x\n_a 1\n"


def test_signs_that_look_alike_and_binary_files() -> None:
    text = "\u2212\u2013\u00a0\u2009\u2019\x1a"
    assert decode_cif(text.encode(), WHERE) == "--  '\n"
    assert decode_cif("M\u00fcller".encode("latin-1"), WHERE) == "M\u00fcller"
    with pytest.raises(BadInput, match="binary"):
        decode_cif(b"\x89HDF\0\0", WHERE)


def written(folder: Path, text: str) -> Path:
    path = folder / "x.cif"
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_by_name_and_by_their_cell(tmp_path: Path) -> None:
    path = written(tmp_path, f"data_one\n{CELL}data_two\n_cell_measurement_note x\ndata_three\n")
    assert read_block(path, "", "X").name == "one"
    assert read_block(path, "data_TWO", "X").name == "two"
    with pytest.raises(BadInput, match=r"has no block 'four'.*one, two, three"):
        read_block(path, "four", "X")
    path = written(tmp_path, "".join(f"data_{n}\n{CELL}" for n in range(14)))
    with pytest.raises(BadInput, match=r"has 14 blocks with a cell.*10, 11 and 2 more"):
        read_block(path, "", "X")
    path = written(tmp_path, "".join(f"data_{n}\n{CELL}" for n in range(12)))
    with pytest.raises(BadInput, match=r"has 12 blocks with a cell.*10, 11$"):
        read_block(path, "", "X")
    with pytest.raises(BadInput, match="the CIF has no cell"):
        read_block(written(tmp_path, "data_one\n_cell_length_a ?\n"), "", "X")


def test_loops_and_tags_that_describe_a_phase(tmp_path: Path) -> None:
    text = (
        f"data_x\n{CELL}_Journal.Name y\nloop_\n_atom_site.label\n_atom_site.fract_x\n"
        "A 0.1\nB ?\nC .\nloop_\n_refln_index_h\n1\n2\n"
    )
    values = read_block(written(tmp_path, text), "", "X").values
    assert values["_atom_site_label"] == ["A", "B", "C"]
    assert values["_atom_site_fract_x"] == ["0.1", None, None]
    assert "_refln_index_h" not in values and "_journal_name" not in values


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="does not exist or is no file"):
        read_block(tmp_path, "", "X")
    path = written(tmp_path, f"data_x\n{CELL}")
    monkeypatch.setattr(cif_file, "MOST_BYTES", path.stat().st_size)
    assert read_block(path, "", "X").name == "x"
    monkeypatch.setattr(cif_file, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(BadInput, match="is no CIF of a phase"):
        read_block(path, "", "X")


def test_a_fault_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"x\.cif, line 3"):
        read_block(written(tmp_path, "data_x\n_cell_length_a 5\nhello x\n"), "", "X")
