"""Each frame beside the joint cell(T): refined again where that could change it, and its cells
judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.axis_labels import find_merged_axes, list_exchanges
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.refine import refine_frame
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame_pass import CLEAR, PassSetup
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.phase_detection import prepare_residual
from ssbchar.hexrd.refinement.result_table import ResultTable, record_fit
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.runtime import progress
from ssbchar.statistics import find_runs

SETTLED = 0.05
"""A cell whose variance is below this share of its prior's does not depend on it."""
HELD = 0.5
"""A cell whose variance is above this share of its prior's is held by it."""
FAR = 3.0
"""Standard deviations beyond which two cells differ."""


@dataclass(frozen=True, kw_only=True)
class BothPasses:
    """The fits of one frame from the two passes."""

    forward: FrameFit | None
    """None where an earlier fault left the frame out."""
    backward: FrameFit

    @property
    def fits(self) -> list[FrameFit]:
        """Those there are."""
        return [fit for fit in (self.forward, self.backward) if fit is not None]


def refine_beside_joint_cell(
    table: ResultTable,
    setup: PassSetup,
    forward: FitsByFrame,
    backward: FitsByFrame,
    *,
    priors_before: SeriesPriors,
    name: str,
) -> None:
    """Refine again, beside the final cell(T), the frames of a table that this could change; write
    the status of all cells.

    Parameters
    ----------
    table : ResultTable
        Filled from the backward pass; changed in place.
    setup : PassSetup
        With the final priors.
    forward, backward : dict of int to FrameFit
        Fits of the two passes, strains dimensionless.
    priors_before : SeriesPriors
        Those of the backward pass.
    name : str
        Of the pass, for its progress.
    """
    for i in progress.report_progress(table.frames, name):
        if not setup.frames.usable[i]:
            continue
        passes = BothPasses(forward=forward.get(i), backward=backward[i])
        fit = passes.backward
        if is_unsettled(passes, priors_before, setup, i):
            pattern = setup.frames.read_pattern(i)
            fit = _refine_again(setup, passes, pattern, i)
            left = prepare_residual(setup.series, fit, pattern)
            record_fit(table, setup.frames, setup.priors, left, i)
        _record_merged_axes(table, setup, fit, i)
        for phase in range(len(setup.series.phases)):
            status = judge_cell(setup, fit, passes, i, phase)
            table.status[i - table.frames[0], phase] = status


def _record_merged_axes(table: ResultTable, setup: PassSetup, fit: FrameFit, i: int) -> None:
    """Add to a frame's errors the differences of axes that it does not show, in place."""
    row = i - table.frames[0]
    for phase in fit.present:
        lattice = setup.series.phases[phase]
        if not list_exchanges(lattice):
            continue
        pattern = setup.frames.read_pattern(i)
        for half in find_merged_axes(setup, fit, pattern, i, phase):
            table.strain_covariance[row, phase, : lattice.free, : lattice.free] += np.outer(
                half, half
            )
            table.axes_merged[row, phase] = 1


def is_unsettled(passes: BothPasses, priors_before: SeriesPriors, setup: PassSetup, i: int) -> bool:
    """Return whether a frame depends on what was learnt after its backward fit: on phases, or on
    priors that weigh.

    Parameters
    ----------
    passes : BothPasses
        Of this frame; covariances of the dimensionless strains, shape (free, free).
    priors_before : SeriesPriors
        Those of the backward pass.
    setup : PassSetup
        With the final priors.
    i : int
        The frame.
    """
    forward, fit = passes.forward, passes.backward
    if forward is None or forward.present != fit.present or not fit.converged:
        return True
    # a phase that got its cell(T) in the last pass is judged by it, and may be held to it
    if np.any(priors_before.has_joint_cell != setup.priors.has_joint_cell):
        return True
    for n, phase in enumerate(fit.present):
        free = setup.series.phases[phase].free
        prior_variance = setup.priors.strain_sigma[i, phase, :free] ** 2
        if np.any(np.diagonal(fit.strain_covariance[n]) > SETTLED * prior_variance):
            return True
    return False


def _refine_again(setup: PassSetup, passes: BothPasses, pattern: FramePattern, i: int) -> FrameFit:
    """Return frame `i` refined once more from the better pass, all phases of both passes in, each
    near its cell(T)."""
    fits = passes.fits
    best = min(fits, key=lambda fit: fit.misfit)
    start = best.parameters
    for other in fits:
        for phase in other.present:
            if phase not in best.present:
                start = start.replace_phase(phase, other.parameters)
    return refine_frame(
        setup.series,
        pattern,
        tuple(sorted({phase for fit in fits for phase in fit.present})),
        start=start,
        prior=setup.priors.build_frame_prior(i),
        convergence=setup.limit_steps(),
    )


def judge_cell(
    setup: PassSetup, fit: FrameFit, passes: BothPasses, i: int, phase: int
) -> CellStatus:
    """Return the status of a phase's cell in a frame.

    Parameters
    ----------
    setup : PassSetup
        With the final priors of the dimensionless strains, shape (frame, phase, 6).
    fit : FrameFit
        The frame as it is reported.
    passes : BothPasses
        The same frame in both passes.
    i, phase : int
        The frame and the phase.
    """
    if phase not in fit.present:
        return CellStatus.ABSENT
    if not fit.converged:
        return CellStatus.NOT_CONVERGED
    priors, free = setup.priors, setup.series.phases[phase].free
    if is_inconsistent(passes, phase, free):
        return CellStatus.INCONSISTENT
    if priors.has_joint_cell[phase]:
        variance = np.diagonal(fit.strain_covariance[fit.get_index(phase)])
        prior_variance = priors.strain_sigma[i, phase, :free] ** 2
        if np.any(variance > HELD * prior_variance):
            return CellStatus.HELD
        shift = fit.parameters.strain[phase, :free] - priors.strain[i, phase, :free]
        if np.any(np.abs(shift) > FAR * np.sqrt(prior_variance)):
            return CellStatus.DEVIATES
    return CellStatus.OK


def is_inconsistent(passes: BothPasses, phase: int, free: int) -> bool:
    """Return whether the two passes put a phase's `free` strains [1], shape (free,), apart by more
    than `FAR` standard errors."""
    fits = passes.fits
    if len(fits) < 2 or any(phase not in fit.present for fit in fits):
        return False
    variances = [np.diagonal(fit.strain_covariance[fit.get_index(phase)]) for fit in fits]
    first, second = (fit.parameters.strain[phase, :free] for fit in fits)
    stderr = np.sqrt(np.maximum(variances[0], variances[1]))
    return bool(np.any(np.abs(first - second) > FAR * stderr))


def measure_disagreement(forward: FitsByFrame, backward: FitsByFrame, series: SeriesModel) -> float:
    """Return the share of cells [1] in which two passes differ, or one of them is not converged, a
    float; of phases clearly there in both."""
    count = differing = 0
    for i in forward.keys() & backward.keys():
        passes = BothPasses(forward=forward[i], backward=backward[i])
        is_converged = all(fit.converged for fit in passes.fits)
        for phase in set(forward[i].present) & set(backward[i].present):
            if any(fit.get_significance(phase) < CLEAR for fit in passes.fits):
                continue
            count += 1
            differing += not is_converged or is_inconsistent(
                passes, phase, series.phases[phase].free
            )
    return differing / count if count else 0.0


def mark_presence(table: ResultTable, options: Refinement) -> None:
    """Mark a phase present in each run of frames above `leave` that rises above `enter` somewhere
    [standard errors], and set the statuses that follow, shape (frame, phase), in place."""
    ratio = table.significance
    for phase in range(ratio.shape[1]):
        above = np.nan_to_num(ratio[:, phase]) > options.leave
        for first, last in find_runs(above):
            highest = np.nanmax(ratio[first:last, phase])
            table.present[first:last, phase] = highest > options.enter
        is_present = table.present[:, phase] == 1
        status = table.status[:, phase]
        status[~is_present & (status != CellStatus.NOT_MEASURED)] = CellStatus.ABSENT
        status[is_present & (status == CellStatus.ABSENT)] = CellStatus.HELD
