"""Size and microstrain of a phase from how the breadth of its lines grows with angle
(Williamson-Hall)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.peaks.pseudo_voigt import height_from_area
from ssbchar.typing import Array

FEWEST_LINES = 3
"""Lines that size and microstrain need."""
FINITE_STEP = 1e-6
"""Step in eta by which the breadth's derivative is taken [1]."""


@dataclass(frozen=True, kw_only=True)
class WilliamsonHall:
    """Inverse size and microstrain of a phase, arrays of shape (frames,); NaN with fewer than three
    lines."""

    inverse_size: Array
    """1/D [1/angstrom]."""
    microstrain: Array
    """e [1]."""
    covariance: Array
    """Of both, shape (frames, 2, 2)."""


def integral_breadth_from_fwhm(fwhm: Array, eta: Array) -> Array:
    """Return the integral breadth (area / height) of a pseudo-Voigt.

    Parameters
    ----------
    fwhm, eta : ndarray, same shape
        Full width at half maximum [degree, or any unit] and Lorentzian share [1].

    Returns
    -------
    ndarray, shape of `fwhm`
        In its unit.
    """
    return np.asarray(1.0 / height_from_area(np.ones_like(fwhm), fwhm, eta))


def breadth_stderr_from_covariance(fwhm: Array, eta: Array, covariance: Array) -> Array:
    """Return the standard error of the integral breadth, to first order in both parameters.

    Parameters
    ----------
    fwhm, eta : ndarray, same shape
        [degree], [1].
    covariance : ndarray, shape (..., 2, 2)
        Of fwhm and eta.

    Returns
    -------
    ndarray, shape of `fwhm`
        [degree]
    """
    breadth = integral_breadth_from_fwhm(fwhm, eta)
    by_fwhm = breadth / fwhm
    by_eta = (integral_breadth_from_fwhm(fwhm, eta + FINITE_STEP) - breadth) / FINITE_STEP
    variance = (
        by_fwhm**2 * covariance[..., 0, 0]
        + by_eta**2 * covariance[..., 1, 1]
        + 2 * by_fwhm * by_eta * covariance[..., 0, 1]
    )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def subtract_instrument(breadth: Array, instrument: float) -> Array:
    """Return the sample's breadth, beta - b^2 / beta, b that of the instrument; NaN where not above
    it.

    The parabolic approximation for profiles between Gauss and Lorentz (N. C. Halder & C. N. J.
    Wagner, Acta Cryst. 20 (1966) 312).

    Parameters
    ----------
    breadth : ndarray, any shape
        Integral breadths [degree].
    instrument : float
        [degree]

    Returns
    -------
    ndarray, shape of `breadth`
        [degree]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(breadth > instrument, breadth - instrument**2 / breadth, np.nan)


def fit_williamson_hall(
    two_theta: Array, breadth: Array, stderr: Array, wavelength: float
) -> WilliamsonHall:
    """Return inverse apparent size and microstrain from beta cos(theta)/lambda = 1/D + 2 e s.

    s = 2 sin(theta) / lambda; D is the volume-weighted apparent size (Scherrer constant 1 for
    integral breadths) and e the upper limit of strain, e = beta / (4 tan theta) (G. K. Williamson &
    W. H. Hall, Acta Metall. 1 (1953) 22). Weighted least squares over the lines; errors are scaled
    by the scatter where that is larger (anisotropy).

    Parameters
    ----------
    two_theta, breadth, stderr : ndarray, shape (frames, lines)
        Positions, integral breadths and their standard errors [degree]; NaN where a line is not
        used.
    wavelength : float
        [angstrom]

    Returns
    -------
    WilliamsonHall
        1/D [1/angstrom] and e [1], shape (frames,).
    """
    theta = np.radians(two_theta) / 2
    scale = np.cos(theta) / wavelength
    y, sigma = np.radians(breadth) * scale, np.radians(stderr) * scale
    used = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0)
    weight = np.where(used, 1 / np.where(used, sigma, 1.0) ** 2, 0.0)
    y = np.where(used, y, 0.0)
    by_strain = np.where(used, 4 * np.sin(theta) / wavelength, 0.0)
    design = np.stack([np.ones_like(y), by_strain], axis=1)
    count = used.sum(axis=1)
    normal = np.einsum("fil,fl,fjl->fij", design, weight, design)
    enough = (count >= FEWEST_LINES) & (np.linalg.det(normal) > 0)
    normal = np.where(enough[:, None, None], normal, np.eye(2))
    covariance = np.linalg.inv(normal)
    value = np.einsum("fij,fjl,fl->fi", covariance, design, weight * y)
    misfit = y - np.einsum("fi,fil->fl", value, design)
    scatter = np.sum(weight * misfit**2, axis=1) / np.maximum(count - 2, 1)
    # size and strain depend on the direction: lines scatter about one line beyond their errors
    covariance = covariance * np.maximum(scatter, 1.0)[:, None, None]
    value = np.where(enough[:, None], value, np.nan)
    return WilliamsonHall(
        inverse_size=value[:, 0],
        microstrain=value[:, 1],
        covariance=np.where(enough[:, None, None], covariance, np.nan),
    )
