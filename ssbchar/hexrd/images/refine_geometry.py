"""The detector's geometry refined from located rings, with what it could not know said; and a given
one verified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images import ring_points
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

BEAM_PARAMETERS = ("direct_distance", "beam_row", "beam_column", "tilt1", "tilt2")
"""What is refined: length of the direct beam [m], where it meets the detector [pixel from the outer
corner of the stored image], and the rotations rot1 and rot2 [radian]."""
BEAM_UNITS = ("m", "1", "1", "radian", "radian")
"""Their units (pixels count as 1)."""
ROUNDS = ((12.0, 1.5), (8.0, 1.5), (6.0, 1.2), (6.0, 1.2))
"""Windows about the expected ring, and profile widths [pixel], from the first search to the
last."""


@dataclass(frozen=True)
class RefinedGeometry:
    """A refined geometry."""

    plane: geo.Plane
    beam: Array
    """Values of `BEAM`."""
    covariance: Array
    """Of `BEAM`, with the scatter from ring to ring in it."""
    points: ring_points.RingPoints
    residual: Array
    """Observed minus expected 2theta of each point [radian]."""
    weight: Array
    """Of each point, robust."""


def plane_from_beam(beam: Array, pixel1: float, pixel2: float) -> geo.Plane:
    """Return the detector plane from the direct beam's length and foot and the two tilts
    (`BEAM`)."""
    length, row, column, rot1, rot2 = map(float, beam)
    normal = length * np.cos(rot1) * np.cos(rot2)
    untilted = geo.Plane(normal, 0.0, 0.0, rot1, rot2, 0.0, pixel1, pixel2)
    _, row0, column0 = geo.direct_beam_from_plane(untilted)
    return untilted._replace(poni1=(row - row0) * pixel1, poni2=(column - column0) * pixel2)


def refine_beam(
    points: ring_points.RingPoints, angles: Array, plane: geo.Plane, free_wavelength: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Return the parameters that put the located points on their rings, by robust least squares.

    Minimises sum rho((2theta(point) - 2theta_ring) / s), rho(z) = 2 (sqrt(1 + z^2) - 1), where s^2
    adds the scatter of the points (grains off the Debye cone's middle) to their own error. The
    covariance is that of independent points from their residuals, grown for each parameter to the
    jackknife over rings (R. M. Bell & D. F. McCaffrey, Survey Methodology 28 (2002) 169) where
    points of one ring err together.

    Parameters
    ----------
    points : ring_points.Points
        In pixels of the image as the plane sees it.
    angles : ndarray
        2theta of each ring [radian].
    plane : geometry.Plane
        Where to start.
    free_wavelength : bool
        Refine ln(wavelength) as a sixth parameter.

    Returns
    -------
    beam, covariance, residual, weight : ndarray
        Values of `BEAM` (and ln wavelength ratio), their covariance, 2theta(point) - 2theta_ring
        [radian] and robust weight [1/radian^2].
    """
    from scipy.optimize import least_squares

    start = np.array(
        [
            *geo.direct_beam_from_plane(plane),
            plane.rot1,
            plane.rot2,
            *([0.0] if free_wavelength else []),
        ]
    )
    step = np.array([1e-4, 0.1, 0.1, 1e-3, 1e-3, *([1e-4] if free_wavelength else [])])
    sine = np.sin(angles[points.ring] / 2)

    def misfit(z: Array) -> Array:
        beam = start + z * step
        seen, _ = geo.angles_from_pixels(
            plane_from_beam(beam[:5], plane.pixel1, plane.pixel2), points.row, points.column
        )
        return np.asarray(
            seen - 2 * np.arcsin(sine * (np.exp(beam[5]) if free_wavelength else 1.0))
        )

    scatter = _spread(misfit(np.zeros(start.size)))
    for _ in range(4):
        sigma = np.hypot(scatter, points.stderr)
        found = least_squares(
            lambda z, s=sigma: misfit(z) / s, np.zeros(start.size), loss="soft_l1", x_scale="jac"
        )
        start, scatter = start + found.x * step, _spread(misfit(found.x))
    left = misfit(np.zeros(start.size))
    sigma = np.hypot(scatter, points.stderr)
    robust = 1.0 / (np.sqrt(1.0 + (left / sigma) ** 2) * sigma**2)
    slope = np.stack([(misfit(e) - misfit(-e)) / 2 for e in np.eye(start.size)], axis=1)
    bread = np.linalg.pinv(slope.T @ (slope * robust[:, None]), hermitian=True)
    covariance = bread @ ((slope * (robust * left)[:, None] ** 2).T @ slope) @ bread
    growth = np.sqrt(
        np.maximum(np.diag(_by_ring(slope, robust, left, points.ring)) / np.diag(covariance), 1.0)
    )
    covariance = covariance * np.outer(growth, growth)
    return start, covariance * np.outer(step, step), left, robust


def _by_ring(slope: Array, weight: Array, residual: Array, ring: NDArray[np.int64]) -> Array:
    """Return the covariance from leaving out one ring at a time (the jackknife of Bell & McCaffrey,
    to first order)."""
    normal = slope.T @ (slope * weight[:, None])
    rings_used = np.unique(ring)
    moves = []
    for k in rings_used:
        own = ring == k
        rest = normal - slope[own].T @ (slope[own] * weight[own, None])
        moves.append(
            np.linalg.pinv(rest, hermitian=True) @ (slope[own].T @ (weight[own] * residual[own]))
        )
    count = rings_used.size
    return np.asarray((count - 1) / count * np.einsum("gi,gj->ij", moves, moves))


def _spread(values: Array) -> float:
    """Return a standard deviation that single outliers do not rule (scaled median absolute
    deviation)."""
    return sigma_from_deviations(values - np.median(values)) or 1e-9


def refine_geometry(
    counts: Array, valid: NDArray[np.bool_], start: geo.Plane, angles: Array
) -> RefinedGeometry:
    """Return the geometry refined from a rough one: locate rings, refine, look again in narrower
    windows."""
    plane = start
    for reach, width in ROUNDS:
        points = ring_points.locate_rings(counts, valid, plane, angles, reach, width)
        beam, covariance, residual, weight = refine_beam(points, angles, plane)
        plane = plane_from_beam(beam, start.pixel1, start.pixel2)
    return RefinedGeometry(plane, beam, covariance, points, residual, weight)


def select_points(
    points: ring_points.RingPoints, keep: NDArray[np.bool_]
) -> ring_points.RingPoints:
    """Return some of the points."""
    return ring_points.RingPoints(
        points.row[keep], points.column[keep], points.ring[keep], points.stderr[keep]
    )


def average_ring_offsets(
    ring: NDArray[np.int64], residual: Array, weight: Array, angles: Array
) -> tuple[NDArray[np.int64], Array, Array]:
    """Return, for each ring that was located, its index and its offset in d with standard error
    [ppm].

    Delta d / d = -cot(theta) Delta theta, of the weighted mean over the ring's sectors.
    """
    index = np.unique(ring)
    offset, stderr = np.empty(index.size), np.empty(index.size)
    for n, k in enumerate(index):
        own = ring == k
        w, r = weight[own], residual[own]
        mean = float(np.sum(w * r) / np.sum(w))
        error = float(np.sqrt(np.sum(w**2 * (r - mean) ** 2)) / np.sum(w))
        scale = -1e6 / (2 * np.tan(angles[k] / 2))
        offset[n], stderr[n] = mean * scale, abs(error * scale)
    return index, offset, stderr


def predict_held_out_rings(
    points: ring_points.RingPoints, angles: Array, plane: geo.Plane
) -> Array:
    """Return the offset in d [ppm] of each located ring from a geometry refined without it.

    Every second ring is left out in turn, so half of the rings predict the other half.
    """
    index = np.unique(points.ring)
    offset = np.full(index.size, np.nan)
    for part in (0, 1):
        out = np.isin(points.ring, index[part::2])
        if np.unique(points.ring[~out]).size < 3:
            continue
        beam, *_ = refine_beam(select_points(points, ~out), angles, plane)
        other = plane_from_beam(beam, plane.pixel1, plane.pixel2)
        left = points.ring[out]
        seen, _ = geo.angles_from_pixels(other, points.row[out], points.column[out])
        residual = seen - angles[left]
        sigma = np.hypot(_spread(residual), points.stderr[out])
        weight = 1.0 / (np.sqrt(1.0 + (residual / sigma) ** 2) * sigma**2)
        offset[part::2] = average_ring_offsets(left, residual, weight, angles)[1]
    return offset


@dataclass(frozen=True)
class OrientationFit:
    """How well a given geometry suits the image in one orientation."""

    orientation: int
    doubling: float
    """Peak-to-peak wander of rings around the beam, root mean square over rings [pixel]."""
    cell_offset: float
    """Offset of the calibrant's cell from its certificate [ppm]."""
    cell_offset_stderr: float
    """From the scatter of rings [ppm]."""


def compare_orientations(
    points: ring_points.RingPoints, shape: tuple[int, int], plane: geo.Plane, angles: Array
) -> list[OrientationFit]:
    """Return how a given geometry suits the located rings in each of the eight orientations.

    Around a ring seen with a wrong centre or tilt the residual is a sum of first and second
    harmonics of the azimuth; their peak-to-peak size is by how much the ring doubles in the
    pattern.
    """
    return [_fit(points, shape, plane, angles, k) for k in range(8)]


def _fit(
    points: ring_points.RingPoints,
    shape: tuple[int, int],
    plane: geo.Plane,
    angles: Array,
    orientation: int,
) -> OrientationFit:
    row, column = geo.orient_points(points.row, points.column, shape, orientation)
    seen, azimuth = geo.angles_from_pixels(plane, row, column)
    around = np.linspace(-np.pi, np.pi, 180)
    wander, ring_ppm = [], []
    for k in np.unique(points.ring):
        own = points.ring == k
        if own.sum() < 12:
            continue
        found = _harmonics(azimuth[own], seen[own] - angles[k])
        wave = _waves(around)[:, 1:] @ found[1:]
        wander.append(float(np.ptp(wave)) * plane.distance / np.cos(angles[k]) ** 2 / plane.pixel1)
        ring_ppm.append(-1e6 * found[0] / (2 * np.tan(angles[k] / 2)))
    ppm = np.array(ring_ppm)
    middle = float(np.median(ppm)) if ppm.size else np.nan
    spread = _spread(ppm) / np.sqrt(ppm.size) if ppm.size > 2 else np.nan
    return OrientationFit(
        orientation,
        float(np.sqrt(np.mean(np.square(wander)))) if wander else np.nan,
        middle,
        float(spread),
    )


def _waves(azimuth: Array) -> Array:
    return np.stack(
        [
            np.ones_like(azimuth),
            np.cos(azimuth),
            np.sin(azimuth),
            np.cos(2 * azimuth),
            np.sin(2 * azimuth),
        ],
        axis=1,
    )


def _harmonics(azimuth: Array, value: Array) -> Array:
    """Return the mean and first two harmonics of values around the beam, outliers weighted down."""
    terms, weight = _waves(azimuth), np.ones(value.size)
    for _ in range(10):
        found = np.linalg.lstsq(terms * weight[:, None], value * weight, rcond=1e-3)[0]
        left = value - terms @ found
        weight = 1.0 / np.sqrt(np.sqrt(1.0 + (left / (2 * _spread(left))) ** 2))
    return np.asarray(found)
