"""The wavelength of a series from what lies beside it: a table of its frames, a calibration, or a
refinement of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log_table import read_table
from ssbchar.storage import reading
from ssbchar.units import Dimension, find_unit, split_label

SAME = 3e-5
"""Relative difference below which two wavelengths are the same: no beamline knows its own better
(`ssbchar.hexrd.patterns.read.CALIBRATED_TO`)."""
LARGEST = 4_000_000
"""Files above this size are none of those that state a wavelength [byte]."""
NUMBER = r"([\d.]+(?:[eE][-+]?\d+)?)"
STATEMENTS = {
    ".poni": (re.compile(rf"^\s*Wavelength:\s*{NUMBER}", re.M | re.I), 1e10),
    ".instprm": (re.compile(rf"^\s*Lam1?:\s*{NUMBER}", re.M), 1.0),
    ".imctrl": (re.compile(rf"^\s*wavelength:\s*{NUMBER}", re.M), 1.0),
    ".prm": (re.compile(rf"^INS\s+1\s*ICONS\s+{NUMBER}", re.M), 1.0),
    ".inp": (re.compile(rf"\bla\s+[@!]?\s*[\d.]+\s+lo\s+[@!]?\s*{NUMBER}"), 1.0),
}
"""What states the wavelength in calibrations of pyFAI, GSAS-II and GSAS, and in models of TOPAS,
and its unit in angstrom."""
COLUMN = re.compile(r"(wave\s*_?length|lambda)", re.I)


@dataclass(frozen=True, kw_only=True)
class StatedWavelength:
    """A wavelength that a file beside the patterns states."""

    text: str
    """As the file writes it, in angstrom."""
    source: Path

    @property
    def value(self) -> float:
        """[angstrom]"""
        return float(self.text)


def find_wavelengths(files: Sequence[Path]) -> list[StatedWavelength]:
    """Return the wavelengths that files beside the patterns state, each value once: calibrations
    first, then models, then tables.

    Parameters
    ----------
    files : sequence of Path
    """
    ranked: list[tuple[int, StatedWavelength]] = []
    kinds = list(STATEMENTS)
    for path in files:
        suffix = path.suffix.lower()
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue
        if suffix in STATEMENTS:
            found = _read_statement(path)
            ranked += [(kinds.index(suffix), found)] if found else []
        elif suffix in (".csv", ".tsv"):
            found = _read_column(path)
            ranked += [(len(kinds), found)] if found else []
    ranked.sort(key=lambda one: one[0])
    apart: list[StatedWavelength] = []
    for _, stated in ranked:
        if not any(abs(stated.value / other.value - 1) < SAME for other in apart):
            apart.append(stated)
    return apart


def _read_statement(path: Path) -> StatedWavelength | None:
    pattern, factor = STATEMENTS[path.suffix.lower()]
    with open(path, "rb") as handle:
        found = pattern.search(handle.read().decode("latin-1"))
    return _make(found[1], factor, path) if found else None


def _read_column(path: Path) -> StatedWavelength | None:
    """Return the wavelength of a table that has the same one in all its rows."""
    try:
        with reading.guard_reading(path):
            table = read_table(path)
    except BadInput:
        return None
    for name in map(str, table.columns.columns):
        label = split_label(name, Dimension.LENGTH)
        values = table.columns[name].dropna().unique()
        if COLUMN.search(label.name) and len(values) == 1:
            unit = find_unit(label.unit or table.units.get(name, ""), Dimension.LENGTH)
            # A length without a unit may be in nanometre.
            return _make(str(values[0]), unit.factor, path) if unit else None
    return None


def _make(text: str, factor: float, path: Path) -> StatedWavelength | None:
    """Return what was stated in angstrom, with the digits it was stated in."""
    try:
        value = float(text) * factor
    except ValueError:
        return None
    if not 0.01 < value < 5:
        return None
    shown = text if factor == 1.0 else f"{value:.8g}"
    return StatedWavelength(text=shown, source=path)
