"""Peak profiles of unit area and their derivatives, for many peaks in many frames at once."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array

LN2 = float(np.log(2.0))
_GAUSS = 2.0 * np.sqrt(LN2 / np.pi)
_LORENTZ = 2.0 / np.pi


def pseudo_voigt(x: Array, position: Array, fwhm: Array, eta: Array) -> Array:
    """Return the pseudo-Voigt of unit area, eta L + (1 - eta) G, both of the same full width at
    half maximum.

    L = 2 / (pi w) / (1 + 4 u^2), G = (2 / w) sqrt(ln 2 / pi) exp(-4 ln 2 u^2), u = (x - x0) / w (G.
    K. Wertheim et al., Rev. Sci. Instrum. 45 (1974) 1369). Arguments broadcast; `fwhm` in the unit
    of `x`, result in its inverse.
    """
    u = (x - position) / fwhm
    lorentz = _LORENTZ / (1.0 + 4.0 * u * u)
    gauss = _GAUSS * np.exp(-4.0 * LN2 * u * u)
    return np.asarray((eta * lorentz + (1.0 - eta) * gauss) / fwhm)


def pseudo_voigt_derivatives(
    x: Array, position: Array, fwhm: Array, eta: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the pseudo-Voigt and its derivatives by position, by ln(fwhm) and by eta (arguments
    broadcast)."""
    u = (x - position) / fwhm
    u2 = u * u
    pole = 1.0 / (1.0 + 4.0 * u2)
    lorentz = (_LORENTZ / fwhm) * pole
    gauss = (_GAUSS / fwhm) * np.exp(-4.0 * LN2 * u2)
    wide, narrow = eta * lorentz, (1.0 - eta) * gauss
    value = wide + narrow
    by_u_over_u = -8.0 * (pole * wide + LN2 * narrow)
    return value, -u * by_u_over_u / fwhm, -(value + u2 * by_u_over_u), lorentz - gauss


def height_from_area(area: Array, fwhm: Array, eta: Array) -> Array:
    """Return the height above background of a pseudo-Voigt of this area."""
    return np.asarray(area / fwhm * (eta * _LORENTZ + (1.0 - eta) * _GAUSS))
