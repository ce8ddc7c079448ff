"""Systematics that no fit can see: Li metal hidden by the skin effect, and echoes that see nuclei
unequally.

Nothing here changes a fraction; the factors are reported beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.constants import VACUUM_PERMEABILITY
from ssbchar.typing import Array, Complex


def depth_from_resistivity(resistivity: ArrayLike, frequency: float) -> Array:
    """Return delta = sqrt(rho / (pi f mu0)) [m].

    Parameters
    ----------
    resistivity : array_like
        [ohm m].
    frequency : float
        [Hz].
    """
    return np.asarray(
        np.sqrt(np.asarray(resistivity, float) / (np.pi * frequency * VACUUM_PERMEABILITY))
    )


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
    radius : array_like
        Distance from the centre [m].
    size : float
        Radius a of the sphere [m].
    depth : float
        Skin depth [m].

    Returns
    -------
    tuple of ndarray
        Amplitudes that multiply cos(theta) (radial) and -sin(theta) (tangential).
    """
    k = (1 + 1j) / depth
    z, edge = k * np.maximum(np.asarray(radius, float), 1e-6 * size), k * size
    # every function is multiplied by exp(i k a), which keeps large spheres from overflowing
    out, back = np.exp(1j * (z + edge)), np.exp(1j * (edge - z))
    j0 = (out - back) / 2j / z
    j1 = np.where(np.abs(z) < 1e-2, z / 3 * np.exp(1j * edge), j0 / z - (out + back) / 2 / z)
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
        Complex; its modulus is what an isolated sphere shows, its real part what is in phase with
        small grains.
    """
    x, w = np.polynomial.legendre.leggauss(48)
    x, w = (x + 1) / 2, w / 2
    cosine, polar = np.polynomial.legendre.leggauss(32)
    azimuth = 2 * np.pi * np.arange(16) / 16
    c, s = cosine[None, :, None], np.sqrt(1 - cosine**2)[None, :, None]
    weight = (3 * x**2 * w)[:, None, None] * (polar / 2)[None, :, None] / azimuth.size

    def echo(b: ArrayLike) -> Array:
        return np.asarray(
            np.sin(np.asarray(b) * flips[0]) * np.sin(np.asarray(b) * flips[1] / 2) ** 2
        )

    out = []
    for size in np.atleast_1d(np.asarray(diameter, float)) / 2:
        radial, tangential = (
            f[:, None, None] for f in evaluate_field_in_sphere(x * size, float(size), depth)
        )
        along = radial * c**2 + tangential * s**2
        across = (radial - tangential) * s * c * np.sin(azimuth)
        turning = along + 1j * across
        signal = echo(np.abs(turning)) * np.exp(1j * np.angle(turning)) * (along - 1j * across)
        out.append(np.sum(weight * signal) / echo(1.0))
    return np.array(out)


def share_from_diameters(
    diameters: ArrayLike, volumes: ArrayLike, depth: float, flips: tuple[float, float]
) -> float:
    """Return the modulus of the summed signal of spheres, over that of the same volume without a
    skin effect.

    Parameters
    ----------
    diameters, volumes : array_like, shape (size,)
        Size distribution: diameters [m] and the volume (not number) in each class.
    depth, flips
        As for `visible_signal`.
    """
    v = np.asarray(volumes, float)
    return float(np.abs(integrate_visible_signal(diameters, depth, flips) @ v) / v.sum())
