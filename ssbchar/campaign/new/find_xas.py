"""Absorption scans in a folder as rows of the sample sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssbchar.campaign.new.proposal import Findings, ProposedRow, make_name, name_folder
from ssbchar.campaign.new.raw_groups import FileGroup, group_repeats
from ssbchar.errors import BadInput
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.read import OWN_ROW, list_raw_scans, read_scans

REFERENCE = re.compile(r"(foils?|ref(erence)?s?|standards?|std|metal)", re.IGNORECASE)
"""Words in names of reference compounds and foils."""
CYCLED = re.compile(
    r"(cycled?|cyc\d*|\d+cyc(les)?|after|(dis)?charged?|aged|delithiated|lithiated|eo[cd]|"
    r"reduced|oxidi[sz]ed|soc\d*|heated)",
    re.IGNORECASE,
)
"""Words in names of samples after something was done to them."""
MOST_SCANS = 60
"""So many files of a group are read to see whether they are repeats."""


@dataclass(frozen=True, kw_only=True)
class _Scans:
    """Scans of one sample."""

    source: str
    words: tuple[str, ...]
    """Parts of their name."""
    edge: str
    """Element and edge."""
    mu: str = ""
    """Name of a project's group."""


def propose_scans(files: Sequence[Path], alone: bool, root: Path, findings: Findings) -> None:
    """Add the rows of the scans in a folder.

    Parameters
    ----------
    files : sequence of Path
        Files of scans of one folder.
    alone : bool
        No other file lies in the folder or below it.
    root : Path
        The folder that was looked through.
    findings : Findings
    """
    folder = name_folder(files[0].parent, root)
    for group in group_repeats(files, alone=alone):
        for scans in _read_group(group, folder, findings):
            taken = [row.measurement for row in findings.rows]
            name = make_name(scans.words, taken)
            cells = {"read.mu": scans.mu} if scans.mu else {}
            findings.rows.append(
                ProposedRow(
                    measurement=name,
                    sample=name,
                    technique="xas",
                    role="pristine",
                    path=scans.source,
                    cells={**cells, "edge": scans.edge},
                )
            )


def _read_group(group: FileGroup, folder: str, findings: Findings) -> list[_Scans]:
    """Return the samples of a group of files: one if its scans are repeats."""
    words = (folder,) if group.is_whole_folder and len(group.paths) > 1 else (group.stem,)
    words = words if words[0] else (folder,)
    try:
        found = read_scans(Path(group.source), ScanReading(), {"role": "pristine"})
    except BadInput as fault:
        return _read_apart(group, folder, findings, fault)
    apart = [one for one in json.loads(found.attrs["set_aside"]) if one["remedy"] == OWN_ROW]
    if apart and len(group.paths) > 1:
        odd = BadInput(group.source, apart[0]["problem"], apart[0]["remedy"])
        return _read_apart(group, folder, findings, odd)
    edge = f"{found.attrs['element']} {found.attrs['edge']}"
    return [_Scans(source=group.source, words=words, edge=edge)]


def _read_apart(group: FileGroup, folder: str, findings: Findings, fault: BadInput) -> list[_Scans]:
    """Return the samples of files that are no repeats: one per file, or per group of a project."""
    if len(group.paths) == 1:
        found = _read_project(group.paths[0])
        if not found:
            findings.unused.append(f"{group.source}: {fault.problem}; {fault.remedy}")
        return found
    scans = []
    for path in group.paths[:MOST_SCANS]:
        alone = replace(group, paths=(path,), stem=path.stem, is_whole_folder=False)
        scans += _read_group(alone, folder, findings)
    if len(group.paths) > MOST_SCANS:
        more = len(group.paths) - MOST_SCANS
        findings.unused.append(f"{group.source}: {more} more files, which are no repeats")
    return scans


def _read_project(path: Path) -> list[_Scans]:
    """Return the groups of an Athena project as samples of their own."""
    if path.suffix.lower() != ".prj":
        return []
    found = []
    for raw in list_raw_scans(path, ScanReading()):
        name = raw.text
        try:
            scans = read_scans(path, ScanReading(mu=name), {"role": "pristine"})
        except BadInput:
            continue
        edge = f"{scans.attrs['element']} {scans.attrs['edge']}"
        found.append(_Scans(source=path.as_posix(), words=(name,), edge=edge, mu=name))
    return found


def assign_roles(rows: Iterable[ProposedRow]) -> list[ProposedRow]:
    """Return the rows of absorption with their roles by their names, and what each is compared
    with.

    Parameters
    ----------
    rows : iterable of ProposedRow
        Of one campaign; their cell ``edge`` holds element and edge.
    """
    rows = list(rows)
    roles = {row.measurement: _guess_role(row) for row in rows}
    by_edge: dict[str, list[ProposedRow]] = {}
    for row in rows:
        by_edge.setdefault(row.cells["edge"], []).append(row)
    found = []
    for row in rows:
        alike = by_edge[row.cells["edge"]]
        cells = {name: text for name, text in row.cells.items() if name != "edge"}
        found.append(_settle_role(row, alike, roles, cells))
    return found


def _settle_role(
    row: ProposedRow,
    alike: Sequence[ProposedRow],
    roles: dict[str, str],
    cells: dict[str, str],
) -> ProposedRow:
    """Return a row with its role and links, among the rows of the same edge."""
    role = roles[row.measurement]
    questions = list(row.questions)
    pristine = [one.measurement for one in alike if roles[one.measurement] == "pristine"]
    references = [one.measurement for one in alike if roles[one.measurement] == "reference"]
    if role == "cycled" and not pristine:
        role = "pristine"
        questions.append(
            "by its name it was treated, but nothing here of this edge is untreated: add that row "
            "and set role cycled and compare_to"
        )
    elif role == "cycled":
        cells["compare_to"] = pristine[0]
        others = f"; {', '.join(pristine[1:])} would do, too" if pristine[1:] else ""
        questions.append(f"role cycled by its name, compared with {pristine[0]}{others}")
    elif role == "reference":
        questions.append("role reference by its name")
    elif len(pristine) > 1 and row.measurement == pristine[0]:
        questions.append(
            f"{', '.join(pristine)} have the same edge: if one is another after cycling, set its "
            "role to cycled and compare_to to the other; if it is a compound, set role reference"
        )
    if role != "reference" and references:
        cells["reference"] = ",".join(references)
    return replace(row, role=role, cells=cells, questions=tuple(questions))


def _guess_role(row: ProposedRow) -> str:
    """Return a role by the words of a measurement's name and path."""
    text = f"{row.measurement} {Path(row.path).parent.name}"
    words = re.split(r"[\W_]+", text)
    if any(REFERENCE.fullmatch(word) for word in words):
        return "reference"
    return "cycled" if any(CYCLED.fullmatch(word) for word in words) else "pristine"
