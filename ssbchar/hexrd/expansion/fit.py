"""Thermal expansion of every phase on every segment: cells against temperature, tensor, bands,
hysteresis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.cell_parameters import FreeParameters
from ssbchar.hexrd.expansion.curve_values import PhaseCurve, fill_grid, fill_mean
from ssbchar.hexrd.expansion.curves import CellPoints, fit_curves
from ssbchar.hexrd.expansion.dataset import ExpansionStatus, ExpansionValues
from ssbchar.hexrd.expansion.hysteresis import fill_hysteresis
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.expansion.reaction import find_reaction_temperature, flag_reacting
from ssbchar.hexrd.furnace.segments import Segment, SegmentKind, split_segments
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 4
"""Frames with a cell that a curve needs."""
WITHOUT_TEMPERATURES = 25.0
"""The only temperature [degC] of the grid where none is known."""


@dataclass(frozen=True, kw_only=True)
class SegmentCells:
    """The cells of one phase on one segment that a curve is fitted to."""

    points: CellPoints
    free: FreeParameters
    frames: NDArray[np.intp]
    """Indices of the frames, shape (n,)."""


def fit_expansion(lattice: xr.Dataset, furnace: xr.Dataset, options: Expansion) -> xr.Dataset:
    """Return cells against temperature with their expansion on every segment of heating or cooling
    (docs/data-model.md, ``expansion.nc``).

    Each phase's free cell parameters are fitted together (`curves.fit_curves`), with the covariance
    of every frame's cell and the error of its temperature. Tensor, principal axes, volume and mean
    linear expansion follow from the curves with the covariance of their coefficients.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``cell`` [angstrom, degree] of shape (frame, phase, axis) with its
        covariance.
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] and ``segment`` of shape (frame,).
    options : Expansion
        Which curves are fitted.
    """
    segments = split_segments(furnace["segment"].values)
    # A hold has no range of temperature.
    segments = [segment for segment in segments if segment.kind != SegmentKind.HOLD]
    temperature = furnace["temperature"].values.astype(float)
    out = ExpansionValues(
        phases=lattice.sizes["phase"],
        segments=[segment.name for segment in segments] or [SegmentKind.HEATING.value],
        grid=_build_grid(temperature, options.step),
    )
    reacting = flag_reacting(lattice, segments, options.reacting)
    curves: dict[tuple[int, int], PhaseCurve] = {}
    for p in range(lattice.sizes["phase"]):
        for s, segment in enumerate(segments):
            cells = _select_cells(lattice, furnace, p, segment, options)
            if isinstance(cells, ExpansionStatus):
                out["verdict"][p, s] = cells.value
                continue
            curve = fit_curves(cells.points, options.model, options.order)
            if curve is None:
                out["verdict"][p, s] = ExpansionStatus.TOO_FEW_FRAMES.value
                continue
            one = PhaseCurve(curve=curve, free=cells.free, place=(p, s))
            curves[p, s] = one
            fill_grid(out, one, options.step)
            fill_mean(out, one, furnace, options)
            begin = find_reaction_temperature(reacting[cells.frames, p], temperature[cells.frames])
            status = ExpansionStatus.REACTING if np.isfinite(begin) else ExpansionStatus.OK
            out["reacting_from"][p, s] = begin
            out["verdict"][p, s] = status.value
    fill_hysteresis(out, curves)
    return out.build_dataset(lattice, reacting, options)


def _build_grid(temperature: Array, step: float) -> Array:
    """Return multiples of a step [K] that enclose all temperatures [degC]."""
    known = temperature[np.isfinite(temperature)]
    if known.size == 0:
        return np.array([WITHOUT_TEMPERATURES])
    return np.arange(np.floor(known.min() / step), np.ceil(known.max() / step) + 1) * step


def _select_cells(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    phase: int,
    segment: Segment,
    options: Expansion,
) -> SegmentCells | ExpansionStatus:
    """Return the cells of a phase on a segment, or why there are too few."""
    usable = cell_parameters.select_usable(
        lattice,
        furnace,
        phase,
        frames=segment.frames,
        significance=options.significance,
    )
    frames = segment.frames[usable]
    if frames.size < FEWEST:
        return ExpansionStatus.TOO_FEW_FRAMES if frames.size else ExpansionStatus.NOT_PRESENT
    one = lattice.isel(phase=phase, frame=frames)
    cell = one["cell"].values
    free = cell_parameters.find_free_parameters(cell, one["cell_stderr"].values)
    # The shared error moves the whole curve and leaves its slope alone.
    own, _ = cell_parameters.split_covariance(lattice, frames, phase)
    covariance = own[:, free.free[:, None], free.free]
    has_covariance = np.all(np.isfinite(covariance), axis=(1, 2))
    has_variance = np.all(np.einsum("tii->ti", covariance) > 0, axis=1)
    good = has_covariance & has_variance
    if good.sum() < FEWEST:
        return ExpansionStatus.TOO_FEW_FRAMES
    frames = frames[good]
    points = CellPoints(
        temperature=furnace["temperature"].values[frames],
        temperature_stderr=np.nan_to_num(furnace["temperature_stderr"].values[frames]),
        values=cell[good][:, free.free],
        covariance=cell_parameters.condition_covariance(covariance[good]),
    )
    return SegmentCells(points=points, free=free, frames=frames)
