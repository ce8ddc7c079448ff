"""Options live in frozen dataclasses; pydantic builds them from plain data, and each fault is one
line with its place and remedy."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import typing
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FreeText:
    """Marks a string option that is no word of a list."""

    content: str
    """What the string holds."""


PathText = Annotated[str, FreeText(content="a path")]
"""An option that holds the path of a file or folder, or a program."""
Name = Annotated[str, FreeText(content="a name")]
"""An option that holds a name the user gives: of a column, a header key, a sample, a title."""

_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class _Boolean:
    """Stands for a boolean where none is meant, so that pydantic does not read it as 1 or 0."""

    value: bool

    def __repr__(self) -> str:
        return str(self.value).lower()


@functools.cache
def _make_adapter(kind: type) -> TypeAdapter[Any]:
    """Return the validator of an option dataclass, strict for it and every dataclass in it."""
    # The classes are plain dataclasses, for which pydantic takes its configuration from this
    # attribute alone; set here, no room has to repeat it.
    for _, nested in list_sections(kind):
        nested.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]
    return TypeAdapter(kind)


def list_sections(kind: type, place: str = "") -> Iterator[tuple[str, type]]:
    """Yield an option dataclass and those of its sections, each with its dotted place."""
    yield place, kind
    for field in dataclasses.fields(kind):
        section = _find_section(field)
        if section is not None:
            yield from list_sections(section, f"{place}.{field.name}".lstrip("."))


def _find_section(field: dataclasses.Field[Any]) -> type | None:
    """Return the option dataclass of a field that is a section; None for a single option."""
    made_by = field.default_factory
    is_section = isinstance(made_by, type) and dataclasses.is_dataclass(made_by)
    return typing.cast("type", made_by) if is_section else None


def build_options(kind: type[T], data: Mapping[str, Any] | None, where: str = "options") -> T:
    """Return an option dataclass with the values of plain data, defaults elsewhere.

    Parameters
    ----------
    kind : type
        The dataclass. A class variable ``MOVED`` (old key: where it is set now) turns the line
        about an old key into a hint.
    data : mapping
        Values by key; sections are mappings themselves.
    where : str
        Place of the data, for messages.

    Raises
    ------
    ValueError
        One line per unknown key or wrong value: the place, the problem, what is allowed.
    """
    try:
        adapter = _make_adapter(typing.cast("Hashable", kind))
        built: T = adapter.validate_python(_mark_booleans(kind, data or {}))
    except ValidationError as error:
        raise ValueError("\n".join(_describe_faults(kind, error, where))) from error
    return built


def _mark_booleans(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with a `_Boolean` for each boolean that its option does not admit."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    marked = {}
    for key, value in data.items():
        section = _find_section(fields[key]) if key in fields else None
        if section is not None and isinstance(value, Mapping):
            marked[key] = _mark_booleans(section, value)
        elif key in fields and not _admits_booleans(hints[key]):
            marked[key] = _replace_booleans(value)
        else:
            marked[key] = value
    return marked


def _admits_booleans(hint: Any) -> bool:
    return hint in (bool, Any) or any(_admits_booleans(part) for part in typing.get_args(hint))


def _replace_booleans(value: Any) -> Any:
    if isinstance(value, bool):
        return _Boolean(value=value)
    if isinstance(value, Mapping):
        return {key: _replace_booleans(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_booleans(part) for part in value]
    return value


def _describe_faults(kind: type, error: ValidationError, where: str) -> list[str]:
    """Return one line per option at fault."""
    by_place: dict[str, list[Any]] = {}
    keys: dict[str, tuple[type, str]] = {}
    all_faults = error.errors()
    for fault in all_faults:
        if _follows_from_another(fault, all_faults):
            continue
        section, path = _walk_to(kind, fault["loc"])
        place = ".".join([where, *path])
        by_place.setdefault(place, []).append(fault)
        keys[place] = section, path[-1] if path else ""
    return [
        f"{place}: {_describe_fault(*keys[place], faults)}" for place, faults in by_place.items()
    ]


def _follows_from_another(fault: Any, faults: Sequence[Any]) -> bool:
    """Return whether a list counts as too short because one of its values is at fault."""
    place = fault["loc"]
    return fault["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in faults
    )


def _walk_to(kind: type, location: Sequence[Any]) -> tuple[type, list[str]]:
    """Return the section of an option and the keys that lead to it.

    pydantic's location goes on with the members of a union, which mean nothing to the user, and
    with the places of a list, which do.
    """
    path: list[str] = []
    section = kind
    known = {field.name: field for field in dataclasses.fields(section)}
    for depth, key in enumerate(location):
        if path and path[-1] not in known:
            break
        inner = _find_section(known[path[-1]]) if path else kind
        if inner is None:
            path += [str(place) for place in location[depth:] if isinstance(place, int)]
            break
        section, known = inner, {field.name: field for field in dataclasses.fields(inner)}
        path.append(str(key))
    return section, path


def _describe_fault(section: type, key: str, faults: Sequence[Mapping[str, Any]]) -> str:
    """Return the problem and what is allowed, for all that pydantic says of one option."""
    first = faults[0]
    given = first["input"]
    kinds = {fault["type"] for fault in faults}
    if "unexpected_keyword_argument" in kinds:
        moved = getattr(section, "MOVED", {})
        if key in moved:
            return f"moved; set it once, as {moved[key]}"
        known = [field.name for field in dataclasses.fields(section)]
        return f"unknown option; {suggest_word(key, known)}"
    if kinds == {"missing"}:
        return "is missing; add it"
    if "dataclass_type" in kinds:
        return f"needs options under it, one per line (given: {given!r})"
    if isinstance(given, _Boolean) and kinds == {"string_type"}:
        return f"needs a word (given: {given!r}); quote yes, no, on and off where meant as words"
    if kinds == {"string_type"} and isinstance(given, int | float):
        return f"{first['msg']} (given: {given!r}); quote a number that is meant as a word"
    if kinds == {"literal_error"}:
        expected = " or ".join(fault["ctx"]["expected"] for fault in faults)
        hint = _find_near_word(str(given), _list_words(section, key))
        return f"Input should be {expected} (given: {given!r}){hint}"
    messages = [str(fault["msg"]).removeprefix("Value error, ") for fault in faults]
    if "value_error" in kinds:
        # A cross-check of the section says in its own words what was given.
        return messages[0]
    return f"{' or '.join(dict.fromkeys(messages))} (given: {given!r})"


def _list_words(section: type, key: str) -> list[str]:
    """Return the words that an enumerated option may have."""
    hint = typing.get_type_hints(section, include_extras=True).get(key)
    return [word for word in _collect_literals(hint) if isinstance(word, str)]


def _collect_literals(hint: Any) -> list[Any]:
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return [word for part in typing.get_args(hint) for word in _collect_literals(part)]


def _find_near_word(given: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, words, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def suggest_word(given: str, words: Sequence[str]) -> str:
    """Return a hint for an unknown word: the nearest known one, or all of them."""
    near = difflib.get_close_matches(given, words, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(words)}"


def convert_to_plain(options: Any) -> dict[str, Any]:
    """Return an option dataclass as plain data (tuples become lists)."""
    return json.loads(json.dumps(dataclasses.asdict(options)))  # type: ignore[no-any-return]


def find_departures(options: Any) -> dict[str, Any]:
    """Return the options that differ from their defaults, by section."""
    departures: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            inner = find_departures(value)
            if inner:
                departures[field.name] = inner
        elif value != find_default(field):
            departures[field.name] = value
    return departures


def find_default(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field; ``dataclasses.MISSING`` if it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def merge_layers(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings merged; the last one that holds a key counts."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
                merged[key] = merge_layers(merged[key], value)
            else:
                merged[key] = value
    return merged


def read_field_docs(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass; empty for a field without one."""
    docs: dict[str, str] = {}
    # pydantic knows the docstrings of a class's own fields alone.
    for base in kind.__bases__:
        if dataclasses.is_dataclass(base):
            docs |= read_field_docs(base)
    schema = _make_adapter(kind).json_schema()
    for name, entry in schema["properties"].items():
        # pydantic leaves out a text that repeats the docstring of the section it refers to.
        section = schema.get("$defs", {}).get(str(entry.get("$ref", "")).rpartition("/")[2], {})
        own = entry.get("description") or section.get("description", "")
        docs[name] = own or docs.get(name, "")
    return docs


def make_json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON schema of an option dataclass, which refuses unknown keys at each level."""
    return _make_adapter(kind).json_schema()
