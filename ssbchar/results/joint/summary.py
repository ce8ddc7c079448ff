"""The summary table: every conclusion of the run, one row each, with the joined verdict of each
sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.conclusion import COLUMNS, Conclusion, convert_to_rows, read_rows
from ssbchar.results.joint.prelithiation import join_prelithiation
from ssbchar.results.joint.stability import join_stability
from ssbchar.results.number_format import round_conclusion
from ssbchar.storage import raw_files, store

if TYPE_CHECKING:
    import pandas as pd

ORDER = ("hexrd", "xas", "nmr", "combined")
"""Techniques in the order of the table."""


def summarise(conclusions: list[Path]) -> pd.DataFrame:
    """Return the table of ``summary.csv``: columns `COLUMNS`, rows by sample and technique, an
    empty value is none.

    Within a measurement the rows keep their order. Numbers are rounded to four digits of their
    smallest uncertainty.

    Parameters
    ----------
    conclusions : list of Path
        The ``conclusions.json`` of every measurement, those set aside too.
    """
    import pandas as pd

    found = [c for path in conclusions for c in read_rows(store.read_json(path)["conclusions"])]
    return pd.DataFrame(
        convert_to_rows(map(round_conclusion, order_conclusions([*found, *join_verdicts(found)]))),
        columns=list(COLUMNS),
    )


def join_verdicts(found: list[Conclusion]) -> list[Conclusion]:
    """Return the verdicts that combine techniques."""
    return [*join_stability(found), *join_prelithiation(found)]


def order_conclusions(found: list[Conclusion]) -> list[Conclusion]:
    """Return conclusions by sample and technique, in a stable order."""
    rank = {technique: i for i, technique in enumerate(ORDER)}
    return sorted(found, key=lambda c: (c.sample, rank.get(c.technique, len(ORDER))))


def read_summary(summary: Path) -> list[Conclusion]:
    """Return the rows of a ``summary.csv``."""
    return read_rows(
        [
            {name: _cell(name, value) for name, value in row.items()}
            for row in raw_files.read_rows(summary)
        ]
    )


def _cell(column: str, value: str) -> Any:
    if column in ("value", "stderr", "systematic", "lower95", "upper95"):
        return float(value) if value else None
    return value
