"""Where each phase is expected in each frame: from the literature first, then from the series
itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ssbchar.hexrd.refinement import zero_shift
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame
from ssbchar.hexrd.refinement.frame.parameters import (
    FramePrior,
    GaussianPrior,
    find_median_inflation,
)
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.hexrd.refinement.inputs import (
    START_LOG_SIZE_WIDTH,
    START_LOG_STRAIN_WIDTH,
    Frames,
    expect_gauss_fwhm,
)
from ssbchar.hexrd.refinement.options import Mode, Refinement
from ssbchar.hexrd.refinement.profile_terms import ProfileTerms, choose_profile_terms
from ssbchar.hexrd.refinement.smooth_cell import smooth_strain
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

ZERO_SIGMA = 0.01
"""Smallest prior standard deviation of a free zero [degree]."""
ZERO_WIDTHS = 0.4
"""The same in Gaussian widths of the lines: where they are wide the zero is known less well."""
GAUSS_SIGMA = 0.03
"""Prior standard deviation of a free Gaussian width [degree]."""
ANGLE_FRAMES = 6
"""Frames in which zeros by low and by high angles are compared."""
LEFT_OUT = 1e-6
"""Weight of points that are left out: with none at all nothing would hold the background there."""
WIDTH_SIGMA = 1.5
"""Prior standard deviation of the log of a width of which nothing is known."""
B_SIGMA = 3.0
"""Prior standard deviation of a displacement factor [angstrom^2]."""
LEARNT_SCATTER = 0.1
"""Standard error given to each width when the curve is learnt."""
INSTRUMENT_QUANTILE = 0.25
"""Quantile of the frames' Gaussian widths that is the instrument's: the phases of the others add
their own."""
CLEAR = 5.0
"""A cell counts for cell(T) where its phase is so many standard errors above nothing."""
REFERENCE_TEMPERATURE = 25.0
"""Temperature of a cell in the phases file that states none [degC]."""


@dataclass(frozen=True, kw_only=True)
class ShapeLearning:
    """How widths and displacement factors are learnt from a series."""

    frames: int
    """Most frames of each phase from which they are learnt."""
    after_each_pass: bool
    """Or after the first pass alone."""
    sigma: float
    """Prior standard deviation, about the smooth curve learnt, of the log of a width; 0 holds
    it."""


SHAPE_LEARNING: dict[Mode, ShapeLearning] = {
    "pawley": ShapeLearning(frames=12, after_each_pass=False, sigma=0.5),
    "rietveld": ShapeLearning(frames=96, after_each_pass=True, sigma=0.0),
}
"""By the mode of refinement: where scales follow structures, free widths would take up misfit."""


@dataclass(frozen=True, kw_only=True)
class SeriesPriors:
    """Where each phase is expected in each frame, and how closely."""

    strain: Array
    """Expected strains, shape (frame, phase, 6)."""
    strain_sigma: Array
    """Their standard deviation, shape (frame, phase, 6)."""
    expansion: Array
    """d(strain)/dT of each phase by the literature [1/K], shape (phase, 6)."""
    has_joint_cell: Bool
    """Phases that have a joint cell(T) by now, shape (phase,)."""
    log_size_width: Array
    """Expected log width of size of a phase that enters [log degree], shape (phase,)."""
    log_strain_width: Array
    """Expected log width of microstrain of a phase that enters [log degree], shape (phase,)."""
    shape: Array
    """Expected log widths of size and microstrain [log degree] and displacement factor
    [angstrom^2], shape (frame, phase, 3)."""
    shape_sigma: Array
    """Their standard deviations; 0 holds them, shape (phase, 3)."""
    free_shape_sigma: Array
    """Their standard deviations where nothing is known yet, shape (phase, 3)."""
    zero: GaussianPrior[float]
    """[degree]."""
    held_zero_stderr: float
    """Standard error of a zero that is held [degree]."""
    zero_by_angle: float
    """Part of it by which low and high angles disagree [degree]."""
    gauss_fwhm: GaussianPrior[float]
    """[degree]."""
    cell_prior: float
    """Option of that name."""
    profile: ProfileTerms
    """Terms of the profile that the data have asked for so far."""

    def build_frame_prior(
        self,
        i: int,
        neighbour_strain: dict[int, Array] | None = None,
        neighbour_sigma: float = 0.0,
    ) -> FramePrior:
        """Return the prior of a frame.

        Parameters
        ----------
        i : int
            The frame.
        neighbour_strain : dict of int to ndarray, shape (6,), optional
            Strains that neighbouring frames suggest for some phases, instead of the expected ones.
        neighbour_sigma : float
            Their standard deviation [1].
        """
        mean, sigma = self.strain[i].copy(), self.strain_sigma[i].copy()
        for phase, strain in (neighbour_strain or {}).items():
            mean[phase], sigma[phase] = strain, neighbour_sigma
        size, microstrain, overall_b = (
            GaussianPrior(mean=self.shape[i, :, k], sigma=self.shape_sigma[:, k]) for k in range(3)
        )
        return FramePrior(
            zero=self.zero,
            gauss_fwhm=self.gauss_fwhm,
            overall_b=overall_b,
            strain=GaussianPrior(mean=mean, sigma=sigma),
            log_size_width=size,
            log_strain_width=microstrain,
            held_zero_stderr=self.held_zero_stderr,
            **self.profile.build_priors(),
        )

    def build_free_prior(self, i: int, neighbour_strain: dict[int, Array]) -> FramePrior:
        """Return the prior of frame `i` in which all widths and displacement factors are free;
        `neighbour_strain` [1], shape (6,) each, as in `build_frame_prior`."""
        free = replace(self, shape_sigma=self.free_shape_sigma)
        prior = free.build_frame_prior(i, neighbour_strain, self.cell_prior)
        return replace(prior, shape_weighed_by_misfit=True)


def expect_from_literature(
    series: SeriesModel, frames: Frames, phases: list[xr.Dataset], options: Refinement
) -> SeriesPriors:
    """Return the priors before anything of the series is known: the cells of the phases file,
    expanded to the temperature of each frame.

    Parameters
    ----------
    series : SeriesModel
    frames : Frames
        Their temperatures [degC], shape (frame,), are used.
    phases : list of Dataset
        From `ssbchar.crystal.tabulate_reflections`; an attribute ``temperature`` [degC] says at
        which one the cell is known.
    options : Refinement
    """
    count = len(series.phases)
    strain, expansion = np.zeros((frames.count, count, 6)), np.zeros((count, 6))
    for p, (phase, ds) in enumerate(zip(series.phases, phases, strict=True)):
        # over a kilokelvin: the strains of a cell that expands evenly are not quite linear
        change = phase.strain_from_length_change(np.array(1e-3 * options.expansion))
        expansion[p, : phase.free] = change / 1e-3
        warming = frames.temperature - float(ds.attrs.get("temperature", REFERENCE_TEMPERATURE))
        strain[:, p] = warming[:, None] * expansion[p]
    size, microstrain = (
        np.full(count, start) for start in (START_LOG_SIZE_WIDTH, START_LOG_STRAIN_WIDTH)
    )
    shape = np.zeros((frames.count, count, 3))
    shape[:, :, 0], shape[:, :, 1] = size, microstrain
    follows_structure = [options.follows_structures and p.refinable for p in series.phases]
    width_sigma = np.full(count, WIDTH_SIGMA)
    b_sigma = np.where(follows_structure, B_SIGMA, 0.0)
    shape_sigma = np.stack([width_sigma, width_sigma, b_sigma], axis=1)
    gauss_sigma = 0.0 if options.gauss_fwhm else GAUSS_SIGMA
    return SeriesPriors(
        strain=strain,
        strain_sigma=np.full((frames.count, count, 6), 2 * options.search),
        expansion=expansion,
        has_joint_cell=np.zeros(count, bool),
        log_size_width=size,
        log_strain_width=microstrain,
        shape=shape,
        shape_sigma=shape_sigma,
        free_shape_sigma=shape_sigma,
        zero=GaussianPrior(mean=options.zero_start, sigma=_choose_zero_sigma(frames, options)),
        held_zero_stderr=0.0,
        zero_by_angle=0.0,
        gauss_fwhm=GaussianPrior(mean=expect_gauss_fwhm(frames, options), sigma=gauss_sigma),
        cell_prior=options.cell_prior,
        profile=choose_profile_terms(series, options),
    )


def learn_priors(
    priors: SeriesPriors,
    series: SeriesModel,
    passes: list[FitsByFrame],
    frames: Frames,
    options: Refinement,
) -> SeriesPriors:
    """Return priors learnt from the passes so far: a smooth cell(T) of each phase, and one zero and
    instrument for the series.

    Parameters
    ----------
    priors : SeriesPriors
        Those of the pass before.
    series : SeriesModel
    passes : list of dict of int to FrameFit
        Fits of the passes so far, the last one last; zeros in degree, strains dimensionless.
    frames : Frames
    options : Refinement
    """
    learning = SHAPE_LEARNING[options.mode]
    if options.zero == "series":
        # held from here on: what angles say of it is asked while it is free
        if priors.zero.sigma > 0:
            by_angle = _compare_angles(priors, series, passes[-1], frames, options)
            priors = replace(priors, zero_by_angle=by_angle)
        priors = _learn_zero(priors, passes)
    priors = _learn_cells(priors, series, passes, frames)
    # widths change slowly: those of the first pass serve the second
    if len(passes) == 1 or learning.after_each_pass:
        fits = _refine_with_free_shapes(priors, series, passes[-1], frames, options)
        priors = _learn_shapes(priors, fits, frames)
    sigma = np.where(priors.free_shape_sigma > 0, learning.sigma, 0.0)
    return replace(priors, shape_sigma=sigma)


def _choose_zero_sigma(frames: Frames, options: Refinement) -> float:
    match options.zero:
        case "fixed":
            return 0.0
        case "frame" | "series":
            return max(ZERO_SIGMA, ZERO_WIDTHS * expect_gauss_fwhm(frames, options))
        case _:
            assert_never(options.zero)


def _learn_zero(priors: SeriesPriors, passes: list[FitsByFrame]) -> SeriesPriors:
    zeros = []
    measured = [fit for fits in passes for fit in fits.values() if fit.present]
    # the zero of a frame that has not arrived is one on its way
    converged = [fit for fit in measured if fit.converged]
    for fit in converged or measured:
        inflation = find_median_inflation(fit.parameters.inflation[list(fit.present)])
        zeros.append(
            zero_shift.FrameZero(
                present=fit.present,
                zero=fit.parameters.zero,
                stderr=fit.zero_stderr,
                inflation=inflation,
            )
        )
    found = zero_shift.combine_frames(zeros)
    if found is None:
        return priors
    zero, stderr = found
    return replace(
        priors,
        zero=GaussianPrior(mean=zero, sigma=0.0),
        held_zero_stderr=float(np.hypot(stderr, priors.zero_by_angle)),
    )


def _compare_angles(
    priors: SeriesPriors,
    series: SeriesModel,
    fits: FitsByFrame,
    frames: Frames,
    options: Refinement,
) -> float:
    """Return the error of the zero [degree] by which low and high angles disagree about it.

    Lines that are not symmetric, and a sample beside the axis, shift lines by amounts that change
    with the angle: one zero stands for all of them.
    """
    good = [i for i in sorted(fits) if fits[i].present and fits[i].converged]
    places = np.unique(np.linspace(0, len(good) - 1, ANGLE_FRAMES).astype(int))
    x = series.two_theta
    is_low = x < 0.5 * (x[0] + x[-1])
    convergence = Convergence(iterations=options.iterations, tolerance=options.tolerance)
    differences: list[zero_shift.Difference] = []
    for i in [good[k] for k in places] if good else []:
        before, pattern = fits[i], frames.read_pattern(i)
        strains = {p: before.parameters.strain[p] for p in before.present}
        prior = priors.build_frame_prior(i, strains, options.search / 2)
        halves = [
            refine_frame(
                series,
                replace(pattern, weight=pattern.weight * np.where(half, 1.0, LEFT_OUT)),
                before.present,
                start=before.parameters,
                prior=prior,
                convergence=convergence,
            )
            for half in (is_low, ~is_low)
        ]
        if all(fit.converged and fit.zero_stderr > 0 for fit in halves):
            low, high = halves
            differences.append(
                zero_shift.Difference(
                    value=low.parameters.zero - high.parameters.zero,
                    stderr=float(np.hypot(low.zero_stderr, high.zero_stderr)),
                )
            )
    return zero_shift.error_from_differences(differences)


def _learn_cells(
    priors: SeriesPriors, series: SeriesModel, passes: list[FitsByFrame], frames: Frames
) -> SeriesPriors:
    """Return the priors with the smooth cell(T) of each phase that has cells of its own."""
    strain, sigma = priors.strain.copy(), priors.strain_sigma.copy()
    has_joint_cell = priors.has_joint_cell.copy()
    for p, phase in enumerate(series.phases):
        values, stderr = _collect_strains(passes, p, phase.free, frames.count)
        if not np.isfinite(values).any():
            continue
        expansion = priors.expansion[p, : phase.free]
        curves = [
            smooth_strain(
                frames.temperature,
                frames.segment,
                values[:, k],
                stderr[:, k],
                expected_slope=expansion[k],
                largest_slope=float(np.max(np.abs(expansion))),
            )
            for k in range(phase.free)
        ]
        # all strains of a cell or none: a cell half held would be neither
        if not all(np.all(np.isfinite(curve)) for curve, _ in curves):
            continue
        strain[:, p, : phase.free] = np.stack([curve for curve, _ in curves], axis=1)
        spread = np.stack([spread for _, spread in curves], axis=1)
        sigma[:, p, : phase.free] = np.hypot(spread, 2 * priors.cell_prior)
        has_joint_cell[p] = True
    return replace(priors, strain=strain, strain_sigma=sigma, has_joint_cell=has_joint_cell)


def _collect_strains(
    passes: list[FitsByFrame], phase: int, free: int, count: int
) -> tuple[Array, Array]:
    """Return strains and errors of a phase where it is well above its noise, the mean of the
    passes, shape (frame, free) each; NaN elsewhere."""
    values, stderr = np.full((count, free), np.nan), np.full((count, free), np.nan)
    for i in range(count):
        fits = [fits[i] for fits in passes if i in fits]
        fits = [f for f in fits if phase in f.present and f.converged]
        fits = [f for f in fits if f.get_significance(phase) > CLEAR]
        if fits:
            strains = [f.parameters.strain[phase, :free] for f in fits]
            variances = [np.diagonal(f.strain_covariance[f.get_index(phase)]) for f in fits]
            values[i] = sum(strains) / len(fits)
            stderr[i] = np.sqrt(sum(variances) / len(fits))
    return values, stderr


def _refine_with_free_shapes(
    priors: SeriesPriors,
    series: SeriesModel,
    fits: FitsByFrame,
    frames: Frames,
    options: Refinement,
) -> FitsByFrame:
    """Return some frames of a pass refined again with all widths and displacement factors free."""
    some: set[int] = set()
    for phase in range(len(series.phases)):
        candidates = [i for i in sorted(fits) if phase in fits[i].present]
        count = min(SHAPE_LEARNING[options.mode].frames, len(candidates))
        some |= {candidates[k] for k in np.linspace(0, len(candidates) - 1, count).astype(int)}
    convergence = Convergence(iterations=2 * options.iterations, tolerance=options.tolerance)
    found: FitsByFrame = {}
    for i in sorted(some):
        before = fits[i]
        strains = {p: before.parameters.strain[p] for p in before.present}
        prior = priors.build_free_prior(i, strains)
        if not options.gauss_fwhm:
            gauss = GaussianPrior(mean=before.parameters.gauss_fwhm, sigma=GAUSS_SIGMA)
            prior = replace(prior, gauss_fwhm=gauss)
        fit = refine_frame(
            series,
            frames.read_pattern(i),
            before.present,
            start=before.parameters,
            prior=prior,
            convergence=convergence,
        )
        found[i] = fit.drop_curves()
    return found


def _learn_shapes(priors: SeriesPriors, fits: FitsByFrame, frames: Frames) -> SeriesPriors:
    """Return the priors with instrument, widths and displacement factors from fits in which they
    are free, smooth in temperature."""
    if not fits:
        return priors
    gauss = priors.gauss_fwhm
    if gauss.sigma > 0:
        widths = [f.parameters.gauss_fwhm for f in fits.values()]
        instrument = float(np.quantile(widths, INSTRUMENT_QUANTILE))
        gauss = GaussianPrior(mean=instrument, sigma=0.0)
    size, microstrain = priors.log_size_width.copy(), priors.log_strain_width.copy()
    shape = priors.shape.copy()
    for p in range(len(size)):
        values = _collect_shapes(fits, p, frames.count)
        seen = np.isfinite(values[:, 0])
        if not seen.any():
            continue
        middle = np.median(values[seen], axis=0)
        size[p], microstrain[p] = middle[0], middle[1]
        stderr = np.where(seen, LEARNT_SCATTER, np.nan)
        for k in range(3):
            curve, _ = smooth_strain(
                frames.temperature, frames.segment, values[:, k], stderr, expected_slope=0.0
            )
            shape[:, p, k] = np.where(np.isfinite(curve), curve, middle[k])
    return replace(
        priors, gauss_fwhm=gauss, log_size_width=size, log_strain_width=microstrain, shape=shape
    )


def _collect_shapes(fits: FitsByFrame, phase: int, count: int) -> Array:
    """Return log widths and displacement factor of a phase where it is well above its noise, shape
    (frame, 3); NaN elsewhere."""
    values = np.full((count, 3), np.nan)
    for i, fit in fits.items():
        if phase in fit.present and fit.get_significance(phase) > CLEAR:
            found = fit.parameters
            values[i, 0] = found.log_size_width[phase]
            values[i, 1] = found.log_strain_width[phase]
            values[i, 2] = found.overall_b[phase]
    return values
