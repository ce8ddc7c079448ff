"""Every headline row of a diffraction measurement: cells, their return, expansion, onsets, limits,
the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.verdict import phase_rows, phase_stability, quality_rows
from ssbchar.hexrd.verdict.cell_scale_check import check_cell_scale
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceCell,
    RefinedSeries,
    average_reference_cell,
    read_length_scale_stderr,
    select_reference_frames,
)
from ssbchar.hexrd.verdict.sentences import Evidence

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
    """
    series = RefinedSeries(lattice=lattice, furnace=furnace, expansion=expansion)
    frames = select_reference_frames(furnace, options)
    known = {str(table.attrs["phase"]): table for table in phases}
    sample, source = labels.get("sample", ""), labels.get("source", "")
    rows: list[Conclusion] = []
    histories: list[phase_stability.PhaseHistory] = []
    cells_before: dict[str, ReferenceCell] = {}
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        before = average_reference_cell(
            series,
            p,
            frames=frames.before,
            temperature=frames.temperature,
            segment=SegmentKind.HEATING,
        )
        after = average_reference_cell(
            series,
            p,
            frames=frames.after,
            temperature=frames.temperature,
            segment=SegmentKind.COOLING,
        )
        if before is not None:
            cells_before[name] = before
        free = phase_rows.list_free_quantities(lattice, p)
        own = [
            *phase_rows.build_cell_rows(before, free, frames, lattice, before=True),
            *phase_rows.build_cell_rows(after, free, frames, lattice, before=False),
            *phase_rows.build_return_rows(before, after, frames, furnace, options),
            *phase_rows.build_expansion_rows(expansion, p, free, known.get(name), options),
            *quality_rows.list_phase_notes(known.get(name)),
            *quality_rows.count_refined_frames(lattice, p),
            *quality_rows.summarise_breadths(peaks, name, frames),
        ]
        rows += [replace(row, subject=name) for row in own]
        histories.append(phase_stability.describe_history(name, lattice, frames, before, after))
    # Read once: both come as iterators over files of rows.
    changes, others = list(onset), list(candidates)
    limits = detection_limits.limit_absent_phases(lattice, known)
    rows += [*changes, *limits, *others]
    # Phases of the library count too: the mixture is judged by the worst of all limits.
    library_limits = [row for row in others if row.quantity == "detection_limit"]
    mixture_limit = detection_limits.select_mixture_limit([*limits, *library_limits])
    scale = check_cell_scale(cells_before, known, options, read_length_scale_stderr(lattice))
    unexplained = phase_stability.find_unexplained_groups(others, [*changes, *others])
    evidence = Evidence(
        changes=changes,
        unexplained_changes=[*changes, *others],
        limits=mixture_limit,
        lines=quality_rows.count_lines_seen(peaks),
    )
    history = phase_stability.collect_history(histories, unexplained, furnace)
    verdict = phase_stability.conclude_mixture(history, evidence, options)
    about_all = (*mixture_limit, scale, verdict, *quality_rows.list_reading_notes(furnace))
    rows += [replace(row, subject=sample) for row in about_all]
    return [replace(row, sample=sample, technique="hexrd", source=source) for row in rows]
