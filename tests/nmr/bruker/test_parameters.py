"""Values of Bruker's parameter files, as nmrglue reads them."""

from pathlib import Path

from nmrglue.fileio.bruker import read_jcamp

from ssbchar.nmr.bruker.files import read_parameters

TEXT = """##TITLE= Parameter file
##$BF1= 77.778117
$$ 2022-03-01 a remark
##$D= (0..3)
0 30 1e-05
2.5
##$NAME= <a
b = c>
##$NS= 64
##$OK= yes
##$OFF= no
##$PULPROG= <hahnecho>
##$PLW= (0..1)0 200
##$TYPE= text
##END=
"""


def test_values_are_those_of_nmrglue(tmp_path: Path) -> None:
    path = tmp_path / "acqus"
    path.write_text(TEXT, encoding="latin-1")
    theirs = {
        k: v for k, v in read_jcamp(str(path), encoding="latin-1").items() if not k.startswith("_")
    }
    ours = read_parameters(path, path)
    assert dict(ours) == theirs
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in theirs.items()}
    assert "D" in ours and "X" not in ours and ours.get("X", 3) == 3


def test_lines_end_as_on_any_system(tmp_path: Path) -> None:
    path = tmp_path / "acqus"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode("latin-1"))
    assert read_parameters(path, path)["D"] == [0, 30, 1e-5, 2.5]
