"""Core Scientific Dataset Model text of a series of decays.

D. J. Srivastava, T. Vosegaard, D. Massiot & P. J. Grandinetti, PLoS ONE 15 (2020) e0225953: JSON
with units in the text of each coordinate, numbers as base64 of little-endian complex128.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import xarray as xr


def format_series(fid: xr.Dataset, description: str, timestamp: str) -> str:
    """Return the ``.csdf`` text of all slices.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    description : str
        Sample and title.
    timestamp : str
        ISO 8601.

    Returns
    -------
    str
        JSON: time [s] and, for a series, decay time [s] as dimensions, complex amplitudes [1].
    """
    y = np.ascontiguousarray(fid["real"].values + 1j * fid["imag"].values).astype("<c16")
    time, attrs = fid["time"].values, fid.attrs
    step = float(time[-1] - time[0]) / (time.size - 1)
    carrier = (float(attrs["sfo1"]) - float(attrs["sf"])) * 1e6
    dimensions: list[dict[str, Any]] = [
        {
            "type": "linear",
            "count": int(time.size),
            "increment": f"{step!r} s",
            "coordinates_offset": f"{float(time[0])!r} s",
            "label": "time after the echo's top",
            "reciprocal": {
                "coordinates_offset": f"{carrier!r} Hz",
                "origin_offset": f"{float(attrs['sf'])!r} MHz",
                "label": "frequency against 0 ppm",
            },
        }
    ]
    if len(y) > 1:
        dimensions.append(_slice_dimension(fid["decay_time"].values))
    variable = {
        "type": "internal",
        "name": "free induction decay",
        "quantity_type": "scalar",
        "numeric_type": "complex128",
        "encoding": "base64",
        "components": [base64.b64encode(y.tobytes()).decode("ascii")],
    }
    root = {
        "version": "1.0",
        "timestamp": timestamp,
        "description": description,
        "tags": [f"{attrs['nucleus']} NMR"],
        "dimensions": dimensions,
        "dependent_variables": [variable],
        "application": {
            "ssbchar": {k: _as_json_value(v) for k, v in sorted(attrs.items()) if k != "provenance"}
        },
    }
    return json.dumps({"csdm": root}, indent=1) + "\n"


def _slice_dimension(decay_time: np.ndarray) -> dict[str, Any]:
    """Return the second dimension: decay times where they rise, else the slices' numbers."""
    if np.isfinite(decay_time).all() and (np.diff(decay_time) > 0).all():
        return {
            "type": "monotonic",
            "coordinates": [f"{float(t)!r} s" for t in decay_time],
            "label": "decay time",
        }
    return {
        "type": "linear",
        "count": int(decay_time.size),
        "increment": "1",
        "coordinates_offset": "1",
        "label": "slice",
    }


def _as_json_value(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
