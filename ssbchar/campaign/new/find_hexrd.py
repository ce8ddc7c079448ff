"""Series of patterns, images and calibrants in a folder as rows of the sample sheet."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ssbchar.campaign.new.phase_match import Peaks, find_peaks
from ssbchar.campaign.new.proposal import Findings, ProposedRow, make_name, name_folder
from ssbchar.campaign.new.raw_groups import FileGroup, find_common_begin
from ssbchar.campaign.new.wavelength import find_wavelengths
from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.describe import JOINED_BY_NAME, describe_temperatures
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.images.describe import describe_images
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.patterns.describe import DescribedPatterns, describe_patterns
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.patterns.read import AXIS_NOT_NAMED, UnknownWavelength

CALIBRANTS = ("CeO2", "LaB6", "Si", "Al2O3", "Cr2O3", "AgBh", "Ni", "ZnO", "TiO2", "NaCl")
"""Standards that a name may say, as pyFAI calls them."""
SAYS_CALIBRANT = re.compile(r"calib|standard|ceo2|lab6", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FirstPattern:
    """The peaks of the first pattern of a series, for the phases that it shows."""

    measurement: str
    peaks: Peaks
    wavelength: float
    """[angstrom]"""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What lies beside the measurements of a folder."""

    root: Path
    logs: Sequence[Path] = ()
    """Furnace logs."""
    companions: Sequence[Path] = ()
    """Calibrations, models and tables that may state a wavelength."""


@dataclass(frozen=True, kw_only=True)
class FramesOfLog:
    """What a furnace log is joined to."""

    names: Sequence[str]
    """Name of every file."""
    time: float
    """Of the first frame [s since 1970-01-01 UTC]; NaN where unknown."""
    temperature: float
    """Of the first frame by its file [degC]; NaN where unknown."""


def propose_series(
    group: FileGroup, beside: Surroundings, findings: Findings
) -> FirstPattern | None:
    """Add the row of a series of patterns; return its first pattern where the wavelength is known.

    Parameters
    ----------
    group : FileGroup
    beside : Surroundings
    findings : Findings
        The row is added here, or the reason why there is none.
    """
    cells = {"log": "", "phases": ""}
    questions: list[str] = []
    source = Path(group.source)
    described, known = _describe(source, group, beside, cells, questions)
    if described is None:
        findings.unused.append(f"{source}: {questions[-1]}")
        return None
    first = described.first
    if AXIS_NOT_NAMED in first.attrs.get("axis_source", ""):
        questions.append(
            "the files do not name their axis: it is taken as 2theta in degree; if it is not, set "
            "read.axis_unit"
        )
    temperature = float(first["temperature_header"].values[0])
    frames = FramesOfLog(
        names=described.names, time=float(first["time"].values[0]), temperature=temperature
    )
    log = choose_log(frames, group, beside.logs, questions)
    if log is not None:
        cells["log"] = log.as_posix()
    elif not np.isfinite(temperature) and len(group.paths) > 1:
        questions.append("no temperature is known: name the furnace's log in the column log")
    name = _name_group(group, beside.root, findings)
    findings.rows.append(_make_row(name, "series", group, cells, questions))
    if not known:
        return None
    usable = np.isfinite(first["intensity"].values[0])
    axis = first["two_theta"].values
    if usable.sum() < 100:
        return None
    peaks = find_peaks(axis, first["intensity"].values[0], first["intensity_stderr"].values[0])
    return FirstPattern(measurement=name, peaks=peaks, wavelength=float(first["wavelength"]))


def _describe(
    source: Path,
    group: FileGroup,
    beside: Surroundings,
    cells: dict[str, str],
    questions: list[str],
) -> tuple[DescribedPatterns | None, bool]:
    """Return what a series is and whether its wavelength is known; set the cell of a wavelength
    that is stated beside it."""
    try:
        return describe_patterns(source, PatternReading()), True
    except BadInput as fault:
        if not isinstance(fault, UnknownWavelength):
            questions.append(f"{fault.problem}; {fault.remedy}")
            return None, False
    stated = find_wavelengths(_sort_by_nearness(group.folder, beside.companions))
    if stated:
        cells["read.wavelength"] = stated[0].text
        others = ", ".join(f"{one.text} in {one.source}" for one in stated[1:])
        more = f"; other files state {others}: keep the calibrated one" if others else ""
        questions.append(f"wavelength {stated[0].text} A from {stated[0].source}{more}")
    else:
        cells["read.wavelength"] = ""
        questions.append("no file states the wavelength: write it into read.wavelength [angstrom]")
    value = stated[0].value if stated else 1.0
    try:
        return describe_patterns(source, PatternReading(wavelength=value)), bool(stated)
    except BadInput as fault:
        questions.append(f"{fault.problem}; {fault.remedy}")
        return None, False


def propose_images(groups: Iterable[FileGroup], beside: Surroundings, findings: Findings) -> None:
    """Add the rows of images and of their calibrants.

    Parameters
    ----------
    groups : iterable of FileGroup
    beside : Surroundings
    findings : Findings
    """
    measured: list[FileGroup] = []
    calibrants: list[FileGroup] = []
    for group in groups:
        text = f"{group.folder.name} {group.stem}"
        (calibrants if SAYS_CALIBRANT.search(text) else measured).append(group)
    names: dict[str, FileGroup] = {}
    for group in calibrants:
        row = _make_calibrant(group, beside, findings)
        names[row.measurement] = group
        findings.rows.append(row)
    for group in measured:
        images = _make_images(group, beside, findings, names)
        if images is not None:
            findings.rows.append(images)


def _make_calibrant(group: FileGroup, beside: Surroundings, findings: Findings) -> ProposedRow:
    text = f"{group.folder.name} {group.stem}".lower()
    compound = next((c for c in CALIBRANTS if c.lower() in text), "CeO2")
    cells = {"geometry.calibrant": compound} if compound != "CeO2" else {}
    geometries = [p for p in beside.companions if p.suffix.lower() == ".poni"]
    questions = []
    if geometries:
        nearest = _sort_by_nearness(group.folder, geometries)
        cells["geometry.poni"] = nearest[0].as_posix()
    if compound.lower() not in text:
        questions.append("the calibrant is taken as CeO2; if it is not, set geometry.calibrant")
    name = _name_group(group, beside.root, findings)
    return replace(_make_row(name, "calibrant", group, cells, questions), sample=compound)


def _make_images(
    group: FileGroup,
    beside: Surroundings,
    findings: Findings,
    calibrants: dict[str, FileGroup],
) -> ProposedRow | None:
    try:
        described = describe_images(Path(group.source), Integration())
    except BadInput as fault:
        findings.unused.append(f"{group.source}: {fault.problem}; {fault.remedy}")
        return None
    cells = {"log": "", "phases": "", "calibrant": ""}
    questions = ["phases are not proposed from images: name them in the column phases"]
    folders = {name: one.folder for name, one in calibrants.items()}
    if folders:
        nearest = _sort_by_nearness(group.folder, list(folders.values()))[0]
        cells["calibrant"] = next(name for name, folder in folders.items() if folder == nearest)
        if len(folders) > 1:
            questions.append(f"calibrants are {', '.join(folders)}: is it the right one?")
    else:
        questions.append("give a row of role calibrant and name it in the column calibrant")
    frames = FramesOfLog(
        names=described.names, time=described.time, temperature=described.temperature
    )
    log = choose_log(frames, group, beside.logs, questions)
    if log is not None:
        cells["log"] = log.as_posix()
    name = _name_group(group, beside.root, findings)
    return _make_row(name, "images", group, cells, questions)


def _make_row(
    name: str, role: str, group: FileGroup, cells: dict[str, str], questions: Sequence[str]
) -> ProposedRow:
    """Return the row of a measurement whose sample is called as itself."""
    return ProposedRow(
        measurement=name,
        sample=name,
        technique="hexrd",
        role=role,
        path=group.source,
        cells=cells,
        questions=tuple(questions),
    )


def choose_log(
    frames: FramesOfLog,
    group: FileGroup,
    logs: Sequence[Path],
    questions: list[str],
) -> Path | None:
    """Return the furnace log that belongs to a series: one that names its files, else one whose
    times hold its first frame, of several the one of its name and nearest.

    Parameters
    ----------
    frames : FramesOfLog
    group : FileGroup
    logs : sequence of Path
    questions : list of str
        What is open is added.
    """
    fitting: list[tuple[tuple[bool, int, int], Path]] = []
    refused = []
    for log in logs:
        try:
            joined = describe_temperatures(
                frames.names, log, Furnace(), time=frames.time, header=frames.temperature
            )
        except BadInput as fault:
            refused.append(f"{log}: {fault.problem}; {fault.remedy}")
            continue
        by_name = JOINED_BY_NAME in joined.said
        alike = max(
            len(find_common_begin([log.stem.lower(), word.lower()]))
            for word in (group.folder.name, group.stem)
        )
        fitting.append(((not by_name, -alike, _count_steps(group.folder, log)), log))
    if not fitting:
        # Of a log that fits no series its fault is the question.
        questions += refused if len(refused) == 1 else []
        return None
    fitting.sort()
    best, chosen = fitting[0]
    rivals = [str(log) for rank, log in fitting[1:] if rank[0] == best[0]]
    if rivals:
        questions.append(f"log {chosen} is taken by its name; {', '.join(rivals)} would fit, too")
    return chosen


def _name_group(group: FileGroup, root: Path, findings: Findings) -> str:
    folder = name_folder(group.folder, root)
    words = [folder] if group.is_whole_folder else [folder, group.stem]
    if group.stem and group.stem.lower().startswith(folder.lower()):
        words = [group.stem]
    return make_name(words, (row.measurement for row in findings.rows))


def _sort_by_nearness(folder: Path, paths: Sequence[Path]) -> list[Path]:
    """Return paths by how many steps they are from a folder."""
    return sorted(paths, key=lambda path: _count_steps(folder, path))


def _count_steps(folder: Path, path: Path) -> int:
    return len(Path(os.path.relpath(path, folder)).parts)
