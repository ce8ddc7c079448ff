"""Complex exponentials on an even axis, and sums over them, from a coarse and a fine part."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array, Complex


def build_exponentials(
    rate: NDArray[np.complexfloating], start: float, step: float, count: int, more: int = 0
) -> Complex:
    """Return exp(rate (start + k step)) for k = 0 .. count - 1.

    With k = m b + n it is the outer product of exp(rate (start + m b step)) and exp(rate n step),
    which takes about 2 sqrt(count) exponentials instead of count.

    Parameters
    ----------
    rate : ndarray, shape (rate,)
        [1/s where the axis is in s].
    start, step : float
        First point and spacing of the axis.
    count : int
        Points of the axis.
    more : int
        Rows below that are left for the caller to fill.

    Returns
    -------
    ndarray, shape (rate + more, count)
        The exponentials, and `more` uninitialised rows.
    """
    coarse, fine = _build_factors(rate, start, step, count)
    rates, blocks = coarse.shape
    block = fine.shape[1]
    table = np.empty((rates + more, blocks * block), complex)
    outer = table[:rates].reshape(rates, blocks, block)
    np.multiply(coarse[:, :, None], fine[:, None, :], out=outer)
    # The last block reaches beyond the axis where count is no multiple of the block.
    return table[:, :count]


def sum_exponentials(
    values: Array, rate: NDArray[np.complexfloating], start: float, step: float
) -> Complex:
    """Return sum_k values_k exp(rate (start + k step)) without forming the exponentials.

    Parameters
    ----------
    values : ndarray, shape (k,)
        Real weights, in any unit.
    rate : ndarray, shape (rate,)
        [1/s where the axis is in s].
    start, step : float
        First point and spacing of the axis.

    Returns
    -------
    ndarray, shape (rate,)
        The sums, in the unit of `values`.
    """
    coarse, fine = _build_factors(rate, start, step, values.size)
    table = np.zeros((coarse.shape[1], fine.shape[1]))
    table.ravel()[: values.size] = values
    # Two real products are faster than one of a complex with a real matrix.
    over_blocks = (coarse.real @ table) + 1j * (coarse.imag @ table)
    return np.asarray((over_blocks * fine).sum(axis=1))


def _build_factors(
    rate: NDArray[np.complexfloating], start: float, step: float, count: int
) -> tuple[Complex, Complex]:
    """Return exp(rate (start + m b step)) and exp(rate n step), n < b."""
    axis, blocks = _split_axis(step, count)
    both = np.exp(rate[:, None] * axis)
    coarse, fine = both[:, :blocks], both[:, blocks:]
    if start:
        coarse = coarse * np.exp(rate * start)[:, None]
    return coarse, fine


@functools.lru_cache(16)
def _split_axis(step: float, count: int) -> tuple[Array, int]:
    """Return m b step, then n step with n < b, and how many m there are."""
    block = 1 << (count.bit_length() + 1) // 2
    blocks = -(-count // block)
    return step * np.concatenate([block * np.arange(blocks), np.arange(block)]), blocks
