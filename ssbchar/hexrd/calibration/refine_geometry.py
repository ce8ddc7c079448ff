"""The detector's geometry refined from points on rings, or a given geometry tested on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.calibration import ring_points
from ssbchar.hexrd.calibration.ring_points import RingPoints
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion
from ssbchar.hexrd.images.geometry import Orientation, Plane
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool, Index

BEAM_PARAMETERS = ("direct_distance", "beam_row", "beam_column", "tilt1", "tilt2")
"""The refined parameters: length of the direct beam [m], where it meets the detector [pixel from
the outer corner of the stored image], and the rotations rot1 and rot2 [radian]."""
BEAM_STEPS = (1e-4, 0.1, 0.1, 1e-3, 1e-3)
"""Unit of each of `BEAM_PARAMETERS` in the least-squares problem."""
WAVELENGTH_STEP = 1e-4
"""Unit of ln(wavelength) in the least-squares problem."""
FEWEST_SECTORS = 12
"""Points of a ring needed to follow it around the beam."""
FEWEST_SCATTERING = 4
"""Points of a ring needed to tell its error from their scatter."""
FEWEST_PREDICTING_RINGS = 3
"""Rings needed to predict those that were left out."""


@dataclass(frozen=True, kw_only=True)
class SearchWindow:
    """Where a ring is searched for."""

    reach: float
    """Half-width of the window about the expected ring [pixel]."""
    width: float
    """Standard deviation of the ring's profile [pixel]."""


SEARCH_WINDOWS = (
    SearchWindow(reach=12.0, width=1.5),
    SearchWindow(reach=8.0, width=1.5),
    SearchWindow(reach=6.0, width=1.2),
    SearchWindow(reach=6.0, width=1.2),
)
"""Windows from the first search to the last."""


@dataclass(frozen=True, kw_only=True)
class BeamFit:
    """Result of one least-squares fit to points on rings."""

    beam: Array
    """Values of `BEAM_PARAMETERS`, and ln(wavelength / wavelength given) where it is free."""
    covariance: Array
    """Of `beam`, with the scatter from ring to ring in it; shape (parameter, parameter)."""
    residual: Array
    """Observed minus expected 2theta, shape (point,) [radian]."""
    weight: Array
    """Robust weight, shape (point,) [1/radian^2]."""


@dataclass(frozen=True, kw_only=True)
class RefinedGeometry:
    """A detector plane refined from the rings of an image."""

    plane: Plane
    fit: BeamFit
    points: RingPoints

    @property
    def beam_row(self) -> float:
        """Where the direct beam meets the detector, along the rows' axis [pixel]."""
        return float(self.fit.beam[BEAM_PARAMETERS.index("beam_row")])

    @property
    def beam_column(self) -> float:
        """Where the direct beam meets the detector, along the columns' axis [pixel]."""
        return float(self.fit.beam[BEAM_PARAMETERS.index("beam_column")])

    def scale_from_binned(self, binned: Plane) -> Array:
        """Return by what `BEAM_PARAMETERS` of a plane in larger pixels are multiplied [1]."""
        scale = np.ones(len(BEAM_PARAMETERS))
        for name in ("beam_row", "beam_column"):
            scale[BEAM_PARAMETERS.index(name)] = binned.pixel1 / self.plane.pixel1
        return scale

    def unbin(self, factor: int) -> RefinedGeometry:
        """Return the same geometry in the pixels of the image as stored.

        Parameters
        ----------
        factor : int
            How many of them along each axis were one.
        """
        scale = np.ones(self.fit.beam.size)
        scale[[BEAM_PARAMETERS.index(name) for name in ("beam_row", "beam_column")]] = factor
        plane, points = self.plane, self.points
        return RefinedGeometry(
            plane=replace(plane, pixel1=plane.pixel1 / factor, pixel2=plane.pixel2 / factor),
            fit=replace(
                self.fit,
                beam=self.fit.beam * scale,
                covariance=self.fit.covariance * np.outer(scale, scale),
            ),
            points=replace(points, row=points.row * factor, column=points.column * factor),
        )


@dataclass(frozen=True, kw_only=True)
class RingOffsets:
    """Offset in d of each located ring."""

    ring: Index
    """Index into the calibrant's d spacings."""
    offset: Array
    """(d - d of the certificate) / d, in parts per million."""
    stderr: Array
    """Standard error of the offset, in parts per million."""


@dataclass(frozen=True, kw_only=True)
class OrientationFit:
    """How well a given geometry fits the rings in one orientation of the image."""

    orientation: Orientation
    doubling: float
    """Peak-to-peak deviation of rings around the beam, root mean square over rings [pixel]."""
    cell_offset: float
    """Offset of the calibrant's cell from its certificate [ppm]."""
    cell_offset_stderr: float
    """Standard error of the offset, from the scatter of rings [ppm]."""


def plane_from_beam(beam: Array, pixel1: float, pixel2: float) -> Plane:
    """Return the detector plane of a direct beam and two tilts.

    Parameters
    ----------
    beam : ndarray, shape (5,)
        Values of `BEAM_PARAMETERS`.
    pixel1, pixel2 : float
        Pixel size along rows and columns [m].

    Returns
    -------
    Plane
        With a third rotation of zero.
    """
    length, row, column, rot1, rot2 = map(float, beam)

    def place(poni1: float, poni2: float) -> Plane:
        """Return the plane with the foot of its normal at a float position [m]."""
        return Plane(
            distance=length * np.cos(rot1) * np.cos(rot2),
            poni1=poni1,
            poni2=poni2,
            rot1=rot1,
            rot2=rot2,
            rot3=0.0,
            pixel1=pixel1,
            pixel2=pixel2,
        )

    # where the beam meets the plane while the foot of its normal is at the origin
    _, row0, column0 = geo.direct_beam_from_plane(place(0.0, 0.0))
    return place((row - row0) * pixel1, (column - column0) * pixel2)


def beam_from_plane(plane: Plane) -> Array:
    """Return the values of `BEAM_PARAMETERS` of a detector plane.

    Parameters
    ----------
    plane : Plane
        The detector.

    Returns
    -------
    ndarray, shape (5,)
        [m, pixel, pixel, radian, radian]
    """
    length, row, column = geo.direct_beam_from_plane(plane)
    return np.array([length, row, column, plane.rot1, plane.rot2])


def refine_beam(
    points: RingPoints, ring_angles: Array, plane: Plane, *, free_wavelength: bool = False
) -> BeamFit:
    """Return the parameters that put the points on their rings, by robust least squares.

    Minimises sum rho((2theta(point) - 2theta_ring) / s), rho(z) = 2 (sqrt(1 + z^2) - 1), where s^2
    adds the scatter of the points (grains off the middle of the Debye cone) to their own error. The
    covariance is that of independent points from their residuals, enlarged for each parameter to
    the jackknife over rings (R. M. Bell & D. F. McCaffrey, Survey Methodology 28 (2002) 169) where
    the points of a ring have a common error.

    Parameters
    ----------
    points : RingPoints
        In pixels of the image as the plane sees it.
    ring_angles : ndarray, shape (ring,)
        2theta of each ring [radian].
    plane : Plane
        Starting values.
    free_wavelength : bool
        Refine ln(wavelength) as a sixth parameter.

    Returns
    -------
    BeamFit
        Values, covariance, residuals and weights.
    """
    from scipy.optimize import least_squares

    beam, step = beam_from_plane(plane), np.array(BEAM_STEPS)
    if free_wavelength:
        beam, step = np.append(beam, 0.0), np.append(step, WAVELENGTH_STEP)
    sine = np.sin(ring_angles[points.ring] / 2)

    def calculate_residual(shift: Array) -> Array:
        """Return observed minus expected 2theta [radian], shape (point,)."""
        moved = beam + shift * step
        trial = plane_from_beam(moved[:5], plane.pixel1, plane.pixel2)
        observed, _ = geo.angles_from_pixels(trial, points.row, points.column)
        ratio = np.exp(moved[5]) if free_wavelength else 1.0
        return np.asarray(observed - 2 * np.arcsin(sine * ratio))

    # the scatter of the points is known only from a fit, and the fit depends on it
    unmoved = np.zeros(beam.size)
    scatter = _estimate_spread(calculate_residual(unmoved))
    for _ in range(4):
        sigma = np.hypot(scatter, points.stderr)
        found = least_squares(
            lambda shift, sigma=sigma: calculate_residual(shift) / sigma,
            unmoved,
            loss="soft_l1",
            x_scale="jac",
        )
        scatter = _estimate_spread(calculate_residual(found.x))
        beam = beam + found.x * step
    residual = calculate_residual(unmoved)
    weight = _weigh_robustly(residual, np.hypot(scatter, points.stderr))
    slope = np.stack(
        [(calculate_residual(e) - calculate_residual(-e)) / 2 for e in np.eye(beam.size)], axis=1
    )
    covariance = _estimate_covariance(slope, weight, residual, points.ring)
    return BeamFit(
        beam=beam,
        covariance=covariance * np.outer(step, step),
        residual=residual,
        weight=weight,
    )


def _weigh_robustly(residual: Array, sigma: Array) -> Array:
    """Return the weights 1 / (s^2 sqrt(1 + (r / s)^2)) of the soft L1 loss."""
    return np.asarray(1.0 / (np.sqrt(1.0 + (residual / sigma) ** 2) * sigma**2))


def _estimate_covariance(slope: Array, weight: Array, residual: Array, ring: Index) -> Array:
    """Return the covariance of the parameters, shape (parameter, parameter).

    Sandwich estimate of independent points, enlarged where the jackknife over rings is larger.
    """
    bread = np.linalg.pinv(slope.T @ (slope * weight[:, None]), hermitian=True)
    covariance = bread @ ((slope * (weight * residual)[:, None] ** 2).T @ slope) @ bread
    by_ring = _jackknife_rings(slope, weight, residual, ring)
    growth = np.sqrt(np.maximum(np.diag(by_ring) / np.diag(covariance), 1.0))
    return np.asarray(covariance * np.outer(growth, growth))


def _jackknife_rings(slope: Array, weight: Array, residual: Array, ring: Index) -> Array:
    """Return the covariance from leaving out one ring at a time (Bell & McCaffrey, to first
    order)."""
    normal = slope.T @ (slope * weight[:, None])
    rings = np.unique(ring)
    moves = []
    for one in rings:
        own = ring == one
        without = normal - slope[own].T @ (slope[own] * weight[own, None])
        gradient = slope[own].T @ (weight[own] * residual[own])
        moves.append(np.linalg.pinv(without, hermitian=True) @ gradient)
    return np.asarray((rings.size - 1) / rings.size * np.einsum("gi,gj->ij", moves, moves))


def _estimate_spread(values: Array) -> float:
    """Return the standard deviation from the median absolute deviation, which outliers do not
    dominate."""
    return sigma_from_deviations(values - np.median(values)) or 1e-9


def refine_geometry(
    counts: Array,
    valid: Bool,
    start: Plane,
    ring_angles: Array,
    distortion: Distortion | None = None,
) -> RefinedGeometry:
    """Return the geometry refined from a rough one: rings are located, the plane is refined, and
    rings are searched for again in narrower windows.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The calibrant image [counts].
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    start : Plane
        Rough geometry.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian], ascending.
    distortion : Distortion, optional
        Where the pixels lie on the plane.

    Returns
    -------
    RefinedGeometry
        The plane, its fit and the points of the last search.
    """
    plane = start
    for window in SEARCH_WINDOWS:
        points = ring_points.locate_rings(
            counts,
            valid,
            plane,
            ring_angles,
            reach=window.reach,
            width=window.width,
            distortion=distortion,
        )
        fit = refine_beam(points, ring_angles, plane)
        plane = plane_from_beam(fit.beam, start.pixel1, start.pixel2)
    return RefinedGeometry(plane=plane, fit=fit, points=points)


def estimate_ring_scatter(offsets: RingOffsets, sectors: Index | None = None) -> float:
    """Return by how much rings scatter about their places beyond their own errors [ppm].

    What a flat detector cannot follow (a distorted image, panels off their places) moves whole
    rings. The scatter s solves sum offset^2 / (stderr^2 + s^2) = n - 1 (R. C. Paule & J. Mandel,
    J. Res. Natl. Bur. Stand. 87 (1982) 377); n - 1, since the distance follows the rings.

    Parameters
    ----------
    offsets : RingOffsets
        [ppm]
    sectors : ndarray of int, shape (located ring,), optional
        Points of each ring: those of fewer than `FEWEST_SCATTERING`, in a corner of the image, have
        no error that is known, and tell nothing.

    Returns
    -------
    float
        [ppm of d]; 0 where the rings' own errors explain their offsets.
    """
    from scipy.optimize import brentq

    squares, variances = offsets.offset**2, offsets.stderr**2
    known = np.isfinite(squares) & np.isfinite(variances)
    if sectors is not None:
        known &= sectors >= FEWEST_SCATTERING
    squares, variances = squares[known], variances[known]
    freedom = squares.size - 1
    largest = float(np.sum(squares)) if squares.size else 0.0

    def measure_excess(variance: float) -> float:
        """Return how far chi-square lies above its expectation (dimensionless)."""
        return float(np.sum(squares / np.maximum(variances + variance, 1e-12))) - freedom

    if freedom < 1 or measure_excess(0.0) <= 0:
        return 0.0
    # With all of it as variance of each ring chi-square is below one.
    return float(np.sqrt(brentq(measure_excess, 0.0, largest + 1e-9)))


def average_ring_offsets(
    ring: Index, residual: Array, weight: Array, ring_angles: Array
) -> RingOffsets:
    """Return the offset in d of each located ring.

    Delta d / d = -cot(theta) Delta theta, of the weighted mean over the ring's sectors.

    Parameters
    ----------
    ring : ndarray of int, shape (point,)
        The ring of each point.
    residual : ndarray, shape (point,)
        Observed minus expected 2theta [radian].
    weight : ndarray, shape (point,)
        Of each point.
    ring_angles : ndarray, shape (ring,)
        2theta of each ring [radian].

    Returns
    -------
    RingOffsets
        In parts per million, one entry per located ring.
    """
    rings = np.unique(ring)
    offset, stderr = np.empty(rings.size), np.empty(rings.size)
    for place, one in enumerate(rings):
        own = ring == one
        w, r = weight[own], residual[own]
        mean = float(np.sum(w * r) / np.sum(w))
        error = float(np.sqrt(np.sum(w**2 * (r - mean) ** 2)) / np.sum(w))
        if r.size == 1:
            # One point has no scatter of its own: that of all others stands in.
            error = float(1 / np.sqrt(w[0]))
        scale = _ppm_from_residual(ring_angles[one])
        offset[place], stderr[place] = mean * scale, abs(error * scale)
    return RingOffsets(ring=rings, offset=offset, stderr=stderr)


def _ppm_from_residual(two_theta: float) -> float:
    """Return Delta d / d [ppm] per radian of 2theta."""
    return float(-1e6 / (2 * np.tan(two_theta / 2)))


def predict_held_out_rings(points: RingPoints, ring_angles: Array, plane: Plane) -> Array:
    """Return the offset in d of each located ring from a geometry refined without it.

    Every second ring is left out in turn, so that one half of the rings predicts the other.

    Parameters
    ----------
    points : RingPoints
        Points of all rings.
    ring_angles : ndarray, shape (ring,)
        2theta of each ring [radian].
    plane : Plane
        Starting values.

    Returns
    -------
    ndarray, shape (located ring,)
        In parts per million; NaN where too few rings remain.
    """
    rings = np.unique(points.ring)
    offset = np.full(rings.size, np.nan)
    for half in (slice(0, None, 2), slice(1, None, 2)):
        left_out = np.isin(points.ring, rings[half])
        if np.unique(points.ring[~left_out]).size < FEWEST_PREDICTING_RINGS:
            continue
        fit = refine_beam(points.select(~left_out), ring_angles, plane)
        predicting = plane_from_beam(fit.beam, plane.pixel1, plane.pixel2)
        others = points.select(left_out)
        observed, _ = geo.angles_from_pixels(predicting, others.row, others.column)
        residual = observed - ring_angles[others.ring]
        sigma = np.hypot(_estimate_spread(residual), others.stderr)
        weight = _weigh_robustly(residual, sigma)
        found = average_ring_offsets(others.ring, residual, weight, ring_angles)
        offset[half] = found.offset
    return offset


def compare_orientations(
    points: RingPoints, shape: tuple[int, int], plane: Plane, ring_angles: Array
) -> list[OrientationFit]:
    """Return how well a given geometry fits the rings in each of the eight orientations.

    Around a ring seen with a wrong centre or tilt the residual is a sum of first and second
    harmonics of the azimuth; their peak-to-peak size, over the azimuths at which the ring is seen,
    is by how much it doubles in the pattern.

    Parameters
    ----------
    points : RingPoints
        In pixels of the stored image.
    shape : tuple of int
        Rows and columns of the stored image.
    plane : Plane
        The given geometry.
    ring_angles : ndarray, shape (ring,)
        2theta of each ring [radian].

    Returns
    -------
    list of OrientationFit
        Deviations in pixels, offsets in ppm; in the order of `Orientation`.
    """
    return [_fit_orientation(points, shape, plane, ring_angles, one) for one in Orientation]


def _fit_orientation(
    points: RingPoints,
    shape: tuple[int, int],
    plane: Plane,
    ring_angles: Array,
    orientation: Orientation,
) -> OrientationFit:
    row, column = geo.orient_points(points.row, points.column, shape, orientation)
    observed, azimuth = geo.angles_from_pixels(plane, row, column)
    deviations, offsets = [], []
    for one in np.unique(points.ring):
        own = points.ring == one
        if own.sum() < FEWEST_SECTORS:
            continue
        angle = ring_angles[one]
        coefficients = _fit_harmonics(azimuth[own], observed[own] - angle)
        # Of a ring seen in part its harmonics mean nothing elsewhere, nor apart from its mean.
        wave = _harmonics_from_azimuth(azimuth[own]) @ coefficients
        deviations.append(float(np.ptp(wave)) * plane.distance / np.cos(angle) ** 2 / plane.pixel1)
        offsets.append(_ppm_from_residual(angle) * float(np.mean(wave)))
    ppm = np.array(offsets)
    stderr = _estimate_spread(ppm) / np.sqrt(ppm.size) if ppm.size > 2 else np.nan
    return OrientationFit(
        orientation=orientation,
        doubling=float(np.sqrt(np.mean(np.square(deviations)))) if deviations else np.nan,
        cell_offset=float(np.median(ppm)) if ppm.size else np.nan,
        cell_offset_stderr=float(stderr),
    )


def _harmonics_from_azimuth(azimuth: Array) -> Array:
    """Return 1 and the first two harmonics of the azimuth [radian], shape (point, 5)."""
    terms = [
        np.ones_like(azimuth),
        np.cos(azimuth),
        np.sin(azimuth),
        np.cos(2 * azimuth),
        np.sin(2 * azimuth),
    ]
    return np.stack(terms, axis=1)


def _fit_harmonics(azimuth: Array, value: Array) -> Array:
    """Return mean and first two harmonics of values around the beam, outliers weighted down."""
    terms, weight = _harmonics_from_azimuth(azimuth), np.ones(value.size)
    for _ in range(10):
        # few sectors on one side of the beam do not determine all five: small singular values go
        found = np.linalg.lstsq(terms * weight[:, None], value * weight, rcond=1e-3)[0]
        residual = value - terms @ found
        scale = 2 * _estimate_spread(residual)
        weight = 1.0 / np.sqrt(np.sqrt(1.0 + (residual / scale) ** 2))
    return np.asarray(found)
