"""One pass over the frames of a series: phases enter and leave."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ssbchar.hexrd.refinement.axis_labels import strain_from_metric
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    FramePrior,
    replace_entry,
)
from ssbchar.hexrd.refinement.frame.refine import (
    FINE,
    STRICT,
    Convergence,
    LinearRange,
    refine_frame,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.inputs import UNKNOWN_FREEDOM, Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.phase_detection import (
    FitResidual,
    estimate_noise,
    make_trial_strains,
    measure_absent_phase,
    prepare_residual,
)
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.runtime import progress
from ssbchar.typing import Array

CLEAR = 12.0
"""A phase this far above its error by misfit and serial correlation needs no further test."""
FITS_BADLY = 5.0
"""Inflation of errors from which a phase of unknown pattern is refined again, its lines free."""
TRIAL_STEP = 0.3
"""Step between trial cells: shift of the last line of the pattern [Gaussian widths]."""
SETTLED_FRAMES = 5
"""Frames at the start of a pass that are refined again until they are converged: what follows
starts from them, and a short series has no others to find its zero by."""
ROUNDS = 6
"""Most times that such a frame is refined."""
NEARER = 0.5
"""Two cells are exchanged where they are then nearer to those expected by this factor [1]."""
AS_GOOD = 1.05
"""... and the weighted squares rise by no more than this factor [1]."""
AT_REST = 0.2
"""Change between two refinements [standard errors] below which a frame has converged."""


@dataclass(frozen=True, kw_only=True)
class PassSetup:
    """What every frame of a pass is given."""

    series: SeriesModel
    frames: Frames
    priors: SeriesPriors
    options: Refinement

    def limit_steps(self, linear_range: LinearRange = FINE) -> Convergence:
        """Return when a frame is done, by the options."""
        return Convergence(
            iterations=self.options.iterations,
            tolerance=self.options.tolerance,
            linear_range=linear_range,
        )


@dataclass(kw_only=True)
class _Search:
    """A frame while phases are added and dropped; changed in place."""

    parameters: FrameParameters
    present: tuple[int, ...]
    neighbour_strain: dict[int, Array]
    """Strains expected from the frame before, or from the trial cell with which a phase entered."""
    dropped: set[int] = field(default_factory=set)
    """Phases that were weak in this frame, and do not enter it again."""

    def add(self, phase: int, strain: Array, priors: SeriesPriors) -> None:
        """Let a phase enter, with the strains (6,) of its trial cell."""
        self.present = tuple(sorted((*self.present, phase)))
        self.neighbour_strain[phase] = strain
        self.parameters = replace(
            self.parameters, strain=replace_entry(self.parameters.strain, phase, strain)
        )
        self._forget(phase, priors)

    def drop(self, phase: int, priors: SeriesPriors) -> None:
        """Let a phase leave."""
        self.dropped.add(phase)
        self.present = tuple(p for p in self.present if p != phase)
        self._forget(phase, priors)

    def _forget(self, phase: int, priors: SeriesPriors) -> None:
        """Set all amounts unknown, and the widths of a phase as expected."""
        before = self.parameters
        size, microstrain = priors.log_size_width[phase], priors.log_strain_width[phase]
        # of all phases, for one that came or went has changed the share of the others
        self.parameters = replace(
            before,
            amount=np.full_like(before.amount, np.nan),
            log_size_width=replace_entry(before.log_size_width, phase, size),
            log_strain_width=replace_entry(before.log_strain_width, phase, microstrain),
        )


def refine_pass(
    setup: PassSetup,
    order: Sequence[int],
    start: FrameParameters,
    *,
    name: str,
    other_pass: FitsByFrame | None = None,
    record: Callable[[int, FitResidual], None] | None = None,
    linear_range: LinearRange = FINE,
    settled_frames: int = SETTLED_FRAMES,
) -> FitsByFrame:
    """Return the fits of all frames in one direction; phases enter and leave by their significance.

    A frame starts from the one before. Of the phases not in the model the one that explains most
    joins, if it is above `enter` standard errors, until there is none; then those below `leave`
    go.

    Parameters
    ----------
    setup : PassSetup
    order : sequence of int
        Frames in the order they are refined.
    start : FrameParameters
        Where the first of them starts: angles in degree, strains dimensionless.
    name : str
        Of the pass, for its progress.
    other_pass : dict of int to FrameFit, optional
        Fits of some frames already made: if the first frame has one, it starts with its phases.
    record : callable, optional
        Called with each frame and what its fit leaves.
    linear_range : LinearRange
    settled_frames : int
        So many of the first frames are refined again until they are converged.

    Returns
    -------
    dict of int to FrameFit
        Without curves; usable frames only.
    """
    priors = setup.priors
    fits: FitsByFrame = {}
    parameters, present = start, tuple[int, ...]()
    before = order[0]
    for i in progress.report_progress(list(order), name):
        if not setup.frames.usable[i]:
            continue
        if present:
            rows = list(present)
            strain = parameters.strain[rows] + priors.strain[i, rows] - priors.strain[before, rows]
            parameters = replace(parameters, strain=replace_entry(parameters.strain, rows, strain))
        # the amounts of its start belong to these phases
        if not fits and other_pass and i in other_pass:
            present = other_pass[i].present
        pattern = setup.frames.read_pattern(i)
        fit = refine_from_neighbour(
            setup,
            i,
            pattern,
            parameters,
            present,
            linear_range=linear_range,
            settle=len(fits) < settled_frames,
        )
        if record is not None:
            record(i, prepare_residual(setup.series, fit, pattern))
        fits[i] = fit.drop_curves()
        parameters, present, before = fit.parameters, fit.present, i
    return fits


def refine_from_neighbour(
    setup: PassSetup,
    i: int,
    pattern: FramePattern,
    start: FrameParameters,
    present: tuple[int, ...],
    *,
    linear_range: LinearRange = FINE,
    settle: bool = False,
) -> FrameFit:
    """Return a frame refined from the one before it; phases enter and leave.

    Parameters
    ----------
    setup : PassSetup
    i : int
        The frame.
    pattern : FramePattern
        [counts].
    start : FrameParameters
        Angles in degree, arrays of shape (phase, ...); the cells where they are expected now.
    present : tuple of int
        Phases of the frame before.
    linear_range : LinearRange
    settle : bool
        Whether it is refined again until it is converged.
    """
    search = _Search(
        parameters=start,
        present=present,
        neighbour_strain={p: start.strain[p] for p in present},
    )
    fit = _refine_with_search(setup, i, pattern, search, setup.limit_steps(linear_range))
    if not settle:
        return fit
    fit = settle_frame(setup, i, pattern, fit, search.neighbour_strain)
    return name_phases_as_listed(setup, i, pattern, fit)


def refine_first_frame(
    setup: PassSetup,
    i: int,
    pattern: FramePattern,
    start: FrameParameters,
    present: tuple[int, ...] = (),
    *,
    search: bool = True,
) -> FrameFit:
    """Return a frame refined by itself until it is converged.

    Parameters
    ----------
    setup : PassSetup
    i : int
        The frame.
    pattern : FramePattern
        [counts].
    start : FrameParameters
        Angles in degree, arrays of shape (phase, ...).
    present : tuple of int
        Phases in its model from the start.
    search : bool
        Whether phases enter and leave, and the frame is settled; else it is refined once.
    """
    if search:
        return refine_from_neighbour(setup, i, pattern, start, present, settle=True)
    neighbour_strain = {p: start.strain[p] for p in present}
    convergence = setup.limit_steps()
    prior = setup.priors.build_frame_prior(i, neighbour_strain, setup.options.search / 2)
    fit = refine_frame(
        setup.series, pattern, present, start=start, prior=prior, convergence=convergence
    )
    return _release_unknown_patterns(setup.series, pattern, fit, prior, convergence)


def name_phases_as_listed(
    setup: PassSetup, i: int, pattern: FramePattern, fit: FrameFit
) -> FrameFit:
    """Return the frame with the cells of two phases exchanged where they then are nearer to those
    expected and the frame fits as well.

    Of two lattices that are nearly alike the phase that enters first finds the stronger lines,
    whosever they are.

    Parameters
    ----------
    setup : PassSetup
    i : int
        The frame.
    pattern : FramePattern
        [counts].
    fit : FrameFit
        Of the frame.
    """
    for p, q in itertools.combinations(fit.present, 2):
        one, other = setup.series.phases[p], setup.series.phases[q]
        if one.system != other.system or one.free != other.free:
            continue
        strain, rows, free = fit.parameters.strain, [p, q], one.free
        metrics = [
            lattice.reference + strain[phase, :free] @ lattice.directions
            for phase, lattice in ((p, one), (q, other))
        ]
        crossed = np.stack(
            [strain_from_metric(one, metrics[1]), strain_from_metric(other, metrics[0])]
        )
        expected = setup.priors.strain[i][rows, :free]
        now, then = (np.max(np.abs(s - expected)) for s in (strain[rows, :free], crossed))
        if then > NEARER * now:
            continue
        moved = strain.copy()
        moved[rows, :free] = crossed
        # What an amount was to one phase it is not to the other: all begin anew.
        start = replace(
            fit.parameters, strain=moved, amount=np.full_like(fit.parameters.amount, np.nan)
        )
        near = {phase: moved[phase] for phase in fit.present}
        again = refine_frame(
            setup.series,
            pattern,
            fit.present,
            start=start,
            prior=setup.priors.build_frame_prior(i, near, setup.options.search / 2),
            convergence=setup.limit_steps(),
        )
        again = settle_frame(setup, i, pattern, again, near)
        if again.misfit < AS_GOOD * fit.misfit:
            fit = again
    return fit


def settle_frame(
    setup: PassSetup,
    i: int,
    pattern: FramePattern,
    fit: FrameFit,
    neighbour_strain: dict[int, Array],
) -> FrameFit:
    """Return a frame refined again until it is converged where amounts and misfit, by which priors
    weigh, are its own.

    Parameters
    ----------
    setup : PassSetup
    i : int
        The frame.
    pattern : FramePattern
        [counts].
    fit : FrameFit
        Of the frame so far.
    neighbour_strain : dict of int to ndarray, shape (6,)
        Strains [1] about which its cells are expected.
    """
    convergence = setup.limit_steps(STRICT)
    prior = setup.priors.build_frame_prior(i, neighbour_strain, setup.options.search / 2)
    for _ in range(ROUNDS):
        before = fit
        fit = refine_frame(
            setup.series,
            pattern,
            before.present,
            start=before.parameters,
            prior=prior,
            convergence=convergence,
        )
        if fit.converged and before.converged and _is_at_rest(before, fit):
            break
    return fit


def _is_at_rest(before: FrameFit, after: FrameFit) -> bool:
    """Return whether no cell, and not the zero, moved by more than `AT_REST` standard errors."""
    moved = abs(after.parameters.zero - before.parameters.zero) > AT_REST * after.zero_stderr
    if moved and after.zero_stderr > 0:
        return False
    for phase, covariance in zip(after.present, after.strain_covariance, strict=True):
        free = len(covariance)
        change = after.parameters.strain[phase, :free] - before.parameters.strain[phase, :free]
        if np.any(np.abs(change) > AT_REST * np.sqrt(np.diagonal(covariance))):
            return False
    return True


def _refine_with_search(
    setup: PassSetup, i: int, pattern: FramePattern, search: _Search, convergence: Convergence
) -> FrameFit:
    """Return frame `i` refined, phases that show added and weak ones dropped."""
    series, priors, options = setup.series, setup.priors, setup.options
    while True:
        prior = priors.build_frame_prior(i, search.neighbour_strain, options.search / 2)
        fit = refine_frame(
            series,
            pattern,
            search.present,
            start=search.parameters,
            prior=prior,
            convergence=convergence,
        )
        if np.isnan(search.parameters.amount[list(search.present)]).any():
            fit = _release_unknown_patterns(series, pattern, fit, prior, convergence)
        search.parameters = fit.parameters
        all_present = len(fit.present) == len(series.phases)
        if all_present and all(fit.get_significance(p) >= CLEAR for p in fit.present):
            return fit
        left = prepare_residual(series, fit, pattern)
        # one at a time: phases with overlapping lines would all enter for one of them
        newcomer = _find_newcomer(setup, left, i, search.dropped)
        if newcomer is not None:
            phase, strain = newcomer
            search.add(phase, np.pad(strain, (0, 6 - strain.size)), priors)
            continue
        weakest = _find_weakest(left, options)
        if weakest is None:
            return fit
        search.drop(weakest, priors)


def _release_unknown_patterns(
    series: SeriesModel,
    pattern: FramePattern,
    fit: FrameFit,
    prior: FramePrior,
    convergence: Convergence,
) -> FrameFit:
    """Return a frame refined again where phases of unknown pattern, just entered, fit badly.

    The priors of intensities weigh with the misfit, which was that of multiplicities in place of
    the pattern: lines of a strong phase would stay near multiplicities.
    """
    inflation = fit.parameters.inflation
    rows = [
        p
        for p in fit.present
        if series.intensity_freedom[p] >= UNKNOWN_FREEDOM and inflation[p] > FITS_BADLY
    ]
    if not rows:
        return fit
    released = replace_entry(inflation, rows, np.ones(len(rows)))
    again = refine_frame(
        series,
        pattern,
        fit.present,
        start=replace(fit.parameters, inflation=released),
        prior=prior,
        convergence=convergence,
    )
    return again if again.misfit < fit.misfit else fit


def _find_weakest(left: FitResidual, options: Refinement) -> int | None:
    """Return the weakest phase below `leave` standard errors, if there is one."""
    weak: list[tuple[float, int]] = []
    for i, phase in enumerate(left.fit.present):
        if left.fit.get_significance(phase) >= CLEAR:
            continue
        stderr = estimate_noise(left, phase)
        ratio = left.fit.intensity[i] / stderr if stderr > 0 else 0.0
        if ratio < options.leave:
            weak.append((ratio, phase))
    return min(weak)[1] if weak else None


def _find_newcomer(
    setup: PassSetup, left: FitResidual, i: int, dropped: set[int]
) -> tuple[int, Array] | None:
    """Return the phase that explains most of the residual of frame `i`, of those clear of chance,
    and the strains (free,) of its trial cell."""
    options, priors = setup.options, setup.priors
    fit, last = left.fit, left.series.two_theta[-1]
    step = TRIAL_STEP * fit.parameters.gauss_fwhm / max(last * 0.5, 1e-3)
    # the first phase is the one that explains most, however little
    threshold = options.enter if fit.present else 0.0
    best: tuple[float, int, Array] | None = None
    for p, phase in enumerate(left.series.phases):
        if p in fit.present or p in dropped:
            continue
        expected = priors.strain[i, p, : phase.free]
        search = 0.0 if priors.has_joint_cell[p] else options.search
        cells = make_trial_strains(phase, expected, search, step)
        trials = measure_absent_phase(left, p, cells, threshold)
        if trials is None:
            continue
        k = int(np.argmax(trials.gain))
        is_clear = trials.intensity[k] > options.enter * trials.stderr[k] or not fit.present
        if is_clear and (best is None or trials.gain[k] > best[0]):
            best = (float(trials.gain[k]), p, cells[k])
    return None if best is None else (best[1], best[2])
