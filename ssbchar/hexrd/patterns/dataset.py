"""The table of a series' patterns (``patterns.nc``), the same from pattern files and from
images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.hexrd import bragg
from ssbchar.storage import lazy_rows
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


def dataset(
    two_theta: Array,
    intensity: Any,
    stderr: Any,
    length: tuple[float, float],
    common: float | None,
    names: Sequence[str],
    numbers: Any,
    status: Any,
    time: ArrayLike,
    temperature: ArrayLike,
    monitor: ArrayLike,
    long_name: str = "",
) -> xr.Dataset:
    """Return patterns on one axis with what is known of each frame (docs/data-model.md,
    ``patterns.nc``).

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree], as measured.
    intensity, stderr : ndarray or Stack, shape (frames, points)
        [counts]
    length : tuple of float
        Wavelength and its standard error [angstrom].
    common : float or None
        Wavelength [angstrom] of ``two_theta_common``; None takes the measured one.
    names, numbers, status : sequence, length frames
        File, number in the series, and whether the frame can be used.
    time, temperature, monitor : array_like, shape (frames,)
        [s since 1970-01-01 UTC], [degC], [counts]; NaN where unknown.
    long_name : str
        What the intensity is.
    """
    import xarray as xr

    common = common or length[0]
    counts = {"units": "counts", "ancillary_variables": "intensity_stderr"}
    if long_name:
        counts["long_name"] = long_name
    about = {"units": "angstrom", "ancillary_variables": "wavelength_stderr"}
    own = {"units": "degree", "long_name": "2theta as measured"}
    shared = {"units": "degree", "long_name": "2theta at the common wavelength"}
    at_common = bragg.convert_wavelength(two_theta, length[0], common)
    return xr.Dataset(
        {
            "intensity": lazy_rows.variable(("frame", "two_theta"), intensity, counts),
            "intensity_stderr": lazy_rows.variable(
                ("frame", "two_theta"), stderr, {"units": "counts"}
            ),
            "wavelength": ((), length[0], about),
            "wavelength_stderr": ((), length[1], {"units": "angstrom"}),
            "common_wavelength": ((), common, {"units": "angstrom"}),
            "source_file": ("frame", np.array(names, dtype=object)),
            "time": (
                "frame",
                np.array(time, float),
                {"units": "s", "long_name": "time since 1970-01-01 UTC"},
            ),
            "temperature_header": ("frame", np.array(temperature, float), {"units": "degC"}),
            "monitor": ("frame", np.array(monitor, float), {"units": "counts"}),
            "status": ("frame", np.asarray(status).astype(object)),
        },
        coords={
            "frame": ("frame", numbers),
            "two_theta": ("two_theta", two_theta, own),
            "q": (
                "two_theta",
                bragg.q_from_two_theta(two_theta, length[0]),
                {"units": "1/angstrom"},
            ),
            "two_theta_common": ("two_theta", at_common, shared),
        },
    )
