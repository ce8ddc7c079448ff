"""The known answers of the demonstration: rows with the keys of ``summary.csv``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One known answer."""

    sample: str
    technique: str
    subject: str
    condition: str
    quantity: str
    value: float | None
    """In `unit`; None where the answer is a verdict."""
    unit: str = ""
    verdict: str = ""


def save_truths(rows: Iterable[Truth], path: Path) -> None:
    """Write known answers as JSON.

    Parameters
    ----------
    rows : iterable of Truth
        In any units, which are written beside the values.
    path : Path
        The file.
    """
    text = json.dumps([asdict(row) for row in rows], indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def load_truths(path: Path) -> list[Truth]:
    """Return the known answers of a file, each with its unit.

    Parameters
    ----------
    path : Path
        Written by `save_truths`.
    """
    return [Truth(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
