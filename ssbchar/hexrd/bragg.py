"""Bragg's law between 2theta, d and q, so that patterns of all wavelengths can share one axis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.constants import HC_EV_ANGSTROM
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_WAVELENGTH = re.compile(
    rf"(?:wave\s*length|\blambda)[^\n=:\d]*[=:]?\s*{_NUMBER}\s*(nm\b|m\b|pm\b)?", re.I
)
_ENERGY = re.compile(rf"\benergy[^\n=:\d]*[=:]?\s*{_NUMBER}\s*(keV|eV)", re.I)
_ANGSTROM = {"m": 1e10, "nm": 10.0, "pm": 0.01, "": 1.0}


def d_from_two_theta(two_theta: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return d = lambda / (2 sin(theta)), Bragg's law in first order.

    Parameters
    ----------
    two_theta : array_like, shape (...)
        [degree].
    wavelength : array_like, shape (...)
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [angstrom].
    """
    return np.asarray(wavelength / (2 * np.sin(np.radians(np.asarray(two_theta, float)) / 2)))


def get_length_scale_stderr(patterns: xr.Dataset) -> float:
    """Return the relative standard error that every d spacing of a series shares, of detector
    distance and wavelength.

    Parameters
    ----------
    patterns : Dataset
        Patterns integrated from images state it (``length_scale_stderr``); of others it is that of
        the wavelength.

    Returns
    -------
    float
        [1]; zero where none is known.
    """
    if "length_scale_stderr" in patterns:
        return float(patterns["length_scale_stderr"])
    if "wavelength_stderr" not in patterns:
        return 0.0
    value = float(patterns["wavelength_stderr"]) / float(patterns["wavelength"])
    return value if np.isfinite(value) else 0.0


def two_theta_from_d(d: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return 2theta = 2 arcsin(lambda / 2d), Bragg's law in first order.

    Parameters
    ----------
    d, wavelength : array_like, shape (...)
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [degree]; NaN where d < lambda / 2.
    """
    ratio = np.asarray(wavelength, float) / (2 * np.asarray(d, float))
    return np.asarray(2 * np.degrees(np.arcsin(np.where(np.abs(ratio) <= 1, ratio, np.nan))))


def q_from_two_theta(two_theta: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return the modulus of the scattering vector, q = 4 pi sin(theta) / lambda.

    Parameters
    ----------
    two_theta : array_like, shape (...)
        [degree].
    wavelength : array_like, shape (...)
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [1/angstrom].
    """
    return np.asarray(4 * np.pi * np.sin(np.radians(np.asarray(two_theta, float)) / 2) / wavelength)


def two_theta_from_q(q: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return 2theta = 2 arcsin(q lambda / 4 pi).

    Parameters
    ----------
    q : array_like, shape (...)
        Modulus of the scattering vector [1/angstrom].
    wavelength : array_like, shape (...)
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [degree]; NaN beyond backscattering.
    """
    ratio = np.asarray(q, float) * wavelength / (4 * np.pi)
    return np.asarray(2 * np.degrees(np.arcsin(np.where(np.abs(ratio) <= 1, ratio, np.nan))))


def convert_wavelength(two_theta: ArrayLike, wavelength: float, other: float) -> Array:
    """Return 2theta at another wavelength, exact through d.

    sin(theta') = sin(theta) lambda' / lambda.

    Parameters
    ----------
    two_theta : array_like, shape (...)
        [degree], at `wavelength`.
    wavelength, other : float
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [degree], at the wavelength `other`; NaN beyond backscattering.
    """
    return two_theta_from_q(q_from_two_theta(two_theta, wavelength), other)


def two_theta_per_d(two_theta: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return d(2theta)/d(d) = -2 tan(theta) / d, by which errors of positions become those of d.

    Parameters
    ----------
    two_theta : array_like, shape (...)
        [degree].
    wavelength : array_like, shape (...)
        [angstrom].

    Returns
    -------
    ndarray, shape (...)
        [degree/angstrom].
    """
    theta = np.radians(np.asarray(two_theta, float)) / 2
    return np.asarray(-2 * np.degrees(np.tan(theta)) / d_from_two_theta(two_theta, wavelength))


def wavelength_from_header(text: str) -> tuple[float, float] | None:
    """Return the wavelength that a file's header states.

    Understood are ``wavelength = 0.413671``, ``Wavelength: 4.066e-11 m`` and ``energy: 51.4 keV``.

    Parameters
    ----------
    text : str
        The header; a wavelength goes before an energy.

    Returns
    -------
    (float, float) or None
        Wavelength and the standard deviation of its rounding [angstrom]; None where the header
        states neither.
    """
    found = _WAVELENGTH.search(text)
    if found:
        value, scale = float(found[1]), _ANGSTROM[(found[2] or "").lower()]
        if not found[2] and 0 < value < 1e-6:
            scale = 1e10  # nothing is as short in angstrom: some headers give metres without saying
        if value > 0:
            return value * scale, rounding_stderr_from_text(found[1]) * scale
    found = _ENERGY.search(text)
    if found and float(found[1]) > 0:
        energy = float(found[1]) * (1e3 if found[2].lower() == "kev" else 1.0)
        value = HC_EV_ANGSTROM / energy
        return value, value * rounding_stderr_from_text(found[1]) / float(found[1])
    return None


def rounding_stderr_from_text(text: str) -> float:
    """Return the standard deviation of the rounding of a printed number.

    Rounding to a unit u of the last digit is uniform: u / sqrt(12) (JCGM 100:2008, 4.3.7).

    Parameters
    ----------
    text : str
        The number as printed, ``0.4137`` or ``4.066e-11``.

    Returns
    -------
    float
        In the unit of the number.
    """
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - decimals) / np.sqrt(12))
