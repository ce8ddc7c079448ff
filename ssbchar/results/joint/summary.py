"""The summary table: one row per conclusion of the run, with the joined verdicts of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.conclusion import COLUMNS, Conclusion, convert_to_rows, read_rows
from ssbchar.results.joint.prelithiation import join_prelithiation
from ssbchar.results.joint.stability import join_stability
from ssbchar.results.joint.trends import join_trends
from ssbchar.results.number_format import UNCERTAIN, round_conclusion
from ssbchar.storage import raw_files, store
from ssbchar.technique import Technique

if TYPE_CHECKING:
    import pandas as pd

ORDER = tuple(Technique)
"""Techniques in the order of the table."""


def summarise(conclusions: Sequence[Path]) -> pd.DataFrame:
    """Return the table of ``summary.csv``: columns `COLUMNS`, rows by sample and technique.

    An empty cell means that there is no value. Within a measurement the rows keep their order.
    Numbers are rounded to four digits of their smallest uncertainty.

    Parameters
    ----------
    conclusions : sequence of Path
        The ``conclusions.json`` of every measurement, excluded ones too.
    """
    import pandas as pd

    found = [c for path in conclusions for c in read_rows(store.read_json(path)["conclusions"])]
    ordered = order_conclusions([*found, *join_verdicts(found)])
    rows = convert_to_rows(round_conclusion(c) for c in ordered)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def join_verdicts(found: Sequence[Conclusion]) -> list[Conclusion]:
    """Return the verdicts that combine techniques, and the trends over samples.

    Parameters
    ----------
    found : sequence of Conclusion
        All conclusions of the run.
    """
    return [*join_stability(found), *join_prelithiation(found), *join_trends(found)]


def order_conclusions(found: Sequence[Conclusion]) -> list[Conclusion]:
    """Return conclusions by sample and technique, in a stable order.

    Parameters
    ----------
    found : sequence of Conclusion
    """
    rank = {technique.value: i for i, technique in enumerate(ORDER)}
    # The sort is stable: rows of a measurement keep their order.
    return sorted(found, key=lambda c: (c.sample, rank.get(c.technique, len(ORDER))))


def read_summary(summary: Path) -> list[Conclusion]:
    """Return the rows of a ``summary.csv``.

    Parameters
    ----------
    summary : Path
        Columns as `COLUMNS`.
    """
    table = raw_files.read_rows(summary)
    return read_rows(
        {name: _read_cell(name, value) for name, value in row.items()} for row in table
    )


def _read_cell(column: str, value: str) -> str | float | None:
    if column not in UNCERTAIN:
        return value
    return float(value) if value else None
