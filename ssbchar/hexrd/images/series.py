"""A series of images read frame by frame and integrated in chunks, in memory that does not grow
with the number of frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, masks, read
from ssbchar.hexrd.images import header as head
from ssbchar.hexrd.images.azimuthal import BinSums, Integrator
from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.images.stray_events import (
    FrameBesideOthers,
    find_stray_events,
    pair_with_others,
)
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.runtime import progress
from ssbchar.storage.file_watch import FileWatch
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Bool

SAMPLES = 5
"""Frames spread over the series in which defective pixels are searched for."""
CHUNK_BYTES = 256e6
"""Largest size of a chunk of frames in memory."""


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """What is known of a frame beside its pattern."""

    name: str
    """File name, with ``#number`` where a file holds several frames."""
    status: FrameStatus
    time: float
    """[s since 1970-01-01 UTC]; NaN where unknown."""
    zone_stated: bool
    """The header states the time zone."""
    temperature: float
    """In the header [degC]; NaN where it has none."""
    temperature_unit_stated: bool
    """The header states its unit."""
    monitor: float
    """Incident flux in the header [counts]; NaN where it has none."""
    synthetic: bool
    """The header says that the frame is synthetic."""


@dataclass(frozen=True, kw_only=True)
class SectorPatterns:
    """Patterns by azimuthal sector, rows in the order of the frames."""

    caked: RowFile = field(default_factory=RowFile)
    """Intensity, shape (frame, sector, bin) [counts per pixel]."""
    caked_stderr: RowFile = field(default_factory=RowFile)
    robust: RowFile = field(default_factory=RowFile)
    """Mean without single grains, shape (frame, bin) [counts per pixel]."""
    robust_stderr: RowFile = field(default_factory=RowFile)
    grain_share: RowFile = field(default_factory=RowFile)
    """Share of the sectors excluded as grains, shape (frame, bin)."""


@dataclass(frozen=True, kw_only=True)
class IntegratedSeries:
    """The patterns of a series and their frames, filled chunk by chunk."""

    intensity: RowFile = field(default_factory=RowFile)
    """Shape (frame, bin) [counts per pixel]."""
    stderr: RowFile = field(default_factory=RowFile)
    sectors: SectorPatterns = field(default_factory=SectorPatterns)
    """Empty where the integrator has a single sector."""
    frames: list[FrameRecord] = field(default_factory=list)
    faults: list[BadInput] = field(default_factory=list)
    """Frames that could not be read or have another shape."""
    stray_pixels: list[int] = field(default_factory=list)
    """Pixels of each frame that stray events hit."""

    def append(self, sums: BinSums, *, without_grains: bool = False) -> None:
        """Add the patterns of a chunk of frames.

        Parameters
        ----------
        sums : BinSums
            [counts], shape (frame, sector, bin).
        without_grains : bool
            Whether the pattern is the mean without single grains.
        """
        mean, stderr = (values[:, 0] for values in sums.sum_over_sectors().average())
        has_sectors = sums.total.shape[1] > 1
        if has_sectors:
            robust, robust_stderr, grain_share = azimuthal.average_without_grains(sums)
        if without_grains:
            mean, stderr = robust, robust_stderr
        self.intensity.append(mean)
        self.stderr.append(stderr)
        if has_sectors:
            self.sectors.robust.append(robust)
            self.sectors.robust_stderr.append(robust_stderr)
            self.sectors.grain_share.append(grain_share)
            # by sector the series is as large as the images: single precision is enough to look at
            caked, caked_stderr = sums.average()
            self.sectors.caked.append(caked.astype(np.float32))
            self.sectors.caked_stderr.append(caked_stderr.astype(np.float32))


def read_samples(
    paths: Sequence[Path], shape: tuple[int, int], options: Integration
) -> list[Image]:
    """Return the first frame of some files spread over the series.

    Parameters
    ----------
    paths : sequence of Path
        Image files in order.
    shape : tuple of int
        Rows and columns a frame must have.
    options : Integration
        Where images are in a file, and what a file may ask for.

    Returns
    -------
    list of Image
        Up to `SAMPLES` frames [counts] that have any.
    """
    places = sorted({round(place) for place in np.linspace(0, len(paths) - 1, SAMPLES)})
    first_frames = (
        next(read.read_images(paths[place], options.limits, options.dataset), None)
        for place in places
    )
    return [
        frame
        for frame in first_frames
        if isinstance(frame, Image) and frame.counts.shape == shape and np.any(frame.counts > 0)
    ]


def find_valid_pixels(samples: Sequence[Image], masked: Bool, options: Integration) -> Bool:
    """Return the pixels that are used in all frames of a series.

    Parameters
    ----------
    samples : sequence of Image
        From `read_samples` [counts].
    masked : ndarray of bool, shape (row, column)
        Pixels excluded by the user.
    options : Integration
        Limits of saturation and of hot pixels.

    Returns
    -------
    ndarray of bool, shape (row, column)
        Without gaps, defects, and pixels saturated in every sample.
    """
    # nothing but the user's mask is known where no frame can be read
    if not samples:
        return ~masked
    always_gaps = np.logical_and.reduce([masks.find_gaps(s.counts) for s in samples])
    always_saturated = np.logical_and.reduce([_find_saturated(s, options) for s in samples])
    excluded = masked | always_gaps | always_saturated
    counts = [sample.counts for sample in samples]
    defects = masks.find_defects(counts, excluded, options.hot_pixel_sigma)
    return np.asarray(~(excluded | defects))


def _find_saturated(image: Image, options: Integration) -> Bool:
    """Return the saturated pixels of a frame, shape (row, column)."""
    stated = head.read_number(image.header, head.SATURATION_KEYS)
    limit = masks.choose_saturation_limit(image.counts.dtype, stated, options.saturation)
    return np.asarray(image.counts >= limit)


def integrate_series(
    paths: Sequence[Path],
    shape: tuple[int, int],
    valid: Bool,
    integrator: Integrator,
    options: Integration,
) -> IntegratedSeries:
    """Return the patterns of all readable frames of a series.

    Parameters
    ----------
    paths : sequence of Path
        Image files in order.
    shape : tuple of int
        Rows and columns of the calibrant image.
    valid : ndarray of bool, shape (row, column)
        From `find_valid_pixels`.
    integrator : Integrator
        For stored images.
    options : Integration
        Options of the step.

    Returns
    -------
    IntegratedSeries
        Intensities [counts per pixel]; frames that cannot be used are among the faults.
    """
    series = IntegratedSeries()
    frames = pair_with_others(_read_frames(paths, shape, series.faults, options))
    for chunk in _cut_into_chunks(frames, _choose_chunk_size(valid, integrator, options)):
        stack = np.stack([frame.image.counts for frame in chunk])
        bad = np.stack([_find_bad_pixels(frame.image, options) & valid for frame in chunk])
        bad_shares = bad.mean(axis=(1, 2))
        for frame, unused in zip(chunk, bad, strict=True):
            # Noise of readout spreads the neighbours, too, and so raises what an event must reach.
            sigma = options.stray_event_sigma * float(np.sqrt(options.gain))
            events = find_stray_events(frame, unused | ~valid, sigma)
            series.stray_pixels.append(int(events.sum()))
            unused |= events
        sums = azimuthal.sum_bins(integrator, stack, bad if bad.any() else None)
        series.append(sums, without_grains=options.without_grains)
        for frame, bad_share in zip(chunk, bad_shares, strict=True):
            series.frames.append(record_frame(frame.image, float(bad_share), options))
    return series


def _choose_chunk_size(valid: Bool, integrator: Integrator, options: Integration) -> int:
    """Return how many frames are integrated at once: never more than fit into `CHUNK_BYTES`."""
    numbers_per_frame = max(valid.size, 3 * integrator.seen.size)
    return max(1, min(options.chunk, int(CHUNK_BYTES / (8 * numbers_per_frame))))


def _find_bad_pixels(image: Image, options: Integration) -> Bool:
    """Return the gaps and saturated pixels of a frame, shape (row, column)."""
    return masks.find_gaps(image.counts) | _find_saturated(image, options)


def _read_frames(
    paths: Sequence[Path],
    shape: tuple[int, int],
    faults: list[BadInput],
    options: Integration,
) -> Iterator[Image]:
    """Yield the frames of the right shape; what cannot be used is added to the faults."""
    watch = FileWatch()
    for path in progress.report_progress(paths, "integrate images", unit="files"):
        watch.note(path)
        for image in read.read_images(path, options.limits, options.dataset):
            if isinstance(image, BadInput):
                faults.append(image)
            elif image.counts.shape != shape:
                size, wanted = ("{} x {}".format(*s) for s in (image.counts.shape, shape))
                problem = f"has {size} pixels, the calibrant {wanted}"
                remedy = "integrate it with the calibrant of its own detector"
                faults.append(BadInput(image.source, problem, remedy))
            else:
                yield image
    faults += watch.describe_changed()


def _cut_into_chunks(
    frames: Iterator[FrameBesideOthers], size: int
) -> Iterator[list[FrameBesideOthers]]:
    """Yield lists of up to `size` frames."""
    while chunk := list(itertools.islice(frames, size)):
        yield chunk


def record_frame(image: Image, bad_share: float, options: Integration) -> FrameRecord:
    """Return the status of a frame and what its header states.

    Parameters
    ----------
    image : Image
        The frame [counts].
    bad_share : float
        Share [1] of its pixels that are bad.
    options : Integration
        Names of header values, time zone.
    """
    time, zone_stated = head.read_time(image.header, options.time_key, options.utc_offset)
    keys = (options.temperature_key,) if options.temperature_key else head.TEMPERATURE_KEYS
    temperature, unit_stated = head.read_temperature(image.header, keys)
    return FrameRecord(
        name=image.source,
        status=_judge_frame(image, bad_share, options),
        time=time,
        zone_stated=zone_stated,
        temperature=temperature,
        temperature_unit_stated=unit_stated,
        monitor=_read_value(image, options.monitor_key, head.MONITOR_KEYS),
        synthetic=head.is_synthetic(image.header),
    )


def _judge_frame(image: Image, bad_share: float, options: Integration) -> FrameStatus:
    """Return the status of a frame seen alone."""
    if not np.any(image.counts > 0):
        return FrameStatus.ZEROS
    if bad_share > options.saturated_fraction:
        return FrameStatus.SATURATED
    return FrameStatus.OK


def _read_value(image: Image, key: str, usual_keys: Sequence[str]) -> float:
    """Return a number of the header under the name given, else under one of the usual names."""
    return head.read_number(image.header, (key,) if key else usual_keys)
