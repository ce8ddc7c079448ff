"""Text that a user wrote: config, sample sheet, phases file, in whatever encoding their program
saved it."""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ssbchar.errors import BadInput

MOST_BYTES = 20_000_000
"""Size above which a file is no text that somebody wrote [byte]."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""Marks at the begin of a file, the codec and its name; a mark of UTF-32 begins with one of
UTF-16."""
OTHERS = {
    b"\xd0\xcf\x11\xe0": "a file of an old office program (.xls)",
    b"PK\x03\x04": "a zip, or a file of an office program",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed",
}
"""What begins as files that are taken for text, and what they are."""
ZEROS_OF_UTF16 = 0.3
"""Share [1] of zeros among every second byte from which a text is taken as UTF-16: each letter,
digit and separator has one."""
WESTERN = re.compile(r"[\n\t -~\u00a0°±²³µ·¹À-ÿ]*")
"""What a Latin-1 text in a western language holds. Windows-1252 has more between 0x80 and 0x9f,
where the letters of Mac OS Roman lie."""
FOREIGN_RUN = re.compile(r"[À-ÿ]{3}")
"""Three accented letters in a row: no western word has them, every Cyrillic or Greek one in its own
8-bit encoding does."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UTF8 = "save it as UTF-8"


@dataclass(frozen=True, kw_only=True)
class UserText:
    """The decoded text of a file."""

    text: str
    """Lines end in a line feed, however the file ends them."""
    encoding: str
    """``UTF-8``, ``UTF-16``, ``UTF-32`` or ``Latin-1``."""
    note: str = ""
    """What was assumed about the encoding; empty if the file leaves no doubt."""


def read_user_text(path: Path | str) -> UserText:
    """Return the text of a file in UTF-8 (with a byte order mark or without), UTF-16, UTF-32 or
    Latin-1.

    Latin-1 is assumed only of a text that reads as one in a western language; the words that rest
    on it stand in the note.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    UserText

    Raises
    ------
    BadInput
        No regular file, larger than 20 MB, in another encoding, or no text.
    """
    path = Path(path)
    data = _read_bytes(path)
    for begin, kind in OTHERS.items():
        if data.startswith(begin):
            raise BadInput(path, f"is {kind} and no text", "save it as text, or a sheet as .xlsx")
    for mark, codec, name in MARKS:
        if data.startswith(mark):
            return _make_text(path, _decode(path, data, codec, name), name)
    if b"\0" in data:
        return _make_text(path, _decode_wide(path, data), "UTF-16")
    try:
        return _make_text(path, data.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError as error:
        return _decode_western(path, data, error)


def _read_bytes(path: Path) -> bytes:
    # os.path says False for a name that no file system can hold, where Path raises.
    if not os.path.isfile(path):
        problem = "is no file" if os.path.exists(path) else "does not exist"
        raise BadInput(path, problem, "correct the path")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadInput(
            path,
            f"{size / 1e6:.0f} MB are no text that somebody wrote",
            f"correct the path (at most {MOST_BYTES / 1e6:.0f} MB)",
        )
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise BadInput(path, "may not be read", "change its permissions") from error


def _decode(path: Path, data: bytes, codec: str, name: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise BadInput(path, f"begins as {name} and is damaged ({error.reason})", UTF8) from error


def _decode_wide(path: Path, data: bytes) -> str:
    """Return the text of data with zero bytes, which UTF-16 without a mark has."""
    for codec, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if zeros.count(0) > ZEROS_OF_UTF16 * len(zeros):
            return _decode(path, data, codec, "UTF-16")
    raise BadInput(path, "holds zero bytes: it is no text", "give a text file")


def _decode_western(path: Path, data: bytes, fault: UnicodeDecodeError) -> UserText:
    """Return a text that is no UTF-8, if it reads as one in a western language."""
    line = data[: fault.start].count(b"\n") + 1
    text = data.decode("latin-1")
    if not WESTERN.fullmatch(text.replace("\r", "\n")) or FOREIGN_RUN.search(text):
        raise BadInput(
            f"{path}:{line}",
            "neither UTF-8 nor UTF-16, and not read as Latin-1, which its characters do not fit",
            UTF8,
        )
    words = dict.fromkeys(re.findall(r"\w*[^\x00-\x7f][^\s,;]*", text))
    shown = ", ".join(f"'{word}'" for word in list(words)[:3])
    note = f"read as Latin-1, as it is no UTF-8: {shown}"
    return _make_text(path, text, "Latin-1", note)


def _make_text(path: Path, text: str, encoding: str, note: str = "") -> UserText:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = CONTROL.search(text)
    if found:
        line = text[: found.start()].count("\n") + 1
        code = f"U+{ord(found[0]):04X}"
        raise BadInput(f"{path}:{line}", f"holds the control character {code}", "remove it")
    return UserText(text=text, encoding=encoding, note=note)
