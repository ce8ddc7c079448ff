"""Li metal hidden by the skin effect: the rf field in a conducting sphere, and the echo it gives.

Nothing here changes a fraction; the factors are reported beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.constants import VACUUM_PERMEABILITY
from ssbchar.typing import Array, Complex

RADII, POLAR_ANGLES, AZIMUTHS = 48, 32, 16
"""Points of the quadrature over a sphere."""
SMALL = 1e-2
"""|k r| below which j1 is its series, (k r) / 3."""


def depth_from_resistivity(resistivity: ArrayLike, frequency: float) -> Array:
    """Return delta = sqrt(rho / (pi f mu0)).

    Parameters
    ----------
    resistivity : array_like, shape (...)
        [ohm m].
    frequency : float
        [Hz].

    Returns
    -------
    ndarray, shape (...)
        Skin depth [m].
    """
    rho = np.asarray(resistivity, float)
    return np.asarray(np.sqrt(rho / (np.pi * frequency * VACUUM_PERMEABILITY)))


def evaluate_field_in_sphere(
    radius: ArrayLike, size: float, depth: float
) -> tuple[Complex, Complex]:
    """Return the radial and the tangential amplitude of the rf field in a conducting sphere, over
    the applied field.

    With k = (1 + i) / delta the field that obeys the diffusion equation and joins a uniform field
    outside is H_r = C (2 / (k r)) j1(k r) cos(theta), H_theta = -(C / (k r)) d[r j1(k r)]/dr
    sin(theta), where C = 3 / (2 j0(k a)) for a non-magnetic sphere (L. D. Landau & E. M. Lifshitz,
    Electrodynamics of Continuous Media, section 59); as k -> 0 both tend to 1.

    Parameters
    ----------
    radius : array_like, shape (...)
        Distance from the centre [m].
    size : float
        Radius a of the sphere [m].
    depth : float
        Skin depth [m].

    Returns
    -------
    tuple of ndarray, shape (...)
        Amplitudes that multiply cos(theta) (radial) and -sin(theta) (tangential) [dimensionless].
    """
    k = (1 + 1j) / depth
    z, edge = k * np.maximum(np.asarray(radius, float), 1e-6 * size), k * size
    # Every function is multiplied by exp(i k a), which keeps large spheres from overflowing.
    out, back = np.exp(1j * (z + edge)), np.exp(1j * (edge - z))
    j0 = (out - back) / 2j / z
    j1 = np.where(np.abs(z) < SMALL, z / 3 * np.exp(1j * edge), j0 / z - (out + back) / 2 / z)
    scale = 3 * edge / ((np.exp(2j * edge) - 1) / 1j)
    return scale * 2 * j1 / z, scale * (j0 - j1 / z)


def integrate_visible_signal(
    diameter: ArrayLike, depth: float, flips: tuple[float, float]
) -> Complex:
    """Return the echo signal of a metal sphere per volume, over that of a sphere small against the
    skin depth.

    With H+ = H_z + i H_y the co-rotating part of the rf field (B0 along x, the coil along z), a
    volume element gives sin(b f1) sin^2(b f2 / 2) exp(i arg H+) (H_z - i H_y), b = |H+|: pulses
    scaled and turned by the local field, received by reciprocity (D. I. Hoult & R. E. Richards, J.
    Magn. Reson. 24 (1976) 71), so that the phase delay counts twice. Integrated by Gauss quadrature
    over radius, polar angle and azimuth.

    Parameters
    ----------
    diameter : array_like, shape (size,)
        [m].
    depth : float
        Skin depth [m].
    flips : tuple of float
        Flip angles of the two pulses outside [rad].

    Returns
    -------
    ndarray, shape (size,)
        Complex [dimensionless]; its modulus is what an isolated sphere shows, its real part what is
        in phase with small grains.
    """
    node, radial_weight = np.polynomial.legendre.leggauss(RADII)
    x, radial_weight = (node + 1) / 2, radial_weight / 2
    cosine, polar_weight = np.polynomial.legendre.leggauss(POLAR_ANGLES)
    azimuth = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
    c, s = cosine[None, :, None], np.sqrt(1 - cosine**2)[None, :, None]
    of_radius = (3 * x**2 * radial_weight)[:, None, None]
    weight = of_radius * (polar_weight / 2)[None, :, None] / azimuth.size

    def evaluate_echo(b: ArrayLike) -> Array:
        first = np.sin(np.asarray(b) * flips[0])
        return np.asarray(first * np.sin(np.asarray(b) * flips[1] / 2) ** 2)

    signals = []
    for size in np.atleast_1d(np.asarray(diameter, float)) / 2:
        field = evaluate_field_in_sphere(x * size, float(size), depth)
        radial, tangential = (amplitude[:, None, None] for amplitude in field)
        along = radial * c**2 + tangential * s**2
        across = (radial - tangential) * s * c * np.sin(azimuth)
        turning = along + 1j * across
        transverse = evaluate_echo(np.abs(turning)) * np.exp(1j * np.angle(turning))
        received = transverse * (along - 1j * across)
        signals.append(np.sum(weight * received) / evaluate_echo(1.0))
    return np.array(signals)


def share_from_diameters(
    diameters: ArrayLike, volumes: ArrayLike, depth: float, flips: tuple[float, float]
) -> float:
    """Return the modulus of the summed signal of spheres, over that of the same volume without a
    skin effect.

    Parameters
    ----------
    diameters, volumes : array_like, shape (size,)
        Size distribution: diameters [m] and the volume (not number) in each class.
    depth : float
        Skin depth [m].
    flips : tuple of float
        Flip angles of the two pulses outside [rad].

    Returns
    -------
    float
        Between 0 and 1 [dimensionless].
    """
    v = np.asarray(volumes, float)
    return float(np.abs(integrate_visible_signal(diameters, depth, flips) @ v) / v.sum())
