"""Candidate phases for peaks that nothing explains: each group of tracks against each candidate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.crystal import library as phase_library
from ssbchar.hexrd.onset import find as onsets
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.unindexed import cell_matching, detection_limits
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

METHOD = (
    "cell fitted to the lines found; likelihood against strange lines, integrated over the cell"
)
OVERLAPPED = 0.15
"""Error of the place of a further line of a refined phase [full widths at half maximum]: most
overlap others."""
FEWEST = 3
"""Lines a group must have to be tested against cells."""


def identify_phases(
    tracks: xr.Dataset, furnace: xr.Dataset, library: xr.Dataset, options: Candidates
) -> list[Conclusion]:
    """Return what `match` says of the tracks with every phase of a library as candidate."""
    return match_candidates(tracks, furnace, phase_library.split_phases(library), options)


def match_candidates(
    tracks: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Candidates
) -> list[Conclusion]:
    """Return, for each group of unexplained tracks, what it is, when it comes and goes, and each
    candidate's evidence.

    Quantities: `unexplained_lines` (verdict `named`, `ambiguous`, `not_named`, `known_phase` or
    `too_few_lines`), `candidate` (the share of lines each candidate explains), `onset_temperature`
    and `end_temperature` of the group.
    """
    rows: list[Conclusion] = []
    group = tracks["group"].values
    size = np.bincount(group) if group.size else np.array([], dtype=int)
    few = np.flatnonzero(size[group] < FEWEST) if group.size else group
    if few.size:
        rows.append(_verdict(tracks, few, "unexplained, alone", [], options))
    for n, number in enumerate(np.flatnonzero(size >= FEWEST)):
        own = np.flatnonzero(group == number)
        name = f"unexplained {n + 1}"
        known = _known(tracks, own, phases, options)
        found = _tested(tracks, own, phases, options) if not known else []
        verdict = _verdict(tracks, own, name, found, options)
        if known:
            rows.append(
                replace(verdict, verdict="known_phase", reason=f"{known}; {verdict.reason}")
            )
            continue
        rows.append(verdict)
        shown = found[: 3 if verdict.verdict in ("named", "ambiguous") else 1]
        rows += [_candidate(one, lines, name, own.size) for one, lines in shown]
        rows += onsets.find_onsets(
            _as_phase(tracks, own, name), furnace, Onset(significance=options.significance)
        )
    return rows + detection_limits.limit_library_phases(tracks, phases, options.strain)


def _known(
    tracks: xr.Dataset, own: NDArray[np.intp], phases: list[xr.Dataset], options: Candidates
) -> str:
    """Return the refined phase whose further lines these are (its intensities were not foreseen),
    or nothing."""
    frame, x, stderr, bounds = _places(tracks, own, options)
    stderr = np.hypot(stderr, OVERLAPPED * float(tracks["fwhm"]))
    best = (options.evidence, "")
    for phase in phases:
        name = str(phase.attrs["phase"])
        if name not in tracks["known_phase"].values:
            continue
        cell = tracks["known_cell"].sel(known_phase=name).values[frame]
        lines = cell_matching.list_candidate_lines(phase, float(tracks["wavelength"]), bounds, 0.0)
        if lines is None or not np.all(np.isfinite(cell)):
            continue
        evidence, mine = cell_matching.weigh_known_cell(
            replace(lines, cell=cell), x, stderr, float(tracks["wavelength"]), bounds
        )
        if evidence > best[0] and mine.mean() >= options.explained:
            best = (
                evidence,
                f"{int(mine.sum())} are lines of {name} that the refinement did not foresee",
            )
    return best[1]


def _places(
    tracks: xr.Dataset, own: NDArray[np.intp], options: Candidates
) -> tuple[int, Array, Array, tuple[float, float]]:
    """Return the frame where a group is strongest, positions there with errors [degree], and the
    range measured."""
    power = np.nansum(
        np.maximum(tracks["area"].values[:, own] / tracks["area_stderr"].values[:, own], 0), axis=1
    )
    frame = int(np.argmax(power))
    stderr = np.hypot(
        tracks["position_stderr"].values[own], options.position * float(tracks["fwhm"])
    )
    low, high = (float(b) for b in tracks["two_theta_range"].values)
    return frame, tracks["position"].values[frame, own], stderr, (low, high)


def _tested(
    tracks: xr.Dataset, own: NDArray[np.intp], phases: list[xr.Dataset], options: Candidates
) -> list[tuple[cell_matching.CellMatch, cell_matching.CandidateLines]]:
    """Return the candidates' matches with a group of tracks, best first."""
    _, x, stderr, (low, high) = _places(tracks, own, options)
    wavelength = float(tracks["wavelength"])
    found = []
    for phase in phases:
        lines = cell_matching.list_candidate_lines(phase, wavelength, (low, high))
        if lines is not None:
            found.append(
                (
                    cell_matching.match_cell(
                        lines, x, stderr, wavelength, (low, high), options.strain
                    ),
                    lines,
                )
            )
    return sorted(found, key=lambda pair: -pair[0].evidence)


def _verdict(
    tracks: xr.Dataset,
    own: NDArray[np.intp],
    name: str,
    found: list[tuple[cell_matching.CellMatch, cell_matching.CandidateLines]],
    options: Candidates,
) -> Conclusion:
    first, last = (
        int(f(tracks[k].values[own])) for f, k in ((np.min, "first_frame"), (np.max, "last_frame"))
    )
    best = float(tracks["significance"].values[own].max())
    row = Conclusion(
        "unexplained_lines", value=float(own.size), unit="1", method=METHOD, subject=name
    )
    seen = f"frames {first}-{last}, best {best:.0f} sigma, d {_spacings(tracks, own)} angstrom"
    if not found:
        alone = name.endswith("alone")
        told = f"single lines or pairs that come and go on their own; {seen}" if alone else seen
        return replace(row, verdict="too_few_lines" if alone else "not_named", reason=told)
    one = found[0][0]
    rival = max([0.0, *(m.evidence for m, _ in found[1:2])])
    share = float(one.explained.mean())
    if one.evidence < options.evidence or share < options.explained:
        return replace(
            row,
            verdict="not_named",
            reason=f"no candidate explains it (best {one.name}: {share:.0%}); {seen}",
        )
    if one.evidence - rival < options.evidence:
        told = f"{one.name} and {found[1][0].name} explain it alike"
        return replace(row, verdict="ambiguous", reason=f"{told}; {seen}")
    told = f"{one.name}, by {one.evidence - rival:.1f} in log-likelihood over the next"
    return replace(row, verdict="named", reason=f"{told}; {seen}")


def _spacings(tracks: xr.Dataset, own: NDArray[np.intp]) -> str:
    d = np.sort(np.nanmedian(tracks["d"].values[:, own], axis=0))[::-1]
    return ", ".join(f"{v:.3f}" for v in d[:6]) + (" ..." if d.size > 6 else "")


def _candidate(
    one: cell_matching.CellMatch, lines: cell_matching.CandidateLines, name: str, count: int
) -> Conclusion:
    free = cell_matching.FREE[lines.system]
    cell = ", ".join(
        f"{'a b c alpha beta gamma'.split()[i]} {one.cell[i]:.4f}({one.cell_stderr[i]:.4f})"
        for i in free
    )
    reason = (
        f"{int(one.explained.sum())} of {count} lines explained, {one.found} of {one.expected} "
        f"lines expected in range found; evidence {one.evidence:.1f}; {cell}"
    )
    share = 100 * float(one.explained.mean())
    return Conclusion(
        "candidate",
        value=share,
        unit="percent",
        reason=reason,
        method=METHOD,
        subject=one.name,
        condition=name,
    )


def _as_phase(tracks: xr.Dataset, own: NDArray[np.intp], name: str) -> xr.Dataset:
    """Return a group's summed intensity in the shape of ``lattice.nc``, for its onset and end."""
    import xarray as xr

    area = tracks["area"].values[:, own].sum(axis=1, keepdims=True)
    stderr = np.sqrt((tracks["area_stderr"].values[:, own] ** 2).sum(axis=1, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = np.nan_to_num(area / stderr)
    fp = ("frame", "phase")
    return xr.Dataset(
        {
            "intensity": (fp, area),
            "intensity_stderr": (fp, stderr),
            "significance": (fp, significance),
            "intensity_upper95": (fp, np.maximum(area, 0) + ONE_SIDED_95 * stderr),
            "present": (fp, np.ones_like(area, dtype=int)),
        },
        coords={"frame": tracks["frame"], "phase": [name]},
    )
