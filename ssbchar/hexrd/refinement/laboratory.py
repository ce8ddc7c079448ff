"""What patterns of a laboratory have that those of a beamline mostly lack: two wavelengths, and a
capillary that absorbs."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array

K_ALPHA = {
    "Cr": (2.289726, 2.293651),
    "Fe": (1.936041, 1.939973),
    "Co": (1.788996, 1.792835),
    "Cu": (1.5405929, 1.5444274),
    "Mo": (0.70931715, 0.713607),
    "Ag": (0.55942178, 0.5638131),
}
"""K-alpha1 and K-alpha2 [angstrom]: R. D. Deslattes et al., Rev. Mod. Phys. 75 (2003) 35."""
NEAR = 2e-4
"""A wavelength within this of K-alpha1, or of the mean of the doublet, is that of the tube
[relative]."""
POINTS = 200
"""Points along each direction of a capillary's cross section."""


def find_emission(wavelength: float) -> Array:
    """Return K-alpha1 and K-alpha2 over a wavelength [1], shape (2,); empty, shape (0,), where it
    is neither K-alpha1 nor the mean of a doublet.

    Parameters
    ----------
    wavelength : float
        [angstrom].
    """
    for first, second in K_ALPHA.values():
        mean = (2 * first + second) / 3
        if min(abs(wavelength / first - 1), abs(wavelength / mean - 1)) < NEAR:
            return np.array([first, second]) / wavelength
    return np.empty(0)


def transmission_of_capillary(mu_r: float, sine: Array) -> Array:
    """Return the share of the scattered intensity that leaves a cylinder bathed in the beam.

    The mean over the cross section of exp(-mu (l1 + l2)), l1 and l2 the ways in and out (A. J.
    Bradley, Proc. Phys. Soc. 47 (1935) 879), summed over a grid.

    Parameters
    ----------
    mu_r : float
        Absorption coefficient times radius [1].
    sine : ndarray, shape (reflection,)
        sin(theta) [1].

    Returns
    -------
    ndarray, shape (reflection,)
        [1].
    """
    # equal areas: squared radii and angles evenly spaced
    radius = np.sqrt((np.arange(POINTS) + 0.5) / POINTS)[:, None]
    angle = 2 * np.pi * (np.arange(POINTS) + 0.5) / POINTS
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    way_in = x + np.sqrt(1 - y**2)
    # over a grid of angles, between which it changes smoothly
    theta = np.linspace(0, np.pi / 2, 46)
    transmission = []
    for two_theta in 2 * theta:
        along = x * np.cos(two_theta) + y * np.sin(two_theta)
        across = y * np.cos(two_theta) - x * np.sin(two_theta)
        way_out = np.sqrt(1 - across**2) - along
        transmission.append(np.mean(np.exp(-mu_r * (way_in + way_out))))
    return np.asarray(np.interp(np.arcsin(np.clip(sine, 0, 1)), theta, transmission))
