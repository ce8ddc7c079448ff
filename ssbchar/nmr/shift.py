"""Chemical shift of a frequency offset, and the spectrum on that axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shift_from_offset(offset: ArrayLike, sfo1: float, sf: float) -> NDArray[np.float64]:
    """Return delta = (SFO1 + nu - SF) / SF as TopSpin does (Harris et al., Pure Appl. Chem. 73 (2001) 1795).

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


def transform(
    fid: NDArray[np.complex128], time: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Return offsets [Hz], falling from the +SW/2 edge, and the spectra of time signals whose axis may begin anywhere.

    S(nu) = sum_n s(t_n) exp(-2 pi i nu t_n); the time axis itself carries the group delay of the digital filter.

    Parameters
    ----------
    fid : ndarray, shape (..., time)
        Complex signal.
    time : ndarray, shape (time,)
        Evenly spaced [s].
    size : int
        Points of the spectrum (zero filled).
    """
    step = (time[-1] - time[0]) / (time.size - 1)
    nu = np.fft.fftfreq(size, step)
    order = np.roll(np.argsort(nu, kind="stable")[::-1], 1)
    raw = np.fft.fft(fid, size, axis=-1) * np.exp(-2j * np.pi * nu * time[0])
    offset = nu[order]
    offset[0] = abs(offset[0])
    return offset, raw[..., order]
