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
"""Gaussian full width of the instrument at angle 0 [degree]."""
CAGLIOTI_V = 2
"""Term of the squared Gaussian width in tan(theta) [degree^2]."""
CAGLIOTI_U = 3
"""Term of the squared Gaussian width in tan^2(theta) [degree^2]."""
AXIAL = 4
"""Axial divergence: height of sample and of detector slit over the distance, the same for both
[1]."""
DISPLACEMENT = 5
"""Displacement of the sample over the distance to the detector [1]."""
DOUBLET = 6
"""Intensity of K-alpha2 over that of K-alpha1 [1]; 0 for one wavelength."""
SHARED_VALUES = 7
"""Number of values that all phases share."""
STRAIN = 0
"""First of six strains of the reciprocal metric [1], in the row of a phase."""
SIZE = 6
"""log of the Lorentzian width over 1/cos(theta) [log degree]."""
MICROSTRAIN = 7
"""log of the Lorentzian width over tan(theta) [log degree]."""
OVERALL_B = 8
"""Displacement factor beside those of the atoms [angstrom^2]."""
TEXTURE = 9
"""log of the March-Dollase coefficient [1]."""
ANISOTROPY = 10
"""First of the coefficients of anisotropic strain [1]."""
MOST_ANISOTROPY = 14
"""Coefficients of anisotropic strain that a triclinic phase has, beside the isotropic one."""
PHASE_VALUES = ANISOTROPY + MOST_ANISOTROPY
"""Number of values of each phase."""

FLAT_DETECTOR = 0
BRAGG_BRENTANO = 1
SCANNING_DETECTOR = 2
NARROWEST = 0.2
"""Share of the width without anisotropy, or without Caglioti terms, below which none gets."""

# what a parameter can change of a line
BY_POSITION = 0
BY_GAUSS = 1
BY_LORENTZ = 2
BY_INTENSITY = 3
BY_BRAGG_ANGLE = 4
"""Of a line that is a sum of components: these lie apart by what the Bragg angle says."""
BY_AXIAL = 5
LINE_CHANGES = 6
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
    emission: Array
    """K-alpha1 and K-alpha2 over the wavelength [1], shape (2,); empty where it is none of
    these."""
    anisotropy: Array
    """Terms of anisotropic strain [1], shape (reflection, 14); 0 beyond those of the phase."""
    alignment: Array
    """cos^2 of the angles between the axis of preferred orientation and the normals of equivalent
    planes [1], shape (reflection, operation); negative beyond the phase's own, no columns without
    axis."""
    geometry: int
    """How a displaced sample moves lines: `FLAT_DETECTOR`, `BRAGG_BRENTANO` or
    `SCANNING_DETECTOR`."""


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
    gauss_fwhm: Array
    """Gaussian full width [degree]."""


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
    lines = PredictedLines(
        np.empty(count), np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    )
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
        strength = reflections.strength[first:last]
        if own[p, TEXTURE] != 0 and reflections.alignment.shape[1] > 0:
            strength = strength.copy()
            for r in range(first, last):
                strength[r - first] *= texture_from_alignment(
                    reflections.alignment[r], math.exp(own[p, TEXTURE])
                )[0]
        lines.expected[first:last] = predict_shares(
            strength, two_theta, own[p, OVERALL_B], reflections.wavelength
        )
        microstrain = math.exp(own[p, MICROSTRAIN])
        lines.lorentz_fwhm[first:last] = lorentz_fwhm_from_two_theta(
            two_theta, math.exp(own[p, SIZE]), microstrain
        )
        if np.any(own[p, ANISOTROPY:] != 0):
            for r in range(first, last):
                factor = strain_factor_from_terms(reflections.anisotropy[r], own[p, ANISOTROPY:])
                tangent = math.tan(math.radians(lines.two_theta[r]) / 2)
                lines.lorentz_fwhm[r] += microstrain * tangent * (factor - 1)
    fill_gauss_fwhm(lines.gauss_fwhm, lines.two_theta, values)
    return lines


@compile_loops
def fill_gauss_fwhm(fwhm: Array, two_theta: Array, values: Array) -> None:
    """Write the Gaussian full widths [degree] of lines at `two_theta` [degree], shape (line,) each:
    the root of W + V tan(theta) + U tan^2(theta), W the square of the width at angle 0 (G.
    Caglioti, A. Paoletti & F. P. Ricci, Nucl. Instrum. 3 (1958) 223)."""
    u, v, at_zero = values[CAGLIOTI_U], values[CAGLIOTI_V], values[GAUSS]
    fwhm[:] = at_zero
    if u == 0 and v == 0:
        return
    for r in range(fwhm.size):
        tangent = math.tan(math.radians(two_theta[r]) / 2)
        square = at_zero**2 + v * tangent + u * tangent**2
        fwhm[r] = math.sqrt(max(square, (NARROWEST * at_zero) ** 2))


@compile_loops
def strain_factor_from_terms(terms: Array, coefficients: Array) -> float:
    """Return the microstrain of a line over that of its phase [1]: the root of 1 + sum_k e_k t_k,
    terms and coefficients of shape (14,) [1].

    P. W. Stephens, J. Appl. Cryst. 32 (1999) 281: the variance of 1/d^2 is a form of fourth order
    in hkl with the symmetry of the Laue class. Over 1/d^4 its isotropic part is the 1, the others
    are the terms.
    """
    square = 1.0
    for k in range(coefficients.size):
        square += coefficients[k] * terms[k]
    return math.sqrt(max(square, NARROWEST**2))


@compile_loops
def texture_from_alignment(alignment: Array, coefficient: float) -> tuple[float, float]:
    """Return the factor of preferred orientation on a line's intensity, and its derivative by the
    log of the coefficient [1].

    The mean of (r^2 cos^2(a) + sin^2(a) / r)^(-3/2) over equivalent planes (W. A. Dollase, J. Appl.
    Cryst. 19 (1986) 267).

    Parameters
    ----------
    alignment : ndarray, shape (equivalent,)
        cos^2(a) [1]; negative beyond the last.
    coefficient : float
        r [1].
    """
    total, slope, count = 0.0, 0.0, 0
    for square in alignment:
        if square < 0:
            break
        base = coefficient**2 * square + (1 - square) / coefficient
        total += base**-1.5
        slope -= 1.5 * base**-2.5 * (2 * coefficient**2 * square - (1 - square) / coefficient)
        count += 1
    return total / max(count, 1), slope / max(count, 1)


@compile_loops
def shift_from_displacement(two_theta: float, geometry: int) -> float:
    """Return by how much a line moves with the sample's displacement over the distance to the
    detector, a float [degree] per 1.

    A flat detector across the beam, the sample nearer to the source: sin(2theta) cos(2theta);
    Bragg-Brentano, the sample below the axis: -2 cos(theta); a detector that moves about the axis,
    the sample nearer to the source: sin(2theta) (A. J. C. Wilson, Mathematical Theory of X-ray
    Powder Diffractometry, Philips Technical Library 1963).
    """
    angle = math.radians(two_theta)
    if geometry == BRAGG_BRENTANO:
        return math.degrees(-2 * math.cos(angle / 2))
    if geometry == SCANNING_DETECTOR:
        return math.degrees(math.sin(angle))
    return math.degrees(math.sin(angle) * math.cos(angle))


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
    ndarray, shape (parameter, reflection, 6)
        d(position), d(Gaussian width), d(Lorentzian width) [degree], d(log intensity) [1], d(Bragg
        angle) [degree] and d(axial divergence) [1] by the parameter.
    """
    changes = np.zeros((place.size, reflections.owner.size, LINE_CHANGES))
    for q in range(place.size):
        if place[q] < SHARED_VALUES:
            _differentiate_shared(changes[q], lines, values, place[q], reflections.geometry)
            continue
        p, column = divmod(place[q] - SHARED_VALUES, PHASE_VALUES)
        first_value = SHARED_VALUES + p * PHASE_VALUES
        coefficients = values[first_value + ANISOTROPY : first_value + PHASE_VALUES]
        is_anisotropic = np.any(coefficients != 0)
        for r in range(reflections.edge[p], reflections.edge[p + 1]):
            theta = math.radians(lines.two_theta[r]) / 2
            if column < SIZE:
                by_strain = 0.0  # of 1/d^2
                for k in range(6):
                    direction = reflections.directions[p, column - STRAIN, k]
                    by_strain += direction * reflections.form[r, k]
                changes[q, r, BY_POSITION] = by_strain * lines.slope[r]
                changes[q, r, BY_BRAGG_ANGLE] = by_strain * lines.slope[r]
            elif column == SIZE:
                changes[q, r, BY_LORENTZ] = math.exp(values[place[q]]) / math.cos(theta)
            elif column == MICROSTRAIN:
                changes[q, r, BY_LORENTZ] = math.exp(values[place[q]]) * math.tan(theta)
                if is_anisotropic:
                    factor = strain_factor_from_terms(reflections.anisotropy[r], coefficients)
                    changes[q, r, BY_LORENTZ] *= factor
            elif column >= ANISOTROPY:
                factor = strain_factor_from_terms(reflections.anisotropy[r], coefficients)
                if factor > NARROWEST:
                    microstrain = math.exp(values[first_value + MICROSTRAIN])
                    term = reflections.anisotropy[r, column - ANISOTROPY]
                    changes[q, r, BY_LORENTZ] = microstrain * math.tan(theta) * term / (2 * factor)
            elif column == OVERALL_B and follows[r]:
                inverse_length = math.sin(theta) / reflections.wavelength
                changes[q, r, BY_INTENSITY] = -2 * inverse_length**2
            elif column == TEXTURE and follows[r]:
                factor, slope = texture_from_alignment(
                    reflections.alignment[r], math.exp(values[place[q]])
                )
                changes[q, r, BY_INTENSITY] = slope / factor
    return changes


@compile_loops
def _differentiate_shared(
    changes: Array, lines: PredictedLines, values: Array, place: int, geometry: int
) -> None:
    """Write what a parameter of all phases changes of each line, shape (reflection, 6), in the
    units of `differentiate_lines`."""
    if place == ZERO:
        changes[:, BY_POSITION] = 1.0
        return
    if place == AXIAL:
        changes[:, BY_AXIAL] = 1.0
        return
    for r in range(len(changes)):
        if place == DISPLACEMENT:
            changes[r, BY_POSITION] = shift_from_displacement(lines.two_theta[r], geometry)
        elif lines.gauss_fwhm[r] > NARROWEST * values[GAUSS]:
            tangent = math.tan(math.radians(lines.two_theta[r]) / 2)
            if place == GAUSS:
                changes[r, BY_GAUSS] = values[GAUSS] / lines.gauss_fwhm[r]
            elif place == CAGLIOTI_V:
                changes[r, BY_GAUSS] = tangent / (2 * lines.gauss_fwhm[r])
            elif place == CAGLIOTI_U:
                changes[r, BY_GAUSS] = tangent**2 / (2 * lines.gauss_fwhm[r])
        elif place == GAUSS:
            changes[r, BY_GAUSS] = NARROWEST


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
        if place[q] == ZERO or place[q] == GAUSS:
            effect = change / position
        elif place[q] == DISPLACEMENT:
            effect = change * math.degrees(2.0) / position
        elif place[q] < SHARED_VALUES:
            return False  # other terms of the profile: looked at until they are within their errors
        elif column < SIZE:
            effect = change * math.degrees(tangent) / position
        elif column == SIZE or column == MICROSTRAIN:
            # of a logarithm: a width that grows changes by more
            relative = max(change, math.expm1(min(step[q], 3.0)))
            at_end = 1.0 if column == SIZE else tangent
            effect = math.exp(values[place[q]]) * relative * at_end / width
        elif column >= ANISOTROPY:
            return False
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
