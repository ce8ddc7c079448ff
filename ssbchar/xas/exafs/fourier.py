"""chi(k) to chi(R) and back: windows and transforms of whole series, in the field's common
conventions."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from ssbchar.typing import Array, Complex
from ssbchar.xas.exafs.options import Window

KSTEP = 0.05
"""Step of the k grid [1/angstrom]."""
NFFT = 2048
"""Length of the transform; the R grid has the step pi / (KSTEP NFFT)."""
TOGETHER = 64
"""Spectra transformed at once: their arrays stay in the processor's cache."""
RSTEP = float(np.pi / (KSTEP * NFFT))
"""Step of the R grid [angstrom]."""


def build_window(x: Array, low: float, high: float, slope: float, shape: Window) -> Array:
    """Return a window on a uniform grid, with edges on grid points as Ifeffit and Larch place them.

    ``hanning``, ``parzen``, ``welch``: sin**2, linear or parabolic slopes of width `slope` centred
    on `low` and `high`; ``kaiser``: (I0(d sqrt(1 - u**2)) - 1) / (I0(d) - 1) over the whole range;
    ``gaussian``; ``sine`` (M. Newville, Rev. Mineral. Geochem. 78 (2014) 33).

    Parameters
    ----------
    x : array, shape (n,)
        The grid: k [1/angstrom] or R [angstrom].
    low, high, slope : float
        Middle of both slopes and their width, in the unit of x.
    shape : str
        Shape of the window.

    Returns
    -------
    array, shape (n,)
        0 to 1, dimensionless.
    """
    step = float(x[-1] - x[0]) / (x.size - 1)
    tiny = 1e-4 * step
    i1, i2, i3, i4 = _place_corners(x, low, high, slope)
    x1, x2, x3, x4 = x[i1], x[i2], x[i3], x[i4]
    # Corners that fall on one point would divide by zero.
    x2 = x2 + tiny * (x1 == x2)
    x4 = x4 + tiny * (x3 == x4)
    middle, half = (x4 + x1) / 2, (x4 - x1) / 2
    if shape == "kaiser":
        bend = np.sqrt(np.maximum(1 - ((x - middle) / half) ** 2, 0))
        return np.asarray((np.i0(slope * bend) - 1) / max(1e-10, float(np.i0(slope)) - 1))
    if shape == "gaussian":
        return np.asarray(np.exp(-((x - middle) ** 2) / (2 * max(slope, tiny) ** 2)))
    out = np.zeros(x.size)
    if shape == "sine":
        out[i1 : i4 + 1] = np.sin(np.pi * (x4 - x[i1 : i4 + 1]) / (x4 - x1))
        return out
    out[i2:i3] = 1.0
    up = (x[i1 : i2 + 1] - x1) / (x2 - x1)
    down = (x[i3 : i4 + 1] - x3) / (x4 - x3)
    out[i1 : i2 + 1], out[i3 : i4 + 1] = _shape_slopes(up, down, shape)
    return out


def _place_corners(x: Array, low: float, high: float, slope: float) -> tuple[int, int, int, int]:
    """Return the grid points where a window begins to rise, is up, begins to fall and is down."""
    step = float(x[-1] - x[0]) / (x.size - 1)
    tiny = 1e-4 * step
    corners = (
        max(x[0], low - slope / 2),
        low + slope / 2 + tiny,
        high - slope / 2 - tiny,
        min(x[-1], high + slope / 2),
    )
    i1, i2, i3, i4 = (int((corner + tiny) / step) for corner in corners)
    i1, i2 = max(i1, 0), max(i2, 0)
    i3, i4 = min(i3, x.size - 1), min(i4, x.size - 1)
    if i1 == i2:
        i1 = max(0, i2 - 1)
    if i3 == i4:
        i3 = max(i2, i4 - 1)
    return i1, i2, i3, i4


def _shape_slopes(up: Array, down: Array, shape: Window) -> tuple[Array, Array]:
    """Return the slopes of a window for shares of the way, 0 to 1, up and down."""
    match shape:
        case "hanning":
            return np.sin(np.pi / 2 * up) ** 2, np.cos(np.pi / 2 * down) ** 2
        case "parzen":
            return up, 1 - down
        case "welch":
            return 1 - (1 - up) ** 2, 1 - down**2
        case "kaiser" | "gaussian" | "sine":
            raise ValueError(f"a window '{shape}' has no slopes")
        case _:
            assert_never(shape)


def build_k_window(
    k: Array, *, kmin: float, kmax: float, dk: float, shape: Window, kweight: int
) -> tuple[Array, Array]:
    """Return the window on the k grid and k**w times it.

    Slopes may reach beyond the data's last k.

    Parameters
    ----------
    k : array, shape (k,)
        On the grid 0, KSTEP ... [1/angstrom].
    kmin, kmax, dk : float
        Start, end and width of the slopes [1/angstrom].
    shape : str
        Shape of the window.
    kweight : int
        w.

    Returns
    -------
    window : array, shape (k,)
    weights : array, shape (k,)
        [1/angstrom**w]
    """
    # The window is made on a grid that holds all of it, then cut to the data.
    n = int(1.01 + max(float(k[-1]), kmax + dk) / KSTEP)
    grid = KSTEP * np.arange(n, dtype=np.float64)
    window = build_window(grid, kmin, kmax, dk, shape)[: k.size]
    return window, window * k**kweight


def chi_r_from_chi(chi: Array, weights: Array, rmax: float = 10.0) -> tuple[Array, Complex]:
    """Return R and complex chi(R) of each spectrum.

    chi(R) = (dk / sqrt(pi)) sum_k chi(k) w(k) exp(-2 i k R)  (E. A. Stern, D. E. Sayers, F. W.
    Lytle, Phys. Rev. B 11 (1975) 4836).

    Parameters
    ----------
    chi : array, shape (spectrum, k)
        On the grid 0, KSTEP ... [1/angstrom].
    weights : array, shape (k,)
        Window times k**w, from `build_k_window`.
    rmax : float
        Last R [angstrom].

    Returns
    -------
    r : array, shape (r,)
        [angstrom]
    chi_r : complex array, shape (spectrum, r)
        [1/angstrom**(w + 1)]
    """
    n = int(min(NFFT / 2, 1.01 + rmax / RSTEP))
    weighted = (chi * weights).reshape(-1, chi.shape[-1])
    # By blocks, and only the low R that is asked for: a long series does not fit the cache.
    out = np.empty((len(weighted), n), np.complex128)
    for i in range(0, len(weighted), TOGETHER):
        out[i : i + TOGETHER] = np.fft.rfft(weighted[i : i + TOGETHER], NFFT, axis=-1)[:, :n]
    out *= KSTEP / np.sqrt(np.pi)
    out = out.reshape(*chi.shape[:-1], n)
    return RSTEP * np.arange(n, dtype=np.float64), out


def chi_q_from_chi_r(
    chi_r: Complex, *, rmin: float, rmax: float, dr: float, shape: Window, qmax: float = 30.0
) -> tuple[Array, Complex, Array]:
    """Return q, complex chi(q) of each spectrum and the window in R.

    Parameters
    ----------
    chi_r : complex array, shape (spectrum, r)
        From `chi_r_from_chi`.
    rmin, rmax, dr : float
        Start, end and width of the slopes of the window [angstrom].
    shape : str
        Shape of the window.
    qmax : float
        Last q [1/angstrom].

    Returns
    -------
    q : array, shape (q,)
        [1/angstrom]
    chi_q : complex array, shape (spectrum, q)
        [1/angstrom**w]
    window : array, shape (r,)
    """
    grid = RSTEP * np.arange(NFFT, dtype=np.float64)
    window = build_window(grid, rmin, rmax, dr, shape)[: chi_r.shape[-1]]
    n = int(1.05 + qmax / KSTEP)
    back = np.fft.ifft(chi_r * window, NFFT, axis=-1)[..., : NFFT // 2]
    out = back * (2 * np.sqrt(np.pi) / KSTEP)
    return KSTEP * np.arange(n, dtype=np.float64), out[..., :n], window


def build_transform_matrix(k: Array, weights: Array, r: Array) -> Complex:
    """Return the matrix of `chi_r_from_chi` for given R.

    Parameters
    ----------
    k, weights : array, shape (k,)
        [1/angstrom], and window times k**w.
    r : array, shape (r,)
        [angstrom]

    Returns
    -------
    complex array, shape (r, k)
    """
    return np.asarray((KSTEP / np.sqrt(np.pi)) * np.exp(-2j * np.outer(r, k)) * weights)
