"""From an image of a calibrant to the detector's geometry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.calibration import checks, refine_distortion, refine_geometry, rings
from ssbchar.hexrd.calibration.dataset import GEOMETRY
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.calibration.refine_distortion import FoundDistortion, Terms
from ssbchar.hexrd.calibration.refine_geometry import BEAM_PARAMETERS, RefinedGeometry
from ssbchar.hexrd.calibration.ring_map import map_rings
from ssbchar.hexrd.calibration.setup import Setup, read_setup
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, find_panels
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

ASSUMPTIONS = (
    "wavelength and pixel size are given, not measured: near the beam rings depend only on "
    "distance / (wavelength x pixel), so a wavelength 1 ppm too long makes the distance 1 ppm too "
    "short; rings cannot tell mirror images, nor a rotation about the beam"
)
"""What a calibration takes as given."""
LARGEST_ANGLE = 60
"""Rings beyond this 2theta are not used [degree]."""
USUAL_WIDTH = 4.0
"""Full width of rings in the pixels that they are searched in [pixel]."""
LARGEST_WIDTH = 5.0
"""Rings wider than this are searched in larger pixels [pixel]."""
LEAST_CORRELATION = 0.25
"""Correlation of the radial profile with the calibrant's below which its rings are not there."""


@dataclass(frozen=True, kw_only=True)
class CalibrantRings:
    """The rings a calibrant has at the wavelength given."""

    d: Array
    """d spacings by certificate, descending [angstrom]."""
    angles: Array
    """2theta, ascending [radian]."""


def calibrate_detector(source: Path, options: Geometry) -> xr.Dataset:
    """Return the detector's geometry from an image of a calibrant (docs/data-model.md,
    ``geometry.nc``).

    Rings are found and five parameters refined; wavelength and pixel size are taken as given, since
    rings near the beam depend only on distance / (wavelength x pixel). Where a .poni file is given,
    it is verified in all eight orientations of the image and used in the one that fits.

    Parameters
    ----------
    source : Path
        A file or a folder of images.
    options : Geometry
        Options of the step.

    Returns
    -------
    Dataset
        Lengths in metres, angles in radians; per ring its offset [ppm].

    Raises
    ------
    BadInput
        Nothing readable, no rings where the calibrant has them, or a .poni file that fits in no
        orientation.
    """
    setup = read_setup(source, options)
    known = _list_calibrant_rings(options.calibrant, setup.wavelength)
    factor, start = _find_start(source, setup, known.angles, options)
    binned = setup.bin(factor)
    found = _refine(binned, start, known.angles)
    checks.check_distortion(source, binned, found, start, known.angles)
    displaced = _find_distortion(setup, binned, found, known.angles, factor, options)
    if displaced is not None:
        setup = replace(setup, distortion=_unbin(displaced, setup, factor))
        binned = setup.bin(factor)
        found = _refine(binned, displaced.plane, known.angles)
    refined = found.unbin(factor)
    held_out = refine_geometry.predict_held_out_rings(refined.points, known.angles, refined.plane)
    systematic = checks.estimate_systematic(setup, refined, known.angles, displaced)
    wavelength = checks.check_wavelength(setup, refined, known.angles, systematic, displaced)
    checks.check_rings(
        source,
        binned,
        found,
        known.angles,
        held_out=held_out,
        wavelength=wavelength,
        calibrant=options.calibrant,
        binning=factor,
    )
    chosen = checks.choose_orientation(source, setup, refined, known.angles, options)
    values = {
        **_list_setup_variables(setup),
        **_list_ring_variables(refined, known, held_out),
        **_list_beam_variables(refined, systematic),
        **_list_plane_variables(chosen),
        **_list_map_variables(setup, chosen),
        **_list_distortion_variables(setup, displaced, factor),
        "wavelength_from_rings": wavelength.wavelength,
        "wavelength_from_rings_stderr": wavelength.stderr,
    }
    attrs: dict[str, Any] = {
        "calibrant": options.calibrant,
        "orientation": geo.ORIENTATIONS[chosen.orientation],
        "wavelength_source": setup.wavelength_source,
        "wavelength_check": wavelength.sentence,
        "assumed": ASSUMPTIONS,
    }
    if setup.distortion is not None:
        attrs["distortion"] = _name_distortion(setup, displaced)
    if setup.synthetic:
        attrs["synthetic"] = 1
    if setup.faults:
        attrs["set_aside"] = json.dumps(
            [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in setup.faults]
        )
    return GEOMETRY.dataset(values, attrs)


def _list_calibrant_rings(calibrant: str, wavelength: float) -> CalibrantRings:
    """Return the rings of a calibrant from pyFAI's table, at a wavelength [angstrom]."""
    from pyFAI.calibrant import get_calibrant, names

    if calibrant not in names():
        remedy = f"known are {', '.join(sorted(names()))}"
        raise BadInput(calibrant, "no calibrant of that name", remedy)
    d = np.unique(np.asarray(get_calibrant(calibrant).dspacing, float))[::-1]
    angles = np.radians(bragg.two_theta_from_d(d, wavelength))
    # beyond the wavelength's reach the angle is NaN, which is not below any limit
    used = angles < np.radians(LARGEST_ANGLE)
    return CalibrantRings(d=d[used], angles=angles[used])


def _find_start(
    source: Path, setup: Setup, ring_angles: Array, options: Geometry
) -> tuple[int, geo.Plane]:
    """Return by what factor the image is binned, so that its rings are as wide as they are searched
    for, and the untilted plane at the centre and the distance where the calibrant's rings match
    best."""
    flattened = rings.flatten_image(setup.counts, setup.valid)
    centre = rings.find_centre(flattened, setup.valid, setup.distortion)
    width = rings.measure_ring_width(setup.counts, setup.valid, centre)
    factor = round(width / USUAL_WIDTH) if width > LARGEST_WIDTH else 1
    if factor > 1:
        setup = setup.bin(factor)
        flattened = rings.flatten_image(setup.counts, setup.valid)
        centre = rings.find_centre(flattened, setup.valid, setup.distortion)
    distance, correlation = rings.find_distance(
        flattened,
        setup.valid,
        centre=centre,
        ring_angles=ring_angles,
        rough=setup.distance / setup.pixel1,
        tolerance=options.distance_tolerance,
        distortion=setup.distortion,
    )
    if correlation < LEAST_CORRELATION:
        millimetres = 1e3 * setup.distance
        problem = (
            f"no rings of {options.calibrant} near {millimetres:.0f} mm "
            f"(correlation {correlation:.2f})"
        )
        remedy = "check calibrant, wavelength, distance and pixel size in hexrd.geometry"
        raise BadInput(source, problem, remedy)
    beam = np.array([distance * setup.pixel1, *centre, 0.0, 0.0])
    return factor, refine_geometry.plane_from_beam(beam, setup.pixel1, setup.pixel2)


def _refine(setup: Setup, start: geo.Plane, ring_angles: Array) -> RefinedGeometry:
    """Return the geometry refined from a rough one."""
    return refine_geometry.refine_geometry(
        setup.counts, setup.valid, start, ring_angles, setup.distortion
    )


def _find_distortion(
    setup: Setup,
    binned: Setup,
    found: RefinedGeometry,
    ring_angles: Array,
    factor: int,
    options: Geometry,
) -> FoundDistortion | None:
    """Return the distortion of the image in larger pixels that the rings ask for, or None."""
    rows, columns = binned.valid.shape
    panels = find_panels(setup.valid)
    # Of the pixels that become one the one in the middle tells the panel.
    panels = panels[factor // 2 :: factor, factor // 2 :: factor][:rows, :columns]
    wanted = options.panels if options.panels is not None else setup.poni is None
    number = int(panels.max(initial=0)) if wanted else 0
    # One panel off its place is another beam.
    number = number if number > 1 else 0
    if number == 0 and not options.radial_distortion:
        return None
    terms = Terms(panels=panels, number=number, is_radial=options.radial_distortion)
    return refine_distortion.find_distortion(
        binned.counts, binned.valid, found.plane, ring_angles, terms, binned.distortion
    )


def _unbin(displaced: FoundDistortion, setup: Setup, factor: int) -> Distortion:
    """Return the distortion found in the pixels of the image as stored."""
    found = displaced.distortion
    if factor == 1:
        return found
    rows, columns = setup.valid.shape
    at = np.ix_(
        np.minimum(np.arange(rows) // factor, found.down.shape[0] - 1),
        np.minimum(np.arange(columns) // factor, found.down.shape[1] - 1),
    )
    return Distortion(down=factor * found.down[at], right=factor * found.right[at])


def _name_distortion(setup: Setup, displaced: FoundDistortion | None) -> str:
    """Return where the distortion in use comes from."""
    sources = [setup.distortion_source]
    if displaced is not None:
        sources += [f"{len(displaced.shift)} panels on the rings"] * (len(displaced.shift) > 0)
        sources += ["a radial one on the rings"] * (displaced.radial.size > 0)
    return ", ".join(filter(None, sources))


def _list_distortion_variables(
    setup: Setup, displaced: FoundDistortion | None, factor: int
) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if setup.distortion is not None:
        found["shift_down"] = setup.distortion.down.astype(np.float32)
        found["shift_right"] = setup.distortion.right.astype(np.float32)
    if displaced is not None and len(displaced.shift):
        found["panel_shift"] = factor * displaced.shift
    if displaced is not None and displaced.radial.size:
        found["radial_shift"] = factor * displaced.radial
    return found


def _list_setup_variables(setup: Setup) -> Mapping[str, Any]:
    return {
        "wavelength": setup.wavelength,
        "wavelength_stderr": setup.wavelength_stderr,
        "rows": setup.counts.shape[0],
        "columns": setup.counts.shape[1],
    }


def _list_ring_variables(
    refined: RefinedGeometry, known: CalibrantRings, held_out: Array
) -> Mapping[str, Any]:
    fit, points = refined.fit, refined.points
    offsets = refine_geometry.average_ring_offsets(
        points.ring, fit.residual, fit.weight, known.angles
    )
    sectors = np.bincount(points.ring)[offsets.ring]
    return {
        "ring_d": known.d[offsets.ring],
        "ring_two_theta": np.degrees(known.angles[offsets.ring]),
        "ring_sectors": sectors,
        "ring_offset": offsets.offset,
        "ring_offset_stderr": offsets.stderr,
        "ring_held_out": held_out,
        "ring_scatter": refine_geometry.estimate_ring_scatter(offsets, sectors),
    }


def _list_beam_variables(
    refined: RefinedGeometry, systematic: checks.Systematic
) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "covariance": refined.fit.covariance,
        "parameter": list(BEAM_PARAMETERS),
        "parameter2": list(BEAM_PARAMETERS),
    }
    stderr = np.sqrt(np.diag(refined.fit.covariance))
    for place, name in enumerate(BEAM_PARAMETERS):
        found[name] = refined.fit.beam[place]
        found[f"{name}_stderr"] = stderr[place]
        found[f"{name}_systematic"] = systematic.beam[place]
    return found


def _list_plane_variables(chosen: checks.ChosenGeometry) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        name: float(getattr(chosen.plane, name)) for name in geo.PLANE_PARAMETERS
    }
    found["orientation_index"] = int(chosen.orientation)
    if chosen.fits:
        found["orientation_doubling"] = [fit.doubling for fit in chosen.fits]
        found["orientation_cell_offset"] = [fit.cell_offset for fit in chosen.fits]
        found["orientation_cell_offset_stderr"] = [fit.cell_offset_stderr for fit in chosen.fits]
    return found


def _list_map_variables(setup: Setup, chosen: checks.ChosenGeometry) -> Mapping[str, Any]:
    rings_seen = map_rings(
        setup.counts, setup.valid, chosen.plane, chosen.orientation, setup.distortion
    )
    return {
        "map_azimuth": rings_seen.azimuth,
        "map_two_theta": rings_seen.two_theta,
        "ring_map": rings_seen.counts.astype(np.float32),
    }
