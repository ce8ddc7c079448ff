"""Complex exponentials on an even axis, from a coarse and a fine part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def exponentials(rate: NDArray[np.complexfloating], start: float, step: float, count: int) -> NDArray[np.complex128]:
    """Return exp(rate (start + k step)) for k = 0 .. count - 1, shape (rate, count).

    With k = m b + n it is the outer product of exp(rate (start + m b step)) and exp(rate n step), which takes
    about 2 sqrt(count) exponentials instead of count.

    Parameters
    ----------
    rate : ndarray, shape (rate,)
        [1/s where the axis is in s].
    start, step : float
        First point and distance of the axis.
    count : int
        Points of the axis.
    """
    block = 1 << (count.bit_length() + 1) // 2
    coarse = np.exp(rate[:, None] * (start + step * block * np.arange(-(-count // block))))
    fine = np.exp(rate[:, None] * (step * np.arange(block)))
    return np.asarray((coarse[:, :, None] * fine[:, None, :]).reshape(rate.size, -1)[:, :count])
