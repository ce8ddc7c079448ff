"""Prelithiation of a sample: whether NMR gives a number, a bound or neither, and whether its
repeats agree."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.stability import join_sources
from ssbchar.results.number_format import format_value
from ssbchar.statistics import Z95

QUANTITIES = ("alloyed_share", "x_alloyed")
"""The conclusions of NMR that are a degree of prelithiation."""
GOOD = ("", "ok")
"""Verdicts of NMR on its own value that leave no doubt."""


def join_prelithiation(conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    """Return one joined verdict per sample whose prelithiation NMR was asked for.

    ``quantified``: at least one value, and repeated ones agree within their 95 % uncertainties;
    ``disagree``: repeated values do not; ``doubtful``: values whose own verdict is not ``ok``;
    ``bounded``: an interval alone; ``not quantified``: neither. No number is made; the reason
    repeats the values as NMR gives them.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        All conclusions of the run.

    Returns
    -------
    list of Conclusion
        Quantity ``prelithiation``, technique ``combined``.
    """
    joined = []
    for sample in dict.fromkeys(c.sample for c in conclusions):
        evidence = [
            c
            for c in conclusions
            if c.sample == sample and c.technique == "nmr" and c.quantity in QUANTITIES
        ]
        if evidence:
            verdict, why = _judge(evidence)
            joined.append(
                Conclusion(
                    "prelithiation",
                    verdict=verdict,
                    reason="; ".join(
                        [*why, *map(_describe_value, evidence), *_list_doubts(evidence)]
                    ),
                    method="7Li NMR; repeated measurements compared in pairs",
                    sample=sample,
                    technique="combined",
                    source=join_sources(evidence),
                )
            )
    return joined


def _judge(evidence: Sequence[Conclusion]) -> tuple[str, list[str]]:
    """Return the verdict, and what must be said with it."""
    valued = [c for c in evidence if c.value is not None and c.verdict in GOOD]
    if valued:
        apart = [
            f"{a.quantity} differs between {a.source or a.condition} and {b.source or b.condition}"
            for i, a in enumerate(valued)
            for b in valued[i + 1 :]
            if (a.quantity, a.subject, a.condition, a.unit)
            == (b.quantity, b.subject, b.condition, b.unit)
            and not _is_consistent(a, b)
        ]
        return ("disagree", apart) if apart else ("quantified", [])
    if any(c.value is not None for c in evidence):
        return "doubtful", []
    if any(c.lower95 is not None or c.upper95 is not None for c in evidence):
        return "bounded", []
    return "not quantified", []


def _is_consistent(a: Conclusion, b: Conclusion) -> bool:
    """Return whether two values differ by less than 1.96 of the stderr of their difference."""
    parts = (a.stderr, a.systematic, b.stderr, b.systematic)
    return abs((a.value or 0.0) - (b.value or 0.0)) <= Z95 * math.hypot(*(p or 0.0 for p in parts))


def _describe_value(c: Conclusion) -> str:
    name = " ".join(filter(None, (c.quantity.replace("_", " "), c.condition)))
    return f"{name}: {format_value(c) or 'no value'}"


def _list_doubts(evidence: Sequence[Conclusion]) -> list[str]:
    """Return what NMR holds against its own values, each once."""
    said = [
        ": ".join(filter(None, (c.verdict, c.reason.rstrip("."))))
        for c in evidence
        if c.verdict not in GOOD
    ]
    return list(dict.fromkeys(said))
