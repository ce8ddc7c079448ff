"""The figures of a diffraction series, in the order a referee looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssbchar.results.figures import hexrd_cells, hexrd_maps, hexrd_refinement, hexrd_tensor
from ssbchar.results.figures.hexrd_course import course, lines

if TYPE_CHECKING:
    import xarray as xr

    from ssbchar.store import Drawing


def draw(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    expansion: xr.Dataset,
    peaks: xr.Dataset,
    labels: dict[str, str],
) -> dict[str, Drawing]:
    """Return the figures of one series: map, cells, expansion, phases, waterfall, refinement, residual.

    Parameters
    ----------
    patterns, furnace, lattice, expansion, peaks : Dataset
        As docs/data-model.md has them.
    labels : dict
        ``measurement`` and ``sample``.

    Returns
    -------
    dict of Drawing
        By name; those of phases beyond the third go on as ``lattice_2`` and so on. A figure with nothing to show is
        left out.
    """
    at = course(patterns, furnace, lattice, labels)
    ticks = lines(peaks, patterns, at.phases)
    intensity = patterns["intensity"].values
    figures = {"contour": hexrd_maps.contour(at, intensity, ticks)}
    figures |= hexrd_cells.lattice(at, lattice, expansion)
    figures |= hexrd_cells.expansion(expansion)
    figures["presence"] = hexrd_cells.presence(at, lattice)
    figures["waterfall"] = hexrd_maps.waterfall(at, intensity, ticks)
    if hexrd_refinement.fitted(at, lattice).size:
        figures["refinement"] = hexrd_refinement.refinement(at, patterns, lattice, peaks)
        figures["residual"] = hexrd_maps.residual(at, lattice, patterns["intensity_stderr"].values)
    return figures | hexrd_tensor.indicatrix(expansion)
