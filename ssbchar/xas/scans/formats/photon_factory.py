"""Files of the Photon Factory and SPring-8 (format 9809): angles of the crystal and counts, whose
modes say what each counter is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats.column_names import make_distinct
from ssbchar.xas.scans.formats.column_text import parse_numbers
from ssbchar.xas.scans.formats.raw_scan import RawScan

MODES = {0: "other", 1: "I0", 2: "I1", 3: "If"}
"""What a counter measures, by the number in the line ``Mode``: I0, the transmitted beam, the
fluorescence."""
LEAST_POINTS = 2


def is_photon_factory(text: str) -> bool:
    """Return whether a text is of the format 9809."""
    return text[:200].lstrip().startswith("9809") and "Angle(" in text[:10_000]


def parse_photon_factory(path: Path, text: str) -> RawScan:
    """Return the scan of a file of the format 9809.

    The readings have their offsets subtracted already. Counters are named by their modes, several
    of one mode with a number (``If1``, ``If2``); where no counter is of a known mode they keep
    their numbers.

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file.

    Returns
    -------
    RawScan
        Columns of shape (point,): ``Angle(c)`` and ``Angle(o)`` [degree], ``time/s``, counts;
        header field ``mono.d_spacing`` [angstrom].

    Raises
    ------
    BadInput
        The line of the columns' names is missing, or the last row is cut.
    """
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if "Angle(c)" in line), None)
    if start is None:
        raise BadInput(path, "no line 'Angle(c) Angle(o) ...' above the numbers", "copy it again")
    names = lines[start].split()
    modes: list[int] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines[start + 1 :], start + 2):
        words = line.split()
        if words[:1] == ["Mode"]:
            modes = [int(word) for word in words[1:] if word.isdigit()]
            continue
        values = parse_numbers(words) if words else None
        if values is None:
            continue
        if len(values) != len(names):
            problem = f"{len(values)} columns where {len(names)} are named"
            raise BadInput(f"{path}:{number}", problem, "the scan was cut off; delete the line")
        rows.append(values)
    if len(rows) < LEAST_POINTS:
        raise BadInput(path, "no rows of numbers", "copy it again")
    table = np.array(rows)
    head = "\n".join(lines[:start])
    spacing = re.search(r"\bD\s*=\s*([\d.]+)", head)
    header = {"mono.d_spacing": spacing[1]} if spacing else {}
    columns = _name_counters(names, modes)
    return RawScan(
        where=str(path),
        columns={name: table[:, i] for i, name in enumerate(make_distinct(columns))},
        header=header,
        text=head,
    )


def _name_counters(names: list[str], modes: list[int]) -> list[str]:
    """Return the names with those of the counters by their modes."""
    if len(modes) == len(names) - 1:
        # The word Mode fills the field of the first column.
        modes = [0, *modes]
    if len(modes) != len(names):
        return names
    named = []
    for name, mode in zip(names, modes, strict=True):
        if not name.isdigit() or MODES.get(mode, "other") == "other":
            named.append(name)
        elif modes.count(mode) == 1:
            named.append(MODES[mode])
        else:
            before = sum(one.startswith(MODES[mode]) for one in named)
            named.append(f"{MODES[mode]}{before + 1}")
    return named
