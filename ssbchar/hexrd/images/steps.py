"""Images to patterns in two steps: the detector calibrated on a known powder, then every frame
integrated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.campaign.sample_sheet import expand_path
from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.images import azimuthal, calibration_checks, read, rings
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images import integrate as series
from ssbchar.hexrd.images import refine_geometry as cal
from ssbchar.hexrd.images.options import Geometry, Integration
from ssbchar.hexrd.images.setup import Setup, read_image_of_shape, read_setup
from ssbchar.hexrd.patterns.dataset import FrameRecords, Wavelength, build_dataset
from ssbchar.hexrd.patterns.frame_status import FrameStatus, find_beam_dumps
from ssbchar.hexrd.patterns.monitor import normalise_by_monitor
from ssbchar.hexrd.patterns.read import number_frames
from ssbchar.storage import lazy_rows, row_file
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

ASSUMPTIONS = (
    "wavelength and pixel size are given, not measured: near the beam rings see only distance / (wavelength x pixel), "
    "so a wavelength 1 ppm too long makes the distance 1 ppm too short; rings cannot tell mirror images, nor a turn "
    "about the beam"
)
"""What a calibration takes for granted."""


def calibrate_detector(source: Path, options: Geometry) -> xr.Dataset:
    """Return the detector's geometry from an image of a calibrant (docs/data-model.md,
    ``geometry.nc``).

    Without a .poni file the rings are found and five parameters refined; wavelength and pixel size
    are taken as given, since rings near the beam see only distance / (wavelength x pixel). With
    one, it is verified in all eight orientations of the image.

    Raises
    ------
    BadInput
        Nothing readable, no rings where the calibrant has them, or a .poni file that suits no
        orientation.
    """
    given = read_setup(source, options)
    d = _d_spacings(options.calibrant)
    angles = np.radians(bragg.two_theta_from_d(d, given.wavelength))
    d, angles = d[angles < np.radians(60)], angles[angles < np.radians(60)]
    found = cal.refine_geometry(
        given.counts, given.valid, _start(source, given, angles, options), angles
    )
    held = cal.predict_held_out_rings(found.points, angles, found.plane)
    systematic = calibration_checks.estimate_systematic(given, found, angles)
    free, free_error, check = calibration_checks.check_wavelength(
        given, found, angles, systematic[-1]
    )
    calibration_checks.check_rings(source, given, found, angles, held, check, options.calibrant)
    orientation, plane, fits = calibration_checks.choose_orientation(
        source, given, found, angles, options
    )
    ds = _dataset(given, found, d, angles, held)
    for name, value, unit in zip(geo.Plane._fields, plane, geo.PLANE_UNITS, strict=True):
        ds[name] = ((), float(value), {"units": unit})
    ds["orientation_index"] = ((), orientation)
    for name in ("doubling", "cell_offset", "cell_offset_stderr") if fits else ():
        unit = "1" if name == "doubling" else "1e-6"
        ds[f"orientation_{name}"] = (
            "orientation",
            [getattr(f, name) for f in fits],
            {"units": unit},
        )
    for name, error, unit in zip(cal.BEAM_PARAMETERS, systematic, cal.BEAM_UNITS, strict=False):
        ds[f"{name}_systematic"] = ((), error, {"units": unit})
    ds["wavelength_from_rings"] = ((), free, {"units": "angstrom"})
    ds["wavelength_from_rings_stderr"] = ((), free_error, {"units": "angstrom"})
    ds.attrs |= {"calibrant": options.calibrant, "orientation": geo.ORIENTATIONS[orientation]}
    ds.attrs |= {
        "wavelength_source": given.wavelength_source,
        "wavelength_check": check,
        "assumed": ASSUMPTIONS,
    }
    if given.synthetic:
        ds.attrs["synthetic"] = 1
    if given.faults:
        ds.attrs["set_aside"] = json.dumps([_entry(fault) for fault in given.faults])
    return ds


def _entry(fault: BadInput) -> dict[str, str]:
    return {"where": fault.where, "problem": fault.problem, "remedy": fault.remedy}


def _d_spacings(calibrant: str) -> Array:
    """Return a calibrant's d spacings [angstrom], descending, from pyFAI's table."""
    from pyFAI.calibrant import get_calibrant, names

    if calibrant not in names():
        raise BadInput(
            calibrant, "no calibrant of that name", f"known are {', '.join(sorted(names()))}"
        )
    return np.unique(np.asarray(get_calibrant(calibrant).dspacing, float))[::-1]


def _start(source: Path, given: Setup, angles: Array, options: Geometry) -> geo.Plane:
    """Return the untilted plane at the centre and distance where the rings fall on the
    calibrant's."""
    signal = rings.flatten_image(given.counts, given.valid)
    at = rings.find_centre(signal, given.valid)
    rough = given.distance / given.pixel[0]
    length, match = rings.find_distance(
        signal, given.valid, at, angles, rough, options.distance_tolerance
    )
    if match < 0.25:
        problem = f"no rings of {options.calibrant} near {1e3 * given.distance:.0f} mm (correlation {match:.2f})"
        raise BadInput(
            source, problem, "check calibrant, wavelength and distance in hexrd.geometry"
        )
    return cal.plane_from_beam(np.array([length * given.pixel[0], *at, 0.0, 0.0]), *given.pixel)


def _dataset(
    given: Setup, found: cal.RefinedGeometry, d: Array, angles: Array, held: Array
) -> xr.Dataset:
    import xarray as xr

    index, offset, stderr = cal.average_ring_offsets(
        found.points.ring, found.residual, found.weight, angles
    )
    wavelength_units = {"units": "angstrom", "ancillary_variables": "wavelength_stderr"}
    ds = xr.Dataset(
        {
            "wavelength": ((), given.wavelength, wavelength_units),
            "wavelength_stderr": ((), given.wavelength_stderr, {"units": "angstrom"}),
            "pixel1": (
                (),
                given.pixel[0],
                {"units": "m", "long_name": "pixel size along the rows' axis"},
            ),
            "pixel2": (
                (),
                given.pixel[1],
                {"units": "m", "long_name": "pixel size along the columns' axis"},
            ),
            "covariance": (
                ("parameter", "parameter2"),
                found.covariance,
                {"units": "1", "comment": "units of the pair"},
            ),
            "ring_d": ("ring", d[index], {"units": "angstrom"}),
            "ring_two_theta": ("ring", np.degrees(angles[index]), {"units": "degree"}),
            "ring_sectors": ("ring", np.bincount(found.points.ring)[index]),
            "ring_offset": (
                "ring",
                offset,
                {"units": "1e-6", "long_name": "d minus certificate, over it"},
            ),
            "ring_offset_stderr": ("ring", stderr, {"units": "1e-6"}),
            "ring_held_out": (
                "ring",
                held,
                {"units": "1e-6", "long_name": "the same, ring not used in the fit"},
            ),
            "rows": ((), given.counts.shape[0]),
            "columns": ((), given.counts.shape[1]),
        },
        coords={"parameter": list(cal.BEAM_PARAMETERS), "parameter2": list(cal.BEAM_PARAMETERS)},
    )
    sigma = np.sqrt(np.diag(found.covariance))
    for name, value, error, unit in zip(
        cal.BEAM_PARAMETERS, found.beam, sigma, cal.BEAM_UNITS, strict=True
    ):
        ds[name] = ((), value, {"units": unit, "ancillary_variables": f"{name}_stderr"})
        ds[f"{name}_stderr"] = ((), error, {"units": unit})
    return ds


def integrate_images(source: Path, geometry: xr.Dataset, options: Integration) -> xr.Dataset:
    """Return the patterns of a series of images (docs/data-model.md, ``patterns.nc``).

    Counts are divided by flat field, solid angle and polarisation; the standard error is that of
    counting. Gaps, dead, hot and saturated pixels are left out. A frame that cannot be used has a
    ``status`` other than ``ok``; one that cannot be read, or of another shape, is left out; both
    stand in ``set_aside``.

    Raises
    ------
    BadInput
        No image, or none that can be used.
    """
    paths = read.find_image_files(source)
    shape = (int(geometry["rows"]), int(geometry["columns"]))
    extra = {
        name: read_image_of_shape(Path(expand_path(path)), shape, name) if path else None
        for name, path in (("mask", options.mask), ("flat", options.flat), ("dark", options.dark))
    }
    known = np.zeros(shape, bool) if extra["mask"] is None else extra["mask"] != 0
    flat = None if extra["flat"] is None else np.asarray(extra["flat"], float)
    known = known if flat is None else known | ~(flat > 0)
    valid = series.find_valid_pixels(series.read_samples(paths, shape), known, options)
    by = azimuthal.build_integrator(
        geo.Plane(*(float(geometry[name]) for name in geo.Plane._fields)),
        int(geometry["orientation_index"]),
        valid,
        options.points,
        options.two_theta,
        options.polarisation,
        flat,
        None if extra["dark"] is None else np.asarray(extra["dark"], float),
        max(options.sectors, 1),
    )
    found = series.integrate_series(paths, shape, valid, by, options)
    rows = found.intensity.rows() if found.status else ()
    totals = np.array(
        [
            np.nanmean(row) if s == "ok" else np.nan
            for row, s in zip(rows, found.status, strict=True)
        ]
    )
    status = series.mark_beam_dumps(found, find_beam_dumps(totals, options.beam_dump))
    if not np.any(status == "ok"):
        first = found.faults[0].problem if found.faults else FrameStatus(status[0]).problem
        raise BadInput(
            source, f"no usable image of {len(paths)} files (first: {first})", "check the files"
        )
    ds = _patterns(found, status, by, geometry, options)
    if options.by_monitor:
        found.faults += normalise_by_monitor(ds, source, options.monitor_stderr)
    words = [
        FrameStatus(s).as_fault(n) for n, s in zip(found.names, status, strict=True) if s != "ok"
    ]
    if found.faults or words:
        ds.attrs["set_aside"] = json.dumps([_entry(fault) for fault in [*found.faults, *words]])
    ds.attrs["pixels_left_out"] = int(valid.size - valid.sum())
    return ds


def _patterns(
    found: series.IntegratedSeries,
    status: NDArray[Any],
    by: azimuthal.Integrator,
    geometry: xr.Dataset,
    options: Integration,
) -> xr.Dataset:
    seen = by.seen.reshape(by.sectors, -1).sum(axis=0)
    inside = np.flatnonzero(seen > 1e-3 * np.median(seen[seen > 0]))
    cut = slice(inside[0], inside[-1] + 1)
    wavelength = Wavelength(
        value=float(geometry["wavelength"]),
        stderr=float(geometry["wavelength_stderr"]),
        common=options.common_wavelength,
        source=str(geometry.attrs.get("wavelength_source", "")),
    )
    records = FrameRecords(
        names=found.names,
        numbers=number_frames(found.names),
        status=status,
        time=found.time,
        temperature=found.temperature,
        monitor=found.monitor,
    )
    ds = build_dataset(
        two_theta=by.two_theta[cut],
        intensity=row_file.select_points(found.intensity.rows(), cut),
        stderr=row_file.select_points(found.stderr.rows(), cut),
        wavelength=wavelength,
        frames=records,
        noise="poisson",
    )
    ds["length_scale_stderr"] = (
        (),
        _scale_error(geometry),
        {"units": "1", "long_name": "shared by all d spacings"},
    )
    if by.sectors > 1:
        _put_sectors(ds, found, by.sectors, cut)
    ds.attrs["clock"] = (
        "zone stated" if all(found.zone_stated) else f"taken as UTC{options.utc_offset:+g} h"
    )
    if found.synthetic:
        ds.attrs["synthetic"] = 1
    return ds


def _put_sectors(ds: xr.Dataset, found: series.IntegratedSeries, sectors: int, cut: slice) -> None:
    """Add the caked intensities and the mean without grains to the patterns."""
    middle = (np.arange(sectors) + 0.5) / sectors * 360 - 180
    ds.coords["azimuth"] = (
        "azimuth",
        middle,
        {"units": "degree", "long_name": "from the columns' axis to the rows'"},
    )
    flat, caked = ("frame", "two_theta"), ("frame", "azimuth", "two_theta")
    counts = {"units": "counts"}
    named = {
        "intensity_robust": (flat, found.robust, {**counts, "long_name": "without single grains"}),
        "intensity_robust_stderr": (flat, found.robust_stderr, counts),
        "grain_share": (
            flat,
            found.grains,
            {"units": "1", "long_name": "sectors left out as grains"},
        ),
        "caked": (caked, found.caked, {**counts, "ancillary_variables": "caked_stderr"}),
        "caked_stderr": (caked, found.caked_stderr, counts),
    }
    for name, (dims, gathered, attrs) in named.items():
        ds[name] = lazy_rows.make_variable(
            dims, row_file.select_points(gathered.rows(), cut), attrs
        )


def _scale_error(geometry: xr.Dataset) -> float:
    """Return the relative error that all d spacings share: of the distance and, if stated, of the
    wavelength."""
    parts = []
    for name, error in (
        ("direct_distance", "direct_distance_systematic"),
        ("wavelength", "wavelength_stderr"),
    ):
        part = float(geometry[error]) / float(geometry[name]) if error in geometry else 0.0
        parts.append(part if np.isfinite(part) else 0.0)
    return float(np.linalg.norm(parts))
