"""Entries of the phases file: names are text, faults one line."""

from pathlib import Path

import pytest

from ssbchar.crystal.phases_file import find_cif, read_entries
from ssbchar.errors import BadInput


def test_names_are_text_and_values_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("2: {cell: [1, 2e0, 3]}\nNo: {cif: a/b.cif}\n")
    assert read_entries(file) == {"2": {"cell": [1, 2.0, 3]}, "No": {"cif": "a/b.cif"}}
    assert find_cif(file, {"cif": "a/b.cif"}) == tmp_path / "a/b.cif"
    assert find_cif(file, {"cif": "/x/b.cif"}) == Path("/x/b.cif")
    assert find_cif(file, {"cell": []}) is None and find_cif(file, "a.cif") is None
    file.write_text("# none yet\n")
    assert read_entries(file) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A: {}\nB: {}\nA: {}\n", "p.yaml:3: 'A' is given twice, in lines 1 and 3"),
        ("A: {cif: a, cell: [1], cif: b}\n", "'cif' is given twice"),
        ("- A\n- B\n", "holds no phases"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        read_entries(tmp_path / "p.yaml")
    assert said in str(caught.value)
