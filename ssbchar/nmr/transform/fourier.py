"""Fourier transform of a decay, and the part of its spectrum within given shifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.transform.chemical_shift import offset_from_shift, shift_from_offset
from ssbchar.nmr.transform.exponentials import build_exponentials
from ssbchar.typing import Array, Complex

BLOCK_POINTS = 1 << 18
"""Points of the spectra that are transformed at once: they stay in the processor's memory."""


@dataclass(frozen=True, kw_only=True)
class SpectrumRange:
    """The part of a spectrum that lies within two shifts; its axes fall."""

    part: slice
    """Its positions on the axis of `offsets_from_time`."""
    offset: Array
    """(ppm,) frequency against the carrier [Hz]."""
    ppm: Array
    """(ppm,) chemical shift [ppm]."""


def offsets_from_time(time: Array, size: int) -> Array:
    """Return the frequency axis of a spectrum, falling from the +SW/2 edge.

    Parameters
    ----------
    time : ndarray, shape (time,)
        Even axis of the decay [s].
    size : int
        Points of the spectrum (zero filled).

    Returns
    -------
    ndarray, shape (size,)
        Frequency against the carrier [Hz].
    """
    return ((size + 1) // 2 - np.arange(size)) / (size * _mean_step(time))


def select_range(
    time: Array, size: int, limits: tuple[float, float], *, sfo1: float, sf: float
) -> SpectrumRange:
    """Return the part of a spectrum that lies within two shifts.

    Parameters
    ----------
    time : ndarray, shape (time,)
        Even axis of the decay [s].
    size : int
        Points of the spectrum (zero filled).
    limits : tuple of float
        Of the part, in either order [ppm].
    sfo1, sf : float
        Carrier frequency and frequency of 0 ppm [MHz].
    """
    half, length = (size + 1) // 2, size * _mean_step(time)
    high, low = half - offset_from_shift(sorted(limits), sfo1, sf) * length
    first = min(max(int(np.ceil(low)), 0), size)
    stop = min(max(int(np.floor(high)) + 1, 0), size)
    offset = (half - np.arange(first, stop)) / length
    return SpectrumRange(
        part=slice(first, stop), offset=offset, ppm=shift_from_offset(offset, sfo1, sf)
    )


def transform_signal(fid: Complex, time: Array, size: int, part: slice = slice(None)) -> Complex:
    """Return the spectra of time signals whose axis may begin anywhere.

    S(nu) = sum_n s(t_n) exp(-2 pi i nu t_n); the time axis itself carries the group delay of the
    digital filter.

    Parameters
    ----------
    fid : ndarray, shape (..., time)
        Complex signal, in any unit.
    time : ndarray, shape (time,)
        Evenly spaced [s].
    size : int
        Points of the spectrum (zero filled).
    part : slice
        Points of it that are wanted.

    Returns
    -------
    ndarray, shape (..., part)
        Spectra on the axis of `offsets_from_time`, in the unit of `fid`.
    """
    from scipy.fft import ifft

    half = (size + 1) // 2
    first, last, _ = part.indices(size)
    count = last - first
    width = 1 / (size * _mean_step(time))
    start = np.array([-2j * np.pi * float(time[0])])
    wave = build_exponentials(start, (half - first) * width, -width, count)[0]
    spectra = np.empty((*fid.shape[:-1], count), complex)
    cut = min(max(half - first, 0), count)
    rows, out = fid.reshape(-1, fid.shape[-1]), spectra.reshape(-1, count)
    block = max(BLOCK_POINTS // size, 1)
    for place in range(0, len(rows), block):
        # ifft has the sign that makes frequencies fall; norm="forward" leaves out its 1/n.
        rising = ifft(rows[place : place + block], size, axis=-1, norm="forward")
        positive = rising[:, first + size - half :][:, :cut]
        negative = rising[:, max(first - half, 0) : max(last - half, 0)]
        target = out[place : place + block]
        np.multiply(positive, wave[:cut], out=target[:, :cut])
        np.multiply(negative, wave[cut:], out=target[:, cut:])
    return spectra


def _mean_step(time: Array) -> float:
    return float(time[-1] - time[0]) / (time.size - 1)
