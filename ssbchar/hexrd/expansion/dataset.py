"""The table of expansions: its variables, units and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.statistics import Z95
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

AXES = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
"""What a cell is described by, in the order of every array of cells."""
VOLUME = AXES.index("volume")
COMPONENTS = ("11", "22", "33", "23", "13", "12")
SIZES = np.array([0, 1, 2, 6])
"""The axes that have a linear expansion."""
CURVE = ("phase", "segment", "axis", "temperature")
RAMP = ("phase", "segment")
MIXED = "a, b, c [angstrom]; alpha, beta, gamma [degree]; volume [angstrom^3]"
FRAME = "Cartesian: z along c, y along b*"
ABOUT: dict[str, tuple[tuple[str, ...], str, str]] = {
    "cell": (CURVE, "angstrom", MIXED),
    "linear_expansion": (CURVE, "1/K", "(1/L) dL/dT; volume: (1/V) dV/dT"),
    "tensor": ((*RAMP, "temperature", "component"), "1/K", f"thermal expansion tensor; {FRAME}"),
    "lagrangian_strain": (
        (*RAMP, "temperature", "component"),
        "1",
        "finite strain against the ramp's lowest temperature",
    ),
    "principal_expansion": (
        (*RAMP, "principal", "temperature"),
        "1/K",
        "principal values, followed by continuity",
    ),
    "principal_axis": (
        (*RAMP, "principal", "temperature", "xyz"),
        "1",
        f"directions of the principal axes; {FRAME}",
    ),
    "principal_axis_stderr": (
        (*RAMP, "principal", "temperature"),
        "degree",
        "90: undefined (equal principal values)",
    ),
    "mean_linear_expansion": ((*RAMP, "axis"), "1/K", "(L2 - L1) / (L1 (T2 - T1))"),
    "mean_from": (RAMP, "degC", "T1 of the mean"),
    "mean_to": (RAMP, "degC", "T2 of the mean"),
    "inflation": (
        (*RAMP, "axis"),
        "1",
        "factor on the stated esds: scatter (Birge) times serial correlation",
    ),
    "chi2": (RAMP, "1", "reduced chi-square against the stated esds"),
    "order": (RAMP, "1", "order of the polynomial"),
    "characteristic_temperature": (RAMP, "K", "Einstein or Debye temperature of the curve"),
    "frames_used": (RAMP, "1", ""),
    "frames_rejected": (RAMP, "1", "more than five robust standard deviations off"),
    "verdict": (RAMP, "", "ok, reacting, too_few_frames, not_present"),
    "reacting": (("frame", "phase"), "", "1: the intensity has left its first level on the ramp"),
    "reacting_from": (RAMP, "degC", "first temperature flagged as reacting"),
    "hysteresis": (("phase", "axis"), "1", "cooling / heating - 1 amid the common range"),
    "hysteresis_temperature": (("phase",), "degC", "where the hysteresis is given"),
    "hysteresis_p": (("phase",), "1", "probability of such a difference by chance"),
}


def empty(phases: int, segments: int, points: int) -> dict[str, Any]:
    """Return the variables of the table, filled with nothing."""

    def blank(*shape: int) -> Array:
        return np.full((phases, segments, *shape), np.nan)

    out: dict[str, Any] = {}
    for name in ("cell", "linear_expansion"):
        out[name], out[f"{name}_stderr"] = blank(7, points), blank(7, points)
    for name in ("tensor", "lagrangian_strain"):
        out[name] = blank(points, 6)
    out["tensor_stderr"] = blank(points, 6)
    out["principal_expansion"], out["principal_expansion_stderr"] = (
        blank(3, points),
        blank(3, points),
    )
    out["principal_axis"], out["principal_axis_stderr"] = blank(3, points, 3), blank(3, points)
    for name in (
        "mean_linear_expansion",
        "mean_linear_expansion_stderr",
        "mean_linear_expansion_systematic",
    ):
        out[name] = blank(7)
    out["inflation"] = blank(7)
    for name in (
        "mean_from",
        "mean_to",
        "chi2",
        "order",
        "characteristic_temperature",
        "reacting_from",
    ):
        out[name] = blank()
    out["frames_used"], out["frames_rejected"] = (
        np.zeros((phases, segments), np.int64) for _ in range(2)
    )
    out["verdict"] = np.full((phases, segments), "not_present", dtype=object)
    out["hysteresis"], out["hysteresis_stderr"] = (
        np.full((phases, 7), np.nan),
        np.full((phases, 7), np.nan),
    )
    out["hysteresis_temperature"], out["hysteresis_p"] = (
        np.full(phases, np.nan),
        np.full(phases, np.nan),
    )
    return out


def build_dataset(
    lattice: xr.Dataset, out: dict[str, Any], segments: list[str], grid: Array, options: Expansion
) -> xr.Dataset:
    """Return the table as a Dataset (docs/data-model.md, ``expansion.nc``)."""
    import xarray as xr

    ds = xr.Dataset(
        coords={
            "phase": lattice["phase"].values.astype(object),
            "segment": np.array(segments, dtype=object),
            "axis": np.array(AXES, dtype=object),
            "temperature": ("temperature", grid, {"units": "degC"}),
            "component": np.array(COMPONENTS, dtype=object),
            "principal": np.arange(1, 4),
            "xyz": np.array(list("xyz"), dtype=object),
            "frame": lattice["frame"],
        },
        attrs={"model": options.model},
    )
    for name, values in out.items():
        plain = name.removesuffix("_stderr").removesuffix("_systematic")
        dims, unit, about = ABOUT[name] if name in ABOUT else ABOUT[plain]
        attrs = {"units": unit} if unit else {}
        if about:
            attrs["long_name"] = about if name in ABOUT else f"standard error: {about}"
        if f"{name}_stderr" in out:
            attrs["ancillary_variables"] = f"{name}_stderr"
        ds[name] = (dims, values, attrs)
    half = Z95 * ds["linear_expansion_stderr"]
    ds["linear_expansion_lower95"] = (ds["linear_expansion"] - half).assign_attrs(units="1/K")
    ds["linear_expansion_upper95"] = (ds["linear_expansion"] + half).assign_attrs(units="1/K")
    if lattice.attrs.get("synthetic"):
        ds.attrs["synthetic"] = 1
    return ds
