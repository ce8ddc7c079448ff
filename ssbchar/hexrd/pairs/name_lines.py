"""What the lines that one specimen of a pair has alone may be: each candidate against them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import library as phase_library
from ssbchar.hexrd.pairs import sentences
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.unindexed.cell_matching import (
    FREE,
    CandidateLines,
    CellMatch,
    FoundLines,
    list_candidate_lines,
    match_cell,
)
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.typing import Bool, Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 3
"""Lines that can be tested against cells, at least."""
EVERYWHERE = frozenset({"Li", "O", "C", "H"})
"""Elements of the cell and the air, which every specimen may have met."""
MOST_SHOWN = 3
"""Candidates with a row of their own, at most."""
CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")
LEAST_SHARE = 0.02
"""Area over the strongest phase's intensity [1] from which lines without a name are a product, and
not what strong lines leave over."""
NEW, LOST = "new lines", "lost lines"
"""Subjects of the lines of the cycled and of the pristine specimen."""


@dataclass(frozen=True, kw_only=True)
class TestedCandidate:
    """A candidate, and how well it explains some lines."""

    lines: CandidateLines
    match: CellMatch


def name_new_lines(
    new_lines: xr.Dataset,
    library: xr.Dataset,
    products: xr.Dataset,
    options: Candidates,
) -> list[Conclusion]:
    """Return what the lines that one specimen has alone may be, and how much of each candidate
    would have been seen in the cycled one (``new_lines.json``).

    Quantities: ``new_lines`` and ``lost_lines`` (how many; ``named``, ``ambiguous``, ``not_named``,
    ``doubtful``,
    ``too_few_lines`` or ``not detected``), ``candidate`` (the share of them that each explains),
    ``detection_limit``. Where the best candidate explains part of them, the rest is tested again: a
    sample may have several products.

    Parameters
    ----------
    new_lines : Dataset
        ``new_lines.nc``, angles in degree.
    library, products : Dataset
        Reflections of the phases file and of the expected products, ``d`` [angstrom].
    options : Candidates
    """
    refined = set(new_lines["phase"].values.astype(str))
    phases = _join_libraries([products, library], refined)
    tiers = _sort_by_elements(phases, library, refined)
    rows = []
    for subject in (NEW, LOST):
        own = np.flatnonzero(new_lines["is_new"].values == int(subject == NEW))
        rows += _conclude_lines(new_lines, own, subject, tiers, options)
    return rows + _limit_products(new_lines, phases, options)


def _sort_by_elements(
    phases: Sequence[xr.Dataset], library: xr.Dataset, refined: set[str]
) -> list[list[xr.Dataset]]:
    """Return the candidates that the elements of the refined phases and of the air can make, then
    all: what is not there makes no product, until nothing else explains the lines."""
    about = {str(p.attrs["phase"]): p for p in phase_library.split_phases(library)}
    own = [_read_elements(about[name]) if name in about else set() for name in refined]
    if not own or not all(own):
        return [list(phases)]
    there = set().union(*own) | EVERYWHERE
    native = [phase for phase in phases if (of := _read_elements(phase)) and of <= there]
    return [native, list(phases)] if native else [list(phases)]


def _read_elements(phase: xr.Dataset) -> set[str]:
    return set(json.loads(phase.attrs.get("elements", "[]")))


def _join_libraries(libraries: Sequence[xr.Dataset], refined: set[str]) -> list[xr.Dataset]:
    """Return the phases of some libraries, each name once, without those that were refined."""
    found: dict[str, xr.Dataset] = {}
    for library in libraries:
        for phase in phase_library.split_phases(library):
            name = str(phase.attrs["phase"])
            if name not in refined:
                found.setdefault(name, phase)
    return list(found.values())


def _conclude_lines(
    new_lines: xr.Dataset,
    own: Index,
    subject: str,
    tiers: Sequence[Sequence[xr.Dataset]],
    options: Candidates,
) -> list[Conclusion]:
    """Return the rows of the lines of one specimen alone: one per product that is named, and one of
    what is left."""
    if not own.size:
        return [_conclude_none(new_lines, subject)]
    rows: list[Conclusion] = []
    left = own
    while left.size >= FEWEST:
        for phases in tiers:
            tested = weigh_candidates(_select_lines(new_lines, left, subject), phases, options)
            row = judge_candidates(_describe_lines(new_lines, left, subject), tested, options)
            if row.verdict != Verdict.NOT_NAMED:
                break
        if row.verdict != Verdict.NAMED:
            break
        best = tested[0]
        explained: Bool = best.match.explained
        named = _describe_lines(new_lines, left[explained], subject)
        rows += [
            replace(named, verdict=Verdict.NAMED, reason=f"{row.reason}; {named.reason}"),
            conclude_candidate(best, subject, left.size),
        ]
        left = left[~explained]
    if not left.size:
        return rows
    rest = _describe_lines(new_lines, left, subject)
    if left.size < FEWEST:
        few = f"too few to be tested against cells; {rest.reason}"
        return [*rows, replace(rest, verdict=Verdict.TOO_FEW_LINES, reason=few)]
    if row.verdict == Verdict.NOT_NAMED and _sum_share(new_lines, left) < LEAST_SHARE:
        weak = f"no more than strong lines leave over; {row.reason}"
        row = replace(row, verdict=Verdict.DOUBTFUL, reason=weak)
    shown = tested[:MOST_SHOWN] if row.verdict == Verdict.AMBIGUOUS else tested[:1]
    return [*rows, row, *(conclude_candidate(one, subject, left.size) for one in shown)]


def _conclude_none(new_lines: xr.Dataset, subject: str) -> Conclusion:
    is_measured = bool(np.isfinite(new_lines["detectable_area"].values).any())
    return Conclusion(
        subject.replace(" ", "_"),
        value=0.0 if is_measured else None,
        unit="1",
        verdict=Verdict.NOT_DETECTED if is_measured else Verdict.NOT_MEASURED,
        reason="" if is_measured else sentences.NO_SHARED_RANGE,
        method=sentences.LINES_METHOD,
        subject=subject,
    )


def _select_lines(new_lines: xr.Dataset, own: Index, subject: str) -> FoundLines:
    """Return some lines as what candidates are tested against."""
    part = "" if subject == NEW else "pristine_"
    return FoundLines(
        position=new_lines["position"].values[own],
        stderr=new_lines["position_stderr"].values[own],
        wavelength=float(new_lines.attrs[f"{part}wavelength"]),
        bounds=(float(new_lines.attrs[f"{part}low"]), float(new_lines.attrs[f"{part}high"])),
    )


def _describe_lines(new_lines: xr.Dataset, own: Index, subject: str) -> Conclusion:
    """Return the row of some lines without a verdict: how many, where and how strong; its limits
    hold none where they are noise."""
    significance = new_lines["area"].values[own] / new_lines["area_stderr"].values[own]
    share = _sum_share(new_lines, own)
    return Conclusion(
        subject.replace(" ", "_"),
        value=float(own.size),
        unit="1",
        reason=sentences.describe_lines(
            new_lines["d"].values[own],
            best=float(significance.max()),
            share=share,
        ),
        method=sentences.LINES_METHOD,
        subject=subject,
    )


def _sum_share(new_lines: xr.Dataset, own: Index) -> float:
    """Return the area of some lines over the intensity of the strongest phase [1]."""
    return float(new_lines["share"].values[own].sum())


def weigh_candidates(
    found: FoundLines, phases: Sequence[xr.Dataset], options: Candidates
) -> list[TestedCandidate]:
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
            tested.append(TestedCandidate(lines=lines, match=match))
    return sorted(tested, key=lambda one: -one.match.evidence)


def judge_candidates(
    row: Conclusion, tested: Sequence[TestedCandidate], options: Candidates
) -> Conclusion:
    """Return the row of some lines with its verdict: ``named`` where one candidate explains at
    least `FEWEST` of them clearly better than the next.

    Parameters
    ----------
    row : Conclusion
    tested : sequence of TestedCandidate
        Best first.
    options : Candidates
        Evidence that is needed [1].
    """
    if not tested:
        return replace(row, verdict=Verdict.NOT_NAMED)
    best = tested[0].match
    count = int(best.explained.sum())
    if best.evidence < options.evidence or count < FEWEST:
        text = f"no candidate explains them (best {best.name}: {count} of {best.explained.size})"
        return replace(row, verdict=Verdict.NOT_NAMED, reason=f"{text}; {row.reason}")
    # A rival worse than background lines alone is no rival.
    lead = best.evidence - max([0.0, *(one.match.evidence for one in tested[1:2])])
    if lead < options.evidence:
        text = f"{best.name} and {tested[1].match.name} explain them equally well"
        return replace(row, verdict=Verdict.AMBIGUOUS, reason=f"{text}; {row.reason}")
    text = f"{best.name}, by {lead:.1f} in log-likelihood over the next"
    return replace(row, verdict=Verdict.NAMED, reason=text)


def conclude_candidate(one: TestedCandidate, subject: str, lines: int) -> Conclusion:
    """Return the row of a candidate: the share of the lines that it explains [percent].

    Parameters
    ----------
    one : TestedCandidate
    subject : str
        The lines.
    lines : int
        How many there are.
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
        reason=f"{int(match.explained.sum())} of {lines} lines explained, "
        f"{match.found} of {match.expected} lines expected in range found; "
        f"evidence {match.evidence:.1f}; {cell}",
        method=sentences.NAMING_METHOD,
        subject=match.name,
        condition=subject,
    )


def _limit_products(
    new_lines: xr.Dataset, phases: Sequence[xr.Dataset], options: Candidates
) -> list[Conclusion]:
    """Return how much of each candidate would have been seen [percent]."""
    import xarray as xr

    if not np.isfinite(new_lines["detectable_area"].values).any():
        return []
    tracks = xr.Dataset(
        {
            "detectable_area": new_lines["detectable_area"],
            "wavelength": float(new_lines.attrs["wavelength"]),
            "known_intensity": ("known_phase", new_lines["intensity"].values),
        },
        coords={"known_phase": ("known_phase", new_lines["phase"].values)},
    )
    rows = detection_limits.limit_library_phases(tracks, phases, options.strain)
    return [replace(row, method=sentences.LIMIT_METHOD, condition="new") for row in rows]
