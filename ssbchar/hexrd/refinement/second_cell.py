"""Two cells of one phase where one was refined: its lines are split in proportion to tan(theta)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.lattice import STRAIN_STEP, Lattice
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    FramePrior,
    GaussianPrior,
    replace_entry,
)
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.hexrd.refinement.frame_pass import PassSetup
from ssbchar.hexrd.refinement.inputs import START_LOG_SIZE_WIDTH, START_LOG_STRAIN_WIDTH
from ssbchar.hexrd.refinement.profile_terms import GAUSS_SIGMA, ProfileTerms, is_asked_for
from ssbchar.hexrd.refinement.series_priors import ZERO_SIGMA, ZERO_WIDTHS
from ssbchar.typing import Array

TEST_FRAMES = 3
"""Frames of a phase in which a second cell is looked for: the first, the middle one, the last."""
CLEAR = 25.0
"""A phase is looked at where it is so many counting errors above nothing."""
LEAST_PART = 0.1
"""Share of the scattered intensity [1] below which a phase cannot hold what a second cell must take
away of the misfit."""
APART = (0.001, 0.002, 0.0035, 0.006)
"""Relative differences of all lengths from which both cells start, to both sides of the one."""
ITERATIONS = 4
"""Times the usual number of steps: two cells start further from where they end."""
LEAST_APART = 5e-4
"""Relative difference of volumes' cube roots below which two cells are one that is strained."""
LEAST_SHARE = 0.08
"""Share of the phase's intensity [1] that the weaker of two cells has at least."""
LEAST_GAIN = 0.15
"""Share of the misfit that a second cell must take away: line shapes that the model does not know
are imitated by a little of one."""
SIGMAS = 5.0
"""Standard errors by which the cells must differ."""


@dataclass(frozen=True, kw_only=True)
class SecondCell:
    """A phase with two cells in a frame."""

    frame: int
    """Index of the frame."""
    change: float
    """Length of the weaker over that of the stronger cell, less one [1]: cube root of volumes."""
    change_stderr: float
    """Its standard error [1], misfit included."""
    share: float
    """Share of the phase's intensity that the weaker has [1]."""


def find_second_cells(setup: PassSetup, fits: FitsByFrame) -> dict[int, list[SecondCell]]:
    """Return where phases have two cells.

    In up to three frames of each clear phase the frame is refined again with the phase in it twice,
    from cells a little larger and smaller. There are two where the misfit falls by 15 % and more,
    as the information criterion asks (`ssbchar.hexrd.refinement.profile_terms.is_asked_for`), the
    cells differ by five of their errors and both have 8 % of the intensity.

    Parameters
    ----------
    setup : PassSetup
        With the final priors; angles in degree.
    fits : dict of int to FrameFit
        Of the last pass.

    Returns
    -------
    dict of int to list of SecondCell
        By phase; phases with one cell have no entry.
    """
    found: dict[int, list[SecondCell]] = {}
    for phase in range(len(setup.series.phases)):
        frames = [i for i in sorted(fits) if _is_clear(fits[i], phase)]
        if not frames:
            continue
        places = np.unique(np.linspace(0, len(frames) - 1, TEST_FRAMES).astype(int))
        for i in [frames[k] for k in places]:
            second = _look_for_second(setup, fits[i], i, phase)
            if second is not None:
                found.setdefault(phase, []).append(second)
    return found


def describe_second_cells(
    found: Mapping[int, list[SecondCell]], series: SeriesModel, numbers: Array
) -> dict[str, list[dict[str, float]]]:
    """Return the second cells by the name of their phase, with the numbers of the frames (frame,)
    [1], relative change of lengths with its standard error [1], and share of the intensity [1]."""
    return {
        series.phases[phase].name: [
            {
                "frame": int(numbers[one.frame]),
                "change": one.change,
                "change_stderr": one.change_stderr,
                "share": one.share,
            }
            for one in seconds
        ]
        for phase, seconds in found.items()
    }


def _is_clear(fit: FrameFit, phase: int) -> bool:
    if phase not in fit.present or not fit.converged:
        return False
    share = fit.intensity[fit.get_index(phase)] / np.sum(fit.intensity)
    counting = fit.get_significance(phase) * fit.parameters.inflation[phase]
    return bool(counting > CLEAR and share > LEAST_PART)


def _can_gain(fit: FrameFit, used: int) -> bool:
    """Return whether a misfit over `used` points can fall by the share that a second cell must
    take: counting noise stays."""
    return bool(fit.misfit * (1 - LEAST_GAIN) > used - fit.parameter_count)


def _look_for_second(setup: PassSetup, fit: FrameFit, i: int, phase: int) -> SecondCell | None:
    """Return the second cell of a phase in frame `i`, None where there is none."""
    pattern = setup.frames.read_pattern(i)
    limit = Convergence(
        iterations=ITERATIONS * setup.options.iterations, tolerance=setup.options.tolerance
    )
    if not _can_gain(fit, int(np.sum(pattern.weight > 0))):
        return None
    prior = _build_prior(setup, setup.priors.profile, fit, i)
    start = prior.apply_holds(fit.parameters)
    before = refine_frame(
        setup.series, pattern, fit.present, start=start, prior=prior, convergence=limit
    )
    # widths that grow with the angle, or with direction, may have been a split all along
    plain = replace(
        setup.priors.profile,
        caglioti_u=0.0,
        caglioti_v=0.0,
        anisotropy=np.zeros_like(setup.priors.profile.anisotropy),
    )
    prior = _build_prior(setup, plain, fit, i)
    start = prior.apply_holds(before.parameters)
    doubled, lattice = _double_phase(setup.series, phase), setup.series.phases[phase]
    new, free = len(setup.series.phases), lattice.free
    own = before.parameters.strain[phase]
    best: FrameFit | None = None
    for change in APART:
        moved = np.zeros((2, 6))
        moved[:, :free] = lattice.scale_lengths(own[:free], np.array([-0.5, 0.5]) * change)
        after = refine_frame(
            doubled,
            pattern,
            (*fit.present, new),
            start=_double_parameters(start, phase, moved),
            prior=_double_prior(prior, phase, moved, 2 * setup.options.search),
            convergence=limit,
        )
        if after.converged and (best is None or after.misfit < best.misfit):
            best = after
    if best is None:
        return None
    is_better = is_asked_for(
        {i: before}, {i: best}, free + 1, pattern.weight.size, least_share=LEAST_GAIN
    )
    return _compare_cells(best, lattice, (phase, new), i) if is_better else None


def _build_prior(setup: PassSetup, terms: ProfileTerms, fit: FrameFit, i: int) -> FramePrior:
    """Return the prior of frame `i` with these terms of the profile, widths and zero free: those of
    one cell hold a part of the split."""
    strains = {p: fit.parameters.strain[p] for p in fit.present}
    priors, before = replace(setup.priors, profile=terms), fit.parameters
    prior = priors.build_free_prior(i, strains)
    if not setup.options.gauss_fwhm:
        gauss = GaussianPrior(mean=before.gauss_fwhm, sigma=GAUSS_SIGMA)
        prior = replace(prior, gauss_fwhm=gauss)
    if setup.options.zero != "fixed":
        sigma = max(ZERO_SIGMA, ZERO_WIDTHS * before.gauss_fwhm)
        prior = replace(prior, zero=GaussianPrior(mean=before.zero, sigma=sigma))
    return prior


def _compare_cells(
    fit: FrameFit, lattice: Lattice, places: tuple[int, int], i: int
) -> SecondCell | None:
    """Return the weaker of two cells of a phase beside the stronger, by the `places` of both; None
    where they are not two."""
    amounts = np.array([fit.intensity[fit.get_index(p)] for p in places])
    if np.min(amounts) < LEAST_SHARE * np.sum(amounts):
        return None
    free = lattice.free
    strains = np.array([fit.parameters.strain[p, :free] for p in places])
    covariance = np.sum([fit.strain_covariance[fit.get_index(p)] for p in places], axis=0)
    apart = strains[1] - strains[0]
    if float(apart @ np.linalg.solve(covariance, apart)) < SIGMAS**2 * free:
        return None
    lengths = np.cbrt(volume_from_cell(lattice.cell_from_strain(strains)))
    weak, strong = (1, 0) if amounts[1] < amounts[0] else (0, 1)
    largest = np.max(np.abs(np.diff(lattice.cell_from_strain(strains)[:, :3], axis=0)) / lengths[0])
    if largest < LEAST_APART:
        return None
    return SecondCell(
        frame=i,
        change=float(lengths[weak] / lengths[strong] - 1),
        change_stderr=_propagate_to_length(lattice, strains[strong], covariance),
        share=float(amounts[weak] / np.sum(amounts)),
    )


def _propagate_to_length(lattice: Lattice, strain: Array, covariance: Array) -> float:
    """Return the relative standard error [1] of the cube root of a cell's volume, from the
    covariance of its strain (free,), by central differences."""
    moves = STRAIN_STEP * np.eye(strain.size)
    volumes = [
        volume_from_cell(lattice.cell_from_strain(strain + side * moves)) for side in (1.0, -1.0)
    ]
    gradient = np.log(volumes[0] / volumes[1]) / (2 * STRAIN_STEP) / 3
    return float(np.sqrt(gradient @ covariance @ gradient))


def _double_phase(series: SeriesModel, phase: int) -> SeriesModel:
    """Return the series with a phase twice: the second follows the pattern of the first."""
    return replace(
        series,
        phases=(*series.phases, series.phases[phase]),
        strength=(*series.strength, series.strength[phase]),
        free_reflections=(*series.free_reflections, np.empty(0, np.int64)),
        intensity_freedom=np.append(series.intensity_freedom, series.intensity_freedom[phase]),
    )


def _double_parameters(before: FrameParameters, phase: int, strains: Array) -> FrameParameters:
    """Return the parameters with another row like that of a phase, both at new strains (2, 6),
    amounts unknown; lines that a split had widened are narrow again."""
    rows, both = [*range(len(before.amount)), phase], [phase, -1]
    size, microstrain = before.log_size_width[rows], before.log_strain_width[rows]
    size[both] = np.minimum(size[both], START_LOG_SIZE_WIDTH)
    microstrain[both] = np.minimum(microstrain[both], START_LOG_STRAIN_WIDTH)
    return replace(
        before,
        strain=replace_entry(before.strain[rows], both, strains),
        overall_b=before.overall_b[rows],
        log_size_width=size,
        log_strain_width=microstrain,
        log_texture=before.log_texture[rows],
        anisotropy=before.anisotropy[rows],
        inflation=before.inflation[rows],
        amount=np.full(len(rows), np.nan),
    )


def _double_prior(prior: FramePrior, phase: int, strains: Array, sigma: float) -> FramePrior:
    """Return the prior with another row like that of a phase, both about new strains (2, 6), as
    loose as `sigma` [1]."""

    def double(one: GaussianPrior[Array]) -> GaussianPrior[Array]:
        rows = [*range(len(one.mean)), phase]
        return GaussianPrior(mean=one.mean[rows], sigma=one.sigma[rows])

    cells = double(prior.strain)
    cells.mean[[phase, -1]] = strains
    cells.sigma[[phase, -1]] = sigma
    return replace(
        prior,
        strain=cells,
        overall_b=double(prior.overall_b),
        log_size_width=double(prior.log_size_width),
        log_strain_width=double(prior.log_strain_width),
        log_texture=double(prior.log_texture),
        anisotropy=double(prior.anisotropy),
    )
