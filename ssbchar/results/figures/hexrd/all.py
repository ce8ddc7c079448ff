"""The figures of a diffraction series, in the order a referee looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssbchar.results.figures.hexrd import (
    broadening,
    caked,
    cells,
    maps,
    presence,
    refinement,
    tensor,
)
from ssbchar.results.figures.hexrd.course import course, lines
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
        ``measurement`` and ``sample``.

    Returns
    -------
    dict of Drawing
        By name; those of phases beyond the third go on as ``lattice_2`` and so on. A figure with
        nothing to show is left out.
    """
    at = course(patterns, furnace, lattice, labels)
    ticks = lines(phases, lattice, patterns)
    intensity = lazy_rows.RowReader(patterns["intensity"])
    figures = {"contour": maps.contour(at, intensity, ticks)}
    figures |= cells.lattice(at, lattice, expansion)
    figures |= cells.expansion(expansion)
    figures["presence"] = presence.presence(at, lattice)
    figures["waterfall"] = maps.waterfall(at, intensity, ticks)
    if refinement.fitted(at, lattice).size:
        figures["refinement"] = refinement.refinement(at, patterns, lattice, phases)
        figures["residual"] = maps.residual(
            at, lattice, lazy_rows.RowReader(patterns["intensity_stderr"])
        )
    if "caked" in patterns:
        figures["caked"] = caked.caked(at, patterns)
    return figures | broadening.broadening(at, peaks) | tensor.indicatrix(expansion)
