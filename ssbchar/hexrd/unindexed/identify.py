"""Candidate phases for peaks that nothing explains: each group of tracks against each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import library as phase_library
from ssbchar.hexrd.onset.find import find_onsets
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.unindexed.cell_matching import (
    FREE,
    CandidateLines,
    CellMatch,
    FoundLines,
    list_candidate_lines,
    match_cell,
    weigh_known_cell,
)
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.typing import Array, Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

METHOD = (
    "cell fitted to the lines found; likelihood against background lines, integrated over the cell"
)
OVERLAPPED = 0.15
"""Error of the place of a further line of a refined phase [full widths at half maximum]: most
overlap others."""
FEWEST = 3
"""Lines a group must have to be tested against cells."""
MOST_SHOWN = 3
"""Candidates with a row of their own where the best one is named."""
CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Tracks that rise and fall together."""

    tracks: xr.Dataset
    members: Index
    """Indices of its tracks."""
    name: str
    best_frame: int
    """Index of the frame where the group is strongest."""
    found: FoundLines
    """Its lines there."""


@dataclass(frozen=True, kw_only=True)
class _TestedCandidate:
    """A candidate, and how well it explains a group."""

    lines: CandidateLines
    match: CellMatch


def identify_phases(
    tracks: xr.Dataset, furnace: xr.Dataset, library: xr.Dataset, options: Candidates
) -> list[Conclusion]:
    """Return what `match_candidates` says of the tracks with every phase of a library as candidate
    (``candidates.json``).

    Parameters
    ----------
    tracks, furnace : Dataset
        ``tracks.nc`` and ``furnace.nc``, shape (frame,) and (frame, track).
    library : Dataset
        Reflections of all phases; ``d`` [angstrom].
    options : Candidates
    """
    return match_candidates(tracks, furnace, phase_library.split_phases(library), options)


def match_candidates(
    tracks: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Candidates
) -> list[Conclusion]:
    """Return, for each group of unexplained tracks, what it is, when it comes and goes, and each
    candidate's evidence.

    Quantities: `unexplained_lines` (verdict `named`, `ambiguous`, `not_named`, `known_phase` or
    `too_few_lines`), `candidate` (the share of lines each candidate explains), `onset_temperature`
    and `end_temperature` of the group.

    Parameters
    ----------
    tracks : Dataset
        ``tracks.nc``: ``position`` [degree] and ``area`` [count degree], shape (frame, track), and
        ``group``, shape (track,).
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC], shape (frame,).
    phases : list of Dataset
        Reflections of each candidate.
    options : Candidates

    Returns
    -------
    list of Conclusion
        Numbers of lines [1], shares [percent], temperatures [degC].
    """
    rows: list[Conclusion] = []
    number = tracks["group"].values
    size = np.bincount(number) if number.size else np.array([], dtype=int)
    few = np.flatnonzero(size[number] < FEWEST) if number.size else number
    if few.size:
        rows.append(_conclude_too_few(tracks, few))
    for n, members in enumerate(np.flatnonzero(size >= FEWEST)):
        group = _describe_group(
            tracks, np.flatnonzero(number == members), f"unexplained {n + 1}", options
        )
        rows += _conclude_group(group, furnace, phases, options)
    return rows + detection_limits.limit_library_phases(tracks, phases, options.strain)


def _conclude_group(
    group: _Group, furnace: xr.Dataset, phases: Sequence[xr.Dataset], options: Candidates
) -> list[Conclusion]:
    """Return the rows of one group."""
    known = _find_refined_phase(group, phases, options)
    if known:
        row = _conclude_lines(group.tracks, group.members, group.name)
        return [replace(row, verdict=Verdict.KNOWN_PHASE, reason=f"{known}; {row.reason}")]
    tested = _test_candidates(group, phases, options)
    row = _judge_candidates(group, tested, options)
    is_shown = row.verdict in (Verdict.NAMED, Verdict.AMBIGUOUS)
    rows = [row]
    rows += [_conclude_candidate(one, group) for one in tested[: MOST_SHOWN if is_shown else 1]]
    return rows + find_onsets(
        _make_lattice(group), furnace, Onset(significance=options.significance)
    )


def _describe_group(tracks: xr.Dataset, members: Index, name: str, options: Candidates) -> _Group:
    area, stderr = tracks["area"].values[:, members], tracks["area_stderr"].values[:, members]
    frame = int(np.argmax(np.nansum(np.maximum(area / stderr, 0), axis=1)))
    low, high = (float(b) for b in tracks["two_theta_range"].values)
    found = FoundLines(
        position=tracks["position"].values[frame, members],
        stderr=np.hypot(
            tracks["position_stderr"].values[members], options.position * float(tracks["fwhm"])
        ),
        wavelength=float(tracks["wavelength"]),
        bounds=(low, high),
    )
    return _Group(tracks=tracks, members=members, name=name, best_frame=frame, found=found)


def _find_refined_phase(group: _Group, phases: Sequence[xr.Dataset], options: Candidates) -> str:
    """Return what tells that these are further lines of a refined phase (its intensities were not
    foreseen), or nothing."""
    tracks = group.tracks
    stderr = np.hypot(group.found.stderr, OVERLAPPED * float(tracks["fwhm"]))
    found = replace(group.found, stderr=stderr)
    best, text = options.evidence, ""
    for phase in phases:
        name = str(phase.attrs["phase"])
        if name not in tracks["known_phase"].values:
            continue
        cell = tracks["known_cell"].sel(known_phase=name).values[group.best_frame]
        lines = list_candidate_lines(phase, found.wavelength, found.bounds, 0.0)
        if lines is None or not np.all(np.isfinite(cell)):
            continue
        evidence, own = weigh_known_cell(replace(lines, cell=cell), found)
        if evidence > best and own.mean() >= options.explained:
            count = int(own.sum())
            best, text = (
                evidence,
                f"{count} are lines of {name} that the refinement did not foresee",
            )
    return text


def _test_candidates(
    group: _Group, phases: Sequence[xr.Dataset], options: Candidates
) -> list[_TestedCandidate]:
    """Return the candidates' matches with a group of tracks, best first."""
    tested = []
    for phase in phases:
        lines = list_candidate_lines(phase, group.found.wavelength, group.found.bounds)
        if lines is not None:
            match = match_cell(lines, group.found, options.strain)
            tested.append(_TestedCandidate(lines=lines, match=match))
    return sorted(tested, key=lambda one: -one.match.evidence)


def _conclude_lines(tracks: xr.Dataset, members: Index, name: str) -> Conclusion:
    """Return the row of some tracks without a verdict: how many, where and how strong."""
    first = int(np.min(tracks["first_frame"].values[members]))
    last = int(np.max(tracks["last_frame"].values[members]))
    best = float(tracks["significance"].values[members].max())
    spacings = _list_spacings(tracks, members)
    return Conclusion(
        "unexplained_lines",
        value=float(members.size),
        unit="1",
        reason=f"frames {first}-{last}, best {best:.0f} sigma, d {spacings} angstrom",
        method=METHOD,
        subject=name,
    )


def _conclude_too_few(tracks: xr.Dataset, members: Index) -> Conclusion:
    row = _conclude_lines(tracks, members, "unexplained, alone")
    return replace(
        row,
        verdict=Verdict.TOO_FEW_LINES,
        reason=f"single lines or pairs that come and go on their own; {row.reason}",
    )


def _judge_candidates(
    group: _Group, tested: Sequence[_TestedCandidate], options: Candidates
) -> Conclusion:
    """Return the row of a group: the candidate that explains it clearly better than the next."""
    row = _conclude_lines(group.tracks, group.members, group.name)
    if not tested:
        return replace(row, verdict=Verdict.NOT_NAMED)
    best = tested[0].match
    share = float(best.explained.mean())
    if best.evidence < options.evidence or share < options.explained:
        text = f"no candidate explains it (best {best.name}: {share:.0%})"
        return replace(row, verdict=Verdict.NOT_NAMED, reason=f"{text}; {row.reason}")
    # a rival worse than background lines alone is no rival
    lead = best.evidence - max([0.0, *(one.match.evidence for one in tested[1:2])])
    if lead < options.evidence:
        text = f"{best.name} and {tested[1].match.name} explain it equally well"
        return replace(row, verdict=Verdict.AMBIGUOUS, reason=f"{text}; {row.reason}")
    text = f"{best.name}, by {lead:.1f} in log-likelihood over the next"
    return replace(row, verdict=Verdict.NAMED, reason=f"{text}; {row.reason}")


def _list_spacings(tracks: xr.Dataset, members: Index) -> str:
    d = np.sort(np.nanmedian(tracks["d"].values[:, members], axis=0))[::-1]
    return ", ".join(f"{v:.3f}" for v in d[:6]) + (" ..." if d.size > 6 else "")


def _conclude_candidate(one: _TestedCandidate, group: _Group) -> Conclusion:
    match = one.match
    cell = ", ".join(
        f"{CELL_NAMES[i]} {match.cell[i]:.4f}({match.cell_stderr[i]:.4f})"
        for i in FREE[one.lines.system]
    )
    return Conclusion(
        "candidate",
        value=100 * float(match.explained.mean()),
        unit="percent",
        reason=f"{int(match.explained.sum())} of {group.members.size} lines explained, "
        f"{match.found} of {match.expected} lines expected in range found; "
        f"evidence {match.evidence:.1f}; {cell}",
        method=METHOD,
        subject=match.name,
        condition=group.name,
    )


def _make_lattice(group: _Group) -> xr.Dataset:
    """Return a group's summed intensity in the shape of ``lattice.nc``, for its onset and end."""
    import xarray as xr

    tracks, members = group.tracks, group.members
    area: Array = tracks["area"].values[:, members].sum(axis=1, keepdims=True)
    variance = (tracks["area_stderr"].values[:, members] ** 2).sum(axis=1, keepdims=True)
    stderr = np.sqrt(variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = np.nan_to_num(area / stderr)
    dims = ("frame", "phase")
    return xr.Dataset(
        {
            "intensity": (dims, area),
            "intensity_stderr": (dims, stderr),
            "significance": (dims, significance),
            "intensity_upper95": (dims, np.maximum(area, 0) + ONE_SIDED_95 * stderr),
            "present": (dims, np.ones_like(area, dtype=int)),
        },
        coords={"frame": tracks["frame"], "phase": [group.name]},
    )
