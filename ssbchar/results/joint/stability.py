"""Phase stability of a sample: what diffraction and absorption each say, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssbchar.conclusion import Conclusion

TECHNIQUE_NAMES = {"hexrd": "HEXRD", "xas": "XAS", "nmr": "7Li NMR"}
"""Techniques as written for people."""
QUANTITY = {"hexrd": "phase_stability", "xas": "structure"}
"""The conclusion of each technique that judges stability."""
RETAINED = {"hexrd": ("stable", "reversible"), "xas": ("retained",)}
CHANGED = {"hexrd": ("partly", "reacts"), "xas": ("changed",)}
SEES = {"hexrd": "long-range order", "xas": "the surroundings of the absorber"}


def join_stability(conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    """Return one joined verdict per sample that diffraction or absorption has judged.

    ``retained``: every technique that could judge found the initial structure; ``changed``: every
    one found a change; ``mixed``: they differ; ``inconclusive``: none could judge. No number is
    made: the reason repeats the verdict of each technique, whose own rows hold the evidence, and
    names the one that is silent.

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
        own = [c for c in conclusions if c.sample == sample]
        evidence = [c for c in own if c.quantity == QUANTITY.get(c.technique)]
        if evidence:
            verdict, agreement = _judge(evidence)
            told = [_describe_technique(technique, evidence, own) for technique in QUANTITY]
            joined.append(
                Conclusion(
                    "stability",
                    verdict=verdict,
                    reason="; ".join([agreement, *told]),
                    method="verdicts of the techniques side by side",
                    sample=sample,
                    technique="combined",
                    source=join_sources(evidence),
                )
            )
    return joined


def join_sources(evidence: Iterable[Conclusion]) -> str:
    """Return the sources of some conclusions, each once, in order."""
    return ";".join(dict.fromkeys(c.source for c in evidence if c.source))


def _vote(conclusion: Conclusion) -> str:
    if conclusion.verdict in RETAINED[conclusion.technique]:
        return "retained"
    return "changed" if conclusion.verdict in CHANGED[conclusion.technique] else ""


def _judge(evidence: Sequence[Conclusion]) -> tuple[str, str]:
    """Return the joined verdict and the sentence on agreement."""
    votes = {
        c.technique: {_vote(e) for e in evidence if e.technique == c.technique} - {""}
        for c in evidence
    }
    cast = {technique: found for technique, found in votes.items() if found}
    kinds = set().union(*cast.values())
    if not kinds:
        return "inconclusive", "no technique could judge"
    if len(kinds) == 1:
        verdict = kinds.pop()
        who = [TECHNIQUE_NAMES[t] for t in cast]
        return verdict, " and ".join(who) + (" agree" if len(who) > 1 else " alone judges")
    if any(len(found) > 1 for found in cast.values()):
        own = " and ".join(TECHNIQUE_NAMES[t] for t, found in cast.items() if len(found) > 1)
        return "mixed", f"the verdicts within {own} differ"
    return "mixed", "the techniques differ: " + ", ".join(
        f"{TECHNIQUE_NAMES[t]} sees {SEES[t]}" for t in cast
    )


def _describe_technique(
    technique: str, evidence: Sequence[Conclusion], own: Sequence[Conclusion]
) -> str:
    """Return what one technique says of a sample."""
    said = [c for c in evidence if c.technique == technique]
    if said:
        parts = []
        for c in said:
            about = " ".join(filter(None, (c.subject, c.condition)))
            parts.append(
                f"{TECHNIQUE_NAMES[technique]}{f' ({about})' if about else ''}: {c.verdict or 'no verdict'}"
            )
        return "; ".join(parts)
    lost = any(c.technique == technique and c.verdict == "set aside" for c in own)
    here = any(c.technique == technique for c in own)
    state = (
        "measured, set aside" if lost else "measured, without a verdict" if here else "not measured"
    )
    return f"{TECHNIQUE_NAMES[technique]}: {state}"
