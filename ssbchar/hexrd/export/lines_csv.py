"""Reflections that are followed by name: one long table, a row per frame and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.export.frames_csv import format_time

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = {
    "position": "two_theta_degree",
    "d": "d_angstrom",
    "fwhm": "fwhm_degree",
    "area": "area_count_degree",
}
"""Variables of ``peaks.nc`` and their columns, each followed by its standard error."""


def format_lines(furnace: xr.Dataset, peaks: xr.Dataset) -> str:
    """Return the table as CSV, units in the names of the columns; empty where no line is named.

    Parameters
    ----------
    furnace, peaks : Dataset
        Of one series (docs/data-model.md).

    Returns
    -------
    str
        A row per frame and line, frames first; what was not measured is empty.
    """
    import pandas as pd

    if "named" not in peaks or not np.any(peaks["named"].values == 1):
        return ""
    own = peaks.isel(peak=np.flatnonzero(peaks["named"].values == 1))
    frames, lines = own.sizes["frame"], own.sizes["peak"]
    table: dict[str, object] = {
        "frame": np.repeat(own["frame"].values, lines),
        "time_utc": np.repeat([format_time(time) for time in furnace["time"].values], lines),
        "temperature_degC": np.repeat(furnace["temperature"].values, lines),
        "segment": np.repeat(furnace["segment"].values.astype(str), lines),
        "phase": np.tile(own["phase"].values.astype(str), frames),
        "hkl": np.tile(own["hkl"].values.astype(str), frames),
    }
    for name, column in COLUMNS.items():
        table[column] = own[name].values.ravel()
        table[f"{column}_stderr"] = own[f"{name}_stderr"].values.ravel()
    table["significance"] = own["significance"].values.ravel()
    table["area_upper95_count_degree"] = own["area_upper95"].values.ravel()
    table["verdict"] = own["verdict"].values.astype(str).ravel()
    made = pd.DataFrame(table)
    if peaks.attrs.get("synthetic"):
        made["synthetic"] = 1
    return str(made.to_csv(index=False, lineterminator="\n", float_format="%.9g"))
