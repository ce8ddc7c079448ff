"""The figures of a diffraction series, in the order a referee looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssbchar import blocks
from ssbchar.results.figures import (
    hexrd_broadening,
    hexrd_caked,
    hexrd_cells,
    hexrd_maps,
    hexrd_presence,
    hexrd_refinement,
    hexrd_tensor,
)
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
    phases: list[xr.Dataset],
    labels: dict[str, str],
) -> dict[str, Drawing]:
    """Return the figures of one series: map, cells, expansion, phases, breadths, waterfall, refinement, residual.

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
        By name; those of phases beyond the third go on as ``lattice_2`` and so on. A figure with nothing to show is
        left out.
    """
    at = course(patterns, furnace, lattice, labels)
    ticks = lines(phases, lattice, patterns)
    intensity = blocks.Reader(patterns["intensity"])
    figures = {"contour": hexrd_maps.contour(at, intensity, ticks)}
    figures |= hexrd_cells.lattice(at, lattice, expansion)
    figures |= hexrd_cells.expansion(expansion)
    figures["presence"] = hexrd_presence.presence(at, lattice)
    figures["waterfall"] = hexrd_maps.waterfall(at, intensity, ticks)
    if hexrd_refinement.fitted(at, lattice).size:
        figures["refinement"] = hexrd_refinement.refinement(at, patterns, lattice, phases)
        figures["residual"] = hexrd_maps.residual(at, lattice, blocks.Reader(patterns["intensity_stderr"]))
    if "caked" in patterns:
        figures["caked"] = hexrd_caked.caked(at, patterns)
    return figures | hexrd_broadening.broadening(at, peaks) | hexrd_tensor.indicatrix(expansion)
