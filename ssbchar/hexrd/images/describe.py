"""What detector images are, from the first file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.description import Description, count_of
from ssbchar.errors import BadInput
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.images.read import find_image_files, read_images
from ssbchar.hexrd.images.series import record_frame
from ssbchar.hexrd.patterns.frame_status import FrameStatus


@dataclass(frozen=True, kw_only=True)
class DescribedImages:
    """The images of a series as far as its first frame tells."""

    about: Description
    names: list[str]
    """Name of every file."""
    time: float
    """Of the first frame [s since 1970-01-01 UTC]; NaN where unknown."""
    temperature: float
    """In the header of the first frame [degC]; NaN where it has none."""


def describe_images(source: Path, options: Integration) -> DescribedImages:
    """Return what the images of a series are: number, size [pixel], time and monitor.

    The first frame of the first file alone is read.

    Parameters
    ----------
    source : Path
        A file, a folder or a glob.
    options : Integration

    Raises
    ------
    BadInput
        There is no image, or the first one cannot be read.
    """
    paths = find_image_files(source)
    image = next(iter(read_images(paths[0], options.limits, options.dataset)), None)
    if image is None:
        raise BadInput(paths[0], "holds no image", "copy it again or leave it out")
    if isinstance(image, BadInput):
        raise image
    rows, columns = image.counts.shape
    frame = record_frame(image, 0.0, options)
    parts = [f"{count_of(len(paths), 'image file')} of {columns} x {rows} pixels"]
    doubts = []
    if not np.isfinite(frame.time):
        parts.append("no time in the header")
    elif not frame.zone_stated:
        parts.append(f"time of the header taken as UTC{options.utc_offset:+g} h")
    if np.isfinite(frame.monitor):
        parts.append(f"monitor {frame.monitor:.4g}")
    if np.isfinite(frame.temperature) and not frame.temperature_unit_stated:
        doubts.append(f"{paths[0]}: its temperature states no unit: taken in degC")
    if frame.status != FrameStatus.OK:
        doubts.append(f"{paths[0]}: the first frame cannot be used: {frame.status}")
    return DescribedImages(
        about=Description(said=", ".join(parts), doubts=tuple(doubts)),
        names=[path.name for path in paths],
        time=frame.time,
        temperature=frame.temperature,
    )
