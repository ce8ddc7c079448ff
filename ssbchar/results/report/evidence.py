"""What a referee asks of each measurement: how it was measured, how well the model fits, which
phases with which source; read from the tables of the steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.results.options import Report
from ssbchar.results.report import evidence_hexrd, evidence_nmr, evidence_xas
from ssbchar.results.report.evidence_parts import Fact, FactTable
from ssbchar.storage import store
from ssbchar.technique import Technique

if TYPE_CHECKING:
    import xarray as xr

PHASES = "phases"
"""Folder of the tables of reflections."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a referee asks of one measurement."""

    measurement: str
    sample: str
    technique: str
    facts: list[Fact] = field(default_factory=list)
    tables: list[FactTable] = field(default_factory=list)


DESCRIBERS: Mapping[str, Callable[..., tuple[list[Fact], list[FactTable]]]] = {
    Technique.HEXRD: evidence_hexrd.describe,
    Technique.XAS: evidence_xas.describe,
    Technique.NMR: evidence_nmr.describe,
}


def collect_evidence(paths: Sequence[Path], options: Report) -> list[Evidence]:
    """Return what a referee asks of each measurement, in the order of the files.

    Parameters
    ----------
    paths : sequence of Path
        Tables of the steps (``<technique>/<measurement>/<table>.nc``, ``phases/<phase>.nc``); one
        that is missing or holds no result is left out.
    options : Report
    """
    tables: dict[tuple[str, str], dict[str, xr.Dataset]] = defaultdict(dict)
    for path in paths:
        found = _load_result(path)
        if found is None:
            continue
        place = (path.parent.parent.name, path.parent.name)
        key = (PHASES, "") if path.parent.name == PHASES else place
        tables[key][path.stem] = found
    phases = tables.pop((PHASES, ""), {})
    collected = []
    for (technique, measurement), mine in tables.items():
        describe = DESCRIBERS.get(technique)
        about = _find_labels(mine)
        if describe is None:
            continue
        others = {name: found for (_, name), found in tables.items()}
        facts, made = describe(mine, others, phases, options)
        if facts or made:
            collected.append(
                Evidence(
                    measurement=measurement,
                    sample=str(about.get("sample", "")),
                    technique=technique,
                    facts=facts,
                    tables=made,
                )
            )
    return collected


def _load_result(path: Path) -> xr.Dataset | None:
    """Return the table of a step; None where it is missing or holds the reason why there is
    none."""
    if not path.is_file():
        return None
    found = store.load(path)
    about: Mapping[str, Any] = getattr(found, "attrs", {})
    return None if about.get("lost") else found  # type: ignore[return-value]


def _find_labels(tables: Mapping[str, xr.Dataset]) -> Mapping[str, Any]:
    return next((one.attrs for one in tables.values()), {})
