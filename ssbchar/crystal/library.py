"""The phase library: the reflections of every phase of a phases file in one table, which
unexplained lines are tested against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.outputs import LIBRARY
from ssbchar.crystal.phases_file import read_entries
from ssbchar.crystal.reflections import tabulate_reflections
from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write

if TYPE_CHECKING:
    import xarray as xr


def tabulate_library(table: Path, options: ReflectionListing) -> xr.Dataset:
    """Return the reflections of all phases of a file, one phase after the other
    (docs/data-model.md, ``phases.nc``).

    A phase that cannot be used is left out and listed in the attribute ``set_aside``.

    Parameters
    ----------
    table : Path
        The phases file (YAML).
    options : ReflectionListing

    Raises
    ------
    BadInput
        No phase of the file can be used.
    """
    import xarray as xr

    phases, faults = _tabulate_each(table, options)
    if not phases:
        first = f" (first: {faults[0].problem})" if faults else ""
        raise BadInput(
            table,
            f"holds no phase that can be used{first}",
            "add one with a cell and a space group",
        )
    joined = xr.concat(phases, "reflection", combine_attrs="override")
    attributes = {"about": json.dumps([phase.attrs for phase in phases], sort_keys=True)}
    if faults:
        attributes["set_aside"] = json.dumps([fault.as_record() for fault in faults])
    return LIBRARY.dataset(
        {
            **{str(name): joined[name] for name in joined.data_vars},
            "count": [phase.sizes["reflection"] for phase in phases],
            "phase": np.array([str(phase.attrs["phase"]) for phase in phases], object),
        },
        attributes,
    )


def _tabulate_each(
    table: Path, options: ReflectionListing
) -> tuple[list[xr.Dataset], list[BadInput]]:
    """Return the table of each phase that can be used, and the faults of the others."""
    phases, faults = [], []
    for name in read_entries(table):
        try:
            phases.append(tabulate_reflections(table, options, {"phase": name}))
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            faults.append(fault)
    return phases, faults


def split_phases(library: xr.Dataset) -> list[xr.Dataset]:
    """Return the phases of a library, each as `ssbchar.crystal.tabulate_reflections` returns it."""
    phases, begin = [], 0
    about = json.loads(library.attrs["about"])
    for attrs, count in zip(about, library["count"].values, strict=True):
        end = begin + int(count)
        phase = library.drop_vars(["count", "phase"]).isel(reflection=slice(begin, end))
        phase.attrs = attrs
        phases.append(phase)
        begin = end
    return phases
