"""Chemical shift of a frequency offset from the carrier, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.typing import Array


def shift_from_offset(offset: ArrayLike, sfo1: float, sf: float) -> Array:
    """Return delta = (SFO1 + nu - SF) / SF as TopSpin does (Harris et al., Pure Appl. Chem. 73
    (2001) 1795).

    Parameters
    ----------
    offset : array_like, shape (...)
        Frequency nu against the carrier [Hz].
    sfo1, sf : float
        Carrier frequency and frequency of 0 ppm [MHz].

    Returns
    -------
    ndarray, shape (...)
        Chemical shift [ppm].
    """
    return np.asarray((sfo1 - sf) * 1e6 + np.asarray(offset, float)) / sf


def offset_from_shift(shift: ArrayLike, sfo1: float, sf: float) -> Array:
    """Return nu = delta SF - (SFO1 - SF), the inverse of `shift_from_offset`.

    Parameters
    ----------
    shift : array_like, shape (...)
        Chemical shift [ppm].
    sfo1, sf : float
        Carrier frequency and frequency of 0 ppm [MHz].

    Returns
    -------
    ndarray, shape (...)
        Frequency against the carrier [Hz].
    """
    return np.asarray(shift, float) * sf - (sfo1 - sf) * 1e6
