"""The reflections of every phase of a phases file in one table: what unexplained peaks are tested
against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.crystal import reflections as phases
from ssbchar.crystal.options import ReflectionListing
from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write

if TYPE_CHECKING:
    import xarray as xr


def tabulate_library(table: Path, options: ReflectionListing) -> xr.Dataset:
    """Return the reflections of all phases of a file, one after the other (docs/data-model.md,
    ``phases.nc``).

    A phase that cannot be used is left out and stands in ``set_aside``.

    Raises
    ------
    BadInput
        No phase of the file can be used.
    """
    import xarray as xr
    import yaml

    found, faults = [], []
    for name in yaml.safe_load(Path(table).read_text(encoding="utf-8")) or {}:
        try:
            found.append(phases.tabulate_reflections(table, options, {"phase": name}))
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            faults.append({"where": fault.where, "problem": fault.problem, "remedy": fault.remedy})
    if not found:
        first = f" (first: {faults[0]['problem']})" if faults else ""
        raise BadInput(
            table,
            f"holds no phase that can be used{first}",
            "add one with a cell and a space group",
        )
    ds = xr.concat(found, "reflection", combine_attrs="override")
    sizes = [one.sizes["reflection"] for one in found]
    ds["count"] = ("phase", sizes)
    about: dict[str, Any] = {"about": json.dumps([one.attrs for one in found], sort_keys=True)}
    if faults:
        about["set_aside"] = json.dumps(faults)
    ds.attrs = about
    return ds.assign_coords(
        phase=("phase", np.array([str(one.attrs["phase"]) for one in found], object))
    )


def split_phases(library: xr.Dataset) -> list[xr.Dataset]:
    """Return the phases of a library, each as `ssbchar.crystal.tabulate_reflections` returns it."""
    out, begin = [], 0
    for attrs, size in zip(
        json.loads(library.attrs["about"]), library["count"].values, strict=True
    ):
        part = library.drop_vars(["count", "phase"]).isel(
            reflection=slice(begin, begin + int(size))
        )
        part.attrs = attrs
        out.append(part)
        begin += int(size)
    return out
