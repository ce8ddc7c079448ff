"""Patterns scaled to one incident flux: each divided by its monitor, relative to the series'
median."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.dataset import PATTERNS
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.storage import lazy_rows
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

SCALED = (
    "intensity",
    "intensity_stderr",
    "intensity_robust",
    "intensity_robust_stderr",
    "caked",
    "caked_stderr",
)
"""Variables in counts of a pattern."""


def _scale_frames(values: xr.DataArray, scale: Array) -> xr.Variable:
    """Return a variable with each frame multiplied by a factor of its own."""
    factor = scale.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    return lazy_rows.map_blocks(values, lambda block, rows: block * factor[rows])


def normalise_by_monitor(ds: xr.Dataset, source: Path, stderr: float) -> list[BadInput]:
    """Scale every pattern in place by k = median(m) / m, m its monitor; return the frames that
    cannot be scaled.

    The median is that of the good frames, so that intensities stay near counts. Standard errors are
    scaled with them (var(k I) = k^2 var(I)); the error of the monitor itself is common to all
    points of a frame and is stored apart, in the variables ``monitor_scale`` k [1] and
    ``monitor_scale_stderr`` k `stderr` [1]. A good frame without a monitor gets the status
    ``no_monitor``.

    Parameters
    ----------
    ds : Dataset
        Patterns (docs/data-model.md, ``patterns.nc``), intensities of shape (frames, points).
    source : Path
        For messages.
    stderr : float
        Relative standard error [1] of one reading.

    Raises
    ------
    BadInput
        No good frame has a monitor.
    """
    monitor = ds["monitor"].values.astype(float)
    status = ds["status"].values.astype(str)
    known = np.isfinite(monitor) & (monitor > 0)
    # The median of frames that are excluded anyway would scale the others for nothing.
    usable = status == FrameStatus.OK
    good = known & usable
    if not good.any():
        raise BadInput(
            source,
            "patterns are to be divided by a monitor, and no usable one states it",
            "write it into the files' headers ('monitor: 0.998'), name its key, or switch "
            "by_monitor off",
        )
    # Frames without a monitor keep their counts and are excluded by their status.
    divisor = np.where(known, monitor, 1.0)
    scale = np.where(known, np.median(monitor[good]) / divisor, np.nan)
    for name in SCALED:
        if name in ds:
            ds[name] = _scale_frames(ds[name], np.where(known, scale, 1.0))
    for name, values in (("monitor_scale", scale), ("monitor_scale_stderr", scale * stderr)):
        ds[name] = ("frame", values, PATTERNS.variables[name].attributes())
    lost = ~known & usable
    ds["status"].values[lost] = FrameStatus.NO_MONITOR.value
    names = ds["source_file"].values[lost]
    return [FrameStatus.NO_MONITOR.as_fault(str(name)) for name in names]
