"""Text that users write is read in the encodings their programs save, else refused in one line."""

import os
from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import user_text

WORDS = "run: Größe 2 µm\nat: 25 °C\n"


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("latin-1", "Latin-1"),
        ("cp1252", "Latin-1"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_encoding_gives_the_same_text(codec: str, name: str, end: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(WORDS.replace("\n", end).encode(codec))
    read = user_text.read_user_text(file)
    assert (read.text, read.encoding) == (WORDS, name)
    assert bool(read.note) == (name == "Latin-1")
    if read.note:
        assert "'Größe'" in read.note and "Latin-1" in read.note


@pytest.mark.parametrize(
    "data",
    [
        "Образец: a\n".encode("cp1251"),
        "δείγμα: a\n".encode("iso8859-7"),
        "試料: a\n".encode("shift-jis"),
        "样品: a\n".encode("gbk"),
        "Größe: a\n".encode("mac-roman"),
        "b\udcff: é\n".encode("utf-8", "surrogateescape"),
    ],
)
def test_another_encoding_is_refused_with_the_line_and_the_remedy(
    data: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"first\n" + data)
    with pytest.raises(BadInput, match=r"a\.txt:2: neither UTF-8 nor.*Latin-1.*; save it as UTF-8"):
        user_text.read_user_text(file)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text\0" * 10, "zero bytes"),
        (b"\xff\xfea\0b", "begins as UTF-16 and is damaged"),
        (b"\xef\xbb\xbfa\xff", "begins as UTF-8 and is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, r"old office program \(.xls\)"),
        (b"%PDF-1.4\n", "is a PDF and no text"),
        (b"a\nb\x07c", r"a.txt:2: holds the control character U\+0007"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(data)
    with pytest.raises(BadInput, match=said):
        user_text.read_user_text(file)


def test_only_regular_files_of_sane_size_are_opened(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        user_text.read_user_text(tmp_path / "none")
    with pytest.raises(BadInput, match="is no file"):
        user_text.read_user_text(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="is no file"):
        user_text.read_user_text(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(user_text.MOST_BYTES + 1)
    with pytest.raises(BadInput, match="no text that somebody wrote"):
        user_text.read_user_text(tmp_path / "large")
