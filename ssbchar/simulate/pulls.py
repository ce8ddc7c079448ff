"""A finished run of the demonstration against its truth: the pull (value - truth) / uncertainty of
every known answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.simulate.truth import load_truths

if TYPE_CHECKING:
    import pandas as pd

KEY_COLUMNS = ["sample", "technique", "subject", "condition", "quantity"]
"""Columns that a truth and a row of ``summary.csv`` have in common."""
NUMBER_COLUMNS = ("value", "stderr", "systematic")
OPEN = "inconclusive"
"""Verdict that is no answer, and not wrong; the simulator shares no code with what it is held
against."""


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
        The keys, ``truth``, ``value``, ``stderr``, ``systematic`` (in ``unit``), ``verdict``,
        ``pull`` = (value - truth) / hypot(stderr, systematic) (dimensionless), and ``agrees``: for
        a verdict, that it is the true one; for a value, that it is there with an uncertainty.

    Raises
    ------
    ValueError
        A conclusion was drawn twice with different values.
    """
    import numpy as np
    import pandas as pd

    truths = pd.DataFrame([vars(row) for row in load_truths(known)])
    concluded = _read_conclusions(summary, truths)
    truths = truths.rename(columns={"value": "truth", "verdict": "true_verdict"})
    wanted = [*KEY_COLUMNS, *NUMBER_COLUMNS, "unit", "verdict", "reason"]
    table = truths.drop(columns="unit").merge(concluded[wanted], on=KEY_COLUMNS, how="left")
    stderr = table["stderr"].astype(float)
    systematic = table["systematic"].astype(float).fillna(0.0)
    uncertainty = (stderr**2 + systematic**2) ** 0.5
    error = table["value"].astype(float) - table["truth"].astype(float)
    table["pull"] = error / uncertainty.where(uncertainty > 0)
    table["agrees"] = np.where(
        table["truth"].isna(),
        table["verdict"] == table["true_verdict"],
        table["pull"].notna(),
    )
    return table


def _read_conclusions(summary: Path, truths: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``summary.csv`` whose answers are known."""
    import pandas as pd

    rows = pd.read_csv(
        summary, keep_default_na=False, na_values={name: [""] for name in NUMBER_COLUMNS}
    )
    # the same conclusion may stand under a measurement and under the sample
    rows = rows.drop_duplicates([*KEY_COLUMNS, "value", "stderr"])
    known = rows.set_index(KEY_COLUMNS).index.isin(truths.set_index(KEY_COLUMNS).index)
    rows = rows[known]
    twice = rows[rows.duplicated(KEY_COLUMNS, keep=False)]
    if len(twice):
        keys = twice[KEY_COLUMNS].drop_duplicates().values.tolist()
        raise ValueError(f"{summary}: told twice: {', '.join(map(str, keys))}")
    return rows


def list_faults(
    table: pd.DataFrame,
    beyond: float = 3.0,
    never: float = 5.0,
    share: float = 0.99,
    undecided: float = 0.2,
) -> list[str]:
    """Return what is wrong with a comparison, one line each: missing answers, wrong verdicts, large
    pulls.

    `inconclusive` is not wrong: a sample that has lost 2 % of a shell, where 4.5 % would matter,
    need not be told from one that has lost that with 1.3 % of error. It is no answer either, so
    that few verdicts may be such.

    Parameters
    ----------
    table : DataFrame
        From `compare_with_truth`.
    beyond : float
        Standard uncertainties within which most values must lie (dimensionless).
    never : float
        Standard uncertainties within which all values must lie (dimensionless).
    share : float
        Share of the values that must lie within `beyond`.
    undecided : float
        Share of the verdicts that may be `inconclusive` where the truth is another.

    Returns
    -------
    list of str
        Empty where nothing is wrong.
    """
    lines: list[str] = []
    open_lines: list[str] = []
    for _, row in table.iterrows():
        fault = _describe_fault(row, never)
        if fault:
            name = " / ".join(str(row[key]) for key in KEY_COLUMNS if row[key])
            is_open = bool(row["true_verdict"]) and row["verdict"] == OPEN
            (open_lines if is_open else lines).append(f"{name}: {fault}")
    if len(open_lines) > undecided * (table["true_verdict"] != "").sum():
        lines += open_lines
    pulls = table["pull"].dropna().abs()
    if len(pulls) and (pulls <= beyond).mean() < share:
        count = (pulls > beyond).sum()
        lines.append(f"{count} of {len(pulls)} values lie beyond {beyond:g} standard uncertainties")
    return lines


def _describe_fault(row: Any, never: float) -> str:
    """Return what is wrong with one row of a comparison, empty where nothing is."""
    if row["true_verdict"]:
        if row["agrees"]:
            return ""
        return f"verdict '{row['verdict']}', true is '{row['true_verdict']}' ({row['reason']})"
    if not row["agrees"]:
        return f"no value (verdict '{row['verdict']}'), true is {row['truth']:.6g}"
    if abs(row["pull"]) > never:
        return f"{row['value']:.6g}, true is {row['truth']:.6g}, pull {row['pull']:+.1f}"
    return ""
