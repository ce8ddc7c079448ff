"""Raw scans as one Dataset: which columns are what, what cannot be used, and the absorption they
give."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write, raw_files
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.normalisation.edge_tables import BEARDEN, find_nearest_edge
from ssbchar.xas.scans.columns import (
    calculate_absorption,
    calculate_foil_absorption,
    find_column,
    find_saturated_counters,
    read_unit,
    require_column,
    split_stack,
)
from ssbchar.xas.scans.formats import RawScan, read_raw_scans
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Scan, order_by_energy

if TYPE_CHECKING:
    import xarray as xr


def read_scans(source: Path, options: ScanReading, labels: dict[str, str]) -> xr.Dataset:
    """Return every scan of a measurement, on its own raw energy axis.

    Parameters
    ----------
    source : path
        A file, a folder or a glob: each file (each group of a project) is one scan of the same
        sample.
    options : Reading
        Columns, mode, element.
    labels : dict
        ``measurement``, ``sample``, ``role``.

    Returns
    -------
    Dataset, dims scan, point
        ``energy`` [eV], ``mu``, ``mu_stderr`` (NaN where the counts are unknown), ``mu_foil``,
        ``i0``; per scan ``source_file``, ``status``, ``eshift`` [eV] (an Athena project's own
        shift, not yet applied), ``n_points``; attrs ``element``, ``edge``, ``mode``, ``set_aside``,
        ``notes`` (`ssbchar.xas.notes`). Shorter scans end in NaN.

    Raises
    ------
    BadInput
        No scan can be used.
    """
    good: list[Scan] = []
    faults: list[BadInput] = []
    for path in raw_files.find_files(source):
        try:
            for raw in _chosen(read_raw_scans(path), path, options):
                for one in split_stack(raw, options.energy):
                    good += _each(one, options)
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            faults.append(fault)
    kept: list[Scan] = []
    for scan in good:
        try:
            kept.append(_checked(scan, options))
        except BadInput as fault:
            faults.append(fault)
    if not kept:
        raise faults[0]
    element = kept[0].element, kept[0].edge
    for scan in [s for s in kept if (s.element, s.edge) != element]:
        kept.remove(scan)
        problem = f"its edge is {scan.element} {scan.edge}, the others' {' '.join(element)}"
        faults.append(BadInput(scan.where, problem, "give it a row of its own"))
    return _dataset(kept, faults, labels)


def _chosen(found: list[RawScan], path: Path, options: ScanReading) -> list[RawScan]:
    """Return the groups of a project that `mu` names; of other files the one scan."""
    if "x" not in found[0].columns or "label" not in found[0].header or not options.mu:
        return found
    wanted = [s for s in found if fnmatch.fnmatchcase(s.header["label"], options.mu)]
    if not wanted:
        names = ", ".join(s.header["label"] for s in found)
        raise BadInput(path, f"no group named '{options.mu}'", f"set read.mu to one of: {names}")
    return wanted


def _each(raw: RawScan, options: ScanReading) -> list[Scan]:
    """Return the scan of a raw one, or one per absorption column where ``mu`` holds a ``*``."""
    project = "bkg_eshift" in raw.header
    if "*" not in options.mu or project:
        return [_scan(raw, options)]
    energy = find_column(raw, "energy", options.energy)
    names = [n for n in raw.columns if n != energy and fnmatch.fnmatchcase(n, options.mu)]
    named = [replace(raw, where=f"{raw.where}[{name}]") for name in names]
    return [_scan(one, replace(options, mu=name)) for one, name in zip(named, names, strict=True)]


def _scan(raw: RawScan, options: ScanReading) -> Scan:
    energy_name = require_column(raw, "energy", options.energy)
    energy = raw.columns[energy_name]
    columns = {k: v for k, v in raw.columns.items() if v.shape == energy.shape}
    raw = replace(raw, columns=columns)
    remarks: list[str] = []
    said = read_unit(raw, energy_name).lower()
    if said.startswith("kev") or (not said and np.nanmax(energy) < 150):
        energy = energy * 1000.0
        remarks.append("energy given in keV")
    mode, mu, i0, total, variance = calculate_absorption(raw, options)
    behind, foil_note = calculate_foil_absorption(raw, options)
    remarks += foil_note
    eshift = float(raw.header.get("bkg_eshift") or 0.0)
    if eshift and not options.apply_eshift:
        problem = (
            f"the project holds an energy shift of {eshift:g} eV that is not applied to the data"
        )
        raise BadInput(raw.where, problem, "set read.apply_eshift, or export the shifted data")
    stderr = (
        np.sqrt(variance / options.photons_per_count)
        if options.photons_per_count
        else np.full_like(mu, np.nan)
    )
    element, edge = _element(raw, options)
    made = Scan(
        raw.where,
        energy,
        mu,
        stderr,
        i0,
        behind,
        total,
        element,
        edge,
        tuple(remarks),
        tuple(find_saturated_counters(raw, options)),
        mode,
        eshift,
        _synthetic(raw),
    )
    return order_by_energy(made)


def _synthetic(raw: RawScan) -> int:
    return int("synthetic" in raw.text.lower())


def _element(raw: RawScan, options: ScanReading) -> tuple[str, str]:
    header = raw.header
    element = options.element or header.get("element.symbol") or header.get("bkg_z") or ""
    edge = options.edge or header.get("element.edge") or header.get("fft_edge") or ""
    return element.strip().capitalize(), edge.strip().upper()


def _checked(scan: Scan, options: ScanReading) -> Scan:
    """Return the scan with its element settled; raise where the edge is wrong or the scan does not
    span it."""
    energy = scan.energy
    if energy.size < 20:
        raise BadInput(scan.where, f"only {energy.size} usable points", "measure again")
    element, edge = scan.element, scan.edge or "K"
    if (element, edge) in BEARDEN:
        expected = BEARDEN[element, edge]
        if not energy[0] < expected < energy[-1]:
            found = find_nearest_edge(_steepest(energy, scan.mu))
            looks = f"; it looks like {' '.join(found)}" if found else ""
            problem = f"the {element} {edge} edge ({expected:g} eV) is not in {energy[0]:.0f}-{energy[-1]:.0f} eV{looks}"
            raise BadInput(scan.where, problem, "correct read.element and read.edge, or the path")
    at = _steepest(energy, scan.mu)
    guess = find_nearest_edge(at, options.edge_tolerance)
    if not element:
        if guess is None:
            raise BadInput(
                scan.where, f"no tabulated edge near {at:.0f} eV", "set read.element and read.edge"
            )
        element, edge = guess
    elif (element, edge) in BEARDEN and abs(at - BEARDEN[element, edge]) > options.edge_tolerance:
        looks = f" ({' '.join(guess)}?)" if guess else ""
        problem = f"its edge is at {at:.0f} eV{looks}, {element} {edge} would be at {BEARDEN[element, edge]:g} eV"
        raise BadInput(scan.where, problem, "correct read.element and read.edge, or the path")
    if energy[-1] - at < options.min_above:
        problem = (
            f"the scan ends {energy[-1] - at:.0f} eV above the edge: no post-edge to normalise by"
        )
        raise BadInput(scan.where, problem, f"needs {options.min_above:g} eV; measure again")
    if at - energy[0] < options.min_below:
        problem = f"the scan starts {at - energy[0]:.0f} eV below the edge: no pre-edge"
        raise BadInput(scan.where, problem, f"needs {options.min_below:g} eV; measure again")
    return replace(scan, element=element, edge=edge)


def _steepest(energy: Array, mu: Array) -> float:
    """Return where mu rises most over 3 eV [eV], away from the ends."""
    grid = np.arange(energy[0], energy[-1], 1.0)
    rise = np.interp(grid + 1.5, energy, mu) - np.interp(grid - 1.5, energy, mu)
    inner = slice(4, -4) if grid.size > 20 else slice(None)
    return float(grid[inner][np.argmax(rise[inner])])


def _dataset(kept: list[Scan], faults: list[BadInput], labels: dict[str, str]) -> xr.Dataset:
    import xarray as xr

    size = max(s.energy.size for s in kept)

    def padded(name: str) -> tuple[tuple[str, str], Array]:
        rows = [getattr(s, name) for s in kept]
        return ("scan", "point"), np.array(
            [np.pad(r, (0, size - r.size), constant_values=np.nan) for r in rows]
        )

    units = {"energy": "eV", "i0": "counts"}
    ds = xr.Dataset(
        {
            name: (*padded(name), {"units": units.get(name, "1")})
            for name in ("energy", "mu", "mu_stderr", "mu_foil", "i0", "total")
        }
    )
    ds["mu"].attrs["ancillary_variables"] = "mu_stderr"
    ds["source_file"] = ("scan", [s.where for s in kept])
    ds["status"] = ("scan", ["ok"] * len(kept))
    ds["eshift"] = (
        "scan",
        [s.eshift for s in kept],
        {"units": "eV", "long_name": "the project's own shift"},
    )
    ds["n_points"] = ("scan", [s.energy.size for s in kept])
    entries = [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in faults]
    found = [notes.make_remark(s.where, note) for s in kept for note in s.notes]
    found += [notes.make_doubt(s.where, said) for s in kept for said in s.doubts]
    ds.attrs = {
        "element": kept[0].element,
        "edge": kept[0].edge,
        "mode": kept[0].mode,
        "synthetic": max(s.synthetic for s in kept),
        "set_aside": json.dumps(entries),
        "notes": json.dumps(found),
        **{k: v for k, v in labels.items() if k in ("measurement", "sample", "role")},
    }
    return ds
