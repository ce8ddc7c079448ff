"""A finished run written for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssbchar.errors import BadInput
from ssbchar.results.export import athena, origin, topas, workbook
from ssbchar.results.export.run_tables import list_tables
from ssbchar.results.joint.summary import read_summary
from ssbchar.runtime.options import suggest_word
from ssbchar.storage import atomic_write

FORMATS = ("xlsx", "athena", "topas", "origin")


def export_run(run: Path, to: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a run for other programs; return the files.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    to : Path
        The folder they are written to.
    formats : sequence of str
        Of `FORMATS`.

    Raises
    ------
    BadInput
        The folder is no finished run, or a format is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise BadInput(f"--format {name}", "is no format", suggest_word(name, FORMATS))
    summary = run / "summary.csv"
    if not summary.is_file():
        raise BadInput(run, "holds no summary.csv", "name the folder of a finished run")
    files: dict[str, bytes] = {}
    tables = list_tables(run)
    if "xlsx" in formats:
        files[f"{run.resolve().name}.xlsx"] = workbook.write_workbook(read_summary(summary), tables)
    if "origin" in formats:
        for table in tables:
            files[f"origin/{table.name}.csv"] = origin.write_table(table).encode("utf-8")
    if "athena" in formats and (project := athena.write_project(run)) is not None:
        files[f"{run.resolve().name}.prj"] = project
    if "topas" in formats:
        for folder in sorted(run.glob("hexrd/*")):
            for name, text in topas.write_start_files(folder, run).items():
                files[f"topas/{name}"] = text.encode("utf-8")
    written = []
    for name, content in files.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write.replace_atomically(path) as part:
            part.write_bytes(content)
        written.append(path)
    return written
