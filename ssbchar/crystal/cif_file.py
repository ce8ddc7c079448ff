"""CIF text: the blocks of a file, and the values of one block by tag."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.errors import BadInput

MOST_BYTES = 64 * 2**20
"""A CIF is no larger [byte]; those with reflections inside reach some 20 MB."""
CELL_AXES = ("a", "b", "c", "alpha", "beta", "gamma")
CELL_TAGS = tuple(f"_cell_length_{x}" for x in "abc") + tuple(
    f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")
)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\([\d.]*\))?")
_FRACTION = re.compile(r"([+-]?\d+)/(\d+)")
_UNKNOWN = ("", "?", ".")
_USED = ("_cell_", "_symmetry_", "_space_group_", "_atom_site_", "_chemical_formula_", "_exptl_")
"""Beginnings of the tags that describe a phase; loops of measured reflections are not kept."""
_LOOK_ALIKES = {0xA0: " ", 0x2009: " ", 0x2212: "-", 0x2013: "-", 0x2019: "'", 0x1A: "\n"}
"""What text copied from a page, or from DOS, has in place of blanks, minus signs and quotes."""


@dataclass(frozen=True, kw_only=True)
class CifBlock:
    """One data block of a CIF."""

    path: Path
    name: str
    values: dict[str, list[str | None]]
    """Values by tag (lower case, dots as underscores); None stands for ``?`` and ``.``."""

    def read_column(self, *tags: str) -> list[str | None] | None:
        """Return the values of the first of these tags that states any, None if none does."""
        for tag in tags:
            column = self.values.get(tag.lower())
            if column is not None and any(value is not None for value in column):
                return column
        return None

    def read_text(self, *tags: str) -> str | None:
        """Return the first value of the first of these tags that states one."""
        column = self.read_column(*tags)
        return None if column is None else next(value for value in column if value is not None)

    def read_number(self, *tags: str) -> float | None:
        """Return the number that the first of these tags states, without its standard error.

        Raises
        ------
        BadInput
            It is no number.
        """
        text = self.read_text(*tags)
        return None if text is None else self.parse_number(text, tags[0])

    def parse_number(self, text: str, what: str) -> float:
        """Return a CIF number without its standard error; a fraction such as 1/3 counts.

        Parameters
        ----------
        text : str
            ``5.6402(3)``, ``1e-3``, ``.5``, ``1/3``.
        what : str
            What it is the number of, for the message.

        Raises
        ------
        BadInput
            It is no number.
        """
        number = _NUMBER.fullmatch(text.strip())
        if number:
            return float(number[1])
        fraction = _FRACTION.fullmatch(text.strip())
        if fraction and int(fraction[2]):
            return int(fraction[1]) / int(fraction[2])
        comma = "; write the decimal with a point" if "," in text else ""
        raise BadInput(self.path, f"{what} '{text}' is no number{comma}", "correct the CIF")


def read_block(path: Path, wanted: str, name: str) -> CifBlock:
    """Return the block of a CIF that describes a phase.

    Parameters
    ----------
    path : Path
        The CIF, in UTF-8 (with or without a byte-order mark), UTF-16 or Latin-1.
    wanted : str
        Name of the block; empty for the only one that has a cell.
    name : str
        The phase, for messages.

    Raises
    ------
    BadInput
        The file is no CIF, has no such block, or several blocks with a cell and none is named.
    """
    if not path.is_file():
        raise BadInput(
            path,
            f"the CIF of phase '{name}' does not exist or is no file",
            "correct 'cif:' (relative to the phases file)",
        )
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(
            path,
            f"{path.stat().st_size / 2**20:.0f} MB is no CIF of a phase (up to 64 MB)",
            "name the CIF of the structure",
        )
    blocks = _parse_blocks(path, decode_cif(path.read_bytes(), path))
    if wanted:
        asked = wanted.removeprefix("data_").lower()
        found = [block for block in blocks if block.name.lower() == asked]
        if not found:
            raise BadInput(
                path,
                f"has no block '{wanted}'",
                f"correct 'block:' of phase '{name}': {_list_names(blocks)}",
            )
        return found[0]
    with_cell = [block for block in blocks if block.read_column(*CELL_TAGS)]
    if not with_cell:
        raise BadInput(path, "the CIF has no cell", f"add {CELL_TAGS[0]} ... {CELL_TAGS[-1]}")
    if len(with_cell) > 1:
        raise BadInput(
            path,
            f"has {len(with_cell)} blocks with a cell",
            f"name one as 'block:' of phase '{name}': {_list_names(with_cell)}",
        )
    return with_cell[0]


def _list_names(blocks: Sequence[CifBlock]) -> str:
    names = [block.name for block in blocks]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def decode_cif(content: bytes, path: Path) -> str:
    """Return the text of a CIF, its lines ended by ``\\n``.

    Parameters
    ----------
    content : bytes
        Of the file.
    path : Path
        For the message.

    Raises
    ------
    BadInput
        It is binary.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[1:2] == b"\0" and content[:1] != b"\0":
        encoding = "utf-16-le"
    elif content[:1] == b"\0":
        encoding = "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise BadInput(path, "is a binary file, no CIF", "name a CIF")
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_LOOK_ALIKES)


def _parse_blocks(path: Path, text: str) -> list[CifBlock]:
    from gemmi import cif

    # Letters beyond ASCII are allowed in quotes alone, and written without: by authors' names.
    if not text.isascii():
        try:
            cif.read_string(text)
        except (ValueError, RuntimeError):
            text = re.sub(r"[^\x00-\x7f]", "_", text)
    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        place = re.match(r"string:(\d+)(?::\d+\(\d+\))?", str(error))
        where = f"{path}, line {place[1]}" if place else str(path)
        told = str(error)[place.end() if place else 0 :].lstrip(": ").removeprefix("string: ")
        raise BadInput(
            where,
            f"is no valid CIF ({told})",
            "correct it: one value per tag, values with blanks in quotes, full rows in loops",
        ) from error
    return [
        CifBlock(path=path, name=block.name.strip(), values=_collect_values(block))
        for block in document
    ]


def _collect_values(block: object) -> dict[str, list[str | None]]:
    """Return the values of a gemmi block by tag; tags of both dictionary languages are one."""
    values: dict[str, list[str | None]] = {}
    for item in block:  # type: ignore[attr-defined]
        if item.pair is not None:
            tag, raw = _normalise_tag(item.pair[0]), item.pair[1]
            if tag.startswith(_USED):
                values[tag] = [_read_value(raw)]
        elif item.loop is not None:
            tags = [_normalise_tag(tag) for tag in item.loop.tags]
            if not any(tag.startswith(_USED) for tag in tags):
                continue
            cells = list(item.loop.values)
            for i, tag in enumerate(tags):
                values[tag] = [_read_value(raw) for raw in cells[i :: len(tags)]]
    return values


def _normalise_tag(tag: str) -> str:
    return tag.lower().replace(".", "_")


def _read_value(raw: str) -> str | None:
    from gemmi import cif

    text = str(cif.as_string(raw)).strip()
    return None if text in _UNKNOWN else text
