"""The known answers of the demonstration: rows with the keys of ``summary.csv``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Truth:
    """One known answer; `value` is None where the answer is a verdict."""

    sample: str
    technique: str
    subject: str
    condition: str
    quantity: str
    value: float | None
    unit: str = ""
    verdict: str = ""


def save_truths(rows: Iterable[Truth], path: Path) -> None:
    """Write truth rows as JSON."""
    path.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", encoding="utf-8")


def load_truths(path: Path) -> list[Truth]:
    """Return the truth rows of a file."""
    return [Truth(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
