"""What ``ssbchar check`` says: all faults of config, sheet, phases and raw files in one go, and
what was understood of each row."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssbchar.campaign import config as configs
from ssbchar.campaign.row import Row, split_names
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.phases_file import find_cif, find_feff_folder, read_entries
from ssbchar.description import Description, count_of
from ssbchar.errors import BadInput
from ssbchar.runtime import options as opts
from ssbchar.storage import atomic_write
from ssbchar.storage.raw_files import holds_files
from ssbchar.technique import Technique

REMEDY = "copy the file again, or report it with the file"


@dataclass(kw_only=True)
class CheckReport:
    """What a check found; filled row by row."""

    said: list[str] = field(default_factory=list)
    """What was understood, one line per row."""
    faults: list[str] = field(default_factory=list)
    """All that is wrong, one line each."""
    measurements: dict[str, Description] = field(default_factory=dict)
    """What was understood of each measurement, by name."""

    def add(self, place: str, described: Description) -> None:
        """Add what was understood, and below it what is assumed or left out."""
        self.said.append(f"{place}: {described.said}")
        self.said += [f"    mind: {doubt}" for doubt in described.doubts]

    def add_fault(self, text: str) -> None:
        """Add a fault, each once."""
        if text not in self.faults:
            self.faults.append(text)


def check_campaign(path: Path | str, *, quick: bool = False) -> CheckReport:
    """Check a config, its sheet, and what they name; run nothing.

    Parameters
    ----------
    path : path
        The config file.
    quick : bool
        Open no raw file and no CIF.

    Returns
    -------
    CheckReport
    """
    examined = configs.examine_config(path, look=not quick)
    report = CheckReport(faults=[*examined.faults, *examined.list_row_faults()])
    report.said += examined.sheet.notes if examined.run is None else examined.run.notes
    if not quick:
        _check_phases(examined, report)
        for row in examined.sheet.rows:
            _check_row(row, examined, report)
    rows = examined.sheet.rows
    counts = {t: sum(row.technique == t for row in rows) for t in configs.ROLES}
    listed = ", ".join(f"{count} {technique}" for technique, count in counts.items() if count)
    if report.faults:
        report.said.append(f"{path}: {count_of(len(report.faults), 'fault')}, listed below")
    else:
        report.said.append(f"{path}: good; {listed} measurements")
    return report


def _check_phases(examined: configs.ExaminedConfig, report: CheckReport) -> None:
    """Open every phase of the phases file, if rows name any."""
    rows = [row for row in examined.sheet.rows if row.phases]
    if not rows:
        return
    table = configs.find_phases(examined.raw)
    hexrd = _build_options("hexrd", {}, examined)
    options = hexrd.phases if hexrd else ReflectionListing()
    try:
        entries = read_entries(table)
    except BadInput:
        return  # said by the config's own check
    of_scans = {
        name for row in rows if row.technique == Technique.XAS for name in split_names(row.phases)
    }
    for name, entry in entries.items():
        place = f"{table} {name}"
        describe = functools.partial(_describe_phase, table, name, options)
        described = _try(report, place, table, describe)
        if described:
            report.add(place, described)
        folder = find_feff_folder(table, entry)
        if name in of_scans and folder is not None:
            found = _try(report, place, folder, _describe_paths, folder)
            if found:
                report.add(place, found)


def _describe_phase(table: Path, name: str, options: ReflectionListing) -> Description:
    from ssbchar.crystal.reflections import tabulate_reflections

    made = tabulate_reflections(table, options, {"phase": name})
    cell = ", ".join(f"{value:.5g}" for value in made.attrs["cell"])
    cif = find_cif(table, read_entries(table)[name])
    origin = f" from {cif.name}" if cif else ""
    return Description(
        said=f"{made.attrs['space_group'] or 'listed operations'} ({cell}){origin}, "
        f"{made.sizes['reflection']} reflections",
        doubts=tuple(json.loads(made.attrs.get("notes", "[]"))),
    )


def _describe_paths(folder: Path) -> Description:
    from ssbchar.xas.paths.feff import read_folder

    count = count_of(read_folder(folder).sizes["path"], "path")
    return Description(said=f"{count} of FEFF in {folder}")


def _check_row(row: Row, examined: configs.ExaminedConfig, report: CheckReport) -> None:
    """Open the first file of a row and describe it; faults and doubts go into the report."""
    describe = DESCRIBERS.get((row.technique, row.role)) or DESCRIBERS.get((row.technique, ""))
    if describe is None or not holds_files(row.path) or (row.log and not os.path.isfile(row.log)):
        return  # said by the sheet's own check
    options = _build_options(row.technique, row.options, examined)
    if options is None:
        return  # so are wrong options
    place = f"{examined.raw.get('samples')}:{row.line} {row.measurement}"
    described = _try(report, place, Path(row.path), describe, row, options)
    if described:
        report.measurements[row.measurement] = described
        report.add(f"{place} ({row.technique} {row.role})", described)


def _build_options(technique: str, own: Mapping[str, Any], examined: configs.ExaminedConfig) -> Any:
    """Return the options of a technique with those of a row; None where they are at fault."""
    shared = examined.raw.get(technique)
    layers = [shared, own] if isinstance(shared, Mapping) else [own]
    try:
        return opts.build_options(configs.KINDS[technique], opts.merge_layers(*layers))
    except ValueError:
        return None


def _try(
    report: CheckReport,
    place: str,
    source: Path,
    describe: Callable[..., Description],
    *arguments: Any,
) -> Description | None:
    """Return a description; None, and a fault in the report, where the files cannot be used."""
    try:
        return describe(*arguments)
    except BadInput as fault:
        report.add_fault(f"{place}: {fault}")
    except Exception as error:  # whatever a library raises on a damaged file
        atomic_write.raise_machine_fault(error)
        words = " ".join(str(error).split())[:120]
        unforeseen = BadInput(source, f"cannot be read ({type(error).__name__}: {words})", REMEDY)
        report.add_fault(f"{place}: {unforeseen}")
    return None


def _describe_series(row: Row, options: Any) -> Description:
    from ssbchar.hexrd.furnace.describe import describe_temperatures
    from ssbchar.hexrd.patterns.describe import describe_patterns

    found = describe_patterns(Path(row.path), options.read)
    first = found.first
    temperatures = describe_temperatures(
        found.names,
        Path(row.log) if row.log else None,
        options.furnace,
        time=float(first["time"].values[0]),
        header=float(first["temperature_header"].values[0]),
        header_source=first.attrs.get("temperature_source", "headers"),
    )
    return _join([found.about, temperatures])


def _describe_images(row: Row, options: Any) -> Description:
    from ssbchar.hexrd.furnace.describe import describe_temperatures
    from ssbchar.hexrd.images.describe import describe_images

    found = describe_images(Path(row.path), options.integrate)
    temperatures = describe_temperatures(
        found.names,
        Path(row.log) if row.log else None,
        options.furnace,
        time=found.time,
        header=found.temperature,
    )
    geometry = Description(said=f"geometry and wavelength of {row.calibrant or 'no calibrant'}")
    return _join([found.about, geometry, temperatures])


def _describe_specimen(row: Row, options: Any) -> Description:
    """Return what was understood of a specimen: images where a calibrant is named."""
    return _describe_images(row, options) if row.calibrant else _describe_series(row, options)


def _describe_calibrant(row: Row, options: Any) -> Description:
    from ssbchar.hexrd.calibration.describe import describe_calibrant

    return describe_calibrant(Path(row.path), options.geometry)


def _describe_scans(row: Row, options: Any) -> Description:
    from ssbchar.xas.scans.describe import describe_scans

    return describe_scans(Path(row.path), options.read, row.role)


def _describe_experiment(row: Row, options: Any) -> Description:
    from ssbchar.nmr.bruker.describe import describe_experiment

    return describe_experiment(Path(row.path), options.read, row.role)


def _join(parts: Sequence[Description]) -> Description:
    return Description(
        said=", ".join(part.said for part in parts),
        doubts=tuple(doubt for part in parts for doubt in part.doubts),
    )


DESCRIBERS: dict[tuple[str, str], Callable[[Row, Any], Description]] = {
    ("hexrd", "series"): _describe_series,
    ("hexrd", "images"): _describe_images,
    ("hexrd", "pristine"): _describe_specimen,
    ("hexrd", "cycled"): _describe_specimen,
    ("hexrd", "calibrant"): _describe_calibrant,
    ("xas", ""): _describe_scans,
    ("nmr", ""): _describe_experiment,
}
"""What describes the files of a row, by technique and role; an empty role stands for all."""
