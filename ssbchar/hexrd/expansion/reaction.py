"""Where a phase reacts: its intensity leaves the level it began a segment with, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.furnace.segments import Segment
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 6
"""Frames with the phase from which a level is known."""
FIRST_SHARE = 5
"""The level is that of the first fifth of the frames, at least three."""
SURELY = 4
"""Standard deviations from which an intensity is off its level."""


def flag_reacting(lattice: xr.Dataset, segments: list[Segment], share: float) -> NDArray[np.int8]:
    """Return 1 where a phase's intensity has left its first level on the segment for good, by a
    share of the level and by four sigma.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``intensity`` [counts], its ``_stderr`` and ``present`` of shape (frame,
        phase).
    segments : list of Segment
    share : float
        [1]

    Returns
    -------
    ndarray of int8, shape (frame, phase)
    """
    intensity, stderr = lattice["intensity"].values, lattice["intensity_stderr"].values
    is_known = np.isfinite(intensity) & (lattice["present"].values == 1)
    flags = np.zeros(intensity.shape, np.int8)
    for segment in segments:
        for p in range(intensity.shape[1]):
            frames = segment.frames[is_known[segment.frames, p]]
            if frames.size >= FEWEST:
                flags[frames, p] = _has_left(intensity[frames, p], stderr[frames, p], share)
    return flags


def _has_left(intensity: Array, stderr: Array, share: float) -> Bool:
    """Return from where on all intensities are off the first level."""
    # At the start of a segment nothing has reacted yet.
    first = intensity[: max(3, intensity.size // FIRST_SHARE)]
    level = float(np.median(first))
    scatter = sigma_from_deviations(first - level)
    off = np.abs(intensity - level)
    has_gone = (off > share * level) & (off > SURELY * np.hypot(stderr, scatter))
    # A frame that has returned ends what came before it.
    return np.asarray(np.logical_and.accumulate(has_gone[::-1])[::-1])


def find_reaction_temperature(flags: NDArray[np.int8], temperature: Array) -> float:
    """Return the temperature [degC] of the first flagged frame, NaN where none is; both arrays have
    shape (n,)."""
    flagged = np.flatnonzero(flags)
    return float(temperature[flagged[0]]) if flagged.size else float("nan")
