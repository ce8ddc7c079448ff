"""The data model: every output's table of variables, gathered from the rooms, as one page of
documentation."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import ssbchar
from ssbchar.storage.variables import OutputTable

DATA_MODEL_PAGE = Path("docs/data-model.md")
ROOMS = {
    "hexrd": (
        "hexrd.patterns",
        "hexrd.calibration",
        "hexrd.furnace",
        "crystal",
        "hexrd.peaks",
        "hexrd.refinement",
        "hexrd.rietveld",
        "hexrd.expansion",
        "hexrd.onset",
        "hexrd.unindexed",
        "hexrd.time_course",
        "hexrd.pairs",
    ),
    "xas": (
        "xas.scans",
        "xas.calibration",
        "xas.normalisation",
        "xas.exafs",
        "xas.comparison",
        "xas.series",
        "xas.paths",
    ),
    "nmr": (
        "nmr.bruker",
        "nmr.lineshape",
        "nmr.transform",
        "nmr.decay",
        "nmr.relaxation",
        "nmr.time_course",
        "nmr.quantification",
    ),
}
"""Rooms with outputs by technique, in the order of the page."""
TABLE_MODULES = ("outputs", "dataset")
"""Modules of a room that may hold its output tables."""


def list_tables(technique: str) -> list[OutputTable]:
    """Return the output tables of a technique, in the order of the page."""
    return [
        value
        for module in _import_table_modules(technique)
        for value in vars(module).values()
        if isinstance(value, OutputTable)
    ]


def _import_table_modules(technique: str) -> Iterator[ModuleType]:
    package = Path(ssbchar.__file__).parent
    for room in ROOMS[technique]:
        for name in TABLE_MODULES:
            if package.joinpath(*room.split("."), f"{name}.py").is_file():
                yield importlib.import_module(f"ssbchar.{room}.{name}")


def fill_page(text: str) -> str:
    """Return the page with the generated tables between its marks written anew.

    The marks are ``<!-- tables: TECHNIQUE -->`` and ``<!-- end of tables -->``; all else is kept.

    Raises
    ------
    ValueError
        A technique has no marks in the page.
    """
    for technique in ROOMS:
        begin, end = f"<!-- tables: {technique} -->", "<!-- end of tables -->"
        before, found, rest = text.partition(f"{begin}\n")
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{DATA_MODEL_PAGE}: no lines '{begin}' and '{end}'; add them")
        tables = "\n".join(table.page() for table in _drop_repeats(list_tables(technique)))
        text = f"{before}{begin}\n{tables}\n{end}{after}"
    return text


def _drop_repeats(tables: list[OutputTable]) -> list[OutputTable]:
    """Return each table once: a module may import that of another."""
    return list({id(table): table for table in tables}.values())
