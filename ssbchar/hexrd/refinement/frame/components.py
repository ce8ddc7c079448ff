"""Lines that are sums of several: the K-alpha doublet, and the asymmetry of axial divergence."""

from __future__ import annotations

import math

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.typing import Array

HEIGHTS = 0.5 + 0.5 * np.polynomial.legendre.leggauss(10)[0]
"""Heights at which the axial divergence is summed [1], of the largest: Gauss-Legendre."""
HEIGHT_WEIGHTS = 0.5 * np.polynomial.legendre.leggauss(10)[1]
"""Their weights [1]."""
HIGHEST = 0.9
"""Largest axial divergence [tan(2theta) of the line]: beyond it the cone passes the slit's end."""


# what is known of each component; one array of all of them, as each array costs time where compiled
# functions are called
OFFSET = 0
"""Distance from the line [degree]."""
SHARE = 1
"""[1], one in sum per line."""
OFFSET_BY_ANGLE = 2
"""Change of the distance with the line's Bragg angle [1]."""
SHARE_BY_ANGLE = 3
"""[1/degree]."""
OFFSET_BY_AXIAL = 4
"""Change of the distance with axial divergence [degree]."""
SHARE_BY_AXIAL = 5
"""[1]."""
KNOWN = 6
"""Number of these."""

ONE_COMPONENT = np.empty((0, 0, KNOWN))
"""Of lines that are one component each."""


@compile_loops
def build_components(two_theta: Array, emission: Array, doublet: float, axial: float) -> Array:
    """Return the components of lines, shape (line, component, 6), in the units of `OFFSET` to
    `SHARE_BY_AXIAL`; no lines where every line is one component.

    With sample and slit of equal height, a line at 2theta is smeared down to 2phi with cos(2phi) =
    cos(2theta) (1 + (2 u s)^2)^(1/2) by heights u from 0 to 1, with the weight (1 - u) /
    (cos^2(2phi) sin(2phi)) (L. W. Finger, D. E. Cox & A. P. Jephcoat, J. Appl. Cryst. 27 (1994)
    892, their eqs 2 to 9 over the height in place of 2phi, where nothing is singular).

    Parameters
    ----------
    two_theta : ndarray, shape (line,)
        Bragg angles [degree].
    emission : ndarray, shape (2,) or (0,)
        K-alpha1 and K-alpha2 over the wavelength of those angles [1].
    doublet : float
        Intensity of K-alpha2 over K-alpha1 [1]; 0 for one wavelength.
    axial : float
        s, half the height of sample and of slit over the distance [1]; 0 for none.
    """
    has_doublet = doublet > 0 and emission.size == 2
    if not has_doublet and axial <= 0:
        return np.empty((0, 0, KNOWN))
    wavelengths = 2 if has_doublet else 1
    heights = HEIGHTS.size if axial > 0 else 1
    built = np.zeros((two_theta.size, wavelengths * heights, KNOWN))
    built[:, :, SHARE] = 1.0
    for r in range(two_theta.size):
        sine = math.sin(math.radians(two_theta[r]) / 2)
        cosine = math.sqrt(1 - sine**2)
        for w in range(wavelengths):
            angle, slope, share = math.radians(two_theta[r]), 1.0, 1.0
            if has_doublet:
                share = (1.0 if w == 0 else doublet) / (1 + doublet)
                # a line beyond backscattering stays where it is
                other = min(emission[w] * sine, 1 - 1e-9)
                angle = 2 * math.asin(other)
                slope = emission[w] * cosine / math.sqrt(1 - other**2)
            if axial > 0:
                _smear(built, r, w * heights, angle, axial)
            for k in range(w * heights, (w + 1) * heights):
                built[r, k, OFFSET] += math.degrees(angle) - two_theta[r]
                built[r, k, OFFSET_BY_ANGLE] = (1 + built[r, k, OFFSET_BY_ANGLE]) * slope - 1
                built[r, k, SHARE_BY_ANGLE] *= share * slope
                built[r, k, SHARE_BY_AXIAL] *= share
                built[r, k, SHARE] *= share
    return built


@compile_loops
def _smear(built: Array, r: int, first: int, angle: float, axial: float) -> None:
    """Write the components of line r, from `first` on, at a Bragg angle 2theta [radian] by axial
    divergence [1], their derivatives by the angle [1, 1/degree] and the divergence [degree, 1]."""
    tangent = abs(math.tan(angle))
    is_cut = axial * 2 > HIGHEST * tangent
    largest = HIGHEST * tangent if is_cut else 2 * axial
    total = total_by_angle = total_by_axial = 0.0
    for n in range(HEIGHTS.size):
        k = first + n
        height = HEIGHTS[n] * largest
        root = math.sqrt(1 + height**2)
        cosine = math.cos(angle) * root
        smeared = math.acos(cosine)
        sine = math.sin(smeared)
        by_angle = math.sin(angle) * root / sine
        by_height = -math.cos(angle) * height / (root * sine)
        by_axial = 2 * HEIGHTS[n] * by_height
        if is_cut:
            by_axial = 0.0
            growth = HIGHEST / math.cos(angle) ** 2 * (1 if math.tan(angle) > 0 else -1)
            by_angle += by_height * HEIGHTS[n] * growth
        weight = HEIGHT_WEIGHTS[n] * (1 - HEIGHTS[n]) / (cosine**2 * sine)
        slope = weight * (2 * sine / cosine - cosine / sine)  # by 2phi
        built[r, k, OFFSET] = math.degrees(smeared - angle)
        built[r, k, OFFSET_BY_ANGLE] = by_angle - 1
        built[r, k, OFFSET_BY_AXIAL] = math.degrees(by_axial)
        built[r, k, SHARE] = weight
        built[r, k, SHARE_BY_ANGLE] = math.radians(slope * by_angle)
        built[r, k, SHARE_BY_AXIAL] = slope * by_axial
        total += weight
        total_by_angle += built[r, k, SHARE_BY_ANGLE]
        total_by_axial += built[r, k, SHARE_BY_AXIAL]
    for n in range(HEIGHTS.size):
        k = first + n
        share = built[r, k, SHARE] / total
        built[r, k, SHARE_BY_ANGLE] = (built[r, k, SHARE_BY_ANGLE] - share * total_by_angle) / total
        built[r, k, SHARE_BY_AXIAL] = (built[r, k, SHARE_BY_AXIAL] - share * total_by_axial) / total
        built[r, k, SHARE] = share
