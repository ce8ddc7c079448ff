"""Peak profiles: the pseudo-Voigt of each line over a window of points, and how a pattern of them
changes with position, widths and intensity of its lines."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops, exp_from_polynomial
from ssbchar.hexrd.refinement.frame.components import (
    OFFSET,
    OFFSET_BY_ANGLE,
    OFFSET_BY_AXIAL,
    ONE_COMPONENT,
    SHARE,
    SHARE_BY_ANGLE,
    SHARE_BY_AXIAL,
)
from ssbchar.hexrd.refinement.frame.windows import Windows
from ssbchar.typing import Array, Index

WINDOW = 32
"""Points by which windows grow, so that few change their length while widths are refined."""
LOG_2 = math.log(2)
GAUSS_PEAK = 2 * math.sqrt(LOG_2 / math.pi)
"""Peak of a Gaussian of unit area and full width."""
LORENTZ_PEAK = 2 / math.pi
"""Peak of a Lorentzian of unit area and full width."""
GAUSS_REACH = 3.65
"""Distance, in full widths, beyond which a Gaussian is nothing beside the rounding of its peak."""


class PseudoVoigtShape(NamedTuple):
    """Full width and mixing of a pseudo-Voigt, and their derivatives by both widths of the Voigt it
    approximates."""

    fwhm: float
    """Full width at half maximum [degree]."""
    eta: float
    """Share of the Lorentzian [1]."""
    fwhm_by_gauss: float
    fwhm_by_lorentz: float
    eta_by_gauss: float
    """[1/degree]."""
    eta_by_lorentz: float
    """[1/degree]."""


class PseudoVoigt(NamedTuple):
    """A pseudo-Voigt of unit area at one point, and its derivatives."""

    value: float
    """[1/degree]."""
    by_offset: float
    """[1/degree^2]."""
    by_fwhm: float
    """[1/degree^2]."""
    by_eta: float
    """[1/degree]."""


class Lines(NamedTuple):
    """Where lines lie, how wide they are and how far they are followed."""

    position: Array
    """[degree], shape (line,)."""
    gauss_fwhm: Array
    """Full width of the Gaussian part [degree], shape (line,)."""
    lorentz_fwhm: Array
    """Full width of the Lorentzian part [degree], shape (line,)."""
    reach: Array
    """Half width of a line's window, in full widths of the line, shape (line,)."""
    components: Array = ONE_COMPONENT
    """What each line is the sum of, shape (line, component, 6), see
    `ssbchar.hexrd.refinement.frame.components`."""


class Profiles(NamedTuple):
    """Profiles of lines, each over a window of points."""

    phi: Windows
    """[1/degree]."""
    gauss: Array
    """Gaussian of the line's full width in the same windows [1/degree]: exponentials, which cost
    more than all else and are needed again. Of lines with several components nothing."""


def width_from_size(size: float, wavelength: float) -> float:
    """Return the full width of the lines of small crystallites by the Scherrer equation, 0.9 lambda
    / size (A. L. Patterson, Phys. Rev. 56 (1939) 978).

    Parameters
    ----------
    size, wavelength : float
        [angstrom].

    Returns
    -------
    float
        Over 1/cos(theta) [degree].
    """
    return float(np.degrees(0.9 * wavelength / size))


@compile_loops
def shape_from_widths(gauss: float, lorentz: float) -> PseudoVoigtShape:
    """Return the pseudo-Voigt that stands for a Voigt.

    Gamma^5 = G^5 + 2.69269 G^4 L + 2.42843 G^3 L^2 + 4.47163 G^2 L^3 + 0.07842 G L^4 + L^5 and eta
    = 1.36603 q - 0.47719 q^2 + 0.11116 q^3, q = L / Gamma (P. Thompson, D. E. Cox & J. B. Hastings,
    J. Appl. Cryst. 20 (1987) 79).

    Parameters
    ----------
    gauss, lorentz : float
        Full widths at half maximum of the two parts of the Voigt [degree].
    """
    g, m = gauss, lorentz
    fifth = (
        g**5
        + 2.69269 * g**4 * m
        + 2.42843 * g**3 * m**2
        + 4.47163 * g**2 * m**3
        + 0.07842 * g * m**4
        + m**5
    )
    fifth_by_gauss = (
        5 * g**4
        + 4 * 2.69269 * g**3 * m
        + 3 * 2.42843 * g**2 * m**2
        + 2 * 4.47163 * g * m**3
        + 0.07842 * m**4
    )
    fifth_by_lorentz = (
        2.69269 * g**4
        + 2 * 2.42843 * g**3 * m
        + 3 * 4.47163 * g**2 * m**2
        + 4 * 0.07842 * g * m**3
        + 5 * m**4
    )
    fwhm = fifth**0.2
    fwhm_by_gauss = fifth_by_gauss / (5 * fwhm**4)
    fwhm_by_lorentz = fifth_by_lorentz / (5 * fwhm**4)
    q = m / fwhm
    eta_by_q = 1.36603 - 2 * 0.47719 * q + 3 * 0.11116 * q**2
    return PseudoVoigtShape(
        fwhm,
        1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3,
        fwhm_by_gauss,
        fwhm_by_lorentz,
        -eta_by_q * q / fwhm * fwhm_by_gauss,
        eta_by_q * (1 - q * fwhm_by_lorentz) / fwhm,
    )


@compile_loops
def fill_gauss(gauss: Array, offset: Array, fwhm: float) -> None:
    """Write the Gaussian of unit area [1/degree] at ascending distances from its centre [degree],
    shape (points,) each."""
    gauss[:] = 0.0
    first = np.searchsorted(offset, -GAUSS_REACH * fwhm)
    last = np.searchsorted(offset, GAUSS_REACH * fwhm)
    for i in range(first, last):
        gauss[i] = GAUSS_PEAK / fwhm * exp_from_polynomial(-4 * LOG_2 * (offset[i] / fwhm) ** 2)


@compile_loops
def differentiate_pseudo_voigt(offset: float, fwhm: float, eta: float, gauss: float) -> PseudoVoigt:
    """Return the pseudo-Voigt of unit area, phi = eta L + (1 - eta) G with L and G both of full
    width `fwhm`, and its derivatives.

    Parameters
    ----------
    offset : float
        Distance from the line [degree].
    fwhm : float
        Full width at half maximum [degree].
    eta : float
        Share of the Lorentzian [1].
    gauss : float
        G there [1/degree], from `fill_gauss`.
    """
    u = offset / fwhm
    fall = 1 / (1 + 4 * u**2)
    lorentz = LORENTZ_PEAK / fwhm * fall
    value = eta * lorentz + (1 - eta) * gauss
    by_offset = -8 * u / fwhm * (eta * fall * lorentz + (1 - eta) * LOG_2 * gauss)
    # phi is a function of offset / fwhm, over fwhm
    by_fwhm = -(value + offset * by_offset) / fwhm
    return PseudoVoigt(value, by_offset, by_fwhm, lorentz - gauss)


@compile_loops
def place_window(x: Array, position: float, half_width: float) -> tuple[int, int]:
    """Return the first point of a line's window, and how many points it has.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree], ascending, equally spaced.
    position, half_width : float
        [degree]. The window is rounded up to a multiple of `WINDOW` points, and moved inside the
        axis where it would pass an end.
    """
    step = (x[-1] - x[0]) / (x.size - 1)
    wanted = min(2 * half_width / step, x.size)
    points = min(WINDOW * max(math.ceil(wanted / WINDOW), 1), x.size)
    start = np.searchsorted(x, position) - points // 2
    return min(max(start, 0), x.size - points), points


@compile_loops
def evaluate_profiles(x: Array, lines: Lines) -> Profiles:
    """Return the profiles of lines on an ascending, equally spaced axis.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    lines : Lines
        Position and full widths [degree], shape (line,).
    """
    count, components = lines.position.size, lines.components
    start, edge = np.empty(count, np.int64), np.zeros(count + 1, np.int64)
    fwhm, eta = np.empty(count), np.empty(count)
    for r in range(count):
        shape = shape_from_widths(lines.gauss_fwhm[r], lines.lorentz_fwhm[r])
        half_width = lines.reach[r] * shape.fwhm
        if components.size > 0:
            half_width += np.max(np.abs(components[r, :, OFFSET]))
        start[r], points = place_window(x, lines.position[r], half_width)
        edge[r + 1] = edge[r] + points
        fwhm[r], eta[r] = shape.fwhm, shape.eta
    if components.size > 0:
        summed = _sum_components(x, lines, start, edge, (fwhm, eta))
        return Profiles(Windows(start, edge, summed), np.empty(0))
    phi, gauss = np.empty(edge[-1]), np.empty(edge[-1])
    offset = np.empty(x.size)  # of one line: memory for all
    for r in range(count):
        near = offset[: edge[r + 1] - edge[r]]
        near[:] = x[start[r] : start[r] + near.size]
        near -= lines.position[r]
        own_gauss, own_phi = gauss[edge[r] : edge[r + 1]], phi[edge[r] : edge[r + 1]]
        fill_gauss(own_gauss, near, fwhm[r])
        for i in range(near.size):
            own_phi[i] = differentiate_pseudo_voigt(near[i], fwhm[r], eta[r], own_gauss[i]).value
    return Profiles(Windows(start, edge, phi), gauss)


@compile_loops
def _sum_components(
    x: Array, lines: Lines, start: Index, edge: Index, shapes: tuple[Array, Array]
) -> Array:
    """Return the profiles of lines of several components [1/degree] over their windows, one after
    the other, for `shapes`: full widths [degree] and Lorentzian shares [1], shape (line,) each."""
    fwhm, eta = shapes
    phi, components = np.zeros(edge[-1]), lines.components
    offset, gauss = np.empty(x.size), np.empty(x.size)
    for r in range(lines.position.size):
        own = phi[edge[r] : edge[r + 1]]
        near, own_gauss = offset[: own.size], gauss[: own.size]
        for k in range(components.shape[1]):
            share = components[r, k, SHARE]
            near[:] = x[start[r] : start[r] + own.size]
            near -= lines.position[r] + components[r, k, OFFSET]
            fill_gauss(own_gauss, near, fwhm[r])
            for i in range(own.size):
                value = differentiate_pseudo_voigt(near[i], fwhm[r], eta[r], own_gauss[i]).value
                own[i] += share * value
    return phi


@compile_loops
def differentiate_pattern(
    x: Array, lines: Lines, profiles: Profiles, intensity: Array, changes: Array
) -> Array:
    """Return the change of a pattern by each of some parameters, given what they change of its
    lines.

    By the chain rule a parameter q changes the pattern sum_r c_r phi_r by sum_r c_r (d phi_r/d
    position d position/dq + d phi_r/d width d width/dq + phi_r d(log c_r)/dq).

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    lines : Lines
    profiles : Profiles
        Theirs.
    intensity : ndarray, shape (line,)
        c [counts degree].
    changes : ndarray, shape (parameter, line, 4 or 6)
        From `differentiate_lines`: of position, Gaussian and Lorentzian width [degree] and log
        intensity [1]; of lines with several components also of Bragg angle [degree] and axial
        divergence [1].

    Returns
    -------
    ndarray, shape (parameter, points)
        [counts] over the unit of each parameter.
    """
    windows = profiles.phi
    if lines.components.size > 0:
        return _differentiate_components(x, lines, windows, intensity, changes)
    pattern_changes = np.zeros((len(changes), x.size))
    offset, by_line = np.empty(x.size), np.empty((4, x.size))  # of one line: memory for all
    for r in range(lines.position.size):
        shape = shape_from_widths(lines.gauss_fwhm[r], lines.lorentz_fwhm[r])
        inside = slice(windows.edge[r], windows.edge[r + 1])
        phi, gauss = windows.value[inside], profiles.gauss[inside]
        first, last = windows.start[r], windows.start[r] + phi.size
        near = offset[: phi.size]
        near[:] = x[first:last]
        near -= lines.position[r]
        # rows one by one, as those of a part of an array would not be known to be contiguous
        by_position, by_gauss = by_line[0, : phi.size], by_line[1, : phi.size]
        by_lorentz, by_intensity = by_line[2, : phi.size], by_line[3, : phi.size]
        _differentiate_line(by_position, by_gauss, by_lorentz, near, gauss, shape)
        by_intensity[:] = phi
        for q in range(len(changes)):
            for k in range(4):
                factor = intensity[r] * changes[q, r, k]
                if factor != 0:
                    _add_curve(pattern_changes[q, first:last], factor, by_line[k, : phi.size])
    return pattern_changes


@compile_loops
def _differentiate_components(
    x: Array, lines: Lines, windows: Windows, intensity: Array, changes: Array
) -> Array:
    """Return the same for lines of several components, in the unit of `differentiate_pattern`."""
    components = lines.components
    pattern_changes = np.zeros((len(changes), x.size))
    offset, gauss = np.empty(x.size), np.empty(x.size)
    by_line, of_one = np.empty((6, x.size)), np.empty((4, x.size))
    for r in range(lines.position.size):
        shape = shape_from_widths(lines.gauss_fwhm[r], lines.lorentz_fwhm[r])
        phi = windows.value[windows.edge[r] : windows.edge[r + 1]]
        points, first = phi.size, windows.start[r]
        near, own_gauss = offset[:points], gauss[:points]
        by_line[:, :points] = 0.0
        by_line[3, :points] = phi
        for c in range(components.shape[1]):
            share = components[r, c, SHARE]
            near[:] = x[first : first + points]
            near -= lines.position[r] + components[r, c, OFFSET]
            fill_gauss(own_gauss, near, shape.fwhm)
            by_position, by_gauss = of_one[0, :points], of_one[1, :points]
            by_lorentz, value = of_one[2, :points], of_one[3, :points]
            _differentiate_line(by_position, by_gauss, by_lorentz, near, own_gauss, shape)
            for i in range(points):
                value[i] = differentiate_pseudo_voigt(
                    near[i], shape.fwhm, shape.eta, own_gauss[i]
                ).value
            for k in range(3):
                _add_curve(by_line[k, :points], share, of_one[k, :points])
            # where components lie, and their shares, follow the Bragg angle and the divergence
            _add_curve(by_line[4, :points], share * components[r, c, OFFSET_BY_ANGLE], by_position)
            _add_curve(by_line[4, :points], components[r, c, SHARE_BY_ANGLE], value)
            _add_curve(by_line[5, :points], share * components[r, c, OFFSET_BY_AXIAL], by_position)
            _add_curve(by_line[5, :points], components[r, c, SHARE_BY_AXIAL], value)
        for q in range(len(changes)):
            for k in range(6):
                factor = intensity[r] * changes[q, r, k]
                if factor != 0:
                    total = pattern_changes[q, first : first + points]
                    _add_curve(total, factor, by_line[k, :points])
    return pattern_changes


@compile_loops
def _add_curve(total: Array, factor: float, curve: Array) -> None:
    """Add a curve (points,) times a factor to another, in the unit of the total."""
    for i in range(curve.size):
        total[i] += factor * curve[i]


@compile_loops
def _differentiate_line(
    by_position: Array,
    by_gauss: Array,
    by_lorentz: Array,
    offset: Array,
    gauss: Array,
    shape: PseudoVoigtShape,
) -> None:
    """Write a line's derivatives by position, Gaussian and Lorentzian width [1/degree^2], at these
    distances from it [degree] with this Gaussian [1/degree], shape (points,) each."""
    # loops of a few arrays each are vectorised, one of all of them is not
    for i in range(offset.size):
        phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
        by_position[i] = -phi.by_offset
        by_lorentz[i] = phi.by_fwhm
    for i in range(offset.size):
        phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
        by_fwhm = by_lorentz[i]
        by_gauss[i] = by_fwhm * shape.fwhm_by_gauss + phi.by_eta * shape.eta_by_gauss
        by_lorentz[i] = by_fwhm * shape.fwhm_by_lorentz + phi.by_eta * shape.eta_by_lorentz


@compile_loops
def sum_lines(x: Array, lines: Lines, intensity: Array) -> Array:
    """Return the pattern of lines of given intensities (line,) [counts degree], shape (points,)
    [counts]; axis and lines as in `evaluate_profiles`, of one component each."""
    pattern = np.zeros(x.size)
    for r in range(lines.position.size):
        shape = shape_from_widths(lines.gauss_fwhm[r], lines.lorentz_fwhm[r])
        start, points = place_window(x, lines.position[r], lines.reach[r] * shape.fwhm)
        offset = x[start : start + points] - lines.position[r]
        gauss = np.empty(points)
        fill_gauss(gauss, offset, shape.fwhm)
        curve, amount = pattern[start : start + points], intensity[r]
        for i in range(points):
            phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
            curve[i] += amount * phi.value
    return pattern
