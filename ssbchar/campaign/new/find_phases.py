"""Phases that are proposed for a series: from the CIFs in its folder and from the libraries that
come with the program, by a quick match of its first pattern."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.campaign.config import PHASES
from ssbchar.campaign.new.find_hexrd import FirstPattern
from ssbchar.campaign.new.phase_match import PhaseMatch, match_phases
from ssbchar.campaign.new.proposal import Findings, make_name
from ssbchar.crystal.library import split_phases, tabulate_library
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.phases_file import read_entries
from ssbchar.crystal.reflections import tabulate_reflections
from ssbchar.errors import BadInput
from ssbchar.number_text import decode_text
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.storage import atomic_write
from ssbchar.technique import Technique

if TYPE_CHECKING:
    import xarray as xr

SHIPPED = (PHASES, "config/real/phases/phases.yaml")
"""Libraries of phases, the usual one first."""
DOI = re.compile(r"^_(?:journal_paper_doi|citation_doi|journal_doi)\s+['\"]?(10\.[^\s'\"]+)", re.M)
UNLIKELY_NAMED = 3
"""So many phases that were near are named in a question."""


@dataclass(frozen=True, kw_only=True)
class ProposedPhases:
    """Phases for the series of a campaign."""

    table: Path | None = None
    """The phases file of a library; None where no series shows any of its phases."""
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Entries of CIFs that were found, for a phases file of the campaign's own."""


def find_libraries() -> list[Path]:
    """Return the phases files that come with the program, that of the working folder first."""
    found: dict[Path, Path] = {}
    for name in SHIPPED:
        for path in (Path(name), find_shipped(name)):
            if path.is_file():
                found.setdefault(path.resolve(), path)
    return list(found.values())


def read_cifs(cifs: Iterable[Path], folder: Path, findings: Findings) -> dict[str, dict[str, Any]]:
    """Return entries of a phases file for CIFs that can be used.

    Parameters
    ----------
    cifs : iterable of Path
    folder : Path
        Where the phases file will lie.
    findings : Findings
        CIFs that cannot be used are named here.
    """
    entries: dict[str, dict[str, Any]] = {}
    for cif in cifs:
        name = make_name((cif.stem,), entries)
        doi = DOI.search(decode_text(cif.read_bytes()))
        source = doi[1] if doi else f"{cif.name}, as found; write where it is from"
        entry = {"cif": os.path.relpath(cif, folder), "source": source}
        try:
            _tabulate({name: entry}, folder)
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            findings.unused.append(f"{cif}: {fault.problem}; {fault.remedy}")
            continue
        entries[name] = entry
    return entries


def _tabulate(entries: dict[str, dict[str, Any]], folder: Path) -> list[xr.Dataset]:
    """Return the reflections of entries whose CIFs are named relative to a folder."""
    from tempfile import TemporaryDirectory

    from ssbchar.campaign.new.write_files import format_phases

    with TemporaryDirectory() as scratch:
        table = Path(scratch, "phases.yaml")
        moved = {
            name: {**entry, "cif": os.path.abspath(folder / entry["cif"])}
            for name, entry in entries.items()
        }
        table.write_text(format_phases(moved), encoding="utf-8")
        return [
            tabulate_reflections(table, ReflectionListing(), {"phase": name}) for name in entries
        ]


def propose_phases(
    first: Sequence[FirstPattern],
    own: dict[str, dict[str, Any]],
    folder: Path,
    findings: Findings,
) -> ProposedPhases:
    """Write the phases into the rows of series, by the match of each first pattern.

    Parameters
    ----------
    first : sequence of FirstPattern
    own : dict
        Entries of CIFs that were found (`read_cifs`); all are candidates of every series.
    folder : Path
        Where the phases file will lie.
    findings : Findings
        Its rows get the column ``phases``.
    """
    if not any(row.technique == Technique.HEXRD for row in findings.rows):
        return ProposedPhases()
    mine = _tabulate(own, folder) if own else []
    best: tuple[float, Path | None, dict[str, list[PhaseMatch]]] = (-1.0, None, {})
    for library in find_libraries():
        phases = [p for p in split_phases(tabulate_library(library, ReflectionListing()))]
        matches = {
            one.measurement: match_phases(phases, one.peaks, one.wavelength) for one in first
        }
        total = sum(m.evidence for found in matches.values() for m in found if m.is_likely)
        if total > best[0]:
            best = (total, library, matches)
    _, table, matches = best
    own_matches = {one.measurement: match_phases(mine, one.peaks, one.wavelength) for one in first}
    entries = dict(own)
    if own and table is not None:
        shipped = read_entries(table)
        entries = {**_move_entries(shipped, table.parent, folder), **own}
    for place, row in enumerate(findings.rows):
        if row.technique != Technique.HEXRD or row.role == "calibrant":
            continue
        found = [m for m in matches.get(row.measurement, []) if m.name not in own]
        chosen = [m for m in found if m.is_likely]
        names = [*own, *(m.name for m in chosen)]
        question = _word_question(chosen, own_matches.get(row.measurement, []), found)
        cells = {**row.cells, "phases": ",".join(names)} if names else row.cells
        findings.rows[place] = replace(
            row, cells=cells, questions=(*row.questions, *filter(None, (question,)))
        )
    return ProposedPhases(table=None if own else table, entries=entries if own else {})


def _word_question(
    chosen: Sequence[PhaseMatch], own: Sequence[PhaseMatch], found: Sequence[PhaseMatch]
) -> str:
    """Return what is to be checked about the phases of a series."""
    if not found and not own:
        return ""
    parts = [f"{m.name} ({m.on_peaks} of its {m.looked_for} strongest lines)" for m in chosen]
    parts += [
        f"{m.name} (CIF in the folder; {m.on_peaks} of its {m.looked_for} strongest lines)"
        if m.looked_for
        else f"{m.name} (CIF in the folder; none of its lines are on peaks)"
        for m in own
    ]
    perhaps = [m for m in found if m.evidence > 0 and not m.is_likely][:UNLIKELY_NAMED]
    near = f"; perhaps {', '.join(m.name for m in perhaps)}" if perhaps else ""
    if not parts:
        return (
            f"no phase of the library is on the peaks of the first pattern{near}: put CIFs beside "
            "the data, or name phases in the column phases"
        )
    return f"phases by the first pattern: {', '.join(parts)}{near}; add what may form on heating"


def _move_entries(entries: dict[str, Any], home: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Return entries with their files named relative to another folder."""
    moved = {}
    for name, entry in entries.items():
        paths = {
            key: os.path.relpath(home / str(entry[key]), folder)
            for key in ("cif", "feff")
            if entry.get(key)
        }
        moved[name] = {**entry, **paths}
    return moved
