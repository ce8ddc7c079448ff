"""What a fitted line may be called, and what it may not."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssbchar.typing import Array


class LineKind(StrEnum):
    """What a line may be."""

    LI_METAL = "Li metal"
    NEAR_BONDED_SI = "Li-Si, Li near bonded Si"
    NEAR_ISOLATED_SI = "Li-Si, Li near isolated Si"
    DIAMAGNETIC = "diamagnetic Li possible"
    SATELLITE = "possible satellite pair"
    IMAGE = "possible quadrature image"
    UNASSIGNED = "unassigned"


LI_SI_KINDS = (LineKind.NEAR_BONDED_SI, LineKind.NEAR_ISOLATED_SI)
"""Lines that are Li-Si by their shift."""
SALT_RANGE = (-3.0, 3.0)
"""Where diamagnetic Li salts lie [ppm]."""
REFERENCE_ERROR = 0.5
"""Standard uncertainty of the shift scale of a static powder spectrum [ppm]; ours."""
KNOWN_RANGES = (
    (LineKind.LI_METAL, 240.0, 280.0),
    (LineKind.NEAR_BONDED_SI, 12.0, 25.0),
    (LineKind.NEAR_ISOLATED_SI, 3.0, 12.0),
    (LineKind.DIAMAGNETIC, *SALT_RANGE),
)
"""Kinds with their ranges of shift [ppm]; the first that fits is taken. The two Li-Si kinds lie at
about 18 and 6 ppm (B. Key et al., J. Am. Chem. Soc. 131 (2009) 9239); the ranges between are
ours."""
DIAMAGNETIC_LIMIT = 200.0
"""Lines with a smaller shift are compared as satellites [ppm]."""
PAIR_CENTRE = (-10.0, 15.0)
"""A symmetric pair of weak lines about a centre in this range [ppm] may be quadrupolar
satellites."""
PAIR_LEAST = 20.0
"""Least distance of a satellite from the centre [ppm]."""
PAIR_RATIO = 3.0
"""Areas of a pair differ by less than this factor, and each is below one over it of the total."""
IMAGE_SHARE = 0.02
"""Largest share of a line's area that its image by unequal receiver channels may have."""
IMAGE_NEAR = 2.0
"""Least tolerance of the place of an image [ppm]."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    shift: float
    stderr: float
    area: float


def assign_lines(
    shift: ArrayLike, stderr: ArrayLike, area: ArrayLike, carrier: float | None = None
) -> NDArray[np.str_]:
    """Return a cautious name for each line: its `LineKind`, and of which centre or line where it is
    a satellite or an image.

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

    Returns
    -------
    ndarray of str, shape (line,)
        Names.
    """
    lines = _collect_lines(shift, stderr, area)
    kinds = [_find_kind(line.shift) for line in lines]
    names = [str(kind) for kind in kinds]
    for i, centre in _find_satellites(lines, kinds).items():
        names[i] = f"{LineKind.SATELLITE} about {centre:.0f} ppm"
    for i, strong in _find_images(lines, carrier).items():
        names[i] = f"{LineKind.IMAGE} of {lines[strong].shift:.0f} ppm"
    return np.array(names)


def salt_probabilities(
    shift: ArrayLike, stderr: ArrayLike, area: ArrayLike, carrier: float | None = None
) -> Array:
    """Return the probability that each line of the Li-Si region is a diamagnetic salt, or no Li of
    the sample at all.

    It is the share of N(shift, hypot(stderr, `REFERENCE_ERROR`)) within the range of salts: a line
    at the range's edge is neither, and noise cannot flip it. A pair of satellites goes by its
    centre; a quadrature image is no Li. A line that lies where neither salts nor the named Li-Si
    lines do is not a salt for that.

    Parameters
    ----------
    shift, stderr, area : array_like, shape (line,)
        Shift, its standard error [ppm], and area.
    carrier : float, optional
        Shift of the middle of the spectrum [ppm].

    Returns
    -------
    ndarray, shape (line,)
        Probabilities [dimensionless].
    """
    from scipy.special import ndtr

    lines = _collect_lines(shift, stderr, area)
    kinds = [_find_kind(line.shift) for line in lines]
    place = np.array([line.shift for line in lines])
    for i, centre in _find_satellites(lines, kinds).items():
        place[i] = centre
    error = np.hypot([line.stderr for line in lines], REFERENCE_ERROR)
    low, high = SALT_RANGE
    probability = np.asarray(ndtr((high - place) / error) - ndtr((low - place) / error))
    probability[list(_find_images(lines, carrier))] = 1.0
    return probability


def _collect_lines(shift: ArrayLike, stderr: ArrayLike, area: ArrayLike) -> list[_Line]:
    return [
        _Line(shift=float(delta), stderr=float(error), area=float(size))
        for delta, error, size in zip(
            np.asarray(shift, float),
            np.asarray(stderr, float),
            np.asarray(area, float),
            strict=True,
        )
    ]


def _find_satellites(lines: list[_Line], kinds: list[LineKind]) -> dict[int, float]:
    """Return the centre [ppm] of the pair of every line that may be a satellite."""
    total = sum(line.area for line in lines if _is_diamagnetic(line))
    centres: dict[int, float] = {}
    for (i, first), (j, second) in itertools.combinations(enumerate(lines), 2):
        # What lies where Li-Si does is Li-Si first, however well it pairs.
        own = [LineKind.SATELLITE if k in centres else kinds[k] for k in (i, j)]
        is_li_si = any(kind in LI_SI_KINDS for kind in own)
        if not is_li_si and _are_satellites(first, second, total):
            centres[i] = centres[j] = (first.shift + second.shift) / 2
    return centres


def _find_images(lines: list[_Line], carrier: float | None) -> dict[int, int]:
    """Return the strong line of every line that may be its quadrature image."""
    if carrier is None:
        return {}
    return {
        i: j
        for (i, line), (j, strong) in itertools.product(enumerate(lines), enumerate(lines))
        if i != j and _is_image(line, strong, carrier)
    }


def _find_kind(shift: float) -> LineKind:
    for kind, low, high in KNOWN_RANGES:
        if low <= shift <= high:
            return kind
    return LineKind.UNASSIGNED


def _is_diamagnetic(line: _Line) -> bool:
    return abs(line.shift) < DIAMAGNETIC_LIMIT


def _are_satellites(first: _Line, second: _Line, total: float) -> bool:
    """Return whether two lines may be the horns of one quadrupolar powder pattern."""
    if not (_is_diamagnetic(first) and _is_diamagnetic(second)):
        return False
    weak, strong = min(first.area, second.area), max(first.area, second.area)
    if weak <= 0:
        return False
    alike = strong < PAIR_RATIO * weak and strong < total / PAIR_RATIO
    centre, half = (first.shift + second.shift) / 2, abs(first.shift - second.shift) / 2
    apart = half > PAIR_LEAST + 2 * (first.stderr + second.stderr)
    return alike and PAIR_CENTRE[0] <= centre <= PAIR_CENTRE[1] and apart


def _is_image(line: _Line, strong: _Line, carrier: float) -> bool:
    """Return whether a line may be the mirror image of a strong one about the carrier."""
    # A quadrature image has the opposite frequency against the carrier.
    away = abs(line.shift + strong.shift - 2 * carrier)
    tolerance = max(IMAGE_NEAR, 3 * math.hypot(line.stderr, strong.stderr))
    return 0 < line.area <= IMAGE_SHARE * strong.area and away < tolerance


def coupling_from_horns(half_distance: float, frequency: float) -> float:
    """Return C_Q = 4 nu of horns at +-nu about the centre (spin 3/2, first order, asymmetry zero).

    The horns stand at theta = 90 degrees, half of nu_Q = C_Q / 2 from the centre.

    Parameters
    ----------
    half_distance : float
        Of the horns from their centre [ppm].
    frequency : float
        Spectrometer frequency [MHz].

    Returns
    -------
    float
        Quadrupolar coupling constant [Hz].
    """
    return 4 * half_distance * frequency
