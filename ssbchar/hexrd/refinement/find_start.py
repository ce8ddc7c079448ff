"""Starting cells and zero of a pattern whose cells may be a few percent off, each length by its own
amount.

A refinement finds a cell whose lines it already overlaps; from further away it ends beside it. Here
trial cells and zeros are scored by what the pattern has where their strongest lines would be: first
coarsely with lines as wide as the step between trials, then ever more narrowly; the best few are
refined, and one replaces the start if it explains much more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame.lattice import Lattice
from ssbchar.hexrd.refinement.frame.lines import predict_shares, two_theta_from_metric
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    GaussianPrior,
    replace_entry,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame_pass import (
    CLEAR,
    PassSetup,
    refine_first_frame,
    settle_frame,
)
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.typing import Array

RANGE = 0.023
"""Relative change of each length that is looked for, both ways."""
GRID = 23
"""Trial lengths along each axis, where at most `GRID_AXES` are free."""
GRID_AXES = 3
"""Free cell parameters up to which their grid is searched; beyond, `SCATTERED` trial cells are."""
SCATTERED = 60_000
"""Trial cells of a phase with more free parameters, spread evenly."""
LINES = 16
"""Reflections that are scored, the strongest."""
ZEROS = 4
"""Trial zeros on each side, a Gaussian width apart."""
KEPT = 120
"""Trial cells that are followed to narrower lines."""
LEVELS = (1.0, 0.5, 0.25, 0.12, 0.06)
"""Widths of the lines scored, one after the other, in those of the first."""
MOVES = 3
"""Times that each trial is moved to its best neighbour, at each width."""
REFINED = 4
"""Trial cells that are refined."""
BETTER = 1.03
"""Score of a trial, in that of the cell refined, from which it may be better."""
MOST = 0.85
"""Weight of the lines with a signal [1] from which a phase that was not found may be there."""
APART = 0.3
"""Trial cells are one where none of their lines differ by more than this [Gaussian widths]."""
WINDOW = 40.0
"""Width of the running median that is taken for background [Gaussian widths]."""
NOISE = 2.0
"""Standard deviations of the background below which there is no line."""
FITS = 1.5
"""Inflation of the errors of a phase up to which its cell is right."""
UNEXPLAINED = 1.2
"""Mean weighted square of a residual that lines beyond the model may have left."""
LESS_MISFIT = 0.02
"""Relative fall of the weighted squares from which a trial replaces the start."""
MUCH_LESS = 0.1
"""The same, where with the trial a phase enters."""
CLEAR_FALL = 25.0
"""Fall of the weighted squares, in those of a mean point, below which no trial replaces it."""
FAR = 3.0
"""Standard deviations from its prior at which a zero is looked for about the one found."""
MOVED = 0.002
"""Relative change of lengths from which a phase is expected where it was found."""
PASSES = 2
"""Times that all phases are looked for: one in place shows the others."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A cell and zero from which a frame may be refined."""

    strain: Array
    """Strains of the reciprocal metric [1], shape (free,)."""
    zero: float
    """[degree]"""
    score: float
    """Mean signal where its lines lie, relative to what is highest [1]."""


@dataclass(frozen=True, kw_only=True)
class _Target:
    """The pattern that trial cells are scored by."""

    two_theta: Array
    signal: Array
    """Root of what is above the background, from 0 to 1, shape (points,)."""

    def widen(self, relative: float, absolute: float) -> Array:
        """Return the largest signal within a relative change of d [1] and a distance [degree],
        shape (points,)."""
        from scipy.ndimage import maximum_filter1d

        x = self.two_theta
        reach = np.degrees(2 * np.tan(np.radians(x) / 2) * relative) + absolute
        # in units of the reach the filter has one width
        warped = np.concatenate([[0.0], np.cumsum(np.diff(x) / (0.5 * (reach[1:] + reach[:-1])))])
        count = max(int(8 * warped[-1]), x.size)
        even = np.linspace(0.0, warped[-1], count)
        size = 2 * round(count / warped[-1]) + 1
        wide = maximum_filter1d(np.interp(even, warped, self.signal), size)
        return np.asarray(np.maximum(np.interp(warped, even, wide), self.signal))


def find_signal(x: Array, intensity: Array, weight: Array, width: float) -> Array:
    """Return the root of what a pattern has above its running median, from 0 to 1.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree], equally spaced.
    intensity, weight : ndarray, shape (points,)
        [counts] and [1/counts^2].
    width : float
        Gaussian width of lines [degree].

    Returns
    -------
    ndarray, shape (points,)
        The root, so that a phase of strong lines does not hide the others.
    """
    from scipy.ndimage import median_filter

    step = (x[-1] - x[0]) / (x.size - 1)
    size = min(2 * int(0.5 * WINDOW * width / step) + 1, x.size)
    above = intensity - median_filter(intensity, size, mode="nearest")
    noise = NOISE * np.where(weight > 0, np.maximum(weight, 1e-300) ** -0.5, np.inf)
    above = np.where(weight > 0, np.maximum(above - np.minimum(noise, 1e300), 0.0), 0.0)
    highest = float(above.max())
    return np.asarray(np.sqrt(above / highest)) if highest > 0 else above


def list_trial_strains(lattice: Lattice, expected: Array) -> tuple[Array, float]:
    """Return strains of trial cells about the expected one, and how far apart they are.

    Parameters
    ----------
    lattice : Lattice
    expected : ndarray, shape (free,)
        Strains [1].

    Returns
    -------
    strains : ndarray, shape (trial, free)
    step : float
        Relative change of lengths [1] between neighbours.
    """
    from scipy.stats.qmc import Halton

    free = lattice.free
    if free <= GRID_AXES:
        axes = np.linspace(-1.0, 1.0, GRID)
        unit = np.stack(np.meshgrid(*[axes] * free, indexing="ij"), axis=-1).reshape(-1, free)
        step = 2 * RANGE / (GRID - 1)
    else:
        unit = 2 * Halton(free, scramble=False).random(SCATTERED) - 1
        step = 2 * RANGE / SCATTERED ** (1 / free)
    # a length that grows by a share makes its element of the reciprocal metric twice as much less
    return expected + 2 * RANGE * unit, step


def find_trials(
    series: SeriesModel,
    phase: int,
    pattern: FramePattern,
    *,
    expected: Array,
    zero: float,
    gauss_fwhm: float,
    zero_is_free: bool,
    overall_b: float = 0.0,
    current: Array | None = None,
) -> list[Trial]:
    """Return the cells and zeros of a phase that the lines of a pattern suggest, the best first;
    those that are no better than the current cell are none.

    Parameters
    ----------
    series : SeriesModel
    phase : int
    pattern : FramePattern
        With the lines of other phases taken out as far as they are known.
    expected : ndarray, shape (free,)
        Strains [1] about which is searched.
    zero, gauss_fwhm : float
        Zero and Gaussian width of lines [degree].
    zero_is_free : bool
        Whether other zeros are tried, too.
    overall_b : float
        Displacement factor of the phase [angstrom^2].
    current : ndarray, shape (free,), optional
        Strains [1] of the cell that the phase has, at that zero. Without, trials must have signal
        in most of their lines.
    """
    lattice = series.phases[phase]
    lines = _choose_lines(series, phase, expected, overall_b)
    if lines is None:
        return []
    form, weight = lines
    x = series.two_theta
    target = _Target(
        two_theta=x,
        signal=find_signal(x, pattern.intensity, pattern.weight, gauss_fwhm),
    )
    strains, step = list_trial_strains(lattice, expected)
    zeros = gauss_fwhm * np.arange(-ZEROS, ZEROS + 1) if zero_is_free else np.zeros(1)
    zero_step = gauss_fwhm / 2 if zero_is_free else 0.0
    scorer = _Scorer(series=series, lattice=lattice, form=form, weight=weight)
    wide = target.widen(step / 2, zero_step)
    scores = np.stack([scorer.score(wide, strains, zero + shift) for shift in zeros])
    best = np.argsort(-scores, axis=None, kind="stable")[:KEPT]
    row, column = np.unravel_index(best, scores.shape)
    at, shifts = strains[column], np.asarray(zero + zeros[row], float)
    for level in LEVELS:
        narrow = target.widen(step / 2 * level, zero_step * level)
        for _ in range(MOVES):
            at, shifts = scorer.climb(narrow, at, shifts, 2 * step * level, zero_step * level)
    near = target.widen(0.0, APART * gauss_fwhm)
    final = scorer.score(near, at, shifts)
    if current is not None:
        is_good = final > BETTER * scorer.score(near, current[None], zero)
    else:
        is_good = scorer.score((near > 0).astype(float), at, shifts) > MOST
    return _choose_apart(scorer, at[is_good], shifts[is_good], final[is_good], gauss_fwhm)


@dataclass(frozen=True, kw_only=True)
class _Scorer:
    """Scores trial cells of one phase."""

    series: SeriesModel
    lattice: Lattice
    form: Array
    """Of the lines scored, shape (line, 6)."""
    weight: Array
    """How much each counts, one in sum, shape (line,)."""

    def locate(self, strains: Array) -> Array:
        """Return 2theta [degree] of the lines, shape (trial, line)."""
        inverse_square = self.lattice.metric_from_strain(strains) @ self.form.T
        sine = 0.5 * self.series.wavelength * np.sqrt(np.maximum(inverse_square, 1e-12))
        return np.asarray(2 * np.degrees(np.arcsin(np.minimum(sine, 1.0))))

    def score(self, signal: Array, strains: Array, zero: float | Array) -> Array:
        """Return the mean signal where the lines of trial cells lie, shape (trial,)."""
        x = self.series.two_theta
        position = self.locate(strains) + np.broadcast_to(zero, len(strains))[:, None]
        index = np.round((position - x[0]) / (x[-1] - x[0]) * (x.size - 1)).astype(np.int64)
        inside = (index >= 0) & (index < x.size)
        found = np.where(inside, signal[np.clip(index, 0, x.size - 1)], 0.0)
        return np.asarray(found @ self.weight)

    def climb(
        self, signal: Array, strains: Array, zero: Array, step: float, zero_step: float
    ) -> tuple[Array, Array]:
        """Return each trial (trial, free) and zero (trial,) moved to the best of itself and its
        neighbours."""
        free = strains.shape[1]
        moves = np.concatenate([np.zeros((1, free)), step * np.eye(free), -step * np.eye(free)])
        moves = np.concatenate([moves, moves / 2, np.zeros((2, free))])
        shifts = np.zeros(len(moves))
        shifts[-2:] = zero_step, -zero_step
        best, at, zeros = np.full(len(strains), -np.inf), strains, zero
        for move, shift in zip(moves, shifts, strict=True):
            score = self.score(signal, strains + move, zero + shift)
            better = score > best
            best = np.where(better, score, best)
            at = np.where(better[:, None], strains + move, at)
            zeros = np.where(better, zero + shift, zeros)
        return at, zeros


def _choose_lines(
    series: SeriesModel, phase: int, expected: Array, overall_b: float
) -> tuple[Array, Array] | None:
    """Return the forms of a phase's strongest lines and how much each counts; None where too few
    lie in the range to tell its cell."""
    lattice = series.phases[phase]
    metric = lattice.metric_from_strain(expected)
    two_theta, _ = two_theta_from_metric(lattice.form, metric, series.wavelength)
    shares = predict_shares(series.strength[phase], two_theta, overall_b, series.wavelength)
    x = series.two_theta
    inside = (two_theta > x[0]) & (two_theta < x[-1])
    strongest = np.argsort(-np.where(inside, shares, 0.0), kind="stable")[:LINES]
    strongest = strongest[inside[strongest]]
    if strongest.size <= lattice.free + 1:
        return None
    weight = np.sqrt(shares[strongest])
    return lattice.form[strongest], weight / weight.sum()


def _choose_apart(
    scorer: _Scorer, strains: Array, zeros: Array, scores: Array, width: float
) -> list[Trial]:
    """Return the best trials that are not alike."""
    chosen: list[Trial] = []
    places: list[Array] = []
    position = scorer.locate(strains) + zeros[:, None]
    for k in np.argsort(-scores, kind="stable"):
        if all(np.max(np.abs(position[k] - place)) > APART * width for place in places):
            places.append(position[k])
            chosen.append(Trial(strain=strains[k], zero=float(zeros[k]), score=float(scores[k])))
        if len(chosen) == REFINED:
            break
    return chosen


def take_out_others(fit: FrameFit, phase: int, pattern: FramePattern) -> FramePattern:
    """Return the pattern [counts], shape (points,), without what the fit gives to all phases but
    one."""
    own = np.zeros_like(pattern.intensity)
    if phase in fit.present:
        n = fit.get_index(phase)
        own = fit.intensity[n] * fit.phase_curves[n]
    return replace(pattern, intensity=pattern.intensity - fit.calculated + fit.background + own)


def find_start(setup: PassSetup, start: FrameParameters) -> tuple[PassSetup, FrameParameters]:
    """Return setup and start with the cells and the zero of the first frame where those given do
    not explain it and others do.

    Phases found away from where they were expected are expected there in all frames.

    Parameters
    ----------
    setup : PassSetup
        With priors by the literature: strains [1], shape (frame, phase, 6), zero in degree.
    start : FrameParameters
        Angles in degree, arrays of shape (phase, ...).
    """
    usable = np.flatnonzero(setup.frames.usable)
    if not usable.size:
        return setup, start
    i = int(usable[0])
    pattern = setup.frames.read_pattern(i)
    first = fit = refine_first_frame(setup, i, pattern, start)
    found = setup
    for _ in range(PASSES):
        before = fit
        for phase in _list_doubtful(fit, setup, pattern):
            found, fit = _try_trials(found, i, pattern, fit, phase)
        if fit is before:
            break
        fit = refine_first_frame(found, i, pattern, fit.parameters, fit.present)
    if fit is first or not _is_less(fit, first, pattern, LESS_MISFIT):
        return setup, start
    moved = _expect_where_found(found.priors, setup, fit, i)
    return replace(setup, priors=moved), replace(
        start,
        zero=fit.parameters.zero,
        strain=fit.parameters.strain,
    )


def _list_doubtful(fit: FrameFit, setup: PassSetup, pattern: FramePattern) -> list[int]:
    """Return the phases that may lie elsewhere, the strongest first: those that fit badly, and
    those not found while the pattern is not explained."""
    inflation = fit.parameters.inflation
    present = sorted(fit.present, key=lambda p: -float(fit.intensity[fit.get_index(p)]))
    doubtful = [p for p in present if inflation[p] > FITS or not fit.converged]
    absent = [p for p in range(len(setup.series.phases)) if p not in fit.present]
    is_explained = fit.misfit < UNEXPLAINED * np.sum(pattern.weight > 0)
    return doubtful if is_explained and not doubtful and present else doubtful + absent


def _try_trials(
    setup: PassSetup, i: int, pattern: FramePattern, fit: FrameFit, phase: int
) -> tuple[PassSetup, FrameFit]:
    """Return the frame refined with the best trial cell of a phase, and the setup with the zero
    expected there; both as given where none is much better."""
    parameters, free = fit.parameters, setup.series.phases[phase].free
    trials = find_trials(
        setup.series,
        phase,
        take_out_others(fit, phase, pattern),
        expected=setup.priors.strain[i, phase, :free],
        zero=parameters.zero,
        gauss_fwhm=parameters.gauss_fwhm,
        zero_is_free=setup.priors.zero.sigma > 0,
        overall_b=float(parameters.overall_b[phase]),
        current=parameters.strain[phase, :free] if phase in fit.present else None,
    )
    present = tuple(sorted({*fit.present, phase}))
    needed = LESS_MISFIT if phase in fit.present else MUCH_LESS
    best, best_setup = fit, setup
    for trial in trials:
        tried = replace(setup, priors=_expect_zero(setup.priors, trial.zero))
        start = replace(
            parameters,
            zero=trial.zero,
            strain=replace_entry(parameters.strain, phase, np.pad(trial.strain, (0, 6 - free))),
            amount=np.full_like(parameters.amount, np.nan),
            log_size_width=replace_entry(
                parameters.log_size_width, phase, setup.priors.log_size_width[phase]
            ),
            log_strain_width=replace_entry(
                parameters.log_strain_width, phase, setup.priors.log_strain_width[phase]
            ),
        )
        again = refine_first_frame(tried, i, pattern, start, present, search=False)
        if phase not in fit.present and again.get_significance(phase) < CLEAR:
            continue
        if _is_less(again, fit, pattern, needed) and again.misfit < best.misfit:
            best, best_setup = again, tried
    if best is not fit:
        best = settle_frame(
            best_setup, i, pattern, best, {p: best.parameters.strain[p] for p in present}
        )
    return best_setup, best


def _is_less(after: FrameFit, before: FrameFit, pattern: FramePattern, share: float) -> bool:
    """Return whether the weighted squares fell by a share of themselves, and clearly."""
    used = max(int(np.sum(pattern.weight > 0)), 1)
    fall = before.misfit - after.misfit
    return fall > max(share * before.misfit, CLEAR_FALL * after.misfit / used)


def _expect_zero(priors: SeriesPriors, zero: float) -> SeriesPriors:
    """Return the priors with the zero [degree] expected where it was found, if that is far off."""
    expected = priors.zero
    if not expected.sigma or abs(zero - expected.mean) <= FAR * expected.sigma:
        return priors
    return replace(priors, zero=GaussianPrior(mean=zero, sigma=expected.sigma))


def _expect_where_found(
    priors: SeriesPriors, setup: PassSetup, fit: FrameFit, i: int
) -> SeriesPriors:
    """Return the priors with the phases of a frame's fit expected as far from their listed cells in
    all frames as there."""
    strain = priors.strain.copy()
    for phase in fit.present:
        free = setup.series.phases[phase].free
        shift = fit.parameters.strain[phase, :free] - priors.strain[i, phase, :free]
        # twice that of lengths
        if np.max(np.abs(shift)) > 2 * MOVED:
            strain[:, phase, :free] += shift
    return _expect_zero(replace(priors, strain=strain), fit.parameters.zero)
