"""Peak profiles: the pseudo-Voigt of each line over a window of points, with its derivatives by
position and widths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops
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
    gauss_fwhm: float
    """Full width of the Gaussian part of all of them [degree]."""
    lorentz_fwhm: Array
    """Full width of the Lorentzian part [degree], shape (line,)."""
    reach: Array
    """Half width of a line's window, in full widths of the line, shape (line,)."""


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Profiles of lines, each over a window of points, and their derivatives in windows alike."""

    phi: Windows
    """[1/degree]."""
    by_position: Windows
    """d phi / d position [1/degree^2]."""
    by_lorentz: Windows
    """d phi / d Lorentzian width [1/degree^2]."""
    by_gauss: Windows
    """d phi / d Gaussian width [1/degree^2]."""


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
    # exponentials are the most costly part of a pattern: none where they are nothing
    first = np.searchsorted(offset, -GAUSS_REACH * fwhm)
    last = np.searchsorted(offset, GAUSS_REACH * fwhm)
    for i in range(first, last):
        gauss[i] = GAUSS_PEAK / fwhm * math.exp(-4 * LOG_2 * (offset[i] / fwhm) ** 2)


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


def evaluate_profiles(x: Array, lines: Lines) -> Profiles:
    """Return the profiles of lines on an ascending, equally spaced axis.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    lines : Lines
        Position and full widths [degree], shape (line,).
    """
    start, edge, (value, by_position, by_lorentz, by_gauss) = _evaluate_windows(x, lines)
    return Profiles(
        phi=Windows(start, edge, value),
        by_position=Windows(start, edge, by_position),
        by_lorentz=Windows(start, edge, by_lorentz),
        by_gauss=Windows(start, edge, by_gauss),
    )


@compile_loops
def _evaluate_windows(x: Array, lines: Lines) -> tuple[Index, Index, Array]:
    """Return first points and edges of the lines' windows, and their profiles with the derivatives
    by position, Lorentzian and Gaussian width, shape (4, points of all windows)."""
    count = lines.position.size
    start, edge = np.empty(count, np.int64), np.zeros(count + 1, np.int64)
    for r in range(count):
        shape = shape_from_widths(lines.gauss_fwhm, lines.lorentz_fwhm[r])
        start[r], points = place_window(x, lines.position[r], lines.reach[r] * shape.fwhm)
        edge[r + 1] = edge[r] + points
    values = np.empty((4, edge[-1]))
    offset, gauss = np.empty(x.size), np.empty(x.size)  # of one line: memory for all
    for r in range(count):
        shape = shape_from_widths(lines.gauss_fwhm, lines.lorentz_fwhm[r])
        points = edge[r + 1] - edge[r]
        near = offset[:points]
        near[:] = x[start[r] : start[r] + points]
        near -= lines.position[r]
        fill_gauss(gauss[:points], near, shape.fwhm)
        _fill_window(values[:, edge[r] : edge[r + 1]], near, gauss[:points], shape)
    return start, edge, values


@compile_loops
def _fill_window(window: Array, offset: Array, gauss: Array, shape: PseudoVoigtShape) -> None:
    """Write a line's profile with its derivatives by position, Lorentzian and Gaussian width, shape
    (4, points), at these distances from it [degree] with this Gaussian [1/degree]."""
    value, by_position, by_lorentz, by_gauss = window[0], window[1], window[2], window[3]
    # loops of a few arrays each are vectorised, one of all of them is not
    for i in range(offset.size):
        phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
        value[i] = phi.value
        by_position[i] = -phi.by_offset
    for i in range(offset.size):
        phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
        by_lorentz[i] = phi.by_fwhm * shape.fwhm_by_lorentz + phi.by_eta * shape.eta_by_lorentz
        by_gauss[i] = phi.by_fwhm * shape.fwhm_by_gauss + phi.by_eta * shape.eta_by_gauss


@compile_loops
def sum_lines(x: Array, lines: Lines, intensity: Array) -> Array:
    """Return the pattern of lines of given intensities (line,) [counts degree], shape (points,)
    [counts]; axis and lines as in `evaluate_profiles`."""
    pattern = np.zeros(x.size)
    for r in range(lines.position.size):
        shape = shape_from_widths(lines.gauss_fwhm, lines.lorentz_fwhm[r])
        start, points = place_window(x, lines.position[r], lines.reach[r] * shape.fwhm)
        offset = x[start : start + points] - lines.position[r]
        gauss = np.empty(points)
        fill_gauss(gauss, offset, shape.fwhm)
        curve, amount = pattern[start : start + points], intensity[r]
        for i in range(points):
            phi = differentiate_pseudo_voigt(offset[i], shape.fwhm, shape.eta, gauss[i])
            curve[i] += amount * phi.value
    return pattern
