"""Patterns brought to one incident flux: each divided by its monitor, relative to the series' usual
one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns import frame_status
from ssbchar.storage import lazy_rows

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
"""What is in counts of a pattern."""


def _scaled(values: xr.DataArray, scale: NDArray[np.float64]) -> xr.Variable:
    """Return a variable with each frame multiplied by a factor of its own."""
    factor = scale.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    return lazy_rows.mapped(values, lambda block, rows: block * factor[rows])


def normalise(ds: xr.Dataset, source: Path, stderr: float) -> list[BadInput]:
    """Scale every pattern in place by k = median(m) / m, m its monitor; return what cannot be
    scaled.

    The median is that of the good frames, so that intensities stay near counts. Standard errors are
    scaled with them (var(k I) = k^2 var(I)); the error of the monitor itself is common to all
    points of a frame and is kept apart: variables ``monitor_scale`` k and ``monitor_scale_stderr``
    k `stderr`. A good frame without a monitor gets the status ``no_monitor``.

    Parameters
    ----------
    ds : Dataset
        Patterns (docs/data-model.md, ``patterns.nc``).
    source : Path
        For messages.
    stderr : float
        Relative standard error of one reading.

    Raises
    ------
    BadInput
        No good frame has a monitor.
    """
    monitor = ds["monitor"].values.astype(float)
    status = ds["status"].values.astype(str)
    known = np.isfinite(monitor) & (monitor > 0)
    good = known & (status == "ok")
    if not good.any():
        raise BadInput(
            source,
            "patterns are to be divided by a monitor, and no usable one states it",
            "write it into the files' headers ('monitor: 0.998'), name its key, or switch by_monitor off",
        )
    scale = np.where(known, np.median(monitor[good]) / np.where(known, monitor, 1.0), np.nan)
    for name in SCALED:
        if name in ds:
            ds[name] = _scaled(ds[name], np.where(known, scale, 1.0))
    ds["monitor_scale"] = (
        "frame",
        scale,
        {"units": "1", "ancillary_variables": "monitor_scale_stderr"},
    )
    ds["monitor_scale_stderr"] = (
        "frame",
        scale * stderr,
        {"units": "1", "long_name": "shared by a frame's points"},
    )
    lost = ~known & (status == "ok")
    ds["status"].values[lost] = "no_monitor"
    names = ds["source_file"].values
    return [
        BadInput(str(names[i]), *frame_status.WORDS["no_monitor"]) for i in np.flatnonzero(lost)
    ]
