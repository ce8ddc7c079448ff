"""Candidates held against lines without a phase: which explains them, and clearly better than the
next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.unindexed.cell_matching import (
    FREE,
    CandidateLines,
    CellMatch,
    FoundLines,
    list_candidate_lines,
    match_cell,
)
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")
MOST_SHOWN = 3
"""Candidates with a row of their own, at most."""


@dataclass(frozen=True, kw_only=True)
class WeighedCandidate:
    """A candidate, and how well it explains some lines."""

    lines: CandidateLines
    match: CellMatch


def weigh_candidates(
    found: FoundLines, phases: Sequence[xr.Dataset], options: Candidates
) -> list[WeighedCandidate]:
    """Return the candidates' matches with some lines, best first.

    Parameters
    ----------
    found : FoundLines
        Positions [degree].
    phases : sequence of Dataset
        Reflections of the candidates.
    options : Candidates
    """
    tested = []
    for phase in phases:
        lines = list_candidate_lines(phase, found.wavelength, found.bounds)
        if lines is not None:
            match = match_cell(lines, found, options.strain)
            tested.append(WeighedCandidate(lines=lines, match=match))
    return sorted(tested, key=lambda one: -one.match.evidence)


def judge_candidates(
    tested: Sequence[WeighedCandidate], options: Candidates, *, least: float
) -> tuple[Verdict, str]:
    """Return the verdict on some lines, ``named`` where one candidate explains enough of them
    clearly better than the next, and what it rests on.

    Parameters
    ----------
    tested : sequence of WeighedCandidate
        Best first.
    options : Candidates
        Evidence that is needed, a logarithm of likelihood [1].
    least : float
        Number of lines that must be explained [1].
    """
    if not tested:
        return Verdict.NOT_NAMED, ""
    best = tested[0].match
    count = int(best.explained.sum())
    if best.evidence < options.evidence or count < least:
        text = f"no candidate explains them (best {best.name}: {count} of {best.explained.size})"
        return Verdict.NOT_NAMED, text
    # A rival worse than background lines alone is no rival.
    lead = best.evidence - max([0.0, *(one.match.evidence for one in tested[1:2])])
    if lead < options.evidence:
        return (
            Verdict.AMBIGUOUS,
            f"{best.name} and {tested[1].match.name} explain them equally well",
        )
    return Verdict.NAMED, f"{best.name}, by {lead:.1f} in log-likelihood over the next"


def conclude_candidate(one: WeighedCandidate, lines: str, *, count: int, method: str) -> Conclusion:
    """Return the row of a candidate: the share of the lines that it explains [percent].

    Parameters
    ----------
    one : WeighedCandidate
    lines : str
        Name of the lines.
    count : int
        How many there are.
    method : str
    """
    match = one.match
    cell = ", ".join(
        f"{CELL_NAMES[i]} {match.cell[i]:.4f}({match.cell_stderr[i]:.4f})"
        for i in FREE[one.lines.system]
    )
    return Conclusion(
        "candidate",
        value=100 * float(match.explained.mean()),
        unit="percent",
        reason=f"{int(match.explained.sum())} of {count} lines explained, "
        f"{match.found} of {match.expected} lines expected in range found; "
        f"evidence {match.evidence:.1f}; {cell}",
        method=method,
        subject=match.name,
        condition=lines,
    )
