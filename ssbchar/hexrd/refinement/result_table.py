"""The arrays of a refined series, filled frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.phase_detection import (
    FitResidual,
    estimate_noise,
    measure_absent_phase,
)
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.typing import Array, Index


@dataclass(kw_only=True)
class ResultTable:
    """Arrays of the result for consecutive frames, filled in place frame by frame."""

    frames: range
    strain: Array
    """Free strains of each phase's reciprocal metric, shape (frame, phase, 6)."""
    strain_covariance: Array
    """Shape (frame, phase, 6, 6)."""
    strain_shared: Array
    """Part of their errors that all frames share: one sigma, signed, shape (frame, phase, 6)."""
    cell: Array
    """[angstrom, degree], shape (frame, phase, 6); this and the next two are written by
    `write_cells` when all frames are there."""
    cell_covariance: Array
    """Shape (frame, phase, 6, 6)."""
    cell_shared: Array
    """As `strain_shared`, shape (frame, phase, 6)."""
    joint_cell: Array
    """Smooth cell(T) of the series, shape (frame, phase, 6)."""
    joint_cell_stderr: Array
    """Shape (frame, phase, 6)."""
    intensity: Array
    """[counts degree], shape (frame, phase)."""
    intensity_stderr: Array
    """Shape (frame, phase)."""
    intensity_noise: Array
    """What an intensity scatters by where nothing is: misfit and counting at the phase's own cell
    and widths, shape (frame, phase)."""
    size_width: Array
    """Lorentzian width over 1/cos(theta) [degree], shape (frame, phase)."""
    strain_width: Array
    """Lorentzian width over tan(theta) [degree], shape (frame, phase)."""
    present: NDArray[np.int8]
    """1 or 0, shape (frame, phase)."""
    axes_merged: NDArray[np.int8]
    """1 where a frame does not tell two nearly equal axes apart, shape (frame, phase)."""
    status: NDArray[np.object_]
    """`CellStatus`, shape (frame, phase)."""
    rwp: Array
    """Weighted profile R factor [percent], shape (frame,)."""
    rexp: Array
    """Expected R factor [percent], shape (frame,)."""
    gof: Array
    """Goodness of fit, rwp / rexp [1], shape (frame,)."""
    zero: Array
    """[degree], shape (frame,)."""
    zero_stderr: Array
    """[degree], shape (frame,)."""
    parameter_count: Index
    """Shape (frame,)."""

    @property
    def significance(self) -> Array:
        """Intensity over noise [1], shape (frame, phase); NaN where neither was found, or nothing
        was measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.intensity / self.intensity_noise)


def create_table(frames: range, phase_count: int) -> ResultTable:
    """Return a table of some frames, shape (frame, phase, ...), in which nothing is measured yet;
    units as in `ResultTable`."""
    count = len(frames)
    per_phase = (count, phase_count)

    def fill_nan(*shape: int) -> Array:
        return np.full(shape, np.nan)

    return ResultTable(
        frames=frames,
        strain=fill_nan(*per_phase, 6),
        strain_covariance=fill_nan(*per_phase, 6, 6),
        strain_shared=np.zeros((*per_phase, 6)),
        cell=fill_nan(*per_phase, 6),
        cell_covariance=fill_nan(*per_phase, 6, 6),
        cell_shared=np.zeros((*per_phase, 6)),
        joint_cell=fill_nan(*per_phase, 6),
        joint_cell_stderr=fill_nan(*per_phase, 6),
        intensity=fill_nan(*per_phase),
        intensity_stderr=fill_nan(*per_phase),
        intensity_noise=fill_nan(*per_phase),
        size_width=fill_nan(*per_phase),
        strain_width=fill_nan(*per_phase),
        present=np.zeros(per_phase, np.int8),
        axes_merged=np.zeros(per_phase, np.int8),
        status=np.full(per_phase, CellStatus.NOT_MEASURED, object),
        rwp=fill_nan(count),
        rexp=fill_nan(count),
        gof=fill_nan(count),
        zero=fill_nan(count),
        zero_stderr=fill_nan(count),
        parameter_count=np.zeros(count, np.int64),
    )


def record_fit(
    table: ResultTable, frames: Frames, priors: SeriesPriors, left: FitResidual, i: int
) -> None:
    """Write the fit of frame `i` into the table, with the intensities [counts degree] that the
    phases not in it would have; its curves, shape (points,), go to `frames`."""
    row = i - table.frames[0]
    for phase in range(len(left.series.phases)):
        if phase in left.fit.present:
            _record_present_phase(table, left, row, phase)
        else:
            expected = priors.strain[i, phase, : left.series.phases[phase].free]
            _record_absent_phase(table, left, row, phase, expected)
    fit, pattern = left.fit, left.pattern
    frames.store_curves(i, fit.calculated, fit.background, pattern.intensity)
    table.rwp[row], table.rexp[row] = r_factors_from_fit(fit, pattern)
    table.gof[row] = table.rwp[row] / table.rexp[row]
    table.zero[row] = fit.parameters.zero
    table.zero_stderr[row] = fit.zero_stderr
    table.parameter_count[row] = fit.parameter_count


def _record_present_phase(table: ResultTable, left: FitResidual, row: int, phase: int) -> None:
    fit, free = left.fit, left.series.phases[phase].free
    n = fit.get_index(phase)
    table.strain[row, phase, :free] = fit.parameters.strain[phase, :free]
    table.strain_covariance[row, phase, :free, :free] = fit.strain_covariance[n]
    table.strain_shared[row, phase, :free] = fit.strain_shared[n]
    table.intensity[row, phase] = fit.intensity[n]
    noise = estimate_noise(left, phase)
    by_cell_and_widths = fit.intensity_stderr[n] ** 2 - fit.intensity_stderr_fixed[n] ** 2
    table.intensity_noise[row, phase] = noise
    table.intensity_stderr[row, phase] = np.sqrt(noise**2 + max(by_cell_and_widths, 0.0))
    table.size_width[row, phase] = np.exp(fit.parameters.log_size_width[phase])
    table.strain_width[row, phase] = np.exp(fit.parameters.log_strain_width[phase])


def _record_absent_phase(
    table: ResultTable, left: FitResidual, row: int, phase: int, strain: Array
) -> None:
    found = measure_absent_phase(left, phase, strain[None])
    assert found is not None  # without a threshold it always is
    table.intensity[row, phase] = found.intensity[0]
    table.intensity_stderr[row, phase] = table.intensity_noise[row, phase] = found.stderr[0]


def r_factors_from_fit(fit: FrameFit, pattern: FramePattern) -> tuple[float, float]:
    """Return the weighted profile R factor and the expected one, each a float [percent].

    R_wp^2 = sum w (y - y_c)^2 / sum w y^2 and R_exp^2 = (N - P) / sum w y^2 (R. A. Young, The
    Rietveld Method, Oxford University Press 1993, ch. 1).
    """
    weight, y = pattern.weight, pattern.intensity
    power = float(np.dot(weight, y**2))
    used = int(np.sum(weight > 0))
    misfit = float(np.dot(weight, (y - fit.calculated) ** 2))
    freedom = max(used - fit.parameter_count, 1)
    return 100 * np.sqrt(misfit / power), 100 * np.sqrt(freedom / power)


def concatenate_tables(tables: list[ResultTable]) -> ResultTable:
    """Return one table of consecutive ones: shape (frame, ...) with all their frames, units
    unchanged."""
    if len(tables) == 1:  # not copied: the arrays of a long series are large
        return tables[0]
    merged: dict[str, Any] = {"frames": range(tables[0].frames[0], tables[-1].frames[-1] + 1)}
    for field in fields(ResultTable):
        if field.name not in merged:
            merged[field.name] = np.concatenate([getattr(t, field.name) for t in tables])
    return ResultTable(**merged)


def write_cells(table: ResultTable, series: SeriesModel) -> None:
    """Write the cells of all frames [angstrom, degree], shape (frame, phase, 6), with their errors,
    from their strains."""
    for p, phase in enumerate(series.phases):
        free = phase.free
        rows = np.flatnonzero(np.isfinite(table.strain[:, p, 0]))
        if not rows.size:
            continue
        table.cell[rows, p], gradient = phase.differentiate_cell(table.strain[rows, p, :free])
        covariance = table.strain_covariance[rows, p, :free, :free]
        table.cell_covariance[rows, p] = gradient @ covariance @ np.swapaxes(gradient, -1, -2)
        shared = table.strain_shared[rows, p, :free, None]
        table.cell_shared[rows, p] = (gradient @ shared)[..., 0]
