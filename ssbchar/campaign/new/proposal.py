"""What is proposed for the sample sheet: a row per measurement, with what is open about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ssbchar.campaign.names import describe_bad_file_name

GENERAL = re.compile(
    r"(xye?|chi|raw|data|patterns?|scans?|1d|int(egrated)?|images?|tiffs?|files?|export(ed)?)",
    re.IGNORECASE,
)
"""Names of folders that do not say what was measured."""


@dataclass(frozen=True, kw_only=True)
class ProposedRow:
    """A row of the sample sheet, as far as the raw files tell."""

    measurement: str
    sample: str
    technique: str
    role: str
    path: str
    cells: dict[str, str] = field(default_factory=dict)
    """Further columns."""
    questions: tuple[str, ...] = ()
    """What the files leave open, one line each."""


@dataclass(kw_only=True)
class Findings:
    """What was found in a folder; filled technique by technique."""

    rows: list[ProposedRow] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    """Files that no reader takes, or that were left out, one line each with the reason."""


def make_name(words: Iterable[str], taken: Iterable[str]) -> str:
    """Return a name for a measurement, a good file name that is not taken.

    Parameters
    ----------
    words : iterable of str
        Parts of the name; those that say nothing may be empty.
    taken : iterable of str
        Names that others have.
    """
    joined = "_".join(filter(None, words))
    plain = re.sub(r"[^\w.+-]+", "_", joined).strip("_.-+") or "measurement"
    plain = plain.encode()[:60].decode(errors="ignore").strip("_.-+")
    if describe_bad_file_name(plain):
        plain = f"measurement_{plain}"
    name, number = plain, 2
    others = set(taken)
    while name in others:
        name, number = f"{plain}_{number}", number + 1
    return name


def name_folder(folder: Path, root: Path) -> str:
    """Return what a folder is called: its own name, with that of the folder above it where it says
    nothing.

    Parameters
    ----------
    folder : Path
    root : Path
        Names are not looked for above its own.
    """
    name = folder.resolve().name
    if GENERAL.fullmatch(name) and folder.resolve() != root.resolve():
        above = name_folder(folder.parent, root)
        return name if GENERAL.fullmatch(above) else f"{above}_{name}"
    return name
