"""Sentinels of a calibration: a wrong calibrant, wavelength, orientation or .poni file is said,
never fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images import refine_geometry as cal
from ssbchar.hexrd.images import rings
from ssbchar.hexrd.images.options import Geometry
from ssbchar.hexrd.images.setup import Setup
from ssbchar.typing import Array

FEWEST_RINGS = 4
"""Rings needed to know distance and tilt; fewer are refused."""
HELD_OUT_LIMIT = 400.0
"""A calibration whose left-out rings are typically further off [ppm] has the wrong calibrant or
wavelength."""
EXPLAINED_LIMIT = 0.85
"""Share of the rings' power that must lie on rings of the calibrant."""
RADIUS_ERROR = 0.02
"""Systematic error of a ring's radius [pixel]: what asymmetry of the profile and the sensor's depth
leave."""


def check_rings(
    source: Path,
    given: Setup,
    found: cal.RefinedGeometry,
    angles: Array,
    held: Array,
    check: str,
    calibrant: str,
) -> None:
    """Refuse a calibration on rings that are not the calibrant's.

    Parameters
    ----------
    held : ndarray
        Offsets of left-out rings [ppm].
    check : str
        What the rings say of the wavelength, for the message.

    Raises
    ------
    BadInput
        Too few rings, rings not where the calibrant has them, or strong rings it does not have.
    """
    used = np.unique(found.points.ring).size
    remedy = "check hexrd.geometry: calibrant, wavelength and distance"
    if used < FEWEST_RINGS:
        raise BadInput(
            source,
            f"only {used} rings of {calibrant} can be followed, {FEWEST_RINGS} are needed",
            remedy,
        )
    typical = float(np.nanmedian(np.abs(held)))
    if typical > HELD_OUT_LIMIT:
        problem = f"its rings are not those of {calibrant} at {given.wavelength:.6g} angstrom: left-out rings are"
        raise BadInput(source, f"{problem} {typical:.0f} ppm off; {check}", remedy)
    share = rings.measure_explained_share(
        rings.flatten_image(given.counts, given.valid), given.valid, found.plane, angles
    )
    if share < EXPLAINED_LIMIT:
        problem = f"{100 * (1 - share):.0f} % of the rings' power lies on no ring of {calibrant}"
        raise BadInput(source, problem, remedy)


def estimate_systematic(given: Setup, found: cal.RefinedGeometry, angles: Array) -> Array:
    """Return systematic errors of `BEAM` and of ln(wavelength from rings): radii off by `RADIAL`,
    wavelength by 1 s."""
    _, row, column = found.beam[:3]
    out = np.hypot(found.points.row - row, found.points.column - column)
    moved = found.points._replace(
        row=found.points.row + RADIUS_ERROR * (found.points.row - row) / out,
        column=found.points.column + RADIUS_ERROR * (found.points.column - column) / out,
    )
    longer = 2 * np.arcsin(np.sin(angles / 2) * (1 + given.wavelength_stderr / given.wavelength))
    by_radius = cal.refine_beam(moved, angles, found.plane)[0] - found.beam
    by_wavelength = cal.refine_beam(found.points, longer, found.plane)[0] - found.beam
    free = [
        cal.refine_beam(p, angles, found.plane, free_wavelength=True)[0][5]
        for p in (found.points, moved)
    ]
    return np.array([*np.hypot(by_radius, by_wavelength), abs(free[1] - free[0])])


def check_wavelength(
    given: Setup, found: cal.RefinedGeometry, angles: Array, systematic: float
) -> tuple[float, float, str]:
    """Refine the wavelength too; return it and its standard error [angstrom], and whether the given
    one agrees."""
    beam, covariance, *_ = cal.refine_beam(found.points, angles, found.plane, free_wavelength=True)
    ratio, error = float(np.exp(beam[5])), float(np.hypot(np.sqrt(covariance[5, 5]), systematic))
    off = f"the rings' curvature asks for {1e6 * (ratio - 1):+.0f}({1e6 * error:.0f}) ppm of the one given"
    if error > 0.003:
        verdict = f"not checked: the rings do not reach far enough; {off}"
    else:
        verdict = f"{'differs' if abs(ratio - 1) > 3 * error else 'agrees'}: {off}"
    return given.wavelength * ratio, given.wavelength * error, verdict


def choose_orientation(
    source: Path, given: Setup, found: cal.RefinedGeometry, angles: Array, options: Geometry
) -> tuple[int, geo.Plane, list[cal.OrientationFit]]:
    """Return the orientation and plane to use: the refined plane as stored, or the .poni's where it
    matches.

    Raises
    ------
    BadInput
        The .poni suits no orientation.
    """
    if given.poni is None:
        return 0, found.plane, []
    fits = cal.compare_orientations(found.points, given.counts.shape, given.poni, angles)
    best = min(fits, key=lambda fit: fit.doubling)
    if (
        best.doubling <= options.doubling_tolerance
        and abs(best.cell_offset) <= options.cell_tolerance
    ):
        return best.orientation, given.poni, fits
    _, row, column = geo.direct_beam_from_plane(given.poni)
    seen = geo.orient_points(found.beam[1], found.beam[2], given.counts.shape, best.orientation)
    wander = f"{best.doubling:.1f} pixels (calibrant's cell {best.cell_offset:+.0f} ppm)"
    problem = (
        f"suits none of the eight orientations of {Path(source).name}: at best ({geo.ORIENTATIONS[best.orientation]}) "
        f"rings double by {wander if best.doubling < 100 else 'more than 100 pixels'}; its beam is at row {row:.1f}, "
        f"column {column:.1f}, the rings' centre at {float(seen[0]):.1f}, {float(seen[1]):.1f}"
    )
    raise BadInput(
        options.poni, problem, "give the .poni of this image, or none to calibrate from the rings"
    )
