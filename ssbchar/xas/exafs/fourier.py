"""chi(k) to chi(R) and back: windows and transforms of whole series, in the field's common
conventions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array

KSTEP = 0.05
"""Step of the k grid [1/angstrom]."""
NFFT = 2048
"""Length of the transform; the R grid has the step pi / (KSTEP NFFT)."""
TOGETHER = 64
"""Spectra transformed at once: their arrays stay in the processor's cache."""
RSTEP = float(np.pi / (KSTEP * NFFT))


def build_window(x: Array, low: float, high: float, slope: float, kind: str = "hanning") -> Array:
    """Return a window on a uniform grid, with edges on grid points as Ifeffit and Larch place them.

    ``hanning``, ``parzen``, ``welch``: sin**2, linear or parabolic slopes of width `slope` centred
    on `low` and `high`; ``kaiser``: (I0(d sqrt(1 - u**2)) - 1) / (I0(d) - 1) over the whole range;
    ``gaussian``; ``sine``. (M. Newville, Rev. Mineral. Geochem. 78 (2014) 33.)
    """
    step = float(x[-1] - x[0]) / (x.size - 1)
    tiny = 1e-4 * step
    marks = [
        max(x[0], low - slope / 2),
        low + slope / 2 + tiny,
        high - slope / 2 - tiny,
        min(x[-1], high + slope / 2),
    ]
    i1, i2, i3, i4 = (int((m + tiny) / step) for m in marks)
    i1, i2, i3, i4 = max(i1, 0), max(i2, 0), min(i3, x.size - 1), min(i4, x.size - 1)
    i1 = max(0, i2 - 1) if i1 == i2 else i1
    i3 = max(i2, i4 - 1) if i3 == i4 else i3
    x1, x2, x3, x4 = x[i1], x[i2], x[i3], x[i4]
    x2, x4 = x2 + tiny * (x1 == x2), x4 + tiny * (x3 == x4)
    middle, half = (x4 + x1) / 2, (x4 - x1) / 2
    if kind == "kaiser":
        bend = np.sqrt(np.maximum(1 - ((x - middle) / half) ** 2, 0))
        return np.asarray((np.i0(slope * bend) - 1) / max(1e-10, float(np.i0(slope)) - 1))
    if kind == "gaussian":
        return np.asarray(np.exp(-((x - middle) ** 2) / (2 * max(slope, tiny) ** 2)))
    out = np.zeros(x.size)
    if kind == "sine":
        out[i1 : i4 + 1] = np.sin(np.pi * (x4 - x[i1 : i4 + 1]) / (x4 - x1))
        return out
    out[i2:i3] = 1.0
    up, down = (x[i1 : i2 + 1] - x1) / (x2 - x1), (x[i3 : i4 + 1] - x3) / (x4 - x3)
    if kind == "hanning":
        up, down = np.sin(np.pi / 2 * up) ** 2, np.cos(np.pi / 2 * down) ** 2
    elif kind == "parzen":
        down = 1 - down
    elif kind == "welch":
        up, down = 1 - (1 - up) ** 2, 1 - down**2
    else:
        raise ValueError(f"no window '{kind}'")
    out[i1 : i2 + 1], out[i3 : i4 + 1] = up, down
    return out


def build_k_window(
    k: Array, kmin: float, kmax: float, dk: float, kind: str, kweight: int
) -> tuple[Array, Array]:
    """Return the window on the k grid and k**w times it; slopes may reach beyond the data's last
    k."""
    n = int(1.01 + max(float(k[-1]), kmax + dk) / KSTEP)
    shape = build_window(KSTEP * np.arange(n, dtype=np.float64), kmin, kmax, dk, kind)[: k.size]
    return shape, shape * k**kweight


def chi_r_from_chi(
    chi: Array, weights: Array, rmax: float = 10.0
) -> tuple[Array, NDArray[np.complex128]]:
    """Return R [angstrom] and complex chi(R) of each spectrum.

    chi(R) = (dk / sqrt(pi)) sum_k chi(k) w(k) exp(-2 i k R)  (E. A. Stern, D. E. Sayers, F. W.
    Lytle, Phys. Rev. B 11 (1975) 4836).

    Parameters
    ----------
    chi : array, shape (spectrum, k)
        On the grid 0, KSTEP ...
    weights : array, shape (k,)
        Window times k**w, from `k_window`.
    rmax : float
        Last R [angstrom].

    Returns
    -------
    r : array, shape (r,)
    chi_r : complex array, shape (spectrum, r) [1/angstrom**(w + 1)]
    """
    n = int(min(NFFT / 2, 1.01 + rmax / RSTEP))
    weighted = (chi * weights).reshape(-1, chi.shape[-1])
    out = np.empty((len(weighted), n), np.complex128)
    for i in range(0, len(weighted), TOGETHER):
        out[i : i + TOGETHER] = np.fft.rfft(weighted[i : i + TOGETHER], NFFT, axis=-1)[:, :n]
    out *= KSTEP / np.sqrt(np.pi)
    out = out.reshape(*chi.shape[:-1], n)
    return RSTEP * np.arange(n, dtype=np.float64), out


def chi_q_from_chi_r(
    chi_r: NDArray[np.complex128],
    rmin: float,
    rmax: float,
    dr: float,
    kind: str,
    qmax: float = 30.0,
) -> tuple[Array, NDArray[np.complex128], Array]:
    """Return q [1/angstrom], complex chi(q) of each spectrum and the window in R (rmin to rmax)."""
    shape = build_window(RSTEP * np.arange(NFFT, dtype=np.float64), rmin, rmax, dr, kind)[
        : chi_r.shape[-1]
    ]
    n = int(1.05 + qmax / KSTEP)
    out = np.fft.ifft(chi_r * shape, NFFT, axis=-1)[..., : NFFT // 2] * (2 * np.sqrt(np.pi) / KSTEP)
    return KSTEP * np.arange(n, dtype=np.float64), out[..., :n], shape


def build_transform_matrix(k: Array, weights: Array, r: Array) -> NDArray[np.complex128]:
    """Return the matrix of `chi_r_from_chi` for given R, shape (r, k)."""
    return np.asarray((KSTEP / np.sqrt(np.pi)) * np.exp(-2j * np.outer(r, k)) * weights)
