"""What was understood of a series of patterns, in one line: for the check before a run and for the
report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


def describe_patterns(patterns: xr.Dataset) -> str:
    """Return one line on a series: frames, range, wavelength, temperatures, times, exposure.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``: ``two_theta`` [degree], ``wavelength`` [angstrom], ``temperature_header``
        [degC], ``time`` [s] of shape (frames,).
    """
    frames = patterns.sizes["frame"]
    unusable = int(np.sum(patterns["status"].values.astype(str) != "ok"))
    axis = patterns["two_theta"].values
    parts = [f"{frames} frame{'s' if frames != 1 else ''}"]
    if unusable:
        parts[0] += f" ({unusable} set aside)"
    source = patterns.attrs.get("axis_source", "")
    parts.append(
        f"2theta {axis[0]:.4g}-{axis[-1]:.4g} degree" + (f" from {source}" if source else "")
    )
    origin = patterns.attrs.get("wavelength_source", "")
    parts.append(f"{float(patterns['wavelength']):.6g} angstrom ({origin})")
    parts.append(_describe_temperatures(patterns))
    parts.append(_describe_times(patterns["time"].values.astype(float)))
    if "exposure" in patterns:
        exposure = f"{_write_range(patterns['exposure'].values)} s exposure"
        parts.append(exposure)
    if np.isfinite(patterns["monitor"].values).any():
        parts.append("monitor in the headers")
    assumed = patterns.attrs.get("assumed", "")
    if assumed:
        parts.append(f"assumed: {assumed}")
    return ", ".join(parts)


def _describe_temperatures(patterns: xr.Dataset) -> str:
    known = patterns["temperature_header"].values.astype(float)
    if not np.isfinite(known).any():
        return "no temperature in the files"
    origin = patterns.attrs.get("temperature_source", "headers")
    missing = int(np.sum(~np.isfinite(known)))
    text = f"T from {origin}, {_write_range(known)} degC"
    return f"{text} ({missing} without)" if missing else text


def _describe_times(time: Array) -> str:
    if not np.isfinite(time).any():
        return "no times in the files"
    span = float(np.nanmax(time) - np.nanmin(time))
    return f"times over {span / 60:.3g} min" if span else "one time"


def _write_range(values: Array) -> str:
    """Return the smallest and the largest finite value, one of them where they are equal."""
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def list_notes(patterns: xr.Dataset) -> list[str]:
    """Return what was assumed when a series [2theta, wavelength, temperature] was read.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``, attribute ``assumed``.
    """
    return [text for text in str(patterns.attrs.get("assumed", "")).split("; ") if text]
