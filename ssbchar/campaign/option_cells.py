"""Cells of the sample sheet that set an option: the text is taken as the option's type says."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from ssbchar.storage import strict_yaml

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
"""What a cell of a yes-or-no option may hold."""
NOTHING = ("none", "null", "~")
"""What stands for no value, where an option may have none."""
UNKNOWN = object()
"""Stands for the type of an option that no room knows."""


@functools.cache
def find_type(kind: type | None, names: tuple[str, ...]) -> Any:
    """Return the type of an option, `UNKNOWN` if there is none of this name.

    Parameters
    ----------
    kind : type or None
        The dataclass of a technique's options; None for an unknown technique.
    names : tuple of str
        The keys that lead to the option.
    """
    found: Any = kind
    for name in names:
        if not dataclasses.is_dataclass(found):
            return UNKNOWN
        found = typing.get_type_hints(typing.cast("type", found)).get(name, UNKNOWN)
    return UNKNOWN if found is None else found


def parse_cell(text: str, hint: Any, decimal_comma: bool = False) -> Any:
    """Return the value of an option from the text of its cell.

    A string is taken as it stands, so that ``*``, ``2``, ``No`` and ``#3`` are names. Lists are
    written with commas, in brackets or without.

    Parameters
    ----------
    text : str
        The cell, not empty.
    hint : type
        Of the option, from `find_type`.
    decimal_comma : bool
        Whether ``0,24`` is a number.

    Raises
    ------
    ValueError
        The text is no value of this type; the message says what may stand there.
    """
    origin = typing.get_origin(hint)
    if hint is str or origin is typing.Literal:
        return text
    if hint is bool:
        return _parse_boolean(text)
    if hint in (int, float):
        return _parse_number(text, hint, decimal_comma)
    if origin in (typing.Union, types.UnionType):
        return _parse_union(text, typing.get_args(hint), decimal_comma)
    if origin in (tuple, list):
        return _parse_list(text, typing.get_args(hint))
    if dataclasses.is_dataclass(hint):
        names = [field.name for field in dataclasses.fields(hint)]
        raise ValueError(f"needs an option of its own behind it: {', '.join(names)}")
    # An option that no room knows is refused by name, whatever its value.
    return strict_yaml.parse_yaml(text, "cell")


def _parse_boolean(text: str) -> bool:
    if text.lower() not in WORDS:
        raise ValueError(f"needs yes or no (given: '{text}')")
    return WORDS[text.lower()]


def _parse_number(text: str, hint: type, decimal_comma: bool) -> Any:
    if decimal_comma and DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not NUMBER.fullmatch(text):
        remedy = "; write a decimal point" if DECIMAL_COMMA.fullmatch(text) else ""
        raise ValueError(f"needs a number (given: '{text}'){remedy}")
    value = float(text)
    if hint is float:
        return value
    if not value.is_integer():
        raise ValueError(f"needs a whole number (given: '{text}')")
    return int(value)


def _parse_union(text: str, hints: tuple[Any, ...], decimal_comma: bool) -> Any:
    """Return the value by the first member that takes the text."""
    if type(None) in hints and text.lower() in NOTHING:
        return None
    faults = []
    for hint in hints:
        if hint is not type(None):
            try:
                return parse_cell(text, hint, decimal_comma)
            except ValueError as fault:
                faults.append(str(fault))
    raise ValueError(faults[0])


def _parse_list(text: str, hints: tuple[Any, ...]) -> list[Any]:
    parts = list(split_list(text))
    if len(hints) == 2 and hints[1] is Ellipsis:
        return [parse_cell(part, hints[0]) for part in parts]
    if len(parts) != len(hints):
        raise ValueError(f"needs {len(hints)} values with commas between (given: '{text}')")
    return [parse_cell(part, hint) for part, hint in zip(parts, hints, strict=True)]


def split_list(text: str) -> Iterator[str]:
    """Yield the parts of a list: between commas that stand in no brackets and no quotes.

    Raises
    ------
    ValueError
        Brackets or quotes are not closed, or a part is empty.
    """
    inner = _strip_brackets(text)
    if not inner.strip():
        return
    for part in _split_at_commas(inner, text):
        if not part:
            raise ValueError(f"has an empty value in its list (given: '{text}')")
        is_quoted = len(part) > 1 and part[0] == part[-1] and part[0] in "'\""
        yield part[1:-1] if is_quoted else part


def _strip_brackets(text: str) -> str:
    """Return a list without the brackets around all of it."""
    for begin, end in ("[]", "()"):
        if text.startswith(begin) and text.endswith(end):
            inner, depth = text[1:-1], 0
            for character in inner:
                depth += (character == begin) - (character == end)
                if depth < 0:  # [1, 2], [3, 4]: two lists
                    return text
            return inner
    return text


def _split_at_commas(inner: str, text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for character in inner:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and not parts[-1].strip():
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    if depth or quote:
        raise ValueError(f"has brackets or quotes that are not closed (given: '{text}')")
    return [part.strip() for part in parts]
