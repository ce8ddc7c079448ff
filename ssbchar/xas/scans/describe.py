"""What the scans of a measurement are, from its first file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.description import Description, count_of
from ssbchar.storage import raw_files
from ssbchar.xas import notes
from ssbchar.xas.elements import ELEMENTS
from ssbchar.xas.scans.columns import (
    FOIL_ABSORPTIONS,
    find_column,
    list_absorption_columns,
)
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.read import ELEMENT_FIELDS, list_raw_scans, read_scans
from ssbchar.xas.scans.scan import Mode

if TYPE_CHECKING:
    import xarray as xr

MEANINGS = {
    Mode.TRANSMISSION: "I1",
    Mode.FLUORESCENCE: "fluorescence",
    Mode.MU: "mu",
    Mode.NORMALISED: "normalised mu",
}
"""What the columns are that the absorption is made of."""
LISTED = 4
"""So many columns are listed."""


def describe_scans(source: Path, options: ScanReading, role: str = "") -> Description:
    """Return what the scans of a measurement are: number, element and edge, columns, energies [eV].

    The first file alone is opened, as `read_scans` opens it.

    Parameters
    ----------
    source : Path
        File, folder or glob.
    options : ScanReading
    role : str
        Of the row; scans of a ``series`` need not be alike.

    Raises
    ------
    BadInput
        As `read_scans`, of the first file.
    """
    paths = raw_files.find_files(source)
    scans = read_scans(paths[0], options, {"role": role})
    raw = list_raw_scans(paths[0], options)[0]
    energy = scans["energy"].values[0]
    count = int(scans["n_points"].values[0])
    edge = f"{scans.attrs['element']} {scans.attrs['edge']} from {_find_origin(raw, options)}"
    parts = [
        _count_scans(scans.sizes["scan"], len(paths)),
        edge,
        f"{energy[0]:.6g}-{energy[count - 1]:.6g} eV in {count} points",
        *_describe_columns(scans, raw, options),
    ]
    excluded = [
        f"{one['where']}: {one['problem']}; {one['remedy']}"
        for one in json.loads(scans.attrs["set_aside"])
    ]
    doubted = [
        f"{one['where']}: {one['note']}"
        for one in json.loads(scans.attrs["notes"])
        if one["level"] == notes.Level.DOUBT
    ]
    return Description(said=", ".join(parts), doubts=(*excluded, *doubted))


def _count_scans(in_first: int, files: int) -> str:
    if in_first == 1:
        return count_of(files, "scan")
    more = f" in the first of {files} files" if files > 1 else " in one file"
    return f"{in_first} scans{more}"


def _find_origin(raw: RawScan, options: ScanReading) -> str:
    """Return where the element comes from, as `read_scans` takes it."""
    if options.element:
        return "the option"
    stated = any(raw.header.get(key, "").strip().capitalize() in ELEMENTS for key in ELEMENT_FIELDS)
    return "the header" if stated else "the position of the edge"


def _describe_columns(scans: xr.Dataset, raw: RawScan, options: ScanReading) -> list[str]:
    """Return which columns are what, with their places in the file."""
    mode = Mode(scans.attrs["mode"])
    described = []
    energy = find_column(raw, "energy", options.energy)
    # Of several the one that was taken is told.
    if energy and sum("energy" in name.lower() and "/" not in name for name in raw.columns) > 1:
        described.append(f"energy = {_show_column(raw, energy)}")
    i0 = find_column(raw, "i0", options.i0)
    if mode in (Mode.TRANSMISSION, Mode.FLUORESCENCE) and i0:
        described.append(f"I0 = {_show_column(raw, i0)}")
    names = list_absorption_columns(raw, options, mode)
    if names:
        shown = " + ".join(_show_column(raw, name) for name in names[:LISTED])
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        described.append(f"{MEANINGS[mode]} = {shown}{more}")
    ready = next((name for name in raw.columns if name.lower() in FOIL_ABSORPTIONS), None)
    foil = find_column(raw, "foil", options.foil) if options.foil or not ready else ready
    if not bool(scans["mu_foil"].notnull().any()):
        described.append("no foil")
    elif foil:
        described.append(f"foil = {_show_column(raw, foil)}")
    return described


def _show_column(raw: RawScan, name: str) -> str:
    return f"column {list(raw.columns).index(name) + 1} '{name}'"
