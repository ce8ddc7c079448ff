"""The option dataclasses as a JSON schema and as a page of documentation, which ``ssbchar schema``
writes with the data model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssbchar.campaign import data_model, messages, option_examples, sample_sheet
from ssbchar.campaign.config import ROLES, Config
from ssbchar.runtime import options as opts

SCHEMA_PATH = Path("workflow/schemas/config.schema.json")
OPTIONS_PAGE = Path("docs/options.md")
BOUND_SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
KINDS = {
    "boolean": "`true`, `false`",
    "integer": "an integer",
    "null": "none",
    "number": "a number",
    "string": "text",
}
"""Kinds of a JSON schema in words."""
_INTRODUCTION = """\
# Every option

Written by `ssbchar schema` from the option dataclasses; a config file holds only departures from \
them.
In the sample sheet a column named `stage.option` departs for one row.
"""


def make_schema() -> dict[str, Any]:
    """Return the JSON schema of a config file, with every option's docstring."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **opts.make_json_schema(Config),
    }


def list_sections() -> list[tuple[str, type]]:
    """Return every option dataclass with its place in the config, which is empty for the top
    level."""
    return list(opts.list_sections(Config))


def format_page() -> str:
    """Return the documentation of every option, default and role (Markdown)."""
    parts = [_INTRODUCTION]
    parts += [_format_section(place, kind) for place, kind in list_sections()]
    parts.append(_format_sample_sheet())
    return "\n".join(parts)


def _format_section(place: str, kind: type) -> str:
    first_line = (kind.__doc__ or "").strip().splitlines()[0]
    lines = [f"## `{place or 'top level'}`", "", first_line, ""]
    lines += ["| option | default | values | meaning |", "|---|---|---|---|"]
    docs = opts.read_field_docs(kind)
    allowed = opts.make_json_schema(kind)["properties"]
    for field in dataclasses.fields(kind):
        meaning = " ".join(docs[field.name].split()).replace("|", "\\|")
        values = _format_values(allowed[field.name])
        lines.append(f"| `{field.name}` | {_format_default(field)} | {values} | {meaning} |")
    return "\n".join([*lines, "", option_examples.format_example(place, kind)])


def _format_values(schema: Mapping[str, Any]) -> str:
    """Return what an option takes: words, bounds of a number, or its kind; empty for a section."""
    if "anyOf" in schema:
        kinds = [_format_values(one) for one in schema["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "prefixItems" in schema:
        parts = [_format_values(one) for one in schema["prefixItems"]]
        same = f"{len(parts)} times {parts[0]}"
        return same if len(set(parts)) == 1 else "; ".join(parts)
    if "items" in schema:
        return f"a list of {_format_values(schema['items'])}"
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in BOUND_SIGNS.items()
        if schema.get(key) is not None
    ]
    return ", ".join(bounds) or KINDS.get(schema.get("type", ""), "")


def _format_default(field: dataclasses.Field[Any]) -> str:
    default = opts.find_default(field)
    if default is dataclasses.MISSING:
        return "needed"
    if dataclasses.is_dataclass(default):
        return ""
    return f"`{json.dumps(default, default=list)}`"


def _format_sample_sheet() -> str:
    lines = ["## Sample sheet", "", "| column | meaning |", "|---|---|"]
    for column, meaning in opts.read_field_docs(sample_sheet.Row).items():
        if column != "line":
            lines.append(f"| `{column}` | {' '.join(meaning.split())} |")
    lines += ["", "| technique | role | meaning |", "|---|---|---|"]
    for technique, roles in ROLES.items():
        lines += [f"| {technique} | `{role}` | {meaning} |" for role, meaning in roles.items()]
    return "\n".join([*lines, ""])


def generate_files() -> dict[Path, str]:
    """Return the generated files with their contents, for the checkout in the current folder."""
    page = data_model.DATA_MODEL_PAGE.read_text(encoding="utf-8")
    return {
        SCHEMA_PATH: json.dumps(make_schema(), indent=1) + "\n",
        OPTIONS_PAGE: format_page(),
        messages.MESSAGES_PAGE: messages.format_page(),
        data_model.DATA_MODEL_PAGE: data_model.fill_page(page),
    }


def write_files() -> None:
    """Write the generated files, relative to the checkout."""
    for path, text in generate_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
