"""What a fitted line may be called, and what it may not."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

GUIDE = (
    ("Li metal", 240.0, 280.0),
    ("Li-Si, Li near bonded Si", 12.0, 25.0),
    ("Li-Si, Li near isolated Si", 3.0, 12.0),
    ("diamagnetic Li possible", -3.0, 3.0),
)
"""Names with their ranges [ppm]. The two Li-Si kinds lie at about 18 and 6 ppm (B. Key et al., J.
Am. Chem. Soc. 131 (2009) 9239); the ranges between are ours."""
PAIR_CENTRE = (-10.0, 15.0)
"""A symmetric pair of weak lines about a centre in this range [ppm] may be quadrupolar
satellites."""
PAIR_LEAST = 20.0
"""Least distance of a satellite from the centre [ppm]."""


IMAGE = 0.02
"""Largest share of a line's area that its image by unequal receiver channels may have."""


def assign_lines(
    shift: ArrayLike, stderr: ArrayLike, area: ArrayLike, carrier: float | None = None
) -> NDArray[np.str_]:
    """Return a cautious name for each line.

    Two lines, both at least 20 ppm from a common centre within -10..15 ppm, on opposite sides and
    of areas within a factor of three of each other and below a third of the total, are named a
    possible satellite pair, the horns of a quadrupolar powder pattern at +-C_Q/4 for spin 3/2,
    never a phase. A line at the mirror image of one fifty times stronger about the carrier may be
    its quadrature image. Shifts outside every range stay unassigned.

    Parameters
    ----------
    shift, stderr, area : array_like, shape (line,)
        Shift, its standard error [ppm], and area.
    carrier : float, optional
        Shift of the middle of the spectrum [ppm].
    """
    delta, error, size = (np.asarray(v, float).tolist() for v in (shift, stderr, area))
    names = [next((n for n, low, high in GUIDE if low <= d <= high), "unassigned") for d in delta]
    diamagnetic = [abs(d) < 200 for d in delta]
    total = sum(s for s, near in zip(size, diamagnetic, strict=True) if near)
    for i in range(len(delta)):
        for j in range(i + 1, len(delta)):
            if not (diamagnetic[i] and diamagnetic[j]) or min(size[i], size[j]) <= 0:
                continue
            centre, half = (delta[i] + delta[j]) / 2, abs(delta[i] - delta[j]) / 2
            alike = (
                max(size[i], size[j]) < 3 * min(size[i], size[j])
                and max(size[i], size[j]) < total / 3
            )
            near = PAIR_CENTRE[0] <= centre <= PAIR_CENTRE[1] and half > PAIR_LEAST + 2 * (
                error[i] + error[j]
            )
            if alike and near and "Li-Si" not in names[i] + names[j]:
                names[i] = names[j] = f"possible satellite pair about {centre:.0f} ppm"
    if carrier is None:
        return np.array(names)
    for i in range(len(delta)):
        for j in range(len(delta)):
            away = abs(delta[i] + delta[j] - 2 * carrier)
            if (
                i != j
                and 0 < size[i] <= IMAGE * size[j]
                and away < max(2.0, 3 * math.hypot(error[i], error[j]))
            ):
                names[i] = f"possible quadrature image of {delta[j]:.0f} ppm"
    return np.array(names)


def coupling_from_horns(half_distance: float, frequency: float) -> float:
    """Return C_Q = 4 nu of horns at +-nu about the centre (spin 3/2, first order, asymmetry zero)
    [Hz].

    The horns stand at theta = 90 degrees, half of nu_Q = C_Q / 2 from the centre.

    Parameters
    ----------
    half_distance : float
        [ppm].
    frequency : float
        Spectrometer frequency [MHz].
    """
    return 4 * half_distance * frequency
