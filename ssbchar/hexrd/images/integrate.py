"""From images to patterns: every frame of a series integrated over the azimuth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, read, series
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.azimuthal import Integrator, PixelNoise
from ssbchar.hexrd.images.distortion import Distortion
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.images.series import FrameRecord, IntegratedSeries
from ssbchar.hexrd.patterns.dataset import FrameRecords, Wavelength, build_dataset
from ssbchar.hexrd.patterns.frame_status import FrameStatus, find_beam_dumps
from ssbchar.hexrd.patterns.monitor import normalise_by_monitor
from ssbchar.hexrd.patterns.read import number_frames
from ssbchar.storage import row_file
from ssbchar.storage.raw_files import expand_path
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

LEAST_RESPONSE = 1e-3
"""Share of the median response below which the bins at the ends of the axis are cut off."""


@dataclass(frozen=True, kw_only=True)
class DetectorImages:
    """Images that correct those of a series, shape (row, column)."""

    masked: Bool
    """Pixels excluded by the user, and those without a flat field."""
    flat: Array | None
    """Flat field."""
    dark: Array | None
    """Counts without beam."""


def integrate_images(source: Path, geometry: xr.Dataset, options: Integration) -> xr.Dataset:
    """Return the patterns of a series of images (docs/data-model.md, ``patterns.nc``).

    Counts are divided by flat field, solid angle and polarisation; the standard error is that of
    counting, with the gain and the readout noise of the options. Gaps, dead, hot and saturated
    pixels are excluded, in single frames what stray events hit. A frame that cannot be used has a
    ``status`` other than ``ok``; one that cannot be read, or has another shape, is left out; both
    have an entry in ``set_aside``.

    Parameters
    ----------
    source : Path
        A file or a folder of images.
    geometry : Dataset
        From ``calibrate_detector``.
    options : Integration
        Options of the step.

    Returns
    -------
    Dataset
        Intensities [counts per pixel], shape (frame, two_theta).

    Raises
    ------
    BadInput
        No image, or none that can be used.
    """
    paths = read.find_image_files(source)
    return integrate_files(source, paths, prepare_integration(paths, geometry, options), options)


@dataclass(frozen=True, kw_only=True)
class PreparedIntegration:
    """What all images of a series are integrated with."""

    geometry: xr.Dataset
    """From ``calibrate_detector``."""
    valid: Bool
    """Pixels that are used in every image, shape (row, column)."""
    integrator: Integrator


def prepare_integration(
    paths: Sequence[Path], geometry: xr.Dataset, options: Integration
) -> PreparedIntegration:
    """Return mask and integrator of a series.

    Parameters
    ----------
    paths : sequence of Path
        Some images of the series, or all.
    geometry : Dataset
        From ``calibrate_detector``, lengths in m, angles in degree.
    options : Integration
    """
    shape = (int(geometry["rows"]), int(geometry["columns"]))
    images = _read_detector_images(shape, options)
    # one mask for the whole series: the matrix then needs to be made only once
    samples = series.read_samples(paths, shape, options)
    masked = images.masked | read.read_own_masks(paths, shape, options.limits)
    valid = series.find_valid_pixels(samples, masked, options)
    integrator = azimuthal.build_integrator(
        _read_plane(geometry),
        int(geometry["orientation_index"]),
        valid,
        points=options.points,
        two_theta=options.two_theta,
        polarisation=options.polarisation,
        flat=images.flat,
        dark=images.dark,
        noise=PixelNoise(gain=options.gain, readout=options.readout_noise),
        sectors=max(options.sectors, 1),
        distortion=_read_distortion(geometry),
    )
    return PreparedIntegration(geometry=geometry, valid=valid, integrator=integrator)


def integrate_files(
    source: Path, paths: Sequence[Path], prepared: PreparedIntegration, options: Integration
) -> xr.Dataset:
    """Return the patterns of some images of a series, as `integrate_images` does.

    Parameters
    ----------
    source : Path
        Of the series, for messages.
    paths : sequence of Path
        The images.
    prepared : PreparedIntegration
        From `prepare_integration`.
    options : Integration

    Returns
    -------
    Dataset
        Intensities [counts per pixel], shape (frame, two_theta).

    Raises
    ------
    BadInput
        None of them can be used.
    """
    geometry, integrator, valid = prepared.geometry, prepared.integrator, prepared.valid
    shape = (valid.shape[0], valid.shape[1])
    integrated = series.integrate_series(paths, shape, valid, integrator, options)
    status = _judge_series(integrated, options.beam_dump)
    if FrameStatus.OK not in status:
        raise _refuse_series(source, len(paths), integrated.faults, status)
    ds = _build_patterns(integrated, status, integrator, geometry, options)
    faults = list(integrated.faults)
    if options.by_monitor:
        faults += normalise_by_monitor(ds, source, options.monitor_stderr)
    faults += [
        word.as_fault(frame.name)
        for frame, word in zip(integrated.frames, status, strict=True)
        if word != FrameStatus.OK
    ]
    if any(frame.synthetic for frame in integrated.frames):
        ds.attrs["synthetic"] = 1
    if faults:
        entries = [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in faults]
        ds.attrs["set_aside"] = json.dumps(entries)
    ds.attrs["pixels_left_out"] = int(valid.size - valid.sum())
    ds.attrs["stray_pixels"] = sum(integrated.stray_pixels)
    ds.attrs["grains"] = "left out" if options.without_grains else "kept"
    return ds


def _read_detector_images(shape: tuple[int, int], options: Integration) -> DetectorImages:
    """Return mask, flat field and dark image of the options."""

    def read_one(path: str, what: str) -> Any:
        """Return an image in its own unit, shape (row, column), None without a path."""
        return read.read_image_of_shape(Path(expand_path(path)), shape, what) if path else None

    mask = read_one(options.mask, "mask")
    flat = read_one(options.flat, "flat")
    dark = read_one(options.dark, "dark")
    masked = np.zeros(shape, bool) if mask is None else mask != 0
    if flat is not None:
        flat = np.asarray(flat, float)
        masked = masked | ~(flat > 0)
    if dark is not None:
        dark = np.asarray(dark, float)
    return DetectorImages(masked=masked, flat=flat, dark=dark)


def _read_plane(geometry: xr.Dataset) -> geo.Plane:
    """Return the detector plane of a ``geometry.nc``."""
    return geo.Plane(**{name: float(geometry[name]) for name in geo.PLANE_PARAMETERS})


def _read_distortion(geometry: xr.Dataset) -> Distortion | None:
    """Return where the pixels lie by a ``geometry.nc``; None where they are an even grid."""
    if "shift_down" not in geometry:
        return None
    return Distortion(
        down=np.asarray(geometry["shift_down"], float),
        right=np.asarray(geometry["shift_right"], float),
    )


def _judge_series(integrated: IntegratedSeries, beam_dump: float) -> list[FrameStatus]:
    """Return the status of every frame, with the beam dumps among those that are otherwise good."""
    if not integrated.frames:
        return []
    status = [frame.status for frame in integrated.frames]
    means = np.full(len(status), np.nan)
    for place, row in enumerate(integrated.intensity):
        if status[place] == FrameStatus.OK:
            means[place] = np.nanmean(row)
    for place in np.flatnonzero(find_beam_dumps(means, beam_dump)).tolist():
        if status[place] == FrameStatus.OK:
            status[place] = FrameStatus.BEAM_DUMP
    return status


def _refuse_series(
    source: Path, files: int, faults: Sequence[BadInput], status: Sequence[FrameStatus]
) -> BadInput:
    """Return why no frame of a series can be used."""
    first = faults[0] if faults else status[0].as_fault("")
    problem = f"no usable image of {files} files (first: {first.problem})"
    return first.reword(source, problem, "check the files")


def _build_patterns(
    integrated: IntegratedSeries,
    status: Sequence[FrameStatus],
    integrator: Integrator,
    geometry: xr.Dataset,
    options: Integration,
) -> xr.Dataset:
    """Return the data set of the patterns, cut to the bins that the detector covers."""
    covered = _find_covered_bins(integrator)
    more: dict[str, Any] = {"length_scale_stderr": _combine_scale_errors(geometry)}
    if integrator.sectors > 1:
        more |= _list_sector_variables(integrated, integrator.sectors, covered)
    ds = build_dataset(
        two_theta=integrator.two_theta[covered],
        intensity=row_file.select_points(integrated.intensity, covered),
        stderr=row_file.select_points(integrated.stderr, covered),
        wavelength=Wavelength(
            value=float(geometry["wavelength"]),
            stderr=float(geometry["wavelength_stderr"]),
            common=options.common_wavelength,
            source=str(geometry.attrs.get("wavelength_source", "")),
        ),
        frames=_list_frame_records(integrated.frames, status),
        noise="poisson",
        more=more,
    )
    # one frame without a zone makes the clock of the whole series an assumption
    zones_stated = all(frame.zone_stated for frame in integrated.frames)
    assumed = f"taken as UTC{options.utc_offset:+g} h"
    ds.attrs["clock"] = "zone stated" if zones_stated else assumed
    # A geometry of older runs has the normal to the detector alone.
    along_beam = "direct_distance" if "direct_distance" in geometry else "distance"
    ds.attrs["distance"] = float(geometry[along_beam])
    known = [frame for frame in integrated.frames if np.isfinite(frame.temperature)]
    if not all(frame.temperature_unit_stated for frame in known):
        ds.attrs["assumed"] = "temperatures of the images' headers are taken in degC, not stated"
    return ds


def _find_covered_bins(integrator: Integrator) -> slice:
    """Return the bins from the first to the last that the detector covers."""
    seen = integrator.seen.reshape(integrator.sectors, -1).sum(axis=0)
    covered = np.flatnonzero(seen > LEAST_RESPONSE * np.median(seen[seen > 0]))
    return slice(covered[0], covered[-1] + 1)


def _list_frame_records(
    frames: Sequence[FrameRecord], status: Sequence[FrameStatus]
) -> FrameRecords:
    """Return what is known of the frames, field by field."""
    names = [frame.name for frame in frames]
    return FrameRecords(
        names=names,
        numbers=number_frames(names),
        status=np.array(status, dtype=object),
        time=[frame.time for frame in frames],
        temperature=[frame.temperature for frame in frames],
        monitor=[frame.monitor for frame in frames],
    )


def _list_sector_variables(
    integrated: IntegratedSeries, sectors: int, covered: slice
) -> Mapping[str, Any]:
    """Return the caked intensities and the mean without grains."""
    rows = {
        "intensity_robust": integrated.sectors.robust,
        "intensity_robust_stderr": integrated.sectors.robust_stderr,
        "grain_share": integrated.sectors.grain_share,
        "caked": integrated.sectors.caked,
        "caked_stderr": integrated.sectors.caked_stderr,
    }
    found: dict[str, Any] = {
        name: row_file.select_points(gathered, covered) for name, gathered in rows.items()
    }
    found["azimuth"] = (np.arange(sectors) + 0.5) / sectors * 360 - 180
    return found


def _combine_scale_errors(geometry: xr.Dataset) -> float:
    """Return the relative error that all d spacings share: that of the distance, that of the
    wavelength where it is stated, the scatter of the calibrant's rings beyond their errors, and
    the offset of the calibrant's cell by a geometry that was given."""
    errors = {
        "direct_distance": "direct_distance_systematic",
        "wavelength": "wavelength_stderr",
    }
    parts = []
    for name, error in errors.items():
        relative = float(geometry[error]) / float(geometry[name]) if error in geometry else 0.0
        parts.append(relative if np.isfinite(relative) else 0.0)
    # Geometries of older runs have no scatter.
    parts += [1e-6 * float(geometry["ring_scatter"])] if "ring_scatter" in geometry else []
    if "orientation_cell_offset" in geometry:
        chosen = int(geometry["orientation_index"])
        parts.append(1e-6 * abs(float(geometry["orientation_cell_offset"][chosen])))
    return float(np.linalg.norm(parts))
