"""Options live in frozen dataclasses; this builds one from plain data and says which key is
wrong."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import itertools
import json
import textwrap
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def build_options(kind: type[T], data: Mapping[str, Any] | None, where: str = "options") -> T:
    """Return the option dataclass `kind` with the values of `data`, defaults elsewhere.

    Raises
    ------
    ValueError
        One line per unknown key or wrong value: the place, what is wrong, what is allowed.
    """
    data = dict(data or {})
    faults = list(unknown_keys(kind, data, where))
    if not faults:
        try:
            return TypeAdapter(kind).validate_python(data)
        except ValidationError as error:
            for item in error.errors():
                place = ".".join([where, *map(str, item["loc"])])
                faults.append(f"{place}: {item['msg']} (given: {item['input']!r})")
    raise ValueError("\n".join(faults))


def unknown_keys(kind: type, data: Mapping[str, Any], where: str) -> list[str]:
    """Return one line for each key of `data` that the (nested) dataclass `kind` does not have.

    A class variable ``MOVED`` (old key: where it is set now) turns the line of an old key into a
    hint.
    """
    known = {f.name: f for f in dataclasses.fields(kind)}
    faults = []
    for key, value in data.items():
        if key in getattr(kind, "MOVED", {}):
            faults.append(f"{where}.{key}: moved; set it once, as {kind.MOVED[key]}")  # type: ignore[attr-defined]
            continue
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
            faults.append(f"{where}.{key}: unknown option; {hint}")
            continue
        inner = known[key].default_factory
        if inner is not dataclasses.MISSING and dataclasses.is_dataclass(inner):
            if not isinstance(value, Mapping):
                faults.append(
                    f"{where}.{key}: needs options under it, one per line (given: {value!r})"
                )
            else:
                faults += unknown_keys(inner, value, f"{where}.{key}")
    return faults


def convert_to_plain(options: Any) -> dict[str, Any]:
    """Return an option dataclass as plain data (tuples become lists)."""
    return json.loads(json.dumps(dataclasses.asdict(options)))  # type: ignore[no-any-return]


def find_departures(options: Any) -> dict[str, Any]:
    """Return the (nested) options that differ from their defaults."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            inner = find_departures(value)
            if inner:
                out[field.name] = inner
            continue
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if value != default:
            out[field.name] = value
    return out


def merge_layers(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings merged, later ones first in rank."""
    out: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
                out[key] = merge_layers(out[key], value)
            else:
                out[key] = value
    return out


def read_field_docs(kind: type) -> dict[str, str]:
    """Return the docstring written under each field of a dataclass."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    docs = {}
    for statement, after in itertools.pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(after, ast.Expr):
            if isinstance(statement.target, ast.Name) and isinstance(after.value, ast.Constant):
                docs[statement.target.id] = inspect.cleandoc(str(after.value.value))
    return docs


def make_json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON schema of an option dataclass, refusing unknown keys at each level."""
    schema = TypeAdapter(kind).json_schema()
    for part in [schema, *schema.get("$defs", {}).values()]:
        if part.get("type") == "object" and "properties" in part:
            part["additionalProperties"] = False
    return schema
