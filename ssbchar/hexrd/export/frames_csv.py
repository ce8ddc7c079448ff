"""One long table of a refined series: a row per frame and phase, for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

AXES = ("a", "b", "c", "alpha", "beta", "gamma")
UNITS = ("angstrom",) * 3 + ("degree",) * 3


def format_table(patterns: xr.Dataset, furnace: xr.Dataset, lattice: xr.Dataset) -> str:
    """Return the table as CSV; units stand in the names of the columns, empty cells are not
    measured.

    ``relative_intensity_percent`` is the phase's share of the scattered intensity of all phases of
    the frame; ``weight_percent`` is given only where all phases of the frame have a structure that
    is trusted; the standard errors of the cell are those of the fit, without `length_scale_stderr`
    that all lengths share.
    """
    import pandas as pd

    frames, phases = lattice["intensity"].shape
    columns: dict[str, Any] = {}

    def per_frame(name: str, values: Any) -> None:
        columns[name] = np.repeat(np.asarray(values), phases)

    def per_both(name: str, variable: str) -> None:
        columns[name] = lattice[variable].values.ravel()

    per_frame("frame", patterns["frame"].values)
    per_frame("source_file", patterns["source_file"].values.astype(str))
    per_frame("time_utc", [_iso(t) for t in furnace["time"].values])
    for name in ("temperature", "temperature_stderr", "temperature_systematic"):
        per_frame(f"{name}_{'degC' if name == 'temperature' else 'K'}", furnace[name].values)
    per_frame("segment", furnace["segment"].values.astype(str))
    per_frame("frame_status", patterns["status"].values.astype(str))
    columns["phase"] = np.tile(lattice["phase"].values.astype(str), frames)
    per_both("present", "present")
    per_both("verdict", "verdict")
    for i, (axis, unit) in enumerate(zip(AXES, UNITS, strict=True)):
        columns[f"{axis}_{unit}"] = lattice["cell"].values[..., i].ravel()
        columns[f"{axis}_stderr"] = lattice["cell_stderr"].values[..., i].ravel()
    per_both("volume_angstrom3", "volume")
    per_both("volume_stderr", "volume_stderr")
    per_both("intensity_count_degree", "intensity")
    per_both("intensity_stderr", "intensity_stderr")
    share, error = calculate_shares(lattice)
    columns["relative_intensity_percent"], columns["relative_intensity_stderr"] = (
        share.ravel(),
        error.ravel(),
    )
    weight, present = lattice["weight_fraction"].values, lattice["present"].values == 1
    whole = np.all(np.isfinite(weight) | ~present, axis=1, keepdims=True)
    columns["weight_percent"] = np.where(whole, 100 * weight, np.nan).ravel()
    columns["weight_stderr"] = np.where(
        whole, 100 * lattice["weight_fraction_stderr"].values, np.nan
    ).ravel()
    for name in ("rwp", "rexp"):
        per_frame(f"{name}_percent", lattice[name].values)
    per_frame("gof", lattice["gof"].values)
    per_frame("zero_degree", lattice["zero"].values)
    columns["length_scale_stderr"] = np.full(
        frames * phases, float(lattice.attrs.get("length_scale_stderr", np.nan))
    )
    if patterns.attrs.get("synthetic"):
        columns["synthetic"] = 1
    table = pd.DataFrame(columns)
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.9g"))


def calculate_shares(lattice: xr.Dataset) -> tuple[Any, Any]:
    """Return each phase's share of the scattered intensity [percent] and its error, shape (frames,
    phases).

    r_p = I_p / sum_q I_q over the phases present; errors of the phases taken as independent.
    """
    present = lattice["present"].values == 1
    value = np.where(present, lattice["intensity"].values, 0.0)
    variance = np.where(present, lattice["intensity_stderr"].values ** 2, 0.0)
    total = value.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(present & (total > 0), value / total, np.nan)
        others = variance.sum(axis=1, keepdims=True) - variance
        error = np.sqrt((1 - share) ** 2 * variance + share**2 * others) / total
    return 100 * share, 100 * error


def _iso(seconds: float) -> str:
    if not np.isfinite(seconds):
        return ""
    return datetime.fromtimestamp(round(float(seconds), 3), UTC).isoformat(timespec="milliseconds")
