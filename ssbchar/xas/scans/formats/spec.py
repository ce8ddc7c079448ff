"""SPEC files: several scans, each with columns of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats.column_names import make_distinct
from ssbchar.xas.scans.formats.column_text import parse_numbers
from ssbchar.xas.scans.formats.raw_scan import RawScan

LEAST_POINTS = 2
"""A scan of fewer points was broken off at once."""


def is_spec(text: str) -> bool:
    """Return whether a text is a SPEC file: numbered scans (``#S``) with labels (``#L``)."""
    return bool(re.search(r"^#S\s+\d+", text, re.MULTILINE)) and bool(
        re.search(r"^#L\s", text, re.MULTILINE)
    )


def parse_spec(path: Path, text: str) -> list[RawScan]:
    """Return the scans of a SPEC file, each by its number.

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file.

    Returns
    -------
    list of RawScan
        Columns of shape (point,) in the units of the file; header field ``scan`` is the number,
        ``2.1`` and ``2.2`` where it stands twice.
        Scans that were broken off at once are left out.

    Raises
    ------
    BadInput
        No scan has points, or a row does not fit its labels.
    """
    parts = re.split(r"^(?=#S\s+\d+)", text, flags=re.MULTILINE)
    line = 1 + parts[0].count("\n")
    scans = []
    for part in parts[1:]:
        scan = _parse_scan(path, part, line)
        line += part.count("\n")
        if scan is not None:
            scans.append(scan)
    if not scans:
        raise BadInput(path, "no scan of the SPEC file has points", "measure again")
    return _number_apart(path, scans)


def _number_apart(path: Path, scans: list[RawScan]) -> list[RawScan]:
    """Return the scans with ``1.1``, ``1.2`` for a number that stands twice: SPEC begins anew where
    it is started again."""
    numbers = [scan.header["scan"] for scan in scans]
    named = []
    for i, (scan, number) in enumerate(zip(scans, numbers, strict=True)):
        if numbers.count(number) > 1:
            number = f"{number}.{numbers[: i + 1].count(number)}"
            header = {**scan.header, "scan": number}
            scan = replace(scan, where=f"{path}[scan {number}]", header=header)
        named.append(scan)
    return named


def _parse_scan(path: Path, part: str, first: int) -> RawScan | None:
    lines = part.splitlines()
    title = re.match(r"#S\s+(\d+)\s*(.*)", lines[0])
    assert title is not None  # the file was parted there
    date = re.search(r"^#D\s+(.+)", part, re.MULTILINE)
    labels: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines, first):
        if line.startswith("#L"):
            labels = re.split(r"\s{2,}|\t", line[2:].strip())
        words = line.split()
        if line.startswith(("#", "@")) or not words or line.lstrip().startswith("#"):
            continue
        values = parse_numbers(words)
        if values is None:
            continue  # a detector's spectrum goes on over lines of its own
        if rows and len(values) != len(rows[0]):
            problem = f"{len(values)} columns where {len(rows[0])} were before"
            raise BadInput(f"{path}:{number}", problem, "delete the line, or choose another scan")
        rows.append(values)
    if len(rows) < LEAST_POINTS:
        return None
    if len(labels) != len(rows[0]):
        # Some programs part the labels by single blanks.
        spaced = " ".join(labels).split()
        labels = spaced if len(spaced) == len(rows[0]) else []
    names = labels or [f"column {i + 1}" for i in range(len(rows[0]))]
    table = np.array(rows)
    return RawScan(
        where=f"{path}[scan {title[1]}]",
        columns={name: table[:, i] for i, name in enumerate(make_distinct(names))},
        header={"scan": title[1], **({"date": date[1]} if date else {})},
        text="\n".join(one.lstrip("# ") for one in lines if one.startswith("#")),
    )
