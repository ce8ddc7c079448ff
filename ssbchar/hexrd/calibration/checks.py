"""Checks of a calibration: a wrong calibrant, wavelength, orientation or .poni file is refused, not
fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import refine_geometry, rings
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.calibration.refine_distortion import FoundDistortion
from ssbchar.hexrd.calibration.refine_geometry import OrientationFit, RefinedGeometry
from ssbchar.hexrd.calibration.setup import Setup
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.geometry import Orientation, Plane
from ssbchar.typing import Array

FEWEST_RINGS = 4
"""Rings needed to determine distance and tilt; fewer are refused."""
HELD_OUT_LIMIT = 400.0
"""A calibration whose left-out rings are typically further off [ppm] has the wrong calibrant or
wavelength."""
EXPLAINED_LIMIT = 0.95
"""Share of the rings' intensity that must lie on rings of the calibrant."""
RADIUS_ERROR = 0.02
"""Systematic error of a ring's radius [pixel], from the asymmetry of its profile and the depth of
the sensor."""
WORST_RATIO_STDERR = 0.003
"""Relative standard error of the wavelength from the rings above which it checks nothing."""
AGREEMENT_SIGMAS = 3
"""Standard errors within which the wavelength from the rings agrees with the one given."""
WORSE_WITH = 1.2
"""A distortion that was given is refused where rings are off by this factor more with it [1]."""
LONGEST_DOUBLING = 100
"""A doubling beyond this is not given as a number [pixel]."""


class Agreement(StrEnum):
    """What the rings say of the wavelength given."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Systematic:
    """Systematic errors of a calibration, one sigma."""

    beam: Array
    """Of `BEAM_PARAMETERS`, shape (5,)."""
    log_wavelength: float
    """Of ln(wavelength from the rings) (dimensionless)."""


@dataclass(frozen=True, kw_only=True)
class WavelengthCheck:
    """The wavelength refined from the curvature of the rings, beside the one given."""

    wavelength: float
    """[angstrom]"""
    stderr: float
    """Standard error with the systematic one [angstrom]."""
    ratio: float
    """Refined over given wavelength (dimensionless)."""
    ratio_stderr: float
    """Standard error of the ratio (dimensionless)."""
    agreement: Agreement

    @property
    def sentence(self) -> str:
        """The result in words, a str with the deviation in ppm."""
        ppm, stderr = 1e6 * (self.ratio - 1), 1e6 * self.ratio_stderr
        result = f"the rings' curvature asks for {ppm:+.0f}({stderr:.0f}) ppm of the one given"
        if self.agreement is Agreement.NOT_CHECKED:
            result = f"the rings do not reach far enough; {result}"
        return f"{self.agreement}: {result}"


@dataclass(frozen=True, kw_only=True)
class ChosenGeometry:
    """The plane in use and the orientation of the image it belongs to."""

    orientation: Orientation
    plane: Plane
    fits: list[OrientationFit]
    """How well the given geometry fits in each orientation; empty where none is given."""


def check_rings(
    source: Path,
    setup: Setup,
    refined: RefinedGeometry,
    ring_angles: Array,
    *,
    held_out: Array,
    wavelength: WavelengthCheck,
    calibrant: str,
    binning: int = 1,
) -> None:
    """Refuse a calibration on rings that are not the calibrant's.

    Parameters
    ----------
    source : Path
        The image, for messages.
    setup : Setup
        The calibrant image.
    refined : RefinedGeometry
        The calibration.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    held_out : ndarray, shape (located ring,)
        Offsets of left-out rings [ppm].
    wavelength : WavelengthCheck
        What the rings say of the wavelength, for the message.
    calibrant : str
        Its name, for messages.
    binning : int
        By how much the pixels of `setup` are larger than the detector's: rings so much wider are
        located so much worse.

    Raises
    ------
    BadInput
        Too few rings, rings not where the calibrant has them, or strong rings it does not have.
    """
    used = np.unique(refined.points.ring).size
    remedy = "check hexrd.geometry: calibrant, wavelength and distance"
    if used < FEWEST_RINGS:
        problem = f"only {used} rings of {calibrant} can be followed, {FEWEST_RINGS} are needed"
        raise BadInput(source, problem, remedy)
    # Of five rings neither half predicts the other.
    predicted = held_out[np.isfinite(held_out)]
    typical = float(np.median(np.abs(predicted))) if predicted.size else 0.0
    if typical > HELD_OUT_LIMIT * binning:
        problem = (
            f"its rings are not those of {calibrant} at {setup.wavelength:.6g} angstrom: left-out "
            f"rings are {typical:.0f} ppm off; {wavelength.sentence}"
        )
        raise BadInput(
            source,
            problem,
            "check hexrd.geometry: calibrant, wavelength and distance; of a distorted image its "
            "distortion",
        )
    flattened = rings.flatten_image(setup.counts, setup.valid)
    share = rings.measure_explained_share(
        flattened, setup.valid, refined.plane, ring_angles, setup.distortion
    )
    if share < EXPLAINED_LIMIT:
        percent = 100 * (1 - share)
        problem = f"{percent:.0f} % of the rings' intensity lies on no ring of {calibrant}"
        raise BadInput(source, problem, remedy)


def check_distortion(
    source: Path, setup: Setup, refined: RefinedGeometry, start: Plane, ring_angles: Array
) -> None:
    """Refuse a distortion with which the rings are further off than without it.

    Parameters
    ----------
    source : Path
        The image, for messages.
    setup : Setup
        The calibrant image and the distortion given, if any.
    refined : RefinedGeometry
        The calibration with it.
    start : Plane
        Rough geometry.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].

    Raises
    ------
    BadInput
        It belongs to another detector, or to images in another orientation.
    """
    if setup.distortion is None:
        return
    plain = refine_geometry.refine_geometry(setup.counts, setup.valid, start, ring_angles)
    with_it, without = (
        float(np.median(np.abs(one.fit.residual))) * one.plane.distance / one.plane.pixel1
        for one in (refined, plain)
    )
    if with_it > WORSE_WITH * without:
        problem = (
            f"with {setup.distortion_source} its rings are {with_it:.2f} pixel off, without it "
            f"{without:.2f}"
        )
        remedy = "give the distortion of this detector, for images in the orientation stored"
        raise BadInput(source, problem, remedy)


def estimate_systematic(
    setup: Setup,
    refined: RefinedGeometry,
    ring_angles: Array,
    displaced: FoundDistortion | None = None,
) -> Systematic:
    """Return the systematic errors of a calibration.

    The fit is repeated with all radii larger by `RADIUS_ERROR`, and with the wavelength longer by
    its standard error; the changes are added in quadrature, and what panels and a radial distortion
    found on the rings leave open.

    Parameters
    ----------
    setup : Setup
        The calibrant image.
    refined : RefinedGeometry
        The calibration.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    displaced : FoundDistortion, optional
        Panels and radial distortion found on the rings.

    Returns
    -------
    Systematic
        In the units of `BEAM_PARAMETERS`.
    """
    points, plane, beam = refined.points, refined.plane, refined.fit.beam
    down, right = points.row - refined.beam_row, points.column - refined.beam_column
    radius = np.hypot(down, right)
    larger = replace(
        points,
        row=points.row + RADIUS_ERROR * down / radius,
        column=points.column + RADIUS_ERROR * right / radius,
    )
    # a longer wavelength moves all rings outwards
    lengthened = 1 + setup.wavelength_stderr / setup.wavelength
    wider_angles = 2 * np.arcsin(np.sin(ring_angles / 2) * lengthened)
    by_radius = refine_geometry.refine_beam(larger, ring_angles, plane).beam - beam
    by_wavelength = refine_geometry.refine_beam(points, wider_angles, plane).beam - beam
    log_ratios = [
        refine_geometry.refine_beam(p, ring_angles, plane, free_wavelength=True).beam[-1]
        for p in (points, larger)
    ]
    found = Systematic(
        beam=np.hypot(by_radius, by_wavelength),
        log_wavelength=abs(log_ratios[1] - log_ratios[0]),
    )
    if displaced is None:
        return found
    left_open = displaced.fit.stderr * refined.scale_from_binned(displaced.plane)
    return Systematic(
        beam=np.hypot(found.beam, left_open),
        log_wavelength=float(np.hypot(found.log_wavelength, displaced.with_wavelength.stderr[-1])),
    )


def check_wavelength(
    setup: Setup,
    refined: RefinedGeometry,
    ring_angles: Array,
    systematic: Systematic,
    displaced: FoundDistortion | None = None,
) -> WavelengthCheck:
    """Return the wavelength refined together with the geometry, and whether the given one agrees.

    Parameters
    ----------
    setup : Setup
        The calibrant image.
    refined : RefinedGeometry
        The calibration.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    systematic : Systematic
        From `estimate_systematic`.
    displaced : FoundDistortion, optional
        Panels and radial distortion found on the rings: they would hide another wavelength that is
        not fitted with them.

    Returns
    -------
    WavelengthCheck
        [angstrom]
    """
    fit = refine_geometry.refine_beam(
        refined.points, ring_angles, refined.plane, free_wavelength=True
    )
    ratio = float(np.exp((fit if displaced is None else displaced.with_wavelength).beam[-1]))
    stderr = float(np.hypot(np.sqrt(fit.covariance[-1, -1]), systematic.log_wavelength))
    if stderr > WORST_RATIO_STDERR:
        agreement = Agreement.NOT_CHECKED
    elif abs(ratio - 1) > AGREEMENT_SIGMAS * stderr:
        agreement = Agreement.DIFFERS
    else:
        agreement = Agreement.AGREES
    return WavelengthCheck(
        wavelength=setup.wavelength * ratio,
        stderr=setup.wavelength * stderr,
        ratio=ratio,
        ratio_stderr=stderr,
        agreement=agreement,
    )


def choose_orientation(
    source: Path, setup: Setup, refined: RefinedGeometry, ring_angles: Array, options: Geometry
) -> ChosenGeometry:
    """Return the refined plane for the image as stored, or the given one in the orientation that
    fits best.

    Parameters
    ----------
    source : Path
        The image, for messages.
    setup : Setup
        The calibrant image and the geometry to verify.
    refined : RefinedGeometry
        The calibration.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    options : Geometry
        Tolerances.

    Returns
    -------
    ChosenGeometry
        Lengths in metres, angles in radians.

    Raises
    ------
    BadInput
        The .poni file fits in no orientation, or turned against the pixels of its own detector.
    """
    if setup.poni is None:
        return ChosenGeometry(orientation=Orientation.AS_STORED, plane=refined.plane, fits=[])
    shape = setup.counts.shape
    fits = refine_geometry.compare_orientations(refined.points, shape, setup.poni, ring_angles)
    best = min(fits, key=lambda fit: fit.doubling)
    if setup.distortion_source and not options.distortion and best.orientation:
        problem = (
            "its detector has uneven pixels, but it suits the image only "
            f"{geo.ORIENTATIONS[best.orientation]}"
        )
        raise BadInput(
            options.poni,
            problem,
            "give the detector's file for images as stored in hexrd.geometry.distortion",
        )
    if (
        best.doubling <= options.doubling_tolerance
        and abs(best.cell_offset) <= options.cell_tolerance
    ):
        return ChosenGeometry(orientation=best.orientation, plane=setup.poni, fits=fits)
    remedy = "give the .poni of this image, or none to calibrate from the rings"
    raise BadInput(
        options.poni, _explain_mismatch(source, setup.poni, refined, best, shape), remedy
    )


def _explain_mismatch(
    source: Path,
    poni: Plane,
    refined: RefinedGeometry,
    best: OrientationFit,
    shape: tuple[int, int],
) -> str:
    """Return why a .poni file fits in no orientation."""
    _, row, column = geo.direct_beam_from_plane(poni)
    seen_row, seen_column = geo.orient_points(
        refined.beam_row, refined.beam_column, shape, best.orientation
    )
    doubling = f"more than {LONGEST_DOUBLING} pixels"
    if best.doubling < LONGEST_DOUBLING:
        doubling = f"{best.doubling:.1f} pixels (calibrant's cell {best.cell_offset:+.0f} ppm)"
    return (
        f"suits none of the eight orientations of {Path(source).name}: at best "
        f"({geo.ORIENTATIONS[best.orientation]}) rings double by {doubling}; its beam is at row "
        f"{row:.1f}, column {column:.1f}, the rings' centre at {float(seen_row):.1f}, "
        f"{float(seen_column):.1f}"
    )
