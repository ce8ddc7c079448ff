"""One long table of a refined series for spreadsheets: a row per frame and phase."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

CELL_UNITS = {
    "a": "angstrom",
    "b": "angstrom",
    "c": "angstrom",
    "alpha": "degree",
    "beta": "degree",
    "gamma": "degree",
}
"""Parameters of the cell in the order stored, with their units."""


def format_table(patterns: xr.Dataset, furnace: xr.Dataset, lattice: xr.Dataset) -> str:
    """Return the table as CSV; units stand in the names of the columns.

    ``relative_intensity_percent`` is the phase's share of the scattered intensity of all phases of
    the frame; ``weight_percent`` is given only where all phases of the frame have a structure that
    is trusted; the standard errors of the cell are those of the fit, without `length_scale_stderr`,
    which all lengths share.

    Parameters
    ----------
    patterns, furnace, lattice : Dataset
        Of one series (docs/data-model.md).

    Returns
    -------
    str
        A row per frame and phase, frames first; what was not measured is empty.
    """
    import pandas as pd

    table = pd.DataFrame(
        {
            **_list_frame_columns(patterns, furnace, lattice),
            **_list_cell_columns(lattice),
            **_list_intensity_columns(lattice),
            **_list_fit_columns(lattice),
        }
    )
    if patterns.attrs.get("synthetic"):
        table["synthetic"] = 1
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.9g"))


def _repeat_for_phases(values: ArrayLike, lattice: xr.Dataset) -> Any:
    """Return a value per frame as one per row."""
    return np.repeat(np.asarray(values), lattice.sizes["phase"])


def _list_frame_columns(
    patterns: xr.Dataset, furnace: xr.Dataset, lattice: xr.Dataset
) -> dict[str, Any]:
    """Return what is known of each frame, and the phase of each row."""
    by_frame: dict[str, Any] = {
        "frame": patterns["frame"].values,
        "source_file": patterns["source_file"].values.astype(str),
        "time_utc": [format_time(time) for time in furnace["time"].values],
        "temperature_degC": furnace["temperature"].values,
        "temperature_stderr_K": furnace["temperature_stderr"].values,
        "temperature_systematic_K": furnace["temperature_systematic"].values,
        "segment": furnace["segment"].values.astype(str),
        "frame_status": patterns["status"].values.astype(str),
    }
    columns = {name: _repeat_for_phases(values, lattice) for name, values in by_frame.items()}
    columns["phase"] = np.tile(lattice["phase"].values.astype(str), lattice.sizes["frame"])
    return columns


def _list_cell_columns(lattice: xr.Dataset) -> dict[str, Any]:
    """Return the refined cell of each row."""
    columns = {
        "present": lattice["present"].values.ravel(),
        "verdict": lattice["verdict"].values.ravel(),
    }
    for place, (name, unit) in enumerate(CELL_UNITS.items()):
        columns[f"{name}_{unit}"] = lattice["cell"].values[..., place].ravel()
        columns[f"{name}_stderr"] = lattice["cell_stderr"].values[..., place].ravel()
    columns["volume_angstrom3"] = lattice["volume"].values.ravel()
    columns["volume_stderr"] = lattice["volume_stderr"].values.ravel()
    return columns


def _list_intensity_columns(lattice: xr.Dataset) -> dict[str, Any]:
    """Return the intensity of each row, and its shares of scattering and of mass."""
    share, share_stderr = calculate_shares(lattice)
    weight, present = lattice["weight_fraction"].values, lattice["present"].values == 1
    # shares of the phases that have a weight are no weight percent of the sample
    whole = np.all(np.isfinite(weight) | ~present, axis=1, keepdims=True)
    weight_stderr = lattice["weight_fraction_stderr"].values
    return {
        "intensity_count_degree": lattice["intensity"].values.ravel(),
        "intensity_stderr": lattice["intensity_stderr"].values.ravel(),
        "relative_intensity_percent": share.ravel(),
        "relative_intensity_stderr": share_stderr.ravel(),
        "weight_percent": np.where(whole, 100 * weight, np.nan).ravel(),
        "weight_stderr": np.where(whole, 100 * weight_stderr, np.nan).ravel(),
    }


def _list_fit_columns(lattice: xr.Dataset) -> dict[str, Any]:
    """Return the quality of each frame's fit, and what the whole series shares."""
    by_frame: dict[str, Any] = {
        "rwp_percent": lattice["rwp"].values,
        "rexp_percent": lattice["rexp"].values,
        "gof": lattice["gof"].values,
        "zero_degree": lattice["zero"].values,
    }
    columns = {name: _repeat_for_phases(values, lattice) for name, values in by_frame.items()}
    scale_stderr = float(lattice.attrs.get("length_scale_stderr", np.nan))
    columns["length_scale_stderr"] = np.full(lattice["intensity"].size, scale_stderr)
    return columns


def calculate_shares(lattice: xr.Dataset) -> tuple[Array, Array]:
    """Return each phase's share of the scattered intensity, and its standard error.

    r_p = I_p / sum_q I_q over the phases present; errors of the phases are taken as independent.

    Parameters
    ----------
    lattice : Dataset
        With ``intensity``, ``intensity_stderr`` [counts degree] and ``present``.

    Returns
    -------
    share, stderr : ndarray, shape (frame, phase)
        In percent; NaN where the phase is absent.
    """
    present = lattice["present"].values == 1
    intensity = np.where(present, lattice["intensity"].values, 0.0)
    variance = np.where(present, lattice["intensity_stderr"].values ** 2, 0.0)
    total = intensity.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(present & (total > 0), intensity / total, np.nan)
        others = variance.sum(axis=1, keepdims=True) - variance
        stderr = np.sqrt((1 - share) ** 2 * variance + share**2 * others) / total
    return 100 * share, 100 * stderr


def format_time(seconds: float) -> str:
    """Return a time since 1970-01-01 UTC [s] as ISO 8601, empty where unknown."""
    if not np.isfinite(seconds):
        return ""
    return datetime.fromtimestamp(round(float(seconds), 3), UTC).isoformat(timespec="milliseconds")
