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
    BROAD_LI_SI = "Li-Si, Li near bonded Si, possible"
    """Beyond the shifts of single phases: small clusters of Si, and broad static spectra."""
    OVERLITHIATED = "Li-Si, overlithiated, possible"
    DIAMAGNETIC = "diamagnetic Li possible"
    SATELLITE = "possible satellite pair"
    IMAGE = "possible quadrature image"
    UNASSIGNED = "unassigned"


LI_SI_KINDS = (LineKind.NEAR_BONDED_SI, LineKind.NEAR_ISOLATED_SI)
"""Lines that are Li-Si by their shift."""
LI_SI_RANGE = (3.0, 25.0)
"""Where they lie [ppm]."""
SALT_RANGE = (-3.0, 3.0)
"""Where diamagnetic Li salts lie [ppm]."""
REFERENCE_ERROR = 0.5
"""Standard uncertainty of the shift scale of a static powder spectrum [ppm]; ours."""
PLACE_OF_WIDTH = 0.02
"""Standard uncertainty of where a line's nuclei lie, over its width: susceptibility and anisotropic
shift skew a static line; ours [1]."""
KNOWN_RANGES = (
    (LineKind.LI_METAL, 240.0, 280.0),
    (LineKind.NEAR_BONDED_SI, 12.0, 25.0),
    (LineKind.NEAR_ISOLATED_SI, 3.0, 12.0),
    (LineKind.DIAMAGNETIC, *SALT_RANGE),
    (LineKind.BROAD_LI_SI, 25.0, 40.0),
    (LineKind.OVERLITHIATED, -15.0, -3.0),
)
"""Kinds with their ranges of shift [ppm]; the first that fits is taken. The two Li-Si kinds lie at
about 18 and 6 ppm, the overlithiated one at about -10 (B. Key et al., J. Am. Chem. Soc. 131 (2009)
9239); the ranges between are ours."""
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
PLACE_SLACK = 0.5
"""Half the width of the step of a probability at a limit of shift [ppm]."""
RATIO_SLACK = 0.2
"""The same at a limit of a ratio of areas, in its logarithm [1]."""


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
    shift: ArrayLike,
    stderr: ArrayLike,
    area: ArrayLike,
    carrier: float | None = None,
    *,
    width: ArrayLike = 0.0,
) -> Array:
    """Return the probability that each line of the Li-Si region is a diamagnetic salt, or no Li of
    the sample at all.

    It is the share of a normal distribution about the shift within the range of salts, whose
    standard deviation holds the line's own error, that of the scale, `REFERENCE_ERROR`, and
    `PLACE_OF_WIDTH` of its width. As far as two lines are a pair of satellites they go by their
    centre; as far as a line is a quadrature image it is no Li. Every step of these is a ramp: no
    noise flips a probability. A line that lies where neither salts nor the named Li-Si lines do is
    not a salt for that. A broad line near zero may hold the satellites of a salt: no width excludes
    it.

    Parameters
    ----------
    shift, stderr, area : array_like, shape (line,)
        Shift, its standard error [ppm], and area.
    carrier : float, optional
        Shift of the middle of the spectrum [ppm].
    width : array_like, shape (line,), or float
        Full width at half height [ppm].

    Returns
    -------
    ndarray, shape (line,)
        Probabilities [dimensionless].
    """
    place, size = np.asarray(shift, float), np.asarray(area, float)
    own = np.asarray(stderr, float)
    error = np.sqrt(own**2 + REFERENCE_ERROR**2 + (PLACE_OF_WIDTH * np.asarray(width, float)) ** 2)
    paired, of_centre = _weigh_pairs(place, own, error, size)
    as_lithium = _probability_within(SALT_RANGE, place, error) * (1 - paired) + of_centre
    return np.asarray(1 - (1 - as_lithium) * (1 - _weigh_images(place, own, size, carrier)))


def _probability_within(limits: tuple[float, float], place: Array, error: Array) -> Array:
    from scipy.special import ndtr

    low, high = limits
    return np.asarray(ndtr((high - place) / error) - ndtr((low - place) / error))


def _ramp(margin: Array, slack: float) -> Array:
    """Return 0 to 1 while a margin goes from minus to plus a slack of its own unit."""
    return np.clip(0.5 + 0.5 * margin / slack, 0.0, 1.0)


def _weigh_pairs(place: Array, own: Array, error: Array, area: Array) -> tuple[Array, Array]:
    """Return how far each line is one of a pair of satellites, and how far of a pair whose centre
    is a salt's, both 0 to 1, shape (line,)."""
    near_zero = _ramp(DIAMAGNETIC_LIMIT - np.abs(place), PLACE_SLACK)
    # What lies where Li-Si does is Li-Si first, however well it pairs.
    may = near_zero * (1 - _probability_within(LI_SI_RANGE, place, error))
    total = max(float(area @ near_zero), 1e-300)
    least = 1e-300
    weak = np.maximum(np.minimum(area[:, None], area[None]), least)
    strong = np.maximum(np.maximum(area[:, None], area[None]), least)
    centre = (place[:, None] + place[None]) / 2
    apart = np.abs(place[:, None] - place[None]) / 2 - PAIR_LEAST
    low, high = PAIR_CENTRE
    pair = (
        may[:, None]
        * may[None]
        * _ramp(np.log(PAIR_RATIO * weak / strong), RATIO_SLACK)
        * _ramp(np.log(total / (PAIR_RATIO * strong)), RATIO_SLACK)
        * _ramp(centre - low, PLACE_SLACK)
        * _ramp(high - centre, PLACE_SLACK)
        * _ramp(apart - 2 * (own[:, None] + own[None]), PLACE_SLACK)
    )
    np.fill_diagonal(pair, 0.0)
    of_salt = pair * _probability_within(SALT_RANGE, centre, error[:, None])
    return pair.max(axis=1, initial=0.0), of_salt.max(axis=1, initial=0.0)


def _weigh_images(place: Array, own: Array, area: Array, carrier: float | None) -> Array:
    """Return how far each line is the quadrature image of a strong one, 0 to 1, shape (line,)."""
    if carrier is None:
        return np.zeros_like(place)
    away = np.abs(place[:, None] + place[None] - 2 * carrier)
    tolerance = np.maximum(IMAGE_NEAR, 3 * np.hypot(own[:, None], own[None]))
    size = np.maximum(area, 1e-300)
    weak = _ramp(np.log(IMAGE_SHARE * size[None] / size[:, None]), RATIO_SLACK)
    image = weak * _ramp(tolerance - away, PLACE_SLACK)
    np.fill_diagonal(image, 0.0)
    return np.asarray(image.max(axis=1, initial=0.0))


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
