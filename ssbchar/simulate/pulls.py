"""A finished demonstration run against its truth: pull (value - truth) / uncertainty of every known
answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.simulate import truth

if TYPE_CHECKING:
    import pandas as pd

KEY_COLUMNS = ["sample", "technique", "subject", "condition", "quantity"]
"""What a truth and a row of ``summary.csv`` have in common."""


def compare_with_truth(summary: Path, known: Path) -> pd.DataFrame:
    """Return one row per truth: what was concluded, and how far off it is.

    Parameters
    ----------
    summary : Path
        ``summary.csv`` of a run on the demonstration.
    known : Path
        Its ``truth.json``.

    Returns
    -------
    DataFrame
        The keys, ``truth``, ``value``, ``stderr``, ``systematic``, ``verdict``, ``pull`` = (value -
        truth) / hypot(stderr, systematic), and ``agrees``: for a verdict, that it is the true one;
        for a value, that it is there with an uncertainty. A conclusion drawn twice with different
        values raises ValueError.
    """
    import numpy as np
    import pandas as pd

    told = pd.read_csv(
        summary,
        keep_default_na=False,
        na_values={c: [""] for c in ("value", "stderr", "systematic")},
    )
    told = told.drop_duplicates([*KEY_COLUMNS, "value", "stderr"])
    truths = pd.DataFrame([vars(row) for row in truth.load_truths(known)])
    told = told[told.set_index(KEY_COLUMNS).index.isin(truths.set_index(KEY_COLUMNS).index)]
    twice = told[told.duplicated(KEY_COLUMNS, keep=False)]
    if len(twice):
        raise ValueError(
            f"{summary}: told twice: {', '.join(map(str, twice[KEY_COLUMNS].drop_duplicates().values.tolist()))}"
        )
    truths = truths.rename(columns={"value": "truth", "verdict": "true_verdict"}).drop(
        columns="unit"
    )
    wanted = [*KEY_COLUMNS, "value", "stderr", "systematic", "unit", "verdict", "reason"]
    table = truths.merge(told[wanted], on=KEY_COLUMNS, how="left")
    spread = (
        table["stderr"].astype(float) ** 2 + table["systematic"].astype(float).fillna(0.0) ** 2
    ) ** 0.5
    table["pull"] = (table["value"].astype(float) - table["truth"].astype(float)) / spread.where(
        spread > 0
    )
    of_verdict = table["truth"].isna()
    table["agrees"] = np.where(
        of_verdict, table["verdict"] == table["true_verdict"], table["pull"].notna()
    )
    return table


def list_faults(
    table: pd.DataFrame, beyond: float = 3.0, never: float = 5.0, share: float = 0.99
) -> list[str]:
    """Return what is wrong with a comparison, one line each: missing answers, wrong verdicts, far
    pulls.

    At least `share` of the values must lie within `beyond` standard uncertainties and none outside
    `never`.
    """
    lines = []
    for _, row in table.iterrows():
        name = " / ".join(str(row[k]) for k in KEY_COLUMNS if row[k])
        if row["true_verdict"] and not row["agrees"]:
            lines.append(
                f"{name}: verdict '{row['verdict']}', true is '{row['true_verdict']}' ({row['reason']})"
            )
        elif not row["agrees"]:
            lines.append(
                f"{name}: no value (verdict '{row['verdict']}'), true is {row['truth']:.6g}"
            )
        elif abs(row["pull"]) > never:
            lines.append(
                f"{name}: {row['value']:.6g}, true is {row['truth']:.6g}, pull {row['pull']:+.1f}"
            )
    pulls = table["pull"].dropna().abs()
    if len(pulls) and (pulls <= beyond).mean() < share:
        lines.append(
            f"{(pulls > beyond).sum()} of {len(pulls)} values lie beyond {beyond:g} standard uncertainties"
        )
    return lines
