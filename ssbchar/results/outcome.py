"""What a run came to, in the lines printed at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

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


def count_failed(failed: Sequence[str], measurements: int) -> str:
    """Return the last line of a run: how many of its measurements failed, and which."""
    if not failed:
        return f"None of {measurements} measurements failed."
    return f"{len(failed)} of {measurements} measurements failed: {', '.join(failed)}"


def summarise_outcome(folder: Path, conclusions: Iterable[Path]) -> list[str]:
    """Return the lines printed at the end of a run: verdicts, exclusions, where the report is.

    Parameters
    ----------
    folder : Path
        ``results/<run>``.
    conclusions : iterable of Path
        The files of conclusions of its measurements.
    """

    rows = read_summary(folder / "summary.csv")
    lines = ["", "Verdicts:"]
    for row in rows:
        if row.quantity not in QUESTIONS:
            continue
        subject = row.subject if row.subject != row.sample else ""
        about = " ".join(filter(None, (row.technique, subject)))
        question = row.quantity.replace("_", " ")
        lines.append(f"  {row.sample}: {question} ({about}): {row.verdict or format_value(row)}")
    labels = [store.read_json(path)["labels"] for path in conclusions]
    labels += read_folder_labels([*folder.glob("*/*/figures"), *folder.glob("*/*/export")])
    excluded = collect_exclusions(labels)
    if excluded:
        lines += ["Set aside or failed:", *(f"  {describe_exclusion(entry)}" for entry in excluded)]
    else:
        lines.append("Nothing was set aside.")
    lines += [
        "",
        f"{len(rows)} conclusions: {folder / 'summary.csv'}",
        f"Report: {folder / 'report.html'}",
        count_failed(list_failed(labels), len(list(folder.glob("*/*/manifest.csv")))),
    ]
    return lines
