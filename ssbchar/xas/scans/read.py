"""Raw scans as one Dataset: what cannot be used is left out, and whose edge it is gets settled."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write, raw_files, reading
from ssbchar.typing import Array
from ssbchar.units import Dimension, find_unit
from ssbchar.xas import notes
from ssbchar.xas.edge_tables import find_nearest_edge, list_edges, look_up_edge
from ssbchar.xas.elements import EDGES, ELEMENTS
from ssbchar.xas.scans.choose_signal import prefer_fluorescence
from ssbchar.xas.scans.columns import (
    calculate_absorption,
    calculate_foil_absorption,
    find_column,
    find_saturated_counters,
    read_unit,
    require_column,
    split_stack,
)
from ssbchar.xas.scans.element import identify_edge
from ssbchar.xas.scans.formats.athena import IS_REFERENCE
from ssbchar.xas.scans.formats.column_names import NAMES
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.formats.recognise import read_raw_scans
from ssbchar.xas.scans.jumps import BEFORE_EDGE, Jump, find_jump, find_second_edge, measure_step
from ssbchar.xas.scans.mono_angle import energy_from_angle
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.outputs import SCANS
from ssbchar.xas.scans.passes import split_passes
from ssbchar.xas.scans.rebin import rebin_scan
from ssbchar.xas.scans.repeats import group_repeats
from ssbchar.xas.scans.scan import (
    Mode,
    Scan,
    ScanStatus,
    cut_scan,
    find_edge_place,
    order_by_energy,
)
from ssbchar.xas.scans.scan_times import read_channel, read_start
from ssbchar.xas.slopes import find_steepest, remove_spikes

if TYPE_CHECKING:
    import xarray as xr

HIGHEST_KEV = 150
"""An energy axis without a unit that ends below this is in keV."""
LONGEST_SPAN = 5e4
"""Longest scan of an edge [eV]."""
LARGEST_SHIFT = 1e3
"""Largest energy shift of a project [eV]."""
OWN_ROW = "give it a row of its own"
"""Remedy of a scan that is none of the others' sample."""
OWN_KINDS = (Mode.NORMALISED, Mode.FLUORESCENCE)
"""Kinds of absorption that have none but themselves for repeats."""
SERIES = "series"
"""Role of scans that need not be alike."""
AWAY_FROM_EDGE = 50.0
"""A jump is closed this far from the edge, where the absorption is nearly straight [eV]."""
LEFT_ABOVE = 150.0
"""A scan that is cut before a jump must reach this far above its edge [eV]."""
FEWEST_FOR_LENGTH = 3
"""Scans that are needed to say that one is short."""
LEAST_LENGTH = 0.7
"""A scan that spans less than this share of the others' range on a side is left out [1]."""
FOIL_SIGMA, LEAST_FOIL = 3.0, 0.003
"""A foil's edge step stands so many standard errors above nothing, and above what rounding makes of
a copied counter [1]."""
NO_EDGE = "its column behind the foil shows no edge: taken for none; name it in read.foil if it is"
"""What is told of a foil that was found by its column's name alone."""
NEAR_FOIL_EDGE = (-30.0, 50.0)
"""Where a jump of a foil's absorption spoils its alignment [eV, relative to its edge]."""
ON_EDGE = (-10.0, 20.0)
"""Where a scan must have readings [eV, relative to its edge]."""
LEAST_GAP, GAP_IN_STEPS = 3.0, 6.0
"""Widest gap there [eV], and in steps of the scan [1]; ours."""
WIDER = 1.5
"""Times the step before it that a gap must be wide [1]."""
FEWEST_ON_EDGE = 8
"""A scan of fewer points there is coarse, and has no gaps."""
MIN_POINTS = 20
"""A scan of fewer points is not used."""
ELEMENT_FIELDS = ("element.symbol", "bkg_z", "scanparameters.element", "element", "scan.element")
EDGE_FIELDS = ("element.edge", "fft_edge", "scanparameters.edge", "edge", "scan.edge")
"""Header fields that name the absorbing element, and its edge."""
ENERGY_OF_ANGLE = "energy of the angle"
"""Name of the energies that are made from angles."""
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
    return read_scan_files(raw_files.find_files(source), options, labels)


def read_scan_files(
    paths: Sequence[Path], options: ScanReading, labels: dict[str, str]
) -> xr.Dataset:
    """Return the scans of some files of a measurement, as `read_scans` does.

    Parameters
    ----------
    paths : sequence of Path
        At least one file.
    options : ScanReading
    labels : dict
        ``measurement``, ``sample``, ``role``.

    Returns
    -------
    Dataset, dims scan, point
        Energies in eV.

    Raises
    ------
    BadInput
        No scan can be used.
    """
    faults: list[BadInput] = []
    readable: list[Scan] = []
    for path in paths:
        try:
            with reading.guard_reading(path, options.limits):
                readable += _read_file(path, options, faults)
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            faults.append(fault)
    checked: list[Scan] = []
    for scan in readable:
        try:
            with reading.isolate(scan.where, "checking it"):
                good = check_scan(scan, options)
                checked.append(rebin_scan(good) if options.rebin else good)
        except BadInput as fault:
            faults.append(fault)
    if not checked:
        raise faults[0]
    alike = _select_one_edge(_select_one_kind(checked, faults), faults)
    alike = _settle_jumps(alike, faults, options)
    if labels.get("role") != SERIES:
        alike = _select_long(alike, faults)
        alike = _select_repeats(alike, faults)
    return build_scans_dataset(alike, faults, labels)


def _select_one_edge(scans: list[Scan], faults: list[BadInput]) -> list[Scan]:
    """Return the scans of the edge that most scans have, of as many the first's."""
    edges = [(scan.element, scan.edge) for scan in scans]
    element, edge = max(edges, key=edges.count)
    alike = []
    for scan in scans:
        if (scan.element, scan.edge) == (element, edge):
            alike.append(scan)
        else:
            problem = f"its edge is {scan.element} {scan.edge}, the others' {element} {edge}"
            faults.append(BadInput(scan.where, problem, OWN_ROW))
    return alike


def _select_one_kind(scans: list[Scan], faults: list[BadInput]) -> list[Scan]:
    """Return the scans of the kind that most scans are of, of as many the first's: a normalised
    absorption or a fluorescence is not averaged with what is none."""
    kinds = [scan.mode if scan.mode in OWN_KINDS else None for scan in scans]
    kept = max(kinds, key=kinds.count)
    usual = scans[kinds.index(kept)].mode
    for scan, kind in zip(scans, kinds, strict=True):
        if kind != kept:
            problem = f"its absorption is {scan.mode}, the others' {usual}"
            faults.append(BadInput(scan.where, problem, "name the columns, or " + OWN_ROW))
    return [scan for scan, kind in zip(scans, kinds, strict=True) if kind == kept]


def _settle_jumps(scans: list[Scan], faults: list[BadInput], options: ScanReading) -> list[Scan]:
    """Return the scans without a jump of their absorption; where all have one, those that can be
    mended: a transmission by the jump itself, which a factor of a counter makes, another scan by
    being cut far above its edge."""
    found = [find_jump(one.energy, one.mu, find_edge_place(one.energy, one.mu)) for one in scans]
    if not any(found):
        return scans
    whole = [scan for scan, jump in zip(scans, found, strict=True) if jump is None]
    cut = []
    for scan, jump in zip(scans, found, strict=True):
        if jump is None:
            continue
        at = find_edge_place(scan.energy, scan.mu)
        text = (
            f"the absorption jumps by {jump.height:+.3g} from one point to the next at "
            f"{jump.energy:.1f} eV, as where a counter's range is switched"
        )
        # A counter that was saturated comes back with a jump that is no factor.
        is_factor = scan.mode is Mode.TRANSMISSION and not scan.doubts
        if not whole and is_factor and abs(jump.energy - at) > AWAY_FROM_EDGE:
            cut.append(_close_jump(scan, jump, f"{text}: closed, by a factor {jump.factor:.3f}"))
        elif not whole and jump.energy - at > max(LEFT_ABOVE, options.min_above):
            cut.append(cut_scan(scan, jump.energy, f"{text}: used up to there"))
        else:
            faults.append(BadInput(scan.where, text, "measure again, or cut the file before it"))
    if not whole and not cut:
        raise faults[-1]
    return whole or cut


def _close_jump(scan: Scan, jump: Jump, note: str) -> Scan:
    """Return the scan with what follows a jump moved by its height."""
    moved = np.where(scan.energy > jump.energy, scan.mu - jump.height, scan.mu)
    total = np.where(scan.energy > jump.energy, scan.total - jump.height, scan.total)
    return replace(scan, mu=moved, total=total, doubts=(*scan.doubts, note))


def _select_long(scans: list[Scan], faults: list[BadInput]) -> list[Scan]:
    """Return the scans without those that are much shorter than most: repeats are merged where they
    overlap, and one that was broken off would shorten all."""
    if len(scans) < FEWEST_FOR_LENGTH:
        return scans
    spans = np.array(
        [
            (at - scan.energy[0], scan.energy[-1] - at)
            for scan in scans
            for at in [find_edge_place(scan.energy, scan.mu)]
        ]
    )
    usual = np.median(spans, axis=0)
    kept = []
    for scan, span in zip(scans, spans, strict=True):
        if (span >= LEAST_LENGTH * usual).all():
            kept.append(scan)
            continue
        problem = (
            f"it spans {span[0]:.0f} eV below and {span[1]:.0f} eV above its edge, the others "
            f"{usual[0]:.0f} and {usual[1]:.0f} eV"
        )
        faults.append(BadInput(scan.where, problem, f"measure again, or {OWN_ROW}"))
    return kept


def _select_repeats(scans: list[Scan], faults: list[BadInput]) -> list[Scan]:
    """Return the scans that are repeats of one sample; refuse them all where it is open which."""
    places = [find_edge_place(scan.energy, scan.mu) for scan in scans]
    kept, apart = group_repeats(scans, places)
    if not kept:
        raise BadInput(
            scans[0].where,
            f"the scans are no repeats of one sample: {apart}",
            "choose with read.scan or read.mu, or give each a row of its own",
        )
    for i in sorted({*range(len(scans))} - {*kept}):
        problem = f"it is no repeat of the others: {apart}"
        faults.append(BadInput(scans[i].where, problem, OWN_ROW))
    return [scans[i] for i in kept]


def _read_file(path: Path, options: ScanReading, faults: list[BadInput]) -> list[Scan]:
    raw_scans = list_raw_scans(path, options)
    scans = []
    for raw in raw_scans:
        try:
            if raw.fault:
                raise BadInput(raw.where, raw.fault, "mend it, or choose others with read.mu")
            scans += _build_scans(raw, options)
        except BadInput as fault:
            # Of a file of several scans one may lack its columns; a file of one is that one.
            if len(raw_scans) == 1:
                raise
            faults.append(fault)
    longest = max((scan.energy.size for scan in scans), default=0)
    if longest > options.limits.points:
        problem = f"a scan has {longest} points"
        raise reading.make_limit_fault(path, problem, options.limits, "points")
    return scans


def list_raw_scans(path: Path, options: ScanReading) -> list[RawScan]:
    """Return the scans of a file with the columns as they are, those of a stack and of a
    monochromator that runs both ways one by one.

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
    scans = [one for raw in groups for one in split_stack(raw, options.energy)]
    return [
        one
        for raw in scans
        for one in split_passes(
            raw, find_column(raw, "energy", options.energy) or find_column(raw, "angle", "")
        )
    ]


def _select_groups(found: list[RawScan], path: Path, options: ScanReading) -> list[RawScan]:
    """Return the groups of a project that `mu` names, without one all but reference channels; the
    scans of a file of several that `scan` names; of other files the one scan."""
    if options.scan and "scan" in found[0].header:
        return _select_scans(found, path, options.scan)
    is_project = "label" in found[0].header
    if not is_project:
        return found
    if not options.mu:
        samples = [raw for raw in found if IS_REFERENCE not in raw.header]
        return samples or found
    wanted = [raw for raw in found if fnmatch.fnmatchcase(raw.header["label"], options.mu)]
    if not wanted:
        # A label may begin or end with blanks, which no sheet keeps.
        plain = options.mu.strip()
        wanted = [raw for raw in found if fnmatch.fnmatchcase(raw.header["label"].strip(), plain)]
    if not wanted:
        names = ", ".join(raw.header["label"] for raw in found)
        raise BadInput(path, f"no group named '{options.mu}'", f"set read.mu to one of: {names}")
    return wanted


def _select_scans(found: list[RawScan], path: Path, asked: str) -> list[RawScan]:
    """Return the scans whose numbers are asked for: ``3``, ``1,4``, ``2-5``, or ``2.1`` of a file
    that numbers the clocks of a scan, too."""
    wanted: set[int] = set()
    named: set[str] = set()
    for part in asked.split(","):
        numbers = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if re.fullmatch(r"\s*\d+\.\d+\s*", part):
            named.add(part.strip())
            continue
        if numbers is None:
            raise BadInput("xas.read.scan", f"'{asked}'", "give numbers such as 3, 1,4 or 2-5")
        first = int(numbers[1])
        wanted |= {*range(first, int(numbers[2] or first) + 1)}
    kept = [
        raw
        for raw in found
        if raw.header["scan"] in named or int(raw.header["scan"].partition(".")[0]) in wanted
    ]
    if not kept:
        there = ", ".join(raw.header["scan"] for raw in found)
        raise BadInput(path, f"no scan {asked}", f"set read.scan to some of: {there}")
    return kept


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
    raw, energy_name = _find_energy(raw, options)
    energy = raw.columns[energy_name]
    # Columns of another length belong to another axis.
    raw = replace(
        raw,
        columns={
            name: values for name, values in raw.columns.items() if values.shape == energy.shape
        },
    )
    remarks: list[str] = [*raw.remarks]
    energy, remark = _convert_energy(raw, energy_name, energy)
    remarks += remark
    options, remark = prefer_fluorescence(raw, energy, options)
    remarks += remark
    absorption = calculate_absorption(raw, options)
    remarks += absorption.remarks
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
            doubts=(*find_saturated_counters(raw, options), *absorption.doubts),
            eshift=eshift,
            start=read_start(raw, options.time),
            channel=read_channel(raw, options.channel),
            synthetic=int("synthetic" in raw.text.lower()),
        )
    )


def _find_energy(raw: RawScan, options: ScanReading) -> tuple[RawScan, str]:
    """Return the scan and the name of its energies, which are made from the angle of the
    monochromator where the file holds no others."""
    angle = None if options.energy else find_column(raw, "angle", "")
    energy = find_column(raw, "energy", options.energy)
    if energy is not None or angle is None:
        return raw, require_column(raw, "energy", options.energy)
    values = energy_from_angle(raw, angle, options.crystal)
    note = f"energies from the angle '{angle}' of the monochromator"
    columns = {**raw.columns, ENERGY_OF_ANGLE: values}
    return replace(raw, columns=columns, remarks=(*raw.remarks, note)), ENERGY_OF_ANGLE


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


def _convert_energy(raw: RawScan, name: str, energy: Array) -> tuple[Array, list[str]]:
    """Return energies in eV, and a remark where they were not."""
    stated = read_unit(raw, name)
    unit = find_unit(stated, Dimension.ENERGY) if stated else None
    # What stands in brackets is part of a name that is known, as in "Mono Energy (alt)".
    is_name = name.strip().lower() in NAMES["energy"]
    if stated and unit is None and not is_name:
        problem = f"the energy column '{name}' is in '{stated}', which is no energy"
        raise BadInput(raw.where, problem, "give eV or keV, or set read.energy to another column")
    if unit is None and np.nanmax(energy) < HIGHEST_KEV:
        unit = find_unit("keV", Dimension.ENERGY)
    if unit is None or unit.factor == 1.0:
        return energy, []
    return unit.convert(energy), [f"energy given in {unit.name}"]


def _find_element(raw: RawScan, options: ScanReading) -> tuple[str, str]:
    """Return element and edge, configured or by the header, empty where neither says."""
    header = raw.header
    stated = next((header[key] for key in ELEMENT_FIELDS if header.get(key)), "")
    stated_edge = next((header[key] for key in EDGE_FIELDS if header.get(key)), "")
    element = (options.element or stated).strip().capitalize()
    edge = (options.edge or stated_edge).strip().upper()
    # Other programs use these words for other things.
    return (element if element in ELEMENTS else ""), (edge if edge in EDGES else "")


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
    at = find_edge_place(energy, scan.mu)
    element, edge = _settle_element(scan, at, options)
    _refuse_gap_on_edge(scan, at)
    scan = _drop_useless_foil(scan, options)
    other = find_second_edge(energy, scan.mu, at, (element, edge))
    if other is not None:
        place = other[2] - BEFORE_EDGE
        note = f"{other[0]} {other[1]} edge at {other[2]:g} eV: used up to {place:.0f} eV"
        scan = cut_scan(scan, place, note)
        energy = scan.energy
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


def _refuse_gap_on_edge(scan: Scan, at: float) -> None:
    """Refuse a scan that lacks readings on its edge, as where the beam was lost there."""
    x = scan.energy[(scan.energy > at + ON_EDGE[0]) & (scan.energy < at + ON_EDGE[1])]
    if x.size < FEWEST_ON_EDGE:
        return
    steps = np.diff(x)
    widest = int(np.argmax(steps))
    before = scan.energy[scan.energy < x[widest]]
    # A grid that is coarse up to here lacks nothing.
    usual = float(x[widest] - before[-1]) if before.size else 0.0
    least = max(LEAST_GAP, GAP_IN_STEPS * float(np.median(steps)), WIDER * usual)
    if steps[widest] > least:
        problem = f"no readings from {x[widest]:.1f} to {x[widest + 1]:.1f} eV, on its edge"
        raise BadInput(scan.where, problem, "measure again: the beam or a counter was off there")


def _drop_useless_foil(scan: Scan, options: ScanReading) -> Scan:
    """Return the scan without a foil that was found by its column's name and shows no edge (one
    that was named is examined by the calibration), or whose counter jumps on its edge."""
    good = np.isfinite(scan.mu_foil)
    if good.sum() < MIN_POINTS:
        return scan
    energy, mu = scan.energy[good], remove_spikes(scan.mu_foil[good])
    at = find_steepest(energy, mu)
    step = measure_step(energy, mu, at)
    has_edge = step is not None and step[0] > max(FOIL_SIGMA * step[1], LEAST_FOIL)
    # A jump on the edge leaves a peak, which would be taken for a wild reading.
    jump = find_jump(energy, scan.mu_foil[good], at)
    if not has_edge and not options.foil:
        note = NO_EDGE
    elif jump and NEAR_FOIL_EDGE[0] < jump.energy - at < NEAR_FOIL_EDGE[1]:
        note = f"the foil's absorption jumps at {jump.energy:.1f} eV, on its edge: taken for none"
    else:
        return scan
    return replace(scan, mu_foil=np.full_like(scan.mu_foil, np.nan), notes=(*scan.notes, note))


def _settle_element(scan: Scan, at: float, options: ScanReading) -> tuple[str, str]:
    """Return element and edge of a scan whose edge is at `at` eV."""
    energy = scan.energy
    if not scan.element:
        return identify_edge(scan, at, options.edge_tolerance)
    element = scan.element
    edge = scan.edge or _choose_edge(element, at, (float(energy[0]), float(energy[-1])))
    guess = find_nearest_edge(at, options.edge_tolerance)
    expected = look_up_edge(element, edge)
    if expected is None:
        # An element without any edge is what some programs write where none is known (H K).
        is_meant = options.element or any(of == element for of, _ in list_edges())
        return (element, edge) if is_meant else identify_edge(scan, at, options.edge_tolerance)
    remedy = "correct read.element and read.edge, or the path"
    if not energy[0] < expected < energy[-1]:
        likely = find_nearest_edge(at)
        is_own = likely == (element, edge)
        looks = f"; it looks like {' '.join(likely)}" if likely and not is_own else ""
        span = f"{energy[0]:.0f}-{energy[-1]:.0f} eV"
        problem = f"the {element} {edge} edge ({expected:g} eV) is not in {span}{looks}"
        raise BadInput(scan.where, problem, remedy)
    if abs(at - expected) > options.edge_tolerance:
        looks = f" ({' '.join(guess)}?)" if guess else ""
        problem = f"its edge is at {at:.0f} eV{looks}, {element} {edge} would be at {expected:g} eV"
        raise BadInput(scan.where, problem, remedy)
    return element, edge


def _choose_edge(element: str, at: float, span: tuple[float, float]) -> str:
    """Return the edge of an element within a span that is nearest to where the scan rises [eV]; K
    where none is."""
    places = {edge: energy for (of, edge), energy in list_edges().items() if of == element}
    inside = [edge for edge, energy in places.items() if span[0] < energy < span[1]]
    return min(inside, key=lambda edge: abs(places[edge] - at), default="K")


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
            "start": [scan.start for scan in scans],
            "channel": [scan.channel for scan in scans],
        },
        {
            "element": first.element,
            "edge": first.edge,
            "mode": str(first.mode),
            "synthetic": max(scan.synthetic for scan in scans),
            "rebinned": int(any(scan.is_rebinned for scan in scans)),
            "set_aside": json.dumps(exclusions),
            "notes": json.dumps([*remarks, *doubts]),
            **{name: text for name, text in labels.items() if name in CARRIED},
        },
    )


def _pad_to(row: Array, size: int) -> Array:
    return np.pad(row, (0, size - row.size), constant_values=np.nan)
