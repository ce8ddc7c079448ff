"""The arrays of a refined series, filled frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ssbchar.hexrd.refinement import phase_detection, profile_model
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.state import Series
from ssbchar.typing import Array


@dataclass
class Table:
    """Arrays of the result for consecutive frames, filled frame by frame."""

    frames: range
    strain: Array
    """Free strains of each phase's reciprocal metric, shape (frame, phase, 6), and their
    covariance."""
    strain_covariance: Array
    strain_shared: Array
    """Part of their errors that all frames share: one sigma, signed."""
    cell: Array
    """Cells, their covariance and shared errors, written by `with_cells` when all frames are
    there."""
    covariance: Array
    shared: Array
    joint: Array
    joint_stderr: Array
    intensity: Array
    intensity_stderr: Array
    noise: Array
    """What an intensity scatters by where nothing is: misfit and counting at the phase's own cell
    and widths."""
    width: Array
    present: Any
    verdict: Any
    rwp: Array
    rexp: Array
    gof: Array
    zero: Array
    zero_stderr: Array
    parameters: Array

    @property
    def significance(self) -> Array:
        """Intensity over noise; NaN where neither was found, or nothing was measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.intensity / self.noise)


def empty(part: range, phases: int) -> Table:
    """Return a table of some frames in which nothing is measured yet."""
    nan, frames = np.nan, len(part)
    per = (frames, phases)
    return Table(
        part,
        np.full((*per, 6), nan),
        np.full((*per, 6, 6), nan),
        np.zeros((*per, 6)),
        np.full((*per, 6), nan),
        np.full((*per, 6, 6), nan),
        np.zeros((*per, 6)),
        np.full((*per, 6), nan),
        np.full((*per, 6), nan),
        np.full(per, nan),
        np.full(per, nan),
        np.full(per, nan),
        np.full((*per, 2), nan),
        np.zeros(per, np.int8),
        np.full(per, "not_measured", object),
        np.full(frames, nan),
        np.full(frames, nan),
        np.full(frames, nan),
        np.full(frames, nan),
        np.full(frames, nan),
        np.zeros(frames, np.int64),
    )


def fill(
    table: Table, frames: Frames, priors: Priors, left: phase_detection.Remainder, i: int, y: Array
) -> None:
    """Write a frame's fit into the table, with the intensities that the phases not in it would
    have."""
    series, fit, weight = left.series, left.fit, left.weight
    row = i - table.frames[0]
    for n, p in enumerate(fit.present):
        free = series.phases[p].free
        table.strain[row, p, :free] = fit.state.strain[p, :free]
        table.strain_covariance[row, p, :free, :free] = fit.strain_covariance[n]
        if fit.strain_shared:
            table.strain_shared[row, p, :free] = fit.strain_shared[n]
        table.intensity[row, p] = fit.intensity[n]
        table.noise[row, p] = phase_detection.stderr(left, p)
        moved = (
            fit.intensity_stderr[n] ** 2 - fit.intensity_fixed[n] ** 2
        )  # by the errors of cell and widths
        table.intensity_stderr[row, p] = np.sqrt(table.noise[row, p] ** 2 + max(moved, 0.0))
        table.width[row, p] = np.exp(fit.state.size[p]), np.exp(fit.state.micro[p])
    for p, phase in enumerate(series.phases):
        expected = priors.strain[i, p, : phase.free]
        if p not in fit.present:
            trace = phase_detection.trace(left, p, expected[None])
            assert trace is not None
            table.intensity[row, p] = trace.intensity[0]
            table.intensity_stderr[row, p] = table.noise[row, p] = trace.stderr[0]
    frames.keep(i, fit.calculated, fit.background, y)
    power = float(np.dot(weight, y**2))
    used = int(np.sum(weight > 0))
    table.rwp[row] = 100 * np.sqrt(float(np.dot(weight, (y - fit.calculated) ** 2)) / power)
    table.rexp[row] = 100 * np.sqrt(max(used - fit.parameters, 1) / power)
    table.gof[row] = table.rwp[row] / table.rexp[row]
    table.zero[row], table.zero_stderr[row] = fit.state.zero, fit.zero_stderr
    table.parameters[row] = fit.parameters


def joined(tables: list[Table]) -> Table:
    """Return one table of consecutive ones."""
    if len(tables) == 1:
        return tables[0]
    merged: dict[str, Any] = {"frames": range(tables[0].frames[0], tables[-1].frames[-1] + 1)}
    for one in fields(Table):
        if one.name not in merged:
            merged[one.name] = np.concatenate([getattr(t, one.name) for t in tables])
    return Table(**merged)


def with_cells(table: Table, series: Series) -> None:
    """Write the cells of all frames from their strains."""
    for p, phase in enumerate(series.phases):
        free = phase.free
        rows = np.flatnonzero(np.isfinite(table.strain[:, p, 0]))
        if not rows.size:
            continue
        table.cell[rows, p], gradient = cell_at(phase, table.strain[rows, p, :free])
        covariance = table.strain_covariance[rows, p, :free, :free]
        table.covariance[rows, p] = gradient @ covariance @ np.swapaxes(gradient, -1, -2)
        table.shared[rows, p] = (gradient @ table.strain_shared[rows, p, :free, None])[..., 0]


def cell_at(phase: profile_model.Lattice, strain: Array) -> tuple[Array, Array]:
    """Return the cells (..., 6) at strains (..., free) and their derivatives by them, shape (...,
    6, free)."""
    step, free = 1e-6, phase.free
    moves = np.concatenate([np.zeros((1, free)), step * np.eye(free), -step * np.eye(free)])
    cells = phase.cell(strain[..., None, :] + moves)
    gradient = np.swapaxes(cells[..., 1 : free + 1, :] - cells[..., free + 1 :, :], -1, -2) / (
        2 * step
    )
    size = np.abs(gradient)
    fixed = size.max(axis=-1) < 1e-6 * size.max(axis=(-1, -2))[..., None]
    gradient[fixed] = 0.0
    return cells[..., 0, :], gradient
