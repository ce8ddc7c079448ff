"""Bruker experiments in a folder as rows of the sample sheet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ssbchar.campaign.new.proposal import Findings, ProposedRow, make_name, name_folder
from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.read import RELAXATION, read_fid
from ssbchar.number_text import decode_text

PURE_LITHIUM = {"li", "lithium", "metal", "foil", "strip", "powder", "pure", "ref", "reference"}
"""Words of which the name of a measurement of pure Li is made."""
LITHIUM_METAL = re.compile(r"(li|lithium)[ _-]?(metal|foil|ref)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Experiment:
    """One experiment, as far as it bears on its row."""

    path: Path
    sample: str
    is_series: bool
    """Its slices have decay times."""
    relaxation: str
    """``recovery`` or ``spin_lock`` where its program says so, else empty."""
    program: str
    is_pure: bool
    """Its name says pure Li and nothing else."""


def propose_experiments(folders: Sequence[Path], root: Path, findings: Findings) -> None:
    """Add the rows of Bruker experiments.

    Parameters
    ----------
    folders : sequence of Path
        Each holds ``acqus``.
    root : Path
        The folder that was looked through.
    findings : Findings
    """
    titles = {folder: read_title(folder) for folder in folders}
    rows: list[tuple[_Experiment, ProposedRow]] = []
    for folder in folders:
        experiment = _read_experiment(folder, root, titles, findings)
        if experiment is None:
            continue
        row = _make_row(experiment, rows, findings)
        rows.append((experiment, row))
        findings.rows.append(row)
    _link_references(rows, findings)


def read_title(folder: Path) -> str:
    """Return the first line of an experiment's title, empty without one.

    Parameters
    ----------
    folder : Path
    """
    for path in sorted(folder.glob("pdata/*/title")):
        lines = decode_text(path.read_bytes()).splitlines() if path.is_file() else []
        filled = [line.strip() for line in lines if line.strip()]
        if filled:
            return filled[0]
    return ""


def _read_experiment(
    folder: Path, root: Path, titles: dict[Path, str], findings: Findings
) -> _Experiment | None:
    relaxation = _find_relaxation(folder)
    try:
        fid = read_fid(folder, Reading(), {"role": RELAXATION if relaxation else ""})
    except BadInput as fault:
        findings.unused.append(f"{folder}: {fault.problem}; {fault.remedy}")
        return None
    data_set = name_folder(folder.parent, root) if folder != root else folder.name
    beside = {t for other, t in titles.items() if other.parent == folder.parent and t}
    # Where experiments of one data set have titles of their own, these name the samples.
    sample = titles[folder] if len(beside) > 1 and titles[folder] else data_set
    times = fid["decay_time"].values
    words = {word.lower() for word in re.split(r"[\W_\d]+", sample) if word}
    return _Experiment(
        path=folder,
        sample=re.sub(r"\s+", " ", sample)[:60].strip(" ."),
        is_series=fid.sizes["slice"] > 1 and np.unique(times[np.isfinite(times)]).size > 1,
        relaxation=relaxation,
        program=str(fid.attrs["pulse_program"]),
        is_pure=words <= PURE_LITHIUM and bool(words & {"li", "lithium"}),
    )


def _find_relaxation(folder: Path) -> str:
    """Return which relaxation a series is by its program, empty where it is none."""
    if not (folder / "ser").is_file():
        return ""
    try:
        return str(read_fid(folder, Reading(), {"role": RELAXATION}).attrs["relaxation"])
    except BadInput:
        return ""


def _make_row(
    experiment: _Experiment,
    earlier: Sequence[tuple[_Experiment, ProposedRow]],
    findings: Findings,
) -> ProposedRow:
    name = make_name(
        (experiment.sample, experiment.path.name if experiment.path.name.isdigit() else ""),
        (row.measurement for row in findings.rows),
    )
    role = "decay" if experiment.is_series else "spectrum"
    cells: dict[str, str] = {}
    questions: list[str] = []
    if experiment.relaxation:
        role = RELAXATION
        questions.append(
            "taken as spin locks of growing length (T1rho); if its pulse was varied for another "
            "reason, delete the row"
            if experiment.relaxation == "spin_lock"
            else "taken as a recovery (T1): one delay varies, and a pulse reads it"
        )
    elif experiment.is_pure:
        role = "reference_decay" if experiment.is_series else "reference"
        questions.append(f"role {role} by its name: pure Li")
    elif LITHIUM_METAL.search(experiment.sample):
        questions.append(
            "its name speaks of Li metal: if it is pure Li, set role "
            f"{'reference_decay' if experiment.is_series else 'reference'}"
        )
    if role == "spectrum":
        cells["quantify.x_nominal"] = ""
        questions.append("Li per Si as weighed, if it is such a sample: quantify.x_nominal")
    before = [
        row
        for other, row in earlier
        if (other.sample, other.program) == (experiment.sample, experiment.program)
        and row.role == role == "spectrum"
    ]
    if before:
        role = "repeat"
        cells, questions = {"compare_to": before[0].measurement}, []
        questions.append(
            f"taken as a later spectrum of {experiment.sample}; if it is another sample, name it "
            "in the column sample, set role spectrum and empty compare_to"
        )
    return ProposedRow(
        measurement=name,
        sample=experiment.sample,
        technique="nmr",
        role=role,
        path=experiment.path.as_posix(),
        cells=cells,
        questions=tuple(questions),
    )


def _link_references(rows: Sequence[tuple[_Experiment, ProposedRow]], findings: Findings) -> None:
    """Name pure Li in the column reference of the samples, where there is just one of its kind."""
    pure = {
        role: [row.measurement for _, row in rows if row.role == role]
        for role in ("reference", "reference_decay")
    }
    for _, row in rows:
        wanted = pure["reference_decay" if row.role == "decay" else "reference"]
        if row.role not in ("spectrum", "decay", "repeat") or not wanted:
            continue
        questions = list(row.questions)
        if len(wanted) > 1:
            questions.append(f"pure Li is {', '.join(wanted)}: is {wanted[0]} the right one?")
        cells = {**row.cells, "reference": wanted[0]}
        place = findings.rows.index(row)
        findings.rows[place] = replace(row, cells=cells, questions=tuple(questions))
