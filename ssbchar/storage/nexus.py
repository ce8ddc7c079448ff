"""The NeXus side of an output: an entry whose fields are the netCDF variables themselves, by hard
links.

xarray reads the root of the file; NeXus programs read ``/entry``, with the output's main quantity
as its default plot (NXdata) and everything else as NXparameters. Nothing is stored twice.
"""

from __future__ import annotations

import io
import json
from collections.abc import Hashable, Mapping
from typing import IO, TYPE_CHECKING, Any

from ssbchar.constants import HC_EV_ANGSTROM

if TYPE_CHECKING:
    import xarray as xr

INTEGRATION_STEP = "hexrd.images.integrate_images"
"""The step whose output is also an NXazint1d."""
UNKNOWN = "not stated in the raw files"
ROOT_ATTRIBUTES = {"NX_class": "NXroot", "default": "entry"}
"""What the root of the file says to NeXus programs."""
SIGNAL_ORDER = (
    "linear_expansion",
    "cell",
    "position",
    "intensity",
    "temperature",
    "structure_factor_squared",
    "area",
    "flat",
    "chi_r_magnitude",
    "amplitude",
    "mu",
    "weight",
    "region_area",
    "real",
    "window_area",
    "decay_area",
    "ring_offset",
)
"""Quantities shown first, in this order; where none is there, the first with the most
dimensions."""


def add_entry(
    content: IO[bytes] | io.RawIOBase, ds: xr.Dataset, made_by: Mapping[str, Any], date: str
) -> None:
    """Add a NeXus entry to a netCDF-4 file in memory.

    Parameters
    ----------
    content : binary file
        It is changed.
    ds : Dataset
        What it holds; attributes ``measurement`` and ``sample`` name title and sample.
    made_by : mapping
        Provenance: ``step``, ``options`` and ``version``.
    date : str
        Of the software (ISO 8601): no time of the run goes into a file.
    """
    import h5py

    with h5py.File(content, "r+") as file:
        file.attrs.update(ROOT_ATTRIBUTES)
        entry = _group(file, "entry", "NXentry")
        entry["title"] = str(ds.attrs.get("measurement", made_by["step"]))
        used = _data(file, entry, ds)
        if sample := ds.attrs.get("sample"):
            _group(entry, "sample", "NXsample")["name"] = str(sample)
        process = _group(entry, "process", "NXprocess")
        process["program"], process["version"] = (
            f"ssbchar {made_by['step']}",
            str(made_by["version"]),
        )
        _parameters(file, process, [str(name) for name in ds.variables if name not in used])
        if made_by["step"] == INTEGRATION_STEP and "intensity" in ds:
            _azint1d(file, entry, made_by, date)


def _azint1d(file: Any, entry: Any, made_by: Mapping[str, Any], date: str) -> None:
    """Add azimuthally integrated images as the application definition NXazint1d."""
    sub = _group(entry, "azint1d", "NXsubentry")
    sub["definition"] = "NXazint1d"
    options = made_by.get("options", {})
    sub["solid_angle_applied"], sub["normalization_applied"] = True, True
    sub["polarization_applied"] = options.get("polarisation", "default") is not None
    sub["monitor_applied"] = bool(options.get("by_monitor", False))
    instrument = _group(sub, "instrument", "NXinstrument")
    instrument["name"] = UNKNOWN
    mono = _group(instrument, "monochromator", "NXmonochromator")
    mono["wavelength"] = file["wavelength"]
    mono["energy"] = HC_EV_ANGSTROM / float(file["wavelength"][()]) / 1000
    mono["energy"].attrs["units"] = "keV"
    source = _group(instrument, "source", "NXsource")
    source["name"], source["probe"] = UNKNOWN, "x-ray"
    source["type"] = (
        "Synchrotron X-ray Source"  # ASSUME: images of a heated sample by high-energy X-rays
    )
    process = _group(sub, "reduction", "NXprocess")
    process["program"], process["version"], process["date"] = (
        "ssbchar",
        str(made_by.get("version", "")),
        date,
    )
    process["reference"] = "pyFAI: 10.1107/S1600576715004306"
    process["note"] = (
        "two theta about the beam as calibrated; intensity: mean counts per pixel at full response"
    )
    given = _group(process, "input", "NXparameters")
    for name, value in options.items():
        given[name] = json.dumps(value)
    data = _group(sub, "data", "NXdata")
    data.attrs.update({"signal": "I", "axes": [".", "radial_axis"], "interpretation": "spectrum"})
    data["I"], data["I_errors"] = file["intensity"], file["intensity_stderr"]
    # a copy: linked under another name, netCDF readers would take that name for the dimension's
    angle = file["two_theta"][()]
    middle = (angle[1:] + angle[:-1]) / 2
    edges = [2 * angle[0] - middle[0], *middle, 2 * angle[-1] - middle[-1]]
    for name, values, long_name in (("", angle, "2theta"), ("_edges", edges, "2theta bin edges")):
        data[f"radial_axis{name}"] = values
        about = {"units": file["two_theta"].attrs["units"], "long_name": long_name}
        data[f"radial_axis{name}"].attrs.update(about)
    if "monitor" in file:
        _group(sub, "monitor", "NXmonitor")["data"] = file["monitor"]


def choose_signal(ds: xr.Dataset) -> str:
    """Return the name of the quantity that is shown first; empty where there is none."""
    numbers = [str(k) for k, v in ds.data_vars.items() if v.ndim and v.dtype.kind in "fiu"]
    plain = [k for k in numbers if not k.endswith(("_stderr", "covariance"))]
    named = [k for k in SIGNAL_ORDER if k in plain]
    return named[0] if named else max(plain, key=lambda k: ds[k].ndim, default="")


def _data(file: Any, entry: Any, ds: xr.Dataset) -> set[Hashable]:
    """Add the default plot; return the names it uses."""
    name = choose_signal(ds)
    if not name:
        return set()
    entry.attrs["default"] = "data"
    data = _group(entry, "data", "NXdata")
    axes = [_axis(ds, name, dim) for dim in ds[name].dims]
    data.attrs["signal"], data.attrs["axes"] = name, [a or "." for a in axes]
    data[name] = file[name]
    used: set[Hashable] = {name}
    for i, axis in enumerate(axes):
        if axis:
            data[axis] = file[axis]
            data.attrs[f"{axis}_indices"] = [i]
            used.add(axis)
    if f"{name}_stderr" in ds:
        data[f"{name}_errors"] = file[f"{name}_stderr"]
        used.add(f"{name}_stderr")
    return used


def _axis(ds: xr.Dataset, name: str, dim: Hashable) -> str:
    """Return the coordinate along a dimension: numbers (names of phases and axes cannot be plotted
    along)."""
    plain = dim in ds.variables and ds[dim].dtype.kind in "fiu" and ds[dim].dims == (dim,)
    return str(dim) if plain and list(ds[name].dims).count(dim) == 1 else ""


def _parameters(file: Any, process: Any, names: list[str]) -> None:
    parameters = _group(process, "parameters", "NXparameters")
    for name in names:
        if name != "provenance":
            parameters[name] = file[name]
    note = _group(process, "provenance", "NXnote")
    note["type"] = "application/json"
    note["data"] = file["provenance"]


def _group(parent: Any, name: str, kind: str) -> Any:
    made = parent.create_group(name)
    made.attrs["NX_class"] = kind
    return made
