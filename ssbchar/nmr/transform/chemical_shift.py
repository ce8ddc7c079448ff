"""Chemical shift of a frequency offset, and the spectrum on that axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssbchar.nmr.transform.exponentials import build_exponentials


def shift_from_offset(offset: ArrayLike, sfo1: float, sf: float) -> NDArray[np.float64]:
    """Return delta = (SFO1 + nu - SF) / SF as TopSpin does (Harris et al., Pure Appl. Chem. 73
    (2001) 1795).

    Parameters
    ----------
    offset : array_like
        Frequency nu against the carrier [Hz].
    sfo1, sf : float
        Carrier frequency and frequency of 0 ppm [MHz].

    Returns
    -------
    ndarray
        Chemical shift [ppm].
    """
    return np.asarray((sfo1 - sf) * 1e6 + np.asarray(offset, float)) / sf


def offset_from_shift(shift: ArrayLike, sfo1: float, sf: float) -> NDArray[np.float64]:
    """Return the frequency against the carrier [Hz] of a chemical shift [ppm]."""
    return np.asarray(shift, float) * sf - (sfo1 - sf) * 1e6


def offsets_from_time(time: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the frequencies [Hz] of a spectrum of `size` points, falling from the +SW/2 edge."""
    return ((size + 1) // 2 - np.arange(size)) / (size * _step(time))


def select_range(
    time: NDArray[np.float64], size: int, limits: tuple[float, float], sfo1: float, sf: float
) -> tuple[slice, NDArray[np.float64], NDArray[np.float64]]:
    """Return which part of a spectrum lies within two limits, its frequencies and its shifts.

    Parameters
    ----------
    time : ndarray, shape (time,)
        Axis of the decay [s].
    size : int
        Points of the spectrum (zero filled).
    limits : tuple of float
        Of the part [ppm].
    sfo1, sf : float
        Carrier frequency and frequency of 0 ppm [MHz].

    Returns
    -------
    slice, ndarray, ndarray
        The part of `offsets`; its frequencies [Hz] and shifts [ppm], both falling.
    """
    half, length = (size + 1) // 2, size * _step(time)
    high, low = half - offset_from_shift(sorted(limits), sfo1, sf) * length
    part = slice(min(max(int(np.ceil(low)), 0), size), min(max(int(np.floor(high)) + 1, 0), size))
    offset = (half - np.arange(part.start, part.stop)) / length
    return part, offset, shift_from_offset(offset, sfo1, sf)


def transform_signal(
    fid: NDArray[np.complex128], time: NDArray[np.float64], size: int, part: slice = slice(None)
) -> NDArray[np.complex128]:
    """Return the spectra, on `offsets`, of time signals whose axis may begin anywhere.

    S(nu) = sum_n s(t_n) exp(-2 pi i nu t_n); the time axis itself carries the group delay of the
    digital filter.

    Parameters
    ----------
    fid : ndarray, shape (..., time)
        Complex signal.
    time : ndarray, shape (time,)
        Evenly spaced [s].
    size : int
        Points of the spectrum (zero filled).
    part : slice
        Points of it that are wanted.
    """
    from scipy.fft import ifft

    half = (size + 1) // 2
    first, last, _ = part.indices(size)
    whole, width = ifft(fid, size, axis=-1, norm="forward"), 1 / (size * _step(time))
    wave = build_exponentials(
        np.array([-2j * np.pi * float(time[0])]), (half - first) * width, -width, last - first
    )[0]
    falling = np.empty((*whole.shape[:-1], last - first), complex)
    cut = min(max(half - first, 0), last - first)
    left, right = (
        whole[..., first + size - half :][..., :cut],
        whole[..., max(first - half, 0) : max(last - half, 0)],
    )
    np.multiply(left, wave[:cut], out=falling[..., :cut])
    np.multiply(right, wave[cut:], out=falling[..., cut:])
    return falling


def _step(time: NDArray[np.float64]) -> float:
    return float(time[-1] - time[0]) / (time.size - 1)
