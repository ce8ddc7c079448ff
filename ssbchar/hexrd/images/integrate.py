"""A series of images read frame by frame and integrated in chunks: memory does not grow with the
number of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, masks, read
from ssbchar.hexrd.images import header as head
from ssbchar.hexrd.images.options import Integration
from ssbchar.runtime import progress
from ssbchar.storage.row_file import Gathered

SAMPLES = 5
"""Frames looked at, spread over the series, to find defective pixels."""
CHUNK_BYTES = 256e6
"""A chunk of frames never takes more than this."""


@dataclass
class IntegratedSeries:
    """What was gathered from the frames, in their order."""

    names: list[str] = field(default_factory=list)
    intensity: Gathered = field(default_factory=Gathered)
    stderr: Gathered = field(default_factory=Gathered)
    status: list[str] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    zone_stated: list[bool] = field(default_factory=list)
    temperature: list[float] = field(default_factory=list)
    monitor: list[float] = field(default_factory=list)
    robust: Gathered = field(default_factory=Gathered)
    robust_stderr: Gathered = field(default_factory=Gathered)
    grains: Gathered = field(default_factory=Gathered)
    caked: Gathered = field(default_factory=Gathered)
    caked_stderr: Gathered = field(default_factory=Gathered)
    faults: list[BadInput] = field(default_factory=list)
    synthetic: bool = False


def read_samples(paths: Sequence[Path], shape: tuple[int, int]) -> list[read.Image]:
    """Return the first good frame of some files spread over the series (up to `SAMPLED`)."""
    picked = sorted({round(i) for i in np.linspace(0, len(paths) - 1, SAMPLES)})
    firsts = (next(read.read_images(paths[i]), None) for i in picked)
    return [
        f
        for f in firsts
        if isinstance(f, read.Image) and f.counts.shape == shape and np.any(f.counts > 0)
    ]


def find_valid_pixels(
    samples: Sequence[read.Image], known: NDArray[np.bool_], options: Integration
) -> NDArray[np.bool_]:
    """Return the pixels that count all through a series.

    Parameters
    ----------
    samples : sequence of Image
        From `sampled`.
    known : ndarray of bool, shape (row, column)
        Pixels masked by the user.
    """
    if not samples:
        return ~known
    out = known | np.logical_and.reduce([masks.find_gaps(s.counts) for s in samples])
    tops = [_top(s, options) for s in samples]
    out |= np.logical_and.reduce([s.counts >= top for s, top in zip(samples, tops, strict=True)])
    return np.asarray(
        ~(out | masks.find_defects([s.counts for s in samples], out, options.hot_pixel_sigma))
    )


def _top(image: read.Image, options: Integration) -> float:
    return masks.choose_saturation_limit(
        image.counts.dtype, head.read_number(image.header, head.SATURATION_KEYS), options.saturation
    )


def integrate_series(
    paths: Sequence[Path],
    shape: tuple[int, int],
    valid: NDArray[np.bool_],
    by: azimuthal.Integrator,
    options: Integration,
) -> IntegratedSeries:
    """Return every readable frame of a series integrated; the rest stands among the faults.

    Parameters
    ----------
    paths : sequence of Path
        Image files in order.
    shape : tuple of int
        What the geometry was calibrated for.
    valid : ndarray of bool
        From `valid_pixels`.
    by : azimuthal.Integrator
        For stored images.
    """
    gathered = IntegratedSeries()
    size = max(1, min(options.chunk, int(CHUNK_BYTES / (8 * max(valid.size, 3 * by.seen.size)))))
    for chunk in _chunks(_usable(paths, shape, gathered), size):
        stack = np.stack([image.counts for image in chunk])
        bad = np.stack(
            [(masks.find_gaps(i.counts) | (i.counts >= _top(i, options))) & valid for i in chunk]
        )
        _put(gathered, azimuthal.sum_bins(by, stack, bad if bad.any() else None))
        for image, share in zip(chunk, bad.mean(axis=(1, 2)), strict=True):
            _note(gathered, image, float(share), options)
    return gathered


def _put(gathered: IntegratedSeries, sums: azimuthal.BinSums) -> None:
    """Keep a chunk's means; sector by sector, and without grains, where there are sectors."""
    mean, stderr = sums.over_sectors().mean()
    gathered.intensity.append(mean[:, 0])
    gathered.stderr.append(stderr[:, 0])
    if sums.total.shape[1] > 1:
        for kept, found in zip(
            (gathered.robust, gathered.robust_stderr, gathered.grains),
            azimuthal.average_without_grains(sums),
            strict=True,
        ):
            kept.append(found)
        mean, stderr = sums.mean()
        gathered.caked.append(mean.astype(np.float32))
        gathered.caked_stderr.append(stderr.astype(np.float32))


def _usable(
    paths: Sequence[Path], shape: tuple[int, int], gathered: IntegratedSeries
) -> Iterator[read.Image]:
    for path in progress.report_progress(paths, "integrate images", unit="files"):
        for image in read.read_images(path):
            if isinstance(image, BadInput):
                gathered.faults.append(image)
            elif image.counts.shape != shape:
                size, wanted = ("{} x {}".format(*s) for s in (image.counts.shape, shape))
                remedy = "integrate it with the calibrant of its own detector"
                gathered.faults.append(
                    BadInput(image.source, f"has {size} pixels, the calibrant {wanted}", remedy)
                )
            else:
                yield image


def _chunks(frames: Iterator[read.Image], size: int) -> Iterator[list[read.Image]]:
    chunk: list[read.Image] = []
    for frame in frames:
        chunk.append(frame)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _note(
    gathered: IntegratedSeries, image: read.Image, bad_share: float, options: Integration
) -> None:
    """Keep a frame's status and what its header says."""
    status = "ok"
    if not np.any(image.counts > 0):
        status = "zeros"
    elif bad_share > options.saturated_fraction:
        status = "saturated"
    when, stated = head.read_time(image.header, options.time_key, options.utc_offset)
    keys = {"temperature": head.TEMPERATURE_KEYS, "monitor": head.MONITOR_KEYS}
    given = {"temperature": options.temperature_key, "monitor": options.monitor_key}
    gathered.names.append(image.source)
    gathered.status.append(status)
    gathered.time.append(when)
    gathered.zone_stated.append(stated)
    for name, usual in keys.items():
        getattr(gathered, name).append(
            head.read_number(image.header, (given[name],) if given[name] else usual)
        )
    gathered.synthetic |= head.is_synthetic(image.header)


def mark_beam_dumps(gathered: IntegratedSeries, beam_dumps: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the status of every frame, beam dumps among those that were otherwise good."""
    found = np.array(gathered.status, dtype=object)
    found[beam_dumps & (found == "ok")] = "beam_dump"
    return found
