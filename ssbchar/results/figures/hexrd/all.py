"""The figures of a diffraction series, in the order a referee looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssbchar.results.figures.hexrd import (
    broadening,
    caked,
    cells,
    courses,
    maps,
    named_lines,
    presence,
    refinement,
    tensor,
)
from ssbchar.results.figures.hexrd.series_axes import locate_reflections, make_series_axes
from ssbchar.storage import lazy_rows

if TYPE_CHECKING:
    import xarray as xr

    from ssbchar.storage.store import Drawing


def draw_series(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    expansion: xr.Dataset,
    peaks: xr.Dataset,
    phases: list[xr.Dataset],
    labels: dict[str, str],
    time_course: xr.Dataset | None = None,
) -> dict[str, Drawing]:
    """Return the figures of one series: map, cells, expansion, phases, breadths, waterfall,
    refinement, residual.

    Parameters
    ----------
    patterns, furnace, lattice, expansion, peaks : Dataset
        As docs/data-model.md has them.
    phases : list of Dataset
        Reflections of the candidate phases.
    labels : dict
        ``measurement``, ``sample``, ``phase_order`` (phases of the run in the order of their
        colours).
    time_course : Dataset or None
        Courses of a series at one temperature.

    Returns
    -------
    dict of Drawing
        By name; those of phases beyond the third go on as ``lattice_2`` and so on. A figure with
        nothing to show is left out.
    """
    at = make_series_axes(patterns, furnace, lattice, labels)
    ticks = locate_reflections(phases, lattice, patterns)
    intensity = lazy_rows.RowReader(patterns["intensity"])
    figures = {"contour": maps.draw_intensity_map(at, intensity, ticks)}
    figures |= cells.draw_cells(at, lattice, expansion)
    figures |= cells.draw_expansion(expansion, at.colours)
    figures |= named_lines.draw_named_lines(at, peaks)
    if time_course is not None:
        figures |= courses.draw_time_course(at, furnace, time_course)
    figures["presence"] = presence.draw_presence(at, lattice)
    figures["waterfall"] = maps.draw_waterfall(at, intensity, ticks)
    if refinement.find_fitted_frames(at, lattice).size:
        figures["refinement"] = refinement.draw_refinements(at, patterns, lattice, phases)
        figures["residual"] = maps.draw_residual_map(
            at, lattice, lazy_rows.RowReader(patterns["intensity_stderr"])
        )
    if "caked" in patterns:
        figures["caked"] = caked.draw_caked_frames(at, patterns)
    figures |= broadening.draw_broadening(at, peaks)
    return figures | tensor.draw_indicatrix(expansion, at.colours)
