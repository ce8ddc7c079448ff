"""Raw scans as one Dataset: what cannot be used is left out, and whose edge it is gets settled."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write, raw_files, reading
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.edge_tables import BEARDEN, find_nearest_edge
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
from ssbchar.xas.scans.outputs import SCANS
from ssbchar.xas.scans.scan import Scan, ScanStatus, order_by_energy

if TYPE_CHECKING:
    import xarray as xr

HIGHEST_KEV = 150
"""An energy axis without a unit that ends below this is in keV."""
LONGEST_SPAN = 5e4
"""Longest scan of an edge [eV]."""
LARGEST_SHIFT = 1e3
"""Largest energy shift of a project [eV]."""
MIN_POINTS = 20
"""A scan of fewer points is not used."""
ARRAYS = ("energy", "mu", "mu_stderr", "mu_foil", "i0", "total")
"""Arrays of a scan that the output holds."""
CARRIED = ("measurement", "sample", "role")
"""Labels of a measurement that the output holds."""


def read_scans(source: Path, options: ScanReading, labels: dict[str, str]) -> xr.Dataset:
    """Return every scan of a measurement, on its own raw energy axis.

    Parameters
    ----------
    source : path
        A file, a folder or a glob: each file (each group of a project) is one scan of the same
        sample.
    options : ScanReading
        Columns, mode, element.
    labels : dict
        ``measurement``, ``sample``, ``role``.

    Returns
    -------
    Dataset, dims scan, point
        `ssbchar.xas.scans.outputs.SCANS`, energies in eV; shorter scans end in NaN.

    Raises
    ------
    BadInput
        No scan can be used.
    """
    faults: list[BadInput] = []
    readable: list[Scan] = []
    for path in raw_files.find_files(source):
        try:
            with reading.guard_reading(path, options.limits):
                readable += _read_file(path, options)
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            faults.append(fault)
    checked: list[Scan] = []
    for scan in readable:
        try:
            with reading.isolate(scan.where, "checking it"):
                checked.append(check_scan(scan, options))
        except BadInput as fault:
            faults.append(fault)
    if not checked:
        raise faults[0]
    # The first good scan says whose edge the measurement is.
    first = checked[0]
    alike = []
    for scan in checked:
        if (scan.element, scan.edge) == (first.element, first.edge):
            alike.append(scan)
        else:
            problem = (
                f"its edge is {scan.element} {scan.edge}, the others' {first.element} {first.edge}"
            )
            faults.append(BadInput(scan.where, problem, "give it a row of its own"))
    return build_scans_dataset(alike, faults, labels)


def _read_file(path: Path, options: ScanReading) -> list[Scan]:
    raw_scans = list_raw_scans(path, options)
    scans = [scan for raw in raw_scans for scan in _build_scans(raw, options)]
    longest = max((scan.energy.size for scan in scans), default=0)
    if longest > options.limits.points:
        problem = f"a scan has {longest} points"
        raise reading.make_limit_fault(path, problem, options.limits, "points")
    return scans


def list_raw_scans(path: Path, options: ScanReading) -> list[RawScan]:
    """Return the scans of a file with the columns as they are, those of a stack one by one.

    Parameters
    ----------
    path : Path
    options : ScanReading
        Group of a project, and column of the energy [eV].

    Raises
    ------
    BadInput
        The file cannot be read, or has no such group.
    """
    groups = _select_groups(read_raw_scans(path), path, options)
    return [one for raw in groups for one in split_stack(raw, options.energy)]


def _select_groups(found: list[RawScan], path: Path, options: ScanReading) -> list[RawScan]:
    """Return the groups of a project that `mu` names; of other files the one scan."""
    is_project = "x" in found[0].columns and "label" in found[0].header
    if not is_project or not options.mu:
        return found
    wanted = [raw for raw in found if fnmatch.fnmatchcase(raw.header["label"], options.mu)]
    if not wanted:
        names = ", ".join(raw.header["label"] for raw in found)
        raise BadInput(path, f"no group named '{options.mu}'", f"set read.mu to one of: {names}")
    return wanted


def _build_scans(raw: RawScan, options: ScanReading) -> list[Scan]:
    """Return the scan of a raw one, or one per absorption column where ``mu`` holds a ``*``."""
    is_project = "bkg_eshift" in raw.header
    if "*" not in options.mu or is_project:
        return [_build_scan(raw, options)]
    energy = find_column(raw, "energy", options.energy)
    names = [
        name for name in raw.columns if name != energy and fnmatch.fnmatchcase(name, options.mu)
    ]
    return [
        _build_scan(replace(raw, where=f"{raw.where}[{name}]"), replace(options, mu=name))
        for name in names
    ]


def _build_scan(raw: RawScan, options: ScanReading) -> Scan:
    energy_name = require_column(raw, "energy", options.energy)
    energy = raw.columns[energy_name]
    # Columns of another length belong to another axis.
    raw = replace(
        raw,
        columns={
            name: values for name, values in raw.columns.items() if values.shape == energy.shape
        },
    )
    remarks: list[str] = []
    unit = read_unit(raw, energy_name).lower()
    if unit.startswith("kev") or (not unit and np.nanmax(energy) < HIGHEST_KEV):
        energy = energy * 1000.0
        remarks.append("energy given in keV")
    absorption = calculate_absorption(raw, options)
    foil = calculate_foil_absorption(raw, options)
    eshift = _read_energy_shift(raw)
    if eshift and not options.apply_eshift:
        raise BadInput(
            raw.where,
            f"the project holds an energy shift of {eshift:g} eV that is not applied to the data",
            "set read.apply_eshift, or export the shifted data",
        )
    stderr = np.full_like(absorption.mu, np.nan)
    if options.photons_per_count:
        stderr = np.sqrt(absorption.variance / options.photons_per_count)
    element, edge = _find_element(raw, options)
    return order_by_energy(
        Scan(
            where=raw.where,
            energy=energy,
            mu=absorption.mu,
            mu_stderr=stderr,
            i0=absorption.i0,
            mu_foil=foil.mu,
            total=absorption.total,
            element=element,
            edge=edge,
            mode=absorption.mode,
            notes=(*remarks, *foil.remarks),
            doubts=tuple(find_saturated_counters(raw, options)),
            eshift=eshift,
            synthetic=int("synthetic" in raw.text.lower()),
        )
    )


def _read_energy_shift(raw: RawScan) -> float:
    """Return the energy shift [eV] that a project holds for a scan, 0 where it holds none."""
    text = raw.header.get("bkg_eshift") or "0"
    try:
        shift = float(text)
    except ValueError:
        shift = np.nan
    if not abs(shift) <= LARGEST_SHIFT:
        problem = f"the project's energy shift is '{text[:20]}' eV"
        raise BadInput(raw.where, problem, "correct it in Athena and save the project again")
    return shift


def _find_element(raw: RawScan, options: ScanReading) -> tuple[str, str]:
    """Return element and edge, configured or by the header, empty where neither says."""
    header = raw.header
    element = options.element or header.get("element.symbol") or header.get("bkg_z") or ""
    edge = options.edge or header.get("element.edge") or header.get("fft_edge") or ""
    return element.strip().capitalize(), edge.strip().upper()


def check_scan(scan: Scan, options: ScanReading) -> Scan:
    """Return the scan with its element settled.

    Parameters
    ----------
    scan : Scan
        Arrays of shape (point,), energy [eV].
    options : ScanReading
        How far the scan must reach, and how far its edge may lie from the tabulated one [eV].

    Returns
    -------
    Scan

    Raises
    ------
    BadInput
        The scan is too short, its edge is another element's, or it does not span its edge.
    """
    energy = scan.energy
    if energy.size < MIN_POINTS:
        raise BadInput(scan.where, f"only {energy.size} usable points", "measure again")
    if energy[-1] - energy[0] > LONGEST_SPAN or energy[0] <= 0:
        raise BadInput(
            scan.where,
            f"energies from {energy[0]:g} to {energy[-1]:g} eV are none of a scan of one edge",
            "correct them, or name the column of energies (read.energy)",
        )
    at = find_steepest(energy, scan.mu)
    element, edge = _settle_element(scan, at, options)
    if energy[-1] - at < options.min_above:
        raise BadInput(
            scan.where,
            f"the scan ends {energy[-1] - at:.0f} eV above the edge: no post-edge to normalise by",
            f"needs {options.min_above:g} eV; measure again",
        )
    if at - energy[0] < options.min_below:
        raise BadInput(
            scan.where,
            f"the scan starts {at - energy[0]:.0f} eV below the edge: no pre-edge",
            f"needs {options.min_below:g} eV; measure again",
        )
    return replace(scan, element=element, edge=edge)


def _settle_element(scan: Scan, at: float, options: ScanReading) -> tuple[str, str]:
    """Return element and edge of a scan whose edge is at `at` eV."""
    energy = scan.energy
    element, edge = scan.element, scan.edge or "K"
    guess = find_nearest_edge(at, options.edge_tolerance)
    if not element:
        if guess is None:
            raise BadInput(
                scan.where, f"no tabulated edge near {at:.0f} eV", "set read.element and read.edge"
            )
        return guess
    expected = BEARDEN.get((element, edge))
    if expected is None:
        return element, edge
    remedy = "correct read.element and read.edge, or the path"
    if not energy[0] < expected < energy[-1]:
        likely = find_nearest_edge(at)
        looks = f"; it looks like {' '.join(likely)}" if likely else ""
        span = f"{energy[0]:.0f}-{energy[-1]:.0f} eV"
        problem = f"the {element} {edge} edge ({expected:g} eV) is not in {span}{looks}"
        raise BadInput(scan.where, problem, remedy)
    if abs(at - expected) > options.edge_tolerance:
        looks = f" ({' '.join(guess)}?)" if guess else ""
        problem = f"its edge is at {at:.0f} eV{looks}, {element} {edge} would be at {expected:g} eV"
        raise BadInput(scan.where, problem, remedy)
    return element, edge


def find_steepest(energy: Array, mu: Array) -> float:
    """Return where mu rises most over 3 eV, away from the ends.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        [eV], and the absorption there.

    Returns
    -------
    float
        [eV]
    """
    grid = np.arange(energy[0], energy[-1], 1.0)
    rise = np.interp(grid + 1.5, energy, mu) - np.interp(grid - 1.5, energy, mu)
    # Beams that come up at the start of a scan are steeper than its edge.
    inner = slice(4, -4) if grid.size > 20 else slice(None)
    return float(grid[inner][np.argmax(rise[inner])])


def build_scans_dataset(
    scans: Sequence[Scan], faults: Sequence[BadInput], labels: Mapping[str, str]
) -> xr.Dataset:
    """Return the Dataset of scans of one edge.

    Parameters
    ----------
    scans : sequence of Scan
        Arrays of shape (point,), energy [eV]; at least one.
    faults : sequence of BadInput
        Why others are left out.
    labels : mapping
        Labels of the measurement.

    Returns
    -------
    Dataset, dims scan, point
        `ssbchar.xas.scans.outputs.SCANS`.
    """
    longest = max(scan.energy.size for scan in scans)
    arrays = {
        name: np.array([_pad_to(getattr(scan, name), longest) for scan in scans]) for name in ARRAYS
    }
    exclusions = [notes.make_exclusion(f.where, f.problem, f.remedy) for f in faults]
    remarks = [notes.make_remark(scan.where, text) for scan in scans for text in scan.notes]
    doubts = [notes.make_doubt(scan.where, text) for scan in scans for text in scan.doubts]
    first = scans[0]
    return SCANS.dataset(
        {
            **arrays,
            "source_file": [scan.where for scan in scans],
            "status": [str(ScanStatus.OK)] * len(scans),
            "eshift": [scan.eshift for scan in scans],
            "n_points": [scan.energy.size for scan in scans],
        },
        {
            "element": first.element,
            "edge": first.edge,
            "mode": str(first.mode),
            "synthetic": max(scan.synthetic for scan in scans),
            "set_aside": json.dumps(exclusions),
            "notes": json.dumps([*remarks, *doubts]),
            **{name: text for name, text in labels.items() if name in CARRIED},
        },
    )


def _pad_to(row: Array, size: int) -> Array:
    return np.pad(row, (0, size - row.size), constant_values=np.nan)
