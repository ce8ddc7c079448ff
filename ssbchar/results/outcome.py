"""What a run came to, in the lines printed at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ssbchar.conclusion import Conclusion, read_rows
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import format_value
from ssbchar.results.report.exclusions import (
    collect_exclusions,
    describe_exclusion,
    list_failed,
    read_folder_labels,
)
from ssbchar.results.report.page import QUESTIONS
from ssbchar.storage import store

FOLDERS = ("figures", "export", "structures")
"""Of a measurement: what is set aside there is told at the end of a run."""


def count_failed(failed: Sequence[str], measurements: int) -> str:
    """Return the last line of a run: how many of its measurements failed, and which."""
    if not failed:
        return f"None of {measurements} measurements failed."
    return f"{len(failed)} of {measurements} measurements failed: {', '.join(failed)}"


def summarise_outcome(
    folder: Path, conclusions: Iterable[Path], is_whole: bool = True
) -> list[str]:
    """Return the lines printed at the end of a run: verdicts, exclusions, where the report is.

    Parameters
    ----------
    folder : Path
        ``results/<run>``.
    conclusions : iterable of Path
        The files of conclusions of its measurements.
    is_whole : bool
        They are all of the run, and its summary is made of them. Otherwise the verdicts are taken
        from them alone, without those that join techniques.
    """
    content = [store.read_json(path) for path in conclusions]
    labels = [one["labels"] for one in content]
    folders = [path for name in FOLDERS for path in folder.glob(f"*/*/{name}")]
    if is_whole:
        rows = read_summary(folder / "summary.csv")
    else:
        rows = [row for one in content for row in read_rows(one["conclusions"])]
        mine = {label.get("measurement") for label in labels}
        folders = [path for path in folders if path.parent.name in mine]
    lines = ["", "Verdicts:", *_list_verdicts(rows)]
    labels += read_folder_labels(folders)
    excluded = collect_exclusions(labels)
    if excluded:
        lines += ["Set aside or failed:", *(f"  {describe_exclusion(entry)}" for entry in excluded)]
    else:
        lines.append("Nothing was set aside.")
    if not is_whole:
        return [
            *lines,
            "",
            f"{len(rows)} conclusions in {folder}; summary.csv and report.html there are not made "
            "anew: a run without --only or targets makes them",
            count_failed(list_failed(labels), len(content)),
        ]
    return [
        *lines,
        "",
        f"{len(rows)} conclusions: {folder / 'summary.csv'}",
        f"Report: {folder / 'report.html'}",
        count_failed(list_failed(labels), len(list(folder.glob("*/*/manifest.csv")))),
    ]


def _list_verdicts(rows: Iterable[Conclusion]) -> list[str]:
    lines = []
    for row in rows:
        if row.quantity not in QUESTIONS:
            continue
        subject = row.subject if row.subject != row.sample else ""
        about = " ".join(filter(None, (row.technique, subject)))
        question = row.quantity.replace("_", " ")
        lines.append(f"  {row.sample}: {question} ({about}): {row.verdict or format_value(row)}")
    return lines
