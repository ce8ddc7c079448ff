"""The verdict on a pair from everything that was compared: retained, changed or inconclusive, with
the evidence in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Decision, combine_equalities, describe_open_difference
from ssbchar.hexrd.pairs import sentences
from ssbchar.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A comparison with its row."""

    decision: Decision
    row: Conclusion
    name: str
    """What was compared, as in the reason of the verdict."""
    scale: float = 1.0
    """To what is printed."""
    unit: str = ""
    """As it is printed."""


@dataclass(frozen=True, kw_only=True)
class PairEvidence:
    """Everything that the verdict on a pair rests on."""

    compared: Sequence[Judged]
    """Equalities: cells, breadths, ratios of phases."""
    single_phases: Sequence[Conclusion]
    """Rows of phases that only one specimen has."""
    open_lines: Sequence[Conclusion]
    """Rows of lines that only one specimen has, and that may be nothing."""
    products: Sequence[str] = ()
    """Lines that are a product, as described."""
    missing: Sequence[str] = field(default_factory=tuple)
    """What could not be compared, as sentences; then nothing is ``retained``."""
    unusable: Sequence[str] = field(default_factory=tuple)
    """Why no comparison is a result, as sentences; then everything is ``inconclusive``."""


def judge_structure(evidence: PairEvidence, subject: str) -> Conclusion:
    """Return the verdict on a pair.

    ``changed``: a comparison found a change, a phase is only in one of both, or new lines are a
    product; ``retained``: every comparison was retained, none is missing, and no line is new; else
    ``inconclusive``.

    Parameters
    ----------
    evidence : PairEvidence
    subject : str
        The sample.

    Returns
    -------
    Conclusion
        Without a number, and so without a unit.
    """
    single = [row for row in evidence.single_phases if row.verdict == Verdict.DETECTED]
    open_phases = [row for row in evidence.single_phases if row.verdict != Verdict.DETECTED]
    verdicts = [one.decision.verdict for one in evidence.compared]
    verdicts += [Verdict.CHANGED for _ in (*single, *evidence.products)]
    is_complete = not (evidence.missing or open_phases or evidence.open_lines)
    verdict = combine_equalities(verdicts, is_complete=is_complete)
    parts = [*evidence.unusable]
    if evidence.unusable:
        verdict = Verdict.INCONCLUSIVE
    parts += [_describe_changed(one) for one in evidence.compared if _is(one, Verdict.CHANGED)]
    parts += [f"{row.quantity.replace('_', ' ')}: {row.subject}" for row in single]
    parts += [*evidence.products]
    parts += [_describe_open(one) for one in evidence.compared if _is(one, Verdict.INCONCLUSIVE)]
    parts += [f"{row.quantity.replace('_', ' ')} {row.subject}: open" for row in open_phases]
    parts += [f"{row.value:.0f} {row.subject}: {row.reason}" for row in evidence.open_lines]
    parts += [*evidence.missing]
    tests = len(evidence.compared)
    return Conclusion(
        "structure",
        verdict=verdict,
        reason=sentences.describe_structure([part for part in parts if part], tests=tests),
        method=f"equivalence tests at 95 %, Bonferroni over {max(tests, 1)} for a change",
        subject=subject,
    )


def _is(one: Judged, verdict: Verdict) -> bool:
    return one.decision.verdict == verdict


def _describe_changed(one: Judged) -> str:
    decision = one.decision
    difference = one.scale * (decision.value - decision.reference)
    error = one.scale * decision.sigma
    return f"{one.name} changed by {difference:+.3g}({error:.1g}) {one.unit}"


def _describe_open(one: Judged) -> str:
    known = describe_open_difference(one.decision, one.unit, scale=one.scale)
    return f"{one.name} is open: {known or 'not measured'}"
