"""Panels off their places and a radial distortion, found on a calibrant's rings together with the
plane."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.calibration import ring_points
from ssbchar.hexrd.calibration.refine_geometry import (
    BEAM_STEPS,
    SEARCH_WINDOWS,
    WAVELENGTH_STEP,
    beam_from_plane,
    plane_from_beam,
)
from ssbchar.hexrd.calibration.ring_points import RingPoints
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, add_distortions, place_pixels
from ssbchar.hexrd.images.geometry import Plane
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool, Index

FIRST_SPREAD = 1.0
"""Standard deviation of panels about their places that the search starts from [pixel]."""
LEAST_SPREAD = 0.01
"""Standard deviation of panels below which they are in their places [pixel]."""
RADIAL_SPREAD = 20.0
"""Standard deviation of the radial terms at the farthest corner [pixel]."""
RADIAL_POWERS = (2, 4)
"""Powers of the radius that the relative radial shift has: r^3 and r^5 of the shift itself."""
LOCATIONS = 4
"""How often rings are located: each time nearer to their places."""
STEPS = 12
"""Steps of the robust fit."""
LEAST_GAIN = 10.0
"""What panels off their places must explain beyond the criterion of G. Schwarz, Ann. Stat. 6 (1978)
461, and beyond another wavelength."""
LEAST_SHIFT = 0.03
"""Shift of panels, root mean square, below which they are left in their places [pixel]."""
WAVELENGTH_SPREAD = 0.05
"""Standard deviation of ln(wavelength) where it is free: radial terms may stand for any other."""
RADIUS_STEP = 1e-3
"""Step of derivatives [pixel]."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Displacements of the image in question: of each panel along rows and along columns, and
    radial ones."""

    panels: Index
    """Number of each pixel's panel, shape (row, column); 0 where it has none."""
    number: int
    """Panels that may be off their places; 0 where they are not asked for."""
    is_radial: bool
    """Radial terms are asked for."""

    @property
    def size(self) -> int:
        """The number of terms [1]."""
        return 2 * self.number + (len(RADIAL_POWERS) if self.is_radial else 0)

    def evaluate(self, row: Array, column: Array, panel: Index) -> tuple[Array, Array]:
        """Return the displacement by one unit of each term.

        Parameters
        ----------
        row, column : ndarray, shape (point,)
            Place without the terms [pixel].
        panel : ndarray of int, shape (point,)
            Number of the panel.

        Returns
        -------
        down, right : ndarray, shape (term, point)
            [pixel per pixel]; the unit of a radial term is one pixel at the farthest corner.
        """
        down, right = np.zeros((2, self.size, row.size))
        for one in range(self.number):
            down[2 * one] = right[2 * one + 1] = panel == one + 1
        if self.is_radial:
            middle = np.array(self.panels.shape) / 2
            farthest = float(np.hypot(*middle))
            y, x = (row - middle[0]) / farthest, (column - middle[1]) / farthest
            for place, power in enumerate(RADIAL_POWERS, 2 * self.number):
                growth = np.hypot(x, y) ** power
                down[place], right[place] = y * growth, x * growth
        return down, right


@dataclass(frozen=True, kw_only=True)
class TermsFit:
    """Plane and terms that put the points on their rings."""

    beam: Array
    """Values of `BEAM_PARAMETERS`, and ln(wavelength / wavelength given) where it is free."""
    value: Array
    """Of the terms, shape (term,) [pixel]."""
    stderr: Array
    """Of `beam`, with what the terms leave open."""
    scatter: float
    """Of the points beyond their errors [radian]."""
    cost: float
    """Robust sum of squared residuals in units of their errors [1]."""


@dataclass(frozen=True, kw_only=True)
class FoundDistortion:
    """A distortion of the image that the rings ask for."""

    distortion: Distortion
    """With the one that was given."""
    plane: Plane
    fit: TermsFit
    with_wavelength: TermsFit
    """The wavelength free."""
    shift: Array
    """Of each panel along rows and columns, about their mean, shape (panel, 2) [pixel]."""
    radial: Array
    """Shift at the farthest corner by each of `RADIAL_POWERS` [pixel]; empty where not asked."""


def find_distortion(
    counts: Array,
    valid: Bool,
    start: Plane,
    ring_angles: Array,
    terms: Terms,
    given: Distortion | None = None,
) -> FoundDistortion | None:
    """Return by how much panels are off their places, and a radial distortion.

    Rings are located on each panel apart. Plane and terms are fitted together; panels are normally
    distributed about their places, by a spread that is fitted as well (A. P. Dempster, N. M. Laird
    & D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1), since rings do not tell a detector that is
    larger from one that is nearer where each panel sees few of them.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The calibrant image [counts].
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    start : Plane
        The plane without the terms.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian], ascending.
    terms : Terms
        What is asked for.
    given : Distortion, optional
        Where the pixels lie otherwise.

    Returns
    -------
    FoundDistortion or None
        None where panels in their places, or another wavelength, explain the rings as well, and no
        radial distortion is asked for; or too few points are seen.
    """
    plane, value = start, np.zeros(terms.size)
    for window in SEARCH_WINDOWS[:LOCATIONS]:
        points = ring_points.locate_rings(
            counts,
            valid,
            plane,
            ring_angles,
            reach=window.reach,
            width=window.width,
            distortion=_make_distortion(terms, value, given),
            panels=terms.panels,
        )
        if points.ring.size < 2 * (terms.size + len(BEAM_STEPS)):
            return None
        points = _take_off(points, terms, value)
        fit = fit_terms(points, ring_angles, plane, terms, value)
        plane, value = plane_from_beam(fit.beam, start.pixel1, start.pixel2), fit.value
    shift = value[: 2 * terms.number].reshape(-1, 2)
    if terms.number:
        shift = shift - shift.mean(axis=0)
        if not _are_panels_off(points, ring_angles, plane, terms, fit, shift):
            none = replace(terms, number=0)
            if not terms.is_radial:
                return None
            return find_distortion(counts, valid, start, ring_angles, none, given)
    return FoundDistortion(
        distortion=add_distortions(given, _evaluate_pixels(terms, value, given)),
        plane=plane,
        fit=fit,
        with_wavelength=fit_terms(points, ring_angles, plane, terms, value, free_wavelength=True),
        shift=shift,
        radial=value[2 * terms.number :],
    )


def _are_panels_off(
    points: RingPoints,
    ring_angles: Array,
    plane: Plane,
    terms: Terms,
    fit: TermsFit,
    shift: Array,
) -> bool:
    """Return whether panels off their places explain the rings better than panels in their places
    do, and than another wavelength does, which moves whole rings."""
    none = replace(terms, number=0)
    others = [
        fit_terms(points, ring_angles, plane, none, free_wavelength=free, scatter=fit.scatter)
        for free in (False, True)
    ]
    # The mean of all shifts is that of the beam.
    penalty = (terms.size - 2) * np.log(points.ring.size)
    least = min(other.cost for other in others)
    is_large = np.sqrt(np.mean(np.sum(shift**2, axis=1))) > LEAST_SHIFT
    return bool(is_large and least - fit.cost > penalty + LEAST_GAIN)


def _make_distortion(terms: Terms, value: Array, given: Distortion | None) -> Distortion | None:
    """Return the distortion given with that of the terms."""
    if not np.any(value):
        return given
    return add_distortions(given, _evaluate_pixels(terms, value, given))


def _evaluate_pixels(terms: Terms, value: Array, given: Distortion | None) -> Distortion:
    """Return the distortion of the terms alone."""
    index = np.indices(terms.panels.shape)
    row, column = place_pixels(index[0], index[1], given)
    down, right = np.zeros((2, *terms.panels.shape))
    # A row of pixels at a time: all terms of all pixels would fill the memory.
    for i in range(row.shape[0]):
        per_down, per_right = terms.evaluate(row[i], column[i], terms.panels[i])
        down[i], right[i] = value @ per_down, value @ per_right
    return Distortion(down=down, right=right)


def _take_off(points: RingPoints, terms: Terms, value: Array) -> RingPoints:
    """Return the points where they lie without the terms."""
    row, column = points.row, points.column
    # The terms are those of the place without them.
    for _ in range(10 if terms.is_radial else 1):
        down, right = terms.evaluate(row, column, _panel_of(points))
        row, column = points.row - value @ down, points.column - value @ right
    return replace(points, row=row, column=column)


def _panel_of(points: RingPoints) -> Index:
    """Return the panel of each point, shape (point,)."""
    return np.zeros(points.ring.size, np.int64) if points.panel is None else points.panel


def fit_terms(
    points: RingPoints,
    ring_angles: Array,
    plane: Plane,
    terms: Terms,
    value: Array | None = None,
    *,
    free_wavelength: bool = False,
    scatter: float | None = None,
) -> TermsFit:
    """Return plane and terms that put the points on their rings.

    Robust as `refine_geometry.refine_beam`, by steps of Gauss and Newton.

    Parameters
    ----------
    points : RingPoints
        Without the terms, with their panels.
    ring_angles : ndarray, shape (ring,)
        2theta of each ring [radian].
    plane : Plane
        Starting values.
    terms : Terms
        What is asked for.
    value : ndarray, shape (term,), optional
        Starting values of the terms [pixel].
    free_wavelength : bool
        Refine ln(wavelength), too.
    scatter : float, optional
        Of the points beyond their errors [radian]; None estimates it.
    """
    steps = np.array([*BEAM_STEPS, WAVELENGTH_STEP][: 6 if free_wavelength else 5])
    beam = np.append(beam_from_plane(plane), [0.0] * free_wavelength)
    value = np.zeros(terms.size) if value is None else value
    down, right = terms.evaluate(points.row, points.column, _panel_of(points))
    sine = np.sin(ring_angles[points.ring] / 2)

    def observe(beam: Array, row: Array, column: Array) -> Array:
        """Return observed minus expected 2theta [radian], shape (point,)."""
        trial = plane_from_beam(beam[:5], plane.pixel1, plane.pixel2)
        ratio = np.exp(beam[5]) if free_wavelength else 1.0
        observed, _ = geo.angles_from_pixels(trial, row, column)
        return np.asarray(observed - 2 * np.arcsin(sine * ratio))

    spread = np.full(terms.size, FIRST_SPREAD)
    spread[2 * terms.number :] = RADIAL_SPREAD
    for _ in range(STEPS):
        row, column = points.row + value @ down, points.column + value @ right
        residual = observe(beam, row, column)
        deviation = residual - np.median(residual)
        own = scatter if scatter is not None else sigma_from_deviations(deviation) or 1e-9
        sigma = np.hypot(own, points.stderr)
        weight = 1.0 / (np.sqrt(1.0 + (residual / sigma) ** 2) * sigma**2)
        slope = np.empty((residual.size, beam.size + terms.size))
        for place, one in enumerate(np.diag(steps)):
            change = observe(beam + one, row, column) - observe(beam - one, row, column)
            slope[:, place] = change / 2
        per_row, per_column = (
            (observe(beam, row + a, column + b) - observe(beam, row - a, column - b))
            / (2 * RADIUS_STEP)
            for a, b in ((RADIUS_STEP, 0.0), (0.0, RADIUS_STEP))
        )
        slope[:, beam.size :] = (per_row * down + per_column * right).T
        # Their inverse variances, in units of their steps.
        prior = np.append(np.zeros(beam.size), 1 / spread**2)
        pull = np.append(np.zeros(beam.size), value / spread**2)
        if free_wavelength:
            prior[5] = (WAVELENGTH_STEP / WAVELENGTH_SPREAD) ** 2
            pull[5] = prior[5] * beam[5] / WAVELENGTH_STEP
        normal = slope.T @ (slope * weight[:, None]) + np.diag(prior)
        inverse = np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
        move = -inverse @ (slope.T @ (weight * residual) + pull)
        beam, value = beam + move[: beam.size] * steps, value + move[beam.size :]
        variance = np.diag(inverse)
        panels = slice(beam.size, beam.size + 2 * terms.number)
        if terms.number:
            found = np.sqrt(np.mean(value[: 2 * terms.number] ** 2 + variance[panels]))
            spread[: 2 * terms.number] = max(float(found), LEAST_SPREAD)
    residual = observe(beam, points.row + value @ down, points.column + value @ right)
    cost = float(np.sum(2 * (np.sqrt(1 + (residual / sigma) ** 2) - 1)))
    return TermsFit(
        beam=beam,
        value=value,
        stderr=np.sqrt(variance[: beam.size]) * steps,
        scatter=own,
        cost=cost,
    )
