"""Phase stability of a sample: the verdicts of diffraction and absorption side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssbchar.conclusion import Conclusion
from ssbchar.technique import TECHNIQUE_NAMES, Technique
from ssbchar.verdict import Verdict

QUANTITIES = {
    Technique.HEXRD: ("phase_stability", "structure"),
    Technique.XAS: ("structure",),
}
"""The conclusions of each technique that judge stability: of a series, and of a pair."""
VOTES = {
    (Technique.HEXRD, Verdict.STABLE): Verdict.RETAINED,
    (Technique.HEXRD, Verdict.UNCHANGED): Verdict.RETAINED,
    (Technique.HEXRD, Verdict.REVERSIBLE): Verdict.RETAINED,
    (Technique.HEXRD, Verdict.PARTLY): Verdict.CHANGED,
    (Technique.HEXRD, Verdict.REACTS): Verdict.CHANGED,
    (Technique.HEXRD, Verdict.RETAINED): Verdict.RETAINED,
    (Technique.HEXRD, Verdict.CHANGED): Verdict.CHANGED,
    (Technique.XAS, Verdict.RETAINED): Verdict.RETAINED,
    (Technique.XAS, Verdict.CHANGED): Verdict.CHANGED,
}
"""What a technique's verdict means for the initial structure; others mean nothing."""
LOST = "measurement"
"""Quantity of the row of a measurement that has no result."""
SEES = {Technique.HEXRD: "long-range order", Technique.XAS: "the surroundings of the absorber"}


def join_stability(conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    """Return one joined verdict per sample that diffraction or absorption has judged.

    ``retained``: every technique that could judge found the initial structure; ``changed``: every
    one found a change; ``mixed``: they differ; ``inconclusive``: none could judge. The row has no
    number: the reason repeats the verdict of each technique, whose own rows hold the evidence, and
    names the technique without one.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        All conclusions of the run.

    Returns
    -------
    list of Conclusion
        Quantity ``stability``, technique ``combined``, in the order in which the samples appear.
    """
    joined = []
    for sample in dict.fromkeys(c.sample for c in conclusions):
        of_sample = [c for c in conclusions if c.sample == sample]
        evidence = [c for c in of_sample if _is_judgement(c)]
        if evidence:
            verdict, agreement = _judge(evidence)
            described = [_describe_technique(t, of_sample) for t in QUANTITIES]
            joined.append(
                Conclusion(
                    "stability",
                    verdict=verdict,
                    reason="; ".join([agreement, *described]),
                    method="verdicts of the techniques side by side",
                    sample=sample,
                    technique=Technique.COMBINED,
                    source=join_sources(evidence),
                )
            )
    return joined


def join_sources(evidence: Iterable[Conclusion]) -> str:
    """Return the sources of some conclusions, each once, in order.

    Parameters
    ----------
    evidence : iterable of Conclusion

    Returns
    -------
    str
        Separated by semicolons.
    """
    return ";".join(dict.fromkeys(c.source for c in evidence if c.source))


def split_sources(joined: str) -> list[str]:
    """Return the sources that `join_sources` joined.

    Parameters
    ----------
    joined : str
    """
    return [source for source in joined.split(";") if source]


def _is_judgement(c: Conclusion) -> bool:
    return any(c.technique == t and c.quantity in q for t, q in QUANTITIES.items())


def _read_vote(c: Conclusion) -> Verdict | None:
    """Return what a conclusion says of the initial structure, None if it could not judge."""
    for (technique, verdict), vote in VOTES.items():
        if c.technique == technique and c.verdict == verdict:
            return vote
    return None


def _judge(evidence: Sequence[Conclusion]) -> tuple[Verdict, str]:
    """Return the joined verdict and the sentence on agreement."""
    # A technique may have several verdicts, of phases or edges, and vote both ways.
    cast: dict[Technique, set[Verdict]] = {}
    for c in evidence:
        vote = _read_vote(c)
        if vote is not None:
            cast.setdefault(Technique(c.technique), set()).add(vote)
    kinds = set().union(*cast.values())
    if not kinds:
        return Verdict.INCONCLUSIVE, "no technique could judge"
    if len(kinds) == 1:
        names = [TECHNIQUE_NAMES[t] for t in cast]
        agreement = f"{' and '.join(names)} {'agree' if len(names) > 1 else 'alone judges'}"
        return kinds.pop(), agreement
    divided = [TECHNIQUE_NAMES[t] for t, votes in cast.items() if len(votes) > 1]
    if divided:
        return Verdict.MIXED, f"the verdicts within {' and '.join(divided)} differ"
    seen = ", ".join(f"{TECHNIQUE_NAMES[t]} sees {SEES[t]}" for t in cast)
    return Verdict.MIXED, f"the techniques differ: {seen}"


def _describe_technique(technique: Technique, of_sample: Sequence[Conclusion]) -> str:
    """Return what one technique concludes on a sample, or why it concludes nothing."""
    name = TECHNIQUE_NAMES[technique]
    measured = [c for c in of_sample if c.technique == technique]
    judged = [c for c in measured if _is_judgement(c)]
    if judged:
        return "; ".join(_describe_verdict(name, c) for c in judged)
    if any(c.verdict in (Verdict.FAILED, Verdict.SKIPPED) for c in measured if c.quantity == LOST):
        return f"{name}: measured, failed"
    # That a measurement was excluded tells the reader more than that it has no verdict.
    if any(c.verdict == Verdict.SET_ASIDE for c in measured):
        return f"{name}: measured, set aside"
    return f"{name}: {'measured, without a verdict' if measured else 'not measured'}"


def _describe_verdict(name: str, c: Conclusion) -> str:
    about = " ".join(filter(None, (c.subject, c.condition)))
    return f"{name}{f' ({about})' if about else ''}: {c.verdict or 'no verdict'}"
