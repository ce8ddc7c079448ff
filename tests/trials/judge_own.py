"""The truth of the project's own forward models: rows with the keys of ``summary.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ssbchar.hexrd.verdict.options import Stability
from ssbchar.verdict import Verdict
from ssbchar.xas.comparison.options import Comparison

from .judge import (
    POSITIVE,
    STATED,
    JudgeWord,
    Known,
    Row,
    Rule,
    Truth,
    explain_false_structure,
    forbid,
)

CHANGES: Mapping[str, tuple[float, float | None]] = {
    "volume_return": (0.0, Stability().cell_tolerance),
    "edge_shift": (0.0, Comparison().max_shift),
    "white_line_change": (0.0, Comparison().max_white_line),
    "shell_1_ratio": (1.0, Comparison().max_loss[0]),
    "shell_2_ratio": (1.0, Comparison().max_loss[-1]),
    "shell_3_ratio": (1.0, Comparison().max_loss[-1]),
    "reduced_fraction": (0.0, None),
}
"""What a quantity is if nothing changed, and the change that matters."""
TWICE = ("li_si_fraction", "x_alloyed")
"""The same numbers as the metal's fraction and the alloyed share."""


def know_values(truth: Truth) -> Iterator[Known]:
    """Yield every known number; each was to be found.

    Parameters
    ----------
    truth : mapping
        ``own`` holds the rows; absent in truths of other generators.
    """
    for row in truth.get("own", ()):
        if row["value"] is None:
            continue
        unchanged, bound = CHANGES.get(row["quantity"], (None, None))
        yield Known(
            quantity=row["quantity"],
            subject=row["subject"],
            condition=row["condition"],
            value=row["value"],
            unchanged=unchanged,
            bound=bound,
            deserved=True,
            counts=row["quantity"] not in TWICE,
        )


def know_verdicts(truth: Truth) -> Iterator[Known]:
    """Yield every known word: every other positive word is false.

    Parameters
    ----------
    truth : mapping
        ``own`` holds the rows; absent in truths of other generators.
    """
    for row in truth.get("own", ()):
        if row["quantity"] == "structure":
            yield Known(
                quantity="structure",
                subject=row["subject"],
                judge_word=_judge_structure(truth, row["subject"]),
                right_words={row["verdict"]},
            )
        elif row["value"] is None:
            yield _know_verdict(row)


def _judge_structure(truth: Truth, subject: str) -> JudgeWord:
    """Return the judge of a word on a structure whose members' true changes are known."""
    changes = [known for known in know_values(truth) if known.bound is not None]
    members = [known for known in changes if known.subject == subject]

    def judge_word(row: Row, rows: Sequence[Row]) -> str:
        return explain_false_structure(str(row.get("verdict", "")), rows, members)

    return judge_word


def _know_verdict(row: Mapping[str, Any]) -> Known:
    right = row["verdict"]
    # Where no number is deserved, one that stands as good is as false as a word.
    others = STATED if right == Verdict.NOT_APPLICABLE else POSITIVE - {right}
    return Known(
        quantity=row["quantity"],
        subject=row["subject"],
        condition=row["condition"],
        false_words=forbid(others, f"true is '{right}'"),
        right_words={right},
    )


def know_combined(truth: Truth) -> Iterator[Known]:
    """Yield the word of all techniques together, where one of them alone judges.

    Parameters
    ----------
    truth : mapping
        ``own`` holds the rows; absent in truths of other generators.
    """
    for row in truth.get("own", ()):
        if row["quantity"] == "structure":
            judge_word = _judge_structure(truth, row["subject"])
            yield Known(quantity="stability", technique="combined", judge_word=judge_word)
        elif row["quantity"] == "phase_stability":
            kept = row["verdict"] in (Verdict.RETAINED, Verdict.REVERSIBLE, Verdict.STABLE)
            false = Verdict.CHANGED if kept else Verdict.RETAINED
            yield Known(
                quantity="stability",
                technique="combined",
                false_words=forbid([false, Verdict.MIXED], f"true is '{row['verdict']}'"),
            )


RULES = (
    Rule(
        truth="own: value",
        rows="the row of the same subject, condition and quantity",
        false="an error beyond 3 (5) of hypot(stderr, systematic) where the number stands as good; "
        "a word on a change that its true size contradicts",
        know=know_values,
    ),
    Rule(
        truth="own: verdict",
        rows="the row of the same subject, condition and quantity",
        false="every other positive word; where N/A is true, any number that stands as good; of a "
        "structure retained where a value is beyond its bound, changed where it is false of each",
        know=know_verdicts,
    ),
    Rule(
        truth="own: verdict of phase_stability; values of edge, white line and shells",
        rows="combined stability",
        false="retained of what changed, changed of what was kept; of absorption as the structure",
        know=know_combined,
    ),
)
