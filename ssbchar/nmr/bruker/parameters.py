"""Bruker's parameter files (``acqus``, ``acqu2s``, ``procs``).

Lines of JCAMP-DX, each value parsed when it is asked for: a file holds 300, a reader needs 20.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Parameters(Mapping[str, Any]):
    """Values by name: numbers, text (in ``<>``), ``yes`` and ``no`` as bool, ``(0..n)`` as a list.

    Parameters
    ----------
    text : str
        The whole file.
    """

    def __init__(self, text: str) -> None:
        records = (record.partition("=") for record in ("\n" + text).split("\n##$")[1:])
        self._text = {name: value for name, _, value in records}

    def __getitem__(self, name: str) -> Any:
        text = self._text[name].split("\n##", 1)[0].split("\n$$", 1)[0].strip()
        if text.startswith("("):
            return _parse_list(text.partition(")")[2].split())
        return {"yes": True, "no": False}.get(text, _parse_value(text))

    def __contains__(self, name: object) -> bool:
        return name in self._text

    def __iter__(self) -> Iterator[str]:
        return iter(self._text)

    def __len__(self) -> int:
        return len(self._text)


def _parse_list(words: list[str]) -> list[Any]:
    try:
        return [float(word) for word in words]
    except ValueError:
        return [_parse_value(word) for word in words]


def _parse_value(text: str) -> int | float | str | None:
    if text.startswith("<"):
        return text[1:].removesuffix(">")
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None
