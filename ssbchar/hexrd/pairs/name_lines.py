"""What the lines that one specimen of a pair has alone may be: each candidate against them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import library as phase_library
from ssbchar.hexrd.pairs import sentences
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.unindexed.candidates import (
    MOST_SHOWN,
    WeighedCandidate,
    conclude_candidate,
    judge_candidates,
    weigh_candidates,
)
from ssbchar.hexrd.unindexed.cell_matching import FoundLines
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.typing import Bool, Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 3
"""Lines that can be tested against cells, at least."""
EVERYWHERE = frozenset({"Li", "O", "C", "H"})
"""Elements of the cell and the air, which every specimen may have met."""
LEAST_SHARE = 0.02
"""Area over the strongest phase's intensity [1] from which lines without a name are a product, and
not what strong lines leave over."""
NEW, LOST = "new lines", "lost lines"
"""Subjects of the lines of the cycled and of the pristine specimen."""


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
            verdict, text = judge_candidates(tested, options, least=FEWEST)
            if verdict != Verdict.NOT_NAMED:
                break
        if verdict != Verdict.NAMED:
            break
        best = tested[0]
        explained: Bool = best.match.explained
        named = _describe_lines(new_lines, left[explained], subject)
        rows += [
            _add_verdict(named, verdict, text),
            _conclude_candidate(best, subject, left),
        ]
        left = left[~explained]
    if not left.size:
        return rows
    rest = _describe_lines(new_lines, left, subject)
    if left.size < FEWEST:
        few = f"too few to be tested against cells; {rest.reason}"
        return [*rows, replace(rest, verdict=Verdict.TOO_FEW_LINES, reason=few)]
    if verdict == Verdict.NOT_NAMED and _sum_share(new_lines, left) < LEAST_SHARE:
        verdict, text = Verdict.DOUBTFUL, f"no more than strong lines leave over; {text}"
    shown = tested[:MOST_SHOWN] if verdict == Verdict.AMBIGUOUS else tested[:1]
    candidates = [_conclude_candidate(one, subject, left) for one in shown]
    return [*rows, _add_verdict(rest, verdict, text), *candidates]


def _add_verdict(row: Conclusion, verdict: Verdict, text: str) -> Conclusion:
    """Return the row of some lines with its verdict, what it rests on first."""
    return replace(row, verdict=verdict, reason="; ".join(filter(None, [text, row.reason])))


def _conclude_candidate(one: WeighedCandidate, subject: str, own: Index) -> Conclusion:
    return conclude_candidate(one, subject, count=own.size, method=sentences.NAMING_METHOD)


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
