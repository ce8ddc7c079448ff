"""What an amplitude owes to where the points of a scan lie."""

from __future__ import annotations

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array


def estimate_sampling_error(
    before: Array, after: Array, e0: float, *, k_range: tuple[float, float], places: Array
) -> Array:
    """Return the relative error of a ratio of amplitudes from points that lie elsewhere.

    Nobody knows the spectrum between two points. A straight line between points h apart in k takes
    f (1 - f) (2 R h)^2 / 2 from an oscillation exp(2 i k R) at the share f of the way, a spline
    nothing if the spectrum is as smooth as a spline. Their difference, averaged over the points of
    one spectrum between those of the other, bounds what the ratio may be off by; every value within
    the bound is as likely, and the standard error is the bound over the root of 3 (JCGM 100:2008,
    4.3.7). Of points at the same energies it is zero: whatever is lost is lost of both.

    Parameters
    ----------
    before, after : array, shape (point,)
        Energies of both spectra [eV], on one axis.
    e0 : float
        Origin of the photoelectron energy [eV].
    k_range : tuple of float
        Ends of the window in k [1/angstrom].
    places : array, shape (shell,)
        R of the shells [angstrom].

    Returns
    -------
    array, shape (shell,)
    """
    first, second = (np.sqrt(ETOK * x[x > e0] - ETOK * e0) for x in (before, after))
    second = second[(second > max(k_range[0], first[0])) & (second < min(k_range[1], first[-1]))]
    if not second.size:
        return np.zeros(places.size)
    below = np.clip(np.searchsorted(first, second, side="right") - 1, 0, first.size - 2)
    step = first[below + 1] - first[below]
    share = (second - first[below]) / step
    bound = 2 * places**2 * float(np.mean(share * (1 - share) * step**2))
    return np.asarray(bound / np.sqrt(3))
