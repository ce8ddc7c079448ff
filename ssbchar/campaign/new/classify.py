"""What a text or HDF5 file holds, by the readers that take it: patterns, scans or a furnace log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log import read_log
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.images.read import SUFFIXES as IMAGES
from ssbchar.hexrd.patterns.formats.recognise import HDF5
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.patterns.read import UnknownWavelength, read_patterns
from ssbchar.storage import atomic_write
from ssbchar.xas.scans.columns import find_column
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.read import list_raw_scans, read_scans

PLACEHOLDER = 1.0
"""Wavelength with which a pattern is read where none is known: what kind of file it is does not
depend on it [angstrom]."""
PATTERNS_ALONE = (".xy", ".xye", ".xyd", ".chi", ".fxye", ".fxy", ".gsas", ".gsa")
"""Endings that nothing else has."""
SCANS_ALONE = (".xdi", ".prj", ".nor", ".xmu", ".spec")
LARGEST_ANGLE = 180.0
"""An axis that goes beyond this is no angle [degree]."""
NAMES_ENERGY = re.compile(r"energy|\b[ek]?ev\b|mono", re.IGNORECASE)


class Kind(StrEnum):
    """What a file holds."""

    PATTERN = "pattern"
    SCAN = "scan"
    LOG = "log"
    IMAGE = "image"
    NOTHING = ""
    """No reader takes it."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """What a file holds, and what the readers said that do not take it."""

    kind: Kind
    faults: tuple[str, ...] = ()


def classify_file(path: Path) -> Classified:
    """Return what a file holds, by the readers that take it.

    Parameters
    ----------
    path : Path
        A regular file, no part of a Bruker experiment.
    """
    suffix = path.suffix.lower()
    if suffix in IMAGES and suffix not in HDF5:
        return Classified(kind=Kind.IMAGE)
    readers: list[tuple[Kind, Callable[[Path], Any]]] = [
        (Kind.SCAN, _read_as_scan),
        (Kind.LOG, _read_as_log),
        (Kind.PATTERN, _read_as_pattern),
    ]
    if suffix in PATTERNS_ALONE:
        readers = [(Kind.PATTERN, _read_as_pattern)]
    elif suffix in SCANS_ALONE:
        readers = [(Kind.SCAN, _read_as_scan)]
    elif suffix in HDF5:
        readers = [(Kind.PATTERN, _read_as_pattern), (Kind.SCAN, _read_as_scan)]
    faults = []
    for kind, read in readers:
        try:
            read(path)
            return Classified(kind=kind)
        except BadInput as fault:
            faults.append(f"as {kind}: {fault.problem}")
        except Exception as error:  # whatever a library raises on a file of another kind
            atomic_write.raise_machine_fault(error)
            faults.append(f"as {kind}: {type(error).__name__}")
    return Classified(kind=Kind.NOTHING, faults=tuple(faults))


def _read_as_pattern(path: Path) -> None:
    try:
        read_patterns(path, PatternReading())
    except UnknownWavelength:
        read_patterns(path, PatternReading(wavelength=PLACEHOLDER))


def _read_as_scan(path: Path) -> None:
    """Read a file as scans; refuse one whose axis may be an angle, a time or a temperature."""
    options = ScanReading()
    read_scans(path, options, {"role": "series"})
    raw = list_raw_scans(path, options)[0]
    if path.suffix.lower() in SCANS_ALONE:
        return
    name = find_column(raw, "energy", options.energy) or next(iter(raw.columns))
    if NAMES_ENERGY.search(name):
        return
    if max(raw.columns[name]) > LARGEST_ANGLE and not _is_log(path):
        return
    raise BadInput(path, "its axis is not named as an energy", "name the column")


def _is_log(path: Path) -> bool:
    try:
        _read_as_log(path)
    except BadInput:
        return False
    return True


def _read_as_log(path: Path) -> None:
    if read_log(path, Furnace(), needs_time=False).temperature.size < 2:
        raise BadInput(path, "has a single row", "give the whole log")
