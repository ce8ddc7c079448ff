"""Candidate phases for peaks that nothing explains: each group of tracks against each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import library as phase_library
from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.onset.find import find_onsets
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.unindexed.candidates import (
    MOST_SHOWN,
    conclude_candidate,
    judge_candidates,
    weigh_candidates,
)
from ssbchar.hexrd.unindexed.cell_matching import (
    FoundLines,
    list_candidate_lines,
    weigh_known_cell,
)
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.hexrd.unindexed.tracks import compare_courses
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
BESIDE = 3.0
"""Distance from a line of a refined phase within which its shape may leave something [full widths
at half maximum]."""
STRONG_LINES = 0.03
"""Share of the phase's strongest line from which a line may have tails that are seen [1]."""
PROPORTIONAL = 2.0
"""Reduced chi-square up to which lines rise and fall with a phase: weak lines that come while it
stays have more."""
MOST_OF_PARENT = 0.1
"""Share of the phase's intensity above which lines beside it are no tails of it [1]."""
FEWEST = 3
"""Lines a group must have to be tested against cells."""


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
    parent = _find_parent(group, phases, options)
    if parent:
        row = _conclude_lines(group.tracks, group.members, group.name)
        return [replace(row, verdict=Verdict.KNOWN_PHASE, reason=f"{parent}; {row.reason}")]
    count = group.members.size
    tested = weigh_candidates(group.found, phases, options)
    verdict, text = judge_candidates(tested, options, least=options.explained * count)
    row = _conclude_lines(group.tracks, group.members, group.name)
    reason = "; ".join(filter(None, [text, row.reason]))
    shown = tested[: MOST_SHOWN if verdict in (Verdict.NAMED, Verdict.AMBIGUOUS) else 1]
    rows = [replace(row, verdict=verdict, reason=reason)]
    rows += [conclude_candidate(one, group.name, count=count, method=METHOD) for one in shown]
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


def _find_parent(group: _Group, phases: Sequence[xr.Dataset], options: Candidates) -> str:
    """Return what tells that these are tails of a refined phase's lines, or nothing.

    What a line shape leaves over lies beside lines of its phase, is weak beside them, and rises and
    falls with them.
    """
    tracks = group.tracks
    if "known_course" not in tracks:
        return ""
    area = np.nansum(tracks["area"].values[:, group.members], axis=1)
    stderr = np.sqrt(np.nansum(tracks["area_stderr"].values[:, group.members] ** 2, axis=1))
    reach = BESIDE * float(tracks["fwhm"])
    for phase in phases:
        name = str(phase.attrs["phase"])
        if name not in tracks["known_phase"].values:
            continue
        own = tracks.sel(known_phase=name)
        cell = own["known_cell"].values[group.best_frame]
        found = group.found
        lines = list_candidate_lines(phase, found.wavelength, found.bounds, STRONG_LINES)
        if lines is None or not np.all(np.isfinite(cell)):
            continue
        places = two_theta_from_d(d_from_hkl(lines.hkl, cell), found.wavelength)
        distance = np.abs(found.position[:, None] - places)
        beside = int(np.sum(np.min(distance, axis=1) < reach))
        course, error = own["known_course"].values, own["known_course_stderr"].values
        if beside < options.explained * group.members.size:
            continue
        if np.nanmax(area) > MOST_OF_PARENT * np.nanmax(course):
            continue
        ratio, chi_square = compare_courses(
            np.stack([course, area], axis=1), np.stack([error, stderr], axis=1)
        )
        if ratio > 0 and chi_square < PROPORTIONAL:
            return (
                f"{beside} lie beside lines of {name} and rise and fall with it: what its line "
                "shape leaves"
            )
    return ""


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


def _list_spacings(tracks: xr.Dataset, members: Index) -> str:
    d = np.sort(np.nanmedian(tracks["d"].values[:, members], axis=0))[::-1]
    return ", ".join(f"{v:.3f}" for v in d[:6]) + (" ..." if d.size > 6 else "")


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
