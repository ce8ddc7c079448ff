"""Whether a phase that is not in the model shows in the residual: a matched filter over a range of
cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame.lattice import Lattice
from ssbchar.hexrd.refinement.frame.lines import (
    lorentz_fwhm_from_two_theta,
    predict_shares,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.profiles import (
    Lines,
    shape_from_widths,
    sum_lines,
    width_from_size,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame.windows import (
    Windows,
    multiply_all,
    project_on_windows,
    scale_windows,
)
from ssbchar.typing import Array, Index

SHIFTS = (3.0, 24.0)
"""Shifts of the pattern, both ways, whose intensities are the noise [full widths of its lines]."""
SHIFT_COUNT = 10
"""Shifts on each side."""
STRONGEST = 40
"""Reflections looked for."""
FRESH_CRYSTALLITE = 80.0
"""Crystallite size with which a phase is looked for, too: fresh ones are nanocrystalline
[angstrom]."""
REACH = 3.0
"""Half width of the reflections' windows, in full widths."""
RIDGE = 1e-9
"""Added to the scaled normal matrix of the model's directions, so that it can be factored."""


@dataclass(frozen=True, kw_only=True)
class TrialIntensities:
    """The intensity a phase would have beside the phases of the model, at each trial cell; arrays
    of shape (trial,)."""

    intensity: Array
    """[counts degree], either sign."""
    stderr: Array
    """The larger of the counting error and the scatter over shifted patterns."""
    gain: Array
    """Fall of the weighted squares of the residual; negative for a negative intensity."""


@dataclass(frozen=True, kw_only=True)
class FitResidual:
    """The residual of a fit, with what is needed to look for more in it."""

    series: SeriesModel
    fit: FrameFit
    pattern: FramePattern
    residual: Array
    """[counts], shape (points,)."""
    weighted_terms: Windows
    """Background terms times the weights [1/counts^2]."""
    weighted_curves: Array
    """The other curves of the model (phases, cells, widths) times the weights, shape (curve,
    points)."""
    lower: Array
    """Cholesky factor of their normal matrix under the weights, shape (direction, direction)."""
    goodness: float
    """Square root of the mean weighted square of the residual."""

    @property
    def term_count(self) -> int:
        """Number of background terms."""
        return self.weighted_terms.start.size

    def project(self, curves: Array) -> Array:
        """Return the components [standard errors] of curves [counts], shape (curve, points), along
        the model's directions, made orthonormal, shape (direction, curve)."""
        products = [
            project_on_windows(self.weighted_terms, np.arange(self.term_count), curves),
            self.weighted_curves @ curves.T,
        ]
        return _solve_triangle(self.lower, np.concatenate(products))

    def remove_model(self, curve: Array) -> Array:
        """Return what is left of a curve (points,) [counts] when the model's directions have taken
        of it what they can, in its unit."""
        factors = _solve_triangle(self.lower, self.project(curve[None]), transposed=True)[:, 0]
        of_terms, of_others = np.split(factors, [self.term_count])
        others = np.vstack([self.fit.phase_curves, self.fit.jacobian])
        return np.asarray(curve - of_terms @ self.series.background_terms - of_others @ others)

    def measure_amounts(self, shapes: Array, residual: Array | None = None) -> tuple[Array, Array]:
        """Return the amount of each pattern (trial, points) in the residual [counts degree], and 1
        / its counting variance, shape (trial,) each."""
        residual = self.residual if residual is None else residual
        weight = self.pattern.weight
        along = self.project(shapes)
        whole = shapes**2 @ weight
        # what the model can imitate entirely leaves rounding: its power is kept positive
        power = np.maximum(whole - np.einsum("ij,ij->j", along, along), 1e-6 * whole + 1e-300)
        return shapes @ (weight * residual) / power, power


def prepare_residual(series: SeriesModel, fit: FrameFit, pattern: FramePattern) -> FitResidual:
    """Return the residual of a fit [counts], shape (points,), ready to be searched for further
    phases."""
    residual = pattern.intensity - fit.calculated
    weight, splines = pattern.weight, series.splines
    curves = np.vstack([fit.phase_curves, fit.jacobian])
    weighted_curves, every_term = weight * curves, np.arange(splines.start.size)
    # in parts, as the splines' windows are shorter than the axis
    terms = every_term.size
    normal = np.empty((terms + len(curves),) * 2)
    normal[:terms, :terms] = multiply_all(splines, weight)
    normal[:terms, terms:] = project_on_windows(splines, every_term, weighted_curves)
    normal[terms:, :terms] = normal[:terms, terms:].T
    normal[terms:, terms:] = curves @ weighted_curves.T
    size = np.sqrt(np.maximum(np.diagonal(normal), 1e-300))
    scaled = normal / size[:, None] / size + RIDGE * np.eye(len(normal))
    lower = size[:, None] * np.linalg.cholesky(scaled)
    return FitResidual(
        series=series,
        fit=fit,
        pattern=pattern,
        residual=residual,
        weighted_terms=scale_windows(splines, weight),
        weighted_curves=weighted_curves,
        lower=np.asarray(lower),
        goodness=float(np.sqrt(np.dot(pattern.weight, residual**2) / residual.size)),
    )


def measure_absent_phase(
    left: FitResidual, phase: int, strain: Array, threshold: float = 0.0
) -> TrialIntensities | None:
    """Return the intensity of an absent phase from the residual of a fit.

    With the phase's pattern t and the model's directions B (background, phases, cells, widths), the
    amount that would be fitted is t'W r / (t'W t - t'W B (B'W B)^-1 B'W t). Its error is the
    scatter (root mean square) of the same amount for the pattern shifted along 2theta: what noise,
    misfit and unknown phases give by chance.

    Parameters
    ----------
    left : FitResidual
        Of the frame refined without the phase.
    phase : int
    strain : ndarray, shape (trial, free)
        Trial cells, strains [1] of the reciprocal metric.
    threshold : float
        None is returned where no trial exceeds this many counting errors times the fit's
        goodness.

    Returns
    -------
    TrialIntensities or None
        With a threshold, the phase is tried with its expected widths and as nanocrystals
        (`FRESH_CRYSTALLITE`); the more significant is returned.
    """
    sizes = [0.0]
    if threshold:
        sizes.append(width_from_size(FRESH_CRYSTALLITE, left.series.wavelength))
    found = [_measure_at_size(left, phase, strain, threshold, size) for size in sizes]
    return max(
        (trial for trial in found if trial is not None),
        key=lambda trial: float(np.max(trial.intensity / trial.stderr)),
        default=None,
    )


def _measure_at_size(
    left: FitResidual, phase: int, strain: Array, threshold: float, size_width: float
) -> TrialIntensities | None:
    shapes = _build_patterns(left, phase, strain, size_width)
    amount, power = left.measure_amounts(shapes)
    if threshold and np.max(amount * np.sqrt(power)) < threshold * left.goodness:
        return None
    # the fall of the squares with the sign of the amount: a phase cannot scatter less than nothing
    best = int(np.argmax(amount * np.abs(amount) * power))
    found = max(float(amount[best]), 0.0) if threshold else 0.0
    scatter = _measure_scatter(
        left, shapes[best], _estimate_line_width(left, phase, size_width), found
    )
    return TrialIntensities(
        intensity=amount,
        stderr=scatter / np.sqrt(power),
        gain=np.sign(amount) * amount**2 * power,
    )


def estimate_noise(left: FitResidual, phase: int) -> float:
    """Return the standard error of the intensity of a phase in the model, a float [counts degree]:
    counting error times scatter."""
    fit = left.fit
    i = fit.get_index(phase)
    shape = fit.phase_curves[i]
    counting = fit.intensity_stderr_fixed[i] / fit.parameters.inflation[phase]
    return float(counting * _measure_scatter(left, shape, _estimate_line_width(left, phase, 0.0)))


def _estimate_line_width(left: FitResidual, phase: int, size_width: float) -> float:
    """Return the full width of a phase's lines at low angles [degree]."""
    parameters = left.fit.parameters
    lorentz = max(np.exp(parameters.log_size_width[phase]), size_width)
    return shape_from_widths(parameters.gauss_fwhm, lorentz).fwhm


def _measure_scatter(left: FitResidual, shape: Array, width: float, found: float = 0.0) -> float:
    """Return the root mean square of amount over counting error for a pattern shifted along 2theta,
    1 or more.

    What was `found` in place is taken out before, so that a phase's own lines are not its noise.
    """
    x = left.series.two_theta
    step = (x[-1] - x[0]) / (x.size - 1)
    shifts = np.round(np.linspace(*SHIFTS, SHIFT_COUNT) * width / step).astype(int)
    shapes = shift_curve(shape, np.minimum(shifts, x.size - 1))
    residual = left.residual
    if found:
        residual = residual - found * left.remove_model(shape)
    amount, power = left.measure_amounts(shapes, residual)
    return max(1.0, float(np.sqrt(np.mean(amount**2 * power))))


@compile_loops
def shift_curve(curve: Array, shifts: Index) -> Array:
    """Return a curve (points,) shifted by some numbers of points (shift,) to the right and to the
    left, zero where it has left, shape (2 * shift, points), in its unit."""
    shifted = np.zeros((2 * shifts.size, curve.size))
    for k in range(shifts.size):
        shifted[2 * k, shifts[k] :] = curve[: curve.size - shifts[k]]
        shifted[2 * k + 1, : curve.size - shifts[k]] = curve[shifts[k] :]
    return shifted


def _solve_triangle(lower: Array, right: Array, *, transposed: bool = False) -> Array:
    """Return L^-1 (or its transpose) times `right`, shape (n, columns)."""
    from scipy.linalg.lapack import dtrtrs

    return np.asarray(dtrtrs(lower, right, lower=1, trans=int(transposed))[0])


def _build_patterns(left: FitResidual, phase: int, strain: Array, size_width: float) -> Array:
    """Return the phase's pattern at each trial cell, with lines of at least a size width [degree],
    shape (trial, points)."""
    series, parameters = left.series, left.fit.parameters
    lattice = series.phases[phase]
    angles = np.array(
        [
            two_theta_from_metric(lattice.form, lattice.metric_from_strain(e), series.wavelength)[0]
            for e in strain
        ]
    )
    shares = predict_shares(
        series.strength[phase], angles[0], parameters.overall_b[phase], series.wavelength
    )
    # the weak lines of a phase add no chance to see it, but time
    strong = np.argsort(-shares, kind="stable")[:STRONGEST]
    size = max(np.exp(parameters.log_size_width[phase]), size_width)
    microstrain = np.exp(parameters.log_strain_width[phase])
    patterns = np.empty((len(strain), series.two_theta.size))
    for trial in range(len(strain)):
        two_theta = angles[trial, strong]
        lines = Lines(
            position=two_theta + parameters.zero,
            gauss_fwhm=np.full(strong.size, parameters.gauss_fwhm),
            lorentz_fwhm=lorentz_fwhm_from_two_theta(two_theta, size, microstrain),
            reach=np.full(strong.size, REACH),
        )
        patterns[trial] = sum_lines(series.two_theta, lines, shares[strong])
    return patterns


def make_trial_strains(lattice: Lattice, expected: Array, search: float, step: float) -> Array:
    """Return strains of trial cells whose lengths differ from the expected ones by one factor.

    Parameters
    ----------
    lattice : Lattice
    expected : ndarray, shape (free,)
        Strains [1] of the expected cell.
    search : float
        Largest relative change of the lengths; 0: the expected cell alone.
    step : float
        Largest step between trials.

    Returns
    -------
    ndarray, shape (trial, free)
    """
    count = max(int(np.ceil(search / step)), 0)
    changes = np.linspace(-search, search, 2 * count + 1) if count else np.zeros(1)
    return lattice.scale_lengths(expected, changes)
