"""The option dataclasses as a JSON schema and as a page of documentation; both are written by
``ssbchar schema``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from ssbchar.campaign import sample_sheet
from ssbchar.campaign.config import ROLES, Config
from ssbchar.runtime import options as opts

SCHEMA_PATH = Path("workflow/schemas/config.schema.json")
OPTIONS_PAGE = Path("docs/options.md")


def make_schema() -> dict[str, Any]:
    """Return the JSON schema of a config file, with every option's docstring."""
    made = opts.make_json_schema(Config)
    kinds = {kind.__name__: kind for _, kind in list_sections()}
    for name, part in {**made.get("$defs", {}), "Config": made}.items():
        if name in kinds:
            docs = opts.read_field_docs(kinds[name])
            for key, entry in part["properties"].items():
                entry["description"] = docs.get(key, "")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def list_sections() -> list[tuple[str, type]]:
    """Return every option dataclass with its place in the config (empty for the top level)."""
    found: list[tuple[str, type]] = []

    def visit(place: str, kind: type) -> None:
        found.append((place, kind))
        for field in dataclasses.fields(kind):
            if isinstance(field.default_factory, type) and dataclasses.is_dataclass(
                field.default_factory
            ):
                visit(f"{place}.{field.name}".lstrip("."), field.default_factory)

    visit("", Config)
    return found


def format_page() -> str:
    """Return the documentation of every option, default and role (Markdown)."""
    lines = [
        "# Every option",
        "",
        "Written by `ssbchar schema` from the option dataclasses; a config file holds only departures from them.",
        "In the sample sheet a column named `stage.option` departs for one row.",
        "",
    ]
    for place, kind in list_sections():
        lines += [
            f"## `{place or 'top level'}`",
            "",
            (kind.__doc__ or "").strip().splitlines()[0],
            "",
        ]
        lines += ["| option | default | meaning |", "|---|---|---|"]
        docs = opts.read_field_docs(kind)
        for field in dataclasses.fields(kind):
            text = " ".join(docs.get(field.name, "").split()).replace("|", "\\|")
            lines.append(f"| `{field.name}` | {_default(field)} | {text} |")
        lines.append("")
    lines += ["## Sample sheet", "", "| column | meaning |", "|---|---|"]
    lines += [
        f"| `{k}` | {' '.join(v.split())} |"
        for k, v in opts.read_field_docs(sample_sheet.Row).items()
        if k != "line"
    ]
    lines += ["", "| technique | role | meaning |", "|---|---|---|"]
    lines += [
        f"| {t} | `{role}` | {text} |" for t, roles in ROLES.items() for role, text in roles.items()
    ]
    return "\n".join([*lines, ""])


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{json.dumps(field.default, default=list)}`"
    if field.default_factory is not dataclasses.MISSING and not dataclasses.is_dataclass(
        field.default_factory
    ):
        return f"`{json.dumps(field.default_factory(), default=list)}`"
    return "" if dataclasses.is_dataclass(field.default_factory) else "needed"


def generate_files() -> dict[Path, str]:
    """Return the generated files with their contents."""
    return {SCHEMA_PATH: json.dumps(make_schema(), indent=1) + "\n", OPTIONS_PAGE: format_page()}


def write_files() -> None:
    """Write the generated files, relative to the checkout."""
    for path, text in generate_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
