"""Complex exponentials on an even axis, and sums over them, from a coarse and a fine part."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


def build_exponentials(
    rate: NDArray[np.complexfloating], start: float, step: float, count: int, more: int = 0
) -> NDArray[np.complex128]:
    """Return exp(rate (start + k step)) for k = 0 .. count - 1, shape (rate + more, count).

    With k = m b + n it is the outer product of exp(rate (start + m b step)) and exp(rate n step),
    which takes about 2 sqrt(count) exponentials instead of count.

    Parameters
    ----------
    rate : ndarray, shape (rate,)
        [1/s where the axis is in s].
    start, step : float
        First point and distance of the axis.
    count : int
        Points of the axis.
    more : int
        Rows below that are left for the caller to fill.
    """
    coarse, fine = _parts(rate, start, step, count)
    n, many, block = *coarse.shape, fine.shape[1]
    table = np.empty((n + more, many * block), complex)
    np.multiply(coarse[:, :, None], fine[:, None, :], out=table[:n].reshape(n, many, block))
    return table[:, :count]


def sum_exponentials(
    values: NDArray[np.float64], rate: NDArray[np.complexfloating], start: float, step: float
) -> NDArray[np.complex128]:
    """Return sum_k values_k exp(rate (start + k step)), shape (rate,), without forming the
    exponentials.

    Parameters
    ----------
    values : ndarray, shape (k,)
        Real.
    rate, start, step
        As in `exponentials`.
    """
    coarse, fine = _parts(rate, start, step, values.size)
    table = np.zeros((coarse.shape[1], fine.shape[1]))
    table.ravel()[: values.size] = values
    return np.asarray((((coarse.real @ table) + 1j * (coarse.imag @ table)) * fine).sum(axis=1))


def _parts(
    rate: NDArray[np.complexfloating], start: float, step: float, count: int
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return exp(rate (start + m b step)) and exp(rate n step), n < b."""
    axis, many = _axis(step, count)
    both = np.exp(rate[:, None] * axis)
    coarse = both[:, :many]
    return coarse * np.exp(rate * start)[:, None] if start else coarse, both[:, many:]


@functools.lru_cache(16)
def _axis(step: float, count: int) -> tuple[NDArray[np.float64], int]:
    """Return m b step, then n step with n < b, and how many m there are."""
    block = 1 << (count.bit_length() + 1) // 2
    many = -(-count // block)
    return step * np.concatenate([block * np.arange(many), np.arange(block)]), many
