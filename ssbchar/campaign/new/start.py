"""``ssbchar new``: look through a folder, write config and sheet, check them, say what is open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.campaign import check
from ssbchar.campaign.config import PHASES
from ssbchar.campaign.names import describe_bad_name
from ssbchar.campaign.new import find_nmr, find_phases, find_xas
from ssbchar.campaign.new.classify import Kind, classify_file
from ssbchar.campaign.new.find_hexrd import (
    FirstPattern,
    Surroundings,
    propose_images,
    propose_series,
)
from ssbchar.campaign.new.proposal import GENERAL, Findings, ProposedRow
from ssbchar.campaign.new.raw_groups import (
    BESIDE,
    FileGroup,
    FolderContent,
    group_frames,
    list_content,
)
from ssbchar.campaign.new.wavelength import STATEMENTS
from ssbchar.campaign.new.write_files import format_config, format_phases, format_sheet
from ssbchar.errors import BadInput
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.storage import atomic_write

ABOUT = (
    *(".md", ".rst", ".pdf", ".docx", ".pptx", ".png", ".jpg", ".svg", ".py", ".m", ".ipynb"),
    *(".json", ".yaml", ".yml", ".toml", ".xml", ".html", ".zip", ".gz", ".out", ".log~"),
)
"""Endings of files that hold no raw data."""
TRIED = 3
"""So many files of a group are tried for one that a reader takes."""


@dataclass(frozen=True, kw_only=True)
class NewCampaign:
    """What was written."""

    config: Path
    sheet: Path
    phases: Path | None
    """The campaign's own phases file."""
    said: list[str]
    """What was found, and what is open, one line each."""


def start_campaign(root: Path, target: Path | None = None, run: str = "") -> NewCampaign:
    """Write config and sample sheet for a folder of raw files.

    Parameters
    ----------
    root : Path
        The folder; nothing in it is written to.
    target : Path, optional
        Folder of the files written; by default ``config/<run>``.
    run : str
        Name of the run; by default that of the folder.

    Raises
    ------
    BadInput
        There is no such folder, nothing in it can be read, or the files are there already.
    """
    if not root.is_dir():
        raise BadInput(root, "is no folder", "name the folder that holds the raw files")
    run = run or _name_run(root)
    if fault := describe_bad_name(run):
        raise BadInput(f"--name {run}", fault.partition("; ")[0], fault.partition("; ")[2])
    target = target or Path("config") / run
    config, sheet = target / "config.yaml", target / "samples.tsv"
    table = target / "phases.yaml"
    for path in (config, sheet, table):
        if path.exists():
            raise BadInput(path, "is there already", "remove it, or name another folder with --to")
    findings = Findings()
    content = list_content(root)
    first = _find_all(content, root, findings)
    if not findings.rows:
        reasons = f" ({findings.unused[0]})" if findings.unused else ""
        raise BadInput(
            root, f"holds nothing that a reader takes{reasons}", "see docs/your-data.md for formats"
        )
    cifs = [p for files in content.files.values() for p in files if p.suffix.lower() == ".cif"]
    own = find_phases.read_cifs(cifs, target, findings)
    phases = find_phases.propose_phases(first, own, target, findings)
    target.mkdir(parents=True, exist_ok=True)
    if phases.entries:
        _write(table, format_phases(phases.entries))
    used = table if phases.entries else phases.table
    if used == find_shipped(PHASES):
        # The default, wherever the program is installed.
        used = None
    _write(config, format_config(run, sheet, used, findings.unused, root))
    said = _settle_sheet(config, sheet, findings.rows, root)
    said += [f"left out: {line}" for line in findings.unused]
    return NewCampaign(
        config=config, sheet=sheet, phases=table if phases.entries else None, said=said
    )


def _name_run(root: Path) -> str:
    name = root.resolve().name
    if GENERAL.fullmatch(name):
        name = f"{root.resolve().parent.name}_{name}"
    return re.sub(r"[^\w.+-]+", "_", name).strip("_.-+") or "campaign"


def _find_all(content: FolderContent, root: Path, findings: Findings) -> list[FirstPattern]:
    """Add the rows of all techniques; return the first patterns of the series."""
    series: list[FileGroup] = []
    images: list[FileGroup] = []
    logs: list[Path] = []
    scans: list[tuple[list[Path], bool]] = []
    for folder, files in content.files.items():
        scans_here: list[Path] = []
        for group in _group_folder(files, _is_alone(folder, content)):
            kind = _classify_group(group, findings)
            if kind is Kind.PATTERN:
                series.append(group)
            elif kind is Kind.IMAGE:
                images.append(group)
            elif kind is Kind.LOG:
                logs += group.paths
            elif kind is Kind.SCAN:
                scans_here += group.paths
        if scans_here:
            only = len(scans_here) == len(files) and _is_alone(folder, content)
            scans.append((scans_here, only))
    companions = [
        path
        for files in content.files.values()
        for path in files
        if path.suffix.lower() in (*STATEMENTS, ".csv", ".tsv")
    ]
    beside = Surroundings(root=root, logs=logs, companions=companions)
    found = [propose_series(group, beside, findings) for group in series]
    propose_images(images, beside, findings)
    _name_unused_logs(logs, findings)
    others = len(findings.rows)
    for files_of_scans, only in scans:
        find_xas.propose_scans(files_of_scans, only, root, findings)
    findings.rows[others:] = find_xas.assign_roles(findings.rows[others:])
    find_nmr.propose_experiments(content.experiments, root, findings)
    return [one for one in found if one is not None]


def _is_alone(folder: Path, content: FolderContent) -> bool:
    """Return whether no other folder of files lies below a folder."""
    others = [*content.files, *content.experiments]
    return not any(folder in other.parents for other in others)


def _group_folder(files: Sequence[Path], is_lowest: bool) -> list[FileGroup]:
    """Return the files of a folder that may be raw data in groups of one kind and name."""
    by_suffix: dict[str, list[Path]] = {}
    for path in files:
        suffix = path.suffix.lower()
        number = re.fullmatch(r"\.\d{2,4}", suffix)
        left_out = suffix in (*ABOUT, *STATEMENTS, ".cif") or BESIDE.match(path.name)
        if not left_out and path.is_file():
            by_suffix.setdefault("" if number else suffix, []).append(path)
    alone = is_lowest and len(by_suffix) == 1 and len(files) == sum(map(len, by_suffix.values()))
    return [group for paths in by_suffix.values() for group in group_frames(paths, alone=alone)]


def _classify_group(group: FileGroup, findings: Findings) -> Kind:
    """Return what a group's first file that a reader takes holds."""
    for path in group.paths[:TRIED]:
        found = classify_file(path)
        if found.kind is not Kind.NOTHING:
            return found.kind
    findings.unused.append(f"{group.source}: {found.faults[-1] if found.faults else 'not read'}")
    return Kind.NOTHING


def _name_unused_logs(logs: Iterable[Path], findings: Findings) -> None:
    used = {row.cells.get("log") for row in findings.rows}
    findings.unused += [
        f"{log}: a table of temperatures that belongs to no series"
        for log in logs
        if log.as_posix() not in used
    ]


def _settle_sheet(config: Path, sheet: Path, rows: Sequence[ProposedRow], root: Path) -> list[str]:
    """Write the sheet, check it, and write it again with what the readers say; a row that cannot be
    read as it stands becomes a comment, where others are left."""
    _write(sheet, format_sheet(rows, root))
    report = check.check_campaign(config)
    understood = {
        name: "; ".join([described.said, *(f"mind: {doubt}" for doubt in described.doubts)])
        for name, described in report.measurements.items()
    }
    refused: dict[str, str] = {}
    names = {row.measurement for row in rows}
    lines = sheet.read_text(encoding="utf-8").splitlines()
    general = []
    for fault in report.faults:
        place = re.match(rf"{re.escape(str(sheet))}:(\d+)(?: \S+)?[:.] ?(.*)", fault)
        name = lines[int(place[1]) - 1].partition("\t")[0] if place else ""
        if place and name in names:
            refused[name] = f"{refused[name]}; {place[2]}" if name in refused else place[2]
        else:
            general.append(fault)
    is_any_left = len(refused) < len(rows)
    final = refused if is_any_left else {}
    _write(sheet, format_sheet(rows, root, understood, final))
    said = []
    for row in rows:
        about = understood.get(row.measurement) or "not understood"
        said.append(f"{row.measurement} ({row.technique} {row.role}): {about}")
        said += [f"    ? {question}" for question in row.questions]
        if row.measurement in refused:
            how = "its row is a comment until that is done" if is_any_left else "fill it"
            said.append(f"    ? {refused[row.measurement]} ({how})")
    return [*said, *general]


def _write(path: Path, text: str) -> None:
    with atomic_write.replace_atomically(path) as part:
        part.write_text(text, encoding="utf-8")
