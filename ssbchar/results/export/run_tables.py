"""Tables of a run as other programs want them: columns with name, unit and remark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.storage import store
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

AXES = ("a", "b", "c", "alpha", "beta", "gamma")
UNITS = ("Å", "Å", "Å", "°", "°", "°")


@dataclass(frozen=True, kw_only=True)
class ExportColumn:
    """A column."""

    name: str
    unit: str
    remark: str
    values: Array
    """Shape (rows,)."""


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """A table of one measurement."""

    name: str
    columns: list[ExportColumn]


def load_result(path: Path) -> xr.Dataset | None:
    """Return a table of a run; None where it is missing or holds the reason why there is none.

    Parameters
    ----------
    path : Path
    """
    if not path.is_file():
        return None
    found: Any = store.load(path)
    return None if found.attrs.get("lost") else found


def list_tables(run: Path) -> list[ExportTable]:
    """Return cells against temperature, merged spectra and NMR spectra of a run.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    """
    found = []
    for folder in sorted(run.glob("*/*")):
        tables = {
            "hexrd": _tabulate_cells,
            "xas": _tabulate_spectrum,
            "nmr": _tabulate_lines,
        }.get(folder.parent.name)
        made = tables(folder) if tables else None
        if made is not None:
            found.append(made)
    return found


def _tabulate_cells(folder: Path) -> ExportTable | None:
    lattice, furnace = (load_result(folder / f"{name}.nc") for name in ("lattice", "furnace"))
    if lattice is None:
        return None
    frames = lattice.sizes["frame"]
    columns = [
        ExportColumn(name="frame", unit="", remark="", values=lattice["frame"].values.astype(float))
    ]
    if furnace is not None and furnace.sizes.get("frame") == frames:
        remark = "at the frame"
        values = furnace["temperature"].values
        columns.append(ExportColumn(name="T", unit="°C", remark=remark, values=values))
    for phase in map(str, lattice["phase"].values):
        columns += _list_cell_columns(lattice.sel(phase=phase), phase)
    return ExportTable(name=folder.name, columns=columns)


def _list_cell_columns(of_phase: xr.Dataset, phase: str) -> Iterator[ExportColumn]:
    used = of_phase["present"].values > 0
    for i, (axis, unit) in enumerate(zip(AXES, UNITS, strict=True)):
        for name, remark in (("cell", phase), ("cell_stderr", f"{phase}, standard error")):
            values = np.where(used, of_phase[name].values[:, i], np.nan)
            label = axis if name == "cell" else f"{axis} error"
            yield ExportColumn(name=label, unit=unit, remark=remark, values=values)
    for name, label in (("volume", "V"), ("volume_stderr", "V error")):
        values = np.where(used, of_phase[name].values, np.nan)
        yield ExportColumn(name=label, unit="Å³", remark=phase, values=values)


def _tabulate_spectrum(folder: Path) -> ExportTable | None:
    normalised = load_result(folder / "normalised.nc")
    if normalised is None:
        return None
    merged = pick_merged(normalised)
    if merged is None:
        return None
    edge = f"{merged.attrs.get('element')} {merged.attrs.get('edge')}"
    columns = [ExportColumn(name="Energy", unit="eV", remark=edge, values=merged["energy"].values)]
    for name, label in (("mu", "mu"), ("norm", "normalised"), ("flat", "flattened")):
        for key, what in ((name, label), (f"{name}_stderr", f"{label} error")):
            if key in merged:
                columns.append(
                    ExportColumn(name=what, unit="", remark=folder.name, values=merged[key].values)
                )
    return ExportTable(name=folder.name, columns=columns)


def pick_merged(normalised: xr.Dataset) -> xr.Dataset | None:
    """Return the merged spectrum of a measurement; None for a series, which has none.

    Parameters
    ----------
    normalised : Dataset
        ``normalised.nc``.
    """
    names = [str(name) for name in normalised["name"].values]
    return normalised.isel(spectrum=names.index("merged")) if "merged" in names else None


def _tabulate_lines(folder: Path) -> ExportTable | None:
    lines = load_result(folder / "lines.nc")
    if lines is None or "ppm" not in lines:
        return None
    columns = [
        ExportColumn(name="Shift", unit="ppm", remark=folder.name, values=lines["ppm"].values)
    ]
    for i in range(lines.sizes["slice"]):
        delay = float(lines["decay_time"][i])
        remark = f"{1e3 * delay:.4g} ms" if np.isfinite(delay) else ""
        for name in ("measured", "model"):
            values = np.real(np.asarray(lines[name].isel(slice=i).values))
            columns.append(ExportColumn(name=name, unit="", remark=remark, values=values))
    return ExportTable(name=folder.name, columns=columns)
