"""The files of a new campaign: config, sample sheet and, where CIFs were found, a phases file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ssbchar.campaign.new.proposal import ProposedRow
from ssbchar.campaign.row import OPTIONAL_COLUMNS, REQUIRED_COLUMNS

HEADING = """# Written by `ssbchar new {folder}`.
# Lines that begin with # are comments; `?` marks what the files leave open.
# Columns are explained in config/README.md, options in docs/options.md.
"""
REFUSED = "#"
"""Begins a row that cannot be read as it stands."""


def format_sheet(
    rows: Sequence[ProposedRow],
    folder: Path,
    understood: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
) -> str:
    """Return the text of a sample sheet with what is open as comments.

    Parameters
    ----------
    rows : sequence of ProposedRow
    folder : Path
        The folder that was looked through.
    understood : mapping, optional
        What the readers say of a measurement.
    refused : mapping, optional
        Why a measurement cannot be read as it stands: its row is a comment.
    """
    used = {name for row in rows for name in row.cells}
    plain = [name for name in OPTIONAL_COLUMNS if name in used]
    header = [*REQUIRED_COLUMNS, *plain, *sorted(used - set(plain))]
    lines = [HEADING.format(folder=folder.as_posix()) + "\t".join(header)]
    for row in rows:
        said = (understood or {}).get(row.measurement)
        fault = (refused or {}).get(row.measurement)
        lines += [f"# {row.measurement}: {said}"] if said else []
        lines += [f"# ? {row.measurement}: {question}" for question in row.questions]
        if fault is not None:
            lines.append(f"# ? {row.measurement}: {fault}; then take the # off the next line")
        cells = [row.measurement, row.sample, row.technique, row.role, row.path]
        cells += [row.cells.get(name, "") for name in header[len(REQUIRED_COLUMNS) :]]
        lines.append(("" if fault is None else REFUSED) + "\t".join(cells))
    return "\n".join(lines) + "\n"


def format_config(
    run: str, sheet: Path, phases: Path | None, unused: Sequence[str], folder: Path
) -> str:
    """Return the text of a config.

    Parameters
    ----------
    run : str
        Name of the run.
    sheet : Path
    phases : Path or None
        The phases file, where one is used.
    unused : sequence of str
        Files that were left out, one line each.
    folder : Path
        The folder that was looked through.
    """
    lines = [
        f"# Written by `ssbchar new {folder.as_posix()}`. Only departures from the defaults stand "
        "here; docs/options.md lists",
        "# every option. What the files leave open stands in the sample sheet, behind `?`.",
        f"run: {json.dumps(run, ensure_ascii=False)}",
        f"samples: {_quote(sheet)}",
    ]
    lines += [f"phases: {_quote(phases)}"] if phases else []
    lines += ["# Left out, since no reader takes them:"] if unused else []
    lines += [f"#   {' '.join(line.split())}" for line in unused]
    return "\n".join(lines) + "\n"


def format_phases(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a phases file.

    Parameters
    ----------
    entries : mapping
        Entries by the names of the phases.
    """
    lines = ["# Candidate phases; the keys are explained in config/README.md."]
    for name, entry in entries.items():
        lines.append(f"{json.dumps(name)}:")
        # What JSON writes is YAML, too.
        lines += [f"  {key}: {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _quote(path: Path) -> str:
    return json.dumps(path.as_posix(), ensure_ascii=False)
