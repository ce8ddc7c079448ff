"""Prelithiation of a sample: does NMR give a number or a bound, and do its repeats agree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.stability import join_sources
from ssbchar.results.number_format import format_value
from ssbchar.statistics import Z95
from ssbchar.technique import Technique
from ssbchar.verdict import Verdict

QUANTITIES = ("alloyed_share", "x_alloyed")
"""The conclusions of NMR that are a degree of prelithiation."""
GOOD = (Verdict.NONE, Verdict.OK)
"""Verdicts of NMR on its own value that leave no doubt."""


def join_prelithiation(conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    """Return one joined verdict per sample whose prelithiation NMR was to measure.

    ``quantified``: at least one value, and repeated ones agree within their 95 % uncertainties;
    ``disagree``: repeated values do not; ``doubtful``: values whose own verdict is not ``ok``;
    ``bounded``: an interval alone; ``not quantified``: neither. The row has no number; the reason
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
        evidence = [c for c in conclusions if c.sample == sample and _is_prelithiation(c)]
        if evidence:
            verdict, differences = _judge(evidence)
            values = [_describe_value(c) for c in evidence]
            joined.append(
                Conclusion(
                    "prelithiation",
                    verdict=verdict,
                    reason="; ".join([*differences, *values, *_list_doubts(evidence)]),
                    method="7Li NMR; repeated measurements compared in pairs",
                    sample=sample,
                    technique=Technique.COMBINED,
                    source=join_sources(evidence),
                )
            )
    return joined


def _is_prelithiation(c: Conclusion) -> bool:
    return c.technique == Technique.NMR and c.quantity in QUANTITIES


def _judge(evidence: Sequence[Conclusion]) -> tuple[Verdict, list[str]]:
    """Return the verdict, and the pairs of repeats that differ."""
    # Doubtful values say nothing against good ones.
    good = [c for c in evidence if c.value is not None and c.verdict in GOOD]
    if good:
        differences = [
            f"{a.quantity} differs between {a.source or a.condition} and {b.source or b.condition}"
            for a, b in itertools.combinations(good, 2)
            if _is_repeat(a, b) and not _is_consistent(a, b)
        ]
        return (Verdict.DISAGREE if differences else Verdict.QUANTIFIED), differences
    # No good value: the best of what is left.
    if any(c.value is not None for c in evidence):
        return Verdict.DOUBTFUL, []
    if any(c.lower95 is not None or c.upper95 is not None for c in evidence):
        return Verdict.BOUNDED, []
    return Verdict.NOT_QUANTIFIED, []


def _is_repeat(a: Conclusion, b: Conclusion) -> bool:
    """Return whether two conclusions state the same quantity."""
    return (a.quantity, a.subject, a.condition, a.unit) == (
        b.quantity,
        b.subject,
        b.condition,
        b.unit,
    )


def _is_consistent(a: Conclusion, b: Conclusion) -> bool:
    """Return whether two values differ by less than 1.96 of the stderr of their difference."""
    parts = (a.stderr, a.systematic, b.stderr, b.systematic)
    return abs((a.value or 0.0) - (b.value or 0.0)) <= Z95 * math.hypot(*(p or 0.0 for p in parts))


def _describe_value(c: Conclusion) -> str:
    name = " ".join(filter(None, (c.quantity.replace("_", " "), c.condition)))
    return f"{name}: {format_value(c) or 'no value'}"


def _list_doubts(evidence: Sequence[Conclusion]) -> list[str]:
    """Return the verdicts of NMR that are not good, with their reasons, each once."""
    doubts = []
    for c in evidence:
        if c.verdict not in GOOD:
            doubts.append(": ".join(filter(None, (c.verdict, c.reason.rstrip(".")))))
    return list(dict.fromkeys(doubts))
