"""What befalls a file: damage, other encodings, odd values, something else in its place."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ODD_NUMBERS = (
    b"1e308", b"-1e308", b"1e999", b"nan", b"inf", b"-inf", b"-1", b"0", b"99999999999999999999",
    b"2147483648", b"1e-320", b"1,5", b"", b"1_000", b"0x10", b"\xd9\xa3", b"1e5e5",
)  # fmt: skip


class Expected(StrEnum):
    """What a reader may do of a spoilt file, beside refusing it in one line."""

    SAME = "the same numbers"
    """Nothing in the file means something else."""
    PREFIX = "the same numbers, or the first of them"
    """The file ends early."""
    REFUSED = "nothing"
    """There is no file to read."""
    ANYTHING = "any numbers"
    """What the file says may have changed."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One way to spoil a file."""

    name: str
    expected: Expected
    apply: Callable[[Path, random.Random], bool]
    """Spoils the file in place; returns False where that changes nothing."""
    for_text: bool = False
    """It needs a file of text."""


def _rewrite(path: Path, content: bytes) -> bool:
    before = path.read_bytes()
    path.write_bytes(content)
    return content != before


def flip_bits(path: Path, chance: random.Random) -> bool:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 1, 3, 20)) if content else 0):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return _rewrite(path, bytes(content))


def flip_bits_of_the_head(path: Path, chance: random.Random) -> bool:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 2, 8)) if content else 0):
        content[chance.randrange(min(len(content), 512))] ^= 1 << chance.randrange(8)
    return _rewrite(path, bytes(content))


def truncate(path: Path, chance: random.Random) -> bool:
    content = path.read_bytes()
    return bool(content) and _rewrite(path, content[: chance.randrange(len(content))])


def drop_a_block(path: Path, chance: random.Random) -> bool:
    content = path.read_bytes()
    if len(content) < 4:
        return False
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.randrange(1, max(2, len(content) // 4)))
    return _rewrite(path, content[:start] + content[end:])


def repeat_a_block(path: Path, chance: random.Random) -> bool:
    content = path.read_bytes()
    if len(content) < 4:
        return False
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.randrange(1, max(2, len(content) // 4)))
    return _rewrite(path, content[:end] + content[start:])


def insert_noise(path: Path, chance: random.Random) -> bool:
    content = path.read_bytes()
    place = chance.randrange(len(content) + 1)
    noise = chance.choice((b"\0" * 8, chance.randbytes(16), b"\xff\xfe", b"\n\n\n", b'\t;,"'))
    return _rewrite(path, content[:place] + noise + content[place:])


def put_odd_number(path: Path, chance: random.Random) -> bool:
    content = path.read_bytes()
    found = list(NUMBER.finditer(content))
    if not found:
        return False
    # Numbers of headers are few and decide more.
    one = found[chance.randrange(min(len(found), chance.choice((10, 40, len(found)))))]
    odd = chance.choice(ODD_NUMBERS)
    return _rewrite(path, content[: one.start()] + odd + content[one.end() :])


def put_odd_numbers_in_a_column(path: Path, chance: random.Random) -> bool:
    odd = chance.choice(ODD_NUMBERS)
    which = chance.randrange(4)
    lines = []
    for line in path.read_bytes().split(b"\n"):
        found = list(NUMBER.finditer(line))
        if len(found) > which and not line.startswith(b"#"):
            one = found[which]
            line = line[: one.start()] + odd + line[one.end() :]
        lines.append(line)
    return _rewrite(path, b"\n".join(lines))


def swap_columns(path: Path, chance: random.Random) -> bool:
    """Exchange two words of every line that has them."""
    lines = []
    for line in path.read_bytes().split(b"\n"):
        words = re.split(rb"([\t,; ]+)", line)
        if len(words) >= 3 and not line.startswith(b"#"):
            words[0], words[2] = words[2], words[0]
        lines.append(b"".join(words))
    return _rewrite(path, b"\n".join(lines))


def shuffle_lines(path: Path, chance: random.Random) -> bool:
    lines = path.read_bytes().split(b"\n")
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return _rewrite(path, b"\n".join(lines))


def empty(path: Path, chance: random.Random) -> bool:
    return _rewrite(path, chance.choice((b"", b"\n", b" \n\n", b"\0" * 64)))


def put_other_content(path: Path, chance: random.Random) -> bool:
    """Put another kind of file in its place."""
    kinds = (
        b"\x89PNG\r\n\x1a\n" + chance.randbytes(200),
        b"PK\x03\x04" + chance.randbytes(200),
        b"\x1f\x8b\x08\x00" + chance.randbytes(100),
        b"\x89HDF\r\n\x1a\n" + chance.randbytes(500),
        b"<html><body>404 Not Found</body></html>\n",
        b"%PDF-1.4\n" + chance.randbytes(100),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
        chance.randbytes(1000),
        b"a" * 5000,
        b"1 2 3\n4 5 6\n",
    )
    return _rewrite(path, chance.choice(kinds))


def put_folder(path: Path, chance: random.Random) -> bool:
    path.unlink()
    path.mkdir()
    return True


def put_fifo(path: Path, chance: random.Random) -> bool:
    path.unlink()
    os.mkfifo(path)
    return True


def remove(path: Path, chance: random.Random) -> bool:
    path.unlink()
    return True


def link_to_nothing(path: Path, chance: random.Random) -> bool:
    path.unlink()
    path.symlink_to("nowhere" if chance.random() < 0.5 else path.name)
    return True


def end_lines_as_windows(path: Path, chance: random.Random) -> bool:
    return _rewrite(path, path.read_bytes().replace(b"\n", b"\r\n"))


def add_byte_order_mark(path: Path, chance: random.Random) -> bool:
    return _rewrite(path, b"\xef\xbb\xbf" + path.read_bytes())


def encode_as_utf16(path: Path, chance: random.Random) -> bool:
    text = path.read_bytes().decode("utf-8")
    return _rewrite(path, text.encode(chance.choice(("utf-16", "utf-16-le", "utf-16-be"))))


def encode_as_latin1(path: Path, chance: random.Random) -> bool:
    """Add a comment with a letter beyond ASCII, in Latin-1; only where a comment stands already."""
    content = path.read_bytes()
    place = content.find(b"#")
    end = content.find(b"\n", place)
    if place < 0 or end < 0:
        return False
    return _rewrite(path, content[:end] + " µ, °C, é".encode("latin-1") + content[end:])


def add_blank_lines(path: Path, chance: random.Random) -> bool:
    return _rewrite(path, path.read_bytes() + b"\n" * chance.randrange(1, 4))


def copy_elsewhere(path: Path, chance: random.Random) -> bool:
    """Leave a link in place of the file."""
    place = path.with_name(f".{path.name}.moved")
    shutil.move(path, place)
    path.symlink_to(place.name)
    return True


MUTATIONS = (
    Mutation(name="bit flips", expected=Expected.ANYTHING, apply=flip_bits),
    Mutation(name="bit flips in the head", expected=Expected.ANYTHING, apply=flip_bits_of_the_head),
    Mutation(name="truncated", expected=Expected.PREFIX, apply=truncate),
    Mutation(name="a block is missing", expected=Expected.ANYTHING, apply=drop_a_block),
    Mutation(name="a block stands twice", expected=Expected.ANYTHING, apply=repeat_a_block),
    Mutation(name="noise", expected=Expected.ANYTHING, apply=insert_noise),
    Mutation(name="odd number", expected=Expected.ANYTHING, apply=put_odd_number, for_text=True),
    Mutation(
        name="column of odd numbers",
        expected=Expected.ANYTHING,
        apply=put_odd_numbers_in_a_column,
        for_text=True,
    ),
    Mutation(name="columns swapped", expected=Expected.ANYTHING, apply=swap_columns, for_text=True),
    Mutation(name="lines swapped", expected=Expected.ANYTHING, apply=shuffle_lines, for_text=True),
    Mutation(name="empty", expected=Expected.ANYTHING, apply=empty),
    Mutation(name="another kind of file", expected=Expected.ANYTHING, apply=put_other_content),
    Mutation(name="a folder in its place", expected=Expected.ANYTHING, apply=put_folder),
    Mutation(name="a FIFO in its place", expected=Expected.ANYTHING, apply=put_fifo),
    Mutation(name="gone", expected=Expected.ANYTHING, apply=remove),
    Mutation(name="a link to nothing", expected=Expected.ANYTHING, apply=link_to_nothing),
    Mutation(name="CR LF", expected=Expected.SAME, apply=end_lines_as_windows, for_text=True),
    Mutation(
        name="byte order mark", expected=Expected.SAME, apply=add_byte_order_mark, for_text=True
    ),
    Mutation(name="UTF-16", expected=Expected.SAME, apply=encode_as_utf16, for_text=True),
    Mutation(name="Latin-1", expected=Expected.SAME, apply=encode_as_latin1, for_text=True),
    Mutation(name="blank lines", expected=Expected.SAME, apply=add_blank_lines, for_text=True),
    Mutation(name="behind a link", expected=Expected.SAME, apply=copy_elsewhere),
)
GONE = ("empty", "a folder in its place", "a FIFO in its place", "gone", "a link to nothing")
"""After these there is no content: of a file that is read alone, no number may come."""
