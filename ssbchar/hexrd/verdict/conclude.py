"""Every headline row of a diffraction measurement: cells, their return, expansion, onsets, limits,
the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal.library import split_phases
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.onset.transition import find_transitions
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.verdict import phase_rows, phase_stability, quality_rows, sentences
from ssbchar.hexrd.verdict.cell_change import (
    compare_at_rest,
    compare_over_stretches,
    measure_broadening,
)
from ssbchar.hexrd.verdict.cell_scale_check import check_cell_scale
from ssbchar.hexrd.verdict.common_change import (
    POWER_OF_LENGTH,
    RECTANGULAR,
    BeamPath,
    CommonChange,
    StandardRatio,
    conclude_common_change,
    describe_beam_path,
    divide_by_standard,
)
from ssbchar.hexrd.verdict.comparison import (
    AT_REST,
    Compared,
    Decided,
    Stretch,
    build_row,
    decide_all,
    is_at_one_temperature,
    list_stretches,
    measure_duration,
)
from ssbchar.hexrd.verdict.intensity_kept import compare_intensities
from ssbchar.hexrd.verdict.line_area import (
    ExplainedArea,
    conclude_explained_area,
    measure_explained_area,
)
from ssbchar.hexrd.verdict.listed_cell import compare_with_listed
from ssbchar.hexrd.verdict.named_lines import conclude_named_lines
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceCell,
    ReferenceFrames,
    RefinedSeries,
    average_reference_cell,
    read_length_scale_stderr,
    select_reference_frames,
)
from ssbchar.hexrd.verdict.second_cells import (
    conclude_second_cells,
    mark_two_cells,
    read_second_cells,
)
from ssbchar.hexrd.verdict.sentences import Evidence
from ssbchar.hexrd.verdict.time_rows import conclude_time_course
from ssbchar.typing import Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr


def conclude_series(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    expansion: xr.Dataset,
    onset: Iterable[Conclusion],
    peaks: xr.Dataset,
    candidates: Iterable[Conclusion],
    phases: list[xr.Dataset],
    options: Stability,
    labels: dict[str, str],
    tracks: xr.Dataset | None = None,
    patterns: xr.Dataset | None = None,
    time_course: xr.Dataset | None = None,
    library: xr.Dataset | None = None,
) -> list[Conclusion]:
    """Return the rows of one heating series (docs/data-model.md, headline quantities of
    ``hexrd``).

    Parameters
    ----------
    lattice, furnace, expansion, peaks : Dataset
        Refined cells [angstrom, degree], temperatures [degC], expansion [1/K] and known lines, all
        over the same frames.
    onset, candidates : iterable of Conclusion
        Onsets and ends of phases; what the lines no phase explains may be.
    phases : list of Dataset
        Tables of the candidate phases.
    options : Stability
        Tolerances of the verdict.
    labels : dict of str
        ``sample`` and ``source`` of the rows.
    tracks : Dataset or None
        Lines that no phase explains; they count among the lines to be explained.
    patterns : Dataset or None
        For the distance to the detector [mm] of images.
    time_course : Dataset or None
        Courses of a series at one temperature.
    library : Dataset or None
        Reflections of every phase of the phases file: a cell may be that of one not listed.
    """
    unlisted = {}
    if library is not None:
        unlisted = {str(one.attrs["phase"]): one for one in split_phases(library)}
    known = {str(table.attrs["phase"]): table for table in phases}
    sample, source = labels.get("sample", ""), labels.get("source", "")
    corrected, ratio = divide_by_standard(lattice, furnace, known, options)
    path = describe_beam_path(
        read_distance(patterns), options, standard=options.standard if ratio else ""
    )
    # What the standard carries at every temperature needs no wavelength.
    scale_stderr = 0.0 if ratio and ratio.is_absolute else read_length_scale_stderr(lattice)
    seconds = read_second_cells(lattice)
    series = RefinedSeries(
        lattice=corrected,
        furnace=furnace,
        expansion=expansion,
        displacement=path.displacement,
        length_scale_stderr=scale_stderr,
    )
    explained = measure_explained_area(peaks, lattice, tracks, options)
    frames = select_reference_frames(furnace, options, explained.misfit)
    # Read once: both come as iterators over files of rows.
    changes, others = list(onset), list(candidates)
    cells = compare_series(series, frames, explained, path, options)
    told = sentences.LengthErrors(
        scale_stderr=read_length_scale_stderr(lattice),
        displacement=path.displacement,
        standard=path.standard,
    )
    segments = [str(name) for name in expansion["segment"].values]
    geometry = {segment: cells.find_geometry(segment, ratio) for segment in segments}
    rows: list[Conclusion] = []
    transitions: list[Conclusion] = []
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        # The standard is not divided by its own cell: only the other phases are.
        of_phase = replace(told, standard="") if name == path.standard else told
        own = [
            *phase_rows.build_cell_rows(
                cells.before.get(name), cells.free[name], frames, of_phase, before=True
            ),
            *phase_rows.build_cell_rows(
                cells.after.get(name), cells.free[name], frames, of_phase, before=False
            ),
            *_compare_rows(name, cells, explained),
            *phase_rows.build_expansion_rows(
                expansion,
                p,
                cells.free[name],
                known.get(name),
                geometry,
                options,
                unchanged=cells.list_unchanged(name),
            ),
            *conclude_second_cells(seconds.get(name, [])),
            *compare_with_listed(name, cells.before.get(name), known, frames.temperature, unlisted),
            *quality_rows.list_phase_notes(known.get(name)),
            *quality_rows.count_refined_frames(lattice, p),
            *quality_rows.summarise_breadths(peaks, name, frames),
        ]
        rows += [replace(row, subject=name) for row in own]
        transitions += [replace(row, subject=name) for row in find_transitions(lattice, furnace, p)]
    rows += transitions
    limits = detection_limits.limit_absent_phases(lattice, known)
    rows += conclude_named_lines(peaks, furnace, cells.stretches)
    shares = phase_stability.measure_group_shares(tracks)
    unexplained = phase_stability.find_unexplained_groups(others, [*changes, *others], shares)
    others = phase_stability.doubt_leftovers(others, unexplained, options)
    rows += [*changes, *limits, *others, *conclude_time_course(time_course, path)]
    # Phases of the library count too: the mixture is judged by the worst of all limits.
    library_limits = [row for row in others if row.quantity == "detection_limit"]
    mixture_limit = detection_limits.select_mixture_limit([*limits, *library_limits])
    evidence = Evidence(
        changes=changes,
        unexplained_changes=[*changes, *others],
        limits=mixture_limit,
        lines=quality_rows.count_lines_seen(peaks),
    )
    history = replace(
        collect_history(cells, unexplained, furnace, explained), transitions=transitions
    )
    about_all = (
        *mixture_limit,
        check_cell_scale(cells.uncorrected, known, options, read_length_scale_stderr(lattice)),
        *conclude_common_change(cells.common, options),
        conclude_explained_area(explained),
        phase_stability.conclude_mixture(history, evidence, options),
        *quality_rows.list_reading_notes(furnace),
    )
    rows += [replace(row, subject=sample) for row in about_all]
    return [replace(row, sample=sample, technique="hexrd", source=source) for row in rows]


def read_distance(patterns: xr.Dataset | None) -> float | None:
    """Return the distance from sample to detector [mm], None where the patterns do not state it.

    Parameters
    ----------
    patterns : Dataset or None
        ``patterns.nc``, attribute ``distance`` [m].
    """
    distance = float("nan") if patterns is None else float(patterns.attrs.get("distance", "nan"))
    return 1e3 * distance if np.isfinite(distance) and distance > 0 else None


@dataclass(frozen=True, kw_only=True)
class ComparedSeries:
    """The cells of a series at both ends, and everything that was compared."""

    series: RefinedSeries
    frames: ReferenceFrames
    before: Mapping[str, ReferenceCell]
    """Phase to its cell before heating, where it has one."""
    after: Mapping[str, ReferenceCell]
    uncorrected: Mapping[str, ReferenceCell]
    """Before heating, not divided by an internal standard: what checks the wavelength."""
    free: Mapping[str, list[int]]
    """Phase to the places of the quantities that symmetry leaves free."""
    common: CommonChange
    """After cooling."""
    shared: Mapping[str, CommonChange]
    """Over each stretch, by its name."""
    decided: Sequence[Decided]
    stretches: Sequence[Stretch]
    first: Index
    """Indices of the frames that stand for the start."""
    last: Index
    at_one_temperature: bool
    parted: frozenset[str]
    """Phases whose lines are those of two cells before heating or after cooling."""
    uncorrected_displacement: float
    """Relative error [1] of lengths of a sample that may have moved, of curves that no standard has
    corrected."""

    def list_unchanged(self, name: str) -> list[str]:
        """Return the names of the stretches over which a phase was there and its intensity is not
        said to have changed."""
        return [
            one.comparison.stretch
            for one in self.decided
            if one.comparison.phase == name
            and one.comparison.quantity == Compared.INTENSITY
            and one.decision.verdict != Verdict.CHANGED
        ]

    def find_geometry(self, segment: str, ratio: StandardRatio | None) -> float:
        """Return the relative error [1] that the sample's place may give the growth of a length
        over a segment, a float.

        The displacement that is possible, combined with the change of the phase that changed
        least: others may have changed beside it. Where neither the distance nor a cell after
        cooling is known, the phases' own trends bound it. The expansion curves come from cells that
        no standard has corrected, so that what the standard saw is an error of theirs.

        Parameters
        ----------
        segment : str
            As ``heating``.
        ratio : StandardRatio or None
        """
        trend = self.shared.get(segment)
        if ratio is not None and ratio.is_absolute:
            moved = RECTANGULAR * float(np.nanmax(ratio.value) - np.nanmin(ratio.value))
        elif self.common.phase:
            moved = RECTANGULAR * self.common.largest if self.common.is_seen else 0.0
        elif trend is not None and trend.phase and not self.uncorrected_displacement:
            moved = RECTANGULAR * (abs(trend.value) + trend.stderr)
        else:
            moved = 0.0
        return float(np.hypot(moved, self.uncorrected_displacement))


def compare_series(
    series: RefinedSeries,
    frames: ReferenceFrames,
    explained: ExplainedArea,
    path: BeamPath,
    options: Stability,
) -> ComparedSeries:
    """Return the reference cells of all phases [angstrom, degree], and the decision on everything
    that can be compared in a series.

    Parameters
    ----------
    series : RefinedSeries
    frames : ReferenceFrames
    explained : ExplainedArea
    path : BeamPath
    options : Stability
    """
    lattice = series.lattice
    names = [str(name) for name in lattice["phase"].values.astype(str)]
    # The standard is not divided by its own cell: only the other phases are.
    own = replace(series, displacement=path.uncorrected, length_scale_stderr=None)
    seconds = read_second_cells(lattice)
    numbers = lattice["frame"].values
    ends = {
        SegmentKind.HEATING: frames.before,
        SegmentKind.COOLING: frames.after,
    }
    cells: dict[SegmentKind, dict[str, ReferenceCell]] = {}
    for segment, chosen in ends.items():
        is_fitted = bool(chosen.size) and explained.holds_in(chosen)
        found = {
            name: average_reference_cell(
                own if name == path.standard else series,
                p,
                frames=chosen,
                temperature=frames.temperature,
                segment=segment,
            )
            for p, name in enumerate(names)
        }
        cells[segment] = {
            name: mark_two_cells(
                replace(cell, is_fitted=is_fitted),
                seconds.get(name, []),
                numbers[chosen],
                numbers,
            )
            for name, cell in found.items()
            if cell is not None
        }
    before, after = cells[SegmentKind.HEATING], cells[SegmentKind.COOLING]
    free = {name: phase_rows.list_free_quantities(lattice, p) for p, name in enumerate(names)}
    at_one_temperature = is_at_one_temperature(series.furnace)
    first, last = phase_stability.select_ends(
        lattice, frames, at_one_temperature=at_one_temperature
    )
    present = lattice["present"].values == 1
    initial = [
        name
        for p, name in enumerate(names)
        if first.size and np.mean(present[first, p]) > 0.5 and name != path.standard
    ]
    stretches = list_stretches(series.furnace, options)
    sample = {name: cell for name, cell in before.items() if name != path.standard}
    parted = {
        name for cells_at in (before, after) for name, cell in cells_at.items() if not cell.is_one
    }
    broadening = {
        name: measure_broadening(lattice, p, frames.before, frames.after)
        for p, name in enumerate(names)
    }
    at_rest, common = compare_at_rest(
        sample, after, free, frames, path, options, broadening=broadening
    )
    over_stretches, shared = compare_over_stretches(
        series, initial, stretches, explained, path, options
    )
    comparisons = [
        *at_rest,
        *over_stretches,
        *compare_intensities(
            series,
            initial,
            frames,
            stretches=stretches,
            explained=explained,
            path=path,
            options=options,
            parted=parted,
        ),
    ]
    # What all cells share, and lines that became broader, are as much in the cell after cooling as
    # in its change.
    carried = {
        name: replace(
            cell,
            systematic=np.hypot(
                cell.systematic,
                np.hypot(RECTANGULAR * common.largest, broadening[name])
                * POWER_OF_LENGTH
                * cell.value,
            ),
        )
        for name, cell in after.items()
    }
    return ComparedSeries(
        series=series,
        frames=frames,
        before=before,
        after=carried,
        uncorrected=before,
        free=free,
        common=common,
        shared=shared,
        decided=decide_all(comparisons),
        stretches=stretches,
        first=first,
        last=last,
        at_one_temperature=at_one_temperature,
        parted=frozenset(parted),
        uncorrected_displacement=path.uncorrected,
    )


def _compare_rows(name: str, cells: ComparedSeries, explained: ExplainedArea) -> list[Conclusion]:
    """Return the rows of everything that was compared of one phase."""
    frames = cells.frames
    decided = [one for one in cells.decided if one.comparison.phase == name]
    at_rest = [one for one in decided if one.comparison.stretch == AT_REST]
    rows = []
    if name in cells.before and name != cells.common.standard:
        ends = [*frames.before, *frames.after]
        rows.append(
            phase_rows.build_return_row(
                name,
                at_rest,
                cooled=bool(frames.before.size and frames.after.size),
                is_gone=name not in cells.after,
                is_fitted=bool(ends) and explained.holds_in(ends),
                is_one=name not in cells.parted,
            )
        )
    return rows + [build_row(one) for one in decided if one.comparison.quantity != Compared.VOLUME]


def collect_history(
    cells: ComparedSeries,
    unexplained: Sequence[phase_stability.UnexplainedGroup],
    furnace: xr.Dataset,
    explained: ExplainedArea,
) -> phase_stability.MixtureHistory:
    """Return everything the verdict on the mixture rests on.

    Parameters
    ----------
    cells : ComparedSeries
    unexplained : sequence of UnexplainedGroup
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] of shape (frames,).
    explained : ExplainedArea
    """
    lattice, frames = cells.series.lattice, cells.frames
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    measured = np.flatnonzero(np.isfinite(lattice["intensity_stderr"].values).any(axis=1))
    at_first = bool(cells.first.size) and explained.holds_in(cells.first)
    at_last = bool(cells.last.size) and explained.holds_in(cells.last)
    return phase_stability.MixtureHistory(
        phases=[
            phase_stability.describe_history(
                str(name), lattice, cells.first, cells.last, cells.decided
            )
            for name in lattice["phase"].values.astype(str)
            if name != cells.common.standard
        ],
        unexplained=unexplained,
        highest=float(known.max()) if known.size else None,
        lowest=float(known.min()) if known.size else None,
        frames=int(measured.size),
        at_one_temperature=cells.at_one_temperature,
        duration=measure_duration(furnace, measured),
        cooled=bool(frames.before.size and frames.after.size),
        stretches=phase_stability.list_asked_stretches(cells.stretches),
        explained_at_first=at_first,
        explained=at_first and at_last and explained.holds_in(measured),
        explained_share=explained.usual,
        beam_stayed=phase_stability.has_beam(lattice, cells.first, cells.last),
        common=cells.common,
    )
