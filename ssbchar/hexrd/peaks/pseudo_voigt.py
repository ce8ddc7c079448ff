"""Peak profiles of unit area, for many peaks in many frames at once."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array

LN2 = float(np.log(2.0))
GAUSS_HEIGHT = 2.0 * np.sqrt(LN2 / np.pi)
"""Height of a Gaussian of unit area and unit full width at half maximum [1]."""
LORENTZ_HEIGHT = 2.0 / np.pi
"""Height of a Lorentzian of unit area and unit full width at half maximum [1]."""


def pseudo_voigt(x: Array, position: Array, fwhm: Array, eta: Array) -> Array:
    """Return the pseudo-Voigt of unit area, eta L + (1 - eta) G, both of the same full width at
    half maximum.

    L = 2 / (pi w) / (1 + 4 u^2), G = (2 / w) sqrt(ln 2 / pi) exp(-4 ln 2 u^2), u = (x - x0) / w (G.
    K. Wertheim et al., Rev. Sci. Instrum. 45 (1974) 1369).

    Parameters
    ----------
    x, position, fwhm, eta : ndarray, shapes that broadcast
        Axis, position and full width at half maximum [degree, or any one unit], Lorentzian
        share [1].

    Returns
    -------
    ndarray, broadcast shape
        In the inverse unit of `x`.
    """
    u = (x - position) / fwhm
    lorentz = LORENTZ_HEIGHT / (1.0 + 4.0 * u * u)
    gauss = GAUSS_HEIGHT * np.exp(-4.0 * LN2 * u * u)
    return np.asarray((eta * lorentz + (1.0 - eta) * gauss) / fwhm)


def height_from_area(area: Array, fwhm: Array, eta: Array) -> Array:
    """Return the height above background of a pseudo-Voigt of this area.

    Parameters
    ----------
    area, fwhm, eta : ndarray, shapes that broadcast
        Area [counts degree], full width at half maximum [degree], Lorentzian share [1].

    Returns
    -------
    ndarray, broadcast shape
        [counts]
    """
    return np.asarray(area / fwhm * (eta * LORENTZ_HEIGHT + (1.0 - eta) * GAUSS_HEIGHT))
