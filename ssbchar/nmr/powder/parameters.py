"""The parameters of a line's powder pattern, and their bounds."""

from __future__ import annotations

import numpy as np

from ssbchar.typing import Array, Bool

COUPLING, ASYMMETRY, SATELLITES, ANISOTROPY, SHIFT_ASYMMETRY, SCATTER = range(6)
"""Places in the row of a pattern: C_Q [Hz], eta_Q, the satellites' signal over that by ideal
pulses, zeta of the shift [Hz], its eta, and the scale of a Czjzek distribution [Hz] in place of C_Q
and eta."""
PARAMETERS = 6
FOUR_LN2 = 4.0 * np.log(2.0)
"""Of a Gaussian's full width at half maximum."""
LOWEST = np.array([15e3, 0.0, 0.0, -1.5e4, 0.0, 1e3])
HIGHEST = np.array([3e5, 1.0, 1.2, 1.5e4, 1.0, 1e5])
"""Bounds of a fit. Pulses that favour the satellites may give them more than ideal ones do."""


def bound_patterns(fitted: Bool) -> tuple[Array, Array]:
    """Return the lowest and highest values of what is fitted, line by line.

    Parameters
    ----------
    fitted : ndarray of bool, shape (line, parameter)
        Which parameters [Hz or dimensionless] are fitted.
    """
    size = fitted.shape
    low, high = np.broadcast_to(LOWEST, size), np.broadcast_to(HIGHEST, size)
    return low[fitted], high[fitted]
