"""What a fit needs of a decay: good slices, their points, their noise, the end of the signal."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.read import SliceStatus
from ssbchar.nmr.regions import Regions
from ssbchar.nmr.transform.chemical_shift import offset_from_shift
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Complex, Index

TAIL = 0.1
"""Share of the decay, at its end, that gives the noise."""
LEAST_TAIL = 8
"""Points of the tail at least."""
OFFSET_PART = 4
"""The last part of the decay, one over this, tells the receiver's offset."""
OFFSET_SEEN = 5.0
"""Standard errors above which an offset is one, and below which two halves agree on it."""
BLOCK = 64
"""Points of a block in which signal is looked for."""
LEAST_BLOCKS = 4
"""Shorter decays are taken whole."""
LEAST_POINTS = 256
"""Points kept at least."""
VISIBLE = 6.0
"""Excess of a block's power above noise, in its standard errors."""


def find_good_slices(fid: xr.Dataset) -> Index:
    """Return the positions of the slices that can be used.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`; times in s.

    Returns
    -------
    ndarray of int, shape (good slice,)
        Positions along ``slice``.

    Raises
    ------
    BadInput
        There is none.
    """
    good = np.flatnonzero(fid.variables["status"].values == SliceStatus.OK)
    if not good.size:
        raise BadInput(fid.attrs.get("measurement", "series"), "no good slice", "measure it again")
    return good


def collect_points(fid: xr.Dataset, good: Index) -> Complex:
    """Return the complex points of these slices.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    good : ndarray of int, shape (slice,)
        Positions.

    Returns
    -------
    ndarray, shape (slice, time)
        A copy, in the unit of the data.
    """
    real, imag = fid.variables["real"].values, fid.variables["imag"].values
    if good.size < len(real):
        real, imag = real[good], imag[good]
    # real + 1j * imag would make two more copies of a long series.
    y = np.empty((good.size, real.shape[1]), complex)
    y.real, y.imag = real, imag
    return remove_offset(y)


def remove_offset(y: Complex) -> Complex:
    """Return decays without the constant that the receiver adds to them.

    It is the mean of the last quarter, taken off where it stands out of the noise of that mean and
    both halves of the quarter agree on it: what still decays there is signal.

    Parameters
    ----------
    y : ndarray, shape (slice, time)
        Decays, in any unit.

    Returns
    -------
    ndarray, shape (slice, time)
        In the same unit.
    """
    points = y.shape[1] // OFFSET_PART
    if points < LEAST_TAIL:
        return y
    half = points // 2
    earlier, later = y[:, -points:-half].mean(axis=1), y[:, -half:].mean(axis=1)
    offset = (earlier + later) / 2
    # Of the tail alone: a long series is not copied.
    tail = y[:, -_count_tail(y) :] - offset[:, None]
    error = noise_from_tail(tail, end=0) / np.sqrt(half)
    is_there = np.abs(offset) > OFFSET_SEEN * error / np.sqrt(2)
    is_constant = np.abs(earlier - later) < OFFSET_SEEN * np.sqrt(2) * error
    if not (is_there & is_constant).any():
        return y
    return np.asarray(y - np.where(is_there & is_constant, offset, 0.0)[:, None])


def noise_from_tail(y: Complex, end: int | None = None) -> Array:
    """Return sigma = 1.4826 median |x| of the last tenth, which a weak remaining signal hardly
    moves, or of all that lies behind the end of the signal where that is more.

    Parameters
    ----------
    y : ndarray, shape (slice, time)
        Decays, in any unit.
    end : int, optional
        Number of points after which only noise is left.

    Returns
    -------
    ndarray, shape (slice,)
        Standard deviation of real and imaginary part, in the unit of `y`.
    """
    points = _count_tail(y)
    if end is not None:
        points = max(points, y.shape[1] - end)
    size = np.abs(np.ascontiguousarray(y[:, -points:]).view(float))
    middle = size.shape[1] // 2
    # The mean of the two middle values, as np.median has it; NumPy looks for one of them five times
    # as fast as for both.
    size.partition(middle, axis=1)
    return np.asarray(MAD_TO_SIGMA / 2 * (size[:, :middle].max(axis=1) + size[:, middle]))


def _count_tail(y: Complex) -> int:
    """Return the number of points of a decay's last tenth."""
    return max(int(y.shape[1] * TAIL), LEAST_TAIL)


def find_signal_end(y: Complex, sigma: Array) -> int:
    """Return the number of points after which only noise is left.

    Twice the last block of 64 points in which any slice has power above noise, at least 256 points.

    Parameters
    ----------
    y : ndarray, shape (slice, time)
        Decays, in any unit.
    sigma : ndarray, shape (slice,)
        Standard deviation of real and imaginary part, in the same unit.
    """
    blocks = y.shape[1] // BLOCK
    if blocks < LEAST_BLOCKS:
        return int(y.shape[1])
    cut = y[:, : blocks * BLOCK].reshape(len(y), blocks, BLOCK)
    power = (cut.real**2 + cut.imag**2).sum(axis=2) / (2 * BLOCK * sigma[:, None] ** 2)
    visible = np.flatnonzero((power > 1 + VISIBLE / np.sqrt(BLOCK)).any(axis=0))
    last = int(visible[-1]) + 1 if visible.size else 2
    return min(int(y.shape[1]), max(LEAST_POINTS, 2 * BLOCK * last))


def build_ringing(points: Array) -> Complex:
    """Return orthonormal columns along which a digital filter's response to the sharp start of the
    signal lies.

    Cutting the band at the Nyquist frequency turns a step into a step and (-1)^n (c1/n + c2/n^2 +
    ...) / pi^2, n the points since the start (Gibbs ringing); c1 and c2 are left free.

    Parameters
    ----------
    points : ndarray, shape (time,)
        Time since the start [points], above zero, one apart.

    Returns
    -------
    ndarray, shape (2, time)
        Orthonormal [dimensionless].
    """
    sign = 1.0 - 2.0 * (np.arange(points.size) % 2)
    first, second = sign / points, sign / points**2
    first /= np.linalg.norm(first)
    second -= (first @ second) * first
    return np.stack([first, second / np.linalg.norm(second)]).astype(complex)


def offsets_from_regions(regions: Regions, fid: xr.Dataset) -> tuple[Array, Array]:
    """Return the lowest and highest frequency of each region.

    Parameters
    ----------
    regions : Regions
        Windows of shift [ppm].
    fid : Dataset
        For its reference, ``sfo1`` and ``sf`` [MHz].

    Returns
    -------
    tuple of ndarray, shape (region,)
        Against the carrier [Hz], within the spectral width: a frequency beyond it is that of
        another one inside. A region that lies outside ends up as the nearest end of the width
        (`ssbchar.nmr.transform.coverage` says what that means for its share).
    """
    edges = np.array(regions.edges())
    low, high = offset_from_shift(edges, fid.attrs["sfo1"], fid.attrs["sf"]).T
    half = float(fid.attrs["sw"]) / 2
    return np.clip(low, -half, half), np.clip(high, -half, half)
