"""An offset of the counters, told by an absorption that follows the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

LEAST_CHANGE = 0.1
"""I0 must change by this share from one point to the next to tell anything [1]."""
ABOVE_USUAL = 10.0
"""And by so many times what it usually changes [1]."""
FEWEST = 2
"""Changes that must agree: one alone may be a counter's range, switched."""
LARGEST = 0.3
"""An offset of more than this share of I0 is none: a wild reading of one counter looks like one of
all of it [1]."""
LEAST_OFFSET, SIGMAS = 0.003, 6.0
"""An offset counts from this share of I0, and so many standard errors [1]."""
AROUND = 12
"""Steps on each side that tell the noise."""
SCATTER = 3.0
"""The changes agree where they scatter by no more standard errors than this [1]."""


@dataclass(frozen=True, kw_only=True)
class Offset:
    """What the counters read too much, in terms of I0."""

    share: float
    """d0 - d1 I0/I1, of the median I0, with offsets d0 of I0 and d1 of the transmitted beam [1]."""
    stderr: float
    largest_change: float
    """Largest change of I0 between two points [1]."""


def find_offset(i0: Array, i1: Array) -> Offset | None:
    """Return the offset that an absorption tells where it follows sudden changes of the beam.

    Counters that read d0 and d1 without beam give ln(I0/I1) + d0/I0 - d1/I1 for small offsets: a
    refill or a glitch of the beam, which changes no absorption, moves it by (d0 - d1 I0/I1) times
    the change of 1/I0.

    Parameters
    ----------
    i0, i1 : array, shape (point,)
        Readings in the order of the scan, NaN where there are none.

    Returns
    -------
    Offset or None
        None where the beam does not change suddenly, or the absorption does not follow it.
    """
    good = np.isfinite(i0) & np.isfinite(i1) & (i0 > 0) & (i1 > 0)
    beam, mu = i0[good], np.log(i0[good] / i1[good])
    if beam.size < 20:
        return None
    change, rise = np.diff(np.log(beam)), np.diff(mu)
    usual = float(np.median(np.abs(change)))
    sudden = np.abs(change) > max(LEAST_CHANGE, ABOVE_USUAL * usual)
    typical = float(np.median(beam))
    off = np.full(rise.size, np.nan)
    # What a cubic through the two steps on each side misses; an oscillation of 20 points is kept.
    off[2:-2] = rise[2:-2] - (4 * (rise[1:-3] + rise[3:-1]) - rise[:-4] - rise[4:]) / 6
    is_plain = ~np.convolve(sudden, np.ones(5), "same").astype(bool) & np.isfinite(off)
    shares, errors = [], []
    for i in np.flatnonzero(sudden & np.isfinite(off)).tolist():
        near = slice(max(i - AROUND, 0), i + AROUND + 1)
        plain = off[near][is_plain[near]]
        if sudden[i - 2 : i + 3].sum() > 1 or plain.size < AROUND:
            continue
        inverse = (1 / beam[i + 1] - 1 / beam[i]) * typical
        shares.append(off[i] / inverse)
        errors.append(max(sigma_from_deviations(plain), 1e-12) / abs(inverse))
    share, error = np.array(shares), np.array(errors)
    small = np.abs(share) < LARGEST
    if small.sum() < FEWEST or 2 * small.sum() <= share.size:
        return None
    share, error = share[small], error[small]
    power = 1 / error**2
    mean, stderr = float(share @ power / power.sum()), float(1 / np.sqrt(power.sum()))
    scatter = float(np.sqrt(((share - mean) ** 2 @ power) / (share.size - 1)))
    stderr *= max(scatter, 1.0)
    if scatter > SCATTER or abs(mean) < max(LEAST_OFFSET, SIGMAS * stderr):
        return None
    return Offset(share=mean, stderr=stderr, largest_change=float(np.abs(change[sudden]).max()))


def describe_offset(offset: Offset, i0: str, i1: str) -> str:
    """Return what is told of an offset, with the names of both counters."""
    return (
        f"the absorption follows sudden changes of {i0} (by up to "
        f"{100 * (np.exp(offset.largest_change) - 1):.0f} %): {i0} or {i1} reads an offset, "
        f"{100 * abs(offset.share):.1f} % of {i0} by it (measure both without beam: read.dark), or "
        "harmonics pass"
    )
