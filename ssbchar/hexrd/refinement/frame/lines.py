"""The lines of a frame: where each reflection lies, how wide it is and how strong, and how that
changes with every parameter.

A new parameter of profiles or intensities is a column here: its effect in `predict_lines`, its
derivatives in `differentiate_lines`. Its bounds, its steps and its prior are in ``parameters``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array, Bool, Index

# where each parameter stands in the values of a frame: some of all phases, then a row per phase
ZERO = 0
"""Zero of 2theta [degree]."""
GAUSS = 1
"""Gaussian full width of the instrument [degree]."""
SHARED_VALUES = 2
"""Number of values that all phases share."""
STRAIN = 0
"""First of six strains of the reciprocal metric [1], in the row of a phase."""
SIZE = 6
"""log of the Lorentzian width over 1/cos(theta) [log degree]."""
MICROSTRAIN = 7
"""log of the Lorentzian width over tan(theta) [log degree]."""
OVERALL_B = 8
"""Displacement factor beside those of the atoms [angstrom^2]."""
PHASE_VALUES = 9
"""Number of values of each phase."""

# what a parameter can change of a line
BY_POSITION = 0
BY_GAUSS = 1
BY_LORENTZ = 2
BY_INTENSITY = 3
LINE_CHANGES = 4
"""Number of these."""


class Reflections(NamedTuple):
    """The reflections of the phases of a model, phase after phase."""

    edge: Index
    """Phase p has the reflections [edge[p], edge[p + 1]), shape (phase + 1,)."""
    owner: Index
    """Phase of each reflection, shape (reflection,)."""
    form: Array
    """`quadratic_form_from_hkl`, shape (reflection, 6)."""
    strength: Array
    """m |F|^2 or learnt, in any unit, shape (reflection,)."""
    is_free: Bool
    """Whether a reflection has an intensity of its own, shape (reflection,)."""
    reference: Array
    """Reciprocal metric of each phase's reference cell [1/angstrom^2], shape (phase, 6)."""
    directions: Array
    """Change of the reciprocal metric by each strain [1/angstrom^2], shape (phase, 6, 6); 0 beyond
    the free ones."""
    wavelength: float
    """[angstrom]."""


class PredictedLines(NamedTuple):
    """What follows from the parameters for each reflection; arrays of shape (reflection,)."""

    two_theta: Array
    """[degree], without the zero."""
    slope: Array
    """d(2theta)/d(1/d^2) [degree angstrom^2]."""
    expected: Array
    """Share in the phase's intensity by its pattern [1]; one in sum per phase."""
    lorentz_fwhm: Array
    """Lorentzian full width [degree]."""


@compile_loops
def predict_lines(reflections: Reflections, values: Array) -> PredictedLines:
    """Return positions, shares and widths of all reflections.

    Parameters
    ----------
    reflections : Reflections
    values : ndarray, shape (value,)
        All parameters of the phases of the model, in the order and unit of the constants of this
        module.
    """
    count = reflections.owner.size
    lines = PredictedLines(np.empty(count), np.empty(count), np.empty(count), np.empty(count))
    own = values[SHARED_VALUES:].reshape(-1, PHASE_VALUES)
    for p in range(len(own)):
        first, last = reflections.edge[p], reflections.edge[p + 1]
        metric = reflections.reference[p].copy()
        for k in range(6):
            metric += own[p, STRAIN + k] * reflections.directions[p, k]
        two_theta, slope = two_theta_from_metric(
            reflections.form[first:last], metric, reflections.wavelength
        )
        lines.two_theta[first:last], lines.slope[first:last] = two_theta, slope
        lines.expected[first:last] = predict_shares(
            reflections.strength[first:last], two_theta, own[p, OVERALL_B], reflections.wavelength
        )
        lines.lorentz_fwhm[first:last] = lorentz_fwhm_from_two_theta(
            two_theta, math.exp(own[p, SIZE]), math.exp(own[p, MICROSTRAIN])
        )
    return lines


@compile_loops
def differentiate_lines(
    reflections: Reflections, lines: PredictedLines, values: Array, place: Index, follows: Bool
) -> Array:
    """Return what some parameters change of each line.

    Parameters
    ----------
    reflections : Reflections
    lines : PredictedLines
        At these values.
    values : ndarray, shape (value,)
        As for `predict_lines`.
    place : ndarray of int, shape (parameter,)
        Where those parameters stand among the values.
    follows : ndarray of bool, shape (reflection,)
        Whether the reflection's intensity follows its phase's pattern.

    Returns
    -------
    ndarray, shape (parameter, reflection, 4)
        d(position), d(Gaussian width), d(Lorentzian width) [degree] and d(log intensity) [1] by the
        parameter.
    """
    changes = np.zeros((place.size, reflections.owner.size, LINE_CHANGES))
    for q in range(place.size):
        if place[q] == ZERO:
            changes[q, :, BY_POSITION] = 1.0
            continue
        if place[q] == GAUSS:
            changes[q, :, BY_GAUSS] = 1.0
            continue
        p, column = divmod(place[q] - SHARED_VALUES, PHASE_VALUES)
        for r in range(reflections.edge[p], reflections.edge[p + 1]):
            theta = math.radians(lines.two_theta[r]) / 2
            if column < SIZE:
                by_strain = 0.0  # of 1/d^2
                for k in range(6):
                    direction = reflections.directions[p, column - STRAIN, k]
                    by_strain += direction * reflections.form[r, k]
                changes[q, r, BY_POSITION] = by_strain * lines.slope[r]
            elif column == SIZE:
                changes[q, r, BY_LORENTZ] = math.exp(values[place[q]]) / math.cos(theta)
            elif column == MICROSTRAIN:
                changes[q, r, BY_LORENTZ] = math.exp(values[place[q]]) * math.tan(theta)
            elif column == OVERALL_B and follows[r]:
                inverse_length = math.sin(theta) / reflections.wavelength
                changes[q, r, BY_INTENSITY] = -2 * inverse_length**2
    return changes


@compile_loops
def is_within_range(
    place: Index, values: Array, step: Array, tangent: float, allowed: tuple[float, float]
) -> bool:
    """Return whether a step moves and widens all lines by less than a range.

    Intensities are nearly linear in displacement factors: their steps are within any range.

    Parameters
    ----------
    place : ndarray of int, shape (parameter,)
        Where the parameters stand among the values.
    values : ndarray, shape (value,)
        Before the step.
    step : ndarray, shape (parameter,)
    tangent : float
        tan(theta) at the end of the axis.
    allowed : tuple of float
        Change of a position and of a Lorentzian width [Gaussian widths].
    """
    position, width = allowed
    for q in range(place.size):
        column = (place[q] - SHARED_VALUES) % PHASE_VALUES
        change = abs(step[q])
        if place[q] < SHARED_VALUES:
            effect = change / position
        elif column < SIZE:
            effect = change * math.degrees(tangent) / position
        elif column == SIZE or column == MICROSTRAIN:
            # of a logarithm: a width that grows changes by more
            relative = max(change, math.expm1(min(step[q], 3.0)))
            at_end = 1.0 if column == SIZE else tangent
            effect = math.exp(values[place[q]]) * relative * at_end / width
        else:
            continue
        if not effect < values[GAUSS]:
            return False
    return True


@compile_loops
def two_theta_from_metric(form: Array, g: Array, wavelength: float) -> tuple[Array, Array]:
    """Return 2theta by Bragg's law and its derivative by 1/d^2.

    Parameters
    ----------
    form : ndarray, shape (reflection, 6)
        From `quadratic_form_from_hkl`.
    g : ndarray, shape (6,)
        Elements of the reciprocal metric [1/angstrom^2].
    wavelength : float
        [angstrom].

    Returns
    -------
    two_theta : ndarray, shape (reflection,)
        [degree]; just below 180 beyond backscattering.
    slope : ndarray, shape (reflection,)
        d(2theta)/d(1/d^2) = lambda^2 / (2 sin 2theta) [degree angstrom^2].
    """
    two_theta, slope = np.empty(len(form)), np.empty(len(form))
    for r in range(len(form)):
        inverse_square = 0.0  # 1/d^2
        for k in range(6):
            inverse_square += form[r, k] * g[k]
        # bounded, so that a trial cell far off does not turn a whole step into NaN
        sine = min(0.5 * wavelength * math.sqrt(max(inverse_square, 1e-12)), 1 - 1e-9)
        angle = 2 * math.asin(sine)
        two_theta[r] = math.degrees(angle)
        slope[r] = math.degrees(wavelength**2 / (2 * math.sin(angle)))
    return two_theta, slope


@compile_loops
def lorentz_factor_from_two_theta(two_theta: Array) -> Array:
    """Return the powder Lorentz factor 1 / (sin^2(theta) cos(theta)) [1], shape of `two_theta`
    [degree]."""
    theta = np.radians(two_theta) / 2
    return 1 / (np.sin(theta) ** 2 * np.cos(theta))


@compile_loops
def predict_shares(strength: Array, two_theta: Array, overall_b: float, wavelength: float) -> Array:
    """Return each reflection's share in a phase's intensity: strength, Lorentz factor and
    displacement factor exp(-2 B sin^2(theta) / lambda^2).

    Parameters
    ----------
    strength : ndarray, shape (reflection,)
        m |F|^2, or learnt, in any unit.
    two_theta : ndarray, shape (reflection,)
        [degree].
    overall_b : float
        B beside that of the atoms [angstrom^2].
    wavelength : float
        [angstrom].

    Returns
    -------
    ndarray, shape (reflection,)
        [1], one in sum.
    """
    inverse_length = np.sin(np.radians(two_theta) / 2) / wavelength
    damped = strength * np.exp(-2 * overall_b * inverse_length**2)
    intensity = damped * lorentz_factor_from_two_theta(two_theta)
    shares: Array = intensity / intensity.sum()
    return shares


@compile_loops
def lorentz_fwhm_from_two_theta(two_theta: Array, size: float, microstrain: float) -> Array:
    """Return the Lorentzian full width of lines [degree], shape of `two_theta` [degree]: `size` /
    cos(theta) + `microstrain` tan(theta), both in degree."""
    theta = np.radians(two_theta) / 2
    return size / np.cos(theta) + microstrain * np.tan(theta)
