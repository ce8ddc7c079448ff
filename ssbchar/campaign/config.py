"""The config of a run: which sample sheet, which phases, which departures from the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ssbchar.campaign import sample_sheet
from ssbchar.errors import BadConfig
from ssbchar.hexrd.options import ROLES as HEXRD_ROLES
from ssbchar.hexrd.options import Hexrd
from ssbchar.nmr.options import ROLES as NMR_ROLES
from ssbchar.nmr.options import Nmr
from ssbchar.results.options import Report
from ssbchar.runtime import options as opts
from ssbchar.runtime.options import Name, PathText
from ssbchar.xas.options import ROLES as XAS_ROLES
from ssbchar.xas.options import Xas

ROLES = {"hexrd": HEXRD_ROLES, "xas": XAS_ROLES, "nmr": NMR_ROLES}
"""The techniques and their roles in the sample sheet."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a config file can hold; what it leaves out keeps its default."""

    run: Name
    """Name of the run; results go to ``results/<run>/``."""
    samples: PathText
    """The sample sheet (tab-separated)."""
    phases: PathText = "config/phases/phases.yaml"
    """The phases file: name, CIF or cell, source and expansion of each candidate phase."""
    hexrd: Hexrd = field(default_factory=Hexrd)
    """Options of the diffraction steps."""
    xas: Xas = field(default_factory=Xas)
    """Options of the absorption steps."""
    nmr: Nmr = field(default_factory=Nmr)
    """Options of the NMR steps."""
    report: Report = field(default_factory=Report)
    """Options of the report."""


@dataclass(frozen=True, kw_only=True)
class ConfiguredRun:
    """A validated config with its rows."""

    config: Config
    rows: list[sample_sheet.Row]
    raw: Mapping[str, Any]
    """The config as plain data, as the file holds it."""

    def row(self, measurement: str) -> sample_sheet.Row:
        """Return the row of a measurement."""
        return next(r for r in self.rows if r.measurement == measurement)

    def options(self, stage: str, measurement: str = "", shared: str = "") -> dict[str, Any]:
        """Return the departures from the defaults of ``technique.stage`` (or ``report``), the row's
        own too.

        Parameters
        ----------
        stage : str
            The section of the config that the step's ``options`` are made of.
        measurement : str
            Its row may depart further.
        shared : str
            A section that several stages of the technique receive, ``nmr.regions`` say; its
            departures stand under its own name.
        """
        technique, _, name = stage.partition(".")
        if not name:
            return opts.find_departures(getattr(self.config, technique))
        layers = [self.raw.get(technique) or {}]
        if measurement:
            layers.append(self.row(measurement).options)
        kind = getattr(self.config, technique)
        built = opts.build_options(type(kind), opts.merge_layers(*layers), technique)
        found = opts.find_departures(getattr(built, name))
        if shared:
            section = shared.rpartition(".")[2]
            if departures := opts.find_departures(getattr(built, section)):
                found[section] = departures
        return found


def read_config(path: Path | str) -> ConfiguredRun:
    """Return the validated run of a config file.

    Raises
    ------
    BadConfig
        One line per fault, with the place and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise BadConfig([f"{path}: the config file does not exist; copy config/config.yaml"])
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", error)
        raise BadConfig([f"{path}{line}: no valid YAML ({problem}); correct it"]) from error
    return validate_config(raw or {}, str(path))


def validate_config(raw: Mapping[str, Any], place: str = "config") -> ConfiguredRun:
    """Return the validated run of a config given as plain data.

    Parameters
    ----------
    raw : mapping
        Content of a config file.
    place : str
        Where it comes from, for messages.

    Raises
    ------
    BadConfig
        One line per fault, with the place and the remedy.
    """
    if not isinstance(raw, Mapping):
        raise BadConfig([f"{place}: needs 'run:' and 'samples:' lines at the top level"])
    missing = [key for key in ("run", "samples") if key not in raw]
    if missing:
        raise BadConfig([f"{place}: '{key}' is missing; add it" for key in missing])
    try:
        config = opts.build_options(Config, raw, place)
    except ValueError as error:
        raise BadConfig(str(error).splitlines()) from error
    rows, faults = sample_sheet.read_sheet(config.samples, ROLES)
    faults += _check_phases(config, rows, place)
    for row in rows:
        faults += _check_row_options(config, raw, row)
    if faults:
        raise BadConfig(list(dict.fromkeys(faults)))
    return ConfiguredRun(config=config, rows=rows, raw=raw)


def _check_phases(config: Config, rows: Sequence[sample_sheet.Row], place: str) -> list[str]:
    """Return the faults of the phases that rows and options name."""
    standard = config.hexrd.stability.standard
    of_rows = [(row, name) for row in rows if (name := _read_own_standard(row))]
    if not standard and not of_rows and not any(row.phases for row in rows):
        return []
    path = Path(config.phases)
    if not path.is_file():
        return [f"{path}: the phases file does not exist; set 'phases' in the config"]
    known = list(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    faults = [
        f"{config.samples}:{row.line}: phase '{name}' is not in {path}; add it or correct it"
        for row in rows
        for name in sample_sheet.split_names(row.phases)
        if name not in known
    ]
    standards = [(f"{place}.hexrd", standard)] if standard else []
    standards += [(f"{config.samples}:{row.line}", name) for row, name in of_rows]
    faults += [
        f"{where}.stability.standard: phase '{name}' is not in {path}; "
        f"{opts.suggest_word(name, known)}"
        for where, name in standards
        if name not in known
    ]
    return faults


def _read_own_standard(row: sample_sheet.Row) -> str:
    """Return the internal standard that a row sets for itself; empty for none."""
    own = row.options.get("stability")
    name = own.get("standard") if isinstance(own, Mapping) else None
    return name if row.technique == "hexrd" and isinstance(name, str) else ""


def _check_row_options(config: Config, raw: Mapping[str, Any], row: sample_sheet.Row) -> list[str]:
    """Return the faults of the options that a row sets for itself."""
    if row.technique not in ROLES:
        return []
    merged = opts.merge_layers(raw.get(row.technique) or {}, row.options)
    kind = type(getattr(config, row.technique))
    try:
        opts.build_options(kind, merged, f"{config.samples}:{row.line}")
    except ValueError as error:
        return str(error).splitlines()
    return []
