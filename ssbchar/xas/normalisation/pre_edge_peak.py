"""The peak before an edge: area and centroid over the edge's rising flank."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ssbchar.typing import Array, Bool

FlankShape = Literal["lorentzian", "arctangent"]
SHAPES: tuple[FlankShape, FlankShape] = ("lorentzian", "arctangent")
"""Of the flank."""
MOST_STEPS = 200
"""Of the fit; a flank of two shapes that look alike has a long valley."""
FEWEST = 7
"""Points that the flank's five parameters need."""
MOVED = 0.5
"""The limits are moved by this much to see what they decide [eV]; ours."""
LATEST = 20.0
"""The flank's maximum lies no further above the end of the range [eV]."""
WIDEST = 40.0
"""Its greatest half width [eV]."""


@dataclass(frozen=True, kw_only=True)
class PreEdgePeak:
    """A peak above the flank, with the rows that give it from norm."""

    shape: FlankShape
    misfit: float
    """Root mean square on the flank [1]."""
    area: float
    """[eV], of the edge step 1."""
    centroid: float
    """[eV]"""
    flank: Array
    """What is below it, shape (energy,); NaN outside the range."""
    area_row: Array
    """d area / d norm, shape (energy,)."""
    centroid_row: Array
    """d centroid / d norm, shape (energy,)."""


@dataclass(frozen=True, kw_only=True)
class PeakLimits:
    """Energies in their order [eV]."""

    start: float
    peak_start: float
    peak_stop: float
    stop: float


def fit_best_peak(
    energy: Array, norm: Array, limits: PeakLimits
) -> tuple[PreEdgePeak, float, float] | None:
    """Return the peak over the flank that fits better, and the systematic errors of its area and
    centroid [eV]: what the other flank gives, a bound (over the root of 3), and what moved limits
    give.

    Parameters
    ----------
    energy, norm : array, shape (energy,)
        [eV], and the normalised absorption.
    limits : PeakLimits

    Returns
    -------
    tuple or None
        None where the ranges hold too few points.
    """
    peaks = [fit_peak(energy, norm, limits, shape) for shape in SHAPES]
    first, second = peaks
    if first is None or second is None:
        return None
    best, other = sorted((first, second), key=lambda one: one.misfit)
    spreads = spread_over_limits(energy, norm, limits, best.shape)
    apart = (best.area - other.area, best.centroid - other.centroid)
    area, centroid = (
        float(np.hypot(spread, difference / np.sqrt(3)))
        for spread, difference in zip(spreads, apart, strict=True)
    )
    return best, area, centroid


def fit_peak(
    energy: Array, norm: Array, limits: PeakLimits, shape: FlankShape
) -> PreEdgePeak | None:
    """Return area and centroid of what stands above the flank of an edge between two limits.

    The flank is a line and a Lorentzian (as in Larch; M. Newville, J. Phys.: Conf. Ser. 430 (2013)
    012007) or the arctangent that the core hole's lifetime gives an edge, fitted on both sides of
    the peak; area and centroid are sums over the points of the peak, with no shape assumed (M.
    Wilke et al., Am. Mineral. 86 (2001) 714).

    Parameters
    ----------
    energy, norm : array, shape (energy,)
        [eV], and the normalised absorption.
    limits : PeakLimits
    shape : str
        Of the flank.

    Returns
    -------
    PreEdgePeak or None
        None where the ranges hold too few points.
    """
    from scipy.optimize import least_squares

    inside = (energy >= limits.peak_start) & (energy <= limits.peak_stop)
    flank = (energy >= limits.start) & (energy <= limits.stop) & ~inside
    if flank.sum() < FEWEST or inside.sum() < 3:
        return None
    x, y = energy[flank] - limits.stop, norm[flank]
    found = least_squares(
        lambda p: _calculate_flank(x, p, shape) - y,
        [float(y.min()), 0.0, float(np.ptp(y)), 2.0, 3.0],
        jac=lambda p: _differentiate_flank(x, p, shape),
        bounds=([-np.inf, -np.inf, 0.0, 0.0, 0.3], [np.inf, np.inf, np.inf, LATEST, WIDEST]),
        x_scale=[0.1, 0.01, 1.0, 3.0, 3.0],
        max_nfev=MOST_STEPS,
    )
    whole = _differentiate_flank(energy - limits.stop, found.x, shape)
    # A parameter at its bound does not follow the data.
    response = np.zeros((5, energy.size))
    free = found.active_mask == 0
    response[np.ix_(free, np.flatnonzero(flank))] = np.linalg.pinv(whole[flank][:, free])
    weight = _weigh_points(energy, inside)
    base = _calculate_flank(energy - limits.stop, found.x, shape)
    above = norm - base
    area = float(weight @ above)
    moment = float((weight * energy) @ above)
    area_row = weight - (weight @ whole) @ response
    moment_row = weight * energy - ((weight * energy) @ whole) @ response
    centroid = moment / area if area else float("nan")
    return PreEdgePeak(
        shape=shape,
        misfit=float(np.sqrt(np.mean(found.fun**2))),
        area=area,
        centroid=centroid,
        flank=np.where(inside | flank, base, np.nan),
        area_row=area_row,
        centroid_row=(moment_row - centroid * area_row) / area if area else area_row * np.nan,
    )


def spread_over_limits(
    energy: Array, norm: Array, limits: PeakLimits, shape: FlankShape
) -> tuple[float, float]:
    """Return by how much area and centroid [eV] scatter where each limit is moved by half an eV.

    Parameters
    ----------
    energy, norm : array, shape (energy,)
        [eV], and the normalised absorption.
    limits : PeakLimits
    shape : str
        Of the flank.

    Returns
    -------
    tuple of float
        Standard deviations; NaN where no moved limits can be fitted.
    """
    found = []
    for a, b, c, d in itertools.product((-MOVED, MOVED), repeat=4):
        moved = PeakLimits(
            start=limits.start + a,
            peak_start=limits.peak_start + b,
            peak_stop=limits.peak_stop + c,
            stop=limits.stop + d,
        )
        one = fit_peak(energy, norm, moved, shape)
        if one is not None and one.area > 0:
            found.append((one.area, one.centroid))
    if len(found) < 3:
        return float("nan"), float("nan")
    area, centroid = np.std(found, axis=0)
    return float(area), float(centroid)


def _calculate_flank(x: Array, p: Array, shape: FlankShape) -> Array:
    level, slope, height, center, width = p
    u = (x - center) / width
    rise = 1 / (1 + u**2) if shape == "lorentzian" else 0.5 + np.arctan(u) / np.pi
    return np.asarray(level + slope * x + height * rise)


def _differentiate_flank(x: Array, p: Array, shape: FlankShape) -> Array:
    """Return d flank / d parameter, shape (point, 5)."""
    _, _, height, center, width = p
    u = (x - center) / width
    lorentzian = 1 / (1 + u**2)
    rise, slope = lorentzian, -2 * u * lorentzian**2
    if shape == "arctangent":
        rise, slope = 0.5 + np.arctan(u) / np.pi, lorentzian / np.pi
    return np.column_stack(
        [
            np.ones_like(x),
            x,
            rise,
            -height * slope / width,
            -height * slope * u / width,
        ]
    )


def _weigh_points(energy: Array, inside: Bool) -> Array:
    """Return the weights of a trapezoidal sum over the points inside, shape (energy,) [eV]."""
    weight = np.zeros(energy.size)
    places = np.flatnonzero(inside)
    steps = np.diff(energy[places])
    weight[places[:-1]] += steps / 2
    weight[places[1:]] += steps / 2
    return weight
